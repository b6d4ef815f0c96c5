"""How far the records of a book reach, and whether they cover a period: no figure is made of half a period."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import ibis
from ibis import _

from comity.book.definition_keys import DATED_TABLES
from comity.book.reading.daily_contacts import contacts_by_day
from comity.book.reading.open import Book
from comity.book.storage.journal import merge_journals, read_journal
from comity.book.tables import MONTHLY
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period, Side

_DAY, _TICK = timedelta(days=1), timedelta(microseconds=1)
EDGE = timedelta(days=7)  # at both ends of a period, in which a contact must have come
DAY_COLUMNS = {  # table -> the column with its day
    "contacts": "opened_on",
    "intervals": "start_on",
    "forecasts": "start_on",
    "schedules": "start_on",
    "surveys": "answered_on",
}
SPANNED = ("intervals", "forecasts", "schedules")  # whose rows last for minutes, which may be a month's
SETTING = ("contacts", "intervals", "invoices")  # that say how far a book reaches, for surveys, which come in waves
_WEEK = 7  # days
_QUARTER_OF_A_PERIOD = 4


def quiet_weekdays(days: Sequence[date]) -> frozenset[int]:
    """The weekdays on which there usually is no row: on no more than half of them between the first day and the last.

    Of less than two weeks nothing is usual.
    """
    if not days or days[-1] - days[0] < 2 * EDGE:
        return frozenset()
    span = Counter((days[0] + timedelta(number)).weekday() for number in range((days[-1] - days[0]).days + 1))
    rows = Counter(day.weekday() for day in days)
    return frozenset(weekday for weekday in span if 2 * rows[weekday] <= span[weekday])


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A table that does not cover a period."""

    table: str
    period: Period


class Coverage:
    """The days and months that an open book tells of, up to and with `today`."""

    def __init__(self, book: Book, today: date) -> None:
        """Remember the book, and the day after which nothing counts."""
        self._book = book
        self._today = today
        self._months = Calendar(Cut.MONTH, book.definition.month_starts_on)

    def days(self, table: str) -> tuple[date, ...]:
        """The days on which the table has a row (surveys: an answer; monthly tables: first days of months).

        A row that lasts for more than a day is of the day on which it begins.
        """
        if not self._book.has(table):
            return ()
        if table in SPANNED:
            return tuple(first for first, _last in self._spans(table))
        column = "month" if table in MONTHLY else DAY_COLUMNS[table]

        def read() -> tuple[date, ...]:
            if table == "contacts":  # counted by day for other figures too: one scan serves both
                return tuple(contacts_by_day(self._book, table))
            found = self._book.table(table)
            frame = found.filter(found[column].notnull()).select(column).distinct().to_pyarrow()
            return tuple(sorted(frame.column(0).to_pylist()))

        days = self._book.once(("days", table), read)
        if table in MONTHLY:
            return tuple(month for month in days if self._month(month).end <= self._today + _DAY)
        return tuple(day for day in days if day <= self._today)

    def horizon(self, tables: Sequence[str]) -> date | None:
        """The first day that the tables together no longer tell of; None where one of them tells nothing.

        Answers come in waves, so that the last one says nothing of how far the surveys go: that is told by the tables
        of `SETTING`, and, where there are none of them, by the month of the last answer.

        `complete_to` of book.toml says that records are whole up to a day though nothing happened on the last ones, as
        each side says it of its own tables (`Definition.complete_days`); neither hides what was recorded later.
        """
        ends = [self._end(table) for table in tables]
        if not ends or any(end is None for end in ends):
            return None
        recorded = min(end for end in ends if end is not None)
        complete = self._book.definition.complete_to
        return recorded if complete is None else min(max(complete, recorded), self._today + _DAY)

    def first_day(self, tables: Iterable[str]) -> date | None:
        """The first day that any of the tables tells of."""
        days = [self.days(table)[0] for table in tables if self.days(table)]
        return min(days, default=None)

    def last_day(self, table: str) -> date | None:
        """The last day that a table tells of (monthly tables: of the latest month); None where it tells of no days."""
        if table not in MONTHLY and table not in DAY_COLUMNS:
            return None
        end = self._recorded_end(table)
        return None if end is None else end - _DAY

    def tells_weeks(self, table: str, period: Period) -> bool:
        """Whether rows of the table in a period last for a week at most, so that its weeks can be told apart."""
        if table not in SPANNED or not self._book.has(table):
            return True
        return all((last - first).days < _WEEK for first, last in self._spans(table) if first in period)

    def covers(self, table: str, period: Period) -> bool:
        """Whether a table covers a period, and the book's records of it go to the period's end."""
        end = self.horizon([table])
        return end is not None and not self.lacking([table], [period], end)

    def lacking(self, tables: Sequence[str], periods: Sequence[Period], horizon: date) -> tuple[Uncovered, ...]:
        """Which of the tables do not cover which of the periods."""
        return tuple(
            Uncovered(table, period)
            for table in tables
            for period in periods
            if period.end > horizon or not self._covers(table, period)
        )

    def _covers(self, table: str, period: Period) -> bool:
        days = self.days(table)
        if table in MONTHLY:
            months = self._months.months(period)
            return bool(months) and {self._month(day).start for day in days} >= set(months)
        if table == "surveys":
            return any(day in period for day in days)
        if not any(day in period for day in days) and table not in SPANNED:
            return False
        edges = (
            Period(period.start, min(period.start + EDGE, period.end)),
            Period(max(period.end - EDGE, period.start), period.end),
        )
        if table not in SPANNED:
            return all(any(day in edge for day in days) or self._is_said_whole(table, edge) for edge in edges)
        spans = self._spans(table)
        reaches = all(
            any(first < edge.end and last >= edge.start for first, last in spans) or self._is_said_whole(table, edge)
            for edge in edges
        )
        # A row counts where it begins: one that lies across an end of the period, and is long, tells of another one.
        return reaches and not any(
            _across(first, last, period) and _QUARTER_OF_A_PERIOD * ((last - first).days + 1) > period.days
            for first, last in spans
        )

    def _is_said_whole(self, table: str, edge: Period) -> bool:
        """Whether it was said of an end of a period, on which there is no row, that nothing happened there.

        A word tells of the days without a row right before its day, and of no earlier gap.
        """
        days = self.days(table)
        return any(
            said >= edge.end
            and any(day < edge.start for day in days)
            and not any(edge.start <= day < said for day in days)
            for said in self._said_days(table)
        )

    def _said_days(self, table: str) -> tuple[date, ...]:
        """Up to which days the sides that owe a table say that it is whole; of days to come nobody can say it."""
        if table not in DATED_TABLES:
            return ()
        return tuple(
            day
            for day in self._book.definition.complete_days(table, self._delivered_by(table))
            if day <= self._today + _DAY
        )

    def _delivered_by(self, table: str) -> frozenset[Side]:
        """The sides that imports of a table came from; none where the book does not know it."""

        def read() -> frozenset[Side]:
            files = next((holding.files for holding in self._book if holding.table.name == table), ())
            imports = merge_journals([read_journal(file) for file in files])
            return frozenset(side for side in Side if any(one.side == side.value for one in imports))

        return self._book.once(("delivered by", table), read)

    def _end(self, table: str) -> date | None:
        """The first day that a table no longer tells of, by its records and by its sides' word."""
        end = self._end_by_records(table)
        return None if end is None else max(end, *self._said_days(table), date.min)

    def _end_by_records(self, table: str) -> date | None:
        end = self._recorded_end(table)
        if table != "surveys" or end is None:
            return end
        others = [known for name in SETTING if (known := self._recorded_end(name)) is not None]
        if others:
            return max(*others, end)
        return min(self._months.containing(end - _DAY).end, self._today + _DAY)

    def _recorded_end(self, table: str) -> date | None:
        """The day after the last one that a row tells of."""
        if table in SPANNED:
            last = max((last for _first, last in self._spans(table)), default=None)
            return None if last is None else last + _DAY
        days = self.days(table)
        if not days:
            return None
        return self._month(days[-1]).end if table in MONTHLY else days[-1] + _DAY

    def _spans(self, table: str) -> tuple[tuple[date, date], ...]:
        """The first and the last day of rows that last: of each day on which one begins the one that ends last."""
        if not self._book.has(table):
            return ()

        def read() -> tuple[tuple[date, date], ...]:
            rows = self._book.table(table)
            until = rows.start + rows.minutes * ibis.interval(minutes=1)
            found = rows.group_by("start_on").aggregate(until=until.max()).filter(_.start_on.notnull()).to_pyarrow()
            zone = ZoneInfo(self._book.definition.timezone)
            firsts, untils = (found.column(name).to_pylist() for name in ("start_on", "until"))
            ends = (
                max(first, (end - _TICK).astimezone(zone).date()) for first, end in zip(firsts, untils, strict=True)
            )
            return tuple(sorted(zip(firsts, ends, strict=True)))

        return tuple(span for span in self._book.once(("spans", table), read) if span[1] <= self._today)

    def _month(self, named: date) -> Period:
        """The days of the (contract) month that bears the name of this calendar month."""
        return self._months.containing(named.replace(day=self._months.month_starts_on))


def _across(first: date, last: date, period: Period) -> bool:
    """Whether days from a first to a last one lie on both sides of an end of a period."""
    return first < period.start <= last or first < period.end <= last
