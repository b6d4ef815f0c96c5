"""A simulated partnership: its days and quarters, local time, and streams of random numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from comity.core.calendars import Calendar, Cut
from comity.core.values import Period
from comity.simulate.conditions import Conditions, Story

ZONE = "Europe/Madrid"
SLOTS = 48
SLOT_S = 1800
_DAY_S = 86_400
_LEAST_MONTHS = 6
Ints = NDArray[np.int64]
Days = NDArray[np.datetime64]


class TooShortError(ValueError):
    """A partnership that is too short to compare two quarters."""


@dataclass(frozen=True, slots=True)
class Partnership:
    """Parameters of a simulated partnership: story, seed, days, size.

    :param first: the first day, the first of a month; `end`: the day after the last
    :param contacts_per_day: on average over the book, all channels
    :param panel: accounts whose people are asked every quarter; `people`: of each of them
    :param records_to: the day after the last in the book, where the days after it lie in files to import; None: `end`
    """

    story: Story
    seed: int
    contacts_per_day: float
    first: date
    end: date
    panel: int = 150
    people: int = 24
    records_to: date | None = None

    @property
    def records_end(self) -> date:
        """The day after the last of which the book tells."""
        return self.records_to or self.end

    @property
    def days(self) -> Days:
        """Every day."""
        return np.arange(np.datetime64(self.first), np.datetime64(self.end))

    @property
    def months(self) -> list[date]:
        """The first day of every month."""
        months, day = [], self.first
        while day < self.end:
            months.append(day)
            day = (day + timedelta(days=31)).replace(day=1)
        return months

    @property
    def quarters(self) -> list[Period]:
        """The quarters that the days touch, in order."""
        calendar, quarters = Calendar(Cut.QUARTER), []
        period = calendar.containing(self.first)
        while period.start < self.end:
            quarters.append(period)
            period = calendar.after(period)
        return quarters

    @property
    def whole_quarters(self) -> list[Period]:
        """The quarters that the book tells of from their first to their last day."""
        return [quarter for quarter in self.quarters if quarter.start >= self.first and quarter.end <= self.records_end]

    def conditions(self, quarter: Period) -> Conditions:
        """Return the conditions of a quarter; an incomplete one at the end has those of the last whole one."""
        return self.story.conditions(round((self.whole_quarters[-1].end - quarter.end).days / 91.3))

    def quarter_of(self, days: Days) -> Ints:
        """Which of `quarters` each day lies in."""
        starts = np.array([quarter.start for quarter in self.quarters], "datetime64[D]")
        return np.asarray(np.searchsorted(starts, days, side="right") - 1)

    def rng(self, *stream: int) -> np.random.Generator:
        """Return a random generator for one part of the book, independent of all other parts."""
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=stream))


def make_partnership(  # noqa: PLR0913 - what a command asks for
    story: Story,
    seed: int,
    months: int,
    contacts_per_day: float,
    ends: date,
    *,
    panel: int = 150,
    people: int = 24,
    next_month: bool = False,
) -> Partnership:
    """Return the partnership whose last month in the book begins on `ends`.

    :param next_month: whether the month after it is simulated too, as files to import
    :raises TooShortError: when it does not hold two whole quarters
    """
    index = ends.year * 12 + ends.month - 1
    first, end = index - months + 1, index + 1
    partnership = Partnership(
        story,
        seed,
        contacts_per_day,
        _first_of(first),
        _first_of(end + 1 if next_month else end),
        panel,
        people,
        _first_of(end),
    )
    if len(partnership.whole_quarters) < 2:  # noqa: PLR2004 - one, and one to hold it against
        msg = (
            f"{months} months up to {ends:%Y-%m} do not hold two whole quarters; "
            f"ask for more than {_LEAST_MONTHS - 1} months, the last of them March, June, September or December"
        )
        raise TooShortError(msg)
    return partnership


def last_month_before_files(today: date) -> date:
    """Return the first day of the month before the last whole one: a book ends with it whose next month can be closed.

    The last whole month is over on any day, so that all of it can be imported, reviewed and confirmed.
    """
    return _first_of(today.year * 12 + today.month - 3)


def _first_of(index: int) -> date:
    """The first day of a month, which is counted from the year 0."""
    return date(index // 12, index % 12 + 1, 1)


class LocalTime:
    """Conversion between local time and UTC in one zone, for arrays of seconds since 1970."""

    def __init__(self, zone: str, first: date, end: date) -> None:
        """Look the zone's changes up, from a little before to a little after these days."""
        self._zone = ZoneInfo(zone)
        self._at, self._offset = _offset_changes(zone, first - timedelta(days=3), end + timedelta(days=120))

    def local(self, utc_s: Ints) -> Ints:
        """Local seconds, as if the zone's clock were UTC."""
        return np.asarray(utc_s + self._offset[np.searchsorted(self._at, utc_s, side="right") - 1])

    def slots_utc(self, days: Days) -> tuple[Ints, NDArray[np.bool_]]:
        """When each local half hour of each day begins, in UTC seconds (the first, where it occurs twice).

        :returns: [days, SLOTS] seconds, and whether the half hour exists on that day
        """
        local = days.astype("datetime64[s]").astype(np.int64)[:, None] + np.arange(SLOTS) * SLOT_S
        late = local - self._offset.max()  # before any change that could matter to it
        utc = local - self._offset[np.searchsorted(self._at, late, side="right") - 1]
        exists = self.local(utc) == local
        utc = np.where(exists, utc, local - self._offset[np.searchsorted(self._at, local, side="right") - 1])
        return utc, self.local(utc) == local


@lru_cache(maxsize=64)
def _offset_changes(zone: str, first: date, end: date) -> tuple[Ints, Ints]:
    """The instants at which the zone's offset changes, and the offset from each on."""
    info = ZoneInfo(zone)

    def offset(second: int) -> int:
        shift = datetime.fromtimestamp(second, info).utcoffset()
        return 0 if shift is None else int(shift.total_seconds())

    begin = int(datetime.combine(first, time(), UTC).timestamp())
    stop = int(datetime.combine(end, time(), UTC).timestamp())
    at, offsets = [begin], [offset(begin)]
    for second in range(begin, stop, _DAY_S):
        if offset(second + _DAY_S) != offsets[-1]:
            low, high = second, second + _DAY_S
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
            at.append(high)
            offsets.append(offset(high))
    return np.array(at, np.int64), np.array(offsets, np.int64)


def month_index(months: Sequence[date], days: Days) -> Ints:
    """Which of the months each day lies in."""
    return np.asarray(np.searchsorted(np.array(months, "datetime64[D]"), days, side="right") - 1)
