# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Books of an earlier version: which side brought each row, as far as it is known."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from comity.book.definition import read_definition
from comity.book.importing.current import current_table
from comity.book.reading.visibility import stored_columns
from comity.book.storage.commit import Move, book_lock, commit
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import JOURNAL_KEY, journal_json, read_journal
from comity.book.storage.layout import HIDDEN_FOLDER, holds_table, owner_folder
from comity.book.storage.parquet import IMPORT_COLUMN, is_typed_file, metadata_sql, scan_sql
from comity.book.storage.sql import literal, quoted
from comity.book.tables import EVERY_TABLE, Table
from comity.core.values import Side


def needs_sides(book: Path) -> bool:
    """Whether a table of ours does not say who brought its rows."""
    return any(True for _ in _files_without_sides(book))


def backfill_sides(book: Path, known: Mapping[str, Mapping[int, str]]) -> None:
    """Write into each row which side brought it.

    :param known: by table, which side brought which import
    :raises comity.book.storage.commit.BusyBookError: when an import is under way
    """
    definition = read_definition(book)
    with book_lock(book), work_engine() as (con, _):
        moves = []
        for table, owner, file in _files_without_sides(book):
            sides = known.get(table.name, {})
            arms = " ".join(f"WHEN {int(number)} THEN {literal(side)}" for number, side in sides.items())
            by_import = f"CASE {IMPORT_COLUMN} {arms} END" if arms else "NULL"
            otherwise = literal("unknown" if owner is None else owner.value)
            present = pq.read_schema(file).names
            chosen = [
                f"coalesce({by_import}, {otherwise}) AS brought_by" if name == "brought_by" else quoted(name)
                for name in stored_columns(table)
                if name == "brought_by" or name in present
            ]
            deliveries = [replace(one, side=sides.get(one.number, one.side)) for one in read_journal(file)]
            ready = owner_folder(book, owner) / HIDDEN_FOLDER / f"ready-{file.name}"
            ready.parent.mkdir(parents=True, exist_ok=True)
            metadata = {JOURNAL_KEY: journal_json(deliveries)} if deliveries else {}
            with as_book_error(file):
                con.execute(
                    f"COPY (SELECT {', '.join(chosen)} FROM {scan_sql(file)}) TO {literal(str(ready))} "
                    f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(definition.timezone, metadata)})"
                )
            moves.append(Move(ready, file))
        if moves:
            commit(book, moves)


def _files_without_sides(book: Path) -> Iterator[tuple[Table, Side | None, Path]]:
    zone = read_definition(book).timezone
    for table in EVERY_TABLE.values():
        for owner, files in current_table(book, table).places.items():
            for file in files:
                if not holds_table(file, owner_folder(book, owner), table.name) or not is_typed_file(file, zone):
                    continue
                if "brought_by" not in _column_names(file):
                    yield table, owner, file


def _column_names(file: Path) -> list[str]:
    try:
        return list(pq.read_schema(file).names)
    except (OSError, pa.ArrowException):
        return ["brought_by"]  # whoever opens the book is told that it is damaged
