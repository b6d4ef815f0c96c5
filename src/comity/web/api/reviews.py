"""Reviews, levels, attribution; each side's word for a period, restatements, the record; the review by mail."""

import io
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from ninja import Query, Schema, Status
from ninja.errors import HttpError
from pyarrow import parquet
from pydantic import Field

from comity.apps.books import queries as books
from comity.apps.parties.operations import read
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, place
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.apps.reviews.supposing import Tried
from comity.apps.sheet import csv_text
from comity.apps.wording import language, words_for
from comity.core.calendars import Against
from comity.review.attributing import MEASURE, Attribution
from comity.review.faces import attribution as attribution_face
from comity.review.faces import contract
from comity.review.faces import render as render_as
from comity.web.api.contract import Text, api, made

_LEVELS = ("kpi", "measure", "unit", "start", "end", "value", "num", "den", "target", "met")
_SCHEMA = pa.schema(
    [(name, pa.string() if name in _LEVELS[:5] else pa.bool_() if name == "met" else pa.float64()) for name in _LEVELS]
)


class PeriodIn(Schema):
    """A period by name: 2026-Q2, 2026-06 or 2026-W23."""

    period: str = Field(max_length=12)


class RestatementIn(PeriodIn):
    """Why the records tell something else of a period now."""

    reason: Text = Field(min_length=1, max_length=1000)


class WishIn(Schema):
    """The review by mail: when, with which file, by whose eyes."""

    due: Literal["monday 07:00", "day 1 07:00", "day 5 07:00", "day 15 07:00"]
    form: Literal["", "pdf", "xlsx", "pptx"] = ""
    eyes: Literal["joint", "own"] = "joint"


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
    found = made(lambda: reviews.review(standing, period, Against(against) if against else None, joint=eyes == "joint"))
    read(standing, "review", reviews.name_of(standing, found))
    return HttpResponse(contract.render(found, words_for(language())), content_type="application/json")


@api.get("/r/{uuid:relationship}/review/file.{form}")
def review_file(
    request: HttpRequest,
    relationship: UUID,
    form: Literal["pdf", "html", "xlsx", "pptx"],
    period: str | None = None,
    eyes: Literal["own", "joint"] = "own",
) -> HttpResponse:
    """The review as a file, in the language that the program asks for."""
    standing = place(request)
    found = made(lambda: reviews.review(standing, period, joint=eyes == "joint"))
    read(standing, "file", f"review-{reviews.name_of(standing, found)}.{form}")
    return HttpResponse(render_as(found, form, language()), content_type=reviews.FILES[form])


def _levels(standing: Standing, period: str | None) -> list[tuple[object, ...]]:
    found = made(lambda: reviews.review(standing, period))
    read(standing, "review", reviews.name_of(standing, found))
    span = (found.period.start.isoformat(), found.period.end.isoformat())
    return [
        (one.kpi, one.measure, one.unit, *span, one.value, one.num, one.den, one.target, one.met)
        for one in found.levels
    ]


@api.get("/r/{uuid:relationship}/levels.csv")
def levels(request: HttpRequest, relationship: UUID, period: str | None = None) -> HttpResponse:
    """The levels as a table, for tools that read such."""
    text = csv_text(_LEVELS, _levels(place(request), period))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@api.get("/r/{uuid:relationship}/levels.parquet")
def levels_parquet(request: HttpRequest, relationship: UUID, period: str | None = None) -> HttpResponse:
    """The same as Parquet."""
    columns = list(zip(*_levels(place(request), period), strict=True)) or [()] * len(_LEVELS)
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(zip(_LEVELS, map(list, columns), strict=True)), _SCHEMA), out)
    return HttpResponse(out.getvalue(), content_type="application/vnd.apache.parquet")


@api.get("/r/{uuid:relationship}/attribution")
def attribution(
    request: HttpRequest, relationship: UUID, kpi: str | None = None, period: str | None = None
) -> HttpResponse:
    """Whose doing a service level was, `comity.attribution/1`."""
    found = _attribution(place(request), kpi, period)
    return HttpResponse(attribution_face.contract(found), content_type="application/json")


def _attribution(standing: Standing, kpi: str | None, period: str | None) -> Attribution:
    """Of a KPI, or of the first that can be shared out."""

    def make() -> Attribution:
        agreed = books.definition(standing).kpis
        kpis = [one.id for one in agreed if one.measure == MEASURE and one.target is not None]
        return reviews.attribution(standing, kpi or next(iter(kpis), ""), period)

    found = made(make)
    read(standing, "attribution", f"{found.kpi.id} {found.name}")
    return found


class Supposed(Schema):
    """What might have been: as on the page, what is left out is as it was.

    `volume` in per cent more or fewer, `handled` a contact's handling as m:ss or seconds, `people` more or fewer from
    the half hour `since` of the day on.
    """

    kpi: str | None = None
    period: str | None = None
    volume: str = Field("", max_length=12)
    handled: str = Field("", max_length=12)
    people: str = Field("", max_length=12)
    since: int = Field(0, ge=0, lt=48)


class SupposedOut(Schema):
    """The level that was, and the one that the model gives for what is supposed; None where nothing would count."""

    kpi: str
    period: str
    level: float | None
    supposed: float | None


@api.get("/r/{uuid:relationship}/attribution/supposed", response=SupposedOut)
def supposed(request: HttpRequest, relationship: UUID, asked_for: Query[Supposed]) -> dict[str, Any]:
    """What a service level would have been, by the model that shares it out."""
    standing = place(request)
    found = _attribution(standing, asked_for.kpi, asked_for.period)
    if found.shared is None or not found.shared.fit:
        raise HttpError(409, "the records do not allow for it yet")
    tried = Tried.of(asked_for.dict() | {"since": str(asked_for.since)}, found)
    if tried.wrong:
        raise HttpError(422, f"cannot be read: {', '.join(tried.wrong)}")
    level = tried.level(found) if tried.asked else None
    return {"kpi": found.kpi.id, "period": found.name, "level": found.shared.observed, "supposed": level}


@api.get("/r/{uuid:relationship}/record")
def record(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The record, `comity.record/1`: `comity verify` checks it."""
    standing = place(request)
    read(standing, "record")
    return reviews.record_told(standing)


@api.post("/r/{uuid:relationship}/confirmations", response={201: dict[str, Any]})
def confirm(request: HttpRequest, relationship: UUID, given: PeriodIn) -> Status[dict[str, Any]]:
    """Give the side's word for a period; with both, its figures are frozen."""
    standing = place(request, Action.CONFIRM)
    found = made(lambda: reviews.review(standing, given.period, joint=True))
    try:
        entry = closing.confirm(standing, found, given.period)
    except closing.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"closing.{error}")) from None
    return Status(201, {"period": given.period, "frozen": None if entry is None else entry.digest})


@api.post("/r/{uuid:relationship}/restatements", response={201: dict[str, Any]})
def restate(request: HttpRequest, relationship: UUID, given: RestatementIn) -> Status[dict[str, Any]]:
    """Set what the records say now beside what was frozen, with the reason."""
    standing = place(request, Action.CONFIRM)
    found = made(lambda: reviews.review(standing, given.period, joint=True))
    try:
        entry = closing.restate(standing, found, given.period, given.reason)
    except closing.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"closing.{error}")) from None
    return Status(201, {"number": entry.number, "digest": entry.digest})


@api.get("/r/{uuid:relationship}/mail")
def mail(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """Whether the token's person has the review by mail, and how."""
    return _wish(place(request))


@api.put("/r/{uuid:relationship}/mail", response=dict[str, Any])
def wish(request: HttpRequest, relationship: UUID, given: WishIn) -> dict[str, Any]:
    """Have it by mail from now on."""
    standing = place(request)
    closing.by_mail(standing, given.due, given.form, joint=given.eyes == "joint")
    return _wish(standing)


@api.delete("/r/{uuid:relationship}/mail", response=dict[str, Any])
def no_mail(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """Have it by mail no more."""
    standing = place(request)
    closing.no_mail(standing)
    return _wish(standing)


def _wish(standing: Standing) -> dict[str, Any]:
    found = reviews.wish(standing)
    if found is None:
        return {"due": None}
    return {"due": found.due, "form": found.form, "eyes": "joint" if found.joint else "own", "sent_at": found.sent_at}
