"""Tasks that write what both sides agreed to into the book, and compute what a change would have meant."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.agreements import exports, operations, preview
from comity.apps.books import results
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side


@app.task(queue="records", name=operations.WRITE_TASK, retry=ExponentialBackoff())
def write(
    person: str,
    relationship: str,
    side: str,
    entry: int,  # noqa: ARG001 - which entry the job is for: what lies in the book already stays
    sides: Sequence[str] = (),  # noqa: ARG001 - to whom a failure is shown
) -> None:
    """Write every agreed change that the book does not have yet."""
    operations.write_now(UUID(person), UUID(relationship), Side(side))
    with transaction.atomic():
        results.records_changed(UUID(relationship))


@results.computes(preview.COMPUTE_PREVIEW)
def compute_preview(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what each edit of a KPI would have meant."""
    preview.previews_of_text(member, terms["kpis"])


@results.computes(exports.COMPUTE_FILE)
def make_text_file(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make the text of a day as a PDF."""
    exports.make_text_file(member, terms)
