"""A book as it would be: a copy in which something is tried, beside the book, which is not changed."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from comity.book.importing.deliver import ImportRequest, import_tables
from comity.book.mappings.model import SourceMapping
from comity.book.storage.commit import LOCK_FILE, book_lock

_SUPPOSED = ".supposed-"  # before the names of the copies


@contextmanager
def supposed_copy(book: Path, patience_s: float = 0.0) -> Iterator[Path]:
    """Yield a copy of a book, which lies beside it and is removed afterwards.

    Parquet files, which are only ever replaced whole, are links.

    :raises comity.book.storage.commit.BusyBookError: when an import is under way
    """
    with tempfile.TemporaryDirectory(dir=book.parent, prefix=_SUPPOSED) as folder:
        copy = Path(folder) / "book"
        with book_lock(book, patience_s):
            shutil.copytree(book, copy, copy_function=_link_or_copy, ignore=shutil.ignore_patterns(LOCK_FILE))
        yield copy


@contextmanager
def supposed_imported(
    book: Path, source: Path, mapping: SourceMapping, request: ImportRequest, patience_s: float = 0.0
) -> Iterator[Path]:
    """Yield a copy of a book as it would be with a file imported.

    :raises: as `import_tables` and `supposed_copy`
    """
    with supposed_copy(book, patience_s) as copy:
        import_tables(copy, source, mapping, request)
        yield copy


def remove_supposed(folder: Path, before: datetime) -> None:
    """Remove the copies that a process which died has left among the books of a folder."""
    for left in folder.glob(f"{_SUPPOSED}*"):
        with suppress(FileNotFoundError):
            if left.stat().st_mtime < before.timestamp():
                shutil.rmtree(left, ignore_errors=True)


def _link_or_copy(source: str, target: str) -> None:
    if source.endswith(".parquet"):
        with suppress(OSError):  # of a file system without links
            os.link(source, target)
            return
    shutil.copy2(source, target)
