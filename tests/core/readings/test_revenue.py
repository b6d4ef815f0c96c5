"""Reading of revenue, from sums that a reader can check by hand."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.readings import revenue
from comity.core.readings.revenue import Stats

NOTHING = Stats(
    before=1000.0,
    after=1000.0,
    volume=0.0,
    expansion=0.0,
    contraction=0.0,
    arrival=0.0,
    departure=0.0,
    prices=0.0,
    inflation=0.0,
    calendar=0.0,
    adjustments=0.0,
)


WITHIN_OTHERS = {"inflation", "redefined", "lumps_up", "lumps_down"}


def grown(**terms: float) -> Stats:
    """1000 and what the terms add to it (inflation and lump sums are parts of prices)."""
    rise = sum(value for name, value in terms.items() if name not in WITHIN_OTHERS)
    return replace(NOTHING, after=1000.0 + rise, **terms)


def test_half_a_percent_is_material() -> None:
    assert revenue.read(NOTHING).material == 5
    assert revenue.read(grown(volume=4.99)).verdict == "steady"
    assert revenue.read(grown(volume=5.0)).verdict == "genuine"


def test_money_has_no_sampling_error() -> None:
    reading = revenue.read(grown(volume=5.0))
    assert (reading.headline.se, reading.like_for_like.se, reading.gap.se, reading.z) == (0, 0, 0, None)
    assert revenue.read(grown(volume=5.0), alpha=1e-6) == reading


@pytest.mark.parametrize(
    ("terms", "verdict", "cause"),
    [
        ({"volume": 60.0}, "genuine", None),
        ({"prices": 60.0}, "illusory", "price"),
        ({"prices": 60.0, "inflation": 40.0}, "illusory", "inflation"),
        ({"calendar": 30.0, "prices": 20.0, "inflation": 20.0}, "illusory", "calendar"),
        ({"volume": -60.0, "prices": 60.0}, "masked", "price"),
        ({"volume": -60.0, "adjustments": 90.0}, "reversed", "adjustments"),
        ({"volume": 20.0, "prices": 40.0}, "overstated", "price"),
        ({"arrival": 60.0, "prices": -40.0}, "understated", "price"),
        ({"arrival": 60.0, "departure": -58.0, "adjustments": 1.0}, "steady", None),
    ],
)
def test_the_verdict_and_its_cause(terms: dict[str, float], verdict: str, cause: str | None) -> None:
    reading = revenue.read(grown(**terms))
    assert (reading.verdict, reading.cause, reading.would_be) == (verdict, cause, None)


def test_a_rise_that_prices_made_is_told_apart_from_one_that_was_bought() -> None:
    """Of 100 more, 70 are prices (50 of them inflation) and 30 new services: overstated by inflation."""
    reading = revenue.read(grown(expansion=30.0, prices=70.0, inflation=50.0))
    assert reading.headline.change == 100
    assert reading.like_for_like.change == 30
    assert [(part.id, part.value) for part in reading.parts if part.value] == [
        ("expansion", 30.0),
        ("inflation", 50.0),
        ("price", 20.0),
    ]
    assert (reading.verdict, reading.cause) == ("overstated", "inflation")


def test_the_part_of_those_who_were_there_before() -> None:
    """Without those who are new and without those who came back."""
    assert revenue.read(grown(volume=10.0, arrival=25.0, returned=5.0)).also["existing"] == 10


def test_nothing_invoiced_before_is_unclear() -> None:
    for before in (0.0, -20.0):
        reading = revenue.read(replace(NOTHING, before=before, after=1000.0, arrival=1000.0))
        assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "revenue", None)
        assert reading.material == 0


def test_redefined_cells_that_decide_the_verdict_make_it_unclear_and_are_named() -> None:
    renamed = replace(
        grown(expansion=60.0, redefined=60.0),
        redefined_cells=(("a", "new name"), ("a", "old name")),
        redefined_count=2,
    )
    reading = revenue.read(renamed)
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "redefined", "genuine")
    assert reading.also["redefined"] == ["a / new name", "a / old name"]
    assert reading.also["without_redefined"] == 0


def test_redefined_cells_that_decide_nothing_are_not_named() -> None:
    reading = revenue.read(replace(grown(volume=60.0, redefined=1.0), redefined_cells=(("a", "s"),), redefined_count=1))
    assert (reading.verdict, reading.would_be) == ("genuine", None)
    assert "redefined" not in reading.also


def test_a_growing_lump_sum_may_be_price_or_volume_and_is_unclear() -> None:
    """60 more for the same "one" of a service: prices, or more of it; nobody can tell from the invoice."""
    reading = revenue.read(grown(prices=60.0, lumps_up=60.0))
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "lump_sum", "illusory")
    assert (reading.also["lump_sums"], reading.also["with_lump_sums"]) == (60, 60)


@pytest.mark.parametrize("lumps", [{"lumps_up": 2.0}, {"lumps_up": 2.0, "lumps_down": -2.0}, {}])
def test_lump_sums_that_decide_nothing_leave_the_verdict(lumps: dict[str, float]) -> None:
    """Of 60 that prices made, 2 by lump sums: were they volume, it would be just as illusory."""
    reading = revenue.read(grown(prices=60.0, **lumps))
    assert (reading.verdict, reading.cause, reading.would_be) == ("illusory", "price", None)
    assert "lump_sums" not in reading.also


def test_an_indexed_lump_sum_is_inflation() -> None:
    """What the agreed index gives is no riddle: nothing is left beyond it."""
    assert revenue.read(grown(prices=60.0, inflation=60.0)).cause == "inflation"


def test_lump_sums_that_rose_and_fell_do_not_cancel() -> None:
    """60 up and 60 down, and 60 by prices of what is counted: the two may be volume each by itself."""
    reading = revenue.read(grown(prices=60.0, lumps_up=60.0, lumps_down=-60.0))
    assert (reading.verdict, reading.cause) == ("unclear", "lump_sum")


TERM = st.floats(-200, 200)


@given(TERM, TERM, TERM, st.floats(0, 200), st.floats(-200, 0), st.floats(0, 1), st.floats(0, 1))
def test_what_is_said_holds_whatever_share_of_the_lump_sums_was_volume(
    volume: float, prices: float, inflation: float, up: float, down: float, of_up: float, of_down: float
) -> None:
    """A verdict that is given is the one that the truth gives, in which some of each lump sum's change was volume."""
    known = grown(volume=volume, prices=prices + inflation + up + down, inflation=inflation)
    told = revenue.read(replace(known, lumps_up=up, lumps_down=down))
    if told.verdict != "unclear":
        moved = of_up * up + of_down * down
        truth = replace(known, volume=volume + moved, prices=known.prices - moved)
        assert revenue.read(truth).verdict == told.verdict


AMOUNT = st.floats(-1e9, 1e9).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(
    st.fixed_dictionaries(
        dict.fromkeys(
            (
                "volume",
                "expansion",
                "contraction",
                "arrival",
                "returned",
                "departure",
                "prices",
                "inflation",
                "calendar",
                "adjustments",
            ),
            AMOUNT,
        )
    ),
    st.floats(-1e-5, 1e-5),
)
def test_parts_add_up_even_when_an_engine_errs_in_the_last_digits(terms: dict[str, float], noise: float) -> None:
    rise = sum(value for name, value in terms.items() if name != "inflation")
    reading = revenue.read(replace(NOTHING, after=1000.0 + rise + noise, **terms))
    values = [part.value for part in reading.parts]
    assert abs(sum(values) - reading.headline.change) <= 1e-9 * sum(abs(value) for value in values)
    own = sum(part.value for part in reading.parts if part.like_for_like)
    assert reading.like_for_like.change == pytest.approx(own, abs=1e-6)
