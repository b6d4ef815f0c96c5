"""What time alone brings about for a change, by the periodic job: told to both sides, once, and nobody's step."""

import logging
from collections.abc import Callable
from functools import partial

from django.db import transaction

from comity.apps.agreements import carrying_out, lapses, queries
from comity.apps.books import queries as books
from comity.apps.parties.member_context import MemberContext


def follow_up_changes(member: MemberContext) -> None:
    """Follow up the changes of a relationship that are under way.

    :param member: a lead of it
    """
    if books.readable_definition(member) is None:
        return
    states = [one for one in queries.change_states(member, only_open=True) if one.last is not None]
    now = queries.situation(member) if states else None
    for state in states:
        assert now is not None
        _in_own_transaction(partial(lapses.lapse_if_over, member, state, now), state)
        _in_own_transaction(partial(carrying_out.tell_overdue, member, state, now), state)


def _in_own_transaction(work: Callable[[], object], state: queries.ChangeState) -> None:
    """Run work on a change in its own transaction, and log an error, so that it does not stop the other changes."""
    try:
        with transaction.atomic():
            work()
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for change %s", state.row.pk)
