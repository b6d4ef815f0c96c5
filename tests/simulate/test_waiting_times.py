"""Waits against values made elsewhere: closed forms of Erlang A, computed with 50 digits."""

import numpy as np
import pytest

from comity.simulate.waiting_times import positions_for, service_level, waits

# Arrivals a second, handling, patience, positions; P(wait), P(abandon), mean wait of those served, P(answered in 20 s)
# A1 (Garnett, Mandelbaum and Reiman 2002), A2, A3, A5, A8: 50-digit mpmath, closed form = birth and death = integral.
REFERENCE = {
    "A1": (48 / 60, 60, 120, 50, 0.467774068554, 0.0309122491622, 3.61590023955, 0.943018954747),
    "A2": (250 / 1800, 210, 180, 34, 0.201780921374, 0.0213862493882, 3.56724257374, 0.909430077001),
    "A3": (250 / 1800, 210, 180, 30, 0.447167081514, 0.0632542760785, 10.7156283979, 0.736352839971),
    "A5": (100 / 1800, 180, 120, 12, 0.279807018645, 0.0615973770037, 6.33477417282, 0.825582644362),
    "A8": (360 / 3600, 240, 600, 24, 0.633126892557, 0.0629635645578, 37.0598288822, 0.489384439070),
}


def _state(name):
    return waits(*(np.array([float(value)]) for value in REFERENCE[name][:4]))


@pytest.mark.parametrize("name", REFERENCE)
def test_waits_agree_with_the_closed_form(name):
    *_, waiting, abandoning, _, within = REFERENCE[name]
    state = _state(name)
    assert 1 - state.at_once[0] == pytest.approx(waiting, abs=1e-4)
    assert state.abandoned()[0] == pytest.approx(abandoning, abs=1e-4)
    assert state.served_within(20)[0] == pytest.approx(within, abs=1e-4)


@pytest.mark.parametrize("name", REFERENCE)
def test_drawn_waits_agree_with_the_closed_form(name):
    *_, waiting, abandoning, mean_served, within = REFERENCE[name]
    size = 400_000
    wait, answered = _state(name).draw(np.random.default_rng(7), np.zeros(size, np.int64))
    four_errors = 4 * 0.5 / size**0.5
    assert (wait > 0).mean() == pytest.approx(waiting, abs=four_errors)
    assert (~answered).mean() == pytest.approx(abandoning, abs=four_errors)
    assert (answered & (wait <= 20)).mean() == pytest.approx(within, abs=four_errors)
    assert wait[answered].mean() == pytest.approx(mean_served, abs=4 * wait[answered].std() / size**0.5)


def test_short_abandons_make_the_recommended_service_level():
    """V6 under A3 is .744947 (T 20 s, s 5 s), from the same source."""
    assert service_level(_state("A3"), np.array([20.0]), 5.0)[0] == pytest.approx(0.744947, abs=1e-4)


def test_positions_for_is_the_least_that_reaches_the_target():
    found = positions_for(*(np.array([x]) for x in (250 / 1800, 210.0, 180.0, 0.744947, 20.0)), 5.0)
    assert found[0] == pytest.approx(30, abs=0.01)


def test_states_are_drawn_each_from_its_own_row():
    both = waits(np.array([0.001, 0.2]), np.array([60.0, 300.0]), np.array([120.0, 120.0]), np.array([5.0, 50.0]))
    rng = np.random.default_rng(3)
    wait, answered = both.draw(rng, np.array([0, 1] * 50_000))
    assert wait[::2].max() < wait[1::2].max()
    assert (~answered[1::2]).mean() == pytest.approx(both.abandoned()[1], abs=0.01)
    assert answered[::2].mean() > 0.999


def test_no_probability_leaves_its_bounds_at_any_load():
    rate = np.geomspace(1e-6, 30, 40)
    state = waits(rate, np.full(40, 300.0), np.full(40, 90.0), np.full(40, 20.0))
    for share in (state.at_once, state.abandoned(), state.served_within(20), state.abandoned_within(5)):
        assert np.all((share >= -1e-12) & (share <= 1 + 1e-12))
    assert np.all(np.diff(state.abandoned()) >= -1e-9)
