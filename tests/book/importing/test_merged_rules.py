"""The rules over a row hold for the row as the book has it: put together from several files, not only file by file."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.importing.deliver import RefusedError
from comity.book.tables import TABLES
from comity.book.validation.rejects import rejects_of_import
from comity.core.values import Side
from tests.builders.deliveries import counts, deliver, files_with, rows
from tests.builders.examples import examples
from tests.cast import CUSTOMER, PROVIDER, write_book

pytestmark = pytest.mark.gate

OPENED = "contact_id,opened_at"
SOLVED = f"{OPENED},resolved_at"
MORNING, NOON, EVENING = (f"2026-01-05T{hour:02d}:00:00Z" for hour in (8, 12, 20))
KEPT = '\n[private]\nprovider = ["contacts.resolved_at"]\n'
MERGED = "resolved_at before opened_at, together with what the book has of this row"


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def test_a_file_that_moves_the_beginning_behind_the_end_is_set_aside_row_by_row(book):
    """A survey taken for contacts: its day of the answer would become the beginning of the ticket."""
    deliver(book, "tickets.csv", [f"a,{MORNING},{NOON}", f"b,{MORNING},"], header=SOLVED)
    outcome = deliver(book, "survey.csv", [f"a,{EVENING}", f"b,{EVENING}"], header=OPENED, day=2, max_rejects=1.0)
    assert counts(outcome) == (0, 0, 1, 0, 1)
    assert outcome.by_reason == {("opened_at", MERGED): 1}
    assert [(reject.line, reject.column, reject.reason) for reject in outcome.rejects] == [(2, "opened_at", MERGED)]
    held = {row["contact_id"]: row for row in rows(book)}
    assert held["a"]["opened_at"].isoformat().startswith("2026-01-05T08:00")
    assert held["b"]["opened_at"].isoformat().startswith("2026-01-05T20:00")


def test_a_file_of_such_rows_is_refused_and_a_dry_run_says_so_first(book):
    deliver(book, "tickets.csv", [f"a,{MORNING},{NOON}"], header=SOLVED)
    looked = deliver(book, "survey.csv", [f"a,{EVENING}"], header=OPENED, day=2, dry_run=True)
    assert (looked.delivery.rejected, looked.delivery.updated) == (1, 0)
    with pytest.raises(RefusedError, match="together with what the book has of this row"):
        deliver(book, "survey.csv", [f"a,{EVENING}"], header=OPENED, day=2)
    assert len(rows(book)) == 1


def test_a_row_that_broke_the_rule_before_is_not_held_against_a_later_file(tmp_path):
    """The customer moves the beginning of its ticket behind an end that the provider keeps to itself, unseen."""
    book = write_book(tmp_path / "book", KEPT)
    deliver(book, "opened.csv", [f"a,{MORNING}"], header=OPENED, side=Side.CUSTOMER)
    deliver(book, "solved.csv", [f"a,{MORNING},{NOON}"], header=SOLVED, day=2, side=Side.PROVIDER)
    deliver(book, "moved.csv", [f"a,{EVENING}"], header=OPENED, day=3, side=Side.CUSTOMER)
    later = deliver(book, "queue.csv", [f"a,{EVENING},q"], header=f"{OPENED},queue", day=4, side=Side.PROVIDER)
    assert (later.delivery.proposed, later.delivery.rejected) == (1, 0)
    assert rows(book, viewer=PROVIDER)[0]["resolved_at"] < rows(book, viewer=CUSTOMER)[0]["opened_at"]


@pytest.mark.parametrize("by", [Side.CUSTOMER, Side.PROVIDER])
def test_a_change_that_is_proposed_keeps_the_rules_too(book, by):
    """In a room each side's rows are its own: what it proposes of the other's may not break them either."""
    deliver(book, "tickets.csv", [f"a,{MORNING},{NOON}"], header=SOLVED, side=by)
    outcome = deliver(book, "late.csv", [f"a,{EVENING}"], header=OPENED, day=2, side=by.other, max_rejects=1.0)
    assert (outcome.delivery.proposed, outcome.delivery.rejected) == (0, 1)


def test_what_a_side_keeps_to_itself_is_neither_told_to_the_other_nor_shown_at_home(tmp_path):
    """The provider keeps `resolved_at`: the customer, who moves the beginning, learns nothing of it."""
    book = write_book(tmp_path / "book", KEPT)
    deliver(book, "tickets.csv", [f"a,{MORNING},{NOON}"], header=SOLVED, side=Side.PROVIDER)
    theirs = deliver(book, "late.csv", [f"a,{EVENING}"], header=OPENED, day=2, side=Side.CUSTOMER, max_rejects=1.0)
    assert (theirs.delivery.proposed, theirs.delivery.rejected) == (1, 0)
    own = deliver(book, "own.csv", [f"a,{EVENING}"], header=OPENED, day=3, side=Side.PROVIDER, max_rejects=1.0)
    assert own.delivery.rejected == 1
    assert not [file for file in files_with(book, "resolved_at before") if file.parts[0] != "private"]

    home = write_book(tmp_path / "home", KEPT)
    deliver(home, "tickets.csv", [f"a,{MORNING},{NOON}"], header=SOLVED)
    outcome = deliver(home, "late.csv", [f"a,{EVENING}"], header=OPENED, day=2, max_rejects=1.0)
    number = outcome.delivery.number
    assert [one.reason for one in rejects_of_import(home, "contacts", number, None)] == [
        "breaks a rule over a column that is private to the provider"
    ]
    assert [one.reason for one in rejects_of_import(home, "contacts", number, Side.PROVIDER)] == [MERGED]


CLOCKS = ("answered_at", "abandoned_at", "resolved_at", "closed_at")
FILE = st.tuples(
    st.lists(st.sampled_from(CLOCKS), unique=True, max_size=3),
    st.lists(st.tuples(st.integers(0, 2), st.lists(st.integers(0, 9), min_size=4, max_size=4)), min_size=1, max_size=4),
)


def moment(hour: int) -> str:
    return (datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hour)).isoformat()


@settings(max_examples=examples(25), deadline=None)
@given(files=st.lists(FILE, min_size=2, max_size=4))
def test_no_sequence_of_files_leaves_a_row_that_breaks_a_rule(tmp_path_factory, files):
    book = write_book(tmp_path_factory.mktemp("rules") / "book")
    for day, (borne, lines) in enumerate(files, 1):
        text = {
            number: ",".join([f"c{number}", *(moment(hour) for hour in hours[: 1 + len(borne)])])
            for number, hours in lines
        }
        outcome = deliver(
            book,
            f"{day}.csv",
            text.values(),
            header=",".join([OPENED, *borne]),
            day=day,
            max_rejects=1.0,
        )
        counts(outcome)
        for row in rows(book):
            assert all(row[later] is None or row[later] >= row["opened_at"] for later in CLOCKS)


def test_every_rule_of_every_table_names_columns_that_are_there():
    for table in TABLES.values():
        for rule in table.rules:
            assert rule.column in table.columns_of(rule)
