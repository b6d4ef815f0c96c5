"""The levels of a review and what was paid for them: this period's, their history, and those that cannot be formed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics import paid as received
from comity.book.statistics.levels import LevelStats, NoLevel, forecasts, gather, staffing
from comity.book.statistics.record_choice import counted_table, record_choice
from comity.book.statistics.uncounted import uncounted
from comity.core.agreements.kpi import MEASURES, Kpi
from comity.core.calendars import Calendar
from comity.core.levels import MeasuredLevel, measure
from comity.core.paid import PaidSplit, split_paid
from comity.core.record_choice import RecordChoice
from comity.core.values import Period
from comity.review.limits import MOST_PERIODS, limits_before
from comity.review.missing import missing_figure, missing_tables, naming
from comity.review.model import Level, LevelPoint, Missing, Relieved

_TABLES = ("contacts", "intervals", "surveys", "invoices")
_FORECAST, _STAFFED = ("forecast_wape", "forecast_bias"), ("occupancy",)


@dataclass(frozen=True, slots=True)
class BuiltLevels:
    """The levels of the period under review, what was paid, and what is missing."""

    levels: tuple[Level, ...]
    paid: PaidSplit | None
    missing: tuple[Missing, ...]


def build_levels(book: Book, coverage: Coverage, calendar: Calendar, period: Period) -> BuiltLevels:
    """Measure every KPI in force in the period, by stretches of one wording, and the same in every earlier period."""
    horizons = [end for name in _TABLES if (end := coverage.horizon([name])) is not None]
    horizon = coverage.horizon(["contacts"]) or coverage.horizon(["intervals"]) or max(horizons, default=period.end)
    periods = _periods(coverage, calendar, period)
    gathered = gather(book, periods, horizon)
    lapses = _Lapses(book, coverage)
    missing = []
    formed: dict[str, list[LevelStats]] = {}
    reports: dict[str, LevelStats] = {}  # with what the sides reported of the period, formed or not
    for stats in gathered[period]:
        if isinstance(stats, LevelStats):
            reports.setdefault(stats.kpi.id, stats)
        uncovered = lapses.of(stats.kpi, period, _days(stats, period))
        if uncovered:
            missing.append(_half(book, coverage, stats, _days(stats, period), uncovered, period))
        elif isinstance(stats, NoLevel):
            missing.append(_lacking(stats, book, period))
        else:
            formed.setdefault(stats.kpi.id, []).append(stats)
    if not book.definition.kpis:
        missing.append(Missing("levels", ("kpi",), "both", "no_kpi"))
    history = _history(book, coverage, gathered, periods, lapses)
    paid = _paid(book, coverage, period, horizon)
    if isinstance(paid, Missing):
        missing.append(paid)
    return BuiltLevels(
        tuple(
            _levels_of(book, coverage, [replace(last, reported=reports[kpi].reported), *earlier], period, history)
            for kpi, (last, *earlier) in formed.items()
        ),
        None if isinstance(paid, Missing) else paid,
        tuple(missing),
    )


def _days(stats: LevelStats | NoLevel, period: Period) -> Period:
    """The days that a level is about, formed or not."""
    return stats.period if isinstance(stats, LevelStats) else stats.days or period


def _levels_of(
    book: Book,
    coverage: Coverage,
    stretches: Sequence[LevelStats],
    period: Period,
    history: Mapping[str, tuple[LevelPoint, ...]],
) -> Level:
    """The level of a KPI: of its last stretch in the period, with those of the stretches before."""
    last, *earlier = (
        _level(
            _measured(book, coverage, stats, stats.period),
            stats,
            history.get(stats.kpi.id, ()) if number == 0 else (),
            period,
            _tables(book, stats.kpi),
            record_choice(book, stats.kpi),
        )
        for number, stats in enumerate(stretches)
    )
    return replace(last, earlier=tuple(earlier)) if earlier else last


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
    lapses: "_Lapses",
) -> dict[str, tuple[LevelPoint, ...]]:
    """Each KPI's levels over the periods that its records cover: of several stretches in a period, the last one."""
    histories: dict[str, list[LevelPoint]] = {}
    for period in periods:
        known: set[str] = set()
        for stats in gathered.get(period, ()):
            if not isinstance(stats, LevelStats) or stats.kpi.id in known:
                continue
            if lapses.of(stats.kpi, period, stats.period):
                continue
            known.add(stats.kpi.id)
            level = _measured(book, coverage, stats, stats.period)
            days = None if stats.period == period else stats.period
            point = LevelPoint(period, level.value, level.se, level.definition.target, level.num, level.den, days)
            histories.setdefault(level.kpi, []).append(point)
    return {kpi: tuple(points) for kpi, points in histories.items()}


def _level(  # noqa: PLR0913 - what was counted, and what stands beside it
    measured: MeasuredLevel,
    stats: LevelStats,
    history: tuple[LevelPoint, ...],
    period: Period,
    tables: tuple[str, ...],
    records: RecordChoice | None,
) -> Level:
    whole = stats.period == period
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
        # A stretch is shorter than the periods of which limits are made.
        limits=limits_before(period, whole_points(history)) if whole else None,
        also=measured.also,
        low=measured.low,
        high=measured.high,
        counted_from=tables or (MEASURES[measured.measure].people_of or "evaluations",),
        records=records,
        days=None if whole else stats.period,
        relieved=_relieved(stats),
    )


def whole_points(history: Iterable[LevelPoint]) -> Iterator[tuple[Period, float]]:
    """Yield period and value of the points that are of whole periods."""
    return ((point.period, point.value) for point in history if point.days is None)


def _relieved(stats: LevelStats) -> Relieved | None:
    """The days of relief that a level leaves out, and what it is with them."""
    if not stats.reliefs:
        return None
    beside = None if stats.with_relieved is None else measure(stats.with_relieved)
    return Relieved(
        tuple(dict.fromkeys(_common(relief.days, stats.period) for relief in stats.reliefs)),
        tuple(dict.fromkeys(relief.change for relief in stats.reliefs)),
        None if beside is None else beside.value,
        None if beside is None else beside.num,
        None if beside is None else beside.den,
        stats.held,
    )


def _common(days: Period, others: Period) -> Period:
    return Period(max(days.start, others.start), min(days.end, others.end))


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


class _Lapses:
    """Which tables do not cover the days of a level; a part of a covered period is covered."""

    def __init__(self, book: Book, coverage: Coverage) -> None:
        """Remember the book, and how far its records reach."""
        self._book = book
        self._coverage = coverage
        self._covers: dict[tuple[str, Period], bool] = {}

    def of(self, kpi: Kpi, period: Period, days: Period) -> tuple[str, ...]:
        """The tables of a KPI that cover neither the period nor these days of it."""
        return tuple(
            table
            for table in _tables(self._book, kpi)
            if not self._covered(table, period) and (days == period or not self._covered(table, days))
        )

    def _covered(self, table: str, days: Period) -> bool:
        if (table, days) not in self._covers:
            self._covers[table, days] = self._coverage.covers(table, days)
        return self._covers[table, days]


def _half(  # noqa: PLR0913 - a level, its days, and what does not tell of them
    book: Book,
    coverage: Coverage,
    stats: LevelStats | NoLevel,
    days: Period,
    tables: Sequence[str],
    period: Period,
) -> Missing:
    """The word for a level whose records begin or end within its days: half a period is no level of it."""
    detail = _edges(coverage, tables, days)
    if isinstance(stats, LevelStats) or (stats.why == "nothing_counts" and detail):
        stretch = {} if days == period else {"days": days}
        return missing_figure(book, stats.kpi.id, tables, "half_covered", {**detail, **stretch})
    return _lacking(stats, book, days)


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


def _lacking(lacking: NoLevel, book: Book, period: Period) -> Missing:
    detail: dict[str, object] = {} if lacking.until is None else {"until": lacking.until}
    if lacking.days is not None:
        detail["days"] = lacking.days
    one = Missing(lacking.kpi.id, lacking.needs, lacking.held_by, lacking.why, detail)
    if lacking.why not in {"nothing_counts", "too_small"}:
        return one
    return naming(one, uncounted(book, lacking.kpi, lacking.days or period))
