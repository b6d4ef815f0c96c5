"""A record that shows when somebody has changed it: each entry's digest covers the digest of the one before it.

Whoever has kept the last digest, the *head*, can show later that nothing before it was changed, taken out or put in
between; no server is needed. Without a kept head the chain proves only that the record is consistent: whoever holds
all of it can make another one that is consistent too.

The digest of an entry is the SHA-256, in hexadecimal, of the UTF-8 bytes of the canonical JSON of
`[number, previous, content]`: no white space, the keys of each object in the order of their code points, characters
outside ASCII as they are, control characters escaped as Python's `json` does it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

BEGINNING = "0" * 64
SCHEMA = "comity.record/1"
_TOP = frozenset({"schema", "entries"})
_OF_AN_ENTRY = frozenset({"number", "content", "previous", "digest"})
_HEX = frozenset("0123456789abcdef")
_EXACT = 2**53 - 1  # larger whole numbers are rounded by readers that know only floating-point numbers


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place, counted from 1, its content, and the digests of the one before and of itself."""

    number: int
    content: Mapping[str, Any]
    previous: str
    digest: str


class BrokenChainError(ValueError):
    """A record that is not as it was made, or that two readers could read differently: where, and what is wrong."""


class NotARecordError(ValueError):
    """A text that is no record at all."""


def canonical(value: object) -> str:
    """The one way to write a value as JSON; what a digest is computed over.

    :param value: what JSON holds
    :raises ValueError: for NaN, infinity and unpaired surrogates, which JSON does not hold
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()  # an unpaired surrogate has no UTF-8
    return text


def digest_of(value: object) -> str:
    """SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def linked(number: int, content: Mapping[str, Any], previous: str) -> Entry:
    """An entry after the one whose digest is `previous`.

    :param content: values that JSON holds; numbers as they are to be read back
    """
    return Entry(number, content, previous, digest_of([number, previous, content]))


def read(text: str) -> list[Entry]:
    """The entries of a record as a room gives it out, read so that every JSON reader reads the same.

    Refused are: a key that stands twice (some readers take the first, some the last), a key that no digest covers, a
    number that readers round or write differently, NaN, a character that is half of one, no entries, and entries of
    several relationships.

    :raises NotARecordError: for a text that is no JSON, or no record
    :raises BrokenChainError: for what is listed above
    """
    try:
        told = json.loads(
            text, object_pairs_hook=_once, parse_int=_whole, parse_float=_fraction, parse_constant=_constant
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotARecordError(f"it is not JSON: {error}") from None
    if not isinstance(told, dict) or told.get("schema") != SCHEMA or not isinstance(told.get("entries"), list):
        raise NotARecordError(f"it has to contain the schema {SCHEMA} and a list of entries")
    _no_other_keys(told, _TOP, "the record")
    entries = [_entry(at, one) for at, one in enumerate(told["entries"], 1)]
    if not entries:
        raise BrokenChainError("it has no entries, so there is nothing to verify")
    relationship_of(entries)
    return entries


def verify(entries: Sequence[Entry], head: str | None = None) -> str:
    """The head of a chain in which every entry is as it was made.

    :param head: a digest that was kept; it has to be that of one of the entries
    :raises BrokenChainError: naming the first entry that is not
    """
    before = BEGINNING
    settled: set[object] = set()
    for at, entry in enumerate(entries, 1):
        if entry.number != at:
            raise BrokenChainError(f"entry {at} is missing: the next one has number {entry.number}")
        if entry.previous != before:
            raise BrokenChainError(f"entry {at} does not follow the one before it")
        try:
            made = linked(entry.number, entry.content, entry.previous)
        except ValueError as error:
            raise BrokenChainError(f"entry {at} holds what JSON does not hold: {error}") from None
        if made.digest != entry.digest:
            raise BrokenChainError(f"entry {at} was changed after it was made")
        _agrees(at, entry.content, settled)
        before = entry.digest
    if head is not None and head not in {entry.digest for entry in entries}:
        raise BrokenChainError("the digest that was kept is of none of these entries")
    return before


def after(entries: Sequence[Entry], head: str) -> int:
    """How many entries follow the one whose digest was kept; what they hold is not covered by that digest.

    :raises BrokenChainError: where no entry has it
    """
    for at, entry in enumerate(entries):
        if entry.digest == head:
            return len(entries) - at - 1
    raise BrokenChainError("the digest that was kept is of none of these entries")


def relationship_of(entries: Sequence[Entry]) -> str:
    """The relationship that all entries are of.

    :raises BrokenChainError: where they are of several, or an entry names none
    """
    named = [entry.content.get("relationship") for entry in entries]
    for at, one in enumerate(named, 1):
        if not isinstance(one, str) or not one:
            raise BrokenChainError(f"entry {at} does not name its relationship")
        if one != named[0]:
            raise BrokenChainError(f"entry {at} is of another relationship than entry 1")
    return str(named[0])


def _agrees(at: int, content: Mapping[str, Any], settled: set[object]) -> None:
    """Check an entry's content against itself: what both gave their word for, by its digest; each subject once."""
    if "figures_digest" in content and digest_of(content.get("figures")) != content["figures_digest"]:
        raise BrokenChainError(f"entry {at} has other figures than those that were confirmed")
    if "content_digest" in content and digest_of(content.get("content")) != content["content_digest"]:
        raise BrokenChainError(f"entry {at} has another content than the one that was agreed on")
    subject: tuple[object, object]
    if content.get("kind") == "frozen":
        subject = ("period", content.get("period"))
    elif "subject" in content:
        subject = (content.get("subject_type"), content.get("subject"))
    else:
        return
    if subject in settled:
        what = "freezes a period that an earlier entry has frozen" if subject[0] == "period" else "is there twice"
        raise BrokenChainError(f"entry {at} {what}")
    settled.add(subject)


def _entry(at: int, told: object) -> Entry:
    if not isinstance(told, dict) or not told.keys() >= _OF_AN_ENTRY:
        raise NotARecordError(f"entry {at} lacks one of {', '.join(sorted(_OF_AN_ENTRY))}")
    _no_other_keys(told, _OF_AN_ENTRY, f"entry {at}")
    number, content, previous, digest = (told[name] for name in ("number", "content", "previous", "digest"))
    if type(number) is not int or not isinstance(content, dict):  # true is no number, though Python counts with it
        raise NotARecordError(f"entry {at} needs a whole number and a content that is an object")
    for one in (previous, digest):
        if not isinstance(one, str) or len(one) != len(BEGINNING) or not _HEX.issuperset(one):
            raise NotARecordError(f"entry {at} has a digest that is not 64 hexadecimal digits in lower case")
    return Entry(number, content, previous, digest)


def _no_other_keys(told: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    for key in told:
        if key not in known:
            raise BrokenChainError(f"{where} has a key {_shown(key)} that no digest covers")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object in which each key stands once; its texts are whole characters."""
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise BrokenChainError(f"the key {_shown(key)} stands twice in one object, so that readers disagree")
        _text(key)
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, str):
                _text(one)
        found[key] = value
    return found


def _text(text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BrokenChainError(f"the text {_shown(text)} holds half a character or a NUL")


def _whole(digits: str) -> int:
    if digits == "-0" or abs(int(digits[:20])) > _EXACT or len(digits) > len(str(-_EXACT)):
        raise BrokenChainError(f"the number {digits[:30]} is one that readers read differently")
    return int(digits)


def _fraction(digits: str) -> float:
    number = float(digits)
    if repr(number) != digits or number in {float("inf"), float("-inf")}:
        raise BrokenChainError(f"the number {digits[:30]} is not written as the room writes it")
    return number


def _constant(name: str) -> float:
    raise BrokenChainError(f"{name} is no number that JSON holds")


def _shown(text: str) -> str:
    """A text of the file in a message, without anything that steers a terminal."""
    return ascii(text[:60])
