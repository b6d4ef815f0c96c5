"""Which period is reviewed where none is asked for, and which there are."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date

from comity.book.reading.coverage import EDGE, Coverage
from comity.book.reading.open import Book
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period


def longest_whole(
    calendar: Calendar, first: date, horizon: date, told: Callable[[Period], bool] | None = None
) -> tuple[Calendar, Period] | None:
    """The last whole period of the book's own length, or of the longest shorter one that the records hold.

    :param told: whether the records tell of a period; None: wherever they begin before it
    """
    cuts = list(Cut)
    for cut in reversed(cuts[: cuts.index(calendar.cut) + 1]):
        shorter = Calendar(cut, calendar.month_starts_on)
        period = shorter.last_ending_by(horizon)
        if period.start + EDGE > first and (told is None or told(period)):
            return shorter, period
    return None


def telling(coverage: Coverage, tables: Iterable[Sequence[str]]) -> Callable[[Period], bool]:
    """Whether a period is covered by all tables of any of these groups."""
    groups = [tuple(names) for names in tables]
    return lambda period: any(names and all(coverage.covers(name, period) for name in names) for names in groups)


def whole_months(book: Book, coverage: Coverage, tables: Iterable[Sequence[str]]) -> tuple[Period, ...]:
    """Every month of which the records tell: all tables of any of these groups cover it."""
    groups = [tuple(names) for names in tables]
    first = coverage.first_day([name for names in groups for name in names])
    horizons = [end for names in groups if (end := coverage.horizon(names)) is not None]
    if first is None or not horizons:
        return ()
    calendar, told = book.definition.calendar(Cut.MONTH), telling(coverage, groups)
    months = calendar.between(calendar.containing(first).start, max(horizons))
    return tuple(month for month in months if told(month))


_DATED = ("contacts", "intervals", "surveys", "invoices")


def recorded_periods(book: Book, today: date, cuts: Iterable[Cut] = ()) -> list[tuple[Calendar, Period]]:
    """Every whole period of some lengths that the records of a book reach, by first day, the shorter ones first.

    :param cuts: none: the book's own length
    """
    coverage = Coverage(book, today)
    first = coverage.first_day(_DATED)
    horizons = [end for name in _DATED if (end := coverage.horizon([name])) is not None]
    if first is None or not horizons:
        return []
    found = []
    for cut in cuts or (book.definition.cut,):
        calendar = book.definition.calendar(cut)
        begun = calendar.containing(first)
        start = begun.start if begun.start + EDGE > first else begun.end
        found += [(calendar, period) for period in calendar.between(start, max(horizons))]
    return sorted(found, key=lambda one: (one[1].start, one[1].end))


def table_cuts(own: Cut) -> tuple[Cut, ...]:
    """The lengths of period of the table of all figures: a book's own, and months, quarters and years."""
    return tuple(cut for cut in Cut if cut in {own, Cut.MONTH, Cut.QUARTER, Cut.YEAR})
