"""Reply times: each side's calendar, and whether silence counts."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Status

from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.rights import Action
from comity.apps.replies import operations, queries
from comity.apps.replies.queries import Calendar
from comity.apps.replies.schemas import (
    AgreedOut,
    AgreementIn,
    CalendarIn,
    CalendarOut,
    ProposedOut,
    RepliesOut,
    SilenceIn,
    SilenceOut,
)
from comity.core.values import Side
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/replies", response=RepliesOut)
def replies(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """When each side answers, what is proposed, and whether silence may confirm a period."""
    return _replies_out(member_of(request))


def _replies_out(member: MemberContext) -> dict[str, Any]:
    here = queries.default_zone(member)
    calendars = [CalendarOut.of(side, queries.calendar_of(member.relationship, side, here)) for side in Side]
    proposed = [
        CalendarOut.of(side, Calendar.from_content(w.content), w)
        for side, w in queries.proposed_calendars(member).items()
    ]
    return {
        "reply_days": member.relationship.reply_days,
        "calendars": calendars,
        "proposed": proposed,
        "silence": [SilenceOut.of(term) for term in queries.silence_terms(member).values()],
        "silence_since": queries.silence_since(member),
    }


@api.post("/r/{uuid:relationship}/calendars", response={201: ProposedOut})
def propose_calendar(request: HttpRequest, relationship: UUID, given: CalendarIn) -> Status[dict[str, Any]]:
    """Propose when the own side answers; it counts once the other side has agreed."""
    member = member_of(request, Action.AGREE)
    word = operations.propose_calendar(member, given.calendar)
    return Status(201, {"id": word.pk, "digest": word.digest})


@api.post("/r/{uuid:relationship}/calendars/agreement", response={201: AgreedOut})
def agree_calendar(request: HttpRequest, relationship: UUID, given: AgreementIn) -> Status[dict[str, Any]]:
    """Agree to the calendar that the other side proposes, by its digest."""
    member = member_of(request, Action.AGREE)
    entry = operations.agree_to_calendar(member, given.digest)
    return Status(201, {"number": entry.number, "digest": entry.digest})


@api.put("/r/{uuid:relationship}/silence", response=RepliesOut)
def silence(request: HttpRequest, relationship: UUID, given: SilenceIn) -> dict[str, Any]:
    """Say for the own side whether silence may confirm a period; it does where both sides say so."""
    member = member_of(request, Action.AGREE)
    operations.set_silence(member, accepts=given.accepts)
    return _replies_out(member)
