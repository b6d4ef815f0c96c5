"""Tables that several questions of one gathering share: kept in the engine, dropped when it is over.

In plain SQL: Ibis 12 makes a table from an expression by running it twice.
"""

from typing import Self

import ibis
import pyarrow as pa

from comity.book.reading.open import Book
from comity.book.storage.compiled_sql import scratch_name


class Workings:
    """A scratch of the engine, for a `with`."""

    def __init__(self, book: Book) -> None:
        """Remember the book; nothing is made yet."""
        self.book = book
        self._kept: list[str] = []
        self._given: list[str] = []

    def __enter__(self) -> Self:
        """Open for a `with`."""
        return self

    def __exit__(self, *_: object) -> None:
        """Drop what was kept."""
        con = self.book.engine.con
        for name in self._kept:
            con.execute(f"DROP TABLE IF EXISTS {name}")
        for name in self._given:
            con.unregister(name)

    def given(self, table: pa.Table) -> ibis.Table:
        """A small table brought in."""
        name = scratch_name()
        self.book.engine.con.register(name, table)
        self._given.append(name)
        return self.book.engine.table(name)

    def kept(self, expression: ibis.Table) -> ibis.Table:
        """The rows of an expression, worked out once."""
        name = scratch_name()
        self.book.engine.con.execute(f"CREATE TEMP TABLE {name} AS {self.book.engine.compile(expression)}")
        self._kept.append(name)
        return self.book.engine.table(name)
