"""How both sides change the agreement, as the page and a program give it: what each reader may know, and no more."""

from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import transaction
from django.utils import timezone

from comity.apps.agreements import operations
from comity.apps.agreements.measuring.measures import measures
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.proportions import Proportion, jeffreys
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import content, kpi_of, proposed, row, sign
from tests.builders.levels import KPI, contacts
from tests.builders.programs import ask
from tests.room import cast

pytestmark = pytest.mark.gate
CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def agreed(them, who, made, **more):
    pk = proposed(them, who, made)
    assert not sign(them, "customer_lead", pk, **more)
    assert sign(them, "provider_lead", pk, **more)
    return pk


def found(them, who="auditor"):
    with transaction.atomic():
        return measures(them.at(who))


def in_days(days):
    return timezone.now().date() + timedelta(days=days)


@pytest.fixture
def kpi(them):
    with transaction.atomic():
        return kpi_of(them.at("customer_lead"))


def test_each_side_s_shares_come_from_the_changes_that_both_agreed_to(them, kpi):
    """The customer proposes two that the provider carries out, one reason marked; the provider one of its own."""
    price = add("voice", Kind.PRICE, kpi, service="Voice", unit="contact", currency="EUR", price="4.2")
    first = agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=in_days(90)))
    agreed(them, "customer_lead", content(SetField(kpi, "material", "0.02"), first_day=in_days(90)))
    agreed(them, "provider_lead", content(price, first_day=in_days(60)))
    proposed(them, "customer_lead", content(SetField(kpi, "target", "0.95"), first_day=in_days(120)))  # not agreed
    with transaction.atomic():
        operations.mark_reason(them.at("provider_lead"), row(first), sufficient=False, because="No figure is named.")
    got = found(them, "customer_lead")
    ours, theirs = got.by_side[CUSTOMER], got.by_side[PROVIDER]
    assert [one.row.giver for one in got.changes] == [PROVIDER, CUSTOMER, CUSTOMER]
    assert (ours.reasons, ours.not_marked) == (Proportion(0, 1), Proportion(1, 2))
    assert (ours.authorship, theirs.authorship) == (Proportion(2, 3), Proportion(1, 3))
    assert (ours.executed_only, theirs.executed_only) == (Proportion(0, 0), Proportion(2, 3))
    assert (ours.told, ours.told_in_time) == (Proportion(2, 2), Proportion(2, 2))  # who did it, not who had it done
    assert ours.notice == Proportion(0, 0)  # none is agreed
    assert (got.days[CUSTOMER].count, got.days[CUSTOMER].median) == (2, 0.0)
    assert got.from_before == 1  # the KPI of the book


def test_a_duty_of_notice_stands_beside_what_was_given(them, kpi):
    """Ten working days are agreed for KPIs: 90 days give them; and of one change little can be told."""
    duty = add("early", Kind.DUTY, kpi, side="customer", measure="notice", target="0.9")
    later = add("files", Kind.DUTY, "early", side="provider", measure="paid_in_time", target="0.95")
    notice = add("notice", Kind.NOTICE, "files", kpi=10)
    agreed(them, "customer_lead", content(duty, later, notice, first_day=in_days(0)), retroactive=True)
    agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=in_days(90)))
    one, other = found(them).duties
    assert (one.clause, one.side, one.target, one.share, one.met) == ("early", CUSTOMER, "0.9", Proportion(1, 1), True)
    assert (other.clause, other.share, other.met) == ("files", None, None)
    page = them.client("auditor").get(them.url("agreement/measures/")).content.decode()
    low, high = jeffreys(1, 1)
    assert f"{100 * low:.0f}\u00a0% to {100 * high:.0f}\u00a0%" in page
    assert "not in this version" in page
    assert "Notice kept" in page
    assert "Invoices paid in time" in page


def test_a_change_that_a_reader_may_not_read_is_not_counted_for_them_and_that_is_said(them, kpi):
    """A clause that only those who see money read: its change is in no share, list or answer of anybody else."""
    price = add("voice", Kind.PRICE, kpi, service="Voice", unit="contact", currency="EUR", price="4.2")
    agreed(them, "provider_lead", content(price, first_day=in_days(60), title="Voice at 4.20"))
    agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=in_days(90)))
    for who, readable in (("customer_lead", 2), ("customer_member", 1), ("auditor", 1)):
        got = found(them, who)
        assert (len(got.changes), got.not_readable) == (readable, 2 - readable)
        assert got.by_side[CUSTOMER].authorship.of == readable
        page = them.client(who).get(them.url("agreement/measures/")).content.decode()
        assert ("Voice at 4.20" in page) == (readable == 2)
        assert ("you may not read" in page) == (readable == 1)


def test_drafts_and_open_changes_of_the_other_side_move_no_share(them, kpi):
    before = found(them, "provider_lead")
    with transaction.atomic():
        operations.begin_draft(them.at("customer_lead"), content(SetField(kpi, "target", "0.9")))
    proposed(them, "customer_lead", content(SetField(kpi, "target", "0.85")))
    assert found(them, "provider_lead") == before


def test_a_program_reads_the_same(them, kpi):
    them.tokens = {}
    agreed(them, "customer_lead", content(SetField(kpi, "target", "0.9"), first_day=in_days(90)))
    got = ask(them, "provider_lead", "agreement/measures").json()
    low, high = jeffreys(1, 1)
    assert got["provider"]["executed_only"] == {"hits": 1, "of": 1, "share": 1.0, "low": low, "high": high}
    assert got["customer"]["notice"] == {"hits": 0, "of": 0, "share": None, "low": None, "high": None}
    assert [(one["side"], one["executed_only_by"]) for one in got["changes"]] == [("customer", ["provider"])]
    assert "paid_in_time" in got["not_in_this_version"]
    (change,) = ask(them, "provider_lead", "agreement/changes").json()["items"]
    assert (change["state"], {one["side"] for one in change["signatures"]}) == ("agreed", {"customer", "provider"})


def test_duties_of_records_are_told_by_deliveries_and_forecasts(them, kpi):
    """The book's one table was not imported, and there is no forecast: nothing is counted, and nothing is met."""
    records = add("files", Kind.DUTY, kpi, side="provider", measure="records_in_time", target="0.95")
    forecast = add("plan", Kind.DUTY, "files", side="customer", measure="forecast_locked_in_time", target="0.9")
    volume = add("volume", Kind.VOLUME, "plan", forecast_by="customer", locked_days=10)
    agreed(them, "customer_lead", content(records, forecast, volume, first_day=in_days(0)), retroactive=True)
    assert [(one.clause, one.share, one.met) for one in found(them).duties] == [
        ("files", Proportion(0, 0), None),
        ("plan", Proportion(0, 0), None),
    ]


def test_a_stranger_measures_nobody(them):
    assert them.client("stranger").get(them.url("agreement/measures/")).status_code == 404
