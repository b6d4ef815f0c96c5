"""Paid against received: shares that add up, by hand and by property."""

import math
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.paid import SHARES, Billed, PaidStats, SharedLine, split_paid

CLASSES = ("in_target", "late", "repeated", "not_split")


def _line(amount: Decimal | int, contacts: dict[str, int]) -> tuple[SharedLine, ...]:
    return (SharedLine("support", Decimal(amount), contacts),)


def test_paid_is_split_by_contacts_and_by_time():
    """10,000 by contact, 6,000 for 100 hours, 4,000 fixed.

    Contacts 600 in target, 200 late, 200 repeated: 6,000, 2,000, 2,000. Handled 40, 10 and 20 hours of the
    100: 2,400, 600, 1,200, and 30 hours idle, 1,800. 4,000 not split.
    """
    paid_split = split_paid(
        PaidStats(
            Decimal(20000),
            _line(10000, {"in_target": 600, "late": 200, "repeated": 200}),
            Decimal(6000),
            360000.0,
            {"in_target": 600, "late": 200, "repeated": 200},
            {"in_target": 144000.0, "late": 36000.0, "repeated": 72000.0},
        ),
        {"late": "provider", "idle": "both"},
    )
    assert paid_split.amounts == pytest.approx(
        {"in_target": 8400, "late": 2600, "repeated": 3200, "idle": 1800, "not_split": 4000},
    )
    assert paid_split.shares["repeated"] == pytest.approx(0.16)
    assert paid_split.answers_for == {
        "in_target": None,
        "late": "provider",
        "repeated": None,
        "idle": "both",
        "not_split": None,
    }
    assert paid_split.contacts_in_target == 600
    assert paid_split.cost_per_contact_in_target == pytest.approx(20000 / 600)


def test_nothing_is_idle_when_more_was_handled_than_invoiced():
    paid_split = split_paid(
        PaidStats(Decimal(600), (), Decimal(600), 3600.0, {}, {"in_target": 5400.0, "late": 1800.0})
    )
    assert paid_split.amounts["idle"] == 0
    assert paid_split.shares == pytest.approx(
        {"in_target": 0.75, "late": 0.25, "repeated": 0, "idle": 0, "not_split": 0}
    )


def test_contacts_that_no_kpi_judges_are_not_split():
    paid_split = split_paid(PaidStats(Decimal(100), _line(100, {"in_target": 3, "not_split": 1}), Decimal(0), 0.0))
    assert paid_split.shares["not_split"] == pytest.approx(0.25)


def test_each_service_is_shared_out_by_the_contacts_that_it_is_for():
    """400 for 4 calls, 3 of them in time; 100 for 10 tickets, 5 late: 300 + 50 in target, 100 + 50 late."""
    calls = SharedLine("calls", Decimal(400), {"in_target": 3, "late": 1}, Billed(5, 4, 6))
    tickets = SharedLine("tickets", Decimal(100), {"in_target": 5, "late": 5})
    stats = PaidStats(Decimal(500), (calls, tickets), Decimal(0), 0.0, {"in_target": 8, "late": 6})
    paid_split = split_paid(stats)
    assert paid_split.amounts == {"in_target": 350, "late": 150, "repeated": 0, "idle": 0, "not_split": 0}
    assert paid_split.cost_per_contact_in_target == 500 / 8
    assert paid_split.billed == {"calls": Billed(5, 4, 6)}


def test_a_service_that_nobody_assigned_is_not_split():
    stats = PaidStats(Decimal(100), (), Decimal(0), 0.0, {"in_target": 3}, unassigned=("calls",))
    assert split_paid(stats).shares["not_split"] == 1
    assert split_paid(stats).unassigned == ("calls",)


def test_time_without_handled_time_is_not_split_rather_than_idle():
    """Handle times that nobody recorded do not show that nobody worked."""
    paid_split = split_paid(PaidStats(Decimal(100), (), Decimal(100), 3600.0, {"in_target": 3}, {}))
    assert paid_split.shares["not_split"] == 1.0


def test_a_period_without_an_invoice_has_no_split():
    assert split_paid(PaidStats(Decimal(0), (), Decimal(0), 0.0)) is None


money = st.decimals(0, 10**7, places=2, allow_nan=False)


@given(
    money,
    money,
    st.decimals(1, 10**7, places=2),
    st.floats(0, 1e8),
    st.dictionaries(st.sampled_from(CLASSES), st.integers(0, 10**6)),
    st.dictionaries(st.sampled_from(CLASSES), st.floats(0, 1e8)),
)
def test_shares_add_up_to_one_and_none_is_negative(by_contact, by_time, rest, seconds, contacts, handled):
    paid_split = split_paid(
        PaidStats(by_contact + by_time + rest, _line(by_contact, contacts), by_time, seconds, contacts, handled)
    )
    assert tuple(paid_split.shares) == SHARES
    assert math.fsum(paid_split.shares.values()) == pytest.approx(1, abs=1e-12)
    assert all(share >= -1e-12 for share in paid_split.shares.values())
