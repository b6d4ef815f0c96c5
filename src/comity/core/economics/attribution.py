"""Whose doing a service level was: from what was planned to what happened, shared out by Shapley values.

Four causes are switched from planned to actual: volume, handling, planning, presence. Whatever the order in which
that is done, each gets the mean of what it changes over all orders (Shapley 1953), so that the parts add up and no
order of telling favours a side. Volume is one cause whose turn is shared by two halves, inside and outside of the
agreed band; presence likewise by agents who were not there and absence that the customer ordered. The service
level of each state is the model's (`erlang`), so that chance within the interval is in none of the parts.
"""

import dataclasses
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from comity.core.agreements import Abandons
from comity.core.economics.erlang import queues
from comity.core.economics.staffing import Variant, agents_for

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 400
LEAST_PATIENCE_S, MOST_PATIENCE_S = 1.0, 1e5
LEAST_USED = 0.9  # of what was offered
LEAST_WEEKS, LEAST_DAYS = 8, 10
DAILY_ERROR = 0.05
_VARIANTS = {Abandons.COUNT: Variant.V1, Abandons.EXCLUDE_SHORT: Variant.V6, Abandons.EXCLUDE_ALL: Variant.V3}
_AT_END = 1.01  # so near to an end, patience is at it
_FIRST_SHARE, _MOST_SHARE = 0.1, 10.0  # of the positions that were there, tried to keep a target
_CHANCE = 3.0  # deviations beyond which a count of early abandons is none of chance


PARTS = ("plan", "volume_inside", "volume_outside", "handling", "planning", "presence")
_HALVES = ("volume_inside", "volume_outside", "present", "ordered_off")

# A state of the causes: volume 0 planned, 1 inside only, 2 outside only, 3 actual; handling, planning; presence as
# volume: 1 those not there, 2 those ordered off, 3 both.
State = tuple[int, int, int, int]
_OFF, _ON = 0, 3
_CAUSES = ("volume", "handling", "planning", "presence")


class Unfit(StrEnum):
    """Why what was shared out is not fit to be used."""

    UNEXPLAINED = "unexplained"
    UNUSED = "unused"
    PATIENCE = "patience"
    DAYS = "days"
    GIVING_UP = "giving_up"


@dataclass(frozen=True, slots=True)
class Intervals:
    """What was planned and what happened, one entry an interval and queue; only intervals of which both are known.

    `queue`, `day` and `week` are numbers. Counts are of contacts, `seconds` an interval's length, `handle_s` the
    handled time of all its contacts. `required` is not a number where no required positions were locked. `good` are
    answered in time. `short` is None where the source does not tell short abandons. `rate` is the rate behind `count`
    where it is known, as it is of simulated partnerships.
    """

    queue: Ints
    day: Ints
    week: Ints
    seconds: Floats
    forecast: Floats
    forecast_aht: Floats
    required: Floats
    scheduled: Floats
    staffed: Floats
    ordered_off: Floats
    count: Floats
    answered: Floats
    good: Floats
    abandoned: Floats
    short: Floats | None
    handle_s: Floats
    rate: Floats | None = None


@dataclass(frozen=True, slots=True)
class Promise:
    """What was agreed of the service level: its formula, its target, and what counts as the provider's own affair."""

    target: float
    within_s: float
    short_s: float
    abandons: Abandons
    band: float
    material: float


@dataclass(frozen=True, slots=True)
class Part:
    """One part of observed less target, with its 95 % interval where there are days enough."""

    id: str
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class SharedOut:
    """observed - target = the sum of the parts + unexplained, exactly; `observed` is `good` over `counted`.

    `ordered_off` is the share of the part presence that the customer ordered. `by_interval` holds each part but
    `plan` by interval; each sums to the part. `daily_error` and `daily_miss` are means weighted by contacts.
    `levels` are the model's in each state of the causes.
    """

    observed: float
    target: float
    good: float
    counted: float
    parts: tuple[Part, ...]
    ordered_off: float
    unexplained: float
    unfit: tuple[Unfit, ...]
    used_share: float
    patience_s: Mapping[int, float]
    daily_error: float
    daily_miss: float
    by_interval: Mapping[str, Floats]
    levels: Mapping[State, float]

    def level_if(self, *as_planned: str) -> float:
        """The model's level, had some causes been as planned and all others as they were.

        :param as_planned: volume, handling, planning or presence
        """
        state = [_ON, 1, 1, _ON]
        for cause in as_planned:
            state[_CAUSES.index(cause)] = 0
        return self.levels[state[0], state[1], state[2], state[3]]

    @property
    def fit(self) -> bool:
        """Whether it may be used."""
        return not self.unfit


def rates(intervals: Intervals) -> Floats:
    """The rate behind each count, in contacts an interval: the model holds the chance of single contacts already.

    Three steps for each queue, the same in the second and the third: the forecast is scaled to what came in all; of
    what a day then differs from it, and of what an interval differs from its day, the part beyond Poisson chance is
    taken for real, 1 - 1/φ where φ, the variance over that of chance, is above 1. Were the chance of days taken for
    real, a perfect forecast of a small queue would be blamed: the service level falls more by a contact too many than
    it gains by one too few. Where nothing was forecast, the count is the rate.
    """
    if intervals.rate is not None:
        return intervals.rate
    queue, day = _grouped(intervals.queue), _grouped(intervals.queue, intervals.day)
    known = intervals.forecast > 0
    count, forecast = np.where(known, intervals.count, 0.0), intervals.forecast
    in_all = _quotient(_sums(queue, count), _sums(queue, forecast))[queue]
    by_day = _quotient(_sums(day, count), _sums(day, forecast))[day]
    level, own_day = forecast * np.nan_to_num(in_all), forecast * np.nan_to_num(by_day)
    # Per day: what came, what was expected, and its queue.
    of_day = np.zeros(day.max(initial=-1) + 1, dtype=np.int64)
    of_day[day] = queue
    came, expected = _sums(day, count), _sums(day, level)
    real_days = _beyond_chance(of_day, came - expected, expected, np.ones(queue.max(initial=-1) + 1))
    days_of = _sums(of_day, expected > 0)
    real_intervals = _beyond_chance(queue, count - own_day, own_day, days_of)
    rate = level + real_days[queue] * (own_day - level) + real_intervals[queue] * (count - own_day)
    return np.where(known, rate, intervals.count)


def _beyond_chance(groups: Ints, off: Floats, expected: Floats, means: Floats) -> Floats:
    """By group, the share of a scatter that is beyond Poisson chance: 1 - 1/φ, φ = Σ off²/expected over its freedom.

    :param means: how many means were taken from the counts themselves
    """
    known = expected > 0
    square = np.divide(off**2, expected, out=np.zeros_like(expected), where=known)
    spread = _quotient(_sums(groups, square), _sums(groups, known) - means)
    chance = np.divide(1.0, spread, out=np.ones_like(spread), where=spread > 1)
    return np.asarray(1 - chance)


def handling(intervals: Intervals) -> Floats:
    """The actual handle time of each interval: the forecast's, times the day's over the day's as forecast."""
    days = _grouped(intervals.queue, intervals.day)
    took = _sums(days, intervals.handle_s)
    expected = _sums(days, intervals.answered * intervals.forecast_aht)
    return np.asarray(
        intervals.forecast_aht * np.divide(took, expected, out=np.ones_like(took), where=expected > 0)[days]
    )


def counts(intervals: Intervals, abandons: Abandons) -> Floats:
    """The contacts that count by a formula, as observed."""
    if abandons is Abandons.EXCLUDE_ALL:
        return intervals.answered
    if abandons is Abandons.EXCLUDE_SHORT and intervals.short is not None:
        return intervals.count - intervals.short
    return intervals.count


def calibrated(intervals: Intervals) -> dict[int, float]:
    """The patience of each queue at which the model's abandonment over the period is the observed one, in seconds.

    At an end of 1 s to 1e5 s where none is.
    """
    rate, aht = rates(intervals), handling(intervals)
    found = {}
    for queue in np.unique(intervals.queue).tolist():
        own = (intervals.queue == queue) & (rate > 0)
        gone = float(intervals.abandoned[own].sum() * rate[own].sum() / max(intervals.count[own].sum(), 1))

        def excess(log_patience: float, own: NDArray[np.bool_] = own, gone: float = gone) -> float:
            patience = math.exp(log_patience)
            states = queues(rate[own] / intervals.seconds[own], aht[own], patience, intervals.staffed[own], 0.0)
            return float((rate[own] * states.p_abandon).sum()) - gone

        low, high = math.log(LEAST_PATIENCE_S), math.log(MOST_PATIENCE_S)
        if not own.any() or excess(high) >= 0:
            found[queue] = MOST_PATIENCE_S
        elif excess(low) <= 0:
            found[queue] = LEAST_PATIENCE_S
        else:
            found[queue] = math.exp(optimize.brentq(excess, low, high, xtol=1e-3))
    return found


def with_required(intervals: Intervals, promise: Promise, patience_s: Mapping[int, float]) -> Intervals:
    """The intervals, where no required positions were locked with the least that meet the target on the forecast.

    Of those answered alone (`exclude-all`) no more may give up than the target leaves: without a limit the least would
    be next to nobody.
    """
    unknown = ~np.isfinite(intervals.required)
    if not unknown.any():
        return intervals
    required = intervals.required.copy()
    patience = np.array([patience_s[queue] for queue in intervals.queue[unknown].tolist()])
    required[unknown] = agents_for(
        promise.target,
        intervals.forecast[unknown] / intervals.seconds[unknown],
        intervals.forecast_aht[unknown],
        patience,
        promise.within_s,
        promise.short_s,
        variant=_VARIANTS[promise.abandons],
        most_abandon=1 - promise.target if promise.abandons is Abandons.EXCLUDE_ALL else 1.0,
    )
    return dataclasses.replace(intervals, required=required)


def share_out(  # noqa: PLR0913 - what was, what was agreed, and how it was come by
    intervals: Intervals,
    promise: Promise,
    patience_s: Mapping[int, float],
    *,
    used_share: float = 1.0,
    calibrated_patience: bool = False,
    seed: int = 0,
) -> SharedOut:
    """Share out observed less target.

    :param intervals: all with a plan, accepted events taken out; `required` is a number in each
    :param patience_s: mean patience by queue
    :param used_share: of all that was offered, what these intervals hold
    :raises ValueError: where nothing counts
    """
    if promise.abandons is Abandons.EXCLUDE_SHORT and intervals.short is None:
        raise ValueError("short abandons are not told; ask for the formula that counts all")
    values = _values(intervals, promise, patience_s)
    good = {state: one[0] for state, one in values.items()}
    counted = {state: one[1] for state, one in values.items()}
    observed_good, observed_counted = intervals.good, counts(intervals, promise.abandons)
    if observed_counted.sum() <= 0 or counted[_OFF, 0, 0, _OFF].sum() <= 0:
        raise ValueError("nothing counts in these intervals")
    observed = float(observed_good.sum() / observed_counted.sum())
    levels = {state: np.array(good[state].sum() / counted[state].sum()) for state in good}
    shared = {name: float(value) for name, value in _shapley(levels).items()}
    planned, actual = float(levels[_OFF, 0, 0, _OFF]), float(levels[_ON, 1, 1, _ON])
    ends = _intervals_of(intervals, good, counted, promise.target, seed)
    parts = tuple(
        Part(name, planned - promise.target if name == "plan" else shared[name], *ends.get(name, (None, None)))
        for name in PARTS
    )
    each = _shapley({state: (good[state] - planned * counted[state]) / counted[state].sum() for state in good})
    days = _grouped(intervals.day)
    of_day = _sums(days, observed_counted)
    modelled = _quotient(_sums(days, good[_ON, 1, 1, _ON]), _sums(days, counted[_ON, 1, 1, _ON]))
    seen = _quotient(_sums(days, observed_good), of_day)
    known = np.isfinite(modelled) & np.isfinite(seen)
    error, miss = (
        float(np.average(np.abs(seen - other)[known], weights=of_day[known])) if known.any() else 0.0
        for other in (modelled, np.full_like(seen, promise.target))
    )
    unexplained = observed - actual
    # What is laid to somebody in the period: a plan far from its target would let any model pass.
    laid = sum(abs(part.value) for part in parts if part.id != "plan")
    at_end = calibrated_patience and any(
        one <= LEAST_PATIENCE_S * _AT_END or one >= MOST_PATIENCE_S / _AT_END for one in patience_s.values()
    )
    reasons = {
        Unfit.UNEXPLAINED: abs(unexplained) > max(promise.material, laid / 2),
        Unfit.UNUSED: used_share < LEAST_USED,
        Unfit.PATIENCE: at_end,
        Unfit.DAYS: error > max(miss / 2, DAILY_ERROR),
        Unfit.GIVING_UP: _gives_up_otherwise(intervals, promise, patience_s),
    }
    return SharedOut(
        observed=observed,
        target=promise.target,
        good=float(observed_good.sum()),
        counted=float(observed_counted.sum()),
        parts=parts,
        ordered_off=shared["ordered_off"],
        unexplained=unexplained,
        unfit=tuple(reason for reason, holds in reasons.items() if holds),
        used_share=used_share,
        patience_s=dict(patience_s),
        daily_error=error,
        daily_miss=miss,
        by_interval={name: each[name] for name in PARTS[1:]},
        levels={state: float(level) for state, level in levels.items()},
    )


def suppose(  # noqa: PLR0913 - what was, and what is supposed of it
    intervals: Intervals,
    promise: Promise,
    patience_s: Mapping[int, float],
    *,
    volume: float = 1.0,
    handled: float = 1.0,
    more: Floats | float = 0.0,
) -> float:
    """The model's level, had things been otherwise than they were.

    :param volume: times as many contacts
    :param handled: times as long
    :param more: positions there beyond those that were, by interval; never fewer than none are left
    :raises ValueError: where nothing counts
    """
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    good, counted = _modelled(
        promise,
        rates(intervals) * volume,
        intervals.seconds,
        handling(intervals) * handled,
        patience,
        np.maximum(intervals.staffed + more, 0.0),
    )
    if counted.sum() <= 0:
        raise ValueError("nothing counts in these intervals")
    return float(good.sum() / counted.sum())


def share_to_keep(intervals: Intervals, promise: Promise, patience_s: Mapping[int, float]) -> float | None:
    """By what share more positions in every interval would have kept the target, by the model.

    0 where it was kept; None where ten times as many would not have.
    """

    def short(share: float) -> float:
        return suppose(intervals, promise, patience_s, more=intervals.staffed * share) - promise.target

    if short(0.0) >= 0:
        return 0.0
    high = _FIRST_SHARE
    while short(high) < 0:
        high *= 2
        if high > _MOST_SHARE:
            return None
    return float(optimize.brentq(short, 0.0, high, xtol=1e-6))


def _gives_up_otherwise(intervals: Intervals, promise: Promise, patience_s: Mapping[int, float]) -> bool:
    """Whether those who gave up did so at once less than half, or more than twice, as often as the model has it.

    Patience calibrated to how many gave up leaves open how soon; where everybody gives up after the same time nothing
    else tells, and the parts are two points off.
    """
    if intervals.short is None or promise.short_s <= 0:
        return False
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    rate = rates(intervals)
    states = queues(
        rate / intervals.seconds, handling(intervals), patience, intervals.staffed, promise.within_s, promise.short_s
    )
    gone, short = float((rate * states.p_abandon).sum()), float((rate * states.p_short).sum())
    expected = float(intervals.abandoned.sum()) * (short / gone if gone else 0.0)
    seen = float(intervals.short.sum())
    if abs(seen - expected) <= _CHANCE * math.sqrt(max(expected, 1.0)):
        return False
    return not expected / 2 <= seen <= expected * 2


# The states of the causes -----------------------------------------------------------------------------------------


def _values(
    intervals: Intervals,
    promise: Promise,
    patience_s: Mapping[int, float],
) -> dict[State, tuple[Floats, Floats]]:
    """Good and counted contacts of each interval in each state of the causes, by the model."""
    rate, aht = rates(intervals), handling(intervals)
    locked = intervals.forecast
    inside = np.clip(rate, locked * (1 - promise.band), locked * (1 + promise.band))
    volumes = (locked, inside, locked + rate - inside, rate)
    handles = (intervals.forecast_aht, aht)
    planning = intervals.scheduled - intervals.required
    # What the customer ordered off is at most what was not there.
    absent = np.maximum(intervals.scheduled - intervals.staffed, 0)
    ordered = -np.minimum(np.nan_to_num(intervals.ordered_off), absent)
    presence = intervals.staffed - intervals.scheduled
    presences = (np.zeros_like(presence), presence - ordered, ordered, presence)
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    found: dict[State, tuple[Floats, Floats]] = {}

    def made(state: State) -> tuple[Floats, Floats, Floats]:
        volume, handled, planned, present = state
        agents = np.maximum(intervals.required + planned * planning + presences[present], 0)
        return volumes[volume], handles[handled], agents

    for state in _states():
        offered, handled, agents = made(state)
        good, counted = np.full_like(offered, np.nan), np.full_like(offered, np.nan)
        new = np.ones(offered.size, dtype=bool)
        for earlier in _neighbours(state):
            if earlier in found:
                same = new & np.logical_and.reduce(
                    [now == then for now, then in zip((offered, handled, agents), made(earlier), strict=True)]
                )
                good[same], counted[same] = (one[same] for one in found[earlier])
                new &= ~same
        good[new], counted[new] = _modelled(
            promise, *(one[new] for one in (offered, intervals.seconds, handled, patience, agents))
        )
        found[state] = good, counted
    return found


def _states() -> list[State]:
    """Every state that is asked for: both halves only in the turn of their own cause."""
    whole: list[State] = [
        (volume, handled, planned, present)
        for volume, handled, planned, present in itertools.product((_OFF, _ON), (0, 1), (0, 1), (_OFF, _ON))
    ]
    halves: list[State] = []
    for volume, handled, planned, present in whole:
        if volume == _OFF:
            halves += [(half, handled, planned, present) for half in (1, 2)]
        if present == _OFF:
            halves += [(volume, handled, planned, half) for half in (1, 2)]
    return whole + halves


def _neighbours(state: State) -> list[State]:
    """States that differ in one cause, from which an interval can be taken where that cause changes nothing."""
    volume, handled, planned, present = state
    return [
        *((other, handled, planned, present) for other in (_OFF, _ON) if other != volume),
        (volume, 0, planned, present),
        (volume, handled, 0, present),
        *((volume, handled, planned, other) for other in (_OFF, _ON) if other != present),
    ]


def _modelled(  # noqa: PLR0913 - a state of a queue
    promise: Promise,
    offered: Floats,
    seconds: Floats,
    handle_s: Floats,
    patience_s: Floats,
    agents: Floats,
) -> tuple[Floats, Floats]:
    short_s = promise.short_s if promise.abandons is Abandons.EXCLUDE_SHORT else 0.0
    states = queues(offered / seconds, handle_s, patience_s, agents, promise.within_s, short_s)
    left_out = {
        Abandons.COUNT: np.zeros_like(offered),
        Abandons.EXCLUDE_SHORT: states.p_short,
        Abandons.EXCLUDE_ALL: states.p_abandon,
    }[promise.abandons]
    return offered * states.p_within, offered * (1 - left_out)


# Shapley values ----------------------------------------------------------------------------------------------------

_WEIGHTS = (1 / 4, 1 / 12, 1 / 12, 1 / 4)  # of a set of 0 to 3 others, among four causes


def _shapley(levels: Mapping[State, Floats]) -> dict[str, Floats]:
    """The mean of what each cause changes over all orders, and of the halves of volume and presence in their turn."""
    whole = (_ON, 1, 1, _ON)
    shared: dict[str, Floats] = {}
    for at, name in enumerate(_CAUSES):
        halves = {"volume": _HALVES[:2], "presence": _HALVES[2:]}.get(name)
        for chosen in itertools.product((False, True), repeat=3):
            others = [whole[cause] if on else 0 for cause, on in zip(_others(at), chosen, strict=True)]
            weight = _WEIGHTS[sum(chosen)]
            off, on = (_with(others, at, turn) for turn in (0, whole[at]))
            _add(shared, name, weight * (levels[on] - levels[off]))
            if halves is not None:
                first, second = (_with(others, at, turn) for turn in (1, 2))
                _add(shared, halves[0], weight / 2 * (levels[first] - levels[off] + levels[on] - levels[second]))
                _add(shared, halves[1], weight / 2 * (levels[second] - levels[off] + levels[on] - levels[first]))
    return shared


def _others(at: int) -> list[int]:
    return [cause for cause in range(4) if cause != at]


def _with(others: Sequence[int], at: int, turn: int) -> State:
    made = [*others[:at], turn, *others[at:]]
    return made[0], made[1], made[2], made[3]


def _add(shared: dict[str, Floats], name: str, value: Floats) -> None:
    shared[name] = shared[name] + value if name in shared else value


def _intervals_of(
    intervals: Intervals,
    good: Mapping[State, Floats],
    counted: Mapping[State, Floats],
    target: float,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """95 % intervals by resampling weeks, or days where there are few; none under ten days."""
    units = _grouped(intervals.week)
    if units.max(initial=-1) + 1 < LEAST_WEEKS:
        units = _grouped(intervals.day)
        if units.max(initial=-1) + 1 < LEAST_DAYS:
            return {}
    count = int(units.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    levels = {
        state: _quotient(drawn @ _sums(units, good[state]), drawn @ _sums(units, counted[state])) for state in good
    }
    shared = _shapley(levels) | {"plan": levels[_OFF, 0, 0, _OFF] - target}
    found = {}
    for name in PARTS:
        low, high = np.nanquantile(shared[name], (0.025, 0.975))
        found[name] = (float(low), float(high))
    return found


def _grouped(*keys: Ints) -> Ints:
    """Each row's group, numbered from 0."""
    if keys[0].size == 0:
        return np.zeros(0, dtype=np.int64)
    _, at = np.unique(np.stack(keys), axis=1, return_inverse=True)
    return np.asarray(np.ravel(at), dtype=np.int64)


def _sums(groups: Ints, values: NDArray[np.generic]) -> Floats:
    sums = np.bincount(groups, np.asarray(values, dtype=np.float64), minlength=int(groups.max(initial=-1)) + 1)
    return np.asarray(sums, dtype=np.float64)


def _quotient(part: Floats, of: Floats) -> Floats:
    return np.asarray(np.divide(part, of, out=np.full(of.shape, np.nan), where=of > 0))
