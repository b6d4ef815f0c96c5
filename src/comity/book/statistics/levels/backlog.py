"""Backlog: contacts that were open at the end of a period; a stock, rebuilt from what happened to each."""

from collections.abc import Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

import ibis
import numpy as np
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import Daily, serial
from comity.book.statistics.scope import in_scope
from comity.core.levels import LevelStats, Moments, Sampled
from comity.core.values import Period

NEEDS = ("contacts",)
_WAITING = ("callback", "voicemail")  # outcomes that leave something to be done
_AGES = (0.5, 0.9)
_MICROSECONDS_A_DAY = 24 * 3600 * 1e6


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """The stock at the end of each period: opened by then, neither resolved nor closed by then.

    Contacts that gave up, flowed out or ended with the answer are not work left open. Exclusions do not touch a
    stock. The ages of what is open stand beside the latest of the periods only: they take a scan of their own.
    """
    work = _work(book, asked)
    opened = Daily.of(work.group_by("opened_on").aggregate(n=_.count()).to_pyarrow(), "opened_on")
    done = work.filter(_.resolved_on.notnull()).group_by("resolved_on").aggregate(n=_.count())
    resolved = Daily.of(done.to_pyarrow(), "resolved_on")
    closed = _closed_only(book, work, asked)
    last = max(asked.periods, key=lambda period: period.end)
    for number, period in enumerate(asked.periods):
        came = _before(opened, period)
        gone = _before(resolved, period) + closed[number]
        if not came or not (resolved.days.size or any(closed)):  # nothing here is ever said to be done
            yield period, no_level(book, asked.kpi, NEEDS, "nothing_counts")
            continue
        inflow, outflow = opened.total("n", period), resolved.total("n", period)
        also: dict[str, object] = {"opened": inflow, "resolved": outflow}
        if outflow:
            also["backlog_days"] = (came - gone) / (outflow / period.days)
        if period == last:
            also |= _ages(book, work, period)
        yield period, LevelStats(asked.kpi, period, Moments(1, came - gone, 1), Sampled.EXACT, also=also)


def _work(book: Book, asked: LevelQuestion) -> ibis.Table:
    """Contacts that were, at some time, work to be done."""
    table = in_scope(book.table("contacts").filter(_.opened_on < asked.end), asked.kpi)
    left_open = _.outcome.isnull() & (_.abandoned_at.isnull() | _.answered_at.notnull()) | _.outcome.isin(_WAITING)
    dated = _.resolved_at.notnull() | _.closed_at.notnull() | _.due_at.notnull()
    return table.filter(left_open | dated).select(
        "opened_at",
        "opened_on",
        "resolved_on",
        "due_at",
        closed_at=ibis.ifelse(_.resolved_at.isnull(), _.closed_at, None),
    )


def _before(daily: Daily, period: Period) -> float:
    return float(daily.columns["n"][daily.days < serial(period.end)].sum())


def _closed_only(book: Book, work: ibis.Table, asked: LevelQuestion) -> list[float]:
    """Contacts closed before each period's end without ever being resolved."""
    ends = {f"p{number}": _end(book, period) for number, period in enumerate(asked.periods)}
    table = work.filter(_.closed_at.notnull()).aggregate(
        **{name: (_.closed_at < end).sum() for name, end in ends.items()}
    )
    row = table.to_pyarrow().to_pylist()[0]
    return [float(row[name] or 0) for name in ends]


def _end(book: Book, period: Period) -> datetime:
    """The instant at which a period ends, as the book's instants are kept: in UTC, without a zone."""
    local = datetime.combine(period.end, time(), tzinfo=ZoneInfo(book.definition.timezone))
    return local.astimezone(ZoneInfo("UTC")).replace(tzinfo=None)


def _ages(book: Book, work: ibis.Table, period: Period) -> dict[str, object]:
    """Median and nine-in-ten age of what is open at the end, and how many are past due.

    In days of 24 hours, to the second: from the moment at which a contact was opened to the period's end.
    """
    end = _end(book, period)
    still = work.filter(
        _.opened_on < period.end,
        _.resolved_on.isnull() | (_.resolved_on >= period.end),
        _.closed_at.isnull() | (_.closed_at >= end),
    )
    still = still.mutate(age=ibis.literal(end).delta(still.opened_at, unit="microsecond") / _MICROSECONDS_A_DAY)
    row = still.aggregate(ages=_.age.quantile(_AGES), overdue=(_.due_at < end).sum()).to_pyarrow().to_pylist()[0]
    if row["ages"] is None or np.isnan(row["ages"]).any():
        return {}
    return {"age_p50_days": row["ages"][0], "age_p90_days": row["ages"][1], "overdue": int(row["overdue"] or 0)}
