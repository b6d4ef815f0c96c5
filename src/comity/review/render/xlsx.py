"""The review as a workbook: every figure with what it was made of, and formulas that an analyst can follow.

Figures stand at full precision. A cell that can be recomputed from others on the sheets is a formula, so that
whoever doubts it may trace it; its value is stored beside it for programs that do not calculate. Texts from
records are written as strings whatever they begin with.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name

from comity.core.agreements.kpi import HIGHER
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.i18n.words import Words, clean
from comity.review.model import Level, Limits, Review
from comity.review.proceedings import Proceedings
from comity.review.render.json import to_json_value
from comity.review.views import headline
from comity.review.views.board import board
from comity.review.views.details import SAID_ELSEWHERE, path_name
from comity.review.views.level import days_text, stretched
from comity.review.views.reading import confirmed_text
from comity.review.views.rounding import half_width
from comity.review.views.sections import eyebrow, missing_groups

_FORMATS = {"share": "0.00%", "money": "#,##0.00", "seconds": "0.0", "count": "#,##0", "points": "0.0000"}
_PLAIN, _DAY = "General", "yyyy-mm-dd"
_LONGEST = 32_000  # characters; a cell holds 32,767
_STEERING = ("=", "+", "-", "@", "\t", "\r")  # a program that reads cells anew could take these for formulas


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula and the value that it comes to."""

    text: str
    value: float | bool


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and how a number is shown."""

    value: object
    format: str = _PLAIN


@dataclass(slots=True)
class WorkbookWriter:
    """The workbook under construction, its sheets and the formats in use."""

    workbook: Any
    words: Words
    formats: dict[tuple[str, bool, bool], Any] = field(default_factory=dict)

    def format(self, number: str = _PLAIN, *, bold: bool = False, quoted: bool = False) -> Any:  # noqa: ANN401 - a format of XlsxWriter
        """A cell format, made once."""
        key = (number, bold, quoted)
        if key not in self.formats:
            cell_format = self.workbook.add_format({"num_format": number, "bold": bold, "valign": "top"})
            if bold:
                cell_format.set_bottom(1)
                cell_format.set_text_wrap()
            if quoted:
                cell_format.set_quote_prefix()
            self.formats[key] = cell_format
        return self.formats[key]

    def sheet(self, key: str, columns: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
        """A sheet with a frozen head; `columns` are finished names."""
        sheet = self.workbook.add_worksheet(self.words(f"sheet.{key}"))
        for at, name in enumerate(columns):
            self.text(sheet, 0, at, name, bold=True)
            longest = max((len(str(row[at].value)) for row in rows if isinstance(row[at].value, str)), default=10)
            sheet.set_column(at, at, min(max(longest, 12), 48))
        for number, row in enumerate(rows, 1):
            for at, cell in enumerate(row):
                self.write(sheet, number, at, cell)
        sheet.freeze_panes(1, 0)
        if rows:
            sheet.autofilter(0, 0, len(rows), len(columns) - 1)

    def write(self, sheet: Any, row: int, column: int, cell: Cell) -> None:  # noqa: ANN401 - a sheet of XlsxWriter
        """One cell by the kind of its value; what is not known stays empty."""
        value = cell.value
        if isinstance(value, Formula):
            sheet.write_formula(row, column, value.text, self.format(cell.format), value.value)
        elif isinstance(value, bool):
            sheet.write_boolean(row, column, value, self.format())
        elif isinstance(value, (int, float)):
            if math.isfinite(value):
                sheet.write_number(row, column, value, self.format(cell.format))
        elif isinstance(value, date):
            day = value if isinstance(value, datetime) else datetime.combine(value, time())
            sheet.write_datetime(row, column, day.replace(tzinfo=None), self.format(_DAY))
        elif value is not None and value != "":
            self.text(sheet, row, column, str(value))

    def text(self, sheet: Any, row: int, column: int, text: str, *, bold: bool = False) -> None:  # noqa: ANN401 - as above
        """A string, and never anything else; with plain spaces, so that a look-up finds what somebody types."""
        cleaned = clean(text)[:_LONGEST].replace("\u00a0", " ").replace("\u202f", " ")
        sheet.write_string(row, column, cleaned, self.format(bold=bold, quoted=cleaned.startswith(_STEERING)))


def render(review: Review, words: Words, proceedings: Proceedings | None = None) -> bytes:
    """The review as XLSX; the same review gives the same bytes."""
    out = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    workbook = xlsxwriter.Workbook(out, options)
    created = datetime.combine(review.made_on, time(), UTC).replace(tzinfo=None)  # XlsxWriter takes naive moments
    workbook.set_properties({"title": words("page.title", period=review.name), "author": "Comity", "created": created})
    book = WorkbookWriter(workbook, words)
    _review(book, review, proceedings)
    _levels(book, review)
    _variants(book, review)
    _readings(book, review)
    _parts(book, review)
    _counts(book, review)
    _history(book, review)
    _paid(book, review)
    _missing(book, review)
    _sources(book, review)
    workbook.close()
    return out.getvalue()


def _names(words: Words, *keys: str) -> list[str]:
    return [words(f"sheet.{key}") for key in keys]


def _a(column: int, row: int) -> str:
    """The address of a cell: column from 0, row of a table from 1 (row 1 of the sheet is its head)."""
    return f"{xl_col_to_name(column)}{row + 1}"


def _ratio(value: float, num: float, den: float, where: tuple[str, str]) -> float | Formula:
    """`num/den` as a formula where that gives the value, else the value."""
    whole = math.isfinite(num) and math.isfinite(den) and den != 0
    if whole and math.isclose(num / den, value, rel_tol=1e-12, abs_tol=1e-12):
        return Formula(f"={where[0]}/{where[1]}", value)
    return value


def _review(book: WorkbookWriter, review: Review, proceedings: Proceedings | None) -> None:
    words = book.words
    phrases = headline.plain_text(headline.headline_phrases(review, words, proceedings))
    pairs: list[tuple[str, object]] = [
        ("book", review.book),
        ("customer", words.side(Side.CUSTOMER, review.parties)),
        ("provider", words.side(Side.PROVIDER, review.parties)),
        ("period", words.period(review.period, review.cut)),
        ("start", review.period.start),
        ("end_open", review.period.end),
        ("reference", words.period(review.reference, review.cut)),
        ("start", review.reference.start),
        ("end_open", review.reference.end),
        ("view", eyebrow(review, words).viewer),
        ("headline", phrases),
        ("draft", "" if review.headline_override is None else review.headline_override.draft),
        ("made_on", review.made_on),
        ("digest", review.digest),
    ]
    rows = [[Cell(words(f"sheet.{key}")), Cell(value)] for key, value in pairs]
    if proceedings is not None:
        rows += [[Cell(name), Cell(text)] for name, text in _closing(review, proceedings, words)]
    book.sheet("review", _names(words, "review", "value"), [*rows, [Cell(words("sheet.note")), Cell("")]])


def _closing(review: Review, proceedings: Proceedings, words: Words) -> list[tuple[str, str]]:
    """Whether the figures are final, who confirmed them, and what is disputed with which values."""
    told = board(review, proceedings, words, most=None)
    pairs = [(words("board.state"), told.state)]
    pairs += [(words.side(one.side, review.parties), one.text) for one in told.words]
    pairs += [(words("sheet.entry"), told.entry)] if told.entry else []
    for one in told.disputed:
        claimed = ", ".join(f"{words.side(who, review.parties)} {text}" for who, text in one.claimed)
        pairs.append(
            (f"{words('board.disputed')}: {one.name}", f"{one.value} ({words('board.disputed_value')} {claimed})")
        )
    confirmed = [
        (words.named("reading", one.id), confirmed_text(one, review, words)) for one in review.confirmed_readings
    ]
    pairs += confirmed
    if told.is_final and review.readings:
        pairs.append((words("readings.title"), words("readings.now")))
    return pairs


# Levels ---------------------------------------------------------------------------------------------------

_VALUE, _NUM, _DEN, _TARGET = 4, 5, 6, 10  # columns of the sheet of levels


def _levels(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    names = _names(words, "kpi", "measure", "unit", "better", "value", "num", "den", "se", "low", "high", "target")
    names += _names(words, "met", "beyond")
    names += [words("levels.reported", party=words.side(side, review.parties)) for side in Side]
    names += [words("sheet.explains", party=words.side(side, review.parties)) for side in Side]
    names += _names(words, "mean", "in_target")
    rows = [_level(level, number, words) for number, level in enumerate(stretched(review.levels), 1)]
    book.sheet("levels", names, rows)


def _level(level: Level, row: int, words: Words) -> list[Cell]:
    number_format = _FORMATS.get(level.unit, _PLAIN)
    cells = [
        Cell(_kpi_of(level, words)),
        Cell(words.named("measure", level.measure)),
        Cell(words.named("unit", level.unit)),
        Cell(words.named("better", level.better)),
        Cell(_ratio(level.value, level.num, level.den, (_a(_NUM, row), _a(_DEN, row))), number_format),
        Cell(level.num),
        Cell(level.den),
        Cell(level.se, number_format),
        Cell(level.low, number_format),
        Cell(level.high, number_format),
        Cell(level.target, number_format),
        Cell(_met(level, row)),
        Cell(level.beyond_chance),
    ]
    cells += [Cell(level.reported.get(side), number_format) for side in Side]
    cells += [Cell(_explained(level, side, words)) for side in Side]
    return [*cells, Cell(level.mean_of_intervals, number_format), Cell(level.intervals_in_target, _FORMATS["share"])]


def _kpi_of(level: Level, words: Words) -> str:
    """The KPI; of a stretch of the period with its days."""
    return level.kpi if level.days is None else f"{level.kpi}, {days_text(level.days, words)}"


def _explained(level: Level, side: Side, words: Words) -> str | None:
    in_full = level.explains_in_full.get(side)
    return level.explains.get(side) if in_full is None else words("levels.used_in_full", party=in_full)


def _met(level: Level, row: int) -> Formula | None:
    if level.met is None:
        return None
    value, target = _a(_VALUE, row), _a(_TARGET, row)
    if level.measure == "forecast_bias":
        return Formula(f"=ABS({value})<={target}", level.met)
    return Formula(f"={value}{'>=' if level.better == HIGHER else '<='}{target}", level.met)


def _variants(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    every = [(level, name) for level in stretched(review.levels) for name in level.variants]
    rows = [
        [
            Cell(_kpi_of(level, words)),
            Cell(name),
            Cell(words.named("variant", name)),
            *_variant(level.variants.get(name), level.formulas.agreed.get(name), level.unit, row, 3),
            *_variant(level.variants_in_full.get(name), level.formulas.in_full.get(name), level.unit, row, 6),
            Cell(", ".join(_users(level, name, review, words))),
        ]
        for row, (level, name) in enumerate(every, 1)
    ]
    ratio = _names(words, "num", "den", "value")
    in_full = [words("sheet.in_full", what=name) for name in ratio]
    names = [*_names(words, "kpi", "variant"), words("levels.counts"), *ratio, *in_full]
    book.sheet("variants", [*names, words("levels.used")], rows)


def _variant(value: float | None, of: tuple[float, float] | None, unit: str, row: int, column: int) -> list[Cell]:
    """A variant's numerator, denominator and value, from a column on."""
    number_format = _FORMATS.get(unit, _PLAIN)
    if value is None or of is None:
        return [Cell(None), Cell(None), Cell(value, number_format)]
    ratio = _ratio(value, *of, (_a(column, row), _a(column + 1, row)))
    return [Cell(of[0]), Cell(of[1]), Cell(ratio, number_format)]


def _users(level: Level, variant: str, review: Review, words: Words) -> list[str]:
    """The sides whose figure a variant gives."""
    users = [words.side(side, review.parties) for side in Side if level.explains.get(side) == variant]
    in_full = [words.side(side, review.parties) for side in Side if level.explains_in_full.get(side) == variant]
    return [*users, *(words("levels.used_in_full", party=party) for party in in_full)]


# Readings ---------------------------------------------------------------------------------------------------

_HEAD = ("number", "reading", "variant", "unit", "before", "after", "headline_change", "se", "held_change", "se")
_TAIL = ("gap", "se", "z", "low", "high", "material", "verdict", "cause", "firm", "would_be", "sum", "check")
_BEFORE, _AFTER, _CHANGE, _HELD, _HELD_SE, _Z, _SUM = 4, 5, 6, 8, 9, 12, 20  # columns of the sheet of readings
_PART_VALUE = "F"


def _readings(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    rows = [_reading(reading, number, words) for number, reading in enumerate(review.readings, 1)]
    book.sheet("readings", _names(words, *_HEAD, *_TAIL), rows)


def _reading(reading: Reading, row: int, words: Words) -> list[Cell]:
    number_format = _FORMATS.get(reading.unit, _PLAIN)
    like_for_like, gap = reading.like_for_like, reading.gap
    low, high = _interval(reading, row)
    change = reading.headline.change
    total = math.fsum(part.value for part in reading.parts)
    sheet = words("sheet.parts").replace("'", "''")
    summed = f"=SUMIFS('{sheet}'!${_PART_VALUE}:${_PART_VALUE},'{sheet}'!$A:$A,{_a(0, row)})"
    exact = math.isclose(
        reading.after - reading.before, change, rel_tol=1e-9, abs_tol=1e-9 * max(1, abs(reading.after))
    )
    return [
        Cell(row),
        Cell(words.named("reading", reading.id)),
        Cell(reading.variant),
        Cell(words.named("unit", reading.unit)),
        Cell(reading.before, number_format),
        Cell(reading.after, number_format),
        Cell(Formula(f"={_a(_AFTER, row)}-{_a(_BEFORE, row)}", change) if exact else change, number_format),
        Cell(reading.headline.se, number_format),
        Cell(None if like_for_like is None else like_for_like.change, number_format),
        Cell(None if like_for_like is None else like_for_like.se, number_format),
        Cell(None if gap is None else _gap(reading, row), number_format),
        Cell(None if gap is None else gap.se, number_format),
        Cell(reading.z),
        Cell(low, number_format),
        Cell(high, number_format),
        Cell(reading.material, number_format),
        Cell(words(f"verdict.{reading.verdict.value}")),
        Cell(None if reading.cause is None else words.named("part", reading.cause)),
        Cell(None if reading.verdict is Verdict.UNCLEAR else reading.firm),
        Cell(None if reading.would_be is None else words(f"verdict.{reading.would_be.value}")),
        Cell(Formula(summed, total) if reading.parts else None, number_format),
        Cell(Formula(f"={_a(_SUM, row)}-{_a(_CHANGE, row)}", total - change) if reading.parts else None, "0.00E+00"),
    ]


def _gap(reading: Reading, row: int) -> Formula | float | None:
    like_for_like, gap = reading.like_for_like, reading.gap
    if like_for_like is None or gap is None:
        return None
    return Formula(f"={_a(_CHANGE, row)}-{_a(_HELD, row)}", gap.change)


def _interval(reading: Reading, row: int) -> tuple[Formula | None, Formula | None]:
    like_for_like, half = reading.like_for_like, half_width(reading.like_for_like, reading.z)
    if like_for_like is None or half is None or reading.z is None:
        return None, None
    middle, error, z = _a(_HELD, row), _a(_HELD_SE, row), _a(_Z, row)
    return (
        Formula(f"={middle}-{z}*{error}", like_for_like.change - half),
        Formula(f"={middle}+{z}*{error}", like_for_like.change + half),
    )


def _parts(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    rows = [
        [
            Cell(number),
            Cell(words.named("reading", reading.id)),
            Cell(reading.variant),
            Cell(words.named("part", part.id)),
            Cell(part.like_for_like),
            Cell(part.value, _FORMATS.get(reading.unit, _PLAIN)),
        ]
        for number, reading in enumerate(review.readings, 1)
        for part in reading.parts
    ]
    book.sheet("parts", _names(words, "number", "reading", "variant", "part", "held", "value"), rows)


def _counts(book: WorkbookWriter, review: Review) -> None:
    """Counts of people and what else a reading says; a count of 1 to 4 is not in the review."""
    words = book.words
    rows = []
    for number, reading in enumerate(review.readings, 1):
        told = [(words.named("count", key), count) for key, count in reading.counts.items()]
        told += list(_leaves(to_json_value(reading.also), words))
        name = words.named("reading", reading.id)
        rows += [[Cell(number), Cell(name), Cell(reading.variant), Cell(what), Cell(value)] for what, value in told]
    book.sheet("counts", _names(words, "number", "reading", "variant", "what", "value"), rows)


def _leaves(value: object, words: Words, names: tuple[str, ...] = ()) -> list[tuple[str, Any]]:
    if isinstance(value, Mapping):
        return [
            leaf
            for key, item in value.items()
            if key not in SAID_ELSEWHERE
            for leaf in _leaves(item, words, (*names, str(key)))
        ]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item, words, names)]
    said = words(f"verdict.{value}") if isinstance(value, str) and words.has(f"verdict.{value}") else value
    return [(path_name(names, words), said)]


# Over the periods, paid, missing, sources -----------------------------------------------------------------------

_HISTORY = ("kind", "name", "variant", "start", "end_open", "value", "num", "den", "target")
_HISTORY_TAIL = ("headline_change", "held_change", "se", "z", "lower", "centre", "upper")


def _history(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    rows: list[list[Cell]] = []
    for level in review.levels:
        number_format = _FORMATS.get(level.unit, _PLAIN)
        for point in level.history:
            at = len(rows) + 1
            value = _ratio(point.value, point.num, point.den, (_a(6, at), _a(7, at)))
            cells = [Cell(words("sheet.level")), Cell(level.kpi), Cell(None)]
            cells += [Cell(point.period.start), Cell(point.period.end), Cell(value, number_format)]
            cells += [Cell(point.num), Cell(point.den), Cell(point.target, number_format), Cell(None), Cell(None)]
            rows.append([*cells, Cell(point.se, number_format), Cell(None), *_limit_cells(level.limits, number_format)])
    units = {(reading.id, reading.variant): reading.unit for reading in review.readings}
    for key, points in review.histories.items():
        number_format = _FORMATS.get(units.get(key, ""), _PLAIN)
        limits = review.history_limits.get(key)
        for change in points:
            cells = [Cell(words("sheet.reading")), Cell(words.named("reading", key[0])), Cell(key[1])]
            cells += [Cell(change.period.start), Cell(change.period.end), *[Cell(None)] * 4]
            cells += [Cell(change.headline, number_format), Cell(change.like_for_like, number_format)]
            cells += [
                Cell(change.like_for_like_se, number_format),
                Cell(change.z),
                *_limit_cells(limits, number_format),
            ]
            rows.append(cells)
    book.sheet("history", _names(words, *_HISTORY, *_HISTORY_TAIL), rows)


def _limit_cells(limits: Limits | None, number_format: str) -> list[Cell]:
    if limits is None:
        return [Cell(None)] * 3
    return [Cell(limits.lower, number_format), Cell(limits.centre, number_format), Cell(limits.upper, number_format)]


def _paid(book: WorkbookWriter, review: Review) -> None:
    words, paid = book.words, review.paid
    rows: list[list[Cell]] = []
    if paid is not None:
        shares = {key: share for key, share in paid.shares.items() if share is not None}
        last = len(shares) + 1
        money, share = _FORMATS["money"], _FORMATS["share"]
        for number, (key, value) in enumerate(shares.items(), 1):
            amount = paid.amounts.get(key) or value * paid.amount
            whole = f"={_a(1, number)}/{xl_col_to_name(1)}${last + 1}"
            who = words.side(paid.answers_for.get(key), review.parties) if paid.answers_for.get(key) else None
            made: float | Formula = Formula(whole, value) if paid.amount else value
            rows.append([Cell(words.named("paid", key)), Cell(amount, money), Cell(made, share), Cell(who)])
        total = Formula(f"=SUM({_a(1, 1)}:{_a(1, last - 1)})", paid.amount)
        rows.append([Cell(words("paid.total")), Cell(total, money), Cell(None), Cell(None)])
        cost = paid.cost_per_contact_in_target
        if cost is not None:
            contacts = words("sheet.contacts_in_target")
            rows.append([Cell(contacts), Cell(paid.contacts_in_target), Cell(None), Cell(None)])
            each = Formula(f"={_a(1, last)}/{_a(1, last + 1)}", cost)
            consistent = math.isclose(paid.amount / paid.contacts_in_target, cost, rel_tol=1e-9)
            rows.append([Cell(words("sheet.cost")), Cell(each if consistent else cost, money), Cell(None), Cell(None)])
    names = [*_names(words, "paid", "amount", "share"), words("paid.answers")]
    book.sheet("paid", names, rows)


def _missing(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    rows = [
        [
            Cell(group.title),
            Cell(row.name),
            Cell(row.needs),
            Cell(words.side(row.held_by, review.parties)),
            Cell(row.why),
            Cell(row.cure),
        ]
        for group in missing_groups(review, words)
        for row in group.rows
    ]
    names = [words(f"missing.{key}") for key in ("list", "reading", "needs", "held_by", "why", "cure")]
    book.sheet("missing", names, rows)


def _sources(book: WorkbookWriter, review: Review) -> None:
    words = book.words
    counts = ("new", "updated", "withdrawn", "rejected", "collapsed", "superseded")
    keys = ("table", "file", "at", "by", "mapping", *counts, "digest")
    rows: list[list[Cell]] = []
    for origin in review.origins:
        files = () if origin.deliveries else origin.files
        rows += [[Cell(origin.table), Cell(file), *[Cell(None)] * (len(keys) - 2)] for file in files]
        rows += [
            [Cell(origin.table), *(Cell(getattr(delivery, key)) for key in keys[1:])] for delivery in origin.deliveries
        ]
        totals = [Cell(origin.table), Cell(words("sheet.in_book")), *[Cell(None)] * 3, Cell(origin.rows)]
        rows.append([*totals, Cell(None), Cell(None), Cell(origin.rejected), *[Cell(None)] * 3])
    names = {"at": "sheet.at", "collapsed": "sheet.collapsed", "superseded": "sheet.superseded"}
    book.sheet("sources", [words(names.get(key, f"origin.{key}")) for key in keys], rows)
