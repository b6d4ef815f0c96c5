"""Where each table of a book came from, as one viewer may know it."""

from dataclasses import dataclass, replace
from pathlib import Path

from comity.book.reading.open import Book
from comity.book.storage.journal import ImportRecord, merge_journals, read_journal
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a table came from, as one viewer may know it; `rejected` are the rows that no later file brought again."""

    table: str
    rows: int
    rejected: int
    files: tuple[str, ...]
    deliveries: tuple[ImportRecord, ...] = ()


def origins(book: Book) -> tuple[Origin, ...]:
    """For each table that this viewer sees: rows, rows set aside, files, and the imports, the earliest first."""
    tables = []
    for holding in book:
        deliveries = merge_journals([read_journal(file) for file in holding.files])
        hidden = [side for side in Side if not book.viewer.opens(side)]
        if any(book.definition.keeps_parts_private(holding.table, side) for side in hidden):
            # The digest of a whole file would confirm a guess at what the viewer does not see of it.
            # And a file of which the viewer sees no row is not known to them.
            deliveries = tuple(replace(one, digest="") for one in deliveries if one.rows_in or one.withdrawn)
        aside = holding.rejected + sum(one.rejected - one.corrected for one in deliveries)
        files = tuple(one.file for one in deliveries) or tuple(_named(book, file) for file in holding.files)
        tables.append(Origin(holding.table.name, holding.rows, max(aside, 0), tuple(dict.fromkeys(files)), deliveries))
    return tuple(tables)


def _named(book: Book, file: Path) -> str:
    return file.relative_to(book.folder).as_posix() if file.is_relative_to(book.folder) else file.name
