"""Changes that nobody signed by the last day that they name: recorded as lapsed, and told to both sides."""

from django.db import connection

from comity.apps.agreements import queries
from comity.apps.agreements.models import Change
from comity.apps.agreements.telling import mail_change
from comity.apps.audit.models import Event
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import operations as record
from comity.core.agreements import signing
from comity.core.agreements.signing import Situation, StepKind
from comity.core.values import Side


def lapse_if_over(member: MemberContext, state: queries.ChangeState, now: Situation) -> None:
    """Record that a change has lapsed, once its last day for signing is over, and tell both sides.

    The database waits until that day is over in every time zone; nobody can sign in between.

    :param member: a lead, of either side: the step is nobody's
    """
    if not signing.is_over(state.steps, now):
        return
    record.lock_relationship(member)
    current = queries.change_state(member, Change.objects.get(pk=state.row.pk), now)  # as it is under the lock
    step = signing.Step(StepKind.LAPSE, now.now)
    if current.last is None or signing.refusal(current.steps, step, now) is not None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_lapse_change(%s)", [state.row.pk])
        (has_lapsed,) = cursor.fetchone()
    if has_lapsed:
        mail_change(member, state.row, Event.CHANGE_LAPSED.value, current.last.proposal, Side)
