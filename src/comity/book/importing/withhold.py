# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What a side may hold back: nothing that both sides have, nothing that the other side keeps.

A rule takes rows that its own side brought (`visibility.exempt_sql`), so it never captures what the other side puts on
record later. What is asked here is asked of the rows that are there, in the wall's own SQL.
"""

from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from comity.book.definition import Definition, items_overlap, parse_private_item, private_items, read_definition
from comity.book.importing.current import FOLDER_COLUMN, current_rows_sql, current_table
from comity.book.importing.merge import OWNER_COLUMN, not_own_sql, own_column, own_columns
from comity.book.importing.write import WriteRequest, remove_leftovers, write_rows
from comity.book.reading.visibility import private_item_sql
from comity.book.storage.commit import book_lock
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import ImportRecord
from comity.book.storage.parquet import sql_type
from comity.book.storage.sql import literal, quoted
from comity.book.tables import TABLES
from comity.book.validation.check import CheckRequest, check_rows
from comity.core.values import Side

DISCLOSED = "disclosed"  # as the journal names what was no longer held back


class WithholdAnswer(StrEnum):
    """Whether an item may be held back."""

    YES = "yes"
    SHARED = "shared"  # rows that both sides read say it
    NOTHING = "nothing"  # there is no such thing, or the other side keeps it: the two read the same


def may_withhold(book: Path, definition: Definition, side: Side, item: str) -> WithholdAnswer:
    """Whether a side may hold an item back: `table`, `table.column` or `table[column=value]`.

    :raises comity.book.definition.UnusableBookError: when the table's files cannot be read
    """
    parsed = parse_private_item(item)
    if parsed is None or any(items_overlap(item, other) for other in private_items(definition, side.other)):
        return WithholdAnswer.NOTHING
    table = TABLES[parsed.table]
    with work_engine() as (con, work), as_book_error(book, f"the table {table.name}"):
        condition = "true"
        if parsed.row is not None:
            column = table.by_name[parsed.row.column]
            cast = f"TRY_CAST({literal(parsed.row.value)} AS {sql_type(column)})"
            row = con.execute(f"SELECT {cast} IS NOT NULL").fetchone()
            if not (row and row[0]) or (column.values and parsed.row.value not in column.values):
                return WithholdAnswer.NOTHING  # a value that no row can have
        rows = current_rows_sql(book, table, definition, current_table(book, table), work)
        if rows is None:
            return WithholdAnswer.YES
        own = own_columns(table, definition)

        def value(name: str) -> str:
            return f"coalesce({quoted(own_column(name))}, {quoted(name)})" if name in own else quoted(name)

        if parsed.row is not None:
            condition = private_item_sql(parsed.row, table, value)
        theirs = f"{OWNER_COLUMN} <> {literal(side.other.value)}"  # what the other side keeps answers nothing
        if parsed.row is None and parsed.column is not None:
            condition = f"{quoted(parsed.column)} IS NOT NULL"
        row = con.execute(
            f"SELECT count(*) FROM ({rows}) WHERE {FOLDER_COLUMN} = '' AND {theirs} AND ({condition})"
        ).fetchone()
    return WithholdAnswer.SHARED if row and row[0] else WithholdAnswer.YES


def has_values_beside_others(book: Path, definition: Definition, side: Side, item: str) -> bool:
    """Whether a side keeps values of a column beside rows that others brought: sharing them would change those rows."""
    parsed = parse_private_item(item)
    if parsed is None or parsed.column is None:
        return False
    table = TABLES[parsed.table]
    with work_engine() as (con, work), as_book_error(book, f"the table {table.name}"):
        rows = current_rows_sql(book, table, definition, current_table(book, table), work)
        if rows is None or own_columns(table, definition).get(parsed.column) is not side:
            return False
        where = f"{OWNER_COLUMN} = '' AND {quoted(own_column(parsed.column))} IS NOT NULL AND {not_own_sql(side)}"
        found = con.execute(f"SELECT count(*) FROM ({rows}) WHERE {where}").fetchone()
    return bool(found and found[0])


def disclose_rows(book: Path, tables: Iterable[str], *, by: str, side: Side, at: datetime) -> None:
    """Lay out what a side no longer holds back, once its item is taken out of `[private]`: both sides then read it.

    A row whose key the other side has shared meanwhile stays with its side.

    :raises comity.book.storage.commit.BusyBookError: when an import is under way
    """
    definition = read_definition(book)
    with book_lock(book):
        for name in tables:
            table = TABLES[name]
            current = current_table(book, table)
            if not current.places:
                continue
            with work_engine() as (con, work), as_book_error(book, f"the table {name}"):
                remove_leftovers(book)
                asked = CheckRequest(table, definition, delivered_by=side, with_rows=True)
                checked = check_rows(con, iter(()), asked, work)
                delivery = ImportRecord(current.next_number, DISCLOSED, "", at, by, DISCLOSED, "", side=side.value)
                write_rows(con, WriteRequest(book, definition, table, checked, delivery, side), work)
