"""An evidence pack: what both sides can show of one matter, checked without the room against the record.

It holds the matter, its steps in order, what was told to whom and when, the text in force, free days, and the digest of
each file beside it; and the whole record of the relationship, whose chain proves which steps were made, by which side
and when. Words lie outside the chain, so that they can be erased: what the pack says in words is proven by its own
digest alone, which both sides can compare. Steps *without prejudice* are not in it. Source: "Steps" of the matters'
specification.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from comity.core.chain import Entry, digest_of
from comity.core.ledger.recorded import Recorded, recorded
from comity.core.matters.owed import SUBJECT_TYPE

SCHEMA = "comity.evidence/1"
DOCUMENT, RECORD = "evidence.json", "record.json"  # names within the archive


def document(content: Mapping[str, Any], files: Mapping[str, str], entries: int, head: str) -> dict[str, Any]:
    """Return a pack's document.

    :param content: what is told of the matter
    :param files: SHA-256 of each file beside it, by name
    :param entries: of the record, and `head` the digest of the last
    """
    return {
        "schema": SCHEMA,
        "content": content,
        "digest": digest_of(content),
        "files": dict(files),
        "record": {"entries": entries, "head": head},
    }


def differences(pack: Mapping[str, Any], files: Mapping[str, str], entries: Sequence[Entry]) -> list[str]:
    """Return what of a pack is not as it says, as sentences; none where all of it is.

    :param pack: its document, of the schema above
    :param files: SHA-256 of each file of the archive, by name, without the document
    :param entries: of its record, whose chain was verified
    """
    try:
        return [*_differences(pack, files, entries)]
    except (KeyError, TypeError, AttributeError) as error:
        return [f"{DOCUMENT} is no pack: {error!r}"]


def _differences(pack: Mapping[str, Any], files: Mapping[str, str], entries: Sequence[Entry]) -> list[str]:
    content, said = pack["content"], pack["files"]
    wrong = [] if digest_of(content) == pack["digest"] else [f"{DOCUMENT}: its digest is not that of its content"]
    wrong += [f"{name} is missing" for name in said if name not in files]
    wrong += [f"{name} was changed" for name, digest in said.items() if files.get(name, digest) != digest]
    wrong += [f"{name} is not of this pack" for name in files if name not in said and name != RECORD]
    kept = pack["record"]
    if kept["entries"] != len(entries) or (entries and entries[-1].digest != kept["head"]):
        wrong.append(f"{RECORD} is not the record that this pack was made with")
    matter, left_out = content["matter"]["id"], set(content["left_out"])
    steps = {one["number"]: one for one in content["steps"]}
    for one in recorded(entries):
        if one.transaction.subject != (SUBJECT_TYPE, matter):
            continue
        number = one.transaction.step
        if number in steps:
            wrong += _step_differences(steps[number], one)
        elif number not in left_out:
            wrong.append(f"step {number} is in the record and not in the pack")
    return wrong


def _step_differences(step: Mapping[str, Any], kept: Recorded) -> list[str]:
    """Return in what a step of the pack is another one than the record has."""
    move, side = kept.facts.get("move"), kept.facts.get("side")
    if (move, side) == (step["move"], step["side"]):
        return []
    return [f"step {step['number']} is another one in the record: {move}, {side}"]
