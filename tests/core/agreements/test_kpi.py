"""Which wording of a KPI holds, and the contract's arithmetic."""

from dataclasses import replace
from datetime import UTC, date, timedelta
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.kpi import Kpi, counted_stretches, counts_alike, in_force
from comity.core.agreements.wordings import kpi_wordings
from comity.core.values import Period
from tests.builders.agreement import FIRST, random_chain

OLD = Kpi("sl", "service_level", target=0.8, valid_from=date(2025, 1, 1))
NEW = Kpi("sl", "service_level", target=0.7, valid_from=date(2026, 4, 1))


def test_in_force_is_the_latest_wording_valid_by_the_day():
    assert in_force((NEW, OLD), "sl", date(2026, 3, 31)) is OLD
    assert in_force((NEW, OLD), "sl", date(2026, 4, 1)) is NEW
    assert in_force((NEW, OLD), "sl", date(2024, 12, 31)) is None
    assert in_force((NEW, OLD), "other", date(2026, 4, 1)) is None


def test_in_force_prefers_the_wording_agreed_later():
    first = Kpi("sl", "service_level", target=0.8, agreed_on=date(2025, 12, 1))
    second = Kpi("sl", "service_level", target=0.9, agreed_on=date(2026, 1, 9))
    assert in_force((second, first), "sl", date(2026, 2, 1)) is second


def test_a_wording_that_has_ended_leaves_none_in_force_until_the_next_begins():
    ended = Kpi("sl", "service_level", valid_from=date(2025, 1, 1), valid_to=date(2026, 2, 1))
    assert in_force((ended, NEW), "sl", date(2026, 1, 31)) is ended
    assert in_force((ended, NEW), "sl", date(2026, 2, 1)) is None
    assert in_force((ended, NEW), "sl", date(2026, 4, 1)) is NEW


def test_a_target_is_met_at_its_edge_either_way():
    assert OLD.met(0.8) is True
    assert OLD.met(0.7999999) is False
    waits = Kpi("wait", "wait_mean", target=30.0, better="lower")
    assert waits.met(30.0) is True
    assert waits.met(30.1) is False


def test_a_bias_meets_its_target_on_either_side_of_zero():
    bias = Kpi("bias", "forecast_bias", target=0.05, better="lower")
    assert bias.met(-0.04) is True
    assert bias.met(-0.06) is False


def test_met_is_none_without_value_or_target():
    assert OLD.met(None) is None
    assert Kpi("sl", "service_level").met(0.9) is None


# Stretches --------------------------------------------------------------------------------------------------------


def days_of(period):
    return [period.start + timedelta(days=number) for number in range(period.days)]


@given(seed=st.integers(0, 10_000), length=st.integers(1, 90), start=st.integers(0, 90))
def test_stretches_part_the_days_of_a_period_by_what_counts_alike(seed, length, start):
    """Permanent and temporary changes at random: each day in one stretch, counted by the text in force on it."""
    kpis = kpi_wordings(random_chain(Random(seed), 8), UTC)
    period = Period(FIRST + timedelta(days=start), FIRST + timedelta(days=start + length))
    for name in {kpi.id for kpi in kpis}:
        stretches = counted_stretches(kpis, name, period)
        assert [day for one in stretches for day in days_of(one.days)] == days_of(period)
        assert not any(counts_alike(one.kpi, other.kpi) for one, other in pairwise(stretches))
        for one in stretches:
            assert all(counts_alike(in_force(kpis, name, day), one.kpi) for day in days_of(one.days))
            assert one.kpi == in_force(kpis, name, one.days.end - timedelta(days=1))


def test_a_week_s_wording_within_a_month_makes_three_stretches():
    """Vector 4's October with a temporary target over 5 to 11 October: what was returns on the 12th."""
    kpis = (
        Kpi("sl", "service_level", target=0.8, valid_to=date(2026, 10, 5)),
        Kpi("sl", "service_level", target=0.7, valid_from=date(2026, 10, 5), valid_to=date(2026, 10, 12)),
        Kpi("sl", "service_level", target=0.8, valid_from=date(2026, 10, 12)),
    )
    stretches = counted_stretches(kpis, "sl", Period(date(2026, 10, 1), date(2026, 11, 1)))
    assert [(one.days.start.day, one.days.days, one.kpi.target) for one in stretches] == [
        (1, 4, 0.8),
        (5, 7, 0.7),
        (12, 20, 0.8),
    ]


@pytest.mark.parametrize("beside", [{"material": 0.02}, {"volume_band": 0.1}, {"patience_s": 90.0}, {"entry": 7}])
def test_a_wording_of_the_same_target_and_formula_counts_on(beside):
    """Only target and formula part a period; the figure then names the later wording."""
    kpis = (OLD, replace(OLD, valid_from=date(2026, 4, 15), **beside))
    (only,) = counted_stretches(kpis, "sl", Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert (only.days, only.kpi) == (Period(date(2026, 4, 1), date(2026, 5, 1)), kpis[1])


def test_days_without_the_kpi_are_in_a_stretch_of_none():
    late = Kpi("sl", "service_level", valid_from=date(2026, 4, 15))
    before, after = counted_stretches((late,), "sl", Period(date(2026, 4, 1), date(2026, 5, 1)))
    assert (before.kpi, before.days.days, after.kpi) == (None, 14, late)
