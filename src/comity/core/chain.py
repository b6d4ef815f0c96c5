"""A hash chain: each entry's digest covers the digest of the entry before it, so that a change to a record shows.

Whoever kept the last digest, the *head*, can show later that nothing before it was changed, removed or inserted; no
server is needed. Without a kept head the chain proves only that the record is consistent: whoever holds all of it can
make another consistent one.

The digest of an entry is the SHA-256, in hexadecimal, of the UTF-8 bytes of the canonical JSON of
`[number, previous, content]`: no white space, the keys of each object in the order of their code points, characters
outside ASCII as they are, control characters escaped as Python's `json` does it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

GENESIS_DIGEST = "0" * 64
SCHEMA = "comity.record/1"
_RECORD_KEYS = frozenset({"schema", "entries"})
_ENTRY_KEYS = frozenset({"number", "content", "previous", "digest"})
_HEX = frozenset("0123456789abcdef")
_LEAST_SALT_BYTES = 16
_MAX_SAFE_INTEGER = 2**53 - 1  # larger whole numbers are rounded by readers that know only floating-point numbers


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its number, from 1; its content; the digest of the previous entry and its own."""

    number: int
    content: Mapping[str, Any]
    previous: str
    digest: str


class BrokenChainError(ValueError):
    """A record that was changed, or that two JSON readers could read differently; says where and what is wrong."""


class NotARecordError(ValueError):
    """A text that is not a record."""


def canonical(value: object) -> str:
    """Return a value's canonical JSON, over which digests are computed.

    :param value: of JSON types
    :raises ValueError: for NaN, infinity and unpaired surrogates, which JSON cannot represent
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    text.encode()  # an unpaired surrogate has no UTF-8
    return text


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def salted_digest_of(value: object, salt: bytes) -> str:
    """Return the SHA-256 of random bytes followed by a value's canonical JSON, in hexadecimal."""
    return hashlib.sha256(salt + canonical(value).encode()).hexdigest()


def linked(number: int, content: Mapping[str, Any], previous: str) -> Entry:
    """Make the entry that follows the one whose digest is `previous`.

    :param content: values of JSON types
    """
    return Entry(number, content, previous, digest_of([number, previous, content]))


def parse_record(text: str) -> list[Entry]:
    """Parse a record as a room exports it, refusing whatever two JSON readers could read differently.

    Refused are: duplicate keys (some readers take the first, some the last), keys that no digest covers, numbers that
    readers round or write differently, NaN, unpaired surrogates, no entries, and entries of several relationships.

    :raises NotARecordError: for a text that is no JSON, or no record
    :raises BrokenChainError: for what is listed above
    """
    try:
        document = json.loads(
            text,
            object_pairs_hook=_object_with_unique_keys,
            parse_int=_parse_int,
            parse_float=_parse_float,
            parse_constant=_reject_constant,
        )
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotARecordError(f"it is not JSON: {error}") from None
    if (
        not isinstance(document, dict)
        or document.get("schema") != SCHEMA
        or not isinstance(document.get("entries"), list)
    ):
        raise NotARecordError(f"it has to contain the schema {SCHEMA} and a list of entries")
    _reject_unknown_keys(document, _RECORD_KEYS, "the record")
    entries = [_parse_entry(at, entry) for at, entry in enumerate(document["entries"], 1)]
    if not entries:
        raise BrokenChainError("it has no entries, so there is nothing to verify")
    relationship_of(entries)
    return entries


def verify(entries: Sequence[Entry], head: str | None = None) -> str:
    """Verify a chain, and return its head.

    :param head: a digest that was kept; it has to be that of one of the entries
    :raises BrokenChainError: naming the first entry that was changed, removed or inserted
    """
    before = GENESIS_DIGEST
    settled: set[object] = set()
    for at, entry in enumerate(entries, 1):
        if entry.number != at:
            raise BrokenChainError(f"entry {at} is missing: the next one has number {entry.number}")
        if entry.previous != before:
            raise BrokenChainError(f"entry {at} does not follow the one before it")
        try:
            expected = linked(entry.number, entry.content, entry.previous)
        except ValueError as error:
            raise BrokenChainError(f"entry {at} holds what JSON does not hold: {error}") from None
        if expected.digest != entry.digest:
            raise BrokenChainError(f"entry {at} was changed after it was made")
        _check_content(at, entry.content, settled)
        before = entry.digest
    if head is not None and head not in {entry.digest for entry in entries}:
        raise BrokenChainError("the digest that was kept is of none of these entries")
    return before


def entries_after(entries: Sequence[Entry], head: str) -> int:
    """Count the entries after the one with a kept digest, which that digest does not cover.

    :raises BrokenChainError: where no entry has that digest
    """
    for at, entry in enumerate(entries):
        if entry.digest == head:
            return len(entries) - at - 1
    raise BrokenChainError("the digest that was kept is of none of these entries")


def relationship_of(entries: Sequence[Entry]) -> str:
    """Return the relationship of all entries.

    :raises BrokenChainError: for entries of several relationships, or an entry that names none
    """
    relationships = [entry.content.get("relationship") for entry in entries]
    for at, relationship in enumerate(relationships, 1):
        if not isinstance(relationship, str) or not relationship:
            raise BrokenChainError(f"entry {at} does not name its relationship")
        if relationship != relationships[0]:
            raise BrokenChainError(f"entry {at} is of another relationship than entry 1")
    return str(relationships[0])


def _check_content(at: int, content: Mapping[str, Any], settled: set[object]) -> None:
    """Check that the digests within an entry's content match, and that its subject is settled for the first time.

    :param settled: subjects of earlier entries; this entry's is added
    :raises BrokenChainError: where either does not hold
    """
    if "figures_digest" in content and digest_of(content.get("figures")) != content["figures_digest"]:
        raise BrokenChainError(f"entry {at} has other figures than those that were confirmed")
    if "content_digest" in content and digest_of(content.get("content")) != content["content_digest"]:
        raise BrokenChainError(f"entry {at} has another content than the one that was agreed on")
    if content.get("kind") == "priorities":
        _check_seals(at, content.get("content"))
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


def _check_seals(at: int, content: object) -> None:
    """Check that each side's priorities are what it sealed before it saw the other's."""
    held = content if isinstance(content, dict) else {}
    named = held.get("seals")
    seals = named if isinstance(named, dict) else {}
    for side in ("customer", "provider"):
        seal = seals.get(side)
        of = seal.get("content") if isinstance(seal, dict) else None
        fits = isinstance(of, dict) and (of.get("side"), of.get("round")) == (side, held.get("round"))
        if not fits or not is_sealed(seal):
            raise BrokenChainError(f"entry {at} has other priorities of the {side} side than those that were sealed")


def is_sealed(seal: object) -> bool:
    """Return whether the digest of a seal is that of its random bytes and its content: of this, and nothing else.

    :param seal: `content`, `random` and `digest`, as `core.agreements.priorities.seal_document` has them
    """
    if not isinstance(seal, dict):
        return False
    try:
        salt = bytes.fromhex(str(seal.get("random")))
    except ValueError:
        return False
    return len(salt) >= _LEAST_SALT_BYTES and salted_digest_of(seal.get("content"), salt) == seal.get("digest")


def _parse_entry(at: int, entry: object) -> Entry:
    if not isinstance(entry, dict) or not entry.keys() >= _ENTRY_KEYS:
        raise NotARecordError(f"entry {at} lacks one of {', '.join(sorted(_ENTRY_KEYS))}")
    _reject_unknown_keys(entry, _ENTRY_KEYS, f"entry {at}")
    number, content, previous, digest = (entry[name] for name in ("number", "content", "previous", "digest"))
    if type(number) is not int or not isinstance(content, dict):  # true is no number, though Python counts with it
        raise NotARecordError(f"entry {at} needs a whole number and a content that is an object")
    for value in (previous, digest):
        if not isinstance(value, str) or len(value) != len(GENESIS_DIGEST) or not _HEX.issuperset(value):
            raise NotARecordError(f"entry {at} has a digest that is not 64 hexadecimal digits in lower case")
    return Entry(number, content, previous, digest)


def _reject_unknown_keys(mapping: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    for key in mapping:
        if key not in known:
            raise BrokenChainError(f"{place} has a key {_quote(key)} that no digest covers")


def _object_with_unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Build a JSON object, refusing duplicate keys, unpaired surrogates and NUL."""
    members: dict[str, Any] = {}
    for key, value in pairs:
        if key in members:
            raise BrokenChainError(f"the key {_quote(key)} stands twice in one object, so that readers disagree")
        _check_text(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                _check_text(item)
        members[key] = value
    return members


def _check_text(text: str) -> None:
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise BrokenChainError(f"the text {_quote(text)} holds half a character or a NUL")


def _parse_int(digits: str) -> int:
    if digits == "-0" or abs(int(digits[:20])) > _MAX_SAFE_INTEGER or len(digits) > len(str(-_MAX_SAFE_INTEGER)):
        raise BrokenChainError(f"the number {digits[:30]} is one that readers read differently")
    return int(digits)


def _parse_float(digits: str) -> float:
    number = float(digits)
    if repr(number) != digits or number in {float("inf"), float("-inf")}:
        raise BrokenChainError(f"the number {digits[:30]} is not written as the room writes it")
    return number


def _reject_constant(name: str) -> float:
    raise BrokenChainError(f"{name} is no number that JSON holds")


def _quote(text: str) -> str:
    """Quote a text of the file for a message, with control characters escaped; 60 characters at most."""
    return ascii(text[:60])
