"""Business hours: the cases of the standards (2.8), and what must hold of any calendar."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.business_hours import Hours, NeverDueError, closing, due, elapsed, postponed, working_days

PRAGUE = ZoneInfo("Europe/Prague")
OFFICE = Hours.weekdays("Europe/Prague", time(9), time(17))


def at(*moment):
    return datetime(*moment, tzinfo=PRAGUE)


def test_friday_afternoon_to_monday_afternoon_is_a_working_day():
    """MetricNet's example: Friday 16:00 to Monday 16:00 is 8 hours and not 72 (kpi_reference, calendar_hours)."""
    friday, monday = at(2026, 7, 10, 16), at(2026, 7, 13, 16)
    assert elapsed(OFFICE, friday, monday) == timedelta(hours=8)
    assert elapsed(Hours.always("Europe/Prague"), friday, monday) == timedelta(hours=72)
    assert due(OFFICE, friday, timedelta(hours=8)) == monday


@pytest.mark.parametrize(("start", "hours"), [((2026, 3, 28, 12), 23), ((2026, 10, 24, 12), 25)])
def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is(start, hours):
    """24x7, Saturday 12:00 to Sunday 12:00, Europe/Prague (kpi_reference, calendar_hours)."""
    begins = at(*start)
    ends = begins + timedelta(days=1)  # by the wall's clock
    assert elapsed(Hours.always("Europe/Prague"), begins, ends) == timedelta(hours=hours)


def test_holidays_and_pauses_do_not_count():
    """Thursday 15:00, Friday a holiday, Monday held from 10:00 to 12:00 (twice said): 2 + 1 + 2 hours by 14:00."""
    hours = Hours.weekdays("Europe/Prague", time(9), time(17), [date(2026, 7, 10)])
    held = [(at(2026, 7, 13, 10), at(2026, 7, 13, 12)), (at(2026, 7, 13, 11), at(2026, 7, 13, 12))]
    assert elapsed(hours, at(2026, 7, 9, 15), at(2026, 7, 13, 14), held) == timedelta(hours=5)
    assert due(hours, at(2026, 7, 9, 15), timedelta(hours=5), held) == at(2026, 7, 13, 14)


def test_elapsed_time_starts_at_opening():
    assert due(OFFICE, at(2026, 7, 11, 3), timedelta(hours=1)) == at(2026, 7, 13, 10)
    assert elapsed(OFFICE, at(2026, 7, 11, 3), at(2026, 7, 12, 3)) == timedelta(0)


def test_due_raises_for_a_calendar_that_is_never_open():
    with pytest.raises(NeverDueError):
        due(Hours("UTC", {}), at(2026, 7, 10, 16), timedelta(hours=1))


moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - as Hypothesis asks


@given(moments, st.integers(0, 60 * 400), st.lists(st.tuples(moments, st.integers(1, 5000)), max_size=3))
def test_elapsed_until_due_is_the_allowed_time(start, minutes, held):
    pauses = [(begun, begun + timedelta(minutes=length)) for begun, length in held]
    allowed = timedelta(minutes=minutes)
    end = due(OFFICE, start, allowed, pauses)
    assert end >= start
    assert elapsed(OFFICE, start, end, pauses) == allowed


@given(moments, st.integers(0, 10_000), st.integers(0, 10_000))
def test_elapsed_is_additive(start, first, second):
    middle, end = start + timedelta(minutes=first), start + timedelta(minutes=first + second)
    assert elapsed(OFFICE, start, middle) + elapsed(OFFICE, middle, end) == elapsed(OFFICE, start, end)


SPAIN = Hours.weekdays("Europe/Madrid", time(9), time(17), [date(2026, 12, day) for day in (7, 8, 25)])
CZECHIA = Hours.weekdays("Europe/Prague", time(9), time(17), [date(2026, 12, day) for day in (24, 25)])


def december(day, hour, minute=0, zone="Europe/Madrid"):
    return datetime(2026, 12, day, hour, minute, tzinfo=ZoneInfo(zone))


@pytest.mark.parametrize(
    ("hours", "received", "days", "end"),
    [
        (SPAIN, december(3, 16), 5, december(14, 17)),  # specification of matters, vector 1
        (CZECHIA, december(3, 16, zone="Europe/Prague"), 5, december(10, 17, zone="Europe/Prague")),
        (SPAIN, december(3, 17, 1), 5, december(15, 17)),  # after closing: received on the next working day
        (SPAIN, december(5, 12), 5, december(16, 17)),  # on a Saturday before two free days: received on the 9th
        (SPAIN, december(15, 10), 10, december(30, 17)),  # vector 2: the day named by the reminder
    ],
)
def test_n_working_days_end_at_close_of_business(hours, received, days, end):
    assert closing(hours, received, days) == end


def test_postponed_moves_by_the_closings_that_pauses_span():
    """Vector 3: as vector 1, asked back on Thu 10 Dec 16:30 and answered on Tue 15 Dec 11:00: due Thu 17 Dec 17:00."""
    end, pause = december(14, 17), (december(10, 16, 30), december(15, 11))
    assert postponed(SPAIN, end, [pause]) == december(17, 17)
    assert postponed(SPAIN, end, [pause, pause]) == december(17, 17)
    assert postponed(SPAIN, end, []) == end


@given(
    st.integers(0, 480_000).map(lambda minutes: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_working_days_add_up_and_end_when_the_calendar_closes(received, first, second):
    """Of any receipt: N days and then M more are N + M; no end is on a free day, before the receipt, or earlier."""
    end = closing(SPAIN, received, first)
    assert end > received
    assert closing(SPAIN, end - timedelta(microseconds=1), second) == closing(SPAIN, received, first + second)
    here = end.astimezone(ZoneInfo(SPAIN.zone))
    assert here.time() == time(17)
    assert here.weekday() < 5
    assert here.date() not in SPAIN.holidays


def test_closing_raises_for_a_calendar_that_is_never_open():
    with pytest.raises(NeverDueError):
        closing(Hours("UTC", {}), at(2026, 1, 1), 1)


@given(
    st.dates(date(2026, 1, 1), date(2027, 6, 1)),
    st.integers(-3, 400),
    st.frozensets(st.dates(date(2026, 1, 1), date(2027, 6, 1)), max_size=5),
)
def test_working_days_are_counted_as_by_hand(after, length, holidays):
    """Day by day, without a week multiplied out."""
    hours = Hours.weekdays("Europe/Madrid", time(9), time(17), sorted(holidays))
    days = [after + timedelta(days=day) for day in range(1, length + 1)]
    by_hand = sum(day.weekday() < 5 and day not in holidays for day in days)
    assert working_days(hours, after, after + timedelta(days=length)) == by_hand
