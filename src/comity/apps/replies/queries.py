"""By when a reply is due, by whose calendar; what is proposed for it; and whether silence counts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Self

import holidays
from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Relationship
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, Entry, Subject
from comity.apps.replies.models import Notice, SilenceTerm
from comity.core.business_hours import Hours, closing
from comity.core.values import Side

OPENS, CLOSES = time(9), time(17)
# By which zone a side answers until the sides have agreed on a calendar; the records' app names that of the book.
zones: list[Callable[[MemberContext], str]] = []
NOTICE_DAYS = 10  # working days between a notice and the day that it names
REMINDED_BEFORE = timedelta(days=3)  # that a reply is due


@dataclass(frozen=True, slots=True)
class Calendar:
    """When a side answers: what both agreed on, or office hours on weekdays until they do.

    :ivar week: weekday (0 is Monday) -> from, to
    :ivar free_days: days off and their names
    :ivar entry: of the record, where it was agreed
    """

    zone: str
    week: Mapping[int, tuple[time, time]]
    free_days: Mapping[date, str] = field(default_factory=dict)
    entry: Entry | None = None

    @classmethod
    def weekdays(cls, zone: str) -> Self:
        """Monday to Friday, nine to five."""
        return cls(zone, dict.fromkeys(range(5), (OPENS, CLOSES)))

    @classmethod
    def read(cls, content: Mapping[str, Any], entry: Entry | None = None) -> Self:
        """As `content` writes it."""
        week = {int(day): (time.fromisoformat(a), time.fromisoformat(b)) for day, (a, b) in content["week"].items()}
        free = {date.fromisoformat(day): name for day, name in content["free_days"].items()}
        return cls(content["zone"], week, free, entry)

    def content(self, side: Side) -> dict[str, Any]:
        """What both sides give their word for."""
        return {
            "side": side.value,
            "zone": self.zone,
            "week": {str(day): [a.isoformat("minutes"), b.isoformat("minutes")] for day, (a, b) in self.week.items()},
            "free_days": {day.isoformat(): name for day, name in sorted(self.free_days.items())},
        }

    @property
    def spans(self) -> list[tuple[int, int, time, time]]:
        """First and last weekday of each run of days with the same hours, and these."""
        found: list[tuple[int, int, time, time]] = []
        for day, (opens, closes) in sorted(self.week.items()):
            if found and found[-1][1:] == (day - 1, opens, closes):
                found[-1] = (found[-1][0], day, opens, closes)
            else:
                found.append((day, day, opens, closes))
        return found

    @property
    def hours(self) -> Hours:
        """For the clock."""
        return Hours(self.zone, dict(self.week), frozenset(self.free_days))


def default_zone(member: MemberContext) -> str:
    """The zone of a relationship in which no calendar was agreed on."""
    return next((zone(member) for zone in zones), "UTC")


def calendar(relationship: Relationship, side: Side, zone: str) -> Calendar:
    """The calendar by which a side answers.

    :param zone: of the book, for as long as the sides have agreed on none
    """
    agreed = Entry.objects.filter(
        relationship=relationship, subject_type=Subject.CALENDAR, subject__startswith=f"{side.value} "
    )
    last = agreed.order_by("number").last()
    return Calendar.weekdays(zone) if last is None else Calendar.read(last.content["content"], last)


def reply_due(relationship: Relationship, side: Side, received: datetime, zone: str) -> datetime:
    """When a side's reply to what it received then is due: close of business, by its calendar."""
    return closing(calendar(relationship, side, zone).hours, received.astimezone(UTC), relationship.reply_days)


def notice_day(relationship: Relationship, side: Side, zone: str) -> datetime:
    """The end of the first day that a notice of now may name."""
    return closing(calendar(relationship, side, zone).hours, timezone.now(), NOTICE_DAYS)


def subject(member: MemberContext, side: Side) -> str:
    """What the next calendar of a side is called in the record: the side and a number."""
    agreed = record.entries(member, Subject.CALENDAR).filter(subject__startswith=f"{side.value} ")
    return f"{side.value} {agreed.count() + 1}"


def proposed(member: MemberContext) -> dict[Side, Consent]:
    """Calendars that a side proposes for itself and the other has not agreed to, by whose they are."""
    found = {}
    for side in Side:
        word = record.consents(member, Subject.CALENDAR, subject(member, side)).get(side.value)
        if word is not None:
            found[side] = word
    return found


def silence(member: MemberContext) -> dict[Side, SilenceTerm]:
    """What each side last said about silence."""
    said = SilenceTerm.objects.filter(relationship=member.relationship).select_related("person").order_by("at")
    return {Side(one.side): one for one in said}


def silence_since(member: MemberContext) -> datetime | None:
    """Since when silence may confirm a period; None where both sides have not said so."""
    said = silence(member)
    both = said.keys() == set(Side) and all(one.accepts for one in said.values())
    return max(one.at for one in said.values()) if both else None


def notice(word: Consent) -> Notice | None:
    """The last notice about a word that waits for the other side's."""
    return Notice.objects.filter(word=word).order_by("at").last()


def countries() -> list[str]:
    """Codes of the countries whose free days can be drafted."""
    return sorted(holidays.list_supported_countries(include_aliases=False))


def regions(country: str) -> list[str]:
    """Codes of a country's regions that have free days of their own."""
    return sorted(holidays.list_supported_countries().get(country, []))


def draft_free_days(country: str, region: str, language: str) -> dict[date, str]:
    """The free days of this year and the next, to be corrected by people: no clock ever reads them from here.

    :raises NotImplementedError: for a country or a region that the package does not know
    """
    year = timezone.now().year
    found = holidays.country_holidays(country, subdiv=region or None, years=[year, year + 1], language=language)
    return dict(sorted(found.items()))
