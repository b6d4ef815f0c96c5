"""A row that the source has and its mapping no longer takes is withdrawn, told, and never the other side's to lose."""

import itertools

import pytest

from comity.book.importing.corrections import count_proposals
from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import identity_mapping
from comity.book.mappings.parse import read_mapping
from comity.core.values import Side
from tests.builders.deliveries import at, rows
from tests.builders.mappings import written
from tests.cast import write_book

pytestmark = pytest.mark.gate

C, P = Side.CUSTOMER, Side.PROVIDER
TICKETS = """table = "contacts"
[[rows]]
column = "Status"
not = ["Deleted", "Merged"]
[columns]
contact_id = "Id"
opened_at = "Created"
"""
HEAD = "Id,Created,Status\n"
OPEN_TWO = HEAD + "t1,2026-01-05 09:00,Open\nt2,2026-01-05 10:00,Open\n"
MERGED = HEAD + "t1,2026-01-05 09:00,Open\nt2,2026-01-05 10:00,Merged\n"


@pytest.fixture
def bring(tmp_path):
    """Deliver a text into the book by a mapping, and say what became of it."""
    book, number = write_book(tmp_path / "book"), itertools.count(1)

    def brought(text, toml=TICKETS, side=None, name="tickets"):
        source = written(tmp_path, f"{next(number)}.csv", text)
        mapping = read_mapping(written(tmp_path, f"{name}.toml", toml))
        return import_source(book, source, mapping, ImportRequest("Ana", at(next(number)), side=side))

    brought.book = book
    return brought


def held(bring):
    return [row["contact_id"] for row in rows(bring.book)]


def test_a_row_that_is_left_out_later_is_withdrawn_and_told(bring):
    bring(OPEN_TWO)
    outcome = bring(MERGED)
    assert held(bring) == ["t1"]
    assert (outcome.delivery.unchanged, outcome.delivery.withdrawn) == (1, 1)
    assert any("left out by the mapping: it takes those where Status is not" in note for note in outcome.notes)


def test_it_comes_back_when_the_source_takes_it_up_again(bring):
    for text in (OPEN_TWO, MERGED):
        bring(text)
    bring(HEAD + "t2,2026-01-05 10:00,Reopened\n")
    assert held(bring) == ["t1", "t2"]


def test_a_key_that_the_file_has_elsewhere_stays(bring):
    bring(OPEN_TWO)
    outcome = bring(HEAD + "t2,2026-01-05 10:00,Merged\nt2,2026-01-05 10:00,Open\n")
    assert (held(bring), outcome.delivery.withdrawn) == (["t1", "t2"], 0)


def test_what_is_left_out_as_of_something_else_withdraws_nothing(bring):
    of_else = TICKETS.replace('not = ["Deleted", "Merged"]', 'not = ["Deleted", "Merged"]\nother = true')
    bring(OPEN_TWO, of_else)
    assert bring(MERGED, of_else).delivery.withdrawn == 0
    assert held(bring) == ["t1", "t2"]


def test_rows_that_another_mapping_brought_stay(bring):
    """And the report says so: the name of a mapping decides, as long as it does not say all the same."""
    bring(OPEN_TWO, TICKETS.replace("Merged", "Spam"), name="other")
    outcome = bring(MERGED)
    assert outcome.delivery.withdrawn == 0
    assert held(bring) == ["t1", "t2"]
    told = "1 row that it leaves out stays, as the mapping 'other' brought them and not 'tickets'"
    assert any(note.startswith(told) for note in outcome.notes)


def test_a_mapping_that_was_only_renamed_withdraws_what_it_brought(bring):
    bring(OPEN_TWO, name="tickets_2025")
    outcome = bring(MERGED)
    assert (held(bring), outcome.delivery.withdrawn) == (["t1"], 1)
    assert not any("brought them" in note for note in outcome.notes)


def test_the_other_sides_private_rows_are_not_counted_among_those_that_stay(tmp_path):
    book = write_book(tmp_path / "book", '[private]\nprovider = ["contacts[queue=own]"]\n')
    queued = TICKETS + 'queue = "Queue"\n'
    theirs = written(tmp_path, "theirs.toml", queued.replace("Merged", "Spam"))
    head, row = "Id,Created,Status,Queue\n", "t2,2026-01-05 10:00,{},own\n"
    first, second = (
        written(tmp_path, "1.csv", head + row.format("Open")),
        written(tmp_path, "2.csv", head + row.format("Merged")),
    )
    import_source(book, first, read_mapping(theirs), ImportRequest("Ben", at(1), side=P))
    own = read_mapping(written(tmp_path, "own.toml", queued))
    outcome = import_source(book, second, own, ImportRequest("Ana", at(2), side=C))
    assert not any("brought them" in note for note in outcome.notes)


def test_rows_of_the_other_side_are_proposed_to_go_and_stay(bring):
    """Neither side takes the other's rows off the record by marking them as merged in its own export."""
    bring(OPEN_TWO, side=C)
    outcome = bring(MERGED, side=P)
    assert held(bring) == ["t1", "t2"]
    assert (outcome.delivery.withdrawn, outcome.delivery.proposed_withdrawals) == (0, 1)
    assert count_proposals(bring.book, "contacts", outcome.delivery.number) == {"change": 0, "add": 0, "withdraw": 1}


def test_ones_own_rows_go_without_asking_in_a_room(bring):
    bring(OPEN_TWO, side=P)
    assert bring(MERGED, side=P).delivery.withdrawn == 1
    assert held(bring) == ["t1"]


def test_within_one_file_the_later_state_counts_in_whatever_order_it_stands(bring):
    last = TICKETS.replace('table = "contacts"', 'table = "contacts"\nlast_wins = "changed"')
    last += '[let]\nchanged = { from = "Changed", as = "instant" }\n'
    lines = ["t1,2026-01-05 09:00,Open,2026-01-05 09:00", "t1,2026-01-05 09:00,Merged,2026-01-06 09:00"]
    for order in (lines, lines[::-1]):
        bring("Id,Created,Status,Changed\n" + "\n".join(order) + "\n", last)
        assert held(bring) == []


def test_the_tables_own_form_leaves_nothing_out(bring, tmp_path):
    source = written(tmp_path, "own.csv", "contact_id,opened_at\nt1,2026-01-05T09:00:00Z\n")
    import_source(bring.book, source, identity_mapping("contacts"), ImportRequest("Ana", at(1)))
    assert bring(HEAD + "t1,2026-01-05 09:00,Merged\n").delivery.withdrawn == 0
