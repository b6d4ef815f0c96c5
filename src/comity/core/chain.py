"""A record that shows when somebody has changed it: each entry's digest holds the one before it.

Whoever has kept the last digest, the *head*, can tell later that nothing before it was changed, taken out or put in
between; no server is asked.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place, counted from 1, what it says, and the digests of the one before and of itself."""

    number: int
    content: Mapping[str, Any]
    previous: str
    digest: str


class BrokenChainError(ValueError):
    """A record that is not as it was made: which entry, and what is wrong with it."""


def linked(number: int, content: Mapping[str, Any], previous: str) -> Entry:
    """An entry after the one whose digest is `previous`.

    :param content: values that JSON holds; numbers as they are to be read back
    """
    return Entry(number, content, previous, _digest(number, content, previous))


def verify(entries: Sequence[Entry], head: str | None = None) -> str:
    """The head of a chain in which every entry is as it was made.

    :param head: a digest that was kept; it has to be that of one of the entries
    :raises BrokenChainError: naming the first entry that is not
    """
    before = BEGINNING
    for at, entry in enumerate(entries, 1):
        if entry.number != at:
            raise BrokenChainError(f"entry {at} is missing: the next one bears number {entry.number}")
        if entry.previous != before:
            raise BrokenChainError(f"entry {at} does not follow the one before it")
        if _digest(entry.number, entry.content, entry.previous) != entry.digest:
            raise BrokenChainError(f"entry {at} was changed after it was made")
        before = entry.digest
    if head is not None and head not in {entry.digest for entry in entries}:
        raise BrokenChainError("the digest that was kept is of none of these entries")
    return before


def _digest(number: int, content: Mapping[str, Any], previous: str) -> str:
    text = json.dumps([number, previous, content], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
