"""Reading of revenue: how much of its change is quantity, and how much prices, inflation, calendar or credits."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import numpy as np

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict, cause, critical, judge
from comity.core.service_days import HOLIDAY, ServiceDays, jackknife_error

ID = "revenue"
QUANTITY = "quantity"  # the cause where service was invoiced without one
LUMP_SUM = "lump_sum"  # the cause where a quantity of one may stand for any amount of service
MATERIAL = 0.005  # of the revenue of the period it is held against
FACTOR = 3.0  # quantity and price that move in opposite directions by more than this: another unit, not a sale
MOST_NAMED = 20  # redefined cells that a reading names
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class Basis(StrEnum):
    """What the days of two periods are weighed by."""

    CONTACTS = "contacts"
    OFFERED = "offered"  # contacts offered by interval
    FORECAST = "forecast"
    AGREED = "agreed_days"  # agreed opening days, each of weight 1
    CALENDAR = "calendar_days"  # every day: nothing tells which days bring service


@dataclass(frozen=True, slots=True)
class Scaled:
    """Services whose quantities are scaled by the same service days.

    `slope` is by how much the like-for-like change grows with the factor: the sum of q1 (p0 + p1)/2 over their scaled
    cells, q1 before it is scaled. `services` is empty for all those without queues of their own.
    """

    days: ServiceDays
    slope: float = 0.0
    services: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Stats:
    """Sums over the cells (account, service) of two periods, all in the book's currency.

    A cell is priced in a period when it has quantity > 0 and amount >= 0. Quantities q, prices p = amount / q;
    0 and 1 are the period held against and the one under review, after scaling for the calendar.
    """

    before: float  # all invoice lines
    after: float
    volume: float  # sum of (q1 - q0)(p0 + p1)/2 over cells in both; the next four likewise
    expansion: float  # new cells of accounts that had any before
    contraction: float  # gone cells of accounts that still have any
    arrival: float  # cells of accounts with none before, nor a line of any kind earlier
    departure: float  # cells of accounts with none after
    prices: float  # sum of (p1 - p0)(q0 + q1)/2 over all cells, inflation included
    inflation: float  # sum of G p0 (q0 + q1)/2 over all cells
    calendar: float  # what scaling to service days of equal number took away from the amounts after
    adjustments: float  # after less before, of what has no price or is not of kind service
    returned: float = 0.0  # cells of accounts with none before, but an earlier line
    growth: float | None = None  # G, by what share the agreed index moved; None: not known, taken as 0
    redefined: float = 0.0  # volume, expansion and contraction of redefined cells
    redefined_cells: tuple[tuple[str, str], ...] = ()  # account and service, the largest first, MOST_NAMED at most
    redefined_count: int = 0
    basis: Basis = Basis.CALENDAR
    scaled: tuple[Scaled, ...] = ()
    by_weekdays: "Stats | None" = None  # counted in days from Monday to Friday, where nothing tells the days' weights
    first_month: date | None = None  # of the book's invoices: what was before it is not known
    without_quantity: float = 0.0  # amounts of both periods of service cells of which a line says no quantity
    # What prices did beyond inflation in cells of which each line says one of nothing that is counted: lump sums.
    lumps_up: float = 0.0
    lumps_down: float = 0.0  # the same of those that fell; not above 0
    accounts: Mapping[str, int] | None = None  # how many are new, back, bought_nothing; and of the last, have left

    @property
    def like_for_like(self) -> float:
        """The change of quantities at the mean of both prices."""
        own = (self.volume, self.expansion, self.contraction, self.arrival, self.returned, self.departure)
        return sum(own)

    @property
    def calendar_error(self) -> float:
        """The standard error of the like-for-like change by the weights of the days: a jackknife over weeks.

        The change is linear in the factors by which quantities are scaled, so each week left out moves it by the
        slopes times what that moves the factors.
        """
        moved = [one.slope * np.array(one.days.without_week) for one in self.scaled if one.days.without_week]
        return jackknife_error(np.sum(moved, axis=0)) if moved else 0.0

    @property
    def weeks(self) -> int:
        """The weeks that were left out in turn; 0 where no weight was fitted."""
        return max((len(one.days.without_week) for one in self.scaled), default=0)


def read(stats: Stats, alpha: float = 0.025) -> Reading:
    """Split the change of revenue by Bennet's indicator, and judge it.

    Bennet's indicator weighs each change of quantity with the mean of both prices and each change of price with
    the mean of both quantities; it is exact and symmetric in time (Bennet 1920, "The Theory of Measurement of
    Changes in Cost of Living", Journal of the Royal Statistical Society 83; Diewert 2005, "Index Number Theory
    Using Differences Rather Than Ratios", American Journal of Economics and Sociology 64).

    :param alpha: the upper tail of the critical value; it matters where weights of days were fitted, because invoices
        are not a sample
    """
    n, h, error = stats.after - stats.before, stats.like_for_like, stats.calendar_error
    # Student's t, as the jackknife's error is itself an estimate from some nine weeks.
    z = critical(stats.weeks, alpha) if error > 0 else None
    # Prices are what is left: equal to `stats.prices` but for the last digits, in which an engine that adds in
    # any order errs. So the parts add up even where large changes cancel.
    price = n - h - stats.inflation - stats.calendar - stats.adjustments
    parts = (
        Part("volume", stats.volume, like_for_like=True),
        Part("expansion", stats.expansion, like_for_like=True),
        Part("contraction", stats.contraction, like_for_like=True),
        Part("arrival", stats.arrival, like_for_like=True),
        Part("return", stats.returned, like_for_like=True),
        Part("departure", stats.departure, like_for_like=True),
        Part("inflation", stats.inflation),
        Part("price", price),
        Part("calendar", stats.calendar),
        Part("adjustments", stats.adjustments),
    )
    material = _material(stats)
    verdict, why, would_be = _judge_stats(stats, z, parts)
    is_formed = why != QUANTITY
    return Reading(
        id=ID,
        variant=None,
        unit="money",
        material=material,
        before=stats.before,
        after=stats.after,
        headline=Change(n),
        like_for_like=Change(h, error) if is_formed else None,
        gap=Change(n - h, error) if is_formed else None,
        parts=parts if is_formed else (),
        verdict=verdict,
        cause=why,
        blind=ID,
        z=z,
        would_be=would_be,
        also=_also(stats, z, why)
        if is_formed
        else {"inflation": stats.growth, "without_quantity": stats.without_quantity},
    )


def _judge_stats(stats: Stats, z: float | None, parts: tuple[Part, ...]) -> tuple[Verdict, str | None, Verdict | None]:
    """The verdict, its cause, and what it would be by the table alone."""
    if stats.before <= 0:
        return Verdict.UNCLEAR, ID, None
    if stats.without_quantity > _material(stats):  # what is not known is not zero: it may all be price, or all volume
        return Verdict.UNCLEAR, QUANTITY, None
    verdict = _verdict(stats, z)
    if verdict is Verdict.UNCLEAR:
        return verdict, None, None
    lumps = (stats.lumps_up, stats.lumps_down)
    doubts = (
        ("calendar", stats.by_weekdays is not None and _verdict(stats.by_weekdays, z) is not verdict),
        ("redefined", _verdict(stats, z, less=stats.redefined) is not verdict),
        # The extremes: where every rise of a lump sum was volume and every fall was price, and the other way round.
        (LUMP_SUM, any(_verdict(stats, z, less=-change) is not verdict for change in lumps)),
    )
    doubt = next((name for name, decides in doubts if decides), None)
    if doubt is not None:
        return Verdict.UNCLEAR, doubt, verdict
    return verdict, cause(verdict, stats.after - stats.before - stats.like_for_like, parts), None


def _verdict(stats: Stats, z: float | None, less: float = 0.0) -> Verdict:
    n, h, error = stats.after - stats.before, stats.like_for_like - less, stats.calendar_error
    changes = Change(n), Change(h, error), Change(n - h, error)
    return judge(*changes, material=_material(stats), z=z, sampled=False)


def _material(stats: Stats) -> float:
    return max(MATERIAL * stats.before, 0.0)


def _also(stats: Stats, z: float | None, why: str | None) -> dict[str, object]:
    also: dict[str, object] = {
        "existing": stats.like_for_like - stats.arrival - stats.returned,
        "inflation": stats.growth,
    }
    if stats.without_quantity:
        also["without_quantity"] = stats.without_quantity
    if stats.first_month is not None:
        also["told_from"] = stats.first_month
    if stats.accounts is not None:
        also["accounts"] = dict(stats.accounts)
    if stats.scaled:
        also["service_days"] = _told_days(stats)
    if stats.by_weekdays is not None:
        other = stats.by_weekdays
        also["monday_to_friday"] = {
            "verdict": _verdict(other, z),
            "as_reported": other.after - other.before,
            "like_for_like": other.like_for_like,
        }
    if why == LUMP_SUM:
        also["lump_sums"] = stats.lumps_up + stats.lumps_down
        also["with_lump_sums"] = stats.like_for_like + stats.lumps_up + stats.lumps_down
    if why == "redefined":
        also["redefined"] = [f"{account} / {service}" for account, service in stats.redefined_cells]
        also["redefined_count"] = stats.redefined_count
        also["without_redefined"] = stats.like_for_like - stats.redefined
    return also


def _told_days(stats: Stats) -> dict[str, object]:
    """By what the days were weighed, and to what that came; of the services with queues of their own likewise."""

    def told(days: ServiceDays) -> dict[str, object]:
        return {
            "before": days.before,
            "after": days.after,
            "scaled": days.factor is not None,
            "weights": {_class_name(kind): weight for kind, weight in days.weights.items()},
            "closed": [_class_name(kind) for kind in days.closed],
            "quiet": list(days.quiet),
            "holidays": list(days.holidays),
        }

    whole = next((one for one in stats.scaled if not one.services), stats.scaled[0])
    by_service = {service: told(one.days) for one in stats.scaled for service in one.services}
    return {"basis": stats.basis, **told(whole.days)} | ({"by_service": by_service} if by_service else {})


def _class_name(kind: int) -> str:
    return "holiday" if kind == HOLIDAY else _WEEKDAYS[kind]
