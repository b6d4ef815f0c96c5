"""The log: what was done, and what was read."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from comity.apps.audit.models import AuditEvent
from comity.apps.audit.queries import log_events as events_of
from comity.apps.audit.schemas import EventOut, LogQuery
from comity.apps.audit.sentences import english_texts
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/log", response=list[EventOut])
def log(request: HttpRequest, relationship: UUID, asked_for: Query[LogQuery]) -> list[dict[str, Any]]:
    """What was done, or read: what both sides read, and what the own side did; the newest first."""
    member = member_of(request, Action.AUDIT)
    return [_event_out(event) for event in asked_for.of(events_of(member, reads=asked_for.reads))]


def _event_out(event: AuditEvent) -> dict[str, Any]:
    action, about = english_texts(event)
    return {
        "at": event.at,
        "by": None if event.person is None else event.person.name,
        "side": event.side,
        "action": action,
        "about": about,
        "event": event.event,
        "subject": event.subject_type and {"type": event.subject_type, "id": event.subject_id},
        "data": event.data,
    }
