"""A first draft of a mapping, by looking at a file: what each column seems to be, and what a person still has to say.

What columns are called elsewhere is learnt from the shipped mappings. Nothing of a column that looks personal is shown.
"""

import difflib
import re
from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass
from pathlib import Path

from comity.book.formats.detect import SourceFile, open_source_file
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import Sheet, UnusableSourceError, one_line
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.headers import headers_of
from comity.book.mappings.model import CELL_KINDS, CellKind
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.tables import TABLES, Column, Table
from comity.book.validation.personal_data import personal_data_in

_SAMPLE = 500
_SHOWN = 3
_VALUES = 12  # of one column that are listed
_WIDEST = 60  # columns that are looked at one by one
_WIDE_DAYS = 5  # as many headers that are days make a table with days across
_NEAR = 0.86
_HEADER_SEARCH = 25
_DAY_HEADERS = {  # the pattern for `wide`, and the format of the day that it finds
    r"(?P<day>\d{4}-\d{2}-\d{2})(?: 00:00:00)?": None,
    r"(?P<day>\d{1,2}[/.-]\d{1,2}[/.-](?:\d{4}|\d{2}))": "day-first",
}
_SLASHED = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?!\d)(.*)")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}([T ].*)?")
_MONTHS = 12


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
        return bool(self.values) and all(re.match(r"\d{1,2}:\d{2}", value) for value in self.values)

    @property
    def is_time(self) -> bool:
        """Whether it holds days or instants."""
        return self.order is not None or (bool(self.values) and all(_ISO.fullmatch(value) for value in self.values))


def draft_mapping(path: Path, table: str | None = None) -> str:
    """The TOML of a first mapping for a file.

    :param table: the table that its rows go to; None: the one that its headers fit best
    :raises UnusableSourceError: when the file cannot be read
    """
    options = FileOptions()
    source = open_source_file(path, options)
    if source.kind == "workbook":
        options, source = find_header(path, source)
    sheet = source.sheets[0]
    seen = sample_columns(sheet)
    known = synonyms()
    target = TABLES[table] if table else best_table(seen, known)
    matched = match_by_name(target, seen, known[target.name])
    guessed = match_by_values(target, seen, matched)
    across = _find_day_columns(sheet)
    head = _header_lines(path, source, sheet, options, target, seen)
    return (
        "\n".join(
            [*head, *_unpivot_lines(across), *_totals_lines(), *_column_lines(target, seen, matched, guessed, across)]
        )
        + "\n"
    )


def synonyms() -> dict[str, dict[str, list[str]]]:
    """Table -> column -> what the column is called in the sources that we know."""
    names: dict[str, dict[str, list[str]]] = {
        name: {column.name: [column.name, column.name.replace("_", " ")] for column in table.columns}
        for name, table in TABLES.items()
    }
    for name in shipped_mappings():
        mapping = read_mapping(name)
        for column, value in mapping.columns.items():
            names[mapping.table][column] += [one for one in headers_of(value, mapping.let) if not one.startswith("re:")]
    return names


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


def find_header(path: Path, source: SourceFile) -> tuple[FileOptions, SourceFile]:
    """The first row that looks like a header, where titles stand above it."""
    best = FileOptions()
    for skip in range(_HEADER_SEARCH):
        options = FileOptions(skip_rows=skip)
        try:
            tried = open_source_file(path, options)
        except UnusableSourceError:
            break
        named = [header for header in tried.sheets[0].headers if not header.startswith("column ")]
        if len(named) > 1 and len(named) * 2 > len(tried.sheets[0].headers):
            return options, tried
    return best, source


def _similarity(header: str, names: Sequence[str]) -> float:
    own = _words(header)
    return max((difflib.SequenceMatcher(None, own, _words(name)).ratio() for name in names), default=0.0)


def _words(header: str) -> str:
    """A header as its words alone; what stands in brackets at its end is a unit."""
    bare = re.sub(r"\s*[(\[][^()\[\]]*[)\]]$", "", one_line(header).casefold())
    return re.sub(r"[\W_]+", " ", bare or header.casefold()).strip()


def best_table(seen: Sequence[ColumnSample], known: dict[str, dict[str, list[str]]]) -> Table:
    """The table that columns fit best."""

    def fit(table: Table) -> float:
        matched = match_by_name(table, seen, known[table.name])
        guessed = match_by_values(table, seen, matched)
        required = sum((column.name in matched) + (column.name in guessed) / 2 for column in table.required)
        return 2 * required / max(1, len(table.required)) + len(matched) / 2

    return max(TABLES.values(), key=fit)


def match_by_name(table: Table, seen: Sequence[ColumnSample], known: dict[str, list[str]]) -> dict[str, ColumnSample]:
    """The likeliest column of the file for each of the table's, each used once."""
    pairs = sorted(
        (
            (_similarity(sample.header, known[column.name]), -i, column.name, sample)
            for i, column in enumerate(table.columns)
            for sample in seen
        ),
        key=lambda pair: pair[:2],
        reverse=True,
    )
    matches: dict[str, ColumnSample] = {}
    for score, _, column, sample in pairs:
        if score >= _NEAR and column not in matches and sample not in matches.values() and sample.personal is None:
            matches[column] = sample
    return matches


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
    path: Path, source: SourceFile, sheet: Sheet, options: FileOptions, target: Table, seen: Sequence[ColumnSample]
) -> Iterator[str]:
    yield f"# A first draft, made by looking at {_comment(path.name)}. Go through it line by line."
    yield "# What is not sure says so."
    yield "# Try it with: comity import FILE --as THIS.toml --into BOOK --dry-run. The language: docs/mapping.md"
    others = ", ".join(name for name in TABLES if name != target.name)
    yield f"table = {toml_text(target.name)}  # {target.meaning}; others: {others}"
    yield f"about = {toml_text(path.stem)}"
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


def _column_lines(
    target: Table,
    seen: Sequence[ColumnSample],
    matched: dict[str, ColumnSample],
    guessed: dict[str, ColumnSample],
    across: DayColumns | None,
) -> Iterator[str]:
    yield from ["", "[columns]"]
    given = _day_column_values(across, seen) if across is not None else {}
    for column in target.columns:
        sample = matched.get(column.name) or guessed.get(column.name)
        if column.name in given:
            yield f"{column.name} = {given[column.name]}"
        elif sample is not None:
            doubt = "  # NOT SURE: by its values alone" if column.name in guessed else ""
            yield from (line + doubt for line in _column_line(column, sample))
        elif column.required:
            comment = f"{column.meaning}; required: name its column instead{_allowed_values(column)}"
            yield f'{column.name} = {{ value = "FILL IN" }}  # {comment}'
        else:
            yield f'# {column.name} = ""  # {column.meaning}{_allowed_values(column)}'
    days = re.compile(across.pattern) if across is not None else None
    used = [*matched.values(), *guessed.values()]
    left = [sample for sample in seen if sample not in used and not (days and days.fullmatch(one_line(sample.header)))]
    if left:
        yield from ["", "# Columns of the file that nothing was made of:"]
    for sample in left:
        if sample.personal is not None:
            comment = f"looks like {sample.personal}; stays out, or enters with keep = true and a reason"
            yield f"#   {_comment(sample.header)}: {comment}"
        else:
            shown = "; ".join(_comment(value)[:30] for value in sample.values[:_SHOWN])
            yield f"#   {_comment(sample.header)}: {shown or 'empty'}"


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
    known = {value: value.casefold() if value.casefold() in allowed else "FILL IN" for value in one.values[:_VALUES]}
    return ", ".join(f"{toml_text(value)} = {toml_text(said)}" for value, said in known.items())


def _value_map(one: ColumnSample, pairs: str) -> str:
    return f'{{ from = {toml_column(one.header)}, values = {{ {pairs} }}, unlisted = "refuse" }}'


def _column_line(column: Column, sample: ColumnSample) -> Iterator[str]:
    kind = CELL_KINDS[column.kind]
    examples = "; ".join(_comment(value)[:30] for value in sample.values[:_SHOWN])
    if kind in {CellKind.INSTANT, CellKind.DAY} and sample.order is not None:
        order = "day-first" if sample.order == "either" else sample.order
        doubt = " (NOT SURE: no day above 12 was seen)" if sample.order == "either" else ""
        value = f"{{ from = {toml_column(sample.header)}, format = {toml_text(order)} }}"
        yield f"{column.name} = {value}  # {examples}{doubt}"
        return
    if kind in {CellKind.NUMBER, CellKind.SECONDS} and has_decimal_comma(sample):
        yield f'{column.name} = {{ from = {toml_column(sample.header)}, decimal = "," }}  # {examples}'
    elif kind is CellKind.FLAG and not {value.casefold() for value in sample.values} <= {*TRUE, *FALSE}:
        pairs = _value_pairs(sample, (*TRUE, *FALSE))
        yield f"{column.name} = {_value_map(sample, pairs)}  # CHECK each"
    elif column.values and not {value.casefold() for value in sample.values} <= set(column.values):
        pairs = _value_pairs(sample, column.values)
        yield f"{column.name} = {_value_map(sample, pairs)}  # CHECK{_allowed_values(column)}"
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


def toml_column(header: str) -> str:
    """A column of the file, by its name even where that looks like a pattern."""
    return toml_text(f"re:{re.escape(one_line(header))}" if header.startswith("re:") else header)


def toml_text(text: str) -> str:
    """A TOML text."""
    marks = {"\\": "\\\\", '"': '\\"'}
    return '"' + "".join(marks.get(m, m if m.isprintable() else f"\\U{ord(m):08x}") for m in text) + '"'
