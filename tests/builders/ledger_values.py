"""Values of the ledger: obligations and transactions, without a database."""

from datetime import UTC, date, datetime

from comity.core.ledger.accounts import Transaction
from comity.core.ledger.postings import Obligation
from comity.core.values import Side

C, P = Side.CUSTOMER, Side.PROVIDER


def of(debtor, kind, promise, **more):
    return Obligation(debtor, kind, promise, **more)


def transaction(number, *lines, step=1, day=date(2026, 9, 1), cause="raise", subject=("matter", "m"), **more):
    return Transaction(number, day, datetime(2026, 9, 1, 12, tzinfo=UTC), cause, subject, step, tuple(lines), **more)
