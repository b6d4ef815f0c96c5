"""The record of a relationship."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.parties.member_context import member_of
from comity.apps.record import queries
from comity.apps.record.schemas import RecordOut
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/record", response=RecordOut, by_alias=True)
def record(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The record, `comity.record/1`: `comity verify` checks it."""
    member = member_of(request)
    audit_read(member, Event.RECORD_READ, SubjectType.RECORD)
    return queries.export_entries(queries.entries(member))
