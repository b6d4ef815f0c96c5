"""Moves of matters: whose turn it is, where a move leads, and why one is refused."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.kinds import KINDS, Kind, Raiser, Term
from comity.core.matters.transitions import (
    AGREED,
    IN_THE_BOOK,
    OPEN,
    Actor,
    Move,
    Party,
    Refusal,
    State,
    after,
    ended,
    open_moves,
    refusal,
    waits_for,
)

ASKS, ANSWERS, NEITHER = Actor(Party.ASKS), Actor(Party.ANSWERS), Actor(None)


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
        (Kind.ACTION, State.ACCEPTED, ANSWERS, [Move.DONE, Move.COMMENT]),
        (Kind.ACTION, State.DEEMED, Actor(Party.ASKS, owns=True), [Move.DONE, Move.HAND_OVER, Move.COMMENT]),
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
    st.lists(st.tuples(st.sampled_from([ASKS, ANSWERS, NEITHER]), st.sampled_from(list(Move)))),
)
def test_no_sequence_of_moves_breaks_turns_or_reopens_an_ended_matter(kind, tried):
    state = State.ASKED
    for actor, move in tried:
        if refusal(kind, state, actor, move, "Because.") is not None:
            continue
        was, state = state, after(state, move)
        if was not in OPEN and not (KINDS[kind].becomes_work and was in AGREED):
            assert state is was
        if state is not was and was in OPEN:
            assert (move is Move.WITHDRAW and actor is ASKS) or actor.party is waits_for(was)
        assert actor.party is not None or state is was  # who stands on neither side changes nothing


def test_an_open_matter_waits_for_somebody_and_an_ended_one_for_nobody():
    for kind, state in product(Kind, State):
        assert (waits_for(state) is not None) == (state in OPEN)
        assert not (ended(kind, state) and state in OPEN)
    assert not ended(Kind.ACTION, State.ACCEPTED)
    assert ended(Kind.ACTION, State.DONE)


def test_every_state_of_a_claim_maps_to_a_state_in_the_book():
    assert IN_THE_BOOK.keys() == set(State) - {State.DONE}
