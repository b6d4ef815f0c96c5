"""A first draft of a mapping, by looking at a file: what each column seems to be, and what a person still has to say.

What columns are called elsewhere is learnt from the shipped mappings. Nothing of a column that looks personal is shown.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from comity.book.formats.delimited import DelimitedSheet, FileScan, scan_file
from comity.book.formats.detect import SourceFile, detect_kind, open_source_file
from comity.book.formats.layout import HEADER_SEARCH, read_tops
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import Sheet, one_line, unique_headers
from comity.book.mappings.adapt import MEAN, FileFacts, adapt, order_shown, roles_of
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.column_evidence import Role, gather_evidence
from comity.book.mappings.headers import all_headers_of, asked_columns
from comity.book.mappings.mapping_text import mapping_text, narrowed, toml_column, toml_text
from comity.book.mappings.model import CELL_KINDS, CellKind, SourceMapping
from comity.book.mappings.parse import read_mapping
from comity.book.mappings.recognise import matching_mappings
from comity.book.mappings.synonyms import NEAR, known_names, names_beside, similarity
from comity.book.mappings.unpivot import unpivot
from comity.book.tables import TABLES, Column, Table
from comity.book.validation.personal_data import personal_data_in
from comity.book.validation.totals import TOTAL_WORDS, measures_of

_SAMPLE = 500
_SHOWN = 3
_VALUES = 12  # of one column that are listed
_WIDEST = 60  # columns that are looked at one by one
_WIDE_DAYS = 5  # as many headers that are days make a table with days across
_LISTED = 20  # headers that one comment names
_FEWEST_HEADERS = 2
_MOSTLY = 0.8
_BY_NAME_ALONE = {"prices", "business", "costs", "reported", "renewals", "staff", "events", "deadlines", "accounts"}
_NUMBER = re.compile(r"-?\d+([.,]\d+)?")
_AMOUNT = re.compile(r"[-+(€$£]*\s*\d[\d.,' \u00a0\u202f]*\s*[%€$£)]*(e[+-]?\d+)?", re.IGNORECASE)
_COMPACT_DAY = re.compile(r"(19|20)\d{6}")
_SPELT = tuple(
    f"{day}{clock}"
    for day in (
        "%d-%b-%Y",
        "%d-%b-%y",
        "%d %b %Y",
        "%d %B %Y",
        "%b %d, %Y",
        "%B %d, %Y",
        "%d/%b/%Y",
        "%d/%b/%y",
        "%Y/%m/%d",
        "%d.%b.%Y",
    )
    for clock in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p")
)
_DAY_HEADERS = {  # the pattern for `wide`, and the format of the day that it finds
    r"(?P<day>\d{4}-\d{2}-\d{2})(?: 00:00:00)?": None,
    r"(?P<day>\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))": "day-first",
}
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MONTHS = 12
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?"
_MONTH_FORMATS = ("%m/%Y", "%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%Y/%m", "%m-%Y", "%m.%Y", "%Y%m")
_STATE = re.compile(r"\b(status|state|stage|estado|statut|stato|situação|fase)\b", re.IGNORECASE)
_DIRECTION = re.compile(
    r"direction|call direction|sentido|direcci[oó]n|richtung|sens|direction d'appel|direç[aã]o|direzione", re.IGNORECASE
)
_INBOUND = re.compile(
    r"in|inbound|incoming|entrantes?|recibidas?|eingehend|ankommend|entrante?s?|entrada|in entrata", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class ColumnSample:
    """One column of the file: its header, some of its values, what they look like."""

    header: str
    values: tuple[str, ...]
    personal: str | None
    filled: int = 0  # how many of the cells looked at hold something
    seen_order: str | None = None  # what all values showed, where only some of them are kept

    @property
    def order(self) -> str | None:
        """day-first or month-first where the values say so; `either` where they could be both; None for no dates."""
        if self.seen_order is not None:
            return self.seen_order
        matches = [match for value in self.values if (match := _SLASHED.match(value))]
        if len(matches) * 2 < len(self.values) or not matches:
            return None
        years, firsts = {match[4] for match in matches}, {match[1] for match in matches}
        if len(matches[0][4]) == 2 and len(years) > len(firsts) and int(min(firsts)) > _MONTHS:  # noqa: PLR2004 - digits
            return "either"  # 26/01/05: the year may well come first
        if any(int(match[1]) > _MONTHS for match in matches):
            return "day-first"
        return "month-first" if any(int(match[3]) > _MONTHS for match in matches) else "either"

    @property
    def has_offset(self) -> bool:
        """Whether its times say how far they are from UTC."""
        return any(re.search(r"(Z|[+-]\d{2}:?\d{2})$", value) for value in self.values if _ISO.fullmatch(value))

    @property
    def distinct(self) -> bool:
        """Whether no value of those seen is there twice."""
        return len(self.values) == self.filled

    @property
    def is_clock(self) -> bool:
        """Whether it holds times of day."""
        plain = [value for value in self.values if not re.fullmatch(TOTAL_WORDS, value)]
        return bool(plain) and all(re.match(r"\d{1,2}:\d{2}", value) for value in plain)

    @property
    def is_iso(self) -> bool:
        """Whether it holds days or instants in ISO 8601."""
        return bool(self.values) and all(_ISO.fullmatch(value) for value in self.values)

    @property
    def is_bare_day(self) -> bool:
        """Whether it holds days without a time of day."""
        return self.is_time and not any(re.search(r"\d:\d\d", value.removesuffix(" 00:00:00")) for value in self.values)

    @property
    def is_number(self) -> bool:
        """Whether it holds plain numbers, which are no times."""
        return bool(self.values) and all(
            _NUMBER.fullmatch(value) and not _COMPACT_DAY.fullmatch(value) for value in self.values
        )

    @property
    def is_amount(self) -> bool:
        """Whether it mostly holds numbers, as people write them."""
        return sum(bool(_AMOUNT.fullmatch(value)) for value in self.values) >= _MOSTLY * len(self.values)

    @property
    def is_time(self) -> bool:
        """Whether it holds days or instants."""
        if self.order is not None or not self.values:
            return self.order is not None
        return all(_ISO.fullmatch(value) for value in self.values) or self.spelt is not None

    @property
    def spelt(self) -> str | None:
        """How its days are written out where a month has its name: a format, or None."""
        return next(
            (form for form in _SPELT if self.values and all(_reads(value, form) for value in self.values[:20])), None
        )


def _reads(text: str, form: str) -> bool:
    try:
        datetime.strptime(text, form)  # noqa: DTZ007 - only whether it can be read
    except ValueError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class DraftColumns:
    """The columns of a sheet, and what they were taken for: by their names, or by their values alone."""

    sheet: Sheet
    columns: tuple[ColumnSample, ...]
    matched: Items[str, ColumnSample]
    guessed: Items[str, ColumnSample]

    def found(self, name: str) -> ColumnSample | None:
        """What a column of the table was taken from."""
        return self.matched.get(name) or self.guessed.get(name)

    @property
    def used(self) -> list[ColumnSample]:
        """The columns that are taken for one."""
        return [*self.matched.values(), *self.guessed.values()]

    def free(self) -> list[ColumnSample]:
        """The columns that are taken for nothing, and may be shown."""
        return [one for one in self.columns if one not in self.used and one.personal is None]


def draft_mapping(path: Path, table: str | None = None) -> str:
    """The TOML of a first mapping for a file.

    A file in a format that is known is said to be so, and its mapping fitted to it; any other is matched by what its
    columns are called and hold.

    :param table: the table that its rows go to; None: the one that its headers fit best
    :raises UnusableSourceError: when the file cannot be read
    """
    seen = scan_file(path)
    kind = detect_kind(path, seen)
    best = next((one for one in matching_mappings(path, seen=seen) if table in {None, one.table}), None)
    if best is not None and best.mapping not in TABLES:
        return _known_draft(path, best.mapping)
    options, source = place_of_records(path, kind, seen, table)
    sheet = source.sheets[0]
    columns = sample_columns(sheet)
    target = TABLES[table] if table else best_table(columns)
    matched = match_by_name(target, columns)
    guessed = match_by_values(target, columns, matched)
    across = _find_day_columns(sheet)
    doubts: list[str] = []
    lines = list(_column_lines(target, DraftColumns(sheet, tuple(columns), matched, guessed), across, doubts))
    head = _header_lines(path, source, sheet, options, target, columns, doubts)
    return (
        "\n".join([*head, *_unpivot_lines(across), *_totals_lines(), *_direction_lines(target, columns), *lines]) + "\n"
    )


def _known_draft(path: Path, name: str) -> str:
    """A shipped mapping as it reads this file: the headers that the file has, and what its columns show."""
    mapping = read_mapping(name)
    source = open_source_file(path, mapping.file, asked=asked_columns(mapping))
    sheet = source.sheets[0]
    layout = (
        replace(mapping.file, sheet=sheet.name)
        if sheet.name is not None and mapping.file.sheet is None
        else mapping.file
    )
    if source.kind in {"delimited", "workbook"} and mapping.wide is None:
        delimiter = sheet.delimiter if isinstance(sheet, DelimitedSheet) else None
        facts = FileFacts(path, delimiter, workbook=source.kind == "workbook")
        evidence = gather_evidence(sheet, roles_of(mapping, sheet.find))
        mapping = narrowed(adapt(mapping, sheet.find, evidence, facts)[0], sheet.find)
    left = [header for header in sheet.headers if header not in _read_headers(mapping, sheet)]
    head = [
        f"# {_comment(path.name)}: this is {name} ({mapping.about}), written out for this file.",
        f"# `--as {name}` reads it as it is; change a copy such as this one where your system differs.",
        f"# Columns of the file that nothing is made of: {', '.join(map(_comment, left[:_LISTED])) or 'none'}",
    ]
    return "\n".join(head) + "\n" + mapping_text(replace(mapping, file=layout))


def _read_headers(mapping: SourceMapping, sheet: Sheet) -> frozenset[str]:
    values = [
        *mapping.columns.values(),
        *mapping.let.values(),
        *(v for one in mapping.also for v in one.columns.values()),
    ]
    own = {found for value in values for header in all_headers_of(value, mapping.let) if (found := sheet.find(header))}
    return frozenset(own).union(*(unpivot(one.wide, sheet).used for one in mapping.all_tables if one.wide is not None))


def sample_columns(sheet: Sheet) -> list[ColumnSample]:
    """The columns of a sheet, each with its values in the first rows."""
    headers = list(sheet.headers[:_WIDEST])
    cells: list[list[str]] = [[] for _ in headers]
    for batch in sheet.batches(headers):
        some = batch.slice(0, _SAMPLE)
        cells = [
            [text.strip() for text in some.column(i + 1).to_pylist() if text and text.strip()]
            for i in range(len(headers))
        ]
        break
    return [
        ColumnSample(
            header, tuple(dict.fromkeys(values)), personal_data_in(header) or _personal_data_among(values), len(values)
        )
        for header, values in zip(headers, cells, strict=True)
    ]


def _personal_data_among(values: Sequence[str]) -> str | None:
    mails = sum(1 for value in values if re.fullmatch(r"[^@\s]+@[^@\s]+\.\w+", value))
    return "e-mail addresses" if values and mails * 2 > len(values) else None


def place_of_records(path: Path, kind: str, seen: FileScan, table: str | None = None) -> tuple[FileOptions, SourceFile]:
    """The sheet and the header row of the records of a file in no known format.

    :returns: the options that say so, and the file opened by them
    """
    options = FileOptions()
    wanted = [TABLES[table]] if table else list(TABLES.values())
    best: tuple[tuple[float, ...], FileOptions] | None = None
    tops = read_tops(path, seen, kind, options)
    for at, top in enumerate(tops):
        for row, cells in enumerate(top.rows):
            headers = [cell for cell in cells if cell.strip()]
            rest = top.rows[row + 1 :]
            if (
                len(headers) < _FEWEST_HEADERS
                or len(set(headers)) < len(headers) * _MOSTLY
                or not _is_header(headers, rest)
            ):
                continue
            known = [ColumnSample(header, (), personal_data_in(header)) for header in unique_headers(cells)]
            fit = max(_fit(one, match_by_name(one, known), {}) for one in wanted)
            rank = (fit + _filled(cells, rest), top.visible, not top.pivot, -at, -row)
            if best is None or rank > best[0]:
                best = rank, replace(options, sheet=top.name, skip_rows=top.skips[row])
    if best is None:
        return options, open_source_file(path, options, seen)
    return best[1], open_source_file(path, best[1], seen)


def _is_header(headers: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a row looks like a header: words, and something below them."""
    words = sum(not re.fullmatch(r"[\d\W]*", header) for header in headers)
    return words >= len(headers) * _MOSTLY and any(any(cell.strip() for cell in row) for row in rest)


def _filled(cells: Sequence[str], rest: Sequence[Sequence[str]]) -> float:
    """A little for a header below which most cells are filled, in many rows."""
    width = sum(bool(cell.strip()) for cell in cells)
    full = sum(sum(bool(cell.strip()) for cell in row) * 2 > width for row in rest)
    return min(full, HEADER_SEARCH) / HEADER_SEARCH


def best_table(columns: Sequence[ColumnSample]) -> Table:
    """The table that columns fit best."""

    def fit(table: Table) -> float:
        matched = match_by_name(table, columns)
        return _fit(table, matched, match_by_values(table, columns, matched))

    return max(TABLES.values(), key=fit)


def _fit(table: Table, matched: Items[str, ColumnSample], guessed: Items[str, ColumnSample]) -> float:
    """How well columns fit a table: what it cannot do without first, and by names before values."""
    stated = {"minutes", "threshold_s"}  # what no report has a column for
    required = [column for column in table.required if column.name not in stated] or list(table.required)
    named = sum(column.name in matched for column in required)
    seen = sum(column.name in guessed for column in required)
    if not named or (table.name in _BY_NAME_ALONE and named < len(required)):
        return 0.0
    if measures_of(table) and not measures_of(table) & matched.keys():
        return 0.0  # a report of intervals without any number is none
    whole = 2.0 if named + seen == len(required) else 0.0
    return whole + 2 * (named + seen / 4) / len(required) + len(matched) / 2 - len(table.required) * 0.01


def match_by_name(table: Table, columns: Sequence[ColumnSample]) -> dict[str, ColumnSample]:
    """The likeliest column of the file for each of the table's, each used once, where its values can be such."""
    known = known_names()[table.name]
    pairs = sorted(
        (
            (similarity(sample.header, known[column.name]), -i, -place, column, sample)
            for i, column in enumerate(table.columns)
            for place, sample in enumerate(columns)
            if sample.personal is None and may_be(column, sample)
        ),
        key=lambda pair: pair[:3],
        reverse=True,
    )
    matches: dict[str, ColumnSample] = {}
    for score, _, _, column, sample in pairs:
        if score >= NEAR and column.name not in matches and sample not in matches.values():
            matches[column.name] = sample
    return matches


def may_be(column: Column, sample: ColumnSample) -> bool:
    """Whether what a column of the file holds can be what a column of the table is; unknown values can be anything."""
    if not sample.values:
        return True
    kind = CELL_KINDS[column.kind]
    if kind in {CellKind.INSTANT, CellKind.DAY}:
        return sample.is_time or sample.is_clock or not sample.is_number
    if kind is CellKind.SECONDS:
        return not sample.is_time and sum(bool(re.search(r"\d", value)) for value in sample.values) * 2 > len(
            sample.values
        )
    if kind is CellKind.NUMBER:
        return sample.is_amount
    if kind is CellKind.FLAG:
        numbers = [value for value in sample.values if value not in {"0", "1"} and re.fullmatch(r"[\d.,:]+", value)]
        return len(sample.values) <= _VALUES and not numbers
    return not (sample.is_time and column.required and kind is CellKind.TEXT)


def match_by_values(
    table: Table, seen: Sequence[ColumnSample], matched: dict[str, ColumnSample]
) -> dict[str, ColumnSample]:
    """What a table cannot do without and no header promises, by what the values look like."""
    matches: dict[str, ColumnSample] = {}
    for column in table.required:
        if column.name in matched:
            continue
        taken = [*matched.values(), *matches.values()]
        free = [sample for sample in seen if sample not in taken and sample.personal is None and sample.values]
        kind = CELL_KINDS[column.kind]
        if kind in {CellKind.INSTANT, CellKind.DAY, CellKind.MONTH}:
            likely = [sample for sample in free if sample.is_time]
        elif table.key == (column.name,):
            likely = [sample for sample in free if sample.distinct and not sample.is_time]
        else:
            likely = []
        if likely:
            matches[column.name] = likely[0]
    return matches


@dataclass(frozen=True, slots=True)
class DayColumns:
    """Days that stand across: the pattern of their headers, and how they are written."""

    pattern: str
    format: str | None


def _find_day_columns(sheet: Sheet) -> DayColumns | None:
    for pattern, spelt in _DAY_HEADERS.items():
        days = [header for header in sheet.headers if re.fullmatch(pattern, one_line(header))]
        if len(days) >= _WIDE_DAYS:
            return DayColumns(pattern, spelt)
    return None


def _header_lines(  # noqa: PLR0913 - what the head tells of
    path: Path,
    source: SourceFile,
    sheet: Sheet,
    options: FileOptions,
    target: Table,
    seen: Sequence[ColumnSample],
    doubts: Sequence[str],
) -> Iterator[str]:
    yield f"# A first draft, made by looking at {_comment(path.name)}. Go through it line by line."
    yield "# What is not sure says so."
    yield "# Try it with: comity import FILE --as THIS.toml --into BOOK --dry-run. The language: docs/mapping.md"
    others = ", ".join(name for name in TABLES if name != target.name)
    yield f"table = {toml_text(target.name)}  # {target.meaning}; others: {others}"
    yield f"about = {toml_text(path.stem)}"
    if doubts:
        asked = ", ".join(map(toml_text, dict.fromkeys(doubts)))
        yield f"ask = [{asked}]  # NOT SURE of these: nothing is imported until you have looked and taken them out here"
    times = [one for one in seen if one.is_time]
    if times and not any(one.has_offset for one in times):
        yield '# zone = "Europe/Madrid"  # the times bear no offset: say where its clocks hang, or leave it to the book'
    for note in source.notes:
        yield f"# The file was {_comment(note)}."
    yield from ["", "[file]"]
    if sheet.name is not None:
        yield f"sheet = {toml_text(sheet.name)}"
        if options.skip_rows:
            yield f"skip_rows = {options.skip_rows}"
        yield "# header_rows = 2  # where the heading stands in two rows"
    elif source.kind == "json":
        yield 'kind = "json"'
    else:
        if options.skip_rows:
            yield f"skip_rows = {options.skip_rows}"
        yield "# encoding, delimiter, header_rows, header_has, skip_rows: found by looking; write them to be sure"


def _unpivot_lines(across: DayColumns | None) -> Iterator[str]:
    if across is None:
        return
    yield from [
        "",
        "# Days stand across: each becomes a row of its own, with the columns `day` and `volume`.",
        "[wide]",
        f"columns = {toml_text(across.pattern)}",
        'value = "volume"',
    ]


def _totals_lines() -> Iterator[str]:
    yield from [
        "",
        "# [[totals]]   # rows of totals, which are no records",
        '# column = "..."',
        '# is = ["re:.*total.*"]',
    ]


def _direction_lines(target: Table, seen: Sequence[ColumnSample]) -> Iterator[str]:
    """Of a log of calls both ways, those that came in."""
    for one in seen if target.name == "contacts" else ():
        came = [value for value in one.values if _INBOUND.fullmatch(value)]
        if _DIRECTION.fullmatch(one.header.strip()) and came and len(came) < len(one.values):
            taken = ", ".join(map(toml_text, came))
            yield from ["", "# Calls that went out are nobody's contact.", "[[rows]]"]
            yield from [f"column = {toml_column(one.header)}", f"is = [{taken}]", "other = true"]


def _column_lines(target: Table, file: DraftColumns, across: DayColumns | None, doubts: list[str]) -> Iterator[str]:
    given = _day_column_values(across, file.columns) if across is not None else {}
    joined = {} if given else _joined_times(target, file, doubts)
    let, waited = _waited(file) if target.name == "contacts" else ([], {})
    yield from let
    yield from ["", "[columns]"]
    beside: set[str] = {header for headers, _ in joined.values() for header in headers}
    beside |= {header for headers, _ in waited.values() for header in headers}
    for column in target.columns:
        sample = file.found(column.name)
        if column.name in given:
            yield f"{column.name} = {given[column.name]}"
        elif column.name in waited and sample is None:
            yield f"{column.name} = {waited[column.name][1]}"
        elif column.name in joined:
            yield f"{column.name} = {joined[column.name][1]}"
        elif (
            sample is not None
            and (target.name, column.name) == ("intervals", "handle_s")
            and MEAN.search(sample.header)
        ):
            answered = file.found("answered")
            if answered is not None:
                parts = f'{toml_column(answered.header)}, {{ from = {toml_column(sample.header)}, as = "seconds" }}'
                yield f"handle_s = {{ product = [{parts}] }}  # a mean, times what it is the mean of"
        elif sample is not None:
            doubt = ""
            if column.name in file.guessed:
                doubts.append(column.name)
                doubt = "  # NOT SURE: by its values alone"
            yield from (line + doubt for line in _column_line(column, sample, file.sheet, doubts))
        else:
            yield _empty_line(column, doubts, dated="start" in file.matched)
    yield from _left_lines(file, across, beside)


def _empty_line(column: Column, doubts: list[str], *, dated: bool) -> str:
    """The line of a column of the table that the file has nothing for."""
    if not column.required:
        return f'# {column.name} = ""  # {column.meaning}{_allowed_values(column)}'
    if column.name == "minutes" and dated:
        return 'minutes = { first = [{ value = "30", as = "number" }] }  # how long a row lasts: as the starts show it'
    doubts.append(column.name)
    comment = f"{column.meaning}; required: name its column instead{_allowed_values(column)}"
    return f'{column.name} = {{ value = "FILL IN" }}  # {comment}'


def _left_lines(file: DraftColumns, across: DayColumns | None, beside: set[str]) -> Iterator[str]:
    """The columns that nothing was made of, with some of their values; of personal ones without."""
    days = re.compile(across.pattern) if across is not None else None
    left = [
        one
        for one in file.columns
        if one not in file.used and one.header not in beside and not (days and days.fullmatch(one_line(one.header)))
    ]
    if left:
        yield from ["", "# Columns of the file that nothing was made of:"]
    for sample in left:
        if sample.personal is not None:
            comment = f"looks like {sample.personal}; stays out, or enters with keep = true and a reason"
            yield f"#   {_comment(sample.header)}: {comment}"
        else:
            shown = "; ".join(_comment(value)[:30] for value in sample.values[:_SHOWN])
            yield f"#   {_comment(sample.header)}: {shown or 'empty'}"


def _joined_times(target: Table, file: DraftColumns, doubts: list[str]) -> dict[str, tuple[list[str], str]]:
    """Instants of which a column has the day and another the time of day: column -> (its headers, its value)."""
    made: dict[str, tuple[list[str], str]] = {}
    instants = [c for c in target.columns if CELL_KINDS[c.kind] is CellKind.INSTANT and c.name in file.matched]
    days = [c for c in instants if file.matched[c.name].is_bare_day]
    clocks = [one for one in file.free() if one.is_clock and not one.is_time]
    first: tuple[ColumnSample, str] | None = None
    for column in days:
        day = file.matched[column.name]
        fits = [
            one for one in clocks if similarity(one.header, names_beside("clock")) >= NEAR or _shares_word(one, day)
        ]
        if not fits or column.name == "due_at":
            continue
        clock = max(fits, key=lambda one: (_shares_word(one, day), similarity(one.header, names_beside("clock"))))
        clocks.remove(clock)
        of_day = _day_value(column, day, file.sheet, doubts)
        first = first or (day, column.name)
        made[column.name] = (
            [day.header, clock.header],
            f'{{ sum = [{of_day}, {{ from = {toml_column(clock.header)}, as = "clock"{_part_of(clock)} }}] }}',
        )
    opening = next((c for c in instants if c.name in {"opened_at", "start"} and c.name in made), None)
    if opening is not None and first is not None:  # other times of the same day: no earlier than the first
        for column in instants:
            own = file.matched[column.name]
            if column.name not in made and own.is_clock and not own.is_time:
                its_day = _day_value(opening, file.matched[opening.name], file.sheet, doubts)
                its_clock = f'{{ from = {toml_column(own.header)}, as = "clock" }}'
                made[column.name] = ([own.header], f'{{ sum = [{its_day}, {its_clock}], after = "{opening.name}" }}')
    for column in instants:  # a time of day without its day tells nothing; a day without its time puts all at midnight
        own = file.matched[column.name]
        if column.name not in made and own.is_clock and not own.is_time and column.required:
            doubts.append(column.name)
    return made


def _part_of(clock: ColumnSample) -> str:
    """What to take of times of day that are written as from and to."""
    if all(re.fullmatch(_CLOCK, value) for value in clock.values):
        return ""
    return f", part = {toml_text('^(' + _CLOCK + ')')}"


def _day_value(column: Column, day: ColumnSample, sheet: Sheet, doubts: list[str]) -> str:
    order = _order_of(day, sheet)
    if order is None and day.order is not None:
        doubts.append(column.name)
        order = "day-first"
    form = order or day.spelt
    said = f", format = {toml_text(form)}" if form else ""
    return f'{{ from = {toml_column(day.header)}, as = "day"{said} }}'


def _shares_word(one: ColumnSample, other: ColumnSample) -> bool:
    words = [
        set(re.findall(r"\w+", header.casefold())) - {"date", "time", "fecha", "hora", "datum", "data"}
        for header in (one.header, other.header)
    ]
    return bool(words[0] & words[1])


def _waited(file: DraftColumns) -> tuple[list[str], dict[str, tuple[list[str], str]]]:
    """When contacts were answered or given up, by what they waited and how they ended."""
    if {"answered_at", "abandoned_at"} & file.matched.keys() or "opened_at" not in file.matched:
        return [], {}
    waits = [one for one in file.free() if similarity(one.header, names_beside("wait")) >= NEAR and not one.is_time]
    outcome = file.matched.get("outcome")
    if not waits or outcome is None:
        return [], {}
    wait = max(waits, key=lambda one: similarity(one.header, names_beside("wait")))
    let = ["", "[let]", f'wait_s = {{ from = {toml_column(wait.header)}, as = "seconds" }}']

    def ended(how: str) -> tuple[list[str], str]:
        value = (
            f'{{ sum = [{{ use = "opened_at" }}, {{ use = "wait_s" }}], when = {{ use = "outcome", is = ["{how}"] }} }}'
        )
        return [wait.header], value

    return let, {"answered_at": ended("answered"), "abandoned_at": ended("abandoned")}


def _order_of(sample: ColumnSample, sheet: Sheet) -> str | None:
    """The order of day and month, by the whole column; None where nobody can tell, or where there is none."""
    if sample.order is None:
        return None
    if sample.order != "either":
        return sample.order
    seen = gather_evidence(sheet, {header: {Role.TIME} for header in sheet.headers[:_WIDEST]})
    own = order_shown(seen[sample.header]) if sample.header in seen else None
    shown = {order for one in seen.values() if (order := order_shown(one)) is not None}
    return own or (shown.pop() if len(shown) == 1 and len(seen[sample.header].days) > 0 else None)


def _day_column_values(across: DayColumns, seen: Sequence[ColumnSample]) -> dict[str, str]:
    """What the columns of a table with days across are, where it has them."""
    day = '{ from = "day", as = "day" }'
    if across.format is not None:
        day = f'{{ from = "day", as = "day", format = {toml_text(across.format)} }}'
    clocks = [one for one in seen if one.is_clock]
    start = f'{{ sum = [{day}, {{ from = {toml_column(clocks[0].header)}, as = "clock" }}] }}' if clocks else day
    return {"start": start, "offered": '"volume"'}


def _value_pairs(one: ColumnSample, allowed: Sequence[str]) -> str:
    """What each value is where it says so itself; whoever does not fill in the others gets rejects and no figures."""
    known = {value: _meaning(value, allowed) for value in one.values[:_VALUES]}
    return ", ".join(f"{toml_text(value)} = {toml_text(said)}" for value, said in known.items())


def _meaning(value: str, allowed: Sequence[str]) -> str:
    if value.casefold() in allowed:
        return value.casefold()
    means = [name for name, words in _MEANINGS.items() if name in allowed and value.casefold() in words.split()]
    return means[0] if means else "FILL IN"


def _value_map(one: ColumnSample, pairs: str) -> str:
    return f'{{ from = {toml_column(one.header)}, values = {{ {pairs} }}, unlisted = "refuse" }}'


_MEANINGS = {  # of an outcome, in people's words
    "answered": "answered handled connected completed taken yes y true 1 atendida contestada respondida sí si "
    "angenommen beantwortet ja répondu décroché traité oui atendida respondida sim risposta gestita",
    "abandoned": "abandoned hung lost missed abandon no n false 0 abandonada perdida colgó aufgelegt verloren nein "
    "abandonné perdu non não abbandonata persa",
}


def _column_line(column: Column, sample: ColumnSample, sheet: Sheet, doubts: list[str]) -> Iterator[str]:
    kind = CELL_KINDS[column.kind]
    examples = "; ".join(_comment(value)[:30] for value in sample.values[:_SHOWN])
    if kind in {CellKind.INSTANT, CellKind.DAY} and sample.order is not None:
        found = _order_of(sample, sheet)
        order, doubt = found or "day-first", "" if found else " (NOT SURE: no day above 12 was seen)"
        if found is None and column.required:
            doubts.append(column.name)
        value = f"{{ from = {toml_column(sample.header)}, format = {toml_text(order)} }}"
        yield f"{column.name} = {value}  # {examples}{doubt}"
        return
    if kind is CellKind.MONTH:
        form = next(
            (one for one in _MONTH_FORMATS if sample.values and all(_reads(v, one) for v in sample.values)), None
        )
        if form is not None:
            yield f"{column.name} = {{ from = {toml_column(sample.header)}, format = {toml_text(form)} }}  # {examples}"
            return
    if kind in {CellKind.INSTANT, CellKind.DAY} and sample.spelt is not None and not sample.is_iso:
        value = f"{{ from = {toml_column(sample.header)}, format = {toml_text(sample.spelt)} }}"
        yield f"{column.name} = {value}  # {examples}"
        return
    if column.required and kind is CellKind.INSTANT and sample.is_bare_day and column.name == "opened_at":
        doubts.append(column.name)
        yield f"{column.name} = {toml_column(sample.header)}  # {examples} (NOT SURE: days without a time of day)"
        return
    if kind in {CellKind.NUMBER, CellKind.SECONDS} and has_decimal_comma(sample):
        yield f'{column.name} = {{ from = {toml_column(sample.header)}, decimal = "," }}  # {examples}'
    elif kind is CellKind.FLAG and not {value.casefold() for value in sample.values} <= {*TRUE, *FALSE}:
        pairs = _value_pairs(sample, (*TRUE, *FALSE))
        yield f"{column.name} = {_value_map(sample, pairs)}  # CHECK each"
    elif column.values and not {value.casefold() for value in sample.values} <= set(column.values):
        pairs = _value_pairs(sample, column.values)
        # The state of a ticket is no outcome of a call: of values none of which is known, nothing is made.
        known = any(_meaning(one, column.values) != "FILL IN" for one in sample.values)
        unknown = not column.required and not known and _STATE.search(sample.header) is not None
        line = f"{column.name} = {_value_map(sample, pairs)}  # CHECK{_allowed_values(column)}"
        yield f"# {line}" if unknown else line
    else:
        yield f"{column.name} = {toml_column(sample.header)}  # {examples}"


def has_decimal_comma(sample: ColumnSample) -> bool:
    """Whether a column writes its decimals after a comma."""
    return any(re.fullmatch(r"-?\d+,\d{1,2}", value) for value in sample.values)


def _allowed_values(column: Column) -> str:
    return f"; one of {', '.join(column.values)}" if column.values else ""


def _comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return "".join(mark if mark.isprintable() else " " for mark in one_line(text))
