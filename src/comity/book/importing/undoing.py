# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""The last import into a table taken back: each row bears the import that set it, and what it was before is kept.

Rows that the import brought go, rows that it changed or withdrew come back as they were, and the table's journal no
longer names it. What outlived its retention on the way stays gone. As every change of a book, all or nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from comity.book.definition import read_definition
from comity.book.engine import naming, working
from comity.book.importing.committing import HIDDEN, Move, commit, locked
from comity.book.importing.conversions import literal, quoted
from comity.book.importing.provenance import JOURNAL, journal, written
from comity.book.importing.storing import clear, folder_of, held
from comity.book.opening import OWN_COLUMNS
from comity.book.storage import IMPORT_COLUMN, metadata_sql, scan_sql
from comity.book.tables import TABLES, Table
from comity.core.values import Side


class NotTheLastError(ValueError):
    """An import that is not a table's last: what came after it rests on it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of rows: so many went, so many came back as they were."""

    gone: int
    back: int


def undo(book: Path, name: str, number: int) -> Undone:
    """Take an import back.

    :param name: the table's
    :param number: the import's, as its rows and the journal bear it
    :raises NotTheLastError: when another came after it, or there is no such import
    :raises UnusableBookError: when the book cannot be read
    :raises BusyBookError: when an import is under way
    """
    table = TABLES[name]
    definition = read_definition(book)
    with locked(book), working() as (con, _):
        clear(book)
        there = held(book, table)
        if not there.deliveries or there.deliveries[-1].number != number:
            msg = f"{book}: import {number} of {name} is not its last; take back first what came after it"
            raise NotTheLastError(msg)
        moves: list[Move] = []
        gone = back = 0
        for owner, files in there.places.items():
            for file in files:
                folder = folder_of(book, owner) / HIDDEN
                past = folder / "history" / f"{file.stem}-{number}.parquet"
                with naming(str(file)):
                    went, came = _counted(con, file, past, number)
                    moves.append(_as_before(con, table, file, past, number, definition.timezone))
                if not file.stem.endswith(OWN_COLUMNS):
                    gone, back = gone + went, back + came
        moves += [Move(file, None) for file in _traces(book, name, number)]
        commit(book, moves)
    return Undone(gone, back)


def _before_sql(file: Path, past: Path, number: int) -> str:
    kept = f"SELECT * FROM {scan_sql(file)} WHERE {IMPORT_COLUMN} IS DISTINCT FROM {number}"
    if not past.is_file():
        return kept
    columns = pq.read_schema(file).names
    return f"{kept} UNION ALL SELECT {', '.join(map(quoted, columns))} FROM {scan_sql(past)}"


def _counted(con: duckdb.DuckDBPyConnection, file: Path, past: Path, number: int) -> tuple[int, int]:
    sql = f"SELECT count(*) FROM {scan_sql(file)} WHERE {IMPORT_COLUMN} = {number}"
    set_by_it = con.execute(sql).fetchone()
    before = con.execute(f"SELECT count(*) FROM {scan_sql(past)}").fetchone() if past.is_file() else (0,)
    return int(set_by_it[0]) if set_by_it else 0, int(before[0]) if before else 0


def _as_before(  # noqa: PLR0913 - what is written, and where
    con: duckdb.DuckDBPyConnection, table: Table, file: Path, past: Path, number: int, zone: str
) -> Move:
    """The table's file as it was; none where nothing was there."""
    sql = _before_sql(file, past, number)
    earlier = [one for one in journal(file) if one.number != number]
    left = con.execute(f"SELECT count(*) FROM ({sql})").fetchone()
    if not earlier and not (left and left[0]):
        return Move(file, None)
    ready = past.parents[1] / f"ready-{file.name}"
    ready.parent.mkdir(parents=True, exist_ok=True)
    told = {JOURNAL: written(earlier)} if journal(file) else {}
    columns = pq.read_schema(file).names
    order = ", ".join(quoted(one) for one in table.order if one in columns) or "ALL"
    form = f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(zone, told)})"
    con.execute(f"COPY ({sql} ORDER BY {order}) TO {literal(str(ready))} {form}")
    return Move(ready, file)


def _traces(book: Path, name: str, number: int) -> Iterator[Path]:
    """What else the import left: the rows as they were, and those that it set aside."""
    for owner in (None, *Side):
        for kind in ("history", "rejects"):
            for stem in (name, f"{name}{OWN_COLUMNS}"):
                file = folder_of(book, owner) / HIDDEN / kind / f"{stem}-{number}.parquet"
                if file.is_file():
                    yield file
