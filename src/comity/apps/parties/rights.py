"""What each role may do, in one table; whatever is not in it, nobody may."""

from datetime import date
from enum import StrEnum

from comity.apps.parties.models import Membership, Role


class Action(StrEnum):
    """What is done in a relationship."""

    READ = "read"  # the review, matters, what is shared
    READ_OWN = "read_own"  # what the own side keeps to itself
    READ_MONEY = "read_money"  # own costs, prices, margins
    READ_PEOPLE = "read_people"  # own agents and rosters
    BRING = "bring"  # records
    DISPUTE = "dispute"  # a figure; claim an exclusion
    ANSWER = "answer"  # what the other side disputes or claims
    ACT = "act"  # agree on actions, talk
    CONFIRM = "confirm"  # a period, for the side
    AGREE = "agree"  # on reply times and on silence, for the side
    INVITE = "invite"  # and let people go, on the own side
    AUDIT = "audit"  # the log and who may see what


_ALL = frozenset(Action)
MAY: dict[Role, frozenset[Action]] = {
    Role.LEAD: _ALL,
    Role.ANALYST: frozenset(
        {Action.READ, Action.READ_OWN, Action.READ_PEOPLE, Action.BRING, Action.DISPUTE, Action.ANSWER, Action.ACT}
    ),
    Role.FINANCE: frozenset({Action.READ, Action.READ_OWN, Action.READ_MONEY, Action.DISPUTE, Action.ACT}),
    Role.ROSTER: frozenset({Action.READ, Action.READ_OWN, Action.READ_PEOPLE, Action.BRING, Action.ACT}),
    Role.MEMBER: frozenset({Action.READ, Action.ACT}),
    Role.EXECUTIVE: frozenset({Action.READ, Action.READ_OWN, Action.READ_MONEY, Action.CONFIRM, Action.ACT}),
    Role.SURVEYOR: frozenset({Action.READ}),
    Role.MEDIATOR: frozenset({Action.READ, Action.ACT}),
    Role.AUDITOR: frozenset({Action.READ, Action.AUDIT}),
}


def may(role: str, action: Action) -> bool:
    """Whether a role may do it."""
    return action in MAY[Role(role)]


# What a deputy does not get: who decides about people is decided by the leads alone.
NOT_HANDED_ON = frozenset({Action.INVITE})


def stands_in(membership: Membership, day: date) -> bool:
    """Whether somebody stands in for another on a day, and so has the other's rights beside their own."""
    other, until = membership.stands_in_for, membership.stands_in_until
    return other is not None and other.left_at is None and until is not None and day <= until


def may_now(membership: Membership, action: Action, day: date) -> bool:
    """Whether somebody may do it, of themselves or in another's place."""
    other = membership.stands_in_for
    return may(membership.role, action) or (
        action not in NOT_HANDED_ON and other is not None and stands_in(membership, day) and may(other.role, action)
    )
