"""Who delivers what by when, and whether it came: the same clock for both sides."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from comity.book.definition import AgreedDelivery
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.reading.origins import origins
from comity.book.storage.journal import CORRECTION
from comity.core.values import Side

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DUE = re.compile(r"(?P<day>[a-z]+|day \d{1,2})(?: (?P<hour>\d{1,2}):(?P<minute>\d{2}))?")


@dataclass(frozen=True, slots=True)
class Lateness:
    """One agreed delivery: what came last, and whether the last one due has come.

    `unrecorded`: records are there that nobody imported, and nothing says when they came. What they tell of says
    whether the last delivery due is among them; where it does not, `late` is None, as without a due time that can be
    read.
    """

    table: str
    by: Side
    due: str | None
    last: datetime | None
    late: bool | None
    unrecorded: bool = False


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


def lateness(
    sources: tuple[AgreedDelivery, ...],
    last: Mapping[tuple[str, Side], datetime],
    zone: str,
    now: datetime,
    held: Mapping[str, date | None] | None = None,
) -> tuple[Lateness, ...]:
    """Each source's table, who delivers it, and whether the delivery last due has come.

    :param last: when each side last delivered each table
    :param held: the tables that hold records, imported or not, and the last day that they tell of, where they do
    """
    here = now.astimezone(ZoneInfo(zone))
    entries = []
    for source in sources:
        came = last.get((source.table, source.by))
        due = last_due(source.due, here) if source.due else None
        late = None
        unrecorded = came is None and source.table in (held or {})
        if source.due is not None and due is not None:
            before = last_due(source.due, due - timedelta(minutes=1))  # what came since then was meant for `due`
            if unrecorded:  # what tells of days since then cannot have come before
                last_day = (held or {})[source.table]
                late = False if before is not None and last_day is not None and last_day >= before.date() else None
            else:
                late = came is None or (before is not None and came <= before)
        entries.append(Lateness(source.table, source.by, source.due, came, late, unrecorded))
    return tuple(entries)


def lateness_in(book: Book, coverage: Coverage, now: datetime) -> tuple[Lateness, ...]:
    """The same of a book, from what came into it.

    What the other side imports is no delivery of the side that agreed to deliver, nor is a correction that it accepted.
    """
    tables = origins(book)
    last: dict[tuple[str, Side], datetime] = {}
    for table in tables:
        for delivery in table.deliveries:
            for side in Side:
                if delivery.side in {side.value, _UNKNOWN} and delivery.mapping != CORRECTION:
                    last[table.table, side] = max(delivery.at, last.get((table.table, side), delivery.at))
    held = {one.table: coverage.last_day(one.table) for one in tables if one.rows}
    return lateness(book.definition.sources, last, book.definition.timezone, now, held)
