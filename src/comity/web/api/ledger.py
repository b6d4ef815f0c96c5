"""What each side owes the other."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from comity.apps.ledger import queries
from comity.apps.ledger.filters import read_filters
from comity.apps.ledger.schemas import LedgerOut, LedgerQuery
from comity.apps.parties.member_context import member_of
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/ledger", response=LedgerOut)
def ledger_of(request: HttpRequest, relationship: UUID, asked_for: Query[LedgerQuery]) -> dict[str, Any]:
    """The ledger over a span: what each side owes by kind, and the transactions, the latest first."""
    member = member_of(request)
    asked = {"period": asked_for.period, "owes": asked_for.owes or "", "kind": asked_for.kind}
    if asked_for.from_day and asked_for.to_day:
        asked |= {"from": asked_for.from_day.isoformat(), "to": asked_for.to_day.isoformat()}
    filters = read_filters(asked, queries.calendar(member), queries.today(member))
    made, counted = queries.statement_of(member, filters.span), queries.last_recount(member)
    return {
        "first_day": filters.span.start,
        "last_day": filters.span.end - timedelta(days=1),
        "rows": [row for row in made.rows if filters.owes in {"", row.debtor} and filters.kind in {"", row.kind}],
        "holds": queries.agrees(made, queries.balances(member, filters.span.end)),
        "not_recorded": queries.unrecorded(),
        "recounted_at": None if counted is None else counted.at,
        "differences": 0 if counted is None else len(counted.differences),
        "transactions": queries.page_of_transactions(member, filters, asked_for.page),
    }
