"""The first account of a room: who may make it, and once."""

import os
import re
from datetime import timedelta
from threading import Thread

import pytest
from django.core import signing
from django.db import connections, transaction
from django.test import Client, override_settings
from django.utils import timezone
from typer.testing import CliRunner

from comity.apps.i18n import words_for
from comity.apps.parties import operations, setup
from comity.apps.parties.models import Person, Role
from comity.cli import app
from comity.core.values import Side
from comity.web.identity_providers import IdentityProvider as Firm
from comity.web.server import ADDRESS_FILE
from tests.room import PASSWORD, cast, emptied, started, token

GIVEN = {"email": "ana@acme.example", "name": "Ana", "password": PASSWORD}


@pytest.fixture
def empty_room():
    started()
    emptied()
    return Client()


def test_the_sign_in_page_of_an_empty_room_says_that_it_is_new(empty_room):
    assert "No accounts yet" in empty_room.get("/sign-in/").content.decode()
    cast()
    assert "No accounts yet" not in empty_room.get("/sign-in/").content.decode()


def test_the_first_account_is_made_and_begins_a_relationship(empty_room):
    link = setup.setup_path()
    assert 'name="email"' in empty_room.get(link).content.decode()
    answer = empty_room.post(link, GIVEN, follow=True)
    assert answer.redirect_chain[-1][0] == "/first/"
    assert Person.objects.get().email == "ana@acme.example"
    said = {"side": "customer", "own": "Acme", "own_kind": "external", "other": "CallCo", "other_kind": "external"}
    assert empty_room.post("/begin/", said).status_code == 302
    assert "Acme" in empty_room.get("/?all=1").content.decode()


def test_a_link_makes_one_account_alone(empty_room):
    link = setup.setup_path()
    assert empty_room.post(link, GIVEN).status_code == 302
    other = Client()
    for answer in (other.get(link), other.post(link, GIVEN | {"email": "eve@acme.example"})):
        assert answer.status_code == 410
        assert "has expired or was used" in answer.content.decode()
    assert Person.objects.count() == 1


@pytest.mark.usefixtures("empty_room")
def test_of_two_who_press_at_once_one_gets_the_first_account():
    link, statuses = setup.setup_path(), []

    def press(number):
        try:
            statuses.append(Client().post(link, GIVEN | {"email": f"p{number}@acme.example"}).status_code)
        finally:
            connections.close_all()

    threads = [Thread(target=press, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [302, 410, 410, 410]
    assert Person.objects.count() == 1


@pytest.mark.parametrize("change", ["expired", "altered", "of something else", "none"])
def test_a_link_that_is_none_or_has_expired_makes_nothing(empty_room, monkeypatch, change):
    link = setup.setup_path()
    if change == "expired":
        monkeypatch.setattr(setup, "VALID_S", -1)
    link = {
        "altered": link[:-3] + "x/",
        "of something else": f"/set-up/{signing.dumps({'email': ''}, salt='password')}/",
        "none": "/set-up/abc/",
    }.get(change, link)
    assert empty_room.get(link).status_code == 410
    assert empty_room.post(link, GIVEN).status_code == 410
    assert not Person.objects.exists()


def test_a_link_for_an_address_makes_the_account_of_that_address_alone():
    cast()
    link = setup.setup_path("ben@callco.example")
    browser = Client()
    page = browser.get(link).content.decode()
    assert re.search(r'<input[^>]*name="email"[^>]*value="ben@callco.example"[^>]*disabled', page)
    assert browser.post(link, GIVEN | {"email": "eve@acme.example"}).status_code == 302
    assert Person.objects.filter(email="ben@callco.example").exists()
    assert not Person.objects.filter(email="eve@acme.example").exists()
    assert Client().get(link).status_code == 410


def test_a_weak_password_is_refused_and_nothing_is_lost(empty_room):
    answer = empty_room.post(setup.setup_path(), GIVEN | {"password": "short"})
    assert answer.status_code == 422
    assert "ana@acme.example" in answer.content.decode()
    assert not Person.objects.exists()


def test_without_a_mail_server_an_invitation_is_a_link_to_copy():
    them = cast()
    with override_settings(MAIL_SERVER_BACKEND="django.core.mail.backends.filebased.EmailBackend"):
        page = them.client("customer_lead").post(
            them.url("people/invite/"), {"email": "new@example.org", "role": "analyst"}, follow=True
        )
        word = token(them, "customer_lead", writes=True)
        made = Client().post(
            f"/api/r/{them.relationship}/invitations",
            {"email": "other@example.org", "role": "member"},
            content_type="application/json",
            headers={"authorization": f"Bearer {word}"},
        )
    (link,) = re.findall(r'value="(http[^"\s]+/join/[^"]+)" readonly', page.content.decode())
    assert "No mail server is set up" in page.content.decode()
    assert 'data-copies="link-to-copy"' in page.content.decode()
    for address in (link, made.json()["link"]):
        path = address[address.index("/join/") :]
        assert Client().post(path, {"name": "New", "password": PASSWORD}).status_code == 302


def test_with_a_mail_server_nobody_but_the_recipient_sees_the_link():
    them = cast()
    page = them.client("customer_lead").post(
        them.url("people/invite/"), {"email": "new@example.org", "role": "analyst"}, follow=True
    )
    assert "/join/" not in page.content.decode()
    assert "Invitation sent to new@example.org" in page.content.decode()


ONLY = Firm("acme", "Acme", ("acme.example",), True, (), "openid_connect", {})


@pytest.mark.usefixtures("empty_room")
def test_a_link_makes_no_password_for_an_address_that_signs_in_through_its_organisation_alone():
    """An account that its organisation cannot disable was made beside its sign-in, as no invitation allows."""
    with override_settings(ORGANISATIONS=(ONLY,)):
        typed = Client().post(setup.setup_path(), GIVEN)
        assert typed.status_code == 422
        assert words_for("en")("sign_in.only_there", organisation="Acme") in typed.content.decode()
        link = setup.setup_path("ana@acme.example")
        page = Client().get(link).content.decode()
        assert "Sign in with Acme" in page
        assert 'name="password"' not in page
        assert Client().post(link, GIVEN).status_code == 404
    assert not Person.objects.exists()


@pytest.mark.parametrize("email", ["", "ana@acme.example"])
def test_who_has_a_link_may_come_in_through_their_organisation_once(empty_room, email):
    token = setup.setup_path(email).strip("/").rpartition("/")[2]
    with transaction.atomic():
        assert setup.admitted_address(token, ["ana@acme.example"]) == "ana@acme.example"
        assert setup.admitted_address(token, []) is None
        assert setup.admitted_address("x", ["ana@acme.example"]) is None
        assert (setup.admitted_address(token, ["eve@acme.example"]) is None) == bool(email)
    empty_room.post(setup.setup_path(email), GIVEN)
    with transaction.atomic():
        assert setup.admitted_address(token, ["ana@acme.example"]) is None


@pytest.fixture
def command(monkeypatch):
    """`comity invite`, or another command, for the room of this process."""
    room = started()
    for name, value in room.environment().items():
        monkeypatch.setenv(name, value)
    return lambda *arguments, name="invite": CliRunner().invoke(app, [name, *arguments, "--data", str(room.data)])


@pytest.mark.long
@pytest.mark.gate
def test_the_command_prints_a_link_to_where_the_room_was_served_last(command, monkeypatch):
    cast()
    monkeypatch.delenv("COMITY_ADDRESS", raising=False)
    monkeypatch.delenv("COMITY_ORIGINS", raising=False)
    served = started().data / ADDRESS_FILE
    served.write_text("http://127.0.0.1:8091", encoding="utf-8")
    try:
        assert command("new@callco.example").stdout.startswith("http://127.0.0.1:8091/set-up/")
    finally:
        served.unlink()
        os.environ.pop("COMITY_ADDRESS", None)


@pytest.mark.long
@pytest.mark.gate
def test_the_command_prints_a_link_for_an_address(command):
    cast()
    done = command("new@callco.example", "--address", "https://room.example.org")
    assert done.exit_code == 0
    link = done.stdout.strip()
    assert link.startswith("https://room.example.org/set-up/")
    path = link.removeprefix("https://room.example.org")
    assert Client().post(path, {"name": "New", "password": PASSWORD}).status_code == 302
    assert Person.objects.filter(email="new@callco.example").exists()


def test_the_command_refuses_what_is_no_address_and_a_folder_without_a_room(command, tmp_path, monkeypatch):
    assert "is no email address" in command("ben").stderr
    monkeypatch.delenv("COMITY_SECRET_KEY")
    done = CliRunner().invoke(app, ["invite", "a@b.example", "--data", str(tmp_path)])
    assert done.exit_code == 2
    assert "holds no room yet; run: comity serve --data" in done.stderr


def test_a_new_link_of_an_invitation_replaces_the_old_one_and_says_until_when_it_works():
    them = cast()
    lead, invited = them.client("provider_lead"), {"email": "renewed@example.org", "role": "analyst"}
    with override_settings(MAIL_SERVER_BACKEND="django.core.mail.backends.filebased.EmailBackend"):
        first = lead.post(them.url("people/invite/"), invited, follow=True).content.decode()
        (at,) = re.findall(rf'action="({them.url("people/invitations/")}[^"]+/renew/)"', first)
        again = lead.post(at, follow=True).content.decode()
        other = them.client("customer_lead").post(at)
    assert other.status_code == 404  # each side invites its own people
    old, new = (re.findall(r"/join/[^\"]+", page)[0] for page in (first, again))
    until = words_for("en").day((timezone.now() + timedelta(days=14)).date())
    assert f"it works until {until}, and the earlier link no longer works" in again
    assert Client().get(old).status_code == 410
    assert Client().post(new, {"name": "New", "password": PASSWORD}).status_code == 302
    log = them.client("provider_lead").get(them.url("log/")).content.decode()
    assert "created a new link for an invitation as analyst" in log


def test_somebody_who_joins_sees_the_session_that_they_are_in():
    them = cast()
    with transaction.atomic():
        _, word = operations.invite(them.at("provider_lead"), "joins@example.org", Role.ANALYST, Side.PROVIDER)
    browser = Client()
    browser.post(f"/join/{word}/", {"name": "New", "password": PASSWORD})
    assert "Only this one." in browser.get("/account/").content.decode()
    assert browser.get("/sign-in/sessions/").content.decode().count("this one") == 1


@pytest.mark.gate
def test_without_mail_a_command_makes_the_link_for_a_new_password_and_the_page_says_so(command):
    them = cast()
    email = them.people["customer_lead"].email
    with override_settings(MAIL_SERVER_BACKEND="django.core.mail.backends.filebased.EmailBackend"):
        page = Client().get("/sign-in/password/forgotten/").content.decode()
    assert "comity reset EMAIL" in page
    assert "<input" not in page.partition("<main")[2].partition("</main>")[0]
    done = command("--address", "https://room.example.org", email, name="reset")
    assert done.exit_code == 0, done.stderr
    link = done.stdout.strip()
    assert link.startswith("https://room.example.org/sign-in/password/forgotten/")
    browser, new = Client(), "another horse battery staple"
    page = browser.get(link.removeprefix("https://room.example.org"), follow=True)
    browser.post(page.request["PATH_INFO"], {"password1": new, "password2": new})
    assert Person.objects.get(email=email).check_password(new)
    again = Client().get(link.removeprefix("https://room.example.org"), follow=True)
    assert "This link has expired or was used" in again.content.decode()


@pytest.mark.long
@pytest.mark.gate
def test_the_command_makes_no_link_for_an_address_without_an_account(command):
    cast()
    done = command("nobody@example.org", name="reset")
    assert done.exit_code == 2
    assert "nobody@example.org has no account here with a password" in done.stderr
