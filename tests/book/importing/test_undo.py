"""An import taken back: the book is as it was before, for whoever looks, and the file may come in again."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from comity.book.importing.undo import NotTheLastError, Undone, undo_import
from comity.book.reading.open import open_book
from comity.book.reading.origins import origins
from comity.book.validation.rejects import rejects_of_import
from comity.core.values import Side
from tests.builders.deliveries import counts, deliver, line, rows
from tests.builders.examples import examples
from tests.cast import CUSTOMER, JOINT, PROVIDER, write_book

pytestmark = pytest.mark.gate
PRIVATE = """
[private]
provider = ["contacts.agent_id", "contacts[team=own]"]
customer = ["contacts.reason"]
"""
VIEWERS = (JOINT, CUSTOMER, PROVIDER)


def seen(book):
    """What everybody sees of the book: rows and where they came from."""
    told = {}
    for viewer in VIEWERS:
        with open_book(book, viewer) as opened:
            told[viewer.side] = [(one.table, one.rows, one.rejected, one.deliveries) for one in origins(opened)]
        told[viewer.side, "rows"] = rows(book, viewer=viewer)
    return told


def test_rows_that_came_go_and_rows_that_changed_come_back(tmp_path):
    book = write_book(tmp_path / "book")
    deliver(book, "first.csv", [line(1), line(2), line(3)])
    before = seen(book)
    # The second brings one, changes one, says one anew, and has one that breaks a rule.
    second = [line(4), line(2, team="other"), line(3), "c5,nonsense,q,a,open,r"]
    assert counts(deliver(book, "second.csv", second, day=2, max_rejects=1.0)) == (1, 1, 1, 0, 1)
    assert list(rejects_of_import(book, "contacts", 2, None))
    assert undo_import(book, "contacts", 2) == Undone(gone=2, back=1)
    assert seen(book) == before
    assert list(rejects_of_import(book, "contacts", 2, None)) == []
    # It is as if it had never come: the same file is new again.
    assert counts(deliver(book, "second.csv", second, day=3, max_rejects=1.0)) == (1, 1, 1, 0, 1)


def test_the_first_import_taken_back_leaves_no_table(tmp_path):
    book = write_book(tmp_path / "book")
    before = sorted(file.name for file in book.iterdir() if not file.name.startswith("."))
    deliver(book, "first.csv", [line(1), line(2)])
    undo_import(book, "contacts", 1)
    assert sorted(file.name for file in book.iterdir() if not file.name.startswith(".")) == before
    assert rows(book) == []


def test_only_the_last_can_be_taken_back_and_then_the_one_before(tmp_path):
    book = write_book(tmp_path / "book")
    deliver(book, "first.csv", [line(1)])
    first = seen(book)
    deliver(book, "second.csv", [line(2)], day=2)
    for number in (1, 3):
        with pytest.raises(NotTheLastError, match=r"not its last; take back first what came after it"):
            undo_import(book, "contacts", number)
    undo_import(book, "contacts", 2)
    assert seen(book) == first
    undo_import(book, "contacts", 1)
    assert rows(book) == []


def test_what_lay_there_by_hand_stays(tmp_path):
    book = write_book(tmp_path / "book", contacts="contact_id,opened_at,queue,agent_id,team,reason\n" + line(1))
    by_hand = rows(book)
    deliver(book, "first.csv", [line(1, team="other"), line(2)])
    undo_import(book, "contacts", 1)
    assert [{**row, "_import": 0} for row in rows(book)] == [{**row, "_import": 0} for row in by_hand]


LINES = st.lists(
    st.builds(line, st.integers(1, 6), st.sampled_from(["open", "own"]), st.sampled_from(["r", "s", ""])),
    unique_by=lambda one: one.split(",")[0],
    min_size=1,
)


@given(first=LINES, second=LINES)
@settings(max_examples=examples(5), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_came_each_side_sees_what_it_saw_before(tmp_path_factory, first, second):
    """With columns and rows of either side laid apart."""
    book = write_book(tmp_path_factory.mktemp("undo") / "book", PRIVATE)
    deliver(book, "first.csv", first)
    before = seen(book)
    outcome = deliver(book, "second.csv", second, day=2)
    after = seen(book)
    if outcome.already is None:
        undo_import(book, "contacts", outcome.delivery.number)
        assert seen(book) == before
        again = deliver(book, "second.csv", second, day=2)
        assert again.already is None
        assert seen(book) == after
    assert not list((book / "private" / Side.CUSTOMER.value).rglob("ready-*"))
