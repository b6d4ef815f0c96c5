"""The list of periods: what the records reach, and how far each closing is, as each side reads it."""

import re

import pytest
from django.db import transaction

from comity.apps.reviews.period_list import period_list
from comity.core.calendars import Cut
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.room import cast

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))  # of May and June 2026
    return made


def states(them, who, cut=Cut.MONTH):
    with transaction.atomic():
        return {listed.name: listed.state.value for listed in period_list(them.at(who))[cut]}


def test_months_quarters_and_years_of_the_records_are_listed_the_latest_first(them):
    with transaction.atomic():
        listed = period_list(them.at("auditor"))
    assert [one.name for one in listed[Cut.MONTH]] == ["2026-06", "2026-05"]
    assert [one.name for one in listed[Cut.QUARTER]] == ["2026-Q2"]
    assert [(one.name, one.state) for one in listed[Cut.YEAR]] == [("2026", "running")]


def test_each_side_reads_for_whom_a_period_waits_and_what_is_final(them):
    confirm(them, "customer_lead")
    assert states(them, "customer_lead") == {"2026-06": "theirs", "2026-05": "open"}
    assert states(them, "provider_member") == {"2026-06": "ours", "2026-05": "open"}
    assert states(them, "auditor") == {"2026-06": "one_side", "2026-05": "open"}
    confirm(them, "provider_lead")
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert states(them, who)["2026-06"] == "final"


def test_a_relationship_without_records_lists_none():
    made = cast()
    made.book(KPI)
    with transaction.atomic():
        assert period_list(made.at("customer_lead")) == {}


@pytest.mark.parametrize("path", ["review/", "attribution/", "review/?period=2026-01"])
def test_the_pages_offer_the_periods(them, path):
    page = them.client("provider_lead").get(them.url(path)).content.decode().replace("\u00a0", " ")
    assert re.search(r'href="[^"]*\?period=2026-05[^"]*">May 2026</a>', page)


def test_a_period_without_figures_is_not_offered_for_confirmation(them):
    them.book("", contacts="\n".join(contacts()))  # no KPI
    page = them.client("customer_lead").get(them.url("review/?period=2026-06&view=joint")).content.decode()
    assert "Confirm for" not in page
    assert "Dispute a figure" not in page
