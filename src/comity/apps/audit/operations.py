"""Adding events to the log."""

from collections.abc import Callable, Mapping
from datetime import date

from django.db import connection
from django.db.models import Model
from django.utils import timezone

from comity.apps.audit.models import EVENT_FIELDS, READ_EVENTS, AuditEvent, Event, SubjectType
from comity.apps.parties.member_context import MemberContext
from comity.core.values import Side

Subject = Model | SubjectType | None
Listener = Callable[[AuditEvent], None]
# Called with each event, within the transaction that writes it; higher apps register theirs.
listeners: list[Listener] = []


def audit(
    member: MemberContext,
    event: Event,
    subject: Subject = None,
    data: Mapping[str, object] | None = None,
    *,
    shared: bool = False,
) -> AuditEvent:
    """Add an event to the log, as done by the member.

    :param subject: the row that it is about, or the type of a subject that is no row
    :param data: JSON, with at least the event's `EVENT_FIELDS`
    :param shared: whether both sides may read it; events of neutral people both sides may read in any case
    :raises ValueError: for data without one of the event's fields
    """
    data = dict(data or {})
    missing = [name for name in EVENT_FIELDS[event] if name not in data]
    if missing:
        raise ValueError(f"{event} needs {', '.join(missing)}")
    return _announce(
        AuditEvent.objects.create(
            relationship=member.relationship,
            person=member.membership.person,
            side=member.side,
            event=event,
            **_subject(subject),
            data=data,
            shared=shared or member.side is None,
        )
    )


def announce(member: MemberContext, event: Event, **data: object) -> AuditEvent:
    """Call the listeners with the latest event of a kind, which a trigger of the database has just written.

    :param data: part of the event's data
    """
    events = AuditEvent.objects.filter(relationship=member.relationship, event=event, data__contains=data)
    return _announce(events.latest("at"))


def audit_late_delivery(table: str, side: Side, due: date, *, shared: bool) -> bool:
    """Add to the log that a delivery has not come by the end of its day, once; return whether it was added.

    :param shared: False for a table that the side, the viewer's own, keeps to itself
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_audit_late(%s, %s, %s, %s)", [table, str(side), due, shared])
        (added,) = cursor.fetchone()
    if added is None:
        return False
    _announce(AuditEvent.objects.get(pk=added))
    return True


def _announce(event: AuditEvent) -> AuditEvent:
    """Call the listeners with an event, and return it."""
    for listener in listeners:
        listener(event)
    return event


def audit_read(
    member: MemberContext, event: Event, subject: Subject = None, data: Mapping[str, object] | None = None
) -> None:
    """Add to the log that the member read something shared, at most once a day for each subject.

    Both sides may read the event: a record that both rely on says who has read what.

    :raises ValueError: for an event that is none of `READ_EVENTS`

    :param event: one of `READ_EVENTS`
    """
    if event not in READ_EVENTS:
        raise ValueError(f"{event} is no reading")
    midnight = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    events_today = AuditEvent.objects.filter(
        relationship=member.relationship, at__gte=midnight, person=member.membership.person, event=event
    )
    if not events_today.filter(**_subject(subject), data=dict(data or {})).exists():
        audit(member, event, subject, data, shared=True)


def _subject(subject: Subject) -> dict[str, object]:
    """Return the two columns that name a subject."""
    if isinstance(subject, Model):
        return {"subject_type": SubjectType(type(subject).__name__.lower()), "subject_id": subject.pk}
    return {"subject_type": subject, "subject_id": None}
