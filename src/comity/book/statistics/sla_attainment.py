"""What fell due, by queue and local day, and what of it was resolved in time: open ones are misses, not absences."""

from collections.abc import Sequence

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.deadlines import promises
from comity.book.statistics.exclusions import TakenOut, during, events
from comity.book.statistics.queue_days import DailyCounts, folded
from comity.book.statistics.service_level import counting, wordings
from comity.core.agreements.kpi import EVERYTHING, Kpi
from comity.core.readings.decomposition import Cells
from comity.core.readings.sla_attainment import KpiCells, Stats
from comity.core.values import Comparison, Period

MEASURE = "sla_attainment"
DEFAULT = Kpi(MEASURE, MEASURE)  # a book that names no KPI for it is still read where its contacts tell of due times
CONTACTS = "contacts"
COUNTS = ("good", "judged", "open_late", "by_source", "unjudged", "paused", "cancelled", "contradicted")
BESIDE = ("paused", "cancelled", "contradicted")  # of `COUNTS`, those that stand beside a figure where there are any


def kpis_of(book: Book) -> tuple[Kpi, ...]:
    """The book's KPIs of this measure, or the default one."""
    return tuple(kpi for kpi in book.definition.kpis if kpi.measure == MEASURE) or (DEFAULT,)


def daily(book: Book, kpi: Kpi, taken_out: TakenOut = TakenOut.ACCEPTED) -> DailyCounts:
    """The promises that a KPI judges, by signed queue and local day, in one scan for all KPIs of one deadline.

    A promise with a due time belongs to the local day of that, and is `good` when resolved (a response: answered) by
    then; `open_late` are those not resolved at all. One without a due time belongs to the day on which its contact
    was opened, and is judged by the source's own verdict (`by_source`) or not (`unjudged`). Those `paused` and
    `cancelled` are not judged. `contradicted` are those of which the source's verdict is another than that of the
    due time. A due day at or beyond the horizon is not to be asked for.
    """
    key = (MEASURE, "daily", counting(kpi), events(book, kpi, taken_out))
    return book.once(key, lambda: _daily(book, kpi, taken_out))


def gather(book: Book, comparisons: Sequence[Comparison]) -> dict[Comparison, tuple[Stats, ...]]:
    """The counts behind every KPI of deadlines kept, for each comparison; none where nothing is judged."""
    stats: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not book.has(CONTACTS):
        return stats
    for asked in comparisons:
        if asked.horizon <= max(asked.period.start, asked.reference.start):
            continue
        for kpi, kpi_before in wordings(kpis_of(book), asked):
            if all(daily(book, kpi).total("judged", period) for period in (asked.reference, asked.period)):
                stats[asked] += (_stats(book, kpi, kpi_before, asked),)
    return stats


def _stats(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison) -> Stats:
    by_exclusion = {}
    agreed = events(book, kpi, TakenOut.ACCEPTED)
    if agreed:
        by_exclusion["nothing"] = _three(book, kpi, kpi_before, asked, TakenOut.NOTHING)
    if events(book, kpi, TakenOut.CLAIMED) != agreed:
        by_exclusion["claimed"] = _three(book, kpi, kpi_before, asked, TakenOut.CLAIMED)
    now, periods = daily(book, kpi), [_before_horizon(period, asked) for period in (asked.reference, asked.period)]
    open_late = [round(now.total("open_late", period)) for period in periods]
    by_source = [now.total("by_source", period) for period in periods]
    unjudged = [now.total("unjudged", period) for period in periods]
    beside = {name: [round(now.total(name, period)) for period in periods] for name in BESIDE}
    return Stats(
        kpi=kpi,
        counted=_three(book, kpi, kpi_before, asked, TakenOut.ACCEPTED),
        open_late=(open_late[0], open_late[1]),
        unjudged=(_share(unjudged[0], by_source[0]), _share(unjudged[1], by_source[1])) if any(by_source) else None,
        by_exclusion=by_exclusion,
        beside={name: (before, after) for name, (before, after) in beside.items() if before or after},
    )


def _share(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else 0.0


def _three(book: Book, kpi: Kpi, kpi_before: Kpi, asked: Comparison, taken_out: TakenOut) -> KpiCells:
    now, own = daily(book, kpi, taken_out), daily(book, kpi_before, taken_out)
    before, after = _before_horizon(asked.reference, asked), _before_horizon(asked.period, asked)
    queues = tuple(sorted({*now.queues_in(before), *now.queues_in(after), *own.queues_in(before)}))

    def cells(counts: DailyCounts, period: Period) -> Cells:
        return Cells(*counts.by_week(period, ("good", "judged"), queues))

    return KpiCells(cells(own, before), cells(now, before), cells(now, after))


def _before_horizon(period: Period, asked: Comparison) -> Period:
    """The days of a period before the horizon; what falls due later cannot be judged yet."""
    return Period(period.start, min(period.end, asked.horizon))


def _daily(book: Book, kpi: Kpi, taken_out: TakenOut) -> DailyCounts:
    by_channel = any(one.channels != EVERYTHING for one in (*kpis_of(book), kpi))
    promised = promises(book, kpi)
    columns = book.once((MEASURE, "scan", by_channel, kpi.deadline), lambda: _grouped(promised, by_channel=by_channel))
    inside = during(book, promised, kpi, taken_out)
    aside = () if inside is None else (_grouped(inside, by_channel=by_channel),)
    return folded(CONTACTS, kpi, {name: name for name in COUNTS}, columns, *aside)


def _grouped(table: ibis.Table, *, by_channel: bool) -> pa.Table:
    keys = ("queue", "channel") if by_channel else ("queue",)
    sums = {name: table[name].sum() for name in COUNTS if name not in {"good", "judged"}}
    return table.group_by(*keys, "day").aggregate(good=_.kept.sum(), judged=_.kept.count(), **sums).to_pyarrow()
