"""Vector 8: 14 July, locked 2,000, offered 3,300, band .10, nothing told."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.transitions import State
from comity.core.matters.untold import DayVolume, Explained, Said, to_ask, told_range

DAY = date(2026, 7, 14)
VECTOR = DayVolume(DAY, "billing", 2000, 3300, 0.10)


def test_vector_8_the_day_is_asked_about_and_the_count_of_told_is_a_range():
    assert to_ask([VECTOR], []) == [VECTOR]
    assert told_range([Said(told=False, state=State.DECLINED)]) == (0, 1, 1)  # "no", and "you had": both stand
    assert told_range([Said(told=False, state=State.ANSWERED)]) == (0, 0, 1)  # "no", and "right"
    assert told_range([Said(told=True), Said(told=None)]) == (1, 1, 1)


@pytest.mark.parametrize(("offered", "asked"), [(2200, False), (2201, True), (1800, False), (1799, True)])
def test_the_band_is_within_both_ways(offered, asked):
    assert bool(to_ask([DayVolume(DAY, "billing", 2000, offered, 0.10)], [])) is asked


@pytest.mark.parametrize(
    ("explained", "asked"),
    [
        (Explained(DAY, DAY), False),
        (Explained(date(2026, 7, 1), None, frozenset({"billing"})), False),
        (Explained(DAY, DAY, frozenset({"sales"})), True),
        (Explained(date(2026, 7, 13), date(2026, 7, 13)), True),
        (Explained(date(2026, 7, 15), None), True),
    ],
)
def test_an_event_item_or_change_over_the_day_and_queue_says_why(explained, asked):
    assert bool(to_ask([VECTOR], [explained])) is asked


def test_a_day_without_a_locked_forecast_is_not_asked_about():
    assert to_ask([DayVolume(DAY, "billing", 0, 50, 0.1)], []) == []


_SAID = st.builds(Said, st.sampled_from([True, False, None]), st.sampled_from([None, State.DECLINED, State.ASKED]))


@given(st.lists(_SAID))
def test_the_range_is_one_and_no_answer_is_no_word(said):
    least, most, answered = told_range(said)
    assert 0 <= least <= most <= answered <= len(said)
    assert told_range([*said, Said(told=None)]) == (least, most, answered)
