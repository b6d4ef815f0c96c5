# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""The one way into a book: with a viewer, who sees what is shared and what is private to the own side."""

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Self, TypeVar

import duckdb
import ibis

from comity.book.definition import Definition, read_definition
from comity.book.reading.typed_files import TypedFormOptions, TypedTable, typed_form
from comity.book.reading.visibility import join_own_rows, visible_rows_sql
from comity.book.storage.commit import finish_pending_commit
from comity.book.storage.compiled_sql import BookEngine
from comity.book.storage.duckdb import as_book_error, cursor, work_engine
from comity.book.storage.layout import OWN_COLUMNS, table_files
from comity.book.storage.parquet import zone_of_typed_file
from comity.book.tables import EVERY_TABLE, Table
from comity.book.validation.check import MAX_REJECTS
from comity.book.validation.rejects import Reject, count_rejects, read_notes, read_rejects
from comity.core.values import Period, Side, Viewer

T = TypeVar("T")


class NotInRelationshipError(PermissionError):
    """Someone who has no part in this relationship tried to open its book."""


def home_viewer(folder: Path, side: Side | None, person: str = "at home") -> Viewer:
    """A viewer for whoever holds the book's folder and runs a command on it, standing on a side or none."""
    return Viewer(person, read_definition(folder).relationship, side)


@dataclass(frozen=True, slots=True)
class Holding:
    """One table as this viewer sees it: the files it was read from, its rows, and how many were set aside.

    `typed` are the files in typed form that it is read from, `rejects` the lists of rows set aside on opening,
    `notes` what else there is to tell.
    """

    table: Table
    files: tuple[Path, ...]
    rows: int
    rejected: int
    typed: tuple[Path, ...] = ()
    rejects: tuple[Path, ...] = ()
    notes: tuple[str, ...] = ()


class Book:
    """A book opened for one viewer. Use `open_book`."""

    def __init__(  # noqa: PLR0913 - all that open_book brought together
        self,
        folder: Path,
        definition: Definition,
        viewer: Viewer,
        con: duckdb.DuckDBPyConnection,
        holdings: Mapping[str, "Holding"],
        held: ExitStack,
    ) -> None:
        """Remember where, whose and for whom; `open_book` brings the tables in.

        :param held: what is given back when the book is closed: the engine, and a folder for what outgrows memory
        """
        self.folder = folder
        self.definition = definition
        self.viewer = viewer
        self.engine: BookEngine = BookEngine.from_connection(con)
        self.holdings: dict[str, Holding] = dict(holdings)
        # The period that figures are formed for, and the one it is compared with; empty: all days alike. Where two
        # tables could answer a KPI, one that tells of these does.
        self.asked: tuple[Period, ...] = ()
        self._con = con
        self._held = held.pop_all()
        self._known: dict[Hashable, object] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once as long as this book is open: scans that several figures share."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]  # type: ignore[return-value]  # what `make` of the same key gave

    def knows(self, key: Hashable) -> bool:
        """Whether something was made once under this key already."""
        return key in self._known

    def has(self, *names: str) -> bool:
        """Whether all these tables are there for this viewer, and hold a row."""
        return all(name in self.holdings and self.holdings[name].rows > 0 for name in names)

    def table(self, name: str) -> ibis.Table:
        """A table as Ibis sees it: the declared columns, local days and half hours."""
        return self.once(("table", name), lambda: self.engine.table(name))

    def close_table(self, name: str) -> None:
        """Take a table away again, for a viewer who may see less than their side does."""
        if self.holdings.pop(name, None) is not None:
            self._con.execute(f'DROP VIEW "{EVERY_TABLE[name].name}"')

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A second way to the engine, for another thread."""
        return cursor(self._con)

    def close(self) -> None:
        """Give the engine's memory back."""
        self._held.close()

    def rejects(self, name: str) -> Iterator[Reject]:
        """The rows of a table that were set aside on opening, as far as this viewer may know."""
        if name not in self.holdings:
            return iter(())
        return chain.from_iterable(read_rejects(file, self.viewer.side) for file in self.holdings[name].rejects)

    def __enter__(self) -> Self:
        """Open for a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at its end."""
        self.close()

    def __iter__(self) -> Iterator[Holding]:
        """What is there, in the order of the declaration."""
        return (self.holdings[name] for name in EVERY_TABLE if name in self.holdings)


def open_book(
    folder: Path,
    viewer: Viewer,
    private: Path | None = None,
    *,
    max_rejects: float = MAX_REJECTS,
) -> Book:
    """Open a book for a viewer.

    Tables that lie there raw are checked first; their typed form is kept, so that the next opening is quick.

    :param private: the folder with the viewer's own side's private tables, when they are kept elsewhere
    :param max_rejects: the share of a raw table's rows that may break a rule before the book is of no use
    :raises UnusableBookError: when the book cannot be read, in one sentence with the next step
    :raises NotInRelationshipError: when the viewer has no part in this relationship
    """
    definition = read_definition(folder)
    if viewer.relationship != definition.relationship:
        raise NotInRelationshipError("no such book")
    finish_pending_commit(folder)
    own = []
    if viewer.side is not None:
        own = [place for place in (folder / "private" / viewer.side.value, private) if place is not None]
    with ExitStack() as held:
        con, work = held.enter_context(work_engine())
        making = TypedFormOptions(definition, viewer.side, work, max_rejects)
        opened = (_open_table(con, folder, own, table, viewer, making) for table in EVERY_TABLE.values())
        holdings = {holding.table.name: holding for holding in opened if holding is not None}
        return Book(folder, definition, viewer, con, holdings, held)


def _open_table(  # noqa: PLR0913 - one table of open_book
    con: duckdb.DuckDBPyConnection,
    folder: Path,
    own: list[Path],
    table: Table,
    viewer: Viewer,
    making: TypedFormOptions,
) -> Holding | None:
    """Bring one table in, as the viewer may see it; None where there is none."""
    definition = making.definition
    owner = definition.private_owner(table.name)
    closed = owner is not None and not viewer.opens(owner)
    files = table_files(folder, table.name)
    if closed:  # of a table that the other side keeps whole, only what others than it have brought in
        files = [file for file in files if zone_of_typed_file(file) is not None]
    shared = [typed_form(folder, files, table, making)] if files else []
    private: list[TypedTable] = []
    for place in own:
        for name in (table.name, f"{table.name}{OWN_COLUMNS}"):
            found = table_files(place, name)
            if found:
                files += found
                private.append(typed_form(place, found, table, making, own=True))
    if not shared and not private:
        return None
    typed, notes = join_own_rows(shared, private, table, definition, making.fallback, viewer.side)
    with as_book_error(folder, f"the table {table.name}"):
        con.execute(f'CREATE VIEW "{table.name}" AS {visible_rows_sql(typed, table, definition, viewer)}')
        rows = con.execute(f'SELECT count(*) FROM "{table.name}"').fetchone()
        if closed and not (rows and rows[0]):
            con.execute(f'DROP VIEW "{table.name}"')
            return None
    aside = tuple(one.rejects for one in (*shared, *private) if one.rejects is not None)
    return Holding(
        table,
        tuple(files),
        int(rows[0]) if rows else 0,
        sum(count_rejects(file, viewer.side) for file in aside),
        typed.files,
        aside,
        (*chain.from_iterable(read_notes(file, viewer.side) for file in aside), *notes),
    )
