"""Every address of the room as everybody: who gets in, and that nothing of what a side keeps comes out on the other.

An address that is added fails the test until it is placed here.
"""

import io
import re
import uuid
import zipfile

import pytest
from django.db import transaction
from django.test import Client
from django.urls import URLPattern, get_resolver, reverse
from pypdf import PdfReader

from comity.apps.books.models import Delivery, Stage
from comity.apps.matters import operations as matters
from comity.apps.matters.models import Evidence, Kind
from comity.apps.parties import operations as parties
from comity.apps.parties.models import Invitation, Membership, Role
from comity.apps.parties.rights import Action, may
from comity.core.values import Side
from tests.room import BACKEND, cast

pytestmark = pytest.mark.gate
KPI = """
[private]
provider = ["costs", "staff", "intervals.handle_s", "events[kind=storm]"]
customer = ["prices", "contacts.reason"]
[review]
period = "month"
[[kpi]]
id = "service_level"
answer_within_s = 20
abandons = "count"
target = 0.8
patience_s = 180
"""
# What each side keeps to itself, planted in a table, a column and a row of its own.
OURS = {Side.PROVIDER: ("4711.13", "Zebulon", "provider-storm"), Side.CUSTOMER: ("8128.77", "Quixote-reason")}

EVERYBODY = ["customer_lead", "customer_analyst", "customer_finance", "customer_roster", "customer_member",
             "customer_executive", "provider_lead", "provider_analyst", "provider_finance", "provider_roster",
             "provider_member", "provider_executive", "surveyor", "mediator", "auditor"]  # fmt: skip
OUTSIDE = [None, "stranger", "former"]

# Address -> the right that it takes; those that change something are asked with POST and an empty form.
WITHIN = {
    "today": Action.READ, "matters": Action.READ, "matter": Action.READ, "evidence": Action.READ,
    "raise": Action.DISPUTE,
    "review": Action.READ, "figure": Action.READ, "reading": Action.READ, "by_mail": Action.READ,
    "review_file": Action.READ, "attribution": Action.READ, "record": Action.READ,
    "records": Action.READ, "delivery": Action.READ, "rejects": Action.BRING,
    "people": Action.READ, "their_place": Action.INVITE, "log": Action.AUDIT, "log_file": Action.AUDIT,
    "access": Action.AUDIT,
}  # fmt: skip
CHANGING = {
    "invite": Action.INVITE, "withdraw_invitation": Action.INVITE, "let_go": Action.INVITE,
    "change_role": Action.INVITE, "stand_in": Action.INVITE, "review_access": Action.AUDIT,
    "confirm": Action.CONFIRM, "restate": Action.CONFIRM, "upload": Action.BRING, "begin_book": Action.BRING,
    "mark": Action.BRING,
    "move_delivery": Action.BRING,
}  # fmt: skip
ANYBODYS = {"join", "account_login", "account_logout", "account_signup", "account_reset_password",
            "account_reset_password_done", "account_reset_password_from_key", "account_reset_password_from_key_done",
            "account_inactive", "account_email", "set_language", "mfa_authenticate", "mfa_login_webauthn",
            "openid_connect_login", "openid_connect_callback", "socialaccount_login_cancelled",
            "socialaccount_login_error", "socialaccount_signup"}  # fmt: skip
SIGNED_IN = {"routes", "sort", "move_export",
             "portfolio", "begin", "account", "make_token", "revoke_token", "account_reauthenticate",
             "account_change_password", "usersessions_list",
             "account_set_password", "mfa_index", "mfa_activate_totp", "mfa_deactivate_totp",
             "mfa_generate_recovery_codes", "mfa_view_recovery_codes", "mfa_download_recovery_codes",
             "mfa_reauthenticate", "mfa_list_webauthn", "mfa_add_webauthn", "mfa_reauthenticate_webauthn",
             "mfa_remove_webauthn", "mfa_edit_webauthn"}  # fmt: skip


def names(patterns):
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        elif str(pattern.pattern) != "api/":  # whose operations are placed in test_api
            yield from names(pattern.url_patterns)


@pytest.fixture(scope="module")
def them():
    made = cast()
    contacts = ["contact_id,opened_at,queue,channel,answered_at,resolved_at,handle_s,reason"]
    intervals = ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s"]
    forecasts = ["queue,start,minutes,issued_on,offered,aht_s,locked,issued_by"]
    schedules = ["queue,start,minutes,required,scheduled,staffed,ordered_off"]
    for month in (5, 6):
        for day in range(1, 32 if month == 5 else 31):  # whole months, or there is no level
            at = f"2026-{month:02}-{day:02}T10:00:"
            for number in range(4):
                answered = f"2026-{month:02}-{day:02}T10:00:{5 + number * 8:02}Z"
                row = f"c{month}-{day}-{number},{at}00Z,help,voice,{answered},{answered},200,Quixote-reason"
                contacts.append(row)
            intervals.append(f"help,{at}00Z,30,250,240,180,20,10,2,471113")
            forecasts.append(f"help,{at}00Z,30,2026-04-15,250,210,true,customer")
            schedules.append(f"help,{at}00Z,30,32,32,31,0")
    made.book(
        KPI,
        contacts="\n".join(contacts),
        intervals="\n".join(intervals),
        forecasts="\n".join(forecasts),
        schedules="\n".join(schedules),
        private__provider__costs="month,driver,quantity,unit_cost,behaviour\n2026-06,Zebulon,1,4711.13,fixed",
        private__provider__staff="employee_id,team,role,hired_on\nZebulon,a,agent,2020-01-01",
        private__customer__prices="month,index\n2026-05,8128.77\n2026-06,8128.77",
        events="event_id,kind,from,to,declared_by,declared_at,evidence\n"
        "provider-storm,storm,2026-06-01T00:00:00Z,2026-06-02T00:00:00Z,provider,2026-06-03T00:00:00Z,Zebulon",
    )
    with transaction.atomic():
        asked = matters.Asked(Kind.DISPUTE, "Service level", "Why?", kpi="service_level", period="2026-06")
        shown = [matters.File("shown.csv", b"a,b")]
        made.matter = matters.raise_matter(made.at("customer_lead"), asked, "UTC", shown).pk
        made.evidence = Evidence.objects.get(matter=made.matter).pk
        made.place = Membership.objects.filter(role=Role.MEMBER, side=Side.CUSTOMER).first().pk
        standing = made.at("provider_lead")
        made.delivery = Delivery.objects.create(
            relationship=standing.relationship, side=Side.PROVIDER, person=made.people["provider_lead"], name="all.csv",
            size=1, mapping="contacts", stage=Stage.BROUGHT,
            outcome={"table": "contacts", "counts": {"rows_in": 1}, "first_rows": [["agent_id"], ["Zebulon"]]},
        ).pk  # fmt: skip
        made.own_file = Delivery.objects.create(
            relationship=standing.relationship, side=Side.PROVIDER, person=made.people["provider_lead"],
            name="Zebulon.csv", size=1, mapping="costs", stage=Stage.BROUGHT, private=True,
        ).pk  # fmt: skip
    made.invitation = uuid.uuid4()
    return made


def address(them, name):
    more = {
        "matter": f"matters/{them.matter}/",
        "evidence": f"matters/{them.matter}/evidence/{them.evidence}/",
        "raise": "matters/raise/dispute/",
        "review_file": "review/file.json",
        "figure": "review/figure/service_level/?period=2026-05",
        "reading": "review/reading/service_level/",
        "by_mail": "review/mail/",
        "record": "record/",
        "today": "",
        "withdraw_invitation": f"people/invitations/{them.invitation}/withdraw/",
        "let_go": f"people/{them.place}/let-go/",
        "invite": "people/invite/",
        "their_place": f"people/{them.place}/",
        "change_role": f"people/{them.place}/role/",
        "stand_in": f"people/{them.place}/stand-in/",
        "review_access": "people/reviewed/",
        "access": "people/access.csv",
        "log_file": "log.csv",
        "confirm": "review/confirm/",
        "restate": "review/restate/",
        "delivery": f"records/{them.delivery}/",
        "rejects": f"records/{them.delivery}/rejects.csv",
        "move_delivery": f"records/{them.delivery}/move/",
        "upload": "records/upload/",
        "mark": "records/private/",
        "begin_book": "records/begin/",
    }
    return them.url(more.get(name, f"{name}/"))


def test_every_address_is_placed():
    assert set(names(get_resolver().url_patterns)) == WITHIN.keys() | CHANGING.keys() | ANYBODYS | SIGNED_IN


@pytest.mark.parametrize("name", WITHIN)
@pytest.mark.parametrize("who", EVERYBODY)
def test_inside_everybody_sees_what_their_role_may(them, who, name):
    role = who.split("_")[-1]
    found = them.client(who).get(address(them, name))
    allowed = may(role, WITHIN[name]) and not (name == "raise" and "_" not in who)
    if name == "their_place":  # a customer's: seen by who leads there, and by themselves
        allowed = who in {"customer_lead", "customer_member"}
    assert found.status_code == (200 if allowed else 404)


@pytest.mark.parametrize("name", CHANGING)
@pytest.mark.parametrize("who", EVERYBODY)
def test_what_changes_something_takes_the_right(them, who, name):
    role = who.split("_")[-1]
    browser = them.client(who)
    assert browser.get(address(them, name)).status_code == 405
    if name in {"let_go", "change_role", "stand_in"} and who.startswith("customer"):
        return  # tried with the people's pages: it would let one go
    found = browser.post(address(them, name))
    if not may(role, CHANGING[name]):
        assert found.status_code == 404
    else:
        assert found.status_code in {302, 404, 422}  # no such period, no such invitation; an empty form


@pytest.mark.parametrize("name", [*WITHIN, *CHANGING])
@pytest.mark.parametrize("who", OUTSIDE)
def test_outside_nobody_learns_that_it_is_there(them, who, name):
    browser = them.client(who)
    found = browser.get(address(them, name))
    if who is None:
        assert found.status_code == 302
        assert found.headers["Location"].startswith("/sign-in/")
        return
    nowhere = browser.get(address(them, name).replace(str(them.relationship), str(uuid.uuid4())))
    assert found.status_code == nowhere.status_code == 404
    assert _bare(found) == _bare(nowhere)


def _bare(answer):
    return re.sub(r"/r/[0-9a-f-]{36}/|value=\"[^\"]{64}\"", "", answer.content.decode())


def everything(them, who):
    """All that somebody can read: pages and files, bodies and headers, in both languages."""
    browser = them.client(who)
    files = (them.url(f"review/file.{form}?period=2026-06") for form in ("html", "xlsx", "pptx", "pdf"))
    pages = [*(address(them, name) for name in WITHIN), *files]
    pages += [
        them.url(f"records/{them.own_file}/"),
        them.url("review/?eyes=joint"),
        them.url("review/?period=2026-05"),
        "/",
        "/account/",
    ]
    for path in pages:
        for language in ("en", "es"):
            found = browser.get(path, headers={"accept-language": language})
            yield path, unpacked(found.content) + str(found.headers).encode()


def unpacked(content):
    """What a file says: workbooks and slides are archives, and the text of a PDF is packed."""
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"\n".join(archive.read(name) for name in archive.namelist())
    if content.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).encode()
    return content


@pytest.mark.parametrize("who", [*EVERYBODY, "stranger", "former"])
def test_what_a_side_keeps_does_not_come_out_on_the_other(them, who):
    own = next((side for side in Side if who.startswith(side.value)), None)
    for path, text in everything(them, who):
        for side, secrets in OURS.items():
            if own is side and may(who.split("_")[-1], Action.READ_OWN):
                continue
            for secret in secrets:
                assert secret.encode() not in text, path
                assert secret.encode("utf-16-le") not in text, path


def test_who_may_read_it_does_see_what_the_own_side_keeps(them):
    """Else the test above could not fail."""
    seen = b"".join(text for _, text in everything(them, "provider_lead"))
    assert b"costs" in seen.lower()
    assert seen.count("50.0\u00a0%".encode()) > 10  # two of four in time: these are reviews and not empty pages
    tables = them.client("provider_lead").get(them.url("records/")).content.decode()
    assert "costs" in tables
    assert "costs" not in them.client("customer_lead").get(them.url("records/")).content.decode()


@pytest.mark.parametrize(
    ("who", "tables"),
    [
        ("provider_lead", {"costs", "staff"}),
        ("provider_executive", {"costs"}),
        ("provider_finance", {"costs"}),
        ("provider_roster", {"staff"}),
        ("provider_analyst", {"staff"}),
        ("provider_member", set()),
        ("customer_lead", set()),
        ("auditor", set()),
    ],
)
def test_money_and_people_of_the_own_side_take_a_right_of_their_own(them, who, tables):
    shown = them.client(who).get(them.url("records/")).content.decode()
    assert {name for name in ("costs", "staff") if f">{name}</th>" in shown} == tables


def test_an_answer_that_failed_tells_nothing_of_what_is_inside(them, monkeypatch):
    def broken(*_):
        raise RuntimeError("Zebulon 4711.13")

    monkeypatch.setattr("comity.apps.matters.queries.to_do", broken)
    browser = them.client("customer_lead")
    browser.raise_request_exception = False
    found = browser.get(them.url())
    assert found.status_code == 500
    assert b"Zebulon" not in found.content
    assert b"Nothing was changed" in found.content


def test_a_form_from_elsewhere_is_refused(them):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(them.people["customer_lead"], backend=BACKEND)
    for name in CHANGING:
        assert browser.post(address(them, name)).status_code == 403


@pytest.mark.usefixtures("them")
def test_nobody_is_sent_elsewhere_and_no_other_host_is_answered():
    for path in ("/sign-in/?next=https://evil.example/", "/language/setlang/"):
        found = Client().post(path, {"next": "https://evil.example/", "language": "es"})
        assert "evil.example" not in found.headers.get("Location", "")
    assert Client().get("/sign-in/", headers={"host": "evil.example"}).status_code == 400


def test_headers_hold_a_page_in(them):
    found = them.client("customer_lead").get(them.url())
    policy = found.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert found.headers["X-Frame-Options"] == "DENY"
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    body = found.content.decode()
    assert "<script" not in body
    assert not re.search(r"\sstyle=", body)


SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>"


def test_what_people_write_stays_text(them):
    with transaction.atomic():
        asked = matters.Asked(Kind.ACTION, SCRIPT, SCRIPT, owner=None)
        made = matters.raise_matter(them.at("provider_lead"), asked, "UTC")
    for path in ("", "matters/", f"matters/{made.pk}/", "log/"):
        found = them.client("customer_lead").get(them.url(path)).content.decode()
        assert "<script>" not in found
        assert "<img" not in found


def test_of_an_invitation_only_its_digest_is_kept(them):
    with transaction.atomic():
        made, word = parties.invite(them.at("customer_lead"), "new@example.org", Role.MEMBER, Side.CUSTOMER)
        assert made.digest != word
        assert not Invitation.objects.filter(digest=word).exists()


@pytest.mark.parametrize("who", [None, "customer_lead", "auditor"])
@pytest.mark.parametrize("name", sorted(ANYBODYS | SIGNED_IN))
def test_no_door_is_broken(them, who, name):
    """In both languages; what is for those who are signed in sends others to sign in."""
    more = {
        "join": ["nothing"], "account_reset_password_from_key": ["0", "nothing"], "revoke_token": [uuid.uuid4()],
        "move_export": [uuid.uuid4()],
        "openid_connect_login": ["nobody"], "openid_connect_callback": ["nobody"], "mfa_remove_webauthn": [1],
        "mfa_edit_webauthn": [1],
    }  # fmt: skip
    for language in ("en", "es"):
        found = them.client(who).get(reverse(name, args=more.get(name)), headers={"accept-language": language})
        assert found.status_code in {200, 302, 401, 404, 405, 410}
        if who is None and name in SIGNED_IN and found.status_code == 302:
            assert "/sign-in/" in found.headers["Location"]
        if found.status_code == 200:
            assert "room.css" in found.content.decode() or name == "mfa_download_recovery_codes"
            assert who is not None or name in ANYBODYS


def test_a_password_is_changed_and_codes_are_asked_for(them):
    browser = them.client("provider_member")
    assert 'name="oldpassword"' in browser.get(reverse("account_change_password")).content.decode()
    shown = browser.get(reverse("mfa_activate_totp"))
    page = (
        shown.content.decode() if shown.status_code == 200 else browser.get(shown.headers["Location"]).content.decode()
    )
    assert 'name="code"' in page or 'name="password"' in page
