"""Moves: whose, of which kind, what called for them and what they answer; by the table and the rules of spiral.md."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.spiral.moves import (
    CLOCK,
    NOT_RECORDED,
    OF_STEPS,
    RECORDED,
    Act,
    Duty,
    Matter,
    SpiralMove,
    Strain,
    months_of_silence,
    move_of_confirmed,
    move_of_departure,
    moves_of_change,
    moves_of_delivery,
    moves_of_duty,
    moves_of_matter,
    moves_of_price,
    moves_of_weeks,
    occasion,
    one_a_week,
    prompted,
    strain,
)
from comity.core.values import Side

C, P = Side.CUSTOMER, Side.PROVIDER
MONDAY = datetime(2026, 9, 7, 9, tzinfo=UTC)


def moment(days):
    return MONDAY + timedelta(days=days)


def matter(kind, *acts, name="m"):
    """Of acts as "c:raise", "p:agree<1" (answers step 1), "p:agree<1!" (after its clock), each a day later."""
    made = []
    for number, said in enumerate(acts, 1):
        side, _, move = said.partition(":")
        move, _, answers = move.partition("<")
        late = answers.endswith("!")
        answered = int(answers.rstrip("!")) if answers else None
        made.append(Act(number, moment(number), Move(move), {"c": C, "p": P}.get(side), answered, late))
    return Matter(name, kind, made)


def said(moves):
    return [(one.side, one.kind, "strained" if one.strained else "ordinary", one.called_for_by) for one in moves]


def test_there_are_fourteen_kinds_and_each_is_recorded_or_named_as_not():
    """spiral.md, the table of moves."""
    assert len(Strain) == 14
    assert set(RECORDED) | set(NOT_RECORDED) == set(Strain)
    assert not set(RECORDED) & set(NOT_RECORDED)
    assert {*NOT_RECORDED} == {"penalty", "audit", "held_back", "absent"}


@pytest.mark.parametrize(
    ("kind", "acts", "expected"),
    [
        (Kind.DISPUTE, ["c:raise"], [(C, "dispute", "strained", None)]),
        (Kind.QUESTION, ["c:raise"], []),
        (Kind.NEED, ["c:raise", "p:late"], [(P, "late_answer", "strained", CLOCK)]),
        (Kind.QUESTION, ["c:raise", "p:agree<1"],
         [(P, "late_answer", "ordinary", "customer"), (P, "escalation", "ordinary", "customer")]),
        # Answered after the clock: no ordinary answer.
        (Kind.QUESTION, ["c:raise", "p:agree<1!"], [(P, "escalation", "ordinary", "customer")]),
        # A request declined without a counter-proposal; a question is none.
        (Kind.REQUEST, ["c:raise", "p:decline<1!"],
         [(P, "declined", "strained", "customer"), (P, "escalation", "ordinary", "customer")]),
        (Kind.NEED, ["c:raise", "p:counter<1"],
         [(P, "late_answer", "ordinary", "customer"), (P, "declined", "ordinary", "customer")]),
        # Up a level: no longer settled at its own; down again.
        (Kind.QUESTION, ["c:raise", "c:escalate", "p:agree<1!"], [(C, "escalation", "strained", None)]),
        (Kind.QUESTION, ["c:raise", "c:escalate", "p:bring_down"],
         [(C, "escalation", "strained", None), (P, "escalation", "ordinary", "customer")]),
        (Kind.OFFER, ["p:raise"], [(P, "silent", "ordinary", CLOCK)]),
        (Kind.NEED, ["c:raise", "p:comment", "c:acknowledge", "-:remind"], []),
    ],
)  # fmt: skip
def test_each_step_is_the_move_of_the_table(kind, acts, expected):
    assert said(moves_of_matter(matter(kind, *acts))) == expected


def test_what_one_says_of_the_other_is_never_a_move():
    """A complaint, a failure and that something was not told are what one side says of the other."""
    for kind in (Kind.COMPLAINT, Kind.FAILURE, Kind.UNTOLD):
        assert moves_of_matter(matter(kind, "c:raise")) == []


def test_a_strained_move_answers_a_strained_one_of_the_other_side():
    """The dispute is answered by a late reply that answers it; an ordinary answer answers it too."""
    dispute, late = moves_of_matter(matter(Kind.DISPUTE, "c:raise", "p:late<1"))
    assert late.answers_to == dispute.id
    dispute, answered, settled = moves_of_matter(matter(Kind.DISPUTE, "c:raise", "p:agree<1"))
    assert {answered.answers_to, settled.answers_to} == {dispute.id}
    # Of nothing strained, a strained move is no answer; nor is one to one's own, or without a link.
    (late,) = moves_of_matter(matter(Kind.NEED, "c:raise", "p:late<1"))
    assert late.answers_to is None
    own = moves_of_matter(matter(Kind.DISPUTE, "c:raise", "c:escalate<1"))[1]
    assert own.answers_to is None


def test_what_is_over_ninety_days_ago_is_not_answered():
    raised = Act(1, MONDAY, Move.RAISE, C)
    for days, answers in ((90, "m/1/dispute"), (91, None)):
        late = Act(2, MONDAY + timedelta(days=days), Move.LATE, P, 1)
        assert moves_of_matter(Matter("m", Kind.DISPUTE, [raised, late]))[1].answers_to == answers


@pytest.mark.parametrize(
    ("ended_on", "today", "expected"),
    [
        (None, date(2026, 9, 10), []),  # the day itself
        (None, date(2026, 9, 11), [(P, "duty_missed", "strained", CLOCK)]),
        (date(2026, 9, 10), date(2026, 9, 20), [(P, "duty_missed", "ordinary", CLOCK)]),
        (date(2026, 9, 11), date(2026, 9, 20), [(P, "duty_missed", "strained", CLOCK)]),
    ],
)
def test_a_duty_is_met_by_its_day_or_missed_once_that_is_over(ended_on, today, expected):
    over = datetime(2026, 9, 11, tzinfo=UTC)
    duty = Duty("d", P, date(2026, 9, 10), over, ended_on)
    assert said(moves_of_duty(duty, datetime(2026, 9, 30, tzinfo=UTC), today)) == expected


@pytest.mark.parametrize(
    ("notice", "expected"),
    [
        ((None, 3), []),
        ((10, 9), [(P, "short_notice", "strained", None)]),
        ((10, 10), [(P, "short_notice", "ordinary", "customer")]),
    ],
)
def test_a_change_with_less_than_the_agreed_notice_strains(notice, expected):
    assert said(moves_of_change("1", P, MONDAY, notice)) == expected


def test_a_confirmed_period_is_the_counterpart_of_a_dispute():
    assert said([move_of_confirmed("2026-06", C, MONDAY)]) == [(C, "dispute", "ordinary", CLOCK)]


def test_a_month_without_an_own_proposal_is_silence_where_the_usual_is_one():
    """Three months with one each; then one without. A month before the first, and one of a side that never put any."""
    ends = {date(2026, month, 1): datetime(2026, month + 1, 1, tzinfo=UTC) for month in range(1, 8)}
    own = {P: [date(2026, 2, 3), date(2026, 3, 3), date(2026, 4, 3)], C: []}
    silent = months_of_silence(own, ends, {P: date(2026, 2, 1)})
    assert [one.id for one in silent] == ["silent/provider/2026-05"]  # in June its usual is 3 of 4, below one
    assert said(silent) == [(P, "silent", "strained", CLOCK)]
    assert months_of_silence({P: [date(2026, 2, 3)]}, ends, {P: date(2026, 2, 1)}) == []


def week_day(moves):
    return {one.id: one.at.date() for one in moves}


def test_at_most_one_counts_for_each_kind_matter_and_week():
    """Escalated on Tuesday, brought down and escalated again on Thursday: once; and again in the week after."""
    acts = ["c:raise", "c:escalate", "p:bring_down", "c:escalate", *["c:comment"] * 3, "c:escalate"]
    moves = moves_of_matter(matter(Kind.NEED, *acts))
    kept = one_a_week(moves, week_day(moves))
    strained = [one.id for one in kept if one.strained]
    assert strained == ["m/2/escalation", "m/8/escalation"]


def test_what_answered_one_that_is_not_counted_answers_the_one_that_is():
    def move(name, day, side, answers=None):
        return SpiralMove(name, moment(day), side, Strain.DISPUTE, True, None, answers, "m")

    moves = [move("a", 0, C), move("b", 1, C), move("c", 2, P, "b")]
    assert [(one.id, one.answers_to) for one in one_a_week(moves, week_day(moves))] == [("a", None), ("c", "a")]


@given(
    st.lists(
        st.tuples(st.integers(0, 40), st.sampled_from([C, P]), st.sampled_from(Strain), st.booleans()), max_size=30
    )
)
def test_counting_once_a_week_is_idempotent_and_its_order_does_not_matter(drawn):
    moves = [
        SpiralMove(str(number), moment(days), side, kind, strained, matter="m")
        for number, (days, side, kind, strained) in enumerate(drawn)
    ]
    once = one_a_week(moves, week_day(moves))
    assert one_a_week(once, week_day(once)) == once
    assert one_a_week(reversed(moves), week_day(moves)) == once


@given(st.lists(st.sampled_from(["c:escalate", "p:bring_down", "p:counter<1", "c:late<1", "p:decline<1"]), max_size=12))
def test_exchanging_the_sides_exchanges_the_moves(acts):
    """spiral.md: exchange the two sides and every number changes places."""
    here = moves_of_matter(matter(Kind.NEED, "c:raise", *acts))
    mirror = {"c": "p", "p": "c"}
    there = moves_of_matter(matter(Kind.NEED, *(mirror[one[0]] + one[1:] for one in ("c:raise", *acts))))
    assert [(one.side.other, one.kind, one.strained, one.answers_to) for one in here] == [
        (one.side, one.kind, one.strained, one.answers_to) for one in there
    ]


def test_a_price_asked_for_outside_its_agreed_date_strains():
    """A new price counts from 1 July 2025, and then from 1 July of each year."""
    july = [date(2025, 7, 1)]

    def asked(first_day, agreed_from):
        return said(moves_of_price("1", P, MONDAY, first_day, agreed_from))

    assert asked(date(2027, 7, 1), july) == [(P, "price", "ordinary", CLOCK)]
    for other in (date(2027, 6, 30), date(2027, 7, 2), date(2027, 1, 1), date(2024, 7, 1)):
        assert asked(other, july) == [(P, "price", "strained", None)]
    # One of two prices is not due; and where no date is agreed, none is outside of it.
    assert asked(date(2027, 7, 1), [*july, date(2025, 1, 1)]) == [(P, "price", "strained", None)]
    assert asked(date(2027, 7, 1), []) == []


@pytest.mark.parametrize(
    ("present", "strained"), [(95.0, False), (94.9, True), (100.0, False), (120.0, False), (0.0, True)]
)
def test_a_week_with_less_than_95_percent_of_its_roster_present_is_understaffed(present, strained):
    """spiral.md: presence below 95 % of schedule; a week without a roster is none."""
    monday, end = date(2026, 9, 7), datetime(2026, 9, 14, tzinfo=UTC)
    weeks = {monday: (present, 100.0), date(2026, 9, 14): (0.0, 0.0)}
    (move,) = moves_of_weeks(P, weeks, {monday: end, date(2026, 9, 14): end})
    assert (move.strained, move.at, move.called_for_by, move.side) == (strained, end, CLOCK, P)


def test_of_a_delivery_at_most_one_of_a_week_counts_in_time_and_one_late():
    """Due daily; late on Monday, Tuesday and Wednesday, there on Thursday and Friday, late on the next Monday."""
    due = [(moment(days), days in {3, 4}) for days in (0, 1, 2, 3, 4, 7)]
    moves = moves_of_delivery("contacts", P, due)
    kept = one_a_week(moves, week_day(moves))
    assert [(one.at, one.strained) for one in kept] == [(moment(0), True), (moment(3), False), (moment(7), True)]
    # Another table is another delivery.
    other = moves_of_delivery("costs", P, due[:1])
    assert len(one_a_week([*moves, *other], week_day([*moves, *other]))) == 4


def test_whoever_leaves_without_a_handover_strains_and_one_with_it_was_called_for_by_nobody():
    assert said([move_of_departure("x", C, MONDAY, handed_over=False)]) == [(C, "departure", "strained", None)]
    assert said([move_of_departure("x", C, MONDAY, handed_over=True)]) == [(C, "departure", "ordinary", None)]


@pytest.mark.parametrize(
    ("second", "days", "answers"),
    [
        ((Kind.DISPUTE, "p:raise"), 5, True),  # strained for strained
        ((Kind.OFFER, "p:raise"), 5, True),  # an ordinary one answers either
        ((Kind.DISPUTE, "p:raise"), 91, False),  # too long ago
        ((Kind.DISPUTE, "p:raise"), -3, False),  # raised before
        ((Kind.DISPUTE, "c:raise"), 5, False),  # nobody answers oneself
    ],
)
def test_a_matter_raised_because_of_another_answers_it(second, days, answers):
    (first,) = moves_of_matter(matter(Kind.DISPUTE, "c:raise", name="first"))
    kind, act = second
    made = Matter("second", kind, [Act(1, first.at + timedelta(days=days), Move.RAISE, {"c": C, "p": P}[act[0]])])
    _, move = prompted([first, *moves_of_matter(made)], {"second": "first"})
    assert move.answers_to == (first.id if answers else None)


def test_a_strained_matter_answers_no_ordinary_one():
    (offer,) = moves_of_matter(matter(Kind.OFFER, "c:raise", name="first"))
    (dispute,) = moves_of_matter(matter(Kind.DISPUTE, "p:raise", name="second"))
    assert prompted([offer, dispute], {"second": "first"})[1].answers_to is None


def test_what_a_step_can_be_is_what_the_book_says_it_can_be():
    said_of_steps = {one for kind in Kind for move in Move for one in (strain(kind, move), occasion(kind, move))}
    assert said_of_steps - {None} == set(OF_STEPS)
