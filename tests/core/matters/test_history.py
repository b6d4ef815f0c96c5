"""The fold of steps into where a matter stands, over histories by hand and over random ones of two sides."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.history import HistoryError, Linked, Step, answered_step, replay
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import (
    BESIDE,
    ENDED,
    NOBODYS,
    OPEN,
    TAKEN_BACK,
    Actor,
    Move,
    Offer,
    Party,
    State,
    open_moves,
)

A, B = Party.ASKS, Party.ANSWERS
DUE = date(2026, 9, 10)


def history(*steps, kind=Kind.REQUEST, terms=None):
    """Number steps given as (move, by, further fields); the matter is raised by the customer with `terms`."""
    raised = Step(1, Move.RAISE, A, terms=terms or {"wording": "first", "due_on": "2026-09-10"})
    made = [Step(number, move, by, **more) for number, (move, by, more) in enumerate(steps, 2)]
    return [raised, *made], replay(kind, "customer", [raised, *made])


def test_a_request_countered_accepted_and_confirmed_keeps_its_days():
    """Vector 5: done 9 Sept, not done, done again and confirmed; due 10 Sept."""
    steps, here = history(
        (Move.COUNTER, B, {"terms": {"wording": "second"}}),
        (Move.AGREE, A, {}),
        (Move.DONE, B, {}),
        (Move.NOT_DONE, A, {}),
        (Move.DONE, B, {}),
        (Move.CONFIRM, A, {}),
    )
    assert (here.state, here.debtor, here.due_on, here.first_due_on, here.moved) == (State.CONFIRMED, B, DUE, DUE, 0)
    assert here.terms == {"wording": "second", "due_on": "2026-09-10"}
    states = [replay(Kind.REQUEST, "customer", steps[:number]).state for number in range(1, 8)]
    assert states == ["asked", "countered", "agreed", "done", "agreed", "done", "confirmed"]


def test_a_due_day_that_both_moved_keeps_the_first_beside_the_last():
    """Vector 5, second part: due 10 Sept, moved on 9 Sept to 17 Sept."""
    _, here = history(
        (Move.AGREE, B, {}),
        (Move.OTHER_DAY, B, {"day": date(2026, 9, 17)}),
        (Move.TAKE, A, {}),
        (Move.DONE, B, {}),
        (Move.CONFIRM, A, {}),
    )
    assert (here.first_due_on, here.due_on, here.moved) == (DUE, date(2026, 9, 17), 1)


def test_another_day_counts_only_once_the_other_side_takes_it():
    _, here = history((Move.AGREE, B, {}), (Move.OTHER_DAY, B, {"day": date(2026, 9, 17)}))
    assert (here.due_on, here.moved, here.offer) == (DUE, 0, Offer(B, Move.OTHER_DAY, date(2026, 9, 17)))
    with pytest.raises(HistoryError):
        history((Move.AGREE, B, {}), (Move.OTHER_DAY, B, {"day": date(2026, 9, 17)}), (Move.TAKE, B, {}))


def test_a_declined_counter_goes_back_to_the_first_terms_with_a_new_clock_and_a_second_one_ends_it():
    new_clock = datetime(2026, 9, 1, 15, tzinfo=UTC)
    counter = (Move.COUNTER, B, {"terms": {"wording": "other", "price": "9 EUR"}})
    _, here = history(counter, (Move.DECLINE, A, {"due_at": new_clock}))
    assert (here.state, here.terms, here.due_at) == (
        State.ASKED, {"wording": "first", "due_on": "2026-09-10"}, new_clock,
    )  # fmt: skip
    _, here = history(counter, (Move.DECLINE, A, {}), counter, (Move.DECLINE, A, {}))
    assert here.state is State.DECLINED


def test_who_owes_it_follows_from_the_kind():
    assert history((Move.AGREE, B, {}), kind=Kind.OFFER)[1].debtor is A
    assert history((Move.AGREE, B, {}), kind=Kind.FAILURE, terms={"failed": "customer"})[1].debtor is A
    assert history((Move.AGREE, B, {}), kind=Kind.FAILURE, terms={"failed": "provider"})[1].debtor is B
    assert history((Move.AGREE, B, {}), kind=Kind.ACTION, terms={"owner_side": "customer"})[1].debtor is A
    assert history((Move.AGREE, B, {}), kind=Kind.ACTION, terms={})[1].debtor is None


@pytest.mark.parametrize(
    ("kind", "terms", "state"),
    [
        (Kind.COMPLAINT, {"due_on": "2026-09-10"}, State.AGREED),
        (Kind.COMPLAINT, {"wording": "Say why."}, State.ANSWERED),
        (Kind.PROPOSAL, {"becomes": "change"}, State.ANSWERED),
        (Kind.PROPOSAL, {"becomes": "promise"}, State.AGREED),
        (Kind.DISPUTE, {"follows": "records"}, State.AGREED),
        (Kind.DISPUTE, {"follows": "value"}, State.ANSWERED),
        (Kind.QUESTION, {}, State.ANSWERED),
        (Kind.WARNING, {}, State.ANSWERED),
        (Kind.DECISION, {"due_on": "2026-09-10"}, State.AGREED),
    ],
)
def test_an_agreed_matter_is_a_promise_only_where_one_comes_of_it(kind, terms, state):
    assert history((Move.AGREE, B, {}), kind=kind, terms=terms or {"kpi": "x"})[1].state is state


def test_a_counter_is_taken_back_to_what_lay_on_the_table_before_it():
    steps, here = history(
        (Move.COUNTER, B, {"terms": {"wording": "b"}}),
        (Move.COUNTER, A, {"terms": {"wording": "a"}}),
        (Move.COUNTER, B, {"terms": {"wording": "b2"}}),
        (Move.ASK_BACK, A, {}),
        (Move.TAKE_BACK, B, {}),
    )
    before = replay(Kind.REQUEST, "customer", steps[:3])
    assert (here.state, here.terms) == (before.state, before.terms) == (State.ASKED, before.terms)
    assert here.paused == {A}  # a pause that was used stays used


def test_both_open_an_ended_matter_again():
    _, one = history((Move.DECLINE, B, {}), (Move.REOPEN, A, {}))
    assert (one.state, one.offer) == (State.DECLINED, Offer(A, Move.REOPEN))
    _, both = history((Move.DECLINE, B, {}), (Move.REOPEN, A, {}), (Move.REOPEN, B, {}))
    assert (both.state, both.turn, both.offer) == (State.ASKED, B, None)
    _, owed = history((Move.AGREE, B, {}), (Move.LET_OFF, A, {}), (Move.REOPEN, B, {}), (Move.REOPEN, A, {}))
    assert (owed.state, owed.due_on) == (State.AGREED, DUE)


def test_a_step_that_did_not_see_the_last_move_is_refused():
    """Both answer at once: each saw step 2, one is first."""
    with pytest.raises(HistoryError, match="did not see step 3"):
        history((Move.COUNTER, B, {"saw": 1}), (Move.COUNTER, A, {"saw": 2}), (Move.WITHDRAW, A, {"saw": 2}))


def test_escalations_leave_state_and_clock_as_they_are():
    due = datetime(2026, 9, 1, 15, tzinfo=UTC)
    _, before = history((Move.ASK_BACK, B, {"due_at": due}))
    _, here = history((Move.ASK_BACK, B, {"due_at": due}), (Move.ESCALATE, A, {}), (Move.ESCALATE, B, {}),
                      (Move.BRING_DOWN, A, {}), (Move.OBJECT, B, {}), (Move.ACKNOWLEDGE, A, {}))  # fmt: skip
    assert here == replace(before, number=7, level=1, acknowledged=True)


def test_what_a_step_answers_to_is_chosen_left_by_the_table_or_a_default():
    steps, _ = history((Move.COMMENT, A, {}), (Move.ASK_BACK, B, {}), (Move.COMMENT, B, {}))
    assert answered_step(steps, Move.REPLY, A) == (3, Linked.STRUCTURE)
    assert answered_step(steps, Move.AGREE, B) == (1, Linked.STRUCTURE)
    assert answered_step(steps, Move.COMMENT, B) == (2, Linked.DEFAULT)
    assert answered_step(steps, Move.COMMENT, A, 1) == (1, Linked.CHOSEN)
    assert answered_step([], Move.RAISE, A) == (None, None)


TERMS = st.fixed_dictionaries(
    {"wording": st.sampled_from("xyz")},
    optional={"follows": st.sampled_from(["records", "value"]), "due_on": st.just("2026-09-10"),
              "becomes": st.sampled_from(["promise", "change"]),
              "owner_side": st.sampled_from(["customer", "provider"])},
)  # fmt: skip
TRIED = st.lists(
    st.tuples(st.sampled_from([A, B, None]), st.sampled_from(sorted(set(Move) - {Move.RAISE})), TERMS), max_size=25
)


def tried(kind, first, moves):
    """Try moves one after the other; those that are refused leave nothing. Yield each standing, with what led to it."""
    steps = [Step(1, Move.RAISE, A, terms=first)]
    here = replay(kind, "customer", steps)
    for by, move, terms in moves:
        given = terms if move in {Move.COUNTER, Move.AGREE} else {}
        step = Step(here.number + 1, move, by, terms=given, day=DUE if move in {Move.OTHER_DAY, Move.PAUSE} else None)
        try:
            there = replay(kind, "customer", [*steps, step])
        except HistoryError:
            continue
        yield here, step, there, steps
        steps, here = [*steps, step], there


@given(st.sampled_from(list(Kind)), TERMS, TRIED)
def test_no_history_breaks_turns_or_leaves_an_open_turn_behind(kind, first, moves):
    for was, step, here, _ in tried(kind, first, moves):
        assert here.state in State
        assert not (here.ended and here.turn is not None)
        assert here.ended or here.turn is not None or here.debtor is None
        if here.state is not was.state and step.by is not None and step.move is not Move.REOPEN:
            # Beside the side whose turn it is: who asks may withdraw, who asked back may answer, who is owed lets off.
            beside = {Move.WITHDRAW, Move.MERGE, Move.TAKE_BACK, Move.LET_OFF, Move.AGREE, Move.DECLINE, Move.COUNTER,
                      Move.CLOSE}  # fmt: skip
            assert was.turn in {step.by, None} or step.move in beside
        if was.ended and step.move not in {Move.REOPEN, Move.TAKE_BACK, Move.LET_OFF}:
            assert here.state is was.state
        if step.by is None:
            assert step.move in NOBODYS or here.state is was.state
        if step.move in BESIDE:
            assert (here.state, here.due_at, here.due_on) == (was.state, was.due_at, was.due_on)
        assert here.level >= 0
        assert (here.first_due_on is None) >= (here.due_on is None)


@given(st.sampled_from(list(Kind)), TERMS, TRIED)
def test_taking_an_answer_back_restores_exactly_what_was(kind, first, moves):
    for was, step, here, steps in tried(kind, first, moves):
        if step.move not in TAKEN_BACK or step.by is None:
            continue
        back = Step(here.number + 1, Move.TAKE_BACK, step.by)
        if Move.TAKE_BACK not in open_moves(here, Actor(step.by, may_take_back=True)):
            assert kind is Kind.CORRECTION
            continue
        restored = replay(kind, "customer", [*steps, step, back])
        same = {"number": here.number + 1, "last_move": here.number + 1, "last": (Move.TAKE_BACK, step.by)}
        assert restored == replace(was, **same)


@given(st.sampled_from(list(Kind)), TERMS, TRIED)
def test_nothing_is_deemed_by_a_side(kind, first, moves):
    for was, step, here, _ in tried(kind, first, moves):
        if here.state is State.DEEMED and was.state is not State.DEEMED and step.move is not Move.TAKE_BACK:
            assert (step.move, step.by, was.state) == (Move.DEEM, None, State.ASKED)


def test_ended_and_open_states_are_all_states():
    assert ENDED | set(OPEN) | {State.AGREED, State.DONE} == set(State)
