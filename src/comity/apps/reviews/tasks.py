"""Jobs of the reviews: computing them, sending them by mail, and hearing silence over a period."""

import contextlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.books.queries import has_book, zone
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, acting_as, find_member, for_each_relationship
from comity.apps.parties.queries import longest_serving_leads
from comity.apps.reviews import operations, queries
from comity.core.calendars import Against

QUEUE = "reviews"


@app.task(queue=QUEUE, name=queries.COMPUTE_REVIEW, retry=ExponentialBackoff(max_attempts=3))
def compute(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    terms: Mapping[str, str | None],
    *,
    joint: bool,
    key: str,  # noqa: ARG001 - by which it is found
    since: str,  # noqa: ARG001 - told to who waits
    state: str = "",  # noqa: ARG001 - for which records it was asked
    sides: Sequence[str] = (),  # noqa: ARG001 - whom a failure concerns
) -> None:
    """Compute a review that somebody has asked for, from their place."""
    against = None if terms["against"] is None else Against(terms["against"])
    _compute(person, relationship, joint, lambda member: queries.review(member, terms["period"], against))


@app.task(queue=QUEUE, name=queries.COMPUTE_ATTRIBUTION, retry=ExponentialBackoff(max_attempts=3))
def compute_attribution(  # noqa: PLR0913 - as above
    person: str,
    relationship: str,
    terms: Mapping[str, str],
    *,
    joint: bool,
    key: str,  # noqa: ARG001 - as above
    since: str,  # noqa: ARG001 - as above
    state: str = "",  # noqa: ARG001 - as above
    sides: Sequence[str] = (),  # noqa: ARG001 - as above
) -> None:
    """Compute whose doing a service level was, from the place of who has asked."""
    _compute(person, relationship, joint, lambda member: queries.attribution(member, terms["kpi"], terms["period"]))


def _compute(person: str, relationship: str, joint: bool, compute: Callable[[MemberContext], object]) -> None:  # noqa: FBT001 - as it was deferred
    """Compute as a member; nothing where the person has left. The result is kept, an error too."""
    with transaction.atomic(), contextlib.suppress(*results.ERRORS):
        member = find_member(UUID(person), UUID(relationship))
        if member is not None:
            compute(member.joint() if joint else member)


@app.task(queue=QUEUE, name=queries.RECOMPUTE, retry=ExponentialBackoff(max_attempts=3))
def recompute(relationship: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - nobody's own
    """Have computed, after a change of the records, what was asked for lately, and the latest review of each side."""
    for_each_relationship(_recompute, only=UUID(relationship))


@app.periodic(cron="1 0 * * *")
@app.task(queue="clock", name="reviews.new_day", queueing_lock="reviews.new_day", pass_context=False)
def new_day(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """The same once a day everywhere: what is late, and what is over, changes with the day."""
    for_each_relationship(_recompute)


def _recompute(member: MemberContext) -> None:
    """Defer the jobs; first what everybody opens."""
    if not has_book(member):
        return
    results.request_result(member.joint(), queries.review_question(None))
    for person in longest_serving_leads(member):
        with acting_as(person, member.relationship.pk) as lead:
            results.request_result(lead, queries.review_question(None))
    results.recompute_recent(member.relationship.pk)


@app.periodic(cron="15 * * * *")
@app.task(queue="clock", name="reviews.mail", queueing_lock="reviews.mail", pass_context=False)
def mail(timestamp: int) -> None:
    """To everybody who wishes it, from their own place."""
    for_each_relationship(lambda member: _mail(member, datetime.fromtimestamp(timestamp, UTC)), "comity_by_mail")


def _mail(member: MemberContext, now: datetime) -> None:
    if has_book(member):
        operations.send(member, now)


@app.periodic(cron="5 * * * *")
@app.task(queue="clock", name="reviews.tick", queueing_lock="reviews.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """In every relationship, from the place of somebody who leads there."""
    for_each_relationship(_tick)


def _tick(member: MemberContext) -> None:
    if has_book(member):
        operations.hear_silence(member, zone(member))
