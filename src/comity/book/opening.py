"""The one way into a book: with a viewer, who sees what is shared and what is private to the own side."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb
import ibis
import pyarrow.parquet as pq
from ibis.backends.duckdb import Backend

from comity.book.definition import Definition, UnusableBookError, read_definition
from comity.book.storage import is_typed
from comity.book.tables import TABLES, Table
from comity.core.values import Side, Viewer

SUFFIXES = (".parquet", ".csv", ".csv.gz")
MEMORY = "1200MB"
T = TypeVar("T")


class NotInRelationshipError(PermissionError):
    """Someone who has no part in this relationship tried to open its book."""


def home_viewer(folder: Path, side: Side | None, person: str = "at home") -> Viewer:
    """A viewer for whoever holds the book's folder and runs a command on it, standing on a side or none."""
    return Viewer(person, read_definition(folder).relationship, side)


def table_files(folder: Path, name: str) -> list[Path]:
    """The files that hold a table in a folder: one file, or the Parquet parts of a folder of its name.

    :raises UnusableBookError: when the table is there twice
    """
    found = [folder / f"{name}{suffix}" for suffix in SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    parts = folder / name
    if parts.is_dir():
        found += sorted(parts.glob("*.parquet"))
    forms = {file.parent == parts for file in found}
    if len(forms) > 1 or (forms == {False} and len(found) > 1):
        names = ", ".join(str(file.relative_to(folder)) for file in found)
        msg = f"{folder}: the table {name} is there more than once ({names}); keep one of them"
        raise UnusableBookError(msg)
    return found


@dataclass(frozen=True, slots=True)
class Holding:
    """One table as this viewer sees it: the files it was read from, its rows, and how many were set aside."""

    table: Table
    files: tuple[Path, ...]
    rows: int
    rejected: int


class Book:
    """A book opened for one viewer. Use `open_book`."""

    def __init__(self, folder: Path, definition: Definition, viewer: Viewer, con: duckdb.DuckDBPyConnection) -> None:
        """Remember where, whose and for whom; `open_book` brings the tables in."""
        self.folder = folder
        self.definition = definition
        self.viewer = viewer
        self.engine: Backend = ibis.duckdb.from_connection(con)
        self.holdings: dict[str, Holding] = {}
        self._con = con
        self._known: dict[Hashable, object] = {}

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, made once as long as this book is open: scans that several figures share."""
        if key not in self._known:
            self._known[key] = make()
        return self._known[key]  # type: ignore[return-value]  # what `make` of the same key gave

    def has(self, *names: str) -> bool:
        """Whether all these tables are there for this viewer, and hold a row."""
        return all(name in self.holdings and self.holdings[name].rows > 0 for name in names)

    def table(self, name: str) -> ibis.Table:
        """A table as Ibis sees it: the declared columns, local days and half hours."""
        return self.engine.table(name)

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A second way to the engine, for another thread."""
        return self._con.cursor()

    def close(self) -> None:
        """Give the engine's memory back."""
        self._con.close()

    def __enter__(self) -> "Book":
        """Open for a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close at its end."""
        self.close()

    def __iter__(self) -> Iterator[Holding]:
        """What is there, in the order of the declaration."""
        return (self.holdings[name] for name in TABLES if name in self.holdings)


def open_book(folder: Path, viewer: Viewer, private: Path | None = None) -> Book:
    """Open a book for a viewer.

    :param private: the folder with the viewer's own side's private tables, when they are kept elsewhere
    :raises UnusableBookError: when the book cannot be read, in one sentence with the next step
    :raises NotInRelationshipError: when the viewer has no part in this relationship
    """
    definition = read_definition(folder)
    if viewer.relationship != definition.relationship:
        raise NotInRelationshipError("no such book")  # noqa: EM101 - the same words whether or not it exists
    con = duckdb.connect(config={"memory_limit": MEMORY, "threads": 2})
    book = Book(folder, definition, viewer, con)
    own = []
    if viewer.side is not None:
        own = [folder / "private" / viewer.side.value] + ([private] if private else [])
    for name, table in TABLES.items():
        files = table_files(folder, name)
        owner = definition.private_owner(name)
        if owner is not None and not viewer.opens(owner):
            files = []
        for place in own:
            files += table_files(place, name)
        if not files:
            continue
        for file in files:
            if not is_typed(file, definition.timezone):
                msg = f"{file} is raw"
                raise UnusableBookError(msg)
        names = ", ".join("'" + str(file).replace("'", "''") + "'" for file in files)
        con.execute(f'CREATE VIEW "{name}" AS SELECT * FROM read_parquet([{names}], union_by_name => true)')
        rows = sum(pq.read_metadata(file).num_rows for file in files)
        book.holdings[name] = Holding(table, tuple(files), rows, 0)
    return book
