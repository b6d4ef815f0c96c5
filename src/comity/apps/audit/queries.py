"""Queries of the log. Each returns only what row-level security lets the viewer see."""

from django.db.models import QuerySet

from comity.apps.audit.models import READ_EVENTS, AuditEvent
from comity.apps.parties.member_context import MemberContext


def log_events(member: MemberContext, *, reads: bool = False) -> QuerySet[AuditEvent]:
    """Return the events that the viewer may read, newest first.

    :param reads: those of `READ_EVENTS` instead of all others
    """
    # The policies filter by relationship too, but the planner cannot estimate the rows that they leave.
    events = AuditEvent.objects.filter(relationship=member.relationship).order_by("-at", "-pk")
    events = events.filter(event__in=READ_EVENTS) if reads else events.exclude(event__in=READ_EVENTS)
    columns = ("at", "side", "event", "subject_type", "subject_id", "data", "shared", "person__name")
    return events.select_related("person").only(*columns)
