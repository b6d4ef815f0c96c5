"""What was planned and what happened, interval by interval: what a service level is shared out by.

From intervals where the book has them, else from its contacts, counted into the intervals of the forecast. A row leaves
the engine for each interval and signed queue of the period, and none for a contact.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import ibis
import numpy as np
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.callers import caller_column
from comity.book.statistics.exclusions import TakenOut, without
from comity.book.statistics.record_choice import counted_table, record_choice
from comity.book.statistics.scope import forecasts_that_count, in_queues, in_scope
from comity.core.agreements.kpi import Kpi
from comity.core.economics.attribution import Floats, Intervals, Ints
from comity.core.record_choice import Why
from comity.core.values import Period

CONTACTS, INTERVALS, FORECASTS, SCHEDULES = "contacts", "intervals", "forecasts", "schedules"
REDIAL_WITHIN_MIN = 30
_AT = ("queue", "start", "minutes")
_PLANNED = ("forecast", "aht", "required", "scheduled", "staffed", "ordered_off")
_HAPPENED = ("count", "answered", "good", "abandoned", "short", "handle_s", "minutes", "patience_s")
_TO_MONDAY = 3  # 1970-01-01 was a Thursday
_SECONDS = 60.0
# Why an interval is left out, the first that holds.
_WHY = ("no_forecast", "no_handle_time", "no_schedule", "no_staffed", "no_figures")


@dataclass(frozen=True, slots=True)
class Planned:
    """The intervals of one KPI in one period, and how far they go.

    `queues` names the numbers of `intervals.queue`, `starts` holds each interval's start in UTC, as microseconds
    since 1970. `patience_s` is what the records say of each queue, where they say it. `used_share` is of all contacts;
    `left_out` counts the others by why. `locked_by` are the sides whose locked forecasts these are; `promised` is the
    share of contacts whose required positions were locked. `redials` are contacts taken off because they called again
    soon after giving up; None where callers are not known. `said_by` names who delivered what counts against a side:
    the rows of `ordered_off` and of `locked` forecasts.
    """

    source: str
    intervals: Intervals
    queues: tuple[str, ...]
    starts: Ints
    patience_s: Mapping[int, float]
    used_share: float
    left_out: Mapping[str, float]
    locked_by: tuple[str, ...]
    promised: float
    redials: int | None
    said_by: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def source_of(book: Book, kpi: Kpi) -> str:
    """The table that tells what happened.

    Where a KPI is counted from contacts and intervals tell of the same queues, intervals: they tell of patience, and of
    the same half hours as the plan. Not where it was agreed otherwise.
    """
    choice = record_choice(book, kpi)
    if choice is None or choice.why is Why.AGREED or choice.beside != INTERVALS:
        table = counted_table(book, kpi)
        return table if book.has(table) else INTERVALS
    return INTERVALS if choice.same_queues and choice.beside_answers else CONTACTS


def gather(book: Book, kpi: Kpi, period: Period, taken_out: TakenOut = TakenOut.ACCEPTED) -> Planned | None:
    """Planned and actual of a KPI in a period; None where nothing counted.

    :param taken_out: the events whose intervals, or contacts, are left out
    """
    plan = _plan(book, kpi, period)
    source = source_of(book, kpi)
    if source == INTERVALS:
        rows, redials = _of_intervals(book, kpi, period, taken_out).left_join(plan, _AT), None
    else:
        rows, redials = _of_contacts(book, kpi, period, taken_out, plan)
    table = rows.order_by("start", "queue").to_pyarrow()
    if table.num_rows == 0 or not any(table.column("count").to_pylist()):
        return None
    return replace(_planned(table, source, redials), said_by=_stated_by(book, kpi, period))


def _stated_by(book: Book, kpi: Kpi, period: Period) -> dict[str, tuple[str, ...]]:
    """Who delivered the rows that count against a side, whatever they say of who ordered or locked."""
    forecasts = forecasts_that_count(_within(book.table(FORECASTS), period), kpi).filter(_.locked.fill_null(False))
    rows_by_kind = {"locked": forecasts}
    if book.has(SCHEDULES):
        schedules = in_queues(_within(book.table(SCHEDULES), period), kpi)
        rows_by_kind["ordered_off"] = schedules.filter(_.ordered_off > 0)
        rows_by_kind["required"] = schedules.filter(_.required.notnull())
    return {
        name: tuple(sorted(rows.select("brought_by").distinct().to_pyarrow().column("brought_by").to_pylist()))
        for name, rows in rows_by_kind.items()
    }


def forecast(book: Book, kpi: Kpi, period: Period) -> ibis.Table:
    """The forecast of each interval and signed queue: the locked before the newest.

    Columns: queue, start, minutes, forecast (contacts), aht (s), locked, by_customer, by_provider.
    """
    table = forecasts_that_count(_within(book.table(FORECASTS), period), kpi)
    locked = _.locked.fill_null(False)
    # A part of a queue without a handle time leaves the whole without one.
    forecasts = table.group_by(*_AT).aggregate(
        forecast=_.offered.sum(),
        work=ibis.ifelse(_.aht_s.count() == _.count(), (_.offered * _.aht_s).sum(), None),
        mean=ibis.ifelse(_.aht_s.count() == _.count(), _.aht_s.mean(), None),
        locked=locked.all(),
        by_customer=(locked & (_.issued_by == "customer")).fill_null(False).any(),
        by_provider=(locked & (_.issued_by == "provider")).fill_null(False).any(),
    )
    return forecasts.mutate(aht=ibis.coalesce(_.work / _.forecast.nullif(0), _.mean)).drop("work", "mean")


def _plan(book: Book, kpi: Kpi, period: Period) -> ibis.Table:
    """Forecast and schedule of each interval and signed queue."""
    forecasts = forecast(book, kpi, period)
    table = in_queues(_within(book.table(SCHEDULES), period), kpi)
    schedules = table.group_by(*_AT).aggregate(
        **{name: _whole(table[name]) for name in ("required", "scheduled", "staffed")},
        ordered_off=table.ordered_off.sum().fill_null(0.0),
    )
    rows = forecasts.left_join(schedules, _AT)
    return rows.select(*forecasts.columns, "required", "scheduled", "staffed", "ordered_off")


def _of_intervals(book: Book, kpi: Kpi, period: Period, taken_out: TakenOut) -> ibis.Table:
    """What happened, of the source's intervals. A threshold that is not the KPI's tells nothing of it."""
    table = without(book, _within(book.table(INTERVALS), period), kpi, taken_out, start="start")
    table = in_queues(table, kpi)
    rest = ibis.greatest(table.offered - table.answered - table.flowed_out.fill_null(0), 0)
    told = ibis.ifelse(table.threshold_s == kpi.answer_within_s, table.answered_within, None)
    told = ibis.ifelse(table.answered == 0, 0, told)
    table = table.mutate(gone=ibis.coalesce(table.abandoned, rest), told=told)
    brief = ibis.ifelse(_.gone == 0, 0, _.abandoned_short) if kpi.short_abandon_s is not None else ibis.literal(0)
    table = table.mutate(brief=brief)
    sums = table.group_by(*_AT, day=table.start_on).aggregate(
        count=_.answered.sum() + _.gone.sum(),
        answered=_whole(table.answered),
        good=_whole(table.told),
        abandoned=_whole(table.gone),
        short=_whole(table.brief),
        handle_s=_whole(ibis.ifelse(table.answered == 0, table.handle_s.fill_null(0), table.handle_s)),
        patience_s=table.patience_s.mean(),
    )
    return sums.mutate(count=_["count"].fill_null(0))


def _of_contacts(
    book: Book, kpi: Kpi, period: Period, taken_out: TakenOut, plan: ibis.Table
) -> tuple[ibis.Table, int | None]:
    """What happened, of contacts counted into the intervals of the plan, net of those who called again soon."""
    table = book.table(CONTACTS)
    table = table.filter(table.opened_on >= period.start - timedelta(days=1), table.opened_on < period.end)
    table = in_scope(without(book, table, kpi, taken_out), kpi)
    gone = _.abandoned_at.notnull() & _.answered_at.isnull()
    table = table.filter(_.answered_at.notnull() | _.abandoned_at.notnull(), _.queue.notnull())
    caller = caller_column(book)
    table = table.mutate(caller=ibis.null("string") if caller is None else table[caller])
    chain = ibis.window(group_by=["caller", "queue"], order_by=["opened_at"])
    table = table.mutate(gave_up_at=ibis.ifelse(gone, _.abandoned_at, None))
    again = _.caller.notnull() & (
        _.opened_at <= _.gave_up_at.lag().over(chain) + ibis.interval(minutes=REDIAL_WITHIN_MIN)
    )
    table = table.mutate(again=again.fill_null(False)).filter(_.opened_on >= period.start)
    redials = None if caller is None else int(table.again.sum().to_pyarrow().as_py() or 0)
    table = table.filter(~_.again)
    planned = plan.select(planned="start", planned_minutes="minutes", queue="queue")
    met = table.asof_join(planned, on=table.opened_at >= planned.planned, predicates="queue")
    # Outside of every planned interval a contact stands in a half hour of its own, without a plan.
    ends = met.planned + met.planned_minutes * ibis.interval(minutes=1)
    inside = (met.opened_at < ends).fill_null(False)
    met = met.mutate(
        start=ibis.ifelse(inside, met.planned, met.opened_at.truncate("h")),
        minutes=ibis.ifelse(inside, met.planned_minutes, 60),
    )
    within = met.answered_at <= met.opened_at + ibis.interval(microseconds=round(kpi.answer_within_s * 1e6))
    brief: ibis.Value = met.gave_up_at.notnull() & met.gave_up_at.isnull()  # no abandon is short
    if kpi.short_abandon_s is not None:
        brief = met.gave_up_at <= met.opened_at + ibis.interval(microseconds=round(kpi.short_abandon_s * 1e6))
    sums = met.group_by(*_AT).aggregate(
        day=met.opened_on.min(),
        count=met.count(),
        answered=met.answered_at.count(),
        good=within.sum().fill_null(0),
        abandoned=met.gave_up_at.count(),
        short=brief.sum().fill_null(0),
        handle_s=met.handle_s.sum(where=met.answered_at.notnull()).fill_null(0.0),
        timed=met.handle_s.count(where=met.answered_at.notnull()),
    )
    # The handle time of those answered whose own is not told is that of the others.
    handle_s = ibis.ifelse(_.answered == 0, 0.0, _.handle_s * _.answered / _.timed.nullif(0))
    sums = sums.mutate(handle_s=handle_s, patience_s=ibis.null("float64")).drop("timed")
    return sums.union(_empty(book, kpi, period, taken_out, sums)).left_join(plan, _AT), redials


def _empty(book: Book, kpi: Kpi, period: Period, taken_out: TakenOut, came: ibis.Table) -> ibis.Table:
    """Planned intervals in which no contact came, as counts of nothing: they were forecast and staffed all the same.

    Left out, a month of small queues looks as if less had been forecast and rostered than was.
    """
    planned = without(book, _within(book.table(FORECASTS), period), kpi, taken_out, start="start")
    rows = forecasts_that_count(planned, kpi).group_by(*_AT).aggregate(day=_.start_on.min()).anti_join(came, _AT)
    nothing = {name: ibis.literal(0) for name in ("count", "answered", "good", "abandoned", "short", "handle_s")}
    rows = rows.mutate(**nothing, patience_s=ibis.null("float64"))
    return rows.select(**{name: rows[name].cast(kind) for name, kind in came.schema().items()})


def _planned(table: pa.Table, source: str, redials: int | None) -> Planned:
    columns = {name: _floats(table, name) for name in (*_PLANNED, *_HAPPENED)}
    locked = np.array(table.column("locked").fill_null(fill_value=False).to_pylist(), dtype=bool)
    required = np.where(locked, columns["required"], np.nan)
    reasons = [
        ~np.isfinite(columns["forecast"]),
        ~(columns["aht"] > 0),
        ~np.isfinite(columns["scheduled"]),
        ~np.isfinite(columns["staffed"]),
        ~np.logical_and.reduce([np.isfinite(columns[name]) for name in ("answered", "good", "abandoned", "handle_s")]),
    ]
    count, used = columns["count"], ~np.logical_or.reduce(reasons)
    left_out, seen = {}, np.zeros(count.size, dtype=bool)
    for name, holds in zip(_WHY, reasons, strict=True):
        left_out[name] = float(count[holds & ~seen].sum())
        seen |= holds
    names, queue = np.unique(np.array(table.column("queue").to_pylist(), dtype=object)[used], return_inverse=True)
    kept = {name: values[used] for name, values in columns.items()}
    own = np.isfinite(required[used])
    day = np.asarray(table.column("day").cast(pa.int32()).to_numpy(), dtype=np.int64)[used]
    intervals = Intervals(
        queue=queue.astype(np.int64),
        day=day,
        week=(day + _TO_MONDAY) // 7,
        seconds=kept["minutes"] * _SECONDS,
        forecast=kept["forecast"],
        forecast_aht=kept["aht"],
        required=required[used],
        scheduled=kept["scheduled"],
        staffed=kept["staffed"],
        ordered_off=np.nan_to_num(kept["ordered_off"]),
        count=kept["count"],
        answered=kept["answered"],
        good=kept["good"],
        abandoned=kept["abandoned"],
        short=kept["short"] if np.isfinite(kept["short"]).all() else None,
        handle_s=kept["handle_s"],
    )
    starts = np.asarray(table.column("start").cast(pa.int64()).to_numpy(), dtype=np.int64)[used]
    sides = [side for side in ("customer", "provider") if any(table.column(f"by_{side}").to_pylist())]
    total = kept["count"].sum()
    return Planned(
        source=source,
        intervals=intervals,
        queues=tuple(str(name) for name in names),
        starts=starts,
        patience_s=_patience(kept["patience_s"], queue, kept["count"]),
        used_share=float(total / count.sum()),
        left_out={name: number for name, number in left_out.items() if number},
        locked_by=tuple(sides),
        promised=float(kept["count"][own].sum() / total) if total else 0.0,
        redials=redials,
    )


def plans_differ_in_length(book: Book, kpi: Kpi, period: Period) -> bool:
    """Whether forecasts and schedules of the same queues are there, and no length of a row is in both."""
    rows = (
        forecasts_that_count(_within(book.table(FORECASTS), period), kpi),
        in_queues(_within(book.table(SCHEDULES), period), kpi),
    )
    lengths, queues = (
        [set(one.select(name).distinct().to_pyarrow().column(name).to_pylist()) for one in rows]
        for name in ("minutes", "queue")
    )
    return bool(queues[0] & queues[1]) and not lengths[0] & lengths[1]


def _within(table: ibis.Table, period: Period) -> ibis.Table:
    return table.filter(table.start_on >= period.start, table.start_on < period.end)


def _whole(column: ibis.Value) -> ibis.Value:
    """The sum of a column, nothing where one of its values is not known."""
    return ibis.ifelse(column.count() == ibis._.count(), column.sum(), None)


def _floats(table: pa.Table, name: str) -> Floats:
    """A column as float64, NaN for what is not known."""
    return np.asarray(table.column(name).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _patience(seconds: Floats, queue: Ints, count: Floats) -> dict[int, float]:
    """The mean patience of each queue, weighted by contacts, where the records tell one."""
    known = np.isfinite(seconds) & (seconds > 0) & (count > 0)
    patience = {}
    for number in np.unique(queue[known]).tolist():
        own = known & (queue == number)
        patience[number] = float(np.average(seconds[own], weights=count[own]))
    return patience
