"""The levels of a review and what was paid for them: this period's, their history, and those that cannot be formed."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics import paid as received
from comity.book.statistics.levels import LevelStats, NoLevel, forecasts, gather, staffing
from comity.book.statistics.record_choice import counted_table, record_choice
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Calendar
from comity.core.levels import MeasuredLevel, measure
from comity.core.paid import PaidSplit, split_paid
from comity.core.record_choice import RecordChoice
from comity.core.values import Period
from comity.review.limits import MOST_PERIODS, limits_before
from comity.review.missing import missing_figure, missing_tables
from comity.review.model import Level, LevelPoint, Missing

_TABLES = ("contacts", "intervals", "surveys", "invoices")
_FORECAST, _STAFFED = ("forecast_wape", "forecast_bias"), ("occupancy",)


@dataclass(frozen=True, slots=True)
class BuiltLevels:
    """The levels of the period under review, what was paid, and what is missing."""

    levels: tuple[Level, ...]
    paid: PaidSplit | None
    missing: tuple[Missing, ...]


def build_levels(book: Book, coverage: Coverage, calendar: Calendar, period: Period) -> BuiltLevels:
    """Measure every KPI in force on the period's last day, and the same in every earlier whole period."""
    horizons = [end for end in (coverage.horizon([name]) for name in _TABLES) if end is not None]
    horizon = coverage.horizon(["contacts"]) or coverage.horizon(["intervals"]) or max(horizons, default=period.end)
    periods = _periods(coverage, calendar, period)
    gathered = gather(book, periods, horizon)
    uncovered = _lapses(book, coverage, periods, (stats.kpi for stats in gathered[period]))
    missing = []
    for stats in gathered[period]:
        if (period, stats.kpi.id) in uncovered:
            missing.append(_half(book, coverage, stats, period, uncovered[period, stats.kpi.id]))
        elif isinstance(stats, NoLevel):
            missing.append(_lacking(stats))
    if not book.definition.kpis:
        missing.append(Missing("levels", ("kpi",), "both", "no_kpi"))
    history = _history(book, coverage, gathered, periods, uncovered)
    paid = _paid(book, coverage, period, horizon)
    if isinstance(paid, Missing):
        missing.append(paid)
    return BuiltLevels(
        tuple(
            _level(
                _measured(book, coverage, stats, period),
                history.get(stats.kpi.id, ()),
                period,
                _tables(book, stats.kpi),
                record_choice(book, stats.kpi),
            )
            for stats in gathered[period]
            if isinstance(stats, LevelStats) and (period, stats.kpi.id) not in uncovered
        ),
        None if isinstance(paid, Missing) else paid,
        tuple(missing),
    )


def _periods(coverage: Coverage, calendar: Calendar, period: Period) -> tuple[Period, ...]:
    """Every whole period of the book up to the one under review, which is the last."""
    first = coverage.first_day(_TABLES)
    if first is None or first > period.start:
        return (period,)
    return tuple(calendar.between(first, period.end))[-MOST_PERIODS:]


def _measured(book: Book, coverage: Coverage, stats: LevelStats, period: Period) -> MeasuredLevel:
    """A level; without an error where its rows last for longer than a week, because errors are made of weeks."""
    measured = measure(stats)
    if all(coverage.tells_weeks(table, period) for table in _tables(book, stats.kpi)):
        return measured
    return replace(measured, se=None, low=None, high=None, beyond_chance=None)


def _history(
    book: Book,
    coverage: Coverage,
    gathered: Mapping[Period, Sequence[LevelStats | NoLevel]],
    periods: Sequence[Period],
    uncovered: Container[tuple[Period, str]],
) -> dict[str, tuple[LevelPoint, ...]]:
    """Each KPI's levels over the periods that its records cover."""
    histories: dict[str, list[LevelPoint]] = {}
    for period in periods:
        for stats in gathered.get(period, ()):
            if isinstance(stats, LevelStats) and (period, stats.kpi.id) not in uncovered:
                level = _measured(book, coverage, stats, period)
                point = LevelPoint(period, level.value, level.se, level.definition.target, level.num, level.den)
                histories.setdefault(level.kpi, []).append(point)
    return {kpi: tuple(points) for kpi, points in histories.items()}


def _level(
    measured: MeasuredLevel,
    history: tuple[LevelPoint, ...],
    period: Period,
    tables: tuple[str, ...],
    records: RecordChoice | None,
) -> Level:
    return Level(
        kpi=measured.kpi,
        measure=measured.measure,
        unit=measured.unit,
        better=measured.definition.better,
        value=measured.value,
        se=measured.se,
        target=measured.definition.target,
        met=measured.met,
        beyond_chance=measured.beyond_chance,
        num=measured.num,
        den=measured.den,
        definition=measured.definition,
        reported=measured.reported,
        variants=measured.variants,
        explains=measured.explains,
        variants_in_full=measured.variants_in_full,
        explains_in_full=measured.explains_in_full,
        formulas=measured.formulas,
        mean_of_intervals=measured.mean_of_intervals,
        intervals_in_target=measured.intervals_in_target,
        history=history,
        limits=limits_before(period, ((point.period, point.value) for point in history)),
        also=measured.also,
        low=measured.low,
        high=measured.high,
        counted_from=tables or (MEASURES[measured.measure].people_of or "evaluations",),
        records=records,
    )


def _tables(book: Book, kpi: Kpi) -> tuple[str, ...]:
    """The tables whose days a KPI is made of; none where it has no days (who was employed when)."""
    measure_name = kpi.measure
    people_of = MEASURES[measure_name].people_of
    if people_of is not None:
        return () if people_of == "staff" else (people_of,)
    if measure_name == "quality":
        return ()  # evaluations are drawn, and on many days nobody marks any
    if measure_name in _FORECAST:
        return forecasts.needs(book, kpi)
    if measure_name in _STAFFED:
        return staffing.needs(book, kpi)
    return (counted_table(book, kpi),)


def _lapses(
    book: Book, coverage: Coverage, periods: Sequence[Period], kpis: Iterable[Kpi]
) -> dict[tuple[Period, str], tuple[str, ...]]:
    """The tables that do not cover a period, by period and KPI; what is not here is covered."""
    uncovered: dict[tuple[Period, str], tuple[str, ...]] = {}
    for kpi in kpis:
        for table in _tables(book, kpi):
            for period in (one for one in periods if not coverage.covers(table, one)):
                uncovered[period, kpi.id] = (*uncovered.get((period, kpi.id), ()), table)
    return uncovered


def _half(
    book: Book, coverage: Coverage, stats: LevelStats | NoLevel, period: Period, tables: Sequence[str]
) -> Missing:
    """The word for a level whose records begin or end within the period: half a period is no level of it."""
    detail = _edges(coverage, tables, period)
    if isinstance(stats, LevelStats) or (stats.why == "nothing_counts" and detail):
        return missing_figure(book, stats.kpi.id, tables, "half_covered", detail)
    return _lacking(stats)


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


def _paid(book: Book, coverage: Coverage, period: Period, horizon: date) -> PaidSplit | Missing:
    """What was paid for the period and what was received for it, of whole months only; or what lacks for that."""
    if not book.has("invoices"):
        return missing_tables(book, "paid", ("invoices",))
    if not book.definition.calendar().months(period):
        return missing_figure(book, "paid", ("invoices",), "not_months")
    for table in ("invoices", "contacts"):
        end = coverage.horizon([table])
        if book.has(table) and (end is None or coverage.lacking([table], [period], end)):
            return missing_figure(book, "paid", (table,), "half_covered", _edges(coverage, [table], period))
    stats = received.gather(book, period, horizon)
    shares = None if stats is None else split_paid(stats, book.definition.answers_for)
    return missing_figure(book, "paid", ("invoices",), "nothing_counts") if shares is None else shares


def _lacking(lacking: NoLevel) -> Missing:
    detail = {} if lacking.until is None else {"until": lacking.until}
    return Missing(lacking.kpi.id, lacking.needs, lacking.held_by, lacking.why, detail)
