"""Price models for a staffing: bonus and malus, margin over a term, and what each side would choose.

Each side's private figures (cost, margin needed, value of a lost contact) go into its own function; none takes those of
both. Money is in the book's currency, as floats, since these are plans and not invoices.
"""

import itertools
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from comity.core.economics.target_cost import Plans

Floats = NDArray[np.float64]

_MINUTES = 60.0


class Unit(StrEnum):
    """Unit of a price."""

    CONTACT = "contact"  # answered
    HANDLED_MINUTE = "handled_minute"
    STAFFED_HOUR = "staffed_hour"  # on the phones
    PAID_HOUR = "paid_hour"  # breaks and absence included
    FTE_MONTH = "fte_month"
    FIXED = "fixed"  # the period as a whole


@dataclass(frozen=True, slots=True)
class Price:
    """A price, its bands and its bonus and malus.

    :ivar base: what is paid a period beside the units
    :ivar bands: (from how many units on, amount), in rising order; the amount before the first is `amount`
    :ivar steps: (from which service level on, share of the charges added or taken off), in rising order; below the
        first nothing is added or taken off
    :ivar fte_hours: paid hours of a full-time month, of the period that is planned
    """

    unit: Unit
    amount: float
    base: float = 0.0
    bands: tuple[tuple[float, float], ...] = ()
    steps: tuple[tuple[float, float], ...] = ()
    fte_hours: float = 160.0


@dataclass(frozen=True, slots=True)
class Costs:
    """The provider's private figures: cost of a paid hour, fixed cost and needed margin of a period."""

    per_paid_hour: float
    fixed: float = 0.0
    margin_needed: float = 0.0


@dataclass(frozen=True, slots=True)
class Losses:
    """The customer's private figures: loss by an abandoned contact, and by one answered late.

    :ivar least_level: the lowest acceptable service level
    """

    per_abandoned: float
    per_late: float = 0.0
    least_level: float = 0.0


@dataclass(frozen=True, slots=True)
class Term:
    """Remaining term of an agreement, in periods: a one-off cost, and factors on the hours of the first periods."""

    periods: int
    one_off: float = 0.0
    ramp: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ProviderView:
    """One entry a target; `threshold` is the amount under which the margin is below what is needed.

    `scale` is that as a multiple of the price, its base and all its bands raised or lowered alike. `over_term` is the
    margin over the term less the one-off cost; `earned_back` the first period by whose end it is not negative any
    more, 0 where it never is. `carries` where the margin is no less than what is needed.
    """

    revenue: Floats
    cost: Floats
    margin: Floats
    threshold: Floats
    scale: Floats
    over_term: Floats
    earned_back: NDArray[np.int64]
    carries: NDArray[np.bool_]

    @property
    def would_choose(self) -> int | None:
        """The index of the target with the largest margin; None where no target is reached."""
        return _first(-self.margin)


@dataclass(frozen=True, slots=True)
class CustomerView:
    """One entry a target: what is paid, what is lost, and both; `bearable` where the level is not below the least."""

    paid: Floats
    lost: Floats
    total: Floats
    bearable: NDArray[np.bool_]

    @property
    def floor(self) -> int | None:
        """The index of the target with the least total cost; None where no target is reached."""
        return _first(self.total)


def _first(values: Floats) -> int | None:
    """Return the index of the least value; None where all are NaN."""
    return None if np.isnan(values).all() else int(np.nanargmin(values))


def revenue(plans: Plans, price: Price, shrinkage: float = 0.0) -> Floats:
    """Return the revenue of each plan, bonus and malus included."""
    units = {
        Unit.CONTACT: plans.answered,
        Unit.HANDLED_MINUTE: plans.handled_h * _MINUTES,
        Unit.STAFFED_HOUR: plans.hours,
        Unit.PAID_HOUR: plans.hours / (1 - shrinkage),
        Unit.FTE_MONTH: plans.hours / (1 - shrinkage) / price.fte_hours,
        Unit.FIXED: np.where(np.isnan(plans.hours), np.nan, 1.0),
    }[price.unit]
    charges = np.full_like(units, price.base)
    edges = [(0.0, price.amount), *price.bands, (np.inf, 0.0)]
    for (start, amount), (end, _) in itertools.pairwise(edges):
        charges += np.clip(units, start, end) * amount - start * amount
    factor = np.ones_like(units)
    level = np.nan_to_num(plans.level)  # of those answered alone, where nobody is: no step is reached but one from 0
    for start, share in price.steps:
        factor = np.where(level >= start, 1 + share, factor)
    return np.asarray(charges * factor)


def provider_view(
    plans: Plans,
    price: Price,
    costs: Costs,
    shrinkage: float = 0.0,
    term: Term = Term(periods=1),
) -> ProviderView:
    """Return revenue, cost and margin of each plan, in a period and over the term."""
    paid_hours = plans.hours / (1 - shrinkage)
    earned = revenue(plans, price, shrinkage)
    cost = paid_hours * costs.per_paid_hour + costs.fixed
    scale = np.divide(cost + costs.margin_needed, earned, out=np.full_like(cost, np.nan), where=earned > 0)
    running = np.full_like(cost, -term.one_off)
    back = np.zeros(cost.size, dtype=np.int64)
    for number in range(term.periods):
        times = term.ramp[number] if number < len(term.ramp) else 1.0
        running = running + earned - (paid_hours * times * costs.per_paid_hour + costs.fixed)
        back = np.where((back == 0) & (running >= 0), number + 1, back)
        back = np.where(running < 0, 0, back)
    carries = earned - cost >= costs.margin_needed
    return ProviderView(earned, cost, earned - cost, price.amount * scale, scale, running, back, carries)


def customer_view(plans: Plans, price: Price, losses: Losses, shrinkage: float = 0.0) -> CustomerView:
    """Return the customer's cost of each plan: what it pays, and its losses by abandoned and late contacts."""
    paid = revenue(plans, price, shrinkage)
    lost = plans.abandoned * losses.per_abandoned + (plans.answered - plans.good) * losses.per_late
    bearable = np.nan_to_num(plans.level) >= losses.least_level
    return CustomerView(paid, np.asarray(lost), np.asarray(paid + lost), bearable)
