"""Postings as differences of positions: double entry by construction, and the specification's vector 5 as positions."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.ledger import accounts, invariants, journal, postings, recorded, statement
from comity.core.ledger.accounts import Account, Amount, End, Line, MixedKindsError, Transaction, Way
from comity.core.ledger.postings import Obligation, UnusablePositionError
from comity.core.values import Side
from tests.builders.ledger_values import C, P, of, transaction

KINDS = ("answer", "action", "records", "decision", "EUR", "GBP")


@st.composite
def positions(draw):
    """What is open: promises by key, each of one debtor and kind for good."""
    keys = draw(st.lists(st.integers(0, 7), unique=True, max_size=6))
    return tuple(
        Obligation(
            list(Side)[key % 2],
            KINDS[key % len(KINDS)],
            str(key),
            Decimal(draw(st.integers(0, 500_000))) / 100 if KINDS[key % len(KINDS)] in {"EUR", "GBP"} else Decimal(1),
        )
        for key in keys
    )


@given(positions(), positions())
def test_a_step_posts_the_difference_and_its_way_back_the_exact_reverse(before, after):
    there, back = postings.postings(before, after), postings.postings(after, before)
    assert sorted((line.account, line.promise, line.number) for line in there) == sorted(
        (line.account, line.promise, -line.number) for line in back
    )
    assert postings.postings(after, after) == ()


@given(st.lists(positions(), min_size=1, max_size=8))
def test_whatever_the_positions_every_invariant_holds_and_the_balance_is_the_last_position(course):
    made, before = [], ()
    for step, after in enumerate(course, 1):
        lines = postings.postings(before, after, End.KEPT)
        if lines:
            made.append(transaction(len(made) + 1, *lines, step=step))
        before = after
    assert invariants.broken(made) == []
    lines = [line for one in made for line in one.lines]
    expected = {(one.promise, one.debtor, one.kind): one.number for one in course[-1] if one.number}
    assert invariants.open_promises(lines) == expected


def test_vector_5_as_positions():
    """spec/matters.md, vector 5: C asks P, P counters, C accepts, done, not done, done, confirmed."""
    course = [
        (of(P, "answer", "1"),),
        (of(C, "answer", "2"),),
        (of(P, "action", "3"),),
        (of(P, "action", "3"), of(C, "answer", "4")),
        (of(P, "action", "3"),),
        (of(P, "action", "3"), of(C, "answer", "6")),
        (),
    ]
    posted, before = [], ()
    for after in course:
        lines = postings.postings(before, after)
        posted.append({(line.account.side, f"{line.account.way}/{line.account.kind}", line.number) for line in lines})
        before = after
    assert posted == [
        {(C, "due/answer", 1), (P, "owes/answer", -1)},
        {(C, "due/answer", -1), (P, "owes/answer", 1), (P, "due/answer", 1), (C, "owes/answer", -1)},
        {(P, "due/answer", -1), (C, "owes/answer", 1), (C, "due/action", 1), (P, "owes/action", -1)},
        {(P, "due/answer", 1), (C, "owes/answer", -1)},
        {(P, "due/answer", -1), (C, "owes/answer", 1)},
        {(P, "due/answer", 1), (C, "owes/answer", -1)},
        {(C, "due/action", -1), (P, "owes/action", 1), (P, "due/answer", -1), (C, "owes/answer", 1)},
    ]


def test_asked_back_keeps_the_first_answer_open_beside_the_other_sides():
    """The specification: asked back: B's stays, paused, A's is posted; reply: its reverse."""
    asked, asked_back = (of(P, "answer", "1"),), (of(P, "answer", "1"), of(C, "answer", "2"))
    there, back = postings.postings(asked, asked_back), postings.postings(asked_back, asked)
    assert {(line.account.side, line.number) for line in there} == {(P, 1), (C, -1)}
    assert {(line.account.side, line.number) for line in back} == {(P, -1), (C, 1)}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ((), (of(P, "answer", "1"), of(P, "answer", "1"))),
        ((), (Obligation(P, "EUR", "1", Decimal("-0.01")),)),
        ((), (of(P, "hours", "1"),)),
        ((of(P, "answer", "1"),), (of(C, "answer", "1"),)),
        ((of(P, "answer", "1"),), (of(P, "action", "1"),)),
    ],
)
def test_a_position_that_cannot_be_is_refused(before, after):
    with pytest.raises(UnusablePositionError):
        postings.postings(before, after)


@pytest.mark.parametrize("other", [kind for kind in KINDS if kind != "answer"])
def test_amounts_of_two_kinds_are_never_added_up(other):
    with pytest.raises(MixedKindsError):
        Amount("answer", Decimal(1)) + Amount(other, Decimal(1))
    assert Amount(other, Decimal("0.1")) + Amount(other, Decimal("0.2")) == Amount(other, Decimal("0.3"))


def test_no_public_function_of_the_ledger_gives_a_sum_across_kinds_or_sides():
    """A ledger of several kinds and both sides: whatever is summed up is summed up by side and kind."""
    lines = postings.postings((), (of(C, "answer", "1"), of(C, "action", "2"), of(P, "answer", "3")))
    balances = invariants.balances(lines)
    assert {(one.side, one.kind) for one in balances} == {(C, "answer"), (C, "action"), (P, "answer"), (P, "action")}
    assert all(account.kind == amount.kind for account, amount in balances.items())
    # Of everything that is public: what takes several lines, promises or rows, and gives a bare number.
    sums = {
        name
        for module in (accounts, invariants, journal, postings, recorded, statement)
        for name, one in vars(module).items()
        if callable(one) and getattr(one, "__module__", "") == module.__name__ and not name.startswith("_")
        if getattr(one, "__annotations__", {}).get("return") in {Decimal, int, float, Amount}
    }
    assert sums == {"age_group"}  # of one age


def planted():
    """A ledger that holds: two promises, one of them kept."""
    a, b = of(P, "answer", "1"), of(P, "action", "2")
    return [
        transaction(1, *postings.postings((), (a,)), step=1),
        transaction(2, *postings.postings((a,), (b,)), step=2),
    ]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda one: [one[0]], "missing"),
        (lambda one: one[:1], "missing"),
        (lambda one: [*one, transaction(3, *one[1].lines, step=2)], "posted before"),
        (lambda one: [one[0], transaction(2, *one[1].lines[:-1], step=2)], "does not sum to zero"),
        (lambda one: [one[0], transaction(2, *swapped(one[1]), step=2)], "no counter-entry"),
        (lambda one: [one[0], transaction(2, *both_on_one(one[1]), step=2)], "no counter-entry"),
        (lambda one: [transaction(1, *one[1].lines, step=1)], "below zero"),
        (lambda one: [*one, transaction(3, step=3)], "it has no lines"),
    ],
)
def test_a_planted_fault_is_found(fault, said):
    assert invariants.broken(planted()) == []
    found = fault(planted())
    if found == planted()[:1]:  # a ledger cut short holds in itself: its place in the record says that more is there
        assert invariants.broken(found) == []
        assert invariants.broken(planted()[1:]) != []
        return
    assert any(said in sentence for sentence in invariants.broken(found)), invariants.broken(found)


def swapped(one):
    """Both legs due: of either side."""
    return [
        Line(Account(line.account.side, Way.DUE, line.account.kind), line.number, line.promise) for line in one.lines
    ]


def both_on_one(one):
    """Both legs on one side's account."""
    return [Line(Account(P, Way.OWES, line.account.kind), line.number, line.promise) for line in one.lines]


def test_an_entry_for_the_wrong_side_sums_to_zero_and_is_found_by_counting():
    """Zero sums alone do not find it; the recount does."""
    wrong = Transaction(1, *_head(), lines=postings.postings((), (of(C, "action", "1"),)))
    assert invariants.broken([wrong]) == []
    posted = invariants.open_promises(wrong.lines)
    assert invariants.differences(posted, [(P, "action")]) == [
        "customer owes 1 action by the ledger and 0 by the steps",
        "provider owes 0 action by the ledger and 1 by the steps",
    ]
    assert invariants.differences(posted, [(C, "action")]) == []


def _head():
    one = transaction(1)
    return one.day, one.recorded_at, one.cause, one.subject, one.step
