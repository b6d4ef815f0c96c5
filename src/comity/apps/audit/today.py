"""What the log puts on the page of today: what happened last."""

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.audit.models import AuditEvent, SubjectType
from comity.apps.audit.queries import log
from comity.apps.audit.sentences import Sentence, sentence
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words

_LINES = 8


def register() -> None:
    """Show it."""
    add_panel(Panel("audit/_news.html", PanelArea.SIDE, 90, _news))


def _news(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:
    """By day and time of the relationship's zone; titles lead to their matters."""
    days: dict[date, list[tuple[str, AuditEvent, Sentence, UUID | None]]] = {}
    party = member.party(words)
    for event in log(member)[:_LINES]:
        at = event.at.astimezone(zone)
        matter = event.subject_id if event.subject_type == SubjectType.MATTER else None
        days.setdefault(at.date(), []).append((f"{at:%H:%M}", event, sentence(event, words, party), matter))
    return {"days": list(days.items()), "today": timezone.localdate(timezone=zone)}
