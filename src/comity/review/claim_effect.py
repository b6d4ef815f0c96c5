"""What the figures would be if a claim to exclude days, or a correction, were accepted, beside what they are now."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from comity.book.reading.coverage import EDGE, Coverage
from comity.book.reading.open import Book
from comity.book.statistics.exclusions import Event, suppose_accepted
from comity.book.statistics.levels import LevelStats, gather
from comity.core.calendars import Calendar, Cut
from comity.core.levels import MeasuredLevel, measure
from comity.core.values import Period

_MAX_MONTHS = 24  # the latest, in which the effect of a correction is looked for
OpenBook = Callable[[], AbstractContextManager[Book]]
_Measured = Mapping[tuple[Period, str], MeasuredLevel]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that the contacts of some days are excluded.

    :ivar last: the last of its days
    :ivar queues: none named: all
    :ivar kpi: the KPI that it is about; empty for all
    """

    first: date
    last: date
    queues: tuple[str, ...] = ()
    kpi: str = ""


@dataclass(frozen=True, slots=True)
class ClaimEffect:
    """A KPI in a month, or in each stretch of one that it is worded alike over, now and with the claim accepted.

    Values, counts and target are in the unit of the KPI, as in `Level`; `counted_after` is how many it would count.
    """

    kpi: str
    measure: str
    period: Period
    unit: str
    target: float | None
    before: float
    after: float
    met_before: bool | None
    met_after: bool | None
    counted_before: float
    counted_after: float


def claim_effects(open_book: OpenBook, claim: Claim, today: date) -> tuple[ClaimEffect, ...]:
    """Measure the KPIs that a claim is about in the whole months of its days, with and without these days.

    :param open_book: opens the book anew, as the viewer of the figures sees it
    :returns: by month, in the order of the definition; without KPIs that the claim leaves as they are
    """
    with open_book() as book:
        periods = _whole_months(book, claim, today)
        now = _levels(book, periods, today)
    if not periods:
        return ()
    with open_book() as book:
        zone = ZoneInfo(book.definition.timezone)
        start, end = (_in_utc(day, zone) for day in (claim.first, claim.last + timedelta(days=1)))
        suppose_accepted(book, claim.kpi, Event(start, end, claim.queues, agreed=True))
        supposed = _levels(book, periods, today)
    return tuple(one for one in _effects(now, supposed) if claim.kpi in {"", one.kpi})


def correction_effects(open_book: OpenBook, open_supposed: OpenBook, today: date) -> tuple[ClaimEffect, ...]:
    """Measure the KPIs of the latest whole months as they are, and in a book in which a correction is accepted.

    :param open_book: opens the book anew, as the viewer of the figures sees it
    :param open_supposed: opens the book with the correction, as the same viewer
    :returns: by month, in the order of the definition; without KPIs that the correction leaves as they are
    """
    with open_book() as book:
        periods = _latest_months(book, today)
        now = _levels(book, periods, today)
    with open_supposed() as book:
        supposed = _levels(book, periods, today)
    return tuple(_effects(now, supposed))


def _effects(now: _Measured, supposed: _Measured) -> Iterator[ClaimEffect]:
    """Yield what differs between two measurements."""
    for (period, kpi), level in now.items():
        if (period, kpi) in supposed:
            one = _effect(period, level, supposed[period, kpi])
            if (one.before, one.counted_before) != (one.after, one.counted_after):
                yield one


def _latest_months(book: Book, today: date) -> tuple[Period, ...]:
    """Return the latest months that the records cover whole."""
    coverage = Coverage(book, today)
    horizon = coverage.horizon(["contacts"]) or coverage.horizon(["intervals"])
    first = coverage.first_day(["contacts", "intervals"])
    if horizon is None or first is None:
        return ()
    calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
    months = calendar.between(calendar.containing(first).start, horizon)
    return tuple(one for one in months if one.start + EDGE > first)[-_MAX_MONTHS:]


def _whole_months(book: Book, claim: Claim, today: date) -> tuple[Period, ...]:
    """Return the months of a claim's days that the records cover."""
    horizon = Coverage(book, today).horizon(["contacts"]) or Coverage(book, today).horizon(["intervals"])
    if horizon is None:
        return ()
    calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
    first = calendar.containing(claim.first).start
    return tuple(one for one in calendar.between(first, horizon) if one.start <= claim.last)


def _levels(book: Book, periods: tuple[Period, ...], today: date) -> dict[tuple[Period, str], MeasuredLevel]:
    if not periods:
        return {}
    book.asked = periods[-1:]  # the latest decides from which records each KPI is counted
    horizon = Coverage(book, today).horizon(["contacts"]) or periods[-1].end
    return {
        (stats.period, stats.kpi.id): measure(stats)
        for gathered in gather(book, periods, horizon).values()
        for stats in gathered
        if isinstance(stats, LevelStats)
    }


def _effect(period: Period, now: MeasuredLevel, supposed: MeasuredLevel) -> ClaimEffect:
    return ClaimEffect(
        kpi=now.kpi,
        measure=now.measure,
        period=period,
        unit=now.unit,
        target=now.definition.target,
        before=now.value,
        after=supposed.value,
        met_before=now.met,
        met_after=supposed.met,
        counted_before=now.den,
        counted_after=supposed.den,
    )


def _in_utc(day: date, zone: ZoneInfo) -> datetime:
    """Return local midnight in UTC, as records hold it: without an offset."""
    return datetime.combine(day, time.min, zone).astimezone(UTC).replace(tzinfo=None)
