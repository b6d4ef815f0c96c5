# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Tables as people lay them down by hand, CSV or Parquet from elsewhere: checked, and kept in typed form beside them.

The typed form lies in a hidden folder next to the files that it was made of, so that what is private stays in
its private folder; it is found again by the files' digests, the zone and the declaration of the table.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.definition import Definition, UnusableBookError
from comity.book.formats.delimited import delimited_sheet, scan_file
from comity.book.formats.parquet import parquet_sheet
from comity.book.formats.sheet import ROW, Sheet, UnusableSourceError
from comity.book.storage.atomic import replace_file
from comity.book.storage.duckdb import work_engine
from comity.book.storage.layout import HIDDEN_FOLDER
from comity.book.storage.parquet import (
    FORMAT,
    IMPORT_COLUMN,
    arrow_schema,
    local_columns_sql,
    metadata_sql,
    scan_sql,
    zone_of_typed_file,
)
from comity.book.storage.sql import literal, quoted
from comity.book.tables import Table
from comity.book.validation.check import CheckedRows, CheckRequest, check_rows
from comity.book.validation.plausibility import check_notes, columns_not_kept
from comity.book.validation.rejects import (
    FIRST_REJECTS,
    REJECTS_SCHEMA,
    first_rows,
    read_rejects,
    too_many_rejects,
    write_rejects,
)
from comity.core.chain import digest_of
from comity.core.values import Side

_BLOCK = 4 * 1024 * 1024
_LISTED = 1000  # rejects that are placed where a table is refused
_SHOWN = 12  # columns named in a note


@dataclass(frozen=True, slots=True)
class TypedTable:
    """A table's files in typed form, the columns that they bear, and the rejects that were set aside on the way."""

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class TypedFormOptions:
    """How typed forms are made: of whose book, for whose eyes a refusal is worded, and with how much patience."""

    definition: Definition
    side: Side | None
    fallback: Path  # for typed forms whose own folder cannot be written
    max_rejects: float


@dataclass(slots=True)
class _SourceFile:
    file: Path
    sheet: Sheet
    found: dict[str, str]  # declared column -> the file's own header
    first: int = 0  # number of its first row among all parts' rows
    end: int = 0


def file_digest(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def typed_form(
    folder: Path, files: Sequence[Path], table: Table, making: TypedFormOptions, *, own: bool = False
) -> TypedTable:
    """A table's files in typed form: as they are, or checked and rewritten once.

    :param folder: the folder that holds the files (or the folder of parts), and the hidden one
    :param own: the folder is one side's own: its files may hold just the key and some columns
    :raises UnusableBookError: when a file cannot be read, lacks a column, or too many of its rows break rules
    """
    name = files[0].relative_to(folder).parts[0].removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
    zones = {zone_of_typed_file(file) for file in files}
    zone = making.definition.timezone
    if None not in zones:
        _refuse_false_typed(files, table, own=own)
    if zones == {zone}:
        return TypedTable(tuple(files), _column_names(files))
    if None in zones and len(zones) > 1:
        msg = f"some parts of {name} are Comity's own and some are not; bring the others in by `comity import`"
        raise UnusableBookError(msg, file=folder)
    try:
        place = _writable_folder(folder / HIDDEN_FOLDER / "typed", making.fallback)
        if None not in zones:
            return _rewrite_in_zone(place, name, files, table, making.definition)
        return _check_once(place, name, files, table, making, own=own)
    except UnusableSourceError as error:
        raise UnusableBookError(error.message, file=error.file, line=error.line, place=error.place) from None
    except OSError as error:
        msg = f"{name} cannot be read: {error.strerror or error}"
        raise UnusableBookError(msg, file=folder) from None


def _check_once(  # noqa: PLR0913 - what typed_form was given
    place: Path,
    name: str,
    files: Sequence[Path],
    table: Table,
    making: TypedFormOptions,
    *,
    own: bool,
) -> TypedTable:
    definition = making.definition
    parts = [_open_source_file(file, table) for file in files]
    declared = _table_as_declared(table, parts, slices=own)
    stem = f"{name}-{_cache_key(files, declared, definition)}"
    typed, rejects = place / f"{stem}.parquet", place / f"{stem}.rejects.parquet"
    if not (_is_whole(typed) and _is_whole(rejects)):
        _write_typed(parts, table, declared, making, own=own, typed=typed, rejects=rejects)
    return TypedTable((typed,), _column_names((typed,)), rejects)


def _write_typed(  # noqa: PLR0913 - what is checked, and where it goes
    parts: Sequence[_SourceFile],
    table: Table,
    declared: Table,
    making: TypedFormOptions,
    *,
    own: bool,
    typed: Path,
    rejects: Path,
) -> None:
    """Check the rows of files, and write what stands and what does not; earlier forms of the table go.

    :param declared: the table as the files hold it
    :raises UnusableBookError: when too many rows break rules
    """
    definition = making.definition
    with work_engine(typed.parent) as (con, folder):
        own_side = making.side.value if own and making.side is not None else None
        request = CheckRequest(declared, definition, brought_by=own_side)
        checked = check_rows(con, _batches(parts, declared), request, folder)
        broken = sum(len(part.sheet.broken) for part in parts)
        too_many = checked.rejected + broken > making.max_rejects * (checked.rows_in + broken)
        _write_rejects(checked, parts, table, definition, _LISTED if too_many else None)
        if too_many:
            _refuse_too_many(checked, broken, [part.file for part in parts], making)
        _remove_earlier(typed)
        replace_file(checked.rejects, rejects)
        replace_file(checked.clean, typed)  # last, because its presence says that all is done


def _rewrite_in_zone(place: Path, name: str, files: Sequence[Path], table: Table, definition: Definition) -> TypedTable:
    """Typed files whose days were cut in another zone than the book's are cut again."""
    typed = place / f"{name}-{_cache_key(files, table, definition)}.parquet"
    if not _is_whole(typed):
        names = _column_names(files)
        here = replace(table, days=tuple(day for day in table.days if day in names))
        kept = [quoted(column.name) for column in table.columns if column.name in names]
        chosen = ", ".join([*kept, *local_columns_sql(here, definition.timezone), IMPORT_COLUMN])
        order = ", ".join(quoted(one) for one in table.order) or "ALL"
        with work_engine(place) as (con, folder):
            target = folder / "clean.parquet"
            con.execute(
                f"COPY (SELECT {chosen} FROM {scan_sql(*files)} ORDER BY {order}) "
                f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, {metadata_sql(definition.timezone)})",
            )
            _remove_earlier(typed)
            replace_file(target, typed)
    return TypedTable((typed,), _column_names((typed,)))


def _is_whole(file: Path) -> bool:
    """Whether a file that was made earlier is there, and not cut off."""
    try:
        pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return False
    return True


def _refuse_false_typed(files: Sequence[Path], table: Table, *, own: bool) -> None:
    """Refuse files that say to be in typed form, and are not.

    :raises UnusableBookError: naming the file and the column
    """
    expected = {field.name: field.type for field in arrow_schema(table, "UTC")}
    needed = table.key if own else [column.name for column in table.required]
    for file in files:
        kinds = {field.name: field.type for field in pq.read_schema(file)}
        for name in needed:
            if name not in kinds and (not table.may_lack_key or table.by_name[name].required):
                msg = f"has lost its column {name}; bring the file back from a copy"
                raise UnusableBookError(msg, file=file)
        for name, kind in kinds.items():
            if kind != expected.get(name, kind):
                msg = f"its column {name} is {kind} and not {expected[name]}; bring the file back from a copy"
                raise UnusableBookError(msg, file=file)


def _column_names(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for file in files for name in pq.read_schema(file).names))


def _open_source_file(file: Path, table: Table) -> _SourceFile:
    sheet: Sheet = parquet_sheet(file) if file.suffix == ".parquet" else delimited_sheet(file, scan_file(file))[0]
    found = {column.name: own for column in table.columns if (own := sheet.find(column.name)) is not None}
    return _SourceFile(file, sheet, found)


def _table_as_declared(table: Table, parts: Sequence[_SourceFile], *, slices: bool) -> Table:
    """The table as the files must hold it; for a slice, the key and the columns that are there."""
    for part in parts:
        lacking = [column.name for column in table.required if column.name not in part.found]
        if not lacking:
            continue
        if slices and all(name in part.found for name in table.key):
            columns = [column for column in table.columns if column.name in part.found]
            return replace(
                table,
                columns=tuple(replace(column, required=column.name in table.key, default=None) for column in columns),
                rules=(),
                days=tuple(day for day in table.days if day in part.found),
                order=table.key,
            )
        has = ", ".join(part.sheet.headers[:_SHOWN]) or "none"
        msg = f"has no column {lacking[0]}, without which {table.name} says nothing; its columns are {has}"
        raise UnusableBookError(msg, file=part.file)
    return table


def _batches(parts: Sequence[_SourceFile], table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of all parts under the declared names, numbered through."""
    names = [column.name for column in table.columns if any(column.name in part.found for part in parts)]
    schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
    end = 0
    for part in parts:
        part.first, here = end, [name for name in names if name in part.found]
        for batch in part.sheet.batches([part.found[name] for name in here]):
            rows = pc.add(batch.column(0), pa.scalar(part.first, pa.int64()))
            columns = dict(zip(here, batch.columns[1:], strict=True))
            absent = pa.nulls(batch.num_rows, pa.string())
            yield pa.RecordBatch.from_arrays([rows, *(columns.get(name, absent) for name in names)], schema=schema)
            end = rows[-1].as_py() + 1 if batch.num_rows else end
        part.end = end


def _write_rejects(
    checked: CheckedRows,
    parts: Sequence[_SourceFile],
    table: Table,
    definition: Definition,
    most: int | None,
) -> None:
    """Rows become files and lines; rows that could not be taken apart are added.

    :param most: how many of them, where they are only shown: finding all lines may take much memory
    """
    table_of_rejects = first_rows(checked.rejects, most)
    rows = table_of_rejects.column("row").to_pylist()
    places: dict[int, tuple[str, int]] = {}
    for part in parts:
        own = [row - part.first for row in rows if part.first <= row < part.end]
        for row, line in part.sheet.lines(own).items():
            places[row + part.first] = (part.file.name, line)
    where = [places.get(row, (parts[0].file.name, row)) for row in rows]
    kept = table_of_rejects.drop_columns(["row"]).add_column(
        0, "line", pa.array([line for _, line in where], pa.int64())
    )
    kept = kept.add_column(0, "file", pa.array([file for file, _ in where], pa.string())).cast(REJECTS_SCHEMA)
    # A row that cannot be taken apart cannot be told to be private or not: its text stays out where any might be.
    may_show_text = not definition.keeps_parts_private(table)
    broken = [
        {
            "file": part.file.name,
            "line": row.line,
            "column": "",
            "value": row.text[:200] if may_show_text else "",
            "reason": row.reason,
        }
        for part in parts
        for row in part.sheet.broken[:most]
    ]
    notes = [*_notes_of_unknown_columns(parts), *check_notes(checked, table, definition)]
    write_rejects(checked.rejects, [kept, pa.Table.from_pylist(broken, REJECTS_SCHEMA)], notes)


def _notes_of_unknown_columns(parts: Sequence[_SourceFile]) -> list[tuple[str | None, str]]:
    kept = {own for part in parts for own in part.found.values()}
    unknown = [header for header in parts[0].sheet.headers if header not in kept]
    return [(None, columns_not_kept(unknown))] if unknown else []


def _refuse_too_many(checked: CheckedRows, broken: int, files: Sequence[Path], making: TypedFormOptions) -> NoReturn:
    rejected, came = checked.rejected + broken, checked.rows_in + broken
    first = islice(read_rejects(checked.rejects, making.side), FIRST_REJECTS)
    raise UnusableBookError(too_many_rejects(rejected, came, making.max_rejects, first), file=files[0])


def _cache_key(files: Sequence[Path], table: Table, definition: Definition) -> str:
    private = {side.value: asdict(one) for side, one in definition.private.items()}
    content = [[file.name, file_digest(file)] for file in files]
    rules = [FORMAT, definition.timezone, definition.currency, asdict(table), private]
    return digest_of([*rules, content])[:24]


def _writable_folder(place: Path, fallback: Path) -> Path:
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    return fallback


def _remove_earlier(typed: Path) -> None:
    """Typed forms of what the table was before are of no use to anyone."""
    name = typed.name.rpartition("-")[0]
    for earlier in typed.parent.glob(f"{name}-*.parquet"):
        with contextlib.suppress(OSError):
            earlier.unlink()
