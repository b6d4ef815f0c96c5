"""The engine behind every book: bounded memory, spilling to a folder of its own, never reaching for the network."""

import contextlib
import itertools
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from filelock import BaseFileLock, FileLock, Timeout

from comity.book.definition import UnusableBookError
from comity.book.storage.sql import literal

MEMORY = "1200MB"  # with Python and Arrow beside it, below 2 GiB
THREADS = 2
FEW_ROWS = 20_000
_databases = itertools.count(1)  # names of what engines hold; none is used twice, so that who comes late finds nothing
_LOCK_FILE = "in-use"  # held by the process that works in the folder
_MIN_AGE_S = 60.0  # a folder that is being made is not locked yet
_held_locks: dict[Path, BaseFileLock] = {}
_cleared_at: dict[Path, float] = {}  # a place where work folders are made -> when it was last rid of abandoned ones


@contextmanager
def engine(spill: Path | None = None, threads: int | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty in-memory engine for one user at a time, bounded in memory; nothing of it is left at the end.

    Starting an engine takes 7 ms and stopping it two, most of both for the functions that it knows. So a few that were
    started earlier wait for their next use: whoever comes gets a connection of their own to a database of their own,
    which is detached when they leave. One that spilled is stopped, because it keeps to the folder it spilled to.

    :param spill: the folder for what outgrows its memory; it is made when it is needed. None: nothing is spilled
    :param threads: None: as many as `THREADS` says
    """
    count = THREADS if threads is None else threads
    root = _idle_engines.take(count) or _start(count)
    con, held = root.cursor(), f"held_{next(_databases)}"
    try:
        con.execute(
            f"SET temp_directory = {literal(str(spill or ''))}; SET enable_external_file_cache = true; "
            f"SET enable_progress_bar = false; ATTACH ':memory:' AS {held}; USE {held}"
        )
        yield con
    finally:
        con.close()  # with its temporary tables
        _give_back(root, count, held, spilled=spill is not None and spill.exists())


def cursor(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """A second way to what an engine holds, but for its temporary tables: for another thread, or a stream of rows."""
    second = con.cursor()
    (held,) = con.execute("SELECT current_database()").fetchone() or ("memory",)
    second.execute(f"USE {held}")
    return second


def _start(threads: int) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(
        config={
            "memory_limit": MEMORY,
            "threads": threads,
            "preserve_insertion_order": False,  # order is asked for where it matters; keeping it costs memory
            "autoinstall_known_extensions": False,
        },
    )


def _give_back(root: duckdb.DuckDBPyConnection, threads: int, held: str, *, spilled: bool) -> None:
    """Let an engine wait for its next use, or stop it where not all that was in it is surely gone."""
    gone = False
    with contextlib.suppress(duckdb.Error):  # the engine broke
        root.execute(f"DETACH {held}; SET enable_external_file_cache = false")  # which empties that cache
        gone = not spilled
    if not (gone and _idle_engines.put(threads, root)):
        root.close()


class _IdleEngines:
    """Started engines that nobody uses, by their number of threads; a process that was forked begins without any."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._waiting: dict[int, list[duckdb.DuckDBPyConnection]] = {}
        self._of_parent: list[dict[int, list[duckdb.DuckDBPyConnection]]] = []
        os.register_at_fork(after_in_child=self._forget)

    def take(self, threads: int) -> duckdb.DuckDBPyConnection | None:
        with self._lock:
            waiting = self._waiting.get(threads)
            return waiting.pop() if waiting else None

    def put(self, threads: int, root: duckdb.DuckDBPyConnection) -> bool:
        with self._lock:
            waiting = self._waiting.setdefault(threads, [])
            if len(waiting) >= self._most:
                return False
            waiting.append(root)
            return True

    def _forget(self) -> None:
        """Threads do not survive a fork: what the parent started cannot even be stopped here, so it is only kept."""
        self._lock = threading.Lock()
        self._of_parent.append(self._waiting)
        self._waiting = {}


_idle_engines = _IdleEngines(most=2)


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
    if time.monotonic() - _cleared_at.get(place, -_MIN_AGE_S) >= _MIN_AGE_S:  # none is removed earlier anyway
        _cleared_at[place] = time.monotonic()
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
def work_engine(
    place: Path | None = None, threads: int | None = None
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Path]]:
    """An engine and a folder to work in, gone at the end whatever happens.

    :param place: an existing folder within which the work folder is made, so that results can be moved by one rename
    """
    folder = make_work_folder() if place is None else _make_locked_folder(place, "work-")
    try:
        with engine(folder / "spill", threads) as con:
            yield con, folder
    finally:
        remove_work_folder(folder)
