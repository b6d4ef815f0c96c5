"""`agreement/NNNN.json`: the changes that make up the agreement, each in a file, with digest and signatures inside.

The agreement of a book is what these files make of an empty text (`core.agreements.text`). A room writes them by its
outbox, once both sides have signed; at home `comity agreement` does. A file is named by the number of its change, is
never changed afterwards, and stands at one place of the order in which changes were agreed.

A book without this folder goes by the `[[kpi]]` of its `book.toml`.
"""

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from comity.book.errors import UnusableFileError
from comity.core.agreements import canonical
from comity.core.agreements.changes import (
    AddClause,
    Entry,
    Proposal,
    SetField,
    change_content,
    parse_change,
    proposal_digest,
)
from comity.core.agreements.clauses import check_field, check_fields
from comity.core.agreements.fields import Problem
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import Relief
from comity.core.agreements.notice import Waiver, relieved_days
from comity.core.agreements.text import check_change, unsettled_meetings
from comity.core.values import Side

FOLDER = "agreement"
FilesState = tuple[tuple[str, int, int], ...]  # name, time and size of each file
SCHEMA = "comity.agreed-change/1"
_KEYS = frozenset(
    {
        *("schema", "place", "entry", "agreed_at", "agreed_on", "taken_over", "revision"),
        *("change", "says", "signed", "digest", "signatures"),
    }
)
_SIGNATURE_KEYS = ("side", "person", "role", "deputy_for", "means", "at", "authority", "sentences")
_FILE_KEY = "file"  # of a signature in a PDF alone, so that files of before read as they did


class UnusableAgreementError(UnusableFileError):
    """A file of the agreement that cannot be used: which, what is wrong in it, and the next step."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One person's signature, as of its moment.

    :ivar role: held then; of a deputy, that of whom they stood for (`deputy_for`)
    :ivar authority: id of the clause under which it was given; empty: none was agreed
    :ivar sentences: language -> digest of the sentences that were shown
    :ivar file: SHA-256 of the PDF that came back signed; empty where it was signed in the room
    """

    side: Side
    person: str
    role: str
    at: datetime
    means: str = "room"
    deputy_for: str = ""
    authority: str = ""
    sentences: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


@dataclass(frozen=True, slots=True)
class AgreedChange:
    """A change as it lies in the book.

    :ivar place: its place in the order of agreements; in a room, the number of its entry in the record, and 0 or less
        for what was agreed before there was one
    :ivar agreed_at: an aware moment, later than that of the place before
    :ivar agreed_on: the day on which both sides agreed to it on paper, where nobody signed it here
    :ivar taken_over: it stood in `book.toml` as agreed; on which day, nobody wrote down
    :ivar entry: the number of its entry in a room's record; None: it has none
    :ivar signed: the document that was signed (`core.agreements.signing`); empty where nobody signed here
    """

    place: int
    agreed_at: datetime
    revision: int
    proposal: Proposal
    signed: Mapping[str, Any] = field(default_factory=dict)
    signatures: tuple[Signature, ...] = ()
    agreed_on: date | None = None
    entry: int | None = None
    taken_over: bool = False

    @property
    def number(self) -> int:
        """The number of the change."""
        return self.proposal.change.number

    @property
    def is_agreed(self) -> bool:
        """Whether both sides are known to have agreed: both signed here, or a day on paper is named."""
        return self.taken_over or self.agreed_on is not None or {one.side for one in self.signatures} == set(Side)


def agreed_changes(book: Path, state: FilesState | None = None) -> tuple[AgreedChange, ...]:
    """Return the changes of a book's agreement in the order in which they were agreed; none without the folder.

    Whether each could stand after those before it is `problems_of`.

    :param state: of its files, where it is known
    :raises UnusableAgreementError: for a file that is damaged, that was changed after it was signed, or two at a place
    """
    return _read(files_state(book) if state is None else state)


def files_state(book: Path) -> FilesState:
    """Return name, time and size of each file of an agreement: another one whenever one of them has changed."""
    try:
        entries = os.scandir(book / FOLDER)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    with entries:
        files = [(one.path, one.stat()) for one in entries if one.name.endswith(".json")]
    return tuple(sorted((path, stat.st_mtime_ns, stat.st_size) for path, stat in files))


@lru_cache(maxsize=256)
def _read(state: FilesState) -> tuple[AgreedChange, ...]:
    """Read files; once as long as none of them is another."""
    found: list[AgreedChange] = []
    for name, *_ in state:
        file = Path(name)
        try:
            text = file.read_bytes().decode()
        except (OSError, UnicodeDecodeError) as error:
            raise UnusableAgreementError(f"cannot be read ({error}); bring it back from a copy", file=file) from None
        change = parse_agreed(text, file)
        if file.name != file_name(change.number):
            msg = f"holds change {change.number}; name it {file_name(change.number)}, as it was written"
            raise UnusableAgreementError(msg, file=file)
        found.append(change)
    found.sort(key=lambda change: change.place)
    folder = Path(state[0][0]).parent if state else Path()
    for number, problem in _wrong_values(found):
        raise _damaged(folder / file_name(number), f"holds what cannot stand: {problem.message}")
    for before, after in itertools.pairwise(found):
        if before.place == after.place or before.agreed_at >= after.agreed_at:
            msg = (
                f"was agreed at the place, or before the moment, of {file_name(before.number)}; "
                "bring both back from a copy"
            )
            raise UnusableAgreementError(msg, file=folder / file_name(after.number))
    return tuple(found)


def _wrong_values(changes: Sequence[AgreedChange]) -> Iterator[tuple[int, Problem]]:
    """Yield (number of a change, problem) for values that no change could have been agreed with."""
    kinds: dict[str, Kind] = {}
    for change in changes:
        for edit in change.proposal.change.edits:
            if isinstance(edit, AddClause):
                kinds[edit.clause] = edit.kind
                problems = check_fields(edit.clause, edit.kind, edit.fields)[1]
            elif isinstance(edit, SetField) and edit.clause in kinds:
                problems = check_field(edit.clause, kinds[edit.clause], edit.field, edit.value)[1]
            else:
                problems = []
            yield from ((change.number, problem) for problem in problems)


def chain_of(changes: Sequence[AgreedChange]) -> list[Entry]:
    """Return changes as the core folds them."""
    return [Entry(change.place, change.proposal.change, change.agreed_at) for change in changes]


def relief_of(changes: Sequence[AgreedChange]) -> tuple[Relief, ...]:
    """Return the days that both sides agreed not to hold against KPIs, as the waivers in signed changes have them."""
    found: list[Relief] = []
    for change in changes:
        waived = change.signed.get("waived") or {}
        if not change.is_agreed or not waived.get("kpis") or not waived.get("until"):
            continue
        waiver = Waiver(
            change.proposal.giver.other,
            int(change.signed.get("shortfall", 0)),
            tuple(waived["kpis"]),
            date.fromisoformat(waived["until"]),
        )
        days = relieved_days(waiver, change.proposal)
        if days is not None:
            found.append(Relief(frozenset(waiver.kpis), days, change.number))
    return tuple(found)


def problems_of(changes: Sequence[AgreedChange]) -> list[tuple[int, str]]:
    """Return (number of a change, sentence) for each that could not have been agreed after those before it."""
    found: list[tuple[int, str]] = []
    for at, change in enumerate(changes):
        before = chain_of(changes[:at])
        found += [(change.number, problem.message) for problem in check_change(change.proposal.change, before)]
        found += [
            (
                change.number,
                f"clause {met.clause}, {met.field or 'whole'}: says nothing of change {met.other}, which it meets",
            )
            for met in unsettled_meetings(change.proposal.change, before)
        ]
    return found


def file_name(number: int) -> str:
    """Return the name of the file of a change."""
    return f"{number:04}.json"


def agreed_json(change: AgreedChange) -> str:
    """Return a change as its file holds it, for people to read; digests are over the canonical form."""
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "place": change.place,
        "agreed_at": change.agreed_at.isoformat(),
        "revision": change.revision,
        "change": change_content(change.proposal.change),
        "says": dict(change.proposal.says),
        "signed": dict(change.signed),
        "digest": canonical.digest(change.signed) if change.signed else "",
        "signatures": [_signature_content(one) for one in change.signatures],
    }
    if change.agreed_on is not None:
        content["agreed_on"] = change.agreed_on.isoformat()
    if change.entry is not None:
        content["entry"] = change.entry
    if change.taken_over:
        content["taken_over"] = True
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n"


def parse_agreed(text: str, file: Path) -> AgreedChange:
    """Parse what `agreed_json` writes.

    :raises UnusableAgreementError: for anything else, and for a file that was changed after it was signed
    """
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(file, f"is not JSON ({error})") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise _damaged(file, f"has no schema {SCHEMA}, so that this version cannot read it")
    if unknown := sorted(set(content) - _KEYS):
        raise _damaged(file, f"has a key {unknown[0]!r} that no digest covers")
    try:
        change = _parse(content)
    except canonical.UnreadableTextError as error:
        raise _damaged(file, str(error)) from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise _damaged(file, f"lacks a part, or has it otherwise than it is written ({error})") from None
    if change.signed and canonical.digest(change.signed) != content["digest"]:
        raise _damaged(file, "was changed after it was signed: its digest is another")
    if change.signed and change.signed.get("revision") != proposal_digest(change.proposal):
        raise _damaged(file, "was changed after it was signed: the change is not the one that was signed")
    return change


def _damaged(file: Path, what: str) -> UnusableAgreementError:
    return UnusableAgreementError(f"{what}; bring the file back from a copy", file=file)


def _parse(content: Mapping[str, Any]) -> AgreedChange:
    on_paper, entry = content.get("agreed_on"), content.get("entry")
    moment = datetime.fromisoformat(content["agreed_at"])
    if moment.tzinfo is None:
        raise ValueError("agreed_at names no zone")
    if content["signatures"] and not content["signed"]:
        raise ValueError("signatures without what was signed")
    return AgreedChange(
        int(content["place"]),
        moment,
        int(content["revision"]),
        Proposal(parse_change(content["change"]), content["says"]),
        content["signed"],
        tuple(_parse_signature(one) for one in content["signatures"]),
        date.fromisoformat(on_paper) if on_paper else None,
        None if entry is None else int(entry),
        content.get("taken_over") is True,
    )


def _signature_content(signature: Signature) -> dict[str, Any]:
    content: dict[str, Any] = {
        "side": signature.side.value,
        "person": signature.person,
        "role": signature.role,
        "deputy_for": signature.deputy_for,
        "means": signature.means,
        "at": signature.at.isoformat(),
        "authority": signature.authority,
        "sentences": dict(signature.sentences),
    }
    return content | ({_FILE_KEY: signature.file} if signature.file else {})


def _parse_signature(content: Mapping[str, Any]) -> Signature:
    if set(content) - {_FILE_KEY} != set(_SIGNATURE_KEYS):
        raise ValueError(f"a signature has {', '.join(_SIGNATURE_KEYS)}")
    return Signature(
        **{name: content[name] for name in ("person", "role", "means", "deputy_for", "authority", "sentences")},
        side=Side(content["side"]),
        at=datetime.fromisoformat(content["at"]),
        file=content.get(_FILE_KEY, ""),
    )
