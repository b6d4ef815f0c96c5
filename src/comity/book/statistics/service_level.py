"""Contacts answered in time, by signed queue and day: one scan for every KPI and wording that counts them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction

import ibis
import numpy as np
import pyarrow as pa
from ibis import _

from comity.book.opening import Book
from comity.book.statistics.exclusions import TakenOut, during, events, without
from comity.book.statistics.queue_days import DailyCounts, Floats, Whole, folded
from comity.book.statistics.scope import in_queues, in_scope
from comity.core.agreements import EVERYTHING, Abandons, Kpi, in_force
from comity.core.readings.service_level import Excluded, Stats, Tally
from comity.core.values import Comparison

__all__ = ["COUNTS", "DailyCounts", "SlotCounts", "counting", "daily", "gather", "slots"]

CONTACTS, INTERVALS = "contacts", "intervals"
COUNTS = ("answered", "within", "abandoned", "abandoned_within", "short", "unresolved")
MEASURE = "service_level"
_MEASURES = (MEASURE, "abandonment")
_TALLY = ("within", "answered", "abandoned", "short", "unresolved")


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


def daily(book: Book, kpi: Kpi, taken_out: TakenOut = TakenOut.ACCEPTED) -> DailyCounts:
    """The contacts of a KPI of measure service_level or abandonment, by signed queue and local day of `opened_at`.

    Its counts are those of `COUNTS`: `within` is of the answered, within the KPI's `answer_within_s`;
    `abandoned_within` and `short` of the abandoned, within that time and within `short_abandon_s`. A contact that
    was both answered and abandoned is answered; one that was neither is `unresolved`, and stands apart.

    Where the book has no contacts, they come from intervals (`source` says so): of those that count by the KPI's
    own threshold, whatever their channel. Then `abandoned_within` is not known, and NaN.

    :param taken_out: the events whose contacts are left out
    """
    key = (MEASURE, "daily", kpi.measure, counting(kpi), events(book, kpi, taken_out))
    return book.once(key, lambda: _daily(book, kpi, taken_out))


def slots(book: Book, kpi: Kpi) -> SlotCounts:
    """The half hours (from intervals: the intervals) of each signed queue, by day, without accepted exclusions.

    A scan of its own: it groups finer than the rest, and only sums over a day leave the engine.
    """
    key = (MEASURE, "slots", kpi.target, counting(kpi), events(book, kpi, TakenOut.ACCEPTED))
    return book.once(key, lambda: _slots(book, kpi))


def counting(kpi: Kpi) -> tuple[object, ...]:
    """What makes two wordings count alike: all pins that say which contacts count, and how."""
    pins = (kpi.queues, kpi.channels, kpi.answer_within_s, kpi.short_abandon_s, kpi.abandons)
    return (*pins, tuple(sorted(kpi.queue_map.items())))


def gather(book: Book, comparisons: Sequence[Comparison]) -> dict[Comparison, tuple[Stats, ...]]:
    """The counts behind every KPI of this measure, for each comparison, in the order of the definition."""
    kpis = tuple(kpi for kpi in book.definition.kpis if kpi.measure == MEASURE)
    found: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not (book.has(CONTACTS) or book.has(INTERVALS)):
        return found
    for asked in comparisons:
        for kpi, kpi_before in wordings(kpis, asked):
            found[asked] += (_stats(book, kpi, kpi_before, asked),)
    return found


def wordings(kpis: Sequence[Kpi], asked: Comparison) -> list[tuple[Kpi, Kpi]]:
    """Each KPI as worded on the last day of the period, and of the one that it is held against.

    A period before the first wording is counted by the later one.
    """
    found = []
    for name in dict.fromkeys(kpi.id for kpi in kpis):
        kpi = in_force(tuple(kpis), name, asked.period.end - timedelta(days=1))
        if kpi is not None:
            found.append((kpi, in_force(tuple(kpis), name, asked.reference.end - timedelta(days=1)) or kpi))
    return found


def _stats(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison) -> Stats:
    counted = _tallies(book, kpi, kpi_before, asked, TakenOut.ACCEPTED)
    elsewise = {}
    agreed = events(book, kpi, TakenOut.ACCEPTED)
    if agreed:
        elsewise["accepted"] = _tallies(book, kpi, kpi_before, asked, TakenOut.NOTHING)
    if events(book, kpi, TakenOut.CLAIMED) != agreed:
        elsewise["claimed"] = _tallies(book, kpi, kpi_before, asked, TakenOut.CLAIMED)
    return Stats(
        kpi=kpi,
        kpi_before=kpi_before,
        before_own=counted.before_own,
        before=counted.before,
        after=counted.after,
        elsewise=elsewise,
    )


def _tallies(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison, taken_out: TakenOut) -> Excluded:
    now, own = daily(book, kpi, taken_out), daily(book, kpi_before, taken_out)
    present = now.queues_in(asked.reference) + now.queues_in(asked.period) + own.queues_in(asked.reference)
    queues = tuple(sorted(set(present)))
    return Excluded(
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


def _daily(book: Book, kpi: Kpi, taken_out: TakenOut) -> DailyCounts:
    if not book.has(CONTACTS):
        return _of_intervals(book, kpi, taken_out)
    known = [one for one in book.definition.kpis if one.measure in _MEASURES]
    if not any(counting(one) == counting(kpi) for one in known):
        known = [kpi]
    times = {one.answer_within_s for one in known}
    limits = _Limits(tuple(sorted(times)), tuple(sorted(times | {one.short_abandon_s for one in known})))
    by_channel = any(one.channels != EVERYTHING for one in known)
    contacts = book.table(CONTACTS)
    columns = book.once(
        (MEASURE, "scan", limits, by_channel),
        lambda: _grouped(contacts, limits, by_channel=by_channel),
    )
    inside = during(book, contacts, kpi, taken_out)
    aside = () if inside is None else (_grouped(inside, limits, by_channel=by_channel),)
    given = {
        "answered": "answered",
        "within": f"within{limits.answered.index(kpi.answer_within_s)}",
        "abandoned": "abandoned",
        "abandoned_within": f"gave_up{limits.abandoned.index(kpi.answer_within_s)}",
        "short": f"gave_up{limits.abandoned.index(kpi.short_abandon_s)}",
        "unresolved": "unresolved",
    }
    return folded(CONTACTS, kpi, given, columns, *aside)


def _grouped(table: ibis.Table, limits: _Limits, *, by_channel: bool) -> pa.Table:
    """One scan: counts by source queue, day and perhaps channel, for all limits at once."""
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
    keys = ("queue", "channel") if by_channel else ("queue",)
    return table.group_by(*keys, day=table.opened_on).aggregate(**sums).to_pyarrow()


def _seconds(limit: float) -> ibis.Value:
    return ibis.interval(microseconds=round(limit * 1e6))


# Intervals -----------------------------------------------------------------------------------------------------


def _of_intervals(book: Book, kpi: Kpi, taken_out: TakenOut) -> DailyCounts:
    if not book.has(INTERVALS):
        nothing = pa.table({name: pa.array([], pa.int64()) for name in ("day", "queue", *COUNTS)})
        return folded(INTERVALS, kpi, {name: name for name in COUNTS}, nothing)
    rows = _usable(kpi, without(book, book.table(INTERVALS), kpi, taken_out, start="start"))
    known = {name: rows[name].sum() for name in COUNTS if name != "abandoned_within"}
    columns = rows.group_by("queue", day=rows.start_on).aggregate(**known).to_pyarrow()
    found = folded(INTERVALS, kpi, {name: name for name in known}, columns)
    return DailyCounts(
        found.source,
        found.queues,
        found.queue,
        found.days,
        {**found.counts, "abandoned_within": np.full(found.days.size, np.nan)},
    )


def _usable(kpi: Kpi, table: ibis.Table) -> ibis.Table:
    """Intervals with the counts of `COUNTS`, of those that tell what the KPI asks for.

    A row whose threshold is not the KPI's, or not said, tells nothing of a service level. Who is offered and
    neither answered nor abandoned flowed out. Short abandons are those of the source; without a time for them
    in the KPI there are none.
    """
    rest = ibis.greatest(table.offered - table.answered - table.flowed_out.fill_null(0), 0)
    gave_up = ibis.coalesce(table.abandoned, rest)
    known = table.answered.notnull() & gave_up.notnull()
    if kpi.measure == MEASURE:
        known &= table.answered_within.notnull() & (table.threshold_s == kpi.answer_within_s)
    return table.filter(known).mutate(
        within=table.answered_within.fill_null(0),
        abandoned=gave_up,
        short=table.abandoned_short.fill_null(0) if kpi.short_abandon_s > 0 else ibis.literal(0),
        unresolved=ibis.greatest(table.offered.fill_null(0) - table.answered - gave_up, 0),
    )


# Half hours ----------------------------------------------------------------------------------------------------


def _slots(book: Book, kpi: Kpi) -> SlotCounts:
    if book.has(CONTACTS):
        rows = in_scope(without(book, book.table(CONTACTS), kpi), kpi)
        gave_up = rows.abandoned_at.notnull() & rows.answered_at.isnull()
        short = gave_up & (rows.abandoned_at <= rows.opened_at + _seconds(kpi.short_abandon_s))
        cells = rows.group_by("queue", day=rows.opened_on, slot=rows.opened_slot).aggregate(
            within=(rows.answered_at <= rows.opened_at + _seconds(kpi.answer_within_s)).sum().fill_null(0),
            answered=rows.answered_at.count(),
            abandoned=gave_up.sum(),
            short=short.sum().fill_null(0),
        )
    else:
        rows = in_queues(_usable(kpi, without(book, book.table(INTERVALS), kpi, start="start")), kpi)
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
