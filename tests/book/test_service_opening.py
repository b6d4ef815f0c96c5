"""Which days have service: what both sides signed, from its first day on, and what the book says until then."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.book.amend import write_agreed
from comity.book.definition import parse_definition, read_definition
from comity.book.lateness import due_until
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.service_calendars import service_calendars
from comity.core.service_days import HOLIDAY
from comity.core.values import Period
from tests.builders.agreed_changes import agreed
from tests.builders.agreement import add, chain, change, settled
from tests.cast import BOOK, write_book

DAY = [{"opens": "08:00", "closes": "18:00"}]
WEEK = {f"open_{name}": DAY for name in ("mon", "tue", "wed", "thu", "fri")}
APRIL, MAY, JUNE, JULY = (Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in (4, 5, 6, 7))
MAY_DAY, FOURTH = date(2026, 5, 1), date(2026, 5, 4)
SIGNED_FROM = date(2026, 6, 1)


def in_book(tmp_path, *changes, opening='days = ["mon", "tue", "wed", "thu", "fri", "sat"]'):
    book = write_book(tmp_path, f"\n[opening]\n{opening}\n")
    for place, one in enumerate(changes, 1):
        write_agreed(book, agreed(one, place))
    return read_definition(book)


def clause(first_day, number=1, **fields):
    return change(number, first_day, add("cal", Kind.CALENDAR, zone="Europe/Madrid", **fields))


def test_what_was_signed_decides_from_its_first_day_and_the_book_until_then(tmp_path):
    definition = in_book(tmp_path, clause(SIGNED_FROM, **WEEK, provider_free_days=[{"day": "2026-06-04"}]))
    assert definition.opening(MAY, APRIL).days == set(range(6))
    june = definition.opening(JUNE, MAY)
    assert (june.days, june.holidays, june.closed) == (set(range(5)), {date(2026, 6, 4)}, {date(2026, 6, 4)})
    assert [definition.is_ordinary(day) for day in (date(2026, 5, 30), date(2026, 6, 6))] == [True, False]


def test_a_clause_without_days_off_leaves_the_holidays_of_the_book(tmp_path):
    definition = in_book(tmp_path, clause(date(2026, 1, 1), **WEEK), opening="holidays = [2026-05-01]")
    assert definition.opening(MAY).holidays == {MAY_DAY}
    named = in_book(
        tmp_path / "named",
        clause(date(2026, 1, 1), **WEEK, customer_free_days=[{"day": str(FOURTH)}]),
        opening="holidays = [2026-05-01]",
    )
    opening = named.opening(MAY)
    assert (opening.class_of(MAY_DAY), opening.class_of(FOURTH)) == (4, HOLIDAY)
    assert opening.is_open(FOURTH)  # the customer's office alone is closed


def test_saturdays_opened_from_july_on_are_open_in_june_too_and_saturdays_closed_for_a_time_are_not(tmp_path):
    """One calendar for both periods, that of the last day of the one under review."""
    first = clause(date(2026, 1, 1), **WEEK)
    opens = change(2, JULY.start, SetField("cal", "open_sat", DAY))
    closes = settled(
        change(3, date(2026, 7, 10), SetField("cal", "open_sat", None), end=date(2026, 7, 20)),
        chain(first, opens),
        instead=False,
    )
    opening = in_book(tmp_path, first, opens, closes).opening(JULY, JUNE)
    assert opening.days == set(range(6))
    assert opening.unserved == {date(2026, 6, day) for day in (6, 13, 20, 27)}
    assert opening.closed == {date(2026, 7, day) for day in (11, 18)}


@given(start=st.dates(date(2026, 3, 1), date(2026, 12, 1)), lasts=st.one_of(st.none(), st.integers(1, 60)))
def test_periods_before_the_first_day_and_after_the_last_are_as_without_the_clause(start, lasts):
    end = None if lasts is None else start + timedelta(days=lasts)
    clause = add("cal", Kind.CALENDAR, zone="Europe/Madrid", open_sun=DAY, provider_free_days=[{"day": str(start)}])
    calendars = service_calendars(chain(change(1, start, clause, end=end)))
    without = parse_definition(
        f'{BOOK}\n[opening]\ndays = ["mon", "sat"]\nholidays = [2026-05-01]\n', Path("book.toml")
    )
    with_it = replace(without, calendars=calendars)
    before = Period(start - timedelta(days=30), start), Period(start - timedelta(days=60), start - timedelta(days=30))
    assert _plain(with_it.opening(*before), *before) == _plain(without.opening(*before), *before)
    if end is not None:
        after = Period(end + timedelta(days=30), end + timedelta(days=60)), Period(end, end + timedelta(days=30))
        assert _plain(with_it.opening(*after), *after) == _plain(without.opening(*after), *after)


def _plain(opening, *periods):
    days = [one.start + timedelta(days=at) for one in periods for at in range(one.days)]
    return [(opening.class_of(day), opening.is_open(day), opening.breaks(day)) for day in days], opening.unserved


@pytest.mark.parametrize(
    ("served", "until"), [(lambda _: True, date(2026, 5, 4)), (lambda day: day != FOURTH, MAY_DAY)]
)
def test_a_daily_delivery_has_nothing_new_to_tell_of_a_day_off(served, until):
    moment = datetime(2026, 5, 5, 9, tzinfo=UTC)
    assert due_until("daily 09:00", moment, {5, 6}, served) == until
