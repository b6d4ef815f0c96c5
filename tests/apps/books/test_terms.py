"""How a book counts: changed by one side while it is alone, and by both from then on."""

import html
from dataclasses import replace
from datetime import date

import pytest
from django.db import ProgrammingError, connection, transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import terms
from comity.apps.books.models import Hold, TermsStep
from comity.apps.books.queries import Answers, Terms, book_folder, terms_of
from comity.apps.books.refusals import Code
from comity.apps.i18n import words_for
from comity.apps.notifications.queries import due_move
from comity.apps.parties import operations
from comity.apps.parties.models import Role
from comity.apps.parties.queries import may_end_unjoined
from comity.apps.refusal import Refused
from comity.book.amend import write_agreed
from comity.book.definition import read_definition
from comity.core.agreements.kinds import Kind
from comity.core.values import Period, Side
from tests.builders.agreed_changes import agreed
from tests.builders.agreement import add, change
from tests.builders.uploads import brought
from tests.room import Cast, cast, person, run_jobs, started, superuser

pytestmark = pytest.mark.gate

NOW, LISBON = Terms("Europe/Madrid", "EUR", 1), Terms("Europe/Lisbon", "USD", 22)
CONTACTS = "contact_id,opened_at\na,2026-06-01T09:00:00+02:00\n"


@pytest.fixture
def them():
    made = cast()
    made.book()
    return made


def changed(them, who="customer_lead", wanted=LISBON):
    with transaction.atomic():
        terms.change_terms(them.at(who), wanted)
    run_jobs()


def answered(them, who, *, agrees=True, seen=None):
    with transaction.atomic():
        member = them.at(who)
        proposal = terms.open_proposal(member)
        terms.answer_terms(member, seen or proposal.step.pk, agrees=agrees)
    run_jobs()


def in_book(them):
    return terms_of(read_definition(book_folder(them.relationship)))


@pytest.fixture
def alone():
    """A relationship that one side has begun and nobody of the other has ever joined."""
    started()
    lead = person("Ana Customer Lead")
    with transaction.atomic():
        member = operations.create_relationship(lead, Side.CUSTOMER, "Northwind", "Helpline")
    made = Cast(member.relationship.pk, {"customer_lead": lead})
    made.book()
    return made


def form(wanted):
    country, _, region = wanted.country.partition("-")
    kept = {"timezone": wanted.timezone, "currency": wanted.currency, "month_starts_on": wanted.month_starts_on}
    return kept | {"country": country, "region": region, "open_days": list(wanted.open_days)}


def test_the_side_that_began_changes_them_alone_while_nobody_of_the_other_has_joined(alone):
    them = alone
    browser, words = them.client("customer_lead"), words_for("en")
    assert words("terms.alone") in browser.get(them.url("records/")).content.decode()
    assert browser.post(them.url("records/terms/"), form(LISBON)).status_code == 302
    run_jobs()
    assert in_book(them) == LISBON
    with transaction.atomic():
        them.at("customer_lead")
        assert AuditEvent.objects.filter(event=Event.TERMS_CHANGED, shared=True).count() == 1


def test_once_the_other_side_is_there_it_agrees_first_and_is_asked_on_today(them):
    browser, words = them.client("customer_lead"), words_for("en")
    assert browser.post(them.url("records/terms/"), form(LISBON)).status_code == 302
    run_jobs()
    assert in_book(them) == NOW
    page = them.client("provider_lead").get(them.url("records/")).content.decode()
    assert words("terms.currency") in page
    assert words("terms.agree") in page
    assert words("inbox.terms_do") in them.client("provider_lead").get(them.url()).content.decode()
    with transaction.atomic():
        member = them.at("provider_lead")
        event = AuditEvent.objects.get(event=Event.TERMS_PROPOSED)
        assert due_move(member, event).side is Side.PROVIDER
        seen = terms.open_proposal(member).step.pk
    answer = them.client("provider_lead").post(
        them.url("records/terms/answer/"), {"proposal": str(seen), "do": "agree"}
    )
    assert answer.status_code == 302
    run_jobs()
    assert in_book(them) == LISBON
    with transaction.atomic():
        assert due_move(them.at("provider_lead"), event) is None


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead"])
def test_what_is_declined_or_withdrawn_changes_nothing(them, who):
    changed(them)
    answered(them, who, agrees=False)
    assert in_book(them) == NOW
    changed(them, "provider_lead", Terms("Europe/Madrid", "USD", 1))  # the next one may be proposed


def test_nobody_agrees_for_the_other_side_or_to_what_they_were_not_shown(them):
    changed(them)
    with pytest.raises(Refused) as caught:
        answered(them, "customer_lead")
    assert caught.value.code is Code.NOT_YOURS
    with pytest.raises(Refused) as caught:
        answered(them, "provider_lead", seen=them.relationship)
    assert caught.value.code is Code.NOT_NOW
    with pytest.raises(Refused) as caught:
        changed(them, "provider_lead", Terms("Europe/Madrid", "GBP", 1))  # while another one waits
    assert caught.value.code is Code.NOT_NOW
    assert in_book(them) == NOW


def test_a_final_period_keeps_what_it_was_counted_by(them):
    changed(them)
    with transaction.atomic():
        Hold.objects.create(relationship=them.at("customer_lead").relationship, period="2026-06")
    with pytest.raises(Refused) as caught:
        answered(them, "provider_lead")
    assert caught.value.code is Code.TERMS_FINAL
    assert words_for("en")("terms.final") in them.client("provider_lead").get(them.url("records/")).content.decode()
    answered(them, "customer_lead", agrees=False)  # it may still be withdrawn


def test_the_zone_by_which_records_were_read_stays_and_the_rest_may_change(them):
    """A local time of a file was read in Madrid: another zone would move it without its file being read again."""
    brought(them, "provider_lead", "june.csv", CONTACTS)
    with pytest.raises(Refused) as caught:
        changed(them)
    assert caught.value.code is Code.ZONE_OF_RECORDS
    changed(them, wanted=Terms("Europe/Madrid", "USD", 22))
    answered(them, "provider_lead")
    assert in_book(them) == Terms("Europe/Madrid", "USD", 22)


def test_who_is_alone_keeps_the_zone_of_its_records_too(alone):
    brought(alone, "customer_lead", "june.csv", CONTACTS)
    with pytest.raises(Refused) as caught:
        changed(alone)
    assert caught.value.code is Code.ZONE_OF_RECORDS
    changed(alone, wanted=Terms("Europe/Madrid", "USD", 22))
    assert in_book(alone) == Terms("Europe/Madrid", "USD", 22)


def test_who_has_left_still_keeps_the_other_from_changing_them_alone(them):
    """All of the provider's people are gone: the customer proposes as before, and a new lead of theirs answers.

    Neither through the room nor by a statement of its own does one side take what both relied on for its own.
    """
    with superuser() as everybody:
        everybody.execute(
            "UPDATE parties_membership SET left_at = now() WHERE relationship_id = %s AND side = 'provider'",
            [them.relationship],
        )
    changed(them)
    assert in_book(them) == NOW
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at("customer_lead")
        cursor.execute(ADD, ["customer", "changed"])
    with transaction.atomic():
        assert not may_end_unjoined(them.at("customer_lead"))  # by the same rule
    newcomer = them.people["newcomer"] = person("New Lead")
    with transaction.atomic():
        _, word = operations.invite(them.at("customer_lead"), newcomer.email, Role.LEAD, Side.PROVIDER)
        operations.accept_invitation(newcomer, word)
    answered(them, "newcomer")
    assert in_book(them) == LISBON


MADRID_WEEK = Terms("Europe/Madrid", "EUR", 1, "ES-MD", ("mon", "tue", "wed", "thu", "fri"))


def test_days_of_service_and_holidays_are_agreed_by_both_and_told_to_both(them):
    """1 May is a holiday of Spain; a region that Spain has not is refused with those that it has."""
    browser, words = them.client("customer_lead"), words_for("en")
    page = browser.post(them.url("records/terms/"), form(MADRID_WEEK) | {"region": "XX"})
    assert page.status_code == 422
    assert "MD" in page.content.decode()
    assert browser.post(them.url("records/terms/"), form(MADRID_WEEK)).status_code == 302
    run_jobs()
    assert in_book(them) == NOW
    said = words("terms.open_days", days=words.listed([words.weekday(day) for day in range(5)]))
    for page in ("records/", ""):
        assert said in them.client("provider_lead").get(them.url(page)).content.decode()
    answered(them, "provider_lead")
    assert in_book(them) == MADRID_WEEK
    may = read_definition(book_folder(them.relationship)).opening(Period(date(2026, 5, 1), date(2026, 6, 1)))
    assert (may.days, date(2026, 5, 1) in may.holidays) == (set(range(5)), True)
    changed(them, wanted=NOW)
    answered(them, "provider_lead")
    assert in_book(them) == NOW  # and can be taken out again


def test_a_signed_calendar_is_shown_to_both_and_decides_from_its_first_day(them):
    clause = add("cal", Kind.CALENDAR, zone="Europe/Madrid", open_sat=[{"opens": "08:00", "closes": "14:00"}])
    write_agreed(book_folder(them.relationship), agreed(change(1, date(2027, 1, 1), clause), 1))
    words = words_for("en")
    for who in ("customer_lead", "provider_lead"):
        page = them.client(who).get(them.url("records/")).content.decode()
        assert words("terms.signed_since", number=1, day=words.day(date(2027, 1, 1))) in page
        assert words("terms.open_days", days=words.weekday(5)) in page
    definition = read_definition(book_folder(them.relationship))
    december, january = (Period(date(2026, 12, 1), date(2027, 1, 1)), Period(date(2027, 1, 1), date(2027, 2, 1)))
    assert (definition.opening(december).days, definition.opening(january).days) == (None, {5})


ANSWERS = Answers({"late": "provider"}, {"planning": "both"}, {"phone support": ("sales", "support")})


def test_who_answers_is_said_on_the_page_and_may_be_agreed_after_a_period_is_final(them):
    with transaction.atomic():
        Hold.objects.create(relationship=them.at("customer_lead").relationship, period="2026-06")
    sent = {"paid_late": "provider", "cause_planning": "both", "queues": ""}
    browser = them.client("customer_lead")
    assert browser.post(them.url("records/terms/"), sent).status_code == 302
    answered(them, "provider_lead")
    assert in_book(them).answers == Answers({"late": "provider"}, {"planning": "both"}, {})
    text = (book_folder(them.relationship) / "book.toml").read_text()
    assert 'answers_for = {late = "provider"}' in text
    with pytest.raises(Refused) as caught:  # by which queues a service is weighed moves figures
        changed(them, wanted=replace(NOW, answers=ANSWERS))
    assert caught.value.code is Code.TERMS_FINAL


def test_queues_of_services_are_read_a_line_each_and_what_is_no_line_is_shown_again(them):
    browser, sent = them.client("customer_lead"), {"paid_late": "provider", "cause_planning": "both"}
    refused = browser.post(them.url("records/terms/"), sent | {"queues": "phone support"})
    assert refused.status_code == 422
    assert words_for("en")("answers.no_queues", line="phone support") in html.unescape(refused.content.decode())
    browser.post(them.url("records/terms/"), sent | {"queues": "phone support: sales, support\n"})
    answered(them, "provider_lead")
    assert in_book(them).answers == ANSWERS


ADD = """INSERT INTO books_termsstep (id, side, change, timezone, currency, month_starts_on, country, open_days,
    answers, at, person_id, relationship_id) SELECT gen_random_uuid(), %s, %s, timezone, currency, month_starts_on,
    country, open_days, answers, now(), comity_person(), relationship_id FROM books_termsstep LIMIT 1"""


@pytest.mark.parametrize(
    ("who", "side", "change"),
    [
        ("customer_lead", "customer", "agreed"),  # to what their own side proposed
        ("customer_lead", "provider", "agreed"),  # in the other's name
        ("customer_lead", "customer", "changed"),  # as if nobody else were there
        ("provider_lead", "provider", "withdrawn"),  # what is the other's
        ("auditor", "provider", "agreed"),
    ],
)
def test_the_database_refuses_an_answer_that_is_not_ones_own(them, who, side, change):
    changed(them)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute(ADD, [side, change])
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute("UPDATE books_termsstep SET currency = 'USD'")
    with transaction.atomic():
        them.at("provider_lead")
        assert TermsStep.objects.get().change == TermsStep.Change.PROPOSED
