"""Getting in and staying in: forms from elsewhere, sessions, invitations, addresses in mails, and where one is sent."""

import contextlib
import re

import pytest
from django.core.cache import cache
from django.db import transaction
from django.test import Client, override_settings
from django.urls import get_resolver, reverse

from comity.apps.parties import operations as parties
from comity.apps.parties.models import Invitation, Role
from comity.apps.record.models import Consent
from comity.apps.refusal import Refused
from comity.apps.reviews import operations as closing
from comity.apps.reviews import queries as reviews
from comity.core import chain
from comity.core.values import Side
from tests.builders.addresses import addresses
from tests.builders.levels import KPI, contacts
from tests.room import BACKEND, PASSWORD, cast, forget_mails, person, sent_mails, started

pytestmark = pytest.mark.gate
EVIL = "https://evil.example/"


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    return made


def test_every_url_refuses_a_cross_site_form(them):
    found = list(addresses(get_resolver().url_patterns))
    assert len(found) > 40
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(them.people["customer_lead"], backend=BACKEND)
    for name, filled in found:
        if "relationship" in filled:
            filled["relationship"] = them.relationship
        assert browser.post(reverse(name, kwargs=filled), {"next": EVIL}).status_code == 403, name


def sign_in(who, them, **more):
    browser = Client()
    said = {"login": them.people[who].email, "password": PASSWORD} | more
    return browser, browser.post("/sign-in/", said)


def test_the_session_key_changes_on_sign_in_and_the_session_ends_on_sign_out(them):
    browser = Client()
    browser.get("/sign-in/?next=/account/")
    browser.session["planted"] = True
    store = browser.session
    store["planted"] = True
    store.save()
    before = store.session_key
    browser.cookies["sessionid"] = before
    found = browser.post("/sign-in/", {"login": them.people["customer_lead"].email, "password": PASSWORD})
    assert found.status_code == 302
    after = browser.cookies["sessionid"].value
    assert after != before
    old = Client()
    old.cookies["sessionid"] = before
    assert old.get("/account/").status_code == 302
    kept = Client()
    kept.cookies["sessionid"] = after
    assert kept.get("/account/").status_code == 200
    browser.post("/sign-in/out/")
    assert kept.get("/account/").status_code == 302


@pytest.mark.parametrize("to", [EVIL, "//evil.example/", "/\\evil.example", "https:evil.example", "javascript:alert(1)",
                                "http://testserver@evil.example/", "\thttps://evil.example"])  # fmt: skip
def test_redirects_stay_within_the_room(them, to):
    _, found = sign_in("customer_member", them, next=to)
    places = [found.headers.get("Location", "")]
    browser = them.client("customer_member")
    places.append(browser.post("/language/setlang/", {"language": "es", "next": to}).headers.get("Location", ""))
    places.append(browser.get("/sign-in/", {"next": to}).headers.get("Location", ""))
    places.append(browser.post("/sign-in/out/", {"next": to}).headers.get("Location", ""))
    assert places[0]
    for place in places:
        assert "evil" not in place
        assert "javascript" not in place


@override_settings(ADDRESS="https://room.example", ALLOWED_HOSTS=["*"])  # a room that answers to any name
def test_mails_link_to_the_configured_address_whatever_the_host_header(them):
    forget_mails()
    asked = {"headers": {"host": "evil.example", "x-forwarded-host": "evil.example"}}
    browser = them.client("customer_lead")
    assert (
        browser.post(them.url("people/invite/"), {"email": "n@example.org", "role": "member"}, **asked).status_code
        == 302
    )
    for email in (them.people["customer_roster"].email, "nobody@example.org"):
        Client().post("/sign-in/password/forgotten/", {"email": email}, **asked)
    assert len(sent_mails()) == 3
    for one in sent_mails():
        told = str(one.message())
        assert "evil.example" not in told
        assert "https://room.example/" in told


def test_the_password_reset_link_sets_a_new_password(them):
    forget_mails()
    browser = Client()
    browser.post("/sign-in/password/forgotten/", {"email": them.people["provider_roster"].email})
    (address,) = re.findall(r"http://[^\s]+", sent_mails()[0].body)
    page = browser.get(re.sub(r"^http://[^/]+", "", address), follow=True)
    assert 'name="password1"' in page.content.decode()
    new = "another horse battery staple"
    browser.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert sign_in("provider_roster", them, password=new)[1].status_code == 302
    assert sign_in("provider_roster", them)[1].status_code == 200


def test_an_unknown_host_header_is_refused(them):
    for path in ("/sign-in/", them.url(), "/api/relationships", "/nowhere/"):
        found = them.client("customer_lead").get(path, headers={"host": "evil.example"})
        assert found.status_code == 400
        assert b"evil" not in found.content


def test_other_cross_side_invitations_end_once_the_other_side_has_a_member():
    """Else the customer could put a second lead of its own on the provider's side."""
    lead, other, puppet = person("Lead"), person("Other"), person("Puppet")
    with transaction.atomic():
        first = parties.create_relationship(lead, Side.CUSTOMER, "One", "Two")
        _, word = parties.invite(first, other.email, Role.LEAD, Side.PROVIDER)
        _, spare = parties.invite(first, puppet.email, Role.LEAD, Side.PROVIDER)
    with transaction.atomic():
        assert parties.accept_invitation(other, word).side is Side.PROVIDER
    with pytest.raises(Refused), transaction.atomic():
        parties.accept_invitation(puppet, spare)


def test_a_removed_member_cannot_rejoin_by_their_own_invitation():
    them = cast()
    with transaction.atomic():
        second = person("Second Lead")
        _, word = parties.invite(them.at("provider_lead"), second.email, Role.LEAD, Side.PROVIDER)
        place = parties.accept_invitation(second, word)
        _, own = parties.invite(place, second.email, Role.LEAD, Side.PROVIDER)
        _, friends = parties.invite(place, "friend@example.org", Role.MEMBER, Side.PROVIDER)
    with transaction.atomic():
        member = them.at("provider_lead")
        parties.end_membership(member, member.relationship.memberships.get(person=second, left_at=None))
        assert not Invitation.objects.filter(accepted_by=None, withdrawn_at=None).exists()
    with pytest.raises(Refused), transaction.atomic():
        parties.accept_invitation(second, own)
    assert Client().get(f"/join/{friends}/").status_code == 410


def test_a_removed_member_loses_access_within_their_session():
    them = cast()
    browser = them.client("provider_analyst")
    assert browser.get(them.url()).status_code == 200
    with transaction.atomic():
        member = them.at("provider_lead")
        analyst = member.relationship.memberships.get(person=them.people["provider_analyst"], left_at=None)
        parties.end_membership(member, analyst)
    assert browser.get(them.url()).status_code == 404
    assert browser.post(them.url("matters/raise/action/"), {"title": "x", "text": "x"}).status_code == 404


@pytest.mark.parametrize("spelt", [" 2026-06", "2026-06\n"])
def test_a_period_is_recorded_under_one_name_in_any_spelling(them, spelt):
    with transaction.atomic():
        member = them.at("customer_lead")
        made = reviews.review(member.joint(), spelt)
        with contextlib.suppress(Refused):  # confirmed by the other spelling
            closing.confirm(member, made, spelt, chain.digest_of(reviews.figures(member, made, "2026-06")))
        assert [one.subject for one in Consent.objects.all()] == ["2026-06"]


@pytest.mark.parametrize("period", ["0001-01", "0001", "9998", "2026-06\0", "\u0662\u0660\u0662\u0666-06"])
def test_a_period_out_of_range_is_not_found(them, period):
    for path in ("review/", "attribution/", "review/file.json"):
        assert them.client("customer_lead").get(them.url(path), {"period": period}).status_code == 404


def test_an_unreadable_book_does_not_reveal_its_path():
    them = cast()
    folder = them.book('[[kpi]]\nid = "none"\nmeasure = "nothing"\n')
    for path in ("review/", "attribution/", "records/", "", "matters/"):
        found = them.client("customer_lead").get(them.url(path))
        assert found.status_code == 200
        assert str(folder.parent) not in found.content.decode()
    assert "book.toml" in them.client("customer_lead").get(them.url("records/")).content.decode()


def wrong(them, who, **more):
    """Eight wrong passwords, each in a minute of its own; then the right one."""
    email = them.people[who].email
    for number in range(9):
        cache.clear()
        spelt = "".join(sign.upper() if number >> at & 1 else sign for at, sign in enumerate(email))
        Client().post("/sign-in/", {"login": spelt, "password": "wrong"}, **more)
    cache.clear()


def right(them, who, **more):
    cache.clear()
    return Client().post("/sign-in/", {"login": them.people[who].email, "password": PASSWORD}, **more).status_code


def test_lock_out_counts_every_spelling_of_an_address_and_spares_others(them):
    """By address and by where they come from: from elsewhere its owner still gets in."""
    wrong(them, "customer_finance", REMOTE_ADDR="10.0.0.1")
    assert right(them, "customer_finance", REMOTE_ADDR="10.0.0.1") == 429
    assert right(them, "customer_finance", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR="10.9.9.9") == 429
    assert right(them, "customer_finance", REMOTE_ADDR="10.0.0.2") == 302
    assert right(them, "customer_executive", REMOTE_ADDR="10.0.0.1") == 302


@override_settings(ALLAUTH_TRUSTED_PROXY_COUNT=1)
def test_the_client_ip_is_taken_from_trusted_proxies_alone(them):
    proxy = {"REMOTE_ADDR": "127.0.0.1"}
    wrong(them, "provider_finance", **proxy, HTTP_X_FORWARDED_FOR="10.0.0.3")
    assert right(them, "provider_finance", **proxy, HTTP_X_FORWARDED_FOR="10.8.8.8, 10.0.0.3") == 429
    assert right(them, "provider_finance", **proxy, HTTP_X_FORWARDED_FOR="10.0.0.4") == 302


def test_stored_files_are_readable_by_the_owner_alone(them):
    them.client("customer_lead").get(them.url("review/"))
    data = started().data
    open_to_others = [one.name for one in data.iterdir() if one.is_dir() and one.stat().st_mode & 0o077]
    assert open_to_others == []
    assert (data / "results").is_dir()
