"""The table of verdicts, row by row."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.readings.verdict import Change, Part, Verdict, cause, critical, judge

Z = 2.0


def verdict(n: float, h: float, *, m: float = 1.0, errors: tuple[float, float, float] = (0.1, 0.1, 0.1)) -> Verdict:
    s_n, s_h, s_d = errors
    return judge(Change(n, s_n), Change(h, s_h), Change(n - h, s_d), material=m, z=Z, sampled=True)


@pytest.mark.parametrize(
    ("n", "h", "errors", "expected"),
    [
        (0.0, 0.0, (0.1, 0.6, 0.1), Verdict.UNCLEAR),  # z s_h = 1.2 > m: too few data to tell
        (0.5, -0.5, (0.1, 0.1, 0.1), Verdict.STEADY),
        (2.0, 1.5, (0.1, 0.1, 0.1), Verdict.GENUINE),  # d = 0.5 not moved, h moved
        (1.2, 0.9, (0.1, 0.1, 0.1), Verdict.UNCLEAR),  # n moved, h and d did not
        (3.0, 0.5, (0.1, 1.6, 0.1), Verdict.UNCLEAR),  # z s_h = 3.2 > |n|
        (3.0, 0.5, (0.1, 0.6, 0.1), Verdict.ILLUSORY),
        (0.2, 3.0, (0.1, 0.1, 0.1), Verdict.MASKED),
        (2.0, -2.0, (0.1, 0.1, 0.1), Verdict.REVERSED),
        (5.0, 2.0, (0.1, 0.1, 0.1), Verdict.OVERSTATED),  # 2 < 5/2
        (1.5, 4.0, (0.1, 0.1, 0.1), Verdict.UNDERSTATED),  # 4 > 2 x 1.5
        (5.0, 3.0, (0.1, 0.1, 0.1), Verdict.GENUINE),  # between half and double
    ],
)
def test_judge_takes_the_first_row_that_applies(
    n: float, h: float, errors: tuple[float, float, float], expected: Verdict
):
    assert verdict(n, h, errors=errors) is expected


def test_exact_figures_that_moved_without_a_gap_worth_acting_on_are_steady():
    """n = 1.2 and h = 0.9 of an invoice: neither error nor doubt."""
    exact = judge(Change(1.2), Change(0.9), Change(0.3), material=1.0, z=None, sampled=False)
    assert exact is Verdict.STEADY


def test_a_sample_without_spread_or_without_units_is_unclear():
    assert verdict(3.0, 3.0, errors=(0.1, 0.0, 0.1)) is Verdict.UNCLEAR
    few = judge(Change(3.0, 0.1), Change(3.0, 0.1), Change(0.0, 0.1), material=1.0, z=None, sampled=True)
    assert few is Verdict.UNCLEAR
    assert judge(Change(3.0, 0.1), None, None, material=1.0, z=Z, sampled=True) is Verdict.UNCLEAR


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.01, 3))
def test_a_verdict_does_not_depend_on_which_way_is_up(n: float, h: float, error: float):
    errors = (error, error, error)
    assert verdict(n, h, errors=errors) is verdict(-n, -h, errors=errors)


@given(st.floats(-9, 9), st.floats(-9, 9), st.floats(0.01, 3), st.sampled_from([2.0**k for k in range(-3, 4)]))
def test_a_verdict_does_not_depend_on_the_unit(n: float, h: float, error: float, by: float):
    scaled = verdict(n * by, h * by, m=by, errors=(error * by,) * 3)
    assert scaled is verdict(n, h, errors=(error,) * 3)


def test_the_cause_is_the_largest_part_outside_in_the_direction_of_the_gap():
    parts = [
        Part("within", 9.0, like_for_like=True),
        Part("mix", 1.0),
        Part("queues", -5.0),
        Part("exclusion", 1.0),
    ]
    assert cause(Verdict.OVERSTATED, 2.0, parts) == "mix"  # ties: the first
    assert cause(Verdict.OVERSTATED, -2.0, parts) == "queues"
    assert cause(Verdict.GENUINE, 2.0, parts) is None


def test_critical_values_are_students():
    """Published table: t(0.975, 9) = 2.262, t(0.975, 29) = 2.045, t(0.995, 9) = 3.250."""
    assert critical(10) == pytest.approx(2.262, abs=5e-4)
    assert critical(30) == pytest.approx(2.045, abs=5e-4)
    assert critical(10, 0.005) == pytest.approx(3.250, abs=5e-4)
    assert critical(1) is None
