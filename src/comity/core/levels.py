"""Levels: what each agreed measure came to in a period, how sure that is, and whether the target was met.

Two steps, as everywhere: `book.statistics.levels` counts, this turns the counts into a level. Formulas are those
of the specification of readings, "Levels" and "Standard errors, one rule".
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction

import numpy as np

from comity.core.agreements.kpi import HIGHER, MEASURES, Abandons, Kpi, Relief
from comity.core.readings.verdict import LEAST_UNITS, LEAST_WEEKS, critical
from comity.core.values import Period, Side

VARIANTS = ("V1", "V2", "V3", "V4", "V5", "V6")
# The columns by which each formula tells what it counts. Intervals have no `abandoned_at`, and not every source tells
# `abandoned_short` of them; contacts tell it by `abandoned_at`.
_OFFERED = ("answered", "answered_within", "abandoned")
VARIANT_NEEDS: dict[str, tuple[str, ...]] = {
    "V1": _OFFERED,
    "V2": (*_OFFERED, "abandoned_at"),
    "V3": ("answered", "answered_within"),
    "V4": (*_OFFERED, "abandoned_at"),
    "V5": (*_OFFERED, "abandoned_short"),
    "V6": (*_OFFERED, "abandoned_short"),
}
OWN_VARIANT = {Abandons.COUNT: "V1", Abandons.EXCLUDE_SHORT: "V6", Abandons.EXCLUDE_ALL: "V3"}
SHARE, SECONDS, COUNT, POINTS = "share", "seconds", "count", "points"
UNITS = {
    "wait_mean": SECONDS,
    "wait_p90": SECONDS,
    "handle_time": SECONDS,
    "time_to_resolve": SECONDS,
    "backlog": COUNT,
    "nps": POINTS,
}
SHARE_DECIMALS = 2  # a share is shown as a percentage, so with two decimals at least
P90 = 0.9
_ROUNDING = 1e-12  # a sum of squares this small beside its terms is rounding


class Sampled(StrEnum):
    """The independent units behind a level."""

    WEEKS = "weeks"
    PEOPLE = "people"  # accounts or employees
    EXACT = "exact"  # a stock that is counted, not sampled

    @property
    def least(self) -> int:
        """The least number of units for an interval."""
        return LEAST_WEEKS if self is Sampled.WEEKS else LEAST_UNITS


# Measures that count, of single contacts, those to which something happened; each of the others is a ratio of sums.
_SHARES_OF_CONTACTS = frozenset({"service_level", "sla_attainment", "abandonment", "repeat_contact", "reopen"})
_NORMAL_95 = 1.959963984540054  # the 97.5 % quantile of the normal distribution


@dataclass(frozen=True, slots=True)
class Moments:
    """Sums over independent units u of a ratio's numerator a_u and denominator o_u, for its standard error."""

    units: int
    num: float
    den: float
    num2: float = 0.0  # sum of a_u squared
    cross: float = 0.0  # sum of a_u o_u
    den2: float = 0.0  # sum of o_u squared

    @property
    def value(self) -> float:
        """The ratio, pooled; the denominator is above zero."""
        return self.num / self.den

    @property
    def se(self) -> float | None:
        """s² = c Σ(a_u - R o_u)² / (Σ o_u)², c = U / (U - 1); None below two units."""
        if self.units < 2:  # noqa: PLR2004 - one unit has no spread
            return None
        ratio = self.value
        terms = (self.num2, -2 * ratio * self.cross, ratio * ratio * self.den2)
        squares = math.fsum(terms)
        if squares <= _ROUNDING * math.fsum(abs(term) for term in terms):
            return 0.0
        return math.sqrt(self.units / (self.units - 1) * squares) / abs(self.den)


def moments(nums: Sequence[float] | np.ndarray, dens: Sequence[float] | np.ndarray) -> Moments:
    """The sums over units, from each unit's own numerator and denominator."""
    a, o = np.asarray(nums, dtype=float), np.asarray(dens, dtype=float)
    return Moments(len(o), float(a.sum()), float(o.sum()), float(a @ a), float(a @ o), float(o @ o))


@dataclass(frozen=True, slots=True)
class Intervals:
    """The half hours of each queue with a contact that counts: sum of their rates, how many, how many in target."""

    total: float
    count: int
    in_target: int | None  # None without a target

    @property
    def mean(self) -> float:
        """The mean of the intervals' rates: an average of averages, beside the pooled figure."""
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class Quantile:
    """A quantile read from a grid: `values` at the probabilities `grid`, both rising."""

    probability: float
    value: float
    grid: tuple[float, ...]
    values: tuple[float, ...]

    def se(self, share: Moments) -> float | None:
        """Woodruff's interval for a quantile, halved and divided by its critical value.

        The error of the share below the quantile is carried over to the quantile through the empirical
        distribution (Woodruff, JASA 47, 1952, 635-646).

        :param share: contacts at or below the quantile, of all, by unit
        """
        z, error = critical(share.units), share.se
        if z is None or error is None or self.probability - z * error < self.grid[0]:
            return None
        low, high = np.interp([self.probability - z * error, self.probability + z * error], self.grid, self.values)
        return float(high - low) / (2 * z)


@dataclass(frozen=True, slots=True)
class Formulas:
    """Numerator and denominator of the six service levels on some days.

    `agreed` leaves out the contacts of agreed exclusions, `in_full` nothing; it is empty where both are the same.
    """

    agreed: Mapping[str, tuple[float, float]]
    in_full: Mapping[str, tuple[float, float]] = field(default_factory=dict)


NO_FORMULAS = Formulas({})


@dataclass(frozen=True, slots=True)
class Reported:
    """A side's own figure, and to how many decimals it was shown.

    `months` are those that a longer period's figure is made of, each with the formulas on its days. `weighted`: they
    were joined by their days, for want of denominators, which is nobody's formula. `entered_by` is the other side where
    that side delivered the figure. `of_more_days`: it is of the whole period, and the level of a stretch, or without
    days of relief, so that no formula of the level's gives it.
    """

    value: float
    decimals: int
    months: tuple[tuple["Reported", Formulas], ...] = ()
    weighted: bool = False
    entered_by: Side | None = None
    of_more_days: bool = False


@dataclass(frozen=True, slots=True)
class LevelStats:
    """What is counted for one KPI in one period.

    `period` are the days that are counted: a period, or the stretch of it over which `kpi` is in force. `reliefs` are
    those whose days are left out, `with_relieved` is the same with them; where none would be left they are counted, and
    the level is not `held` against its target. `variants` holds numerator and denominator of the six
    service levels, and `in_full` the same with the contacts of agreed exclusions. `quantile` is given where the level
    is a quantile; `counted` is then of the contacts at or below it. `also` holds what stands beside the level, by name.
    """

    kpi: Kpi
    period: Period
    counted: Moments
    sampled: Sampled
    variants: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    in_full: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    intervals: Intervals | None = None
    quantile: Quantile | None = None
    reported: Mapping[Side, Reported] = field(default_factory=dict)
    also: Mapping[str, object] = field(default_factory=dict)
    reliefs: tuple[Relief, ...] = ()
    with_relieved: "LevelStats | None" = None
    held: bool = True


@dataclass(frozen=True, slots=True)
class MeasuredLevel:
    """One level. `value`, `se`, `low`, `high` are in `unit`: share (0 to 1), seconds, count or points.

    `value` is `num / den`, but for quantiles, where those count the contacts at or below it. `low` to `high` is the
    95 % interval, None where there are too few units for one; `met` and `beyond_chance` are None without a target.
    `formulas` holds what `variants` and `variants_in_full` are the ratios of; `explains` the variant that gives a
    side's figure, `explains_in_full` the one that gives it only when agreed exclusions are not taken out, as in
    `variants_in_full`.
    """

    kpi: str
    measure: str
    unit: str
    value: float
    se: float | None
    low: float | None
    high: float | None
    num: float
    den: float
    met: bool | None
    beyond_chance: bool | None
    definition: Kpi
    variants: Mapping[str, float | None] = field(default_factory=dict)
    variants_in_full: Mapping[str, float | None] = field(default_factory=dict)
    formulas: Formulas = NO_FORMULAS
    mean_of_intervals: float | None = None
    intervals_in_target: float | None = None
    reported: Mapping[Side, float | None] = field(default_factory=dict)
    explains: Mapping[Side, str] = field(default_factory=dict)
    explains_in_full: Mapping[Side, str] = field(default_factory=dict)
    also: Mapping[str, object] = field(default_factory=dict)


def unit(kpi: Kpi) -> str:
    """The unit in which a KPI's level, target and material change are given."""
    return POINTS if MEASURES[kpi.measure].on_scale and kpi.formula == "mean" else UNITS.get(kpi.measure, SHARE)


def measure(stats: LevelStats) -> MeasuredLevel:
    """Compute a level with its interval from its counts."""
    kpi, counted = stats.kpi, stats.counted
    value = counted.value if stats.quantile is None else stats.quantile.value
    exact = (value, 1.0) if stats.quantile is not None else (counted.num, counted.den)
    se = _error(stats)
    interval = _interval(stats, value, se)
    own_variant = str(stats.also.get("counted_as", OWN_VARIANT[kpi.abandons]))
    entered_by = {
        side.value: reported.entered_by.value
        for side, reported in stats.reported.items()
        if reported.entered_by is not None
    }
    of_months = {side.value: len(figure.months) for side, figure in stats.reported.items() if len(figure.months) > 1}
    whole = Formulas(stats.variants, stats.in_full)
    explains = {
        side: name
        for side, reported in stats.reported.items()
        if (name := _matching_variant_of_months(reported, whole, own_variant))
    }
    in_full = {
        side: name
        for side, reported in stats.reported.items()
        if side not in explains and (name := _matching_variant_of_months(reported, whole, own_variant, in_full=True))
    }
    within = stats.intervals
    in_target = None if within is None or within.in_target is None else within.in_target / within.count
    return MeasuredLevel(
        kpi=kpi.id,
        measure=kpi.measure,
        unit=unit(kpi),
        value=value,
        se=se,
        low=None if interval is None else interval[0],
        high=None if interval is None else interval[1],
        num=counted.num,
        den=counted.den,
        met=meets(kpi, *exact) if stats.held else None,
        # A stock is counted, not sampled: chance has no part in it.
        beyond_chance=None if stats.sampled is Sampled.EXACT or not stats.held else _beyond_chance(kpi, interval),
        definition=kpi,
        variants=_rates(stats.variants),
        variants_in_full=_rates(stats.in_full),
        formulas=whole,
        mean_of_intervals=None if within is None else within.mean,
        intervals_in_target=in_target,
        reported={side: stats.reported[side].value if side in stats.reported else None for side in Side},
        explains=explains,
        explains_in_full=in_full,
        also=dict(stats.also)
        | ({"entered_by": entered_by} if entered_by else {})
        | ({"reported_months": of_months} if of_months else {}),
    )


def meets(kpi: Kpi, num: float, den: float) -> bool | None:
    """The contract's arithmetic in exact numbers: whether num / den meets the target; None without a target.

    Decimals are taken as they are written: 11000 over 10000 less 1 is 0.10 and meets a target of 0.10, which it
    does not in binary fractions.
    """
    if kpi.target is None:
        return None
    value, target = _exact(num) / _exact(den), _exact(kpi.target)
    if kpi.measure == "forecast_bias":
        return abs(value) <= target
    return value >= target if kpi.better == HIGHER else value <= target


def _exact(number: float) -> Fraction:
    return Fraction(repr(float(number)))


def service_levels(
    *,
    answered: float,
    within: float,
    abandoned: float,
    short: float,
    abandoned_within: float,
) -> dict[str, tuple[float, float]]:
    """Numerator and denominator of the six service levels V1 to V6 (`standards.md` 2.1).

    :param within: of the answered, those within the agreed time
    :param short: of the abandoned, those that gave up within the time of a short abandon
    :param abandoned_within: of the abandoned, those that gave up within the agreed time of an answer
    """
    offered = answered + abandoned
    return {
        "V1": (within, offered),
        "V2": (within + abandoned_within, offered),
        "V3": (within, answered),
        "V4": (within, offered - abandoned_within),
        "V5": (within + short, offered),
        "V6": (within, offered - short),
    }


def matching_variant(figures: Sequence[tuple[Reported, Mapping[str, float | None]]], own_variant: str) -> str | None:
    """Return the variant that equals all of a side's figures at their decimals: the KPI's own first, then the nearest.

    :param figures: each with the values of the variants on its own days
    :returns: None where no variant equals them all
    """
    gaps = {name: [_gap(reported, variants.get(name)) for reported, variants in figures] for name in VARIANTS}
    near = {name: math.fsum(known) for name, known in gaps.items() if known and math.inf not in known}
    if own_variant in near:
        return own_variant
    return min(near, key=lambda name: (near[name], name), default=None)


def _gap(reported: Reported, value: float | None) -> float:
    """Return the distance of a variant from a reported figure; infinite where they differ at the decimals reported."""
    gap = math.inf if value is None else abs(value - reported.value)
    return gap if gap <= 0.5 * 10.0**-reported.decimals + _ROUNDING else math.inf


def _matching_variant_of_months(
    reported: Reported, whole: Formulas, own_variant: str, *, in_full: bool = False
) -> str | None:
    """Return the variant that equals a reported figure: month by month where it is made of months, else in all.

    :param in_full: compare with the contacts of agreed exclusions included, which a side may not have left out
    """
    if in_full and not whole.in_full:
        return None

    def rates(days: Formulas) -> Mapping[str, float | None]:
        return _rates((days.in_full or days.agreed) if in_full else days.agreed)

    variant = matching_variant([(month, rates(days)) for month, days in reported.months], own_variant)
    if reported.of_more_days:
        return variant
    return variant if variant or reported.weighted else matching_variant([(reported, rates(whole))], own_variant)


def _rates(formulas: Mapping[str, tuple[float, float]]) -> dict[str, float | None]:
    return {name: num / den if den else None for name, (num, den) in formulas.items()}


def wilson(share: float, size: float, z: float) -> tuple[float, float]:
    """Wilson's interval for a share of `size` answers (JASA 22, 1927, 209-212)."""
    spread = z * math.sqrt(share * (1 - share) / size + z * z / (4 * size * size))
    middle = share + z * z / (2 * size)
    shrink = 1 + z * z / size
    return (middle - spread) / shrink, (middle + spread) / shrink


def _error(stats: LevelStats) -> float | None:
    if stats.sampled is Sampled.EXACT:
        return 0.0
    return stats.counted.se if stats.quantile is None else stats.quantile.se(stats.counted)


def _interval(stats: LevelStats, value: float, se: float | None) -> tuple[float, float] | None:
    """The 95 % interval: Wilson's for shares of people, else the level and t times its error to both sides.

    That of a share of contacts is never narrower than Wilson's at the same counts: a few weeks of unequal size show
    less spread than they have, and contacts of one week do not know more of each other than nothing.
    """
    if stats.sampled is Sampled.EXACT:
        return value, value
    units = stats.counted.units
    z = critical(units)
    if se is None or z is None or units < stats.sampled.least:
        return None
    if MEASURES[stats.kpi.measure].on_scale and unit(stats.kpi) == SHARE:
        # Answers of one account are not independent: the size that would give this error if they were.
        size = value * (1 - value) / (se * se) if se > 0 else float(units)
        return wilson(value, size, z)
    if se == 0:  # units that are all alike, as where nobody left, say nothing of chance
        return None
    low, high = value - z * se, value + z * se
    if stats.kpi.measure in _SHARES_OF_CONTACTS:
        at_least = wilson(value, stats.counted.den, _NORMAL_95)
        return min(low, at_least[0]), max(high, at_least[1])
    return low, high


def _beyond_chance(kpi: Kpi, interval: tuple[float, float] | None) -> bool | None:
    """Whether the interval excludes the target; a bias is held against it to both sides."""
    if kpi.target is None or interval is None:
        return None
    low, high = interval
    targets = (kpi.target, -kpi.target) if kpi.measure == "forecast_bias" else (kpi.target,)
    return not any(low <= target <= high for target in targets)
