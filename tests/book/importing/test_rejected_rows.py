"""Rejected rows as the source wrote them: kept with their side, closed by the file that brings them again."""

import csv
import io
from itertools import count

import pytest

from comity.book.importing.forget import forget_person
from comity.book.importing.rejected_rows import ROWS_FOLDER, read_rows, rows_of_import
from comity.book.importing.undo import undo_import
from comity.book.reading.open import open_book
from comity.book.reading.origins import origins
from comity.core.values import Side
from tests.builders.deliveries import deliver, files_with, ids, line
from tests.cast import CUSTOMER, PROVIDER, write_book

HEADER = "contact_id,Name,opened_at,queue,agent_id"  # `Name` is a column that nobody asked for
GOOD = [f"c{n},Joan,2026-01-{1 + n % 28:02d}T10:00:00Z,q,a" for n in range(60)]
SOON = "c90,Eva,soon,q,a"
NAMES = count()
NAMELESS = ",Max,2026-01-02T10:00:00Z,q,a"


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def bring(book, *lines, header=HEADER, side=Side.PROVIDER, **options):
    return deliver(book, f"{next(NAMES)}.csv", [*GOOD, *lines], header=header, side=side, **options)


def open_lines(book, number=1, side=Side.PROVIDER):
    return [row.line for row in rows_of_import(book, "contacts", number, side).rows if row.corrected_by is None]


def shown_rejects(book, viewer):
    with open_book(book, viewer) as opened:
        return [origin.rejected for origin in origins(opened) if origin.table == "contacts"]


def test_a_dry_run_leaves_whole_rows_and_the_book_keeps_the_columns_that_were_asked_for(book, tmp_path):
    left = tmp_path / "rows.parquet"
    bring(book, SOON, dry_run=True, rejected_rows=left)
    before = read_rows(left)
    assert before.headers == tuple(HEADER.split(","))
    assert [row.cells for row in before.rows] == [tuple(SOON.split(","))]
    assert not (book / "private").exists()
    bring(book, SOON)
    after = rows_of_import(book, "contacts", 1, Side.PROVIDER)
    assert after.headers == ("contact_id", "opened_at", "queue", "agent_id")
    assert [(row.line, row.column, row.cells) for row in after.rows] == [(62, "opened_at", ("c90", "soon", "q", "a"))]
    assert files_with(book, "Eva") == []


def test_rows_lie_with_the_side_that_brought_them_and_nowhere_else(book):
    bring(book, SOON)
    assert rows_of_import(book, "contacts", 1, Side.CUSTOMER) is None
    holding = files_with(book, "soon")
    assert holding
    assert {file.parts[:2] for file in holding} == {("private", "provider")}


def test_a_row_is_closed_by_its_key_or_by_the_reference_of_a_download(book):
    bring(book, SOON, NAMELESS)
    assert open_lines(book) == [62, 63]
    assert shown_rejects(book, CUSTOMER) == shown_rejects(book, PROVIDER) == [2]
    by_key = bring(book, "c90,Eva,2026-01-05T10:00:00Z,q,a", day=2)
    assert by_key.delivery.corrected == 1
    assert open_lines(book) == [63]
    head, *table = download(rows_of_import(book, "contacts", 1, Side.PROVIDER))
    fixed = {row[-2]: [*(cell or "c91" for cell in row[:-2]), *row[-2:]] for row in table}
    (nameless,) = [row for reference, row in fixed.items() if reference.startswith("63 ")]
    again = deliver(book, "fixed.csv", [",".join(nameless)], header=",".join(head), side=Side.PROVIDER, day=3)
    assert (again.delivery.new, again.delivery.corrected, again.notes) == (1, 1, ())
    assert "c91" in ids(book)
    closed_by = {row.line: row.corrected_by for row in rows_of_import(book, "contacts", 1, Side.PROVIDER).rows}
    assert closed_by == {62: 2, 63: 3}
    assert shown_rejects(book, CUSTOMER) == [0]


def download(rows):
    """The file as a person gets it."""
    out = io.StringIO()
    csv.writer(out).writerows([rows.head, *rows.table()])
    return list(csv.reader(io.StringIO(out.getvalue())))


def test_a_row_that_is_rejected_again_is_open_once(book):
    bring(book, SOON)
    bring(book, SOON.replace("soon", "later"), day=2)
    assert open_lines(book) == []
    assert open_lines(book, 2) == [62]
    assert shown_rejects(book, PROVIDER) == [1]


def test_the_other_side_closes_nothing(book):
    bring(book, SOON)
    theirs = bring(book, "c90,Eva,2026-01-05T10:00:00Z,q,a", side=Side.CUSTOMER, day=2)
    assert theirs.delivery.corrected == 0
    reference = rows_of_import(book, "contacts", 1, Side.PROVIDER).rows[0].reference
    header = f"{HEADER},Comity row"
    bearing = deliver(
        book, "r.csv", [f"c99,E,2026-01-05T10:00:00Z,q,a,{reference}"], header=header, side=Side.CUSTOMER, day=3
    )
    assert bearing.delivery.corrected == 0
    assert open_lines(book) == [62]


def test_what_an_undone_import_closed_is_open_again(book):
    bring(book, SOON)
    bring(book, "c90,Eva,2026-01-05T10:00:00Z,q,a", day=2)
    assert open_lines(book) == []
    undo_import(book, "contacts", 2)
    assert open_lines(book) == [62]
    assert shown_rejects(book, PROVIDER) == [1]
    undo_import(book, "contacts", 1)
    assert rows_of_import(book, "contacts", 1, Side.PROVIDER) is None


def test_a_forgotten_person_stands_in_no_rejected_row(book):
    bring(book, "c90,Eva,soon,q,agent-77", SOON)
    forget_person(book, "agent-77")
    rows = rows_of_import(book, "contacts", 1, Side.PROVIDER).rows
    assert [row.cells for row in rows] == [("",) * 4, ("c90", "soon", "q", "a")]
    assert files_with(book / "private" / "provider" / ".comity" / ROWS_FOLDER, "agent-77") == []


def test_a_row_that_cannot_be_taken_apart_stands_whole_in_its_first_cell(book, tmp_path):
    left = tmp_path / "rows.parquet"
    bring(book, "c90,Eva,2026-01-05T10:00:00Z,q,a,one more", dry_run=True, rejected_rows=left)
    (row,) = read_rows(left).rows
    assert row.cells == ("c90,Eva,2026-01-05T10:00:00Z,q,a,one more", "", "", "", "")
    assert row.line == 62


def test_the_quote_before_a_formula_is_taken_off_a_download_that_comes_back(book):
    back = f"{HEADER},Comity row,Comity reason"
    deliver(book, "back.csv", [f"{line(1)[:2]},E,2026-01-05T10:00:00Z,'=q,a,5 of 0,x"], header=back)
    own = HEADER
    deliver(book, "own.csv", ["c2,E,2026-01-05T10:00:00Z,'=q,a"], header=own, day=2)
    with open_book(book, PROVIDER) as opened:
        rows = opened.table("contacts").to_pyarrow().to_pylist()
    assert {row["contact_id"]: row["queue"] for row in rows} == {"c1": "=q", "c2": "'=q"}
