"""Who delivers what by when, and whether it came: the same clock for both sides."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from comity.book.coverage import Coverage
from comity.book.definition import Source
from comity.book.opening import Book
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


class Dated(Protocol):
    """Something that came at a moment."""

    @property
    def at(self) -> datetime:
        """When."""


class Came(Protocol):
    """What is known of a table's rows, and of what they came with."""

    @property
    def table(self) -> str:
        """Its name."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def deliveries(self) -> Sequence[Dated]:
        """Its imports."""


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
    sources: tuple[Source, ...],
    last: Mapping[str, datetime],
    zone: str,
    now: datetime,
    held: Mapping[str, date | None] | None = None,
) -> tuple[Lateness, ...]:
    """Each source's table, who delivers it, and whether the delivery last due has come.

    :param last: when each table last had a delivery
    :param held: the tables that hold records, imported or not, and the last day that they tell of, where they do
    """
    here = now.astimezone(ZoneInfo(zone))
    found = []
    for source in sources:
        came = last.get(source.table)
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
        found.append(Lateness(source.table, source.by, source.due, came, late, unrecorded))
    return tuple(found)


def lateness_in(book: Book, coverage: Coverage, origins: Sequence[Came], now: datetime) -> tuple[Lateness, ...]:
    """The same of a book, from what came into it."""
    last = {one.table: max(each.at for each in one.deliveries) for one in origins if one.deliveries}
    held = {one.table: coverage.last_day(one.table) for one in origins if one.rows}
    return lateness(book.definition.sources, last, book.definition.timezone, now, held)
