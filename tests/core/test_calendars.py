"""Calendars: how weeks, months, quarters and years are cut and named."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.calendars import Against, Calendar, Cut, UnknownPeriodError, named
from comity.core.values import Period

cuts = st.sampled_from(list(Cut))
starts = st.integers(1, 28)
days = st.dates(date(2001, 1, 1), date(2099, 12, 31))


@given(cuts, starts, days)
def test_every_day_lies_in_the_period_that_contains_it(cut: Cut, start: int, day: date):
    assert day in Calendar(cut, start).containing(day)


@given(cuts, starts, days)
def test_periods_follow_one_another_without_a_gap(cut: Cut, start: int, day: date):
    calendar = Calendar(cut, start)
    period = calendar.containing(day)
    assert calendar.after(period).start == period.end
    assert calendar.before(period).end == period.start


@given(cuts, starts, days)
def test_a_name_reads_back_as_its_period(cut: Cut, start: int, day: date):
    calendar = Calendar(cut, start)
    period = calendar.containing(day)
    assert named(calendar.name(period), start) == (calendar, period)


@given(cuts, starts, days)
def test_the_last_period_ends_by_the_horizon_and_the_next_does_not(cut: Cut, start: int, horizon: date):
    calendar = Calendar(cut, start)
    last = calendar.last_ending_by(horizon)
    assert last.end <= horizon < calendar.after(last).end


@given(starts, days)
def test_the_months_of_a_quarter_fill_it(start: int, day: date):
    quarter = Calendar(Cut.QUARTER, start).containing(day)
    months = Calendar(Cut.QUARTER, start).months(quarter)
    assert len(months) == 3
    assert months[0] == quarter.start
    assert Calendar(Cut.MONTH, start).containing(months[-1]).end == quarter.end


def test_a_week_holds_whole_months_never():
    calendar = Calendar(Cut.WEEK)
    assert calendar.months(calendar.containing(date(2026, 5, 13))) == []


def test_contract_months_bear_the_name_of_the_month_in_which_they_start():
    """Comcast's contract month runs from the 22nd to the 21st (standards, 2.0)."""
    calendar = Calendar(Cut.MONTH, 22)
    assert calendar.containing(date(2026, 5, 21)) == Period(date(2026, 4, 22), date(2026, 5, 22))
    assert calendar.name(calendar.containing(date(2026, 5, 22))) == "2026-05"
    assert named("2026-Q2", 22)[1] == Period(date(2026, 4, 22), date(2026, 7, 22))


def test_iso_weeks_begin_on_monday_and_the_first_holds_the_fourth_of_january():
    assert named("2026-W01")[1] == Period(date(2025, 12, 29), date(2026, 1, 5))
    assert named("2020-W53")[1] == Period(date(2020, 12, 28), date(2021, 1, 4))


def test_week_53_is_held_against_week_52_of_a_year_that_has_no_53rd():
    calendar, week = named("2020-W53")
    assert calendar.name(calendar.against(week, Against.YEAR_BEFORE)) == "2019-W52"


def test_the_year_before_of_a_quarter():
    calendar, quarter = named("2026-Q1")
    assert calendar.name(calendar.against(quarter, Against.YEAR_BEFORE)) == "2025-Q1"
    assert calendar.name(calendar.against(quarter, Against.PREVIOUS)) == "2025-Q4"


@pytest.mark.parametrize("name", ["2026-13", "2026-Q5", "2025-W53", "last month", "", "26-05", "0000", "2026-00"])
def test_unknown_period_error_shows_the_valid_forms(name: str):
    with pytest.raises(UnknownPeriodError, match=r"write 2026 \(a year\)"):
        named(name)


def test_whole_periods_between_two_days():
    calendar = Calendar(Cut.MONTH)
    found = [calendar.name(period) for period in calendar.between(date(2026, 1, 2), date(2026, 4, 1))]
    assert found == ["2026-02", "2026-03"]


def test_a_start_that_february_lacks_is_refused():
    with pytest.raises(ValueError, match="between 1 and 28, but is 31"):
        Calendar(Cut.MONTH, 31)


def test_a_period_holds_its_first_day_and_not_its_end():
    period = Period(date(2026, 4, 1), date(2026, 7, 1))
    assert period.days == 91
    assert date(2026, 4, 1) in period
    assert period.end not in period
    assert period.end - timedelta(days=1) in period
