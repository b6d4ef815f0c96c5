"""What is shown to add up adds up as shown."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.readings.verdict import Verdict
from comity.review.views.rounding import half_width, largest_remainder, round_figures, waterfall
from tests.builders import review as sample

terms = st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20)


@given(terms)
def test_rounded_terms_come_to_the_rounded_sum_and_none_moves_by_one(values):
    rounded = largest_remainder(values)
    assert sum(rounded) == round(math.fsum(values))
    assert all(abs(whole - value) < 1 + 1e-6 for whole, value in zip(rounded, values, strict=True))


@given(terms, st.integers(-(10**7), 10**7))
def test_terms_come_to_any_total_that_is_asked_for(values, total):
    assert sum(largest_remainder(values, total)) == total


def test_no_terms_round_to_no_terms():
    assert largest_remainder([]) == []


def test_hamiltons_method_gives_the_seats_of_its_textbook_example():
    # Balinski and Young, "Fair Representation" (1982): quotas 1.5, 3.2, 5.3 of 10 seats; the largest remainder is .5
    assert largest_remainder([1.5, 3.2, 5.3], 10) == [2, 3, 5]


def test_the_drawings_own_example_adds_up():
    # design-language.md, "Adding up": 2.98 + 1.02 + 3.85 + 0.85 = 8.70
    assert sum(largest_remainder([298.4, 101.6, 384.8, 85.2])) == 870


@given(
    st.sampled_from(["share", "points", "money"]),
    st.floats(-100, 100),
    st.lists(st.floats(-50, 50), min_size=1, max_size=9),
    st.floats(0.001, 5),
)
def test_a_waterfall_goes_from_before_to_after_as_shown(unit, before, values, material):
    parts = {f"part_{at}": value for at, value in enumerate(values)}
    reading = sample.reading(Verdict.GENUINE, unit=unit, before=before, parts=parts, held=set(), material=material)
    fall = waterfall(reading)
    back = 10**fall.decimals
    whole = round(fall.before * back) + sum(round(step.value * back) for step in fall.steps)
    assert whole == round(fall.after * back)
    assert all(math.isclose(one.end, two.start) for one, two in zip(fall.steps, fall.steps[1:], strict=False))


@given(st.floats(-100, 100), st.floats(-50, 50), st.floats(0.001, 5))
def test_before_and_change_come_to_after_as_shown(before, change, material):
    reading = sample.reading(Verdict.GENUINE, before=before, parts={"within": change}, material=material)
    figures = round_figures(reading)
    assert math.isclose(figures.before + figures.change, figures.after, abs_tol=1e-9)


@given(st.sampled_from(["share", "points", "money"]), st.floats(-100, 100), st.floats(-50, 50), st.floats(0.001, 5))
def test_a_period_has_the_value_that_it_has_everywhere_else(unit, before, change, material):
    """Before and after are the nearest figures, in the table of readings and in the parts; never one beside them."""
    reading = sample.reading(Verdict.GENUINE, unit=unit, before=before, parts={"within": change}, material=material)
    scale = 100.0 if unit == "share" else 1.0
    for shown in (round_figures(reading), waterfall(reading)):
        for value, exact in ((shown.before, reading.before), (shown.after, reading.after)):
            assert abs(value - exact * scale) <= 0.5000001 / 10**shown.decimals


def test_deadlines_kept_of_august_and_september_are_those_of_their_levels():
    """783 of 1002 and 749 of 939 are 78.1 % and 79.8 %; +1.6 does not lie between them, so that two decimals are shown.

    78.14 to 79.77 is +1.63; exactly it is 1.622.
    """
    kept = [783 / 1002, 749 / 939]
    parts = {"within": kept[1] - kept[0]}
    reading = sample.reading(Verdict.GENUINE, unit="share", before=kept[0], parts=parts, material=0.01)
    figures, fall = round_figures(reading), waterfall(reading)
    assert (figures.before, figures.after, round(figures.change, 9), figures.decimals) == (78.14, 79.77, 1.63, 2)
    assert (fall.before, fall.after, round(fall.change, 9)) == (78.14, 79.77, 1.63)


def test_a_subtotal_is_made_of_the_rounded_parts():
    reading = sample.reading(Verdict.GENUINE, parts={"chosen": 0.0104, "weathered": 0.0104, "passive": 0.0102})
    fall = waterfall(reading)
    own = [step.value for step in fall.steps if step.part.like_for_like]
    assert fall.like_for_like == pytest.approx(sum(own))


def test_an_interval_is_z_times_the_error_and_exact_figures_have_none():
    reading = sample.readings()[0]
    assert half_width(reading.like_for_like, 2.0) == pytest.approx(0.06)
    assert half_width(sample.readings()[4].like_for_like, None) == 0
    assert half_width(reading.like_for_like, None) is None
