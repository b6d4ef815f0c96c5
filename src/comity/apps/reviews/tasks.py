"""Tasks that compute reviews, mail them, and follow up unanswered confirmations."""

import contextlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.books.queries import definition, has_book, zone
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, acting_as, for_each_relationship
from comity.apps.parties.queries import longest_serving_leads
from comity.apps.reviews import figure_table, logos, operations, queries, restatements
from comity.apps.reviews.figure_table import COMPUTE_FIGURES
from comity.apps.reviews.proceedings import missed_service_levels
from comity.book.definition import UnusableBookError
from comity.core.calendars import Against, named
from comity.core.values import Side


@results.computes(queries.COMPUTE_REVIEW)
def compute_review(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Compute a review, and the causes of its missed targets."""
    against = None if terms["against"] is None else Against(terms["against"])
    review = queries.review(member, terms["period"], against)
    for kpi in missed_service_levels(review):
        with contextlib.suppress(*results.ERRORS):
            queries.attribution(member, kpi, queries.period_name(member, review))


@results.computes(queries.COMPUTE_ATTRIBUTION)
def compute_attribution(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute the causes of a service level."""
    queries.attribution(member, terms["kpi"], terms["period"])


@results.computes(queries.COMPUTE_LEVEL)
def compute_level(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what a level comes from."""
    _, period = named(terms["period"], definition(member).month_starts_on)
    queries.level_detail(member, terms["kpi"], period, terms["period"])


@results.computes(COMPUTE_FIGURES)
def compute_figures(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Compute the figures of the periods that begin in a quarter; of none: defer such a job for each quarter."""
    part = terms["part"]
    if part is None:
        figure_table.request_parts(member)
    else:
        figure_table.part_rows(member, part)


@app.task(queue=results.QUEUE, name=queries.RECOMPUTE, retry=ExponentialBackoff(max_attempts=3))
def recompute(relationship: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - nobody's own
    """Defer the recent questions and the latest review of each side, after a change of the records."""
    for_each_relationship(_recompute, only=UUID(relationship))


@app.periodic(cron="1 0 * * *")
@app.task(queue="clock", name="reviews.new_day", queueing_lock="reviews.new_day", pass_context=False)
def new_day(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Defer the same in every relationship once a day, because lateness and finished periods change with the day."""
    for_each_relationship(_recompute)


# What is asked again of what other code had computed: with the terms by which these tasks are called today.
_RENEWED = {
    queries.COMPUTE_REVIEW: frozenset({"period", "against"}),
    queries.COMPUTE_ATTRIBUTION: frozenset({"kpi", "period"}),
    queries.COMPUTE_LEVEL: frozenset({"kpi", "period"}),
}


def recompute_if_upgraded() -> bool:
    """Defer the same in every relationship where other code has computed last; called when the workers start.

    No result of other code is read, so that each page would be computed while its first reader waits.
    """
    if not results.computed_by_other_code():
        return False
    for_each_relationship(partial(_recompute, renewed=_RENEWED))
    results.note_code()
    return True


def _recompute(member: MemberContext, renewed: Mapping[str, frozenset[str]] = MappingProxyType({})) -> None:
    """Defer the jobs, first the joint review, which everybody opens."""
    if not has_book(member):
        return
    results.request_result(member.joint(), queries.review_question(None))
    for person in longest_serving_leads(member):
        with acting_as(person, member.relationship.pk) as lead:
            results.request_result(lead, queries.review_question(None))
    results.recompute_recent(member.relationship.pk, renewed)


@app.task(queue="records", name=logos.WRITE_TASK, retry=ExponentialBackoff())
def write_logo(relationship: str, side: str, png: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - to whom a failure is shown
    """Write a side's logo into the book, or take it out."""
    logos.write_now(UUID(relationship), Side(side), png)


@app.task(queue=results.QUEUE, name=restatements.RESTATE_TASK, retry=ExponentialBackoff())
def restate(
    person: str,
    relationship: str,
    side: str,
    entry: int,
    sides: Sequence[str] = (),  # noqa: ARG001 - to whom a failure is shown
) -> None:
    """Restate the final periods whose figures an agreed change moves."""
    restatements.restate_by_change(UUID(person), UUID(relationship), Side(side), entry)


@app.periodic(cron="15 * * * *")
@app.task(queue="clock", name="reviews.mail", queueing_lock="reviews.mail", pass_context=False)
def mail(timestamp: int) -> None:
    """Mail the review to every subscriber for whom it is due, with their own rights."""
    for_each_relationship(lambda member: _mail_review(member, datetime.fromtimestamp(timestamp, UTC)), "comity_by_mail")


def _mail_review(member: MemberContext, now: datetime) -> None:
    if has_book(member):
        operations.mail_review_if_due(member, now)


@app.periodic(cron="5 * * * *")
@app.task(queue="clock", name="reviews.tick", queueing_lock="reviews.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Follow up unanswered confirmations, and tell of whole periods, with the rights of a lead of each relationship."""
    for_each_relationship(_follow_up_periods)


def _follow_up_periods(member: MemberContext) -> None:
    if has_book(member):
        operations.follow_up_unanswered(member, zone(member))
        with contextlib.suppress(UnusableBookError):
            operations.tell_of_whole_period(member)
