"""Clocks of a matter: when a reply is due, what asking back does to it, and until when a promise rests.

*N working days* end at close of business on the Nth working day after receipt, by the calendar of the side that
answers (`core.business_hours.closing`). Asking back pauses the clock once a side and matter, for at most as long as the
clock itself, and moves the due closing by as many closings as the pause spans. Source: the paragraph "Clocks" of the
matters' specification, and its vectors 1 and 3.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from comity.core.business_hours import Hours, closing, elapsed, postponed

_DAY = timedelta(days=1)


def due_after_asking_back(  # noqa: PLR0913 - two clocks, and what lay between
    hours: Hours, due_at: datetime, asked_at: datetime, replied_at: datetime, days: int, *, pauses: bool = True
) -> datetime:
    """Return when the reply of a side that asked back is due, once it has been told.

    :param due_at: when it was due before it asked back
    :param days: of its clock: a pause is no longer than that
    :param pauses: whether this is its first pause in the matter; a later one moves nothing
    """
    if not pauses or asked_at >= due_at:  # who is late already gains nothing by asking
        return due_at
    end = min(replied_at, closing(hours, asked_at, days))
    return postponed(hours, due_at, [(asked_at, end)])


def pause_length(hours: Hours, asked_at: datetime, replied_at: datetime, days: int) -> timedelta:
    """Return the open time for which asking back paused a clock."""
    return elapsed(hours, asked_at, min(replied_at, closing(hours, asked_at, days)))


def closes_at(hours: Hours, asked_at: datetime, days: int) -> datetime:
    """Return when a matter may be closed in which what was asked back is not answered: after twice the clock.

    :param hours: of the side that was asked back
    """
    return closing(hours, asked_at, 2 * days)


def rests_until(hours: Hours, due_on: date, start: datetime, until: date) -> date:
    """Return by when a promise is owed that rests until the end of a day: later by as many closings as it rests for."""
    zone = ZoneInfo(hours.zone)
    end = closing(hours, datetime.combine(due_on, time.min, zone), 0)
    return postponed(hours, end, [(start, datetime.combine(until + _DAY, time.min, zone))]).astimezone(zone).date()


def broken_at(hours: Hours, due_on: date, days: int) -> datetime:
    """Return when a promise counts as broken: at close of business, so many working days past its day."""
    midnight = datetime.combine(due_on + _DAY, time.min, ZoneInfo(hours.zone))
    return closing(hours, midnight, days - 1)  # the first working day after its day is number 0 of a closing
