"""The term: until when notice to end counts, on which day the agreement ends or renews, and who is reminded when.

Notice to end is in time when it is received on the last day for it at the latest: that many months are then left whole.
With six months before 1 July 2027 that is 31 December 2026; what is received after closing, or on a free day, counts
from the next working day. Months are counted back to the same day of the month, or to its last one where there is no
such day.

An agreement that renews by itself does so at the end of each term for which no notice came in time. Notice that comes
too late for one end counts for the next.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import Renewal
from comity.core.agreements.notice import readable_on, working_days
from comity.core.business_hours import Hours

REMINDER_DAYS = (90, 60, 30)
_DAY = timedelta(days=1)
_MONTHS = 12


class TermDay(StrEnum):
    """What a reminder is about."""

    NOTICE = "notice"  # the last day for notice to end
    END = "end"
    OPTION = "option"  # the last day for an option


@dataclass(frozen=True, slots=True)
class Term:
    """The days of an agreement, the end without, and how it goes on.

    :ivar renews_months: None where it does not renew by itself
    :ivar notice_months: of notice to end; None where none is agreed
    :ivar options: (what, last day)
    """

    begins: date
    ends: date
    renews_months: int | None = None
    notice_months: int | None = None
    options: tuple[tuple[str, date], ...] = ()


@dataclass(frozen=True, slots=True)
class TermEnd:
    """How a term came out: the day on which the agreement ends, and the days on which it renewed by itself.

    :ivar noticed: whether it ends by notice; otherwise the end is the next one, as known so far
    """

    ends: date
    renewed: tuple[date, ...]
    noticed: bool


@dataclass(frozen=True, slots=True)
class Reminder:
    """A day on which Today and the agenda say that another one comes, `before` days later."""

    on: date
    before: int
    of: TermDay
    day: date
    what: str = ""


def term_of(clause: Clause) -> Term:
    """Return the term of a term clause."""
    fields = clause.fields
    renews = fields.get("renews_months") if fields.get("renewal") == Renewal.BY_ITSELF else None
    notice, options = fields.get("notice_months"), fields.get("options")
    return Term(
        date.fromisoformat(str(fields["begins"])),
        date.fromisoformat(str(fields["ends"])),
        None if renews is None else int(str(renews)),
        None if notice is None else int(str(notice)),
        tuple(
            (str(option["what"]), date.fromisoformat(str(option["by"])))
            for option in (options if isinstance(options, list) else [])
            if isinstance(option, dict) and "by" in option
        ),
    )


def months_before(day: date, months: int) -> date:
    """Return the same day so many months earlier, or the last of that month where it has no such day."""
    index = day.year * _MONTHS + day.month - 1 - months
    year, month = index // _MONTHS, index % _MONTHS + 1
    following = date(year + month // _MONTHS, month % _MONTHS + 1, 1)
    return date(year, month, min(day.day, (following - _DAY).day))


def last_day_for_notice(ends: date, notice_months: int, hours: Hours | None = None) -> date:
    """Return the last day on which notice to end can be received.

    :param hours: of the side that receives it: then it is the last working day, since what comes on a free day counts
        from the next working day
    """
    day = months_before(ends, notice_months) - _DAY
    if hours is not None and hours.week:
        while not working_days(hours, day, day + _DAY):
            day -= _DAY
    return day


def term_end(term: Term, as_of: date, received_at: datetime | None = None, hours: Hours | None = None) -> TermEnd:
    """Return when an agreement ends, as known on a day.

    :param received_at: when notice to end was received; None: it was not
    :param hours: of the side that received it, which need be given with it
    """
    received = None if received_at is None or hours is None else readable_on(hours, received_at)
    ends = term.ends
    renewed: list[date] = []
    while term.renews_months:
        last = last_day_for_notice(ends, term.notice_months or 0)
        if received is not None and received <= last:
            return TermEnd(ends, tuple(renewed), noticed=True)
        if received is None and as_of <= last:
            break
        renewed.append(ends)
        ends = months_before(term.ends, -term.renews_months * len(renewed))
    in_time = received is not None and received <= last_day_for_notice(ends, term.notice_months or 0)
    return TermEnd(ends, tuple(renewed), noticed=in_time)


def reminders(term: Term, ends: date, before: Sequence[int] = REMINDER_DAYS) -> list[Reminder]:
    """Return the reminders of a term that ends on a day: of the last day for notice, the end, and of options."""
    days = [(TermDay.END, ends, "")]
    if term.notice_months is not None:
        days.append((TermDay.NOTICE, last_day_for_notice(ends, term.notice_months), ""))
    days += [(TermDay.OPTION, day, what) for what, day in term.options]
    found = [Reminder(day - _DAY * lead, lead, of, day, what) for of, day, what in days for lead in before]
    return sorted(found, key=lambda reminder: (reminder.on, reminder.day, reminder.of, reminder.what))
