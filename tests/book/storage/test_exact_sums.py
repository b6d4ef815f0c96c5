"""Sums of floats in the engine are the same in every order of rows."""

import math
import random

import ibis
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.storage import exact_sums
from tests.builders.examples import examples

# As records have them: seconds, money and quantities of up to six places.
VALUES = st.integers(-(10**12), 10**12).map(lambda whole: whole / 1e6)
SUMS = {"s": lambda t: t.x.sum(), "m": lambda t: t.x.mean(), "d": lambda t: t.x.std()}


@pytest.fixture(scope="module")
def engine():
    con = ibis.duckdb.connect()
    con.compiler = exact_sums.compiler
    return con


def aggregated(engine, values, **sums):
    table = ibis.memtable(pa.table({"x": pa.array(values, pa.float64())}))
    aggregates = {name: make(table) for name, make in (sums or SUMS).items()}
    return engine.to_pyarrow(table.aggregate(**aggregates)).to_pylist()[0]


@settings(max_examples=examples(25), deadline=None)
@given(values=st.lists(VALUES, min_size=1, max_size=60), chance=st.randoms(use_true_random=False))
def test_no_order_of_rows_changes_a_sum_a_mean_or_a_deviation(engine, values, chance):
    shuffled = list(values)
    chance.shuffle(shuffled)
    assert aggregated(engine, shuffled) == aggregated(engine, values)
    assert aggregated(engine, values)["s"] == pytest.approx(math.fsum(values), rel=1e-15, abs=1e-12)


def test_a_sum_of_tenths_is_what_it_is_by_hand(engine):
    """One tenth ten times is 1, which a sum of binary fractions in turn is not."""
    in_turn = 0.0
    for _ in range(10):
        in_turn += 0.1
    assert in_turn != 1.0
    assert aggregated(engine, [0.1] * 10)["s"] == 1.0


def test_mean_and_deviation_are_those_of_the_textbook(engine):
    """2, 4, 4, 4, 5, 5, 7, 9: mean 5, deviation 2 of the population, and variance 32/7 of the sample."""
    rows = [2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]
    found = aggregated(
        engine, rows, m=lambda t: t.x.mean(), p=lambda t: t.x.std(how="pop"), v=lambda t: t.x.var(how="sample")
    )
    assert found == {"m": 5.0, "p": 2.0, "v": pytest.approx(32 / 7)}


def test_what_is_not_there_counts_nothing_and_nothing_at_all_is_no_sum(engine):
    assert aggregated(engine, [1.5, None, 2.5])["s"] == 4.0
    assert aggregated(engine, [1.5, None, 2.5])["m"] == 2.0
    assert aggregated(engine, [None]) == {"s": None, "m": None, "d": None}
    assert aggregated(engine, [3.0])["d"] is None
    assert aggregated(engine, [1.0, 2.0, 4.0], s=lambda t: t.x.sum(where=t.x < 3))["s"] == 3.0


def test_what_is_too_large_for_a_decimal_is_summed_and_never_left_out(engine):
    """One side's absurd row must neither stop the other side's review nor vanish from a sum."""
    only = {"s": SUMS["s"]}
    assert aggregated(engine, [1e300, 1.0], **only)["s"] == 1e300
    assert aggregated(engine, [9e12] * 3, **only)["s"] == 2.7e13
    assert math.isinf(aggregated(engine, [math.inf, 1.0], **only)["s"])


def test_many_rows_on_several_threads_give_the_same_digits(engine):
    chance = random.Random(7)
    rows = [round(chance.uniform(0, 900), 3) for _ in range(300_000)]
    found = {aggregated(engine, rows, s=SUMS["s"])["s"] for _ in range(3)}
    assert len(found) == 1
    assert found.pop() == pytest.approx(math.fsum(rows), rel=1e-15)
