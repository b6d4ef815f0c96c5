"""Typed forms of hand-written tables, kept from book to book: half of the books of a run hold the same files."""

from collections.abc import Callable
from functools import wraps

from comity.book.reading import typed_files


def remembering(write: Callable) -> Callable:
    """What checks and writes a typed form, as long as the process has not met the same files under the same rules.

    A typed form is found by the digest of all that it is made of, which is in its name; see `typed_files._cache_key`.
    Files that are refused are checked each time.
    """
    known: dict[tuple, tuple[bytes, bytes]] = {}

    @wraps(write)
    def write_typed(parts, table, declared, making, *, own, typed, rejects):
        key = (typed.name, making.max_rejects, making.side if own else None)
        if key not in known:
            write(parts, table, declared, making, own=own, typed=typed, rejects=rejects)
            known[key] = (typed.read_bytes(), rejects.read_bytes())
            return
        typed_files._remove_earlier(typed)
        for file, content in zip((typed, rejects), known[key], strict=True):
            file.write_bytes(content)

    return write_typed
