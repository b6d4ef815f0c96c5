"""Queueing: states a second against pyworkforce, which does Erlang C alone, and distance from the truth against ciw.

What a target costs: a thousand targets over a week of half hours, against pyworkforce's search for the positions of
each. Whose doing it was: a year of ten queues, against the states that it asks for, one by one by pyworkforce.

ciw plays the queue event by event; its distance from the published value is what playing costs in digits.
"""

import time
from collections.abc import Callable

import ciw
import numpy as np
from pyworkforce.queuing import ErlangC

from comity.core.agreements.kpi import Abandons
from comity.core.economics.attribution import (
    AgreedLevel,
    Intervals,
    calibrate_patience,
    share_out,
    with_required_positions,
)
from comity.core.economics.erlang import queues
from comity.core.economics.target_cost import Demand, Rules, plan_every_interval, plan_over_period

STATES, SLOW_STATES = 1_000_000, 2_000
HALF_HOUR = 1800.0
PUBLISHED = 0.909430077001  # V1 of 250 calls in half an hour, 210 s, patience 180 s, 34 agents, 20 s
PROMISE = AgreedLevel(target=0.8, within_s=20.0, short_s=5.0, abandons=Abandons.EXCLUDE_SHORT, band=0.1, material=0.02)
PLAYED_S, WARM_S = 1_000_000.0, 20_000.0


def states(count: int) -> tuple[np.ndarray, ...]:
    """Queues of 3 to 120 agents under, about and over their load: rate, handle time, patience, agents."""
    rng = np.random.default_rng(1)
    agents = rng.integers(3, 120, count).astype(float)
    handle_s, patience_s = rng.uniform(120, 420, count), rng.uniform(60, 400, count)
    return agents * rng.uniform(0.6, 1.15, count) / handle_s, handle_s, patience_s, agents


def ours(short_s: float) -> Callable[[], object]:
    """All of a million states: without short abandons V1 to V4, with them all six."""
    made = states(STATES)
    return lambda: queues(*made, 20.0, short_s)


def theirs() -> None:
    """The service level of Erlang C, state by state."""
    for rate, handle_s, _, agents in zip(*(one[:SLOW_STATES] for one in states(STATES)), strict=True):
        positions = max(int(agents), int(rate * handle_s) + 1)  # it serves nobody below its load
        asked = ErlangC(transactions=rate * HALF_HOUR, asa=20 / 60, aht=handle_s / 60, interval=30, shrinkage=0.0)
        asked.service_level(positions)


def played() -> float:
    """The share answered within 20 s, by events."""
    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(250 / HALF_HOUR)],
        service_distributions=[ciw.dists.Exponential(1 / 210)],
        number_of_servers=[34],
        reneging_time_distributions=[ciw.dists.Exponential(1 / 180)],
    )
    ciw.seed(1)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(PLAYED_S)
    records = [one for one in simulation.get_all_records() if one.arrival_date > WARM_S]
    return sum(one.record_type == "service" and one.waiting_time <= 20 for one in records) / len(records)


def week() -> Demand:
    """336 half hours of one queue, with nights and a weekend."""
    slot = np.arange(336)
    hour, day = slot % 48 / 2, slot // 48
    offered = 12 + 150 * np.exp(-(((hour - 12) / 4) ** 2)) * np.where(day < 5, 1.0, 0.5)
    return Demand(offered, *(np.full(slot.size, one) for one in (HALF_HOUR, 210.0, 180.0)))


def their_positions(demand: Demand, targets: list[float]) -> None:
    """The least positions of each half hour for each target, by Erlang C."""
    for target in targets:
        for offered in demand.offered:
            asked = ErlangC(transactions=float(offered), asa=20 / 60, aht=3.5, interval=30, shrinkage=0.0)
            asked.required_positions(service_level=target)


def costing(slow: float) -> None:
    """Both policies, and attribution."""
    demand, rules = week(), Rules(within_s=20.0)
    targets = np.linspace(0.3, 0.98, 1000).tolist()
    few = targets[::200]
    their = timed(lambda: their_positions(demand, few)) / len(few)
    for name, policy in (("in every interval", plan_every_interval), ("over the period", plan_over_period)):
        took = timed(lambda policy=policy: policy(demand, rules, targets))
        print(
            f"a thousand targets over a week, met {name}: {took:.2f} s; "
            f"pyworkforce's search, Erlang C, would take {1000 * their:,.0f} s: {1000 * their / took:,.0f} times that"
        )
    intervals = year(10)
    took = timed(lambda: attributed(intervals))
    asked = 16 * intervals.count.size
    print(
        f"a year of ten queues ({intervals.count.size:,} half hours) shared out: {took:.1f} s, patience calibrated; "
        f"its sixteen sets of causes would take pyworkforce {asked / slow:,.0f} s, {asked / slow / took:,.0f} times it"
    )


def year(count: int) -> Intervals:
    """A year of queues by the half hour, days 15 % off their forecast; what came of it drawn from the model."""
    rng = np.random.default_rng(1)
    day, slot, queue = (one.ravel() for one in np.meshgrid(np.arange(365), np.arange(48), np.arange(count)))
    forecast = (4 + 30 * np.exp(-(((slot / 2 - 12) / 4) ** 2))) * (1 + 0.1 * queue)
    off = np.exp(rng.normal(0, 0.15, (365, count)))[day, queue]
    came = rng.poisson(forecast * off).astype(float)
    required = np.ceil(forecast * 240 / HALF_HOUR + 1.2 * np.sqrt(forecast * 240 / HALF_HOUR))
    staffed = np.maximum(required - (rng.random(required.size) < 0.3), 1.0)
    seconds, aht = np.full(day.size, HALF_HOUR), np.full(day.size, 240.0)
    then = queues(came / HALF_HOUR, aht, 150.0, staffed, 20.0, 5.0)
    gone = came * then.p_abandon
    return Intervals(
        queue=queue, day=day, week=day // 7, seconds=seconds, forecast=forecast, forecast_aht=aht, required=required,
        scheduled=required, staffed=staffed, ordered_off=np.zeros(day.size), count=came, answered=came - gone,
        good=came * then.p_within, abandoned=gone, short=came * then.p_short, handle_s=(came - gone) * 250.0,
    )  # fmt: skip


def attributed(intervals: Intervals) -> None:
    """Calibrate the patience of each queue, and share out."""
    patience = calibrate_patience(intervals)
    share_out(with_required_positions(intervals, PROMISE, patience), PROMISE, patience, calibrated_patience=True)


def timed(run: Callable[[], object]) -> float:
    """Processor seconds, the best of three."""
    found = []
    for _ in range(3):
        start = time.process_time()
        run()
        found.append(time.process_time() - start)
    return min(found)


def main() -> None:
    """Measure, and print."""
    slow = SLOW_STATES / timed(theirs)
    for name, short_s in (("V1 to V4", 0.0), ("all six service levels", 5.0)):
        fast = STATES / timed(ours(short_s))
        print(
            f"Erlang A, {name}: {fast:,.0f} states a second, {fast / slow:,.0f} x pyworkforce's Erlang C ({slow:,.0f})"
        )
    costing(slow)
    start = time.process_time()
    level = played()
    took = time.process_time() - start
    one = float(queues(250 / HALF_HOUR, 210.0, 180.0, 34.0, 20.0).v1)
    print(f"ciw: {level:.5f}, {abs(level - PUBLISHED):.1e} off the published value, in {took:.1f} s for one state")
    print(f"ours: {one:.12f}, {abs(one - PUBLISHED):.1e} off")


if __name__ == "__main__":
    main()
