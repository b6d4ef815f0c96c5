"""A reader of hledger's journals, as far as we write them; by hand, from its manual's grammar."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

_HEAD = re.compile(r"(\d{4}-\d{2}-\d{2}) (?:\((\d+)\) )?([^;]*)(;.*)?")
_POSTING = re.compile(r" {4}([a-z]+:[a-z]+:[A-Za-z]+) {2}(-?\d+(?:\.\d+)?) \"([A-Za-z]+)\"(?: {2};.*)?")


@dataclass
class Entry:
    day: str
    code: str | None
    postings: list[tuple[str, Decimal, str]] = field(default_factory=list)


def parsed(text):
    """The entries of a journal; every line is one of its grammar."""
    entries = []
    for line in text.split("\n"):
        if not line or line.startswith(";"):
            continue
        posting = _POSTING.fullmatch(line)
        if posting:
            account, number, kind = posting.groups()
            entries[-1].postings.append((account, Decimal(number), kind))
            continue
        head = _HEAD.fullmatch(line)
        assert head, f"no line of a journal: {line!r}"
        entries.append(Entry(head[1], head[2]))
    return entries


def balanced(entry):
    """Whether an entry sums to zero in each commodity."""
    sums = {}
    for _, number, kind in entry.postings:
        sums[kind] = sums.get(kind, Decimal(0)) + number
    return not any(sums.values())
