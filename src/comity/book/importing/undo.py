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
from comity.book.importing.current import CurrentTable, current_table
from comity.book.importing.rejected_rows import CORRECTED_FOLDER, ROWS_FOLDER
from comity.book.importing.states import STATES_FOLDER
from comity.book.importing.write import PROPOSALS, answered_file, remove_leftovers
from comity.book.storage.commit import Move, book_lock, commit
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import JOURNAL_KEY, journal_json, read_journal
from comity.book.storage.layout import HIDDEN_FOLDER, OWN_COLUMNS, owner_folder
from comity.book.storage.parquet import IMPORT_COLUMN, is_typed_file, metadata_sql, scan_sql
from comity.book.storage.sql import full_key_sql, literal, quoted
from comity.book.tables import TABLES, Table
from comity.core.values import Side


class NotTheLastError(ValueError):
    """An import that is not a table's last: what came after it rests on it."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of rows: so many went, so many came back as they were."""

    gone: int
    back: int


def undo_import(book: Path, name: str, number: int, *, digest: str | None = None, side: Side | None = None) -> Undone:
    """Take an import back.

    :param name: the table's
    :param number: the import's, as its rows and the journal bear it
    :param digest: what the file's digest has to be, so that no other import is taken back in its place
    :param side: whose import it has to be. What the other side has brought since stays, and is not in the way
    :raises NotTheLastError: when another came after it, or there is no such import
    :raises UnusableBookError: when the book cannot be read
    :raises BusyBookError: when an import is under way
    """
    table = TABLES[name]
    definition = read_definition(book)
    with book_lock(book), work_engine() as (con, _):
        remove_leftovers(book)
        current = current_table(book, table)
        if not may_be_undone(current, number, digest=digest, side=side):
            raise NotTheLastError(_NOT_LAST.format(book=book, number=number, name=name))
        later = current.deliveries[-1].number != number
        moves: list[Move] = []
        gone = back = 0
        for owner, files in current.places.items():
            for file in files:
                past = owner_folder(book, owner) / HIDDEN_FOLDER / "history" / f"{file.stem}-{number}.parquet"
                if not is_typed_file(file, definition.timezone):
                    continue  # laid down by hand, and no part of any import
                with as_book_error(file):
                    went, came = _count_rows(con, file, past, number)
                    if not (went or came or any(one.number == number for one in read_journal(file))):
                        continue
                    rests = later and _rests_on(con, current, file, past, number)
                    if rests or (later and came and _key_taken_since(con, table, file, past, number)):
                        raise NotTheLastError(_NOT_LAST.format(book=book, number=number, name=name))
                    moves.append(_write_as_before(con, table, file, past, number, definition.timezone))
                if not file.stem.endswith(OWN_COLUMNS):
                    gone, back = gone + went, back + came
        for file in _files_of_import(book, name, number):
            proposed = file.parent.name == PROPOSALS  # withdrawn with it, and still read by both
            moves.append(Move(file, answered_file(file) if proposed else None))
        commit(book, moves)
    return Undone(gone, back)


_NOT_LAST = "{book}: import {number} of {name} is not its last; take back first what came after it"


def may_be_undone(current: CurrentTable, number: int, *, digest: str | None = None, side: Side | None = None) -> bool:
    """Whether an import is there, is the one that is meant, and nothing that it rests under came after it."""
    record = next((other for other in current.deliveries if other.number == number), None)
    if record is None or (digest is not None and record.digest != digest):
        return False
    later = [other for other in current.deliveries if other.number > number]
    if side is None:
        return not later
    # What the other side has brought since rests on it where it found rows of it as they are in its own file.
    return record.side == side.value and all(other.side == side.other.value and not other.unchanged for other in later)


def _rests_on(con: duckdb.DuckDBPyConnection, current: CurrentTable, file: Path, past: Path, number: int) -> bool:
    """Whether a later import has changed rows that this one brought: taking that back would bring them back."""
    numbers = [one.number for one in current.deliveries if one.number > number]
    later = [past.with_name(f"{file.stem}-{one}.parquet") for one in numbers]
    known = [one for one in later if one.is_file()]
    if not known:
        return False
    sql = f"SELECT 1 FROM {scan_sql(*known)} WHERE {IMPORT_COLUMN} = {number} LIMIT 1"
    return con.execute(sql).fetchone() is not None


def _key_taken_since(con: duckdb.DuckDBPyConnection, table: Table, file: Path, past: Path, number: int) -> bool:
    """Whether a row that would come back has a key that another row has taken since."""
    keys = ", ".join(map(quoted, table.key))
    whole = full_key_sql(table)
    sql = f"SELECT 1 FROM ({_before_sql(file, past, number)}) WHERE {whole} GROUP BY {keys} HAVING count(*) > 1 LIMIT 1"
    return con.execute(sql).fetchone() is not None


def _before_sql(file: Path, past: Path, number: int) -> str:
    kept = f"SELECT * FROM {scan_sql(file)} WHERE {IMPORT_COLUMN} IS DISTINCT FROM {number}"
    if not past.is_file():
        return kept
    known = pq.read_schema(past).names  # one of an earlier version may lack a column
    columns = [name for name in pq.read_schema(file).names if name in known]
    return f"{kept} UNION ALL BY NAME SELECT {', '.join(map(quoted, columns))} FROM {scan_sql(past)}"


def _count_rows(con: duckdb.DuckDBPyConnection, file: Path, past: Path, number: int) -> tuple[int, int]:
    sql = f"SELECT count(*) FROM {scan_sql(file)} WHERE {IMPORT_COLUMN} = {number}"
    set_by_it = con.execute(sql).fetchone()
    before = con.execute(f"SELECT count(*) FROM {scan_sql(past)}").fetchone() if past.is_file() else (0,)
    return int(set_by_it[0]) if set_by_it else 0, int(before[0]) if before else 0


def _write_as_before(  # noqa: PLR0913 - what is written, and where
    con: duckdb.DuckDBPyConnection, table: Table, file: Path, past: Path, number: int, zone: str
) -> Move:
    """The table's file as it was; none where nothing was there."""
    sql = _before_sql(file, past, number)
    earlier = [one for one in read_journal(file) if one.number != number]
    left = con.execute(f"SELECT count(*) FROM ({sql})").fetchone()
    if not earlier and not (left and left[0]):
        return Move(file, None)
    ready = past.parents[1] / f"ready-{file.name}"
    ready.parent.mkdir(parents=True, exist_ok=True)
    metadata = {JOURNAL_KEY: journal_json(earlier)} if read_journal(file) else {}
    columns = pq.read_schema(file).names
    order = ", ".join(quoted(one) for one in table.order if one in columns) or "ALL"
    form = f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(zone, metadata)})"
    con.execute(f"COPY ({sql} ORDER BY {order}) TO {literal(str(ready))} {form}")
    return Move(ready, file)


def _files_of_import(book: Path, name: str, number: int) -> Iterator[Path]:
    """What else the import left: the rows as they were, and those that it set aside."""
    for owner in (None, *Side):
        for kind in ("history", "rejects", ROWS_FOLDER, CORRECTED_FOLDER, PROPOSALS, STATES_FOLDER):
            for stem in (name, f"{name}{OWN_COLUMNS}"):
                file = owner_folder(book, owner) / HIDDEN_FOLDER / kind / f"{stem}-{number}.parquet"
                if file.is_file():
                    yield file
