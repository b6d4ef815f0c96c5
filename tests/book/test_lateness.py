"""When a delivery was due, and whether it came."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from comity.book.definition import AgreedDelivery
from comity.book.importing.corrections import accept_proposals
from comity.book.lateness import last_due, lateness, lateness_in
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import open_book
from comity.core.values import Side
from tests.builders.deliveries import at, deliver, line
from tests.cast import JOINT, write_book

MADRID = ZoneInfo("Europe/Madrid")
NOW = datetime(2026, 11, 25, 10, 0, tzinfo=MADRID)  # a Wednesday


@pytest.mark.parametrize(
    ("due", "moment"),
    [
        ("monday 09:00", datetime(2026, 11, 23, 9, tzinfo=MADRID)),
        ("Wednesday 09:00", datetime(2026, 11, 25, 9, tzinfo=MADRID)),
        ("wednesday 11:00", datetime(2026, 11, 18, 11, tzinfo=MADRID)),
        ("daily 12:00", datetime(2026, 11, 24, 12, tzinfo=MADRID)),
        ("day 3 09:00", datetime(2026, 11, 3, 9, tzinfo=MADRID)),
        ("day 31 09:00", datetime(2026, 10, 31, 9, tzinfo=MADRID)),
        ("whenever", None),
        ("monday 25:00", None),
    ],
)
def test_the_latest_moment_at_which_it_was_due(due: str, moment: datetime | None):
    assert last_due(due, NOW) == moment


@pytest.mark.parametrize(
    ("came", "late"),
    [
        (None, True),
        (datetime(2026, 11, 23, 8, tzinfo=MADRID), False),
        (datetime(2026, 11, 22, 20, tzinfo=MADRID), False),  # on Sunday evening, for Monday
        (datetime(2026, 11, 16, 8, tzinfo=MADRID), True),  # that was the week before's
    ],
)
def test_what_came_since_the_due_before_was_meant_for_the_last_one(came: datetime | None, late: bool):
    source = AgreedDelivery("contacts", Side.PROVIDER, "monday 09:00")
    last = {} if came is None else {("contacts", Side.PROVIDER): came}
    assert lateness((source,), last, "Europe/Madrid", NOW)[0].late is late


def test_without_a_due_time_nothing_is_late():
    assert lateness((AgreedDelivery("contacts", Side.PROVIDER),), {}, "UTC", NOW)[0].late is None


@pytest.mark.parametrize(
    ("held", "late"),
    [
        ({}, True),
        ({"contacts": None}, None),
        ({"contacts": date(2026, 11, 15)}, None),  # a Sunday: those may have come on the Monday before the last
        ({"contacts": date(2026, 11, 16)}, False),  # of that Monday on, so they came after it
        ({"contacts": date(2026, 11, 22)}, False),
    ],
)
def test_of_records_that_nobody_imported_only_their_days_tell_that_they_came(held: dict, late: bool | None):
    (found,) = lateness((AgreedDelivery("contacts", Side.PROVIDER, "monday 09:00"),), {}, "Europe/Madrid", NOW, held)
    assert (found.late, found.unrecorded, found.last) == (late, bool(held), None)


def test_what_the_other_side_imports_and_accepted_corrections_are_no_deliveries(tmp_path):
    """Else either side could make the other's delivery look as if it had come, or never be missed."""
    source = '[[source]]\ntable = "contacts"\nby = "provider"\ndue = "monday 09:00"\n'
    book = write_book(tmp_path / "book", source)
    deliver(book, "first.csv", [line(1)], day=1, side=Side.PROVIDER)
    deliver(book, "theirs.csv", [line(1, team="other")], day=9, side=Side.CUSTOMER)  # waits as a correction
    accept_proposals(book, "contacts", 2, by="Ana", side=Side.PROVIDER, at=at(10))
    with open_book(book, JOINT) as opened:
        (found,) = lateness_in(opened, Coverage(opened, date(2026, 6, 16)), at(16))
    assert (found.last, found.late) == (at(1), True)  # due on 15 June; what came since the 8th counts
