"""Queues of callers who may give up, against numbers made elsewhere, quadrature, and what must hold of any queue."""

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from comity.core.economics.erlang import erlang_b, erlang_c, queues

REFERENCE = json.loads((Path(__file__).parents[2] / "reference" / "erlang.json").read_text())
NAMED = {"ids": lambda one: one["name"]}
VARIANTS = ("v1", "v2", "v3", "v4", "v5", "v6")


def state(published, patience_s=np.inf):
    rate = published["offered"] / published["interval_s"]
    patience = published.get("patience_s", patience_s)
    return queues(
        rate, published["handle_s"], patience, published["agents"], published["within_s"], published.get("short_s", 0)
    )


@pytest.mark.parametrize("one", REFERENCE["erlang_a"], **NAMED)
def test_erlang_a_is_as_published(one):
    found = state(one)
    for name in ("p_wait", "p_abandon", "p_abandon_within", "p_short", "mean_wait_s", "occupancy", *VARIANTS):
        assert getattr(found, name) == pytest.approx(one[name], rel=2e-11), name


@pytest.mark.parametrize(
    ("per_half_hour", "handle_s", "patience_s", "agents", "within_s", "wanted"),
    [  # the table of the specification, section 1
        (120, 300, 120, 22, 20, (0.8159697004151539, 0.2883374717723483, 0.0647043510675224)),
        (60, 240, 60, 8, 20, (0.6976086820966222, 0.4034395567832581, 0.1838388699937338)),
        (500, 300, 180, 90, 20, (0.9221984488710857, 0.2199145949371299, 0.0186341003482710)),
        (30, 600, 300, 9, 30, (0.4936773782539701, 0.5757636418543015, 0.2011033440471268)),
    ],
)
def test_erlang_a_is_as_specified(per_half_hour, handle_s, patience_s, agents, within_s, wanted):
    found = queues(per_half_hour / 1800, handle_s, patience_s, agents, within_s)
    assert (found.p_within, found.p_wait, found.p_abandon) == pytest.approx(wanted, rel=1e-14)


@pytest.mark.parametrize("one", REFERENCE["erlang_c"], **NAMED)
def test_erlang_c_is_as_published_and_the_limit_of_endless_patience(one):
    states = state(one)
    for name in ("p_wait", "v1", "mean_wait_s", "occupancy"):
        assert getattr(states, name) == pytest.approx(one[name], rel=2e-11), name
    assert [getattr(states, variant) for variant in VARIANTS[1:]] == [states.v1] * 5  # nobody is ever gone
    nearly = state(one, patience_s=1e9)
    assert nearly.p_wait == pytest.approx(one["p_wait"], abs=1e-4)
    assert nearly.mean_wait_s == pytest.approx(one["mean_wait_s"], rel=1e-4)
    assert erlang_c(one["offered"] * one["handle_s"] / one["interval_s"], one["agents"]) == states.p_wait


@pytest.mark.parametrize("one", REFERENCE["erlang_b"])
def test_erlang_b_is_as_published(one):
    assert erlang_b(one["load"], one["agents"]) == pytest.approx(one["turned_away"], rel=1e-13)


@given(st.floats(0.01, 300), st.integers(1, 400))
def test_erlang_b_follows_its_recursion(load, agents):
    turned = 1.0
    for servers in range(1, agents + 1):
        turned = load * turned / (servers + load * turned)
    assert erlang_b(load, agents) == pytest.approx(turned, rel=1e-9, abs=1e-290)


# Quadrature ----------------------------------------------------------------------------------------------------


def integral(log_f, mode, start):
    """∫ exp(log_f - its top) of a log-concave function from `start` on, as the logarithm of the whole."""

    from scipy import integrate

    peak = max(mode, start)
    top, width = log_f(peak), 1.0
    while log_f(peak + width) - top > -50:
        width *= 2
    right = _falls(lambda by: log_f(peak + by) - top, width)
    left = _falls(lambda by: log_f(peak - by) - top, peak - start) if peak > start else 0.0
    cuts = sorted(
        {*(peak - left * (k / 16) ** 4 for k in range(17)), *(peak + right * (k / 16) ** 4 for k in range(17))}
    )
    parts = [
        integrate.fixed_quad(lambda u: np.exp(log_f(u) - top), low, high, n=40)[0]
        for low, high in itertools.pairwise(cuts)
    ]
    return top + np.log(sum(parts))


def _falls(drop, most):
    low, high = 0.0, most
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if drop(middle) > -50 else (low, middle)
    return high


def by_quadrature(rate, handle_s, patience_s, agents, within_s, short_s):
    """The integrals of Zeltyn and Mandelbaum (2005), one by one: p_wait, p_within, p_abandon, within T, within s."""

    from scipy import special

    load, x, y = rate * handle_s, agents * patience_s / handle_s, rate * patience_s

    def waiting(u):
        return -y * np.expm1(-u) - x * u

    def answered(u):
        return waiting(u) - u

    def free(u):
        return (agents - 1) * np.log1p(u) - load * u

    modes = max(np.log(y / x), 0), max(np.log(y / (x + 1)), 0)
    whole = integral(waiting, modes[0], 0.0)
    idle = np.log(load) + integral(free, max((agents - 1) / load - 1, 0), 0.0)
    p_wait = special.expit(np.log(y) + whole - idle)
    q = np.exp(integral(answered, modes[1], 0.0) - whole)
    columns = [p_wait, None, p_wait * (1 - q)]
    for seconds in (within_s, short_s):
        u = seconds / patience_s
        still = np.exp(-u + integral(waiting, modes[0], u) - whole)
        later = np.exp(integral(answered, modes[1], u) - whole)
        columns.append(p_wait * (1 - q - still + later))
        columns[1] = 1 - p_wait + p_wait * (q - later) if columns[1] is None else columns[1]
    return columns


def states(count, seed, patience=(0.0, 4.0)):
    """States of all sizes, under, about and over the load."""
    rng = np.random.default_rng(seed)
    agents = 10 ** rng.uniform(-1, 4, count)
    agents = np.where(rng.random(count) < 0.5, np.maximum(np.round(agents), 1), agents)
    handle_s, patience_s = 10 ** rng.uniform(0.5, 3.5, count), 10 ** rng.uniform(*patience, count)
    near = np.abs(1 + rng.normal(size=count) * 3 / np.sqrt(agents)) + 1e-3
    usage = np.where(rng.random(count) < 0.4, 10 ** rng.uniform(-2, 1, count), near)
    within_s = 10 ** rng.uniform(-1, 3, count)
    return usage * agents / handle_s, handle_s, patience_s, agents, within_s, within_s * rng.random(count)


def test_queues_agrees_with_quadrature_over_the_whole_range():
    given_states = states(60, seed=3)
    computed = queues(*given_states)
    names = ("p_wait", "p_within", "p_abandon", "p_abandon_within", "p_short")
    for number, one in enumerate(zip(*given_states, strict=True)):
        ours = [getattr(computed, name)[number] for name in names]
        assert ours == pytest.approx(by_quadrature(*one), abs=1e-9), one


# What must hold of any queue ---------------------------------------------------------------------------------------

A_STATE = {
    "rate": st.floats(1e-4, 50),
    "handle_s": st.floats(1, 4000),
    "patience_s": st.one_of(st.floats(1, 1e9), st.just(np.inf)),
    "agents": st.floats(0.1, 10_000),
    "within_s": st.floats(0, 1000),
}
CLOSE = 1e-10


@given(**A_STATE, part=st.floats(0, 1))
def test_the_variants_are_in_their_order(part, **one):
    states = queues(**one, short_s=part * one["within_s"])
    assert states.v1 <= states.v6 + CLOSE
    assert states.v6 <= states.v4 + CLOSE
    assert states.v4 <= states.v2 + CLOSE
    assert states.v1 <= states.v5 + CLOSE
    assert states.v5 <= states.v2 + CLOSE


@example(rate=17.0, handle_s=3986.0, patience_s=1.0, agents=0.125, within_s=0.0)
@given(**A_STATE)
def test_probabilities_are_probabilities_and_callers_are_kept(**one):
    states = queues(**one, short_s=one["within_s"])
    for name in ("p_wait", "p_within", "p_abandon", "p_abandon_within", "p_short"):
        assert -CLOSE <= getattr(states, name) <= 1 + CLOSE, name
    assert states.p_abandon <= states.p_wait
    assert states.p_within + states.p_abandon <= 1 + CLOSE
    assert states.p_abandon_within <= states.p_abandon + CLOSE
    assert states.p_short == states.p_abandon_within
    assert 0 <= states.occupancy <= 1 + CLOSE


@given(**A_STATE, more=st.floats(1, 3))
def test_service_level_is_monotone_in_agents_time_and_load(more, **one):
    now = queues(**one)
    assert queues(**one | {"agents": one["agents"] * more}).v1 >= now.v1 - CLOSE
    assert queues(**one | {"within_s": one["within_s"] * more}).v1 >= now.v1 - CLOSE
    assert queues(**one | {"rate": one["rate"] / more}).v1 >= now.v1 - CLOSE


@given(**A_STATE)
def test_p_within_is_the_rest_of_waiting_and_abandoned(**one):
    """At T = 0 only those who do not wait are answered; beyond every wait, all who do not give up."""
    at_once, in_the_end = queues(**one | {"within_s": 0.0}), queues(**one | {"within_s": 1e15})
    assert at_once.p_within == pytest.approx(1 - at_once.p_wait, abs=CLOSE)
    if np.isfinite(one["patience_s"]):
        assert in_the_end.p_within == pytest.approx(1 - in_the_end.p_abandon, abs=CLOSE)


def test_without_agents_everybody_gives_up():
    states = queues(0.1, 300, 60, 0, 20, 5)
    assert (states.p_wait, states.p_within, states.p_abandon, states.mean_wait_s) == (1, 0, 1, 60)
    assert states.p_abandon_within == pytest.approx(1 - np.exp(-1 / 3))
    assert np.isnan(states.v3)


def test_without_callers_the_first_one_is_answered_at_once():
    found = queues(0, 300, [60, np.inf], 3, 20)
    assert found.v1 == pytest.approx(1)
    assert found.mean_wait_s == pytest.approx(0)


def test_endless_patience_at_or_above_the_load_is_never_answered_in_time():
    found = queues([0.1, 0.11], 100, np.inf, 10, 20)
    assert list(found.v1) == [0, 0]
    assert list(found.mean_wait_s) == [np.inf, np.inf]


def test_equal_patience_and_handling_are_a_poisson_number_in_the_system():
    """θ = μ: as with endless agents, so that P(wait) is P(Poisson(a) >= n)."""

    from scipy import special

    assert queues(10 / 300, 300, 300, 10, 20).p_wait == pytest.approx(special.gammainc(10, 10), rel=1e-13)


@pytest.mark.parametrize("name", ["rate", "handle_s", "patience_s", "agents", "within_s"])
@pytest.mark.parametrize("value", [-1.0, float("nan")])
def test_queues_refuses_invalid_arguments_by_name(name, value):
    one = {"rate": 0.1, "handle_s": 100.0, "patience_s": 100.0, "agents": 10.0, "within_s": 20.0}
    with pytest.raises(ValueError, match=name):
        queues(**one | {name: value})


@pytest.mark.long
def test_queues_agrees_with_quadrature_on_many_states():
    given_states = states(3000, seed=4)
    computed = queues(*given_states)
    names = ("p_wait", "p_within", "p_abandon", "p_abandon_within", "p_short")
    for number, one in enumerate(zip(*given_states, strict=True)):
        ours = [getattr(computed, name)[number] for name in names]
        assert ours == pytest.approx(by_quadrature(*one), abs=1e-9), one
