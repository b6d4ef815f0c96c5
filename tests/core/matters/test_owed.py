"""What is owed after the steps of a matter, counted; held against the fold of its steps, which counts nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters import history
from comity.core.matters.kinds import Kind
from comity.core.matters.owed import CountedStep, count_owed, step_of_facts
from comity.core.matters.transitions import OPEN, TO_DO, Actor, Move, Party, State, open_moves
from comity.core.values import Side

C, P = Side.CUSTOMER, Side.PROVIDER
SIDES = {Party.ASKS: C, Party.ANSWERS: P, None: None}
ANSWER_OF_C, ANSWER_OF_P, WORK_OF_P, DECISION_OF_P = (C, "answer"), (P, "answer"), (P, "action"), (P, "decision")


def counted(*moves, debtor=P, **more):
    """Of moves by c and p, in order."""
    sides = {"c": C, "p": P, "-": None}
    steps = [
        CountedStep(number, Move(move), sides[side], debtor, **more) for number, (side, move) in enumerate(moves, 1)
    ]
    return sorted(count_owed(steps))


def each(said, **more):
    """Count after each of moves that are written as c:raise p:agree."""
    moves = [tuple(one.split(":")) for one in said.split()]
    return [counted(*moves[:length], **more) for length in range(1, len(moves) + 1)]


def test_vector_5_is_counted():
    """spec/matters.md, vector 5, step by step."""
    assert each("c:raise p:counter c:agree p:done c:not_done p:done c:confirm") == [
        [ANSWER_OF_P],
        [ANSWER_OF_C],
        [WORK_OF_P],
        [ANSWER_OF_C, WORK_OF_P],
        [WORK_OF_P],
        [ANSWER_OF_C, WORK_OF_P],
        [],
    ]


@pytest.mark.parametrize(
    ("said", "owed"),
    [  # by the postings of spec/matters.md
        # Asked back: the paused answer stays owed, and the side that asks owes one.
        ("c:raise p:ask_back", [ANSWER_OF_C, ANSWER_OF_P]),
        ("c:raise p:ask_back c:reply", [ANSWER_OF_P]),
        ("c:raise p:ask_back p:agree", [WORK_OF_P]),
        ("c:raise p:ask_back p:counter", [ANSWER_OF_C]),
        ("c:raise p:ask_back p:counter p:take_back", [ANSWER_OF_C, ANSWER_OF_P]),
        ("c:raise p:ask_back p:close", []),
        ("c:raise p:ask_back c:withdraw", []),
        ("c:raise p:ask_back c:merge", []),
        ("c:raise p:counter c:ask_back", [ANSWER_OF_C, ANSWER_OF_P]),
        ("c:raise p:counter c:ask_back p:reply", [ANSWER_OF_C]),
        ("c:raise p:counter c:ask_back p:take_back", [ANSWER_OF_P]),
        # The first counter-proposal that is declined leaves what was first asked; the second ends it.
        ("c:raise p:counter c:decline", [ANSWER_OF_P]),
        ("c:raise p:counter c:decline c:take_back", [ANSWER_OF_C]),
        ("c:raise p:counter c:decline p:counter c:decline", []),
        ("c:raise p:decline", []),
        ("c:raise p:decline p:take_back", [ANSWER_OF_P]),
        ("c:raise p:agree p:take_back", [ANSWER_OF_P]),
        # Another day, a pause and what the room's clock notes change nothing; long past its day it is broken.
        ("c:raise p:agree p:other_day c:take c:pause p:comment -:late", [WORK_OF_P]),
        ("c:raise p:agree -:break", []),
        ("c:raise p:agree p:cannot", []),
        ("c:raise p:agree p:done c:let_off", []),
        ("c:raise -:deem", [WORK_OF_P]),
        ("c:raise p:agree p:done -:deem", []),
        # Opened again by both: what was promised is owed again, or else it is asked again.
        ("c:raise p:agree p:done c:confirm c:reopen", []),
        ("c:raise p:agree p:done c:confirm c:reopen c:reopen", []),
        ("c:raise p:agree p:done c:confirm c:reopen p:reopen", [WORK_OF_P]),
        ("c:raise p:decline p:reopen p:comment c:reopen", [ANSWER_OF_P]),
        ("c:raise p:decline p:reopen c:reopen p:counter c:decline", [ANSWER_OF_P]),
    ],
)
def test_each_move_is_counted(said, owed):
    assert each(said)[-1] == owed


def test_what_became_no_promise_is_asked_again_when_it_is_opened_again():
    assert each("c:raise p:agree c:reopen p:reopen", debtor=None)[-1] == [ANSWER_OF_P]


@pytest.mark.parametrize(
    ("said", "owed"),
    [  # by spec/matters.md: a decision is asked of B; whatever else is asked, is answered
        ("c:raise", [DECISION_OF_P]),
        ("c:raise p:ask_back", [ANSWER_OF_C, DECISION_OF_P]),
        ("c:raise p:ask_back c:reply", [DECISION_OF_P]),
        ("c:raise p:ask_back p:close", []),
        ("c:raise p:agree", [WORK_OF_P]),
        ("c:raise p:agree p:take_back", [DECISION_OF_P]),
        ("c:raise p:agree p:done", [ANSWER_OF_C, WORK_OF_P]),
        ("c:raise p:counter", [ANSWER_OF_C]),
        ("c:raise p:counter c:ask_back", [ANSWER_OF_C, ANSWER_OF_P]),
        ("c:raise p:counter c:counter", [DECISION_OF_P]),
        ("c:raise p:counter c:decline", [DECISION_OF_P]),
        ("c:raise p:decline c:reopen p:reopen", [DECISION_OF_P]),
    ],
)
def test_a_decision_is_counted_apart(said, owed):
    assert each(said, decides=True)[-1] == owed


def test_a_counter_proposal_that_was_declined_of_old_ended_the_matter():
    assert each("c:raise p:counter c:decline", earlier=True)[-1] == []


def test_work_that_either_side_may_do_is_owed_by_whoever_takes_it_over():
    steps = [CountedStep(1, Move.RAISE, C), CountedStep(2, Move.AGREE, P, P), CountedStep(3, Move.DONE, C, P)]
    assert sorted(count_owed(steps)) == [(C, "action"), (P, "answer")]
    handed = [*steps[:2], CountedStep(3, Move.HAND_OVER, C, C)]
    assert count_owed(handed) == [(C, "action")]


def test_a_step_of_the_record_is_read_as_it_was_counted():
    """Of opening again, the record has the second side's step alone: the first one changed nothing."""
    facts = {"move": "agree", "side": "provider", "debtor": "provider", "kind": "action", "earlier": False}
    assert step_of_facts(2, facts) == CountedStep(2, Move.AGREE, P, P, opens=True)
    assert step_of_facts(3, {"move": "deem", "side": None, "debtor": None, "earlier": True}) == CountedStep(
        3, Move.DEEM, None, None, earlier=True, opens=True
    )
    ended = [CountedStep(1, Move.RAISE, C), CountedStep(2, Move.DECLINE, P)]
    assert count_owed([*ended, step_of_facts(4, {"move": "reopen", "side": "customer"})]) == [ANSWER_OF_P]
    with pytest.raises(ValueError, match="nonsense"):
        step_of_facts(1, {"move": "nonsense"})


TERMS = {
    Kind.ACTION: [{"owner_side": "customer"}, {"owner_side": "provider"}],
    Kind.DISPUTE: [{"follows": "records"}, {"follows": "value"}],
    Kind.COMPLAINT: [{}, {"due_on": "2026-09-10"}],
    Kind.PROPOSAL: [{"becomes": "promise"}, {"becomes": "change"}],
}


@st.composite
def histories(draw):
    """A matter of a kind, moved as the table of states allows: its steps, and where the fold says that it stands."""
    kind = draw(st.sampled_from(list(Kind)))
    terms = draw(st.sampled_from(TERMS.get(kind, [{}])))
    steps, taken = [history.Step(1, Move.RAISE, Party.ASKS, terms=terms)], [CountedStep(1, Move.RAISE, C)]
    standing = history.replay(kind, "customer", steps)
    for number in range(2, draw(st.integers(2, 24))):
        party = draw(st.sampled_from(Party))
        moves = open_moves(standing, Actor(party, may_take_back=True, may_close=True))
        move = draw(st.sampled_from([one for one in moves if one is not Move.COMMENT] or moves))
        said = terms if move in {Move.AGREE, Move.COUNTER} else {}
        steps.append(history.Step(number, move, party, terms=said))
        standing = history.replay(kind, "customer", steps)
        debtor = SIDES[standing.debtor] or P if standing.promise else None
        taken.append(CountedStep(number, move, SIDES[party], debtor))
    return taken, standing


@given(histories())
def test_what_is_counted_is_what_the_fold_says(made):
    taken, standing = made
    state, expected = standing.state, []
    if state in OPEN:
        expected.append((SIDES[standing.turn], "answer"))
    if state in {State.ASKED_BACK_A, State.ASKED_BACK_B}:
        expected.append((SIDES[standing.turn.other], "answer"))
    if state is State.DONE:
        expected.append((SIDES[standing.done_by].other, "answer"))
    if standing.promise and state in {*TO_DO, State.DONE}:
        expected.append((SIDES[standing.debtor], "action"))
    assert sorted(count_owed(taken)) == sorted(expected)
