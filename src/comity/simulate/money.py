"""Simulated purchases, invoiced quantities, the provider's costs, and the agreed price index."""

from dataclasses import dataclass

import numpy as np

from comity.simulate.demand import day_weights
from comity.simulate.partnership import Partnership, month_index
from comity.simulate.waiting_times import Floats

PAYERS = 80
_ARRIVED = 8  # payers who may come during the book
SERVICES = ("answered contacts", "back office hours", "dedicated team", "platform")
UNITS = ("contact", "hour", "fte_month", "fixed")
BY_DAY = np.array([True, True, False, False])  # bought by the day: a month with more work holds more
_PRICE = np.array([3.20, 31.50, 4150.0, 900.0])
_SPLIT = np.array([0.30, 0.35, 0.28, 0.07])  # of the amount
_PER_CONTACT = 6.0  # amount a month for each contact of a day, about
_SPREAD = 0.010  # of a payer's quantity from month to month
_INVOICES, _COSTS = 20, 21  # streams of chance
MALUS_FROM, MALUS, CREDIT = 0.05, 0.015, 0.003


@dataclass(frozen=True, slots=True)
class Purchases:
    """Planned purchases, before chance: [months, payers, services] quantity; [months, services] price; the index.

    `malus`: share of a month's amount that is taken off for missing the target.
    """

    quantity: Floats
    price: Floats
    index: Floats
    malus: Floats


def plan_purchases(partnership: Partnership) -> Purchases:
    """Return the story's quantities, prices and index month by month."""
    months = partnership.months
    money = [partnership.conditions(quarter).money for quarter in partnership.quarters]
    service = [partnership.conditions(quarter).service for quarter in partnership.quarters]
    quarter_of = partnership.quarter_of(np.array(months, "datetime64[D]"))
    at = month_index(months, partnership.days)
    days = np.bincount(at, day_weights(partnership.days), minlength=len(months))
    weight = 1 / (np.arange(PAYERS) + 6.0)
    base = partnership.contacts_per_day * 30.4 * _PER_CONTACT / 2 * _SPLIT / _PRICE
    stay = weight[: PAYERS - _ARRIVED] / weight[: PAYERS - _ARRIVED].sum()
    quantity = np.zeros((len(months), PAYERS, len(SERVICES)))
    for month, quarter in enumerate(quarter_of):
        long = np.where(BY_DAY, days[month] / 30.4, 1.0)
        quantity[month, : PAYERS - _ARRIVED] = money[quarter].quantity * stay[:, None] * base * long
        quantity[month, PAYERS - _ARRIVED :] = money[quarter].arrivals / _ARRIVED * base * long
    price = np.array([money[quarter].price for quarter in quarter_of])[:, None] * _PRICE
    index = 100 * np.array([money[quarter].index for quarter in quarter_of])
    missed = np.array([service[quarter].short_of_plan > MALUS_FROM for quarter in quarter_of])
    return Purchases(quantity, price, index, np.where(missed, MALUS, 0.0))


def invoiced_quantities(partnership: Partnership, plan: Purchases) -> Floats:
    """Draw the invoiced quantities around the planned ones, to three decimals; fixed lines are as planned."""
    spread = partnership.rng(_INVOICES).normal(1, _SPREAD, plan.quantity.shape)
    return np.asarray(np.round(np.where(BY_DAY, plan.quantity * spread, plan.quantity), 3), dtype=np.float64)


DRIVERS = ("agent hours", "team leaders", "trainers", "premises", "software")
_VARIABLE = (True, False, False, False, True)


def provider_costs(partnership: Partnership, plan: Purchases) -> tuple[Floats, Floats]:
    """Draw the provider's own costs.

    :returns: [months, drivers] quantity, and unit cost
    """
    rng = partnership.rng(_COSTS)
    amount = (plan.quantity.sum(axis=1) * plan.price).sum(axis=1)
    hours = 0.62 * amount / 21.0
    quantity = np.stack(
        [hours, np.ceil(hours / 1800), np.ceil(hours / 5200), np.ones_like(hours), np.ceil(hours / 130)], axis=1
    )
    unit = np.array([21.0, 3900.0, 3600.0, 0.06 * float(amount.mean()), 85.0])
    wages = plan.index[:, None] / 100
    return quantity * rng.normal(1, 0.004, quantity.shape), np.round(unit * wages, 2)


def cost_behaviour(driver: int) -> str:
    """Return whether a cost driver is `variable` or `fixed`."""
    return "variable" if _VARIABLE[driver] else "fixed"
