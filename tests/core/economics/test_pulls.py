"""Pulls of prices: the perverse incentives of the standards (4.1), computed from staffings without anybody's costs."""

import numpy as np
import pytest

from comity.core.economics.prices import Costs, Price, Unit, provider_view
from comity.core.economics.pulls import MARGINS, Situation, pull
from comity.core.economics.target_cost import Demand, Rules

DAY = Demand(np.array([30.0, 55, 70, 40]), *(np.full(4, one) for one in (1800.0, 240.0, 150.0)))
TARGET, SHRINKAGE = 0.8, 0.3
MALUS = ((0.0, -0.3), (TARGET, 0.0))


@pytest.fixture(scope="module")
def situation():
    return Situation.of(DAY, Rules(within_s=20), TARGET, [0.0, TARGET])


@pytest.mark.parametrize(
    ("price", "longer", "shorter", "more"),
    [
        (Price(Unit.CONTACT, 2.0), "never", "always", "always"),  # short calls, transfers, repeats
        (Price(Unit.HANDLED_MINUTE, 0.5), "always", "never", "always"),  # long calls
        (Price(Unit.STAFFED_HOUR, 30.0), "always", "never", "always"),  # padding
        (Price(Unit.PAID_HOUR, 20.0), "always", "never", "always"),
        (Price(Unit.FTE_MONTH, 3000.0), "always", "never", "always"),  # slow handling, no automation
        (Price(Unit.FIXED, 900.0), "never", "always", "never"),  # starve
    ],
)
def test_each_unit_pulls_as_the_standards_say(situation, price, longer, shorter, more):
    price_pull = pull(situation, price, SHRINKAGE)
    for lever, expected in ((price_pull.longer, longer), (price_pull.shorter, shorter), (price_pull.more, more)):
        # "always" and "never" are said of margins between nothing and nine tenths, where anybody's lies.
        pays = [(lever.share > margin) if lever.saves else (lever.share < margin) for margin in (0.01, 0.9)]
        assert pays == ([True, True] if expected == "always" else [False, False])


def test_by_the_hour_as_many_as_can_be_and_fixed_none_at_all(situation):
    highest = np.nanmax(situation.grid.level)
    assert {level for _, level in pull(situation, Price(Unit.PAID_HOUR, 30.0), SHRINKAGE).best} == {highest}
    assert {level for _, level in pull(situation, Price(Unit.FIXED, 900.0), SHRINKAGE).best} == {0.0}


def test_a_malus_holds_the_target_for_margins_for_which_the_bare_price_lets_it_go(situation):
    bare = dict(pull(situation, Price(Unit.CONTACT, 2.0), SHRINKAGE).best)
    best_with_malus = dict(pull(situation, Price(Unit.CONTACT, 2.0, steps=MALUS), SHRINKAGE).best)
    assert bare[0.1] < TARGET - 0.1
    assert best_with_malus[0.1] == pytest.approx(TARGET, abs=0.01)
    assert best_with_malus[0.1] >= TARGET


def test_pull_is_the_choice_of_a_provider_with_that_margin(situation):
    """The pull is told without costs; with the costs that leave such a margin the provider's own view agrees."""
    price = Price(Unit.CONTACT, 2.0, steps=MALUS)
    price_pull = pull(situation, price, SHRINKAGE)
    for margin, level in price_pull.best:
        view = provider_view(situation.grid, price, Costs(per_paid_hour=(1 - margin) * price_pull.hour), SHRINKAGE)
        assert situation.grid.level[view.would_choose] == level
    assert tuple(margin for margin, _ in price_pull.best) == MARGINS


def test_a_lever_pays_exactly_where_the_margin_with_it_is_larger(situation):
    """Against the definition: revenue less hours by their cost, with and without, on either side of the share."""
    for price in (Price(Unit.CONTACT, 2.0, base=-150.0), Price(Unit.CONTACT, 1.0, bands=((150.0, 3.0),))):
        price_pull = pull(situation, price, SHRINKAGE)
        for lever, plans in ((price_pull.more, situation.more), (price_pull.longer, situation.longer)):
            gains = []
            for margin in (lever.share - 0.02, lever.share + 0.02):
                costs = Costs(per_paid_hour=(1 - margin) * price_pull.hour)
                with_it, without = (
                    provider_view(one, price, costs, SHRINKAGE).margin[0] for one in (plans, situation.target)
                )
                gains.append(with_it > without)
            assert gains == [False, True]


def test_where_the_target_cannot_be_had_or_pays_nothing_there_is_no_pull():
    unreached = Situation.of(DAY, Rules(within_s=20, most_abandon=0.0), TARGET)
    assert pull(unreached, Price(Unit.CONTACT, 2.0)) is None
    reached = Situation.of(DAY, Rules(within_s=20), TARGET)
    assert pull(reached, Price(Unit.CONTACT, 0.0)) is None
