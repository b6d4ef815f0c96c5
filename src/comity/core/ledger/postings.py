"""Postings of a step: the difference between what was open before it and what is open after it, as double entry.

For each obligation that opens, the side that is owed gets `due` and the side that owes gets `owes`; one that closes is
posted as the exact reverse. Nothing else is ever posted, so that every rule about who owes what is a rule about
positions, and a step that changes no position posts nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from comity.core.ledger.accounts import Account, End, Line, Way, is_kind
from comity.core.values import Side


@dataclass(frozen=True, slots=True)
class Obligation:
    """What one side owes the other now.

    :ivar promise: key, unique in the relationship; an obligation that goes on keeps it
    :ivar due_on: the agreed day, as it is agreed now
    :ivar done_on: when the debtor said that it was done; None again where the other side says that it is not
    """

    debtor: Side
    kind: str
    promise: str
    number: Decimal = Decimal(1)
    due_on: date | None = None
    done_on: date | None = None


Position = tuple[Obligation, ...]


class UnusablePositionError(ValueError):
    """A position that cannot be posted: says what is wrong with it."""


def postings(before: Position, after: Position, end: End | None = None) -> tuple[Line, ...]:
    """Return the lines that a step posts: those that close, then those that open, each with its counter-entry.

    :param end: how the promises ended that close by this step
    :raises UnusablePositionError: for a promise that stands twice in a position, an amount below zero, an unknown kind,
        and a promise whose debtor or kind changes
    """
    was, now = _by_promise(before), _by_promise(after)
    changed = [*(one for key, one in was.items() if key not in now), *now.values()]
    lines: list[Line] = []
    for one in changed:
        earlier, later = was.get(one.promise), now.get(one.promise)
        if earlier is not None and later is not None and (earlier.debtor, earlier.kind) != (later.debtor, later.kind):
            raise UnusablePositionError(f"the promise {one.promise} changes its debtor or its kind")
        difference = _number(later) - _number(earlier)
        if difference:
            lines += _entry(one, difference, end if difference < 0 else None)
    return tuple(lines)


def _number(obligation: Obligation | None) -> Decimal:
    return Decimal(0) if obligation is None else obligation.number


def _by_promise(position: Iterable[Obligation]) -> dict[str, Obligation]:
    by_promise: dict[str, Obligation] = {}
    for one in position:
        if one.promise in by_promise:
            raise UnusablePositionError(f"the promise {one.promise} stands twice in a position")
        if one.number < 0 or not is_kind(one.kind):
            raise UnusablePositionError(f"the promise {one.promise} is below zero or of no kind")
        by_promise[one.promise] = one
    return by_promise


def _entry(one: Obligation, number: Decimal, end: End | None) -> tuple[Line, Line]:
    return (
        Line(Account(one.debtor.other, Way.DUE, one.kind), number, one.promise, end),
        Line(Account(one.debtor, Way.OWES, one.kind), -number, one.promise, end),
    )
