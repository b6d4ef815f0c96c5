"""Kinds of matters as data: buttons, what becomes of each, and what silence may do."""

import pytest

from comity.core.matters.kinds import KINDS, Button, Debtor, Kind, Outcome, Raiser, Serves, kinds_of, silence_may_accept


def test_six_buttons_lead_to_every_kind_that_a_person_raises_once():
    reached = [kind for button in Button for kind in kinds_of(button)]
    assert len(Button) == 6
    assert sorted(reached) == sorted(kind for kind, spec in KINDS.items() if spec.raised_by is Raiser.PERSON)
    assert all(len(kinds_of(button)) <= 3 for button in Button)


# The specification's table of kinds: who serves, and what an accepted one becomes.
@pytest.mark.parametrize(
    ("kind", "serves", "outcome", "debtor"),
    [
        (Kind.QUESTION, Serves.ANSWERS, Outcome.ANSWER, None),
        (Kind.NEED, Serves.ANSWERS, Outcome.PROMISE, Debtor.ANSWERS),
        (Kind.PROBLEM, Serves.ANSWERS, Outcome.PROMISE, Debtor.ANSWERS),
        (Kind.REQUEST, Serves.ANSWERS, Outcome.PROMISE, Debtor.ANSWERS),
        (Kind.FAILURE, Serves.FAILED, Outcome.PROMISE, Debtor.FAILED),
        (Kind.COMPLAINT, Serves.ANSWERS, Outcome.MAYBE_PROMISE, Debtor.ANSWERS),
        (Kind.OFFER, Serves.ASKS, Outcome.PROMISE, Debtor.ASKS),
        (Kind.PROPOSAL, Serves.ASKS, Outcome.MAYBE_PROMISE, Debtor.ASKS),
        (Kind.WARNING, Serves.ASKS, Outcome.TALK, None),
        (Kind.DECISION, Serves.ANSWERS, Outcome.PROMISE, Debtor.ANSWERS),
        (Kind.UNTOLD, Serves.NONE, Outcome.ANSWER, None),
        (Kind.DISPUTE, Serves.NONE, Outcome.MAYBE_PROMISE, Debtor.ANSWERS),
        (Kind.CLAIM, Serves.NONE, Outcome.ANSWER, None),
        (Kind.ACTION, Serves.NONE, Outcome.PROMISE, Debtor.OWNER),
        (Kind.CORRECTION, Serves.NONE, Outcome.ANSWER, None),
    ],
)
def test_the_table_of_kinds(kind, serves, outcome, debtor):
    spec = KINDS[kind]
    assert (spec.serves, spec.outcome) == (serves, outcome)
    assert debtor is None or spec.debtor is debtor


@pytest.mark.parametrize("kind", [Kind.UNTOLD, Kind.CORRECTION, Kind.QUESTION, Kind.DECISION, Kind.WARNING])
def test_silence_never_accepts_some_kinds(kind):
    assert not silence_may_accept(kind)


def test_silence_never_accepts_a_definition_or_a_price():
    assert silence_may_accept(Kind.OFFER)
    assert not silence_may_accept(Kind.OFFER, price="6,200 EUR a month")
    assert silence_may_accept(Kind.PROPOSAL, proposes="process")
    assert not silence_may_accept(Kind.PROPOSAL, proposes="contract")
    assert not silence_may_accept(Kind.PROPOSAL, proposes="kpi")
