"""Levels of contacts by the day on which the clock started: waits, handle time; and reopened ones by day resolved."""

from collections.abc import Iterator, Mapping

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level, nothing_counts
from comity.book.statistics.levels.folding import Daily, by_period
from comity.book.statistics.record_choice import counted_table
from comity.book.statistics.scope import contacts_of, in_queues
from comity.core.agreements.kpi import CONTACTS
from comity.core.levels import P90, LevelStats, Quantile, Sampled, moments
from comity.core.values import Period

NEEDS = ("contacts",)
_MICROSECOND = 1e-6
# Fine enough that reading between two points does not matter beside the error; from the median up, which no
# 95 % interval around nine in ten reaches below unless there are next to no contacts.
_GRID = tuple(round(0.5 + 0.005 * step, 3) for step in range(101))
Found = Iterator[tuple[Period, LevelStats | NoLevel]]


def waits(book: Book, asked: LevelQuestion) -> Found:
    """Mean seconds from the start of the clock to the answer, over answered contacts."""
    contacts = contacts_of(book, asked.kpi, asked.start, asked.end)
    gave_up = _.abandoned_at.notnull() & _.answered_at.isnull()
    daily = _daily(
        asked,
        contacts,
        "opened_on",
        num=(_.answered_at.delta(_.opened_at, unit="microsecond") * _MICROSECOND).sum(),
        den=_.answered_at.count(),
        lost=(_.abandoned_at.delta(_.opened_at, unit="microsecond") * _MICROSECOND).sum(where=gave_up),
        gave_up=gave_up.sum(),
    )
    for period in asked.periods:
        lost = daily.total("gave_up", period)
        also = {"wait_of_abandoned_s": daily.total("lost", period) / lost} if lost else {}
        yield period, _ratio(book, asked, daily, period, also)


def handle_times(book: Book, asked: LevelQuestion) -> Found:
    """Mean seconds of talk, hold and work after the contact, over the contacts that were handled.

    From intervals where it is counted from these: their handled time over those answered.
    """
    table = counted_table(book, asked.kpi)
    if table == CONTACTS:
        contacts = contacts_of(book, asked.kpi, asked.start, asked.end)
        handled = _.handle_s.notnull() & (_.answered_at.notnull() | _.abandoned_at.isnull())
        daily = _daily(asked, contacts, "opened_on", num=_.handle_s.sum(where=handled), den=handled.sum())
    else:
        daily = _daily(
            asked,
            intervals_of(book, asked),
            "start_on",
            num=_.handle_s.sum(where=_.answered.notnull()),
            den=_.answered.sum(where=_.handle_s.notnull()),
        )
    for period in asked.periods:
        yield period, _ratio(book, asked, daily, period, {}, table)


def reopened(book: Book, asked: LevelQuestion) -> Found:
    """Share of the contacts resolved in the period that were opened again at least once.

    The records say how often, not when, so that the KPI's window cannot be held against it.
    """
    contacts = contacts_of(book, asked.kpi, asked.start, asked.end, day="resolved_on").filter(_.reopens.notnull())
    daily = _daily(asked, contacts, "resolved_on", num=(_.reopens > 0).sum(), den=_.count(), times=_.reopens.sum())
    for period in asked.periods:
        den = daily.total("den", period)
        also = {"reopens_per_contact": daily.total("times", period) / den} if den else {}
        yield period, _ratio(book, asked, daily, period, also)


def waits_p90(book: Book, asked: LevelQuestion) -> Found:
    """The wait that nine in ten answered contacts did not exceed, in seconds, interpolated between neighbours.

    Two scans: the quantiles of each period, then by week how many waited no longer.
    """
    contacts = contacts_of(book, asked.kpi, asked.start, asked.end).filter(_.answered_at.notnull())
    spread = by_period(contacts, "opened_on", asked.periods, asked.left_out)
    spread = spread.select("period", "opened_on", wait=_.answered_at.delta(_.opened_at, unit="microsecond"))
    rows = spread.group_by("period").aggregate(n=_.count(), quantiles=_.wait.quantile(_GRID)).to_pyarrow().to_pylist()
    at_p90 = {row["period"]: row["quantiles"][_GRID.index(P90)] for row in rows}
    limit = _.period.cases(*at_p90.items(), else_=0.0) if at_p90 else ibis.literal(0.0)
    weeks = (
        spread.mutate(week=_.opened_on.truncate("W"), within=_.wait <= limit)
        .group_by("period", "week")
        .aggregate(within=_.within.sum(), all=_.count())
        .to_pyarrow()
        .to_pylist()
    )
    values = {row["period"]: tuple(one * _MICROSECOND for one in row["quantiles"]) for row in rows}
    for number, period in enumerate(asked.periods):
        if number not in values:
            yield period, no_level(book, asked.kpi, NEEDS, "nothing_counts")
            continue
        held = [row for row in weeks if row["period"] == number]
        share = moments([row["within"] for row in held], [row["all"] for row in held])
        quantile = Quantile(P90, at_p90[number] * _MICROSECOND, _GRID, values[number])
        yield period, LevelStats(asked.kpi, period, share, Sampled.WEEKS, quantile=quantile)


def intervals_of(book: Book, asked: LevelQuestion) -> ibis.Table:
    """The intervals of the KPI's queues between the first and the last of the periods asked for."""
    table = book.table("intervals").filter(_.start_on >= asked.start, _.start_on < asked.end)
    return in_queues(table, asked.kpi)


def _daily(asked: LevelQuestion, table: ibis.Table, day: str, **sums: ibis.Deferred) -> Daily:
    return Daily.of(table.group_by(day).aggregate(**sums).to_pyarrow(), day).without(asked.left_out)


def _ratio(  # noqa: PLR0913 - what is asked, and what was counted
    book: Book,
    asked: LevelQuestion,
    daily: Daily,
    period: Period,
    also: Mapping[str, object],
    table: str = CONTACTS,
) -> LevelStats | NoLevel:
    counted = daily.weekly("num", "den", period)
    if not counted.den:
        return nothing_counts(book, asked.kpi, table)
    return LevelStats(asked.kpi, period, counted, Sampled.WEEKS, also=also)
