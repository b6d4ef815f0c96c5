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
from comity.book.storage.atomic import replace_file, sync
from comity.book.storage.layout import HIDDEN_FOLDER

_COMMIT_FILE = "commit.json"
_SETTLE_PATIENCE_S = 60.0


class BusyBookError(Exception):
    """Another import into the same book is under way."""


LOCK_FILE = "lock"  # among the hidden files of a book


@dataclass(frozen=True, slots=True)
class Move:
    """One rename of a change; without a target, a removal."""

    source: Path
    target: Path | None


@contextmanager
def book_lock(book: Path, patience_s: float = 0.0) -> Iterator[None]:
    """Hold the book's lock: one import at a time. A change that was begun is finished first.

    :raises BusyBookError: when another process holds it for longer than `patience_s`
    """
    hidden = book / HIDDEN_FOLDER
    try:
        hidden.mkdir(exist_ok=True)
        lock = FileLock(hidden / LOCK_FILE)
        lock.acquire(timeout=patience_s)
    except Timeout:
        msg = f"{book}: another import is under way; try again when it is done"
        raise BusyBookError(msg) from None
    except OSError as error:
        msg = f"cannot be written: {error.strerror or error}"
        raise UnusableBookError(msg, file=book) from None
    try:
        _finish_commit(book)
        yield
    finally:
        lock.release()


def finish_pending_commit(book: Path) -> None:
    """Finish a change that was begun and broken off, so that what is read is the book as after it."""
    if (book / HIDDEN_FOLDER / _COMMIT_FILE).is_file():
        with book_lock(book, _SETTLE_PATIENCE_S):
            pass


def commit(book: Path, moves: Sequence[Move]) -> None:
    """Make a change under the book's lock: all of the moves, or, if broken off before the mark is set, none.

    :raises UnusableBookError: when something lies in the way; then nothing is changed
    """
    for move in moves:
        if move.target is not None:
            if move.target.is_dir() and not move.source.is_dir():
                msg = "is a folder where a file has to lie; move it away"
                raise UnusableBookError(msg, file=move.target)
            move.target.parent.mkdir(parents=True, exist_ok=True)
            sync(move.source)
            sync(move.source.parent)
    mark = book / HIDDEN_FOLDER / _COMMIT_FILE
    ready = mark.with_suffix(".ready")
    renames = [
        [_relative_path(book, move.source), None if move.target is None else _relative_path(book, move.target)]
        for move in moves
    ]
    ready.write_text(json.dumps({"moves": renames}), encoding="utf-8")
    replace_file(ready, mark)
    _finish_commit(book)


def _relative_path(book: Path, path: Path) -> str:
    """A path as the mark names it: within the book, so that a book may be moved at any moment."""
    return os.path.relpath(path, book)


def _read_commit_file(mark: Path) -> list[tuple[str, str | None]]:
    """The renames that a mark names, each of them within the book.

    :raises UnusableBookError: for a mark that nobody of us wrote
    """
    try:
        moves = [(str(source), target) for source, target in json.loads(mark.read_text(encoding="utf-8"))["moves"]]
        paths = [Path(os.path.normpath(path)) for move in moves for path in move if path is not None]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        msg = (
            f"is damaged ({error}), so that a change that was begun cannot be finished; bring the book back "
            "from a copy, or remove this file and import the last delivery again"
        )
        raise UnusableBookError(msg, file=mark) from None
    if any(path.is_absolute() or ".." in path.parts for path in paths):
        msg = "names files outside of the book, which no import of ours does; remove it"
        raise UnusableBookError(msg, file=mark)
    return moves


def _finish_commit(book: Path) -> None:
    mark = book / HIDDEN_FOLDER / _COMMIT_FILE
    if not mark.is_file():
        return
    for source_name, target_name in _read_commit_file(mark):
        source = book / source_name
        if target_name is None:
            if source.is_dir():
                shutil.rmtree(source)
            else:
                source.unlink(missing_ok=True)
        elif source.exists():  # else this rename was done before it was broken off
            target = book / target_name
            source.replace(target)
            sync(target.parent)
    mark.unlink()
    sync(mark.parent)
