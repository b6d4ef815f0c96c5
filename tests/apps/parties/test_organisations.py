"""An organisation is one row in all its relationships, and rows made twice become one by a person alone."""

import uuid

import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.parties import operations, queries
from comity.apps.parties.member_context import find_member, set_viewer
from comity.apps.refusal import Refused
from comity.core.values import Side
from tests.room import EVERYBODY, cast, superuser

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return cast()


def began(them, who="customer_lead", side=Side.CUSTOMER, own="Northwind Energy", **more):
    """Another relationship of somebody's."""
    with transaction.atomic():
        return operations.create_relationship(them.people[who], side, own, "Gridworks", **more).relationship


def own_organisation(them, who="customer_lead"):
    with transaction.atomic():
        member = them.at(who)
        return member.relationship.organisation(member.side)


def uses(them, who, relationship, organisation):
    with transaction.atomic():
        member = find_member(them.people[who].pk, relationship)
        operations.use_organisation(member, organisation)
        return member.relationship


def test_a_lead_creates_another_relationship_with_the_same_organisation(them):
    ours = own_organisation(them)
    other = began(them, side=Side.PROVIDER, organisation=ours.pk)
    assert (other.provider_id, other.provider.name) == (ours.pk, ours.name)
    with superuser() as everybody:
        named = "SELECT count(*) FROM parties_organisation WHERE id = %s"
        assert everybody.execute(named, [ours.pk]).fetchone() == (1,)


@pytest.mark.parametrize("who", [one for one in EVERYBODY if one != "customer_lead"])
def test_nobody_creates_a_relationship_for_an_organisation_they_do_not_lead(them, who):
    ours = own_organisation(them)
    with pytest.raises(Refused, match="not_led"):
        began(them, who, organisation=ours.pk)


def test_organisations_are_merged_by_a_lead_of_both_and_not_by_name(them):
    ours, other = own_organisation(them), began(them)
    assert other.customer_id != ours.pk
    assert other.customer.name == ours.name
    joined = uses(them, "customer_lead", other.pk, ours.pk)
    assert joined.customer_id == ours.pk
    with superuser() as everybody:
        there = "SELECT count(*) FROM parties_organisation WHERE id = %s"
        assert everybody.execute(there, [other.customer_id]).fetchone() == (0,)
    with transaction.atomic():
        find_member(them.people["customer_lead"].pk, other.pk)
        event = AuditEvent.objects.get(event=Event.ORGANISATION_JOINED)
        assert (event.data, event.shared) == ({"old": "Northwind Energy", "new": "Northwind Energy"}, True)


def test_an_organisation_used_in_another_relationship_is_kept(them):
    ours, first = own_organisation(them), began(them, own="Northwind")
    second = began(them, own="", organisation=first.customer_id)
    uses(them, "customer_lead", second.pk, ours.pk)
    with transaction.atomic():
        assert find_member(them.people["customer_lead"].pk, first.pk).relationship.customer.name == "Northwind"


@pytest.mark.parametrize("who", ["provider_lead", "customer_analyst", "customer_executive", "auditor", "mediator"])
def test_only_a_lead_of_both_merges_organisations(them, who):
    """The other side's lead leads an organisation of the same name elsewhere; nobody speaks for the customer."""
    elsewhere = began(them, who, own="Northwind Energy")
    before = own_organisation(them).pk
    with pytest.raises(Refused):
        uses(them, who, them.relationship, before)  # the customer's own, from the other side's place
    if who == "provider_lead":
        assert uses(them, who, them.relationship, elsewhere.customer_id).customer_id == before
    else:
        with pytest.raises(Refused, match="leads_only"):
            uses(them, who, them.relationship, elsewhere.customer_id)
    assert own_organisation(them).pk == before


def test_an_organisation_cannot_be_both_sides(them):
    """Somebody who leads it here, and its customer in another relationship, of which it is the provider."""
    ours = own_organisation(them)
    other = began(them, organisation=ours.pk)
    with superuser() as everybody:
        moved = "UPDATE parties_membership SET side = 'provider' WHERE relationship_id = %s"
        everybody.execute(moved, [other.pk])
    with pytest.raises(Refused, match="serves_itself"):
        uses(them, "customer_lead", other.pk, ours.pk)


def test_organisations_are_changed_only_by_the_database_function(them):
    for sql in (
        "UPDATE parties_relationship SET customer_id = provider_id",
        "DELETE FROM parties_organisation",
        "UPDATE parties_organisation SET name = 'x'",
    ):
        with pytest.raises(ProgrammingError), transaction.atomic():
            them.at("customer_lead")
            with connection.cursor() as cursor:
                cursor.execute(sql)


def test_merging_is_offered_to_leads_of_both_alone_same_name_first(them):
    began(them, own="Aardvark")
    other = began(them)
    page = them.client("customer_lead").get(them.url("people/")).content.decode()
    offered = page.partition('name="organisation"')[2].partition("</select>")[0]
    assert offered.index(other.customer.name) < offered.index("Aardvark")
    for who in EVERYBODY:
        if who != "customer_lead":
            assert "Use this organisation" not in them.client(who).get(them.url("people/")).content.decode()


def test_pages_create_relationships_and_merge_organisations(them):
    browser, ours = them.client("customer_lead"), own_organisation(them)
    page = browser.get("/begin/").content.decode()
    assert str(ours.pk) in page
    said = {"side": "customer", "organisation": str(ours.pk), "own": "", "other": "Gridworks"}
    answer = browser.post("/begin/", said)
    assert answer.status_code == 302
    there = uuid.UUID(answer.headers["Location"].split("/")[2])
    with transaction.atomic():
        assert find_member(them.people["customer_lead"].pk, there).relationship.customer_id == ours.pk
    assert browser.post("/begin/", {"side": "customer", "own": "", "other": "Gridworks"}).status_code == 422
    double = began(them)
    browser.post(f"/r/{there}/people/organisation/", {"organisation": str(double.customer_id)})
    with transaction.atomic():
        assert find_member(them.people["customer_lead"].pk, there).relationship.customer_id == double.customer_id


def test_the_api_creates_a_relationship_for_a_given_organisation(them):
    ours = own_organisation(them)
    made = ask_outside(them, "customer_lead", {"side": "customer", "organisation": str(ours.pk), "other": "Gridworks"})
    assert (made.status_code, made.json()["organisation"]) == (201, str(ours.pk))
    nothing = ask_outside(them, "customer_lead", {"side": "customer", "other": "Gridworks"})
    assert (nothing.status_code, "own, a name, or organisation" in nothing.content.decode()) == (422, True)


def ask_outside(them, who, said):
    look_at = them.people[who]
    with transaction.atomic():
        set_viewer(look_at.pk)
        word = operations.make_token(look_at, "a program", 90, writes=True)[1]
    return Client().post("/api/relationships", said, "application/json", headers={"Authorization": f"Bearer {word}"})


def test_without_a_viewer_no_organisation_is_led(them):
    with transaction.atomic():
        set_viewer(None)
        assert queries.led_organisations() == []
        set_viewer(them.people["customer_member"].pk)
        assert queries.led_organisations() == []
        set_viewer(them.people["customer_lead"].pk)
        assert [one.name for one in queries.led_organisations()] == ["Northwind Energy"]
