"""The firm of somebody who advises a side: named by its leads alone, shown wherever they speak, kept with its days."""

import pytest
from django.db import DatabaseError, transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.parties import operations, queries
from comity.apps.parties.models import Firm, Membership
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from tests.builders.changes import attempt
from tests.builders.matters import raised
from tests.room import cast

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"


@pytest.fixture(scope="module")
def them():
    return cast()


def place_of(them, who):
    with transaction.atomic():
        them.at("auditor")
        return Membership.objects.get(relationship=them.relationship, person=them.people[who])


def named(them, who, whom, name):
    with transaction.atomic():
        operations.set_firm(them.at(who), place_of(them, whom), name)


def test_both_sides_see_the_firm_and_who_engaged_it_wherever_the_adviser_speaks(them):
    named(them, C, "customer_analyst", "Kline & Partners")
    matter = raised(them, "customer_analyst", Kind.QUESTION)
    for who in (C, P, "auditor"):
        people = them.client(who).get(them.url("people/")).content.decode()
        assert "Kline &amp; Partners, engaged by Northwind Energy" in people
        thread = them.client(who).get(them.url(f"matters/{matter.pk}/")).content.decode()
        assert "Kline &amp; Partners, engaged by Northwind Energy" in thread
    with transaction.atomic():
        them.at(P)
        event = AuditEvent.objects.get(relationship=them.relationship, event=Event.FIRM_NAMED)
    assert (event.shared, event.data["firm"], event.side) == (True, "Kline & Partners", "customer")


def test_what_somebody_said_stays_with_the_firm_of_then(them):
    named(them, C, "customer_finance", "First LLP")
    matter = raised(them, "customer_finance", Kind.QUESTION)
    named(them, C, "customer_finance", "Second LLP")
    page = them.client(P).get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "First LLP" in page
    assert "Second LLP" not in page
    named(them, C, "customer_finance", "")
    with transaction.atomic():
        assert them.people["customer_finance"].pk not in queries.firms_now(them.at(P))
    page = them.client(P).get(them.url(f"matters/{matter.pk}/")).content.decode()
    assert "First LLP" in page


@pytest.mark.parametrize(("who", "whom"), [(P, "customer_member"), ("customer_analyst", "customer_member"),
                                           (C, "provider_member"), (C, "mediator")])  # fmt: skip
def test_only_leads_of_the_own_side_name_a_firm(them, who, whom):
    with pytest.raises(Refused):
        named(them, who, whom, "Nobody & Co")
    address = them.url(f"people/{place_of(them, whom).pk}/firm/")
    assert them.client(who).post(address, {"name": "Nobody & Co"}).status_code in {302, 403, 404, 422}
    with transaction.atomic():
        them.at("auditor")
        assert not Firm.objects.filter(name="Nobody & Co").exists()


INSERT = (
    "INSERT INTO parties_firm (id, relationship_id, membership_id, person_id, side, name, from_at) SELECT "
    "gen_random_uuid(), relationship_id, id, person_id, side, 'Other', now() FROM parties_membership LIMIT 1"
)


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE parties_firm SET name = 'Other'",
        "UPDATE parties_firm SET side = 'provider'",
        "DELETE FROM parties_firm",
        INSERT,
    ],
)
@pytest.mark.parametrize("who", [C, P])
def test_raw_sql_names_nobodys_firm(them, sql, who):
    with pytest.raises(DatabaseError, match=r"permission denied|row-level"):
        attempt(them, who, sql)
