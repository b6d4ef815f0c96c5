# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What an import changed: rows by month and by column, told from the rows as they were before it."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from comity.book.importing.merge import row_day_sql
from comity.book.reading.open import Book
from comity.book.storage.duckdb import as_book_error
from comity.book.storage.journal import ImportRecord, merge_journals, read_journal
from comity.book.storage.layout import HIDDEN_FOLDER
from comity.book.storage.parquet import IMPORT_COLUMN, scan_sql
from comity.book.storage.sql import quoted
from comity.book.tables import Table

UNDATED = "undated"


@dataclass(frozen=True, slots=True)
class MonthChange:
    """How many rows of one month were new, changed or withdrawn; a changed row is of the month in which it lay.

    `moved_here` are those of the changed rows that lie in this month now and lay in another before.
    """

    month: str
    new: int = 0
    updated: int = 0
    withdrawn: int = 0
    moved_here: int = 0


@dataclass(frozen=True, slots=True)
class ImportDifference:
    """What one import changed in one table, as one viewer may know it.

    `columns` counts, for each column, the updated rows in which it changed.
    """

    table: str
    delivery: ImportRecord
    months: tuple[MonthChange, ...]
    columns: Mapping[str, int] = field(default_factory=dict)


def imports_of(book: Book, table: str) -> tuple[ImportRecord, ...]:
    """The imports of a table that this viewer may know of."""
    holding = book.holdings.get(table)
    return merge_journals([read_journal(file) for file in holding.files]) if holding is not None else ()


def import_difference(book: Book, table: Table, delivery: ImportRecord) -> ImportDifference:
    """What an import changed in a table.

    New and updated rows are those that bear its number now, or bore it when a later import changed them again.
    """
    with as_book_error(book.folder, f"the table {table.name}, or its past,"):
        return _compare(book, table, delivery)


def _compare(book: Book, table: Table, delivery: ImportRecord) -> ImportDifference:
    con = book.cursor()
    day = row_day_sql(table)
    month = f"coalesce(strftime({day}, '%Y-%m'), '{UNDATED}')" if day else f"'{UNDATED}'"
    before = _past_rows_sql(book, table, f"{delivery.number}")
    after = [f"SELECT * EXCLUDE (_status), '' AS _status FROM (SELECT *, NULL AS _status FROM \"{table.name}\")"]
    later = [number for number in (one.number for one in imports_of(book, table.name)) if number > delivery.number]
    after += [
        f"SELECT * FROM ({past})" for number in later if (past := _past_rows_sql(book, table, str(number))) is not None
    ]
    bearing = f"SELECT * FROM ({' UNION ALL BY NAME '.join(after)}) WHERE {IMPORT_COLUMN} = {delivery.number}"
    counts: dict[str, dict[str, int]] = {}
    now = f"SELECT *, {month} AS _month FROM ({bearing})"
    if before is None:
        _count(con, counts, f"SELECT _month, 'new', count(*) FROM ({now}) GROUP BY ALL")
    else:
        _count(con, counts, f"SELECT {month}, _status, count(*) FROM ({before}) GROUP BY ALL")
        changed = f"SELECT *, {month} AS _month FROM ({before}) WHERE _status = 'before'"
        same = _same_key_sql(table)
        fresh = f"SELECT a._month FROM ({now}) a ANTI JOIN ({changed}) b ON {same}"
        _count(con, counts, f"SELECT _month, 'new', count(*) FROM ({fresh}) GROUP BY ALL")
        moved = f"SELECT a._month FROM ({now}) a JOIN ({changed}) b ON {same} WHERE a._month <> b._month"
        _count(con, counts, f"SELECT _month, 'moved', count(*) FROM ({moved}) GROUP BY ALL")
    columns = _changed_columns(con, table, before, bearing) if before is not None else {}
    months = []
    for name, found in sorted(counts.items()):
        updated, withdrawn = found.get("before", 0), found.get("withdrawn", 0)
        months.append(MonthChange(name, found.get("new", 0), updated, withdrawn, found.get("moved", 0)))
    return ImportDifference(table.name, delivery, tuple(months), columns)


def _count(con: duckdb.DuckDBPyConnection, counts: dict[str, dict[str, int]], sql: str) -> None:
    for month, what, number in con.execute(sql).fetchall():
        counts.setdefault(month, {})[what] = number


def _past_rows_sql(book: Book, table: Table, number: str) -> str | None:
    """The rows that an import changed, as they were; own columns stay in their own list and are not compared here."""
    folders = [book.folder]
    if book.viewer.side is not None:
        folders.append(book.folder / "private" / book.viewer.side.value)
    files = [folder / HIDDEN_FOLDER / "history" / f"{table.name}-{number}.parquet" for folder in folders]
    past_files = [file for file in files if file.is_file()]
    return f"SELECT * FROM {scan_sql(*past_files)}" if past_files else None


def _same_key_sql(table: Table) -> str:
    """That a row `a` and a row `b` tell of the same; rows without a key are never told to."""
    same = " AND ".join(f"a.{quoted(key)} IS NOT DISTINCT FROM b.{quoted(key)}" for key in table.key)
    return f"({same} AND coalesce({', '.join(f'CAST(a.{quoted(key)} AS VARCHAR)' for key in table.key)}) IS NOT NULL)"


def _changed_columns(con: duckdb.DuckDBPyConnection, table: Table, before: str, bearing: str) -> dict[str, int]:
    held = {row[0] for row in con.execute(f"DESCRIBE {before}").fetchall()}
    names = [column.name for column in table.columns if column.name in held and column.name not in table.key]
    if not names:
        return {}
    same = _same_key_sql(table)
    counted = ", ".join(f"count(*) FILTER (a.{quoted(n)} IS DISTINCT FROM b.{quoted(n)})" for n in names)
    sql = f"SELECT {counted} FROM ({before}) b JOIN ({bearing}) a ON {same} WHERE b._status = 'before'"
    found = con.execute(sql).fetchone() or ()
    return {name: count for name, count in zip(names, found, strict=False) if count}
