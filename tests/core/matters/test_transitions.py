"""The table of states: whose turn it is, where each move leads, and why one is refused."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from comity.core.matters.kinds import KINDS, Follows, Kind, Outcome
from comity.core.matters.transitions import (
    ENDED,
    IN_THE_BOOK,
    NOBODYS,
    OPEN,
    TABLE,
    Actor,
    Dispute,
    Move,
    Offer,
    Party,
    Refusal,
    Standing,
    State,
    Who,
    after,
    dispute_status,
    open_moves,
    refusal,
    waits_for,
)

ASKS, ANSWERS = Actor(Party.ASKS), Actor(Party.ANSWERS)
BESIDE = {Move.ESCALATE, Move.HAND_OVER, Move.OBJECT, Move.COMMENT}


def standing(kind=Kind.REQUEST, state=State.ASKED, **more):
    owed = {"promise": True, "debtor": Party.ANSWERS} if state in {State.AGREED, State.DONE, State.BROKEN} else {}
    done = {"done_by": Party.ANSWERS} if state is State.DONE else {}
    return replace(Standing(kind, state), **(owed | done | more))


# The specification's table, state by state: the moves of A, who asks, and of B, who answers; in an agreed matter B
# owes. In every open state also comment, escalate, hand over and object; acknowledge by the side whose turn it is.
@pytest.mark.parametrize(
    ("state", "turn", "moves_of_a", "moves_of_b"),
    [
        (State.ASKED, Party.ANSWERS, {Move.WITHDRAW, Move.MERGE}, {Move.ASK_BACK, Move.COUNTER, Move.AGREE,
                                                                    Move.DECLINE}),
        (State.ASKED_BACK_B, Party.ASKS, {Move.REPLY, Move.WITHDRAW, Move.MERGE}, {Move.COUNTER, Move.AGREE,
                                                                                   Move.DECLINE}),
        (State.COUNTERED, Party.ASKS, {Move.ASK_BACK, Move.COUNTER, Move.AGREE, Move.DECLINE, Move.WITHDRAW,
                                       Move.MERGE}, {Move.TAKE_BACK}),
        (State.ASKED_BACK_A, Party.ANSWERS, {Move.COUNTER, Move.AGREE, Move.DECLINE, Move.WITHDRAW, Move.MERGE},
         {Move.REPLY, Move.TAKE_BACK}),
        (State.AGREED, Party.ANSWERS, {Move.OTHER_DAY, Move.PAUSE, Move.LET_OFF}, {Move.DONE, Move.OTHER_DAY,
                                                                                   Move.PAUSE, Move.CANNOT}),
        (State.DONE, Party.ASKS, {Move.CONFIRM, Move.NOT_DONE, Move.LET_OFF}, set()),
    ],
)  # fmt: skip
def test_the_table_of_open_states_is_that_of_the_specification(state, turn, moves_of_a, moves_of_b):
    here = standing(state=state)
    assert here.turn is turn
    for actor, moves in ((ASKS, moves_of_a), (ANSWERS, moves_of_b)):
        acknowledges = {Move.ACKNOWLEDGE} if turn is actor.party else set()
        assert set(open_moves(here, actor)) == moves | BESIDE | acknowledges


@pytest.mark.parametrize("state", sorted(ENDED - {State.DEEMED}))
def test_an_ended_matter_is_commented_on_or_opened_again_by_both(state):
    here = standing(state=state)
    assert (here.ended, here.turn) == (True, None)
    assert set(open_moves(here, ASKS)) == {Move.COMMENT, Move.REOPEN}
    offered = replace(here, offer=Offer(Party.ASKS, Move.REOPEN))
    assert set(open_moves(offered, ASKS)) == {Move.COMMENT}
    assert Move.REOPEN in open_moves(offered, ANSWERS)
    assert after(here, Move.REOPEN, Party.ASKS) is state
    assert after(offered, Move.REOPEN, Party.ANSWERS) is (State.AGREED if here.promise else State.ASKED)


@pytest.mark.parametrize(
    ("move", "by", "state", "to"),
    [
        (Move.ASK_BACK, Party.ANSWERS, State.ASKED, State.ASKED_BACK_B),
        (Move.COUNTER, Party.ANSWERS, State.ASKED, State.COUNTERED),
        (Move.DECLINE, Party.ANSWERS, State.ASKED, State.DECLINED),
        (Move.WITHDRAW, Party.ASKS, State.ASKED, State.WITHDRAWN),
        (Move.REPLY, Party.ASKS, State.ASKED_BACK_B, State.ASKED),
        (Move.CLOSE, Party.ANSWERS, State.ASKED_BACK_B, State.DECLINED),
        (Move.ASK_BACK, Party.ASKS, State.COUNTERED, State.ASKED_BACK_A),
        (Move.COUNTER, Party.ASKS, State.COUNTERED, State.ASKED),
        (Move.DECLINE, Party.ASKS, State.COUNTERED, State.ASKED),
        (Move.REPLY, Party.ANSWERS, State.ASKED_BACK_A, State.COUNTERED),
        (Move.DONE, Party.ANSWERS, State.AGREED, State.DONE),
        (Move.CANNOT, Party.ANSWERS, State.AGREED, State.BROKEN),
        (Move.LET_OFF, Party.ASKS, State.AGREED, State.LET_OFF),
        (Move.CONFIRM, Party.ASKS, State.DONE, State.CONFIRMED),
        (Move.NOT_DONE, Party.ASKS, State.DONE, State.AGREED),
        (Move.MERGE, Party.ASKS, State.COUNTERED, State.MERGED),
    ],
)
def test_each_move_leads_where_the_specification_says(move, by, state, to):
    assert after(standing(state=state), move, by) is to


def test_a_counter_that_is_declined_a_second_time_declines_the_matter():
    again = standing(state=State.COUNTERED, declined_counters=1)
    assert after(again, Move.DECLINE, Party.ASKS) is State.DECLINED


@pytest.mark.parametrize("kind", list(Kind))
def test_what_is_agreed_is_a_promise_or_an_answer(kind):
    here = standing(kind)
    assert after(here, Move.AGREE, Party.ANSWERS, promise=True) is State.AGREED
    assert after(here, Move.AGREE, Party.ANSWERS) is State.ANSWERED


def test_every_kind_has_one_row_and_its_terms_are_its_own():
    assert set(KINDS) == set(Kind)
    for kind, spec in KINDS.items():
        assert spec.kind is kind
        assert spec.required <= set(spec.terms)
        assert set(spec.countered) <= set(spec.terms)
        assert set(spec.agreed_with) <= set(spec.terms)
        assert spec.counters or not spec.countered
        assert spec.may_be_promise or spec.outcome in {Outcome.ANSWER, Outcome.TALK}


@pytest.mark.parametrize(
    ("kind", "moves"),
    [
        (Kind.QUESTION, {Move.ASK_BACK, Move.AGREE, Move.DECLINE}),
        (Kind.UNTOLD, {Move.ASK_BACK, Move.AGREE, Move.DECLINE}),
        (Kind.CORRECTION, {Move.ASK_BACK, Move.AGREE, Move.DECLINE}),
        (Kind.CLAIM, {Move.ASK_BACK, Move.COUNTER, Move.AGREE, Move.DECLINE}),
    ],
)
def test_some_kinds_have_no_counter_proposal(kind, moves):
    assert set(open_moves(standing(kind), ANSWERS)) == moves | BESIDE | {Move.ACKNOWLEDGE}


@pytest.mark.parametrize(
    ("here", "actor", "move", "text", "why"),
    [
        (standing(), ASKS, Move.AGREE, "", Refusal.THEIR_TURN),
        (standing(state=State.COUNTERED), ANSWERS, Move.DECLINE, "No.", Refusal.THEIR_TURN),
        (standing(), ANSWERS, Move.DONE, "", Refusal.NOT_NOW),
        (standing(state=State.AGREED), ASKS, Move.DONE, "", Refusal.OWNER),
        (standing(state=State.AGREED), ANSWERS, Move.CANNOT, " ", Refusal.REASON),
        (standing(state=State.ANSWERED), ANSWERS, Move.TAKE_BACK, "", Refusal.SEEN),
        (standing(Kind.QUESTION), ANSWERS, Move.COUNTER, "Rather so.", Refusal.NOT_NOW),
        (standing(state=State.WITHDRAWN), ANSWERS, Move.AGREE, "", Refusal.ENDED),
        (standing(state=State.ASKED_BACK_B), ANSWERS, Move.CLOSE, "Enough.", Refusal.WAITING),
        (standing(), ANSWERS, Move.DECLINE, "  ", Refusal.REASON),
        (standing(), ANSWERS, Move.COUNTER, "", Refusal.REASON),
        (standing(), ANSWERS, Move.AGREE, "", None),
        (standing(), Actor(None), Move.AGREE, "", Refusal.NOT_NOW),
        (standing(level=5), ASKS, Move.ESCALATE, "Again.", Refusal.NOT_NOW),
        (standing(), ASKS, Move.BRING_DOWN, "", Refusal.NOT_NOW),
        (standing(state=State.AGREED), ANSWERS, Move.TAKE, "", Refusal.NOT_NOW),
    ],
)
def test_refusal_names_why_a_move_is_not_open(here, actor, move, text, why):
    assert refusal(here, actor, move, text) is why


def test_only_the_side_across_the_table_takes_another_day():
    here = standing(state=State.AGREED, offer=Offer(Party.ANSWERS, Move.OTHER_DAY, date(2026, 9, 17)))
    assert Move.TAKE in open_moves(here, ASKS)
    assert Move.TAKE not in open_moves(here, ANSWERS)


def test_an_action_without_an_owner_is_done_by_either_side_and_confirmed_by_the_other():
    here = standing(Kind.ACTION, State.AGREED, debtor=None)
    assert all(Move.DONE in open_moves(here, actor) for actor in (ASKS, ANSWERS))
    done = standing(Kind.ACTION, State.DONE, debtor=None, done_by=Party.ASKS)
    assert Move.CONFIRM in open_moves(done, ANSWERS)
    assert Move.CONFIRM not in open_moves(done, ASKS)


def test_no_row_lets_a_side_make_nobodys_move_or_leads_out_of_the_table():
    assert {row.move for row in TABLE if row.who is Who.NOBODY} == NOBODYS
    assert {row.state for row in TABLE} == set(State)
    for state in State:
        for actor in (ASKS, ANSWERS, Actor(None)):
            assert not NOBODYS & set(open_moves(standing(state=state), actor))


def test_an_open_matter_waits_for_somebody_and_an_ended_one_for_nobody():
    for state in State:
        assert (waits_for(state) is not None) == (state in OPEN)
        assert not (standing(state=state).ended and standing(state=state).turn)
    assert not standing(Kind.ACTION, State.DEEMED, promise=True, debtor=Party.ASKS).ended
    assert standing(Kind.CLAIM, State.DEEMED).ended


def test_every_state_of_a_claim_maps_to_a_state_in_the_book():
    assert IN_THE_BOOK.keys() == set(State) - {State.AGREED, State.DONE, State.CONFIRMED, State.LET_OFF, State.BROKEN}


@pytest.mark.parametrize(
    ("state", "follows", "days_left", "status"),
    [
        (State.ASKED, "", 0, Dispute.OPEN),
        (State.COUNTERED, Follows.RECORDS, 0, Dispute.OPEN),
        (State.DECLINED, "", 0, None),
        (State.WITHDRAWN, "", 0, None),
        (State.ANSWERED, Follows.VALUE, 0, Dispute.VALUE_BESIDE),
        (State.AGREED, Follows.RECORDS, 0, Dispute.TO_CARRY_OUT),  # on its last day
        (State.DONE, Follows.FORMULA, 3, Dispute.TO_CARRY_OUT),  # as one side alone says
        (State.BROKEN, Follows.RECORDS, 3, Dispute.TO_CARRY_OUT),  # nobody ends it by saying that they cannot
        (State.AGREED, Follows.RECORDS, -1, Dispute.NOT_CARRIED_OUT),
        (State.LET_OFF, Follows.RECORDS, 3, Dispute.NOT_CARRIED_OUT),
        (State.CONFIRMED, Follows.RECORDS, -9, Dispute.CARRIED_OUT),
    ],
)
def test_dispute_status_says_what_a_period_waits_for(state, follows, days_left, status):
    today = date(2026, 7, 1)
    assert dispute_status(state, follows, today + timedelta(days=days_left), today) is status


def test_the_side_that_it_is_owed_to_lets_off_a_dispute_that_cannot_be_carried_out():
    broken = standing(Kind.DISPUTE, State.BROKEN)
    assert Move.LET_OFF in open_moves(broken, ASKS)
    assert Move.LET_OFF not in open_moves(broken, ANSWERS)
