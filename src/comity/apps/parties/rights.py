"""The actions that each role may perform, in one table; nothing else is allowed."""

from datetime import date
from enum import StrEnum

from comity.apps.parties.models import Membership, Role


class Action(StrEnum):
    """An action in a relationship."""

    READ = "read"  # the review, matters, what is shared
    READ_OWN = "read_own"  # what the own side keeps to itself
    READ_MONEY = "read_money"  # own costs, prices, margins
    READ_PEOPLE = "read_people"  # own agents and rosters
    BRING = "bring"  # records
    DISPUTE = "dispute"  # a figure; claim an exclusion
    ANSWER = "answer"  # what the other side disputes or claims
    ACT = "act"  # agree on actions, talk
    CONFIRM = "confirm"  # a period, for the side
    AGREE = "agree"  # on reply times and on silence, for the side; choose its logo
    INVITE = "invite"  # and let people go, on the own side
    AUDIT = "audit"  # the log and who may see what


_ALL_ACTIONS = frozenset(Action)
ROLE_ACTIONS: dict[Role, frozenset[Action]] = {
    Role.LEAD: _ALL_ACTIONS,
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


# Roles that have work to do here; the others are not offered to newcomers, and whoever has one keeps it.
OFFERED_ROLES = tuple(role for role in Role if role not in {Role.FINANCE, Role.SURVEYOR})
_LANDING_PAGES: dict[Role, str] = {Role.AUDITOR: "log", Role.EXECUTIVE: "review"}


def landing_page(role: str) -> str:
    """Return the name of the URL within a relationship that people with a role come to first."""
    return _LANDING_PAGES.get(Role(role), "today")


def role_may(role: str, action: Action) -> bool:
    """Return whether a role may perform an action."""
    return action in ROLE_ACTIONS[Role(role)]


# Actions that a deputy does not get: leads alone decide about people.
NOT_DELEGATED = frozenset({Action.INVITE})


def is_active_deputy(membership: Membership, day: date) -> bool:
    """Return whether a member is deputy of another on a day, and so has the other's rights beside their own."""
    other, until = membership.stands_in_for, membership.stands_in_until
    return other is not None and other.left_at is None and until is not None and day <= until


def membership_may(membership: Membership, action: Action, day: date) -> bool:
    """Return whether a member may perform an action on a day, by their own role or as a deputy."""
    other = membership.stands_in_for
    return role_may(membership.role, action) or (
        action not in NOT_DELEGATED
        and other is not None
        and is_active_deputy(membership, day)
        and role_may(other.role, action)
    )
