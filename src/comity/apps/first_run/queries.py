"""How far the first run of a relationship is: four steps, worked out from what is there, so that each can wait."""

from dataclasses import dataclass
from enum import StrEnum

from comity.apps.agreements import queries as agreements
from comity.apps.books import queries as books
from comity.apps.books.contents import tables
from comity.apps.kpis import queries as kpis
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.queries import open_invitations
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies import queries as replies
from comity.apps.replies.queries import Calendar
from comity.apps.replies.refusals import Code
from comity.book.definition import UnusableBookError


class StepName(StrEnum):
    """What is done in a step."""

    ORGANISATIONS = "organisations"
    RECORDS = "records"
    KPIS = "kpis"
    INVITATION = "invitation"


class StepState(StrEnum):
    """How far a step is."""

    DONE = "done"
    WAITING = "waiting"  # for the other side
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Step:
    """One of the four steps.

    :ivar minutes: that it takes
    :ivar may: whether the viewer may do it
    :ivar is_next: whether it is the first that the viewer can do now
    """

    name: StepName
    state: StepState
    minutes: int
    may: bool
    is_next: bool = False


# What each further table lets people see: the key of its sentence, and the tables that it takes.
OPENS = (
    ("levels", ("contacts",)),
    ("answers", ("surveys",)),
    ("causes", ("forecasts", "schedules")),
    ("paid", ("invoices",)),
)
_MINUTES = {StepName.ORGANISATIONS: 2, StepName.RECORDS: 10, StepName.KPIS: 5, StepName.INVITATION: 1}


def steps(member: MemberContext) -> list[Step]:
    """Return the four steps in order."""
    states = {
        StepName.ORGANISATIONS: (StepState.DONE, member.may(Action.INVITE)),
        StepName.RECORDS: (_records_state(member), member.may(Action.BRING)),
        StepName.KPIS: (_kpis_state(member), member.may(Action.AGREE)),
        StepName.INVITATION: (_invitation_state(member), member.may(Action.INVITE)),
    }
    following = next((name for name, (state, may) in states.items() if state is StepState.OPEN and may), None)
    return [Step(name, state, _MINUTES[name], may, name is following) for name, (state, may) in states.items()]


def is_done(found: list[Step]) -> bool:
    """Return whether nothing of the first run is left."""
    return all(step.state is StepState.DONE for step in found)


def opened_by_records(member: MemberContext) -> list[tuple[str, tuple[str, ...], bool]]:
    """Return what tables let people see, the tables that it takes, and whether they are there."""
    there = _tables(member)
    return [(key, needs, there.issuperset(needs)) for key, needs in OPENS]


def _tables(member: MemberContext) -> set[str]:
    return {table["name"] for table in tables(member)} if books.has_book(member) else set()


def own_calendar(member: MemberContext) -> Calendar:
    """Return the calendar of the viewer's side that it has proposed, or else the one that holds.

    :raises Refused: for those on neither side
    """
    side = member.side
    if side is None:
        raise Refused(Code.NOT_YOURS)
    proposal = replies.proposed_calendars(member).get(side)
    if proposal is not None:
        return Calendar.from_content(proposal.content)
    return replies.calendar_of(member.relationship, side, replies.default_zone(member))


def has_days_off(member: MemberContext) -> bool:
    """Return whether days off of the viewer's side are agreed to, or proposed."""
    return bool(own_calendar(member).free_days)


def _records_state(member: MemberContext) -> StepState:
    return StepState.DONE if _tables(member) else StepState.OPEN


def _kpis_state(member: MemberContext) -> StepState:
    if not books.has_book(member):
        return StepState.OPEN
    if kpis.agreed_terms(member) or kpis.is_in_agreement(member):
        return StepState.DONE  # by the record: the book has them a moment later
    first_text = proposed_text(member)
    if first_text is not None:
        return StepState.OPEN if agreements.waiting_side(first_text) is member.side else StepState.WAITING
    waiting = kpis.proposal(member)
    in_force = kpis.kpis_in_force(member)
    if in_force and all(kpi.agreed for kpi in in_force):
        return StepState.DONE
    return StepState.OPEN if waiting is None or waiting.side != member.side else StepState.WAITING


def proposed_text(member: MemberContext) -> agreements.ChangeState | None:
    """Return the latest change of the agreement that is proposed while nothing is agreed yet; None where none is."""
    if not books.has_book(member) or kpis.is_in_agreement(member):
        return None
    changes = agreements.change_states(member, only_open=True)
    return next((one for one in changes if agreements.waiting_side(one) is not None), None)


def _invitation_state(member: MemberContext) -> StepState:
    if member.side is None or kpis.has_people(member, member.side.other):
        return StepState.DONE
    invited = any(one.side == member.side.other for one in open_invitations(member))
    return StepState.WAITING if invited else StepState.OPEN


def steps_or_none(member: MemberContext) -> list[Step] | None:
    """Return the steps for those who can do one, until all are done; None for all others."""
    if (
        member.side is None
        or member.relationship.is_sample
        or not any(member.may(one) for one in (Action.BRING, Action.AGREE, Action.INVITE))
    ):
        return None
    try:
        found = steps(member)
    except UnusableBookError:  # which other pages tell
        return None
    return None if is_done(found) else found
