"""What time does to matters: a reminder before a reply is due. Silence accepts none."""

import logging
from collections.abc import Callable
from functools import partial

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.matters import operations, queries
from comity.apps.matters.models import Matter
from comity.apps.parties.member_context import MemberContext, for_each_relationship


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="matters.tick", queueing_lock="matters.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """In every relationship, from the place of somebody who leads there."""
    for_each_relationship(_tick)


def _tick(member: MemberContext) -> None:
    for matter in queries.to_remind(member):
        _apart(partial(operations.remind, member, matter), matter)


def _apart(work: Callable[[], object], matter: Matter) -> None:
    """Do it in a transaction of its own; what goes wrong in one matter keeps no other waiting."""
    try:
        with transaction.atomic():
            work()
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for matter %s", matter.pk)
