"""Who pays what: the worked examples of the standards, and what each price pulls towards."""

import numpy as np
import pytest

from comity.core.economics.prices import (
    Costs,
    Losses,
    Price,
    Term,
    Unit,
    customer_view,
    provider_view,
    revenue,
)
from comity.core.economics.target_cost import Demand, Plans, Rules, plan_over_period


def plan(**columns):
    """One plan: 100 hours on the phones, 1,000 offered, 950 answered, 800 in time, 60 hours of handling."""
    values = {
        "targets": 0.8,
        "hours": 100,
        "level": 0.8,
        "good": 800,
        "answered": 950,
        "abandoned": 50,
        "handled_h": 60,
    }
    return Plans(**{name: np.array([float(value)]) for name, value in (values | columns).items()})


@pytest.mark.parametrize(
    ("price", "paid"),
    [
        (Price(Unit.CONTACT, 4.0), 3800),
        (Price(Unit.HANDLED_MINUTE, 0.5), 1800),
        (Price(Unit.STAFFED_HOUR, 30.0), 3000),
        (Price(Unit.FTE_MONTH, 3200.0, fte_hours=160), 100 / 0.8 / 160 * 3200),
        (Price(Unit.FIXED, 5000.0), 5000),
        (Price(Unit.CONTACT, 4.0, bands=((500, 3.0), (900, 2.0))), 500 * 4 + 400 * 3 + 50 * 2),
        (Price(Unit.CONTACT, 4.0, steps=((0.0, -0.1), (0.8, 0.0), (0.9, 0.05))), 3800),
        (Price(Unit.CONTACT, 4.0, steps=((0.0, -0.1), (0.81, 0.0))), 3420),
    ],
)
def test_revenue_by_price_unit(price, paid):
    assert revenue(plan(), price, shrinkage=0.2)[0] == pytest.approx(paid)


@pytest.mark.parametrize(("shrinkage", "needed"), [(0.30, 14.2857), (0.15, 11.7647)])
def test_hours_are_divided_by_what_shrinkage_leaves(shrinkage, needed):
    """10 / (1 - .30) = 14.2857, and not 10 x 1.30 (kpi_reference, shrinkage)."""
    view = provider_view(plan(hours=10), Price(Unit.FIXED, 0.0), Costs(per_paid_hour=1.0), shrinkage)
    assert view.cost[0] == pytest.approx(needed, abs=5e-5)


def test_at_the_threshold_the_margin_is_what_is_needed():
    costs = Costs(per_paid_hour=20, fixed=300, margin_needed=200)
    view = provider_view(plan(), Price(Unit.CONTACT, 4.0), costs, shrinkage=0.2)
    assert (view.revenue[0], view.cost[0], view.margin[0]) == (3800, 2800, 1000)
    at = provider_view(plan(), Price(Unit.CONTACT, float(view.threshold[0])), costs, shrinkage=0.2)
    assert at.margin[0] == pytest.approx(200)


def test_over_the_term_a_ramp_and_a_one_off_are_earned_back():
    """1,000 a period; the first two take 1.4 and 1.2 times the hours (2,500): 0 and 500; 1,200 once.

    -1,200, then -1,200, -700, +300.
    """
    costs, term = Costs(per_paid_hour=20, fixed=300), Term(periods=4, one_off=1200, ramp=(1.4, 1.2))
    view = provider_view(plan(), Price(Unit.CONTACT, 4.0), costs, 0.2, term)
    assert (view.over_term[0], view.earned_back[0]) == (pytest.approx(1300), 3)
    never = provider_view(plan(), Price(Unit.CONTACT, 2.0), costs, 0.2, term)
    assert never.earned_back[0] == 0


def test_customer_view_adds_paid_and_lost():
    view = customer_view(plan(), Price(Unit.STAFFED_HOUR, 30.0), Losses(per_abandoned=5, per_late=2))
    assert (view.paid[0], view.lost[0], view.total[0]) == (3000, 50 * 5 + 150 * 2, 3550)


DAY = Demand(np.array([30.0, 55, 70, 40]), *(np.full(4, one) for one in (1800.0, 240.0, 150.0)))
TARGETS = np.linspace(0.3, 0.97, 40)


def chosen(price):
    """The level that pays best, for whoever pays 20 a paid hour; and the lowest and the highest that could be had."""
    plans = plan_over_period(DAY, Rules(within_s=20), TARGETS)
    best = provider_view(plans, price, Costs(per_paid_hour=20)).would_choose
    return plans.level[best], plans.level.min(), plans.level.max()


def test_each_price_pulls_its_own_way():
    """Standards, 4.1: by the hour, pad; fixed, starve; by the contact, answer what pays; a malus holds the level."""
    level, low, high = chosen(Price(Unit.STAFFED_HOUR, 30.0))
    assert level == high
    assert chosen(Price(Unit.FIXED, 1000.0))[0] == low
    by_contact = chosen(Price(Unit.CONTACT, 2.0))[0]
    assert low <= by_contact < 0.8
    held = chosen(Price(Unit.CONTACT, 2.0, steps=((0.0, -0.3), (0.8, 0.0))))[0]
    assert 0.8 <= held < 0.82


def test_the_customers_floor_is_where_service_costs_least_in_all():
    plans = plan_over_period(DAY, Rules(within_s=20), TARGETS)
    floors = [
        TARGETS[customer_view(plans, Price(Unit.STAFFED_HOUR, 30.0), Losses(worth)).floor]
        for worth in (0.0, 10.0, 200.0)
    ]
    assert floors[0] == TARGETS[0]
    assert floors == sorted(floors)
    assert floors[2] > floors[0]
