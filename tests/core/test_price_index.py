"""The agreed index over months that were published, months in a gap, and months beyond an end."""

import csv
import math
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.price_index import PriceIndex


def month(year: int, number: int) -> date:
    return date(year, number, 1)


def test_a_published_month_is_taken_as_it_is() -> None:
    assert PriceIndex({month(2026, 1): 100.0}).at(date(2026, 1, 17)) == 100


def test_a_gap_is_bridged_at_a_constant_rate() -> None:
    """From 100 over two months that nobody published to 133.1: 10 % a month."""
    index = PriceIndex({month(2025, 11): 100.0, month(2026, 2): 133.1})
    assert index.at(month(2025, 12)) == pytest.approx(110)
    assert index.at(month(2026, 1)) == pytest.approx(121)


@pytest.mark.parametrize("beyond", [month(2025, 10), month(2026, 3)])
def test_a_month_beyond_an_end_is_not_guessed(beyond: date) -> None:
    index = PriceIndex({month(2025, 11): 100.0, month(2026, 2): 133.1})
    assert index.at(beyond) is None
    assert index.mean([month(2026, 1), beyond]) is None
    assert index.growth([month(2026, 1)], [beyond]) is None
    assert index.growth([beyond], [month(2026, 1)]) is None


def test_an_empty_index_gives_none() -> None:
    assert PriceIndex({}).growth([month(2026, 1)], [month(2026, 2)]) is None


def test_growth_is_of_means_over_the_periods() -> None:
    """(110 + 121) / (100 + 110) - 1 = 0.1."""
    index = PriceIndex({month(2026, 1): 100.0, month(2026, 2): 110.0, month(2026, 3): 121.0})
    assert index.growth([month(2026, 1), month(2026, 2)], [month(2026, 2), month(2026, 3)]) == pytest.approx(0.1)


@given(
    st.dictionaries(
        st.dates(date(1950, 1, 1), date(2050, 1, 1)).map(lambda day: day.replace(day=1)),
        st.floats(1e-3, 1e6),
        min_size=2,
    )
)
def test_interpolation_is_bounded_and_growth_is_invertible(published: dict[date, float]) -> None:
    index = PriceIndex(published)
    first, last = sorted(published)[:2]
    between = date(first.year + (last.year - first.year) // 2, first.month if last.year - first.year > 1 else 1, 1)
    if first < between < last:
        low, high = sorted((published[first], published[last]))
        assert low * (1 - 1e-9) <= index.at(between) <= high * (1 + 1e-9)
    there, back = index.growth([first], [last]), index.growth([last], [first])
    assert (1 + there) * (1 + back) == pytest.approx(1)


@pytest.mark.shared
def test_the_us_index_of_october_2025_that_was_never_published(shared: Path) -> None:
    """By hand: sqrt(324.8 * 324.122) = 324.46082 between September and November; the fourth quarter's mean is
    (324.46082 + 324.122 + 324.054) / 3 = 324.21227, the third's (323.048 + 323.976 + 324.8) / 3 = 323.94133.
    """
    with (shared / "data" / "price_indices" / "us_cpi_u_monthly.csv").open(encoding="utf-8") as file:
        index = PriceIndex({date.fromisoformat(row["Date"]): float(row["Index"]) for row in csv.DictReader(file)})
    assert index.at(month(2025, 10)) == pytest.approx(324.46082, abs=5e-6)
    third, fourth = ([month(2025, number) for number in quarter] for quarter in ((7, 8, 9), (10, 11, 12)))
    assert index.growth(third, fourth) == pytest.approx(324.21227 / 323.94133 - 1, abs=1e-7)
    assert math.isclose(index.at(month(1913, 1)), 9.8)
    assert index.at(month(2026, 6)) is None
