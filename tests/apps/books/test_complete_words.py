"""A side says up to when its own records are whole; what the other side owes is not its to say."""

from datetime import date

import pytest
from django.db import ProgrammingError, connection, transaction

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.books import operations
from comity.apps.books.models import CompleteWord, Hold
from comity.apps.books.queries import book_folder
from comity.apps.books.refusals import Code
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from comity.book.definition import read_definition
from comity.core.values import Side
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate

DECEMBER = date(2025, 12, 31)


@pytest.fixture
def them():
    made = cast()
    made.book("[complete.provider]\nintervals = [2025-02-01]\n")
    return made


def said(them, who="provider_lead", table="contacts", last_day=DECEMBER, *, do=operations.say_complete):
    with transaction.atomic():
        do(them.at(who), table, last_day)


def in_book(them, side=Side.PROVIDER):
    return read_definition(book_folder(them.relationship)).complete[side]


def refused(them, *arguments, **options):
    with pytest.raises(Refused) as caught:
        said(them, *arguments, **options)
    return caught.value.code


def test_who_owes_the_table_says_it_and_both_read_it_in_the_records_the_log_and_the_book(them):
    words, browser = words_for("en"), them.client("provider_lead")
    page = browser.get(them.url("records/") + "?table=contacts&whole=2025-12-31").content.decode()
    assert words("complete.do") in page
    assert 'value="2025-12-31"' in page  # as the link of a review fills it in
    for _ in range(2):  # sent twice, it is said once
        answer = browser.post(them.url("records/complete/"), {"table": "contacts", "last_day": "2025-12-31"})
        assert answer.status_code == 302
    run_jobs()
    assert in_book(them) == {"contacts": {date(2026, 1, 1)}, "intervals": {date(2025, 2, 1)}}
    page = them.client("customer_lead").get(them.url("records/")).content.decode()
    assert words.day(DECEMBER) in page
    assert words("complete.end") not in page  # it is not theirs to take back
    with transaction.atomic():
        them.at("customer_lead")
        assert AuditEvent.objects.filter(event=Event.COMPLETE_SAID, shared=True).count() == 1
    browser.post(them.url("records/complete/"), {"table": "contacts", "last_day": "2025-12-31", "do": "end"})
    run_jobs()
    assert in_book(them) == {"intervals": {date(2025, 2, 1)}}  # what the room does not know of stays
    assert words("complete.ended") in them.client("customer_lead").get(them.url("records/")).content.decode()


def test_nobody_says_it_for_the_other_side_or_of_days_to_come(them):
    assert refused(them, "customer_lead") is Code.NOT_OWED
    assert refused(them, last_day=date(2999, 1, 1)) is Code.DAY_NOT_OVER
    assert refused(them, "auditor") is Code.NOT_YOURS
    said(them)
    assert refused(them, "customer_lead", do=operations.end_complete) is Code.NO_ITEM
    answer = them.client("customer_lead").post(
        them.url("records/complete/"), {"table": "contacts", "last_day": "2025-11-30"}
    )
    assert answer.status_code == 422
    run_jobs()
    assert in_book(them, Side.CUSTOMER) == {}


def test_what_a_final_period_rests_on_is_not_taken_back(them):
    said(them)
    with transaction.atomic():
        Hold.objects.create(relationship=them.at("provider_lead").relationship, period="2025-12")
    assert refused(them, do=operations.end_complete) is Code.WORD_HELD


COPY = """INSERT INTO books_completeword SELECT gen_random_uuid(), side, "table", until, false, now(), person_id,
    relationship_id FROM books_completeword"""


@pytest.mark.parametrize("sql", ["UPDATE books_completeword SET said = false", "DELETE FROM books_completeword", COPY])
@pytest.mark.parametrize("who", ["customer_lead", "auditor"])
def test_the_database_lets_nobody_change_or_end_the_word_of_another_side(them, sql, who):
    said(them)
    with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
        them.at(who)
        cursor.execute(sql)
    with transaction.atomic():
        them.at("provider_lead")
        assert CompleteWord.objects.get().said
