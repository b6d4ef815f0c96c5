"""The statement of a span: every row adds up, and what is old or late is so by the debtor's own working days."""

from datetime import date, time, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from comity.core.business_hours import Hours, working_days
from comity.core.ledger.accounts import End, Promise
from comity.core.ledger.statement import Flow, age_group, is_whole, kind_order, statement
from comity.core.values import Period, Side
from tests.builders.ledger_values import C, P

JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))
LAST = date(2026, 6, 30)


def calendar_days(side, after, until):  # noqa: ARG001 - as a statement asks
    return max(0, (until - after).days)


def flow(debtor, kind, ended, number, **late):
    return Flow(debtor, kind, ended, Decimal(number), **late)


def test_the_rows_of_the_drawing_add_up():
    """design/9-ledger: Northwind's answers in June: 7 open, 11 taken on, 8 in time, 3 late, 1 withdrawn, 6 open."""
    flows = [
        flow(C, "answer", None, 11),
        flow(C, "answer", End.KEPT, 8),
        flow(C, "answer", End.KEPT, 3, late_by_first=True, late_by_last=True),
        flow(C, "answer", End.WITHDRAWN, 1),
    ]
    made = statement(JUNE, LAST, {(C, "answer"): Decimal(7)}, flows, [], calendar_days)
    (row,) = made.rows
    assert (row.opening, row.taken_on, row.kept_by_last, row.kept_late, row.withdrawn, row.closing) == (
        7,
        11,
        8,
        3,
        1,
        6,
    )
    assert is_whole(row)


def test_vector_5_moved_is_kept_by_the_last_day_and_not_by_the_first():
    """spec/matters.md, vector 5: due 10 Sept, moved on 9 Sept to 17 Sept, done 16 Sept."""
    promise = Promise(
        "1", P, "action", date(2026, 9, 3),
        days=((date(2026, 9, 3), date(2026, 9, 10)), (date(2026, 9, 9), date(2026, 9, 17))), done_on=date(2026, 9, 16),
    )  # fmt: skip
    assert promise.done_on > promise.first_due_on
    assert promise.done_on <= promise.due_on(date(2026, 9, 16))
    assert promise.due_on(date(2026, 9, 8)) == date(2026, 9, 10)
    assert promise.moved == 1
    flows = [flow(P, "action", None, 1), flow(P, "action", End.KEPT, 1, late_by_first=True)]
    (row,) = statement(Period(date(2026, 9, 1), date(2026, 10, 1)), LAST, {}, flows, [], calendar_days).rows
    assert (row.kept, row.kept_by_first, row.kept_by_last, row.kept_late) == (1, 0, 1, 0)


def test_what_is_open_is_grouped_by_working_days_and_late_by_its_last_day():
    """Of 30 June 2026, a Tuesday: 5 working days before is Tue 23, 6 is Mon 22, 21 is Mon 1 June."""
    hours = Hours.weekdays("Europe/Madrid", *_OFFICE)

    def count(side, after, until):  # noqa: ARG001 - both sides work alike here
        return working_days(hours, after, until)

    opened = [date(2026, 6, 23), date(2026, 6, 22), date(2026, 6, 16), date(2026, 6, 15), date(2026, 6, 1)]
    promises = [Promise(str(day), P, "action", day, days=((day, day + timedelta(days=1)),)) for day in opened]
    promises.append(Promise("no day", P, "action", date(2026, 6, 29)))
    (row,) = statement(JUNE, LAST, {(P, "action"): Decimal(6)}, [], promises, count).rows
    assert row.ages == (2, 2, 1, 1)
    assert row.oldest_days == 21
    assert (row.late, row.long_late) == (5, 0)


_OFFICE = (time(9), time(17))


def test_a_promise_counts_as_broken_over_20_working_days_past_its_day():
    def due(days):
        return Promise(
            str(days), P, "action", date(2026, 1, 1), days=((date(2026, 1, 1), LAST - timedelta(days=days)),)
        )

    (row,) = statement(JUNE, LAST, {(P, "action"): Decimal(2)}, [], [due(20), due(21)], calendar_days).rows
    assert (row.late, row.long_late) == (2, 1)


def test_sides_and_kinds_stand_apart_in_their_order():
    opening = {
        (P, "EUR"): Decimal("0.10"),
        (P, "answer"): Decimal(1),
        (C, "action"): Decimal(1),
        (C, "answer"): Decimal(0),
    }
    made = statement(JUNE, LAST, opening, [], [], calendar_days)
    assert [(row.debtor, row.kind) for row in made.rows] == [(C, "action"), (P, "answer"), (P, "EUR")]
    assert made.kinds == ("answer", "action", "EUR")
    assert sorted(["GBP", "EUR", "decision", "answer"], key=kind_order) == ["answer", "decision", "EUR", "GBP"]


FLOWS = st.lists(
    st.builds(
        flow,
        st.sampled_from(Side),
        st.sampled_from(["answer", "action"]),
        st.none() | st.sampled_from(End),
        st.integers(-3, 9),
        late_by_first=st.booleans(),
        late_by_last=st.booleans(),
    ),
    max_size=20,
)


@given(
    FLOWS, st.dictionaries(st.tuples(st.sampled_from(Side), st.sampled_from(["answer", "action"])), st.integers(0, 9))
)
def test_every_row_adds_up_and_two_spans_close_as_one(flows, opening):
    opening = {key: Decimal(number) for key, number in opening.items()}
    whole = statement(JUNE, LAST, opening, flows, [], calendar_days)
    assert all(is_whole(row) for row in whole.rows)
    half = len(flows) // 2
    first = statement(JUNE, LAST, opening, flows[:half], [], calendar_days)
    between = {(row.debtor, row.kind): row.closing for row in first.rows}
    second = statement(JUNE, LAST, between, flows[half:], [], calendar_days)
    closing = {(row.debtor, row.kind): row.closing for row in whole.rows if row.closing}
    assert {(row.debtor, row.kind): row.closing for row in second.rows if row.closing} == closing


def test_ages_are_grouped_as_the_specification_has_them():
    assert [age_group(days) for days in (0, 5, 6, 10, 11, 20, 21)] == [0, 0, 1, 1, 2, 2, 3]
