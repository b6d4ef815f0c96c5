"""Time that counts: business hours of an agreed calendar, less holidays and pauses, across changes of the clock.

Every moment is an instant with a zone; days and hours are the calendar's own. A day that is open from midnight to
midnight is as long as it is: 23 hours on the day on which the clocks go forward.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_NOTHING = timedelta(0)
_TICK = timedelta(microseconds=1)
_LONGEST = 3660  # days that a due moment is looked for: ten years
_FRIDAY = 4
Span = tuple[datetime, datetime]


class NeverDueError(ValueError):
    """A calendar that is never open long enough."""


@dataclass(frozen=True, slots=True)
class Hours:
    """When a clock runs.

    :ivar zone: whose days and hours these are
    :ivar week: weekday (0 is Monday) -> from, to; a `to` of midnight is the day's end; absent days are closed
    :ivar holidays: days on which it does not run
    """

    zone: str
    week: dict[int, tuple[time, time]]
    holidays: frozenset[date] = field(default=frozenset())

    @classmethod
    def weekdays(cls, zone: str, start: time, end: time, holidays: Sequence[date] = ()) -> "Hours":
        """Monday to Friday."""
        return cls(zone, dict.fromkeys(range(_FRIDAY + 1), (start, end)), frozenset(holidays))

    @classmethod
    def always(cls, zone: str) -> "Hours":
        """Day and night."""
        return cls(zone, dict.fromkeys(range(7), (time.min, time.min)))

    def spans(self, start: datetime) -> Iterator[Span]:
        """The spans in which it runs, from an instant on, in UTC."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        for _ in range(_LONGEST):
            if day not in self.holidays and day.weekday() in self.week:
                opens, closes = self.week[day.weekday()]
                last = day + _DAY if closes == time.min else day
                first, end = (
                    datetime.combine(one, at, zone).astimezone(UTC) for one, at in ((day, opens), (last, closes))
                )
                if end > start:
                    yield max(first, start.astimezone(UTC)), end
            day += _DAY


def elapsed(hours: Hours, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> timedelta:
    """How long the clock ran from one instant to another.

    :param pauses: spans in which it was held; they may overlap
    """
    total = _NOTHING
    for first, last in hours.spans(start):
        if first >= end:
            break
        total += sum((to - at for at, to in _without((first, min(last, end)), pauses)), _NOTHING)
    return total


def due(hours: Hours, start: datetime, allowed: timedelta, pauses: Sequence[Span] = ()) -> datetime:
    """The instant at which the clock has run for so long.

    :raises NeverDueError: where that does not happen within ten years
    """
    left = allowed
    for span in hours.spans(start):
        for first, last in _without(span, pauses):
            if last - first >= left:
                return first + left
            left -= last - first
    raise NeverDueError("the calendar is not open for that long within ten years")


def closing(hours: Hours, received: datetime, days: int) -> datetime:
    """When N working days have passed: close of business on the Nth working day after the one of receipt.

    What is received after closing, or on a day that is closed, counts as received on the next working day.

    :raises NeverDueError: where there are not that many within ten years
    """
    for number, (_, end) in enumerate(hours.spans(received)):  # the first is the day of receipt
        if number == days:
            return end
    raise NeverDueError("the calendar is not open for that long within ten years")


def postponed(hours: Hours, end: datetime, pauses: Sequence[Span]) -> datetime:
    """A closing moved by as many closings as the pauses span; the days of overlapping pauses move it once.

    :param end: when the clock would have ended
    :raises NeverDueError: where the calendar has not that many closings
    """
    held: set[datetime] = set()
    for start, stop in pauses:
        for _, last in hours.spans(start):
            if last > stop:
                break
            held.add(last)
    return closing(hours, end - _TICK, len(held))


def _without(span: Span, pauses: Sequence[Span]) -> list[Span]:
    """What pauses leave of a span."""
    kept = [span]
    for pause_from, pause_to in pauses:
        kept = [
            piece
            for first, last in kept
            for piece in ((first, min(last, pause_from)), (max(first, pause_to), last))
            if piece[0] < piece[1]
        ]
    return kept
