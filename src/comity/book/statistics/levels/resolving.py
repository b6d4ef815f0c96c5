"""Time to resolve: from opened to resolved, of what was resolved in the period; what is open stands beside it."""

from collections.abc import Iterator

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels import backlog
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import by_period
from comity.book.statistics.scope import contacts_of
from comity.core.levels import LevelStats, Quantile, Sampled, moments
from comity.core.values import Period

NEEDS = ("contacts",)
QUANTILES = {"median": 0.5, "p90": 0.9}
_MICROSECOND = 1e-6
_GRID = tuple(round(0.01 * step, 2) for step in range(101))


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """Mean, median or nine-in-ten seconds of the calendar from opened to resolved, by the day resolved.

    What is not resolved yet is in none of them, and takes longer than what is: how much of it was open at the end of
    the period stands beside. Two scans: the quantiles of each period, then the sums by week.
    """
    kpi = asked.kpi
    contacts = contacts_of(book, kpi, asked.start, asked.end, day="resolved_on")
    spread = by_period(contacts, "resolved_on", asked.periods, asked.left_out)
    spread = spread.select("period", "resolved_on", took=_.resolved_at.delta(_.opened_at, unit="microsecond"))
    rows = spread.group_by("period").aggregate(mean=_.took.mean(), quantiles=_.took.quantile(_GRID))
    found = {row["period"]: row for row in rows.to_pyarrow().to_pylist()}
    at = _GRID.index(QUANTILES.get(kpi.formula, 0.5))
    limits = {number: row["quantiles"][at] for number, row in found.items()}
    limit = _.period.cases(*limits.items(), else_=0.0) if limits else ibis.literal(0.0)
    weeks = (
        spread.mutate(week=_.resolved_on.truncate("W"), within=_.took <= limit)
        .group_by("period", "week")
        .aggregate(within=_.within.sum(), all=_.count(), took=_.took.sum())
        .to_pyarrow()
        .to_pylist()
    )
    still_open = {
        period: round(one.counted.num) for period, one in backlog.gather(book, asked) if isinstance(one, LevelStats)
    }
    for number, period in enumerate(asked.periods):
        if number not in found:
            yield period, no_level(book, kpi, NEEDS, "nothing_counts")
            continue
        held = [row for row in weeks if row["period"] == number]
        values = tuple(one * _MICROSECOND for one in found[number]["quantiles"])
        told = {"mean_s": found[number]["mean"] * _MICROSECOND}
        told |= {f"{name}_s": values[_GRID.index(share)] for name, share in QUANTILES.items()}
        also: dict[str, object] = {name: value for name, value in told.items() if name != f"{kpi.formula}_s"}
        if period in still_open:
            also["still_open"] = still_open[period]
        counts = [row["all"] for row in held]
        if kpi.formula in QUANTILES:
            share = moments([row["within"] for row in held], counts)
            quantile = Quantile(QUANTILES[kpi.formula], values[at], _GRID, values)
            yield period, LevelStats(kpi, period, share, Sampled.WEEKS, quantile=quantile, also=also)
        else:
            counted = moments([float(row["took"]) * _MICROSECOND for row in held], counts)
            yield period, LevelStats(kpi, period, counted, Sampled.WEEKS, also=also)
