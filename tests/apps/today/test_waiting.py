"""Everything that waits for a person over all their relationships: one page, and nothing of one in another."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from comity.apps.i18n import words_for
from comity.apps.notifications.models import Preference, Timing, Topic
from comity.apps.parties import operations
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Role
from comity.apps.today.tasks import waiting
from comity.apps.today.waiting import waiting_parts
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from tests.builders.matters import raised
from tests.room import BACKEND, Browser, cast, forget_mails, sent_mails

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
