"""The log's panel on the Today page: the latest events."""

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.audit.models import AuditEvent, SubjectType
from comity.apps.audit.queries import log_events
from comity.apps.audit.sentences import Sentence, event_sentence
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words

_MAX_EVENTS = 8


def register() -> None:
    """Register the panel."""
    add_panel(Panel("audit/_news.html", PanelArea.SIDE, 90, _news))


def _news(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:
    """Return the latest events by day and time of the relationship's zone; titles link to their matters."""
    days: dict[date, list[tuple[str, AuditEvent, Sentence, UUID | None]]] = {}
    party = member.party(words)
    for event in log_events(member)[:_MAX_EVENTS]:
        local_time = event.at.astimezone(zone)
        matter = event.subject_id if event.subject_type == SubjectType.MATTER else None
        days.setdefault(local_time.date(), []).append(
            (f"{local_time:%H:%M}", event, event_sentence(event, words, party), matter)
        )
    return {"days": list(days.items()), "today": timezone.localdate(timezone=zone)}
