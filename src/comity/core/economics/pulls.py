"""Incentives of a price (its pull): what a rational provider would do under it, for any cost of an hour.

Every price unit has a perverse incentive (`standards` 4.1): by the hour, hours are padded; by the minute, contacts grow
long; by the contact, they are cut short, and come again. What pays depends on the cost of an hour, which is private to
the provider. So results are given by the *margin at the agreed target*: 1 - cost of an hour over revenue of an hour
there. Nothing private goes in, and nothing private comes out.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comity.core.economics.prices import Price, revenue
from comity.core.economics.target_cost import Demand, Plans, Rules, plan_over_period

Floats = NDArray[np.float64]

MARGINS = (0.1, 0.3, 0.5)
_STEP = 0.1  # by how much a lever is moved
_GRID = np.linspace(0.0, 0.99, 100)
_ROUNDING = 1e-9  # of a margin: what arithmetic leaves


@dataclass(frozen=True, slots=True)
class Lever:
    """Effect of moving handle times or contacts by a tenth, at the same target.

    It pays those whose margin at the target is `above` a share; with `saves`, which is so where fewer hours are taken,
    those whose margin is below it. At 0 and below, or 1 and above, that is everybody who earns, or nobody.
    """

    revenue: float
    paid_hours: float
    share: float
    saves: bool

    @property
    def always(self) -> bool:
        """Whether it pays everybody with a margin between nothing and all."""
        return self.share >= 1 - _ROUNDING if self.saves else self.share <= _ROUNDING

    @property
    def never(self) -> bool:
        """Whether it pays nobody with such a margin."""
        return self.share <= _ROUNDING if self.saves else self.share >= 1 - _ROUNDING


@dataclass(frozen=True, slots=True)
class Pull:
    """One price's pull: the level that pays best by margin at the target, and what three levers bring.

    `hour` is what the price brings a paid hour at the target. `longer` and `shorter` contacts, by a tenth of their
    handle time; `more` contacts by a tenth, such as those that come again.
    """

    hour: float
    best: tuple[tuple[float, float], ...]
    longer: Lever
    shorter: Lever
    more: Lever


@dataclass(frozen=True, slots=True)
class Situation:
    """The staffing that pulls are read from: levels on a grid, the target, and the target with each lever moved."""

    grid: Plans
    target: Plans
    longer: Plans
    shorter: Plans
    more: Plans

    @classmethod
    def of(cls, demand: Demand, rules: Rules, target: float, levels: Sequence[float] = ()) -> "Situation":
        """Plan all of them over the period, as a provider would to its own advantage.

        :param levels: that are tried beside those of the grid, such as the edges of a malus
        """
        tried = np.unique(np.concatenate([_GRID, [target], [one for one in levels if 0 <= one < 1]]))
        more, less = 1 + _STEP, 1 - _STEP
        longer, shorter, more_contacts = (
            plan_over_period(moved, rules, [target])
            for moved in (
                replace(demand, handle_s=demand.handle_s * more),
                replace(demand, handle_s=demand.handle_s * less),
                replace(demand, offered=demand.offered * more),
            )
        )
        planned = plan_over_period(demand, rules, tried.tolist())
        return cls(planned, planned.only(int(np.searchsorted(tried, target))), longer, shorter, more_contacts)


def pull(situation: Situation, price: Price, shrinkage: float = 0.0) -> Pull | None:
    """Compute the pull of a price; None where the target is not reached, or pays nothing.

    :param price: its steps' edges should be among the levels that the situation was planned with
    """
    paid, hours = float(revenue(situation.target, price, shrinkage)[0]), float(situation.target.hours[0])
    if not (hours > 0 and paid > 0):  # NaN, too
        return None
    paid_hours = hours / (1 - shrinkage)
    hour = paid / paid_hours
    earned, paid_hours_of_grid = revenue(situation.grid, price, shrinkage), situation.grid.hours / (1 - shrinkage)
    levels = np.nan_to_num(situation.grid.level)
    best = tuple(
        (margin, float(levels[np.nanargmax(earned - (1 - margin) * hour * paid_hours_of_grid)])) for margin in MARGINS
    )
    moved = (situation.longer, situation.shorter, situation.more)
    return Pull(hour, best, *(_lever(one, price, shrinkage, paid, paid_hours) for one in moved))


def _lever(moved: Plans, price: Price, shrinkage: float, paid: float, paid_hours: float) -> Lever:
    """Compute a lever: it pays where extra revenue exceeds the cost of extra hours, (1 - margin) x revenue an hour."""
    extra_revenue = float(revenue(moved, price, shrinkage)[0]) - paid
    extra_hours = float(moved.hours[0]) / (1 - shrinkage) - paid_hours
    if extra_hours == 0:
        return Lever(extra_revenue, extra_hours, -np.inf if extra_revenue > 0 else np.inf, saves=False)
    return Lever(extra_revenue, extra_hours, 1 - extra_revenue / extra_hours * paid_hours / paid, saves=extra_hours < 0)
