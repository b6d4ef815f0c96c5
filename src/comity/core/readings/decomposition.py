"""Decomposition of the change of a rate into a change within cells and a change of their mix, with standard errors.

A cell is a queue, or a queue x channel x segment; weeks are the independent units. Formulas: specification of
readings, "service_level" and "Standard errors, one rule".
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comity.core.readings.verdict import LEAST_WEEKS, critical

Matrix = NDArray[np.float64]
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True)
class Cells:
    """One period's counts: `totals` (what is good, or sums of scores) and `counts`, both of shape (cells, weeks)."""

    totals: Matrix
    counts: Matrix

    @property
    def rate(self) -> float | None:
        """The pooled rate; None where nothing counts."""
        counted = float(self.counts.sum())
        return float(self.totals.sum()) / counted if counted > 0 else None

    @property
    def size(self) -> int:
        """The number of observations."""
        return round(float(self.counts.sum()))


@dataclass(frozen=True, slots=True)
class Decomposition:
    """The change of a rate, split over cells; standard errors are None where they cannot be formed.

    `alone` is the larger of the two shares that cells of one period only hold; `weeks` those of cells in both.
    """

    within: float
    mix: float
    queues: float
    alone: float
    weeks: tuple[int, int]
    se_headline: float | None
    se_within: float | None
    se_gap: float | None

    def z(self, alpha: float) -> float | None:
        """Student's t with W0 + W1 - 2 degrees of freedom; None with too few weeks in a period."""
        return critical(sum(self.weeks) - 1, alpha) if min(self.weeks) >= LEAST_WEEKS else None


def decompose(before: Cells, after: Cells, headline: tuple[Cells, Cells] | None = None) -> Decomposition:
    """Split the change of the rate over cells and weeks.

    :param before: the period held against; its rows are the same cells as those of `after`
    :param headline: the counts that the headline is made of, where they differ; their weeks are the same
    :returns: within = sum of w̄ Δr, mix = sum of (r̄ - R̄) Δw, both over cells in both periods, and
        queues = sum of (r - R̄) Δw over cells in one; bars are means of the two periods
    """
    periods = (before, after)
    counts = [cells.counts.sum(axis=1) for cells in periods]
    weights = [count / count.sum() for count in counts]
    rates = [
        np.divide(cells.totals.sum(axis=1), count, out=np.zeros_like(count), where=count > 0)
        for cells, count in zip(periods, counts, strict=True)
    ]
    overall = math.fsum(float(cells.totals.sum() / cells.counts.sum()) for cells in periods) / 2
    both = (counts[0] > 0) & (counts[1] > 0)
    weight, change = (weights[0] + weights[1]) / 2, weights[1] - weights[0]
    only = np.where(counts[1] > 0, rates[1], rates[0])
    squares = [
        _squared_errors(cells, own, weight, both) for cells, own in zip(periods, headline or periods, strict=True)
    ]
    return Decomposition(
        within=math.fsum((weight * (rates[1] - rates[0]))[both]),
        mix=math.fsum((((rates[0] + rates[1]) / 2 - overall) * change)[both]),
        queues=math.fsum(((only - overall) * change)[~both]),
        alone=max(float(weights[0][~both].sum()), float(weights[1][~both].sum())),
        weeks=(squares[0].weeks, squares[1].weeks),
        se_headline=_root_of_sum([one.headline for one in squares]),
        se_within=_root_of_sum([one.within for one in squares]),
        se_gap=_root_of_sum([one.gap for one in squares]),
    )


@dataclass(frozen=True, slots=True)
class _SquaredErrors:
    """One period's share of each squared error; None with fewer than two weeks in that sum."""

    weeks: int
    headline: float | None
    within: float | None
    gap: float | None


def _squared_errors(cells: Cells, headline_cells: Cells, weight: Matrix, both: NDArray[np.bool_]) -> _SquaredErrors:
    counts, totals = cells.counts, cells.totals
    rate = headline_cells.totals.sum() / headline_cells.counts.sum()
    headline = (
        _deviations(headline_cells.totals, rate * headline_cells.counts).sum(axis=0) / headline_cells.counts.sum()
    )
    of_cell = counts.sum(axis=1)[both]
    centred = _deviations(totals[both], (totals[both].sum(axis=1) / of_cell)[:, None] * counts[both])
    within = ((weight[both] / of_cell)[:, None] * centred).sum(axis=0)
    headline_weeks, shared_weeks = headline_cells.counts.sum(axis=0) > 0, counts[both].sum(axis=0) > 0
    return _SquaredErrors(
        weeks=int(shared_weeks.sum()),
        headline=_scaled_square_sum(headline, int(headline_weeks.sum())),
        within=_scaled_square_sum(within, int(shared_weeks.sum())),
        gap=_scaled_square_sum(headline - within, int((headline_weeks | shared_weeks).sum())),
    )


def _deviations(totals: Matrix, expected: Matrix) -> Matrix:
    """Return deviations from the expected totals; rounding errors become 0, so that equal weeks have an error of 0."""
    deviations = totals - expected
    return np.where(np.abs(deviations) <= _ROUNDING * np.abs(expected), 0.0, deviations)


def _scaled_square_sum(contributions: Matrix, units: int) -> float | None:
    """Return U/(U-1) times the sum of squares; None below two units."""
    return math.fsum(contributions**2) * units / (units - 1) if units > 1 else None


def _root_of_sum(squares: list[float | None]) -> float | None:
    formed = [square for square in squares if square is not None]
    return math.sqrt(math.fsum(formed)) if len(formed) == len(squares) else None
