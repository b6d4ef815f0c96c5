"""The ledger as the API gives it."""

from datetime import date, datetime
from decimal import Decimal
from uuid import UUID

from ninja import Field, Schema

from comity.core.ledger.accounts import End, Way
from comity.core.ledger.statement import AGE_LIMITS
from comity.core.values import Side

_AGES = ", ".join(f"up to {limit}" for limit in AGE_LIMITS)


class LedgerQuery(Schema):
    """Which span: a period by its name, or days, both included; else the month so far."""

    period: str = Field("", max_length=12, description="2026, 2026-Q2, 2026-06 or 2026-W23")
    from_day: date | None = Field(None, alias="from")
    to_day: date | None = Field(None, alias="to")
    owes: Side | None = Field(None, description="entries of what one side owes alone")
    kind: str = Field("", max_length=10, description="entries of one kind alone: a kind of promises, or a currency")
    page: int = Field(1, ge=1, le=10_000)


class OwedOut(Schema):
    """What one side owes of one kind, over the span. Rows of two kinds, or two sides, are not to be added up."""

    debtor: Side
    kind: str
    opening: Decimal
    taken_on: Decimal
    kept: Decimal
    kept_by_first: Decimal = Field(description="of these by the first agreed day")
    kept_by_last: Decimal = Field(description="of these by the last agreed day")
    deemed: Decimal
    let_off: Decimal
    broken: Decimal
    withdrawn: Decimal
    closing: Decimal
    late: int = Field(description="of those open at the end, past their day")
    long_late: int = Field(description="of these by over 20 working days, which counts as broken")
    ages: list[int] = Field(description=f"of those open at the end, in working days: {_AGES}, and over")
    oldest_days: int | None


class LineOut(Schema):
    """One leg of an entry."""

    side: Side
    way: Way
    kind: str
    amount: Decimal
    promise: str
    ended: End | None
    late_by_first: bool
    late_by_last: bool


class TransactionOut(Schema):
    """What one step posted, with both legs of each entry."""

    number: int
    day: date
    for_day: date | None = Field(description="the day on which it happened, where its period was final")
    recorded_at: datetime
    cause: str
    subject_type: str
    subject_id: UUID
    step: int
    side: Side | None
    entry: int = Field(description="number of its entry in the record")
    lines: list[LineOut]


class LedgerOut(Schema):
    """The ledger over a span."""

    first_day: date
    last_day: date
    rows: list[OwedOut]
    holds: bool = Field(description="whether the rows close with both accounts of each side")
    not_recorded: list[str] = Field(
        description="kinds that nobody records yet, of which no row says that there are none"
    )
    recounted_at: datetime | None
    differences: int = Field(description="that the last recount from the steps found")
    transactions: list[TransactionOut] = Field(description="of the span, the latest first, 100 a page")
