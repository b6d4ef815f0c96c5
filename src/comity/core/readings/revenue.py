"""Reading of revenue: how much of its change is quantity, and how much prices, inflation, calendar or credits."""

from dataclasses import dataclass

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict, cause, judge

ID = "revenue"
MATERIAL = 0.005  # of the revenue of the period it is held against
FACTOR = 3.0  # quantity and price that move in opposite directions by more than this: another unit, not a sale
MOST_NAMED = 20  # redefined cells that a reading names


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
    arrival: float  # cells of accounts with none before
    departure: float  # cells of accounts with none after
    prices: float  # sum of (p1 - p0)(q0 + q1)/2 over all cells, inflation included
    inflation: float  # sum of G p0 (q0 + q1)/2 over all cells
    calendar: float  # what scaling to days of equal number took away from the amounts after
    adjustments: float  # after less before, of what has no price or is not of kind service
    growth: float | None = None  # G, by what share the agreed index moved; None: not known, taken as 0
    redefined: float = 0.0  # volume, expansion and contraction of redefined cells
    redefined_cells: tuple[tuple[str, str], ...] = ()  # account and service, the largest first, MOST_NAMED at most
    redefined_count: int = 0


def read(stats: Stats, alpha: float = 0.025) -> Reading:  # noqa: ARG001 - exact figures have no tail
    """Split the change of revenue by Bennet's indicator, and judge it.

    Bennet's indicator weighs each change of quantity with the mean of both prices and each change of price with
    the mean of both quantities; it is exact and symmetric in time (Bennet 1920, "The Theory of Measurement of
    Changes in Cost of Living", Journal of the Royal Statistical Society 83; Diewert 2005, "Index Number Theory
    Using Differences Rather Than Ratios", American Journal of Economics and Sociology 64).

    :param alpha: taken for the sake of the other readings; invoices are not a sample
    """
    n = stats.after - stats.before
    h = stats.volume + stats.expansion + stats.contraction + stats.arrival + stats.departure
    # Prices are what is left: equal to `stats.prices` but for the last digits, in which an engine that adds in
    # any order errs. So the parts add up even where large changes cancel.
    price = n - h - stats.inflation - stats.calendar - stats.adjustments
    parts = (
        Part("volume", stats.volume, like_for_like=True),
        Part("expansion", stats.expansion, like_for_like=True),
        Part("contraction", stats.contraction, like_for_like=True),
        Part("arrival", stats.arrival, like_for_like=True),
        Part("departure", stats.departure, like_for_like=True),
        Part("inflation", stats.inflation),
        Part("price", price),
        Part("calendar", stats.calendar),
        Part("adjustments", stats.adjustments),
    )
    material = max(MATERIAL * stats.before, 0.0)
    verdict, why, would_be = _judge_stats(stats, n, h, material, parts)
    return Reading(
        id=ID,
        variant=None,
        unit="money",
        material=material,
        before=stats.before,
        after=stats.after,
        headline=Change(n),
        like_for_like=Change(h),
        gap=Change(n - h),
        parts=parts,
        verdict=verdict,
        cause=why,
        blind=ID,
        would_be=would_be,
        also=_also(stats, h, named=why == "redefined"),
    )


def _judge_stats(
    stats: Stats,
    n: float,
    h: float,
    material: float,
    parts: tuple[Part, ...],
) -> tuple[Verdict, str | None, Verdict | None]:
    """The verdict, its cause, and what it would be were nothing redefined."""
    if stats.before <= 0:
        return Verdict.UNCLEAR, ID, None
    verdict = _verdict(n, h, material)
    if _verdict(n, h - stats.redefined, material) is not verdict:
        return Verdict.UNCLEAR, "redefined", verdict
    return verdict, cause(verdict, n - h, parts), None


def _verdict(n: float, h: float, material: float) -> Verdict:
    return judge(Change(n), Change(h), Change(n - h), material=material, z=None, sampled=False)


def _also(stats: Stats, h: float, *, named: bool) -> dict[str, object]:
    also: dict[str, object] = {"existing": h - stats.arrival, "inflation": stats.growth}
    if named:
        also["redefined"] = [f"{account} / {service}" for account, service in stats.redefined_cells]
        also["redefined_count"] = stats.redefined_count
        also["without_redefined"] = h - stats.redefined
    return also
