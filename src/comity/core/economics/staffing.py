"""Staffing: the least number of agents with which a queue reaches a target, by the model of `erlang`."""

from enum import StrEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from comity.core.economics.erlang import Queues, queues

Floats = NDArray[np.float64]

MOST_AGENTS = 1_000_000.0


class Variant(StrEnum):
    """The six usual formulas of a service level (`Queues` has one property for each)."""

    V1 = "v1"
    V2 = "v2"
    V3 = "v3"
    V4 = "v4"
    V5 = "v5"
    V6 = "v6"

    def of(self, states: Queues) -> Floats:
        """Return the service level of each state by this formula."""
        return np.asarray(getattr(states, self.value))


def agents_for(  # noqa: PLR0913 - a state of a queue, and what is wanted of it
    target: ArrayLike,
    rate: ArrayLike,
    handle_s: ArrayLike,
    patience_s: ArrayLike,
    within_s: ArrayLike,
    short_s: ArrayLike = 0.0,
    *,
    variant: Variant = Variant.V1,
    most_abandon: ArrayLike = 1.0,
) -> Floats:
    """Return the least whole number of agents at which the service level is at least the target, for each state.

    V3 counts only answered contacts, and can be high where nearly all abandon: limit `most_abandon` with it.

    :param target: of the service level, from 0 to below 1
    :param most_abandon: the largest share of callers that may give up
    :returns: agents; NaN where no number up to a million is enough; 0 where nobody calls
    :raises ValueError: for a target that is no share below 1, and for what `queues` refuses
    """
    shape = np.broadcast_shapes(
        *(np.shape(argument) for argument in (target, rate, handle_s, patience_s, within_s, short_s, most_abandon))
    )
    flat = [
        np.broadcast_to(np.asarray(argument, dtype=np.float64), shape).reshape(-1)
        for argument in (target, most_abandon, rate, handle_s, patience_s, within_s, short_s)
    ]
    targets, most, rate, handle_s, patience_s, within_s, short_s = flat
    if not ((targets >= 0) & (targets < 1) & (most >= 0) & (most <= 1)).all():
        raise ValueError("a target lies from 0 to below 1, a limit on abandonment from 0 to 1")

    def met(agents: Floats, rows: NDArray[np.bool_]) -> NDArray[np.bool_]:
        states = queues(rate[rows], handle_s[rows], patience_s[rows], agents[rows], within_s[rows], short_s[rows])
        return np.asarray((variant.of(states) >= targets[rows]) & (states.p_abandon <= most[rows]))

    load = rate * handle_s
    low = np.full_like(load, -1.0)  # not enough, or not tried
    high = np.ceil(load + 2 * np.sqrt(load)) + 1
    open_rows = rate > 0
    while open_rows.any():
        enough = met(high, open_rows)
        rows = np.flatnonzero(open_rows)
        low[rows[~enough]] = high[rows[~enough]]
        high[rows[~enough]] *= 2
        beyond = high > MOST_AGENTS
        high[beyond] = np.nan
        open_rows[rows[enough]] = False
        open_rows &= ~beyond
    high[rate == 0] = 0.0
    while (searching := np.nan_to_num(high, nan=-1.0) - low > 1).any():
        middle = np.floor((low + high) / 2)
        enough = met(middle, searching)
        rows = np.flatnonzero(searching)
        high[rows[enough]] = middle[rows[enough]]
        low[rows[~enough]] = middle[rows[~enough]]
    return np.asarray(high.reshape(shape))
