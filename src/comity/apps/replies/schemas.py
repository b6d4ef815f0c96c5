"""Reply times as the API takes and gives them."""

from datetime import date, datetime, time
from typing import Annotated, Self
from uuid import UUID

from ninja import Field, Schema

from comity.apps.record.models import Consent
from comity.apps.replies.models import SilenceTerm
from comity.apps.replies.queries import Calendar
from comity.core.values import Side

_WEEK = "weekday (0 is Monday) to from and to, as 09:00; a `to` of 00:00 is the day's end"
Weekday = Annotated[str, Field(pattern="^[0-6]$")]
Time = Annotated[str, Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$")]


class CalendarIn(Schema):
    """When a side answers."""

    zone: str = Field(max_length=60)
    week: dict[Weekday, tuple[Time, Time]] = Field(description=_WEEK)
    free_days: dict[date, str] = Field(default_factory=dict)

    @property
    def calendar(self) -> Calendar:
        """As operations take it."""
        week = {int(day): (time.fromisoformat(a), time.fromisoformat(b)) for day, (a, b) in self.week.items()}
        return Calendar(self.zone, week, self.free_days)


class CalendarOut(CalendarIn):
    """The same, with the digest by which it is agreed to; `agreed` is the number of its entry of the record."""

    side: Side
    agreed: int | None
    proposed_at: datetime | None = None
    digest: str | None = None

    @classmethod
    def of(cls, side: Side, calendar: Calendar, consent: Consent | None = None) -> Self:
        """A calendar that holds, or, with the word for it, one that is proposed."""
        return cls(
            zone=calendar.zone,
            week={str(day): (a.isoformat("minutes"), b.isoformat("minutes")) for day, (a, b) in calendar.week.items()},
            free_days=dict(calendar.free_days),
            side=side,
            agreed=None if calendar.entry is None else calendar.entry.number,
            proposed_at=None if consent is None else consent.at,
            digest=None if consent is None else consent.digest,
        )


class SilenceIn(Schema):
    """Whether silence may confirm a period, as far as the own side goes."""

    accepts: bool


class SilenceOut(Schema):
    """What a side says about silence."""

    side: Side
    accepts: bool
    by: str
    at: datetime

    @classmethod
    def of(cls, term: SilenceTerm) -> Self:
        """As it is kept."""
        return cls(side=Side(term.side), accepts=term.accepts, by=term.name, at=term.at)


class RepliesOut(Schema):
    """When each side answers, what is proposed, and since when silence may confirm a period."""

    reply_days: int
    calendars: list[CalendarOut]
    proposed: list[CalendarOut]
    silence: list[SilenceOut]
    silence_since: datetime | None


class AgreementIn(Schema):
    """The digest of the proposal that is agreed to."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")


class AgreedOut(Schema):
    """The entry of the record."""

    number: int
    digest: str


class ProposedOut(Schema):
    """The word for a proposal, and its digest."""

    id: UUID
    digest: str
