"""The levels of a review and what was paid for them: this period's, their history, and those that cannot be formed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from comity.book.coverage import Coverage
from comity.book.opening import Book
from comity.book.statistics import paid as received
from comity.book.statistics.levels import Lacking, LevelStats, gather
from comity.book.tables import TABLES
from comity.core.calendars import Calendar
from comity.core.levels import MeasuredLevel, measure
from comity.core.limits import natural_limits
from comity.core.paid import split
from comity.core.values import Period
from comity.review.review import Level, LevelPoint, Limits, Missing, Paid

FEWEST_FOR_LIMITS = 6  # earlier periods; fewer moving ranges say little
MOST_PERIODS = 120  # a history longer than this is cut at its beginning
_TABLES = ("contacts", "intervals", "surveys", "invoices")
_ASKED, _PEOPLE = ("csat", "nps"), ("attrition",)
_LAST_ANSWERS = timedelta(days=7)  # nobody need answer on a period's last days for it to be whole


@dataclass(frozen=True, slots=True)
class Levelled:
    """The levels of the period under review, what was paid, and what is missing."""

    levels: tuple[Level, ...]
    paid: Paid | None
    missing: tuple[Missing, ...]


def levelled(book: Book, coverage: Coverage, calendar: Calendar, period: Period) -> Levelled:
    """Measure every KPI in force on the period's last day, and the same in every earlier whole period."""
    horizons = [end for end in (coverage.horizon([name]) for name in _TABLES) if end is not None]
    horizon = coverage.horizon(["contacts"]) or coverage.horizon(["intervals"]) or max(horizons, default=period.end)
    periods = _periods(coverage, calendar, period)
    gathered = gather(book, periods, horizon)
    halves = {one.kpi.id: half for one in gathered[period] if (half := _half(book, coverage, one, period)) is not None}
    missing = [
        _lacking(found) if isinstance(found, Lacking) else halves[found.kpi.id]
        for found in gathered[period]
        if isinstance(found, Lacking) or found.kpi.id in halves
    ]
    if not book.definition.kpis:
        missing.append(Missing("levels", ("kpi",), "both", "no_kpi"))
    now = [measure(found) for found in gathered[period] if isinstance(found, LevelStats) and found.kpi.id not in halves]
    history = _history(gathered, periods)
    paid = received.gather(book, period, horizon)
    shares = None if paid is None else split(paid, book.definition.answers_for)
    if shares is None and not book.has("invoices"):
        missing.append(Missing("paid", ("invoices",), "provider", "no_table"))
    return Levelled(
        tuple(_level(one, history.get(one.kpi, ()), period) for one in now),
        shares,
        tuple(missing),
    )


def _periods(coverage: Coverage, calendar: Calendar, period: Period) -> tuple[Period, ...]:
    """Every whole period of the book up to the one under review, which is the last."""
    first = coverage.first_day(_TABLES)
    if first is None or first > period.start:
        return (period,)
    return tuple(calendar.between(first, period.end))[-MOST_PERIODS:]


def _history(
    gathered: Mapping[Period, Sequence[LevelStats | Lacking]],
    periods: Sequence[Period],
) -> dict[str, tuple[LevelPoint, ...]]:
    found: dict[str, list[LevelPoint]] = {}
    for period in periods:
        for stats in gathered.get(period, ()):
            if isinstance(stats, LevelStats):
                one = measure(stats)
                point = LevelPoint(period, one.value, one.se, one.definition.target, one.num, one.den)
                found.setdefault(one.kpi, []).append(point)
    return {kpi: tuple(points) for kpi, points in found.items()}


def _level(one: MeasuredLevel, history: tuple[LevelPoint, ...], period: Period) -> Level:
    past = [point for point in history if point.period.end <= period.start]
    limits = None
    if len(past) >= FEWEST_FOR_LIMITS:
        natural = natural_limits([point.value for point in past])
        limits = Limits(natural.centre, natural.lower, natural.upper, past[0].period, past[-1].period, len(past))
    return Level(
        kpi=one.kpi,
        measure=one.measure,
        unit=one.unit,
        better=one.definition.better,
        value=one.value,
        se=one.se,
        target=one.definition.target,
        met=one.met,
        beyond_chance=one.beyond_chance,
        num=one.num,
        den=one.den,
        definition=one.definition,
        reported=one.reported,
        variants=one.variants,
        explains=one.explains,
        variants_in_full=one.variants_in_full,
        explains_in_full=one.explains_in_full,
        mean_of_intervals=one.mean_of_intervals,
        intervals_in_target=one.intervals_in_target,
        history=history,
        limits=limits,
        also=one.also,
        low=one.low,
        high=one.high,
    )


def _half(book: Book, coverage: Coverage, found: LevelStats | Lacking, period: Period) -> Missing | None:
    """The word for a level whose records end, or begin, within the period: half a period is no level of it."""
    if isinstance(found, Lacking) or found.kpi.measure in _PEOPLE:
        return None
    if found.kpi.measure in _ASKED:
        table, slack = "surveys", _LAST_ANSWERS
    else:
        table, slack = "contacts" if book.has("contacts") else "intervals", timedelta()
    end = coverage.horizon([table])
    if end is None or not coverage.lacking([table], [period], end + slack):
        return None
    private = book.definition.private_owner(table)
    held_by = TABLES[table].held_by if private is None else private.value
    return Missing(found.kpi.id, (table,), held_by, "half_covered", {"until": end})


def _lacking(found: Lacking) -> Missing:
    detail = {} if found.until is None else {"until": found.until}
    return Missing(found.kpi.id, found.needs, found.held_by, found.why, detail)
