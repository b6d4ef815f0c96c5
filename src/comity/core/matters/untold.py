"""Days of which the room asks the side that served: *were you told?* And how many of them it was told of, as a range.

A day is asked about where volume lay outside the band round the locked forecast, and no event, item or change says why.
"No" becomes an `untold` matter, in which the other side can answer *you had*: both values stand, so that the count of
days told is a range. Source: the kinds of the matters' specification, and its vector 8.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from comity.core.matters.transitions import State


@dataclass(frozen=True, slots=True)
class DayVolume:
    """What was locked and what came on a day in a queue.

    :ivar band: share of the locked forecast by which volume may differ
    """

    day: date
    queue: str
    locked: float
    offered: float
    band: float

    @property
    def is_outside(self) -> bool:
        """Whether it differs by more than the band, either way."""
        return self.locked > 0 and abs(self.offered - self.locked) > self.band * self.locked


@dataclass(frozen=True, slots=True)
class Explained:
    """Days over which an event, an item or a change lies.

    :ivar last: that day included; None: for good
    :ivar queues: none named: all
    """

    first: date
    last: date | None
    queues: frozenset[str] = frozenset()

    def covers(self, volume: DayVolume) -> bool:
        """Whether it says why a day was other than expected."""
        until = self.last is None or volume.day <= self.last
        return self.first <= volume.day and until and (not self.queues or volume.queue in self.queues)


def to_ask(volumes: Iterable[DayVolume], explained: Iterable[Explained]) -> list[DayVolume]:
    """Return the days to ask about, each once for a queue: by day, then by queue."""
    known = list(explained)
    asked = {(one.day, one.queue): one for one in volumes if one.is_outside and not any(it.covers(one) for it in known)}
    return [asked[key] for key in sorted(asked)]


@dataclass(frozen=True, slots=True)
class Said:
    """What the side that served said about a day, and what became of its matter.

    :ivar told: None where it has not answered
    :ivar state: of the `untold` matter that its "no" became
    """

    told: bool | None
    state: State | None = None


def told_range(days: Iterable[Said]) -> tuple[int, int, int]:
    """Return how many days it was told of, at least and at most, of how many that it answered for.

    "No" stands against the other side's *you had* (the matter declined): such a day counts as told at most. Where the
    other side has not answered yet, or says *right*, nobody says that it was told.
    """
    answered = [one for one in days if one.told is not None]
    least = sum(one.told is True for one in answered)
    disputed = sum(one.told is False and one.state is State.DECLINED for one in answered)
    return least, least + disputed, len(answered)
