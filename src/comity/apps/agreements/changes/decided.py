"""On which day a change was decided: as whoever made it says, and as the other side says. Both stand.

What the change itself says is signed and stays. The other side may name another day with a reason, before it signs or
after; its last word counts beside the change's own.
"""

from datetime import date

from comity.apps.agreements import queries
from comity.apps.agreements.models import Change, DecidedWord
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.telling import change_data
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.refusal import Refused
from comity.core.agreements import signing


def said_by_other(change: Change) -> DecidedWord | None:
    """Return what the receiver of a change says of the day; None where it says nothing."""
    return change.decided_words.select_related("person").last()


def may_say(member: MemberContext, state: queries.ChangeState) -> bool:
    """Return whether it is a member's to name another day: of the side whose change it is not."""
    is_receiver = state.last is not None and member.side is state.last.proposal.giver.other
    return is_receiver and member.may(Action.ACT)


def say_decided(member: MemberContext, change: Change, day: date, because: str) -> None:
    """Say on which day the other side's change was decided.

    :raises Refused: for the side whose change it is, those who may not read it, without a reason, for a day after the
        proposal (what is proposed has been decided), and where it was said already
    """
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None or not may_say(member, state):
        raise Refused(Code.NOT_YOURS)
    if not queries.may_read_change(member, state.last.proposal, now.chain):
        raise Refused(Code.NOT_READABLE)
    if not because.strip():
        raise Refused(Code.REASON)
    if day > signing.revisions(state.steps)[0].readable_at.astimezone(now.now.tzinfo).date():
        raise Refused(Code.AFTER_PROPOSAL)
    last = said_by_other(change)
    if last is not None and (last.day, last.because) == (day, because.strip()):
        raise Refused(Code.ALREADY_SAID)
    DecidedWord.objects.create(
        change=change, relationship=member.relationship, side=member.side or "", person=member.membership.person,
        day=day, because=because.strip(),
    )  # fmt: skip
    audit(member, Event.DECISION_DISPUTED, SubjectType.AGREEMENT, change_data(change, state.last.proposal), shared=True)
