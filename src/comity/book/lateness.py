"""Who delivers what by when, and whether it came: the same clock for both sides.

A delivery is in time by what it tells of, and not because some file came: the days that were due have to be in it.
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from comity.book.definition import AgreedDelivery, Definition
from comity.book.reading.coverage import Coverage, quiet_weekdays
from comity.book.reading.daily_contacts import DailyContacts, daily_contacts
from comity.book.reading.open import Book
from comity.book.reading.origins import origins
from comity.book.storage.journal import CORRECTION
from comity.book.tables import MONTHLY
from comity.core.service_days import days_of
from comity.core.values import Period, Side

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_QUIET_OF_WEEK, _QUIET_OF_MONTH = timedelta(days=3), timedelta(days=7)  # days at the end that may have no row
_DUE = re.compile(r"(?P<day>[a-z]+|day \d{1,2})(?: (?P<hour>\d{1,2}):(?P<minute>\d{2}))?")


@dataclass(frozen=True, slots=True)
class Lateness:
    """One agreed delivery: what came last, and whether the last one due has come.

    `unrecorded`: records are there that nobody imported, and nothing says when they came. What they tell of says
    whether the last delivery due is among them; where it does not, `late` is None, as without a due time that can be
    read. `reach` is the last day that the side's deliveries tell of, where they tell of days.
    """

    table: str
    by: Side
    due: str | None
    last: datetime | None
    late: bool | None
    unrecorded: bool = False
    reach: date | None = None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A day on which a queue has no contact, or only zeros, while its weekday else has many: perhaps not delivered.

    `usual` is the median of the same weekday's other days, in the period and in the eight weeks before it.
    """

    table: str
    queue: str
    day: date
    usual: int


SILENT_TABLES = ("contacts", "intervals")  # in which no row, or a zero, may mean that nothing was delivered
LEAST_USUAL = 20  # contacts: of fewer, a day without any is chance
_BEFORE = timedelta(weeks=8)  # by which a weekday is known
_YEAR = 366  # days of deliveries that are looked back on
_LONGEST_BREAK = 31  # days without service over which a daily delivery has nothing new to tell
Served = Callable[[date], bool]  # whether there was to be service on a day

# Whose imports count as a side's delivery: its own, and, in books from before rows said so, those of nobody known.
_UNKNOWN = "unknown"


def last_due(due: str, now: datetime) -> datetime | None:
    """The latest moment up to `now` at which a delivery was due; None for words that cannot be read.

    :param due: `monday 09:00`, `daily 09:00` or `day 3 09:00` (of each month), in the zone of `now`
    """
    match = _DUE.fullmatch(due.strip().lower())
    if match is None:
        return None
    try:
        at = time(int(match["hour"] or 0), int(match["minute"] or 0))
    except ValueError:
        return None

    def falls(day: datetime) -> bool:
        wanted = match["day"]
        if wanted in _DAYS:
            return day.weekday() == _DAYS.index(wanted)
        return wanted in {"daily", f"day {day.day}"}

    for back in range(63):  # two months: a 31st may be missing in between
        day = now - timedelta(days=back)
        moment = datetime.combine(day.date(), at, tzinfo=now.tzinfo)
        if falls(day) and moment <= now:
            return moment
    return None


def due_until(due: str, moment: datetime, quiet: Collection[int] = (), served: Served | None = None) -> date:
    """The last day that a delivery due at this moment has to tell of.

    Of a daily one the day before, or the last before that on which there usually is a row and was to be service; of a
    weekly one the days up to the one before it, of which the last three may have no row; of a monthly one the month
    before, of which the last seven may have none.

    :param quiet: weekdays on which there usually is no row
    :param served: whether a day is open and no holiday, as far as that was agreed; None: nothing was
    """
    day = moment.date() - timedelta(days=1)
    wanted = due.strip().lower().split()[0]
    if wanted == "day":
        return moment.date().replace(day=1) - timedelta(days=1) - _QUIET_OF_MONTH
    if wanted in _DAYS:
        return day - _QUIET_OF_WEEK
    if len(quiet) < len(_DAYS):
        for _ in range(_LONGEST_BREAK):
            if day.weekday() not in quiet and (served is None or served(day)):
                break
            day -= timedelta(days=1)
    return day


def lateness(  # noqa: PLR0913 - what is known of a book's deliveries
    sources: tuple[AgreedDelivery, ...],
    last: Mapping[tuple[str, Side], datetime],
    zone: str,
    now: datetime,
    held: Mapping[str, date | None] | None = None,
    reaches: Mapping[tuple[str, Side], date] | None = None,
    quiet: Mapping[str, Collection[int]] | None = None,
    served: Served | None = None,
) -> tuple[Lateness, ...]:
    """Each source's table, who delivers it, and whether the delivery last due has come.

    :param last: when each side last delivered each table
    :param held: the tables that hold records, imported or not, and the last day that they tell of, where they do
    :param reaches: the last day that each side's deliveries of a table tell of, where they tell of days
    :param quiet: weekdays on which a table usually has no row
    :param served: as for `due_until`
    """
    here = now.astimezone(ZoneInfo(zone))
    entries = []
    for source in sources:
        came = last.get((source.table, source.by))
        due = last_due(source.due, here) if source.due else None
        late, reach = None, (reaches or {}).get((source.table, source.by))
        unrecorded = came is None and source.table in (held or {})
        if source.due is not None and due is not None:
            before = last_due(source.due, due - timedelta(minutes=1))  # what came since then was meant for `due`
            if unrecorded:  # what tells of days since then cannot have come before
                last_day = (held or {})[source.table]
                late = False if before is not None and last_day is not None and last_day >= before.date() else None
            elif reach is not None:
                late = reach < due_until(source.due, due, (quiet or {}).get(source.table, ()), served)
            else:
                late = came is None or (before is not None and came <= before)
        entries.append(Lateness(source.table, source.by, source.due, came, late, unrecorded, reach))
    return tuple(entries)


def lateness_in(book: Book, coverage: Coverage, now: datetime) -> tuple[Lateness, ...]:
    """The same of a book, from what came into it.

    What the other side imports is no delivery of the side that agreed to deliver, nor is a correction that it accepted.
    """
    tables = origins(book)
    last: dict[tuple[str, Side], datetime] = {}
    reaches: dict[tuple[str, Side], date] = {}
    for table in tables:
        for delivery in table.deliveries:
            for side in Side:
                if delivery.side in {side.value, _UNKNOWN} and delivery.mapping != CORRECTION:
                    key = table.table, side
                    last[key] = max(delivery.at, last.get(key, delivery.at))
                    if delivery.reach is not None:
                        reaches[key] = max(delivery.reach[1], reaches.get(key, delivery.reach[1]))
    held = {one.table: coverage.last_day(one.table) for one in tables if one.rows}
    # Imports of an earlier version do not say what they tell of; where all are one side's, the table does.
    for name, side in last:
        last_day, sides = held.get(name), {other for table_name, other in last if table_name == name}
        if (name, side) not in reaches and last_day is not None and sides == {side}:
            reaches[name, side] = last_day
    reaches = {key: _month_end(key[0], day) for key, day in reaches.items()}
    quiet = {
        name: quiet_weekdays(coverage.days(name))
        for name in {source.table for source in book.definition.sources} & held.keys()
        if held[name]
    }
    definition = book.definition
    return lateness(definition.sources, last, definition.timezone, now, held, reaches, quiet, definition.is_ordinary)


@dataclass(frozen=True, slots=True)
class KeptDeliveries:
    """How often a side's delivery of a table had come when it was due: `kept` of `due` times."""

    table: str
    by: Side
    kept: int
    due: int


@dataclass(frozen=True, slots=True)
class DueDelivery:
    """An agreed delivery: the moments at which it was due, the latest first, and whether it was there."""

    table: str
    by: Side
    moments: tuple[tuple[datetime, bool], ...]


def deliveries_in_time(book: Book, coverage: Coverage, now: datetime) -> tuple[KeptDeliveries, ...]:
    """Of each agreed delivery, how often it was there when it was due, in the year before `now` (`due_deliveries`)."""
    return tuple(
        KeptDeliveries(one.table, one.by, sum(came for _, came in one.moments), len(one.moments))
        for one in due_deliveries(book, coverage, now)
    )


def due_deliveries(book: Book, coverage: Coverage, now: datetime) -> tuple[DueDelivery, ...]:
    """Of each agreed delivery that was ever due, when it was, and whether it was there, in the year before `now`.

    Counted from the first import into the book on: before it nothing says when anything came. A delivery is there when
    one of its side, at that moment or earlier, tells of the days that were due; where imports do not say what they tell
    of, when one came since the time before. Records that nobody imported say nothing of when they came.
    """
    tables = origins(book)
    first = min((one.at for table in tables for one in table.deliveries), default=None)
    if first is None:
        return ()
    here = now.astimezone(ZoneInfo(book.definition.timezone))
    since = max(first, here - timedelta(days=_YEAR))
    found = []
    for source in book.definition.sources:
        origin = next((table for table in tables if table.table == source.table), None)
        if source.due is None or (origin is not None and origin.rows and not origin.deliveries):
            continue
        came = [
            (one.at, None if one.reach is None else _month_end(source.table, one.reach[1]))
            for one in (() if origin is None else origin.deliveries)
            if one.side in {source.by.value, _UNKNOWN} and one.mapping != CORRECTION
        ]
        quiet = quiet_weekdays(coverage.days(source.table))
        moments = []
        for moment in _due_moments(source.due, since, here):
            until = due_until(source.due, moment, quiet, book.definition.is_ordinary)
            moments.append((moment, _was_there(came, source.due, moment, until)))
        if moments:
            found.append(DueDelivery(source.table, source.by, tuple(moments)))
    return tuple(found)


def _due_moments(due: str, since: datetime, until: datetime) -> list[datetime]:
    """The moments after `since` and up to `until` at which a delivery was due, the latest first."""
    moments: list[datetime] = []
    moment = last_due(due, until)
    while moment is not None and moment > since:
        moments.append(moment)
        moment = last_due(due, moment - timedelta(minutes=1))
    return moments


def _was_there(came: Collection[tuple[datetime, date | None]], due: str, moment: datetime, until: date) -> bool:
    """Whether what was due at a moment, and had to tell of the days up to `until`, had come by then."""
    before = last_due(due, moment - timedelta(minutes=1))
    return any(
        at <= moment and (reach >= until if reach is not None else before is None or at > before) for at, reach in came
    )


def _month_end(table: str, day: date) -> date:
    """The last day of what a row tells of: of a month that is named by its first day, its last."""
    if table not in MONTHLY:
        return day
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)


def undelivered_in(book: Book, coverage: Coverage, periods: Collection[Period]) -> tuple[Undelivered, ...]:
    """The days of some periods on which a queue was silent that is not so else, in the order of table, day and queue.

    Holidays and agreed closed days are not among them, nor are days before a queue's first contact, or after the last
    day that the table tells of.
    """
    found = []
    for table in SILENT_TABLES:
        last = coverage.last_day(table)
        if last is None:
            continue
        counted = daily_contacts(book, table)
        for period in periods:
            found += _silent(counted, period, last, book.definition)
    order = {table: number for number, table in enumerate(SILENT_TABLES)}
    return tuple(sorted(dict.fromkeys(found), key=lambda one: (order[one.table], one.day, one.queue)))


def _silent(counted: DailyContacts, period: Period, last: date, definition: Definition) -> list[Undelivered]:
    """Those of one table and period."""
    window = Period(period.start - _BEFORE, period.end)
    days = days_of(window)
    counts, known = counted.matrix(window), counted.since_first(window)
    usable = np.array([day <= last and definition.is_ordinary(day) for day in days])
    known &= usable[None, :]
    asked = np.array([day in period for day in days])
    weekdays = np.array([day.weekday() for day in days])
    silent = known & (counts <= 0) & asked[None, :]
    for weekday in range(7):  # only queues of which half of the other days bring enough
        of_it = weekdays == weekday
        many = (known & (counts >= LEAST_USUAL))[:, of_it].sum(axis=1)
        silent[np.ix_(2 * many < known[:, of_it].sum(axis=1) - 1, of_it)] = False
    found = []
    for queue, place in zip(*np.nonzero(silent), strict=True):
        if not counted.queues[queue]:
            continue
        same = known[queue] & (weekdays == weekdays[place])
        same[place] = False
        usual = float(np.median(counts[queue, same])) if same.any() else 0.0
        if usual >= LEAST_USUAL:
            found.append(Undelivered(counted.table, counted.queues[queue], days[place], round(usual)))
    return found
