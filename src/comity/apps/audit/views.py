"""The log, as a page and as a file."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from comity.apps.audit import queries
from comity.apps.audit.models import AuditEvent
from comity.apps.audit.sentences import in_english, sentence
from comity.apps.i18n import language, words_for
from comity.apps.paging import paged
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.apps.sheet import csv_file

_LINES = 100
_COLUMNS = ("at", "by", "side", "action", "about", "event", "subject", "data")


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """What was done, or read, and by whom: what both sides read, and what the own side did."""
    member, words = member_of(request, Action.AUDIT), words_for(language())
    reads = request.GET.get("what") == "reads"
    page = paged(request, queries.log(member, reads=reads), _LINES)
    lines = [(event, sentence(event, words, member.party(words))) for event in page]
    tabs = [(not reads, "", words("log.done")), (reads, "what=reads", words("log.reads"))]
    return render(request, "audit/log.html", {"page": page, "tabs": tabs, "lines": lines})


@require_safe
def log_file(request: HttpRequest) -> HttpResponse:
    """The whole log that the viewer may read, as a file."""
    member = member_of(request, Action.AUDIT)
    events = [*queries.log(member), *queries.log(member, reads=True)]
    return csv_file("log.csv", _COLUMNS, map(_row, events))


def _row(event: AuditEvent) -> tuple[str, ...]:
    """An event as `_COLUMNS` names it; what is nobody's doing has neither `by` nor `side`."""
    by, side = ("", "") if event.person is None else (event.person.name, event.side or "neutral")
    subject = " ".join(str(part) for part in (event.subject_type, event.subject_id) if part)
    data = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    return event.at.isoformat(), by, side, *in_english(event), event.event, subject, data
