"""A second delivery is normal, an import is all or nothing, and what is private is laid apart."""

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.definition import read_definition
from comity.book.importing.deliver import ImportRequest, RefusedError, import_source, import_tables
from comity.book.importing.diff import import_difference, imports_of
from comity.book.importing.forget import forget_person
from comity.book.importing.route import import_routed
from comity.book.mappings.digest import mapping_digests
from comity.book.mappings.model import UnusableMappingError, identity_mapping
from comity.book.mappings.parse import parse_mapping, read_mapping
from comity.book.reading.open import open_book
from comity.book.reading.origins import origins
from comity.book.storage.commit import BusyBookError, Move, book_lock, commit
from comity.book.tables import CONTACTS
from comity.book.validation.pseudonyms import KEY_FILE_SETTING, holder_of, own_key, pseudonym
from comity.book.validation.rejects import rejects_of_import
from comity.core.values import Side
from tests.builders.deliveries import HEADER, at, counts, deliver, files_with, ids, line, rows
from tests.builders.examples import examples
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


# Several tables of one file ---------------------------------------------------------------------------------------

TICKETS = """table = "contacts"
[columns]
contact_id = "Ticket"
opened_at = "Created"
resolved_at = "Solved"
[[also.deadlines.rows]]
column = "Due"
empty = false
[also.deadlines.columns]
contact_id = "Ticket"
name = { value = "resolution" }
kind = { value = "resolution" }
due_at = { from = "Due", needed = true }
source_verdict = "Verdict"
"""


def import_tickets(book: Path, text: str, day: int = 1, **options):
    mapping, source = book.parent / "tickets.toml", book.parent / f"tickets-{day}.csv"
    mapping.write_text(TICKETS, encoding="utf-8")
    source.write_text(text, encoding="utf-8")
    return import_tables(book, source, read_mapping(mapping), ImportRequest("Ana", at(day), **options))


def test_one_file_feeds_two_tables_and_each_reports(book):
    """The second ticket has no due time, so that nothing was promised of it: two contacts, one deadline."""
    text = (
        "Ticket,Created,Solved,Due,Verdict,Note\n"
        "1,2026-01-05T09:00Z,2026-01-05T11:00Z,2026-01-05T17:00Z,met,x\n2,2026-01-05T09:00Z,,,,y\n"
    )
    contacts, deadlines = import_tickets(book, text)
    assert (contacts.table, counts(contacts)) == ("contacts", (2, 0, 0, 0, 0))
    assert (deadlines.table, counts(deadlines)) == ("deadlines", (1, 0, 0, 0, 0))
    assert [(row["contact_id"], row["source_verdict"]) for row in rows(book, "deadlines")] == [("1", "met")]
    assert contacts.unmapped == ("Note",)  # what either table keeps is kept
    again = import_tickets(book, text, day=2)
    assert [outcome.already is not None for outcome in again] == [True, True]


def test_where_one_of_two_tables_is_refused_neither_changes(book):
    """`lost` is no verdict, and one of one row is more than the share that may be rejected."""
    text = "Ticket,Created,Solved,Due,Verdict\n1,2026-01-05T09:00Z,,2026-01-05T17:00Z,lost\n"
    with pytest.raises(RefusedError, match="not one of met, missed"):
        import_tickets(book, text)
    assert rows(book) == rows(book, "deadlines") == []
    contacts, deadlines = import_tickets(book, text.replace("lost", "missed"), day=2)
    assert (counts(contacts), counts(deadlines)) == ((1, 0, 0, 0, 0), (1, 0, 0, 0, 0))


def test_a_file_without_what_the_second_table_needs_feeds_the_first_and_says_so(book):
    (contacts,) = import_tickets(book, "Ticket,Created,Solved\n1,2026-01-05T09:00Z,\n")
    assert counts(contacts) == (1, 0, 0, 0, 0)
    assert any("nothing for deadlines" in note and "'Due'" in note for note in contacts.notes)


# A second delivery -----------------------------------------------------------------------------------------------


def test_half_of_january_and_then_the_whole_of_it_doubles_nothing(book):
    january = [line(number) for number in range(200)]
    assert counts(deliver(book, "half.csv", january[:100])) == (100, 0, 0, 0, 0)
    assert counts(deliver(book, "whole.csv", january, day=2)) == (100, 100, 0, 0, 0)
    assert ids(book) == sorted(f"c{number}" for number in range(200))


def test_the_same_file_twice_changes_nothing_and_says_so(book):
    deliver(book, "a.csv", [line(1)])
    before = (book / "contacts.parquet").read_bytes()
    again = deliver(book, "renamed.csv", [line(1)], day=2)
    assert again.already is not None
    assert again.already.at == at(1)
    assert (book / "contacts.parquet").read_bytes() == before


def test_a_file_is_recognised_in_a_book_that_an_earlier_version_wrote(book):
    """Such a book holds digests of mappings that were computed over Python's `repr`."""
    deliver(book, "a.csv", [line(1)])
    file = book / "contacts.parquet"
    table = pq.read_table(file)
    records = json.loads(table.schema.metadata[b"comity.imports"])
    today, earlier = mapping_digests(identity_mapping("contacts"))
    assert [record["mapping_digest"] for record in records] == [today]
    journal = json.dumps([{**records[0], "mapping_digest": earlier}]).encode()
    pq.write_table(table.replace_schema_metadata({**table.schema.metadata, b"comity.imports": journal}), file)
    before = file.read_bytes()
    again = deliver(book, "renamed.csv", [line(1)], day=2)
    assert again.already is not None
    assert again.already.mapping_digest == earlier
    assert file.read_bytes() == before


def test_the_later_source_wins_and_the_earlier_row_stays_readable(book):
    deliver(book, "a.csv", [line(1, reason="first"), line(2)])
    assert counts(deliver(book, "b.csv", [line(1, reason="second")], day=2)) == (0, 0, 1, 0, 0)
    assert [row["reason"] for row in rows(book)] == ["second", "r"]
    past = pq.read_table(book / ".comity" / "history" / "contacts-2.parquet").to_pylist()
    assert [(row["contact_id"], row["reason"], row["_status"]) for row in past] == [("c1", "first", "before")]
    with open_book(book, JOINT) as opened:
        last = imports_of(opened, "contacts")[-1]
        changed = import_difference(opened, CONTACTS, last)
    assert [(month.month, month.new, month.updated) for month in changed.months] == [("2026-01", 0, 1)]
    assert changed.columns == {"reason": 1}


def test_columns_that_a_delivery_does_not_bear_stay_as_they_are(book):
    deliver(book, "a.csv", [line(1, reason="kept")])
    outcome = deliver(book, "b.csv", ["c1,2026-01-02T10:00:00Z,other"], header="contact_id,opened_at,queue", day=2)
    assert counts(outcome) == (0, 0, 1, 0, 0)
    assert [(row["queue"], row["reason"]) for row in rows(book)] == [("other", "kept")]


def test_a_raw_table_is_taken_over_and_kept_aside(tmp_path):
    book = write_book(tmp_path / "book", contacts="contact_id,opened_at\nold,2026-01-01T10:00:00Z")
    deliver(book, "a.csv", [line(1)])
    assert ids(book) == ["c1", "old"]
    assert not (book / "contacts.csv").exists()
    assert (book / ".comity" / "replaced" / "1-contacts.csv").is_file()


def test_invoice_lines_without_a_number_replace_the_months_they_come_for(book):
    header = "month,account_id,service,quantity,unit_price"

    def came(name, lines, day):
        return counts(deliver(book, name, lines, table="invoices", header=header, day=day))

    assert came("a.csv", ["2026-01,a,s,1,2", "2026-01,a,s,1,2", "2026-02,a,s,1,2"], 1) == (3, 0, 0, 0, 0)
    assert came("b.csv", ["2026-01,a,s,1,2", "2026-01,a,s,9,2"], 2) == (1, 1, 0, 1, 0)
    assert [(str(row["month"]), int(row["quantity"])) for row in rows(book, "invoices")] == [
        ("2026-01-01", 1),
        ("2026-01-01", 9),
        ("2026-02-01", 1),
    ]


@settings(max_examples=examples(5), deadline=None)
@given(
    first=st.dictionaries(st.integers(0, 20), st.sampled_from("xyz"), max_size=12),
    second=st.dictionaries(st.integers(0, 20), st.sampled_from("xyz"), max_size=12),
)
def test_after_two_deliveries_the_table_is_the_first_updated_by_the_second(tmp_path_factory, first, second):
    """A Python dict is the witness: `{**first, **second}`."""
    book = write_book(tmp_path_factory.mktemp("merge") / "book")
    deliver(book, "a.csv", [line(number, reason=reason) for number, reason in first.items()])
    outcome = deliver(book, "b.csv", [line(number, reason=reason) for number, reason in second.items()], day=2)
    if outcome.already is None:
        same = sum(first.get(number) == reason for number, reason in second.items())
        changed = len(first.keys() & second.keys()) - same
        assert counts(outcome) == (len(second.keys() - first.keys()), same, changed, 0, 0)
    expected = {f"c{number}": reason for number, reason in {**first, **second}.items()}
    assert {row["contact_id"]: row["reason"] for row in rows(book)} == expected


# Rejects and provenance ------------------------------------------------------------------------------------------


def test_rejects_are_kept_with_file_line_column_value_and_reason(book):
    outcome = deliver(book, "a.csv", [line(1), "c2,never,q,,,"], max_rejects=0.5)
    assert counts(outcome) == (1, 0, 0, 0, 1)
    kept = list(rejects_of_import(book, "contacts", 1, None))
    assert kept == list(outcome.rejects)
    reject = kept[0]
    assert (reject.file, reject.line, reject.column, reject.value) == ("a.csv", 3, "opened_at", "never")
    assert list(outcome.by_reason.values()) == [1]


def test_a_file_of_which_too_much_is_wrong_changes_nothing(book):
    deliver(book, "a.csv", [line(1)])
    before = (book / "contacts.parquet").read_bytes()
    with pytest.raises(RefusedError, match=r"b\.csv: 1 of 2 rows breaks a rule, where 5% may: b\.csv line 3"):
        deliver(book, "b.csv", [line(2), "c3,never,q,,,"], day=2)
    assert (book / "contacts.parquet").read_bytes() == before


def test_a_dry_run_shows_the_first_rows_and_changes_nothing(book):
    outcome = deliver(book, "a.csv", [line(number) for number in range(9)], dry_run=True)
    assert [row["contact_id"] for row in outcome.first_rows] == ["c0", "c1", "c2", "c3", "c4"]
    assert not (book / "contacts.parquet").exists()


PARTS = """
[private]
provider = ["contacts.agent_id", "contacts[team=own]"]
customer = ["contacts.reason"]
"""
LINES = st.lists(
    st.builds(line, st.integers(1, 6), st.sampled_from(["open", "own"]), st.sampled_from(["r", "s", ""])),
    unique_by=lambda text: text.split(",")[0],
    min_size=1,
)
SIDES = st.sampled_from([None, Side.CUSTOMER, Side.PROVIDER])


@given(first=LINES, second=LINES, sides=st.tuples(SIDES, SIDES))
@settings(max_examples=examples(5))
def test_a_dry_run_counts_what_the_import_will_count(tmp_path_factory, first, second, sides):
    """New, unchanged, updated, proposed and rejected, whose rows and what is private alike; and it changes nothing."""
    book = write_book(tmp_path_factory.mktemp("preview") / "book", PARTS)
    for name, lines, side, day in zip(("a.csv", "b.csv"), (first, second), sides, (1, 2), strict=True):
        before = {file: file.read_bytes() for file in book.rglob("*.parquet")}
        trial = deliver(book, name, [*lines, "bad,never,q,,,"], day=day, side=side, max_rejects=1.0, dry_run=True)
        assert {file: file.read_bytes() for file in book.rglob("*.parquet")} == before
        done = deliver(book, name, [*lines, "bad,never,q,,,"], day=day, side=side, max_rejects=1.0)
        if done.already is None:
            assert replace(trial.delivery, notes=()) == replace(done.delivery, notes=())


def test_a_table_remembers_its_deliveries(book):
    deliver(book, "a.csv", [line(1)])
    deliver(book, "b.csv", [line(2)], day=2)
    with open_book(book, JOINT) as opened:
        origin = origins(opened)[0]
    assert (origin.table, origin.rows, origin.files) == ("contacts", 2, ("a.csv", "b.csv"))
    assert [(one.number, one.at, one.by, one.new) for one in origin.deliveries] == [
        (1, at(1), "Ana", 1),
        (2, at(2), "Ana", 1),
    ]


def test_rows_past_their_retention_leave_the_table(tmp_path):
    book = write_book(tmp_path / "book", "[retention]\ncontacts = 150\n")  # before 2 January, on 1 June
    outcome = deliver(book, "a.csv", [line(0), line(1), line(2)])
    assert (outcome.delivery.new, outcome.delivery.expired) == (2, 1)
    assert ids(book) == ["c1", "c2"]


# What is private -------------------------------------------------------------------------------------------------

PRIVATE = """
[private]
provider = ["costs", "contacts.agent_id", "contacts[team=secret]"]
customer = ["contacts.reason"]
"""


def test_an_import_lays_apart_what_is_private_and_each_side_reads_its_own(tmp_path):
    book = write_book(tmp_path / "book", PRIVATE)
    lines = [line(number, reason="CUSTOMERS") for number in range(6)]
    lines += [line(number, team="secret").replace("agent", "PROVIDERS") for number in range(6, 9)]
    lines += ["x1,PROVIDERS,q,,secret,", "x2,never,q,PROVIDERS,open,CUSTOMERS"]
    deliver(book, "a.csv", lines, max_rejects=0.5)
    deliver(book, "costs.csv", ["2026-01,PROVIDERS,1,2"], table="costs", header="month,driver,quantity,unit_cost")
    changed = [text.replace("CUSTOMERS", "CUSTOMERS-TOO").replace("PROVIDERS", "PROVIDERS-TOO") for text in lines[:9]]
    deliver(book, "b.csv", changed, day=2)
    assert {file.parts[:2] for file in files_with(book, "CUSTOMERS")} == {("private", "customer")}
    assert {file.parts[:2] for file in files_with(book, "PROVIDERS")} == {("private", "provider")}
    assert ids(book) == ids(book, CUSTOMER) == [f"c{number}" for number in range(6)]
    assert ids(book, PROVIDER) == [f"c{number}" for number in range(9)]
    assert {row["reason"] for row in rows(book, viewer=CUSTOMER)} == {"CUSTOMERS-TOO"}
    assert {row["agent_id"] for row in rows(book, viewer=CUSTOMER)} == {None}
    assert {row["reason"] for row in rows(book, viewer=PROVIDER)} == {None}
    assert len({row["agent_id"] for row in rows(book, viewer=PROVIDER)}) == 6


def test_private_rows_are_not_even_counted_for_others(tmp_path):
    book = write_book(tmp_path / "book", PRIVATE)
    deliver(book, "a.csv", [line(1), line(2, team="secret"), "x,never,q,,secret,"], max_rejects=0.5)
    for viewer, new, rejected in ((JOINT, 1, 0), (CUSTOMER, 1, 0), (PROVIDER, 2, 1)):
        with open_book(book, viewer) as opened:
            one = origins(opened)[0].deliveries[0]
        assert (one.new, one.rejected) == (new, rejected)
    assert list(rejects_of_import(book, "contacts", 1, Side.CUSTOMER)) == []
    assert len(list(rejects_of_import(book, "contacts", 1, Side.PROVIDER))) == 1


def test_a_second_delivery_of_the_same_private_content_is_unchanged(tmp_path):
    book = write_book(tmp_path / "book", PRIVATE)
    lines = [line(number, team="secret" if number % 2 else "open") for number in range(10)]
    deliver(book, "a.csv", lines)
    assert counts(deliver(book, "b.csv", reversed(lines), day=2)) == (0, 10, 0, 0, 0)


def test_ids_of_people_are_kept_as_digests_with_a_key_outside_the_book(tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_FILE_SETTING, str(tmp_path / "key"))
    book = write_book(tmp_path / "book", '[personal]\ndigest = ["agent_id"]\n')
    deliver(book, "a.csv", [line(1)])
    key = bytes.fromhex((tmp_path / "key").read_text())
    assert [row["agent_id"] for row in rows(book)] == [pseudonym(key, "agent1")]
    assert files_with(book, "agent1") == []


def test_a_forgotten_person_stands_nowhere_and_the_rows_stay(tmp_path):
    book = write_book(tmp_path / "book", accounts="account_id,name\nagent1,PERSON\nother,Other")
    deliver(book, "a.csv", [line(number) for number in range(6)])
    deliver(book, "b.csv", [line(number, reason="new") for number in range(6)], day=2)
    found = {(one.table, one.rows) for one in forget_person(book, "agent1")}
    assert found == {("contacts", 2), ("accounts", 1)}
    assert files_with(book, "agent1") == files_with(book, "PERSON") == []
    assert len(ids(book)) == 6
    assert len({row["agent_id"] for row in rows(book)}) == 3
    assert forget_person(book, "agent1") == ()


NAMES = """table = "contacts"
[columns]
contact_id = "No"
opened_at = "At"
agent_id = { from = "Agent", keep = true, reason = "who is the same", digest = true }
"""


def brought_by_name(book, side, rows, **more):
    """Calls with the names of agents, brought by a side under a mapping that keeps digests of them."""
    file = book.parent / f"{side.value}.csv"
    file.write_text("\n".join(["No,At,Agent", *rows]), encoding="utf-8")
    mapping = parse_mapping(NAMES, "names", None, "names")
    return import_source(book, file, mapping, ImportRequest("Ana", at(1), side=side, **more))


def test_names_enter_as_digests_by_the_key_of_the_side_that_imports(tmp_path, monkeypatch):
    """The same person is the same within a side, and nobody can hold one side's digests against the other's."""
    monkeypatch.setenv(KEY_FILE_SETTING, str(tmp_path / "key"))
    book = write_book(tmp_path / "book")
    day = "2026-01-05T09:00:00Z"
    looked = brought_by_name(book, Side.PROVIDER, [f"1,{day},Ana Ruiz"], dry_run=True)
    assert "Ana Ruiz" not in str(looked.first_rows)
    calls = [f"1,{day},Ana Ruiz", f"2,{day},Ana Ruiz", "3,no day,Ana Ruiz"]
    brought_by_name(book, Side.PROVIDER, calls, max_rejects=1.0)
    brought_by_name(book, Side.CUSTOMER, [f"9,{day},Ana Ruiz"])
    assert files_with(book, "Ana Ruiz") == []
    key, definition = bytes.fromhex((tmp_path / "key").read_text()), read_definition(book)
    own = {side: pseudonym(own_key(key, holder_of(definition.relationship, side)), "Ana Ruiz") for side in Side}
    assert {row["contact_id"]: row["agent_id"] for row in rows(book)} == {
        "1": own[Side.PROVIDER],
        "2": own[Side.PROVIDER],
        "9": own[Side.CUSTOMER],
    }
    forget_person(book, "Ana Ruiz")
    assert not set(own.values()) & {row["agent_id"] for row in rows(book)}


@pytest.mark.parametrize("column", ["queue", "reason"])
def test_only_a_column_of_people_can_be_kept_as_a_digest(column):
    text = NAMES.replace("agent_id", column)
    with pytest.raises(UnusableMappingError, match="belongs to a column that is taken `from`"):
        parse_mapping(text, "names", None, "names")


# One export, several relationships -------------------------------------------------------------------------------


def test_rows_go_to_the_book_that_the_routes_name_and_nobody_hears_of_another(tmp_path):
    north, south = (write_book(tmp_path / name) for name in ("north", "south"))
    (tmp_path / "routes.toml").write_text(
        '[[route]]\ncolumn = "group"\nis = ["NORTH-SECRET"]\nbook = "north"\n'
        '[[route]]\ncolumn = "group"\nis = "re:SOUTH.*"\nbook = "south"\nvalid_from = 2026-01-10\n'
        '[[route]]\ncolumn = "queue"\nis = "both"\nbook = "south"\n',
    )
    lines = [
        "n1,2026-01-02T10:00:00Z,q,NORTH-SECRET",
        "s1,2026-01-10T10:00:00Z,q,SOUTH-SECRET",
        "s2,2026-01-09T10:00:00Z,q,SOUTH-SECRET",
        "x1,2026-01-02T10:00:00Z,q,nobody",
        "x2,2026-01-02T10:00:00Z,both,NORTH-SECRET",
    ]
    file = tmp_path / "export.csv"
    file.write_text("\n".join(["contact_id,opened_at,queue,group", *lines]) + "\n")
    routed = import_routed(tmp_path / "routes.toml", file, identity_mapping("contacts"), ImportRequest("Ana", at(1)))
    assert (ids(north), ids(south)) == (["n1"], ["s1"])
    assert [(one.line, one.reason) for one in routed.unrouted] == [
        (4, "belongs to no book"),
        (5, "belongs to no book"),
        (6, "belongs to two books"),
    ]
    assert files_with(north, "SOUTH") == files_with(south, "NORTH") == []
    assert files_with(north, "s1") == files_with(south, "n1") == []
    unsure = replace(identity_mapping("contacts"), ask=("opened_at",))
    with pytest.raises(UnusableMappingError, match="not sure of opened_at"):
        import_routed(tmp_path / "routes.toml", file, unsure, ImportRequest("Ana", at(2)))
    again = import_routed(tmp_path / "routes.toml", file, identity_mapping("contacts"), ImportRequest("Ana", at(2)))
    assert all(outcome.already is not None for outcome in again.outcomes)


def routed_tickets(tmp_path, text, day):
    """An export of two books through a mapping that leaves out what is deleted."""
    toml = """table = "contacts"
last_wins = "changed"
[let]
changed = "changed"
[[rows]]
column = "status"
not = ["deleted"]
[columns]
contact_id = "id"
opened_at = "opened"
"""
    (tmp_path / "tickets.toml").write_text(toml)
    routes = [f'[[route]]\ncolumn = "group"\nis = "{name.upper()}"\nbook = "{name}"\n' for name in ("north", "south")]
    (tmp_path / "routes.toml").write_text("".join(routes))
    file = tmp_path / f"export-{day}.csv"
    file.write_text("id,opened,changed,status,group\n" + text)
    mapping = read_mapping(tmp_path / "tickets.toml")
    return import_routed(tmp_path / "routes.toml", file, mapping, ImportRequest("Ana", at(day)))


def test_what_is_left_out_or_moves_to_another_book_leaves_the_book_that_held_it(tmp_path):
    north, south = (write_book(tmp_path / name) for name in ("north", "south"))
    rows = ("n1,2026-01-05 09:00,2026-01-05 10:00,open,NORTH\n", "n2,2026-01-05 09:00,2026-01-05 10:00,open,NORTH\n",
            "s1,2026-01-05 09:00,2026-01-05 10:00,open,SOUTH\n")  # fmt: skip
    routed_tickets(tmp_path, "".join(rows), 1)
    assert (ids(north), ids(south)) == (["n1", "n2"], ["s1"])
    moved = "n1,2026-01-05 09:00,2026-01-06 10:00,deleted,NORTH\nn2,2026-01-05 09:00,2026-01-06 10:00,open,SOUTH\n"
    of_north, of_south = routed_tickets(tmp_path, moved, 2).outcomes
    assert (ids(north), ids(south)) == ([], ["n2", "s1"])
    assert (of_north.delivery.withdrawn, of_south.delivery.new) == (2, 1)
    assert files_with(north, "s1") == []
    assert files_with(south, "n1") == []


def test_a_row_moves_back_by_a_later_state_alone(tmp_path):
    north, south = (write_book(tmp_path / name) for name in ("north", "south"))
    for day, (hour, group) in enumerate(((10, "NORTH"), (12, "SOUTH"), (11, "NORTH"), (13, "NORTH")), 1):
        routed_tickets(tmp_path, f"n1,2026-01-05 09:00,2026-01-05 {hour}:00,open,{group}\n", day)
        assert ids(north if day in {1, 4} else south) == ["n1"]
        assert ids(south if day in {1, 4} else north) == []


# All or nothing --------------------------------------------------------------------------------------------------


def test_only_one_import_at_a_time(book):
    script = (
        "import sys, time; from pathlib import Path; from comity.book.storage.commit import book_lock\n"
        "with book_lock(Path(sys.argv[1])): print('held', flush=True); time.sleep(30)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(book)], stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        with pytest.raises(BusyBookError, match="another import is under way"):
            deliver(book, "a.csv", [line(1)])
        other.kill()
    assert counts(deliver(book, "a.csv", [line(1)])) == (1, 0, 0, 0, 0)  # a dead process holds nothing


class BrokenOffError(Exception):
    pass


@pytest.mark.parametrize("renames", range(5))
def test_a_change_broken_off_between_any_two_renames_is_finished_by_whoever_comes_next(book, monkeypatch, renames):
    """The rename that sets the mark is the first; from then on the change has happened."""
    hidden = book / ".comity"
    hidden.mkdir()
    moves = []
    for name in ("a", "b", "c"):
        (book / name).write_text("before")
        (hidden / f"ready-{name}").write_text("after")
        moves.append(Move(hidden / f"ready-{name}", book / name))
    done, replace = [], Path.replace

    def breaking(self, target):
        if len(done) == renames:
            raise BrokenOffError
        done.append(target)
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", breaking)
    with pytest.raises(BrokenOffError) if renames < 4 else book_lock(book):
        commit(book, moves)
    monkeypatch.undo()
    with book_lock(book):
        pass
    expected = "after" if renames else "before"
    assert [(book / name).read_text() for name in ("a", "b", "c")] == [expected] * 3
    assert not (hidden / "commit.json").exists()


_IMPORT = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import identity_mapping
print("ready", flush=True)
sys.stdin.readline()
at = datetime(2026, 6, 2, tzinfo=UTC)
import_source(Path(sys.argv[1]), Path(sys.argv[2]), identity_mapping("contacts"), ImportRequest("Ana", at))
print("done", flush=True)
"""


def state(book: Path) -> list:
    """What everybody sees of a book."""
    found = []
    for viewer in (CUSTOMER, PROVIDER, JOINT):
        with open_book(book, viewer) as opened:
            numbers = [one.number for one in imports_of(opened, "contacts")]
        found.append((numbers, rows(book, viewer=viewer)))
    return found


@pytest.mark.long
@pytest.mark.timeout(3000)
@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX's")
def test_an_import_killed_at_200_random_instants_leaves_the_book_as_before_or_as_after(tmp_path):
    """Private rows and columns make the change several renames long; only kills of a running import count.

    The instants are spread over a tenth more than the import takes; seed 20261125.
    """
    chance, seen = random.Random(20261125), {"before": 0, "after": 0}
    first = [line(number, team="secret" if number % 5 == 0 else "open") for number in range(3000)]
    second = [line(number, team="secret" if number % 5 == 0 else "open", reason="new") for number in range(1500, 4500)]
    (tmp_path / "second.csv").write_text("\n".join([HEADER, *second]) + "\n")
    work = tmp_path / "work"
    work.mkdir()

    def made(name: str) -> Path:
        book = write_book(tmp_path / name / "book", PRIVATE)
        deliver(book, "first.csv", first)
        return book

    def run(book: Path) -> float:
        process = _start(book, tmp_path / "second.csv", work)
        began = time.monotonic()
        process.communicate(b"\n")
        return time.monotonic() - began

    whole = made("whole")
    before = state(whole)
    run(made("warm"))
    lasts = run(whole)
    after = state(whole)
    assert before != after
    book, instants, late = made("killed"), [], 0
    while sum(seen.values()) < 200:
        instant = chance.uniform(0, 1.1 * lasts)
        process = _start(book, tmp_path / "second.csv", work)
        process.stdin.write(b"\n")
        process.stdin.flush()
        time.sleep(instant)
        running = process.poll() is None
        process.send_signal(signal.SIGKILL)
        process.communicate()
        found = state(book)
        assert found in (before, after)
        if running:
            seen["before" if found == before else "after"] += 1
            instants.append(instant)
        late += not running
        if found == after:  # once more from the beginning
            book = made(f"killed {late} {seen['after']}")
    told = f"{seen}, {late} too late, {min(instants):.3f} to {max(instants):.3f} s of {lasts:.3f} s"
    logging.getLogger(__name__).info(told)
    assert seen["before"] >= 20, told
    assert seen["after"] >= 1, told
    assert min(instants) < 0.1 * lasts < 0.8 * lasts < max(instants), told
    left = list(work.iterdir())
    assert left, "a killed import leaves its work folder behind"
    for folder in left:
        os.utime(folder, (0, 0))  # as if it had lain there for long
    run(book)
    assert state(book) == after  # and it can be run again
    assert list(work.iterdir()) == []  # and what was left lying about is gone
    assert not [file for file in book.rglob("*") if file.name.startswith(("ready-", "work-"))]


def _start(book: Path, source: Path, work: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", _IMPORT, str(book), str(source)]
    environment = {**os.environ, "TMPDIR": str(work)}
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment)
    assert process.stdout.readline() == b"ready\n"
    return process


def test_the_same_invoice_in_another_file_is_not_doubled(tmp_path):
    """A file of the quarter, then one of its last month: the lines have no number but their place."""
    book = write_book(tmp_path / "book")
    toml = (
        'table = "invoices"\n[columns]\nmonth = "Month"\naccount_id = { value = "nw" }\nservice = "Service"\n'
        'quantity = { value = 1 }\namount = "Amount"\ninvoice_id = "Invoice"\nline = { row = true }\n'
    )
    (tmp_path / "lines.toml").write_text(toml, encoding="utf-8")
    quarter = ["2026-07,Calls,5,A", "2026-07,Mails,6,A", "2026-09,Calls,5,C", "2026-09,Mails,6,C"]
    for day, (name, lines) in enumerate({"quarter.csv": quarter, "september.csv": quarter[2:]}.items(), 1):
        file = tmp_path / name
        file.write_text("\n".join(["Month,Service,Amount,Invoice", *lines]) + "\n", encoding="utf-8")
        (outcome,) = import_tables(book, file, read_mapping(tmp_path / "lines.toml"), ImportRequest("Ana", at(day)))
    assert counts(outcome) == (0, 2, 0, 0, 0)
    assert sum(row["amount"] for row in rows(book, "invoices")) == 22
