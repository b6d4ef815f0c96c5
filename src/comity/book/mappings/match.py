"""A mapping made of a person's answers: which column of their file is which of ours, and what nobody may guess.

Suggestions come from headers and values. What the values leave open, the order of day and month and the zone of times
without an offset, is a question and never an assumption; so is what a value means that the table does not know.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from comity.book.formats.delimited import FileScan
from comity.book.formats.detect import open_source_file
from comity.book.formats.options import FileOptions
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.draft import (
    ColumnSample,
    best_table,
    find_header,
    has_decimal_comma,
    match_by_name,
    match_by_values,
    sample_columns,
    synonyms,
    toml_column,
    toml_text,
)
from comity.book.mappings.model import CELL_KINDS, CellKind
from comity.book.tables import BROUGHT_BY, TABLES, Column

REJECT = "-"  # in the place of a meaning: rows with this value are rejected
ORDERS = ("day-first", "month-first")
_MOST_VALUES = 12  # values of one column that are asked about one by one


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file, and how it is laid out."""

    samples: tuple[ColumnSample, ...]
    kind: str
    sheet: str | None = None
    skip_rows: int = 0


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a file.

    :ivar fields: header -> column of the table
    :ivar orders: header -> `ORDERS`
    :ivar constants: column -> the value that all rows have
    :ivar meanings: column -> value of the file -> value of the table
    """

    table: str
    fields: Mapping[str, str]
    orders: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Questions:
    """What is still open before a file can be checked."""

    missing: tuple[str, ...] = ()  # required columns that no column of the file fills
    repeated: tuple[str, ...] = ()  # columns that are chosen twice
    orders: tuple[str, ...] = ()  # headers of dates whose order nobody can see
    zone: bool = False
    meanings: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # column -> values that the table does not know

    @property
    def any(self) -> bool:
        """Whether anything is open."""
        return bool(self.missing or self.repeated or self.orders or self.zone or self.meanings)


def look_at_columns(path: Path, seen: FileScan | None = None) -> FileColumns:
    """Read the headers of a file and some of its values.

    :raises UnusableSourceError: when the file cannot be read
    """
    options = FileOptions()
    source = open_source_file(path, options, seen)
    if source.kind == "workbook":
        options, source = find_header(path, source)
    sheet = source.sheets[0]
    return FileColumns(tuple(sample_columns(sheet)), source.kind, sheet.name, options.skip_rows)


@cache
def _synonyms() -> dict[str, dict[str, list[str]]]:
    return synonyms()


def suggest_table(columns: FileColumns) -> str:
    """The table that the headers fit best."""
    return best_table(columns.samples, _synonyms()).name


def suggest_fields(columns: FileColumns, table: str) -> dict[str, str]:
    """Header -> column of the table, for those that seem to belong together."""
    target = TABLES[table]
    by_name = match_by_name(target, columns.samples, _synonyms()[table])
    by_values = match_by_values(target, columns.samples, by_name)
    return {sample.header: name for name, sample in {**by_values, **by_name}.items() if name != BROUGHT_BY.name}


def open_questions(columns: FileColumns, answers: Answers) -> Questions:
    """What the answers leave open."""
    target = TABLES[answers.table]
    chosen = _chosen(columns, answers)
    filled = {*chosen, *(name for name, value in answers.constants.items() if value.strip())}
    orders = [
        sample.header
        for name, samples in chosen.items()
        for sample in samples
        if _is_day(target.by_name[name])
        and sample.order == "either"
        and answers.orders.get(sample.header) not in ORDERS
    ]
    local = any(
        CELL_KINDS[target.by_name[name].kind] is CellKind.INSTANT and any(not sample.has_offset for sample in samples)
        for name, samples in chosen.items()
    )
    meanings = {}
    for name, samples in chosen.items():
        answered = answers.meanings.get(name, {})
        unknown = tuple(value for value in unknown_values(target.by_name[name], samples[0]) if not answered.get(value))
        if unknown:
            meanings[name] = unknown
    return Questions(
        tuple(column.name for column in target.required if column.name not in filled),
        tuple(name for name, samples in chosen.items() if len(samples) > 1 and _day_and_clock(samples) is None),
        tuple(orders),
        local and not answers.zone,
        meanings,
    )


def unknown_values(column: Column, sample: ColumnSample) -> tuple[str, ...]:
    """The values of a column of the file that the table does not know, of those that were seen."""
    known = column.values or ((*TRUE, *FALSE) if CELL_KINDS[column.kind] is CellKind.FLAG else ())
    if not known:
        return ()
    return tuple(value for value in sample.values if value.casefold() not in known)[:_MOST_VALUES]


def matched_mapping(columns: FileColumns, answers: Answers, about: str) -> str:
    """The TOML of the mapping that the answers make; without questions open."""
    return "\n".join(_lines(columns, answers, about)) + "\n"


def _lines(columns: FileColumns, answers: Answers, about: str) -> Iterator[str]:
    target = TABLES[answers.table]
    yield f"table = {toml_text(answers.table)}"
    yield f"about = {toml_text(about)}"
    if answers.zone:
        yield f"zone = {toml_text(answers.zone)}"
    layout = [f"sheet = {toml_text(columns.sheet)}"] if columns.kind == "workbook" and columns.sheet else []
    layout += [f"skip_rows = {columns.skip_rows}"] if columns.skip_rows else []
    layout += ['kind = "json"'] if columns.kind == "json" else []
    if layout:
        yield from ["", "[file]", *layout]
    yield from ["", "[columns]"]
    chosen = _chosen(columns, answers)
    for column in target.columns:
        if column.name in chosen:
            yield f"{column.name} = {_value(column, chosen[column.name], answers)}"
        elif answers.constants.get(column.name, "").strip():
            yield f"{column.name} = {{ value = {toml_text(answers.constants[column.name].strip())} }}"


def _value(column: Column, samples: Sequence[ColumnSample], answers: Answers) -> str:
    parts = _day_and_clock(samples)
    if parts is not None:
        day, clock = parts
        of_day = _inner(day, {"as": "day", **_order(day, answers)})
        return f"{{ sum = [{{ {of_day} }}, {{ {_inner(clock, {'as': 'clock'})} }}] }}"
    sample, kind = samples[0], CELL_KINDS[column.kind]
    more: dict[str, str] = _order(sample, answers) if _is_day(column) else {}
    if kind in {CellKind.NUMBER, CellKind.SECONDS} and has_decimal_comma(sample):
        more["decimal"] = ","
    unknown = unknown_values(column, sample)
    if not unknown:
        return f"{{ {_inner(sample, more)} }}" if more else toml_column(sample.header)
    known = [value for value in sample.values if value not in unknown]
    meanings = {**{value: value.casefold() for value in known}, **answers.meanings.get(column.name, {})}
    pairs = ", ".join(
        f"{toml_text(value)} = {toml_text(meaning)}" for value, meaning in meanings.items() if meaning != REJECT
    )
    return f'{{ from = {toml_column(sample.header)}, values = {{ {pairs} }}, unlisted = "refuse" }}'


def _inner(sample: ColumnSample, more: Mapping[str, str]) -> str:
    return ", ".join(
        [f"from = {toml_column(sample.header)}", *(f"{key} = {toml_text(value)}" for key, value in more.items())]
    )


def _order(sample: ColumnSample, answers: Answers) -> dict[str, str]:
    order = answers.orders.get(sample.header) if sample.order == "either" else sample.order
    return {"format": order} if order else {}


def _is_day(column: Column) -> bool:
    return CELL_KINDS[column.kind] in {CellKind.INSTANT, CellKind.DAY}


def _day_and_clock(samples: Sequence[ColumnSample]) -> tuple[ColumnSample, ColumnSample] | None:
    """A day and a time of day that stand in two columns; None for anything else."""
    if len(samples) != 2:  # noqa: PLR2004 - a day and a clock
        return None
    days, clocks = [one for one in samples if one.is_time], [one for one in samples if one.is_clock]
    return (days[0], clocks[0]) if len(days) == len(clocks) == 1 else None


def _chosen(columns: FileColumns, answers: Answers) -> dict[str, list[ColumnSample]]:
    """Column of the table -> the columns of the file that were chosen for it."""
    known = TABLES[answers.table].by_name
    chosen: dict[str, list[ColumnSample]] = defaultdict(list)
    for sample in columns.samples:
        name = answers.fields.get(sample.header, "")
        if name in known and sample.personal is None:
            chosen[name].append(sample)
    return dict(chosen)
