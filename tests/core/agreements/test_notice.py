"""Notice given and agreed, what restarts it, and relief for what is short."""

from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.changes import Change as Made
from comity.core.agreements.changes import Proposal, Revision, SetField, Span, check_says
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import (
    Waiver,
    clear_working_days,
    notice_of,
    readable_on,
    relieved_days,
    working_days,
    working_hours,
)
from comity.core.agreements.text import Text, text
from comity.core.business_hours import Hours
from comity.core.values import Period, Side
from tests.builders.agreement import FIRST, add, at, calendar, chain, change, first_change

CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER
MADRID = "Europe/Madrid"
AGREED = chain(first_change())
TO_22 = [{"channels": ["*"], "closes": "22:00", "opens": "09:00", "queues": ["*"]}]
TO_21 = [{"channels": ["*"], "closes": "21:00", "opens": "09:00", "queues": ["*"]}]
TO_20 = [{"channels": ["*"], "closes": "20:00", "opens": "09:00", "queues": ["*"]}]
OCTOBER = date(2026, 10, 1)


def says(**more):
    written = {
        "title": "t",
        "proposed_by": "customer",
        "person": "Ana",
        "carried_out_by": "provider",
        "reason": "Why.",
        "expects_nothing": "x",
    }
    values, problems = check_says(written | more)
    assert problems == []
    return values


def revision(number, side, moment, hours=TO_22, first_day=OCTOBER, edits=(), **more):
    made = edits or (SetField("calendar", "open_sat", hours),)
    return Revision(number, side, "Ana", moment, Proposal(Made(7, Span(first_day), tuple(made)), says(**more)), 10)


def notice(*revisions, entries=AGREED):
    found = notice_of(revisions, entries, MADRID)
    return found.given, found.agreed, found.shortfall


# Vector 3


@pytest.mark.parametrize(
    ("side", "minute", "given"),
    [(PROVIDER, (16, 59), 6), (CUSTOMER, (16, 59), 8), (PROVIDER, (17, 1), 5), (CUSTOMER, (17, 1), 7)],
)
def test_notice_counts_clear_working_days_of_the_receiving_side(side, minute, given):
    """The provider has the free days of Andalusia (7, 8, 25 December), the customer those of Czechia (24, 25)."""
    entries = chain(change(1, FIRST, calendar(), add("notice", Kind.NOTICE, hours=8)))
    readable = at(4, 12, *minute)
    one = revision(1, side.other, readable, first_day=date(2026, 12, 17), proposed_by=side.other.value)
    found = notice_of([one], entries, MADRID)
    assert (found.receiver, found.given, found.agreed, found.shortfall) == (side, given, 8, 8 - given)


def test_closing_time_itself_is_after_closing_as_everywhere():
    hours = working_hours(text(AGREED, FIRST), PROVIDER, MADRID)
    assert readable_on(hours, at(4, 12, 17)) == date(2026, 12, 9)
    assert readable_on(hours, at(4, 12, 3)) == date(2026, 12, 4)
    assert readable_on(hours, at(5, 12, 12)) == date(2026, 12, 9)


# Vector 4


def test_the_receivers_counter_neither_restarts_nor_shortens_notice():
    first, counter = revision(1, CUSTOMER, at(1, 9)), revision(2, PROVIDER, at(24, 9), TO_21)
    assert notice(first, counter) == (21, 15, 0)


def test_the_givers_alteration_restarts_notice():
    first, altered = revision(1, CUSTOMER, at(1, 9)), revision(2, CUSTOMER, at(24, 9), TO_21)
    assert notice(first, altered) == (4, 15, 11)


def test_a_waiver_carries_relief_for_some_days():
    altered = revision(2, CUSTOMER, at(24, 9), TO_21)
    waiver = Waiver(PROVIDER, 11, ("sl",), date(2026, 10, 8))
    relieved = relieved_days(waiver, altered.proposal)
    assert relieved == Period(OCTOBER, date(2026, 10, 8))
    assert relieved_days(Waiver(PROVIDER, 11), altered.proposal) is None


# What restarts it


def test_taking_the_receivers_value_up_or_going_back_to_ones_own_alters_nothing():
    first, counter = revision(1, CUSTOMER, at(1, 9)), revision(2, PROVIDER, at(10, 9), TO_21)
    assert notice(first, counter, revision(3, CUSTOMER, at(24, 9), TO_21))[0] == 21
    assert notice(first, counter, revision(3, CUSTOMER, at(24, 9), TO_22))[0] == 21


def test_an_earlier_counter_that_was_left_is_no_excuse():
    left = [
        revision(1, CUSTOMER, at(1, 9)),
        revision(2, PROVIDER, at(3, 9), TO_20),
        revision(3, PROVIDER, at(10, 9), TO_21),
    ]
    assert notice(*left, revision(4, CUSTOMER, at(24, 9), TO_20))[0] == 4


def test_an_edit_added_later_by_the_giver_counts_from_then_and_one_of_the_receiver_not_at_all():
    both = (SetField("calendar", "open_sat", TO_22), SetField("calendar", "open_sun", TO_22))
    first = revision(1, CUSTOMER, at(1, 9))
    assert notice(first, revision(2, CUSTOMER, at(24, 9), edits=both))[0] == 4
    assert notice(first, revision(2, PROVIDER, at(24, 9), edits=both))[0] == 21
    longer = chain(change(1, FIRST, *first_change().edits[:-1], add("notice", Kind.NOTICE, "voice", hours=5, kpi=60)))
    wish = (both[0], SetField("sl", "target", "0.9"))
    assert notice(first, revision(2, PROVIDER, at(24, 9), edits=wish), entries=longer) == (21, 5, 0)
    assert notice(first, revision(2, CUSTOMER, at(24, 9), edits=wish), entries=longer) == (4, 60, 56)
    found = notice_of([first, revision(2, CUSTOMER, at(24, 9), edits=both)], AGREED, MADRID)
    assert found.by_edit == {("calendar", "open_sat"): 21, ("calendar", "open_sun"): 4}


def test_a_first_day_that_the_giver_moves_forward_restarts_notice_and_one_that_it_puts_off_does_not():
    first = revision(1, CUSTOMER, at(1, 9))
    sooner = revision(2, CUSTOMER, at(10, 9), first_day=date(2026, 9, 21))
    assert notice(first, sooner)[0] == 6
    assert notice(first, revision(2, CUSTOMER, at(24, 9), first_day=date(2026, 10, 8)))[0] == 26
    assert (
        notice(first, revision(2, CUSTOMER, at(3, 9), first_day=date(2026, 10, 8)), revision(3, CUSTOMER, at(24, 9)))[0]
        == 4
    )


def test_an_earlier_day_that_the_receiver_asks_for_does_not_shorten_notice():
    first, counter = revision(1, CUSTOMER, at(1, 9)), revision(2, PROVIDER, at(2, 9), first_day=date(2026, 9, 10))
    assert notice(first, counter)[0] == 21
    assert notice(first, counter, revision(3, CUSTOMER, at(3, 9), first_day=date(2026, 9, 10)))[0] == 21


def test_notice_goes_by_whose_change_it_is_not_by_who_typed_it():
    typed = revision(1, PROVIDER, at(1, 9), proposed_by="provider", on_behalf_of="customer")
    assert notice_of([typed], AGREED, MADRID).receiver is PROVIDER
    altered = revision(2, CUSTOMER, at(24, 9), TO_21, proposed_by="provider", on_behalf_of="customer")
    assert notice(typed, altered)[0] == 4


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([TO_20, TO_21, TO_22]), st.integers(1, 28)), max_size=6))
def test_no_counter_of_the_receiver_changes_the_notice_of_what_the_giver_stands_by(steps):
    """Whatever the receiver puts in between, notice of the giver's last value is as if it had said nothing."""
    moments = sorted(day for _, _, day in steps)
    given_alone, everything = [revision(1, CUSTOMER, at(1, 9))], [revision(1, CUSTOMER, at(1, 9))]
    for (by_giver, hours, _), day in zip(steps, moments, strict=True):
        one = revision(len(everything) + 1, CUSTOMER if by_giver else PROVIDER, at(day, 9), hours)
        everything.append(one)
        if by_giver:
            given_alone.append(one)
    assert notice(*everything)[0] >= notice(*given_alone)[0]


# What is agreed


def test_agreed_is_the_longest_of_the_clauses_touched_and_given_the_least_of_the_edits():
    both = (SetField("calendar", "open_sat", TO_22), SetField("sl", "target", "0.9"))
    first = revision(1, CUSTOMER, at(1, 9))
    assert notice(revision(1, CUSTOMER, at(1, 9), edits=both[1:])) == (21, 5, 0)
    assert notice(first, revision(2, CUSTOMER, at(22, 9), edits=both)) == (6, 15, 9)


def test_where_no_notice_is_agreed_nothing_is_short():
    assert notice(revision(1, CUSTOMER, at(30, 9)), entries=chain(change(1, FIRST, calendar()))) == (0, None, 0)
    of_prices = (SetField("voice", "price", "5"),)
    assert notice(revision(1, CUSTOMER, at(30, 9), edits=of_prices)) == (0, None, 0)


def test_the_notice_clause_in_force_when_proposed_counts():
    later = [*AGREED, *chain(first_change(), change(2, date(2026, 9, 2), SetField("notice", "hours", 30)))[1:]]
    assert notice(revision(1, CUSTOMER, at(1, 9)), entries=later)[1] == 15
    scheduled = revision(1, CUSTOMER, at(3, 9))
    assert notice(scheduled, entries=later)[1] == 15  # its author had seen place 10 only
    known = Revision(1, CUSTOMER, "Ana", at(3, 9), scheduled.proposal, 20)
    assert notice(known, entries=later)[1] == 30


def test_a_paragraph_has_the_notice_of_what_it_is_about():
    entries = chain(
        change(
            1,
            FIRST,
            calendar(),
            add("notice", Kind.NOTICE, script=3),
            add("p", Kind.PROSE, text="Hello.", language="en", about="script"),
        )
    )
    assert notice(revision(1, CUSTOMER, at(1, 9), edits=(SetField("p", "text", "Good day."),)), entries=entries)[1] == 3
    assert notice(revision(1, CUSTOMER, at(1, 9), edits=(SetField("p", "about", "other"),)), entries=entries)[1] == 3
    assert (
        notice(
            revision(1, CUSTOMER, at(1, 9), edits=(add("q", Kind.PROSE, text="x", language="en", about="script"),)),
            entries=entries,
        )[1]
        == 3
    )


# Calendars


def test_without_a_calendar_clause_days_are_monday_to_friday_from_nine_to_five():
    assert working_hours(Text(()), PROVIDER, MADRID) == Hours.weekdays(MADRID, time(9), time(17))
    own = working_hours(
        text(
            chain(
                change(
                    1, FIRST, calendar(provider_working_hours=[{"weekday": "sun", "opens": "09:00", "closes": "24:00"}])
                )
            ),
            FIRST,
        ),
        PROVIDER,
        "UTC",
    )
    assert own.zone == MADRID
    assert own.week == {6: (time(9), time.min)}
    assert working_days(own, date(2026, 8, 1), date(2026, 9, 1)) == 5


def test_a_calendar_without_working_days_gives_no_notice():
    assert clear_working_days(Hours(MADRID, {}), at(1, 9), OCTOBER) == 0


@given(st.datetimes(), st.integers(0, 60))
def test_a_day_more_adds_at_most_one_working_day(moment, days):
    hours = working_hours(text(AGREED, FIRST), PROVIDER, MADRID)
    readable = at(1, 9) + (moment - moment.replace(hour=0, minute=0, second=0, microsecond=0))
    day = date(2026, 9, 1) + timedelta(days=days)
    more = clear_working_days(hours, readable, day + timedelta(days=1)) - clear_working_days(hours, readable, day)
    assert more in {0, 1}


@given(
    first=st.dates(date(2026, 1, 1), date(2027, 1, 1)),
    days=st.integers(-3, 120),
    week=st.sets(st.integers(0, 6)),
    free=st.sets(st.dates(date(2026, 1, 1), date(2027, 6, 1)), max_size=20),
)
def test_working_days_are_those_of_the_week_without_the_free_ones(first, days, week, free):
    hours = Hours("Europe/Madrid", dict.fromkeys(week, (time(9), time(17))), frozenset(free))
    each = (first + timedelta(days=number) for number in range(days))
    assert working_days(hours, first, first + timedelta(days=days)) == sum(
        day.weekday() in week and day not in free for day in each
    )


def test_a_day_far_ahead_is_counted_at_once():
    hours = Hours.weekdays("Europe/Madrid", time(9), time(17))
    found = {clear_working_days(hours, at(1, 12), date(9998, 12, 31) - timedelta(days=n)) for n in range(500)}
    assert max(found) > 2_000_000  # four hundred years have 104,355 of them; a count day by day takes ten minutes
