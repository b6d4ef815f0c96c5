# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Tables as people lay them down by hand, CSV or Parquet from elsewhere: checked, and kept in typed form beside them.

The typed form lies in a hidden folder next to the files that it was made of, so that what is private stays in
its private folder; it is found again by the files' digests, the zone and the declaration of the table.
"""

import contextlib
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.definition import Definition, UnusableBookError
from comity.book.engine import working
from comity.book.importing.checking import Checked, check, keyless, owner_of_columns
from comity.book.importing.columnar import parquet
from comity.book.importing.conversions import literal, quoted
from comity.book.importing.delimited import delimited, look
from comity.book.importing.rejects import SCHEMA, first_rows, read_rejects, write_rejects
from comity.book.importing.section import ROW, Section, UnusableSourceError
from comity.book.storage import FORMAT, IMPORT_COLUMN, arrow_schema, local_columns_sql, metadata_sql, scan_sql, zone_of
from comity.book.tables import Table
from comity.core.values import Side

HIDDEN = ".comity"
_BLOCK = 4 * 1024 * 1024
_FIRST = 3  # rejects named in a refusal
_LISTED = 1000  # rejects that are placed where a table is refused
_SHOWN = 12  # columns named in a note


@dataclass(frozen=True, slots=True)
class Typed:
    """A table's files in typed form, the columns that they bear, and the rejects that were set aside on the way."""

    files: tuple[Path, ...]
    columns: tuple[str, ...]
    rejects: Path | None = None


@dataclass(frozen=True, slots=True)
class Making:
    """How typed forms are made: of whose book, for whose eyes a refusal is worded, and with how much patience."""

    definition: Definition
    side: Side | None
    fallback: Path  # for typed forms whose own folder cannot be written
    max_rejects: float


@dataclass(slots=True)
class _Part:
    file: Path
    section: Section
    found: dict[str, str]  # declared column -> the file's own header
    first: int = 0  # number of its first row among all parts' rows
    end: int = 0


def digest_of(file: Path) -> str:
    """SHA-256 of a file's bytes."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


def typed_form(folder: Path, files: Sequence[Path], table: Table, making: Making, *, own: bool = False) -> Typed:
    """A table's files in typed form: as they are, or checked and rewritten once.

    :param folder: the folder that holds the files (or the folder of parts), and the hidden one
    :param own: the folder is one side's own: its files may hold just the key and some columns
    :raises UnusableBookError: when a file cannot be read, lacks a column, or too many of its rows break rules
    """
    name = files[0].relative_to(folder).parts[0].removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
    zones = {zone_of(file) for file in files}
    zone = making.definition.timezone
    if None not in zones:
        _refuse_foreign(files, table, own=own)
    if zones == {zone}:
        return Typed(tuple(files), _names(files))
    if None in zones and len(zones) > 1:
        msg = (
            f"{folder}: some parts of {name} are Comity's own and some are not; bring the others in by `comity import`"
        )
        raise UnusableBookError(msg)
    try:
        place = _writable(folder / HIDDEN / "typed", making.fallback)
        if None not in zones:
            return _rezoned(place, name, files, table, making.definition)
        return _checked(place, name, files, table, making, own=own)
    except UnusableSourceError as error:
        raise UnusableBookError(str(error)) from None
    except OSError as error:
        msg = f"{folder}: {name} cannot be read: {error.strerror or error}"
        raise UnusableBookError(msg) from None


def _checked(  # noqa: PLR0913 - what typed_form was given
    place: Path,
    name: str,
    files: Sequence[Path],
    table: Table,
    making: Making,
    *,
    own: bool,
) -> Typed:
    definition = making.definition
    parts = [_part(file, table) for file in files]
    declared = _declared(table, parts, slices=own)
    stem = f"{name}-{_key(files, declared, definition)}"
    typed, rejects = place / f"{stem}.parquet", place / f"{stem}.rejects.parquet"
    if not (_whole(typed) and _whole(rejects)):
        with working(place) as (con, folder):
            checked = check(con, _batches(parts, declared), declared, definition, folder)
            broken = sum(len(part.section.broken) for part in parts)
            too_many = checked.rejected + broken > making.max_rejects * (checked.rows_in + broken)
            _keep_rejects(checked, parts, table, definition, _LISTED if too_many else None)
            if too_many:
                _refuse(checked, broken, files, making)
            _forget_earlier(place, name)
            os.replace(checked.rejects, rejects)  # noqa: PTH105 - the same as Path.replace, said plainly
            os.replace(checked.clean, typed)  # noqa: PTH105 - as above; last, because its presence says that all is done
    return Typed((typed,), _names((typed,)), rejects)


def _rezoned(place: Path, name: str, files: Sequence[Path], table: Table, definition: Definition) -> Typed:
    """Typed files whose days were cut in another zone than the book's are cut again."""
    typed = place / f"{name}-{_key(files, table, definition)}.parquet"
    if not _whole(typed):
        names = _names(files)
        here = replace(table, days=tuple(day for day in table.days if day in names))
        kept = [quoted(column.name) for column in table.columns if column.name in names]
        chosen = ", ".join([*kept, *local_columns_sql(here, definition.timezone), IMPORT_COLUMN])
        order = ", ".join(quoted(one) for one in table.order) or "ALL"
        with working(place) as (con, folder):
            target = folder / "clean.parquet"
            con.execute(
                f"COPY (SELECT {chosen} FROM {scan_sql(*files)} ORDER BY {order}) "
                f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, {metadata_sql(definition.timezone)})",
            )
            _forget_earlier(place, name)
            target.replace(typed)
    return Typed((typed,), _names((typed,)))


def _whole(file: Path) -> bool:
    """Whether a file that was made earlier is there, and not cut off."""
    try:
        pq.read_metadata(file)
    except (OSError, pa.ArrowException):
        return False
    return True


def _refuse_foreign(files: Sequence[Path], table: Table, *, own: bool) -> None:
    """Refuse files that say to be in typed form, and are not.

    :raises UnusableBookError: naming the file and the column
    """
    expected = {field.name: field.type for field in arrow_schema(table, "UTC")}
    needed = table.key if own else [column.name for column in table.required]
    for file in files:
        found = {field.name: field.type for field in pq.read_schema(file)}
        for name in needed:
            if name not in found and (not keyless(table) or table.by_name[name].required):
                msg = f"{file}: has lost its column {name}; bring the file back from a copy"
                raise UnusableBookError(msg)
        for name, kind in found.items():
            if kind != expected.get(name, kind):
                msg = f"{file}: its column {name} is {kind} and not {expected[name]}; bring the file back from a copy"
                raise UnusableBookError(msg)


def _names(files: Sequence[Path]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for file in files for name in pq.read_schema(file).names))


def _part(file: Path, table: Table) -> _Part:
    section: Section = parquet(file) if file.suffix == ".parquet" else delimited(file, look(file))[0]
    found = {column.name: own for column in table.columns if (own := section.find(column.name)) is not None}
    return _Part(file, section, found)


def _declared(table: Table, parts: Sequence[_Part], *, slices: bool) -> Table:
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
        has = ", ".join(part.section.headers[:_SHOWN]) or "none"
        msg = f"{part.file}: has no column {lacking[0]}, without which {table.name} says nothing; its columns are {has}"
        raise UnusableBookError(msg)
    return table


def _batches(parts: Sequence[_Part], table: Table) -> Iterator[pa.RecordBatch]:
    """The rows of all parts under the declared names, numbered through."""
    names = [column.name for column in table.columns if any(column.name in part.found for part in parts)]
    schema = pa.schema([(ROW, pa.int64()), *((name, pa.string()) for name in names)])
    end = 0
    for part in parts:
        part.first, here = end, [name for name in names if name in part.found]
        for batch in part.section.batches([part.found[name] for name in here]):
            rows = pc.add(batch.column(0), pa.scalar(part.first, pa.int64()))
            columns = dict(zip(here, batch.columns[1:], strict=True))
            absent = pa.nulls(batch.num_rows, pa.string())
            yield pa.RecordBatch.from_arrays([rows, *(columns.get(name, absent) for name in names)], schema=schema)
            end = rows[-1].as_py() + 1 if batch.num_rows else end
        part.end = end


def _keep_rejects(
    checked: Checked,
    parts: Sequence[_Part],
    table: Table,
    definition: Definition,
    most: int | None,
) -> None:
    """Rows become files and lines; rows that could not be taken apart are added.

    :param most: how many of them, where they are only shown: finding all lines may take much memory
    """
    found = first_rows(checked.rejects, most)
    rows = found.column("row").to_pylist()
    places: dict[int, tuple[str, int]] = {}
    for part in parts:
        own = [row - part.first for row in rows if part.first <= row < part.end]
        for row, line in part.section.lines(own).items():
            places[row + part.first] = (part.file.name, line)
    where = [places.get(row, (parts[0].file.name, row)) for row in rows]
    kept = found.drop_columns(["row"]).add_column(0, "line", pa.array([line for _, line in where], pa.int64()))
    kept = kept.add_column(0, "file", pa.array([file for file, _ in where], pa.string())).cast(SCHEMA)
    # A row that cannot be taken apart cannot be told to be private or not: its text stays out where any might be.
    told = not something_private(table, definition)
    broken = [
        {
            "file": part.file.name,
            "line": row.line,
            "column": "",
            "value": row.text[:200] if told else "",
            "reason": row.reason,
        }
        for part in parts
        for row in part.section.broken[:most]
    ]
    notes = [*_unknown(parts), *notes_of(checked, table, definition)]
    write_rejects(checked.rejects, [kept, pa.Table.from_pylist(broken, SCHEMA)], notes)


def something_private(table: Table, definition: Definition) -> bool:
    """Whether some columns or rows of a table are private to a side."""
    rows = any(row.table == table.name for one in definition.private.values() for row in one.rows)
    return rows or bool(owner_of_columns(table, definition))


def something_closed(table: Table, definition: Definition, side: Side) -> bool:
    """Whether a side keeps columns or rows of a table to itself."""
    private = definition.private.get(side)
    rows = private is not None and any(row.table == table.name for row in private.rows)
    return rows or side in owner_of_columns(table, definition).values()


def notes_of(checked: Checked, table: Table, definition: Definition) -> Iterator[tuple[str | None, str]]:
    """What is to be told of a checked table beside its rejects, each with the side that alone may read it."""
    if checked.collapsed:
        yield None, f"{checked.collapsed:,} rows say the same as another and count once"
    rows, total = checked.off_amounts
    if rows:
        owner = owner_of_columns(table, definition).get("amount")
        what = f"{rows:,} amounts differ from quantity times unit price, by {total:,.2f} {definition.currency} in sum"
        yield (owner.value if owner else None), f"{what}; the amounts count"


def _unknown(parts: Sequence[_Part]) -> list[tuple[str | None, str]]:
    kept = {own for part in parts for own in part.found.values()}
    unknown = [header for header in parts[0].section.headers if header not in kept]
    more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
    return [(None, f"columns not kept: {', '.join(unknown[:_SHOWN])}{more}")] if unknown else []


def _refuse(checked: Checked, broken: int, files: Sequence[Path], making: Making) -> NoReturn:
    rejected, came = checked.rejected + broken, checked.rows_in + broken
    first = []
    for reject in read_rejects(checked.rejects, making.side):
        first.append(str(reject))
        if len(first) == _FIRST:
            break
    told = f": {'; '.join(first)}" if first else ""
    msg = f"{files[0]}: {rejected:,} of {came:,} rows break a rule, where {making.max_rejects:.0%} may{told}"
    raise UnusableBookError(msg)


def _key(files: Sequence[Path], table: Table, definition: Definition) -> str:
    said = [FORMAT, definition.timezone, definition.currency, repr(table), repr(definition.private)]
    said += [f"{file.name} {digest_of(file)}" for file in files]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()[:24]


def _writable(place: Path, fallback: Path) -> Path:
    with contextlib.suppress(OSError):
        place.mkdir(parents=True, exist_ok=True)
        if os.access(place, os.W_OK):
            return place
    return fallback


def _forget_earlier(place: Path, name: str) -> None:
    """Typed forms of what the table was before are of no use to anyone."""
    for earlier in place.glob(f"{name}-*.parquet"):
        with contextlib.suppress(OSError):
            earlier.unlink()
