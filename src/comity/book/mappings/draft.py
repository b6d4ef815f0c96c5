"""A first draft of a mapping, by looking at a file: what each column seems to be, and what a person still has to say.

What columns are called elsewhere is learnt from the shipped mappings. Nothing of a column that looks personal is shown.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.compute as pc

from comity.book.formats.delimited import DelimitedSheet, FileScan, scan_file
from comity.book.formats.detect import SourceFile, detect_kind, open_source_file
from comity.book.formats.layout import HEADER_SEARCH, read_tops
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import Sheet, UnusableSourceError, one_line, unique_headers
from comity.book.mappings.adapt import FileFacts, adapt, order_shown, roles_of
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.column_evidence import Role, gather_evidence
from comity.book.mappings.column_samples import (
    MONTH_FORMATS,
    WIDEST,
    ColumnSample,
    complete_values,
    has_decimal_comma,
    reads_as,
    sample_columns,
)
from comity.book.mappings.header_meaning import (
    TOTAL,
    counts_hours,
    instrument_in,
    is_mean,
    is_share,
    scale_in,
    threshold_in,
)
from comity.book.mappings.headers import all_headers_of, asked_columns
from comity.book.mappings.mapping_text import mapping_text, narrowed, toml_column, toml_text
from comity.book.mappings.model import CELL_KINDS, CellKind, SourceMapping
from comity.book.mappings.parse import read_mapping
from comity.book.mappings.recognise import MappingMatch, matching_mappings
from comity.book.mappings.synonyms import NEAR, names_beside, similarity
from comity.book.mappings.table_fit import (
    COUNTS_BY,
    STAND_INS,
    columns_like,
    fit_of,
    fits_by_few,
    fitting_tables,
    match_by_name,
    match_by_values,
)
from comity.book.mappings.unpivot import unpivot
from comity.book.tables import TABLES, Column, Kind, Table
from comity.book.validation.personal_data import personal_data_in
from comity.book.validation.totals import TAX_WORDS, TOTAL_ALONE, TOTAL_WORDS

_SHOWN = 3
_VALUES = 12  # of one column that are listed
_WIDE_DAYS = 5  # as many headers that are days make a table with days across
_LISTED = 20  # headers that one comment names
_FEWEST_HEADERS = 2
_MOSTLY = 0.8
_DAY_HEADERS = {  # the pattern for `wide`, and the format of the day that it finds
    r"(?P<day>\d{4}-\d{2}-\d{2})(?: 00:00:00)?": None,
    r"(?P<day>\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))": "day-first",
}
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm])?"
# Of a row that lasts a month; Jan-26 may be a day.
_MONTHS_OF_ROWS = ("%Y-%m", *(one for one in MONTH_FORMATS if one != "%b-%y"))
_STATE = re.compile(r"\b(status|state|stage|estado|statut|état|stato|situação|fase|zustand)\b", re.IGNORECASE)
_DELETED = re.compile(
    r"(?i)deleted|merged|spam|duplicate|gel[öo]scht|storniert|zusammengef[üu]hrt|duplikat|dublette|eliminad[oa]|borrad[oa]|"
    r"fusionad[oa]|duplicad[oa]|supprim[ée]e?|fusionn[ée]e?|doublon|exclu[íi]d[oa]|apagad[oa]|mesclad[oa]|eliminat[oa]|"
    r"cancellat[oa]|unit[oa]|duplicat[oa]"
)
_NAMED_ROWS = {"contacts", "surveys", "invoices"}  # whose totals an import does not find by what they add up to
_DIRECTION = re.compile(
    r"direction|call direction|sentido|direcci[oó]n|richtung|sens|direction d'appel|direç[aã]o|direzione", re.IGNORECASE
)
_INBOUND = re.compile(
    r"in|inbound|incoming|entrantes?|recibidas?|eingehend|ankommend|entrante?s?|entrada|in entrata", re.IGNORECASE
)


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
    known = [one for one in matching_mappings(path, seen=seen) if table in {None, one.table}]
    if known and known[0].mapping not in TABLES:
        beside = [one for one in known[1:] if one.mapping not in TABLES and one.table != known[0].table]
        return _known_draft(path, known[0].mapping, [one for one in beside if one.share >= known[0].share])
    options, source = place_of_records(path, kind, seen, table)
    if (mark := header_mark(path, options, source, seen)) is not None:
        options = replace(options, skip_rows=0, header_has=mark)
    sheet = source.sheets[0]
    columns = complete_values(sheet, sample_columns(sheet))
    fits = [TABLES[table]] if table else [one.table for one in fitting_tables(columns, path.stem)]
    target = fits[0]
    matched = match_by_name(target, columns)
    guessed = match_by_values(target, columns, matched)
    across = _find_day_columns(sheet)
    file = DraftColumns(sheet, tuple(columns), matched, guessed)
    doubts: list[str] = ["table"] if len(fits) > 1 or (table is None and fits_by_few(target, columns, matched)) else []
    body = [
        *_unpivot_lines(across),
        *_totals_lines(target, file, doubts),
        *_direction_lines(target, columns),
        *_deleted_lines(target, file, doubts),
        *_column_lines(target, file, across, doubts),
    ]
    head = _header_lines(path, source, file, options, fits, doubts)
    return "\n".join([*head, *body]) + "\n"


def _known_draft(path: Path, name: str, beside: Sequence[MappingMatch]) -> str:
    """A shipped mapping as it reads this file: the headers that the file has, and what its columns show.

    :param beside: mappings that read the same file for other tables
    """
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
    head += [f"# `--as {one.mapping}` reads the same file for {one.table}: import it by both." for one in beside]
    return "\n".join(head) + "\n" + mapping_text(replace(mapping, file=layout))


def _read_headers(mapping: SourceMapping, sheet: Sheet) -> frozenset[str]:
    values = [
        *mapping.columns.values(),
        *mapping.let.values(),
        *(v for one in mapping.also for v in one.columns.values()),
    ]
    own = {found for value in values for header in all_headers_of(value, mapping.let) if (found := sheet.find(header))}
    return frozenset(own).union(*(unpivot(one.wide, sheet).used for one in mapping.all_tables if one.wide is not None))


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
            fit = max(fit_of(one, match_by_name(one, known), {}) for one in wanted)
            rank = (fit + _filled(cells, rest), top.visible, not top.pivot, -at, -row)
            if best is None or rank > best[0]:
                best = rank, replace(options, sheet=top.name, skip_rows=top.skips[row])
    if best is None:
        return options, open_source_file(path, options, seen)
    return best[1], open_source_file(path, best[1], seen)


def header_mark(path: Path, options: FileOptions, source: SourceFile, seen: FileScan) -> str | None:
    """The cell by which the header of a file is found where lines stand above it, however many they are next time.

    :param options: those by which the file was opened, with `skip_rows`
    :returns: None where no cell is the header's alone, or nothing stands above it
    """
    sheet = source.sheets[0]
    for header in sheet.headers if options.skip_rows else ():
        if header != one_line(header) or not header.strip() or re.fullmatch(r"[\d\W]*", header):
            continue
        try:
            again = open_source_file(path, replace(options, skip_rows=0, header_has=header), seen).sheets[0]
        except UnusableSourceError:
            continue
        if again.headers == sheet.headers:
            return header
    return None


def _is_header(headers: Sequence[str], rest: Sequence[Sequence[str]]) -> bool:
    """Whether a row looks like a header: words, and something below them."""
    words = sum(not re.fullmatch(r"[\d\W]*", header) for header in headers)
    return words >= len(headers) * _MOSTLY and any(any(cell.strip() for cell in row) for row in rest)


def _filled(cells: Sequence[str], rest: Sequence[Sequence[str]]) -> float:
    """A little for a header below which most cells are filled, in many rows."""
    width = sum(bool(cell.strip()) for cell in cells)
    full = sum(sum(bool(cell.strip()) for cell in row) * 2 > width for row in rest)
    return min(full, HEADER_SEARCH) / HEADER_SEARCH


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
    file: DraftColumns,
    options: FileOptions,
    fits: Sequence[Table],
    doubts: Sequence[str],
) -> Iterator[str]:
    sheet, target = file.sheet, fits[0]
    yield f"# A first draft, made by looking at {_comment(path.name)}. Go through it line by line."
    yield "# What is not sure says so, and stands in the line `ask`."
    yield "# Try it with: comity import FILE --as THIS.toml --into BOOK --dry-run. The language: docs/mapping.md"
    others = ", ".join(name for name in TABLES if name != target.name)
    likely = [one.name for one in fits[1:]]
    if likely and len(likely) < len(TABLES) - 1:
        others = f"NOT SURE: {' or '.join(likely)} would fit nearly as well; {others}"
    yield f"table = {toml_text(target.name)}  # {target.meaning}; others: {others}"
    yield f"about = {toml_text(path.stem)}"
    if doubts:
        asked = ", ".join(map(toml_text, dict.fromkeys(doubts)))
        yield f"ask = [{asked}]  # NOT SURE of these: nothing is imported until you have looked and taken them out here"
    times = [one for one in file.columns if one.is_time]
    if times and not any(one.has_offset for one in times):
        yield '# zone = ""  # the times bear no offset: they are those of the book, unless its clocks hang elsewhere'
    for note in source.notes:
        yield f"# The file was {_comment(note)}."
    yield from ["", "[file]"]
    if sheet.name is not None:
        yield f"sheet = {toml_text(sheet.name)}"
        yield from _header_place(options)
        yield "# header_rows = 2  # where the heading stands in two rows"
    elif source.kind == "json":
        yield 'kind = "json"'
    else:
        yield from _header_place(options)
        yield "# encoding, delimiter, header_rows, header_has, skip_rows: found by looking; write them to be sure"


def _header_place(options: FileOptions) -> Iterator[str]:
    """Where the header stands: named by one of its cells, as the lines above it may be more in the next export."""
    if options.header_has:
        yield f"header_has = {toml_text(options.header_has)}  # the header is the first row with this cell"
    elif options.skip_rows:
        yield f"skip_rows = {options.skip_rows}"


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


def _totals_lines(target: Table, file: DraftColumns, doubts: list[str]) -> Iterator[str]:
    """Rows that are no records: those that the file has, else a hint."""
    for name in ("service", *target.key) if target.name in _NAMED_ROWS else ():
        sample = file.found(name)
        if sample is None or sample.personal is not None:
            continue
        words = f"{TOTAL_WORDS}|{TAX_WORDS}" if target.name == "invoices" else TOTAL_ALONE
        found = _values_like(file.sheet, sample.header, words)
        if found:
            doubts.append("totals")
            shown = "; ".join(_comment(value)[:40] for value in found[:_VALUES])
            yield from ["", f"# Rows of sums and taxes, which are no records. NOT SURE; there are: {shown}"]
            yield from ["[[totals]]", f"column = {toml_column(sample.header)}"]
            yield f"is = [{', '.join(map(toml_text, dict.fromkeys(map(_without_rate, found))))}]"
            return
    yield from [
        "",
        "# [[totals]]   # rows of totals, which are no records",
        '# column = "..."',
        '# is = ["re:.*(total|summe|gesamt|suma|somme|soma|somma).*"]',
    ]


def _values_like(sheet: Sheet, header: str, words: str) -> list[str]:
    """The different values of a column that are such words, as far as a draft looks."""
    found: dict[str, None] = {}
    for batch in sheet.batches([header]):
        cells = pc.utf8_trim_whitespace(batch.column(1))
        like = pc.fill_null(pc.match_substring_regex(cells, f"^(?:{words})$"), False)
        found |= dict.fromkeys(pc.unique(cells.filter(like)).to_pylist())
        if len(found) > _LISTED:
            break
    return list(found)[:_LISTED]


def _without_rate(text: str) -> str:
    """The name of a tax, whatever its rate is next year; as a pattern where it bears one."""
    bare = re.sub(r"\s*\(?\d+([.,]\d+)?\s*%\)?", "\0", text)
    if "\0" not in bare:
        return f"re:{re.escape(text)}" if text.startswith("re:") else text
    return "re:" + r"\s*\(?[\d.,]*\s*%\)?".join(map(re.escape, bare.split("\0")))


def _deleted_lines(target: Table, file: DraftColumns, doubts: list[str]) -> Iterator[str]:
    """Tickets that somebody deleted, merged or took for spam, by the state that they have."""
    for one in file.columns if target.name == "contacts" else ():
        gone = [value for value in one.values if _DELETED.fullmatch(value)]
        if _STATE.search(one.header) and gone and one.personal is None:
            doubts.append("rows")
            yield from [
                "",
                "# NOT SURE: deleted and merged tickets are left out, and withdrawn where they came before.",
            ]
            yield from ["[[rows]]", f"column = {toml_column(one.header)}", f"not = [{', '.join(map(toml_text, gone))}]"]
            return


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
    let, waited = _waited(file, doubts) if target.name == "contacts" else ([], {})
    yield from let
    yield from ["", "[columns]"]
    beside: set[str] = {header for headers, _ in joined.values() for header in headers}
    beside |= {header for headers, _ in waited.values() for header in headers}
    said = _said_by_headers(target, file) | _said_by_closing(target, file)
    for column in target.columns:
        sample = file.found(column.name)
        if column.name in given:
            yield f"{column.name} = {given[column.name]}"
        elif column.name in waited and sample is None:
            yield f"{column.name} = {waited[column.name][1]}"
        elif column.name in joined:
            yield f"{column.name} = {joined[column.name][1]}"
        elif sample is not None:
            yield from _matched_lines(target, column, sample, file, doubts)
        elif column.name in said:
            doubts.append(column.name)
            value, comment = said[column.name]
            yield f"{column.name} = {value}  # NOT SURE: {comment}"
        else:
            start = file.found("start")
            monthly = start is not None and _month_of_start(target.by_name["start"], start) is not None
            yield _empty_line(column, doubts, dated="start" in file.matched, monthly=monthly)
    doubts += _not_counted(target, file)
    yield from _left_lines(file, across, beside)


def _matched_lines(
    target: Table, column: Column, sample: ColumnSample, file: DraftColumns, doubts: list[str]
) -> Iterator[str]:
    """The lines of a column of the table that one of the file's was taken for."""
    if (target.name, column.name) == ("intervals", "handle_s"):
        yield _handled_line(sample, file.found("answered"), doubts)
        return
    doubt = ""
    if column.name in file.guessed:
        doubts.append(column.name)
        doubt = "  # NOT SURE: by its values alone"
    elif (target.name, column.name) == ("contacts", "opened_at") and _is_log(file):
        doubts.append(column.name)
        key = _comment(file.matched["contact_id"].header)
        closed = 'over = "max", when = { column = "...", is = ["Closed"] }'
        yield f"# A log: several rows have one {key}. It opened with the first, and closed with the last that says so:"
        yield f"# closed_at = {{ from = {toml_column(sample.header)}, {closed} }}"
        made = f'{{ from = {toml_column(sample.header)}, over = "min"{_order_mark(sample, file.sheet)} }}'
        yield f"{column.name} = {made}  # NOT SURE: the first of its rows"
        return
    elif column.name == "answered_within" and _others_within(sample, file):
        doubts.append(column.name)
        doubt = "  # NOT SURE: several columns count within a threshold"
    elif column.name == "score" and len(columns_like(target, column, file.columns)) > 1:
        doubts.append(column.name)
        doubt = "  # NOT SURE: several columns could be the score"
    elif target.name == "schedules" and column.kind is Kind.NUMBER and counts_hours(sample.header):
        doubts.append(column.name)
        doubt = "  # NOT SURE: hours are not people: of intervals of 15 minutes write times = 4, of 30 times = 2"
    yield from (line + doubt for line in _column_line(column, sample, file.sheet, doubts))


def _is_log(file: DraftColumns) -> bool:
    """Whether several rows have the same id, and no column but one says when."""
    key = file.found("contact_id")
    return key is not None and key.repeats and not {"closed_at", "resolved_at"} & file.matched.keys()


def _order_mark(sample: ColumnSample, sheet: Sheet) -> str:
    """The format of a column of days whose parts stand in an order that has to be said."""
    if sample.order is not None:
        return f", format = {toml_text(_order_of(sample, sheet) or 'day-first')}"
    return f", format = {toml_text(sample.spelt)}" if sample.spelt is not None and not sample.is_iso else ""


def _not_counted(target: Table, file: DraftColumns) -> list[str]:
    """Columns that a table may lack and without which no figure is made of its rows."""
    groups = COUNTS_BY.get(target.name, ())
    return [names[0] for names in groups if not any(file.found(name) is not None for name in names)]


def _said_by_headers(target: Table, file: DraftColumns) -> dict[str, tuple[str, str]]:
    """What a table asks for and the header of another column says: column -> its value, and where from."""
    said: dict[str, tuple[str, str]] = {}
    within = file.found("answered_within")
    limit = threshold_in(within.header) if within is not None else None
    if target.name == "intervals" and limit is not None:
        said["threshold_s"] = f'{{ value = "{limit.seconds:g}" }}', "as the header of answered_within says"
    if target.name == "surveys" and (score := file.found("score")) is not None:
        scale, instrument = scale_in(score.header), instrument_in(score.header)
        if scale is not None:
            said["scale_min"] = f'{{ value = "{scale[0]}" }}', "as the header of score says"
            said["scale_max"] = f'{{ value = "{scale[1]}" }}', "as the header of score says"
        if file.found("response_id") is None and file.found("contact_id") is None:
            place = '{ join = [{ file = true }, { row = true }], with = "-" }'
            said["response_id"] = place, "nothing names the answers, so each bears its file and its place there"
        if instrument is not None:
            said["instrument"] = f'{{ value = "{instrument}" }}', "by the header of score; csat, nps, ces, esat, ..."
    if target.name == "invoices" and file.found("quantity") is None and file.found("amount") is not None:
        said["quantity"] = "{ value = 1 }", "nothing says how much of it, so each line counts as one"
    for name, other in STAND_INS.get(target.name, {}).items():
        stand_in = file.found(other)
        if file.found(name) is None and stand_in is None and other in said:
            said[name] = said[other][0], f"as {other}"
        elif file.found(name) is None and stand_in is not None:
            reason = "nobody is named, so each answer counts as a person of its own"
            comment = reason if name == "respondent_id" else f"nothing else tells rows apart than {other}"
            said[name] = toml_column(stand_in.header), comment
    return said


def _said_by_closing(target: Table, file: DraftColumns) -> dict[str, tuple[str, str]]:
    """Of tickets with a deadline that say only when they were closed: that they were resolved then, perhaps."""
    closed = file.found("closed_at")
    has_resolved = file.found("resolved_at") is not None
    if target.name != "contacts" or closed is None or has_resolved or file.found("due_at") is None:
        return {}
    return {"resolved_at": (toml_column(closed.header), "nothing else says when a ticket was resolved")}


def _others_within(sample: ColumnSample, file: DraftColumns) -> bool:
    """Whether another column counts by another threshold."""
    limit = threshold_in(sample.header)
    return limit is not None and any(
        (other := threshold_in(one.header)) is not None and other.counted == limit.counted
        for one in file.columns
        if one.header != sample.header and not is_share(one.header)
    )


def _handled_line(sample: ColumnSample, answered: ColumnSample | None, doubts: list[str]) -> str:
    """The handled time of an interval: a total, or a mean times what it is the mean of."""
    mark = ', decimal = ","' if has_decimal_comma(sample) else ""
    examples = "; ".join(_comment(value)[:30] for value in sample.values[:_SHOWN])
    if not is_mean(sample.header):
        total = TOTAL.search(sample.header) is not None
        if not total:
            doubts.append("handle_s")
        doubt = "" if total else " (NOT SURE: of all contacts of the interval together, or the mean of one?)"
        value = f"{{ from = {toml_column(sample.header)}{mark} }}" if mark else toml_column(sample.header)
        return f"handle_s = {value}  # {examples}{doubt}"
    doubts.append("handle_s")
    if answered is None:
        return f"# handle_s = {toml_column(sample.header)}  # NOT SURE: a mean, and nothing says of how many contacts"
    mean = f'{{ from = {toml_column(sample.header)}, as = "seconds"{mark} }}'
    parts = f"{toml_column(answered.header)}, {mean}"
    return f"handle_s = {{ product = [{parts}] }}  # NOT SURE: a mean, times what it is the mean of"


def _empty_line(column: Column, doubts: list[str], *, dated: bool, monthly: bool) -> str:
    """The line of a column of the table that the file has nothing for."""
    if not column.required:
        return f'# {column.name} = ""  # {column.meaning}{_allowed_values(column)}'
    if column.name == "minutes" and monthly:
        return 'minutes = "month"  # how long a row lasts'
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


def _waited(file: DraftColumns, doubts: list[str]) -> tuple[list[str], dict[str, tuple[list[str], str]]]:
    """When contacts were answered or given up, by what they waited and how they ended."""
    if {"answered_at", "abandoned_at"} & file.matched.keys() or "opened_at" not in file.matched:
        return [], {}
    waits = [one for one in file.free() if similarity(one.header, names_beside("wait")) >= NEAR and not one.is_time]
    waits = [one for one in waits if any(re.search(r"\d", value) for value in one.values)]
    if not waits:
        return [], {}
    wait = max(waits, key=lambda one: similarity(one.header, names_beside("wait")))
    let = ["", "[let]", f'wait_s = {{ from = {toml_column(wait.header)}, as = "seconds" }}']
    outcome = file.matched.get("outcome")
    if outcome is None or _is_a_state(outcome):
        # Nothing says how it ended, so that whatever waited was answered; who gave up bears no end.
        doubts.append("answered_at")
        value = '{ sum = [{ use = "opened_at" }, { use = "wait_s" }] }  # NOT SURE: whatever has a wait was answered'
        return let, {"answered_at": ([wait.header], value)}

    def ended(how: str) -> tuple[list[str], str]:
        value = (
            f'{{ sum = [{{ use = "opened_at" }}, {{ use = "wait_s" }}], when = {{ use = "outcome", is = ["{how}"] }} }}'
        )
        return [wait.header], value

    return let, {"answered_at": ended("answered"), "abandoned_at": ended("abandoned")}


def _is_a_state(sample: ColumnSample) -> bool:
    """Whether what seems an outcome is the state of a ticket, which says nothing of how a contact ended."""
    allowed = TABLES["contacts"].by_name["outcome"].values
    known = any(_meaning(one, allowed) != "FILL IN" for one in sample.values)
    return not known and _STATE.search(sample.header) is not None


def _order_of(sample: ColumnSample, sheet: Sheet) -> str | None:
    """The order of day and month, by the whole column; None where nobody can tell, or where there is none."""
    if sample.order is None:
        return None
    if sample.order != "either":
        return sample.order
    seen = gather_evidence(sheet, {header: {Role.TIME} for header in sheet.headers[:WIDEST]})
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
    known = {value: _meaning(value, allowed) for value in one.values}
    return ", ".join(f"{toml_text(value)} = {toml_text(said)}" for value, said in known.items())


def _meaning(value: str, allowed: Sequence[str]) -> str:
    if value.casefold() in allowed:
        return value.casefold()
    means = [name for name, words in _MEANINGS.items() if name in allowed and value.casefold() in words.split()]
    return means[0] if means else "FILL IN"


def _value_map(one: ColumnSample, pairs: str) -> str:
    return f'{{ from = {toml_column(one.header)}, values = {{ {pairs} }}, unlisted = "refuse" }}'


_MEANINGS = {  # in people's words: of an outcome, and of the unit of an invoice's line
    "answered": "answered handled connected completed taken yes y true 1 atendida contestada respondida sí si "
    "angenommen beantwortet ja répondu décroché traité oui atendida respondida sim risposta gestita",
    "abandoned": "abandoned hung lost missed abandon no n false 0 abandonada perdida colgó aufgelegt verloren nein "
    "abandonné perdu non não abbandonata persa",
    "voicemail": "voicemail mailbox anrufbeantworter sprachbox buzón buzon messagerie répondeur segreteria",
    "hour": "hour hours hrs h hora horas stunde stunden std std. heure heures ora ore",
    "minute": "minute minutes min minuto minutos minuten minuti",
    "fixed": "fixed flat lump pauschale pauschal fijo fija forfait fixe fixo fixa fisso forfettario",
    "contact": "contact contacts call calls llamada llamadas anruf anrufe appel appels chamada chamadas chiamata "
    "chiamate",
}


def _column_line(  # noqa: C901 - one way for each kind of column
    column: Column, sample: ColumnSample, sheet: Sheet, doubts: list[str]
) -> Iterator[str]:
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
    if kind is CellKind.INSTANT and (form := _month_of_start(column, sample)) is not None:
        yield f"{column.name} = {{ from = {toml_column(sample.header)}, format = {toml_text(form)} }}  # {examples}"
        return
    if kind is CellKind.MONTH:
        form = _form_of(sample, MONTH_FORMATS)
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
        line = f"{column.name} = {_value_map(sample, pairs)}  # CHECK{_allowed_values(column)}"
        if column.name == "outcome" and _is_a_state(sample):
            yield "# A ticket has a state and no outcome; leave it out, unless these values say how a call ended:"
            line = f"# {line}"
        yield line
    else:
        yield f"{column.name} = {toml_column(sample.header)}  # {examples}"


def _form_of(sample: ColumnSample, forms: Sequence[str]) -> str | None:
    """The first of the formats that reads every value of a column."""
    return next((one for one in forms if sample.values and all(reads_as(v, one) for v in sample.values)), None)


def _month_of_start(column: Column, sample: ColumnSample) -> str | None:
    """How the months are written that the rows of a monthly report begin with; None where they are no months."""
    return _form_of(sample, _MONTHS_OF_ROWS) if column.name == "start" else None


def _allowed_values(column: Column) -> str:
    return f"; one of {', '.join(column.values)}" if column.values else ""


def _comment(text: str) -> str:
    """Text that cannot leave its comment."""
    return "".join(mark if mark.isprintable() else " " for mark in one_line(text))
