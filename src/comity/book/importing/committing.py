"""Several files changed as one: a book is as before or as after, whenever the power fails.

What is new lies ready beside its target, synced; then one small file, put in place by one rename, says which
renames make up the change. From that moment the change has happened: whoever comes next, to read or to write,
finishes the renames first. Before that moment nothing has.
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from comity.book.definition import UnusableBookError

HIDDEN = ".comity"
_MARK = "commit.json"
_PATIENCE_S = 60.0


class BusyBookError(Exception):
    """Another import into the same book is under way."""


@dataclass(frozen=True, slots=True)
class Move:
    """One rename of a change; without a target, a removal."""

    source: Path
    target: Path | None


@contextmanager
def locked(book: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the book's lock: one import at a time. A change that was begun is finished first.

    :raises BusyBookError: when another process holds it for longer than `patience_s`
    """
    hidden = book / HIDDEN
    try:
        hidden.mkdir(exist_ok=True)
        lock = FileLock(hidden / "lock")
        lock.acquire(timeout=patience_s)
    except Timeout:
        msg = f"{book}: another import is under way; try again when it is done"
        raise BusyBookError(msg) from None
    except OSError as error:
        msg = f"{book}: cannot be written: {error.strerror or error}"
        raise UnusableBookError(msg) from None
    try:
        _finish(book)
        yield
    finally:
        lock.release()


def settle(book: Path) -> None:
    """Finish a change that was begun and broken off, so that what is read is the book as after it."""
    if (book / HIDDEN / _MARK).is_file():
        with locked(book, _PATIENCE_S):
            pass


def commit(book: Path, moves: Sequence[Move]) -> None:
    """Make a change under the book's lock: all of the moves, or, if broken off before the mark is set, none.

    :raises UnusableBookError: when something lies in the way; then nothing is changed
    """
    for move in moves:
        if move.target is not None:
            if move.target.is_dir() and not move.source.is_dir():
                msg = f"{move.target}: is a folder where a file has to lie; move it away"
                raise UnusableBookError(msg)
            move.target.parent.mkdir(parents=True, exist_ok=True)
            _sync(move.source)
            _sync(move.source.parent)
    mark = book / HIDDEN / _MARK
    ready = mark.with_suffix(".ready")
    said = [[_told(book, move.source), None if move.target is None else _told(book, move.target)] for move in moves]
    ready.write_text(json.dumps({"moves": said}), encoding="utf-8")
    _sync(ready)
    ready.replace(mark)
    _sync(mark.parent)
    _finish(book)


def _told(book: Path, path: Path) -> str:
    """A path as the mark names it: within the book, so that a book may be moved at any moment."""
    return os.path.relpath(path, book)


def _read_mark(mark: Path) -> list[tuple[str, str | None]]:
    """The renames that a mark names, each of them within the book.

    :raises UnusableBookError: for a mark that nobody of us wrote
    """
    try:
        moves = [(str(source), target) for source, target in json.loads(mark.read_text(encoding="utf-8"))["moves"]]
        paths = [Path(os.path.normpath(path)) for move in moves for path in move if path is not None]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = (
            f"{mark}: is damaged ({error}), so that a change that was begun cannot be finished; bring the book back "
            "from a copy, or remove this file and import the last delivery again"
        )
        raise UnusableBookError(msg) from None
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        msg = f"{mark}: names files outside of the book, which no import of ours does; remove it"
        raise UnusableBookError(msg)
    return moves


def _finish(book: Path) -> None:
    mark = book / HIDDEN / _MARK
    if not mark.is_file():
        return
    for source_name, target_name in _read_mark(mark):
        source = book / source_name
        if target_name is None:
            if source.is_dir():
                shutil.rmtree(source)
            else:
                source.unlink(missing_ok=True)
        elif source.exists():  # else this rename was done before it was broken off
            target = book / target_name
            source.replace(target)
            _sync(target.parent)
    mark.unlink()
    _sync(mark.parent)


def _sync(path: Path) -> None:
    """Have the file, or the folder's list of names, on the disk before going on."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open a folder to sync it; its renames are journalled
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
