"""Answers given after a contact, by people seldom asked twice: the same cells are compared, not the same people.

A cell is a queue x channel x segment. The parts are those of the service level, a cell's mean score in the place of
its rate; weeks are the independent units (specification of readings, "satisfaction", rule (c)).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from comity.core.readings.verdict import LEAST_WEEKS, critical

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Cells:
    """One period's answers: `totals` (sums of scores) and `counts`, both of shape (cells, weeks).

    `people` who gave them, of shape (cells,).
    """

    totals: Matrix
    counts: Matrix
    people: Matrix


@dataclass(frozen=True, slots=True)
class Split:
    """The change of the mean score, split over cells; standard errors are None where they cannot be formed.

    `alone` is the larger of the two shares that cells of one period only hold, `alone_people` how many people are
    surely behind such cells, in each period; `weeks` those of cells in both.
    """

    within: float
    mix: float
    queues: float
    alone: float
    alone_people: tuple[int, int]
    weeks: tuple[int, int]
    se_headline: float | None
    se_within: float | None
    se_gap: float | None

    def z(self, alpha: float) -> float | None:
        """Student's t with W0 + W1 - 2 degrees of freedom; None with too few weeks in a period."""
        return critical(sum(self.weeks) - 1, alpha) if min(self.weeks) >= LEAST_WEEKS else None


def split(before: Cells, after: Cells) -> Split:
    """Split the change of the mean over cells and weeks.

    :param before: the period held against; its rows are the same cells as those of `after`
    :returns: within = sum of w̄ Δr, mix = sum of (r̄ - R̄) Δw, both over cells in both periods, and
        queues = sum of (r - R̄) Δw over cells in one; bars are means of the two periods
    """
    periods = (before, after)
    counts = [cells.counts.sum(axis=1) for cells in periods]
    weights = [count / count.sum() for count in counts]
    means = [
        np.divide(cells.totals.sum(axis=1), count, out=np.zeros_like(count), where=count > 0)
        for cells, count in zip(periods, counts, strict=True)
    ]
    overall = math.fsum(float(cells.totals.sum() / cells.counts.sum()) for cells in periods) / 2
    both = (counts[0] > 0) & (counts[1] > 0)
    weight, change = (weights[0] + weights[1]) / 2, weights[1] - weights[0]
    only = np.where(counts[1] > 0, means[1], means[0])
    squares = [_squares(cells, weight, both) for cells in periods]
    return Split(
        within=math.fsum((weight * (means[1] - means[0]))[both]),
        mix=math.fsum((((means[0] + means[1]) / 2 - overall) * change)[both]),
        queues=math.fsum(((only - overall) * change)[~both]),
        alone=max(float(weights[0][~both].sum()), float(weights[1][~both].sum())),
        # Somebody may have answered in several cells: those of the largest are surely different people.
        alone_people=(_most(before.people[~both]), _most(after.people[~both])),
        weeks=(squares[0].weeks, squares[1].weeks),
        se_headline=_root([one.headline for one in squares]),
        se_within=_root([one.within for one in squares]),
        se_gap=_root([one.gap for one in squares]),
    )


def _most(people: Matrix) -> int:
    return int(people.max(initial=0.0))


@dataclass(frozen=True, slots=True)
class _Squares:
    """One period's share of each squared error; None with fewer than two weeks in that sum."""

    weeks: int
    headline: float | None
    within: float | None
    gap: float | None


def _squares(cells: Cells, weight: Matrix, both: NDArray[np.bool_]) -> _Squares:
    counts, totals = cells.counts, cells.totals
    mean = totals.sum() / counts.sum()
    headline = (totals - mean * counts).sum(axis=0) / counts.sum()
    of_cell = counts.sum(axis=1)[both]
    centred = totals[both] - (totals[both].sum(axis=1) / of_cell)[:, None] * counts[both]
    within = ((weight[both] / of_cell)[:, None] * centred).sum(axis=0)
    told, shared = counts.sum(axis=0) > 0, counts[both].sum(axis=0) > 0
    return _Squares(
        weeks=int(shared.sum()),
        headline=_scaled(headline, int(told.sum())),
        within=_scaled(within, int(shared.sum())),
        gap=_scaled(headline - within, int(told.sum())),
    )


def _scaled(contributions: Matrix, units: int) -> float | None:
    """U/(U-1) times the sum of squares."""
    return math.fsum(contributions**2) * units / (units - 1) if units > 1 else None


def _root(squares: list[float | None]) -> float | None:
    known = [square for square in squares if square is not None]
    return math.sqrt(math.fsum(known)) if len(known) == len(squares) else None
