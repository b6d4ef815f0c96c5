"""What was locked and what came, by day and queue, for the days on which volume may lie outside the agreed band."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.exclusions import named_queues
from comity.book.statistics.scope import forecasts_that_count, in_queues
from comity.core.agreements.kpi import Kpi
from comity.core.matters.untold import DayVolume, Explained


def day_volumes(book: Book, kpi: Kpi, start: date, end: date) -> Iterator[DayVolume]:
    """Yield the days from `start` up to `end` with a locked forecast in a queue of a KPI, where contacts are known.

    A day counts where all of its forecast binds; one without a record of what came is left out.
    """
    if not kpi.volume_band or not book.has("forecasts"):
        return
    came = _came(book, kpi, start, end)
    if came is None:
        return
    table = book.table("forecasts").filter(_.start_on >= start, _.start_on < end)
    locked = (
        forecasts_that_count(table, kpi)
        .group_by("queue", "start_on")
        .aggregate(expected=_.offered.sum(), binds=_.locked.fill_null(False).all())
        .filter(_.binds)
    )
    both = locked.join(came, ["queue", "start_on"]).select("queue", "start_on", "expected", "came")
    for row in both.order_by("start_on", "queue").to_pyarrow().to_pylist():
        yield DayVolume(row["start_on"], row["queue"], float(row["expected"]), float(row["came"]), kpi.volume_band)


def _came(book: Book, kpi: Kpi, start: date, end: date) -> ibis.Table | None:
    """Return how many contacts were offered by queue and day; None where no table says it."""
    if book.has("contacts"):
        table = book.table("contacts").filter(_.opened_on >= start, _.opened_on < end)
        return in_queues(table, kpi).group_by("queue", start_on=_.opened_on).aggregate(came=_.count())
    if book.has("intervals"):
        table = book.table("intervals").filter(_.start_on >= start, _.start_on < end, _.offered.notnull())
        return in_queues(table, kpi).group_by("queue", "start_on").aggregate(came=_.offered.sum())
    return None


def explained_by_events(book: Book) -> Iterator[Explained]:
    """Yield the days over which an event of the book lies, whichever side declared it and whatever became of it."""
    if not book.has("events"):
        return
    zone = ZoneInfo(book.definition.timezone)
    for row in book.table("events").select("from", "to", "queues").to_pyarrow().to_pylist():
        last = row["to"] - timedelta(microseconds=1)  # the end of a day is the first moment after it
        first, until = (_utc(moment).astimezone(zone).date() for moment in (row["from"], last))
        yield Explained(first, until, frozenset(named_queues(row["queues"])))


def _utc(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
