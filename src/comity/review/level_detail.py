"""One level opened: its months, and where it comes from."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics.level_cuts import LevelCuts, gather
from comity.book.statistics.levels import LevelStats, gather_one
from comity.book.statistics.levels.asking import relieved_days
from comity.book.statistics.record_choice import counted_table
from comity.core.agreements.kpi import Kpi, counted_stretches
from comity.core.calendars import Cut
from comity.core.levels import measure
from comity.core.values import Period
from comity.review.model import LevelPoint
from comity.review.readings import measure_counts_people

MOST_MONTHS = 36


@dataclass(frozen=True, slots=True)
class LevelDetail:
    """A level by month up to the end of a period, and the cuts of the days that it counts.

    These are, of several wordings, those of the last one, without days of relief unless no other is left.

    Neither is there of figures about people, which are shown for the agreed periods only; `cuts` is None too of what is
    not made of contacts, or where the viewer may not read these.
    """

    kpi: str
    period: Period
    timezone: str
    months: tuple[LevelPoint, ...]
    cuts: LevelCuts | None


def build_level_detail(book: Book, kpi_id: str, period: Period, now: datetime) -> LevelDetail:
    """Open one level of a book, as its viewer may see it."""
    stretches = [one for one in counted_stretches(book.definition.kpis, kpi_id, period) if one.kpi is not None]
    kpi = stretches[-1].kpi if stretches else None
    zone = book.definition.timezone
    if kpi is None or measure_counts_people(kpi.measure):
        return LevelDetail(kpi_id, period, zone, (), None)
    calendar = book.definition.calendar()
    own_length = calendar.containing(period.start) == period
    book.asked = (period, calendar.against(period, book.definition.against)) if own_length else (period,)
    coverage = Coverage(book, now.astimezone(ZoneInfo(zone)).date())
    days = stretches[-1].days
    left_out = tuple(relief.days for relief in relieved_days(book, kpi, days))
    until = coverage.horizon([counted_table(book, kpi)])
    cuts = gather(book, kpi, days, left_out, until) or (gather(book, kpi, days, (), until) if left_out else None)
    return LevelDetail(kpi_id, period, zone, _months(book, coverage, kpi, period), cuts)


def _months(book: Book, coverage: Coverage, kpi: Kpi, period: Period) -> tuple[LevelPoint, ...]:
    """The level of each whole month that the records tell of, up to the end of the period."""
    tables = [counted_table(book, kpi)]
    horizon, first = coverage.horizon(tables), coverage.first_day(tables)
    if first is None or horizon is None:
        return ()
    end = min(horizon, period.end)
    months = list(book.definition.calendar(Cut.MONTH).between(first, end))[-MOST_MONTHS:]
    points: dict[Period, LevelPoint] = {}
    for days, stats in gather_one(book, kpi.id, months, end) if months else ():
        if isinstance(stats, LevelStats):
            level = measure(stats)
            month = next(one for one in months if days.start in one)
            part = None if days == month else days  # of several wordings in a month the last one stays
            points[month] = LevelPoint(
                month, level.value, level.se, level.definition.target, level.num, level.den, part
            )
    return tuple(points.values())
