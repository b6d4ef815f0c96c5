"""Contacts by queue and local day, and by day alone: the same numbers, whichever is asked first."""

from datetime import date

import pytest

from comity.book.reading.daily_contacts import contacts_by_day, daily_contacts
from comity.book.reading.open import open_book
from tests.cast import JOINT, write_book

ROWS = """
    contact_id,opened_at,queue
    1,2026-03-03T23:30:00Z,sales
    2,2026-03-02T09:00:00Z,sales
    3,2026-03-02T09:00:00Z,help
    4,2026-03-02T09:00:00Z,
"""
# The first is of the next day in Madrid, the zone of the book.
BY_DAY = [(date(2026, 3, 2), 3.0), (date(2026, 3, 4), 1.0)]


@pytest.mark.parametrize("queues_first", [False, True])
def test_days_alone_are_those_of_all_queues(tmp_path, queues_first):
    with open_book(write_book(tmp_path, contacts=ROWS), JOINT) as book:
        if queues_first:
            daily_contacts(book, "contacts")
        assert list(contacts_by_day(book, "contacts").items()) == BY_DAY
        counted = daily_contacts(book, "contacts")
        assert list(counted.by_day().items()) == BY_DAY
        assert counted.by_day(["sales"]) == {date(2026, 3, 2): 1.0, date(2026, 3, 4): 1.0}


def test_days_of_intervals_without_a_contact_are_among_them(tmp_path):
    rows = "queue,start,minutes,offered\nsales,2026-03-02T00:00:00,1440,0\nsales,2026-03-03T00:00:00,1440,7"
    with open_book(write_book(tmp_path, intervals=rows), JOINT) as book:
        assert list(contacts_by_day(book, "intervals").items()) == [(date(2026, 3, 2), 0.0), (date(2026, 3, 3), 7.0)]
