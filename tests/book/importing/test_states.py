"""Where rows bear an update time, the latest state counts, in whatever order one side's files come."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.importing.forget import forget_person
from comity.book.importing.undo import undo_import
from comity.book.mappings.parse import read_mapping
from comity.book.storage.parquet import IMPORT_COLUMN
from comity.core.values import Side
from tests.builders.deliveries import at, rows
from tests.builders.examples import examples
from tests.builders.mappings import written
from tests.builders.turns import one_in
from tests.cast import write_book

pytestmark = pytest.mark.gate

C, P = Side.CUSTOMER, Side.PROVIDER
TICKETS = """table = "contacts"
last_wins = "updated"
[let]
updated = "Updated"
[[rows]]
column = "Status"
not = ["Deleted"]
[columns]
contact_id = "Id"
opened_at = "Created"
queue = "Group"
closed_at = "Closed"
"""
REASONS = """table = "contacts"
last_wins = "updated"
[let]
updated = "Changed"
[columns]
contact_id = "Id"
opened_at = "Created"
queue = "Team"
reason = "Reason"
"""
LOG = """table = "contacts"
last_wins = "at"
[let]
at = { from = "At", as = "instant" }
[columns]
contact_id = "Id"
opened_at = { from = "At", over = "min" }
resolved_at = { from = "Resolved", over = "max" }
queue = { from = "Group", over = "first" }
reason = { from = "Reason", over = "last" }
transfers = { from = "Transfer", over = "count" }
"""
HEAD = "Id,Created,Updated,Group,Status,Closed\n"
OF_REASONS = "Id,Created,Changed,Team,Reason\n"
OF_LOG = "Id,At,Group,Reason,Transfer,Resolved\n"


@pytest.fixture
def bring(tmp_path):
    return bringing(tmp_path)


def bringing(folder):
    """Deliver a text into the book by a mapping, and say what became of it."""
    book, number = write_book(folder / "book"), itertools.count(1)

    def brought(text, toml=TICKETS, side=None, name="tickets"):
        source = written(folder, f"{next(number)}.csv", text)
        mapping = read_mapping(written(folder, f"{name}.toml", toml))
        return import_source(book, source, mapping, ImportRequest("Ana", at(next(number)), side=side))

    brought.book = book
    return brought


def held(bring, *columns):
    """The rows of the book, without the import that set them; or some of their columns."""
    every = [{k: v for k, v in row.items() if k not in {IMPORT_COLUMN, "_import"}} for row in rows(bring.book)]
    return [tuple(row[name] for name in columns) for row in every] if columns else every


OLD = HEAD + "t1,2026-01-05 09:00,2026-01-05 09:30,first,Open,\n"
NEW = HEAD + "t1,2026-01-05 09:00,2026-01-06 09:30,second,Open,\n"


def test_an_earlier_state_that_comes_later_changes_nothing_and_is_told(bring):
    bring(NEW)
    outcome = bring(OLD)
    assert held(bring, "contact_id", "queue") == [("t1", "second")]
    found = outcome.delivery
    assert (found.rows_in, found.updated, found.superseded, found.collapsed) == (1, 0, 1, 1)
    assert any("1 row is an earlier state than one that the book has" in note for note in outcome.notes)


def test_of_a_file_without_update_times_it_is_known_that_it_counts_as_the_later_one(bring):
    bare = TICKETS.replace('last_wins = "updated"\n', "")
    assert bring(NEW).delivery.has_update_times
    found = bring(OLD, bare, name="bare").delivery
    assert (found.updated, found.has_update_times) == (1, False)


def test_a_corrected_mapping_brings_the_same_states_again(bring):
    bring(NEW)
    outcome = bring(NEW, TICKETS.replace('queue = "Group"', 'queue = { from = "Group", values = { second = "2nd" } }'))
    assert (held(bring, "queue"), outcome.delivery.updated) == ([("2nd",)], 1)


def test_what_is_left_out_does_not_come_back_with_an_earlier_file(bring):
    bring(HEAD + "t1,2026-01-05 09:00,2026-01-06 09:30,second,Deleted,\n")
    bring(OLD)
    assert held(bring) == []


def test_an_earlier_file_that_leaves_a_row_out_does_not_withdraw_it(bring):
    bring(NEW)
    outcome = bring(HEAD + "t1,2026-01-05 09:00,2026-01-05 08:00,first,Deleted,\n")
    assert (held(bring, "queue"), outcome.delivery.withdrawn) == ([("second",)], 0)


def test_an_import_that_is_taken_back_no_longer_says_what_is_later(bring):
    taken = bring(NEW).delivery
    undo_import(bring.book, "contacts", taken.number)
    bring(OLD)
    assert held(bring, "queue") == [("first",)]


def test_each_side_tells_of_its_own_states(bring):
    """The other side's update times hide nothing: a change of its rows is proposed, whichever came first."""
    bring(NEW, side=P)
    found = bring(OLD, side=C).delivery
    assert (found.superseded, found.proposed) == (0, 1)
    found = bring(OLD.replace("first", "other").replace("01-05 09:30", "01-05 09:29"), side=C).delivery
    assert (found.superseded, found.proposed) == (1, 0)  # its own do


def test_the_update_times_of_a_side_lie_in_its_own_folder(bring):
    bring(NEW, side=P)
    found = [file.relative_to(bring.book).as_posix() for file in bring.book.rglob("states/*.parquet")]
    assert found == ["private/provider/.comity/states/contacts-1.parquet"]


def test_who_is_forgotten_stands_in_no_list_of_states(bring):
    accounts = """table = "accounts"
last_wins = "updated"
[let]
updated = "Updated"
[columns]
account_id = "Id"
name = { from = "Name", keep = true, reason = "a firm" }
"""
    bring("Id,Name,Updated\nacme,Acme,2026-01-02\n", accounts, name="accounts")
    files = list(bring.book.rglob("states/accounts-*.parquet"))
    assert files
    forget_person(bring.book, "acme")
    assert all(b"acme" not in file.read_bytes() for file in files)


def test_two_exports_of_other_columns_keep_the_later_value_of_each(bring):
    bring(OF_REASONS + "t1,2026-01-05 09:00,2026-01-07 10:00,third,billing\n", REASONS, name="reasons")
    outcome = bring(HEAD + "t1,2026-01-05 09:00,2026-01-06 09:30,second,Open,2026-01-06 09:00\n")
    assert outcome.delivery.updated == 1
    ((queue, reason, closed),) = held(bring, "queue", "reason", "closed_at")
    assert (queue, reason, closed is not None) == ("third", "billing", True)


PARTS = (
    OF_LOG + "t1,2026-01-05 09:00,desk,asked,,\nt1,2026-01-05 10:00,desk,,yes,\n",
    OF_LOG + "t1,2026-01-06 09:00,lab,found,yes,\nt1,2026-01-06 11:00,lab,,,2026-01-06 11:00\n",
    OF_LOG + "t1,2026-01-07 09:00,lab,closed,yes,\n",
)


@pytest.mark.parametrize("order", one_in(3, [(str(order), order) for order in itertools.permutations(range(3))]))
def test_parts_of_a_log_are_put_together_as_the_whole_is(tmp_path, order):
    whole = bringing(tmp_path / "whole")
    whole(OF_LOG + "".join(part.removeprefix(OF_LOG) for part in PARTS), LOG, name="log")
    parts = bringing(tmp_path / "parts")
    for number in order:
        parts(PARTS[number], LOG, name="log")
    assert held(parts) == held(whole)


def test_a_part_that_overlaps_an_earlier_one_counts_nothing_twice_and_says_so(bring):
    bring(PARTS[0] + PARTS[1].removeprefix(OF_LOG), LOG, name="log")
    outcome = bring(PARTS[1] + PARTS[2].removeprefix(OF_LOG), LOG, name="log")
    assert held(bring, "transfers", "reason") == [(2, "closed")]
    assert any("1 row tells of a time that an earlier part of this log covers too" in note for note in outcome.notes)


_STATES = st.lists(
    st.tuples(st.sampled_from("abc"), st.integers(1, 9), st.booleans()),
    min_size=1, max_size=9, unique_by=lambda state: state[:2],
)  # fmt: skip


def _line(key, moment, gone):
    """The one thing that a source says of a key at a moment."""
    group = f"group {key}{moment % 4}"
    closed = f"2026-02-0{moment} 12:00" if moment % 3 else ""
    return f"{key},2026-01-05 09:00,2026-02-0{moment} 10:00,{group},{'Deleted' if gone else 'Open'},{closed}\n"


@settings(max_examples=examples(2), deadline=None)
@given(states=_STATES, data=st.data(), side=st.sampled_from([None, C]))
def test_any_order_of_one_sides_files_makes_the_same_book(tmp_path_factory, states, data, side):
    count = data.draw(st.integers(1, 3))
    files = [[] for _ in range(count)]
    for state in states:
        files[data.draw(st.integers(0, count - 1))].append(state)
    texts = [HEAD + "".join(_line(*state) for state in file) for file in files if file]
    books = []
    for order in (texts, data.draw(st.permutations(texts)), ["".join([HEAD, *(_line(*state) for state in states)])]):
        bring = bringing(tmp_path_factory.mktemp("order"))
        for text in order:
            bring(text, side=side)
        books.append(held(bring))
    assert books[0] == books[1] == books[2]


@pytest.mark.long
@settings(max_examples=examples(2), deadline=None)
@given(
    states=st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 9)), min_size=2, max_size=8, unique=True),
    data=st.data(),
)
def test_any_order_of_two_exports_of_the_same_things_makes_the_same_book(tmp_path_factory, states, data):
    """Each bears columns that the other lacks, and one column is in both."""
    files = []
    for key, moment in states:
        if data.draw(st.booleans()):
            files.append((HEAD + _line(key, moment, gone=False), TICKETS, "tickets"))
        else:
            text = f"{key},2026-01-05 09:00,2026-02-0{moment} 10:00,group {key}{moment % 4},reason {moment}\n"
            files.append((OF_REASONS + text, REASONS, "reasons"))
    books = []
    for order in (files, data.draw(st.permutations(files))):
        bring = bringing(tmp_path_factory.mktemp("two"))
        for text, toml, name in order:
            bring(text, toml, name=name)
        books.append(held(bring))
    assert books[0] == books[1]
