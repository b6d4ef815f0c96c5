"""The record as a JSON file."""

import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit_read
from comity.apps.parties.member_context import member_of
from comity.apps.record import queries


@require_safe
def record_file(request: HttpRequest) -> HttpResponse:
    """Return the whole record as a file, which `comity verify` checks without this room."""
    member = member_of(request)
    audit_read(member, Event.RECORD_READ, SubjectType.RECORD)
    text = json.dumps(queries.export_entries(queries.entries(member)), ensure_ascii=False, indent=1)
    return HttpResponse(
        text, content_type="application/json", headers={"Content-Disposition": 'attachment; filename="record.json"'}
    )
