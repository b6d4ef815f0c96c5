"""Drafts and steps as JSON holds them in the database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from comity.apps.agreements.models import Step as StepRow
from comity.core.agreements.authority import SignedBy, Signer
from comity.core.agreements.canonical import UnreadableTextError
from comity.core.agreements.changes import (
    CHANGE_FIELDS,
    AddClause,
    Change,
    Edit,
    Proposal,
    Revision,
    SetField,
    Span,
    Word,
    change_content,
    parse_change,
)
from comity.core.agreements.clauses import check_field, check_fields, complete
from comity.core.agreements.fields import Value, is_clause_id, normalise
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.notice import Waiver
from comity.core.agreements.signing import Step, StepKind
from comity.core.agreements.text import Chain
from comity.core.values import Side

# What JSON that was saved past the room may raise as it is read.
UNREADABLE = (UnreadableTextError, KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
_SAYS = {item.name: item for item in CHANGE_FIELDS}


@dataclass(frozen=True, slots=True)
class DraftContent:
    """What a draft holds: nothing of it has to be whole until it is proposed.

    :ivar first_day: None: not chosen yet
    :ivar says: as `core.agreements.changes.CHANGE_FIELDS` keeps them
    """

    first_day: date | None = None
    end: date | None = None
    edits: tuple[Edit, ...] = ()
    words: tuple[Word, ...] = ()
    says: Mapping[str, Value] = field(default_factory=dict)

    @property
    def last_day(self) -> date | None:
        """The last day of a temporary one, as people say it."""
        return None if self.end is None else self.end - timedelta(days=1)

    def change(self, number: int) -> Change:
        """Return it as a change; a draft without a first day has one that no change can have."""
        return Change(number, Span(self.first_day or date.max, self.end), self.edits, self.words)

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {"change": change_content(self.change(0)), "says": dict(self.says)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "DraftContent":
        """Read what `as_json` gives."""
        change = parse_change(content["change"])
        first_day = None if change.span.first_day == date.max else change.span.first_day
        return cls(first_day, change.span.end, change.edits, change.words, content["says"])

    @classmethod
    def of(cls, proposal: Proposal) -> "DraftContent":
        """Return a proposal as a draft to go on from."""
        change = proposal.change
        return cls(change.span.first_day, change.span.end, change.edits, change.words, proposal.says)


def kinds_of(chain: Chain, edits: Iterable[Edit] = ()) -> dict[str, Kind]:
    """Return the kind of each clause that a chain, or edits beside it, ever added."""
    added = [*(edit for entry in chain for edit in entry.change.edits), *edits]
    return {edit.clause: edit.kind for edit in added if isinstance(edit, AddClause)}


def sound_draft(content: object, chain: Chain) -> DraftContent | None:
    """Return a saved draft; None for JSON that the room saves nowhere, and that no page could show."""
    try:
        found = DraftContent.from_json(content)  # type: ignore[arg-type]  # that is what is asked
        is_whole = is_sound(found.edits, found.words, found.says, chain)
    except UNREADABLE:
        return None
    return found if is_whole else None


def is_sound(edits: Iterable[Edit], words: Iterable[Word], says: Mapping[str, Value], chain: Chain) -> bool:
    """Return whether each value can stand in its field, and no clause that is added lacks what every one has."""
    edits = list(edits)
    kinds = kinds_of(chain, edits)
    texts = [word.clause for word in words] + [word.field for word in words]
    texts += [edit.after for edit in edits if isinstance(edit, AddClause)]
    return (
        {type(one) for one in (*texts, *(edit.clause for edit in edits))} <= {str}
        and all(is_clause_id(edit.clause) for edit in edits)
        and all(_stands(edit, kinds) for edit in edits)
        and set(says) <= set(_SAYS)
        and all(normalise(_SAYS[name], value) == (value or None, []) for name, value in says.items())
    )


def _stands(edit: Edit, kinds: Mapping[str, Kind]) -> bool:
    if isinstance(edit, AddClause):
        kept, problems = check_fields(edit.clause, edit.kind, edit.fields)
        lacks = [one for one in KINDS[edit.kind].fields if one.required and one.name not in complete(edit.kind, kept)]
        return kept == dict(edit.fields) and not lacks and not any(one.value for one in problems)
    if isinstance(edit, SetField) and edit.clause in kinds:
        kind = kinds[edit.clause]
        return check_field(edit.clause, kind, edit.field, edit.value) == (edit.value, []) and not (
            edit.value is None and KINDS[kind].by_name[edit.field].required
        )
    return True


def proposal_json(proposal: Proposal) -> dict[str, Any]:
    """Return a proposal as JSON."""
    return {"change": change_content(proposal.change), "says": dict(proposal.says)}


def parse_proposal(content: Mapping[str, Any]) -> Proposal:
    """Read what `proposal_json` gives."""
    return Proposal(parse_change(content["change"]), content["says"])


def step_json(step: Step) -> dict[str, Any]:
    """Return of a step what the columns of its row do not have."""
    content: dict[str, Any] = {"name": step.person, "revision": step.revision}
    if step.digest:
        content["digest"] = step.digest
    if step.new is not None:
        content["new"] = {
            "number": step.new.number, "readable_at": step.new.readable_at.isoformat(), "known": step.new.known,
            **proposal_json(step.new.proposal),
        }  # fmt: skip
    if step.signer is not None:
        content["signer"] = {"role": step.signer.role, "deputy_for": step.signer.deputy_for}
        if step.signer.deputy_for_id:
            content["signer"]["deputy_for_id"] = step.signer.deputy_for_id
        content |= {"means": step.means.value, "authority": step.authority, "retroactive": step.retroactive}
    if step.waiver is not None:
        until = step.waiver.until
        content["waiver"] = {
            "shortfall": step.waiver.shortfall, "kpis": list(step.waiver.kpis),
            "until": None if until is None else until.isoformat(),
        }  # fmt: skip
    if step.reason:
        content["reason"] = step.reason
    if step.sentences:
        content["sentences"] = dict(step.sentences)
    if step.file:
        content["file"] = step.file
    if step.language:
        content["language"] = step.language
    return content


def parse_step(row: StepRow) -> Step:
    """Return a row as the core reads it."""
    content, side = row.content, Side(row.side) if row.side else None
    new, signer, waiver = (content.get(name) for name in ("new", "signer", "waiver"))
    name, person = content["name"], "" if row.person_id is None else str(row.person_id)
    return Step(
        StepKind(row.kind),
        row.at,
        side,
        name,
        content["revision"],
        content.get("digest", ""),
        None
        if new is None or side is None
        else Revision(
            new["number"],
            side,
            name,
            datetime.fromisoformat(new["readable_at"]),
            parse_proposal(new),
            new["known"],
            person,
        ),
        None
        if signer is None
        else Signer(name, signer["role"], signer["deputy_for"], person, signer.get("deputy_for_id", "")),
        SignedBy(content.get("means", SignedBy.ROOM)),
        content.get("authority", ""),
        content.get("retroactive", False),
        None
        if waiver is None or side is None
        else Waiver(
            side,
            waiver["shortfall"],
            tuple(waiver["kpis"]),
            date.fromisoformat(waiver["until"]) if waiver["until"] else None,
        ),
        content.get("reason", ""),
        content.get("sentences", {}),
        content.get("file", ""),
        content.get("language", ""),
        person,
    )
