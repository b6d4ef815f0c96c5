"""People: invited, joined, let go; their ways in, and what is kept of them."""

import csv
import io
import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.operations import audit
from comity.apps.i18n import words_for
from comity.apps.matters import operations as matters
from comity.apps.parties import operations
from comity.apps.parties.mailing import mail_side
from comity.apps.parties.member_context import find_member
from comity.apps.parties.models import Membership, Organisation, Person, Role
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from tests.room import PASSWORD, cast, forget_mails, person, sent_mails, started, superuser

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def them():
    return cast()


def signed_in(email):
    browser = Client()
    browser.post("/sign-in/", {"login": email, "password": PASSWORD})
    return browser


def test_a_side_starts_alone_and_the_other_sees_shared_rows_once_it_joins():
    started()
    with transaction.atomic():
        alone = person("Rosa First")
        member = operations.create_relationship(alone, Side.PROVIDER, "Alpha Desk", "Someday Ltd")
        audit(member, Event.DELIVERY_UPLOADED, None, {"name": "prices.csv"})
        _, word = operations.invite(member, "late@example.org", Role.MEMBER, Side.CUSTOMER)
        assert Organisation.objects.get(name="Someday Ltd").placeholder
    page = Client()
    shown = page.get(f"/join/{word}/")
    assert words_for("en")("join.about") in shown.content.decode()
    said = {"name": "Lea Late", "password": "a long enough word"}
    page.post(f"/join/{word}/", said, headers={"accept-language": "es"})
    with transaction.atomic():
        late = Person.objects.get(email="late@example.org")
        assert late.language == "es"  # in which mails come
        there = find_member(late.pk, member.relationship.pk)
        assert (there.side, there.membership.role) == (Side.CUSTOMER, Role.LEAD)  # the first of a side leads it
        assert not Organisation.objects.get(name="Someday Ltd").placeholder
        events = set(AuditEvent.objects.values_list("event", flat=True))
        assert Event.DELIVERY_UPLOADED not in events
        assert Event.RELATIONSHIP_FOUNDED in events


def test_a_refused_deputy_leaves_the_current_one():
    made = cast()
    with transaction.atomic():
        lead = made.at("provider_lead")
        people = {one.person.name: one for one in Membership.objects.filter(relationship=made.relationship)}
        today = timezone.now().date()
        operations.set_deputy(lead, lead.membership, people["Provider Analyst"], today)
        for deputy, until in (("Provider Roster", today - timedelta(1)), ("Customer Analyst", today)):
            with pytest.raises(Refused):
                operations.set_deputy(lead, lead.membership, people[deputy], until)
        there = Membership.objects.filter(relationship=made.relationship).exclude(stands_in_for=None)
        assert [one.person.name for one in there] == ["Provider Analyst"]


def test_a_relationship_may_be_with_a_user_group_or_a_department(them):
    browser = them.client("stranger")
    said = {"own": "Field service", "own_kind": "internal", "other": "Friends of the mill", "other_kind": "user_group",
            "side": "provider"}  # fmt: skip
    assert browser.post("/begin/", said).status_code == 302
    page = browser.get("/").content.decode()
    assert "Friends of the mill: a group of users" in page
    assert "Field service: a department of the same company" in page
    assert browser.post("/begin/", said | {"own_kind": "king"}).status_code == 422
    assert browser.post("/begin/", {"own": "A", "other": "B", "side": "customer"}).status_code == 302


def test_an_invitation_is_for_one_address_once_and_can_be_withdrawn(them):
    with transaction.atomic():
        first, word = operations.invite(them.at("customer_lead"), "a@example.org", Role.MEMBER, Side.CUSTOMER)
    with pytest.raises(Refused), transaction.atomic():
        operations.accept_invitation(them.people["stranger"], word)
    browser = them.client("customer_lead")
    assert them.client("provider_lead").post(them.url(f"people/invitations/{first.pk}/withdraw/")).status_code == 404
    assert browser.post(them.url(f"people/invitations/{first.pk}/withdraw/")).status_code == 302
    assert Client().get(f"/join/{word}/").status_code == 410


def test_a_side_cannot_invite_members_of_the_other(them):
    with pytest.raises(Refused), transaction.atomic():
        operations.invite(them.at("customer_lead"), "b@example.org", Role.MEMBER, Side.PROVIDER)


def test_an_invitation_mail_holds_its_token_and_nothing_else(them):
    forget_mails()
    page = them.client("provider_lead")
    page.post(them.url("people/invite/"), {"email": "new@example.org", "role": "analyst"})
    (sent,) = sent_mails()
    assert sent.to == ["new@example.org"]
    assert re.search(r"http://127.0.0.1:8000/join/[\w-]{30,}/", sent.body)


def test_a_removed_member_loses_access_and_the_last_lead_cannot_be_removed():
    them = cast()
    member = them.client("customer_member")
    assert member.get(them.url()).status_code == 200
    with transaction.atomic():
        them.at("customer_lead")
        place = Membership.objects.get(person=them.people["customer_member"])
        lead = Membership.objects.get(person=them.people["customer_lead"])
        theirs = Membership.objects.get(person=them.people["provider_member"])
    browser = them.client("customer_lead")
    browser.post(them.url(f"people/{place.pk}/let-go/"))
    assert member.get(them.url()).status_code == 404
    for other in (lead, theirs):
        browser.post(them.url(f"people/{other.pk}/let-go/"))
    with transaction.atomic():
        them.at("auditor")
        assert Membership.objects.filter(pk__in=[lead.pk, theirs.pk], left_at=None).count() == 2


def test_wrong_passwords_lock_the_account_out(them):
    email = them.people["customer_finance"].email
    for _ in range(8):
        Client().post("/sign-in/", {"login": email, "password": "wrong"})
    assert signed_in(email).get("/account/").status_code == 302  # even with the right one, for a while
    assert signed_in(them.people["provider_finance"].email).get("/account/").status_code == 200


def test_the_session_key_changes_on_sign_in(them):
    browser = Client()
    browser.get("/sign-in/")
    before = browser.cookies.get("sessionid")
    browser.post("/sign-in/", {"login": them.people["provider_roster"].email, "password": PASSWORD})
    after = browser.cookies["sessionid"]
    assert before is None or before.value != after.value
    assert after["httponly"]
    assert after["samesite"] == "Lax"


def test_open_sessions_are_listed_and_the_others_can_be_ended(them):
    email = them.people["provider_executive"].email
    here, elsewhere = signed_in(email), signed_in(email)
    assert elsewhere.get("/account/").status_code == 200
    assert "this one" in here.get("/sign-in/sessions/").content.decode()
    here.post("/sign-in/sessions/")
    assert elsewhere.get("/account/").status_code == 302
    assert here.get("/account/").status_code == 200


def test_sign_up_needs_an_invitation():
    started()
    found = Client().post("/sign-in/signup/", {"email": "x@example.org", "password1": "a long enough word"})
    assert "By invitation only" in found.content.decode()
    assert not Person.objects.filter(email="x@example.org").exists()


def place_of(them, name):
    with transaction.atomic():
        them.at("customer_lead")
        return Membership.objects.get(person=them.people[name], left_at=None)


def test_a_deputy_has_both_members_rights_until_the_last_day():
    them = cast()
    member, lead = them.client("customer_member"), them.client("customer_lead")
    assert member.get(them.url("log/")).status_code == 404
    place, today = place_of(them, "customer_lead"), timezone.now().date()
    said = {"deputy": str(place_of(them, "customer_member").pk), "until": today.isoformat()}
    assert lead.post(them.url(f"people/{place.pk}/stand-in/"), said).status_code == 302
    assert member.get(them.url("log/")).status_code == 200
    shown = them.client("provider_member").get(them.url("people/")).content.decode()
    assert "deputy for Ana Customer Lead" in shown
    assert (
        "Customer Member for Ana Customer Lead" in them.client("provider_lead").get(them.url("log/")).content.decode()
    )
    a_day_later = "UPDATE parties_membership SET stands_in_until = stands_in_until - 1 WHERE stands_in_for_id = %s"
    with superuser() as clock:
        clock.execute(a_day_later, [place.pk])
    assert member.get(them.url("log/")).status_code == 404


def test_a_deputy_gets_the_members_mails():
    them = cast()
    with transaction.atomic():
        operations.set_deputy(
            them.at("provider_lead"),
            place := Membership.objects.get(person=them.people["provider_lead"], left_at=None),
            Membership.objects.get(person=them.people["provider_member"], left_at=None),
            timezone.now().date(),
        )
        assert place.side == Side.PROVIDER
    forget_mails()
    with transaction.atomic():
        said = {"period": lambda _: "2026-06", "day": lambda _: "Friday"}
        mail_side(them.at("customer_lead"), Side.PROVIDER, Action.CONFIRM, "silence", "/", **said)
    assert them.people["provider_member"].email in {one.to[0] for one in sent_mails()}


@pytest.mark.parametrize(
    ("who", "whose", "status"),
    [
        ("customer_member", "customer_member", 302),  # one's own
        ("customer_member", "customer_analyst", 404),
        ("provider_lead", "customer_member", 404),
        ("stranger", "customer_member", 404),
    ],
)
def test_only_leads_name_a_deputy_for_others(them, who, whose, status):
    until = (timezone.now().date() + timedelta(days=1)).isoformat()
    said = {"deputy": str(place_of(them, "customer_roster").pk), "until": until}
    place = place_of(them, whose)
    assert them.client(who).post(them.url(f"people/{place.pk}/stand-in/"), said).status_code == status


@pytest.mark.parametrize(("deputy", "days"), [("provider_member", 1), ("customer_analyst", -1), ("customer_member", 1)])
def test_an_unsuitable_deputy_is_refused_and_nothing_changes(them, deputy, days):
    until = (timezone.now().date() + timedelta(days=days)).isoformat()
    said = {"deputy": str(place_of(them, deputy).pk), "until": until}
    place = place_of(them, "customer_member")
    assert them.client("customer_member").post(them.url(f"people/{place.pk}/stand-in/"), said).status_code in {302, 422}
    assert place_of(them, deputy).stands_in_for_id != place.pk


def test_a_lead_hands_over_by_making_another_lead_first():
    them = cast()
    lead = them.client("customer_lead")
    own, other = place_of(them, "customer_lead"), place_of(them, "customer_analyst")
    refused = lead.post(them.url(f"people/{own.pk}/role/"), {"role": "member"}, follow=True)
    assert "needs a lead" in refused.content.decode()
    assert lead.post(them.url(f"people/{other.pk}/role/"), {"role": "auditor"}).status_code == 422  # not of a side
    lead.post(them.url(f"people/{other.pk}/role/"), {"role": "lead"})
    lead.post(them.url(f"people/{own.pk}/let-go/"))
    assert lead.get(them.url()).status_code == 404
    assert them.client("customer_analyst").get(them.url(f"people/{other.pk}/")).status_code == 200


def test_the_access_file_lists_current_and_former_members(them):
    rows = list(csv.DictReader(io.StringIO(them.client("auditor").get(them.url("people/access.csv")).content.decode())))
    assert len(rows) == 16
    lead = next(row for row in rows if row["name"] == "Ana Customer Lead")
    assert {"confirm", "read_money"} <= set(lead["may"].split())
    (left,) = (row for row in rows if row["left"])
    assert (left["name"], left["may"]) == ("Former", "")
    assert lead["email"] == ""  # addresses are the own side's
    own = them.client("customer_lead").get(them.url("people/access.csv")).content.decode()
    assert them.people["customer_lead"].email in own
    assert them.people["provider_lead"].email not in own


def test_an_access_review_is_in_the_log_of_both_sides(them):
    assert them.client("customer_lead").post(them.url("people/reviewed/")).status_code == 302
    shown = them.client("provider_lead").get(them.url("people/")).content.decode()
    assert "last reviewed on" in shown
    assert "not reviewed yet" in shown  # the provider's own


def done(page):
    """What the lines of a log say was done."""
    return re.findall(r"</td><td>([^<]+)</td></tr>", page.content.decode())


def test_read_events_are_logged_once_a_day_and_listed_separately():
    them = cast()
    with transaction.atomic():
        asked = matters.NewMatter(Kind.ACTION, "Spread lunch", "Please.")
        made = matters.raise_matter(them.at("customer_lead"), asked, "UTC")
    for _ in range(3):
        them.client("provider_analyst").get(them.url(f"matters/{made.pk}/"))
    lead = them.client("customer_lead")
    reads = lead.get(them.url("log/?what=reads")).content.decode()
    assert reads.count("Provider Analyst") == 1
    assert "read" not in {line.split()[0] for line in done(lead.get(them.url("log/")))}
    lines = list(csv.DictReader(io.StringIO(lead.get(them.url("log.csv")).content.decode())))
    assert [line["about"] for line in lines if line["action"] == "read matter"] == ["Spread lunch"]


def test_django_help_texts_are_markup_and_user_texts_are_escaped(them):
    browser = them.client("customer_lead")
    page = browser.get("/sign-in/password/").content.decode()
    assert '<div class="help" id="id_password1_helptext"><ul><li>' in page
    assert 'aria-describedby="id_password1_helptext"' in page
    assert "Current password" in page
    assert "placeholder" not in page
    spanish = browser.get("/sign-in/password/", headers={"accept-language": "es"}).content.decode()
    assert "Contraseña actual" in spanish


def test_an_expired_link_offers_a_new_one():
    page = Client().get("/sign-in/password/forgotten/0-over/", follow=True).content.decode()
    assert 'href="/sign-in/password/forgotten/"' in page
    assert 'href="/"' in Client().get("/nowhere/").content.decode()
