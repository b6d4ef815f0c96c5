"""What the cells of an interval say of its length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.book.mappings.stated_length import stated_minutes

pytestmark = pytest.mark.gate


@pytest.mark.parametrize(
    ("cell", "minutes"),
    [
        ("09:00 - 09:15", 15),
        ("09:00-09:14", 15),
        ("11:30 PM - 12:00 AM", 30),
        ("9:00 bis 9:30 Uhr", 30),
        ("de 09:00 a 10:00", 60),
        ("23:30–00:00", 30),  # noqa: RUF001 - as people write
        ("09:00:00 - 09:29:59", 30),
        ("09:00", None),
        ("09:00 - 09:07", None),
        ("", None),
    ],
)
def test_an_interval_with_both_its_ends_says_how_long_it_is(cell, minutes):
    assert stated_minutes([cell]) == minutes


def test_cells_that_disagree_say_nothing():
    assert stated_minutes(["09:00 - 09:15", "09:15 - 09:45"]) is None


@given(
    start=st.integers(0, 1439),
    length=st.sampled_from([5, 10, 15, 20, 30, 60, 120, 240]),
    inclusive=st.booleans(),
    half_days=st.booleans(),
)
def test_whatever_the_clock_and_whether_the_end_belongs_to_it(start, length, inclusive, half_days):
    def spelt(minute: int) -> str:
        hour, rest = divmod(minute % 1440, 60)
        return f"{(hour + 11) % 12 + 1}:{rest:02} {'AP'[hour >= 12]}M" if half_days else f"{hour:02}:{rest:02}"

    assert stated_minutes([f"{spelt(start)} - {spelt(start + length - inclusive)}"]) == length
