"""Tasks that write agreed KPIs into the book, and compute what KPIs came to."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.kpis import operations, values
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import find_member
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


@app.task(queue="reviews", name=values.COMPUTE_VALUES, retry=ExponentialBackoff(max_attempts=3))
def compute_values(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    terms: Mapping[str, str],
    *,
    joint: bool,
    key: str,  # noqa: ARG001 - by which it is found
    since: str,  # noqa: ARG001 - told to who waits
    state: str = "",  # noqa: ARG001 - for which records it was asked
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Compute what KPIs came to, with the rights of the person who asked for it."""
    with transaction.atomic(), contextlib.suppress(*results.ERRORS):
        member = find_member(UUID(person), UUID(relationship))
        if member is not None:
            values.values_of_text(member.joint() if joint else member, terms["kpis"])
