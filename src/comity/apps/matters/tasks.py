"""Tasks of matters: a reminder before a reply is due (silence accepts none), and what a claim would change."""

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.matters import operations, queries
from comity.apps.matters.models import Matter
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, find_member, for_each_relationship


@app.task(queue="reviews", name=queries.COMPUTE_CLAIM, retry=ExponentialBackoff(max_attempts=3))
def compute_claim_effect(  # noqa: PLR0913 - as it was deferred
    person: str,
    relationship: str,
    terms: Mapping[str, str],
    *,
    joint: bool,  # noqa: ARG001 - its figures are the joint ones
    key: str,  # noqa: ARG001 - by which it is found
    since: str,  # noqa: ARG001 - shown to those who wait
    state: str = "",  # noqa: ARG001 - for which records it was asked
    sides: Sequence[str] = (),  # noqa: ARG001 - whom a failure concerns
) -> None:
    """Compute what a claim would change, with the rights of the person who asked for it."""
    with transaction.atomic(), contextlib.suppress(*results.ERRORS):
        member = find_member(UUID(person), UUID(relationship))
        matter = None if member is None else queries.matter(member, UUID(terms["matter"]))
        if member is not None and matter is not None:
            queries.claim_effects(member, matter)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="matters.tick", queueing_lock="matters.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Send reminders in every relationship, with the rights of one of its leads."""
    for_each_relationship(_remind_matters)


def _remind_matters(member: MemberContext) -> None:
    for matter in queries.to_remind(member):
        _in_own_transaction(partial(operations.remind, member, matter), matter)


def _in_own_transaction(work: Callable[[], object], matter: Matter) -> None:
    """Run work on a matter in its own transaction, and log an error, so that it does not stop the other matters."""
    try:
        with transaction.atomic():
            work()
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for matter %s", matter.pk)
