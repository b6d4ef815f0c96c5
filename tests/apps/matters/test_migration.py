"""Matters of the time before all kinds: each state is carried over, and where the counts disagree nothing is."""

import importlib

import psycopg
import pytest

from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import State
from tests.builders.matters import raised
from tests.room import cast, superuser

pytestmark = pytest.mark.gate
STATES = importlib.import_module("comity.apps.matters.migrations.0014_states").STATES
# The state of before, what followed from a dispute, and what it is now: with a promise where something is to be done.
BEFORE = [
    (Kind.DISPUTE, "accepted", "records", State.AGREED, "provider"),
    (Kind.DISPUTE, "accepted", "value", State.ANSWERED, ""),
    (Kind.DISPUTE, "refused", "", State.DECLINED, ""),
    (Kind.DISPUTE, "done", "formula", State.DONE, "provider"),
    (Kind.CLAIM, "accepted", "", State.ANSWERED, ""),
    (Kind.CLAIM, "deemed", "", State.DEEMED, ""),
    (Kind.ACTION, "accepted", "", State.AGREED, ""),
    (Kind.ACTION, "confirmed", "", State.CONFIRMED, ""),
    (Kind.ACTION, "countered", "", State.COUNTERED, ""),
    (Kind.CLAIM, "withdrawn", "", State.WITHDRAWN, ""),
]


@pytest.fixture(scope="module")
def them():
    return cast()


def as_before(everybody, matter, state, follows):
    """Let a matter be as the room kept it then."""
    everybody.execute(
        "UPDATE matters_matter SET state = %s, follows = %s, last_move = 1, promise = false, debtor = '' WHERE id = %s",
        [state, follows, matter.pk],
    )
    move = {"accepted": "accept", "refused": "refuse"}.get(
        state, "done" if state in {"done", "confirmed"} else "comment"
    )
    everybody.execute("UPDATE matters_step SET move = %s, side = 'provider' WHERE matter_id = %s", [move, matter.pk])


def test_every_state_and_move_of_before_is_carried_over(them):
    matters = [raised(them, kind=kind) for kind, *_ in BEFORE]
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        for matter, (_, state, follows, _, _) in zip(matters, BEFORE, strict=True):
            as_before(everybody, matter, state, follows)
        everybody.execute(STATES)
        found = [
            everybody.execute(
                "SELECT state, debtor, promise, done_by, closed_at IS NULL FROM matters_matter WHERE id = %s", [one.pk]
            ).fetchone()
            for one in matters
        ]
        moves = everybody.execute(
            "SELECT DISTINCT move FROM matters_step WHERE matter_id = ANY (%s)", [[one.pk for one in matters]]
        ).fetchall()
    for (state, debtor, promise, done_by, is_open), (kind, _, _, now, owes) in zip(found, BEFORE, strict=True):
        is_promise = kind is Kind.ACTION or owes != ""
        assert (state, debtor) == (now, owes)
        assert promise is (is_promise and now is not State.COUNTERED)
        assert done_by == ("provider" if now in {State.DONE, State.CONFIRMED} else "")
        assert is_open is (now in {State.AGREED, State.DONE, State.COUNTERED})
    assert {move for (move,) in moves} == {"agree", "decline", "done", "comment"}


def test_nothing_is_carried_over_where_the_counts_disagree(them):
    one, other = raised(them, kind=Kind.CLAIM), raised(them, kind=Kind.CLAIM)
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        as_before(everybody, one, "accepted", "")
        as_before(everybody, other, "agreed", "")  # a state that there was not
        with pytest.raises(psycopg.errors.RaiseException, match="matters were not carried over: 1 accepted, 2 carried"):
            everybody.execute(STATES)
