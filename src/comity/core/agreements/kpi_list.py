"""A list of KPIs as people keep one in a spreadsheet, read into clauses: all of it, or nothing and every reason.

Columns are told by their headers, in English or Spanish. A cell that can mean two things is not guessed: 0.5 under a
header that says per cent, 01/02/2026, or a mark of 4.2 where shares are counted. Each such cell is a `RowProblem` with
its sheet, row, column and value; the words of its next step are the reader's, and made where it is shown.
"""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum

from comity.core.agreements.clauses import check_fields
from comity.core.agreements.fields import Value, plain_decimal
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import HIGHER, LOWER, MEASURES, Kpi
from comity.core.kpi_templates import THRESHOLDS
from comity.core.levels import COUNT, SECONDS, SHARE, unit
from comity.core.values import Side

MOST_KPIS = 200
HEADER_SEARCH = 50  # rows that are looked at for the header
_LEAST_COLUMNS = 2  # of a row, to be taken for a header
_HUNDRED = Decimal(100)
_MOST_DIGITS = 15
_LAST_MARK = Decimal(10)
_EVERYTHING = "*"


class Column(StrEnum):
    """What a column holds."""

    NAME = "name"
    MEASURE = "measure"
    TARGET = "target"
    DIRECTION = "direction"
    QUEUE = "queue"
    CHANNEL = "channel"
    QUEUE_OR_CHANNEL = "queue_or_channel"
    THRESHOLD = "threshold"
    OWNER = "owner"  # at the side of whoever drafts
    CUSTOMER_OWNER = "customer_owner"
    PROVIDER_OWNER = "provider_owner"
    WHY = "why"
    VALID_FROM = "valid_from"


# By language: what a column is called; the first name is what the file to fill in has.
HEADERS: Mapping[Column, Mapping[str, tuple[str, ...]]] = {
    Column.NAME: {"en": ("Name", "KPI", "Indicator", "Title"), "es": ("Nombre", "Indicador", "Título")},
    Column.MEASURE: {
        "en": ("Measure", "Metric", "What is measured", "Definition"),
        "es": ("Medida", "Métrica", "Qué se mide", "Definición"),
    },
    Column.TARGET: {
        "en": ("Target", "Goal", "Objective", "Target value"),
        "es": ("Objetivo", "Meta", "Valor objetivo"),
    },
    Column.DIRECTION: {
        "en": ("Direction", "Better", "At least or at most", "Min or max", "Min/max"),
        "es": ("Sentido", "Dirección", "Mejor", "Mínimo o máximo", "Mín/máx"),
    },
    Column.QUEUE: {"en": ("Queue", "Queues", "Service", "Skill"), "es": ("Cola", "Colas", "Servicio")},
    Column.CHANNEL: {"en": ("Channel", "Channels"), "es": ("Canal", "Canales")},
    Column.QUEUE_OR_CHANNEL: {
        "en": ("Queue or channel", "Queue/channel", "Queue / channel"),
        "es": ("Cola o canal", "Cola/canal", "Cola / canal"),
    },
    Column.THRESHOLD: {
        "en": ("Threshold", "Threshold seconds", "Threshold in seconds", "Answer within", "Within"),
        "es": ("Umbral", "Umbral en segundos", "Umbral segundos", "Segundos", "En menos de"),
    },
    Column.OWNER: {"en": ("Owner", "Responsible", "Accountable"), "es": ("Responsable", "Encargado")},
    Column.CUSTOMER_OWNER: {
        "en": ("Owner at the customer", "Customer owner"),
        "es": ("Responsable del cliente", "Responsable en el cliente"),
    },
    Column.PROVIDER_OWNER: {
        "en": ("Owner at the provider", "Provider owner"),
        "es": ("Responsable del proveedor", "Responsable en el proveedor"),
    },
    Column.WHY: {"en": ("Why", "Reason", "Purpose", "Outcome"), "es": ("Por qué", "Motivo", "Finalidad", "Para qué")},
    Column.VALID_FROM: {
        "en": ("Valid from", "In force from", "From", "Start"),
        "es": ("Válido desde", "En vigor desde", "Vigente desde", "Desde", "Inicio"),
    },
}
IN_FILE = tuple(one for one in Column if one not in {Column.QUEUE_OR_CHANNEL, Column.OWNER})  # of the file to fill in
# Of measures, beside the names that a reader's words have for them.
_MEASURE_NAMES: Mapping[str, str] = {
    "asa": "wait_mean", "average speed of answer": "wait_mean", "average wait": "wait_mean", "tme": "wait_mean",
    "aht": "handle_time", "average handle time": "handle_time", "tmo": "handle_time",
    "abandonment rate": "abandonment", "abandon rate": "abandonment", "tasa de abandono": "abandonment",
    "net promoter score": "nps", "satisfaction": "csat", "customer satisfaction": "csat", "satisfacción": "csat",
    "satisfacción del cliente": "csat", "customer effort score": "ces", "mttr": "time_to_resolve",
    "reopen rate": "reopen", "reaperturas": "reopen", "wape": "forecast_wape",
    "repeat calls": "repeat_contact", "rellamadas": "repeat_contact", "turnover": "attrition",
}  # fmt: skip
_CHANNELS: Mapping[str, str] = {
    **dict.fromkeys(
        ("voice", "phone", "telephone", "call", "calls", "voz", "teléfono", "llamada", "llamadas"), "voice"
    ),
    **dict.fromkeys(("chat", "chats"), "chat"),
    **dict.fromkeys(("mail", "mails", "email", "emails", "e-mail", "correo", "correos", "correo electrónico"), "mail"),
    **dict.fromkeys(("ticket", "tickets", "tique", "tiques"), "ticket"),
    **dict.fromkeys(("visit", "visits", "visita", "visitas"), "visit"),
}
_ALL = frozenset({"*", "all", "any", "todas", "todos", "todo", "toda"})
_DIRECTIONS: Mapping[str, str] = {
    **dict.fromkeys(
        (">", ">=", "≥", "=>", "at least", "min", "min.", "minimum", "higher", "higher is better", "up", "more",
         "al menos", "mín", "mín.", "mínimo", "como mínimo", "mayor", "más", "más es mejor", "mayor es mejor"),
        HIGHER,
    ),
    **dict.fromkeys(
        ("<", "<=", "≤", "=<", "at most", "max", "max.", "maximum", "lower", "lower is better", "down", "less",
         "como máximo", "máx", "máx.", "máximo", "a lo sumo", "menor", "menos", "menos es mejor", "menor es mejor"),
        LOWER,
    ),
}  # fmt: skip
_SIGN = re.compile(r"^(>=|<=|=>|=<|≥|≤|>|<)\s*(?P<rest>.+)$")
_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}[.,]\d{3}")  # one and a half, or fifteen hundred
_PER_CENT = re.compile(r"(?P<number>\S+?)\s*(?:%|per cent|percent|por ciento|pct)")
_AND_SECONDS = re.compile(
    r"(?P<share>\d{1,3})(?:\s*%)?\s*/\s*(?P<seconds>\d{1,5})(?:\s*(?:s|sec|seconds|seg|segundos))?"
)
_MEAN = re.compile(r"(?:mean|average|media|ø)\s*(?P<number>\S+)|(?P<number_before>\S+)\s*(?:mean|average|media)")
_CLOCK = re.compile(r"(?P<h>\d+):(?P<m>[0-5]\d):(?P<s>[0-5]\d)")
_DURATION = re.compile(
    r"(?P<number>\S+?)\s*(?:(?P<s>s|sec|secs|second|seconds|seg|segundo|segundos)|(?P<m>m|min|mins|minute|minutes|minuto"
    r"|minutos)|(?P<h>h|hour|hours|hora|horas)|(?P<d>d|day|days|día|días))"
)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DAY = re.compile(r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?:[ T]00:00(?::00)?)?")
_OTHER_DAY = re.compile(r"(?P<one>\d{1,2})[./-](?P<two>\d{1,2})[./-](?P<year>\d{4})")
_MONTHS = 12
_ERROR = re.compile(r"#(?:REF!|VALUE!|DIV/0!|NAME\?|NUM!|NULL!|N/A|SPILL!|CALC!|GETTING_DATA|ERROR!)")
_SPLIT = re.compile(r"[;\n\r]+")


class Fault(StrEnum):
    """What is wrong with a cell, a row or a file; each has its next step in the reader's words."""

    NO_HEADER = "no_header"
    TWO_COLUMNS = "two_columns"
    TOO_MANY = "too_many"
    NO_ROWS = "no_rows"
    NO_HEADING = "no_heading"  # a cell to the right of the last header
    FORMULA_ERROR = "formula_error"
    NO_MEASURE = "no_measure"
    MEASURE = "measure"
    NUMBER = "number"
    SHARE = "share"
    SHARE_OR_PER_CENT = "share_or_per_cent"
    MARK = "mark"
    SECONDS = "seconds"
    DIRECTION = "direction"
    AGAINST = "against"  # the direction says another than the sign before the target
    THRESHOLD = "threshold"
    NO_THRESHOLD = "no_threshold"
    TWO_THRESHOLDS = "two_thresholds"
    DAY = "day"
    WHICH_DAY = "which_day"  # several days are named, and this row names none
    TWICE = "twice"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What cannot be read.

    :ivar sheet: empty for a text
    :ivar row: as a spreadsheet shows it; 0: the whole sheet
    :ivar column: the header as it is written; empty: the whole row
    :ivar value: as it is written, cut to 60 characters
    :ivar names: what its sentence fills in
    """

    fault: Fault
    sheet: str = ""
    row: int = 0
    column: str = ""
    value: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SheetRows:
    """A sheet as rows of texts, each with the number that a spreadsheet shows."""

    name: str
    rows: Sequence[tuple[int, Sequence[str]]]


@dataclass(frozen=True, slots=True)
class ListedKpi:
    """One row as fields of a clause of kind `kpi`, in the form in which they are kept.

    :ivar first_day: from which it is to hold; None where the row says nothing
    """

    sheet: str
    row: int
    fields: Mapping[str, Value]
    first_day: date | None = None


@dataclass(frozen=True, slots=True)
class KpiList:
    """What was read of a file.

    :ivar kpis: in the order of the file; empty where anything is wrong
    :ivar unread_columns: headers that no field of a KPI has, by sheet
    :ivar unread_sheets: names of sheets without a header of KPIs
    """

    kpis: tuple[ListedKpi, ...] = ()
    problems: tuple[RowProblem, ...] = ()
    unread_columns: tuple[tuple[str, str], ...] = ()
    unread_sheets: tuple[str, ...] = ()


@dataclass(slots=True)
class _Row:
    """A row being read: its cells by column, and what was found wrong so far."""

    sheet: str
    number: int
    headers: Mapping[Column, str]
    cells: Mapping[Column, str]
    problems: list[RowProblem] = field(default_factory=list)

    def text(self, column: Column) -> str:
        return self.cells.get(column, "")

    def wrong(self, fault: Fault, column: Column | None = None, *names: str) -> None:
        header = "" if column is None else self.headers.get(column, "")
        value = "" if column is None else self.text(column)[:60]
        self.problems.append(RowProblem(fault, self.sheet, self.number, header, value, names))


def read_kpis(sheets: Sequence[SheetRows], own_side: Side, measures: Mapping[str, str]) -> KpiList:
    """Read all sheets that have a header of KPIs.

    :param own_side: whose owner a column without a side names
    :param measures: names of measures in the words of readers -> measure
    """
    known = {_plain(name): measure for name, measure in measures.items()}
    known = {_plain(name): measure for name, measure in _MEASURE_NAMES.items()} | known
    known |= {_plain(measure): measure for measure in MEASURES} | {
        _plain(measure.replace("_", " ")): measure for measure in MEASURES
    }
    kpis: list[ListedKpi] = []
    problems: list[RowProblem] = []
    columns: list[tuple[str, str]] = []
    unread: list[str] = []
    for sheet in sheets:
        place = _header(sheet)
        if place is None:
            unread += [sheet.name] if sheet.rows else []
            continue
        found, wrong, ignored = _rows(sheet, place)
        columns += [(sheet.name, header) for header in ignored]
        problems += wrong
        for row in found:
            kpi = _kpi(row, own_side, known)
            problems += row.problems
            if kpi is not None and not row.problems:
                kpis.append(kpi)
    if len(unread) == sum(bool(sheet.rows) for sheet in sheets):
        return KpiList(problems=(RowProblem(Fault.NO_HEADER),))
    problems += _together(kpis)
    if not kpis and not problems:
        problems = [RowProblem(Fault.NO_ROWS)]
    if len(kpis) > MOST_KPIS:
        problems = [RowProblem(Fault.TOO_MANY, names=(str(MOST_KPIS),))]
    return KpiList(() if problems else tuple(kpis), tuple(problems), tuple(columns), tuple(unread))


def _together(kpis: Sequence[ListedKpi]) -> list[RowProblem]:
    """What is wrong with rows beside each other: the same KPI twice, and days of which some name none."""
    problems: list[RowProblem] = []
    seen: dict[tuple[object, ...], ListedKpi] = {}
    for kpi in kpis:
        key = identity(kpi.fields)
        if key in seen:
            first = seen[key]
            names = (first.sheet, str(first.row))
            problems.append(RowProblem(Fault.TWICE, kpi.sheet, kpi.row, names=names))
        seen.setdefault(key, kpi)
    if len({kpi.first_day for kpi in kpis} - {None}) > 1:
        problems += [RowProblem(Fault.WHICH_DAY, kpi.sheet, kpi.row) for kpi in kpis if kpi.first_day is None]
    return problems


def identity(fields: Mapping[str, object]) -> tuple[object, ...]:
    """Return what tells one KPI from another: its measure, and whose contacts it counts."""
    sets = (fields.get(name) for name in ("queues", "channels"))
    return (fields.get("measure"), *(tuple(one) if isinstance(one, list) else (_EVERYTHING,) for one in sets))


def _header(sheet: SheetRows) -> int | None:
    """Return the place of the row that bears most of the headers; None where none bears two and says what is meant."""
    best, place = 0, None
    for at, (_, cells) in enumerate(sheet.rows[:HEADER_SEARCH]):
        found = {column for cell in cells if (column := _column(cell)) is not None}
        if len(found) > best and len(found) >= _LEAST_COLUMNS and found & {Column.NAME, Column.MEASURE}:
            best, place = len(found), at
    return place


def _column(header: str) -> Column | None:
    return _BY_HEADER.get(_plain(re.sub(r"[(\[][^)\]]*[)\]]", " ", header).replace("%", " ").rstrip(" *:")))


def _plain(text: str) -> str:
    """A text as it is compared: without accents, signs of width, and differences of case or blanks."""
    apart = unicodedata.normalize("NFKD", text)
    return " ".join("".join(one for one in apart if not unicodedata.combining(one)).casefold().split())


_BY_HEADER = {_plain(name): column for column, names in HEADERS.items() for of in names.values() for name in of}
_CHANNEL_BY_NAME = {_plain(name): channel for name, channel in _CHANNELS.items()}
_DIRECTION_BY_NAME = {_plain(name): direction for name, direction in _DIRECTIONS.items()}


def _rows(sheet: SheetRows, place: int) -> tuple[list[_Row], list[RowProblem], list[str]]:
    """Return the rows below a header, what is wrong with the header, and the headers that nothing reads."""
    number, cells = sheet.rows[place]
    headers: dict[Column, str] = {}
    at: dict[Column, int] = {}
    problems: list[RowProblem] = []
    ignored: list[str] = []
    for position, cell in enumerate(cells):
        column, shown = _column(cell), " ".join(cell.split())
        if column is None:
            ignored += [shown] if shown else []
        elif column in at:
            problems.append(RowProblem(Fault.TWO_COLUMNS, sheet.name, number, shown, names=(headers[column], shown)))
        else:
            headers[column], at[column] = shown, position
    found = []
    for below, texts in sheet.rows[place + 1 :]:
        row = _Row(sheet.name, below, headers, {one: texts[to].strip() for one, to in at.items() if to < len(texts)})
        if not any(row.cells.values()):
            continue  # holds nothing that is read
        if any(texts[to].strip() for to in range(len(cells), len(texts))):
            extra = next(texts[to].strip() for to in range(len(cells), len(texts)) if texts[to].strip())
            problems.append(RowProblem(Fault.NO_HEADING, sheet.name, below, value=extra[:60]))
        found.append(row)
    return found, problems, ignored


def _kpi(row: _Row, own_side: Side, measures: Mapping[str, str]) -> ListedKpi | None:
    for column, text in row.cells.items():
        if _ERROR.fullmatch(text):
            row.wrong(Fault.FORMULA_ERROR, column)
    if row.problems:
        return None
    measure = _measure(row, measures)
    if measure is None:
        return None
    written: dict[str, object] = {"measure": measure}
    written |= _target(row, measure)
    written |= _threshold(row, measure, written)
    written |= _whose(row)
    if measures.get(_plain(row.text(Column.NAME))) != measure:
        written["title"] = row.text(Column.NAME)
    written["outcome"] = row.text(Column.WHY)
    for side, column in ((Side.CUSTOMER, Column.CUSTOMER_OWNER), (Side.PROVIDER, Column.PROVIDER_OWNER)):
        plain = row.text(Column.OWNER) if side is own_side else ""
        written[f"{side}_owner"] = row.text(column) or plain
    first_day = _day(row)
    fields, problems = check_fields("", Kind.KPI, written)
    for problem in [] if row.problems else problems:
        row.wrong(Fault.FIELD, _COLUMN_OF.get(problem.field.partition("[")[0]), problem.expected)
    return ListedKpi(row.sheet, row.number, fields, first_day)


_COLUMN_OF = {
    "title": Column.NAME, "measure": Column.MEASURE, "target": Column.TARGET, "better": Column.DIRECTION,
    "queues": Column.QUEUE, "channels": Column.CHANNEL, "answer_within_s": Column.THRESHOLD,
    "within_days": Column.THRESHOLD, "outcome": Column.WHY, "customer_owner": Column.CUSTOMER_OWNER,
    "provider_owner": Column.PROVIDER_OWNER,
}  # fmt: skip


def _measure(row: _Row, measures: Mapping[str, str]) -> str | None:
    """The measure that a row names, or else the one that its name says."""
    said = row.text(Column.MEASURE)
    column = Column.MEASURE if said else Column.NAME
    found = measures.get(_plain(said or row.text(Column.NAME)))
    if found is None and not row.text(column):
        row.wrong(Fault.NO_MEASURE)
    elif found is None:
        row.wrong(Fault.MEASURE, column)
    return found


def _target(row: _Row, measure: str) -> dict[str, object]:
    """Target, which way is better, and what a cell such as `80/20` or `mean 4.2` says beside."""
    text, better = row.text(Column.TARGET).replace("\u00a0", " "), None
    signed = _SIGN.match(text)
    if signed is not None:
        text, better = signed["rest"].strip(), _DIRECTION_BY_NAME[_plain(signed[1])]
    said = row.text(Column.DIRECTION)
    direction = _DIRECTION_BY_NAME.get(_plain(said)) if said else None
    if said and direction is None:
        row.wrong(Fault.DIRECTION, Column.DIRECTION)
    if better is not None and direction is not None and better != direction:
        row.wrong(Fault.AGAINST, Column.DIRECTION, row.text(Column.TARGET))
    written: dict[str, object] = {"better": better or direction}
    if not text:
        return written
    both = _AND_SECONDS.fullmatch(text.lower())
    if both is not None and measure == "service_level":
        return written | {
            "target": plain_decimal(Decimal(both["share"]) / _HUNDRED),
            "answer_within_s": both["seconds"],
        }
    mean = _MEAN.fullmatch(text.lower())
    if mean is not None and MEASURES[measure].on_scale:
        written["formula"] = "mean"
        text = mean["number"] or mean["number_before"]
    number = _in_unit(row, text, Kpi("", measure, formula=str(written.get("formula", "top2"))))
    return written | ({} if number is None else {"target": plain_decimal(number)})


def _in_unit(row: _Row, text: str, kpi: Kpi) -> Decimal | None:
    """The target in the unit of its measure; None where it is wrong, which the row then says."""
    counted = unit(kpi)
    if counted == SHARE:
        return _share(row, text, kpi)
    if counted == SECONDS:
        seconds = _seconds(text)
        if seconds is None:
            row.wrong(Fault.SECONDS, Column.TARGET)
        return seconds
    number = _number(text)
    if number is None or (counted == COUNT and number < 0):
        row.wrong(Fault.NUMBER, Column.TARGET)
    return number


def _share(row: _Row, text: str, kpi: Kpi) -> Decimal | None:
    """A share: 80 %, 80 or 0.8; nothing that could be two of them."""
    per_cent = _PER_CENT.fullmatch(text.lower())
    number = _number(per_cent["number"] if per_cent is not None else text)
    if number is None or number < 0 or number > _HUNDRED:
        row.wrong(Fault.SHARE, Column.TARGET)
        return None
    if per_cent is not None:
        return number / _HUNDRED
    says_per_cent = "%" in row.headers.get(Column.TARGET, "")
    if number == 0:
        return number
    if number == 1 or (says_per_cent and number < 1):
        row.wrong(Fault.SHARE_OR_PER_CENT, Column.TARGET, text)
        return None
    if MEASURES[kpi.measure].on_scale and not says_per_cent and 1 < number <= _LAST_MARK:
        row.wrong(Fault.MARK, Column.TARGET, text)
        return None
    return number if number < 1 else number / _HUNDRED


def _number(text: str) -> Decimal | None:
    """A number with a point or a comma; None for none, and where the sign could part thousands."""
    text = text.replace(" ", "").replace("\u00a0", "").replace("\u202f", "").replace("\u2212", "-")
    if not _NUMBER.fullmatch(text) or _THOUSANDS.fullmatch(text):
        return None
    number = Decimal(text.replace(",", "."))
    digits = number.as_tuple().digits
    return number if len(digits) <= _MOST_DIGITS else Decimal(f"{float(number):.12g}")  # the rest of a computed float


def _seconds(text: str, usual: str = "s") -> Decimal | None:
    """A span of time in seconds; a bare number is in the usual unit."""
    clock = _CLOCK.fullmatch(text)
    if clock is not None:
        return Decimal(int(clock["h"]) * 3600 + int(clock["m"]) * 60 + int(clock["s"]))
    said = _DURATION.fullmatch(text.lower())
    number = _number(text if said is None else said["number"])
    if number is None or number < 0:
        return None
    name = usual if said is None else next(one for one in _UNITS if said[one])
    return number * _UNITS[name]


def _threshold(row: _Row, measure: str, target: Mapping[str, object]) -> dict[str, object]:
    text, name = row.text(Column.THRESHOLD), THRESHOLDS.get(measure)
    if not text:
        return {}
    if name is None:
        row.wrong(Fault.NO_THRESHOLD, Column.THRESHOLD)
        return {}
    if name == "answer_within_s":
        seconds = _seconds(text)
        if seconds is None:
            row.wrong(Fault.SECONDS, Column.THRESHOLD)
            return {}
        if name in target and Decimal(str(target[name])) != seconds:
            row.wrong(Fault.TWO_THRESHOLDS, Column.THRESHOLD, row.text(Column.TARGET))
        return {name: plain_decimal(seconds)}
    days = _seconds(text, "d")
    if days is None or days % _UNITS["d"]:
        row.wrong(Fault.THRESHOLD, Column.THRESHOLD)
        return {}
    return {name: int(days // _UNITS["d"])}


def _whose(row: _Row) -> dict[str, object]:
    """The queues and channels that a row counts."""
    queues, channels = _names(row.text(Column.QUEUE)), _names(row.text(Column.CHANNEL))
    for name in _names(row.text(Column.QUEUE_OR_CHANNEL)):
        (channels if _plain(name) in _CHANNEL_BY_NAME else queues).append(name)
    own = [_CHANNEL_BY_NAME.get(_plain(name), name) for name in channels]
    return {"queues": _or_all(queues), "channels": _or_all(own)}


def _names(text: str) -> list[str]:
    """Names that are parted by semicolons or lines; commas may stand within one."""
    return [name.strip() for name in _SPLIT.split(text) if name.strip()]


def _or_all(names: Sequence[str]) -> list[str]:
    return [_EVERYTHING] if not names or any(_plain(name) in _ALL for name in names) else list(names)


def _day(row: _Row) -> date | None:
    text = row.text(Column.VALID_FROM)
    if not text:
        return None
    iso, other = _DAY.fullmatch(text), _OTHER_DAY.fullmatch(text)
    try:
        if iso is not None:
            return date(int(iso["year"]), int(iso["month"]), int(iso["day"]))
        if other is not None and (int(other["one"]) > _MONTHS or other["one"] == other["two"]):
            return date(int(other["year"]), int(other["two"]), int(other["one"]))
    except ValueError:
        pass
    row.wrong(Fault.DAY, Column.VALID_FROM)
    return None
