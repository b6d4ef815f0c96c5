"""Which rows a KPI is about: its queues after the signed map of source queues, and its channels."""

from datetime import date

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.exclusions import without
from comity.core.agreements.kpi import EVERYTHING, Kpi


def signed_queue(queue: ibis.Value, kpi: Kpi) -> ibis.Value:
    """The queue by the KPI's signed map of source queues."""
    return queue.substitute(kpi.queue_map) if kpi.queue_map else queue


def in_queues(table: ibis.Table, kpi: Kpi) -> ibis.Table:
    """The rows of the KPI's queues, their `queue` by the signed map."""
    table = table.mutate(queue=signed_queue(table.queue, kpi)) if kpi.queue_map else table
    return table if kpi.queues == EVERYTHING else table.filter(_.queue.isin(kpi.queues))


_WHOLE_DAY_MIN = 23 * 60  # the shortest day, on which clocks go forward


def forecasts_that_count(table: ibis.Table, kpi: Kpi) -> ibis.Table:
    """Of each interval of the KPI's queues the forecast that counts: issued by then, the locked before the newest.

    Of a day that was forecast as a whole and by its parts one of the two counts, by the same order, the parts before
    the whole: both together would be twice the day.
    """
    locked = _.locked.fill_null(False)
    order = [locked.desc(), _.issued_on.desc()]
    table = table.filter(_.issued_on <= _.start_on).mutate(is_day=_.minutes >= _WHOLE_DAY_MIN)
    by_day = ibis.window(group_by=["queue", "start_on"], order_by=[*order, _.minutes.asc()])
    table = table.mutate(counts=_.is_day.first().over(by_day)).filter(_.is_day == _.counts)
    newest = ibis.window(group_by=["queue", "start"], order_by=order)
    table = table.mutate(place=ibis.row_number().over(newest))
    return in_queues(table.filter(_.place == 0), kpi)


def in_scope(table: ibis.Table, kpi: Kpi) -> ibis.Table:
    """The rows of the KPI's queues and channels."""
    table = in_queues(table, kpi)
    return table if kpi.channels == EVERYTHING else table.filter(_.channel.isin(kpi.channels))


def contacts_of(  # noqa: PLR0913 - which contacts, of which days
    book: Book,
    kpi: Kpi,
    start: date,
    end: date,
    *,
    day: str = "opened_on",
    any_channel: bool = False,
) -> ibis.Table:
    """The contacts that a KPI counts, of the days from `start` up to `end`, without those accepted as excluded."""
    table = book.table("contacts")
    table = without(book, table.filter(table[day] >= start, table[day] < end), kpi)
    return in_queues(table, kpi) if any_channel else in_scope(table, kpi)
