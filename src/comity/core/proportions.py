"""Intervals of a share that is counted: so many of so many.

Wilson's stands in `core.levels` and `core.readings.satisfaction`, where shares are of people who answered. Jeffreys' is
for what two sides do: a handful of changes, none of them missed, and still an interval that does not pretend to know.
"""

from dataclasses import dataclass

from scipy.special import betaincinv

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many; `low` to `high` is the 95 % interval, None where there is nothing to count."""

    hits: int
    of: int

    @property
    def share(self) -> float | None:
        """The share; None of nothing."""
        return self.hits / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Jeffreys' interval; None of nothing."""
        return jeffreys(self.hits, self.of) if self.of else None


def jeffreys(hits: int, of: int, level: float = LEVEL) -> tuple[float, float]:
    """Return Jeffreys' interval for a share: quantiles of Beta(hits + 1/2, of - hits + 1/2).

    Its lower end is 0 where nothing was hit and its upper end 1 where everything was, as Brown, Cai and DasGupta advise
    (Statistical Science 16, 2001, 101-133).

    :param of: at least one
    """
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(betaincinv(hits + 0.5, of - hits + 0.5, tail))
    high = 1.0 if hits == of else float(betaincinv(hits + 0.5, of - hits + 0.5, 1 - tail))
    return low, high
