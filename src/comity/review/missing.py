"""Words for what lacks: which tables, why, and the side that holds them or would."""

from collections.abc import Mapping, Sequence

from comity.book.reading.open import Book
from comity.book.tables import TABLES
from comity.review.model import Missing


def missing_tables(book: Book, reading: str, tables: Sequence[str]) -> Missing:
    """The word for what needs tables that are not there, or that the other side keeps to itself."""
    gone = [name for name in tables if not book.has(name)]
    hidden = [name for name in gone if _hidden(book, name)]
    return Missing(reading, tuple(gone or tables), held_by(book, hidden or gone), "private" if hidden else "no_table")


def missing_figure(
    book: Book, reading: str, tables: Sequence[str], why: str, detail: Mapping[str, object] | None = None
) -> Missing:
    """The word for what cannot be made of tables that are there."""
    return Missing(reading, tuple(tables), held_by(book, tables), why, detail or {})


def held_by(book: Book, tables: Sequence[str]) -> str:
    """The side that holds the tables, by the book's own word before what is usual; `both` where they differ."""
    holders = set()
    for name in tables:
        owner = book.definition.private_owner(name)
        holders.add(owner.value if owner is not None else TABLES[name].held_by if name in TABLES else "both")
    return holders.pop() if len(holders) == 1 else "both"


def _hidden(book: Book, table: str) -> bool:
    owner = book.definition.private_owner(table)
    return owner is not None and not book.viewer.opens(owner)
