"""Queries for reply times: calendars, due times, proposals, and whether silence counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self

import holidays
from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Relationship
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.replies.models import Notice, SilenceTerm
from comity.core.business_hours import Hours, closing
from comity.core.values import Side

OPENS, CLOSES = time(9), time(17)
# Give the time zone in which a side answers until a calendar is agreed; the books' app registers that of the book.
zone_providers: list[Callable[[MemberContext], str]] = []
# Give whether what was sent by mail up to a moment has been read; the mailbox's app registers its own.
hearing: list[Callable[[datetime], bool]] = []
NOTICE_DAYS = 10  # working days from a notice to the day that it names
REMINDER_LEAD_TIME = timedelta(days=3)  # before a reply is due


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a side answers: as both agreed, or office hours on weekdays until they do.

    :ivar week: weekday (0 is Monday) -> opening and closing time
    :ivar free_days: days off and their names
    :ivar entry: of the record, by which the calendar was agreed
    """

    zone: str
    week: Mapping[int, tuple[time, time]]
    free_days: Mapping[date, str] = field(default_factory=dict)
    entry: Entry | None = None

    @classmethod
    def weekdays(cls, zone: str) -> Self:
        """Return the calendar of Monday to Friday, nine to five."""
        return cls(zone, dict.fromkeys(range(5), (OPENS, CLOSES)))

    @classmethod
    def from_content(cls, content: Mapping[str, Any], entry: Entry | None = None) -> Self:
        """Read a calendar as `content` writes it."""
        week = {int(day): (time.fromisoformat(a), time.fromisoformat(b)) for day, (a, b) in content["week"].items()}
        free = {date.fromisoformat(day): name for day, name in content["free_days"].items()}
        return cls(content["zone"], week, free, entry)

    def content(self, side: Side) -> dict[str, Any]:
        """Return the JSON that both sides consent to."""
        return {
            "side": side.value,
            "zone": self.zone,
            "week": {str(day): [a.isoformat("minutes"), b.isoformat("minutes")] for day, (a, b) in self.week.items()},
            "free_days": {day.isoformat(): name for day, name in sorted(self.free_days.items())},
        }

    @property
    def weekday_spans(self) -> list[tuple[int, int, time, time]]:
        """First and last weekday of each run of days with the same hours, and those hours."""
        spans: list[tuple[int, int, time, time]] = []
        for day, (opens, closes) in sorted(self.week.items()):
            if spans and spans[-1][1:] == (day - 1, opens, closes):
                spans[-1] = (spans[-1][0], day, opens, closes)
            else:
                spans.append((day, day, opens, closes))
        return spans

    @property
    def hours(self) -> Hours:
        """The business hours, for due times."""
        return Hours(self.zone, dict(self.week), frozenset(self.free_days))


def default_zone(member: MemberContext) -> str:
    """Return the time zone of a relationship without an agreed calendar."""
    return next((zone_of(member) for zone_of in zone_providers), "UTC")


def calendar_of(relationship: Relationship, side: Side, zone: str) -> Calendar:
    """Return the calendar by which a side answers.

    :param zone: time zone until the sides have agreed on a calendar
    """
    entries = Entry.objects.filter(
        relationship=relationship, subject_type=ConsentSubject.CALENDAR, subject__startswith=f"{side.value} "
    )
    last = entries.order_by("number").last()
    return Calendar.weekdays(zone) if last is None else Calendar.from_content(last.content["content"], last)


def reply_due(relationship: Relationship, side: Side, received: datetime, zone: str) -> datetime:
    """Return when a side's reply is due: close of business, by its calendar."""
    return closing(calendar_of(relationship, side, zone).hours, received.astimezone(UTC), relationship.reply_days)


def closing_after(relationship: Relationship, side: Side, start: datetime, zone: str, days: int) -> datetime:
    """Return a close of business so many working days after a moment, by a side's calendar."""
    return closing(calendar_of(relationship, side, zone).hours, start.astimezone(UTC), days)


def earliest_notice_end(relationship: Relationship, side: Side, zone: str) -> datetime:
    """Return the end of the first day that a notice given now may name."""
    return closing(calendar_of(relationship, side, zone).hours, timezone.now(), NOTICE_DAYS)


def next_calendar_subject(member: MemberContext, side: Side) -> str:
    """Return the subject of a side's next calendar in the record: the side and a number."""
    return f"{side.value} {record.count_entries(member, ConsentSubject.CALENDAR, f'{side.value} ') + 1}"


def proposed_calendars(member: MemberContext) -> dict[Side, Consent]:
    """Return the consents of sides that propose a calendar which the other has not agreed to, by side."""
    proposals = {}
    for side in Side:
        consent = record.valid_consents(member, ConsentSubject.CALENDAR, next_calendar_subject(member, side)).get(
            side.value
        )
        if consent is not None:
            proposals[side] = consent
    return proposals


def silence_terms(member: MemberContext) -> dict[Side, SilenceTerm]:
    """Return the latest statement of each side about silence."""
    terms = SilenceTerm.objects.filter(relationship=member.relationship).select_related("person").order_by("at")
    return {Side(term.side): term for term in terms}


def silence_since(member: MemberContext) -> datetime | None:
    """Return since when silence may confirm a period; None unless both sides accept it."""
    terms = silence_terms(member)
    both = terms.keys() == set(Side) and all(term.accepts for term in terms.values())
    return max(term.at for term in terms.values()) if both else None


def was_heard(until: datetime) -> bool:
    """Return whether whatever a side said up to a moment is known: an answer by mail may lie unread."""
    return all(heard(until) for heard in hearing)


def last_notice(consent: Consent) -> Notice | None:
    """Return the last notice about a consent that waits for the other side's."""
    return Notice.objects.filter(word=consent).order_by("at").last()


def supported_countries() -> list[str]:
    """Return the codes of countries whose free days can be drafted."""
    return sorted(holidays.list_supported_countries(include_aliases=False))


def supported_regions(country: str) -> list[str]:
    """Return the codes of a country's regions that have free days of their own."""
    return sorted(holidays.list_supported_countries().get(country, []))


def draft_free_days(country: str, region: str, language: str) -> dict[date, str]:
    """Return the free days of this year and the next, for people to correct: due times never read them from here.

    :raises NotImplementedError: for a country or a region that the package does not know
    """
    year = timezone.now().year
    free_days = holidays.country_holidays(country, subdiv=region or None, years=[year, year + 1], language=language)
    return dict(sorted(free_days.items()))
