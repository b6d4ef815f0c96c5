"""A change of the agreement that reaches final figures: they stay, and a restatement stands beside them."""

from datetime import date

import pytest
from django.core.cache import cache
from django.db import transaction

from comity.apps.agreements import operations as agreements
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Membership
from comity.apps.record import queries as records
from comity.apps.record.models import ConsentSubject, EntryKind
from comity.apps.reviews import restatements
from comity.core import chain
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import content, kpi_of, proposed, row, sign, soon
from tests.builders.confirmations import JUNE, confirm, entries
from tests.builders.levels import KPI, contacts
from tests.room import cast, forget_mails, run_jobs, sent_mails

pytestmark = pytest.mark.gate
MAY = "2026-05"
JOBS = (agreements.WRITE_TASK, restatements.RESTATE_TASK)


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    for period in (MAY, JUNE):
        for who in ("customer_lead", "provider_lead"):
            confirm(made, who, period)
    forget_mails()
    return made


def agree(them, first_day, field="answer_within_s", value="60", *, who=("customer_lead", "provider_lead"), end=None):
    """Both sign a change of the book's KPI, the second of two last."""
    with transaction.atomic():
        kpi = kpi_of(them.at("customer_lead"))
    made = content(SetField(kpi, field, value), first_day=first_day)
    made = type(made)(made.first_day, end, made.edits, made.words, made.says)
    pk = proposed(them, "customer_lead", made)
    agreed = [sign(them, one, pk, retroactive=first_day <= soon(0)) for one in who]
    assert agreed[-1]
    run_jobs(*JOBS)
    return pk


def of(them, period):
    """The entries about a period: what each is, and the value that it has."""
    with transaction.atomic():
        found = list(records.entries(them.at("auditor"), ConsentSubject.PERIOD, period))
    return [(one.kind, one.content["figures"]["service_level"]["num"], one.content.get("reason")) for one in found]


def test_a_change_from_a_day_in_a_final_month_restates_it_beside_the_final_figures(them):
    """60 seconds instead of 20 from 1 June: all 60 contacts in time, of which 28 were."""
    before = entries(them)
    agree(them, date(2026, 6, 1))
    (frozen, restated) = of(them, JUNE)
    assert frozen == (EntryKind.FROZEN, "28", None)
    assert restated[:2] == (EntryKind.RESTATED, "60")
    assert "Change 2 of the agreement" in restated[2]
    assert "Higher target" in restated[2]
    assert [kind for kind, *_ in of(them, MAY)] == [EntryKind.FROZEN]
    after = entries(them)
    assert [one.content for one in after[: len(before)]] == [one.content for one in before]
    assert chain.verify([chain.Entry(one.number, one.content, one.previous, one.digest) for one in after])
    for who in ("customer_lead", "provider_lead", "auditor"):
        page = them.client(who).get(them.url(f"review/?period={JUNE}&view=joint")).content.decode()
        assert "Change 2 of the agreement" in page
        assert "The records now give other figures" not in page
    mails = [mail for mail in sent_mails() if "restatement added" in mail.subject]
    assert {address for mail in mails for address in mail.to} >= {
        them.people[who].email for who in ("customer_lead", "provider_lead")
    }


def test_each_final_month_that_it_moves_is_restated_once(them):
    pk = agree(them, date(2026, 5, 1))
    assert [len(of(them, period)) for period in (MAY, JUNE)] == [2, 2]
    with transaction.atomic():
        number = row_of(them, pk)
    again = restatements.restate_by_change(them.people["provider_lead"].pk, them.relationship, Side.PROVIDER, number)
    assert again == []
    assert [len(of(them, period)) for period in (MAY, JUNE)] == [2, 2]


def row_of(them, pk):
    them.at("auditor")
    return row(pk).place


def test_what_ends_before_a_month_or_begins_later_restates_nothing_there(them):
    agree(them, date(2026, 5, 10), end=date(2026, 6, 1))
    assert [len(of(them, period)) for period in (MAY, JUNE)] == [2, 1]
    agree(them, soon(), value="90")
    assert [len(of(them, period)) for period in (MAY, JUNE)] == [2, 1]


def test_whoever_signed_last_may_have_left_or_may_not_confirm(them):
    """By the agreement the provider's finance signs alone, and is gone when the job runs."""
    rule = [{"roles": ["finance"], "means": ["room"]}]
    clause = add("authority", Kind.AUTHORITY, provider=rule)
    pk = proposed(them, "customer_lead", content(clause, first_day=soon(0), title="Who signs"))
    for who in ("customer_lead", "provider_lead"):
        sign(them, who, pk, retroactive=True)
    run_jobs(*JOBS)
    agree(them, date(2026, 6, 1), who=("customer_lead", "provider_finance"))
    assert [kind for kind, *_ in of(them, JUNE)] == [EntryKind.FROZEN, EntryKind.RESTATED]
    with transaction.atomic():
        member = them.at("provider_lead")
        gone = Membership.objects.get(relationship=them.relationship, person=them.people["provider_finance"])
        parties.end_membership(member, gone)
    found = restatements.restate_by_change(
        them.people["provider_finance"].pk, them.relationship, Side.PROVIDER, entries(them)[-2].number
    )
    assert found == []
