"""The natural limits of a history: from the periods before the one that they judge, where there are enough of them."""

from collections.abc import Iterable

from comity.core.control_limits import natural_limits
from comity.core.values import Period
from comity.review.model import Limits

FEWEST_FOR_LIMITS = 6  # earlier periods; fewer moving ranges say little
MOST_PERIODS = 120  # a history longer than this is cut at its beginning


def limits_before(judged: Period, points: Iterable[tuple[Period, float | None]]) -> Limits | None:
    """The limits for a period, from earlier ones with a value; None where there are fewer than FEWEST_FOR_LIMITS."""
    past = [(period, value) for period, value in points if period.end <= judged.start and value is not None]
    if len(past) < FEWEST_FOR_LIMITS:
        return None
    natural = natural_limits([value for _, value in past])
    return Limits(natural.centre, natural.lower, natural.upper, past[0][0], past[-1][0], len(past))
