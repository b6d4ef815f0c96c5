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
_LOCK = "in-use"  # held by the process that works in the folder
_YOUNG_S = 60.0  # a folder that is being made is not locked yet
_in_use: dict[Path, BaseFileLock] = {}


def connect(spill: Path) -> duckdb.DuckDBPyConnection:
    """A fresh in-memory engine that spills into this folder when a step outgrows its memory."""
    return quiet(
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


def quiet(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """An engine that draws no progress among what a command writes."""
    con.execute("SET enable_progress_bar = false")
    return con


def scratch() -> Path:
    """A folder that only this user can look into, for what is spilled and what is staged; `discard` removes it."""
    return _made(Path(tempfile.gettempdir()), "comity-")


def discard(folder: Path) -> None:
    """Remove a folder that was made to work in."""
    lock = _in_use.pop(folder, None)
    if lock is not None:
        lock.release()
    shutil.rmtree(folder, ignore_errors=True)


def sweep(place: Path, prefix: str) -> None:
    """Remove the work folders in a place whose process was killed; those of the living are locked by them."""
    for left in place.glob(f"{prefix}*"):
        with contextlib.suppress(OSError, Timeout):
            if left in _in_use or left.is_symlink() or time.time() - left.stat().st_mtime < _YOUNG_S:
                continue
            if not (left / _LOCK).is_file():  # killed before it was locked, or nothing of ours
                left.rmdir()
                continue
            lock = FileLock(left / _LOCK)
            lock.acquire(timeout=0)
            lock.release()
            shutil.rmtree(left, ignore_errors=True)


def _made(place: Path, prefix: str) -> Path:
    sweep(place, prefix)
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    lock = FileLock(folder / _LOCK)
    lock.acquire(timeout=0)
    _in_use[folder] = lock
    return folder


@contextmanager
def naming(what: str) -> Iterator[None]:
    """The engine's errors as an error of the book, which says what it was about.

    :raises UnusableBookError: where the engine gives up: on a damaged file, a full disk
    """
    try:
        yield
    except duckdb.Error as error:
        said = " ".join(str(error).split())[:300]
        msg = f"{what} cannot be read or written ({said}); make room, or bring the book's files back from a copy"
        raise UnusableBookError(msg) from None


@contextmanager
def working(place: Path | None = None) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An engine and a folder to work in, gone at the end whatever happens.

    :param place: an existing folder within which the work folder is made, so that results can be moved by one rename
    """
    folder = scratch() if place is None else _made(place, "work-")
    con = connect(folder / "spill")
    try:
        yield con, folder
    finally:
        con.close()
        discard(folder)
