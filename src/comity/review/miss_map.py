"""When a service level was missed: by day and half hour, who answers for most of each, and where most of it lies."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from comity.core.economics.attribution import PARTS, Floats, Ints, SharedOut, counts
from comity.review.attribution import Attribution, local_starts

MOST_DAYS = 62  # beyond, a column is a day of the week
STEPS = (0.05, 0.15, 0.30)  # below the target, at which a shade gets darker; from the first on it is said who answers
_DENSER = 1.5  # times as much lost as contacts came, from which a stretch is told
_LEAST_HELD = 0.1  # of what a side answers for
_MOST_FINDINGS = 3
_MOST_OF_EACH = 2
_EQUAL = 1e-9
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of days and half hours in which much was lost that one side answers for.

    `first` to `last` half hour, and day, each counted in; `weekday` where it is one day of the week all through.
    `lost` and `of_all` are shares of all contacts: what was lost there, and in all, to this side's causes; `contacts`
    the share of contacts that came there; `cause` the part that lost most of it.
    """

    answers: str
    first: int
    last: int
    first_day: date
    last_day: date
    weekday: int | None
    cause: str
    lost: float
    of_all: float
    contacts: float


@dataclass(frozen=True, slots=True)
class Day:
    """One day as observed, and between which limits it was to be expected, where they are known."""

    day: date
    good: float
    counted: float
    limits: tuple[float, float] | None

    @property
    def level(self) -> float:
        """Its level; not a number where nothing counted."""
        return self.good / self.counted if self.counted else float("nan")

    @property
    def outside(self) -> bool:
        """Whether it lies outside the limits."""
        return self.limits is not None and self.counted > 0 and not self.limits[0] <= self.level <= self.limits[1]


@dataclass(frozen=True, slots=True)
class MissMap:
    """Columns are days, or days of the week where the period is long; rows are the half hours from `first` on.

    `good` and `counted` are contacts as observed; `sides` names the side that answers for most of what was lost, where
    the level lies more than the first step below the target; "" elsewhere.
    """

    columns: tuple[date | int, ...]
    first: int
    good: Floats
    counted: Floats
    sides: tuple[tuple[str, ...], ...]
    days: tuple[Day, ...]
    stretches: tuple[Stretch, ...] = field(default=())

    def shade(self, row: int, column: int, target: float) -> int | None:
        """How far below the target: 0 where it was met, 1 to 4, None where nothing counted."""
        if self.counted[row, column] <= 0:
            return None
        below = target - self.good[row, column] / self.counted[row, column]
        return 0 if below <= 0 else 1 + sum(below > step for step in STEPS)

    def marked(self, who: str) -> int:
        """How many cells bear a side's mark."""
        return sum(row.count(who) for row in self.sides)


def build_miss_map(attribution: Attribution, shared: SharedOut) -> MissMap | None:
    """When it was; None where nothing was shared out."""
    intervals = attribution.intervals
    if intervals is None:
        return None
    local, counted = local_starts(attribution), counts(intervals, attribution.counted_as)
    every = [one.date() for one in local]
    by_week = attribution.period.days > MOST_DAYS
    columns: list[date | int] = sorted({one.weekday() for one in every} if by_week else set(every))
    place = {column: number for number, column in enumerate(columns)}
    at = np.array([place[one.weekday() if by_week else one] for one in every])
    slots = _slots(local)
    first, rows = int(slots.min()), int(slots.max() - slots.min()) + 1
    cells, shape = (slots - first) * len(columns) + at, (rows, len(columns))

    def summed(values: Floats) -> Floats:
        return np.asarray(
            np.bincount(cells, weights=values, minlength=rows * len(columns)).reshape(shape), dtype=np.float64
        )

    good, came = summed(intervals.good), summed(counted)
    sides = {side: _lost(attribution, shared, side) for side in dict.fromkeys(_answers(attribution).values())}
    losses = {side: summed(lost) for side, lost in sides.items()}
    who: list[tuple[str, ...]] = []
    for row in range(rows):
        names = []
        for column in range(len(columns)):
            side = max(losses, key=lambda one: losses[one][row, column])
            missed = came[row, column] > 0 and good[row, column] < (shared.target - STEPS[0]) * came[row, column]
            names.append(side if missed and shared.fit and losses[side][row, column] > 0 else "")
        who.append(tuple(names))
    days = () if by_week else _days(attribution, every, intervals.good, counted)
    found = _stretches(attribution, shared, every, slots, counted) if shared.fit else ()
    return MissMap(tuple(columns), first, good, came, tuple(who), days, found)


def _answers(attribution: Attribution) -> dict[str, str]:
    """Who answers for each part but the plan, which is of no half hour."""
    return {part: who for part in PARTS[1:] if (who := attribution.answers[part]) is not None}


def _slots(local: Sequence[datetime]) -> Ints:
    return np.array([one.hour * 2 + one.minute // 30 for one in local], dtype=np.int64)


def _lost(attribution: Attribution, shared: SharedOut, side: str) -> Floats:
    """What was lost against the plan to the causes of one side, by interval; less than nothing where it gained."""
    own = [shared.by_interval[part] for part in PARTS[1:] if attribution.answers[part] == side]
    return np.asarray(-sum(own))


def _days(attribution: Attribution, every: Sequence[date], good: Floats, counted: Floats) -> tuple[Day, ...]:
    days = []
    for day in sorted(set(every)):
        own = np.array([one == day for one in every])
        of_day = float(counted[own].sum())
        limits = attribution.usual.scatter.limits(of_day) if attribution.usual is not None and of_day else None
        days.append(Day(day, float(good[own].sum()), of_day, limits))
    return tuple(days)


def _stretches(
    attribution: Attribution, shared: SharedOut, every: Sequence[date], slots: Ints, counted: Floats
) -> tuple[Stretch, ...]:
    """For each side that lost what matters: the stretch, and then the day of the week, that hold most of it."""
    days = sorted(set(every))
    place = {day: number for number, day in enumerate(days)}
    at, first = np.array([place[one] for one in every]), int(slots.min())
    shape = (len(days), int(slots.max()) - first + 1)

    def summed(values: Floats) -> Floats:
        sums = np.bincount(at * shape[1] + slots - first, weights=values, minlength=shape[0] * shape[1])
        return np.asarray(sums.reshape(shape), dtype=np.float64)

    contacts = summed(counted) / counted.sum()
    weekdays = np.array([day.weekday() for day in days])
    stretches: list[Stretch] = []
    answers = _answers(attribution)
    for side in dict.fromkeys(answers.values()):
        causes = {part: summed(-shared.by_interval[part]) for part, who in answers.items() if who == side}
        lost = np.asarray(sum(causes.values()))
        total = float(lost.sum())
        if total < attribution.kpi.material:
            continue
        excess = lost - _DENSER * total * contacts
        choices: list[tuple[Bools, int | None]] = []
        for _ in range(_MOST_OF_EACH):
            inside, weekday = _densest_stretch(excess, weekdays)
            if not inside.any():
                break
            choices.append((inside, weekday))
            excess = np.where(inside, 0.0, excess)
        for inside, one_day in choices:
            here = float(lost[inside].sum())
            if here < _LEAST_HELD * total:
                continue
            down, across = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
            cause = max(causes, key=lambda part: float(causes[part][inside].sum()))
            where = (first + int(across[0]), first + int(across[-1]), days[int(down[0])], days[int(down[-1])])
            stretches.append(Stretch(side, *where, one_day, cause, here, total, float(contacts[inside].sum())))
    return tuple(sorted(stretches, key=lambda one: -one.lost)[:_MOST_FINDINGS])


def _densest_stretch(excess: Floats, weekdays: Ints) -> tuple[Bools, int | None]:
    """Where most of what is beyond its share lies: days in a row, or one day of every week if that holds more."""
    size, rectangle = _densest_rectangle(excess)
    inside = np.zeros(excess.shape, dtype=bool)
    inside[rectangle[0] : rectangle[1] + 1, rectangle[2] : rectangle[3] + 1] = True
    best_weekday: int | None = None
    for weekday in range(7):
        own = weekdays == weekday
        more, first, last = _densest_run(excess[own].sum(axis=0))
        if own.sum() > 1 and more > size * (1 + _EQUAL):
            size, best_weekday, inside = more, weekday, np.zeros(excess.shape, dtype=bool)
            inside[np.ix_(own, range(first, last + 1))] = True
    return inside, best_weekday


def _densest_run(values: Floats) -> tuple[float, int, int]:
    """The run of neighbours with the largest sum, its first and its last (Kadane); 0 where all are below 0."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    lowest = np.minimum.accumulate(sums)[:-1]
    gains = sums[1:] - lowest
    last = int(gains.argmax())
    if gains[last] <= 0:
        return 0.0, 0, -1
    return float(gains[last]), int(sums[: last + 1].argmin()), last


def _densest_rectangle(excess: Floats) -> tuple[float, tuple[int, int, int, int]]:
    """The rectangle with the largest sum: first and last row, first and last column; none where all are below 0."""
    best, rectangle = 0.0, (0, -1, 0, -1)
    sums = np.concatenate([np.zeros((excess.shape[0], 1)), np.cumsum(excess, axis=1)], axis=1)
    for left in range(excess.shape[1]):
        for right in range(left, excess.shape[1]):
            size, top, foot = _densest_run(sums[:, right + 1] - sums[:, left])
            if size > best * (1 + _EQUAL) and size > _EQUAL:
                best, rectangle = size, (top, foot, left, right)
    return best, rectangle


def week_starts(columns: Sequence[date | int]) -> list[int]:
    """The columns before which a new week begins."""
    starts = []
    for number, (before, after) in enumerate(pairwise(columns), 1):
        if isinstance(before, date) and isinstance(after, date) and after.isocalendar()[1] != before.isocalendar()[1]:
            starts.append(number)
    return starts
