"""Matters, steps and promises in the book: the room alone writes them, once, the same for both sides, without words."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books.queries import book_folder
from comity.apps.matters import book_rows, tasks
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import UnusableMappingError, identity_mapping
from comity.book.mappings.parse import parse_mapping, read_mapping
from comity.book.reading.open import open_book
from comity.book.reading.visible_copy import copy_visible
from comity.book.tables import EVERY_TABLE, ROOM_TABLES, TABLES
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.bringing import rows
from tests.builders.matters import moved, raised, steps
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book
from tests.room import cast, run_jobs, superuser

pytestmark = pytest.mark.gate
SOON = timezone.now().date() + timedelta(days=30)
C, P = "customer_lead", "provider_lead"


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book()
    return made


def written(them, table):
    """Bring the book to where the room is, and read it."""
    run_jobs(book_rows.TASK)
    return rows(book_folder(them.relationship), table)


def of(found, matter):
    return [row for row in found if row["matter_id"] == str(matter.pk)]


def promised(them):
    """A need that the provider countered, both agreed on, and is done, not done, done and confirmed (vector 5)."""
    need = raised(them, C, Kind.NEED, title="The planted title", wording="The planted wording", department="Claims",
                  about="account", about_name="A-17")  # fmt: skip
    moved(them, P, need, Move.COUNTER, "The planted reason", due_on=SOON)
    moved(them, C, need, Move.AGREE)
    moved(them, P, need, Move.DONE)
    moved(them, C, need, Move.NOT_DONE)
    moved(them, P, need, Move.DONE)
    moved(them, C, need, Move.CONFIRM)
    return need


def test_a_matter_its_steps_and_its_promises_are_rows_of_the_book(them):
    need = promised(them)
    (row,) = of(written(them, "matters"), need)
    assert {name: row[name] for name in ("kind", "asks", "answers", "serves", "account_id", "department", "about")} == {
        "kind": "need", "asks": "customer", "answers": "provider", "serves": "provider", "account_id": "A-17",
        "department": "Claims", "about": "account:A-17",
    }  # fmt: skip
    assert (row["state"], row["posture"], row["shaped"], row["brought_by"]) == (
        "confirmed",
        "reactive",
        True,
        "neither",
    )
    assert row["closed_at"] is not None
    made = sorted(of(written(them, "steps"), need), key=lambda one: one["number"])
    assert [(one["number"], one["side"], one["kind"]) for one in made] == [
        (1, "customer", "raise"), (2, "provider", "counter"), (3, "customer", "agree"), (4, "provider", "done"),
        (5, "customer", "not_done"), (6, "provider", "done"), (7, "customer", "confirm"),
    ]  # fmt: skip
    assert [(one["answers_step"], one["answers_how"]) for one in made][1:4] == [
        (1, "structure"), (2, "structure"), (3, "default"),
    ]  # fmt: skip
    assert [one["promise"] for one in made[:2]] == [None, None]
    assert {(one["promise"], one["debtor"], one["due_on"], one["first_due_on"]) for one in made[2:]} == {
        (f"{need.pk}/action/3", "provider", SOON, SOON)
    }
    assert [(one["occasion"], one["strain"], one["called_for_by"]) for one in made[:3]] == [
        (None, None, None), ("declined", None, "customer"), ("declined", None, "provider"),
    ]  # fmt: skip
    promises = {one["promise_id"]: one for one in of(written(them, "promises"), need)}
    work = promises.pop(f"{need.pk}/action/3")
    assert (work["side"], work["kind"], work["moved"], work["ended"]) == ("provider", "action", 0, "kept")
    taken = {step.number: step.recorded_at.replace(tzinfo=None) for step in steps(them, need)}
    for name, number in (("promised_at", 3), ("done_at", 6), ("confirmed_at", 7)):
        assert abs(work[name] - taken[number]) < timedelta(seconds=5), name
    assert {(one["side"], one["kind"], one["ended"], one["account_id"]) for one in promises.values()} == {
        ("provider", "answer", "kept", "A-17"), ("customer", "answer", "kept", "A-17"),
    }  # fmt: skip


def test_no_word_that_anybody_wrote_and_no_name_comes_into_the_book(them):
    need = promised(them)
    with transaction.atomic():
        names = [person.name for person in them.people.values()]
        found = book_rows.room_rows(them.at(C), None)
    told = json.dumps(found)
    assert str(need.pk) in told
    for planted in ("planted", "So it is.", "Because.", *names, *(person.email for person in them.people.values())):
        assert planted not in told


def test_each_side_and_somebody_neutral_computes_the_same_rows_and_reads_them(them):
    promised(them)
    with transaction.atomic():
        first = book_rows.room_rows(them.at(C), None)
    for name in (P, "auditor"):
        with transaction.atomic():
            assert book_rows.room_rows(them.at(name), None) == first
    written(them, "steps")
    seen = []
    for viewer in (CUSTOMER, PROVIDER, JOINT):
        with open_book(book_folder(them.relationship), viewer) as book:
            seen.append(
                {
                    name: sorted(map(str, book.table(name).to_pyarrow().to_pylist()))
                    for name in ROOM_TABLES
                    if name in book.holdings
                }
            )
    assert seen[0] == seen[1] == seen[2]
    assert {"matters", "steps", "promises"} <= set(seen[0])


def test_both_sides_copies_hold_the_same_rows(them, tmp_path):
    promised(them)
    written(them, "steps")
    copies = []
    for viewer in (CUSTOMER, PROVIDER):
        copy_visible(book_folder(them.relationship), viewer, tmp_path / viewer.person)
        copies.append({name: rows(tmp_path / viewer.person, name) for name in ROOM_TABLES})
    assert copies[0] == copies[1]
    assert copies[0]["promises"]


def test_a_state_is_written_once_and_what_is_undone_is_undone_in_the_book(them):
    claim = raised(them, C, Kind.REQUEST)
    (row,) = of(written(them, "matters"), claim)
    assert (row["state"], row["closed_at"]) == ("asked", None)
    moved(them, P, claim, Move.DECLINE)
    (row,) = of(written(them, "matters"), claim)
    assert (row["state"], row["closed_at"] is None) == ("declined", False)
    moved(them, P, claim, Move.TAKE_BACK, "")
    (row,) = of(written(them, "matters"), claim)
    assert (row["state"], row["closed_at"]) == ("asked", None)
    found = written(them, "steps")
    assert [one["kind"] for one in sorted(of(found, claim), key=lambda one: one["number"])] == [
        "raise",
        "decline",
        "take_back",
    ]
    tasks.write_book(str(them.relationship))  # a worker that died after the work runs it again
    assert rows(book_folder(them.relationship), "steps") == found


def test_what_the_clock_did_is_written_at_its_next_tick(them):
    asked = raised(them, C, Kind.QUESTION)
    written(them, "steps")
    with superuser() as everybody:
        everybody.execute("UPDATE matters_matter SET reply_by = now() - interval '1 hour' WHERE id = %s", [asked.pk])
    tasks.tick(0)
    late = [one for one in of(written(them, "steps"), asked) if one["kind"] == "late"]
    assert [(one["side"], one["by_clock"], one["late"], one["strain"], one["called_for_by"]) for one in late] == [
        (None, True, True, "late_answer", "clock")
    ]


def test_a_book_that_begins_holds_what_was_raised_before():
    here = cast()
    need = raised(here, C, Kind.NEED, wording="Call back")
    run_jobs(book_rows.TASK)
    here.book()
    tasks.tick(0)
    assert len(of(written(here, "matters"), need)) == 1


@pytest.mark.parametrize("table", ROOM_TABLES)
def test_no_file_comes_into_a_table_that_only_the_room_writes(table, tmp_path):
    book = write_book(tmp_path / "book")
    file = tmp_path / f"{table}.csv"
    file.write_text(",".join(EVERY_TABLE[table].by_name) + "\n")
    with pytest.raises(UnusableMappingError, match=f"only the room writes {table}"):
        read_mapping(table)
    for side in (None, *Side):
        with pytest.raises(UnusableMappingError, match=f"only the room writes {table}"):
            import_source(book, file, identity_mapping(table), ImportRequest("Ana", datetime.now(UTC), side=side))
    mapping = (
        f'table = "contacts"\n[columns]\ncontact_id = "a"\nopened_at = "b"\n[also.{table}.columns]\nmatter_id = "a"\n'
    )
    with pytest.raises(UnusableMappingError, match=f"only the room writes {table}"):
        parse_mapping(mapping, "mine.toml", None, "mine")
    with pytest.raises(UnusableMappingError, match=f"only the room writes {table}"):
        parse_mapping(f'table = "{table}"\n[columns]\nmatter_id = "a"\n', "mine.toml", None, "mine")
    assert not (set(TABLES) & set(ROOM_TABLES))
