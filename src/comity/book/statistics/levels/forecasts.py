"""Forecast error: what was expected of each interval of each queue, against the contacts that were offered."""

from collections.abc import Iterator

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import Daily
from comity.book.statistics.record_choice import table_for_plan
from comity.book.statistics.scope import forecasts_that_count, in_queues, in_scope
from comity.core.agreements.kpi import Kpi
from comity.core.levels import LevelStats, Sampled
from comity.core.values import Period

_HALF_HOUR = 30


def needs(book: Book, kpi: Kpi) -> tuple[str, ...]:
    """The tables that the error is made of: contacts counted by the half hour where no intervals tell of its queues."""
    return ("forecasts", table_for_plan(book, kpi, "forecasts", "offered"))


def gather(book: Book, asked: LevelQuestion) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """WAPE = Σ|F - A| / ΣA, bias = Σ(F - A) / ΣA over intervals with a forecast, A being what was offered.

    The forecast of an interval is the last locked one, else the last that was issued by its day. A queue of which no
    contact was ever recorded is not judged.
    """
    kpi, tables = asked.kpi, needs(book, asked.kpi)
    if not book.has(*tables):
        yield from ((period, no_level(book, kpi, tables)) for period in asked.periods)
        return
    daily = _daily(book, asked, tables).without(asked.left_out)
    num = "absolute" if kpi.measure == "forecast_wape" else "error"
    for period in asked.periods:
        counted = daily.weekly(num, "offered", period)
        if not counted.den:
            yield period, no_level(book, kpi, tables, "nothing_counts")
            continue
        judged = daily.total("judged", period)
        also: dict[str, object] = {
            "wape": daily.total("absolute", period) / counted.den,
            "bias": daily.total("error", period) / counted.den,
            "mape": daily.total("relative", period) / judged if judged else None,
        }
        del also["wape" if kpi.measure == "forecast_wape" else "bias"]
        yield period, LevelStats(kpi, period, counted, Sampled.WEEKS, also=also)


def _daily(book: Book, asked: LevelQuestion, tables: tuple[str, ...]) -> Daily:
    forecasts = _forecasts(book, asked)
    actual = _from_contacts(book, asked, forecasts) if "contacts" in tables else _from_intervals(book, asked)
    known = actual.select("queue").distinct()
    forecasts = forecasts.semi_join(known, "queue")
    # Each count falls to the forecast interval that began last before it, if that one is still running.
    met = actual.asof_join(forecasts, on=actual.at >= forecasts.start, predicates="queue")
    met = met.filter(met.at < met.until)
    came = met.group_by("queue", "start").aggregate(came=_.came.sum())
    both = forecasts.left_join(came, ["queue", "start"]).select(
        "start_on",
        "expected",
        came=_.came.fill_null(0).cast("float64"),
    )
    both = both.mutate(error=_.expected - _.came)
    sums = both.group_by("start_on").aggregate(
        absolute=_.error.abs().sum(),
        error=_.error.sum(),
        offered=_.came.sum(),
        relative=(_.error.abs() / _.came.nullif(0)).sum(),
        judged=(_.came > 0).sum(),
    )
    return Daily.of(sums.to_pyarrow(), "start_on")


def _forecasts(book: Book, asked: LevelQuestion) -> ibis.Table:
    """The forecast that counts, a row for each queue and start."""
    table = book.table("forecasts").filter(_.start_on >= asked.start, _.start_on < asked.end)
    table = forecasts_that_count(table, asked.kpi)
    table = table.group_by("queue", "start", "start_on").aggregate(expected=_.offered.sum(), minutes=_.minutes.max())
    return table.mutate(until=_.start + _.minutes * ibis.interval(minutes=1))


def _from_intervals(book: Book, asked: LevelQuestion) -> ibis.Table:
    table = book.table("intervals").filter(_.start_on >= asked.start, _.start_on < asked.end, _.offered.notnull())
    return in_queues(table, asked.kpi).group_by("queue", at=_.start).aggregate(came=_.offered.sum())


def _from_contacts(book: Book, asked: LevelQuestion, forecasts: ibis.Table) -> ibis.Table:
    """Contacts by the half hour in which they came, by the minute where a forecast is cut finer or askew."""
    table = book.table("contacts").filter(_.opened_on >= asked.start, _.opened_on < asked.end, _.queue.notnull())
    table = in_scope(table, asked.kpi)
    askew = (forecasts.minutes % _HALF_HOUR != 0) | (forecasts.start.minute() % _HALF_HOUR != 0)
    if askew.any().to_pyarrow().as_py():
        return table.group_by("queue", at=_.opened_at.truncate("m")).aggregate(came=_.count())
    slots = table.group_by("queue", "opened_on", "opened_slot").aggregate(at=_.opened_at.min(), came=_.count())
    return slots.select("queue", "at", "came")
