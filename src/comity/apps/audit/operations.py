"""Adding events to the log."""

from collections.abc import Mapping

from django.db.models import Model
from django.utils import timezone

from comity.apps.audit.models import FIELDS, READS, AuditEvent, Event, SubjectType
from comity.apps.parties.member_context import MemberContext

Subject = Model | SubjectType | None


def audit(
    member: MemberContext,
    event: Event,
    subject: Subject = None,
    data: Mapping[str, object] | None = None,
    *,
    shared: bool = False,
) -> AuditEvent:
    """Add an event to the log, as done by whoever stands there.

    :param subject: the row that it is about, or what sort of thing where that is no row
    :param data: JSON, with at least the event's `FIELDS`
    :param shared: whether both sides read it; what somebody neutral does both sides read in any case
    :raises ValueError: for data without one of the event's fields
    """
    data = dict(data or {})
    missing = [name for name in FIELDS[event] if name not in data]
    if missing:
        raise ValueError(f"{event} needs {', '.join(missing)}")
    return AuditEvent.objects.create(
        relationship=member.relationship,
        person=member.membership.person,
        side=member.side,
        event=event,
        **_subject(subject),
        data=data,
        shared=shared or member.side is None,
    )


def audit_read(
    member: MemberContext, event: Event, subject: Subject = None, data: Mapping[str, object] | None = None
) -> None:
    """Add to the log that somebody has read what the sides share; once a day for each thing, whoever it is.

    Both sides read it: a record that both rely on says who has seen what.

    :param event: one of `READS`
    """
    if event not in READS:
        raise ValueError(f"{event} is no reading")
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    known = AuditEvent.objects.filter(
        relationship=member.relationship, at__gte=today, person=member.membership.person, event=event
    )
    if not known.filter(**_subject(subject), data=dict(data or {})).exists():
        audit(member, event, subject, data, shared=True)


def _subject(subject: Subject) -> dict[str, object]:
    """The two columns that name a subject."""
    if isinstance(subject, Model):
        return {"subject_type": SubjectType(type(subject).__name__.lower()), "subject_id": subject.pk}
    return {"subject_type": subject, "subject_id": None}
