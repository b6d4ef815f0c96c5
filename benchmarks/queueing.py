"""Queueing: states a second against pyworkforce, which does Erlang C alone, and distance from the truth against ciw.

ciw plays the queue event by event; its distance from the published value is what playing costs in digits.
"""

import time
from collections.abc import Callable

import ciw
import numpy as np
from pyworkforce.queuing import ErlangC

from comity.core.economics.erlang import queues

STATES, SLOW_STATES = 1_000_000, 2_000
HALF_HOUR = 1800.0
PUBLISHED = 0.909430077001  # V1 of 250 calls in half an hour, 210 s, patience 180 s, 34 agents, 20 s
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
    start = time.process_time()
    level = played()
    took = time.process_time() - start
    one = float(queues(250 / HALF_HOUR, 210.0, 180.0, 34.0, 20.0).v1)
    print(f"ciw: {level:.5f}, {abs(level - PUBLISHED):.1e} off the published value, in {took:.1f} s for one state")
    print(f"ours: {one:.12f}, {abs(one - PUBLISHED):.1e} off")


if __name__ == "__main__":
    main()
