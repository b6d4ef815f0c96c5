"""The levels of a review and what was paid for them: this period's, their history, and those that cannot be formed."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from comity.book.coverage import Coverage
from comity.book.opening import Book
from comity.book.statistics import paid as received
from comity.book.statistics.levels import Lacking, LevelStats, forecasts, gather, staffing
from comity.core.calendars import Calendar
from comity.core.levels import MeasuredLevel, measure
from comity.core.limits import natural_limits
from comity.core.paid import split
from comity.core.values import Period
from comity.review.lacking import absent, missing
from comity.review.review import Level, LevelPoint, Limits, Missing, Paid

FEWEST_FOR_LIMITS = 6  # earlier periods; fewer moving ranges say little
MOST_PERIODS = 120  # a history longer than this is cut at its beginning
_TABLES = ("contacts", "intervals", "surveys", "invoices")
_ASKED, _PEOPLE, _FORECAST, _STAFFED = (
    ("csat", "nps"),
    ("attrition",),
    ("forecast_wape", "forecast_bias"),
    ("occupancy",),
)
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
    lapses = _lapses(book, coverage, periods, (one.kpi.measure for one in gathered[period]))
    lacks = []
    for one in gathered[period]:
        if (period, one.kpi.measure) in lapses:
            lacks.append(_half(book, coverage, one, period, lapses[period, one.kpi.measure]))
        elif isinstance(one, Lacking):
            lacks.append(_lacking(one))
    if not book.definition.kpis:
        lacks.append(Missing("levels", ("kpi",), "both", "no_kpi"))
    history = _history(gathered, periods, lapses)
    paid = _paid(book, coverage, period, horizon)
    if isinstance(paid, Missing):
        lacks.append(paid)
    return Levelled(
        tuple(
            _level(measure(one), history.get(one.kpi.id, ()), period)
            for one in gathered[period]
            if isinstance(one, LevelStats) and (period, one.kpi.measure) not in lapses
        ),
        None if isinstance(paid, Missing) else paid,
        tuple(lacks),
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
    lapses: Container[tuple[Period, str]],
) -> dict[str, tuple[LevelPoint, ...]]:
    """Each KPI's levels over the periods that its records cover."""
    found: dict[str, list[LevelPoint]] = {}
    for period in periods:
        for stats in gathered.get(period, ()):
            if isinstance(stats, LevelStats) and (period, stats.kpi.measure) not in lapses:
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
        formulas=one.formulas,
        mean_of_intervals=one.mean_of_intervals,
        intervals_in_target=one.intervals_in_target,
        history=history,
        limits=limits,
        also=one.also,
        low=one.low,
        high=one.high,
    )


def _tables(book: Book, measure_name: str) -> tuple[str, ...]:
    """The tables whose days a measure is made of; none where it has no days (who was employed when)."""
    if measure_name in _ASKED:
        return ("surveys",)
    if measure_name in _PEOPLE:
        return ()
    if measure_name in _FORECAST:
        return forecasts.needs(book)
    if measure_name in _STAFFED:
        return staffing.needs(book)
    return ("contacts" if book.has("contacts") else "intervals",)


def _lapses(
    book: Book, coverage: Coverage, periods: Sequence[Period], measures: Iterable[str]
) -> dict[tuple[Period, str], tuple[str, ...]]:
    """The tables that do not cover a period, by period and measure; what is not here is covered."""
    found: dict[tuple[Period, str], tuple[str, ...]] = {}
    for name in dict.fromkeys(measures):
        for table in _tables(book, name):
            slack = _LAST_ANSWERS if table == "surveys" else timedelta()
            end = coverage.horizon([table])
            lapsed = periods if end is None else [one.period for one in coverage.lacking([table], periods, end + slack)]
            for period in lapsed:
                found[period, name] = (*found.get((period, name), ()), table)
    return found


def _half(book: Book, coverage: Coverage, one: LevelStats | Lacking, period: Period, tables: Sequence[str]) -> Missing:
    """The word for a level whose records begin or end within the period: half a period is no level of it."""
    detail = _edges(coverage, tables, period)
    if isinstance(one, LevelStats) or (one.why == "nothing_counts" and detail):
        return missing(book, one.kpi.id, tables, "half_covered", detail)
    return _lacking(one)


def _edges(coverage: Coverage, tables: Sequence[str], period: Period) -> dict[str, object]:
    """The first and the last day that all the tables tell of, where those leave some of the period out."""
    firsts = [coverage.first_day([table]) for table in tables]
    ends = [end for table in tables if (end := coverage.horizon([table])) is not None]
    first, end = max((day for day in firsts if day is not None), default=None), min(ends, default=None)
    detail: dict[str, object] = {}
    if first is not None and first > period.start:
        detail["first"] = first
    if end is not None and end < period.end:
        detail["last"] = end - timedelta(days=1)
    return detail


def _paid(book: Book, coverage: Coverage, period: Period, horizon: date) -> Paid | Missing:
    """What was paid for the period and what was received for it, of whole months only; or what lacks for that."""
    if not book.has("invoices"):
        return absent(book, "paid", ("invoices",))
    if not book.definition.calendar().months(period):
        return missing(book, "paid", ("invoices",), "not_months")
    for table in ("invoices", "contacts"):
        end = coverage.horizon([table])
        if book.has(table) and (end is None or coverage.lacking([table], [period], end)):
            return missing(book, "paid", (table,), "half_covered", _edges(coverage, [table], period))
    stats = received.gather(book, period, horizon)
    shares = None if stats is None else split(stats, book.definition.answers_for)
    return missing(book, "paid", ("invoices",), "nothing_counts") if shares is None else shares


def _lacking(found: Lacking) -> Missing:
    detail = {} if found.until is None else {"until": found.until}
    return Missing(found.kpi.id, found.needs, found.held_by, found.why, detail)
