"""Everything that waits for a person over all their relationships: one page, and nothing of one in another."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from comity.apps.books.contents import overview
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.matters.operations import NewMatter, raise_matter
from comity.apps.notifications.models import Preference, Timing, Topic
from comity.apps.parties import operations
from comity.apps.parties.member_context import find_member, set_viewer
from comity.apps.parties.models import Role
from comity.apps.replies.operations import propose_calendar
from comity.apps.replies.queries import Calendar
from comity.apps.today.queries import inboxes
from comity.apps.today.tasks import waiting
from comity.apps.today.waiting import waiting_parts
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.changes import proposed, room, target
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.cast import write_book
from tests.room import BACKEND, Browser, cast, forget_mails, person, sent_mails, started, superuser

pytestmark = pytest.mark.gate
WORDS = words_for("en")


def joined(them, somebody, role=Role.LEAD, inviting="provider_lead", side=Side.PROVIDER):
    """Let somebody of another relationship join a side of this one."""
    with transaction.atomic():
        _, token = operations.invite(them.at(inviting), somebody.email, role, side)
        operations.accept_invitation(somebody, token)


def parts(somebody):
    with transaction.atomic():
        set_viewer(somebody.pk)
        return waiting_parts(somebody, WORDS)


def titles(somebody):
    return [[row.item.title for row in part.rows] for part in parts(somebody)]


def test_what_waits_in_two_relationships_stands_on_one_page_each_under_its_own_name():
    first, second = cast(), cast(customer="Atlas Insurance", provider="Beta Desk")
    somebody = first.people["provider_lead"]
    joined(second, somebody)
    raised(first, kind=Kind.QUESTION, title="When do you begin?")
    raised(second, kind=Kind.QUESTION, title="How many are you?")
    found = {part.other: [row.item.title for row in part.rows] for part in parts(somebody)}
    assert found == {"Northwind Energy": ["When do you begin?"], "Atlas Insurance": ["How many are you?"]}
    browser = Browser()
    browser.force_login(somebody, backend=BACKEND)
    page = browser.get("/waiting/").content.decode()
    assert WORDS("waiting.headline", count=2, relationships=2) in page
    # Whoever is in one of them sees nothing of the other.
    other = Browser()
    other.force_login(second.people["provider_lead"], backend=BACKEND)
    page = other.get("/waiting/").content.decode()
    assert "How many are you?" in page
    assert "When do you begin?" not in page
    assert "Northwind Energy" not in page


def test_only_what_the_person_can_do_waits_for_them():
    """The question waits for the provider; its member may not answer, the customer has nothing to do, nor a neutral."""
    them = cast()
    raised(them, kind=Kind.QUESTION, title="When do you begin?")
    assert titles(them.people["provider_lead"]) == [["When do you begin?"]]
    for who in ("provider_member", "customer_lead", "auditor", "stranger", "former"):
        assert titles(them.people[who]) == []


def test_a_relationship_costs_the_same_number_of_queries_however_much_waits_there():
    them = cast()
    raised(them, kind=Kind.QUESTION, title="One")

    def queries():
        with CaptureQueriesContext(connection) as counted:
            parts(them.people["provider_lead"])
        return len(counted)

    queries()
    few = queries()
    for number in range(3):
        raised(them, kind=Kind.QUESTION, title=f"More {number}")
    assert queries() == few


def in_many(somebody, count, *, book=False):
    """Let somebody provide in relationships of their own; in each one question waits for them."""
    made = []
    for number in range(count):
        asker = person("asker")
        with transaction.atomic():
            set_viewer(asker.pk)
            member = operations.create_relationship(asker, Side.CUSTOMER, f"Customer {number}", f"Provider {number}")
            there = member.relationship.pk
            _, token = operations.invite(member, somebody.email, Role.LEAD, Side.PROVIDER)
            operations.accept_invitation(somebody, token)
            asking = find_member(asker.pk, there)
            raise_matter(asking, NewMatter(Kind.QUESTION, f"Question {number}", "When?"), "UTC")
        if book:
            write_book(book_folder(there), KPI, contacts="\n".join(contacts()))
            with transaction.atomic():
                overview(find_member(somebody.pk, there))  # as a worker looks at the records
        made.append(there)
    return made


@pytest.mark.parametrize("book", [False, True])
def test_twelve_relationships_take_as_many_queries_as_one(book):
    started()
    few, many = person("few"), person("many")
    in_many(few, 1, book=book)
    in_many(many, 12, book=book)
    counts, found = {}, {}
    for somebody in (few, many):
        parts(somebody)
        with CaptureQueriesContext(connection) as counted:
            found[somebody.pk] = parts(somebody)
        counts[somebody.pk] = len(counted)
    assert counts[few.pk] == counts[many.pk]
    assert counts[many.pk] < 30
    waits = Counter(row.item.title for part in found[many.pk] for row in part.rows)
    assert {title: count for title, count in waits.items() if title.startswith("Question")} == {
        f"Question {number}": 1 for number in range(12)
    }
    assert len(waits) == (14 if book else 12)  # with a book, two months to confirm in each


def test_the_same_waits_on_this_page_as_on_the_today_page_of_each_relationship():
    first, second = room(), cast()
    somebody = first.people["provider_lead"]
    joined(second, somebody)
    proposed(first, "customer_lead", target(first))
    for them in (first, second):
        raised(them, kind=Kind.QUESTION)
        moved(them, "provider_lead", raised(them, kind=Kind.NEED), Move.COUNTER)
        moved(them, "provider_lead", raised(them, kind=Kind.NEED), Move.AGREE, due_on=date(2027, 3, 1))
        with transaction.atomic():
            propose_calendar(them.at("customer_lead"), Calendar.weekdays("Europe/Madrid"))
    today = []
    for them in (first, second):
        with transaction.atomic():
            member = find_member(somebody.pk, them.relationship)
            own = inboxes(member, WORDS)[0]
            today.append({row for group in own.groups for row in group.rows if row.item.action})
    there = {part.membership.relationship_id: set(part.rows) for part in parts(somebody)}
    assert [there[them.relationship] for them in (first, second)] == today
    # A question, a need, the calendar; in the first, the change of the agreement and two months to confirm.
    assert [len(of) for of in today] == [6, 3]


def test_nothing_is_read_in_a_place_that_is_another_persons_or_has_ended():
    """As the app's role, past every check of ours: the places of others, and one's own of before."""
    them = cast()
    raised(them, kind=Kind.QUESTION, title="When do you begin?")
    statement = "SELECT title FROM matters_matter"
    with superuser() as database:
        places = dict(database.execute("SELECT person_id, id FROM parties_membership WHERE relationship_id = %s",
                                       [them.relationship]).fetchall())  # fmt: skip

    def read(who, place):
        with transaction.atomic(), connection.cursor() as cursor:
            set_viewer(None if who is None else them.people[who].pk)
            cursor.execute("SELECT found ->> 'title' FROM comity_in_each(%s, %s)", [[place], statement])
            found = [title for (title,) in cursor.fetchall()]
            cursor.execute("SELECT current_setting('comity.viewer', true)")
            assert cursor.fetchone() == ("",)  # and nobody is left standing there
            return found

    own = places[them.people["provider_lead"].pk]
    assert read("provider_lead", own) == ["When do you begin?"]
    for who in (None, "stranger", "former", "customer_lead", "auditor"):
        assert read(who, own) == []
    assert read("former", places[them.people["former"].pk]) == []


def test_one_mail_a_day_tells_what_waits_in_all_of_them_and_none_goes_to_whoever_wants_none():
    first, second = cast(), cast(customer="Atlas Insurance", provider="Beta Desk")
    somebody = first.people["provider_lead"]
    joined(second, somebody)
    raised(first, kind=Kind.QUESTION, title="When do you begin?")
    raised(second, kind=Kind.QUESTION, title="How many are you?")
    forget_mails()
    seven = datetime.now(UTC).replace(hour=7, minute=25)
    for hours in (-1, 0, 1):
        waiting(int((seven + timedelta(hours=hours)).timestamp()))
    subject = WORDS("waiting.headline", count=2, relationships=2)
    [mail] = [one for one in sent_mails() if (one.subject, one.to) == (subject, [somebody.email])]
    assert mail.body.index("Atlas Insurance") < mail.body.index("How many are you?")
    assert mail.body.index("Northwind Energy") < mail.body.index("When do you begin?")
    assert "/waiting/" in mail.body
    forget_mails()
    with transaction.atomic():
        set_viewer(somebody.pk)
        Preference.objects.create(person=somebody, topic=Topic.MOVE, timing=Timing.OFF)
    waiting(int((seven + timedelta(days=1)).timestamp()))
    assert [one for one in sent_mails() if one.to == [somebody.email]] == []


def test_nobody_sees_the_page_without_signing_in():
    cast()
    assert Browser().get("/waiting/").status_code == 302
