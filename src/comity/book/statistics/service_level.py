"""Contacts answered in time, by signed queue and day: one scan for every KPI and wording that counts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import ibis
import numpy as np
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.exclusions import TakenOut, during, events, without
from comity.book.statistics.queue_days import DailyCounts, Floats, Whole, folded, on_days
from comity.book.statistics.record_choice import counted_table
from comity.book.statistics.scope import in_queues, in_scope
from comity.book.statistics.workings import Workings
from comity.core.agreements.kpi import CONTACTS, EVERYTHING, INTERVALS, Abandons, Kpi, in_force
from comity.core.readings.service_level import Stats, Tallies, Tally
from comity.core.values import Comparison, Period

__all__ = ["COUNTS", "DailyCounts", "SlotCounts", "counting", "daily", "gather", "slots"]

COUNTS = ("answered", "within", "abandoned", "abandoned_within", "short", "short_unknown", "unresolved", "not_counted")
MEASURE = "service_level"
_MEASURES = (MEASURE, "abandonment")
_WEEK_MINUTES = (7 * 24 + 1) * 60  # of the week in which the clocks go back
_TALLY = ("within", "answered", "abandoned", "short", "unresolved", "short_unknown")


@dataclass(frozen=True, slots=True)
class SlotCounts:
    """The half hours of each signed queue in which a contact counts, by day (days since 1970-01-01).

    `rates` sums their shares of contacts answered in time, `slots` says how many there are, `in_target` how many
    meet the KPI's target (0 without one).
    """

    days: Whole
    rates: Floats
    slots: Floats
    in_target: Floats

    def without(self, left_out: Sequence[Period]) -> "SlotCounts":
        """The same without some days."""
        if not left_out:
            return self
        kept = ~on_days(self.days, left_out)
        return SlotCounts(self.days[kept], self.rates[kept], self.slots[kept], self.in_target[kept])


def daily(book: Book, kpi: Kpi, taken_out: TakenOut = TakenOut.ACCEPTED) -> DailyCounts:
    """The contacts of a KPI of measure service_level or abandonment, by signed queue and local day of `opened_at`.

    Its counts are those of `COUNTS`: `within` is of the answered, within the KPI's `answer_within_s`;
    `abandoned_within` and `short` of the abandoned, within that time and within `short_abandon_s` (without which none
    is short); `short_unknown` are the abandoned of which the records do not tell whether they were short, `not_counted`
    those that no column counts: what was offered and neither answered nor known to have flowed out. A contact
    that was both answered and abandoned is answered; one that was neither is `unresolved`, and stands apart.

    They are counted from contacts or from intervals, as `record_choice` has it (`source` says which): of intervals
    from those that count by the KPI's own threshold, whatever their channel. Then `abandoned_within` is not known,
    and NaN.

    :param taken_out: the events whose contacts are left out
    """
    table = counted_table(book, kpi)
    key = (MEASURE, "daily", table, kpi.measure, counting(kpi), events(book, kpi, taken_out))
    return book.once(key, lambda: _daily(book, kpi, taken_out))


def slots(book: Book, kpi: Kpi) -> SlotCounts:
    """The half hours (from intervals: the intervals) of each signed queue, by day, without accepted exclusions.

    Only sums over a day leave the engine.
    """
    table = counted_table(book, kpi)
    key = (MEASURE, "slots", table, kpi.target, counting(kpi), events(book, kpi, TakenOut.ACCEPTED))
    return book.once(key, lambda: _slots(book, kpi))


def counting(kpi: Kpi) -> tuple[object, ...]:
    """What makes two wordings count alike: all pins that say which contacts count, and how."""
    pins = (kpi.queues, kpi.channels, kpi.answer_within_s, kpi.short_abandon_s, kpi.abandons, kpi.deadline)
    return (*pins, kpi.records, tuple(sorted(kpi.queue_map.items())))


def gather(
    book: Book, comparisons: Sequence[Comparison], table: str | None = None
) -> dict[Comparison, tuple[Stats, ...]]:
    """The counts behind every KPI of this measure, for each comparison, in the order of the definition.

    :param table: of the KPIs that are counted from this table only
    """
    kpis = tuple(kpi for kpi in book.definition.kpis if kpi.measure == MEASURE)
    stats: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not (book.has(CONTACTS) or book.has(INTERVALS)):
        return stats
    for asked in comparisons:
        for kpi, kpi_before in wordings(kpis, asked):
            if table is not None and counted_table(book, kpi) != table:
                continue
            stats[asked] += (_stats(book, kpi, kpi_before, asked),)
    return stats


def wordings(kpis: Sequence[Kpi], asked: Comparison) -> list[tuple[Kpi, Kpi]]:
    """Each KPI as worded on the last day of the period, and of the one that it is held against.

    A period before the first wording is counted by the later one.
    """
    pairs = []
    for name in dict.fromkeys(kpi.id for kpi in kpis):
        kpi = in_force(tuple(kpis), name, asked.period.end - timedelta(days=1))
        if kpi is not None:
            pairs.append((kpi, in_force(tuple(kpis), name, asked.reference.end - timedelta(days=1)) or kpi))
    return pairs


def _stats(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison) -> Stats:
    counted = _tallies(book, kpi, kpi_before, asked, TakenOut.ACCEPTED)
    by_exclusion = {}
    agreed = events(book, kpi, TakenOut.ACCEPTED)
    if agreed:
        by_exclusion["nothing"] = _tallies(book, kpi, kpi_before, asked, TakenOut.NOTHING)
    if events(book, kpi, TakenOut.CLAIMED) != agreed:
        by_exclusion["claimed"] = _tallies(book, kpi, kpi_before, asked, TakenOut.CLAIMED)
    return Stats(
        kpi=kpi,
        kpi_before=kpi_before,
        before_own=counted.before_own,
        before=counted.before,
        after=counted.after,
        by_exclusion=by_exclusion,
    )


def _tallies(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison, taken_out: TakenOut) -> Tallies:
    now, own = daily(book, kpi, taken_out), daily(book, kpi_before, taken_out)
    present = now.queues_in(asked.reference) + now.queues_in(asked.period) + own.queues_in(asked.reference)
    queues = tuple(sorted(set(present)))
    return Tallies(
        before_own=Tally(*own.by_week(asked.reference, _TALLY, queues)),
        before=Tally(*now.by_week(asked.reference, _TALLY, queues)),
        after=Tally(*now.by_week(asked.period, _TALLY, queues)),
    )


# Contacts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Limits:
    """The times, in seconds, by which answers and abandons are told apart."""

    answered: tuple[float, ...]
    abandoned: tuple[float, ...]

    def columns_of(self, kpi: Kpi) -> dict[str, str | None]:
        """The column of the scan that holds each of `COUNTS`; None where there is nothing to count."""
        return {
            "answered": "answered",
            "within": f"within{self.answered.index(kpi.answer_within_s)}",
            "abandoned": "abandoned",
            "abandoned_within": f"gave_up{self.abandoned.index(kpi.answer_within_s)}",
            "short": None if kpi.short_abandon_s is None else f"gave_up{self.abandoned.index(kpi.short_abandon_s)}",
            "short_unknown": None,
            "not_counted": None,
            "unresolved": "unresolved",
        }


def _daily(book: Book, kpi: Kpi, taken_out: TakenOut) -> DailyCounts:
    if counted_table(book, kpi) == INTERVALS or not book.has(CONTACTS):
        return _of_intervals(book, kpi, taken_out)
    limits, keys = _scanned(book, kpi)
    columns = book.once((MEASURE, "days", limits, keys), lambda: _by_day(_half_hours(book, limits, keys), keys))
    inside = during(book, book.table(CONTACTS), kpi, taken_out)
    aside = () if inside is None else (_by_day(_grouped(inside, limits, keys), keys),)
    return folded(CONTACTS, kpi, limits.columns_of(kpi), columns, *aside)


def _scanned(book: Book, kpi: Kpi) -> tuple[_Limits, tuple[str, ...]]:
    """The limits and keys of the one scan that serves this KPI, and where it can all those of the book."""
    known = [one for one in book.definition.kpis if one.measure in _MEASURES]
    if not any(counting(one) == counting(kpi) for one in known):
        known = [kpi]
    times = {one.answer_within_s for one in known}
    short = {one.short_abandon_s for one in known if one.short_abandon_s is not None}
    limits = _Limits(tuple(sorted(times)), tuple(sorted(times | short)))
    return limits, ("queue", "channel") if any(one.channels != EVERYTHING for one in known) else ("queue",)


def _half_hours(book: Book, limits: _Limits, keys: tuple[str, ...]) -> ibis.Table:
    """The one scan, kept in the engine as long as the book is open: days and half hours are both sums of it."""
    expression = _grouped(book.table(CONTACTS), limits, keys)
    kept = book.once((MEASURE, "half hours", limits, keys), lambda: Workings(book).kept(expression))
    # The engine sums to 128 bits, and a kept table remembers that.
    return kept.cast({name: kind for name, kind in expression.schema().items() if kind.is_integer()})


def _grouped(table: ibis.Table, limits: _Limits, keys: tuple[str, ...]) -> ibis.Table:
    """Counts by source queue, perhaps channel, day and half hour, for all limits at once."""
    gave_up = table.abandoned_at.notnull() & table.answered_at.isnull()
    sums = {
        "answered": table.answered_at.count(),
        "abandoned": gave_up.sum(),
        "unresolved": (table.answered_at.isnull() & table.abandoned_at.isnull()).sum(),
    }
    for number, limit in enumerate(limits.answered):
        sums[f"within{number}"] = (table.answered_at <= table.opened_at + _seconds(limit)).sum()
    for number, limit in enumerate(limits.abandoned):
        sums[f"gave_up{number}"] = (gave_up & (table.abandoned_at <= table.opened_at + _seconds(limit))).sum()
    return table.group_by(*keys, day=table.opened_on, slot=table.opened_slot).aggregate(**sums)


def _by_day(half_hours: ibis.Table, keys: tuple[str, ...]) -> pa.Table:
    counts = [name for name in half_hours.columns if name not in {*keys, "day", "slot"}]
    return half_hours.group_by(*keys, "day").aggregate(**{name: half_hours[name].sum() for name in counts}).to_pyarrow()


def _seconds(limit: float) -> ibis.Value:
    return ibis.interval(microseconds=round(limit * 1e6))


# Intervals -----------------------------------------------------------------------------------------------------


def _of_intervals(book: Book, kpi: Kpi, taken_out: TakenOut) -> DailyCounts:
    if not book.has(INTERVALS):
        nothing = pa.table({name: pa.array([], pa.int64()) for name in ("day", "queue", *COUNTS)})
        return folded(INTERVALS, kpi, {name: name for name in COUNTS}, nothing)
    rows = usable_intervals(kpi, without(book, book.table(INTERVALS), kpi, taken_out, start="start"))
    known = {name: rows[name].sum() for name in COUNTS if name != "abandoned_within"}
    columns = rows.group_by("queue", day=rows.start_on).aggregate(**known, longest=rows.minutes.max()).to_pyarrow()
    counts = folded(INTERVALS, kpi, {name: name for name in known}, columns)
    return DailyCounts(
        counts.source,
        counts.queues,
        counts.queue,
        counts.days,
        {**counts.counts, "abandoned_within": np.full(counts.days.size, np.nan)},
        _days_of_long_rows(columns),
    )


def _days_of_long_rows(columns: pa.Table) -> Whole:
    """The days (since 1970-01-01) on which a row begins that lasts for longer than a week."""
    longest = np.nan_to_num(columns.column("longest").cast(pa.float64()).to_numpy())
    days = np.asarray(columns.column("day").cast(pa.int32()).to_numpy(), dtype=np.int64)
    return np.unique(days[longest > _WEEK_MINUTES])


def usable_intervals(kpi: Kpi, table: ibis.Table) -> ibis.Table:
    """Intervals with the counts of `COUNTS`, of those that tell what the KPI asks for.

    A row whose threshold is not the KPI's, or not said, tells nothing of a service level. Who is offered and
    neither answered nor abandoned flowed out. Short abandons are those of the source, and where it does not tell them
    of those who gave up, they are not known; without a time for them in the KPI there are none.
    """
    rest = ibis.greatest(table.offered - table.answered - table.flowed_out.fill_null(0), 0)
    gave_up = ibis.coalesce(table.abandoned, rest)
    known = table.answered.notnull() & gave_up.notnull()
    if kpi.measure == MEASURE:
        known &= table.answered_within.notnull() & (table.threshold_s == kpi.answer_within_s)
    return table.filter(known).mutate(
        within=table.answered_within.fill_null(0),
        abandoned=gave_up,
        short=ibis.literal(0) if kpi.short_abandon_s is None else table.abandoned_short.fill_null(0),
        short_unknown=ibis.literal(0)
        if kpi.short_abandon_s is None
        else ibis.ifelse(table.abandoned_short.isnull(), gave_up, 0),
        not_counted=ibis.ifelse(table.abandoned.isnull(), gave_up, 0),
        unresolved=ibis.greatest(table.offered.fill_null(0) - table.answered - gave_up, 0),
    )


# Half hours ----------------------------------------------------------------------------------------------------


def _slots(book: Book, kpi: Kpi) -> SlotCounts:
    if counted_table(book, kpi) == CONTACTS:
        limits, keys = _scanned(book, kpi)
        given = limits.columns_of(kpi)
        rows = _half_hours(book, limits, keys)
        inside = during(book, book.table(CONTACTS), kpi)
        if inside is not None:
            aside = _grouped(inside, limits, keys)
            less = {name: -aside[name] for name in dict.fromkeys(given.values()) if name is not None}
            rows = rows.union(aside.mutate(**less).select(*rows.columns))
        rows = in_scope(rows, kpi)
        cells = rows.group_by("queue", "day", "slot").aggregate(
            **{
                name: ibis.literal(0) if (column := given[name]) is None else rows[column].sum().fill_null(0)
                for name in ("within", "answered", "abandoned", "short")
            },
        )
    else:
        rows = in_queues(usable_intervals(kpi, without(book, book.table(INTERVALS), kpi, start="start")), kpi)
        cells = rows.group_by("queue", day=rows.start_on, slot=rows.start).aggregate(
            **{name: rows[name].sum() for name in ("within", "answered", "abandoned", "short")},
        )
    counted = {
        Abandons.COUNT: cells.answered + cells.abandoned,
        Abandons.EXCLUDE_SHORT: cells.answered + cells.abandoned - cells.short,
        Abandons.EXCLUDE_ALL: cells.answered,
    }[kpi.abandons]
    cells = cells.mutate(counted=counted).filter(_.counted > 0)
    met = ibis.literal(0)
    if kpi.target is not None:
        # In whole numbers, as the target is written: 4 of 5 meet 0.8, which they may not in binary fractions.
        target = Fraction(repr(float(kpi.target)))
        met = (cells.within * target.denominator >= cells.counted * target.numerator).cast("int64")
    sums = (
        cells.mutate(met=met, rate=_.within / _.counted)
        .group_by("day")
        .aggregate(rates=_.rate.sum(), slots=_.count(), in_target=_.met.sum())
    )
    found = sums.order_by("day").to_pyarrow()
    days = np.asarray(found.column("day").cast(pa.int32()).to_numpy(), dtype=np.int64)
    return SlotCounts(
        days, *(found.column(name).cast(pa.float64()).to_numpy() for name in ("rates", "slots", "in_target"))
    )
