"""Records into a relationship's book: what the room itself writes there."""

import csv
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from comity.apps.books.queries import folder_of
from comity.book.definition import FILE
from comity.book.importing.importing import import_source
from comity.book.importing.mapping import identity


def write_rows(relationship: UUID, table: str, rows: Sequence[Mapping[str, str]], at: datetime) -> None:
    """Rows that the room knows into a table of the book, by their keys; what is there already stays as it is.

    Does nothing where there is no book yet. As every import, all or nothing, and remembered with when it came.

    :raises comity.book.importing.section.UnusableSourceError: for rows that break the table's rules
    """
    folder = folder_of(relationship)
    if not rows or not (folder / FILE).is_file():
        return
    with tempfile.TemporaryDirectory() as work:
        file = Path(work) / "room.csv"
        with file.open("w", encoding="utf-8", newline="") as out:
            writer = csv.DictWriter(out, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        import_source(folder, file, identity(table), by="the room", at=at, max_rejects=0.0)
