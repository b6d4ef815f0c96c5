"""Reviews, levels, attribution; each side's word for a period, restatements; the review by mail."""

import io
from dataclasses import asdict
from typing import Any, Literal
from uuid import UUID

import pyarrow as pa
from django.http import FileResponse, HttpRequest, HttpResponse
from ninja import Query, Status
from pyarrow import parquet

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.books import queries as books
from comity.apps.books import refusals as records
from comity.apps.i18n import language, words_for
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent
from comity.apps.refusal import Refused
from comity.apps.reviews import comments, figure_table
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.apps.reviews.figures import figure_changes
from comity.apps.reviews.logos import shown_logos
from comity.apps.reviews.models import FileFormat, View
from comity.apps.reviews.proceedings import printed
from comity.apps.reviews.refusals import Code
from comity.apps.reviews.schemas import (
    ClosingOut,
    CommentIn,
    CommentsOut,
    ConfirmationIn,
    ConfirmedOut,
    RestatementIn,
    RestatementOut,
    SupposedOut,
    SupposedQuery,
    WishIn,
    WishOut,
)
from comity.apps.reviews.what_if import WhatIf
from comity.core import chain
from comity.core.calendars import Against
from comity.review.attribution import MEASURE, Attribution
from comity.review.render import json as review_json
from comity.review.render import render as render_as
from comity.review.render.attribution import json as attribution_json
from comity.review.render.cells import csv_text
from comity.review.render.figures import CONTENT_TYPES as TABLE_CONTENT_TYPES
from comity.review.render.figures import TableFormat
from comity.web.api.base import api, document_response, result_or_refusal

_LEVEL_COLUMNS = ("kpi", "measure", "unit", "start", "end", "value", "num", "den", "target", "met")
_LEVEL_SCHEMA = pa.schema(
    [
        (name, pa.string() if name in _LEVEL_COLUMNS[:5] else pa.bool_() if name == "met" else pa.float64())
        for name in _LEVEL_COLUMNS
    ]
)


@api.get("/r/{uuid:relationship}/review", openapi_extra=document_response("Review"))
def review(
    request: HttpRequest,
    relationship: UUID,
    period: str | None = None,
    against: Against | None = None,
    view: View = View.OWN,
) -> HttpResponse:
    """The review, `comity.review/1`, as the person may see it."""
    member = member_of(request)
    viewing_member = _with_view(member, view)
    built = result_or_refusal(lambda: reviews.shown_review(viewing_member, period, against))
    audit_read(member, Event.REVIEW_READ, SubjectType.PERIOD, {"period": reviews.period_name(member, built)})
    proceedings = printed(viewing_member, built, language())
    content = review_json.render(built, words_for(language()), proceedings)
    return HttpResponse(content, content_type="application/json")


def _with_view(member: MemberContext, view: View) -> MemberContext:
    return member.joint() if view is View.JOINT else member


@api.get("/r/{uuid:relationship}/review/file.{form}")
def review_file(
    request: HttpRequest,
    relationship: UUID,
    form: Literal[FileFormat.BOARD, FileFormat.PDF, FileFormat.HTML, FileFormat.XLSX, FileFormat.PPTX],
    period: str | None = None,
    view: View = View.OWN,
) -> HttpResponse:
    """The review as a file, in the language that the program asks for."""
    member = member_of(request)
    viewing_member = _with_view(member, view)
    built = result_or_refusal(lambda: reviews.shown_review(viewing_member, period))
    name = reviews.file_name(reviews.period_name(member, built), form)
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": name})
    proceedings = printed(viewing_member, built, language())
    content = render_as(built, form, language(), proceedings=proceedings, logos=shown_logos(viewing_member))
    return HttpResponse(content, content_type=reviews.CONTENT_TYPES[form])


def _level_rows(member: MemberContext, period: str | None) -> list[tuple[object, ...]]:
    review = result_or_refusal(lambda: reviews.shown_review(member, period))
    audit_read(member, Event.REVIEW_READ, SubjectType.PERIOD, {"period": reviews.period_name(member, review)})
    span = (review.period.start.isoformat(), review.period.end.isoformat())
    return [
        (level.kpi, level.measure, level.unit, *span, level.value, level.num, level.den, level.target, level.met)
        for level in review.levels
    ]


@api.get("/r/{uuid:relationship}/levels.csv")
def levels(request: HttpRequest, relationship: UUID, period: str | None = None) -> HttpResponse:
    """The levels as a table, for tools that read such."""
    text = csv_text(_LEVEL_COLUMNS, _level_rows(member_of(request), period))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


@api.get("/r/{uuid:relationship}/levels.parquet")
def levels_parquet(request: HttpRequest, relationship: UUID, period: str | None = None) -> HttpResponse:
    """The same as Parquet."""
    columns = list(zip(*_level_rows(member_of(request), period), strict=True)) or [()] * len(_LEVEL_COLUMNS)
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(zip(_LEVEL_COLUMNS, map(list, columns), strict=True)), _LEVEL_SCHEMA), out)
    return HttpResponse(out.getvalue(), content_type="application/vnd.apache.parquet")


@api.get("/r/{uuid:relationship}/figures.{form}")
def figures(request: HttpRequest, relationship: UUID, form: TableFormat, view: View = View.OWN) -> FileResponse:
    """Every figure of every whole period as one table: final ones as both sides confirmed them.

    503 with `Retry-After` until it has been computed from the current records.
    """
    member = member_of(request)
    file = result_or_refusal(lambda: figure_table.write_file(_with_view(member, view), form))
    audit_read(member, Event.REVIEW_FILE_READ, SubjectType.PERIOD, {"name": f"figures.{form}"})
    return FileResponse(file, content_type=TABLE_CONTENT_TYPES[form])


@api.get("/r/{uuid:relationship}/attribution", openapi_extra=document_response("Attribution"))
def attribution(
    request: HttpRequest, relationship: UUID, kpi: str | None = None, period: str | None = None
) -> HttpResponse:
    """Whose doing a service level was, `comity.attribution/1`."""
    built = _read_attribution(member_of(request), kpi, period)
    return HttpResponse(attribution_json.render(built), content_type="application/json")


def _read_attribution(member: MemberContext, kpi: str | None, period: str | None) -> Attribution:
    """Return the attribution of a KPI, or of the first KPI that can be attributed, and log the read."""

    def make() -> Attribution:
        agreed = books.definition(member).kpis
        kpis = [one.id for one in agreed if one.measure == MEASURE and one.target is not None]
        return reviews.attribution(member, kpi or next(iter(kpis), ""), period)

    attribution = result_or_refusal(make)
    audit_read(
        member, Event.ATTRIBUTION_READ, SubjectType.PERIOD, {"kpi": attribution.kpi.id, "period": attribution.name}
    )
    return attribution


@api.get("/r/{uuid:relationship}/attribution/supposed", response=SupposedOut)
def supposed(request: HttpRequest, relationship: UUID, asked_for: Query[SupposedQuery]) -> dict[str, Any]:
    """What a service level would have been, by the model that shares it out."""
    member = member_of(request)
    attribution = _read_attribution(member, asked_for.kpi, asked_for.period)
    if attribution.shared is None or not attribution.shared.fit:
        raise Refused(records.Code.NOT_YET)
    what_if = WhatIf.from_query(asked_for.dict() | {"since": str(asked_for.since)}, attribution)
    if what_if.wrong:
        raise Refused(Code.UNREADABLE, names=", ".join(what_if.wrong))
    level = what_if.level(attribution) if what_if.is_given else None
    return {
        "kpi": attribution.kpi.id,
        "period": attribution.name,
        "level": attribution.shared.observed,
        "supposed": level,
    }


@api.get("/r/{uuid:relationship}/confirmations", response=ClosingOut)
def confirmations(request: HttpRequest, relationship: UUID, period: str) -> dict[str, Any]:
    """How far the closing of a period is: the joint figures, their digest, who confirmed, and what moved since."""
    member = member_of(request)
    review = result_or_refusal(lambda: reviews.review(member.joint(), period))
    name = reviews.period_name(member, review)
    audit_read(member, Event.REVIEW_READ, SubjectType.PERIOD, {"period": name})
    closed = reviews.closing(member, review.period, name)
    figures = reviews.figures(member, review, name) if closed.figures is None else closed.figures
    return {
        "period": name,
        "frozen": next((one.digest for one in reviews.entries(member, name)), None),
        "figures": chain.digest_of(figures),
        "shown": figures,
        "words": [_consent_out(one) for one in [*closed.words.values(), *closed.void]],
        "moved": [asdict(one) for one in closed.moved],
    }


def _consent_out(consent: Consent) -> dict[str, Any]:
    return {
        "side": consent.side,
        "person": None if consent.person is None else consent.name or consent.person.name,
        "by_silence": consent.deemed,
        "at": consent.at,
        "figures": consent.digest,
        "void_at": consent.void_at,
        "void_reason": consent.void_reason,
        "moved": [asdict(one) for one in figure_changes(consent.content, consent.void_content)]
        if consent.void_content
        else [],
    }


@api.post("/r/{uuid:relationship}/confirmations", response={201: ConfirmedOut})
def confirm(request: HttpRequest, relationship: UUID, given: ConfirmationIn) -> Status[dict[str, Any]]:
    """Confirm a period's joint figures, named by their digest; where both sides confirm the same, they are frozen.

    409 with `figures`, `shown` and `moved` where the figures are no longer those of the digest.
    """
    member = member_of(request, Action.CONFIRM)
    review = result_or_refusal(lambda: reviews.review(member.joint(), given.period))
    entry = closing.confirm(member, review, given.period, given.figures, given.shown)
    return Status(201, {"period": given.period, "frozen": None if entry is None else entry.digest})


@api.post("/r/{uuid:relationship}/restatements", response={201: RestatementOut})
def restate(request: HttpRequest, relationship: UUID, given: RestatementIn) -> Status[dict[str, Any]]:
    """Set what the records say now beside what was frozen, with the reason."""
    member = member_of(request, Action.CONFIRM)
    review = result_or_refusal(lambda: reviews.review(member.joint(), given.period))
    entry = closing.restate(member, review, given.period, given.reason)
    return Status(201, {"number": entry.number, "digest": entry.digest})


@api.get("/r/{uuid:relationship}/comments", response=CommentsOut)
def period_comments(request: HttpRequest, relationship: UUID, period: str) -> dict[str, Any]:
    """What each side says about a period, with every version."""
    return _comments_out(member_of(request), period)


@api.post("/r/{uuid:relationship}/comments", response={201: CommentsOut})
def comment(request: HttpRequest, relationship: UUID, given: CommentIn) -> Status[dict[str, Any]]:
    """Put down what the own side says about a period, until it is final; 409 where `seen` is not the last version."""
    member = member_of(request, Action.CONFIRM)
    comments.put_down(member, given.period, given.text, given.seen)
    return Status(201, _comments_out(member, given.period))


def _comments_out(member: MemberContext, period: str) -> dict[str, Any]:
    name = result_or_refusal(lambda: comments.period_name(member, period))
    fields = ("side", "number", "text", "name", "role", "stood_in_for", "at")
    return {
        "period": name,
        "comments": [
            {("person" if field == "name" else field): getattr(one, field) for field in fields}
            for those in comments.versions(member, name).values()
            for one in those
        ],
    }


@api.get("/r/{uuid:relationship}/mail", response=WishOut, exclude_unset=True)
def mail(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """Whether the token's person has the review by mail, and how."""
    return _subscription_out(member_of(request))


@api.put("/r/{uuid:relationship}/mail", response=WishOut, exclude_unset=True)
def wish(request: HttpRequest, relationship: UUID, given: WishIn) -> dict[str, Any]:
    """Have it by mail from now on."""
    member = member_of(request)
    closing.subscribe_to_mail(member, given.due, given.form, joint=given.view is View.JOINT)
    return _subscription_out(member)


@api.delete("/r/{uuid:relationship}/mail", response=WishOut, exclude_unset=True)
def no_mail(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """Have it by mail no more."""
    member = member_of(request)
    closing.unsubscribe_from_mail(member)
    return _subscription_out(member)


def _subscription_out(member: MemberContext) -> dict[str, Any]:
    subscription = reviews.mail_subscription(member)
    if subscription is None:
        return {"due": None}
    return {
        "due": subscription.due,
        "form": subscription.form,
        "view": View.JOINT if subscription.joint else View.OWN,
        "sent_at": subscription.sent_at,
    }
