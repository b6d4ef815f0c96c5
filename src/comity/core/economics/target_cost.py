"""Cost of a service-level target in hours on the phones: the staffing of a demand profile by two policies.

*In every interval*: the least in each that meets the target there. *Over the period*: as few hours as meet it pooled
over all contacts. There agents are added in blocks, each to the interval where it gains most per hour: the share that
is answered in time is S-shaped in the number of agents, so that a single agent may gain nothing where three gain much.
The blocks are the edges of the upper hull of each interval's curve, and of the last one only so many agents as are
needed.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from comity.core.agreements.kpi import Abandons
from comity.core.economics.erlang import queues

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

_LOAD_DEVIATIONS = 6.0  # deviations above the load up to which agents are tried
_EXTRA_AGENTS = 12
_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand profile, one entry an interval: contacts expected, seconds long, handle time, patience (s)."""

    offered: Floats
    seconds: Floats
    handle_s: Floats
    patience_s: Floats


@dataclass(frozen=True, slots=True)
class Rules:
    """Formula of the service level, least number of agents in an interval, largest share of abandons.

    `exclude-all` counts only who was answered, and needs a limit on abandonment.
    """

    within_s: float
    short_s: float = 0.0
    abandons: Abandons = Abandons.COUNT
    least: int = 0
    most_abandon: float = 1.0


@dataclass(frozen=True, slots=True)
class Plans:
    """One entry a target: hours on the phones, the service level reached, and contacts by what became of them.

    `good` answered in time, `answered`, `abandoned`; `handled_h` hours of handling. `dominated`: another target asks
    for no more hours and gives a level and an abandonment that are no worse, one of them better. NaN where a target is
    not reached.
    """

    targets: Floats
    hours: Floats
    level: Floats
    good: Floats
    answered: Floats
    abandoned: Floats
    handled_h: Floats

    @property
    def dominated(self) -> NDArray[np.bool_]:
        """Which targets are dominated by another one."""
        dominated = np.zeros(self.targets.size, dtype=bool)
        for at in range(self.targets.size):
            no_worse = (self.hours <= self.hours[at]) & (self.level >= self.level[at])
            no_worse &= self.abandoned <= self.abandoned[at]
            better = (self.hours < self.hours[at]) | (self.level > self.level[at])
            better |= self.abandoned < self.abandoned[at]
            dominated[at] = bool((no_worse & better).any())
        return dominated

    def only(self, at: int) -> "Plans":
        """Return the plans of one target alone."""
        return Plans(*(getattr(self, one.name)[at : at + 1] for one in fields(self)))


@dataclass(frozen=True, slots=True)
class _Grid:
    """Good, counted and abandoned contacts of each interval with 0, 1, 2, ... agents: [intervals, agents]."""

    good: Floats
    counted: Floats
    abandoned: Floats

    @classmethod
    def of(cls, demand: Demand, rules: Rules) -> "_Grid":
        load = demand.offered / demand.seconds * demand.handle_s
        most = int(max(np.ceil(load + _LOAD_DEVIATIONS * np.sqrt(load) + _EXTRA_AGENTS).max(initial=0), rules.least))
        agents = np.arange(most + 1, dtype=np.float64)[None, :]
        short_s = rules.short_s if rules.abandons is Abandons.EXCLUDE_SHORT else 0.0
        states = queues(
            (demand.offered / demand.seconds)[:, None],
            demand.handle_s[:, None],
            demand.patience_s[:, None],
            agents,
            rules.within_s,
            short_s,
        )
        left_out = {
            Abandons.COUNT: np.zeros_like(states.p_short),
            Abandons.EXCLUDE_SHORT: states.p_short,
            Abandons.EXCLUDE_ALL: states.p_abandon,
        }[rules.abandons]
        offered = demand.offered[:, None]
        return cls(offered * states.p_within, offered * (1 - left_out), offered * states.p_abandon)


def plan_every_interval(demand: Demand, rules: Rules, targets: Sequence[float]) -> Plans:
    """The least staffing that meets each target in every interval.

    :raises ValueError: for targets that are no shares below 1, and `exclude-all` without a limit on abandonment
    """
    target_array, grid = _check_and_grid(demand, rules, targets)
    agents, reached = _least_in_every_interval(demand, rules, grid, target_array)
    return _plans(demand, grid, target_array, agents, reached)


def _least_in_every_interval(demand: Demand, rules: Rules, grid: _Grid, targets: Floats) -> tuple[Ints, Flags]:
    """Agents by target and interval, and whether each target is reached."""
    level = np.divide(grid.good, grid.counted, out=np.zeros_like(grid.good), where=grid.counted > 0)
    allowed = grid.abandoned <= rules.most_abandon * demand.offered[:, None]
    # From how many agents on the level is never below: what makes the search one of a rising line.
    rising = np.minimum.accumulate(np.where(allowed, level, 0.0)[:, ::-1], axis=1)[:, ::-1]
    agents = np.stack([np.searchsorted(line, targets) for line in rising], axis=1)
    agents[:, demand.offered == 0] = 0
    agents = np.maximum(agents, rules.least)
    reached = (agents < rising.shape[1]).all(axis=1)
    return np.minimum(agents, rising.shape[1] - 1), reached


def plan_over_period(demand: Demand, rules: Rules, targets: Sequence[float]) -> Plans:
    """As few hours as meet each target over all contacts, in blocks of agents by what they gain per hour.

    A block is added whole before it is cut, so that the blocks can cost more than the least staffing of every
    interval, which meets a target over the period too: where that is cheaper, it is the plan.

    :raises ValueError: as `plan_every_interval`
    """
    target_array, grid = _check_and_grid(demand, rules, targets)
    aim = float(target_array.max(initial=0.0))
    gain = grid.good - aim * grid.counted
    if rules.abandons is Abandons.COUNT:
        gain = grid.good
    blocks = sorted(
        (
            (-(gain[row, last] - gain[row, first]) / ((last - first) * demand.seconds[row]), row, first, last)
            for row in range(demand.offered.size)
            for first, last in _upper_hull(gain[row], rules.least)
        ),
    )
    agents = np.full(demand.offered.size, rules.least)
    order = np.argsort(target_array, kind="stable")
    chosen = np.zeros((target_array.size, demand.offered.size), dtype=np.int64)
    reached = np.zeros(target_array.size, dtype=bool)
    rows = np.arange(demand.offered.size)
    good, counted, abandoned = (values[rows, agents].sum() for values in (grid.good, grid.counted, grid.abandoned))
    offered = demand.offered.sum()
    next_block = 0

    def met(target: float, good: float, counted: float, abandoned: float) -> bool:
        return good >= target * counted and abandoned <= rules.most_abandon * offered

    for at in order.tolist():
        target = float(target_array[at])
        while not met(target, good, counted, abandoned) and next_block < len(blocks):
            _, row, first, last = blocks[next_block]
            now = int(agents[row])
            if now < first or now >= last:
                next_block += 1
                continue
            # Of the block only so many as are needed; the rest of it comes first for the next target.
            for number in range(now + 1, last + 1):
                tried = [
                    total + values[row, number] - values[row, now]
                    for total, values in ((good, grid.good), (counted, grid.counted), (abandoned, grid.abandoned))
                ]
                if met(target, *tried) or number == last:
                    agents[row] = number
                    good, counted, abandoned = tried
                    break
        chosen[at] = agents
        reached[at] = met(target, good, counted, abandoned)
    each, each_reached = _least_in_every_interval(demand, rules, grid, target_array)
    cheaper = each_reached & (~reached | (each @ demand.seconds < chosen @ demand.seconds))
    chosen[cheaper], reached[cheaper] = each[cheaper], True
    return _plans(demand, grid, target_array, chosen, reached)


def _check_and_grid(demand: Demand, rules: Rules, targets: Sequence[float]) -> tuple[Floats, _Grid]:
    target_array = np.asarray(targets, dtype=np.float64)
    if not ((target_array >= 0) & (target_array < 1)).all():
        raise ValueError("targets are shares from 0 to below 1: 0.8 for 80 %")
    if rules.abandons is Abandons.EXCLUDE_ALL and rules.most_abandon >= 1:
        raise ValueError(
            "a level of those answered alone needs a limit on abandonment; state the share that may give up"
        )
    return target_array, _Grid.of(demand, rules)


def _upper_hull(line: Floats, least: int) -> list[tuple[int, int]]:
    """Return the rising edges of the upper convex hull of a line, as pairs of indexes from `least` on."""
    corners: list[int] = []
    for at in range(least, line.size):
        while len(corners) > 1:
            one, two = corners[-2:]
            if (line[two] - line[one]) * (at - one) > (line[at] - line[one]) * (two - one):
                break
            corners.pop()
        corners.append(at)
    return [(first, last) for first, last in itertools.pairwise(corners) if line[last] > line[first]]


def _plans(demand: Demand, grid: _Grid, targets: Floats, agents: Ints, reached: NDArray[np.bool_]) -> Plans:
    rows = np.arange(demand.offered.size)
    good, counted, abandoned = (
        values[rows, agents].sum(axis=1) for values in (grid.good, grid.counted, grid.abandoned)
    )
    answered = demand.offered[None, :] - grid.abandoned[rows, agents]
    columns = {
        "hours": (agents * demand.seconds).sum(axis=1) / _HOUR,
        "level": np.divide(good, counted, out=np.full_like(good, np.nan), where=counted > 0),
        "good": good,
        "answered": answered.sum(axis=1),
        "abandoned": abandoned,
        "handled_h": (answered * demand.handle_s).sum(axis=1) / _HOUR,
    }
    return Plans(targets, **{name: np.where(reached, values, np.nan) for name, values in columns.items()})
