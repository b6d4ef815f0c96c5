"""How many service days two periods have: days weighted by how much contact their class of day brings.

A month with five Mondays is longer than one with five Sundays, and a month with 31 days no longer than one with 30
where the 31st is closed. Classes of day are the seven weekdays, and holidays. A class's weight is its contacts a day,
fitted multiplicatively with a level for each period, so that a period with more contacts is not taken for one with
heavier days. The fit is by iterative proportional fitting of counts by class and period (Deming and Stephan 1940, "On a
Least Squares Adjustment of a Sampled Frequency Table", Annals of Mathematical Statistics 11), which is the maximum
likelihood of independent Poisson counts. Its error is a jackknife over weeks (Quenouille 1956, "Notes on Bias in
Estimation", Biometrika 43; Tukey 1958).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from comity.core.values import Period

HOLIDAY = 7  # the class after the seven weekdays, of which 0 is Monday
CLASSES = HOLIDAY + 1
QUIET = 1 / 3  # of its weekday's median: a day with less than that is no day of service
FLOOR = 20  # contacts: below such a median a day falls under a third of it by chance, and none is quiet
_ROUNDS, _ENOUGH = 10_000, 1e-14  # of the fit

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Opening:
    """On which days there is service, as far as that was agreed.

    :ivar days: the weekdays that are open (0 is Monday), None where nothing was agreed
    :ivar holidays: days that are a class apart
    :ivar closed: days without service whatever their weekday; None: the holidays
    :ivar opened: holidays with service whatever their weekday
    :ivar unserved: days of the period held against that were closed then, on weekdays that are open by now: they weigh
        as open days do, so that what was opened is volume, but do not tell what their weekday brings
    """

    days: frozenset[int] | None = None
    holidays: frozenset[date] = field(default=frozenset())
    closed: frozenset[date] | None = None
    opened: frozenset[date] = field(default=frozenset())
    unserved: frozenset[date] = field(default=frozenset())

    def is_open(self, day: date) -> bool:
        """Whether the agreed days hold this one."""
        if self.days is None:
            return False
        return day in self.opened or (day.weekday() in self.days and not self.is_closed(day))

    def is_closed(self, day: date) -> bool:
        """Whether this day is closed though its weekday may be open."""
        return day in (self.holidays if self.closed is None else self.closed)

    def class_of(self, day: date) -> int:
        """Its weekday, or HOLIDAY; a holiday without service on a weekday that is never open is such a weekday."""
        never = self.days is not None and day.weekday() not in self.days and day not in self.opened
        return HOLIDAY if day in self.holidays and not never else day.weekday()

    def breaks(self, day: date) -> bool:
        """Whether a day of an open weekday is closed, and no holiday: the service was closed for some time."""
        return self.is_closed(day) and self.class_of(day) != HOLIDAY


@dataclass(frozen=True, slots=True)
class ServiceDays:
    """How long two periods are, in service days; both on the calendar of the period under review.

    `factor` is `before` / `after`, None where either is 0. `without_week` holds the factors that the weights give when
    one week is left out of both periods, in the order of the weeks; empty where no weight was fitted. `weights` are by
    class of day, their mean 1 over the days that count. `quiet` are days that hardly brought a contact, `closed`
    classes that were closed in the period under review, `holidays` the days of class HOLIDAY.
    """

    before: float
    after: float
    without_week: tuple[float, ...] = ()
    weights: Mapping[int, float] = field(default_factory=dict)
    quiet: tuple[date, ...] = ()
    closed: tuple[int, ...] = ()
    holidays: tuple[date, ...] = ()

    @property
    def factor(self) -> float | None:
        """By what to scale what the period under review brought, for periods of equal length."""
        return self.before / self.after if self.before > 0 and self.after > 0 else None


def days_of(period: Period) -> list[date]:
    """Every day of a period."""
    return [period.start + timedelta(number) for number in range(period.days)]


def agreed_days(reference: Period, period: Period, opening: Opening) -> ServiceDays:
    """The agreed opening days of both periods, each of weight 1."""
    before, after = (float(sum(opening.is_open(day) for day in days_of(one))) for one in (reference, period))
    return ServiceDays(before, after, holidays=_holidays(reference, period, opening))


def calendar_days(reference: Period, period: Period) -> ServiceDays:
    """All days, each of weight 1."""
    return ServiceDays(float(reference.days), float(period.days))


MONDAY_TO_FRIDAY = Opening(frozenset(range(5)))


def fit_service_days(
    reference: Period, period: Period, counts: Mapping[date, float], opening: Opening | None = None
) -> ServiceDays | None:
    """Weigh the days of two periods by the contacts that their classes bring.

    :param counts: contacts by day; a day that is not in it had none
    :returns: None where the two periods have no class of day in common by which to compare them
    """
    opening = opening or Opening()
    days = [days_of(reference), days_of(period)]
    came = [np.array([counts.get(day, 0.0) for day in those], dtype=np.float64) for those in days]
    kinds = [np.array([opening.class_of(day) for day in those]) for those in days]
    closed = [_closed(kind, count, opening) for kind, count in zip(kinds, came, strict=True)]
    quiet = _quiet(days, kinds, came, closed)
    # Where the period under review has no day of a class, the other one tells whether it is closed.
    absent = np.bincount(kinds[1], minlength=CLASSES) == 0
    shut = np.where(absent, closed[0], closed[1])
    off = [np.array([opening.breaks(day) for day in those]) for those in days]
    unserved = np.array([day in opening.unserved for day in days[0]])
    silent = [off[0] | unserved, off[1]]
    fitted = [
        ~still & ~none & ~shut_class[kind]
        for still, none, shut_class, kind in zip(quiet, silent, closed, kinds, strict=True)
    ]
    weeks = sorted({day.isocalendar()[:2] for those in days for day in those})
    of_week = [np.array([weeks.index(day.isocalendar()[:2]) for day in those]) for those in days]
    # The first table is whole; each other one lacks a week.
    left_out = np.concatenate([[-1], np.arange(len(weeks))])
    tables = [
        [_table(kind, amount * fit, week, left_out) for amount in (np.ones(len(kind)), count)]
        for kind, count, fit, week in zip(kinds, came, fitted, of_week, strict=True)
    ]
    number, total = (np.stack([one[at] for one in tables], axis=2) for at in (0, 1))
    weights = _fit(number, total)
    if weights is None:
        return None
    open_days = [
        ~shut[kind] & ~none & (~still | _agreed(those, opening))
        for kind, none, still, those in zip(kinds, off, quiet, days, strict=True)
    ]
    open_days[0] |= unserved & ~shut[kinds[0]]
    lengths = [weights[:, kind] @ held.astype(np.float64) for kind, held in zip(kinds, open_days, strict=True)]
    many = sum(int(held.sum()) for held in open_days)
    unit = (lengths[0][0] + lengths[1][0]) / many if many else 0.0
    whole = [float(length[0] / unit) if unit else 0.0 for length in lengths]
    return ServiceDays(
        whole[0],
        whole[1],
        _factors(*lengths) if min(whole) > 0 else (),
        {
            int(kind): float(weights[0, kind] / unit)
            for kind in range(CLASSES)
            if unit and not shut[kind] and any((one == kind).any() for one in kinds)
        },
        tuple(
            day for those, still in zip(days, quiet, strict=True) for day, one in zip(those, still, strict=True) if one
        ),
        tuple(int(kind) for kind in range(CLASSES) if shut[kind] and any((one == kind).any() for one in kinds)),
        _holidays(reference, period, opening),
    )


def jackknife_error(values: Floats) -> float:
    """The standard error of a figure from its values without one unit each: √((W-1)/W Σ(x_w - x̄)²)."""
    if values.size == 0:
        return 0.0
    return float(np.sqrt((values.size - 1) / values.size * ((values - values.mean()) ** 2).sum()))


def _holidays(reference: Period, period: Period, opening: Opening) -> tuple[date, ...]:
    return tuple(day for day in sorted(opening.holidays) if day in reference or day in period)


def _closed(kind: NDArray[np.int64], count: Floats, opening: Opening) -> Flags:
    """Which classes are closed in a period: by agreement, or because none of their days brought a contact."""
    agreed = np.array([opening.days is not None and at not in opening.days for at in range(HOLIDAY)] + [False])
    days, came = np.bincount(kind, minlength=CLASSES), np.bincount(kind, count, minlength=CLASSES)
    return agreed | ((days > 0) & (came <= 0))


def _quiet(
    days: list[list[date]], kinds: list[NDArray[np.int64]], came: list[Floats], closed: list[Flags]
) -> list[Flags]:
    """Days with under a third of their weekday's median, of classes that are open in the period and no holidays.

    Of Poisson counts with a mean of 4 every eleventh day would be quiet by chance alone, of 20 one in 4,000: a weekday
    with a median below `FLOOR` has none. Agreed opening days tell of such a desk which days it was closed.
    """
    kind, count = np.concatenate(kinds), np.concatenate(came)
    medians = np.zeros(CLASSES)
    for at in range(HOLIDAY):
        some = count[(kind == at) & (count > 0)]
        median = float(np.median(some)) if some.size else 0.0
        medians[at] = median if median >= FLOOR else 0.0
    return [
        ~shut[one] & (one != HOLIDAY) & (counted < QUIET * medians[one])
        for one, counted, shut, _ in zip(kinds, came, closed, days, strict=True)
    ]


def _agreed(days: list[date], opening: Opening) -> Flags:
    return np.array([opening.is_open(day) for day in days])


def _table(kind: NDArray[np.int64], amount: Floats, week: NDArray[np.int64], left_out: NDArray[np.int64]) -> Floats:
    """Sums by class, for each week that is left out: shape (weeks left out, classes)."""
    sums = np.zeros((left_out.size, CLASSES))
    for at, without in enumerate(left_out):
        kept = week != without
        sums[at] = np.bincount(kind[kept], amount[kept], minlength=CLASSES)
    return sums


def _fit(number: Floats, total: Floats) -> Floats | None:
    """Weights by class, shape (tables, classes): contacts a day at the level of the first period.

    A class that only a week left out tells of keeps the weight of the whole table.

    :param number: days by table, class and period
    :param total: contacts likewise
    """
    linked: Flags = np.any(np.all((number > 0) & (total > 0), axis=2), axis=1)
    if not linked[0]:
        return None
    level = np.ones((number.shape[0], 2))
    weights = np.zeros(number.shape[:2])
    for _ in range(_ROUNDS):
        before = level[:, 1] / level[:, 0]
        weights = _ratio(total.sum(axis=2), (number * level[:, None, :]).sum(axis=2))
        level = _ratio(total.sum(axis=1), (number * np.nan_to_num(weights)[:, :, None]).sum(axis=1))
        level = np.where(np.isfinite(level) & (level > 0), level, 1.0)
        if np.all(np.abs(level[:, 1] / level[:, 0] - before) <= _ENOUGH * before):
            break
    weights *= level[:, :1]
    known = np.isfinite(weights) & linked[:, None]
    return np.nan_to_num(np.where(known, weights, weights[:1]))


def _ratio(over: Floats, under: Floats) -> Floats:
    return np.divide(over, under, out=np.full_like(over, np.nan), where=under > 0)


def _factors(before: Floats, after: Floats) -> tuple[float, ...]:
    """The factor with each week left out; the first lengths are the whole ones, whose factor stands for none."""
    factors = _ratio(before, after)
    return tuple(float(factor) for factor in np.where(np.isfinite(factors), factors, factors[0])[1:])
