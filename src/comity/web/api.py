"""The room for programs, at /api/: OpenAPI 3.1, a token for each, every error as problem+json (RFC 9457)."""

import csv
import io
import json
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Query, Schema, Status
from ninja.errors import AuthenticationError, HttpError, ValidationError
from ninja.openapi.schema import OpenAPISchema
from pydantic import Field

from comity.apps.books import queries as books
from comity.apps.books.models import Delivery
from comity.apps.matters import operations as matters
from comity.apps.matters import queries as asked
from comity.apps.matters.models import DAYS, Kind, Matter, Move
from comity.apps.parties import queries as parties
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, place
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.apps.wording import in_a_cell, language, words_for
from comity.book.definition import UnusableBookError
from comity.core.calendars import Against, UnknownPeriodError
from comity.review.attributing import MEASURE, NoAttributionError
from comity.review.composing import NoReviewError
from comity.review.faces import attribution as attribution_face
from comity.review.faces import contract

_MOST = 200
_FURTHEST = 1_000_000_000
_FIRST_DAY, _LAST_DAY = DAYS
# Whatever people write but for the one sign that a database does not hold.
Text = Annotated[str, Field(pattern=r"^[^\x00]*$")]
Day = Annotated[date, Field(ge=_FIRST_DAY, le=_LAST_DAY)]


def signed_in(request: HttpRequest) -> object | None:
    """Whoever a token let in; with one that reads alone nothing is changed."""
    if not request.user.is_authenticated:
        return None
    if request.method not in {"GET", "HEAD"} and not request.writes:  # type: ignore[attr-defined]
        raise HttpError(403, "this token reads and changes nothing")
    return request.user


class _Api(NinjaAPI):
    """Ninja, whose contract also names every error, and files that are no JSON."""

    def get_openapi_schema(self, *arguments: Any, **more: Any) -> OpenAPISchema:  # noqa: ANN401 - as ninja calls it
        """What ninja makes of the operations, and what `_problem` answers."""
        schema = super().get_openapi_schema(*arguments, **more)
        schema["components"].setdefault("schemas", {})["Problem"] = _PROBLEM
        told = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        for path, operations in schema["paths"].items():
            for method, operation in operations.items():
                changes = method == "post"
                statuses = {401: True, 404: "{" in path, 409: True, 422: True, 400: changes, 403: changes}
                answers = operation["responses"]
                answers |= {
                    s: {"description": HTTPStatus(s).phrase, "content": told} for s, has in statuses.items() if has
                }
                answers.setdefault(200, {"description": "OK"}) if not changes else None
                if path.endswith(".csv"):
                    answers[200]["content"] = {"text/csv": {"schema": {"type": "string"}}}
        return schema


_PROBLEM = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "errors": {"type": "array", "items": {"type": "object"}},
    },
}

api = _Api(title="Comity", version="1", auth=signed_in, docs_url=None, openapi_url="openapi.json", urls_namespace="api")


def _problem(request: HttpRequest, status: int, title: str, **more: Any) -> HttpResponse:  # noqa: ANN401 - JSON
    told = {"type": "about:blank", "title": title, "status": status} | more
    return HttpResponse(json.dumps(told, default=str), status=status, content_type="application/problem+json")


@api.exception_handler(Http404)
def _nothing(request: HttpRequest, exception: Http404) -> HttpResponse:
    return _problem(request, 404, "Nothing is here, for this token")


@api.exception_handler(AuthenticationError)
def _who(request: HttpRequest, exception: AuthenticationError) -> HttpResponse:
    return _problem(request, 401, "A token is needed: Authorization: Bearer ...")


@api.exception_handler(ValidationError)
def _wrong(request: HttpRequest, exception: ValidationError) -> HttpResponse:
    told = [{key: one.get(key) for key in ("type", "loc", "msg")} for one in exception.errors]
    return _problem(request, 422, "What was sent does not fit", errors=told)


@api.exception_handler(HttpError)
def _refused(request: HttpRequest, exception: HttpError) -> HttpResponse:
    return _problem(request, exception.status_code, str(exception))


class RelationshipOut(Schema):
    """A place in a relationship."""

    id: UUID
    customer: str
    provider: str
    side: Literal["customer", "provider"] | None
    role: str


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


class MoveIn(Schema):
    """A move."""

    move: Literal["accept", "refuse", "counter", "comment", "withdraw", "done"]
    text: Text = Field("", max_length=4000)


class PeriodIn(Schema):
    """A period by name: 2026-Q2, 2026-06 or 2026-W23."""

    period: str = Field(max_length=12)


class Filter(Schema):
    """Which matters."""

    kind: Literal["dispute", "claim", "action"] | None = None
    state: Literal["asked", "countered", "accepted", "refused", "deemed", "withdrawn", "done"] | None = None
    limit: int = Field(50, ge=1, le=_MOST)
    offset: int = Field(0, ge=0, le=_FURTHEST)


class Lines(Schema):
    """Which lines of the log."""

    reads: bool = False
    limit: int = Field(100, ge=1, le=_MOST)
    offset: int = Field(0, ge=0, le=_FURTHEST)


@api.get("/relationships", response=list[RelationshipOut])
def relationships(request: HttpRequest) -> list[dict[str, Any]]:
    """Where the token's person has a place."""
    return [
        {
            "id": one.relationship.pk,
            "customer": one.relationship.customer.name,
            "provider": one.relationship.provider.name,
            "side": one.side,
            "role": one.role,
        }
        for one in parties.portfolio(request.user)  # type: ignore[arg-type]
    ]


@api.get("/r/{uuid:relationship}/review")
def review(
    request: HttpRequest,
    relationship: UUID,
    period: str | None = None,
    against: Literal["previous", "year-before"] | None = None,
    eyes: Literal["own", "joint"] = "own",
) -> HttpResponse:
    """The review, `comity.review/1`, as the person may see it."""
    standing = place(request)
    made = _made(lambda: reviews.review(standing, period, Against(against) if against else None, joint=eyes == "joint"))
    return HttpResponse(contract.render(made, words_for(language())), content_type="application/json")


@api.get("/r/{uuid:relationship}/levels.csv")
def levels(request: HttpRequest, relationship: UUID, period: str | None = None) -> HttpResponse:
    """The levels as a table, for tools that read such."""
    standing = place(request)
    made = _made(lambda: reviews.review(standing, period))
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(("kpi", "measure", "unit", "start", "end", "value", "num", "den", "target", "met"))
    for one in made.levels:
        span = (made.period.start.isoformat(), made.period.end.isoformat())
        texts = [in_a_cell(text) for text in (one.kpi, one.measure, one.unit)]
        writer.writerow((*texts, *span, one.value, one.num, one.den, one.target, one.met))
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8")


@api.get("/r/{uuid:relationship}/attribution")
def attribution(
    request: HttpRequest, relationship: UUID, kpi: str | None = None, period: str | None = None
) -> HttpResponse:
    """Whose doing a service level was, `comity.attribution/1`."""
    standing = place(request)

    def make() -> bytes:
        kpis = [one.id for one in books.definition(standing).kpis if one.measure == MEASURE]
        return attribution_face.contract(reviews.attribution(standing, kpi or next(iter(kpis), ""), period))

    return HttpResponse(_made(make), content_type="application/json")


@api.get("/r/{uuid:relationship}/matters", response=Page)
def matters_of(request: HttpRequest, relationship: UUID, asked_for: Query[Filter]) -> dict[str, Any]:
    """Matters, the newest first."""
    found = asked.matters(place(request))
    found = found.filter(kind=asked_for.kind) if asked_for.kind else found
    found = found.filter(state=asked_for.state) if asked_for.state else found
    return {"count": found.count(), "items": list(found[asked_for.offset : asked_for.offset + asked_for.limit])}


@api.post("/r/{uuid:relationship}/matters", response={201: MatterWhole})
def raise_matter(request: HttpRequest, relationship: UUID, given: MatterIn) -> Status[dict[str, Any]]:
    """Raise a matter for one's side."""
    standing = place(request)
    said = given.dict()
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
    return _whole(standing, _matter(standing, matter))


@api.post("/r/{uuid:relationship}/matters/{uuid:matter}/moves", response=MatterWhole)
def move(request: HttpRequest, relationship: UUID, matter: UUID, given: MoveIn) -> dict[str, Any]:
    """Make a move."""
    standing = place(request)
    found = _matter(standing, matter)
    try:
        found = matters.move(standing, found, Move(given.move), given.text, books.zone(standing))
    except matters.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"not_allowed.{error}")) from None
    return _whole(standing, found)


@api.get("/r/{uuid:relationship}/records")
def records(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """What is in the book, and what came when, as the person may see it."""
    standing = place(request)
    tables = _made(lambda: books.tables(standing)) if books.has_book(standing) else []
    return {
        "tables": [{name: one[name] for name in ("name", "rows", "rejected", "owner")} for one in tables],
        "deliveries": [_delivery(standing, one) for one in books.deliveries(standing)],
    }


@api.get("/r/{uuid:relationship}/people")
def people(request: HttpRequest, relationship: UUID) -> list[dict[str, Any]]:
    """Who is there."""
    place(request)
    return [
        {"name": one.person.name, "side": one.side, "role": one.role, "joined_at": one.joined_at}
        for one in parties.people()
    ]


@api.get("/r/{uuid:relationship}/log")
def log(request: HttpRequest, relationship: UUID, asked_for: Query[Lines]) -> list[dict[str, Any]]:
    """What was done, or read: what crossed the line, and what the own side did; the newest first."""
    place(request, Action.AUDIT)
    return [
        {"at": one.at, "by": one.person.name, "side": one.side, "action": one.action, "about": one.about}
        for one in parties.log(reads=asked_for.reads)[asked_for.offset : asked_for.offset + asked_for.limit]
    ]


@api.get("/r/{uuid:relationship}/record")
def record(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The record, `comity.record/1`: `comity verify` checks it."""
    return reviews.record_told(place(request))


@api.post("/r/{uuid:relationship}/confirmations", response={201: dict[str, Any]})
def confirm(request: HttpRequest, relationship: UUID, given: PeriodIn) -> Status[dict[str, Any]]:
    """Give the side's word for a period; with both, its figures are frozen."""
    standing = place(request, Action.CONFIRM)
    made = _made(lambda: reviews.review(standing, given.period, joint=True))
    try:
        entry = closing.confirm(standing, made, given.period)
    except closing.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"closing.{error}")) from None
    return Status(201, {"period": given.period, "frozen": None if entry is None else entry.digest})


def _made(make: Any) -> Any:  # noqa: ANN401 - whatever is made
    try:
        return make()
    except UnknownPeriodError as error:
        raise HttpError(422, str(error)) from None
    except (books.NoBookError, NoReviewError, NoAttributionError, UnusableBookError):
        raise HttpError(409, "the records do not allow for it yet") from None


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
        }
        for one in asked.steps(found)
    ]
    names = set(MatterOut.model_fields) - {"id"}
    told = {name: getattr(found, name) for name in names}
    return told | {"id": found.pk, "steps": steps, "moves": [one.value for one in matters.open_moves(standing, found)]}


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
        "table": told.get("table"),
        "counts": told.get("counts", {}),
    }
