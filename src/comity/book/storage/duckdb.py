"""The engine behind every book: bounded memory, spilling to a folder of its own, never reaching for the network."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import BaseFileLock, FileLock, Timeout

from comity.book.definition import UnusableBookError

MEMORY = "1200MB"  # with Python and Arrow beside it, below 2 GiB
THREADS = 2
FEW_ROWS = 20_000
_LOCK_FILE = "in-use"  # held by the process that works in the folder
_MIN_AGE_S = 60.0  # a folder that is being made is not locked yet
_held_locks: dict[Path, BaseFileLock] = {}


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine that spills into this folder when a step outgrows its memory."""
    return without_progress_bar(
        duckdb.connect(
            config={
                "memory_limit": MEMORY,
                "threads": THREADS,
                "temp_directory": str(spill),
                "preserve_insertion_order": False,  # order is asked for where it matters; keeping it costs memory
                "autoinstall_known_extensions": False,
            },
        )
    )


def without_progress_bar(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """An engine that draws no progress among what a command writes."""
    con.execute("SET enable_progress_bar = false")
    return con


@contextmanager
def optimised_for(con: duckdb.DuckDBPyConnection, rows: int) -> Iterator[None]:
    """Run long statements without the engine's optimiser on few rows, where that takes half the time.

    Of a mapping's statement of 20,000 characters optimising takes 40 to 70 ms, as much as it saves on 30,000 rows.
    """
    if rows >= FEW_ROWS:
        yield
        return
    con.execute("PRAGMA disable_optimizer")
    try:
        yield
    finally:
        con.execute("PRAGMA enable_optimizer")


def make_work_folder() -> Path:
    """A folder that only this user can look into, for what spills and is staged; `remove_work_folder` removes it."""
    return _make_locked_folder(Path(tempfile.gettempdir()), "comity-")


def remove_work_folder(folder: Path) -> None:
    """Remove a folder that was made to work in."""
    lock = _held_locks.pop(folder, None)
    if lock is not None:
        lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def remove_abandoned_folders(place: Path, prefix: str) -> None:
    """Remove the work folders in a place whose process was killed; those of the living are locked by them."""
    for left in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError, Timeout):
            if left in _held_locks or left.is_symlink() or time.time() - left.stat().st_mtime < _MIN_AGE_S:
                continue
            if not (left / _LOCK_FILE).is_file():  # killed before it was locked, or nothing of ours
                left.rmdir()
                continue
            lock = FileLock(left / _LOCK_FILE)
            lock.acquire(timeout=0)
            lock.release()
            shutil.rmtree(left, ignore_errors=True)


def _make_locked_folder(place: Path, prefix: str) -> Path:
    remove_abandoned_folders(place, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    lock = FileLock(folder / _LOCK_FILE)
    lock.acquire(timeout=0)
    _held_locks[folder] = lock
    return folder


@contextmanager
def as_book_error(file: Path, what: str = "") -> Iterator[None]:
    """The engine's errors as an error of the book, which says what it was about.

    :param what: which part of the file, or of the book where it is a folder; empty: all of it
    :raises UnusableBookError: where the engine gives up: on a damaged file, a full disk
    """
    try:
        yield
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:300]
        message = f"cannot be read or written ({said}); make room, or bring the book's files back from a copy"
        raise UnusableBookError(message, file=file, place=what) from None


@contextmanager
def work_engine(place: Path | None = None) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An engine and a folder to work in, gone at the end whatever happens.

    :param place: an existing folder within which the work folder is made, so that results can be moved by one rename
    """
    folder = make_work_folder() if place is None else _make_locked_folder(place, "work-")
    con = connect(folder / "spill")
    try:
        yield con, folder
    finally:
        con.close()
        remove_work_folder(folder)
