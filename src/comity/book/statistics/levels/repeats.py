"""Repeat contact: first contacts that were followed by another of the same account and queue within the window."""

from collections.abc import Iterator
from datetime import date, timedelta

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.callers import caller_column, chance_of_another
from comity.book.statistics.levels.asking import LevelQuestion, NoLevel, no_level
from comity.book.statistics.levels.folding import Daily
from comity.book.statistics.scope import contacts_of
from comity.core.agreements.kpi import EVERYTHING, Kpi
from comity.core.levels import LevelStats, Sampled
from comity.core.values import Period

NEEDS = ("contacts",)
_NOTHING = pa.table(
    {"opened_on": pa.array([], pa.date32())}
    | {name: pa.array([], pa.float64()) for name in ("num", "den", "followed", "every", "chance")}
)
_DAY = timedelta(days=1)


def gather(book: Book, asked: LevelQuestion, horizon: date) -> Iterator[tuple[Period, LevelStats | NoLevel]]:
    """The level of each period whose window has closed: its last first contact can no longer be repeated.

    A first contact is one without another of the same caller and queue in the `within_days` before it (a contact before
    the first record is not known of). It counts for the day on which it was made, whatever the channel on which it is
    repeated. Contacts without a caller (see `caller_column`) cannot be told to be repeats and are left out.
    """
    kpi = asked.kpi
    window = timedelta(days=kpi.within_days)
    daily = _daily(book, asked, window).without(asked.left_out)
    has_callers = caller_column(book) is not None
    for period in asked.periods:
        if has_callers and period.end + window > horizon:
            yield period, no_level(book, kpi, NEEDS, "window_open", until=period.end + window)
            continue
        counted = daily.weekly("num", "den", period)
        if not counted.den:
            yield period, no_level(book, kpi, NEEDS, "nothing_counts" if has_callers else "no_callers")
            continue
        every = daily.total("every", period)
        also = {
            "of_all_contacts": daily.total("followed", period) / every,
            "rate_by_chance": daily.total("chance", period) / counted.den,
        }
        yield period, LevelStats(kpi, period, counted, Sampled.WEEKS, also=also)


def _daily(book: Book, asked: LevelQuestion, window: timedelta) -> Daily:
    kpi, days = asked.kpi, Period(asked.start, asked.end)
    table = told_apart(book, kpi, days)
    if table is None:
        return Daily.of(_NOTHING, "opened_on")
    span = (asked.end - asked.start + 2 * (window + _DAY)).days
    sums = table.group_by("opened_on").aggregate(
        num=(_.first & _.followed).sum(),
        den=_.first.sum(),
        followed=_.followed.sum(),
        every=_.count(),
        chance=ibis.ifelse(_.first, chance_of_another(_.times, kpi.within_days, span), 0.0).sum(),
    )
    return Daily.of(sums.to_pyarrow(), "opened_on")


def told_apart(book: Book, kpi: Kpi, days: Period) -> ibis.Table | None:
    """The contacts of some days whose caller is known; None where no caller is.

    Each says whether it is a `first` one, whether it is `followed` by another within the window, and how many `times`
    its caller made contact about then.
    """
    reach = timedelta(days=kpi.within_days) + _DAY
    table = contacts_of(book, kpi, days.start - reach, days.end + reach, any_channel=True)
    caller = caller_column(book)
    if caller is None:
        return None
    table = table.mutate(caller=table[caller]).filter(_.caller.notnull())
    # Two of the same moment are told apart by the one thing in which they can count differently.
    order = ["opened_at", "channel"]
    chain = ibis.window(group_by=["caller", "queue"], order_by=order)
    whole = ibis.window(group_by=["caller", "queue"], order_by=order, rows=(None, None))
    within = ibis.interval(days=kpi.within_days)
    table = table.mutate(
        earlier=_.opened_at.lag().over(chain),
        later=_.opened_at.lead().over(chain),
        times=_.opened_at.count().over(whole),
    )
    # Within scope only now: a repeat may come on another channel than the KPI's.
    table = table.filter(_.opened_on >= days.start, _.opened_on < days.end)
    if kpi.channels != EVERYTHING:
        table = table.filter(_.channel.isin(kpi.channels))
    return table.mutate(
        first=_.earlier.isnull() | (_.opened_at > _.earlier + within),
        followed=(_.later <= _.opened_at + within).fill_null(False),
    )
