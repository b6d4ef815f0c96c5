"""Queues with impatient callers: Erlang A (M/M/n+M), with Erlang C as its limit, and Erlang B.

Arrivals come at a rate λ, are handled in 1/μ and wait 1/θ before they give up, all exponential, before n agents;
a = λ/μ, x = nμ/θ, y = λ/θ. Whoever has to wait would wait V > 0 if he had no end of patience, with a
density proportional to exp(y(1 - e^{-u}) - xu) in u = θV (Palm 1957; Zeltyn and Mandelbaum 2005). Its integral is

    L(x, y) = ∫₀^∞ exp(y(1 - e^{-u}) - xu) du = e^y y^{-x} Γ(x) P(x, y),

P the regularised lower incomplete gamma function, and what is asked of a queue is made of L at two places and of

    K(x, y) = 1 - L(x + 1, y)/L(x, y) = (1 - (x - y) L)/(y L),

the share of those who wait that gives up. Neither the sums of logarithms of the textbooks nor these closed forms can
be used everywhere: below the load both L and K are taken from the continued fraction of `_fraction`, in which nothing
cancels however long the patience. n need not be whole.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

Floats = NDArray[np.float64]

_BLOCK = 8192  # states computed together, so that intermediate results stay in the processor's cache
_FAR_DEVIATIONS = 4.4  # deviations below the load from which the continued fraction is used; SciPy is exact up to 4.5
_TERMS = 30  # of the continued fractions
_CERTAIN_DEVIATIONS = 8.0  # deviations beyond which an incomplete gamma function is 1 to the last digit
_TINY = 1e-280
_MIN_RATE = 1e-200  # arrivals a second
_STIRLING = 10.0
_NEAR = 0.01  # below it the series of φ holds to the last digit
_HALF_LOG_2PI = 0.5 * np.log(2 * np.pi)


@dataclass(frozen=True, slots=True)
class Queues:
    """Steady-state figures of queues; every array has one entry a state. Probabilities are of all offered contacts.

    `p_wait`: has to wait. `p_within`: answered within T. `p_abandon`: gives up; `p_abandon_within`: within T;
    `p_short`: within s. `mean_wait_s`: of all, however it ended. `occupancy`: of the agents' time.
    """

    p_wait: Floats
    p_within: Floats
    p_abandon: Floats
    p_abandon_within: Floats
    p_short: Floats
    mean_wait_s: Floats
    occupancy: Floats

    @property
    def v1(self) -> Floats:
        """Answered within T, of all offered."""
        return self.p_within

    @property
    def v2(self) -> Floats:
        """Answered or gone within T, of all offered."""
        return np.asarray(self.p_within + self.p_abandon_within)

    @property
    def v3(self) -> Floats:
        """Answered within T, of all answered."""
        return _share(self.p_within, 1 - self.p_abandon)

    @property
    def v4(self) -> Floats:
        """Answered within T, of all but those gone within T."""
        return _share(self.p_within, 1 - self.p_abandon_within)

    @property
    def v5(self) -> Floats:
        """Answered within T or gone within s, of all offered."""
        return np.asarray(self.p_within + self.p_short)

    @property
    def v6(self) -> Floats:
        """Answered within T, of all but those gone within s."""
        return _share(self.p_within, 1 - self.p_short)


def queues(  # noqa: PLR0913 - a state of a queue, and the two times that are asked about
    rate: ArrayLike,
    handle_s: ArrayLike,
    patience_s: ArrayLike,
    agents: ArrayLike,
    within_s: ArrayLike,
    short_s: ArrayLike = 0.0,
) -> Queues:
    """Compute steady-state figures for many states at once; the arguments are broadcast against each other.

    :param rate: λ, arrivals a second; at 0 the state is as with a first caller
    :param handle_s: 1/μ, mean handling time
    :param patience_s: 1/θ, mean patience; infinite for Erlang C, which serves nobody at or above the load
    :param agents: n, fractions allowed; at 0 nobody is served
    :param within_s: T, the threshold of the service level
    :param short_s: s, up to which an abandon is a short one
    :raises ValueError: for values that are negative or not numbers, and handling or patience of 0
    """
    arguments = np.broadcast_arrays(
        *(
            np.asarray(argument, dtype=np.float64)
            for argument in (rate, handle_s, patience_s, agents, within_s, short_s)
        ),
    )
    _check_arguments(arguments)
    shape = arguments[0].shape
    flat = [np.ascontiguousarray(argument).reshape(-1) for argument in arguments]
    results = np.empty((7, flat[0].size))
    with np.errstate(all="ignore"):  # every limit has its own branch, and `where` looks at all of them
        for start in range(0, flat[0].size, _BLOCK):
            results[:, start : start + _BLOCK] = _block(*(argument[start : start + _BLOCK] for argument in flat))
    return Queues(*(row.reshape(shape) for row in results))


def erlang_c(load: ArrayLike, agents: ArrayLike) -> Floats:
    """Return the probability of having to wait with endless patience; 1 where the agents are at most the load.

    :param load: a, erlangs
    :raises ValueError: for values that are negative or not numbers
    """
    states = queues(load, 1.0, np.inf, agents, 0.0)
    return states.p_wait


def erlang_b(load: ArrayLike, agents: ArrayLike) -> Floats:
    """Return the blocking probability without waiting room; by the integral of Erlang A, so n need not be whole.

    :param load: a, erlangs
    :raises ValueError: for values that are negative or not numbers
    """
    a, n = np.broadcast_arrays(np.asarray(load, dtype=np.float64), np.asarray(agents, dtype=np.float64))
    if not (np.isfinite(a).all() and np.isfinite(n).all() and (a >= 0).all() and (n >= 0).all()):
        raise ValueError("load and agents are numbers of at least 0")
    shape, n, a = a.shape, n.reshape(-1), a.reshape(-1)
    with np.errstate(all="ignore"):
        log_odds = np.log(n / a) + _log_free_weight(n, a)
    return np.where(n == 0, 1.0, special.expit(-log_odds)).reshape(shape)


def _share(part: Floats, of: Floats) -> Floats:
    """Return a quotient; NaN where the denominator is 0."""
    return np.divide(part, of, out=np.full_like(part, np.nan), where=of > 0)


def _check_arguments(arguments: list[Floats] | tuple[Floats, ...]) -> None:
    names = ("rate", "handle_s", "patience_s", "agents", "within_s", "short_s")
    for name, values in zip(names, arguments, strict=True):
        positive = name in {"handle_s", "patience_s"}
        if np.isnan(values).any() or (values < 0).any() or (positive and (values == 0).any()):
            raise ValueError(f"{name} has to be a number {'above' if positive else 'of at least'} 0")
        if name != "patience_s" and np.isinf(values).any():
            raise ValueError(f"{name} has to be finite")


def _block(  # noqa: PLR0913 - one block of `queues`
    rate: Floats,
    handle_s: Floats,
    patience_s: Floats,
    agents: Floats,
    within_s: Floats,
    short_s: Floats,
) -> Floats:
    rate = np.maximum(rate, _MIN_RATE)
    load, endless = rate * handle_s, np.isinf(patience_s)
    patience = np.where(endless, 1.0, patience_s)
    free = _log_free_weight(agents, load)
    y = rate * patience
    x, spare = agents * patience / handle_s, (agents - load) * (patience / handle_s)
    start = _Integral.of(x, y, spare, _log_scale(x, -spare))
    p_wait = special.expit(np.log(y) + start.log - free)
    still_t, later_t = _after_wait(start, within_s / patience)
    still_s, later_s = _after_wait(start, short_s / patience) if short_s.any() else (1.0, 1 - start.gives_up)
    p_abandon = p_wait * start.gives_up
    columns = [
        p_wait,
        (1 - p_wait) + p_wait * (1 - start.gives_up - later_t),
        p_abandon,
        p_wait * (start.gives_up - still_t + later_t),
        p_wait * (start.gives_up - still_s + later_s),
        p_abandon * patience,
        # Where hardly anybody is served the difference from 1 has few digits left; nobody works more than all the time.
        np.minimum(load * (1 - p_abandon) / agents, 1.0),
    ]
    if endless.any():
        for column, limit in zip(columns, _endless_patience(load, handle_s, agents, within_s, free), strict=True):
            np.copyto(column, limit, where=endless)
    for column, alone in zip(columns, _no_agents(patience_s, within_s, short_s), strict=True):
        np.copyto(column, alone, where=agents == 0)
    return np.stack(columns)


def _endless_patience(load: Floats, handle_s: Floats, agents: Floats, within_s: Floats, free: Floats) -> list[Floats]:
    """Erlang C, in the order of `Queues`."""
    spare, nothing = agents - load, np.zeros_like(load)
    p_wait = np.where(spare > 0, special.expit(np.log(load / spare) - free), 1.0)
    p_within = np.where(spare > 0, 1 - p_wait * np.exp(-spare * within_s / handle_s), 0.0)
    mean_wait = np.where(spare > 0, p_wait * handle_s / spare, np.inf)
    return [p_wait, p_within, nothing, nothing, nothing, mean_wait, np.minimum(load / agents, 1.0)]


def _no_agents(patience_s: Floats, within_s: Floats, short_s: Floats) -> list[Floats | float]:
    """No agents, in the order of `Queues`."""
    gone_t, gone_s = (-np.expm1(-seconds / patience_s) for seconds in (within_s, short_s))
    return [1.0, 0.0, np.where(np.isinf(patience_s), 0.0, 1.0), gone_t, gone_s, patience_s, 0.0]


@dataclass(frozen=True, slots=True)
class _Integral:
    """L(x, y) of many states: its logarithm, P(x, y), K(x, y), and whether y lies far below x.

    `scale` is the logarithm of L/P. `spare` is x - y, of which more digits are left when it is known from the agents
    and the load.
    """

    x: Floats
    y: Floats
    spare: Floats
    far: NDArray[np.bool_]
    scale: Floats
    log: Floats
    share: Floats
    gives_up: Floats

    @classmethod
    def of(cls, x: Floats, y: Floats, spare: Floats, scale: Floats) -> "_Integral":
        """Of the continued fraction where y lies far below x, else of P."""
        root = np.sqrt(y)
        far = spare > _FAR_DEVIATIONS * root
        close = ~far & (spare > -_CERTAIN_DEVIATIONS * root)
        if close.all():
            share = special.gammainc(x, y)
        else:
            share = np.ones_like(x)
            share[close] = special.gammainc(x[close], y[close])
        log = scale + np.log(share)
        gives_up = (np.exp(-log) - spare) / y
        if far.any():
            gives_up[far] = _continued_fraction(spare[far], y[far])
            log[far] = -np.log(spare[far] + y[far] * gives_up[far])
            share[far] = np.exp(log[far] - scale[far])
        return cls(x, y, spare, far, scale, log, share, gives_up)


def _after_wait(start: _Integral, u: Floats) -> tuple[Floats, Floats]:
    """Of those who wait: the shares still waiting at u = θt, and of all who wait, those answered after it."""
    lost, stays = -np.expm1(-u), np.exp(-u)
    decrease = start.y * lost
    # x φ(yv/x) is x φ(y/x) less y - yv, plus xu.
    scale = start.scale - decrease + start.x * u
    after = _Integral.of(start.x, np.maximum(start.y * stays, _MIN_RATE), start.spare + decrease, scale)
    # P(V > t | V > 0) is the quotient of P(x, yv) and P(x, y), from which the large exponents have gone; far below the
    # load P may be too small to be held, but there the exponents are small.
    ratio = after.share / start.share
    if start.far.any():
        drop = start.y * (lost - u) - start.spare * u
        ratio = np.where(start.far, np.exp(drop + after.log - start.log), ratio)
    still = stays * ratio
    return still, still * (1 - after.gives_up)


def _log_free_weight(agents: Floats, load: Floats) -> Floats:
    """Log of E = Σ_{j<n} (n-1)!/j! a^{j-n+1} = e^a a^{1-n} Γ(n, a), the weight of the states in which one is free."""
    close = agents - load < _CERTAIN_DEVIATIONS * np.sqrt(agents)
    if close.all():
        tail = special.gammaincc(agents, load)
    else:
        tail = np.ones_like(load)
        tail[close] = special.gammaincc(agents[close], load[close])
    log_weight = np.log(load) + _log_scale(agents, load - agents) + np.log(tail)
    small = tail < _TINY
    if small.any():  # far above the agents: the continued fraction of Γ(n, a)
        n, over = agents[small], (load - agents)[small]
        rest = np.zeros_like(n)
        for k in range(_TERMS, 0, -1):
            rest = k * (n - k) / (over + 2 * k + 1 + rest)
        log_weight[small] = np.log(load[small]) - np.log(over + 1 + rest)
    return np.asarray(log_weight)


def _log_scale(x: Floats, over: Floats) -> Floats:
    """log(e^y y^{-x} Γ(x)) = ½ log(2π/x) + log Γ*(x) + x φ(y/x), with φ(l) = l - 1 - log l; `over` is y - x."""
    d = over / x
    phi = d - np.log1p(d)
    near = np.abs(d) < _NEAR
    if near.any():
        e = d[near]
        phi[near] = e * e * (1 / 2 - e * (1 / 3 - e * (1 / 4 - e * (1 / 5 - e * (1 / 6 - e * (1 / 7 - e / 8))))))
    square = 1 / (x * x)
    star = (1 - square * (1 / 30 - square * (1 / 105 - square * (1 / 140 - square / 99)))) / (12 * x)
    small = x < _STIRLING
    if small.any():
        small_x = x[small]
        star[small] = special.gammaln(small_x) + small_x - (small_x - 0.5) * np.log(small_x) - _HALF_LOG_2PI
    return np.asarray(_HALF_LOG_2PI - 0.5 * np.log(x) + star + x * phi)


def _continued_fraction(spare: Floats, y: Floats) -> Floats:
    """K(x, y) for y far below x: 1/(δ+1 + 2y/(δ+2 + 3y/(δ+3 + ...))), δ = x - y; then L = 1/(δ + y K)."""
    fraction = np.zeros_like(y)
    for k in range(_TERMS, 0, -1):
        fraction = k / (spare + k + y * fraction)
    return fraction
