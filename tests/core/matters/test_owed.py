"""What is owed after the steps of a matter, counted; held against the table of states, which counts nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.kinds import Follows, Kind
from comity.core.matters.owed import CountedStep, count_owed, debtor_of, step_of_facts
from comity.core.matters.transitions import Actor, Move, Party, State, after, open_moves, waits_for
from comity.core.values import Side

C, P = Side.CUSTOMER, Side.PROVIDER
PARTIES = {Party.ASKS: C, Party.ANSWERS: P}


def counted(*moves, debtor=P):
    """Of moves by c and p, in order."""
    sides = {"c": C, "p": P, "-": None}
    steps = [CountedStep(number, Move(move), sides[side], debtor) for number, (side, move) in enumerate(moves, 1)]
    return sorted(count_owed(steps))


def test_vector_5_is_counted():
    """spec/matters.md, vector 5, step by step."""
    moves = [("c", "raise"), ("p", "counter"), ("c", "accept"), ("p", "done"), ("c", "not_done"), ("p", "done"),
             ("c", "confirm")]  # fmt: skip
    assert [counted(*moves[:length]) for length in range(1, 8)] == [
        [(P, "answer")],
        [(C, "answer")],
        [(P, "action")],
        [(C, "answer"), (P, "action")],
        [(P, "action")],
        [(C, "answer"), (P, "action")],
        [],
    ]


@pytest.mark.parametrize(
    ("kind", "owner", "follows", "debtor"),
    [
        (Kind.ACTION, C, "", C), (Kind.ACTION, None, "", P), (Kind.DISPUTE, None, Follows.RECORDS, P),
        (Kind.DISPUTE, None, Follows.VALUE, None), (Kind.DISPUTE, None, "", None), (Kind.CLAIM, None, "", None),
        (Kind.CORRECTION, None, "", None),
    ],
)  # fmt: skip
def test_whose_work_an_accepted_matter_becomes(kind, owner, follows, debtor):
    assert debtor_of(kind, P, owner, follows) is debtor


def test_a_step_of_the_record_is_read_as_it_was_counted():
    facts = {"move": "accept", "side": "provider", "debtor": "provider", "kind": "action"}
    assert step_of_facts(2, facts) == CountedStep(2, Move.ACCEPT, P, P)
    assert step_of_facts(3, {"move": "deem", "side": None, "debtor": None}) == CountedStep(3, Move.DEEM, None, None)
    with pytest.raises(ValueError, match="nonsense"):
        step_of_facts(1, {"move": "nonsense"})


@st.composite
def histories(draw):
    """A matter of a kind, moved as the table of states allows: its steps, its last state, and whose work it is."""
    kind = draw(st.sampled_from(list(Kind)))
    owner = draw(st.sampled_from(Side)) if kind is Kind.ACTION else None
    follows = draw(st.sampled_from(["records", "value"])) if kind is Kind.DISPUTE else ""
    debtor = debtor_of(kind, P, owner, follows)
    state, steps, counters, doer, answered = State.ASKED, [CountedStep(1, Move.RAISE, C, debtor)], 0, None, None
    for number in range(2, draw(st.integers(2, 12))):
        side = draw(st.sampled_from(Side))
        party = Party.ASKS if side is C else Party.ANSWERS
        actor = Actor(party, owns=debtor is side, did_last=doer is side, may_take_back=answered is side)
        move = draw(st.sampled_from(open_moves(kind, state, actor, follows)))
        state = after(state, move, counters)
        counters += move is Move.COUNTER
        if move not in {Move.COMMENT, Move.HAND_OVER}:
            doer = side
            answered = side if move in {Move.ACCEPT, Move.REFUSE} else None
        steps.append(CountedStep(number, move, side, debtor))
    return steps, state, debtor, doer


@given(histories())
def test_what_is_counted_is_what_the_state_says(history):
    steps, state, debtor, doer = history
    expected = []
    if waits_for(state) is not None:
        expected.append((PARTIES[waits_for(state)], "answer"))
    if state is State.DONE:
        expected.append((doer.other, "answer"))
    if debtor is not None and state in {State.ACCEPTED, State.DEEMED, State.DONE}:
        expected.append((debtor, "action"))
    assert sorted(count_owed(steps)) == sorted(expected)
