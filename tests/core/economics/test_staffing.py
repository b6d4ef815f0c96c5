"""The least number of agents: enough, one less is not, and as the tables have it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.economics.erlang import queues
from comity.core.economics.staffing import Variant, agents_for

HALF_HOUR = 1800


@pytest.mark.parametrize(
    ("offered", "handle_s", "patience_s", "agents"),
    [
        (250, 210, np.inf, 34),  # standards, 3.1: least n for 80 % within 20 s, Erlang C
        (100, 180, np.inf, 14),
        (250, 210, 180, 32),  # standards, 3.2: the plan of the worked attribution
    ],
)
def test_eighty_percent_within_twenty_seconds(offered, handle_s, patience_s, agents):
    assert agents_for(0.8, offered / HALF_HOUR, handle_s, patience_s, 20) == agents


@given(
    variant=st.sampled_from(Variant),
    target=st.floats(0.05, 0.99),
    rate=st.floats(1e-4, 3),
    handle_s=st.floats(10, 2000),
    patience_s=st.floats(5, 1e5),
    within_s=st.floats(1, 300),
)
def test_agents_for_is_enough_and_one_less_is_not(variant, target, rate, handle_s, patience_s, within_s):
    short_s = within_s / 4
    (agents,) = agents_for([target], rate, handle_s, patience_s, within_s, short_s, variant=variant)

    def level(number):
        return variant.of(queues(rate, handle_s, patience_s, number, within_s, short_s))

    assert level(agents) >= target
    assert agents == 0 or not level(agents - 1) >= target  # with nobody there, V3 is not a number


def test_a_level_of_those_answered_alone_is_met_by_letting_the_others_give_up():
    """60 callers a minute who give up after 10 s: one agent answers few, but those soon."""
    asked = {"rate": 1, "handle_s": 300, "patience_s": 10, "within_s": 60, "variant": Variant.V3}
    alone, held = agents_for(0.8, **asked), agents_for(0.8, **asked, most_abandon=0.05)
    assert alone == 1
    assert queues(1, 300, 10, held, 60).p_abandon <= 0.05 < queues(1, 300, 10, held - 1, 60).p_abandon


def test_agents_for_is_0_without_calls_and_nan_where_unreachable():
    assert list(agents_for(0.8, [0.0, 0.1], 300, 60, 20)) == [0, agents_for(0.8, 0.1, 300, 60, 20)]
    assert np.isnan(agents_for(0.8, 1e6, 300, 60, 20))


@pytest.mark.parametrize("target", [1.0, 80.0, -0.1])
def test_a_target_is_a_share_below_one(target):
    with pytest.raises(ValueError, match="from 0 to below 1"):
        agents_for(target, 0.1, 300, 60, 20)
