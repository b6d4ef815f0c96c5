"""True revenue before chance, and its change by volume, price, inflation and calendar."""

from dataclasses import dataclass

import numpy as np

from comity.core.readings.verdict import Part
from comity.core.service_days import days_of
from comity.core.values import Period
from comity.simulate.demand import day_weights
from comity.simulate.money import BY_DAY, CREDIT, plan_purchases
from comity.simulate.partnership import Partnership


@dataclass(frozen=True, slots=True)
class TrueRevenue:
    """Revenue of two periods, and what changed in volume and in who buys."""

    before: float
    after: float
    like_for_like: float
    parts: tuple[Part, ...]


def change(partnership: Partnership, reference: Period, period: Period) -> TrueRevenue:
    """Apply the reading's formula to quantities before chance, and to the work that the days bring before it."""
    plan = plan_purchases(partnership)
    months = np.array(partnership.months, "datetime64[D]")
    quantity, amount, level, adjusted = [], [], [], []
    for quarter in (reference, period):
        at = (months >= np.datetime64(quarter.start)) & (months < np.datetime64(quarter.end))
        money = plan.quantity[at] * plan.price[at][:, None, :]
        quantity.append(plan.quantity[at].sum(axis=0))
        amount.append(money.sum(axis=0))
        level.append(float(plan.index[at].mean()))
        adjusted.append(float((money.sum(axis=(1, 2)) * (CREDIT + plan.malus[at])).sum()))
    growth = level[1] / level[0] - 1
    work = [float(day_weights(np.array(days_of(one), "datetime64[D]")).sum()) for one in (reference, period)]
    scale = np.where(BY_DAY, work[0] / work[1], 1.0)
    q0, q1 = quantity[0], quantity[1] * scale
    money1 = amount[1] * scale
    calendar = float((amount[1] - money1).sum())
    here0, here1 = q0 > 0, q1 > 0
    p0 = np.divide(amount[0], q0, out=np.zeros_like(q0), where=here0)
    p1 = np.divide(money1, q1, out=np.zeros_like(q1), where=here1)
    p0, p1 = np.where(here0, p0, p1 / (1 + growth)), np.where(here1, p1, p0 * (1 + growth))
    more = (q1 - q0) * (p0 + p1) / 2
    inflation = float((growth * p0 * (q0 + q1) / 2).sum())
    price = float(((p1 - p0) * (q0 + q1) / 2).sum()) - inflation
    new_account, gone_account = ~here0.any(axis=1), ~here1.any(axis=1)
    arrival, departure = float(more[new_account].sum()), float(more[gone_account].sum())
    volume = float(more.sum()) - arrival - departure
    parts = (
        Part("volume", volume, like_for_like=True),
        Part("expansion", 0.0, like_for_like=True),
        Part("contraction", 0.0, like_for_like=True),
        Part("arrival", arrival, like_for_like=True),
        Part("return", 0.0, like_for_like=True),
        Part("departure", departure, like_for_like=True),
        Part("inflation", inflation),
        Part("price", price),
        Part("calendar", calendar),
        Part("adjustments", adjusted[0] - adjusted[1]),
    )
    before, after = (float(money.sum()) - off for money, off in zip(amount, adjusted, strict=True))
    return TrueRevenue(before, after, volume + arrival + departure, parts)
