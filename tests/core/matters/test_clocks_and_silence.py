"""Clocks and silence, by the vectors of the specification: Madrid, closing 17:00, Andalusia's free days of 2026."""

from dataclasses import replace
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.business_hours import Hours, closing
from comity.core.matters.clocks import broken_at, closes_at, due_after_asking_back, pause_length, rests_until
from comity.core.matters.silence import Facts, Mailed, Reminder, Unmet, unmet
from comity.core.matters.transitions import State

MADRID = ZoneInfo("Europe/Madrid")
FREE = (date(2026, 12, 7), date(2026, 12, 8), date(2026, 12, 25))
ANDALUSIA = Hours.weekdays("Europe/Madrid", time(9), time(17), FREE)
CZECHIA = Hours.weekdays("Europe/Prague", time(9), time(17), (date(2026, 12, 24), date(2026, 12, 25)))


def at(day, hour, minute=0, month=12, year=2026):
    return datetime(year, month, day, hour, minute, tzinfo=MADRID)


def test_five_working_days_end_at_close_of_business():
    """Vector 1."""
    assert closing(ANDALUSIA, at(3, 16), 5) == at(14, 17)
    assert closing(CZECHIA, at(3, 16), 5) == at(10, 17)
    assert closing(ANDALUSIA, at(3, 17, 1), 5) == at(15, 17)


def test_asking_back_moves_the_due_closing_by_the_closings_that_it_spans():
    """Vector 3: asked back Thu 10 Dec 16:30, answered Tue 15 Dec 11:00."""
    due = closing(ANDALUSIA, at(3, 16), 5)
    assert due_after_asking_back(ANDALUSIA, due, at(10, 16, 30), at(15, 11), 5) == at(17, 17)
    assert due_after_asking_back(ANDALUSIA, due, at(10, 16, 30), at(15, 11), 5, pauses=False) == due


def test_a_pause_is_no_longer_than_the_clock_and_none_helps_who_is_late():
    due = closing(ANDALUSIA, at(3, 16), 5)
    answered_in_january = at(20, 12, month=1, year=2027)
    # Five working days from Thu 10 Dec end Thu 17 Dec 17:00: closings of 10, 11, 14 to 17 Dec, six after the 14th.
    assert due_after_asking_back(ANDALUSIA, due, at(10, 16, 30), answered_in_january, 5) == at(22, 17)
    assert due_after_asking_back(ANDALUSIA, due, at(14, 17, 1), at(16, 11), 5) == due
    assert pause_length(ANDALUSIA, at(10, 16, 30), at(11, 9, 30), 5).total_seconds() == 3600
    assert closes_at(ANDALUSIA, at(10, 16, 30), 5) == at(24, 17)


def test_a_promise_that_rests_is_owed_later_by_the_closings_that_it_rests_for():
    """Due Thu 10 Dec; from Wed 9 Dec 12:00 it rests until the end of Fri 11 Dec: closings of 9, 10, 11 Dec."""
    assert rests_until(ANDALUSIA, date(2026, 12, 10), at(9, 12), date(2026, 12, 11)) == date(2026, 12, 15)


def test_a_promise_is_broken_twenty_working_days_past_its_day():
    """Past Thu 3 Dec: 4, 9, 10, 11, 14-18, 21-24, 28-31 Dec are 17; 1, 4, 5 Jan are 18 to 20 (1 Jan is none here)."""
    assert broken_at(ANDALUSIA, date(2026, 12, 3), 20) == at(5, 17, month=1, year=2027)


DUE = closing(ANDALUSIA, at(30, 9, month=11), 5)
REMINDED, UNTIL = at(15, 10), at(30, 17)
TWO = (Mailed(lead=True, taken_at=at(15, 10, 1)), Mailed(lead=False, taken_at=at(15, 10, 2)))
FACTS = Facts(
    State.ASKED,
    agreed=True,
    due_at=DUE,
    hours=ANDALUSIA,
    reminder=Reminder(REMINDED, UNTIL, TWO),
    clock_ran_at=at(30, 16, 59),
    clock_ran_before=at(30, 16, 49),
)


def test_silence_accepts_on_the_tenth_working_day_after_the_reminder():
    """Vector 2: reminded Tue 15 Dec 10:00, deemed Wed 30 Dec 17:00, and not a minute before."""
    assert closing(ANDALUSIA, REMINDED, 10) == UNTIL
    assert unmet(FACTS, UNTIL) == []
    assert unmet(FACTS, at(30, 16, 59)) == [Unmet.NOT_OVER]
    assert unmet(replace(FACTS, reminder=None), at(30, 17)) == [Unmet.NO_REMINDER]


def bounced(one, moment):
    return replace(one, bounced_at=moment)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"agreed": False}, Unmet.NOT_AGREED),
        ({"state": State.ANSWERED}, Unmet.NOT_ASKED),  # answered at 16:59
        ({"state": State.COUNTERED}, Unmet.NOT_ASKED),
        ({"state": State.ASKED_BACK_B}, Unmet.NOT_ASKED),
        ({"due_at": at(16, 17)}, Unmet.NOT_DUE),
        ({"reminder": Reminder(REMINDED, at(29, 17), TWO)}, Unmet.TOO_SHORT),
        ({"reminder": Reminder(REMINDED, UNTIL, TWO[:1])}, Unmet.TOO_FEW),
        ({"reminder": Reminder(REMINDED, UNTIL, (TWO[1], TWO[1]))}, Unmet.TOO_FEW),  # no lead
        ({"reminder": Reminder(REMINDED, UNTIL, (TWO[0], bounced(TWO[1], at(20, 9))))}, Unmet.TOO_FEW),
        ({"reminder": Reminder(REMINDED, UNTIL, (TWO[0], Mailed(lead=False)))}, Unmet.TOO_FEW),
        ({"reminder": Reminder(REMINDED, UNTIL, (TWO[0], Mailed(lead=False, taken_at=at(22, 9))))}, Unmet.TOO_FEW),
        ({"replies_by_mail": True}, Unmet.MAILBOX),
        ({"replies_by_mail": True, "mailbox_read_at": at(30, 12)}, Unmet.MAILBOX),
        ({"clock_ran_at": None}, Unmet.CLOCK),
        ({"clock_ran_before": at(30, 15)}, Unmet.CLOCK),
        ({"notice_days": 12}, Unmet.TOO_SHORT),
    ],
)
def test_each_condition_alone_keeps_silence_from_counting(change, why):
    assert unmet(replace(FACTS, **change), UNTIL) == [why]


def test_a_mail_that_bounces_after_the_day_did_arrive_and_a_mailbox_read_after_it_is_enough():
    late = (TWO[0], bounced(TWO[1], at(31, 9)))
    assert unmet(replace(FACTS, reminder=Reminder(REMINDED, UNTIL, late)), at(30, 17)) == []
    assert unmet(replace(FACTS, replies_by_mail=True, mailbox_read_at=at(30, 17)), at(30, 17)) == []


@given(st.data())
def test_nothing_is_deemed_unless_every_condition_held(data):
    """Facts put together at random from good and bad ones: none unmet only where none is bad."""
    bad = {
        "agreed": False,
        "state": State.COUNTERED,
        "due_at": at(16, 17),
        "reminder": Reminder(REMINDED, at(29, 17), TWO),
        "clock_ran_at": None,
        "replies_by_mail": True,
    }
    chosen = data.draw(st.sets(st.sampled_from(sorted(bad))))
    reasons = unmet(replace(FACTS, **{name: bad[name] for name in chosen}), UNTIL)
    assert len(reasons) == len(chosen)
