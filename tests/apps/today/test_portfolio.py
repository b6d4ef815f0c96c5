"""A person's relationships side by side, each as its member sees it; others by name alone."""

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from comity.apps.first_run.queries import own_calendar
from comity.apps.i18n import words_for
from comity.apps.matters.models import Matter
from comity.apps.parties import operations
from comity.apps.parties.member_context import IN_REQUEST, READS_ONLY, set_viewer
from comity.apps.parties.models import Membership, Role
from comity.apps.parties.queries import led_organisations
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.apps.refusal import Refused
from comity.apps.replies import operations as replies
from comity.apps.today.portfolio import other_relationships, portfolio_rows, side_by_side
from comity.core.values import Side
from tests.builders.confirmations import confirm
from tests.builders.levels import KPI, contacts
from tests.builders.matters import raised
from tests.room import BACKEND, Browser, Cast, cast, person, superuser

pytestmark = pytest.mark.gate
WORDS = words_for("en")


def second(them, other="Atlas Insurance", toml=KPI):
    """Another relationship of the customer's lead and organisation."""
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        (organisation,) = [one.id for one in led_organisations()]
        member = operations.create_relationship(
            them.people["customer_lead"], Side.CUSTOMER, "", other, organisation=organisation
        )
    made = Cast(member.relationship.pk, {"customer_lead": them.people["customer_lead"]})
    made.book(toml, contacts="\n".join(contacts()))
    return made


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def rows(them, who):
    with transaction.atomic():
        set_viewer(them.people[who].pk)
        return {row.other: row for row in portfolio_rows(them.people[who], WORDS)}


def others(them, who):
    with transaction.atomic():
        set_viewer(them.people[who].pk)
        return [(one.organisation, one.side, one.other, one.ask) for one in other_relationships()]


def signed_in(somebody):
    browser = Browser()
    browser.force_login(somebody, backend=BACKEND)
    return browser


@pytest.mark.parametrize(
    ("who", "path"), [("customer_lead", ""), ("provider_executive", "review/"), ("auditor", "log/"), ("surveyor", "")]
)
def test_with_one_relationship_signing_in_leads_to_the_page_of_the_role(them, who, path):
    answer = them.client(who).get("/")
    assert answer.headers["Location"] == them.url(path)
    assert them.client(who).get("/?all=1").status_code == 200


def test_with_none_one_comes_to_the_first_steps_and_the_page_offers_to_begin_one():
    cast()
    browser = signed_in(person("Nora New"))
    assert browser.get("/").headers["Location"] == reverse("first_run")
    page = browser.get("/?all=1").content.decode()
    assert WORDS("portfolio.none") in page
    assert 'href="/begin/"' in page
    assert "<table" not in page


def test_what_waits_comes_first(them):
    second(them)
    raised(them, "provider_lead")
    raised(them, "provider_lead")
    assert list(rows(them, "customer_lead")) == ["Helpline", "Atlas Insurance"]
    assert signed_in(them.people["customer_lead"]).get("/").status_code == 200


def test_each_row_is_read_through_the_persons_own_membership(them):
    """Who is on the other side in one relationship sees there what that side sees, and no more."""
    there = second(them)
    raised(there, "customer_lead")
    found = rows(them, "customer_lead")
    assert found["Atlas Insurance"].waits == found["Helpline"].waits  # the period to confirm; its own matter is theirs
    assert list(rows(them, "provider_lead")) == ["Northwind Energy"]
    with transaction.atomic():  # and afterwards nobody acts anywhere
        set_viewer(them.people["customer_lead"].pk)
        list(portfolio_rows(them.people["customer_lead"], WORDS))
        assert Matter.objects.count() == 0


def test_levels_are_those_of_the_last_final_period(them):
    assert rows(them, "customer_lead")["Helpline"].period == ""
    for who in ("customer_lead", "provider_lead"):
        confirm(them, who, "2026-05")
    row = rows(them, "customer_lead")["Helpline"]
    assert (row.period, row.is_final) == ("May\u00a02026", True)
    assert row.with_target == len([one for one in row.figures if one.met is not None])
    page = signed_in(them.people["customer_lead"]).get("/?all=1").content.decode()
    assert WORDS("portfolio.final", period="May\u00a02026") in page


def test_without_a_final_period_levels_are_those_of_the_last_computed_review(them):
    them.client("customer_lead").get(them.url("review/"))
    row = rows(them, "customer_lead")["Helpline"]
    assert (row.is_final, bool(row.figures)) == (False, True)


def test_a_kpi_of_two_relationships_stands_side_by_side(them):
    there = second(them)
    for made in (them, there):
        made.client("customer_lead").get(made.url("review/"))
    found = list(rows(them, "customer_lead").values())
    (table, *_) = side_by_side(found)
    assert [cell.kpi for cell in table.cells] == [found[0].figures[0].kpi] * 2
    assert side_by_side(found[:1]) == []
    page = signed_in(them.people["customer_lead"]).get("/").content.decode()
    assert WORDS("portfolio.compare") in page


def test_columns_without_anything_are_left_out(them):
    second(them)
    page = signed_in(them.people["customer_lead"]).get("/").content.decode()
    assert WORDS("portfolio.late") not in page
    assert WORDS("portfolio.levels") not in page


def test_of_a_relationship_without_membership_the_name_and_whom_to_ask_are_shown(them):
    second(them)
    expected = [("Northwind Energy", Side.CUSTOMER, "Atlas Insurance", "Ana Customer Lead")]
    for who in ("customer_analyst", "customer_executive"):
        assert others(them, who) == expected
        page = signed_in(them.people[who]).get("/?all=1").content.decode()
        assert "Atlas Insurance" in page
        assert WORDS("portfolio.ask", name="Ana Customer Lead") in page
    for who in ("customer_lead", "provider_lead", "auditor", "stranger", "former"):
        assert others(them, who) == [], who
    outside = Client().get("/")
    assert outside.headers["Location"].startswith("/sign-in/")


def test_who_has_left_learns_of_no_other_relationship(them):
    second(them)
    with transaction.atomic():
        lead = them.at("customer_lead")
        place = Membership.objects.get(relationship=them.relationship, person=them.people["customer_analyst"])
        operations.end_membership(lead, place)
    assert others(them, "customer_analyst") == []


def test_roles_without_work_are_not_offered_and_kept_by_who_has_them(them):
    people = them.client("customer_lead").get(them.url("people/")).content.decode()
    form = people.partition('name="role"')[2].partition("</select>")[0]
    assert {role for role in Role if f'value="{role}"' in form} == set(Role) - {Role.FINANCE, Role.SURVEYOR}
    invited = {"email": "tom@example.org", "role": "finance"}
    assert them.client("customer_lead").post(them.url("people/invite/"), invited).status_code == 422
    for role in (Role.FINANCE, Role.SURVEYOR):  # nor to a program
        side = None if role is Role.SURVEYOR else Side.CUSTOMER
        with pytest.raises(Refused, match="not_offered"), transaction.atomic():
            operations.invite_by_mail(them.at("customer_lead"), "tom@example.org", role, side)
    analyst = Membership.objects.filter(role=Role.ANALYST)
    with pytest.raises(Refused, match="not_offered"), transaction.atomic():
        lead = them.at("customer_lead")
        operations.change_role(lead, analyst.get(person=them.people["customer_analyst"]), Role.FINANCE)
    with superuser() as everybody:
        (place,) = everybody.execute(
            "SELECT id FROM parties_membership WHERE relationship_id = %s AND role = 'finance' AND side = 'customer'",
            [them.relationship],
        ).fetchone()
    page = them.client("customer_lead").get(them.url(f"people/{place}/")).content.decode()
    assert 'value="finance" selected' in page
    kept = them.client("customer_lead").post(them.url(f"people/{place}/role/"), {"role": "finance"})
    assert kept.status_code == 302
    rights = people.partition('id="h-rights"')[2]
    assert ">Finance</th>" in rights  # for the one who has kept it
    with transaction.atomic():
        member = operations.create_relationship(person("Ina"), Side.CUSTOMER, "A", "B")
    browser = Client()
    browser.force_login(member.membership.person, backend=BACKEND)
    rights = browser.get(f"/r/{member.relationship.pk}/people/").content.decode().partition('id="h-rights"')[2]
    assert ">Lead</th>" in rights
    assert ">Finance</th>" not in rights
    assert ">Surveyor</th>" not in rights


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "auditor"])
def test_what_several_parts_ask_of_the_record_is_read_once_and_is_the_same(them, who):
    """A confirmation of one side, a final period and a proposed calendar, asked for one by one and all at once."""
    confirm(them, "customer_lead")
    confirm(them, "provider_lead")
    with transaction.atomic():
        replies.propose_calendar(them.at("provider_lead"), own_calendar(them.at("provider_lead")))

    def told(member):
        few = [one for one in ConsentSubject if one not in {ConsentSubject.LEDGER, ConsentSubject.PRIORITIES}]
        subjects = ["2026-06", "customer 1", "provider 1", "1"]
        return [
            [[one.pk for one in record.unanswered_consents(member, kind)] for kind in few],
            [{side: one.pk for side, one in record.valid_consents(member, kind, subject).items()}
             for kind in few for subject in subjects],
            [record.count_entries(member, kind, begins) for kind in few for begins in ("", "provider ", "2026")],
        ]  # fmt: skip

    with transaction.atomic():
        usual = told(them.at(who))
        member = them.at(who)
        member.cache.update({IN_REQUEST: True, READS_ONLY: True})
        with CaptureQueriesContext(connection) as captured:
            assert told(member) == usual
    assert any(usual[1])
    assert any(usual[2])
    asked = [one["sql"] for one in captured if "comity_stand" not in one["sql"]]
    assert sum("'calendar'" in one and "record_consent" in one for one in asked) == 1
    assert sum("'calendar'" in one and "record_entry" in one for one in asked) == 1
