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
    Said,
)
from comity.apps.parties import queries as parties
from comity.apps.parties.models import Membership
from comity.apps.parties.schemas import Slice
from comity.apps.parties.viewing import Standing, place
from comity.apps.refusal import Refused
from comity.book.importing.corrections import Proposal
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.web.api.contract import api


@api.get("/r/{uuid:relationship}/matters", response=MattersOut, exclude_unset=True)
def matters_of(request: HttpRequest, relationship: UUID, asked_for: Query[MatterQuery]) -> dict[str, Any]:
    """Matters, the newest first."""
    standing = place(request)
    found = asked.waiting(standing, asked_for.waits) if asked_for.waits else asked.matters(standing)
    found = found.filter(kind=asked_for.kind) if asked_for.kind else found
    found = found.filter(state=asked_for.state) if asked_for.state else found
    return {"count": found.count(), "items": list(asked_for.of(found))}


@api.post("/r/{uuid:relationship}/matters", response={201: MatterWholeOut}, exclude_unset=True)
def raise_matter(request: HttpRequest, relationship: UUID, given: MatterIn) -> Status[dict[str, Any]]:
    """Raise a matter for one's side."""
    standing = place(request)
    said = given.dict() | {"owner": _owner(standing, given.owner)}
    if given.kind is Kind.CLAIM and not (given.from_day and given.to_day and given.event and given.asked_for):
        raise Refused(Code.INCOMPLETE_CLAIM)
    made = matters.raise_matter(standing, matters.Asked(**said), books.zone(standing))
    return Status(201, _whole(standing, made))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}", response=MatterWholeOut, exclude_unset=True)
def matter(request: HttpRequest, relationship: UUID, matter: UUID) -> dict[str, Any]:
    """One matter."""
    standing = place(request)
    found = _matter(standing, matter)
    audit_read(standing, Event.MATTER_READ, found, {"title": found.title})
    return _whole(standing, found)


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/moves", response=MatterWholeOut, exclude_unset=True)
def move(request: HttpRequest, relationship: UUID, matter: UUID, given: MoveIn) -> dict[str, Any]:
    """Make a move."""
    standing = place(request)
    said = given.dict(exclude={"move", "text", "rows"}) | {"owner": _owner(standing, given.owner)}
    return _moved(standing, matter, given.move, given.text, matters.Terms(**said), [], given.rows)


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}/changes", response=list[ChangeOut])
def changes(request: HttpRequest, relationship: UUID, matter: UUID, asked_for: Query[Slice]) -> list[Proposal]:
    """What a correction would change, row by row; nothing once it is answered."""
    standing = place(request)
    found = _matter(standing, matter)
    return corrections.changes(standing, found, asked_for.offset, asked_for.limit)


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/evidence", response={201: MatterWholeOut}, exclude_unset=True)
def lay_before(
    request: HttpRequest,
    relationship: UUID,
    matter: UUID,
    file: File[UploadedFile],
    text: Form[Said] = "",
) -> Status[dict[str, Any]]:
    """Lay a file before the other side, with a word or none."""
    standing = place(request)
    came = matters.File(file.name or "file", file.read(matters.LARGEST_EVIDENCE + 1))
    return Status(201, _moved(standing, matter, Move.COMMENT, text, None, [came]))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}/evidence/{uuid:evidence}")
def evidence(request: HttpRequest, relationship: UUID, matter: UUID, evidence: UUID) -> HttpResponse:
    """A file that was laid before the other side."""
    standing = place(request)
    found = asked.evidence(standing, _matter(standing, matter), evidence)
    if found is None:
        raise Http404
    audit_read(standing, Event.EVIDENCE_READ, found, {"name": found.name})
    return HttpResponse(bytes(found.content), content_type="application/octet-stream")


def _moved(  # noqa: PLR0913 - a move, what it says, and what comes with it
    standing: Standing,
    matter: UUID,
    what: Move,
    text: str,
    terms: matters.Terms | None,
    files: list[matters.File],
    rows: list[int] | None = None,
) -> dict[str, Any]:
    found = _matter(standing, matter)
    if rows is not None:
        rows = corrections.chosen(found, rows)
    found = matters.move(standing, found, what, text, books.zone(standing), terms, files, rows)
    return _whole(standing, found)


def _owner(standing: Standing, number: UUID | None) -> Membership | None:
    """Somebody of either side, by the number that `people` tells."""
    if number is None:
        return None
    found = parties.people(standing).filter(pk=number).exclude(side=None).first()
    if found is None:
        raise Refused(Code.NO_OWNER)
    return found


def _matter(standing: Standing, number: UUID) -> Matter:
    found = asked.matter(standing, number)
    if found is None:
        raise Http404
    return found


def _whole(standing: Standing, found: Matter) -> dict[str, Any]:
    steps = [
        {
            "number": one.number,
            "at": one.at,
            "side": one.side,
            "by": None if one.person is None else one.person.name,
            "move": one.move,
            "text": one.text,
            "answers_to": None if one.answers_to is None else one.answers_to.number,
            "ran_out": one.ran_out,
            "terms": one.terms,
            "evidence": list(one.evidence.all()),
        }
        for one in asked.steps(found)
    ]
    names = set(MatterOut.model_fields) - {"id"}
    told = {name: getattr(found, name) for name in names}
    return told | {"id": found.pk, "steps": steps, "moves": [one.value for one in matters.open_moves(standing, found)]}
