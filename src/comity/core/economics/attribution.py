"""Attribution of a service level: the change from plan to actual, divided among causes by Shapley values.

Four causes are switched from planned to actual: volume, handling, planning, presence. Whatever the order in which
that is done, each gets the mean of what it changes over all orders (Shapley 1953), so that the parts add up and no
order of telling favours a side. Volume is one cause whose turn is shared by two halves, inside and outside of the
agreed band; presence likewise by agents who were not there and absence that the customer ordered. The service
level of each state is the model's (`erlang`), so that chance within the interval is in none of the parts.
"""

import dataclasses
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from comity.core.agreements.kpi import Abandons
from comity.core.economics.erlang import queues
from comity.core.economics.staffing import Variant, agents_for

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

RESAMPLES = 400
LEAST_PATIENCE_S, MOST_PATIENCE_S = 1.0, 1e5
MIN_USED_SHARE = 0.9  # of what was offered
LEAST_WEEKS, LEAST_DAYS = 8, 10
DAILY_ERROR = 0.05
_VARIANTS = {Abandons.COUNT: Variant.V1, Abandons.EXCLUDE_SHORT: Variant.V6, Abandons.EXCLUDE_ALL: Variant.V3}
_AT_BOUND = 1.01  # so near to an end, patience is at it
_FIRST_SHARE, _MOST_SHARE = 0.1, 10.0  # of the positions that were there, tried to keep a target
_CHANCE_DEVIATIONS = 3.0  # deviations beyond which a count of early abandons is none of chance


PARTS = ("plan", "volume_inside", "volume_outside", "handling", "planning", "presence")
_HALVES = ("volume_inside", "volume_outside", "present", "ordered_off")

# A state of the causes: volume 0 planned, 1 inside only, 2 outside only, 3 actual; handling, planning; presence as
# volume: 1 those not there, 2 those ordered off, 3 both.
State = tuple[int, int, int, int]
_OFF, _ON = 0, 3
_CAUSES = ("volume", "handling", "planning", "presence")


class Unfit(StrEnum):
    """Why an attribution is not fit for use."""

    UNEXPLAINED = "unexplained"
    UNUSED = "unused"
    PATIENCE = "patience"
    DAYS = "days"
    GIVING_UP = "giving_up"


@dataclass(frozen=True, slots=True)
class Intervals:
    """Plan and actual, one entry an interval and queue; only intervals of which both are known.

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
class AgreedLevel:
    """The agreed service level: formula, target, volume band, material change.

    `target`, `band` and `material` are shares, `within_s` and `short_s` seconds.
    """

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
        """Whether the attribution is fit for use."""
        return not self.unfit


def arrival_rates(intervals: Intervals) -> Floats:
    """The rate behind each count, in contacts an interval: the model holds the chance of single contacts already.

    Three steps for each queue, the same in the second and the third: the forecast is scaled to what came in all; of
    what a day then differs from it, and of what an interval differs from its day, the part beyond Poisson chance is
    taken for real, 1 - 1/φ where φ, the variance over that of chance, is above 1. Were the chance of days taken for
    real, a perfect forecast of a small queue would be blamed: the service level falls more by a contact too many than
    it gains by one too few. Where nothing was forecast, the count is the rate.
    """
    if intervals.rate is not None:
        return intervals.rate
    queue, day = _group_numbers(intervals.queue), _group_numbers(intervals.queue, intervals.day)
    forecasted = intervals.forecast > 0
    count, forecast = np.where(forecasted, intervals.count, 0.0), intervals.forecast
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
    # Where more of what intervals differ by is real than of what their days do, an empty interval of a busy day would
    # come out below nothing.
    rate = np.maximum(rate, 0.0)
    return np.where(forecasted, rate, intervals.count)


def _beyond_chance(groups: Ints, off: Floats, expected: Floats, means: Floats) -> Floats:
    """By group, the share of a scatter that is beyond Poisson chance: 1 - 1/φ, φ = Σ off²/expected over its freedom.

    :param means: how many means were taken from the counts themselves
    """
    has_expected = expected > 0
    square = np.divide(off**2, expected, out=np.zeros_like(expected), where=has_expected)
    spread = _quotient(_sums(groups, square), _sums(groups, has_expected) - means)
    chance = np.divide(1.0, spread, out=np.ones_like(spread), where=spread > 1)
    return np.asarray(1 - chance)


def handle_times(intervals: Intervals) -> Floats:
    """The actual handle time of each interval: the forecast's, times the day's over the day's as forecast."""
    days = _group_numbers(intervals.queue, intervals.day)
    took = _sums(days, intervals.handle_s)
    expected = _sums(days, intervals.answered * intervals.forecast_aht)
    return np.asarray(
        intervals.forecast_aht * np.divide(took, expected, out=np.ones_like(took), where=expected > 0)[days]
    )


def counts(intervals: Intervals, abandons: Abandons) -> Floats:
    """Return the observed contacts that count by a formula, by interval."""
    if abandons is Abandons.EXCLUDE_ALL:
        return intervals.answered
    if abandons is Abandons.EXCLUDE_SHORT and intervals.short is not None:
        return intervals.count - intervals.short
    return intervals.count


def calibrate_patience(intervals: Intervals) -> dict[int, float]:
    """Calibrate the mean patience of each queue, in seconds, so that the model's abandonment is the observed one.

    Clipped to 1 s to 1e5 s.
    """
    rate, aht = arrival_rates(intervals), handle_times(intervals)
    patience_by_queue = {}
    for queue in np.unique(intervals.queue).tolist():
        selected = (intervals.queue == queue) & (rate > 0)
        abandoned = float(
            intervals.abandoned[selected].sum() * rate[selected].sum() / max(intervals.count[selected].sum(), 1)
        )

        def excess(log_patience: float, selected: NDArray[np.bool_] = selected, abandoned: float = abandoned) -> float:
            patience = math.exp(log_patience)
            states = queues(
                rate[selected] / intervals.seconds[selected], aht[selected], patience, intervals.staffed[selected], 0.0
            )
            return float((rate[selected] * states.p_abandon).sum()) - abandoned

        low, high = math.log(LEAST_PATIENCE_S), math.log(MOST_PATIENCE_S)
        if not selected.any() or excess(high) >= 0:
            patience_by_queue[queue] = MOST_PATIENCE_S
        elif excess(low) <= 0:
            patience_by_queue[queue] = LEAST_PATIENCE_S
        else:
            patience_by_queue[queue] = math.exp(_root(excess, low, high, 1e-3))
    return patience_by_queue


def with_required_positions(intervals: Intervals, promise: AgreedLevel, patience_s: Mapping[int, float]) -> Intervals:
    """Fill required positions that were not locked with the least that meet the target on the forecast.

    For `exclude-all`, abandonment is limited to 1 - target: without a limit nearly no positions would do.
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
    promise: AgreedLevel,
    patience_s: Mapping[int, float],
    *,
    used_share: float = 1.0,
    calibrated_patience: bool = False,
    seed: int = 0,
) -> SharedOut:
    """Attribute observed less target to the causes.

    :param intervals: all with a plan, accepted events taken out; `required` is a number in each
    :param patience_s: mean patience by queue
    :param used_share: of all that was offered, what these intervals hold
    :raises ValueError: where nothing counts
    """
    if promise.abandons is Abandons.EXCLUDE_SHORT and intervals.short is None:
        raise ValueError("short abandons are not told; ask for the formula that counts all")
    values = _good_and_counted(intervals, promise, patience_s)
    good = {state: value[0] for state, value in values.items()}
    counted = {state: value[1] for state, value in values.items()}
    observed_good, observed_counted = intervals.good, counts(intervals, promise.abandons)
    if observed_counted.sum() <= 0 or counted[_OFF, 0, 0, _OFF].sum() <= 0:
        raise ValueError("nothing counts in these intervals")
    observed = float(observed_good.sum() / observed_counted.sum())
    levels = {state: np.array(good[state].sum() / counted[state].sum()) for state in good}
    shared = {name: float(value) for name, value in _shapley(levels).items()}
    planned, actual = float(levels[_OFF, 0, 0, _OFF]), float(levels[_ON, 1, 1, _ON])
    part_intervals = _bootstrap_intervals(intervals, good, counted, promise.target, seed)
    parts = tuple(
        Part(
            name, planned - promise.target if name == "plan" else shared[name], *part_intervals.get(name, (None, None))
        )
        for name in PARTS
    )
    contributions = _shapley({state: (good[state] - planned * counted[state]) / counted[state].sum() for state in good})
    days = _group_numbers(intervals.day)
    of_day = _sums(days, observed_counted)
    modelled = _quotient(_sums(days, good[_ON, 1, 1, _ON]), _sums(days, counted[_ON, 1, 1, _ON]))
    observed_by_day = _quotient(_sums(days, observed_good), of_day)
    known = np.isfinite(modelled) & np.isfinite(observed_by_day)
    error, miss = (
        float(np.average(np.abs(observed_by_day - other)[known], weights=of_day[known])) if known.any() else 0.0
        for other in (modelled, np.full_like(observed_by_day, promise.target))
    )
    unexplained = observed - actual
    # Without the part `plan`: a plan far from its target would let any model pass.
    attributed = sum(abs(part.value) for part in parts if part.id != "plan")
    at_end = calibrated_patience and any(
        value <= LEAST_PATIENCE_S * _AT_BOUND or value >= MOST_PATIENCE_S / _AT_BOUND for value in patience_s.values()
    )
    reasons = {
        Unfit.UNEXPLAINED: abs(unexplained) > max(promise.material, attributed / 2),
        Unfit.UNUSED: used_share < MIN_USED_SHARE,
        Unfit.PATIENCE: at_end,
        Unfit.DAYS: error > max(miss / 2, DAILY_ERROR),
        Unfit.GIVING_UP: _early_abandons_differ(intervals, promise, patience_s),
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
        by_interval={name: contributions[name] for name in PARTS[1:]},
        levels={state: float(level) for state, level in levels.items()},
    )


def counterfactual_level(  # noqa: PLR0913 - what was, and what is supposed of it
    intervals: Intervals,
    promise: AgreedLevel,
    patience_s: Mapping[int, float],
    *,
    volume: float = 1.0,
    handled: float = 1.0,
    more: Floats | float = 0.0,
) -> float:
    """Return the level that the model gives for other volume, handle time or positions.

    :param volume: factor on the number of contacts
    :param handled: factor on the handle time
    :param more: positions beyond the actual ones, by interval; negative ones leave no fewer than 0
    :raises ValueError: where nothing counts
    """
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    good, counted = _model(
        promise,
        arrival_rates(intervals) * volume,
        intervals.seconds,
        handle_times(intervals) * handled,
        patience,
        np.maximum(intervals.staffed + more, 0.0),
    )
    if counted.sum() <= 0:
        raise ValueError("nothing counts in these intervals")
    return float(good.sum() / counted.sum())


def share_to_meet_target(intervals: Intervals, promise: AgreedLevel, patience_s: Mapping[int, float]) -> float | None:
    """Return the share of additional positions in every interval with which the model meets the target.

    0 where it was met; None where ten times as many would not have met it.
    """

    def excess(share: float) -> float:
        return counterfactual_level(intervals, promise, patience_s, more=intervals.staffed * share) - promise.target

    if excess(0.0) >= 0:
        return 0.0
    high = _FIRST_SHARE
    while excess(high) < 0:
        high *= 2
        if high > _MOST_SHARE:
            return None
    return _root(excess, 0.0, high, 1e-6)


def _early_abandons_differ(intervals: Intervals, promise: AgreedLevel, patience_s: Mapping[int, float]) -> bool:
    """Whether short abandons are less than half, or more than twice, what the model expects.

    Patience is calibrated to how many abandon, not to how soon. Where all abandon after the same time nothing else
    shows that, and the parts are two points off.
    """
    if intervals.short is None or promise.short_s <= 0:
        return False
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    rate = arrival_rates(intervals)
    states = queues(
        rate / intervals.seconds,
        handle_times(intervals),
        patience,
        intervals.staffed,
        promise.within_s,
        promise.short_s,
    )
    abandoned, short = float((rate * states.p_abandon).sum()), float((rate * states.p_short).sum())
    expected = float(intervals.abandoned.sum()) * (short / abandoned if abandoned else 0.0)
    observed = float(intervals.short.sum())
    if abs(observed - expected) <= _CHANCE_DEVIATIONS * math.sqrt(max(expected, 1.0)):
        return False
    return not expected / 2 <= observed <= expected * 2


# The states of the causes -----------------------------------------------------------------------------------------


def _good_and_counted(
    intervals: Intervals,
    promise: AgreedLevel,
    patience_s: Mapping[int, float],
) -> dict[State, tuple[Floats, Floats]]:
    """Return the model's good and counted contacts of each interval, by state of the causes."""
    rate, aht = arrival_rates(intervals), handle_times(intervals)
    locked = intervals.forecast
    inside = np.clip(rate, locked * (1 - promise.band), locked * (1 + promise.band))
    volumes = (locked, inside, locked + rate - inside, rate)
    handles = (intervals.forecast_aht, aht)
    planning = intervals.scheduled - intervals.required
    # Positions ordered off by the customer are at most those that were absent.
    absent = np.maximum(intervals.scheduled - intervals.staffed, 0)
    ordered = -np.minimum(np.nan_to_num(intervals.ordered_off), absent)
    presence = intervals.staffed - intervals.scheduled
    presences = (np.zeros_like(presence), presence - ordered, ordered, presence)
    patience = np.array([patience_s[queue] for queue in intervals.queue.tolist()])
    results: dict[State, tuple[Floats, Floats]] = {}

    def inputs(state: State) -> tuple[Floats, Floats, Floats]:
        volume, handled, planned, present = state
        agents = np.maximum(intervals.required + planned * planning + presences[present], 0)
        return volumes[volume], handles[handled], agents

    for state in _states():
        offered, handled, agents = inputs(state)
        good, counted = np.full_like(offered, np.nan), np.full_like(offered, np.nan)
        remaining = np.ones(offered.size, dtype=bool)
        for earlier in _neighbours(state):
            if earlier in results:
                same = remaining & np.logical_and.reduce(
                    [now == then for now, then in zip((offered, handled, agents), inputs(earlier), strict=True)]
                )
                good[same], counted[same] = (array[same] for array in results[earlier])
                remaining &= ~same
        good[remaining], counted[remaining] = _model(
            promise, *(array[remaining] for array in (offered, intervals.seconds, handled, patience, agents))
        )
        results[state] = good, counted
    return results


def _states() -> list[State]:
    """Return every state that the Shapley values need; halves only in the turn of their own cause."""
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
    """Return the states that differ in one cause, reused for intervals that this cause leaves unchanged."""
    volume, handled, planned, present = state
    return [
        *((other, handled, planned, present) for other in (_OFF, _ON) if other != volume),
        (volume, 0, planned, present),
        (volume, handled, 0, present),
        *((volume, handled, planned, other) for other in (_OFF, _ON) if other != present),
    ]


def _model(  # noqa: PLR0913 - a state of a queue
    promise: AgreedLevel,
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
    """Return the Shapley value of each cause, and of the halves of volume and presence within their cause."""
    whole = (_ON, 1, 1, _ON)
    shared: dict[str, Floats] = {}
    for at, name in enumerate(_CAUSES):
        halves = {"volume": _HALVES[:2], "presence": _HALVES[2:]}.get(name)
        for chosen in itertools.product((False, True), repeat=3):
            others = [whole[cause] if on else 0 for cause, on in zip(_others(at), chosen, strict=True)]
            weight = _WEIGHTS[sum(chosen)]
            off, on = (_insert_cause(others, at, turn) for turn in (0, whole[at]))
            _add(shared, name, weight * (levels[on] - levels[off]))
            if halves is not None:
                first, second = (_insert_cause(others, at, turn) for turn in (1, 2))
                _add(shared, halves[0], weight / 2 * (levels[first] - levels[off] + levels[on] - levels[second]))
                _add(shared, halves[1], weight / 2 * (levels[second] - levels[off] + levels[on] - levels[first]))
    return shared


def _others(at: int) -> list[int]:
    return [cause for cause in range(4) if cause != at]


def _insert_cause(others: Sequence[int], at: int, turn: int) -> State:
    state = [*others[:at], turn, *others[at:]]
    return state[0], state[1], state[2], state[3]


def _add(shared: dict[str, Floats], name: str, value: Floats) -> None:
    shared[name] = shared[name] + value if name in shared else value


def _bootstrap_intervals(
    intervals: Intervals,
    good: Mapping[State, Floats],
    counted: Mapping[State, Floats],
    target: float,
    seed: int,
) -> dict[str, tuple[float, float]]:
    """95 % intervals by resampling weeks, or days where there are few; none under ten days."""
    units = _group_numbers(intervals.week)
    if units.max(initial=-1) + 1 < LEAST_WEEKS:
        units = _group_numbers(intervals.day)
        if units.max(initial=-1) + 1 < LEAST_DAYS:
            return {}
    count = int(units.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), size=RESAMPLES).astype(np.float64)
    levels = {
        state: _quotient(drawn @ _sums(units, good[state]), drawn @ _sums(units, counted[state])) for state in good
    }
    shared = _shapley(levels) | {"plan": levels[_OFF, 0, 0, _OFF] - target}
    part_intervals = {}
    for name in PARTS:
        low, high = np.nanquantile(shared[name], (0.025, 0.975))
        part_intervals[name] = (float(low), float(high))
    return part_intervals


def _group_numbers(*keys: Ints) -> Ints:
    """Number the groups of equal keys from 0; one number a row."""
    if keys[0].size == 0:
        return np.zeros(0, dtype=np.int64)
    _, at = np.unique(np.stack(keys), axis=1, return_inverse=True)
    return np.asarray(np.ravel(at), dtype=np.int64)


def _sums(groups: Ints, values: NDArray[np.generic]) -> Floats:
    sums = np.bincount(groups, np.asarray(values, dtype=np.float64), minlength=int(groups.max(initial=-1)) + 1)
    return np.asarray(sums, dtype=np.float64)


def _quotient(part: Floats, of: Floats) -> Floats:
    return np.asarray(np.divide(part, of, out=np.full(of.shape, np.nan), where=of > 0))


def _root(excess: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """Where a function that changes its sign between two points is zero, by Brent's method."""
    from scipy import optimize  # noqa: PLC0415 - late: a tenth of what a process takes to start, and seldom asked

    return float(optimize.brentq(excess, low, high, xtol=tolerance))
