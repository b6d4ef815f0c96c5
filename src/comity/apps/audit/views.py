"""The log, as a page and as a CSV file."""

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from comity.apps.audit import queries
from comity.apps.audit.filters import filter_bars, filter_query, read_filters
from comity.apps.audit.models import AuditEvent
from comity.apps.audit.sentences import english_texts, event_sentence
from comity.apps.i18n import language, words_for
from comity.apps.paging import paged
from comity.apps.parties.member_context import member_of
from comity.apps.parties.rights import Action
from comity.apps.personal.queries import saved_views
from comity.apps.sheet import csv_file

_PAGE_SIZE = 100
_COLUMNS = ("at", "by", "side", "action", "about", "event", "subject", "data")


@require_safe
def log(request: HttpRequest) -> HttpResponse:
    """Show the log: what was done, or with `what=reads` what was read; filtered and sorted as the URL asks."""
    member, words = member_of(request, Action.AUDIT), words_for(language())
    filters = read_filters(request.GET)
    page = paged(request, queries.filtered_events(member, filters), _PAGE_SIZE)
    context = {
        "page": page,
        "lines": [(event, event_sentence(event, words, member.party(words))) for event in page],
        "bars": filter_bars(member, filters, words),
        "query": filter_query(filters),
        "views": list(saved_views(member, "log")),
    }
    return render(request, "audit/log.html", context)


@require_safe
def log_file(request: HttpRequest) -> HttpResponse:
    """Return all events that the viewer may read, as a CSV file."""
    member = member_of(request, Action.AUDIT)
    events = [*queries.log_events(member), *queries.log_events(member, reads=True)]
    return csv_file("log.csv", _COLUMNS, map(_row, events))


def _row(event: AuditEvent) -> tuple[str, ...]:
    """Return an event as `_COLUMNS`; events of the room itself have neither `by` nor `side`."""
    by, side = ("", "") if event.person is None else (event.person.name, event.side or "neutral")
    subject = " ".join(str(part) for part in (event.subject_type, event.subject_id) if part)
    data = json.dumps(event.data, ensure_ascii=False, sort_keys=True)
    return event.at.isoformat(), by, side, *english_texts(event), event.event, subject, data
