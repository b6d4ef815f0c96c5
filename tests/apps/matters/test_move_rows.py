"""Moves in the book: from what the room recorded, written by its job, the same for both sides, and without words."""

from datetime import date, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books.queries import book_folder
from comity.apps.matters import book_rows, move_rows
from comity.apps.parties import operations
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind as ClauseKind
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.agreement import add
from tests.builders.bringing import rows
from tests.builders.changes import agreed, content, drafted, kpi_of, proposed, room, soon
from tests.builders.deliveries import deliver
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


def derived(them, who="auditor"):
    with transaction.atomic():
        return move_rows.moves(them.at(who))


def of_kind(them, kind):
    return [(one.side, one.strained, one.called_for_by) for one in derived(them) if one.kind == kind]


def test_a_matter_raised_because_of_another_answers_it_in_the_moves():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    dispute = raised(them, C)
    answering = raised(them, P, prompted_by=dispute)
    raised(them, P)
    links = {one.id: one.answers_to for one in derived(them)}
    assert links[f"{answering.pk}/1/dispute"] == f"{dispute.pk}/1/dispute"
    assert sorted(map(str, links.values())) == sorted(["None", "None", f"{dispute.pk}/1/dispute"])


def test_whoever_leaves_with_an_open_matter_in_their_name_leaves_without_a_handover():
    """A later handover does not change what was so when they left; whoever stood in no matter is none of it."""
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    need = raised(them, "provider_analyst", Kind.NEED)
    leave(them, "provider_analyst")
    leave(them, "provider_member")
    assert of_kind(them, "departure") == [("provider", True, None)]
    moved(them, P, need, Move.HAND_OVER, owner=place(them, P))
    assert of_kind(them, "departure") == [("provider", True, None)]


def test_whoever_handed_over_first_leaves_with_a_handover():
    them = cast()
    them.book(KPI, contacts="\n".join(contacts()))
    moved(them, P, raised(them, "provider_analyst", Kind.NEED), Move.HAND_OVER, owner=place(them, P))
    leave(them, "provider_analyst")
    assert of_kind(them, "departure") == [("provider", False, None)]


def place(them, who):
    with transaction.atomic():
        return them.at(who).membership


def leave(them, who):
    with transaction.atomic():
        operations.end_membership(them.at(P), place(them, who))


STAFFED = "queue,start,minutes,scheduled,staffed\n" + "\n".join(
    f"help,2026-06-{day:02}T10:00:00Z,60,100,{94 if day < 8 else 95}" for day in range(1, 15)
)


def test_weeks_of_the_roster_are_moves_only_where_both_sides_see_it():
    """From Monday 1 June: 94 of 100 in the first week, 95 in the second."""
    them, kept = cast(), cast()
    them.book(KPI, schedules=STAFFED)
    assert of_kind(them, "understaffed") == [("provider", True, "clock"), ("provider", False, "clock")]
    kept.book(KPI + '[private]\nprovider = ["schedules"]\n', private__provider__schedules=STAFFED)
    for who in ("auditor", C, P):  # nor does the side that keeps it derive another move than the other
        assert [one for one in derived(kept, who) if one.kind == "understaffed"] == []


def test_what_was_to_be_delivered_and_did_not_come_is_a_duty_missed():
    """Contacts came once, on 15 June, and were due daily ever since: one a week, however many were missing."""
    them = cast()
    folder = them.book(KPI + '[[source]]\ntable = "contacts"\nby = "provider"\ndue = "daily 09:00"\n')
    header, *lines = contacts()
    deliver(folder, "june.csv", lines[:40], header=header, day=15)
    found = [one for one in derived(them) if one.kind == "duty_missed"]
    assert {(one.side, one.strained, one.called_for_by) for one in found} == {("provider", True, "clock")}
    weeks = {(one.at.isocalendar().year, one.at.isocalendar().week) for one in found}
    assert len(found) == len(weeks) >= 4
    raised(them)
    assert len([one for one in written(them)[0] if one["kind"] == "duty_missed"]) == len(found)


def test_a_price_asked_for_is_a_move_only_where_its_date_was_agreed():
    """A new price counts from July. Drafts are nobody's business; what is withdrawn was asked for all the same."""
    them = room()
    with transaction.atomic():
        kpi = kpi_of(them.at(C))
    fields = {"service": "Voice", "unit": "contact", "currency": "EUR", "price": "4.2"}
    dated = add(
        "dated",
        ClauseKind.PRICE,
        kpi,
        **fields,
        index_series="CPI",
        index_base_month="2024-05",
        index_base_value="128.4",
        indexed_from="2025-07",
    )
    agreed(them, C, content(dated, add("other", ClauseKind.PRICE, "dated", **fields), first_day=soon(3)))
    year = soon().year + 1
    for clause, day in (("dated", date(year, 7, 1)), ("dated", date(year, 3, 1)), ("other", date(year, 3, 1))):
        proposed(them, P, content(SetField(clause, "price", "4.3"), first_day=day))
    drafted(them, P, content(SetField("dated", "price", "4.4"), first_day=date(year, 2, 1)))
    assert sorted(of_kind(them, "price"), key=str) == [("provider", False, "clock"), ("provider", True, None)]
