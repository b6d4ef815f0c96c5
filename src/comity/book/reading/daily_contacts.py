"""Contacts by queue and local day, of whichever table tells of days: one scan each, kept as long as a book is open."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import numpy as np
import pyarrow as pa
from ibis import _
from numpy.typing import NDArray

from comity.book.reading.open import Book
from comity.core.values import Period

LONGEST_DAY = 25 * 60  # minutes: that of the day on which the clocks go back
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class DailyContacts:
    """What a table says of each queue and day of which it has a row; one entry a row in each array.

    `queue` is a place in `queues` ("" is no queue), `day` are days since 1970-01-01, `count` contacts. Days that only
    rows of more than a day tell of are not in it.
    """

    table: str
    queues: tuple[str, ...]
    queue: NDArray[np.int64]
    day: NDArray[np.int64]
    count: NDArray[np.float64]

    def days(self) -> list[date]:
        """The days of which there is a row, in order."""
        return [_EPOCH + timedelta(int(day)) for day in np.unique(self.day)]

    def since_first(self, period: Period) -> NDArray[np.bool_]:
        """Whether a queue had a contact on a day of a period or before it: shape (queues, days)."""
        firsts = np.full(len(self.queues), np.iinfo(np.int64).max)
        some = self.count > 0
        np.minimum.at(firsts, self.queue[some], self.day[some])
        days = (period.start - _EPOCH).days + np.arange(period.days)
        return np.asarray(days[None, :] >= firsts[:, None])

    def by_day(self, queues: Collection[str] | None = None) -> dict[date, float]:
        """Contacts by day; of some queues only, where they are named."""
        kept = np.ones(self.day.size, dtype=bool)
        if queues is not None:
            kept = np.array([name in queues for name in self.queues], dtype=bool)[self.queue]
        days, place = np.unique(self.day[kept], return_inverse=True)
        sums = np.bincount(np.ravel(place), self.count[kept], minlength=days.size)
        return {_EPOCH + timedelta(int(day)): float(value) for day, value in zip(days, sums, strict=True)}

    def matrix(self, period: Period) -> NDArray[np.float64]:
        """Contacts by queue and day of a period, 0 where there is no row: shape (queues, days)."""
        first = (period.start - _EPOCH).days
        kept = (self.day >= first) & (self.day < first + period.days)
        counts = np.zeros((len(self.queues), period.days))
        np.add.at(counts, (self.queue[kept], self.day[kept] - first), self.count[kept])
        return counts


def daily_contacts(book: Book, table: str) -> DailyContacts:
    """The contacts of a table by queue and day: contacts, else those offered (intervals) or expected (forecasts)."""
    return book.once(_key(table), lambda: _read(book, table))


def contacts_by_day(book: Book, table: str) -> Mapping[date, float]:
    """The same by day alone, in order: a third of the work where nobody has asked for queues yet.

    Of all columns of a contact its day is the cheapest to read, and its queue, a text, costs more than that.
    """

    def count() -> Mapping[date, float]:
        if table != "contacts" or book.knows(_key(table)):
            return daily_contacts(book, table).by_day()
        rows = book.table(table)
        days = rows.group_by(day=rows.opened_on).aggregate(count=_.count()).filter(_.day.notnull()).to_pyarrow()
        pairs = zip(days.column("day").to_pylist(), days.column("count").to_pylist(), strict=True)
        return {day: float(number) for day, number in sorted(pairs)}

    return book.once(("contacts by day", table), count)


def _key(table: str) -> tuple[str, str]:
    return "daily contacts", table


def _read(book: Book, table: str) -> DailyContacts:
    rows = book.table(table)
    if table == "contacts":
        sums = rows.group_by("queue", day=rows.opened_on).aggregate(count=_.count().cast("float64"))
    else:
        rows = rows.filter(rows.minutes <= LONGEST_DAY)
        if table == "forecasts":
            locked = _.locked.fill_null(False)
            newest = ibis.window(group_by=["queue", "start"], order_by=[locked.desc(), _.issued_on.desc()])
            rows = rows.mutate(place=ibis.row_number().over(newest)).filter(_.place == 0)
            count: ibis.Value = rows.offered
        else:
            came = rows.answered.fill_null(0) + rows.abandoned.fill_null(0) + rows.flowed_out.fill_null(0)
            count = ibis.coalesce(rows.offered, came)
        sums = rows.group_by("queue", day=rows.start_on).aggregate(count=count.cast("float64").sum())
    columns = sums.filter(_.day.notnull()).order_by("queue", "day").to_pyarrow()
    names = pa.array(columns.column("queue").fill_null("").to_pylist(), pa.string()).dictionary_encode()
    return DailyContacts(
        table,
        tuple(names.dictionary.to_pylist()),
        np.asarray(names.indices.to_numpy(zero_copy_only=False), dtype=np.int64),
        np.asarray(columns.column("day").cast(pa.int32()).to_numpy(), dtype=np.int64),
        np.nan_to_num(columns.column("count").to_numpy().astype(np.float64)),
    )
