"""What is remembered of an expression is its SQL and nothing else: a changed literal, column or table is compiled."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import duckdb
import ibis
import ibis.expr.operations as ops
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ibis import _
from ibis.backends.duckdb import Backend

from comity.book.reading.open import open_book
from comity.book.storage import compiled_sql
from comity.book.storage.compiled_sql import BookEngine, scratch_name, structure_of
from comity.review.build import build_review
from tests.builders.review_books import KPI, two_months
from tests.cast import CUSTOMER, JOINT

NOW = datetime(2026, 9, 1, tzinfo=UTC)
ROWS = pa.table({"queue": ["a", "a", "b"], "wait": [1.0, -0.0, None], "day": [date(2026, 5, 4)] * 3})


def new_engine(rows=ROWS, name="contacts"):
    con = duckdb.connect()
    con.register("given_rows", rows)
    con.execute(f"CREATE TABLE {name} AS FROM given_rows")
    return BookEngine.from_connection(con)


@pytest.fixture
def compiled(monkeypatch):
    """What Ibis itself was asked to compile, in order; nothing is remembered when a test begins."""
    monkeypatch.setattr(compiled_sql, "_statements", compiled_sql._Statements())
    asked = []
    really = Backend.compile

    def compile_(self, expr, /, **options):
        asked.append(expr)
        return really(self, expr, **options)

    monkeypatch.setattr(Backend, "compile", compile_)
    return asked


# Two literals that Python or Ibis takes for equal, or nearly, and that are different questions.
PAIRS = [
    (0.0, -0.0),
    (1, True),
    (1, 1.0),
    (20, 21),
    ("a", "A"),
    ("", None),
    (Decimal("1.0"), Decimal("1.01")),
    (date(2026, 5, 1), datetime(2026, 5, 1)),  # noqa: DTZ001 - a moment without a zone is the point
    (
        datetime(2026, 5, 1, 2, tzinfo=ZoneInfo("Europe/Madrid")),
        datetime(2026, 5, 1, tzinfo=UTC),
    ),
    (timedelta(seconds=20), timedelta(seconds=21)),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_another_literal_is_another_structure(one, other):
    table = ibis.table({"queue": "string", "wait": "float64"}, name="contacts")
    structures = [structure_of(table.mutate(limit=ibis.literal(value))) for value in (one, other, one)]
    assert structures[0] == structures[2] != structures[1]
    assert None not in structures


@pytest.mark.parametrize(
    "changed",
    [
        ibis.table({"queue": "string", "wait": "float64"}, name="intervals"),
        ibis.table({"queue": "string", "wait": "float32"}, name="contacts"),
        ibis.table({"wait": "float64", "queue": "string"}, name="contacts"),
        ibis.table({"queue": "string", "wait": "float64", "team": "string"}, name="contacts"),
    ],
    ids=["another name", "another type", "another order", "another column"],
)
def test_another_table_is_another_structure(changed):
    table = ibis.table({"queue": "string", "wait": "float64"}, name="contacts")
    assert structure_of(changed.filter(_.wait > 1)) != structure_of(table.filter(_.wait > 1))


def test_a_table_joined_with_itself_is_told_from_one_that_is_joined_with_another():
    table = ibis.table({"queue": "string", "wait": "float64"}, name="contacts")
    again = table.view()
    both = table.inner_join(again, table.queue == again.queue).select(table.wait, more=again.wait)
    only = table.inner_join(again, table.queue == again.queue).select(table.wait, more=table.wait)
    assert structure_of(both) != structure_of(only)


def test_equal_structures_are_compiled_once_whichever_book_they_are_asked_of(compiled):
    first = new_engine()
    other = new_engine(pa.table({"queue": ["a"], "wait": [7.0], "day": [date(2026, 6, 1)]}))
    answers = [
        engine.table("contacts").group_by("queue").aggregate(wait=_.wait.sum()).order_by("queue").to_pyarrow()
        for engine in (first, other)
    ]
    assert [answer.to_pylist() for answer in answers] == [
        [{"queue": "a", "wait": 1.0}, {"queue": "b", "wait": None}],
        [{"queue": "a", "wait": 7.0}],
    ]
    assert len(compiled) == 1


def test_passing_tables_are_told_apart_by_where_they_stand(compiled):
    """Asked with three tables in memory, then with three others, and then with one of them in two places."""
    engine = new_engine()

    def asked(one, two):
        name = scratch_name()
        engine.con.execute(f"CREATE TABLE {name} AS SELECT 'a' AS queue, {one} AS n")
        return one_of(one).union(one_of(two)).union(engine.table(name)).n.sum().to_pyarrow().as_py()

    def one_of(number):
        return ibis.memtable(pa.table({"queue": ["a"], "n": pa.array([number], pa.int32())}))

    assert asked(1, 20) == 1 + 20 + 1
    before = len(compiled)
    assert asked(300, 4000) == 300 + 4000 + 300
    assert len(compiled) == before
    twice = one_of(50_000)
    assert twice.union(twice).n.sum().to_pyarrow().as_py() == 100_000


def test_what_is_written_like_a_passing_name_is_left_alone(compiled):
    """A queue named like a table that was passing when the statement was first compiled."""
    engine = new_engine()
    text = scratch_name()

    def asked():
        name = scratch_name()
        engine.con.execute(f"CREATE TABLE {name} AS SELECT '{text}' AS queue")
        table = engine.table(name)
        return table.filter(table.queue == text).count().name("n").to_pyarrow().as_py()

    assert [asked(), asked()] == [1, 1]
    assert len(compiled) == 1


def test_what_is_not_known_here_is_compiled_each_time(compiled):
    engine = new_engine()
    asked = ops.SQLQueryResult("SELECT 1 AS n", ibis.schema({"n": "int32"}), engine).to_expr()
    assert structure_of(asked) is None
    assert [asked.to_pyarrow().to_pylist() for _again in range(2)] == [[{"n": 1}]] * 2
    assert len(compiled) == 2


def test_what_was_used_last_is_kept(monkeypatch, compiled):
    monkeypatch.setattr(compiled_sql, "MOST", 2)
    engine = new_engine()
    table = engine.table("contacts")
    for limit in (1, 2, 1, 3, 1, 2):  # 3 takes the place of 2, and 2 then that of 3
        engine.compile(table.filter(table.wait > limit))
    assert len(compiled) == 4


numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.0, -0.0, 0.5, 1.0]))
steps = st.lists(
    st.one_of(
        st.tuples(st.just("longer"), numbers),
        st.tuples(st.just("more"), numbers),
        st.tuples(st.just("among"), st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3)),
        st.tuples(st.just("joined"), st.lists(st.sampled_from(["a", "b"]), max_size=2)),
        st.tuples(st.just("ranked"), st.booleans()),
        st.tuples(st.just("summed"), st.sampled_from(["sum", "mean", "count", "std"])),
    ),
    max_size=4,
)


def built(table, taken):
    """An expression made by these steps."""
    for step, value in taken:
        if step == "longer":
            table = table.filter(table.wait > value)
        elif step == "more":
            table = table.mutate(wait=table.wait + value)
        elif step == "among":
            table = table.filter(table.queue.isin(value))
        elif step == "joined":
            known = ibis.memtable(pa.table({"queue": pa.array(value, pa.string())}))
            table = table.semi_join(known, "queue")
        elif step == "ranked":
            order = table.wait.desc() if value else table.wait
            place = ibis.row_number().over(group_by="queue", order_by=[order, "day"])
            table = table.mutate(wait=place.cast("float64"))
        else:
            summed = getattr(table.wait, value)().cast("float64")
            table = table.group_by("queue", "day").aggregate(wait=summed)
    return table


@pytest.fixture(scope="module")
def one_engine():
    return new_engine()


@given(programs=st.lists(steps, min_size=2, max_size=3))
def test_the_sql_is_what_ibis_compiles(one_engine, programs):
    """Whatever was compiled before it, and each asked twice: its tables in memory are others then."""
    engine = one_engine
    for taken in programs * 2:
        expr = built(engine.table("contacts"), taken)
        assert engine.compile(expr) == Backend.compile(engine, expr)


MEAN = '[[kpi]]\nid = "csat"\nformula = "mean"\ntarget = 4\n'
SURVEYS = "response_id,audience,respondent_id,answered_on,instrument,scale_min,scale_max,score\n" + "".join(
    f"r{month}-{number},customer,p{number},2026-{month:02}-{number % 28 + 1:02},csat,1,5,{(number + month) % 5 + 1}\n"
    for month in (5, 6)
    for number in range(40)
)


@pytest.mark.gate
def test_reviews_ask_what_ibis_compiles(tmp_path, monkeypatch, compiled):
    """Of two books, by two viewers, under two limits; each review twice, the second time as it is remembered."""
    really = BookEngine.compile
    asked = []

    def compile_(self, expr, /, **options):
        asked.append(really(self, expr, **options))
        assert asked[-1] == super(BookEngine, self).compile(expr, **options)
        return asked[-1]

    monkeypatch.setattr(BookEngine, "compile", compile_)
    books = [
        two_months(tmp_path / f"{limit}", KPI.replace("= 20", f"= {limit}") + MEAN, surveys=SURVEYS)
        for limit in (20, 60)
    ]  # fmt: skip
    figures = []
    for book in books * 2:
        for viewer in (JOINT, CUSTOMER):
            with open_book(book, viewer) as opened:
                review = build_review(opened, now=NOW)
            figures.append((review.digest, *[level.value for level in review.levels]))
    assert figures[4:] == figures[:4]
    assert figures[0][1:] != figures[2][1:]  # eight in ten within 20 s, all within 60 s
    assert len(compiled) - len(asked) < len(asked) / 2  # the rest is what this test compiled to compare
