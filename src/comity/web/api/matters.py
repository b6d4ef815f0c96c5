"""Matters: raised, answered, shown by files; every step of each."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Status, UploadedFile

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit_read
from comity.apps.books import queries as books
from comity.apps.matters import corrections
from comity.apps.matters import operations as matters
from comity.apps.matters import queries as asked
from comity.apps.matters.counted_moves import counted_moves
from comity.apps.matters.models import Matter
from comity.apps.matters.refusals import Code
from comity.apps.matters.schemas import (
    ChangeOut,
    MatterIn,
    MatterOut,
    MatterQuery,
    MattersOut,
    MatterWholeOut,
    MoveIn,
    MovesOut,
    StatementText,
)
from comity.apps.parties import queries as parties
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Membership
from comity.apps.parties.schemas import Slice
from comity.apps.refusal import Refused
from comity.book.importing.corrections import Proposal
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.spiral.moves import RECORDED, Strain
from comity.core.values import Side
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/matters", response=MattersOut, exclude_unset=True)
def matters_of(request: HttpRequest, relationship: UUID, asked_for: Query[MatterQuery]) -> dict[str, Any]:
    """Matters, the newest first."""
    member = member_of(request)
    selected = asked.waiting(member, asked_for.waits) if asked_for.waits else asked.matters(member)
    selected = selected.filter(kind=asked_for.kind) if asked_for.kind else selected
    selected = selected.filter(state=asked_for.state) if asked_for.state else selected
    return {"count": selected.count(), "items": list(asked_for.of(selected))}


@api.get("/r/{uuid:relationship}/moves", response=MovesOut)
def moves_of(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """Which kinds of moves are recorded, how many each side made, and which kinds nobody records yet."""
    counted = counted_moves(member_of(request))
    by = {one.kind: one.by or {} for one in counted.kinds} if counted else {}
    kinds = [
        {"kind": kind, "recorded": kind in RECORDED, **{side.value: by.get(kind, {}).get(side) for side in Side}}
        for kind in Strain
    ]
    return {"since": counted.since if counted else None, "kinds": kinds}


@api.post("/r/{uuid:relationship}/matters", response={201: MatterWholeOut}, exclude_unset=True)
def raise_matter(request: HttpRequest, relationship: UUID, given: MatterIn) -> Status[dict[str, Any]]:
    """Raise a matter for one's side."""
    member = member_of(request)
    prompted_by = None if given.prompted_by is None else _matter_or_404(member, given.prompted_by)
    fields = given.dict() | {"owner": _owner(member, given.owner), "prompted_by": prompted_by}
    if given.kind is Kind.CLAIM and not (given.from_day and given.to_day and given.event and given.asked_for):
        raise Refused(Code.INCOMPLETE_CLAIM)
    raised = matters.raise_matter(member, matters.NewMatter(**fields), books.zone(member))
    return Status(201, _matter_whole_out(member, raised))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}", response=MatterWholeOut, exclude_unset=True)
def matter(request: HttpRequest, relationship: UUID, matter: UUID) -> dict[str, Any]:
    """One matter."""
    member = member_of(request)
    known_matter = _matter_or_404(member, matter)
    audit_read(member, Event.MATTER_READ, known_matter, {"title": known_matter.title})
    whole_matter = _matter_whole_out(member, known_matter)
    matters.open_matter(member, known_matter)
    return whole_matter


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/moves", response=MatterWholeOut, exclude_unset=True)
def move(request: HttpRequest, relationship: UUID, matter: UUID, given: MoveIn) -> dict[str, Any]:
    """Make a move."""
    member = member_of(request)
    beside_only = {"move", "text", "rows", "seen", "mark", "answers_to", "day", "into", "object_to", "object_value"}
    beside_only.add("objects_to_late")
    terms = matters.Terms(**given.dict(exclude=beside_only) | {"owner": _owner(member, given.owner)})
    objects = (given.object_to, str(given.object_value)) if given.object_to and given.object_value else None
    beside = matters.Beside(
        mark=given.mark,
        answers=given.answers_to,
        day=given.day,
        into=None if given.into is None else _matter_or_404(member, given.into),
        objects=objects,
        objects_to_late=given.objects_to_late,
    )
    return _make_move(member, matter, given.move, given.text, terms, [], given.rows, given.seen, beside)


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}/changes", response=list[ChangeOut])
def changes(request: HttpRequest, relationship: UUID, matter: UUID, asked_for: Query[Slice]) -> list[Proposal]:
    """What a correction would change, row by row; nothing once it is answered."""
    member = member_of(request)
    known_matter = _matter_or_404(member, matter)
    return corrections.changes(member, known_matter, asked_for.offset, asked_for.limit)


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/evidence", response={201: MatterWholeOut}, exclude_unset=True)
def lay_before(
    request: HttpRequest,
    relationship: UUID,
    matter: UUID,
    file: File[UploadedFile],
    text: Form[StatementText] = "",
) -> Status[dict[str, Any]]:
    """Lay a file before the other side, with a word or none."""
    member = member_of(request)
    came = matters.EvidenceFile(file.name or "file", file.read(matters.MAX_EVIDENCE_BYTES + 1))
    return Status(201, _make_move(member, matter, Move.COMMENT, text, None, [came]))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}/evidence/{uuid:evidence}")
def evidence(request: HttpRequest, relationship: UUID, matter: UUID, evidence: UUID) -> HttpResponse:
    """A file that was laid before the other side."""
    member = member_of(request)
    file = asked.evidence(member, _matter_or_404(member, matter), evidence)
    if file is None:
        raise Http404
    audit_read(member, Event.EVIDENCE_READ, file, {"name": file.name})
    return HttpResponse(bytes(file.content), content_type="application/octet-stream")


def _make_move(  # noqa: PLR0913 - a move, what it says, and what comes with it
    member: MemberContext,
    matter: UUID,
    requested: Move,
    text: str,
    terms: matters.Terms | None,
    files: list[matters.EvidenceFile],
    rows: list[int] | None = None,
    seen: int | None = None,
    beside: matters.Beside | None = None,
) -> dict[str, Any]:
    changed = _matter_or_404(member, matter)
    if rows is not None:
        rows = corrections.selected_numbers(changed, rows)
    changed = matters.move(member, changed, requested, text, books.zone(member), terms, files, rows, seen, beside)
    return _matter_whole_out(member, changed)


def _owner(member: MemberContext, number: UUID | None) -> Membership | None:
    """Return a member of either side by the id that `people` lists.

    :raises Refused: where there is none
    """
    if number is None:
        return None
    membership = parties.members(member).filter(pk=number).exclude(side=None).first()
    if membership is None:
        raise Refused(Code.NO_OWNER)
    return membership


def _matter_or_404(member: MemberContext, number: UUID) -> Matter:
    matter = asked.matter(member, number)
    if matter is None:
        raise Http404
    return matter


_STEP_FIELDS = ("ran_out", "link", "saw", "received_at", "due_at", "paused_s", "mark", "level")


def _matter_whole_out(member: MemberContext, matter: Matter) -> dict[str, Any]:
    steps = [
        {
            "number": step.number,
            "at": step.at,
            "side": step.side,
            "by": None if step.person is None else step.person.name,
            "firm": parties.firm_of(member, step.person_id, step.at),
            "move": step.move,
            "text": step.text,
            "answers_to": None if step.answers_to is None else step.answers_to.number,
            **{name: getattr(step, name) for name in _STEP_FIELDS},
            "terms": step.terms,
            "evidence": list(step.evidence.all()),
        }
        for step in asked.steps(matter)
    ]
    names = set(MatterOut.model_fields) - {"id"}
    fields = {name: getattr(matter, name) for name in names}
    return fields | {
        "id": matter.pk,
        "prompted_by": matter.prompted_by_id,
        "merged_into": matter.merged_into_id,
        "notice": asked.formal_notice(matter),
        "lateness": asked.late_passed(matter),
        "silent_until": asked.silent_until(matter),
        "steps": steps,
        "moves": [one.value for one in matters.open_moves(member, matter)],
    }
