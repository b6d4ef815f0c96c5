"""Which of the known formats a file is in, by its headers: a look that reads no more than its beginning."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Mapping as Items
from dataclasses import dataclass
from pathlib import Path

from comity.book.formats.delimited import FileScan, scan_file
from comity.book.formats.detect import open_source_file, refuse_unreadable_name
from comity.book.formats.json import JsonSheet, parse_path
from comity.book.formats.layout import SheetTop, best_place, read_tops
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import HeadersOnly, Sheet, UnusableSourceError
from comity.book.mappings.header_meaning import is_forecast
from comity.book.mappings.headers import all_headers_of, asked_columns, headers_of
from comity.book.mappings.model import SourceMapping, Value, identity_mapping
from comity.book.mappings.parse import read_mapping, shipped_mappings
from comity.book.mappings.unpivot import unpivot
from comity.book.tables import TABLES

_RECORDS = 200  # records that are looked at where they have no head
_ENOUGH = 0.6  # of the headers that a mapping asks for


@dataclass(frozen=True, slots=True)
class MappingMatch:
    """A mapping, and how many of the headers that it asks for the file has."""

    mapping: str
    found: int
    share: float
    table: str = ""


def matching_mappings(
    path: Path, own: Sequence[SourceMapping] = (), seen: FileScan | None = None
) -> list[MappingMatch]:
    """The mappings that a file fits, the best first; none where it is in no known format.

    :param own: mappings that were made by hand, in their order; before those that are shipped where both fit alike
    :param seen: what a pass over its bytes found out before
    :raises UnusableSourceError: for a file that cannot be read at all
    """
    fits: list[MappingMatch] = []
    refuse_unreadable_name(path)
    seen = scan_file(path) if seen is None else seen
    source = open_source_file(path, FileOptions(), seen)
    opened: dict[FileOptions, Sheet | None] = {FileOptions(): source.sheets[0]}
    tops: dict[str | None, tuple[SheetTop, ...]] = {}
    for mapping in (*own, *_known_mappings()):
        if mapping.table == "intervals" and is_forecast(path.stem):
            continue  # a file that is called a forecast holds no volumes that came: a person says so, or nobody
        if mapping.file.kind not in {None, source.kind}:
            continue  # to read text as JSON takes a minute, and finds out nothing
        if not _may_hold(seen.sample, mapping.file):
            continue
        sheet = _fitting_sheet(path, mapping, seen, source.kind, tops)
        if sheet is None and not mapping.file.header_names:  # which would fit every file
            sheet = _opened(path, mapping.file, seen, opened)
        if sheet is not None and (fit := _match(mapping, sheet)) is not None:
            fits.append(fit)
    # A table's own columns before a format that asks for fewer of them.
    rank = {mapping.name: at for at, mapping in enumerate(own)}
    return sorted(fits, key=lambda fit: (-fit.share * fit.found, rank.get(fit.mapping, len(own)), fit.mapping))


def _fitting_sheet(
    path: Path, mapping: SourceMapping, seen: FileScan, kind: str, tops: dict[str | None, tuple[SheetTop, ...]]
) -> Sheet | None:
    """The headers that fit a mapping best, on whichever sheet and row they stand; None where only opening tells."""
    options = mapping.file
    if kind not in {"delimited", "workbook"} or options.skip_rows or options.header_has or options.encoding:
        return None
    if options.sheet not in tops:
        try:
            tops[options.sheet] = read_tops(path, seen, kind, options)
        except UnusableSourceError:  # it has no such sheet
            tops[options.sheet] = ()
    place = best_place(tops[options.sheet], asked_columns(mapping), options.header_rows)
    return HeadersOnly(place.top.name, place.headers) if place is not None else None


def _opened(path: Path, options: FileOptions, seen: FileScan, opened: dict[FileOptions, Sheet | None]) -> Sheet | None:
    if options not in opened:
        try:
            opened[options] = open_source_file(path, options, seen).sheets[0]
        except UnusableSourceError:
            opened[options] = None
    return opened[options]


def _may_hold(sample: bytes, options: FileOptions) -> bool:
    """Whether the beginning of a file names the lists in which a format has its records."""
    lists = [name for name in (options.records, options.each) if name]
    return all(f'"{name.rpartition(".")[2]}"'.encode() in sample for name in lists)


def _known_mappings() -> Iterator[SourceMapping]:
    yield from (identity_mapping(name) for name in TABLES)
    yield from (read_mapping(name) for name in shipped_mappings())


def _match(mapping: SourceMapping, sheet: Sheet) -> MappingMatch | None:
    if mapping.identity:
        there = [column.name for column in mapping.target.columns if _has(sheet, column.name)]
        if any(column.name not in there for column in mapping.target.required):
            return None
        return MappingMatch(mapping.name, len(there), len(there) / max(len(sheet.headers), 1), mapping.table)
    asked = [value for value in mapping.columns.values() if any(headers_of(value, mapping.let))]
    wide = unpivot(mapping.wide, sheet) if mapping.wide else None
    if wide is not None and not wide.groups:
        return None
    # What a mapping refuses a file without: a file that lacks it is of another tool that calls all else the same.
    required = [mapping.columns[column.name] for column in mapping.target.required if column.name in mapping.columns]
    required += [value for value in (*mapping.columns.values(), *mapping.let.values()) if value.needed]
    names = {name for value in (*asked, *required) for name in all_headers_of(value, mapping.let)}
    has = _names_present(sheet, names, wide.find if wide else sheet.find)
    # By single headers alone: a day and a time of day are in every log, and say nothing of whose it is.
    count = sum(not has.isdisjoint(headers_of(value, mapping.let)) for value in asked)
    lacks = any(not _bears(value, mapping.let, has) for value in required)
    if lacks or not asked or count / len(asked) < _ENOUGH:
        return None
    return MappingMatch(mapping.name, count, count / len(asked), mapping.table)


def _bears(value: Value, let: Items[str, Value], has: set[str]) -> bool:
    """Whether one of the ways to a value has all the headers that it is made from, or needs none."""
    if value.source:
        return not has.isdisjoint(value.source) or value.default is not None
    if value.first:
        return any(_bears(part, let, has) for part in value.first)
    if value.use is not None and value.use in let:
        return _bears(let[value.use], let, has)
    parts = (*value.total, *value.difference, *value.product, *value.quotient, *value.join)
    return all(part.default is not None or _bears(part, let, has) for part in parts)


def _is_path(name: str) -> bool:
    """Whether a header may lead into a record; a pattern over headers of a table does not."""
    try:
        parse_path(name)
    except ValueError:
        return False
    return True


def _names_present(sheet: Sheet, names: set[str], find: Callable[[str], str | None]) -> set[str]:
    """Those of the names that the sheet has; of records without a head, those that the first of them hold."""
    if not isinstance(sheet, JsonSheet):
        return {name for name in names if find(name) is not None}
    wanted = sorted(name for name in names if _is_path(name))
    try:
        records = sheet.first_records(_RECORDS)
    except UnusableSourceError:
        return set()
    paths = {name: parse_path(name) for name in wanted}
    return {name for name, path in paths.items() if any(path.text(record) is not None for record in records)}


def _has(sheet: Sheet, name: str) -> bool:
    """Whether a sheet has a column; whatever might lead into a record is not therefore there."""
    return name in sheet.headers if sheet.open_ended else sheet.find(name) is not None
