"""Invariants of the ledger as functions, one for each; each returns what breaks it, as sentences for a log.

The database checks the same as it posts (`apps/ledger/migrations`). Zero sums alone find little: an entry for the wrong
side, or one posted twice, sums to zero too. What finds it is the recount from the steps (`core.matters.owed`).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from comity.core.ledger.accounts import Account, Amount, Line, Transaction, Way, is_kind
from comity.core.values import Side


def balances(lines: Iterable[Line]) -> dict[Account, Amount]:
    """Return the balance of each account that has lines; accounts are never added up."""
    sums: dict[Account, Amount] = {}
    for line in lines:
        known = sums.get(line.account)
        sums[line.account] = line.amount if known is None else known + line.amount
    return sums


def sums_to_zero(transaction: Transaction) -> Iterator[str]:
    """Each transaction sums to zero in each kind."""
    sums: dict[str, Amount] = {}
    for line in transaction.lines:
        kind = line.account.kind
        sums[kind] = line.amount if kind not in sums else sums[kind] + line.amount
    yield from (f"{kind} does not sum to zero" for kind, amount in sums.items() if not amount.is_zero)


def has_counter_entries(transaction: Transaction) -> Iterator[str]:
    """Each promise of a transaction has two legs: due of one side, the opposite of owes of the other."""
    by_promise: dict[str, list[Line]] = {}
    for line in transaction.lines:
        by_promise.setdefault(line.promise, []).append(line)
    for promise, legs in by_promise.items():
        sides = {leg.account.side for leg in legs}
        ways = {leg.account.way for leg in legs}
        kinds = {leg.account.kind for leg in legs}
        if sides != set(Side) or ways != set(Way) or len(legs) != len(Way) or len(kinds) != 1:
            yield f"the promise {promise} has no counter-entry"


def is_known(transaction: Transaction) -> Iterator[str]:
    """A transaction has lines, of kinds that exist."""
    if not transaction.lines:
        yield "it has no lines"
    yield from (f"{line.account.kind} is no kind" for line in transaction.lines if not is_kind(line.account.kind))


OF_A_TRANSACTION: tuple[Callable[[Transaction], Iterator[str]], ...] = (is_known, sums_to_zero, has_counter_entries)


@dataclass
class Bounds:
    """What is open of each promise as lines go by: of the two legs the opposite, and never below zero.

    Promises of which nothing is open are forgotten, so that a long ledger takes no more memory than what is open in it.
    """

    _open: dict[str, dict[Account, Decimal]] = field(default_factory=dict)

    def check(self, lines: Iterable[Line]) -> Iterator[str]:
        """Take in the lines of a transaction, and say what breaks a bound."""
        touched = {}
        for line in lines:
            accounts = touched[line.promise] = self._open.setdefault(line.promise, {})
            accounts[line.account] = accounts.get(line.account, Decimal(0)) + line.number
        for promise, accounts in touched.items():
            due = [number for account, number in accounts.items() if account.way is Way.DUE]
            owes = [number for account, number in accounts.items() if account.way is Way.OWES]
            if len(due) != 1 or len(owes) != 1 or due[0] != -owes[0]:
                yield f"what is due of {promise} is not what is owed"
            elif due[0] < 0:
                yield f"the promise {promise} is below zero"
            elif due[0] == 0:
                del self._open[promise]


@dataclass
class Order:
    """Numbers run from 1 without a gap, and each step is posted once, in order within its subject."""

    _last: int = 0
    _steps: dict[tuple[str, str], int] = field(default_factory=dict)

    def check(self, transaction: Transaction) -> Iterator[str]:
        """Take in the next transaction, and say what does not follow."""
        if transaction.number != self._last + 1:
            yield f"transaction {self._last + 1} is missing"
        self._last = transaction.number
        if transaction.step <= self._steps.get(transaction.subject, 0):
            yield "it posts a step that was posted before, or that later ones follow"
        self._steps[transaction.subject] = transaction.step


def broken(transactions: Iterable[Transaction]) -> list[str]:
    """Return every sentence about what is wrong with a whole ledger, by number; none for one that holds."""
    bounds, order, wrong = Bounds(), Order(), []
    for transaction in transactions:
        sentences = [
            *order.check(transaction),
            *(sentence for check in OF_A_TRANSACTION for sentence in check(transaction)),
            *bounds.check(transaction.lines),
        ]
        wrong += [f"transaction {transaction.number}: {sentence}" for sentence in sentences]
    return wrong


def open_promises(lines: Iterable[Line]) -> dict[tuple[str, Side, str], Decimal]:
    """Return what is open of each promise that is: key, debtor and kind."""
    numbers: dict[tuple[str, Side, str], Decimal] = {}
    for line in lines:
        if line.account.way is Way.OWES:
            key = (line.promise, line.account.side, line.account.kind)
            numbers[key] = numbers.get(key, Decimal(0)) - line.number
    return {key: number for key, number in numbers.items() if number}


def differences(posted: Mapping[tuple[str, Side, str], Decimal], counted: Iterable[tuple[Side, str]]) -> list[str]:
    """Return where what is posted as open of one subject differs from what was counted from its steps.

    :param posted: of one subject, as `open_promises` gives it
    :param counted: debtor and kind of each promise that is open by the steps
    """
    expected: dict[tuple[Side, str], int] = {}
    for one in counted:
        expected[one] = expected.get(one, 0) + 1
    actual: dict[tuple[Side, str], Decimal] = {}
    for (_, debtor, kind), number in posted.items():
        actual[debtor, kind] = actual.get((debtor, kind), Decimal(0)) + number
    return [
        f"{side.value} owes {actual.get((side, kind), Decimal(0))} {kind} by the ledger and "
        f"{expected.get((side, kind), 0)} by the steps"
        for side, kind in sorted({*expected, *actual})
        if actual.get((side, kind), Decimal(0)) != expected.get((side, kind), 0)
    ]
