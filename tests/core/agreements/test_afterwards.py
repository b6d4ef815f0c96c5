"""Expected against what came: a baseline with its interval, and three periods after."""

from datetime import date
from math import sqrt

import numpy as np
import pytest

from comity.core.agreements.afterwards import Came, baseline_of, outcome, whole_months_after
from comity.core.values import Period

BEFORE = [0.78, 0.81, 0.79, 0.80, 0.82, 0.78, 0.80, 0.81, 0.79, 0.80, 0.80, 0.82]


def test_the_baseline_is_the_mean_of_the_last_twelve_with_its_t_interval():
    """Against scipy's own interval of a mean."""
    from scipy import stats

    found = baseline_of([0.1, 0.2, *BEFORE])
    low, high = stats.t.interval(0.95, 11, np.mean(BEFORE), stats.sem(BEFORE))
    assert found.count == 12
    assert (found.mean, found.low, found.high) == pytest.approx((np.mean(BEFORE), low, high))
    assert baseline_of([]) is None
    assert baseline_of([0.8, 0.9]).low is None


@pytest.mark.parametrize(
    ("after", "rises", "size", "came"),
    [
        ([0.86, 0.85, 0.87], True, 0.05, Came.MET),
        ([0.86, 0.85, 0.87], True, 0.10, Came.PARTLY),
        ([0.86, 0.85, 0.87], True, None, Came.MET),
        ([0.86, 0.85, 0.87], False, None, Came.NOT),
        ([0.80, 0.81, 0.81], True, None, Came.NOT),  # within what chance brings
        ([0.74, 0.73, 0.75], False, 0.05, Came.MET),
        ([0.86, 0.85], True, None, Came.NOT_YET),
        ([0.86, 0.85, 0.87, 0.10], True, 0.05, Came.MET),  # the first three
    ],
)
def test_what_came_is_met_partly_or_not(after, rises, size, came):
    assert outcome(baseline_of(BEFORE), after, rises=rises, size=size).came is came


def test_the_interval_of_the_difference_covers_a_change_of_nothing_in_95_of_100():
    """Simulated: twelve and three periods of the same normal distribution; 8,000 draws, seed fixed."""
    draw, misses = np.random.default_rng(16), 0
    for _ in range(8000):
        values = draw.normal(0.8, 0.02, 15)
        found = outcome(baseline_of(values[:12]), list(values[12:]), rises=True, size=None)
        misses += not found.low <= 0 <= found.high
    assert misses / 8000 == pytest.approx(0.05, abs=4 * sqrt(0.05 * 0.95 / 8000))


def test_with_two_periods_before_nothing_is_told():
    found = outcome(baseline_of([0.7, 0.9]), [0.9, 0.9, 0.9], rises=True, size=None)
    assert (found.came, found.low) == (Came.CANNOT_TELL, None)
    assert found.difference == pytest.approx(0.1)
    assert outcome(None, [0.9, 0.9, 0.9], rises=True, size=None).came is Came.CANNOT_TELL


@pytest.mark.parametrize(
    ("first_day", "starts_on", "first"),
    [
        (date(2026, 9, 1), 1, Period(date(2026, 9, 1), date(2026, 10, 1))),
        (date(2026, 9, 2), 1, Period(date(2026, 10, 1), date(2026, 11, 1))),
        (date(2026, 9, 2), 22, Period(date(2026, 9, 22), date(2026, 10, 22))),
    ],
)
def test_whole_months_begin_on_the_first_day_or_after_it(first_day, starts_on, first):
    found = whole_months_after(first_day, starts_on)
    assert found[0] == first
    assert len(found) == 3
    assert found[1].start == found[0].end
