"""A relationship begun by mistake ends while its side is alone, and never once somebody else has been in it."""

import pytest
from django.db import connection, transaction

from comity.apps.books.queries import book_folder
from comity.apps.first_run import operations
from comity.apps.i18n import words_for
from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from comity.apps.parties.models import Membership, Relationship, Role
from comity.apps.parties.refusals import Code
from comity.apps.refusal import Refused
from comity.core.values import Side
from tests.cast import write_book
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate


@pytest.fixture
def them():
    return cast()


@pytest.fixture
def mistake(them):
    """Begun by the stranger, who has invited somebody of the other side; with records."""
    with transaction.atomic():
        member = parties.create_relationship(them.people["stranger"], Side.CUSTOMER, "Norhtwind", "Helpline")
        _invitation, token = parties.invite(member, them.people["provider_lead"].email, Role.LEAD, Side.PROVIDER)
    write_book(book_folder(member.relationship.pk))
    return member.relationship.pk, token


def test_its_lead_ends_it_its_files_go_and_its_links_lead_nowhere(them, mistake):
    number, token = mistake
    browser, words = them.client("stranger"), words_for("en")
    page = browser.get(f"/r/{number}/people/").content.decode()
    assert words("end_relationship.records") in page
    assert words("end_relationship.stays") in page
    assert browser.post(f"/r/{number}/people/end/").status_code == 302
    assert browser.get(f"/r/{number}/").status_code == 404
    run_jobs(operations.REMOVE_TASK)
    assert not book_folder(number).exists()
    with pytest.raises(Refused), transaction.atomic():
        parties.accept_invitation(them.people["provider_lead"], token)
    with transaction.atomic():
        set_viewer(them.people["stranger"].pk)
        assert not Relationship.objects.filter(pk=number).exists()


def test_once_the_other_side_has_joined_neither_ends_it(them, mistake):
    number, token = mistake
    with transaction.atomic():
        parties.accept_invitation(them.people["provider_lead"], token)
    browser = them.client("stranger")
    assert words_for("en")("end_relationship.do") not in browser.get(f"/r/{number}/people/").content.decode()
    browser.post(f"/r/{number}/people/end/")
    run_jobs(operations.REMOVE_TASK)
    operations.remove_sample_now(number)
    assert book_folder(number).exists()
    assert browser.get(f"/r/{number}/").status_code == 200


@pytest.mark.parametrize("who", ["customer_lead", "provider_lead", "customer_analyst", "auditor"])
def test_the_database_ends_nothing_that_both_are_in(them, who):
    with transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute("SELECT comity_end_unjoined()")
        assert Code(cursor.fetchone()[0]) in {Code.OTHER_JOINED, Code.LEADS_ONLY}
    with transaction.atomic():
        member = them.at("customer_lead")
        assert Membership.objects.filter(relationship=member.relationship, left_at=None, side="provider").exists()
