"""Records: what is there, what is late, what is held back; files brought in, looked at, taken back."""

from datetime import date
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import File, Schema, Status, UploadedFile
from ninja.errors import HttpError
from pydantic import Field

from comity.apps.books import operations
from comity.apps.books import queries as books
from comity.apps.books.models import UNDER_WAY, Delivery
from comity.apps.parties.operations import read
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, place
from comity.apps.sheet import csv_text
from comity.apps.wording import words_for
from comity.book.definition import UnusableBookError
from comity.book.importing.mapping import UnusableMappingError
from comity.web.api.contract import MOST, Day, Text, api, made


class DeliveryMoveIn(Schema):
    """What is to become of a file: looked at again by another mapping, brought in, thrown away, or taken back."""

    do: Literal["look", "bring", "drop", "undo"]
    mapping: Text = Field("", max_length=60)
    text: Text = Field("", max_length=40_000)


class BookIn(Schema):
    """Where the relationship's clock runs, and in what it pays."""

    timezone: Text = Field(min_length=1, max_length=60)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class MarkIn(Schema):
    """Something that the side holds back, why, and when it looks at that again."""

    item: Text = Field(min_length=1, max_length=120)
    reason: Text = Field(min_length=1, max_length=400)
    review_on: Day


@api.get("/r/{uuid:relationship}/records")
def records(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """What is in the book, and what came when, as the person may see it."""
    standing = place(request)
    tables = made(lambda: books.tables(standing)) if books.has_book(standing) else []
    return {
        "tables": [{name: one[name] for name in ("name", "rows", "rejected", "owner", "reach")} for one in tables],
        "late": made(lambda: books.lateness_of(standing)) if books.has_book(standing) else [],
        "held_back": [_mark(one) for one in made(lambda: books.marks(standing))],
        "deliveries": [_delivery(standing, one) for one in books.deliveries(standing)],
    }


@api.post("/r/{uuid:relationship}/records", response={201: dict[str, Any]})
def bring(request: HttpRequest, relationship: UUID, file: File[UploadedFile]) -> Status[dict[str, Any]]:
    """Take a file, and have it looked at; nothing changes before it is brought in."""
    standing = place(request, Action.BRING)
    if standing.side is None:
        raise Http404
    if not books.has_book(standing):
        raise HttpError(409, "the book has not begun yet")
    try:
        found = operations.receive(standing, file)
    except operations.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"upload.{error}")) from None
    return Status(201, _delivery(standing, found))


@api.post("/r/{uuid:relationship}/records/begin", response={201: dict[str, Any]})
def begin_book(request: HttpRequest, relationship: UUID, given: BookIn) -> Status[dict[str, Any]]:
    """Begin the book, with nothing agreed in it yet."""
    standing = place(request, Action.BRING)
    if standing.side is None:
        raise Http404
    if books.has_book(standing):
        raise HttpError(409, "the book has begun already")
    try:
        operations.begin_book(standing, given.timezone, given.currency)
    except UnusableBookError as error:
        raise HttpError(422, str(error).rsplit(": ", 1)[-1]) from None
    return Status(201, {"timezone": given.timezone, "currency": given.currency})


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}")
def delivery(request: HttpRequest, relationship: UUID, delivery: UUID) -> dict[str, Any]:
    """One file, how far it is, and, for its own side, what it would bring or has brought."""
    standing = place(request)
    found = _known(standing, delivery)
    mine = standing.side is not None and found.side == standing.side and standing.may(Action.BRING)
    if not mine:
        if found.side != standing.side:
            read(standing, "delivery", found.name)
        return _delivery(standing, found)
    more = {"mapping": found.mapping, "text": found.text, "why": found.why, "rows": found.rows}
    told = {"outcome": found.outcome, "may_undo": books.may_undo(standing, found)}
    return _delivery(standing, found) | more | told


@api.post("/r/{uuid:relationship}/records/{uuid:delivery}/moves", response=dict[str, Any])
def move_delivery(request: HttpRequest, relationship: UUID, delivery: UUID, given: DeliveryMoveIn) -> dict[str, Any]:
    """Look again, bring in, throw away or take back."""
    standing = place(request, Action.BRING)
    found = _known(standing, delivery)
    if standing.side is None or found.side != standing.side:
        raise Http404
    try:
        if given.do == "look":
            operations.choose(standing, found, given.mapping, given.text)
        elif given.do == "bring":
            operations.bring(standing, found)
        elif given.do == "drop":
            operations.drop(found)
        else:
            operations.undo(standing, found)
    except UnusableMappingError as error:
        raise HttpError(422, str(error)) from None
    except operations.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"upload.{error}")) from None
    return _delivery(standing, found)


@api.get("/r/{uuid:relationship}/records/{uuid:delivery}/rejects.csv")
def rejects(
    request: HttpRequest, relationship: UUID, delivery: UUID, of: Annotated[int, Field(ge=0, le=MOST)] = 0
) -> HttpResponse:
    """The rows of a file that were set aside; of one reason, by its place among `by_reason`, or of all."""
    standing = place(request, Action.BRING)
    found = _known(standing, delivery)
    text = csv_text(books.REJECTS, books.reject_rows(standing, found, of))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@api.post("/r/{uuid:relationship}/held-back", response={201: dict[str, Any]})
def mark(request: HttpRequest, relationship: UUID, given: MarkIn) -> Status[dict[str, Any]]:
    """Hold something back from the other side, or say anew why and until when."""
    standing = place(request, Action.BRING)
    if standing.side is None or not standing.may(Action.READ_OWN):
        raise Http404
    if not books.has_book(standing):
        raise HttpError(409, "the book has not begun yet")
    try:
        made(lambda: operations.mark_private(standing, given.item, given.reason, given.review_on))
    except operations.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"mark.{error}")) from None
    return Status(201, {"item": given.item, "review_on": given.review_on})


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
