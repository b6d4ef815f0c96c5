"""The table of verdicts for all readings: whether the subject of a figure changed, or only the figure.

The table is that of the specification of readings, "One verdict for all": the first row that holds decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy import special

LEAST_UNITS = 10  # fewer independent units cannot carry a standard error
LEAST_WEEKS = 4  # the same, in each period, where weeks are the units


class Verdict(StrEnum):
    """The eight verdicts."""

    GENUINE = "genuine"
    OVERSTATED = "overstated"
    UNDERSTATED = "understated"
    ILLUSORY = "illusory"
    MASKED = "masked"
    REVERSED = "reversed"
    STEADY = "steady"
    UNCLEAR = "unclear"


CAUSED = frozenset(
    {Verdict.OVERSTATED, Verdict.UNDERSTATED, Verdict.ILLUSORY, Verdict.MASKED, Verdict.REVERSED},
)


@dataclass(frozen=True, slots=True)
class Change:
    """A change and its standard error, both in the reading's unit; exact figures have 0, `None` is not formed."""

    change: float
    se: float | None = 0.0


@dataclass(frozen=True, slots=True)
class Part:
    """One term of the change as reported; `like_for_like` tells whether it belongs to what changed."""

    id: str
    value: float
    like_for_like: bool = False


def critical(units: float, alpha: float = 0.025) -> float | None:
    """Student's t for the upper tail `alpha` with `units - 1` degrees of freedom; None below two units."""
    if units - 1 < 1:
        return None
    return float(special.stdtrit(units - 1, 1 - alpha))  # scipy.stats takes half a second to bring in


def judge(  # noqa: C901, PLR0911, PLR0913 - the table reads as the law, one row a line
    headline: Change,
    like_for_like: Change | None,
    gap: Change | None,
    *,
    material: float,
    z: float | None,
    sampled: bool,
) -> Verdict:
    """Return the verdict of the first row of the table that applies.

    :param z: the critical value for sampled readings; None when there are too few units
    :param sampled: False for accounting readings, whose figures have no sampling error
    """
    n = headline.change
    if like_for_like is None or gap is None:
        return Verdict.UNCLEAR
    errors = (headline.se, like_for_like.se, gap.se)
    if any(error is None for error in errors) or (sampled and (z is None or like_for_like.se == 0)):
        return Verdict.UNCLEAR
    h = like_for_like.change
    factor = z or 0.0
    z_h = factor * (like_for_like.se or 0.0)

    def moved(change: Change) -> bool:
        return abs(change.change) > factor * (change.se or 0.0) and abs(change.change) >= material

    n_moved, h_moved, d_moved = moved(headline), moved(like_for_like), moved(gap)
    if not n_moved and not h_moved:
        return Verdict.UNCLEAR if z_h > material else Verdict.STEADY
    if not d_moved and h_moved:
        return Verdict.GENUINE
    if not d_moved:
        return Verdict.STEADY if all(error == 0 for error in errors) else Verdict.UNCLEAR
    if not h_moved:
        return Verdict.UNCLEAR if z_h > max(material, abs(n)) else Verdict.ILLUSORY
    if not n_moved:
        return Verdict.MASKED
    if n * h < 0:
        return Verdict.REVERSED
    if abs(h) < abs(n) / 2:
        return Verdict.OVERSTATED
    if abs(h) > 2 * abs(n):
        return Verdict.UNDERSTATED
    return Verdict.GENUINE


def cause(verdict: Verdict, gap: float, parts: Sequence[Part]) -> str | None:
    """Return the part outside the like-for-like change that is largest in the direction of the gap; ties: the first."""
    if verdict not in CAUSED:
        return None
    direction = 1.0 if gap >= 0 else -1.0
    outside = [part for part in parts if not part.like_for_like and part.value * direction > 0]
    return max(outside, key=lambda part: part.value * direction).id if outside else None
