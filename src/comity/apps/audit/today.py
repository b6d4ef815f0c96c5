"""The log's panel on the Today page: what happened since the last visit, or the latest events."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.audit.models import AuditEvent, SubjectType
from comity.apps.audit.queries import log_events
from comity.apps.audit.sentences import Sentence, event_sentence
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.apps.parties.rights import Action
from comity.apps.personal.queries import last_visit
from comity.review.i18n.words import Words

_MAX_EVENTS = 12
_MIN_EVENTS = 6  # with those of before the last visit
Line = tuple[str, AuditEvent, Sentence, UUID | None]


def register() -> None:
    """Register the panel."""
    add_panel(Panel("audit/_news.html", PanelArea.SIDE, 90, _news))


def _news(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext:
    """Return the latest events by day and time; those since the last visit apart from those before."""
    before, today = last_visit(member), timezone.localdate(timezone=zone)
    events = list(log_events(member)[: _MAX_EVENTS + 1])
    more = len(events) > _MAX_EVENTS
    shown = events[:_MAX_EVENTS]
    new = [one for one in shown if before is None or one.at > before]
    old = shown[len(new) :][: max(_MIN_EVENTS - len(new), 0)]
    if before is None or not new:
        parts = [("", _by_day(member, new + old, words, zone))] if shown else []
    else:
        parts = [(words("news.new"), _by_day(member, new, words, zone))]
        parts += [(words("news.earlier"), _by_day(member, old, words, zone))] if old else []
    return {
        "parts": parts,
        "today": today,
        "since": "" if before is None else _since(before.astimezone(zone), today, words),
        "more": more and member.may(Action.AUDIT),
    }


def _since(at: datetime, today: date, words: Words) -> str:
    """Return when the last visit was, in words."""
    near = {today: "news.since_today", today - timedelta(days=1): "news.since_yesterday"}
    day = words.day(at.date(), year=at.year != today.year)
    return words(near.get(at.date(), "news.since"), day=day, time=f"{at:%H:%M}")


def _by_day(
    member: MemberContext, events: Sequence[AuditEvent], words: Words, zone: ZoneInfo
) -> list[tuple[date, list[Line]]]:
    """Return events by day, each with its time and sentence; titles link to their matters."""
    days: dict[date, list[Line]] = {}
    party = member.party(words)
    for event in events:
        local_time = event.at.astimezone(zone)
        matter = event.subject_id if event.subject_type == SubjectType.MATTER else None
        days.setdefault(local_time.date(), []).append(
            (f"{local_time:%H:%M}", event, event_sentence(event, words, party), matter)
        )
    return list(days.items())
