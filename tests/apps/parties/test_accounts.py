"""Accounts, attacked: tokens that outlive a password, codes used twice, lock-outs, floods of mail, words in a log."""

import io
import json
import logging
import re
import threading
import time
from datetime import timedelta

import pytest
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.core.cache import cache
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client, override_settings
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.parties import operations
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Organisation, Person, Role, Token
from comity.apps.parties.names import sanitise_name, validate_name
from comity.apps.parties.rate_limits import RATE_LIMITS, check_rate_limit, exceeds_rate_limit
from comity.apps.refusal import Refused
from comity.core.values import Side
from comity.web.identity_providers import IdentityProvider as Firm
from comity.web.log_format import RedactingFormatter, redact_tokens
from tests.room import BACKEND, PASSWORD, cast, forget_mails, person, said_again, sent_mails, started, superuser, token

pytestmark = pytest.mark.gate
NEW = "another horse battery staple"
LINKS = ["https://evil.example/login", "IT Helpdesk: confirm at evil.example/login", "See www.evil.example",
         "evil.example:8080", "javascript://x"]  # fmt: skip
BROKEN = ["A\r\nBcc: evil@example.org", "A\nB", "A\tB", "A\0B", "A\u2028B", "A\u202eB", "A\u200bB"]


@pytest.fixture
def them():
    return cast()


@pytest.fixture(scope="module")
def still():
    """Where nothing is changed."""
    return cast()


def lets_in(word):
    found = Client().get("/api/relationships", headers={"authorization": f"Bearer {word}"}).status_code
    assert found in {200, 401}
    return found == 200


def mails_to(somebody):
    return [one.subject for one in sent_mails() if one.to == [somebody.email]]


# Tokens -----------------------------------------------------------------------------------------------------------


def test_making_a_token_needs_reauthentication(them):
    """M1: a minute at somebody's screen became 365 days of writing."""
    browser = them.client("customer_lead")
    asked = browser.post("/account/tokens/", {"name": "backdoor", "days": 365, "writes": "on"})
    assert asked.status_code == 302
    assert asked.headers["Location"].startswith("/sign-in/again/")
    with transaction.atomic():
        set_viewer(them.people["customer_lead"].pk)
        assert not Token.objects.exists()
    forget_mails()
    # Whoever knows the password goes on from there.
    shown = browser.post(asked.headers["Location"], {"password": PASSWORD, "next": "/account/tokens/"})
    (word,) = set(re.findall(r"comity_[\w-]{30,}", shown.content.decode()))
    assert lets_in(word)
    assert mails_to(them.people["customer_lead"]) == [words_for("en")("token_made.subject", name="backdoor")]
    assert word not in sent_mails()[0].body


def test_people_with_external_sign_in_make_a_token_within_minutes_of_it(them):
    one = them.people["customer_lead"]
    one.set_unusable_password()
    one.save()
    browser = them.client("customer_lead")
    said = {"name": "x", "days": 9}
    assert "sign in again" in browser.post("/account/tokens/", said, follow=True).content.decode()
    store = browser.session
    for ago, status in ((3600, 302), (60, 200)):
        store["account_authentication_methods_user"] = str(one.pk)
        store["account_authentication_methods"] = [{"method": "socialaccount", "at": time.time() - ago}]
        store.save()
        assert browser.post("/account/tokens/", said).status_code == status


def test_a_new_password_revokes_every_token(them):
    """M1: after a change and after a reset the token still answered 200."""
    one, other = them.people["customer_lead"], them.people["customer_analyst"]
    words = [token(them, "customer_lead", writes=True), token(them, "customer_lead")]
    kept = token(them, "customer_analyst")
    forget_mails()
    browser = them.client("customer_lead")
    changed = {"oldpassword": PASSWORD, "password1": NEW, "password2": NEW}
    assert browser.post("/sign-in/password/", changed).status_code == 302
    assert [lets_in(word) for word in words] == [False, False]
    assert mails_to(one) == [words_for("en")("token_ended.subject")]
    assert "Your password was changed." in sent_mails()[-1].body
    assert lets_in(kept)
    # The same by the mail for a forgotten one, where nobody is signed in.
    forget_mails()
    Client().post("/sign-in/password/forgotten/", {"email": other.email})
    (path,) = re.findall(r"http://[^/]+(/\S+)", sent_mails()[0].body)
    away = Client()
    page = away.get(path, follow=True)
    away.post(page.request["PATH_INFO"], {"password1": NEW, "password2": NEW})
    assert not lets_in(kept)
    assert words_for("en")("token_ended.subject") in mails_to(other)


def test_revoking_tokens_mails_the_person_and_keeps_the_viewer(them):
    word = token(them, "customer_lead")
    forget_mails()
    with transaction.atomic():
        at = them.at("customer_lead")
        operations.revoke_all_tokens(them.people["customer_lead"], "password")
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_person(), comity_relationship()")
            assert cursor.fetchone() == (at.membership.person_id, them.relationship)
    assert len(mails_to(them.people["customer_lead"])) == 1
    assert not lets_in(word)
    with transaction.atomic():
        operations.revoke_all_tokens(them.people["customer_lead"], "password")  # none is left, and nothing is said
    assert len(sent_mails()) == 1


@pytest.mark.parametrize(
    ("writes", "days", "until"), [(True, None, 90), (False, None, 365), (True, 200, 200), (True, 999, 365)]
)
def test_a_writing_token_lasts_90_days_by_default(them, writes, days, until):
    with transaction.atomic():
        set_viewer(them.people["auditor"].pk)
        made, _ = operations.make_token(them.people["auditor"], "x", days, writes=writes)
    assert (made.expires_at - timezone.now()).days in {until - 1, until}


def firm(only):
    return Firm("example", "Example", ("example.org",), only, (), "openid_connect", {})


def test_tokens_are_revoked_once_the_external_sign_in_lapses(them):
    """M1: an organisation that disables its person ended no token; it does not tell the room, so a month counts."""
    one = them.people["provider_lead"]
    word = token(them, "provider_lead")
    them.client("provider_lead")
    Person.objects.filter(pk=one.pk).update(last_login=timezone.now() - timedelta(days=29))
    with override_settings(ORGANISATIONS=(firm(True),)):
        assert lets_in(word)
    Person.objects.filter(pk=one.pk).update(last_login=timezone.now() - timedelta(days=31))
    for other in ((), (firm(False),)):
        with override_settings(ORGANISATIONS=other):
            assert lets_in(word)
    forget_mails()
    with override_settings(ORGANISATIONS=(firm(True),)):
        assert [lets_in(word), lets_in(word)] == [False, False]
    assert mails_to(one) == [words_for("en")("token_ended.subject")]
    assert not lets_in(word)  # for good, whatever the file says later


def test_tokens_of_an_inactive_account_are_refused(them):
    word = token(them, "provider_lead")
    Person.objects.filter(pk=them.people["provider_lead"].pk).update(is_active=False)
    assert not lets_in(word)


# One count for all workers ------------------------------------------------------------------------------------------


def with_codes(them, who):
    """Give somebody one-time codes; what makes the code of now."""
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(them.people[who], secret)
    return lambda: totp.format_hotp_value(totp.hotp_value(secret, int(time.time()) // 30))


def half_in(them, who):
    browser = Client()
    said = browser.post("/sign-in/", {"login": them.people[who].email, "password": PASSWORD})
    assert "/codes/" in said.headers["Location"]
    return browser


def at_once(works):
    barrier, done = threading.Barrier(len(works)), [None] * len(works)

    def run(number, work):
        try:
            barrier.wait()
            done[number] = work()
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return done


def test_a_one_time_code_is_accepted_once_across_workers(them):
    """M7: the same code signed in twice, once for each worker."""
    assert settings.CACHES["default"]["BACKEND"] == "comity.web.shared_cache.SharedCache"
    code_of_now = with_codes(them, "customer_lead")
    browsers = [half_in(them, "customer_lead") for _ in range(4)]
    # A code lives for thirty seconds: not made in the last ones, nor before the browsers are ready.
    time.sleep(max(0.0, time.time() % 30 - 20))
    code = code_of_now()
    at_once([lambda one=one: one.post("/sign-in/codes/authenticate/", {"code": code}).status_code for one in browsers])
    inside = [one.get("/account/").status_code for one in browsers]
    assert sorted(inside) == [200, 302, 302, 302]


def test_counters_survive_rollback_and_are_visible_at_once(still):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        exceeds_rate_limit(still.people["auditor"], "uploads")
        cache.set("kept", [1, 2], 60)
        1 / 0  # noqa: B018
    assert cache.get("kept") == [1, 2]
    started_at = RATE_LIMITS["uploads"].max_count - 1
    done = at_once([lambda: exceeds_rate_limit(still.people["auditor"], "uploads")] * (started_at + 5))
    assert done.count(True) == 5


def test_cache_add_succeeds_once_among_concurrent_callers(still):  # noqa: ARG001 - the database
    assert at_once([lambda: cache.add("once", value=True, timeout=60)] * 6).count(True) == 1
    cache.set("once", value=True, timeout=-1)
    assert cache.get("once") is None
    assert at_once([lambda: cache.add("once", value=True, timeout=60)] * 6).count(True) == 1
    assert cache.touch("once", 90)
    assert not cache.touch("never", 90)
    assert cache.delete("once")
    assert not cache.delete("once")
    assert cache.get("once", "gone") == "gone"


# Lock-out ---------------------------------------------------------------------------------------------------------


def guess(them, who, times=9, spell=str, **more):
    for _ in range(times):
        Client().post("/sign-in/", {"login": spell(them.people[who].email), "password": "wrong"}, **more)


def right(them, who, **more):
    said = {"login": them.people[who].email, "password": PASSWORD}
    return Client().post("/sign-in/", said, **more).status_code


def test_lock_out_is_per_account_and_client_ip(them):
    """M8: five wrong passwords from anywhere shut somebody out everywhere."""
    guess(them, "provider_finance", 12, REMOTE_ADDR="127.0.0.2")
    assert right(them, "provider_finance", REMOTE_ADDR="127.0.0.2") in {200, 429}
    assert right(them, "provider_finance", REMOTE_ADDR="127.0.0.3") == 302
    assert right(them, "provider_finance", REMOTE_ADDR="127.0.0.4") == 302


def test_lock_out_ignores_case_of_the_address(them):
    """M7: karl@ was locked, and KARL@ let in with the right password."""
    guess(them, "mediator", 9, str.upper, REMOTE_ADDR="127.0.0.5")
    cache.clear()  # so that it is not the count by the minute that keeps them waiting
    assert right(them, "mediator", REMOTE_ADDR="127.0.0.5") == 429
    email = them.people["mediator"].email.title()
    said = {"login": f" {email} ", "password": PASSWORD}
    assert Client().post("/sign-in/", said, REMOTE_ADDR="127.0.0.5").status_code == 429


def test_lock_out_mails_the_person_once_an_hour_with_the_client_ip(them):
    forget_mails()
    for address in ("127.0.0.6", "127.0.0.7"):
        guess(them, "auditor", 10, REMOTE_ADDR=address)
    assert mails_to(them.people["auditor"]) == ["Failed sign-ins with your address"]
    assert "127.0.0.6" in sent_mails()[0].body
    forget_mails()
    for _ in range(10):
        Client().post("/sign-in/", {"login": "nobody@example.org", "password": "wrong"}, REMOTE_ADDR="127.0.0.8")
    assert sent_mails() == []


# Floods, and names ------------------------------------------------------------------------------------------------


def api(them, who, path, body):
    headers = {"authorization": f"Bearer {token(them, who, writes=True)}"}
    return Client().post(f"/api/{path}", json.dumps(body), content_type="application/json", headers=headers)


def test_invitation_mails_are_rate_limited(them):
    """M6: 60 invitations in two seconds, 20 of them to one address."""
    forget_mails()
    page = them.client("customer_lead")
    statuses = [
        page.post(them.url("people/invite/"), {"email": "Victim@example.org", "role": "member"}).status_code
        for _ in range(5)
    ]
    assert statuses == [302, 302, 302, 429, 429]
    assert len(sent_mails()) == 3
    statuses = [
        page.post(them.url("people/invite/"), {"email": f"v{number}@example.org", "role": "member"}).status_code
        for number in range(20)
    ]
    assert statuses.count(302) == 15  # with the five before: 20 in an hour
    found = api(them, "customer_lead", f"r/{them.relationship}/invitations", {"email": "w@example.org", "role": "lead"})
    assert (found.status_code, found.headers["Content-Type"]) == (429, "application/problem+json")
    assert int(found.headers["Retry-After"]) == 3600
    assert words_for("en")("error.too_often") in page.post(
        them.url("people/invite/"), {"email": "v@example.org", "role": "member"}
    ).content.decode()  # fmt: skip
    other = them.client("provider_lead")
    assert other.post(them.url("people/invite/"), {"email": "a@example.org", "role": "member"}).status_code == 302


def test_creating_relationships_is_rate_limited(them):
    page = them.client("mediator")
    said = {"own": "One", "other": "Two", "side": "customer"}
    assert [page.post("/begin/", said).status_code for _ in range(12)] == [302] * 10 + [429] * 2
    assert api(them, "mediator", "relationships", said).status_code == 429
    with pytest.raises(Refused, match="too_often"), transaction.atomic():
        operations.create_relationship(them.people["mediator"], Side.CUSTOMER, "One", "Two")
    assert api(them, "auditor", "relationships", said).status_code == 201


def test_rate_limits_count_per_person_and_key(still):
    who, other = still.people["surveyor"], still.people["mediator"]
    for _ in range(3):
        check_rate_limit(who, "invitations to one address", "a@example.org")
    with pytest.raises(Refused, match="too_often"):
        check_rate_limit(who, "invitations to one address", "A@EXAMPLE.org")
    assert not exceeds_rate_limit(who, "invitations to one address", "b@example.org")
    assert not exceeds_rate_limit(other, "invitations to one address", "a@example.org")


@pytest.mark.parametrize("name", [*LINKS, *BROKEN])
def test_a_name_with_a_link_or_line_break_is_refused(still, name):
    """M6: "IT Helpdesk: your account expires, confirm at https://evil.example/login", in the room's name."""
    with pytest.raises(Refused, match="odd_name"):
        validate_name(name)
    page = still.client("stranger")
    for own, other in ((name, "Fine"), ("Fine", name)):
        assert page.post("/begin/", {"own": own, "other": other, "side": "customer"}).status_code == 422
        said = {"side": "provider", "own": own, "other": other}
        assert api(still, "stranger", "relationships", said).status_code == 422
        with pytest.raises(Refused, match="odd_name"), transaction.atomic():
            operations.create_relationship(still.people["stranger"], Side.CUSTOMER, own, other)
    with pytest.raises(Refused, match="odd_name"), transaction.atomic():
        operations.make_token(still.people["stranger"], name, 9, writes=False)
    assert said_again(page).post("/account/tokens/", {"name": name, "days": 9}).status_code == 422


@pytest.mark.parametrize("name", [*LINKS, *(one for one in BROKEN if "\0" not in one)])
def test_the_database_refuses_a_name_with_a_link_or_line_break(still, name):
    with pytest.raises(Refused, match="odd_name"):
        person(name)
    with pytest.raises(IntegrityError, match="plain_name"), transaction.atomic():
        Person(email="odd@example.org", name=name).save()
    with pytest.raises(IntegrityError, match="plain_name"), transaction.atomic():
        set_viewer(still.people["stranger"].pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_begin('customer', %s, 'external', 'Fine', 'external')", [name])


@pytest.mark.parametrize("name", ["Booking.com", "Amazon.de Services", "O'Hara & Søn", "Иван", "St. Gallen A/S",
                                  "ines@example.org", "3.5 GmbH", "Dr. Ana / Support"])  # fmt: skip
def test_ordinary_names_are_valid(still, name):
    assert validate_name(f" {name} ") == name
    with transaction.atomic():
        set_viewer(still.people["stranger"].pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_begin('customer', %s, 'external', 'Fine', 'external')", [name])
        assert Organisation.objects.filter(name=name).exists()
        transaction.set_rollback(True)


def test_names_from_identity_providers_are_sanitised():
    assert sanitise_name("Ana\r\nRuiz", "x") == "Ana Ruiz"
    assert sanitise_name("https://evil.example/", "ana@example.org") == "ana@example.org"
    assert sanitise_name("\u202e", "ana@example.org") == "ana@example.org"


# Words in a log -----------------------------------------------------------------------------------------------------


@pytest.fixture
def written():
    """What the room's own handlers write meanwhile."""
    handlers = [one for one in logging.getLogger().handlers if isinstance(one.formatter, RedactingFormatter)]
    assert handlers
    text = io.StringIO()
    before = [one.setStream(text) for one in handlers]
    yield text
    for one, stream in zip(handlers, before, strict=True):
        one.setStream(stream)


def invited(them, email):
    with transaction.atomic():
        _, word = operations.invite(them.at("customer_lead"), email, Role.MEMBER, Side.CUSTOMER)
    return word


def test_invitation_and_password_reset_tokens_are_redacted_in_the_log(still, written):
    """M10: a password that is too short, or a failed form check, wrote the word that still worked."""
    word = invited(still, "logged@example.org")
    assert Client().post(f"/join/{word}/", {"name": "A", "password": "short"}).status_code == 422
    assert (
        Client(enforce_csrf_checks=True).post(f"/join/{word}/", {"name": "A", "password": PASSWORD}).status_code == 403
    )
    Client().get(f"/join/{word}/", headers={"host": "evil.example"})
    Client().put(f"/join/{word}/")
    Client().get("/sign-in/password/forgotten/abc-secretkey/", headers={"host": "evil.example"})
    Client(enforce_csrf_checks=True).post("/sign-in/password/forgotten/abc-secretkey/")
    try:
        int(f"/join/{word}/")
    except ValueError:
        logging.getLogger("django.request").exception("Internal Server Error: /join/%s/", word)
    logging.getLogger("gunicorn.error").error("Error handling request /sign-in/?next=%%2Fjoin%%2F%s%%2F", word)
    text = written.getvalue()
    assert "/join/.../" in text
    assert "%2Fjoin%2F...%2F" in text
    assert "Traceback" in text
    assert word not in text
    assert "secretkey" not in text


def test_the_log_redacts_only_tokens():
    for text in ("/r/1/people/", "/sign-in/password/forgotten/", "/sign-in/password/forgotten/sent/", "join the two"):
        assert redact_tokens(text) == text


def test_joining_twice_concurrently_is_no_error(them, monkeypatch):
    """M10: 500 with a traceback, and the address in the log."""
    word = invited(them, "double@example.org")
    said = {"name": "Double Click", "password": PASSWORD}
    browsers = [Client() for _ in range(4)]
    for one in browsers:
        one.get(f"/join/{word}/")
    # Both presses have looked before either has made the account.
    barrier = threading.Barrier(len(browsers))
    create = type(Person.objects).create_user

    def slowly(*given, **more):
        barrier.wait(30)
        return create(*given, **more)

    monkeypatch.setattr(type(Person.objects), "create_user", slowly)
    done = at_once([lambda one=one: one.post(f"/join/{word}/", said) for one in browsers])
    assert [one.status_code for one in done] == [302] * 4
    places = [one.headers["Location"] for one in done]
    assert sum(place.startswith("/r/") for place in places) == 1
    assert sum(place.startswith("/sign-in/?next=/join/") for place in places) == 3
    # As somebody who is known: the second press comes to the same place as the first.
    known = Client()
    known.force_login(Person.objects.get(email="double@example.org"), backend=BACKEND)
    assert {known.post(f"/join/{word}/").headers["Location"] for _ in range(2)} == {f"/r/{them.relationship}/"}


# Sessions -----------------------------------------------------------------------------------------------------------


def later(browser, idle=0, **began):
    """Turn the clock of a session on."""
    store = browser.session
    for name, ago in began.items():
        store[name] = int(time.time()) - ago
    store.save()
    with superuser() as everybody:
        everybody.execute(
            "UPDATE django_session SET expire_date = expire_date - make_interval(secs => %s) WHERE session_key = %s",
            [idle, store.session_key],
        )


def test_an_idle_session_expires_and_one_in_use_does_not(still):
    """L7."""
    browser = still.client("customer_lead")
    later(browser, idle=11 * 3600, seen_at=11 * 3600)
    assert browser.get("/account/").status_code == 200
    later(browser, idle=11 * 3600, seen_at=0)  # counted from the visit just now
    assert browser.get("/account/").status_code == 200
    later(browser, idle=13 * 3600)
    assert browser.get("/account/").status_code == 302


def test_a_session_ends_two_weeks_after_sign_in_even_in_use(still):
    browser = still.client("customer_lead")
    later(browser, began_at=13 * 24 * 3600)
    assert browser.get("/account/").status_code == 200
    later(browser, began_at=15 * 24 * 3600)
    assert browser.get("/account/").status_code == 302
    assert started() is not None
