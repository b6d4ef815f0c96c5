"""Until when a matter can be raised: days from its event, or from knowing of it, as a `clock` clause says.

A late one is marked, or cannot be raised. Without a clause for the kind, or without the day that it counts from,
nothing is barred: a side that does not say when it knew cannot be held to it by a guess. Source: "Time bars" of the
matters' specification.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum


class Since(StrEnum):
    """From which day a bar counts."""

    EVENT = "event_on"
    AWARE = "aware_on"


class Late(StrEnum):
    """What follows where it is over."""

    MARKED = "marked"
    BARRED = "barred"


@dataclass(frozen=True, slots=True)
class TimeBar:
    """Until when matters of a kind can be raised.

    :ivar days: of the calendar, from the day that it counts from; that many days later it can still be raised
    """

    days: int
    since: Since = Since.EVENT
    late: Late = Late.MARKED


def time_bar(rows: object, kind: str) -> TimeBar | None:
    """Return the bar of a kind; None where none is agreed.

    :param rows: the field `time_bars` of a clause of kind `clock`
    """
    listed: list[object] = rows if isinstance(rows, list) else []
    found = [one for one in listed if isinstance(one, dict)]
    row = next((one for one in found if one.get("matter") == kind), None)
    if row is None:
        return None
    since, late = row.get("from") or Since.EVENT, row.get("late") or Late.MARKED
    return TimeBar(int(str(row["days"])), Since(str(since)), Late(str(late)))


def lateness(bar: TimeBar, raised_on: date, event_on: date | None, aware_on: date | None) -> Late | None:
    """Return what follows from the day on which a matter is raised; None where it is in time.

    Whoever knew of an event that nobody dated knew of it when they say.
    """
    start = (aware_on or event_on) if bar.since is Since.AWARE else event_on
    if start is None or raised_on <= start + timedelta(days=bar.days):
        return None
    return bar.late
