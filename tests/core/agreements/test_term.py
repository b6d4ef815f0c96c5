"""When an agreement ends or renews by itself, and the days on which somebody is reminded."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import working_hours
from comity.core.agreements.term import (
    Reminder,
    Term,
    TermDay,
    TermEnd,
    last_day_for_notice,
    months_before,
    reminders,
    term_end,
    term_of,
)
from comity.core.agreements.text import text
from comity.core.business_hours import Hours
from comity.core.values import Side
from tests.builders.agreement import FIRST, at, chain, first_change

MADRID = "Europe/Madrid"
PROVIDER_HOURS = working_hours(text(chain(first_change()), FIRST), Side.PROVIDER, MADRID)
THREE_YEARS = Term(date(2024, 7, 1), date(2027, 7, 1), renews_months=12, notice_months=6)


# Vector 8


def test_notice_on_the_last_day_before_closing_ends_the_agreement():
    assert term_end(THREE_YEARS, date(2027, 2, 1), at(31, 12, 16, 30), PROVIDER_HOURS) == TermEnd(
        date(2027, 7, 1), (), noticed=True
    )


def test_notice_after_closing_is_too_late_and_it_renews_by_itself():
    """The row of `renewals`: due 2027-07-01, automatic."""
    found = term_end(THREE_YEARS, date(2027, 2, 1), at(31, 12, 17, 30), PROVIDER_HOURS)
    assert (found.ends, found.renewed) == (date(2028, 7, 1), (date(2027, 7, 1),))
    assert found.noticed  # it is in time for the next end


def test_the_last_day_for_notice_leaves_the_months_whole():
    assert last_day_for_notice(date(2027, 7, 1), 6) == date(2026, 12, 31)
    assert last_day_for_notice(date(2027, 7, 1), 0) == date(2027, 6, 30)
    # 31 January 2027 is a Sunday: what comes then counts from Monday.
    assert last_day_for_notice(date(2027, 8, 1), 6) == date(2027, 1, 31)
    assert last_day_for_notice(date(2027, 8, 1), 6, PROVIDER_HOURS) == date(2027, 1, 29)
    assert last_day_for_notice(date(2027, 8, 1), 6, Hours(MADRID, {})) == date(2027, 1, 31)


def test_notice_on_a_free_day_counts_from_the_next_working_day():
    february = Term(date(2026, 2, 1), date(2027, 8, 1), renews_months=12, notice_months=6)
    assert term_end(february, date(2027, 3, 1), at(31, 1, 12, year=2027), PROVIDER_HOURS).ends == date(2028, 8, 1)
    assert term_end(february, date(2027, 3, 1), at(29, 1, 12, year=2027), PROVIDER_HOURS).ends == date(2027, 8, 1)


def test_without_notice_it_renews_at_each_end_as_of_a_day():
    assert term_end(THREE_YEARS, date(2026, 12, 31)) == TermEnd(date(2027, 7, 1), (), noticed=False)
    assert term_end(THREE_YEARS, date(2027, 1, 1)) == TermEnd(date(2028, 7, 1), (date(2027, 7, 1),), noticed=False)
    assert term_end(THREE_YEARS, date(2029, 6, 1)).renewed == (date(2027, 7, 1), date(2028, 7, 1), date(2029, 7, 1))


def test_an_agreement_that_goes_on_by_decision_alone_ends():
    fixed = Term(date(2024, 7, 1), date(2027, 7, 1), notice_months=6)
    assert term_end(fixed, date(2030, 1, 1)) == TermEnd(date(2027, 7, 1), (), noticed=False)
    assert term_end(fixed, date(2030, 1, 1), at(31, 12, 17, 30), PROVIDER_HOURS) == TermEnd(
        date(2027, 7, 1), (), noticed=False
    )
    assert term_end(fixed, date(2030, 1, 1), at(31, 12, 16, 30), PROVIDER_HOURS).noticed


@pytest.mark.parametrize(
    ("day", "months", "earlier"),
    [
        (date(2027, 7, 1), 6, date(2027, 1, 1)),
        (date(2026, 8, 31), 6, date(2026, 2, 28)),
        (date(2024, 8, 31), 6, date(2024, 2, 29)),
        (date(2026, 1, 15), 1, date(2025, 12, 15)),
        (date(2026, 12, 31), -2, date(2027, 2, 28)),
        (date(2026, 5, 31), 0, date(2026, 5, 31)),
    ],
)
def test_months_are_counted_to_the_same_day_or_the_months_last(day, months, earlier):
    assert months_before(day, months) == earlier


@given(st.dates(date(2020, 1, 1), date(2040, 1, 1)), st.integers(1, 60), st.integers(0, 12), st.integers(0, 4000))
def test_a_term_that_renews_keeps_to_its_day_and_ends_after_today_unless_ended(ends, renews, notice, later):
    """Ends on the 31st come back to the 31st: they are counted from the first end, not from each other."""
    term = Term(date(2019, 1, 1), ends, renews, notice)
    today = ends + timedelta(days=later)
    found = term_end(term, today)
    assert found.ends == months_before(ends, -renews * len(found.renewed))
    assert last_day_for_notice(found.ends, notice) >= today
    assert all(last_day_for_notice(day, notice) < today for day in found.renewed)


def test_reminders_come_90_60_and_30_days_before_the_last_day_for_notice_the_end_and_options():
    term = Term(date(2024, 7, 1), date(2027, 7, 1), 12, 6, (("A second site", date(2026, 10, 31)),))
    found = reminders(term, term.ends)
    assert [reminder.before for reminder in found if reminder.of is TermDay.NOTICE] == [90, 60, 30]
    assert found[0] == Reminder(date(2026, 8, 2), 90, TermDay.OPTION, date(2026, 10, 31), "A second site")
    assert Reminder(date(2026, 12, 1), 30, TermDay.NOTICE, date(2026, 12, 31)) in found
    assert Reminder(date(2027, 6, 1), 30, TermDay.END, date(2027, 7, 1)) in found
    assert len(found) == 9
    assert {one.of for one in reminders(Term(date(2024, 7, 1), date(2027, 7, 1)), date(2027, 7, 1))} == {TermDay.END}


def test_a_term_is_read_from_its_clause():
    written = {
        "begins": "2024-07-01",
        "ends": "2027-07-01",
        "renewal": "by_itself",
        "renews_months": 12,
        "notice_months": 6,
    }
    options = {
        "options": [
            {"what": "A second site", "whose": "customer", "by": "2026-10-31"},
            {"what": "None", "whose": "both"},
        ]
    }
    clause = Clause("term", Kind.TERM, complete(Kind.TERM, written | options))
    assert term_of(clause) == Term(date(2024, 7, 1), date(2027, 7, 1), 12, 6, (("A second site", date(2026, 10, 31)),))
    by_decision = Clause(
        "term", Kind.TERM, complete(Kind.TERM, {"begins": "2024-07-01", "ends": "2027-07-01", "renews_months": 12})
    )
    assert term_of(by_decision).renews_months is None


def test_hours_are_of_the_side_that_receives():
    assert PROVIDER_HOURS.week[0] == (time(9), time(17))
