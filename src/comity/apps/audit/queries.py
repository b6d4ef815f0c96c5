"""What the log shows. Every query is within what the database lets the viewer see."""

from django.db.models import QuerySet

from comity.apps.audit.models import READS, AuditEvent
from comity.apps.parties.member_context import MemberContext


def log(member: MemberContext, *, reads: bool = False) -> QuerySet[AuditEvent]:
    """The events that the viewer may read, newest first: what was done, or what was read."""
    # The policies say so too, but of what they say the database does not know how many rows they are.
    events = AuditEvent.objects.filter(relationship=member.relationship).order_by("-at", "-pk")
    events = events.filter(event__in=READS) if reads else events.exclude(event__in=READS)
    columns = ("at", "side", "event", "subject_type", "subject_id", "data", "shared", "person__name")
    return events.select_related("person").only(*columns)
