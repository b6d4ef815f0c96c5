"""Which period is reviewed where none is asked for, and which there are."""

from datetime import date

from comity.book.reading.coverage import EDGE, Coverage
from comity.book.reading.open import Book
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


_DATED = ("contacts", "intervals", "surveys", "invoices")


def recorded_periods(book: Book, today: date) -> list[Period]:
    """Every whole period of the book's own length that its records reach, the earliest first."""
    coverage, calendar = Coverage(book, today), book.definition.calendar()
    first = coverage.first_day(_DATED)
    horizons = [end for name in _DATED if (end := coverage.horizon([name])) is not None]
    if first is None or not horizons:
        return []
    begun = calendar.containing(first)
    return list(calendar.between(begun.start if begun.start + EDGE > first else begun.end, max(horizons)))
