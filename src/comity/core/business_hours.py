"""Business hours of an agreed calendar, less holidays and pauses, across daylight saving time.

Every moment is an aware datetime; days and hours are local to the calendar's zone. A day that is open from midnight to
midnight has its true length: 23 hours on the day on which the clocks go forward.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_DAY = timedelta(days=1)
_ZERO = timedelta(0)
_TICK = timedelta(microseconds=1)
_MAX_DAYS = 3660  # days that a due moment is looked for: ten years
_FRIDAY = 4
Span = tuple[datetime, datetime]


class NeverDueError(ValueError):
    """A calendar that is not open for long enough within ten years."""


@dataclass(frozen=True, slots=True)
class Hours:
    """Weekly opening hours and holidays, in one time zone.

    :ivar zone: IANA name of the time zone
    :ivar week: weekday (0 is Monday) -> from, to; a `to` of midnight is the day's end; absent days are closed
    :ivar holidays: days that are closed
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
        """Yield the open spans from an instant on, in UTC, for ten years."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        for _ in range(_MAX_DAYS):
            if day not in self.holidays and day.weekday() in self.week:
                opens, closes = self.week[day.weekday()]
                last = day + _DAY if closes == time.min else day
                first, end = (
                    datetime.combine(local_day, at, zone).astimezone(UTC)
                    for local_day, at in ((day, opens), (last, closes))
                )
                if end > start:
                    yield max(first, start.astimezone(UTC)), end
            day += _DAY


def elapsed(hours: Hours, start: datetime, end: datetime, pauses: Sequence[Span] = ()) -> timedelta:
    """Return the open time between two instants.

    :param pauses: spans that do not count; they may overlap
    """
    total = _ZERO
    for first, last in hours.spans(start):
        if first >= end:
            break
        total += sum((to - at for at, to in _subtract_pauses((first, min(last, end)), pauses)), _ZERO)
    return total


def due(hours: Hours, start: datetime, allowed: timedelta, pauses: Sequence[Span] = ()) -> datetime:
    """Return the instant at which `allowed` open time has passed.

    :raises NeverDueError: where that is not within ten years
    """
    left = allowed
    for span in hours.spans(start):
        for first, last in _subtract_pauses(span, pauses):
            if last - first >= left:
                return first + left
            left -= last - first
    raise NeverDueError("the calendar is not open for that long within ten years")


def closing(hours: Hours, received: datetime, days: int) -> datetime:
    """Return close of business on the Nth working day after the day of receipt.

    What is received after closing, or on a closed day, counts as received on the next working day.

    :raises NeverDueError: where there are not that many working days within ten years
    """
    for number, (_, end) in enumerate(hours.spans(received)):  # the first is the day of receipt
        if number == days:
            return end
    raise NeverDueError("the calendar is not open for that long within ten years")


def postponed(hours: Hours, end: datetime, pauses: Sequence[Span]) -> datetime:
    """Return a close of business postponed by as many working days as the pauses span, overlaps counted once.

    :param end: the close of business without pauses
    :raises NeverDueError: where the calendar has too few working days within ten years
    """
    closings: set[datetime] = set()
    for start, stop in pauses:
        for _, last in hours.spans(start):
            if last > stop:
                break
            closings.add(last)
    return closing(hours, end - _TICK, len(closings))


def working_days(hours: Hours, after: date, until: date) -> int:
    """Count the working days after a day up to another one, that one included; 0 where it is not later.

    Whole weeks are multiplied out, so that a long span costs no more than a short one.
    """
    weeks, rest = divmod(max(0, (until - after).days), 7)
    first = until - timedelta(days=rest - 1)
    days = weeks * len(hours.week) + sum((first + timedelta(days=day)).weekday() in hours.week for day in range(rest))
    return days - sum(after < day <= until and day.weekday() in hours.week for day in hours.holidays)


def _subtract_pauses(span: Span, pauses: Sequence[Span]) -> list[Span]:
    """Return the pieces of a span outside the pauses."""
    pieces = [span]
    for pause_from, pause_to in pauses:
        pieces = [
            piece
            for first, last in pieces
            for piece in ((first, min(last, pause_from)), (max(first, pause_to), last))
            if piece[0] < piece[1]
        ]
    return pieces
