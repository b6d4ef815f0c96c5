"""Control limits, against a published XmR chart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.control_limits import natural_limits, scatter

# NIST/SEMATECH e-Handbook of Statistical Methods, 6.3.2.2 "Individuals control charts": ten batches.
BATCHES = [49.6, 47.6, 49.9, 51.3, 47.8, 51.2, 52.6, 52.4, 53.6, 52.1]


def test_limits_are_those_of_the_published_chart():
    limits = natural_limits(BATCHES)
    assert limits.centre == pytest.approx(50.81)
    assert limits.moving_range == pytest.approx(1.8778, abs=5e-5)
    # The handbook prints 55.8041 and 45.8159, with 3 / 1.128 = 2.6596 where we take the published 2.66.
    assert limits.upper == pytest.approx(55.8041, abs=1e-3)
    assert limits.lower == pytest.approx(45.8159, abs=1e-3)


def test_a_value_is_held_against_the_earlier_ones_only():
    """A jump that joined the ten would widen their limits until it lay within them."""
    jump = 57.0
    assert jump not in natural_limits(BATCHES)
    assert natural_limits([*BATCHES, jump]).upper > natural_limits(BATCHES).upper


def test_one_value_has_no_limits():
    with pytest.raises(ValueError, match="at least 2 earlier values, but there are 1"):
        natural_limits([0.8])


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=50), st.floats(-1e3, 1e3), st.floats(0.01, 100))
def test_limits_move_and_stretch_with_the_values(values, shift, stretch):
    limits = natural_limits(values)
    moved = natural_limits([shift + stretch * value for value in values])
    assert moved.centre == pytest.approx(shift + stretch * limits.centre, rel=1e-6, abs=1e-3)
    assert moved.upper - moved.lower == pytest.approx(stretch * (limits.upper - limits.lower), rel=1e-6, abs=1e-3)


def test_scatter_of_equal_counts_is_the_xmr_chart():
    """Levels .9, .5, .9 and .5 of ten each: ranges of .4, 3 / 1.128 * .4 = 1.0638 either way, cut at 0 and 1.

    Of a hundred each the same levels are as far apart; of a thousand the next one is held as narrowly as chance allows.
    """
    scattered = scatter([9, 5, 9, 5], [10] * 4)
    chance = (0.7 * 0.3 / 10) ** 0.5
    assert scattered.mean == pytest.approx(0.7)
    assert scattered.wider == pytest.approx(0.4 / chance / 1.128)
    assert scattered.limits(10) == (0.0, 1.0)
    assert scattered.limits(1000) == pytest.approx(
        (0.7 - 0.106383, 0.7 + 0.106383), abs=1e-5
    )  # a tenth, 1000 being 100 * 10
    levels = natural_limits([0.72, 0.68, 0.72, 0.68])
    near = scatter([720, 680, 720, 680], [1000] * 4).limits(1000)
    assert near == pytest.approx((levels.lower, levels.upper), abs=1e-4)


def test_scatter_of_equal_shares_is_1_and_skips_counts_of_0():
    scattered = scatter([8, 0, 16, 8], [10, 0, 20, 10])
    assert (scattered.mean, scattered.wider) == (pytest.approx(0.8), 1.0)
    assert scattered.limits(100) == pytest.approx((0.68, 0.92))  # 3 * sqrt(.8 * .2 / 100) = .12
    assert scattered.limits(0) == (0.0, 1.0)
