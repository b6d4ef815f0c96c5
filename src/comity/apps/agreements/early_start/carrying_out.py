"""Requests that a proposed change be carried out before it is signed, and how agreed changes came about.

Which step may be taken is the core's (`core.agreements.carried_out_first`); here it is taken under the relationship's
lock, stored and told. The text in force does not change by it, and no figure of a review does.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from comity.apps.agreements import queries
from comity.apps.agreements.models import Change
from comity.apps.agreements.models import FirstStep as FirstStepRow
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.telling import mail_change, tell
from comity.apps.audit.models import Event
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.core.agreements import measured, signing
from comity.core.agreements.carried_out_first import (
    FirstKind,
    FirstState,
    FirstStep,
    carried_out_first,
    first_refusal,
    first_state,
    settled_by,
)
from comity.core.agreements.changes import Proposal, Revision
from comity.core.agreements.measured import ChangeRow, change_row
from comity.core.agreements.notice import notice_of, working_hours
from comity.core.agreements.signing import Situation, State
from comity.core.agreements.text import text
from comity.core.business_hours import Hours, NeverDueError
from comity.core.values import Side

RIGHTS: Mapping[FirstKind, Action] = {
    FirstKind.ASK: Action.DISPUTE,  # as proposing a change
    FirstKind.TAKE_BACK: Action.DISPUTE,
    FirstKind.ACCEPT: Action.AGREE,
    FirstKind.DECLINE: Action.AGREE,
}
EVENTS: Mapping[FirstKind, Event] = {
    FirstKind.ASK: Event.FIRST_ASKED,
    FirstKind.ACCEPT: Event.FIRST_ACCEPTED,
    FirstKind.DECLINE: Event.FIRST_DECLINED,
    FirstKind.TAKE_BACK: Event.FIRST_TAKEN_BACK,
}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that a change be carried out first, as it stands.

    :ivar asked: the last request; None: nobody has asked
    :ivar accepted: its acceptance; None: it was not accepted
    :ivar due: until when what is carried out has to be agreed or taken back; None: nothing is, or the agreed calendar
        has no working days
    """

    steps: tuple[FirstStep, ...]
    state: FirstState
    asked: FirstStep | None = None
    accepted: FirstStep | None = None
    due: datetime | None = None

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is carried out, and its day for being agreed or taken back is over."""
        return self.state is FirstState.CARRIED_OUT and self.due is not None and self.due < now


def first_steps(row: Change) -> list[FirstStep]:
    """Return the steps of a request as the core reads them."""
    return [
        FirstStep(
            FirstKind(step.kind), step.at, Side(step.side), step.name, step.revision, step.first_day,
            step.under_reserve, step.reason,
        )
        for step in row.first_steps.all()
    ]  # fmt: skip


def request_of(state: queries.ChangeState, now: Situation) -> Request:
    """Return how a request stands."""
    steps = first_steps(state.row)
    where = first_state(steps, state.state)
    at = next((at for at in reversed(range(len(steps))) if steps[at].kind is FirstKind.ASK), None)
    if at is None:
        return Request((), where)
    accepted = next((step for step in steps[at:] if step.kind is FirstKind.ACCEPT), None)
    due = None
    if where is FirstState.CARRIED_OUT:
        try:
            due = settled_by(steps, side_hours(now, steps[at].side))
        except NeverDueError:
            due = None
    return Request(tuple(steps), where, steps[at], accepted, due)


def side_hours(now: Situation, side: Side, day: date | None = None) -> Hours:
    """Return the working hours of a side by the text of a day; of today where none is named."""
    return working_hours(text(now.chain, day or now.today), side, now.zone)


def take(  # noqa: PLR0913 - a step, and what it says
    member: MemberContext,
    change: Change,
    kind: FirstKind,
    *,
    revision: int,
    first_day: date | None = None,
    under_reserve: bool = False,
    reason: str = "",
) -> None:
    """Ask for a change to be carried out first, accept that, decline it, or take it back.

    :param revision: of the change, that the person had before them
    :raises Refused: for those who may not, and where the request or the change stands otherwise
    """
    if member.side is None or not member.may(RIGHTS[kind]):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    if not queries.may_read_change(member, state.last.proposal, now.chain):
        raise Refused(Code.NOT_READABLE)
    steps, side = first_steps(change), member.side
    step = FirstStep(
        kind, timezone.now(), side, member.membership.person.name, revision, first_day,
        under_reserve and kind is FirstKind.ACCEPT, reason.strip(),
    )  # fmt: skip
    asked = next((one for one in reversed(steps) if one.kind is FirstKind.ASK), None)
    try:
        why = first_refusal(
            steps, step, state.state, state.last.number, step.at, side_hours(now, side if asked is None else asked.side)
        )
    except NeverDueError:  # in a calendar without working days the ten days never end
        raise Refused(Code.NOT_YOURS) from None
    if why is not None:
        raise Refused(Code(why.value))
    _store(member, change, len(steps), step)
    tell(member, change, EVENTS[kind], state.last.proposal, side.other)


def _store(member: MemberContext, change: Change, taken: int, step: FirstStep) -> None:
    try:
        with transaction.atomic():
            FirstStepRow.objects.create(
                change=change, relationship=member.relationship, number=taken + 1, kind=step.kind.value,
                side=step.side, person=member.membership.person, name=step.person, at=step.at, revision=step.revision,
                first_day=step.first_day, under_reserve=step.under_reserve, reason=step.reason,
            )  # fmt: skip
    except IntegrityError:
        raise Refused(Code.CHANGED) from None


def tell_overdue(member: MemberContext, state: queries.ChangeState, now: Situation) -> None:
    """Tell both sides, once, that what is carried out was neither agreed nor taken back by its day."""
    if state.last is None or not request_of(state, now).is_overdue(now.now):
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_first_overdue(%s)", [state.row.pk])
        (is_new,) = cursor.fetchone()
    if is_new:
        mail_change(member, state.row, Event.FIRST_OVERDUE.value, state.last.proposal, Side)


def asked_revision(state: queries.ChangeState, request: Request) -> Revision | None:
    """Return the revision that was asked to be carried out."""
    asked = request.asked
    return next((one for one in signing.revisions(state.steps) if asked and one.number == asked.revision), None)


def came_about(state: queries.ChangeState, now: Situation) -> ChangeRow | None:
    """Return how an agreed change came about, as it is measured; None for one that is not agreed."""
    if state.state is not State.AGREED or state.last is None:
        return None
    proposal, agreed_at = state.last.proposal, state.steps[-1].at
    those = signing.revisions(state.steps)
    return change_row(
        those, agreed_at, notice_of(those, now.chain, now.zone), zone=now.zone,
        hours=side_hours(now, _carrier(proposal), agreed_at.astimezone(ZoneInfo(now.zone)).date()),
        reason=_mark(state.row), first=carried_out_first(first_steps(state.row)),
    )  # fmt: skip


def _carrier(proposal: Proposal) -> Side:
    """The side whose working days count: the one that carries it out; the receiver where both do."""
    sides = proposal.carried_out_by
    return sides[0] if len(sides) == 1 else proposal.giver.other


def _mark(row: Change) -> measured.ReasonMark:
    last = next(iter(reversed(row.marks.all())), None)
    if last is None:
        return measured.ReasonMark.NOT_MARKED
    return measured.ReasonMark.SUFFICIENT if last.sufficient else measured.ReasonMark.NOT_SUFFICIENT
