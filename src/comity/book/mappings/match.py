"""A mapping made of a person's answers: which column of their file is which of ours, and what nobody may guess.

Suggestions come from headers and values. What the values leave open, the order of day and month and the zone of times
without an offset, is a question and never an assumption; so is what a value means that the table does not know.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow.compute as pc

from comity.book.formats.delimited import FileScan, scan_file
from comity.book.formats.detect import detect_kind
from comity.book.formats.sheet import Sheet
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.channels import suggested_channel
from comity.book.mappings.column_samples import (
    MONTH_FORMATS,
    ColumnSample,
    complete_values,
    has_decimal_comma,
    reads_as,
    sample_columns,
)
from comity.book.mappings.draft import header_mark, place_of_records
from comity.book.mappings.header_meaning import is_forecast, is_mean, is_part_of_handling, threshold_in
from comity.book.mappings.mapping_text import toml_column, toml_text
from comity.book.mappings.model import CELL_KINDS, CellKind
from comity.book.mappings.table_fit import STAND_INS, best_table, match_by_name, match_by_values
from comity.book.tables import BROUGHT_BY, TABLES, Column
from comity.core.kpi_templates import CHANNELS

REJECT = "-"  # in the place of a meaning: rows with this value are rejected
EMPTY = "~"  # in the place of a meaning: the column stays empty in rows with this value
KEEP = "="  # in the place of a meaning: the value is one of the file's own, and stays as it is
ORDERS = ("day-first", "month-first")
# What a contact waited: no column of the table, but what its answer or its abandonment is reckoned from.
WAIT = "wait_s"
CHANNEL = "channel"
# Personal data of which a digest still says that it was the same person, and which may so stand for an id of ours.
_PEOPLE = frozenset(
    {"a name", "a person", "an e-mail address", "e-mail addresses", "a telephone number", "an identity"}
)
_WHY_DIGEST = "kept as a keyed digest, which says that it was the same person and not who"
_ADDED = {WAIT, "handle_s"}  # durations that may stand in several columns of the file, which are added up
_WAITING = re.compile(r"\b(wait\w*|ring\w*|(secs|seconds|time) in (line|queue)|queue time|espera)\b", re.IGNORECASE)
# What shows the order: a first or a second part above 12.
_DAY_FIRST = r"^\s*(1[3-9]|[23]\d)[/.-]\d{1,2}[/.-]"
_MONTH_FIRST = r"^\s*\d{1,2}[/.-](1[3-9]|[23]\d)[/.-]"
_MOST_VALUES = 40  # values of one column that are asked about one by one


@dataclass(frozen=True, slots=True)
class FileColumns:
    """The columns of a file, and how it is laid out."""

    samples: tuple[ColumnSample, ...]
    kind: str
    sheet: str | None = None
    skip_rows: int = 0
    header_has: str = ""  # a cell by which the header is found below other lines, in place of `skip_rows`


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person says of a file.

    :ivar fields: header -> column of the table
    :ivar orders: header -> `ORDERS`
    :ivar constants: column -> the value that all rows have
    :ivar meanings: column -> value of the file -> value of the table, `REJECT`, `EMPTY` or `KEEP`
    :ivar also: header -> a second column of the table that the same column of the file fills
    :ivar settled: columns that a format fills by itself, from the name of the file for instance
    """

    table: str
    fields: Mapping[str, str]
    orders: Mapping[str, str] = field(default_factory=dict)
    zone: str = ""
    constants: Mapping[str, str] = field(default_factory=dict)
    meanings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    also: Mapping[str, str] = field(default_factory=dict)
    settled: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Questions:
    """What is still open before a file can be checked."""

    missing: tuple[str, ...] = ()  # required columns that no column of the file fills
    repeated: tuple[str, ...] = ()  # columns that are chosen twice
    orders: tuple[str, ...] = ()  # headers of dates whose order nobody can see
    numbers: tuple[str, ...] = ()  # headers of plain numbers that are chosen for an instant or a day
    zone: bool = False
    meanings: Mapping[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # column -> values that the table does not know

    @property
    def any(self) -> bool:
        """Whether anything is open."""
        return bool(self.missing or self.repeated or self.orders or self.numbers or self.zone or self.meanings)


def look_at_columns(path: Path, seen: FileScan | None = None) -> FileColumns:
    """Read the headers of a file and some of its values.

    :raises UnusableSourceError: when the file cannot be read
    """
    seen = scan_file(path) if seen is None else seen
    options, source = place_of_records(path, detect_kind(path, seen), seen)
    sheet = source.sheets[0]
    samples = tuple(_with_order(sample, sheet) for sample in complete_values(sheet, sample_columns(sheet)))
    mark = header_mark(path, options, source, seen) or ""
    return FileColumns(samples, source.kind, sheet.name, 0 if mark else options.skip_rows, mark)


def _with_order(sample: ColumnSample, sheet: Sheet) -> ColumnSample:
    """Look for a day above 12 in the whole column where the first rows have none."""
    if sample.order != "either":
        return sample
    for batch in sheet.batches([sample.header]):
        for pattern, order in ((_DAY_FIRST, "day-first"), (_MONTH_FIRST, "month-first")):
            if pc.any(pc.match_substring_regex(batch.column(1), pattern)).as_py():
                return replace(sample, seen_order=order)
    return sample


@dataclass(frozen=True, slots=True)
class Proposal:
    """A table that a file's rows may go to, and why it is proposed.

    :ivar forecast: the file's name or the header that says that the figures are expected ones; else empty
    :ivar headers: the headers that fit its columns
    """

    table: str
    forecast: str = ""
    headers: tuple[str, ...] = ()


def suggest_table(columns: FileColumns, file_name: str = "") -> str:
    """The table that the headers fit best."""
    return best_table(columns.samples, Path(file_name).stem).name


def propose_table(columns: FileColumns, file_name: str) -> Proposal:
    """The table that the headers, and the name of the file, fit best, and why."""
    table = suggest_table(columns, file_name)
    forecast = ""
    if table == "forecasts":
        says_so = (text for text in (file_name, *(one.header for one in columns.samples)) if is_forecast(text))
        forecast = next(says_so, "")
    named = {sample.header for sample in match_by_name(TABLES[table], columns.samples).values()}
    return Proposal(table, forecast, tuple(one.header for one in columns.samples if one.header in named))


def suggest_fields(columns: FileColumns, table: str) -> dict[str, str]:
    """Header -> column of the table, for those that seem to belong together."""
    target = TABLES[table]
    by_name = match_by_name(target, columns.samples)
    by_name = {
        name: sample for name, sample in by_name.items() if not (_is_day(target.by_name[name]) and is_number(sample))
    }
    by_values = match_by_values(target, columns.samples, by_name)
    suggested = {sample.header: name for name, sample in {**by_values, **by_name}.items() if name != BROUGHT_BY.name}
    if table == "forecasts":
        suggested |= _expected_as_volumes(columns, suggested)
    if "handle_s" in target.by_name:
        suggested |= _parts_of_handling(columns, suggested)
    if offers_wait(table) and not {"answered_at", "abandoned_at"} & set(suggested.values()):
        for sample in columns.samples:
            if sample.header not in suggested and is_number(sample) and _WAITING.search(sample.header):
                return suggested | {sample.header: WAIT}
    return suggested


def _expected_as_volumes(columns: FileColumns, suggested: Mapping[str, str]) -> dict[str, str]:
    """What a forecast calls as a report of what came does: its calls and their handle time."""
    volumes = match_by_name(TABLES["intervals"], [one for one in columns.samples if one.header not in suggested])
    pairs = {"offered": volumes.get("offered"), "aht_s": volumes.get("handle_s")}
    taken = set(suggested.values())
    return {sample.header: name for name, sample in pairs.items() if sample is not None and name not in taken}


def _parts_of_handling(columns: FileColumns, suggested: Mapping[str, str]) -> dict[str, str]:
    """Talk, hold and after-contact work, which are added up where no column has all of it."""
    whole = [header for header, name in suggested.items() if name == "handle_s" and not is_part_of_handling(header)]
    return {} if whole else dict.fromkeys(handling_parts(columns, suggested), "handle_s")


def handling_parts(columns: FileColumns, suggested: Mapping[str, str]) -> tuple[str, ...]:
    """The headers of columns that hold a part of the handle time, and are taken for nothing else."""
    return tuple(
        sample.header
        for sample in columns.samples
        if suggested.get(sample.header, "handle_s") == "handle_s"
        and is_part_of_handling(sample.header)
        and sample.personal is None
        and any(re.search(r"\d", value) for value in sample.values)
        and not sample.is_time
    )


def pseudonyms_for(table: str, sample: ColumnSample) -> tuple[str, ...]:
    """The columns of a table that a column with people may fill with pseudonyms; none for all other columns."""
    if sample.personal not in _PEOPLE:
        return ()
    return tuple(column.name for column in TABLES[table].columns if column.personal)


def _may_fill(table: str, name: str, sample: ColumnSample) -> bool:
    """Whether a column of the file may fill one of ours: one with people only as pseudonyms."""
    return sample.personal is None or name in pseudonyms_for(table, sample)


def offers_wait(table: str) -> bool:
    """Whether rows of a table have a beginning and an answer, so that a wait says when they were answered."""
    return {"opened_at", "answered_at", "abandoned_at"} <= TABLES[table].by_name.keys()


def is_number(sample: ColumnSample) -> bool:
    """Whether a column holds plain numbers, which are no times."""
    return sample.is_number


def required_columns(table: str, fields: Iterable[str]) -> tuple[Column, ...]:
    """Return the columns that every row has to have; with a wait, the outcome says what ended it.

    What another column that is there stands in for is not among them.
    """
    target, filled = TABLES[table], set(fields)
    required = [
        column for column in target.required if column.name in filled or not stand_in(table, column.name, filled)
    ]
    return (*required, *((target.by_name["outcome"],) if offers_wait(table) and WAIT in filled else ()))


def stand_in(table: str, column: str, filled: Collection[str]) -> str:
    """The column that is taken where nothing fills another: an answer of nobody named is a person of its own."""
    other = STAND_INS.get(table, {}).get(column, "")
    return other if not other or other in filled else stand_in(table, other, filled)


def open_questions(columns: FileColumns, answers: Answers) -> Questions:
    """What the answers leave open."""
    target = TABLES[answers.table]
    chosen = _chosen(columns, answers)
    waits = chosen.pop(WAIT, [])
    filled = {*chosen, *answers.settled, *(name for name, value in answers.constants.items() if value.strip())}
    orders = [
        sample.header
        for name, samples in chosen.items()
        for sample in samples
        if _is_dated(target.by_name[name])
        and sample.order == "either"
        and answers.orders.get(sample.header) not in ORDERS
    ]
    numbers = [
        sample.header
        for name, samples in chosen.items()
        for sample in samples
        if _is_day(target.by_name[name]) and is_number(sample)
    ]
    repeated = [
        name
        for name, samples in chosen.items()
        if len(samples) > 1 and name not in _ADDED and _day_and_clock(samples) is None
    ]
    # Said twice, once as an instant and once as a wait.
    repeated += [name for name in ("answered_at", "abandoned_at") if waits and name in chosen]
    required = required_columns(answers.table, [*chosen, *([WAIT] if waits else [])])
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
        tuple(column.name for column in required if column.name not in filled),
        tuple(repeated),
        tuple(orders),
        tuple(numbers),
        local and not answers.zone,
        meanings,
    )


def unknown_values(column: Column, sample: ColumnSample) -> tuple[str, ...]:
    """The values of a column of the file that the table does not know, of those that were seen."""
    known = known_meanings(column)
    if not known:
        return ()
    return tuple(value for value in sample.values if value.casefold() not in known)[:_MOST_VALUES]


def known_values(column: Column, sample: ColumnSample) -> tuple[str, ...]:
    """The values of a column of the file that the table knows by the same word, which may mean something else there."""
    known = known_meanings(column)
    return tuple(value for value in sample.values if value.casefold() in known)[:_MOST_VALUES]


def takes_own_values(column: Column) -> bool:
    """Whether a column has usual values and takes others too: a channel of the file's own may be kept."""
    return column.name == CHANNEL


def suggested_meaning(column: Column, value: str) -> str:
    """What a value of the file seems to mean, to be confirmed by whose file it is; empty where nothing is known."""
    return suggested_channel(value) if takes_own_values(column) else ""


def known_meanings(column: Column) -> dict[str, str]:
    """What a column of the table takes, in small letters -> what it is taken for; nothing where it takes any text."""
    if takes_own_values(column):
        return {value: value for value in CHANNELS}
    if column.values:
        return {value: value for value in column.values}
    if CELL_KINDS[column.kind] is CellKind.FLAG:
        return dict.fromkeys(TRUE, TRUE[0]) | dict.fromkeys(FALSE, FALSE[0])
    return {}


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
    layout += [f"header_has = {toml_text(columns.header_has)}"] if columns.header_has else []
    layout += [f"skip_rows = {columns.skip_rows}"] if columns.skip_rows else []
    layout += ['kind = "json"'] if columns.kind == "json" else []
    if layout:
        yield from ["", "[file]", *layout]
    chosen = _chosen(columns, answers)
    waits = chosen.pop(WAIT, [])
    if waits:
        yield from ["", "[let]", f"{WAIT} = {_added(waits)}"]
    yield from ["", "[columns]"]
    ends = {"answered_at": "answered", "abandoned_at": "abandoned"} if waits else {}
    for column in target.columns:
        if column.name in ends:
            when = f'when = {{ use = "outcome", is = [{toml_text(ends[column.name])}] }}'
            yield f'{column.name} = {{ sum = [{{ use = "opened_at" }}, {{ use = "{WAIT}" }}], {when} }}'
        elif value := _column_value(column, chosen, answers):
            yield f"{column.name} = {value}"


def _column_value(column: Column, chosen: Mapping[str, Sequence[ColumnSample]], answers: Answers) -> str:
    """What a column of the table is read from; empty where the answers say nothing of it."""
    if column.name in chosen:
        return _mean_of(column, chosen, answers) or _value(column, chosen[column.name], answers)
    constant = answers.constants.get(column.name, "").strip()
    if constant:
        return f"{{ value = {toml_text(constant)} }}"
    if other := stand_in(answers.table, column.name, chosen):
        return _value(column, chosen[other], answers)
    if answers.table == "intervals" and column.name == "threshold_s" and "answered_within" in chosen:
        limit = threshold_in(chosen["answered_within"][0].header)
        return "" if limit is None else f'{{ value = "{limit.seconds:g}" }}'
    return ""


def _mean_of(column: Column, chosen: Mapping[str, Sequence[ColumnSample]], answers: Answers) -> str:
    """Of an interval's handled time that is a mean by its header: times what it is the mean of; else empty."""
    samples = chosen[column.name]
    if (answers.table, column.name) != ("intervals", "handle_s") or len(samples) > 1 or "answered" not in chosen:
        return ""
    if not is_mean(samples[0].header):
        return ""
    mark = {"decimal": ","} if has_decimal_comma(samples[0]) else {}
    mean = _inner(samples[0], {"as": "seconds", **mark})
    return f"{{ product = [{toml_column(chosen['answered'][0].header)}, {{ {mean} }}] }}"


def _value(column: Column, samples: Sequence[ColumnSample], answers: Answers) -> str:
    parts = _day_and_clock(samples)
    if parts is not None:
        day, clock = parts
        of_day = _inner(day, {"as": "day", **_order(day, answers)})
        return f"{{ sum = [{{ {of_day} }}, {{ {_inner(clock, {'as': 'clock'})} }}] }}"
    if column.name in _ADDED and len(samples) > 1:
        return _added(samples)
    sample, kind = samples[0], CELL_KINDS[column.kind]
    if sample.personal is not None:
        return f"{{ {_inner(sample, {'reason': _WHY_DIGEST})}, keep = true, digest = true }}"
    more: dict[str, str] = _order(sample, answers) if _is_dated(column) else {}
    if kind is CellKind.MONTH and not more:
        more = _month_format(sample)
    if kind in {CellKind.NUMBER, CellKind.SECONDS} and has_decimal_comma(sample):
        more["decimal"] = ","
    known = known_meanings(column)
    said = answers.meanings.get(column.name, {})
    changed = any(meaning != known.get(value.casefold()) for value, meaning in said.items() if meaning)
    # The table knows its values in small letters; a map takes them with any capitals.
    written_so = not column.values or all(value in column.values for value in sample.values)
    # A channel that a later file brings would pass: it is listed, so that it is asked about as those of this file were.
    written_so &= not takes_own_values(column)
    if not changed and not unknown_values(column, sample) and written_so:
        return f"{{ {_inner(sample, more)} }}" if more else toml_column(sample.header)
    return f"{{ from = {toml_column(sample.header)}, {_value_map(known, said)} }}"


def _value_map(known: Mapping[str, str], said: Mapping[str, str]) -> str:
    """What each value means: as people said, else as the table knows it; what has no meaning is refused."""
    meanings = {key: (key, meaning) for key, meaning in known.items()}
    meanings |= {value.casefold(): (value, meaning) for value, meaning in said.items() if meaning}
    pairs = ", ".join(
        f"{toml_text(value)} = {toml_text(value if meaning == KEEP else meaning)}"
        for value, meaning in meanings.values()
        if meaning not in {REJECT, EMPTY}
    )
    empty = ", ".join(toml_text(value) for value, meaning in meanings.values() if meaning == EMPTY)
    return f'{f"null = [{empty}], " if empty else ""}values = {{ {pairs} }}, unlisted = "refuse"'


def _added(samples: Sequence[ColumnSample]) -> str:
    """Durations of one row added up: an empty one is nothing, and nothing at all where all are empty."""
    terms = [_inner(one, {"as": "seconds", **({"decimal": ","} if has_decimal_comma(one) else {})}) for one in samples]
    if len(terms) == 1:
        return f"{{ {terms[0]} }}"
    # The first that is there, with those after it.
    sums = []
    for at, term in enumerate(terms):
        parts = [f"{{ {term} }}", *(f'{{ {later}, default = "0" }}' for later in terms[at + 1 :])]
        sums.append(f"{{ sum = [{', '.join(parts)}] }}" if len(parts) > 1 else parts[0])
    return f"{{ first = [{', '.join(sums)}] }}"


def _inner(sample: ColumnSample, more: Mapping[str, str]) -> str:
    return ", ".join(
        [f"from = {toml_column(sample.header)}", *(f"{key} = {toml_text(value)}" for key, value in more.items())]
    )


def _order(sample: ColumnSample, answers: Answers) -> dict[str, str]:
    order = answers.orders.get(sample.header) if sample.order == "either" else sample.order
    return {"format": order} if order else {}


def _month_format(sample: ColumnSample) -> dict[str, str]:
    """How a month is written that is not 2026-07."""
    fits = (form for form in MONTH_FORMATS if sample.values and all(reads_as(value, form) for value in sample.values))
    return {"format": form} if (form := next(fits, None)) is not None else {}


def _is_day(column: Column) -> bool:
    return CELL_KINDS[column.kind] in {CellKind.INSTANT, CellKind.DAY}


def _is_dated(column: Column) -> bool:
    """Whether days may stand in the cells, the order of whose parts matters; a month may be written as its day."""
    return _is_day(column) or CELL_KINDS[column.kind] is CellKind.MONTH


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
        for name in dict.fromkeys([answers.fields.get(sample.header, ""), answers.also.get(sample.header, "")]):
            is_ours = name in known or (name == WAIT and offers_wait(answers.table))
            if is_ours and _may_fill(answers.table, name, sample):
                chosen[name].append(sample)
    return dict(chosen)
