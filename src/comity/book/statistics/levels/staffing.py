"""Occupancy: the time that contacts took, of the time that positions were staffed for them."""

from collections.abc import Iterator

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import Daily
from comity.book.statistics.record_choice import table_for_plan
from comity.book.statistics.scope import in_queues, in_scope
from comity.core.agreements.kpi import Kpi
from comity.core.levels import LevelStats, Sampled
from comity.core.values import Period


def needs(book: Book, kpi: Kpi) -> tuple[str, ...]:
    """The tables that occupancy is made of: intervals before contacts, where they tell of its queues' handled time."""
    return ("schedules", table_for_plan(book, kpi, "schedules", "handle_s"))


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """Handled time over staffed time, of the days and queues for which both are known.

    Positions in `schedules` are those on the phones, after breaks and absence, so that their time is handled time
    and time available: COPC's form of occupancy (`standards.md` 2.4).
    """
    tables = needs(book, asked.kpi)
    if not book.has(*tables):
        yield from ((period, no_level(book, asked.kpi, tables)) for period in asked.periods)
        return
    handled = _handled(book, asked, tables)
    staffed = book.table("schedules").filter(_.start_on >= asked.start, _.start_on < asked.end, _.staffed.notnull())
    staffed = in_queues(staffed, asked.kpi).group_by("queue", day=_.start_on)
    both = handled.inner_join(staffed.aggregate(staffed_s=(_.staffed * _.minutes * 60.0).sum()), ["queue", "day"])
    sums = both.group_by("day").aggregate(num=_.handled_s.sum(), den=_.staffed_s.sum())
    daily = Daily.of(sums.to_pyarrow(), "day").without(asked.left_out)
    for period in asked.periods:
        counted = daily.weekly("num", "den", period)
        if counted.den > 0:
            yield period, LevelStats(asked.kpi, period, counted, Sampled.WEEKS)
        else:
            yield period, no_level(book, asked.kpi, tables, "nothing_counts")


def _handled(book: Book, asked: LevelQuestion, tables: tuple[str, ...]) -> ibis.Table:
    day, scope = ("opened_on", in_scope) if "contacts" in tables else ("start_on", in_queues)
    table = book.table(tables[1])
    table = table.filter(table[day] >= asked.start, table[day] < asked.end, table.handle_s.notnull())
    return scope(table, asked.kpi).group_by("queue", day=_[day]).aggregate(handled_s=_.handle_s.sum())
