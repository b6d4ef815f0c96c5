"""Which wording of a KPI holds, and the contract's arithmetic."""

from datetime import date

from comity.core.agreements.kpi import Kpi, in_force

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
