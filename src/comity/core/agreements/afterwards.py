"""What a change was expected to bring, against what came: a baseline before, three whole periods after.

The baseline is the mean of a figure over up to twelve whole periods before the proposal, with its interval:

    mean ± t(0.975, n - 1) · s / √n

What came is the mean of the three periods after the first day. Whether it differs from the baseline is asked with the
spread of the periods before, which three later ones are too few to show:

    d ± t(0.975, n - 1) · s · √(1/n + 1/m)

the interval of the difference of two means with one variance, estimated from the first sample alone (s² has n - 1
degrees of freedom). It takes periods to be independent with the same spread; after three bad months in a row that
began the change by chance, a return to the mean is within it.

*Met* is a difference beyond chance in the direction expected, and of at least the size expected; *partly* one beyond
chance in that direction and smaller; *not* anything else. Without three periods before nothing can be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import sqrt
from statistics import fmean, stdev

from scipy.special import stdtrit

from comity.core.calendars import Calendar, Cut
from comity.core.values import Period

PERIODS_BEFORE = 12
PERIODS_AFTER = 3
_FEWEST = 3  # periods before, from which a spread is estimated
_LEVEL = 0.975  # two-sided 95 %


class Came(StrEnum):
    """What came of an expectation."""

    MET = "met"
    PARTLY = "partly"
    NOT = "not"
    CANNOT_TELL = "cannot_tell"  # too few periods before
    NOT_YET = "not_yet"  # too few periods after


@dataclass(frozen=True, slots=True)
class Baseline:
    """A figure over the periods before a proposal, in its unit.

    :ivar count: of periods
    :ivar spread: standard deviation of the periods; None for fewer than three
    :ivar low, high: interval of the mean, 95 %; None for fewer than three
    """

    count: int
    mean: float
    spread: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came, and how it differs from the baseline, each in the figure's unit; None where it cannot be formed."""

    came: Came
    value: float | None = None
    difference: float | None = None
    low: float | None = None
    high: float | None = None


def baseline_of(values: Sequence[float]) -> Baseline | None:
    """Return the baseline of a figure's values, the latest last; None without any."""
    kept = list(values)[-PERIODS_BEFORE:]
    if not kept:
        return None
    mean = fmean(kept)
    if len(kept) < _FEWEST:
        return Baseline(len(kept), mean)
    spread = stdev(kept)
    half = float(stdtrit(len(kept) - 1, _LEVEL)) * spread / sqrt(len(kept))
    return Baseline(len(kept), mean, spread, mean - half, mean + half)


def outcome(baseline: Baseline | None, after: Sequence[float], *, rises: bool, size: float | None) -> Outcome:
    """Return what came of an expectation.

    :param after: of the whole periods after the first day, the earliest first; the first three count
    :param rises: whether the figure was expected to go up
    :param size: by how much, at least, 0 or more; None: no size was expected
    """
    if len(after) < PERIODS_AFTER:
        return Outcome(Came.NOT_YET)
    value = fmean(after[:PERIODS_AFTER])
    if baseline is None or baseline.spread is None:
        return Outcome(Came.CANNOT_TELL, value, None if baseline is None else value - baseline.mean)
    difference = value - baseline.mean
    error = baseline.spread * sqrt(1 / baseline.count + 1 / PERIODS_AFTER)
    half = float(stdtrit(baseline.count - 1, _LEVEL)) * error
    low, high = difference - half, difference + half
    beyond_chance = low > 0 if rises else high < 0
    moved = difference if rises else -difference
    came = Came.NOT if not beyond_chance else Came.MET if moved >= (size or 0) else Came.PARTLY
    return Outcome(came, value, difference, low, high)


def whole_months_after(first_day: date, month_starts_on: int, count: int = PERIODS_AFTER) -> list[Period]:
    """Return the first whole months that begin on a day or after it."""
    calendar = Calendar(Cut.MONTH, month_starts_on)
    month = calendar.containing(first_day)
    months = [month if month.start == first_day else calendar.after(month)]
    while len(months) < count:
        months.append(calendar.after(months[-1]))
    return months
