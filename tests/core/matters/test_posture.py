"""Posture and nature, by vector 4 of the specification and by its definition."""

from datetime import UTC, datetime, timedelta

import pytest

from comity.core.matters.history import Step
from comity.core.matters.kinds import Kind, Proposes
from comity.core.matters.nature import About, Nature, nature
from comity.core.matters.posture import Posture, Told, is_shaped, posture, serving_side
from comity.core.matters.transitions import Move, State
from comity.core.values import Side

C, P = Side.CUSTOMER, Side.PROVIDER
NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)


def told(kind, asks, raised_at=NOON, failed=None, **more):
    return Told(kind, asks, serving_side(kind, asks, failed), raised_at, **more)


def test_a_failure_told_before_the_complaint_is_proactive_once_and_reversed_reactive():
    """Vector 4: the provider at 08:40, the customer's complaint at 10:15 is linked."""
    early, late = NOON.replace(hour=8, minute=40), NOON.replace(hour=10, minute=15)
    failure, complaint = told(Kind.FAILURE, P, early), told(Kind.COMPLAINT, C, late)
    assert (posture(failure), posture(complaint, failure)) == (Posture.PROACTIVE, None)
    failure, complaint = told(Kind.FAILURE, P, late), told(Kind.COMPLAINT, C, early)
    assert (posture(complaint), posture(failure, complaint)) == (Posture.REACTIVE, None)


def test_a_counter_leaves_posture_and_is_marked_once_it_is_agreed():
    steps = [Step(1, Move.RAISE), Step(2, Move.COUNTER), Step(3, Move.AGREE)]
    assert is_shaped(steps, State.AGREED)
    assert not is_shaped(steps[:2], State.COUNTERED)
    assert not is_shaped(steps[:1], State.AGREED)
    assert posture(told(Kind.OFFER, P, state=State.AGREED)) is Posture.PROACTIVE


@pytest.mark.parametrize(
    ("kind", "asks", "expected"),
    [
        (Kind.NEED, C, Posture.REACTIVE), (Kind.PROBLEM, C, Posture.REACTIVE), (Kind.REQUEST, P, Posture.REACTIVE),
        (Kind.COMPLAINT, C, Posture.REACTIVE), (Kind.FAILURE, C, Posture.REACTIVE),
        (Kind.FAILURE, P, Posture.PROACTIVE), (Kind.OFFER, P, Posture.PROACTIVE), (Kind.OFFER, C, Posture.PROACTIVE),
        (Kind.PROPOSAL, P, Posture.PROACTIVE), (Kind.WARNING, P, Posture.PROACTIVE),
        (Kind.QUESTION, P, None), (Kind.DISPUTE, C, None), (Kind.CLAIM, P, None), (Kind.ACTION, C, None),
        (Kind.CORRECTION, P, None), (Kind.DECISION, C, None), (Kind.UNTOLD, P, None),
    ],
)  # fmt: skip
def test_posture_of_each_kind(kind, asks, expected):
    assert posture(told(kind, asks)) is expected


def test_the_provider_that_reports_a_failure_of_the_customer_had_to_come_with_it():
    failure = told(Kind.FAILURE, P, failed=C)
    assert (failure.serves, posture(failure)) == (C, Posture.REACTIVE)


def question(days, asks=P, **more):
    return told(Kind.QUESTION, asks, NOON - timedelta(days=days), **({"names_subject": True} | more))


@pytest.mark.parametrize(
    ("linked", "state", "expected"),
    [
        (question(30), State.CONFIRMED, Posture.INTERACTIVE),
        (question(30), State.ASKED, Posture.OPEN),
        (question(30), State.AGREED, Posture.OPEN),
        (question(30), State.DONE, Posture.OPEN),  # as one side alone says
        (question(30), State.DECLINED, Posture.REACTIVE),  # nothing was delivered
        (question(1), State.CONFIRMED, Posture.INTERACTIVE),
        (question(0.9), State.CONFIRMED, Posture.REACTIVE),
        (question(365), State.CONFIRMED, Posture.INTERACTIVE),
        (question(366), State.CONFIRMED, Posture.REACTIVE),
        (question(30, names_subject=False), State.CONFIRMED, Posture.REACTIVE),  # one to everybody is a touchpoint
        (question(30, asks=C), State.CONFIRMED, Posture.REACTIVE),
        (None, State.CONFIRMED, Posture.REACTIVE),
    ],
)
def test_a_need_is_interactive_where_a_question_asked_for_it_and_something_was_delivered(linked, state, expected):
    assert posture(told(Kind.NEED, C, state=state), linked) is expected


def test_only_a_need_becomes_interactive_and_an_offer_that_was_asked_for_came_not_unasked():
    assert posture(told(Kind.REQUEST, C, state=State.CONFIRMED), question(30)) is Posture.REACTIVE
    assert posture(told(Kind.OFFER, P), question(30, asks=C)) is Posture.REACTIVE
    assert posture(told(Kind.OFFER, P), told(Kind.NEED, C, NOON - timedelta(days=3))) is None  # counted with the need


@pytest.mark.parametrize(
    ("kind", "about", "more", "expected"),
    [
        (Kind.DISPUTE, About.KPI, {}, Nature.OPERATIONAL), (Kind.QUESTION, About.INVOICE, {}, Nature.COMMERCIAL),
        (Kind.NEED, About.GOAL, {}, Nature.STRATEGIC), (Kind.NEED, None, {}, Nature.OPERATIONAL),
        (Kind.OFFER, None, {}, Nature.COMMERCIAL), (Kind.OFFER, About.QUEUE, {}, Nature.OPERATIONAL),
        (Kind.PROPOSAL, None, {"proposes": Proposes.PROCESS}, Nature.STRATEGIC),
        (Kind.PROPOSAL, None, {"proposes": Proposes.CONTRACT}, Nature.COMMERCIAL),
        (Kind.PROPOSAL, About.CLAUSE, {"proposes": Proposes.KPI}, Nature.OPERATIONAL),
        (Kind.COMPLAINT, About.SERVICE, {"price": "6,200 EUR"}, Nature.COMMERCIAL),
    ],
)  # fmt: skip
def test_nature_follows_from_kind_and_what_it_is_about(kind, about, more, expected):
    assert nature(kind, about, **more) is expected
