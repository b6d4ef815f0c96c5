"""Planted causes: queues simulated call by call, and what is shared out held against what was planted.

A day is played event by event: callers come by the true rate, take an agent who is free, wait in turn, give up by their
own patience, and in some stories call again or are served by agents of both queues. What was planted is known from
the true rates, handle times and positions, by the same sharing out without an estimate in it.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from comity.core.agreements import Abandons
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
PROMISE = AgreedLevel(target=0.8, within_s=20.0, short_s=5.0, abandons=Abandons.EXCLUDE_SHORT, band=0.1, material=0.02)
REDIAL_AFTER_S = 240.0
_PLAYS = 4  # of a quarter, to know a level that no formula tells to a fifth of a point


@dataclass(frozen=True, slots=True)
class Plant:
    """What is planted. Factors of the plan; `right` is whether Erlang A is the right model of it."""

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


PLANTS = (
    Plant("as planned", "nothing differs from the plan"),
    Plant("perfect forecast", "the forecast is right, in small queues, with too few there", size=8, presence=0.9),
    Plant("volume within the band", "6 % more contacts than forecast", volume=1.06),
    Plant("volume beyond the band", "18 % more contacts than forecast", volume=1.18),
    Plant("days that differ", "days 15 % off their forecast, either way", days=0.15),
    Plant("longer handling", "contacts take 10 % longer", handling=1.1),
    Plant("rostered too few", "8 % fewer rostered than required", planning=0.92),
    Plant("absent", "8 % of those rostered are not there", presence=0.92),
    Plant("ordered off", "the customer orders 8 % to a training", ordered=0.08),
    Plant(
        "everything",
        "12 % more, 5 % longer, 4 % fewer, 5 % absent",
        volume=1.12,
        handling=1.05,
        planning=0.96,
        presence=0.95,
    ),
    Plant("one makes up for another", "10 % more contacts, 10 % more rostered", volume=1.1, planning=1.1),
    Plant("another patience", "everybody gives up after the same time", patience="fixed", presence=0.88, right=False),
    Plant(
        "impatient or endless", "half give up at once, half hardly ever", patience="split", presence=0.88, right=False
    ),
    Plant("calling again", "four in five who give up call again", redials=0.8, presence=0.84, right=False),
    Plant("skills mixed", "agents rostered for one queue serve both", pooled=True, presence=0.88, right=False),
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One simulated quarter: what is found and what was planted."""

    plant: Plant
    seed: int
    found: SharedOut
    planted: Mapping[str, float]

    @property
    def parts(self) -> Mapping[str, float]:
        """The parts found, by the names of those planted: played truths know volume only as one."""
        parts = {part.id: part.value for part in self.found.parts}
        return parts | {"volume": parts["volume_inside"] + parts["volume_outside"]}

    @property
    def whole_planted(self) -> Mapping[str, float]:
        """What was planted, volume as one."""
        halves = [self.planted[name] for name in ("volume_inside", "volume_outside") if name in self.planted]
        return {**self.planted, "volume": math.fsum(halves)} if halves else self.planted

    @property
    def furthest(self) -> float:
        """The largest distance of a part from the planted one."""
        return max(abs(self.parts[name] - value) for name, value in self.planted.items())


def evaluated(seeds: int, progress: Callable[[int, int], None] | None = None) -> Iterator[Verdict]:
    """Every plant with so many seeds.

    :param progress: told how many of how many are done
    """
    for number, (plant, seed) in enumerate(itertools.product(PLANTS, range(1, seeds + 1)), 1):
        yield played(plant, seed)
        if progress is not None:
            progress(number, len(PLANTS) * seeds)


def table(verdicts: Iterable[Verdict], *, markdown: bool) -> str:
    """Each plant in a row: parts found beside those planted, in points, means over the seeds; and how often fit."""
    causes = ("plan", "volume", "handling", "planning", "presence")
    head = ("plant", "what was planted", *causes, "not explained", "fit", "furthest where fit")
    rows: list[tuple[str, ...]] = []
    for plant, held in itertools.groupby(verdicts, key=lambda one: one.plant):
        ones = list(held)
        fit = [one for one in ones if one.found.fit]
        pairs = [f"{_mean(ones, name, found=True)} ({_mean(ones, name, found=False)})" for name in causes]
        unexplained = f"{100 * np.mean([one.found.unexplained for one in ones]):+.1f}"
        furthest = f"{100 * max(one.furthest for one in fit):.1f}" if fit else "-"
        rows.append((plant.name, plant.meaning, *pairs, unexplained, f"{len(fit)} of {len(ones)}", furthest))
    if markdown:
        return "\n".join("| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)) + "\n"
    widths = [max(len(row[at]) for row in (head, *rows)) for at in range(len(head))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in (head, *rows)) + "\n"


def _mean(verdicts: Sequence[Verdict], name: str, *, found: bool) -> str:
    return f"{100 * np.mean([(one.parts if found else one.whole_planted)[name] for one in verdicts]):+.1f}"


def played(plant: Plant, seed: int) -> Verdict:
    """Simulate a quarter of two queues, share it out, and find out what was planted.

    A wrong model's truth is found by playing, which takes sixty times as long as a right one's.
    """
    plan, rate, handle, rng = _planted(plant, seed)
    found = _found(plant, plan, rate, handle, rng)
    planted = _by_model(plan, rate, handle) if plant.right else _by_playing(plant, plan, rate, handle, seed)
    return Verdict(plant, seed, found, planted)


def found_in(plant: Plant, seed: int) -> SharedOut:
    """The same without the truth."""
    return _found(plant, *_planted(plant, seed))


def _planted(plant: Plant, seed: int) -> tuple[Intervals, Floats, Floats, np.random.Generator]:
    """The plan, the true rates and the true handle times."""
    rng = np.random.default_rng([seed, *plant.name.encode()])
    plan = _staffed(plant, _planned(plant), rng)
    by_day = np.exp(rng.normal(-(plant.days**2) / 2, plant.days, int(plan.day.max()) + 1))[plan.day]
    return plan, plan.forecast * plant.volume * by_day, plan.forecast_aht * plant.handling, rng


def _found(plant: Plant, plan: Intervals, rate: Floats, handle: Floats, rng: np.random.Generator) -> SharedOut:
    happened = _happened(plant, plan, rate, handle, rng)
    return share_out(happened, PROMISE, calibrate_patience(happened), calibrated_patience=True)


def _by_model(plan: Intervals, rate: Floats, handle: Floats) -> Mapping[str, float]:
    """The parts that were planted, where the model is right: by the true rates, handle times and patience."""
    truth = replace(plan, rate=rate, count=rate, answered=rate, handle_s=rate * handle)
    shared = share_out(truth, PROMISE, dict.fromkeys((0, 1), PATIENCE_S))
    return {part.id: part.value for part in shared.parts}


def _by_playing(plant: Plant, plan: Intervals, rate: Floats, handle: Floats, seed: int) -> Mapping[str, float]:
    """The parts that were planted, where the model is wrong: by playing with each set of causes switched."""
    levels = {}
    for switched in itertools.product((False, True), repeat=4):
        volume, handled, planned, present = switched
        agents = plan.scheduled if planned else plan.required
        agents = np.maximum(agents + (plan.staffed - plan.scheduled if present else 0.0), 0)
        good = counted = 0.0
        for number in range(_PLAYS):
            happened = _happened(
                plant,
                replace(plan, staffed=agents),
                rate if volume else plan.forecast,
                handle if handled else plan.forecast_aht,
                np.random.default_rng([seed, number]),
            )
            good += happened.good.sum()
            counted += happened.count.sum() - (0.0 if happened.short is None else happened.short.sum())
        levels[switched] = float(good / counted)
    parts = {"plan": levels[False, False, False, False] - PROMISE.target}
    for at, name in enumerate(("volume", "handling", "planning", "presence")):
        parts[name] = math.fsum(
            (levels[*others[:at], True, *others[at:]] - levels[*others[:at], False, *others[at:]])
            / (4 * math.comb(3, sum(others)))
            for others in itertools.product((False, True), repeat=3)
        )
    return parts


def _planned(plant: Plant) -> Intervals:
    """Two queues with a rhythm of day and week, and the positions that the target takes."""
    size = DAYS * SLOTS * 2
    day, slot, queue = np.unravel_index(np.arange(size), (DAYS, SLOTS, 2))
    rhythm = 1 + 0.35 * np.sin(slot / SLOTS * np.pi * 2) + np.where(day % 5 == 0, 0.15, 0.0)
    forecast = plant.size * rhythm * np.where(queue == 0, 1.0, 0.6)
    aht = np.where(queue == 0, 240.0, 330.0)
    nothing = np.zeros(size)
    blank = Intervals(
        queue=queue, day=day // 5 * 7 + day % 5, week=day // 5, seconds=np.full(size, SECONDS),
        forecast=forecast, forecast_aht=aht, required=np.full(size, np.nan), scheduled=nothing, staffed=nothing,
        ordered_off=nothing, count=nothing, answered=nothing, good=nothing, abandoned=nothing, short=nothing,
        handle_s=nothing,
    )  # fmt: skip
    required = with_required_positions(blank, PROMISE, dict.fromkeys((0, 1), PATIENCE_S)).required
    return replace(blank, required=required)


def _staffed(plant: Plant, plan: Intervals, rng: np.random.Generator) -> Intervals:
    """Rostered, ordered off and there; fractions are rounded up or down by chance, so that none is lost."""

    def whole(positions: Floats) -> Floats:
        return np.floor(positions + rng.random(positions.size))

    scheduled = whole(plan.required * plant.planning)
    ordered = whole(scheduled * plant.ordered)
    staffed = whole((scheduled - ordered) * plant.presence)
    return replace(plan, scheduled=scheduled, staffed=staffed, ordered_off=ordered)


def _happened(plant: Plant, plan: Intervals, rate: Floats, handle: Floats, rng: np.random.Generator) -> Intervals:
    """Play every day, and count as an ACD would, each contact in the interval in which it came."""
    names = ("count", "answered", "good", "abandoned", "short", "handle_s")
    counts = {name: np.zeros(plan.queue.size) for name in names}
    teams = [np.array([0, 1])] if plant.pooled else [np.array([0]), np.array([1])]
    for day in np.unique(plan.day):
        for team in teams:
            rows = np.flatnonzero((plan.day == day) & np.isin(plan.queue, team))
            _day(plant, plan, rate, handle, rows, counts, rng)
    return replace(
        plan,
        count=counts["count"],
        answered=counts["answered"],
        good=counts["good"],
        abandoned=counts["abandoned"],
        short=counts["short"],
        handle_s=counts["handle_s"],
    )


def _day(  # noqa: PLR0913 - one team's day
    plant: Plant,
    plan: Intervals,
    rate: Floats,
    handle: Floats,
    rows: NDArray[np.intp],
    counts: dict[str, Floats],
    rng: np.random.Generator,
) -> None:
    """Callers in the order in which they come; the agent who is free first takes the next who is still there.

    Whoever gives up takes nobody's time, so that the heap of the moments at which agents are free tells each caller's
    wait, without an event for giving up.
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
        at, row, again = heapq.heappop(calls)
        slot_now = int(at // SECONDS)
        while now < slot_now:
            now += 1
            for _ in range(len(free) - positions[now]):
                heapq.heappop(free)
            for _ in range(positions[now] - len(free)):
                heapq.heappush(free, now * SECONDS)
        wait = max(free[0] - at, 0.0) if free else np.inf
        patience = _patience(plant, rng)
        # A call again is taken off, as `gather` takes it off where callers are known; agents are busy with it anyway.
        one = 0 if again else 1
        counts["count"][row] += one
        if wait > patience:
            counts["abandoned"][row] += one
            counts["short"][row] += one * (patience <= PROMISE.short_s)
            then = at + patience + rng.exponential(REDIAL_AFTER_S)
            if rng.random() < plant.redials and then < SLOTS * SECONDS:
                heapq.heappush(calls, (then, row + 2 * (int(then // SECONDS) - slot_now), True))
            continue
        took = rng.exponential(handle[row])
        heapq.heapreplace(free, at + wait + took)
        counts["answered"][row] += one
        counts["good"][row] += one * (wait <= PROMISE.within_s)
        counts["handle_s"][row] += one * took


def _patience(plant: Plant, rng: np.random.Generator) -> float:
    if plant.patience == "fixed":
        return PATIENCE_S
    if plant.patience == "split":
        return float(rng.exponential(4.0 if rng.random() < 0.5 else 20 * PATIENCE_S))  # noqa: PLR2004 - half and half
    return float(rng.exponential(PATIENCE_S))
