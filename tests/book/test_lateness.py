"""When a delivery was due, and whether it came."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from comity.book.definition import AgreedDelivery
from comity.book.importing.corrections import accept_proposals
from comity.book.lateness import (
    KeptDeliveries,
    deliveries_in_time,
    due_until,
    last_due,
    lateness,
    lateness_in,
    undelivered_in,
)
from comity.book.reading.coverage import Coverage
from comity.book.reading.open import open_book
from comity.core.values import Period, Side
from tests.builders.deliveries import at, deliver, line
from tests.cast import BOOK, JOINT, PROVIDER, write_book

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


@pytest.mark.parametrize(
    ("due", "moment", "quiet", "until"),
    [
        ("daily 09:00", datetime(2026, 11, 25, 9, tzinfo=MADRID), (), date(2026, 11, 24)),
        ("daily 09:00", datetime(2026, 11, 23, 9, tzinfo=MADRID), {5, 6}, date(2026, 11, 20)),  # closed at weekends
        ("daily 09:00", datetime(2026, 11, 23, 9, tzinfo=MADRID), set(range(7)), date(2026, 11, 22)),
        ("monday 09:00", datetime(2026, 11, 23, 9, tzinfo=MADRID), (), date(2026, 11, 19)),
        ("day 3 09:00", datetime(2026, 11, 3, 9, tzinfo=MADRID), (), date(2026, 10, 24)),
    ],
)
def test_up_to_which_day_a_delivery_has_to_tell(due, moment, quiet, until):
    assert due_until(due, moment, quiet) == until


@pytest.mark.parametrize(("last_day", "late"), [(19, False), (18, True)])
def test_a_file_of_days_long_past_is_no_delivery_in_time(last_day, late):
    """It came today; what counts is what it tells of."""
    key = ("contacts", Side.PROVIDER)
    source = AgreedDelivery("contacts", Side.PROVIDER, "monday 09:00")
    reaches = {key: date(2026, 11, last_day)}
    (found,) = lateness((source,), {key: NOW}, "Europe/Madrid", NOW, None, reaches)
    assert (found.late, found.last, found.reach) == (late, NOW, date(2026, 11, last_day))


SOURCE = '[[source]]\ntable = "contacts"\nby = "provider"\ndue = "monday 09:00"\n'


def of_day(day: date) -> str:
    return f"d{day:%m%d},{day}T10:00:00Z,q,a,t,r"


def told(book, now: datetime):
    with open_book(book, JOINT) as opened:
        (found,) = lateness_in(opened, Coverage(opened, now.date()), now)
    return found


def test_what_a_book_holds_says_whether_a_delivery_came_in_time(tmp_path):
    book = write_book(tmp_path / "book", SOURCE)
    deliver(book, "old.csv", [of_day(date(2026, 4, 30))], day=16, side=Side.PROVIDER)
    assert (told(book, at(16)).late, told(book, at(16)).reach) == (True, date(2026, 4, 30))
    deliver(book, "new.csv", [of_day(date(2026, 6, 11))], day=17, side=Side.PROVIDER)
    assert (told(book, at(17)).late, told(book, at(17)).reach) == (False, date(2026, 6, 11))


def test_a_row_of_a_day_to_come_makes_no_delivery_come_in_time(tmp_path):
    """Else one row of 2030 would be in time for years."""
    book = write_book(tmp_path / "book", SOURCE)
    lines = [of_day(date(2026, 4, 30)), of_day(date(2030, 1, 1))]
    deliver(book, "old.csv", lines, day=16, side=Side.PROVIDER)
    assert (told(book, at(16)).late, told(book, at(16)).reach) == (True, date(2026, 4, 30))


def test_rows_of_the_other_side_are_not_in_a_sides_delivery(tmp_path):
    book = write_book(tmp_path / "book", SOURCE)
    deliver(book, "old.csv", [of_day(date(2026, 4, 30))], day=15, side=Side.PROVIDER)
    deliver(book, "theirs.csv", [of_day(date(2026, 6, 14))], day=15, side=Side.CUSTOMER)
    assert told(book, at(16)).late is True


def test_a_private_row_does_not_tell_the_other_side_how_far_a_delivery_goes(tmp_path):
    book = write_book(tmp_path / "book", SOURCE + '[private]\nprovider = ["contacts[team=own]"]\n')
    lines = [of_day(date(2026, 4, 30)), of_day(date(2026, 6, 14)).replace(",t,", ",own,")]
    deliver(book, "mixed.csv", lines, day=15, side=Side.PROVIDER)
    assert told(book, at(16)).reach == date(2026, 4, 30)
    with open_book(book, PROVIDER) as opened:
        (found,) = lateness_in(opened, Coverage(opened, date(2026, 6, 16)), at(16))
    assert found.reach == date(2026, 6, 14)


# How often -----------------------------------------------------------------------------------------------------


def kept(book):
    now = at(30)
    with open_book(book, JOINT) as opened:
        return deliveries_in_time(opened, Coverage(opened, now.date()), now)


def test_how_often_a_delivery_had_come_when_it_was_due(tmp_path):
    """Mondays 8, 15, 22 and 29 June at 9 in Madrid, each for the days up to the Thursday before.

    On the 7th up to the 5th: in time. For the 15th it came on the 16th; for the 22nd on the 20th; for the 29th not.
    """
    book = write_book(tmp_path / "book", SOURCE)
    for number, (day, last) in enumerate([(2, date(2026, 5, 31)), (7, date(2026, 6, 5)), (16, date(2026, 6, 14)),
                                          (20, date(2026, 6, 19))]):  # fmt: skip
        deliver(book, f"{number}.csv", [of_day(last)], day=day, side=Side.PROVIDER)
    assert kept(book) == (KeptDeliveries("contacts", Side.PROVIDER, 2, 4),)


def test_a_side_that_never_delivered_kept_nothing_and_the_other_s_rows_are_not_its_own(tmp_path):
    book = write_book(tmp_path / "book", SOURCE)
    deliver(book, "theirs.csv", [of_day(date(2026, 6, 5))], day=2, side=Side.CUSTOMER)
    assert kept(book) == (KeptDeliveries("contacts", Side.PROVIDER, 0, 4),)


def test_records_that_nobody_imported_do_not_say_when_they_came(tmp_path):
    rows = "contact_id,opened_at\na,2026-06-01T10:00:00Z"
    assert kept(write_book(tmp_path / "book", SOURCE, contacts=rows)) == ()


# Silent queues -------------------------------------------------------------------------------------------------

MARCH, APRIL = Period(date(2026, 3, 1), date(2026, 4, 1)), Period(date(2026, 4, 1), date(2026, 5, 1))


def daily_rows(*queues: tuple[str, dict[date, int], int]) -> str:
    """Daily intervals from February to April: as many contacts a day as is said last, but on the days named."""
    rows = ["queue,start,minutes,offered"]
    for name, apart, usual in queues:
        for number in range(89):
            day = date(2026, 2, 1) + timedelta(number)
            if apart.get(day, usual) is not None:
                rows.append(f"{name},{day}T00:00:00,1440,{apart.get(day, usual)}")
    return "\n".join(rows)


def silent(book, *periods: Period, today: date = date(2026, 6, 1)):
    with open_book(book, JOINT) as opened:
        found = undelivered_in(opened, Coverage(opened, today), periods or (MARCH, APRIL))
    return [(one.table, one.queue, str(one.day), one.usual) for one in found]


def test_a_queue_of_zeros_or_without_a_row_is_perhaps_not_delivered(tmp_path):
    """30 and 31 March: zeros for one, no row for another, and the third is small enough for that to be chance."""
    monday, tuesday = date(2026, 3, 30), date(2026, 3, 31)
    rows = daily_rows(
        ("north", {monday: 0, tuesday: 0}, 1800), ("south", {monday: None}, 20), ("west", {monday: 0}, 19)
    )
    assert silent(write_book(tmp_path, intervals=rows)) == [
        ("intervals", "north", "2026-03-30", 1800),
        ("intervals", "south", "2026-03-30", 20),
        ("intervals", "north", "2026-03-31", 1800),
    ]


def test_closed_days_holidays_and_what_is_not_recorded_yet_are_not_silent(tmp_path):
    """Sundays are always 0, Good Friday is a holiday, the queue began in March, and records end on 20 April."""
    apart = {date(2026, 2, 1) + timedelta(7 * number): 0 for number in range(13)} | {date(2026, 4, 3): 0}
    apart |= {date(2026, 2, 1) + timedelta(number): None for number in range(30)}
    apart |= {date(2026, 4, 21) + timedelta(number): None for number in range(10)}
    placed = BOOK + '[opening]\nholidays = ["2026-04-03"]\n'
    assert silent(write_book(tmp_path / "a", placed, intervals=daily_rows(("help", apart, 500)))) == []
    without = write_book(tmp_path / "b", intervals=daily_rows(("help", apart, 500)))
    assert silent(without) == [("intervals", "help", "2026-04-03", 500)]
    agreed = BOOK + '[opening]\ndays = ["mon", "tue", "wed", "thu", "sat"]\n'
    assert silent(write_book(tmp_path / "c", agreed, intervals=daily_rows(("help", apart, 500)))) == []


def test_a_queue_that_was_given_up_is_named_until_its_weekday_is_mostly_silent(tmp_path):
    """Its last day is 8 March. April's window begins eight weeks earlier, on 4 February: less than half brings any."""
    apart = {date(2026, 3, 9) + timedelta(number): None for number in range(60)}
    rows = daily_rows(("old", apart, 100), ("new", {}, 100))
    book = write_book(tmp_path, intervals=rows)
    assert {day for _, queue, day, _ in silent(book, MARCH)} == {f"2026-03-{day:02}" for day in range(9, 32)}
    assert silent(book, APRIL) == []


def test_contacts_and_intervals_are_each_looked_at(tmp_path):
    """25 calls at noon on each day but 15 April, of which the intervals have them."""
    days = [date(2026, 3, 1) + timedelta(number) for number in range(61)]
    calls = [f"c{day}{number},{day}T12:00:{number:02}Z,help" for day in days for number in range(25) if day.day != 15]
    book = write_book(
        tmp_path,
        contacts="\n".join(["contact_id,opened_at,queue", *calls]),
        intervals=daily_rows(("help", {}, 25)),
    )
    assert silent(book, APRIL) == [("contacts", "help", "2026-04-15", 25)]


def test_a_side_is_not_told_of_what_the_other_keeps(tmp_path):
    rows = daily_rows(("secret", {date(2026, 3, 30): 0}, 500))
    book = write_book(tmp_path, '[private]\nprovider = ["intervals"]\n', private__provider__intervals=rows)
    assert silent(book) == []
