"""Records: what is there, what is late, what is held back; files brought in, looked at, taken back."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Status, UploadedFile
from pydantic import Field

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit_read
from comity.apps.books import contents, operations
from comity.apps.books import queries as books
from comity.apps.books.models import UNDER_WAY, Delivery, FileMove
from comity.apps.books.schemas import (
    BookIn,
    BookOut,
    DeliveryMoveIn,
    DeliveryOut,
    DeliveryWholeOut,
    DiscloseIn,
    DiscloseOut,
    MarkIn,
    MarkMadeOut,
    RecordsOut,
)
from comity.apps.parties.rights import Action
from comity.apps.parties.schemas import MOST
from comity.apps.parties.viewing import Standing, place
from comity.apps.sheet import csv_text
from comity.web.api.contract import api, made


@api.get("/r/{uuid:relationship}/records", response=RecordsOut)
def records(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """What is in the book, and what came when, as the person may see it."""
    standing = place(request)
    tables = made(lambda: contents.tables(standing)) if books.has_book(standing) else []
    return {
        "tables": [{name: one[name] for name in ("name", "rows", "rejected", "owner", "reach")} for one in tables],
        "late": made(lambda: contents.lateness(standing)) if books.has_book(standing) else [],
        "held_back": [_mark(one) for one in made(lambda: books.marks(standing))],
        "held_back_steps": [
            {"side": one.side, "item": one.item, "change": one.change, "reason": one.reason, "at": one.at}
            for one in books.mark_steps(standing)
        ],
        "deliveries": [_delivery(standing, one) for one in books.deliveries(standing)],
    }


@api.post("/r/{uuid:relationship}/records", response={201: DeliveryOut})
def bring(request: HttpRequest, relationship: UUID, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """Take a file, and have it looked at; nothing changes before it is brought in."""
    standing = place(request, Action.BRING)
    if standing.side is None:
        raise Http404
    if not books.has_book(standing):
        raise books.NoBookError
    return Status(201, _delivery(standing, operations.receive(standing, file)))


@api.post("/r/{uuid:relationship}/records/begin", response={201: BookOut})
def begin_book(request: HttpRequest, relationship: UUID, given: BookIn) -> Status[dict[str, Any]]:
    """Begin the book, with nothing agreed in it yet."""
    standing = place(request, Action.BRING)
    if standing.side is None:
        raise Http404
    operations.begin_book(standing, given.timezone, given.currency)
    return Status(201, {"timezone": given.timezone, "currency": given.currency})


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}", response=DeliveryWholeOut | DeliveryOut, exclude_unset=True)
def delivery(request: HttpRequest, relationship: UUID, delivery: UUID) -> dict[str, Any]:
    """One file, how far it is, and, for its own side, what it would bring or has brought."""
    standing = place(request)
    found = _known(standing, delivery)
    mine = standing.side is not None and found.side == standing.side and standing.may(Action.BRING)
    if not mine:
        if found.side != standing.side:
            audit_read(standing, Event.DELIVERY_READ, found, {"name": found.name})
        return _delivery(standing, found)
    more = {"mapping": found.mapping, "text": found.text, "why": found.why, "rows": found.rows}
    # The number of an import would count what the other side has imported for itself.
    outcome = {name: value for name, value in found.outcome.items() if name not in {"number", "digest"}}
    told = {"outcome": outcome, "may_undo": books.may_undo(standing, found)}
    return _delivery(standing, found) | more | told


@api.post("/r/{uuid:relationship}/records/{uuid:delivery}/moves", response=DeliveryOut)
def move_delivery(request: HttpRequest, relationship: UUID, delivery: UUID, given: DeliveryMoveIn) -> dict[str, Any]:
    """Look again, bring in, throw away or take back."""
    standing = place(request, Action.BRING)
    found = _known(standing, delivery)
    if standing.side is None or found.side != standing.side:
        raise Http404
    match given.do:
        case FileMove.LOOK:
            operations.choose(standing, found, given.mapping, given.text)
        case FileMove.BRING:
            operations.bring(standing, found)
        case FileMove.DROP:
            operations.drop(standing, found)
        case FileMove.UNDO:
            operations.undo(standing, found)
    return _delivery(standing, found)


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}/rejects.csv")
def rejects(
    request: HttpRequest, relationship: UUID, delivery: UUID, of: Annotated[int, Field(ge=0, le=MOST)] = 0
) -> HttpResponse:
    """The rows of a file that were set aside; of one reason, by its place among `by_reason`, or of all."""
    standing = place(request, Action.BRING)
    found = _known(standing, delivery)
    if not books.own(standing, found):
        raise Http404
    text = csv_text(books.REJECTS, books.reject_rows(standing, found, of))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@api.post("/r/{uuid:relationship}/held-back", response={201: MarkMadeOut})
def mark(request: HttpRequest, relationship: UUID, given: MarkIn) -> Status[dict[str, Any]]:
    """Hold something back from the other side, or say anew why and until when."""
    standing = place(request, Action.BRING)
    if standing.side is None or not standing.may(Action.READ_OWN):
        raise Http404
    operations.mark_private(standing, given.item, given.reason, given.review_on)
    return Status(201, {"item": given.item, "review_on": given.review_on})


@api.post("/r/{uuid:relationship}/held-back/disclose", response=DiscloseOut)
def disclose(request: HttpRequest, relationship: UUID, given: DiscloseIn) -> dict[str, Any]:
    """Hold something back no longer: both sides read it from then on."""
    standing = place(request, Action.BRING)
    if standing.side is None or not standing.may(Action.READ_OWN):
        raise Http404
    operations.disclose(standing, given.item)
    return {"item": given.item}


def _known(standing: Standing, number: UUID) -> Delivery:
    found = books.delivery(standing, number)
    if found is None:
        raise Http404
    return found


def _mark(one: dict[str, Any]) -> dict[str, Any]:
    kept = one["mark"]
    day: date | None = None if kept is None else kept.review_on
    return {"side": one["side"], "item": one["item"], "reason": None if kept is None else kept.reason, "review_on": day}


def _delivery(standing: Standing, one: Delivery) -> dict[str, Any]:
    mine = standing.side is not None and one.side == standing.side and standing.may(Action.READ_OWN)
    told = one.outcome if mine else books.told_to_others(one)
    return {
        "id": one.pk,
        "name": one.name,
        "side": one.side,
        "by": one.person.name,
        "at": one.at,
        "stage": one.stage,
        "cut_off": one.stage in UNDER_WAY and not books.under_way(one),
        "table": told.get("table"),
        "counts": told.get("counts", {}),
    }
