"""Days of service as a signed text names them: from its first day, and while it holds."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.service_calendars import service_calendars
from tests.builders.agreement import FIRST, add, chain, change, settled

DAY, NIGHT = [{"opens": "08:00", "closes": "18:00"}], [{"opens": "22:00", "closes": "02:00"}]
MONDAY, SATURDAY, SUNDAY = 0, 5, 6
CHRISTMAS, EVE, REGIONAL = "2026-12-25", "2026-12-24", "2026-12-07"


def clause(**fields):
    return add("cal", Kind.CALENDAR, zone="Europe/Madrid", **fields)


def test_weekdays_with_hours_are_open_and_so_is_the_day_into_which_a_night_runs_on():
    (one,) = service_calendars(chain(change(1, FIRST, clause(open_mon=DAY, open_fri=NIGHT))))
    assert (one.weekdays, one.valid_from, one.valid_to, one.change) == ({MONDAY, 4, SATURDAY}, FIRST, None, 1)
    (late,) = service_calendars(chain(change(1, FIRST, clause(open_sat=[{"opens": "08:00", "closes": "24:00"}]))))
    assert late.weekdays == {SATURDAY}


def test_a_clause_that_names_neither_hours_nor_days_off_says_nothing_of_either():
    (one,) = service_calendars(chain(change(1, FIRST, clause())))
    assert (one.weekdays, one.holidays, one.closed, one.opened) == (None, None, frozenset(), frozenset())


def test_free_days_of_both_sides_and_short_days_are_holidays_and_some_of_them_have_service():
    """The provider's office and a short day without hours close the service; the customer's office does not."""
    fields = {
        "open_mon": DAY,
        "provider_free_days": [{"day": CHRISTMAS}, {"day": EVE}],
        "customer_free_days": [{"day": REGIONAL}],
        "short_days": [{"day": EVE, "hours": [{"opens": "08:00", "closes": "14:00"}]}, {"day": "2026-12-31"}],
    }
    (one,) = service_calendars(chain(change(1, FIRST, clause(**fields))))
    days = {name: date.fromisoformat(name) for name in (CHRISTMAS, EVE, REGIONAL, "2026-12-31")}
    assert one.holidays == set(days.values())
    assert one.closed == {days[CHRISTMAS], days["2026-12-31"]}
    assert one.opened == {days[EVE]}


def test_sunday_hours_for_a_summer_hold_over_its_days_and_leave_nothing_behind():
    """Vector 2 of the specification: Sunday hours [1 July, 1 Sept)."""
    first = change(1, FIRST, clause(open_mon=DAY))
    summer = settled(
        change(2, date(2026, 7, 1), SetField("cal", "open_sun", DAY), end=date(2026, 9, 1)), chain(first), instead=False
    )
    found = service_calendars(chain(first, summer))
    assert [(one.valid_from, one.valid_to, one.weekdays, one.change) for one in found] == [
        (FIRST, date(2026, 7, 1), {MONDAY}, 1),
        (date(2026, 7, 1), date(2026, 9, 1), {MONDAY, SUNDAY}, 2),
        (date(2026, 9, 1), None, {MONDAY}, 1),
    ]


@given(st.integers(1, 400), st.integers(1, 60), st.sets(st.sampled_from(range(7)), min_size=1))
def test_a_temporary_wording_changes_no_day_outside_of_its_own(begins, lasts, weekdays):
    names = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    first = change(1, FIRST, clause(open_mon=DAY, open_tue=DAY))
    start = FIRST + timedelta(days=begins)
    edits = [SetField("cal", f"open_{names[at]}", DAY if at in weekdays else None) for at in range(7)]
    temporary = settled(change(2, start, *edits, end=start + timedelta(days=lasts)), chain(first), instead=False)

    def on(found, day):
        (one,) = [one for one in found if one.holds_on(day)]
        return one.weekdays, one.holidays

    before, after = service_calendars(chain(first)), service_calendars(chain(first, temporary))
    for day in (FIRST, start - timedelta(days=1), start + timedelta(days=lasts), start + timedelta(days=lasts + 40)):
        assert on(after, day) == on(before, day)
    assert on(after, start)[0] == weekdays


@pytest.mark.parametrize("first_day", [FIRST, date(2026, 7, 1)])
def test_nothing_is_said_before_the_first_day(first_day):
    (one,) = service_calendars(chain(change(1, first_day, clause(open_mon=DAY))))
    assert not one.holds_on(first_day - timedelta(days=1))
    assert one.holds_on(first_day)
