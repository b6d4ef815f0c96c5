"""Waiting times and abandonment in the queue M/M/n+M (Erlang A), as distributions to draw from.

With arrivals λ, handling 1/μ, patience 1/θ and n positions, the wait V that a caller with endless patience would
meet is 0 with the probability of not waiting, else has a density proportional to f(x) = exp(λ(1-e^{-θx})/θ - nμx)
(Zeltyn and Mandelbaum 2005). A caller whose patience, exponential, ends before V gives up. Each state's f is laid on
a grid and its integral taken as if log f were straight between grid points, which is exact in the limit θ -> 0;
what is drawn and what `served_within` and its like say come from the same grid, so that they agree exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

CELLS = 128
_DEPTH = 18.0  # the grid ends where f has fallen to e^-18 of its peak
_HALVINGS = 50
_TINY = 1e-290


@dataclass(frozen=True, slots=True)
class Waits:
    """The waits of many states of queues, one row a state.

    `grid`: seconds, [states, CELLS + 1]; `reach`: P(V <= grid | V > 0); `kept`: the part of it whose callers are
    still there when their turn comes; `at_once`: P(V = 0); `patience_s`: mean patience.
    """

    grid: Floats
    reach: Floats
    kept: Floats
    at_once: Floats
    patience_s: Floats

    def draw(self, rng: np.random.Generator, state: Ints) -> tuple[Floats, NDArray[np.bool_]]:
        """Draw the waits of callers who arrive in these states.

        :returns: seconds waited, and whether the caller was answered at the end of them
        """
        ask = rng.random(state.size)
        patience = rng.standard_exponential(state.size) * self.patience_s[state]
        wait = np.zeros(state.size)
        queued = np.flatnonzero(ask >= self.at_once[state])
        rows = state[queued]
        quantile = (ask[queued] - self.at_once[rows]) / (1 - self.at_once[rows])
        # One search for all: row r of `reach` runs from r to r + 1 when r is added to it.
        flat = (self.reach + np.arange(len(self.reach))[:, None]).ravel()
        cell = np.searchsorted(flat, rows + quantile, side="right") - 1
        cell = np.clip(cell - rows * (CELLS + 1), 0, CELLS - 1)
        low, high = self.reach[rows, cell], self.reach[rows, cell + 1]
        share = np.divide(quantile - low, high - low, out=np.zeros_like(low), where=high > low)
        left, right = self.grid[rows, cell], self.grid[rows, cell + 1]
        wait[queued] = left + np.clip(share, 0, 1) * (right - left)
        answered = wait <= patience
        return np.where(answered, wait, patience), answered

    def served_within(self, seconds: float) -> Floats:
        """P(answered at most `seconds` after arrival), of all who arrive."""
        return self.at_once + (1 - self.at_once) * self._at(self.kept, seconds)

    def abandoned(self) -> Floats:
        """P(gives up), of all who arrive."""
        return (1 - self.at_once) * (1 - self.kept[:, -1])

    def abandoned_within(self, seconds: float) -> Floats:
        """P(gives up at most `seconds` after arrival), of all who arrive."""
        gone_by_turn = self._at(self.reach, seconds) - self._at(self.kept, seconds)
        impatient = -np.expm1(-seconds / self.patience_s)
        return (1 - self.at_once) * (gone_by_turn + (1 - self._at(self.reach, seconds)) * impatient)

    def _at(self, table: Floats, seconds: float) -> Floats:
        cell = np.clip((self.grid <= seconds).sum(axis=1) - 1, 0, CELLS - 1)[:, None]
        left, right = np.take_along_axis(self.grid, cell, 1), np.take_along_axis(self.grid, cell + 1, 1)
        low, high = np.take_along_axis(table, cell, 1), np.take_along_axis(table, cell + 1, 1)
        share = np.clip((seconds - left) / (right - left), 0, 1)
        return np.asarray((low + share * (high - low))[:, 0])


def waits(rate: Floats, handle_s: Floats, patience_s: Floats, positions: Floats) -> Waits:
    """Compute the distribution of waits of queues in steady state.

    :param rate: arrivals a second; a state without arrivals is as one with very few
    :param handle_s: mean handling time
    :param positions: staffed positions, fractions allowed
    """
    rate = np.maximum(rate, 1e-9)
    load, speed, theta = rate * handle_s, positions / handle_s, 1 / patience_s

    def log_f(x: Floats) -> Floats:
        return rate[:, None] * -np.expm1(-theta[:, None] * x) / theta[:, None] - speed[:, None] * x

    peak = np.maximum(np.log(rate / speed), 0) * patience_s
    floor = log_f(peak[:, None])[:, 0] - _DEPTH
    near, far = peak, peak + _DEPTH / speed + (rate / theta + 1) / speed
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        below = log_f(middle[:, None])[:, 0] < floor
        near, far = np.where(below, near, middle), np.where(below, middle, far)
    grid = far[:, None] * (np.arange(CELLS + 1) / CELLS) ** 1.5
    logs = log_f(grid)
    top = logs.max(axis=1)
    reach = _integral(grid, logs - top[:, None])
    served = _integral(grid, logs - top[:, None] - theta[:, None] * grid)
    total = reach[:, -1:]
    # E of the specification: sum over j < n of (n-1)!/j! a^(j-n+1), which is 1/B(n-1, a).
    tail = special.gammaincc(positions, load)
    log_e = special.gammaln(positions) - (positions - 1) * np.log(load) + load + np.log(np.maximum(tail, _TINY))
    # Where the tail underflows, the load is far above the positions, and the sum is nearly geometric in n/a.
    far_above = -np.log1p(-np.clip((positions - 1) / load, 0, 0.99))
    log_e = np.where(tail > _TINY, log_e, far_above)
    odds = rate * np.exp(np.minimum(np.log(total[:, 0]) + top - log_e, 700))
    return Waits(grid, reach / total, served / total, 1 / (1 + odds), patience_s)


def positions_for(  # noqa: PLR0913 - a state of a queue, and what is wanted of it
    rate: Floats,
    handle_s: Floats,
    patience_s: Floats,
    target: Floats,
    within_s: Floats,
    short_s: float,
) -> Floats:
    """Return the least number of positions, fractions allowed, at which the model's V6 reaches the target.

    V6: answered within `within_s`, over all who arrive but those who give up within `short_s`.
    """
    load = np.maximum(rate, 1e-9) * handle_s
    low, high = np.full_like(load, 0.05), 2 * load + 12
    for _ in range(24):
        middle = (low + high) / 2
        short_of = service_level(waits(rate, handle_s, patience_s, middle), within_s, short_s) < target
        low, high = np.where(short_of, middle, low), np.where(short_of, high, middle)
    return high


def service_level(states: Waits, within_s: Floats, short_s: float) -> Floats:
    """Return V6 of each state by its own threshold."""
    good = np.zeros(len(states.at_once))
    for seconds in np.unique(within_s):
        at = within_s == seconds
        good[at] = states.served_within(float(seconds))[at]
    return np.asarray(good / (1 - states.abandoned_within(short_s)))


def _integral(grid: Floats, logs: Floats) -> Floats:
    """Return the running integral of exp(logs), with logs linear between grid points."""
    step = np.diff(grid, axis=1)
    rise = np.diff(logs, axis=1)
    small = np.abs(rise) < 1e-8  # noqa: PLR2004 - below, the quotient loses digits
    ratio = np.where(small, 1 + rise / 2, np.expm1(rise) / np.where(small, 1, rise))
    cells = step * np.exp(logs[:, :-1]) * ratio
    return np.concatenate([np.zeros((len(grid), 1)), np.cumsum(cells, axis=1)], axis=1)
