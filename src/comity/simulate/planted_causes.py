"""Evaluation of attribution with planted causes: queues are simulated call by call, and parts compared with the truth.

A day is simulated event by event: callers arrive by the true rate, take a free agent, wait in order, abandon by their
own patience, and in some scenarios redial or are served by agents of both queues. The true parts follow from the true
rates, handle times and positions, by the same attribution without estimates.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comity.core.agreements.kpi import Abandons
from comity.core.economics.attribution import (
    AgreedLevel,
    Intervals,
    SharedOut,
    calibrate_patience,
    share_out,
    with_required_positions,
)

Floats = NDArray[np.float64]

DAYS, SLOTS, SECONDS = 65, 20, 1800.0  # thirteen weeks of five days, ten hours
PATIENCE_S = 150.0
AGREED_LEVEL = AgreedLevel(
    target=0.8, within_s=20.0, short_s=5.0, abandons=Abandons.EXCLUDE_SHORT, band=0.1, material=0.02
)
REDIAL_AFTER_S = 240.0
_REPETITIONS = 4  # of a quarter, to know a level that no formula tells to a fifth of a point


@dataclass(frozen=True, slots=True)
class Scenario:
    """Planted causes, as factors of the plan; `right` is whether Erlang A is the right model."""

    name: str
    meaning: str
    volume: float = 1.0
    days: float = 0.0  # how far days differ from their forecast, as a standard deviation of the logarithm
    handling: float = 1.0
    planning: float = 1.0
    presence: float = 1.0
    ordered: float = 0.0  # share of positions that the customer orders off
    size: float = 60.0  # contacts in a half hour
    patience: str = "exponential"
    redials: float = 0.0
    pooled: bool = False
    right: bool = True


SCENARIOS = (
    Scenario("as planned", "nothing differs from the plan"),
    Scenario("perfect forecast", "the forecast is right, in small queues, with too few there", size=8, presence=0.9),
    Scenario("volume within the band", "6 % more contacts than forecast", volume=1.06),
    Scenario("volume beyond the band", "18 % more contacts than forecast", volume=1.18),
    Scenario("days that differ", "days 15 % off their forecast, either way", days=0.15),
    Scenario("longer handling", "contacts take 10 % longer", handling=1.1),
    Scenario("rostered too few", "8 % fewer rostered than required", planning=0.92),
    Scenario("absent", "8 % of those rostered are not there", presence=0.92),
    Scenario("ordered off", "the customer orders 8 % to a training", ordered=0.08),
    Scenario(
        "everything",
        "12 % more, 5 % longer, 4 % fewer, 5 % absent",
        volume=1.12,
        handling=1.05,
        planning=0.96,
        presence=0.95,
    ),
    Scenario("one makes up for another", "10 % more contacts, 10 % more rostered", volume=1.1, planning=1.1),
    Scenario(
        "another patience", "everybody gives up after the same time", patience="fixed", presence=0.88, right=False
    ),
    Scenario(
        "impatient or endless", "half give up at once, half hardly ever", patience="split", presence=0.88, right=False
    ),
    Scenario("calling again", "four in five who give up call again", redials=0.8, presence=0.84, right=False),
    Scenario("skills mixed", "agents rostered for one queue serve both", pooled=True, presence=0.88, right=False),
)


@dataclass(frozen=True, slots=True)
class ScenarioResult:
    """One simulated quarter: its attribution, and the planted parts."""

    scenario: Scenario
    seed: int
    attribution: SharedOut
    planted: Mapping[str, float]

    @property
    def parts(self) -> Mapping[str, float]:
        """The attributed parts by name, with `volume` as the sum of its halves, as some truths have it."""
        parts = {part.id: part.value for part in self.attribution.parts}
        return parts | {"volume": parts["volume_inside"] + parts["volume_outside"]}

    @property
    def whole_planted(self) -> Mapping[str, float]:
        """The planted parts, with `volume` as the sum of its halves."""
        halves = [self.planted[name] for name in ("volume_inside", "volume_outside") if name in self.planted]
        return {**self.planted, "volume": math.fsum(halves)} if halves else self.planted

    @property
    def max_error(self) -> float:
        """The largest absolute difference of a part from the planted one."""
        return max(abs(self.parts[name] - value) for name, value in self.planted.items())


def evaluate_scenarios(seeds: int, progress: Callable[[int, int], None] | None = None) -> Iterator[ScenarioResult]:
    """Simulate every scenario with seeds from 1 to `seeds`.

    :param progress: called with the number done and the total
    """
    for number, (scenario, seed) in enumerate(itertools.product(SCENARIOS, range(1, seeds + 1)), 1):
        yield simulate_scenario(scenario, seed)
        if progress is not None:
            progress(number, len(SCENARIOS) * seeds)


def results_table(all_results: Iterable[ScenarioResult], *, markdown: bool) -> str:
    """Return one row a scenario: attributed and planted parts in points, means over the seeds, and how often fit."""
    causes = ("plan", "volume", "handling", "planning", "presence")
    head = ("plant", "what was planted", *causes, "not explained", "fit", "furthest where fit")
    rows: list[tuple[str, ...]] = []
    for scenario, group in itertools.groupby(all_results, key=lambda result: result.scenario):
        results = list(group)
        fit = [result for result in results if result.attribution.fit]
        pairs = [f"{_mean(results, name, found=True)} ({_mean(results, name, found=False)})" for name in causes]
        unexplained = f"{100 * np.mean([result.attribution.unexplained for result in results]):+.1f}"
        max_error = f"{100 * max(result.max_error for result in fit):.1f}" if fit else "-"
        rows.append((scenario.name, scenario.meaning, *pairs, unexplained, f"{len(fit)} of {len(results)}", max_error))
    if markdown:
        return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)) + "\n"
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)) + "\n"


def _mean(results: Sequence[ScenarioResult], name: str, *, found: bool) -> str:
    return f"{100 * np.mean([(result.parts if found else result.whole_planted)[name] for result in results]):+.1f}"


def simulate_scenario(scenario: Scenario, seed: int) -> ScenarioResult:
    """Simulate a quarter of two queues, attribute it, and compute the planted parts.

    Where the model is wrong the planted parts come from simulation, which takes sixty times as long.
    """
    plan, rate, handle, rng = _plan_and_truth(scenario, seed)
    attribution = _attribute(scenario, plan, rate, handle, rng)
    planted = (
        _true_parts_by_model(plan, rate, handle)
        if scenario.right
        else _true_parts_by_simulation(scenario, plan, rate, handle, seed)
    )
    return ScenarioResult(scenario, seed, attribution, planted)


def attribute_scenario(scenario: Scenario, seed: int) -> SharedOut:
    """Simulate and attribute a quarter without computing the planted parts."""
    return _attribute(scenario, *_plan_and_truth(scenario, seed))


def _plan_and_truth(scenario: Scenario, seed: int) -> tuple[Intervals, Floats, Floats, np.random.Generator]:
    """Return the plan, the true rates, the true handle times, and the random generator."""
    rng = np.random.default_rng([seed, *scenario.name.encode()])
    plan = _with_staffing(scenario, _plan(scenario), rng)
    by_day = np.exp(rng.normal(-(scenario.days**2) / 2, scenario.days, int(plan.day.max()) + 1))[plan.day]
    return plan, plan.forecast * scenario.volume * by_day, plan.forecast_aht * scenario.handling, rng


def _attribute(
    scenario: Scenario, plan: Intervals, rate: Floats, handle: Floats, rng: np.random.Generator
) -> SharedOut:
    actual = _simulate(scenario, plan, rate, handle, rng)
    return share_out(actual, AGREED_LEVEL, calibrate_patience(actual), calibrated_patience=True)


def _true_parts_by_model(plan: Intervals, rate: Floats, handle: Floats) -> Mapping[str, float]:
    """Compute the planted parts where the model is right, from the true rates, handle times and patience."""
    truth = replace(plan, rate=rate, count=rate, answered=rate, handle_s=rate * handle)
    shared = share_out(truth, AGREED_LEVEL, dict.fromkeys((0, 1), PATIENCE_S))
    return {part.id: part.value for part in shared.parts}


def _true_parts_by_simulation(
    scenario: Scenario, plan: Intervals, rate: Floats, handle: Floats, seed: int
) -> Mapping[str, float]:
    """Compute the planted parts where the model is wrong, by simulation with each set of causes switched."""
    levels = {}
    for switched in itertools.product((False, True), repeat=4):
        volume, handled, planned, present = switched
        agents = plan.scheduled if planned else plan.required
        agents = np.maximum(agents + (plan.staffed - plan.scheduled if present else 0.0), 0)
        good = counted = 0.0
        for number in range(_REPETITIONS):
            actual = _simulate(
                scenario,
                replace(plan, staffed=agents),
                rate if volume else plan.forecast,
                handle if handled else plan.forecast_aht,
                np.random.default_rng([seed, number]),
            )
            good += actual.good.sum()
            counted += actual.count.sum() - (0.0 if actual.short is None else actual.short.sum())
        levels[switched] = float(good / counted)
    parts = {"plan": levels[False, False, False, False] - AGREED_LEVEL.target}
    for at, name in enumerate(("volume", "handling", "planning", "presence")):
        parts[name] = math.fsum(
            (levels[*others[:at], True, *others[at:]] - levels[*others[:at], False, *others[at:]])
            / (4 * math.comb(3, sum(others)))
            for others in itertools.product((False, True), repeat=3)
        )
    return parts


def _plan(scenario: Scenario) -> Intervals:
    """Return the plan of two queues with a rhythm of day and week, and the positions that meet the target."""
    size = DAYS * SLOTS * 2
    day, slot, queue = np.unravel_index(np.arange(size), (DAYS, SLOTS, 2))
    rhythm = 1 + 0.35 * np.sin(slot / SLOTS * np.pi * 2) + np.where(day % 5 == 0, 0.15, 0.0)
    forecast = scenario.size * rhythm * np.where(queue == 0, 1.0, 0.6)
    aht = np.where(queue == 0, 240.0, 330.0)
    nothing = np.zeros(size)
    blank = Intervals(
        queue=queue, day=day // 5 * 7 + day % 5, week=day // 5, seconds=np.full(size, SECONDS),
        forecast=forecast, forecast_aht=aht, required=np.full(size, np.nan), scheduled=nothing, staffed=nothing,
        ordered_off=nothing, count=nothing, answered=nothing, good=nothing, abandoned=nothing, short=nothing,
        handle_s=nothing,
    )  # fmt: skip
    required = with_required_positions(blank, AGREED_LEVEL, dict.fromkeys((0, 1), PATIENCE_S)).required
    return replace(blank, required=required)


def _with_staffing(scenario: Scenario, plan: Intervals, rng: np.random.Generator) -> Intervals:
    """Fill scheduled, ordered-off and staffed positions, rounded at random so that their means are exact."""

    def whole(positions: Floats) -> Floats:
        return np.floor(positions + rng.random(positions.size))

    scheduled = whole(plan.required * scenario.planning)
    ordered = whole(scheduled * scenario.ordered)
    staffed = whole((scheduled - ordered) * scenario.presence)
    return replace(plan, scheduled=scheduled, staffed=staffed, ordered_off=ordered)


def _simulate(scenario: Scenario, plan: Intervals, rate: Floats, handle: Floats, rng: np.random.Generator) -> Intervals:
    """Simulate every day, and count each contact in the interval of its arrival, as an ACD does."""
    names = ("count", "answered", "good", "abandoned", "short", "handle_s")
    counts = {name: np.zeros(plan.queue.size) for name in names}
    teams = [np.array([0, 1])] if scenario.pooled else [np.array([0]), np.array([1])]
    for day in np.unique(plan.day):
        for team in teams:
            rows = np.flatnonzero((plan.day == day) & np.isin(plan.queue, team))
            _simulate_day(scenario, plan, rate, handle, rows, counts, rng)
    return replace(
        plan,
        count=counts["count"],
        answered=counts["answered"],
        good=counts["good"],
        abandoned=counts["abandoned"],
        short=counts["short"],
        handle_s=counts["handle_s"],
    )


def _simulate_day(  # noqa: PLR0913 - one team's day
    scenario: Scenario,
    plan: Intervals,
    rate: Floats,
    handle: Floats,
    rows: NDArray[np.intp],
    counts: dict[str, Floats],
    rng: np.random.Generator,
) -> None:
    """Process callers in the order of arrival; the agent who is free first takes the next who still waits.

    Abandoned calls take no agent's time, so that a heap of the moments at which agents become free gives each caller's
    wait, without an event for abandoning.
    """
    slots = rows.reshape(SLOTS, -1)
    positions = plan.staffed[slots].sum(axis=1).astype(int)
    calls: list[tuple[float, int, bool]] = []  # when, which row, whether again
    for number, slot in enumerate(slots):
        for row in slot.tolist():
            came = rng.uniform(number * SECONDS, (number + 1) * SECONDS, rng.poisson(rate[row]))
            calls += [(at, row, False) for at in came.tolist()]
    heapq.heapify(calls)
    free: list[float] = []
    now = -1
    while calls:
        at, row, is_redial = heapq.heappop(calls)
        slot_now = int(at // SECONDS)
        while now < slot_now:
            now += 1
            for _ in range(len(free) - positions[now]):
                heapq.heappop(free)
            for _ in range(positions[now] - len(free)):
                heapq.heappush(free, now * SECONDS)
        wait = max(free[0] - at, 0.0) if free else np.inf
        patience = _patience(scenario, rng)
        # Redials are not counted, as `gather` excludes them where callers are known; they still occupy agents.
        weight = 0 if is_redial else 1
        counts["count"][row] += weight
        if wait > patience:
            counts["abandoned"][row] += weight
            counts["short"][row] += weight * (patience <= AGREED_LEVEL.short_s)
            redial_at = at + patience + rng.exponential(REDIAL_AFTER_S)
            if rng.random() < scenario.redials and redial_at < SLOTS * SECONDS:
                heapq.heappush(calls, (redial_at, row + 2 * (int(redial_at // SECONDS) - slot_now), True))
            continue
        handle_time = rng.exponential(handle[row])
        heapq.heapreplace(free, at + wait + handle_time)
        counts["answered"][row] += weight
        counts["good"][row] += weight * (wait <= AGREED_LEVEL.within_s)
        counts["handle_s"][row] += weight * handle_time


def _patience(scenario: Scenario, rng: np.random.Generator) -> float:
    if scenario.patience == "fixed":
        return PATIENCE_S
    if scenario.patience == "split":
        return float(rng.exponential(4.0 if rng.random() < 0.5 else 20 * PATIENCE_S))  # noqa: PLR2004 - half and half
    return float(rng.exponential(PATIENCE_S))
