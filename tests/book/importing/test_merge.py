"""How a delivery is compared with the rows that are there: by hashing, however many both are."""

from contextlib import contextmanager

import pytest

from comity.book.importing import deliver as importing
from tests.builders.deliveries import counts, deliver, line
from tests.cast import write_book

pytestmark = pytest.mark.gate


class Explaining:
    """A connection that keeps the plan of whatever is copied out of it."""

    def __init__(self, con, plans):
        self._con, self._plans = con, plans

    def execute(self, sql, *rest):
        if sql.startswith("COPY ("):
            inner = sql.removeprefix("COPY ").rpartition(" TO ")[0]
            self._plans.append(self._con.execute(f"EXPLAIN {inner}").fetchall()[0][1])
        return self._con.execute(sql, *rest)

    def __getattr__(self, name):
        return getattr(self._con, name)


def test_no_plan_of_a_second_delivery_compares_every_row_with_every_row(tmp_path, monkeypatch):
    """A nested loop took a minute for 50,000 rows against as many, and four times that for twice as many."""
    book, plans, engine = write_book(tmp_path / "book"), [], importing.work_engine
    deliver(book, "first.csv", [line(number) for number in range(50)], day=1)

    @contextmanager
    def explaining():
        with engine() as (con, work):
            yield Explaining(con, plans), work

    monkeypatch.setattr(importing, "work_engine", explaining)
    outcome = deliver(book, "second.csv", [line(number) for number in range(25, 75)], day=2)
    assert counts(outcome) == (25, 25, 0, 0, 0)
    assert any("HASH_JOIN" in plan for plan in plans)
    assert [plan for plan in plans if "NL_JOIN" in plan or "NESTED_LOOP" in plan or "CROSS_PRODUCT" in plan] == []
