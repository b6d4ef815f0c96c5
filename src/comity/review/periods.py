"""Which period is reviewed where none is asked for."""

from datetime import date

from comity.book.reading.coverage import EDGE
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period


def longest_whole(calendar: Calendar, first: date, horizon: date) -> tuple[Calendar, Period] | None:
    """The last whole period of the book's own length, or of the longest shorter one that the records hold."""
    cuts = list(Cut)
    for cut in reversed(cuts[: cuts.index(calendar.cut) + 1]):
        shorter = Calendar(cut, calendar.month_starts_on)
        period = shorter.last_ending_by(horizon)
        if period.start + EDGE > first:
            return shorter, period
    return None
