"""What a target costs on a book's forecast: hours by two policies, what prices make of them, and where they pull.

One side's own figures come into its own answer alone: they are read for a viewer of that side, and there is no place
for both sides' at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

import numpy as np
from ibis import _

from comity.book.prices import Own, PriceList, ProvidersOwn
from comity.book.reading.open import Book
from comity.book.statistics.attribution import FORECASTS, forecast
from comity.core.agreements.kpi import Kpi
from comity.core.economics.prices import CustomerView, Price, ProviderView, Term, customer_view, provider_view, revenue
from comity.core.economics.pulls import Pull, Situation, pull
from comity.core.economics.target_cost import Demand, Floats, Plans, Rules, plan_every_interval, plan_over_period
from comity.core.values import Side
from comity.review.attribution import NoAttributionError, requested_period, service_level_kpi

NO_PRICES = PriceList({})


class Policy(StrEnum):
    """How a target is met."""

    EVERY_INTERVAL = "every_interval"
    PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What is assumed beside the forecast: patience (None: as agreed), time away, least agents, who may give up."""

    patience_s: float | None = None
    shrinkage: float = 0.0
    least: int = 0
    most_abandon: float = 1.0


@dataclass(frozen=True, slots=True)
class PricedTargets:
    """One price, by policy: what is paid, and what the viewer's own figures make of it.

    `pull` is None where the target agreed is not reached, or pays nothing. `best_level` is the level at which the
    viewer itself does best, at any level that could be planned; None without figures of its own.
    """

    name: str
    price: Price
    paid: Mapping[Policy, Floats]
    pull: Pull | None
    own: Mapping[Policy, ProviderView | CustomerView]
    best_level: float | None


@dataclass(frozen=True, slots=True)
class TargetCost:
    """What targets cost, as one viewer may see it; `viewer_side` is the side whose own figures are in it."""

    kpi: Kpi
    name: str
    currency: str
    viewer_side: Side | None
    contacts: float
    shrinkage: float
    periods: int
    policies: Mapping[Policy, Plans]
    prices: tuple[PricedTargets, ...] = field(default=())

    @property
    def targets(self) -> Floats:
        """The targets asked for."""
        return self.policies[Policy.PERIOD].targets


def build_target_cost(  # noqa: PLR0913 - what is asked, and of what
    book: Book,
    kpi_id: str,
    *,
    period: str | None,
    now: datetime,
    targets: Sequence[float],
    assumed: Assumptions,
    price_list: PriceList = NO_PRICES,
    own: Own | None = None,
) -> TargetCost:
    """What each target costs on the forecast of a period, as the book's viewer may see it.

    :param own: figures of the viewer's own side
    :raises NoAttributionError: where there is no forecast with handle times, or no patience
    :raises ValueError: for targets that are no shares; for figures of another side than the viewer's
    """
    if own is not None and not book.viewer.opens(own.side):
        raise ValueError(f"these figures are the {own.side}'s own")
    today = now.astimezone(ZoneInfo(book.definition.timezone)).date()
    calendar, asked = requested_period(book, period, today)
    kpi = service_level_kpi(book, kpi_id, asked)
    patience = assumed.patience_s or kpi.patience_s
    if patience is None:
        raise NoAttributionError(f"no patience is agreed for {kpi_id}; say it with --patience-s, or agree patience_s")
    if not book.has(FORECASTS):
        raise NoAttributionError("the book holds no forecasts; ask the customer for them, who usually holds them")
    rows = forecast(book, kpi, asked).filter(_.forecast > 0, _.aht > 0).to_pyarrow()
    if rows.num_rows == 0:
        raise NoAttributionError(f"no forecast with a handle time tells of {calendar.name(asked)}")
    offered, minutes, aht = (
        np.asarray(rows.column(name).cast("float64").to_numpy(zero_copy_only=False), dtype=np.float64)
        for name in ("forecast", "minutes", "aht")
    )
    demand = Demand(offered, minutes * 60.0, aht, np.full_like(offered, patience))
    rules = Rules(kpi.answer_within_s, kpi.short_abandon_s or 0.0, kpi.abandons, assumed.least, assumed.most_abandon)
    policies = {
        Policy.EVERY_INTERVAL: plan_every_interval(demand, rules, targets),
        Policy.PERIOD: plan_over_period(demand, rules, targets),
    }
    return TargetCost(
        kpi,
        calendar.name(asked),
        book.definition.currency,
        None if own is None else own.side,
        float(offered.sum()),
        assumed.shrinkage,
        price_list.periods,
        policies,
        _priced(demand, rules, kpi, assumed.shrinkage, policies, price_list, own),
    )


def _priced(  # noqa: PLR0913 - what is priced, and by what
    demand: Demand,
    rules: Rules,
    kpi: Kpi,
    shrinkage: float,
    policies: Mapping[Policy, Plans],
    price_list: PriceList,
    own: Own | None,
) -> tuple[PricedTargets, ...]:
    if not price_list.prices:
        return ()
    edges = [start for price in price_list.prices.values() for start, _ in price.steps]
    # A service level without a target has none that a price could hold; `service_level_kpi` has refused it.
    situation = Situation.of(demand, rules, kpi.target or 0.0, edges)
    return tuple(
        PricedTargets(
            name,
            price,
            {policy: revenue(plans, price, shrinkage) for policy, plans in policies.items()},
            pull(situation, price, shrinkage),
            {policy: _view(plans, price, shrinkage, price_list.periods, own) for policy, plans in policies.items()}
            if own is not None
            else {},
            None if own is None else _best(situation.grid, price, shrinkage, price_list.periods, own),
        )
        for name, price in price_list.prices.items()
    )


def _view(plans: Plans, price: Price, shrinkage: float, periods: int, own: Own) -> ProviderView | CustomerView:
    if isinstance(own, ProvidersOwn):
        return provider_view(plans, price, own.costs, shrinkage, Term(periods, own.one_off, own.ramp))
    return customer_view(plans, price, own.losses, shrinkage)


def _best(plans: Plans, price: Price, shrinkage: float, periods: int, own: Own) -> float | None:
    view = _view(plans, price, shrinkage, periods, own)
    place = view.floor if isinstance(view, CustomerView) else view.would_choose
    return None if place is None else float(np.nan_to_num(plans.level[place]))
