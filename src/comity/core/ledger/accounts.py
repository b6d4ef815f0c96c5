"""Accounts, amounts, lines and transactions of the ledger: small immutable values.

An account is a side, a way (`due`: what the side is owed; `owes`: what it owes) and a kind: one of the kinds of
promises, which are counted, or a currency, whose amounts are exact. What is owed to a side is positive, what it owes
negative.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from comity.core.values import Side

ANSWER, ACTION, RECORDS, DECISION = "answer", "action", "records", "decision"
PROMISE_KINDS = (ANSWER, ACTION, RECORDS, DECISION)  # counted, and never valued
MONEY = "money"  # every currency, where a word for all of them is needed; no account has it
_CURRENCY = re.compile(r"[A-Z]{3}")


class MixedKindsError(TypeError):
    """A sum of two kinds, which the ledger never makes."""


def is_kind(text: str) -> bool:
    """Whether a text names a kind of promises or a currency by its three letters (ISO 4217)."""
    return text in PROMISE_KINDS or _CURRENCY.fullmatch(text) is not None


class Way(StrEnum):
    """The two accounts of a side for each kind."""

    DUE = "due"  # what the side is owed
    OWES = "owes"  # what the side owes


class End(StrEnum):
    """How a promise ended."""

    KEPT = "kept"  # answered, or done as both say
    LET_OFF = "let_off"  # the side that it is owed to no longer asks for it
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"  # it is no longer asked for, or was taken back
    DEEMED = "deemed"  # an answer that silence gave


@dataclass(frozen=True, slots=True, order=True)
class Account:
    """An account of the ledger."""

    side: Side
    way: Way
    kind: str


@dataclass(frozen=True, slots=True)
class Amount:
    """An amount of one kind; sums of two kinds are refused.

    :ivar number: promises, or units of a currency, exact
    """

    kind: str
    number: Decimal

    def __add__(self, other: "Amount") -> "Amount":
        """Add an amount of the same kind.

        :raises MixedKindsError: for another kind
        """
        if other.kind != self.kind:
            raise MixedKindsError(f"{self.kind} and {other.kind} are never added up")
        return Amount(self.kind, self.number + other.number)

    def __neg__(self) -> "Amount":
        """The opposite."""
        return Amount(self.kind, -self.number)

    @property
    def is_zero(self) -> bool:
        """Whether nothing is owed."""
        return self.number == 0


@dataclass(frozen=True, slots=True, order=True)
class Line:
    """One leg of an entry: an account, an amount of its kind, and the promise that it is about.

    :ivar promise: key of the promise
    :ivar ended: how the promise ended by this line; of a line that reopens one, how it had ended; None where one opens
    :ivar late_by_first: of a promise that was kept: whether after the first agreed day
    :ivar late_by_last: whether after the last agreed day
    """

    account: Account
    number: Decimal
    promise: str
    ended: End | None = None
    late_by_first: bool = False
    late_by_last: bool = False

    @property
    def amount(self) -> Amount:
        """The number with its kind."""
        return Amount(self.account.kind, self.number)


@dataclass(frozen=True, slots=True)
class Transaction:
    """What one step posted: a header and its lines.

    :ivar number: place among the transactions of the relationship, from 1
    :ivar day: on which it counts
    :ivar recorded_at: when it was written
    :ivar cause: the step's move, a delivery, a closing
    :ivar subject: type and id of what it is about
    :ivar for_day: the day on which it would have counted, where that lies in a period that was final already
    """

    number: int
    day: date
    recorded_at: datetime
    cause: str
    subject: tuple[str, str]
    step: int
    lines: tuple[Line, ...]
    side: Side | None = None
    for_day: date | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What one side promised, and what became of it.

    :ivar days: the agreed days in the order in which they were agreed, each with the day on which that was
    :ivar promised: the largest amount that was open
    """

    key: str
    debtor: Side
    kind: str
    opened_on: date
    days: tuple[tuple[date, date], ...] = ()
    promised: Decimal = Decimal(1)
    closed_on: date | None = None
    ended: End | None = None
    done_on: date | None = None
    subject: tuple[str, str] = ("", "")

    @property
    def first_due_on(self) -> date | None:
        """The first agreed day."""
        return self.days[0][1] if self.days else None

    @property
    def moved(self) -> int:
        """How often another day was agreed on."""
        return max(0, len(self.days) - 1)

    def due_on(self, as_of: date) -> date | None:
        """Return the last day that had been agreed on by the end of a day; None for none."""
        agreed = [due for said, due in self.days if said <= as_of]
        return agreed[-1] if agreed else self.first_due_on
