"""People: invited, joined, let go; their ways in, and what is kept of them."""

import re

import pytest
from django.core import mail
from django.db import transaction
from django.test import Client

from comity.apps.parties import operations
from comity.apps.parties.models import Access, Membership, Organisation, Person, Role
from comity.apps.parties.operations import NotAllowedError
from comity.apps.parties.viewing import stand
from comity.core.values import Side
from tests.room import PASSWORD, cast, person, started


@pytest.fixture(scope="module")
def them():
    return cast()


def signed_in(email):
    browser = Client()
    browser.post("/sign-in/", {"login": email, "password": PASSWORD})
    return browser


def test_a_side_may_begin_alone_and_the_other_sees_what_is_shared_once_it_joins():
    started()
    with transaction.atomic():
        alone = person("Rosa First")
        standing = operations.found(alone, Side.PROVIDER, "Alpha Desk", "Someday Ltd")
        operations.note(standing, "thought", "of a price")
        _, word = operations.invite(standing, "late@example.org", Role.MEMBER, Side.CUSTOMER)
        assert Organisation.objects.get(name="Someday Ltd").placeholder
    page = Client()
    shown = page.get(f"/join/{word}/")
    assert "Nothing of what the other side keeps" in shown.content.decode()
    said = {"name": "Lea Late", "password": "a long enough word"}
    page.post(f"/join/{word}/", said, headers={"accept-language": "es"})
    with transaction.atomic():
        late = Person.objects.get(email="late@example.org")
        assert late.language == "es"  # in which mails come
        there = stand(late.pk, standing.relationship.pk)
        assert (there.side, there.membership.role) == (Side.CUSTOMER, Role.LEAD)  # the first of a side leads it
        assert not Organisation.objects.get(name="Someday Ltd").placeholder
        assert "thought" not in set(Access.objects.values_list("action", flat=True))
        assert "founded" in set(Access.objects.values_list("action", flat=True))


def test_an_invitation_is_for_one_address_once_and_can_be_withdrawn(them):
    with transaction.atomic():
        first, word = operations.invite(them.at("customer_lead"), "a@example.org", Role.MEMBER, Side.CUSTOMER)
    with pytest.raises(NotAllowedError), transaction.atomic():
        operations.join(them.people["stranger"], word)
    browser = them.client("customer_lead")
    assert them.client("provider_lead").post(them.url(f"people/invitations/{first.pk}/withdraw/")).status_code == 404
    assert browser.post(them.url(f"people/invitations/{first.pk}/withdraw/")).status_code == 302
    assert Client().get(f"/join/{word}/").status_code == 410


def test_the_other_side_invites_its_own(them):
    with pytest.raises(NotAllowedError), transaction.atomic():
        operations.invite(them.at("customer_lead"), "b@example.org", Role.MEMBER, Side.PROVIDER)


def test_an_invitation_goes_by_mail_with_its_word_and_nothing_else(them):
    mail.outbox = []
    page = them.client("provider_lead")
    page.post(them.url("people/invite/"), {"email": "new@example.org", "role": "analyst"})
    (sent,) = mail.outbox
    assert sent.to == ["new@example.org"]
    assert re.search(r"http://testserver/join/[\w-]{30,}/", sent.body)


def test_who_is_let_go_is_out_at_once_and_a_last_lead_stays():
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


def test_passwords_are_guessed_a_few_times_only(them):
    email = them.people["customer_finance"].email
    for _ in range(8):
        Client().post("/sign-in/", {"login": email, "password": "wrong"})
    assert signed_in(email).get("/").status_code == 302  # even with the right one, for a while
    assert signed_in(them.people["provider_finance"].email).get("/").status_code == 200


def test_a_session_is_another_after_signing_in(them):
    browser = Client()
    browser.get("/sign-in/")
    before = browser.cookies.get("sessionid")
    browser.post("/sign-in/", {"login": them.people["provider_roster"].email, "password": PASSWORD})
    after = browser.cookies["sessionid"]
    assert before is None or before.value != after.value
    assert after["httponly"]
    assert after["samesite"] == "Lax"


def test_open_sessions_are_listed_and_the_others_ended(them):
    email = them.people["provider_executive"].email
    here, elsewhere = signed_in(email), signed_in(email)
    assert elsewhere.get("/").status_code == 200
    assert "this one" in here.get("/sign-in/sessions/").content.decode()
    here.post("/sign-in/sessions/")
    assert elsewhere.get("/").status_code == 302
    assert here.get("/").status_code == 200


def test_nobody_signs_up_unasked():
    started()
    found = Client().post("/sign-in/signup/", {"email": "x@example.org", "password1": "a long enough word"})
    assert "By invitation only" in found.content.decode()
    assert not Person.objects.filter(email="x@example.org").exists()
