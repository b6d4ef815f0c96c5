"""What a change is worth to one's own side in money: expected, and come; private to that side, and in no digest."""

from decimal import Decimal

from django.utils import timezone

from comity.apps.agreements import queries
from comity.apps.agreements.models import BenefitAmount, Change
from comity.apps.agreements.refusals import Code
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused


def may_note(member: MemberContext) -> bool:
    """Return whether a member reads and writes what their side keeps to itself about money."""
    return member.side is not None and member.may(Action.READ_MONEY) and member.may(Action.READ_OWN)


def noted(member: MemberContext, change: Change) -> BenefitAmount | None:
    """Return what the member's side noted of a change; None where nothing, or nothing for this member to read."""
    if not may_note(member):
        return None
    rows = BenefitAmount.objects.filter(change=change, relationship=member.relationship, side=member.side)
    return rows.select_related("person").first()


def note(member: MemberContext, change: Change, expected: Decimal | None, came: Decimal | None) -> None:
    """Note for one's own side what a change is worth to it; without a number it is taken away. Nobody is told.

    :param expected, came: in the currency of the book
    :raises Refused: for those who may not read their side's money, or the change
    """
    if not may_note(member):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "drafts")
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None or not queries.may_read_change(member, state.last.proposal, now.chain):
        raise Refused(Code.NOT_READABLE)
    rows = BenefitAmount.objects.filter(change=change, relationship=member.relationship, side=member.side)
    if expected is None and came is None:
        rows.delete()
        return
    values = {"expected": expected, "came": came, "person": member.membership.person, "at": timezone.now()}
    if not rows.update(**values):
        BenefitAmount.objects.create(change=change, relationship=member.relationship, side=str(member.side), **values)
