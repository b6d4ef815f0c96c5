"""Moves of matters: whose turn it is, where a move leads, and why one is refused."""

from datetime import date, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.kinds import KINDS, Follows, Kind, Raiser, Term
from comity.core.matters.transitions import (
    IN_THE_BOOK,
    OPEN,
    UNDONE,
    Actor,
    Dispute,
    Move,
    Party,
    Refusal,
    State,
    after,
    dispute_status,
    ended,
    is_work,
    open_moves,
    refusal,
    waits_for,
)

ASKS, ANSWERS, NEITHER = Actor(Party.ASKS), Actor(Party.ANSWERS), Actor(None)
OWNER, OTHER = Actor(Party.ASKS, owns=True), Actor(Party.ANSWERS)


def test_every_kind_has_one_row_and_its_terms_are_its_own():
    assert set(KINDS) == set(Kind)
    for kind, spec in KINDS.items():
        assert spec.kind is kind
        assert spec.required <= set(spec.terms)
        assert set(spec.countered) <= set(spec.terms)
        assert spec.counters or not spec.countered


def test_a_correction_comes_of_imports_alone_and_silence_never_accepts_it():
    spec = KINDS[Kind.CORRECTION]
    assert (spec.raised_by, spec.silence, spec.terms) == (Raiser.IMPORT, False, (Term.RECORDS,))
    assert open_moves(Kind.CORRECTION, State.ASKED, ANSWERS) == [Move.ACCEPT, Move.REFUSE, Move.COMMENT]


# The table of states of the specification, as far as these kinds go: state, who looks, moves.
@pytest.mark.parametrize(
    ("kind", "state", "actor", "moves"),
    [
        (Kind.CLAIM, State.ASKED, ANSWERS, [Move.ACCEPT, Move.COUNTER, Move.REFUSE, Move.COMMENT]),
        (Kind.CLAIM, State.ASKED, ASKS, [Move.WITHDRAW, Move.COMMENT]),
        (Kind.CLAIM, State.COUNTERED, ASKS, [Move.ACCEPT, Move.COUNTER, Move.REFUSE, Move.WITHDRAW, Move.COMMENT]),
        (Kind.CLAIM, State.COUNTERED, ANSWERS, [Move.COMMENT]),
        (Kind.CLAIM, State.ACCEPTED, ASKS, [Move.COMMENT]),
        (Kind.ACTION, State.ACCEPTED, OTHER, [Move.LET_OFF, Move.COMMENT]),
        (Kind.ACTION, State.DEEMED, OWNER, [Move.DONE, Move.CANNOT, Move.HAND_OVER, Move.COMMENT]),
        (Kind.ACTION, State.DONE, OTHER, [Move.CONFIRM, Move.NOT_DONE, Move.COMMENT]),
        (Kind.ACTION, State.DONE, Actor(Party.ASKS, owns=True, did_last=True), [Move.COMMENT]),
        (Kind.ACTION, State.BROKEN, OTHER, [Move.LET_OFF, Move.COMMENT]),
        (Kind.ACTION, State.BROKEN, OWNER, [Move.COMMENT]),
        (Kind.ACTION, State.CONFIRMED, OWNER, [Move.COMMENT]),
        (Kind.DISPUTE, State.ACCEPTED, OWNER, [Move.COMMENT]),  # of which nothing follows that is to be done
        (Kind.CLAIM, State.REFUSED, Actor(Party.ANSWERS, may_take_back=True), [Move.TAKE_BACK, Move.COMMENT]),
        (Kind.CORRECTION, State.ACCEPTED, Actor(Party.ANSWERS, may_take_back=True), [Move.COMMENT]),
        (Kind.DISPUTE, State.ASKED, NEITHER, [Move.COMMENT]),
        (Kind.ACTION, State.ACCEPTED, NEITHER, [Move.COMMENT]),
    ],
)
def test_open_moves_by_kind_state_and_actor(kind, state, actor, moves):
    assert open_moves(kind, state, actor) == moves


@pytest.mark.parametrize(
    ("kind", "state", "actor", "move", "text", "why"),
    [
        (Kind.DISPUTE, State.ASKED, ASKS, Move.ACCEPT, "", Refusal.THEIR_TURN),
        (Kind.DISPUTE, State.COUNTERED, ANSWERS, Move.REFUSE, "No.", Refusal.THEIR_TURN),
        (Kind.DISPUTE, State.ASKED, ANSWERS, Move.DONE, "", Refusal.NOT_NOW),
        (Kind.ACTION, State.ACCEPTED, OTHER, Move.DONE, "", Refusal.OWNER),
        (Kind.ACTION, State.ACCEPTED, OWNER, Move.CANNOT, " ", Refusal.REASON),
        (Kind.CLAIM, State.ACCEPTED, ANSWERS, Move.TAKE_BACK, "", Refusal.SEEN),
        (Kind.CORRECTION, State.ASKED, ANSWERS, Move.COUNTER, "Rather so.", Refusal.NOT_NOW),
        (Kind.DISPUTE, State.WITHDRAWN, ANSWERS, Move.ACCEPT, "", Refusal.ENDED),
        (Kind.DISPUTE, State.ASKED, ANSWERS, Move.REFUSE, "  ", Refusal.REASON),
        (Kind.DISPUTE, State.ASKED, ANSWERS, Move.COUNTER, "", Refusal.REASON),
        (Kind.DISPUTE, State.ASKED, ANSWERS, Move.ACCEPT, "", None),
        (Kind.DISPUTE, State.ASKED, NEITHER, Move.ACCEPT, "", Refusal.NOT_NOW),
    ],
)
def test_refusal_names_why_a_move_is_not_open(kind, state, actor, move, text, why):
    assert refusal(kind, state, actor, move, text) is why


def test_counter_proposals_alternate_the_turn():
    assert after(State.ASKED, Move.COUNTER) is State.COUNTERED
    assert after(State.COUNTERED, Move.COUNTER) is State.ASKED
    assert (waits_for(State.ASKED), waits_for(State.COUNTERED)) == (Party.ANSWERS, Party.ASKS)


@given(
    st.sampled_from(list(Kind)),
    st.sampled_from(["", *Follows]),
    st.lists(st.tuples(st.sampled_from([ASKS, ANSWERS, NEITHER]), st.sampled_from(list(Move)))),
)
def test_no_sequence_of_moves_breaks_turns_or_reopens_an_ended_matter(kind, follows, tried):
    state, counters = State.ASKED, 0
    for actor, move in tried:
        if refusal(kind, state, actor, move, "Because.", follows) is not None:
            continue
        was, state = state, after(state, move, counters)
        counters += move is Move.COUNTER
        if was not in OPEN and not (is_work(kind, follows) and was in (*UNDONE, State.BROKEN)):
            assert state is was
        if state is not was and was in OPEN:
            assert (move is Move.WITHDRAW and actor is ASKS) or actor.party is waits_for(was)
        assert actor.party is not None or state is was  # who stands on neither side changes nothing


def test_an_open_matter_waits_for_somebody_and_an_ended_one_for_nobody():
    for kind, state in product(Kind, State):
        assert (waits_for(state) is not None) == (state in OPEN)
        assert not (ended(kind, state) and state in OPEN)
    assert not ended(Kind.ACTION, State.ACCEPTED)
    assert not ended(Kind.ACTION, State.DONE)  # until the other side confirms it
    assert ended(Kind.ACTION, State.CONFIRMED)
    assert ended(Kind.DISPUTE, State.ACCEPTED, Follows.VALUE)
    assert not ended(Kind.DISPUTE, State.ACCEPTED, Follows.RECORDS)


def test_every_state_of_a_claim_maps_to_a_state_in_the_book():
    assert IN_THE_BOOK.keys() == set(State) - {State.DONE, State.CONFIRMED, State.LET_OFF, State.BROKEN}


@pytest.mark.parametrize(
    ("state", "follows", "days_left", "status"),
    [
        (State.ASKED, "", 0, Dispute.OPEN),
        (State.COUNTERED, Follows.RECORDS, 0, Dispute.OPEN),
        (State.REFUSED, "", 0, None),
        (State.WITHDRAWN, "", 0, None),
        (State.ACCEPTED, Follows.VALUE, 0, Dispute.VALUE_BESIDE),
        (State.ACCEPTED, Follows.RECORDS, 0, Dispute.TO_CARRY_OUT),  # on its last day
        (State.DONE, Follows.FORMULA, 3, Dispute.TO_CARRY_OUT),  # as one side alone says
        (State.BROKEN, Follows.RECORDS, 3, Dispute.TO_CARRY_OUT),  # nobody ends it by saying that they cannot
        (State.ACCEPTED, Follows.RECORDS, -1, Dispute.NOT_CARRIED_OUT),
        (State.LET_OFF, Follows.RECORDS, 3, Dispute.NOT_CARRIED_OUT),
        (State.CONFIRMED, Follows.RECORDS, -9, Dispute.CARRIED_OUT),
    ],
)
def test_dispute_status_says_what_a_period_waits_for(state, follows, days_left, status):
    today = date(2026, 7, 1)
    assert dispute_status(state, follows, today + timedelta(days=days_left), today) is status


def test_an_answer_that_is_taken_back_returns_to_the_side_that_gave_it():
    assert after(State.ACCEPTED, Move.TAKE_BACK, counters=0) is State.ASKED
    assert after(State.REFUSED, Move.TAKE_BACK, counters=1) is State.COUNTERED
    assert after(State.REFUSED, Move.TAKE_BACK, counters=2) is State.ASKED
