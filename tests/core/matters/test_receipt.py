"""Receipt of a formal notice, by the calendar of the specification's vectors: Madrid, closing 17:00."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.business_hours import Hours, closing
from comity.core.matters.receipt import BOUNCE_TIME, Sent, received_at, within_hours

MADRID = ZoneInfo("Europe/Madrid")
FREE = [date(2026, 12, 7), date(2026, 12, 8), date(2026, 12, 25)]
HOURS = Hours.weekdays("Europe/Madrid", time(9), time(17), FREE)


def at(day, hour, minute=0):
    return datetime(2026, 12, day, hour, minute, tzinfo=MADRID)


@pytest.mark.parametrize(
    ("taken", "received", "due"),
    [
        (at(3, 16), at(3, 16), at(14, 17)),  # vector 1: five working days, received Thu 3 Dec 16:00
        (at(3, 17, 1), at(4, 9), at(15, 17)),  # and 17:01
        (at(7, 11), at(9, 9), at(16, 17)),  # on a free day before another
        (at(3, 8), at(3, 9), at(14, 17)),  # before opening, of the same day
    ],
)
def test_what_is_taken_after_closing_or_on_a_free_day_is_received_on_the_next_working_day(taken, received, due):
    moment = received_at(HOURS, at(1, 9), [Sent("a@x", taken), Sent("b@x")])
    assert moment == received
    assert closing(HOURS, moment, 5) == due


def test_one_address_is_enough_and_the_first_one_counts():
    sent = [Sent("a@x", at(4, 12)), Sent("b@x", at(3, 12)), Sent("c@x")]
    assert received_at(HOURS, at(1, 9), sent) == at(3, 12)
    assert received_at(HOURS, at(1, 9), sent[2:]) is None
    assert received_at(HOURS, at(4, 10), sent) == at(4, 10)  # it could not be read in the room before


def test_a_notice_whose_every_mail_came_back_was_not_received():
    lost, kept = Sent("a@x", at(3, 12), at(3, 13)), Sent("b@x", at(3, 14))
    assert received_at(HOURS, at(1, 9), [lost]) is None
    assert received_at(HOURS, at(1, 9), [lost, kept]) == at(3, 14)


def test_nobody_denies_a_notice_by_a_report_that_comes_late_or_after_they_had_it():
    taken = at(3, 12)
    late = Sent("a@x", taken, taken + BOUNCE_TIME + timedelta(seconds=1))
    assert received_at(HOURS, at(1, 9), [late]) == taken
    reported = Sent("a@x", taken, at(3, 14))
    assert received_at(HOURS, at(1, 9), [reported], had_at=at(3, 13)) == taken
    assert received_at(HOURS, at(1, 9), [reported], had_at=at(4, 13)) is None


def test_an_acknowledgment_is_receipt_where_no_server_took_it():
    assert received_at(HOURS, at(1, 9), [Sent("a@x")], said_at=at(3, 18)) == at(4, 9)
    assert received_at(HOURS, at(1, 9), [Sent("a@x")], had_at=at(3, 18)) is None  # opening alone is none


_FIRST = datetime(2026, 11, 1, tzinfo=MADRID)
_MOMENTS = st.integers(0, 60 * 24 * 60).map(lambda minutes: _FIRST + timedelta(minutes=minutes))


@given(_MOMENTS)
def test_a_moment_within_hours_is_not_before_and_stays(moment):
    within = within_hours(HOURS, moment)
    assert within >= moment
    assert within_hours(HOURS, within) == within


@given(st.lists(_MOMENTS, min_size=1, max_size=4), _MOMENTS)
def test_one_more_mail_never_makes_receipt_later(moments, more):
    sent = [Sent(str(number), moment) for number, moment in enumerate(moments)]
    first = received_at(HOURS, at(1, 9), sent)
    assert received_at(HOURS, at(1, 9), [*sent, Sent("more", more)]) <= first
