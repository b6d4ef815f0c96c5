"""Tasks that write agreed KPIs into the book, and compute what KPIs came to."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.kpis import operations, values
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side


@app.task(queue="records", name=operations.WRITE_TASK, retry=ExponentialBackoff())
def write(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    side: str,
    entry: int,
    content: Mapping[str, Any],
    sides: Sequence[str] = (),  # noqa: ARG001 - to whom a failure is shown
) -> None:
    """Write what was agreed, or what one side proposes while it is alone, into the book."""
    operations.write_now(UUID(person), UUID(relationship), Side(side), entry, content)
    with transaction.atomic():
        results.records_changed(UUID(relationship))


@results.computes(values.COMPUTE_VALUES)
def compute_values(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what KPIs came to."""
    values.values_of_text(member, terms["kpis"])
