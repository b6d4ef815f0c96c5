"""Time bars: thirty days from the event or from knowing of it, marked or barred."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.time_bars import Late, Since, TimeBar, lateness, time_bar

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
