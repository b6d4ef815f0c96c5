"""Tasks that write what both sides agreed to, compute figures of a change, and follow up what time alone brings."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.agreements import exports, operations
from comity.apps.agreements.deadlines import follow_up
from comity.apps.agreements.early_start import figures as asked_figures
from comity.apps.agreements.outcomes import afterwards
from comity.apps.agreements.preview import figures as preview
from comity.apps.books import results
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, for_each_relationship
from comity.core.values import Side


@app.task(queue="records", name=operations.WRITE_TASK, retry=ExponentialBackoff())
def write(
    person: str,
    relationship: str,
    side: str,
    entry: int,  # which the job is for: what lies in the book already stays
    sides: Sequence[str] = (),  # noqa: ARG001 - to whom a failure is shown
) -> None:
    """Write every agreed change that the book does not have yet."""
    operations.write_now(UUID(person), UUID(relationship), Side(side))
    with transaction.atomic():
        results.records_changed(UUID(relationship))
        operations.defer_tasks_after(UUID(person), UUID(relationship), Side(side), entry)


@results.computes(preview.COMPUTE_PREVIEW)
def compute_preview(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what each edit of a KPI would have meant."""
    preview.previews_of_text(member, terms["kpis"])


@results.computes(asked_figures.COMPUTE_ASKED)
def compute_asked(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute the figures by the text in force and by the one that is carried out first."""
    asked_figures.asked_figures_of_text(member, terms["kpis"], terms["since"])


@results.computes(afterwards.COMPUTE_AFTER)
def compute_afterwards(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute the KPIs of which a change expects something, month by month."""
    afterwards.values_of_text(member, terms["kpis"])


@app.task(queue=results.QUEUE, name=afterwards.BASELINE_TASK, retry=ExponentialBackoff())
def keep_baseline(
    person: str,
    relationship: str,
    side: str,
    change: str,
    sides: Sequence[str] = (),  # noqa: ARG001 - to whom a failure is shown
) -> None:
    """Store what an agreed change is held against."""
    afterwards.keep_baseline(UUID(person), UUID(relationship), Side(side), UUID(change))


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="agreements.tick", queueing_lock="agreements.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Follow up changes in every relationship, with the rights of one of its leads."""
    for_each_relationship(follow_up.follow_up_changes)


@results.computes(exports.COMPUTE_FILE)
def make_text_file(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make the text of a day as a PDF."""
    exports.make_text_file(member, terms)
