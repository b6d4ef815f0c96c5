"""The first run: four steps that can wait, each for those who may do it; and a sample that leaves no trace."""

from datetime import date

import pytest
from django.conf import settings
from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.test import Client

from comity.apps.agreements import operations as agreements
from comity.apps.agreements.first_text import drafts as first_text
from comity.apps.books.queries import book_folder, definition
from comity.apps.first_run import operations, queries
from comity.apps.first_run.queries import StepName, StepState
from comity.apps.i18n import words_for
from comity.apps.kpis import operations as kpis
from comity.apps.kpis.queries import starts
from comity.apps.kpis.terms import Terms
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Membership, Relationship, Role
from comity.apps.parties.queries import led_organisations, open_invitation
from comity.apps.refusal import Refused
from comity.apps.replies.queries import proposed_calendars
from comity.core.calendars import Cut
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side
from tests.builders.levels import contacts
from tests.room import BACKEND, EVERYBODY, Browser, Cast, cast, forget_mails, person, run_jobs, sent_mails, started

pytestmark = pytest.mark.gate
WORDS = words_for("en")
ORGANISATIONS = {"side": "customer", "own": "Acme", "own_kind": "external", "other": "CallCo", "other_kind": "external"}
DONE, OPEN, WAITING = StepState.DONE, StepState.OPEN, StepState.WAITING


def signed_in(somebody):
    browser = Browser()
    browser.force_login(somebody, backend=BACKEND)
    return browser


@pytest.fixture
def newcomer():
    started()
    return person("Ana")


def states(them, who):
    with transaction.atomic():
        return [step.state for step in queries.steps(them.at(who))]


def the_next(them, who):
    with transaction.atomic():
        return [step.name for step in queries.steps(them.at(who)) if step.is_next]


def test_who_is_in_no_relationship_is_led_to_the_first_step(newcomer):
    browser = signed_in(newcomer)
    assert browser.get("/").headers["Location"] == "/first/"
    page = browser.get("/first/").content.decode()
    assert all(WORDS(f"first_run.{name}") in page for name in StepName)
    assert WORDS("begin.do") in page
    answer = browser.post("/begin/", ORGANISATIONS)
    assert answer.headers["Location"].startswith("/r/")
    assert WORDS("first_run.title") in browser.get(answer.headers["Location"]).content.decode()
    assert browser.get("/first/").headers["Location"] == "/"
    later = browser.get("/begin/").content.decode()  # from where a sample can be begun later, too
    assert '<form method="post" action="/first/sample/">' in later
    assert WORDS("sample.as_provider") in later


def test_each_step_is_done_once_it_is_there_and_any_of_them_can_wait(newcomer):
    with transaction.atomic():
        member = parties.create_relationship(newcomer, Side.CUSTOMER, "Acme", "CallCo")
    them = Cast(member.relationship.pk, {"customer_lead": newcomer})
    browser = them.client("customer_lead")
    assert (states(them, "customer_lead"), the_next(them, "customer_lead")) == (
        [DONE, OPEN, OPEN, OPEN], [StepName.RECORDS],
    )  # fmt: skip
    invited = {"email": "ben@callco.example", "role": "lead", "across": "1"}
    assert browser.post(them.url("people/invite/"), invited).status_code == 302
    assert states(them, "customer_lead") == [DONE, OPEN, OPEN, WAITING]
    said = {
        "timezone": "Europe/Madrid",
        "currency": "EUR",
        "month_starts_on": "15",
        "period": "quarter",
        "from": "today",
        "country": "ES",
        "region": "md",
        "open_days": ["mon", "sat"],
    }
    assert browser.post(them.url("records/begin/"), said).headers["Location"] == them.url()
    with transaction.atomic():
        book = definition(them.at("customer_lead"))
    assert (book.timezone, book.currency, book.month_starts_on, book.cut) == ("Europe/Madrid", "EUR", 15, Cut.QUARTER)
    assert (book.country, book.open_weekdays) == ("ES-MD", {0, 5})
    them.book(contacts="\n".join(contacts()))
    assert states(them, "customer_lead") == [DONE, DONE, OPEN, WAITING]
    page = browser.get(them.url()).content.decode()
    assert WORDS("first_run.is_there") in page
    assert f'href="{them.url("review/")}">{WORDS("first_run.start_without")}</a>' in page
    with transaction.atomic():
        terms = Terms(TEMPLATES["service_desk"], Cut.MONTH, starts(them.at("customer_lead"))[0])
        proposal = kpis.propose(them.at("customer_lead"), terms, "")
    assert states(them, "customer_lead") == [DONE, DONE, WAITING, WAITING]
    run_jobs(kpis.WRITE_TASK)
    assert states(them, "customer_lead") == [DONE, DONE, WAITING, WAITING]  # used, and not agreed
    _join(them)
    assert states(them, "provider_lead") == [DONE, DONE, OPEN, DONE]
    assert the_next(them, "provider_lead") == [StepName.KPIS]
    with transaction.atomic():
        kpis.agree(them.at("provider_lead"), proposal.digest)
    assert states(them, "provider_lead") == [DONE, DONE, DONE, DONE]  # before a worker has written them
    run_jobs(kpis.WRITE_TASK)
    for who in ("customer_lead", "provider_lead"):
        assert WORDS("first_run.title") not in them.client(who).get(them.url()).content.decode()


def test_once_both_are_there_the_third_step_leads_to_a_first_text(newcomer):
    with transaction.atomic():
        member = parties.create_relationship(newcomer, Side.CUSTOMER, "Acme", "CallCo")
    them = Cast(member.relationship.pk, {"customer_lead": newcomer})
    them.book(contacts="\n".join(contacts()))
    customer = them.client("customer_lead")
    page = customer.get(them.url()).content.decode()
    assert WORDS("first_run.begin_text") not in page  # with whom?
    assert WORDS("kpis.template_contact_centre") in page
    _join(them)
    page = customer.get(them.url()).content.decode()
    assert f'href="{them.url("agreement/")}">{WORDS("first_run.begin_text")}</a>' in page
    assert WORDS("kpis.template_contact_centre") in page  # or KPIs alone, as ever
    with transaction.atomic():
        member = them.at("customer_lead")
        row = first_text.begin_from_template(member, "contact_centre", "en", date(2099, 1, 1))
    assert states(them, "provider_lead") == [DONE, DONE, OPEN, DONE]
    provider = them.client("provider_lead")
    assert str(row.pk) not in provider.get(them.url()).content.decode()  # a draft is its own side's
    with transaction.atomic():
        agreements.propose(them.at("customer_lead"), row, 1)
    assert states(them, "customer_lead") == [DONE, DONE, WAITING, DONE]
    assert states(them, "provider_lead") == [DONE, DONE, OPEN, DONE]
    for browser, key in ((customer, "text_waits"), (provider, "text_asked")):
        page = browser.get(them.url()).content.decode()
        party = "CallCo" if browser is customer else "Acme"
        assert WORDS(f"first_run.{key}", party=party) in page
        assert f'href="{them.url(f"agreement/changes/{row.pk}/")}"' in page


def _join(them):
    them.people["provider_lead"] = person("Ben")
    with transaction.atomic():
        _, token = parties.invite(
            them.at("customer_lead"), them.people["provider_lead"].email, Role.LEAD, Side.PROVIDER
        )
        parties.accept_invitation(them.people["provider_lead"], token)


def test_while_the_records_are_set_up_the_page_asks_for_itself_again_and_takes_no_text(newcomer):
    with transaction.atomic():
        member = parties.create_relationship(newcomer, Side.CUSTOMER, "Acme", "CallCo")
    browser, at = Client(), f"/r/{member.relationship.pk}/"
    browser.force_login(newcomer, backend=BACKEND)  # whose workers do nothing yet
    assert "Refresh" not in browser.get(at).headers
    said = {"timezone": "Europe/Madrid", "currency": "EUR", "from": "today"}
    assert browser.post(f"{at}records/begin/", said).status_code == 302
    for path in ("", "records/"):
        waiting = browser.get(at + path)
        assert waiting.headers["Refresh"] == "3", path
        assert WORDS("records.writing") in waiting.content.decode()
        assert '<input type="email"' not in waiting.content.decode()
    run_jobs()
    there = browser.get(at)
    assert "Refresh" not in there.headers
    assert WORDS("upload.do") in there.content.decode()


def test_who_can_do_no_step_is_not_asked(newcomer):
    them = cast()
    for who in ("customer_member", "provider_finance", "auditor"):
        assert WORDS("first_run.title") not in them.client(who).get(them.url()).content.decode()
    assert the_next(them, "customer_analyst") == [StepName.RECORDS]
    assert newcomer.pk


def test_an_invitation_says_by_whom_it_is_to_what_and_as_what():
    them = cast()
    with transaction.atomic():
        _, token = parties.invite(them.at("customer_lead"), "new@example.org", Role.ANALYST, Side.CUSTOMER)
    page = Browser().get(f"/join/{token}/").content.decode()
    assert "Ana Customer Lead invites you to Northwind Energy with Helpline, as analyst of Northwind Energy." in page
    started()
    with transaction.atomic():
        assert open_invitation("x") is None


# Days off -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real():
    made = cast()
    made.book(contacts="\n".join(contacts()))
    return made


def test_holidays_are_proposed_within_the_second_step(newcomer):
    with transaction.atomic():
        member = parties.create_relationship(newcomer, Side.CUSTOMER, "Acme", "CallCo")
    them = Cast(member.relationship.pk, {"customer_lead": newcomer})
    browser, button = them.client("customer_lead"), WORDS("first_run.propose_days_off")
    assert button not in browser.get(them.url()).content.decode()  # before there is a time zone
    them.book(contacts="\n".join(contacts()))
    assert button in browser.get(them.url()).content.decode()
    wrong = browser.post(them.url("first/days-off/"), {"country": "ES", "region": "nowhere"})
    assert wrong.headers["Location"] == them.url("replies/") + "?country=ES&region=nowhere#h-propose"
    said = {"country": "ES", "region": "CT"}
    assert browser.post(them.url("first/days-off/"), said).headers["Location"] == them.url()
    with transaction.atomic():
        proposed = proposed_calendars(them.at("customer_lead"))
    assert list(proposed) == [Side.CUSTOMER]  # one's own alone, and it counts once the other side agrees
    assert any(day.endswith("-09-11") for day in proposed[Side.CUSTOMER].content["free_days"])
    assert button not in browser.get(them.url()).content.decode()


# Samples ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sample(newcomer, monkeypatch):
    monkeypatch.setattr(operations, "_MONTHS", 8)  # two whole quarters, whatever month it is
    monkeypatch.setattr(operations, "_CONTACTS_PER_DAY", 20)
    cache.clear()
    address = signed_in(newcomer).post("/first/sample/", {"side": "provider"}).headers["Location"]
    return Cast(address.split("/")[2], {"me": newcomer})


@pytest.mark.long
def test_a_sample_is_loaded_in_the_background_and_marked(sample):
    browser = sample.client("me")
    assert WORDS("sample.loading") in browser.get(sample.url()).content.decode()
    assert run_jobs(operations.LOAD_TASK) == 1
    page = browser.get(sample.url()).content.decode()
    assert WORDS("sample.about") in page
    assert WORDS("first_run.title") not in page
    assert WORDS("sample.mark") in browser.get("/?all=1").content.decode()
    before = (book_folder(sample.relationship) / "book.toml").stat().st_mtime_ns
    operations.load_sample_now(sample.people["me"].pk, sample.relationship)  # by a worker after one that died
    assert (book_folder(sample.relationship) / "book.toml").stat().st_mtime_ns == before


def test_nothing_is_sent_from_a_sample_and_nobody_joins_it(sample):
    forget_mails()
    with pytest.raises(Refused) as caught, transaction.atomic():
        parties.invite_by_mail(sample.at("me"), "real@example.org", Role.LEAD, Side.CUSTOMER)
    assert caught.value.code == "sample"
    answer = sample.client("me").post(sample.url("people/invite/"), {"email": "real@example.org", "role": "lead"})
    assert WORDS("refused.parties.sample") in answer.content.decode()
    assert sent_mails() == []
    with transaction.atomic():
        set_viewer(sample.people["me"].pk)
        assert led_organisations() == []  # and none of its organisations is offered for a real relationship


@pytest.mark.long
def test_a_sample_is_looked_at_as_either_side(sample):
    run_jobs(operations.LOAD_TASK)
    browser = sample.client("me")
    assert f'value="customer">{WORDS("sample.as_customer")}' in browser.get(sample.url()).content.decode()
    for side in ("customer", "customer", "provider"):
        assert browser.post(sample.url("sample/side/"), {"side": side}).headers["Location"] == sample.url()
        with transaction.atomic():
            member = sample.at("me")
            assert (member.side, Membership.objects.filter(left_at=None).count()) == (Side(side), 1)
        assert browser.get(sample.url("records/")).status_code == 200
    assert browser.post(sample.url("sample/side/"), {"side": "nobody"}).status_code == 404
    assert browser.post(sample.url("sample/delete/")).headers["Location"] == "/"


@pytest.mark.parametrize("who", EVERYBODY)
def test_nobody_changes_sides_but_in_a_sample(real, who):
    side = next((side.other.value for side in Side if who.startswith(side.value)), "provider")
    assert real.client(who).post(real.url("sample/side/"), {"side": side}).status_code == 404
    with pytest.raises(Refused), transaction.atomic():
        parties.switch_sample(real.at(who), Side(side))
    with transaction.atomic(), connection.cursor() as cursor:
        real.at(who)
        cursor.execute("SELECT comity_switch_sample(%s)", [side])
        assert cursor.fetchone() == ("place_ended",)
    with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
        real.at(who)
        cursor.execute("UPDATE parties_membership SET side = %s", [side])


def test_who_has_left_a_sample_and_who_was_never_in_it_change_nothing(sample):
    real = cast()
    run_jobs(operations.LOAD_TASK)
    stranger = real.client("customer_lead")
    assert stranger.post(sample.url("sample/side/"), {"side": "customer"}).status_code == 404
    sample.client("me").post(sample.url("sample/delete/"))
    assert sample.client("me").post(sample.url("sample/side/"), {"side": "customer"}).status_code == 404


def test_a_deleted_sample_is_gone_with_its_records(sample):
    run_jobs(operations.LOAD_TASK)
    browser = sample.client("me")
    assert browser.post(sample.url("sample/delete/")).headers["Location"] == "/"
    assert browser.get(sample.url()).status_code == 404
    run_jobs(operations.REMOVE_TASK)
    assert not book_folder(sample.relationship).exists()
    assert not (settings.DATA / "results" / str(sample.relationship)).exists()


def test_a_sample_that_is_deleted_before_it_is_loaded_is_not_loaded_and_fails_nothing(sample):
    assert sample.client("me").post(sample.url("sample/delete/")).status_code == 302
    operations.load_sample_now(sample.people["me"].pk, sample.relationship)
    assert not book_folder(sample.relationship).exists()


def test_only_a_sample_can_be_deleted():
    them = cast()
    them.book(contacts="\n".join(contacts()))
    assert them.client("customer_lead").post(them.url("sample/delete/")).status_code == 404
    with pytest.raises(Refused), transaction.atomic():
        parties.end_sample(them.at("customer_lead"))
    operations.remove_sample_now(them.relationship)
    assert book_folder(them.relationship).exists()
    with transaction.atomic():
        member = them.at("customer_lead")
        assert Membership.objects.filter(relationship=member.relationship, left_at=None).count() > 1
    for statement in ("UPDATE parties_relationship SET is_sample = true", "DELETE FROM parties_relationship"):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            them.at("customer_lead")
            cursor.execute(statement)
    with transaction.atomic():
        them.at("customer_lead")
        assert not Relationship.objects.get(pk=them.relationship).is_sample
