"""The mailbox's panels on the Today page: what stands still, for everybody; ages and mails not counted, for leads."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.mailbox import queries
from comity.apps.mailbox.queries import Ages
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import Panel, PanelArea, PanelContext, add_panel
from comity.review.i18n.words import Words


def register() -> None:
    """Register the panels."""
    add_panel(Panel("mailbox/_warnings.html", PanelArea.TOP, 25, _warnings))
    add_panel(Panel("mailbox/_ages.html", PanelArea.SIDE, 90, _ages))


def _warnings(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    """What keeps silence from counting, for both sides; mails of the own side that were not counted, for its leads."""
    if member.relationship.is_sample:
        return None
    sentences = [*_standstills(queries.ages(), words, zone), *_bounces(member, words)]
    if queries.leads(member):
        sentences += _not_counted(member, words, zone)
    return {"sentences": sentences} if sentences else None


def _standstills(ages: Ages, words: Words, zone: ZoneInfo) -> Iterator[str]:
    now = timezone.now()
    if ages.is_mailbox_dead(now):
        yield _since("mailbox", ages.last_reading, words, zone)
    if ages.reads and ages.is_clock_dead(now):
        yield _since("clock", ages.last_tick, words, zone)


def _since(what: str, at: datetime | None, words: Words, zone: ZoneInfo) -> str:
    if at is None:
        return words(f"mailbox.{what}_never")
    return words(f"mailbox.{what}_dead", at=_moment(at, words, zone))


def _bounces(member: MemberContext, words: Words) -> Iterator[str]:
    party = member.party(words)
    for one in queries.recent_bounces(member):
        yield words("mailbox.bounced", name=one.person.name, party=party(one.side))


def _not_counted(member: MemberContext, words: Words, zone: ZoneInfo) -> Iterator[str]:
    for one in queries.not_counted(member):
        if one.person is not None:
            reason = words(f"by_mail.not_{one.outcome}")
            at = _moment(one.at, words, zone)
            yield words("mailbox.not_counted", name=one.person.name, at=at, reason=reason)


def _ages(member: MemberContext, words: Words, zone: ZoneInfo) -> PanelContext | None:
    """Return four ages for whoever leads a side."""
    if not queries.leads(member) or member.relationship.is_sample:
        return None
    ages = queries.ages()
    reading = _moment(ages.last_reading, words, zone) if ages.last_reading else words("mailbox.never")
    rows = [
        ("oldest_mail", _moment(ages.oldest_mail, words, zone) if ages.oldest_mail else words("mailbox.none")),
        ("last_reading", reading if ages.reads else words("mailbox.not_read")),
        ("last_tick", _moment(ages.last_tick, words, zone) if ages.last_tick else words("mailbox.never")),
    ]
    uncopied = queries.uncopied_since(member)
    rows.append(("oldest_uncopied", words("mailbox.none") if uncopied is None else _moment(uncopied, words, zone)))
    return {"rows": [(words(f"mailbox.{name}"), value) for name, value in rows]}


def _moment(at: datetime, words: Words, zone: ZoneInfo) -> str:
    local = at.astimezone(zone)
    return words("mailbox.moment", day=words.day(local.date()), time=local.strftime("%H:%M"))
