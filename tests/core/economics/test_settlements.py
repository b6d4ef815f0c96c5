"""Settlements: the worked examples of the standards, in exact numbers."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.economics.settlements import Volume, gain_share, relief, service_credit, service_points, step_share

SHARES = [(Fraction(start, 100), Fraction(part, 100)) for start, part in ((0, 15), (80, 30), (90, 50), (110, 20))]


@pytest.mark.parametrize(
    ("outturn", "share"),
    [("0.75", 87_500), ("0.85", 65_000), ("0.95", 25_000), ("1", 0), ("1.05", -25_000), ("1.2", -70_000)],
)
def test_gain_and_pain_are_shared_by_bands(outturn, share):
    """Standards, 4.6: target 1,000,000; provider's part below 80 % 15, 80 to 90 30, 90 to 110 50, above 110 20."""
    assert gain_share(Fraction(outturn) * 1_000_000, Fraction(1_000_000), SHARES) == share


@given(st.fractions(0, 3), st.fractions(Fraction(1, 10), 10))
def test_gain_shares_of_both_sides_add_up(outturn, target):
    """The provider's part and the customer's, by the parts that are left, make up the whole difference."""
    rest = [(start, 1 - part) for start, part in SHARES]
    assert gain_share(outturn * target, target, SHARES) + gain_share(outturn * target, target, rest) == (
        target - outturn * target
    )


@pytest.mark.parametrize(
    ("failures", "given_points"),
    [(["severe", "minor", "severe"], [3, 2, 6]), (["minor", None, "minor"], [1, 0, 1])],
)
def test_service_points_double_for_a_repeated_failure(failures, given_points):
    """UK Model Services Agreement, example 2 (standards, 4.2; kpi_reference, msa_points)."""
    assert service_points(failures) == given_points


TELUS = [(Fraction(start), Fraction(share, 100)) for start, share in ((10, 2), (15, 4), (20, 6), (25, 8), (30, 10))]


@pytest.mark.parametrize(
    ("total", "share"), [(0, 0), (5, 0), (9, 0), (10, 2), (14, 2), (15, 4), (25, 8), (29, 8), (30, 10), (90, 10)]
)
def test_step_share_turns_points_into_a_share_of_the_charges(total, share):
    """The table 5/10/15/20/25/30+ points -> 0/2/4/6/8/10 % (standards, 4.2)."""
    assert step_share(Fraction(total), TELUS) == Fraction(share, 100)


def test_service_credit_is_charges_at_risk_allocated_and_capped():
    """Standards, 4.2: charges x at-risk % x allocation %; by hand, of 200,000 with 12 % at risk."""
    charges, at_risk = Fraction(200_000), Fraction("0.12")
    one = service_credit(charges, at_risk, {"service_level": Fraction("0.40")})
    assert one == 9_600
    pool = {"service_level": Fraction("0.80"), "csat": Fraction("0.60"), "quality": Fraction("0.60")}
    assert service_credit(charges, at_risk, pool) == 24_000
    assert service_credit(charges, at_risk, {}) == 0


def test_the_edge_of_a_band_is_inside_as_exact_numbers_say_and_floats_do_not():
    """11000/10000 - 1 <= 0.10 is False in binary floats (standards, 4.3; kpi_reference, volume_band)."""
    assert not 11000 / 10000 - 1 <= 0.10
    edge = Volume(Fraction(10_000), Fraction(11_000), Fraction(9_000))
    assert not edge.outside(Fraction("0.10"))
    assert Volume(Fraction(10_000), Fraction(11_001), Fraction(9_000)).outside(Fraction("0.10"))
    assert not Volume(Fraction(10_000), Fraction(9_000), Fraction(9_000)).outside(Fraction("0.10"))
    assert Volume(Fraction(10_000), Fraction(8_999), Fraction(8_999)).outside(Fraction("0.10"))


def test_the_reliefs_for_volume_of_the_worked_example():
    """Lock 10,000, band 10 %, 11,800 offered, 8,900 in time (standards, 4.3)."""
    reference = json.loads(Path(__file__).parents[2].joinpath("reference", "volume_band.json").read_text())
    result = relief([Volume(Fraction(10_000), Fraction(11_800), Fraction(8_900))], Fraction("0.10"))
    assert str(result.deviation) == reference["deviation"]
    assert result.waived
    assert float(result.raw) * 100 == pytest.approx(reference["raw"], abs=5e-5)
    assert float(result.capped) * 100 == pytest.approx(reference["capped"], abs=5e-5)
    assert float(result.credit) == pytest.approx(reference["credit"], abs=5e-7)
    assert result.inside is None


def test_only_intervals_outside_of_the_band_are_left_out():
    """By hand: 100 and 108 lie in 10 % of 100 (90 + 80 of 208); 140 does not, nor does 80."""
    volumes = [
        Volume(Fraction(100), Fraction(came), Fraction(good)) for came, good in ((100, 90), (108, 80), (140, 50))
    ]
    result = relief([*volumes, Volume(Fraction(100), Fraction(80), Fraction(80))], Fraction("0.10"))
    assert result.inside == Fraction(170, 208)
    assert result.deviation == Fraction(28, 400)
    assert not result.waived
    assert result.capped == result.raw == Fraction(300, 428)
    assert result.credit == 1


def test_where_nothing_was_locked_or_came_there_is_no_share():
    nothing = relief([], Fraction("0.1"))
    assert (nothing.deviation, nothing.raw, nothing.inside, nothing.capped, nothing.credit) == (
        None,
        None,
        None,
        None,
        1,
    )
    unplanned = relief([Volume(Fraction(0), Fraction(10), Fraction(5))], Fraction("0.1"))
    assert (unplanned.deviation, unplanned.waived, unplanned.capped, unplanned.credit) == (None, True, None, 0)


@given(
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)), min_size=1, max_size=12),
    st.fractions(0, 1, max_denominator=100),
)
def test_a_relief_never_makes_a_level_worse_but_by_leaving_good_intervals_out(rows, band):
    """Capping and pro rata only ever favour whoever is relieved; a level stays a share."""
    result = relief([Volume(Fraction(a), Fraction(b), Fraction(min(b, c))) for a, b, c in rows], band)
    assert 0 <= result.credit <= 1
    if result.raw is not None and result.capped is not None:
        assert result.raw <= result.capped <= 1
    if result.inside is not None:
        assert 0 <= result.inside <= 1
