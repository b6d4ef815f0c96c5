"""Time bars: thirty days from the event or from knowing of it, marked or barred."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.time_bars import Late, Passed, Said, Since, TimeBar, lateness, passed, time_bar
from comity.core.matters.transitions import Move

EVENT, AWARE = date(2026, 6, 1), date(2026, 6, 10)


@pytest.mark.parametrize(
    ("bar", "raised_on", "expected"),
    [
        (TimeBar(30), date(2026, 7, 1), None),  # 1 June and 30 days
        (TimeBar(30), date(2026, 7, 2), Late.MARKED),
        (TimeBar(30, late=Late.BARRED), date(2026, 7, 2), Late.BARRED),
        (TimeBar(30, Since.AWARE), date(2026, 7, 10), None),  # 10 June and 30 days
        (TimeBar(30, Since.AWARE, Late.BARRED), date(2026, 7, 11), Late.BARRED),
    ],
)
def test_a_matter_is_late_the_day_after_its_days_are_over(bar, raised_on, expected):
    assert lateness(bar, raised_on, EVENT, AWARE) is expected


def test_nothing_is_barred_by_a_day_that_nobody_named():
    assert lateness(TimeBar(0, late=Late.BARRED), date(2030, 1, 1), None, AWARE) is None
    assert lateness(TimeBar(0, Since.AWARE, Late.BARRED), date(2030, 1, 1), None, None) is None
    assert lateness(TimeBar(0, Since.AWARE, Late.BARRED), date(2030, 1, 1), EVENT, None) is Late.BARRED


def test_a_clause_says_it_by_kind_with_its_defaults():
    rows = [{"matter": "claim", "days": "30"}, {"matter": "need", "days": 5, "from": "aware_on", "late": "barred"}]
    assert time_bar(rows, "claim") == TimeBar(30, Since.EVENT, Late.MARKED)
    assert time_bar(rows, "need") == TimeBar(5, Since.AWARE, Late.BARRED)
    assert (time_bar(rows, "dispute"), time_bar(None, "claim")) == (None, None)


@given(st.integers(0, 400), st.integers(0, 500))
def test_later_is_never_less_late(days, after):
    bar = TimeBar(days)
    on = EVENT + timedelta(days=after)
    assert (lateness(bar, on, EVENT, None) is None) == (after <= days)


def test_what_has_to_be_a_formal_notice_is_in_time_only_as_one():
    bar = time_bar([{"matter": "claim", "days": 30, "given_as": "formal_notice", "late": "barred"}], "claim")
    assert lateness(bar, EVENT, EVENT, None) is Late.BARRED
    assert lateness(bar, date(2026, 7, 1), EVENT, None, formal=True) is None
    assert lateness(bar, date(2026, 7, 2), EVENT, None, formal=True) is Late.BARRED
    assert not time_bar([{"matter": "claim", "days": 30, "given_as": "matter"}], "claim").formal


RECEIVED = datetime(2026, 7, 1, 9, tzinfo=UTC)
LAST = datetime(2026, 7, 15, 9, tzinfo=UTC)  # 1 July and 14 days


@pytest.mark.parametrize(
    ("said", "now", "expected"),
    [
        ([], LAST, Passed.OPEN),
        ([], LAST + timedelta(seconds=1), Passed.LET_PASS),
        ([Said(LAST, Move.OBJECT, objects=True)], LAST, Passed.OBJECTED),
        ([Said(LAST + timedelta(seconds=1), Move.OBJECT, objects=True)], LAST + timedelta(days=1), Passed.LET_PASS),
        # With the first answer, and not after it.
        ([Said(RECEIVED, Move.DECLINE, objects=True)], RECEIVED, Passed.OBJECTED),
        ([Said(RECEIVED, Move.DECLINE), Said(RECEIVED, Move.OBJECT, objects=True)], RECEIVED, Passed.LET_PASS),
        # What is no answer lets nothing pass; nor does an answer that gives no right up.
        ([Said(RECEIVED, Move.ACKNOWLEDGE), Said(RECEIVED, Move.ASK_BACK)], RECEIVED, Passed.OPEN),
        ([Said(RECEIVED, Move.AGREE, mark="under_reserve")], LAST, Passed.OPEN),
        ([Said(RECEIVED, Move.AGREE, mark="under_reserve")], LAST + timedelta(days=1), Passed.LET_PASS),
        ([Said(RECEIVED, Move.AGREE, mark="without_prejudice")], RECEIVED, Passed.LET_PASS),
    ],
)
def test_lateness_is_let_pass_with_the_first_answer_or_after_fourteen_days(said, now, expected):
    assert passed(RECEIVED, said, now) is expected


@given(st.integers(0, 30), st.integers(0, 30), st.booleans())
def test_what_was_objected_to_or_let_pass_stays_so(days, later, objects):
    said = [Said(RECEIVED + timedelta(days=days), Move.OBJECT, objects=objects)]
    first = passed(RECEIVED, said, RECEIVED + timedelta(days=days))
    if first is not Passed.OPEN:
        assert passed(RECEIVED, said, RECEIVED + timedelta(days=days + later)) is first
