"""Matters: raised, answered, shown by files; every step of each."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Form, Query, Schema, Status, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from comity.apps.books import queries as books
from comity.apps.matters import operations as matters
from comity.apps.matters import queries as asked
from comity.apps.matters.models import Kind, Matter, Move
from comity.apps.parties import queries as parties
from comity.apps.parties.models import Membership
from comity.apps.parties.operations import read
from comity.apps.parties.viewing import Standing, place
from comity.apps.wording import words_for
from comity.core.values import Side
from comity.web.api.contract import Day, Slice, Text, api

_LONGEST = 4000  # signs of what is said


class EvidenceOut(Schema):
    """A file that was laid before the other side."""

    id: UUID
    name: str
    size: int
    digest: str


class StepOut(Schema):
    """One move."""

    number: int
    at: datetime
    side: str | None
    by: str | None
    move: str
    text: str
    answers_to: int | None
    ran_out: bool
    terms: dict[str, Any]
    evidence: list[EvidenceOut]


class MatterOut(Schema):
    """One matter."""

    id: UUID
    kind: str
    state: str
    began: str
    asks: str
    answers: str
    waits_for: str | None
    title: str
    kpi: str
    period: str
    queue: str
    from_day: date | None
    to_day: date | None
    asked_for: str
    event: str
    due_on: date | None
    raised_at: datetime
    reply_by: datetime | None
    late: bool


class MatterWhole(MatterOut):
    """One matter with its steps and the moves that are open."""

    steps: list[StepOut]
    moves: list[str]


class Page(Schema):
    """Some of many."""

    count: int
    items: list[MatterOut]


class MatterIn(Schema):
    """A matter to be raised."""

    kind: Literal["dispute", "claim", "action"]
    title: Text = Field(min_length=1, max_length=160)
    text: Text = Field(min_length=1, max_length=4000)
    kpi: Text = Field("", max_length=60)
    period: Text = Field("", max_length=12)
    queue: Text = Field("", max_length=80)
    from_day: Day | None = None
    to_day: Day | None = None
    asked_for: Literal["", "exclude", "relief"] = ""
    event: Literal[
        "", "outage", "campaign", "price_letter", "bill_run", "storm", "holiday", "training_ordered", "other"
    ] = ""
    due_on: Day | None = None
    owner: UUID | None = None


class MoveIn(Schema):
    """A move; with a counter-proposal what would be agreed instead, with a hand-over the number of the new owner."""

    move: Literal["accept", "refuse", "counter", "comment", "withdraw", "done", "hand_over"]
    text: Text = Field("", max_length=4000)
    from_day: Day | None = None
    to_day: Day | None = None
    queue: Text | None = Field(None, max_length=80)
    asked_for: Literal["exclude", "relief"] | None = None
    owner: UUID | None = None
    due_on: Day | None = None


class Filter(Slice):
    """Which matters."""

    kind: Literal["dispute", "claim", "action"] | None = None
    state: Literal["asked", "countered", "accepted", "refused", "deemed", "withdrawn", "done"] | None = None
    waits: Literal["customer", "provider"] | None = None  # for an answer of that side; then by day


@api.get("/r/{uuid:relationship}/matters", response=Page)
def matters_of(request: HttpRequest, relationship: UUID, asked_for: Query[Filter]) -> dict[str, Any]:
    """Matters, the newest first."""
    standing = place(request)
    found = asked.waiting(standing, Side(asked_for.waits)) if asked_for.waits else asked.matters(standing)
    found = found.filter(kind=asked_for.kind) if asked_for.kind else found
    found = found.filter(state=asked_for.state) if asked_for.state else found
    return {"count": found.count(), "items": list(asked_for.of(found))}


@api.post("/r/{uuid:relationship}/matters", response={201: MatterWhole})
def raise_matter(request: HttpRequest, relationship: UUID, given: MatterIn) -> Status[dict[str, Any]]:
    """Raise a matter for one's side."""
    standing = place(request)
    said = given.dict() | {"owner": _owner(standing, given.owner)}
    if given.kind == "claim" and not (given.from_day and given.to_day and given.event and given.asked_for):
        raise HttpError(422, "a claim says event, asked_for, from_day and to_day")
    if given.from_day and given.to_day and given.to_day < given.from_day:
        raise HttpError(422, "to_day is before from_day")
    try:
        made = matters.raise_matter(
            standing, matters.Asked(**(said | {"kind": Kind(given.kind)})), books.zone(standing)
        )
    except matters.NotAllowedError:
        raise Http404 from None
    return Status(201, _whole(standing, made))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}", response=MatterWhole)
def matter(request: HttpRequest, relationship: UUID, matter: UUID) -> dict[str, Any]:
    """One matter."""
    standing = place(request)
    found = _matter(standing, matter)
    read(standing, "matter", found.title)
    return _whole(standing, found)


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/moves", response=MatterWhole)
def move(request: HttpRequest, relationship: UUID, matter: UUID, given: MoveIn) -> dict[str, Any]:
    """Make a move."""
    standing = place(request)
    said = given.dict(exclude={"move", "text"}) | {"owner": _owner(standing, given.owner)}
    return _moved(standing, matter, Move(given.move), given.text, matters.Terms(**said), [])


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/evidence", response={201: MatterWhole})
def lay_before(
    request: HttpRequest,
    relationship: UUID,
    matter: UUID,
    file: File[UploadedFile],
    text: Form[str] = "",
) -> Status[dict[str, Any]]:
    """Lay a file before the other side, with a word or none."""
    standing = place(request)
    if "\x00" in text or len(text) > _LONGEST:
        raise HttpError(422, "the text is too long, or holds a sign that is none")
    came = matters.File(file.name or "file", file.read(matters.LARGEST_EVIDENCE + 1))
    return Status(201, _moved(standing, matter, Move.COMMENT, text, None, [came]))


@api.get("/r/{uuid:relationship}/matters/{uuid:matter}/evidence/{uuid:evidence}")
def evidence(request: HttpRequest, relationship: UUID, matter: UUID, evidence: UUID) -> HttpResponse:
    """A file that was laid before the other side."""
    standing = place(request)
    found = asked.evidence(standing, _matter(standing, matter), evidence)
    if found is None:
        raise Http404
    read(standing, "evidence", found.name)
    return HttpResponse(bytes(found.content), content_type="application/octet-stream")


def _moved(  # noqa: PLR0913 - a move, what it says, and what comes with it
    standing: Standing, matter: UUID, what: Move, text: str, terms: matters.Terms | None, files: list[matters.File]
) -> dict[str, Any]:
    found = _matter(standing, matter)
    try:
        found = matters.move(standing, found, what, text, books.zone(standing), terms, files)
    except matters.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"not_allowed.{error}")) from None
    return _whole(standing, found)


def _owner(standing: Standing, number: UUID | None) -> Membership | None:
    """Somebody of either side, by the number that `people` tells."""
    if number is None:
        return None
    found = parties.people(standing).filter(pk=number).exclude(side=None).first()
    if found is None:
        raise HttpError(422, "owner is nobody of either side")
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
