"""What time alone brings about for a change, by the periodic job: told to both sides, once, and nobody's step."""

import logging
from collections.abc import Callable
from functools import partial

from django.db import transaction
from django.db.models import Model

from comity.apps.agreements import queries
from comity.apps.agreements.deadlines import lapses, term_days
from comity.apps.agreements.early_start import carrying_out
from comity.apps.books import queries as books
from comity.apps.parties.member_context import MemberContext


def follow_up_changes(member: MemberContext) -> None:
    """Follow up the changes of a relationship that are under way, and the days of its term.

    :param member: a lead of it
    """
    if books.readable_definition(member) is None:
        return
    now = queries.situation(member)
    for state in queries.change_states(member, only_open=True):
        if state.last is None:
            continue
        _in_own_transaction(partial(lapses.lapse_if_over, member, state, now), state.row)
        _in_own_transaction(partial(carrying_out.tell_overdue, member, state, now), state.row)
    _in_own_transaction(partial(term_days.remind_of_term, member, now), member.relationship)


def _in_own_transaction(work: Callable[[], object], of: Model) -> None:
    """Run work in a transaction of its own, and log an error, so that it does not stop the rest."""
    try:
        with transaction.atomic():
            work()
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for %s %s", type(of).__name__, of.pk)
