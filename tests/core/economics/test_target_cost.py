"""What a target costs in hours: enough and no more, against trying every staffing; pooled is never dearer."""

import itertools

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from comity.core.agreements.kpi import Abandons
from comity.core.economics.erlang import queues
from comity.core.economics.staffing import Variant, agents_for
from comity.core.economics.target_cost import Demand, Plans, Rules, plan_every_interval, plan_over_period
from tests.builders.examples import examples


def demand(offered, handle_s=240.0, patience_s=150.0):
    offered = np.asarray(offered, dtype=float)
    return Demand(offered, *(np.full(offered.size, one) for one in (1800.0, handle_s, patience_s)))


DAY = demand([12, 30, 55, 70, 60, 40, 15, 3])
TARGETS = [0.5, 0.7, 0.8, 0.9, 0.95]


def test_plan_every_interval_is_the_least_that_meets_the_target():
    plans = plan_every_interval(DAY, Rules(within_s=20), TARGETS)
    for target, hours in zip(TARGETS, plans.hours, strict=True):
        assert hours == agents_for(target, DAY.offered / 1800, 240, 150, 20).sum() / 2
    assert (plans.level >= TARGETS).all()


@pytest.mark.parametrize(
    ("abandons", "variant"), [(Abandons.EXCLUDE_SHORT, Variant.V6), (Abandons.EXCLUDE_ALL, Variant.V3)]
)
def test_the_level_counts_by_the_agreed_formula(abandons, variant):
    rules = Rules(within_s=20, short_s=5, abandons=abandons, most_abandon=0.2)
    plans = plan_every_interval(DAY, rules, [0.8])
    agents = agents_for(0.8, DAY.offered / 1800, 240, 150, 20, 5, variant=variant, most_abandon=0.2)
    assert plans.hours[0] == agents.sum() / 2


def test_plan_over_period_is_the_cheapest_of_all_staffings():
    """Three intervals of up to nine agents: a thousand staffings, tried one by one."""
    small = demand([4, 9, 14], handle_s=300.0)
    tried = list(itertools.product(range(10), repeat=3))
    agents = np.array(tried, dtype=float)
    states = queues(small.offered / 1800, 300.0, 150.0, agents, 20.0)
    level = (states.v1 * small.offered).sum(1) / small.offered.sum()
    targets = [0.3, 0.5, 0.6, 0.7, 0.8, 0.9]
    plans = plan_over_period(small, Rules(within_s=20), targets)
    for target, hours, reached in zip(targets, plans.hours, plans.level, strict=True):
        best = agents.sum(1)[level >= target].min() / 2
        assert reached >= target
        assert best <= hours <= best + 0.5  # whole blocks cost at most an agent more than the best


@settings(max_examples=examples(15))
@example(offered=[68.0, 68.75, 68.75], abandons=Abandons.COUNT, least=0)  # the blocks alone cost an agent hour more
@given(
    offered=st.lists(st.floats(0, 80), min_size=1, max_size=12).filter(lambda one: sum(one) > 1),
    abandons=st.sampled_from([Abandons.COUNT, Abandons.EXCLUDE_SHORT]),
    least=st.integers(0, 3),
)
def test_pooled_is_never_dearer_and_both_reach_what_is_asked(offered, abandons, least):
    rules = Rules(within_s=20, short_s=5, abandons=abandons, least=least)
    each, pooled = (policy(demand(offered), rules, TARGETS) for policy in (plan_every_interval, plan_over_period))
    assert (pooled.level >= np.array(TARGETS) - 1e-12).all()
    assert (each.level >= np.array(TARGETS) - 1e-12).all()
    assert (pooled.hours <= each.hours + 1e-9).all()
    assert (np.diff(pooled.hours) >= 0).all()
    assert (pooled.hours >= least * len(offered) / 2).all()


def test_single_agents_mislead_where_the_curve_is_s_shaped():
    """Sixty contacts of 20 minutes: the tenth agent gains less than the thirtieth, so that blocks are added."""
    profile = demand([60, 2], handle_s=1200.0)
    level = queues(profile.offered[0] / 1800, 1200.0, 150.0, np.arange(60.0), 20.0).v1
    assert np.diff(level)[9] < np.diff(level)[29]
    plans = plan_over_period(profile, Rules(within_s=20), [0.6])
    tried = np.array(list(itertools.product(range(60), range(8))), dtype=float)
    reached = (queues(profile.offered / 1800, 1200.0, 150.0, tried, 20.0).v1 * profile.offered).sum(1) / 62
    best = tried.sum(1)[reached >= 0.6].min() / 2
    assert best <= plans.hours[0] <= best + 0.5


def test_answered_and_abandoned_contacts_add_up():
    plans = plan_over_period(DAY, Rules(within_s=20), TARGETS)
    assert plans.answered + plans.abandoned == pytest.approx(np.full(5, DAY.offered.sum()))
    assert plans.handled_h == pytest.approx(plans.answered * 240 / 3600)
    assert (plans.good <= plans.answered).all()


def test_a_target_that_another_beats_is_dominated():
    """The second takes no more hours than the first and loses fewer callers; the third costs more and gives more."""
    nothing = np.zeros(3)
    made = {"hours": [10, 10, 12], "level": [0.8, 0.8, 0.9], "abandoned": [5, 4, 2]}
    columns = {name: np.array(values, dtype=float) for name, values in made.items()}
    plans = Plans(np.array([0.7, 0.8, 0.9]), good=nothing, answered=nothing, handled_h=nothing, **columns)
    assert plans.dominated.tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("rules", "targets", "said"),
    [
        (Rules(within_s=20), [80.0], "0.8 for 80 %"),
        (Rules(within_s=20, abandons=Abandons.EXCLUDE_ALL), [0.8], "limit on abandonment"),
    ],
)
def test_invalid_targets_and_rules_are_refused(rules, targets, said):
    for policy in (plan_every_interval, plan_over_period):
        with pytest.raises(ValueError, match=said):
            policy(DAY, rules, targets)
