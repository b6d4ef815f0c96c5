"""Zone, currency and first day of months: changed by one side while it is alone, and by both from then on."""

import pytest
from django.db import ProgrammingError, connection, transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import terms
from comity.apps.books.models import Hold, TermsStep
from comity.apps.books.queries import book_folder
from comity.apps.books.refusals import Code
from comity.apps.books.terms import Terms
from comity.apps.i18n import words_for
from comity.apps.notifications.queries import due_move
from comity.apps.parties import operations
from comity.apps.parties.models import Role
from comity.apps.parties.queries import may_end_unjoined
from comity.apps.refusal import Refused
from comity.book.definition import read_definition
from comity.core.values import Side
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
    return terms.terms_of(read_definition(book_folder(them.relationship)))


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
    return {"timezone": wanted.timezone, "currency": wanted.currency, "month_starts_on": wanted.month_starts_on}


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


ADD = """INSERT INTO books_termsstep (id, side, change, timezone, currency, month_starts_on, at, person_id,
    relationship_id) SELECT gen_random_uuid(), %s, %s, timezone, currency, month_starts_on, now(), comity_person(),
    relationship_id FROM books_termsstep LIMIT 1"""


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
