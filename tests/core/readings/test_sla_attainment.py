"""Reading of SLA attainment: by hand, by its identities, and what makes it unclear."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from comity.core.agreements.kpi import Kpi
from comity.core.readings.decomposition import Cells
from comity.core.readings.sla_attainment import KpiCells, Stats, read
from comity.core.readings.verdict import Verdict

KPI = Kpi("sla_attainment", "sla_attainment", material=0.01)
# Queue a 80 of 100, queue b 60 of 100; then a 135 of 150, b 35 of 50. Four weeks each.
MAY = Cells(np.array([[18.0, 22, 18, 22], [15, 15, 15, 15]]), np.full((2, 4), 25.0))
JUNE = Cells(np.array([[27.0, 41, 27, 40], [7, 11, 7, 10]]), np.array([[30.0, 45, 30, 45], [10, 15, 10, 15]]))


def stats(before=MAY, after=JUNE, own=None, **more):
    return Stats(KPI, KpiCells(own or before, before, after), **more)


def parts(reading):
    return {part.id: part.value for part in reading.parts}


def test_parts_and_errors_are_those_of_a_calculation_by_hand():
    """R 0.7 to 0.85. within: (0.625 + 0.375) 0.1. mix: (0.85 - 0.775) 0.25 + (0.65 - 0.775)(-0.25). c = 4/3.

    N before: (33, 37, 33, 37) - 0.7 * 50 over 200; H before: a 0.625 (-+2)/100, b none. N after: 0, 0.005, 0, -0.005.
    """
    reading = read(stats())
    assert (reading.before, reading.after) == pytest.approx((0.7, 0.85))
    assert parts(reading) == pytest.approx({"within": 0.1, "mix": 0.05, "queues": 0}, abs=1e-12)
    assert reading.headline.se == pytest.approx((4 / 3 * (4 * 0.01**2 + 2 * 0.005**2)) ** 0.5)
    own_after = 0.625 * 0.5 / 150 + 0.375 * 0.5 / 50
    assert reading.like_for_like.se == pytest.approx((4 / 3 * (4 * 0.0125**2 + 2 * own_after**2)) ** 0.5)
    assert (reading.verdict, reading.cause, reading.counts) == (Verdict.GENUINE, None, {"before": 200, "after": 200})


def test_another_wording_before_is_the_part_definition():
    """By its own wording May had 150 of 200, by the later one 140 of 200."""
    own = Cells(MAY.totals + np.array([[1.25] * 4, [1.25] * 4]), MAY.counts)
    reading = read(stats(own=own))
    assert reading.before == pytest.approx(0.75)
    assert parts(reading)["definition"] == pytest.approx(-0.05)
    assert sum(parts(reading).values()) == pytest.approx(reading.headline.change)


def test_queues_of_one_period_only_are_unclear():
    """Queue b is closed before June; a fifth of May was due there."""
    before = Cells(MAY.totals, MAY.counts * np.array([[1.0], [0.8]]))
    after = Cells(JUNE.totals * np.array([[1.0], [0.0]]), JUNE.counts * np.array([[1.0], [0.0]]))
    reading = read(stats(before, after))
    assert (reading.verdict, reading.cause) == (Verdict.UNCLEAR, "queues")
    assert reading.would_be not in {None, Verdict.UNCLEAR}


def test_nothing_judged_in_a_period_is_no_reading():
    assert read(stats(MAY, Cells(np.zeros((2, 4)), np.zeros((2, 4))))) is None


@pytest.mark.parametrize(("after", "verdict"), [(0.105, Verdict.GENUINE), (0.2, Verdict.UNCLEAR)])
def test_a_larger_unjudged_share_is_unclear(after, verdict):
    reading = read(stats(unjudged=(0.1, after), open_late=(3, 4)))
    assert reading.verdict is verdict
    assert reading.cause == ("unjudged" if verdict is Verdict.UNCLEAR else None)
    assert reading.also == {"open_late": {"before": 3, "after": 4}, "unjudged": {"before": 0.1, "after": after}}


def test_effects_of_exclusions_are_reported():
    """With what was taken out of June counted, June is 150 of 200, so nothing but 5 points are left."""
    with_them = Cells(JUNE.totals - np.array([[2.5] * 4, [2.5] * 4]), JUNE.counts)
    also = read(stats(by_exclusion={"nothing": KpiCells(MAY, MAY, with_them)})).also["exclusions"]
    assert also["nothing"]["as_reported"] == pytest.approx(0.05)


@st.composite
def counted(draw):
    counts = draw(arrays(float, (3, 5), elements=st.integers(0, 60)))
    return Cells(np.floor(counts * draw(arrays(float, (3, 5), elements=st.floats(0, 1)))), counts)


@given(counted(), counted(), counted())
def test_parts_add_up(own, before, after):
    reading = read(stats(before, after, own))
    assume(reading is not None)
    values = list(parts(reading).values())
    assert sum(values) == pytest.approx(reading.headline.change, abs=1e-9 * max(1.0, sum(map(abs, values))))


@given(counted(), counted())
def test_swapping_the_periods_turns_every_part_round(before, after):
    there, back = read(stats(before, after)), read(stats(after, before))
    assume(there is not None and back is not None)
    assert {name: -value for name, value in parts(back).items()} == pytest.approx(parts(there), abs=1e-12)
