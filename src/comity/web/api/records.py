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
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.parties.schemas import MAX_SLICE
from comity.review.render.cells import csv_text
from comity.web.api.base import api, result_or_refusal

_MAX_DELIVERIES = 50  # the newest; a file that is older is found by its own address


@api.get("/r/{uuid:relationship}/records", response=RecordsOut)
def records(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """What is in the book, and what came when, as the person may see it."""
    member = member_of(request)
    tables = result_or_refusal(lambda: contents.tables(member, current=True)) if books.has_book(member) else []
    return {
        "tables": [{name: one[name] for name in ("name", "rows", "rejected", "owner", "reach")} for one in tables],
        "late": result_or_refusal(lambda: contents.lateness(member, current=True)) if books.has_book(member) else [],
        "held_back": [_mark_out(one) for one in result_or_refusal(lambda: books.marks(member))],
        "held_back_steps": [
            {"side": one.side, "item": one.item, "change": one.change, "reason": one.reason, "at": one.at}
            for one in books.mark_steps(member)
        ],
        "deliveries": [
            _delivery_out(member, one) for one in books.file_list(member, books.FileFilters())[:_MAX_DELIVERIES]
        ],
    }


@api.post("/r/{uuid:relationship}/records", response={201: DeliveryOut})
def bring(request: HttpRequest, relationship: UUID, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """Take a file, and have it looked at; nothing changes before it is brought in."""
    member = member_of(request, Action.BRING)
    if member.side is None:
        raise Http404
    if not books.has_book(member):
        raise books.NoBookError
    return Status(201, _delivery_out(member, operations.receive_upload(member, file)))


@api.post("/r/{uuid:relationship}/records/begin", response={201: BookOut})
def begin_book(request: HttpRequest, relationship: UUID, given: BookIn) -> Status[dict[str, Any]]:
    """Begin the book, with nothing agreed in it yet."""
    member = member_of(request, Action.BRING)
    if member.side is None:
        raise Http404
    operations.begin_book(member, given.timezone, given.currency)
    return Status(201, {"timezone": given.timezone, "currency": given.currency})


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}", response=DeliveryWholeOut | DeliveryOut, exclude_unset=True)
def delivery(request: HttpRequest, relationship: UUID, delivery: UUID) -> dict[str, Any]:
    """One file, how far it is, and, for its own side, what it would bring or has brought."""
    member = member_of(request)
    known_delivery = _delivery_or_404(member, delivery)
    mine = member.side is not None and known_delivery.side == member.side and member.may(Action.BRING)
    if not mine:
        if known_delivery.side != member.side:
            audit_read(member, Event.DELIVERY_READ, known_delivery, {"name": known_delivery.name})
        return _delivery_out(member, known_delivery)
    more = {
        "mapping": known_delivery.mapping,
        "text": known_delivery.text,
        "why": known_delivery.why,
        "rows": known_delivery.rows,
    }
    # The number of an import would count what the other side has imported for itself.
    outcome = {name: value for name, value in known_delivery.outcome.items() if name not in {"number", "digest"}}
    told = {"outcome": outcome, "may_undo": books.may_undo(member, known_delivery)}
    return _delivery_out(member, known_delivery) | more | told


@api.post("/r/{uuid:relationship}/records/{uuid:delivery}/moves", response=DeliveryOut)
def move_delivery(request: HttpRequest, relationship: UUID, delivery: UUID, given: DeliveryMoveIn) -> dict[str, Any]:
    """Look again, bring in, throw away or take back."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if member.side is None or known_delivery.side != member.side:
        raise Http404
    match given.do:
        case FileMove.LOOK:
            operations.choose_mapping(member, known_delivery, given.mapping, given.text)
        case FileMove.BRING:
            operations.import_delivery(member, known_delivery)
        case FileMove.DROP:
            operations.drop_delivery(member, known_delivery)
        case FileMove.UNDO:
            operations.undo_delivery(member, known_delivery)
        case FileMove.DAYS:
            operations.give_days(member, known_delivery, given.days)
        case FileMove.DISMISS:
            operations.dismiss_rejects(member, known_delivery, given.reason)
    return _delivery_out(member, known_delivery)


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}/rejects.csv")
def rejects(
    request: HttpRequest, relationship: UUID, delivery: UUID, of: Annotated[int, Field(ge=0, le=MAX_SLICE)] = 0
) -> HttpResponse:
    """The rows of a file that were set aside; of one reason, by its place among `by_reason`, or of all."""
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if not books.may_read_cells(member, known_delivery):
        raise Http404
    text = csv_text(books.REJECT_COLUMNS, books.reject_rows(member, known_delivery, of))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}/rejected-rows.csv")
def rejected_rows(request: HttpRequest, relationship: UUID, delivery: UUID) -> HttpResponse:
    """The rejected rows of a file as rows: its own columns, and why, for those that no later file brought again.

    The corrected file closes them: a row is met by its key, or by `Comity row`.
    """
    member = member_of(request, Action.BRING)
    known_delivery = _delivery_or_404(member, delivery)
    if not books.may_read_cells(member, known_delivery):
        raise Http404
    rows = books.rows_to_correct(member, known_delivery)
    return HttpResponse(csv_text(rows.head, rows.table()), content_type="text/csv; charset=utf-8")


@api.post("/r/{uuid:relationship}/held-back", response={201: MarkMadeOut})
def mark(request: HttpRequest, relationship: UUID, given: MarkIn) -> Status[dict[str, Any]]:
    """Hold something back from the other side, or say anew why and until when."""
    member = member_of(request, Action.BRING)
    if member.side is None or not member.may(Action.READ_OWN):
        raise Http404
    operations.mark_private(member, given.item, given.reason, given.review_on)
    return Status(201, {"item": given.item, "review_on": given.review_on})


@api.post("/r/{uuid:relationship}/held-back/disclose", response=DiscloseOut)
def disclose(request: HttpRequest, relationship: UUID, given: DiscloseIn) -> dict[str, Any]:
    """Hold something back no longer: both sides read it from then on."""
    member = member_of(request, Action.BRING)
    if member.side is None or not member.may(Action.READ_OWN):
        raise Http404
    operations.disclose(member, given.item)
    return {"item": given.item}


def _delivery_or_404(member: MemberContext, number: UUID) -> Delivery:
    delivery = books.delivery(member, number)
    if delivery is None:
        raise Http404
    return delivery


def _mark_out(item: dict[str, Any]) -> dict[str, Any]:
    mark = item["mark"]
    day: date | None = None if mark is None else mark.review_on
    return {
        "side": item["side"],
        "item": item["item"],
        "reason": None if mark is None else mark.reason,
        "review_on": day,
    }


def _delivery_out(member: MemberContext, delivery: Delivery) -> dict[str, Any]:
    mine = member.side is not None and delivery.side == member.side and member.may(Action.READ_OWN)
    outcome = delivery.outcome if mine else books.shared_outcome(delivery)
    return {
        "id": delivery.pk,
        "name": delivery.name,
        "side": delivery.side,
        "by": delivery.person.name,
        "at": delivery.at,
        "stage": delivery.stage,
        "cut_off": delivery.stage in UNDER_WAY and not books.is_under_way(delivery),
        "table": outcome.get("table"),
        "counts": outcome.get("counts", {}),
    }
