"""The clock of priorities: a round ends once its last day is over; a side that has not sealed is reminded before."""

from datetime import timedelta

from django.core.cache import cache
from procrastinate.contrib.django import app

from comity.apps.agreements import queries as agreements
from comity.apps.books.queries import has_book
from comity.apps.parties.member_context import MemberContext, acting_as, for_each_relationship
from comity.apps.parties.queries import longest_serving_leads
from comity.apps.priorities import operations, queries

_KEPT_S = 7 * 86_400


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="priorities.tick", queueing_lock="priorities.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """End and remind in every relationship, with the rights of one of its leads."""
    for_each_relationship(_follow_up)


def _follow_up(member: MemberContext) -> None:
    if not has_book(member) or operations.end_expired(member):
        return
    row = queries.open_round(member)
    if row is None or row.closes_on - agreements.today(member) > timedelta(days=operations.REMIND_DAYS):
        return
    key = f"priorities_reminded:{row.pk}"  # of the round and not of a side, so that it says nothing of either
    if cache.get(key):
        return
    for person in longest_serving_leads(member):
        with acting_as(person, member.relationship.pk) as lead:
            operations.remind(lead, row)
    cache.set(key, True, _KEPT_S)
