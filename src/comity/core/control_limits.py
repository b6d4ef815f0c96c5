"""Control limits (XmR and p' charts): the range of common-cause variation that a new value is compared with."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# 3 / d2, d2 = 1.128 being the mean range of two normal values in units of their standard deviation; 2.66 is
# the constant as published (Wheeler, Understanding Variation, 1993) and as spreadsheets everywhere use it.
SCALE = 2.66
_D2 = 1.128
FEWEST = 2  # values; one value has no moving range


@dataclass(frozen=True, slots=True)
class NaturalLimits:
    """The limits of an XmR chart, in the unit of the values.

    `moving_range` is the mean of the absolute differences between neighbours.
    """

    centre: float
    lower: float
    upper: float
    moving_range: float

    def __contains__(self, value: float) -> bool:
        """Whether a value lies within the limits."""
        return self.lower <= value <= self.upper


def natural_limits(values: Sequence[float]) -> NaturalLimits:
    """Centre and limits of an XmR chart: the mean, and 2.66 mean moving ranges to both sides.

    :param values: the figures of the named earlier periods in the order of time, never the one being judged:
        a value that helps to set the limits pulls them towards itself
    :raises ValueError: for fewer than two values
    """
    if len(values) < FEWEST:
        msg = f"limits need at least {FEWEST} earlier values, but there are {len(values)}"
        raise ValueError(msg)
    centre = float(np.mean(values))
    moving_range = float(np.mean([abs(later - earlier) for earlier, later in pairwise(values)]))
    reach = SCALE * moving_range
    return NaturalLimits(centre, centre - reach, centre + reach, moving_range)


@dataclass(frozen=True, slots=True)
class Scatter:
    """Scatter of shares of counts: their mean, and by what factor it is wider than binomial chance (at least 1)."""

    mean: float
    wider: float

    def limits(self, count: float) -> tuple[float, float]:
        """Return the three-sigma limits of a share of `count`, clipped to 0 and 1."""
        if count <= 0:
            return 0.0, 1.0
        half = 3 * self.wider * math.sqrt(self.mean * (1 - self.mean) / count)
        return max(self.mean - half, 0.0), min(self.mean + half, 1.0)


def scatter(parts: Sequence[float], counts: Sequence[float]) -> Scatter:
    """Estimate the scatter of consecutive shares as for a p' chart (Laney 2002), from moving ranges of z-scores.

    :param parts: numerators, in the order of time
    :param counts: denominators; entries of 0 are skipped
    """
    known = [(part, count) for part, count in zip(parts, counts, strict=True) if count > 0]
    mean = sum(part for part, _ in known) / sum(count for _, count in known)
    chance = [math.sqrt(mean * (1 - mean) / count) for _, count in known]
    deviations = [(part / count - mean) / one if one else 0.0 for (part, count), one in zip(known, chance, strict=True)]
    ranges = [abs(after - before) for before, after in pairwise(deviations)]
    return Scatter(mean, max(sum(ranges) / len(ranges) / _D2, 1.0) if ranges else 1.0)
