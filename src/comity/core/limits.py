"""Natural process limits: how far a figure wanders by itself, so that the next one can be judged."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# 3 / d2, d2 = 1.128 being the mean range of two normal values in units of their standard deviation; 2.66 is
# the constant as published (Wheeler, Understanding Variation, 1993) and as spreadsheets everywhere use it.
SCALE = 2.66
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
        """Whether a value is what the earlier ones lead to expect."""
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
