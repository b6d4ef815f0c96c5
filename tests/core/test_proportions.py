"""Intervals of counted shares, beside those of statsmodels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.proportions import Proportion, jeffreys


@given(st.integers(1, 500), st.data())
def test_jeffreys_is_that_of_statsmodels_but_at_the_edges(of, data):
    from statsmodels.stats.proportion import proportion_confint

    hits = data.draw(st.integers(0, of))
    low, high = proportion_confint(hits, of, method="jeffreys")
    assert jeffreys(hits, of) == pytest.approx((0 if hits == 0 else low, 1 if hits == of else high), abs=1e-9)


def test_a_share_of_nothing_has_no_interval():
    assert (Proportion(0, 0).share, Proportion(0, 0).interval) == (None, None)
    assert (Proportion(3, 4).share, Proportion(3, 4).interval) == (0.75, jeffreys(3, 4))
