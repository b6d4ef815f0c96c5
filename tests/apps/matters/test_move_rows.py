"""Moves in the book: from what the room recorded, written by its job, the same for both sides, and without words."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books.queries import book_folder
from comity.apps.matters import book_rows, move_rows
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.bringing import rows
from tests.builders.levels import KPI, contacts
from tests.builders.matters import moved, raised
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"


def written(them):
    """Bring the book to where the room is: side, kind, strained and what called for it, in order of time."""
    run_jobs(book_rows.TASK)
    found = sorted(rows(book_folder(them.relationship), "moves"), key=lambda one: (one["at"], one["move_id"]))
    return found, [(one["side"], one["kind"], one["strained"], one["called_for_by"]) for one in found]


def test_moves_are_written_with_the_steps_that_they_are():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    dispute = raised(them, C, title="The planted title")
    moved(them, P, dispute, Move.AGREE, "The planted reason")
    need = raised(them, C, Kind.NEED)
    moved(them, P, need, Move.DECLINE)
    raised(them, P, Kind.OFFER, wording="A second line.")
    found, moves = written(them)
    assert set(moves) == {
        ("customer", "dispute", True, None),
        ("provider", "late_answer", False, "customer"), ("provider", "escalation", False, "customer"),
        ("provider", "declined", True, "customer"),
        ("provider", "silent", False, "clock"),
    }  # fmt: skip
    by_id = {one["move_id"]: one for one in found}
    assert by_id[f"{dispute.pk}/2/late_answer"]["answers_to"] == f"{dispute.pk}/1/dispute"
    assert {one["brought_by"] for one in found} == {"neither"}
    assert "planted" not in str(found)
    moved(them, C, raised(them, P, Kind.NEED), Move.COUNTER)
    assert len(written(them)[0]) == len(found) + 2


def test_a_decision_past_its_day_is_a_duty_missed_without_any_step():
    """The clock writes it: no step tells of it."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    matter = raised(them, C, Kind.DECISION, due_on=timezone.now().date() + timedelta(days=3))
    assert written(them)[1] == []
    with superuser() as everybody:
        everybody.execute(
            "UPDATE ledger_promise SET due_on = current_date - 4 WHERE subject_id = %s AND kind = 'decision'",
            [matter.pk],
        )
    with transaction.atomic():
        member = them.at("auditor")
        (missed,) = move_rows.moves(member)
        assert (missed.side, missed.kind, missed.strained) == ("provider", "duty_missed", True)


def test_the_same_moves_are_derived_by_whoever_looks():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    moved(them, P, raised(them), Move.DECLINE)
    seen = []
    for who in (C, P, "auditor"):
        with transaction.atomic():
            seen.append(move_rows.move_rows(them.at(who)))
    assert seen[0] == seen[1] == seen[2] != []
