"""Opening a book: raw tables are checked and typed once; what is private to one side reaches no other eyes."""

import shutil
import tempfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comity.book.definition import UnusableBookError
from comity.book.reading.open import NotInRelationshipError, open_book
from tests.cast import CUSTOMER, JOINT, PROVIDER, STRANGER, write_book

PRIVATE = """
[private]
provider = ["costs", "contacts.agent_id", "contacts.resolved_at", "surveys[audience=employee]"]
customer = ["contacts.reason", "renewals"]
"""
CONTACTS = """
contact_id,opened_at,queue,agent_id,reason,resolved_at
a,2026-05-01T10:00:00Z,q,PROVIDERS-SECRET,CUSTOMERS-SECRET,2026-05-01T12:00:00Z
b,2026-05-02T10:00:00Z,q,PROVIDERS-SECRET,CUSTOMERS-SECRET,2026-05-02T12:00:00Z
"""
SURVEYS = """
response_id,audience,respondent_id,instrument,scale_min,scale_max,score
1,customer,p,csat,1,5,4
2,employee,PROVIDERS-SECRET,esat,1,5,1
"""
COSTS = """
month,driver,quantity,unit_cost
2026-05,PROVIDERS-SECRET,3,4.5
"""
RENEWALS = """
account_id,due_on,decision,mode
CUSTOMERS-SECRET,2026-05-01,left,active
"""


def everything(book) -> str:
    """All that a viewer can get at through an open book, as one text."""
    tables = [str(book.table(name).to_pyarrow().to_pylist()) for name in book.holdings]
    rejects = [str(reject) for name in book.holdings for reject in book.rejects(name)]
    notes = [str(holding.notes) for holding in book]
    return " ".join([*tables, *rejects, *notes])


def rows(book, table: str) -> list[dict]:
    return book.table(table).to_pyarrow().to_pylist()


@pytest.fixture
def laid_apart(tmp_path):
    """A book whose private parts lie in the private folders."""
    return write_book(
        tmp_path / "book",
        PRIVATE,
        contacts="contact_id,opened_at,queue\na,2026-05-01T10:00:00Z,q\nb,2026-05-02T10:00:00Z,q",
        surveys=SURVEYS.replace("2,employee,PROVIDERS-SECRET,esat,1,5,1\n", ""),
        private__provider__contacts="contact_id,agent_id,resolved_at\n"
        "a,PROVIDERS-SECRET,2026-05-01T12:00:00Z\nb,PROVIDERS-SECRET,2026-05-02T12:00:00Z",
        private__customer__contacts="contact_id,reason\na,CUSTOMERS-SECRET\nb,CUSTOMERS-SECRET",
        private__provider__surveys=SURVEYS.replace("1,customer,p,csat,1,5,4\n", ""),
        private__provider__costs=COSTS,
        private__customer__renewals=RENEWALS,
    )


@pytest.fixture
def left_together(tmp_path):
    """The same book, written by hand with everything in the shared files."""
    return write_book(tmp_path / "book", PRIVATE, contacts=CONTACTS, surveys=SURVEYS, costs=COSTS, renewals=RENEWALS)


@pytest.fixture(params=["laid_apart", "left_together"])
def secretive(request):
    return request.getfixturevalue(request.param)


@pytest.mark.parametrize(
    ("viewer", "sees", "never"),
    [
        (CUSTOMER, "CUSTOMERS-SECRET", "PROVIDERS-SECRET"),
        (PROVIDER, "PROVIDERS-SECRET", "CUSTOMERS-SECRET"),
        (JOINT, "", "SECRET"),
    ],
)
def test_a_viewer_sees_what_is_shared_and_what_is_private_to_the_own_side(secretive, viewer, sees, never):
    with open_book(secretive, viewer) as book:
        told = everything(book)
        assert sees in told
        assert never not in told
        assert [row["contact_id"] for row in rows(book, "contacts")] == ["a", "b"]


def test_what_is_private_to_the_other_side_is_absent_or_empty(secretive):
    with open_book(secretive, CUSTOMER) as book:
        assert not book.has("costs")
        assert "costs" not in book.holdings
        assert [row["response_id"] for row in rows(book, "surveys")] == ["1"]
        assert {(row["agent_id"], row["resolved_at"], row["resolved_on"]) for row in rows(book, "contacts")} == {
            (None, None, None),
        }
    with open_book(secretive, PROVIDER) as book:
        assert book.has("costs", "contacts")
        assert "renewals" not in book.holdings
        assert [row["response_id"] for row in rows(book, "surveys")] == ["1", "2"]
        assert {(row["agent_id"], row["resolved_slot"]) for row in rows(book, "contacts")} == {("PROVIDERS-SECRET", 28)}


def test_a_stranger_opens_nothing(secretive):
    with pytest.raises(NotInRelationshipError) as refusal:
        open_book(secretive, STRANGER)
    assert "SECRET" not in str(refusal.value)


def test_a_side_may_keep_its_private_tables_elsewhere(laid_apart, tmp_path):
    elsewhere = tmp_path / "mine"
    shutil.move(laid_apart / "private" / "provider", elsewhere)
    with open_book(laid_apart, PROVIDER) as book:
        assert "PROVIDERS-SECRET" not in everything(book)
    with open_book(laid_apart, PROVIDER, elsewhere) as book:
        assert book.has("costs")
        assert "PROVIDERS-SECRET" in everything(book)
    with open_book(laid_apart, JOINT, elsewhere) as book:
        assert "SECRET" not in everything(book)


def test_a_typed_form_of_private_tables_lies_in_the_private_folder(laid_apart):
    for viewer in (CUSTOMER, PROVIDER):
        open_book(laid_apart, viewer).close()
    outside = [file for file in laid_apart.rglob("*") if file.is_file() and "private" not in file.parts]
    for file in outside:
        text = str(pq.read_table(file).to_pylist()) if file.suffix == ".parquet" else file.read_text("utf-8")
        assert "SECRET" not in text, file


def test_rejects_do_not_tell_what_is_private(tmp_path):
    """A reject over a private row is absent; over a private column it is there without column and value."""
    book = write_book(
        tmp_path / "book",
        '[private]\nprovider = ["contacts.handle_s", "surveys[audience=employee]"]\n',
        contacts="contact_id,opened_at,handle_s\na,2026-05-01T10:00:00Z,SECRET\nb,2026-05-01T10:00:00Z,1",
        surveys=SURVEYS.replace("esat,1,5,1", "esat,1,5,SECRET"),
    )
    with open_book(book, CUSTOMER, max_rejects=0.6) as opened:
        assert [str(one) for one in opened.rejects("contacts")] == [
            "contacts.csv line 2: breaks a rule over a column that is private to the provider",
        ]
        assert list(opened.rejects("surveys")) == []
        assert opened.holdings["surveys"].rejected == 0
        assert "SECRET" not in everything(opened)
    with open_book(book, PROVIDER, max_rejects=0.6) as opened:
        assert [(one.column, one.value) for one in opened.rejects("contacts")] == [("handle_s", "SECRET")]
        assert [one.value for one in opened.rejects("surveys")] == ["SECRET"]


def test_a_refusal_does_not_tell_what_is_private(tmp_path):
    book = write_book(
        tmp_path / "book",
        '[private]\nprovider = ["contacts.handle_s"]\n',
        contacts="contact_id,opened_at,handle_s\na,2026-05-01T10:00:00Z,SECRET",
    )
    with pytest.raises(UnusableBookError) as refusal:
        open_book(book, CUSTOMER)
    assert "SECRET" not in str(refusal.value)


def test_too_many_rejects_refuse_the_book_naming_file_line_column_and_reason(tmp_path):
    book = write_book(tmp_path / "book", contacts="contact_id,opened_at\na,2026-02-30T10:00:00Z")
    with pytest.raises(
        UnusableBookError, match=r"contacts\.csv: 1 of 1 row breaks .*line 2: opened_at: not a date and time"
    ):
        open_book(book, JOINT)


def test_the_line_of_a_reject_counts_lines_of_the_file(tmp_path):
    text = 'contact_id,opened_at,reason\na,2026-05-01T10:00:00Z,"two\nlines"\nb,never,\n'
    book = write_book(tmp_path / "book")
    (book / "contacts.csv").write_text(text)
    with open_book(book, JOINT, max_rejects=0.5) as opened:
        assert [(one.line, one.value) for one in opened.rejects("contacts")] == [(4, "never")]


def test_the_second_opening_takes_the_typed_form_until_the_file_changes(tmp_path):
    book = write_book(tmp_path / "book", contacts=CONTACTS)
    open_book(book, JOINT).close()
    typed = next((book / ".comity" / "typed").glob("contacts-*[0-9a-f].parquet"))
    before = typed.stat().st_mtime_ns
    open_book(book, JOINT).close()
    assert typed.stat().st_mtime_ns == before
    (book / "contacts.csv").write_text("contact_id,opened_at\nz,2026-05-01T10:00:00Z\n")
    with open_book(book, JOINT) as opened:
        assert [row["contact_id"] for row in rows(opened, "contacts")] == ["z"]


def test_another_zone_cuts_the_days_of_typed_files_again(tmp_path):
    book = write_book(tmp_path / "book", contacts="contact_id,opened_at\na,2026-05-01T23:30:00Z")
    with open_book(book, JOINT) as opened:
        shutil.copy(opened.holdings["contacts"].typed[0], tmp_path / "typed.parquet")
        assert rows(opened, "contacts")[0]["opened_on"].isoformat() == "2026-05-02"
    (book / "contacts.csv").unlink()
    shutil.copy(tmp_path / "typed.parquet", book / "contacts.parquet")
    toml = (book / "book.toml").read_text().replace("Europe/Madrid", "America/New_York")
    (book / "book.toml").write_text(toml)
    with open_book(book, JOINT) as opened:
        row = rows(opened, "contacts")[0]
        assert (row["opened_at"].hour, row["opened_on"].isoformat()) == (23, "2026-05-01")


def test_parquet_from_elsewhere_and_a_folder_of_parts_are_checked_like_csv(tmp_path):
    book = write_book(tmp_path / "book")
    (book / "contacts").mkdir()
    for name in ("a", "b"):
        table = pa.table({"contact_id": [name, "both"], "opened_at": ["2026-05-01T10:00:00Z"] * 2, "queue": [name] * 2})
        pq.write_table(table, book / "contacts" / f"{name}.parquet")
    with open_book(book, JOINT, max_rejects=0.5) as opened:
        assert sorted(row["contact_id"] for row in rows(opened, "contacts")) == ["a", "b", "both"]
        assert [(one.file, one.line, one.column) for one in opened.rejects("contacts")] == [
            ("b.parquet", 2, "contact_id"),
        ]


def test_a_book_that_cannot_be_written_is_opened_all_the_same(tmp_path):
    """The tests may run as root, whom no mode stops: a file where the hidden folder would be does."""
    book = write_book(tmp_path / "book", contacts=CONTACTS)
    (book / ".comity").write_text("in the way")
    with open_book(book, JOINT) as opened:
        assert opened.has("contacts")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("contacts.csv", b"", "the file is empty"),
        ("contacts.csv", b"contact_id,queue\n1,2\n", "has no column opened_at"),
        ("contacts.csv.gz", b"\x1f\x8b broken", "broken off or damaged"),
        ("contacts.parquet", b"PAR1 not truly", "cannot be read as Parquet"),
        ("contacts.csv", b"\xff\xfe\x00", "contacts"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_sentence(tmp_path, name, content, told):
    book = write_book(tmp_path / "book")
    (book / name).write_bytes(content)
    with pytest.raises(UnusableBookError, match=told):
        open_book(book, JOINT)


def test_a_table_that_is_there_twice_is_refused(tmp_path):
    book = write_book(tmp_path / "book", contacts=CONTACTS)
    shutil.copy(book / "contacts.csv", book / "contacts.csv.gz")
    with pytest.raises(UnusableBookError, match="more than once"):
        open_book(book, JOINT)


def test_an_own_row_with_the_key_of_a_shared_one_does_not_count_twice(tmp_path):
    book = write_book(
        tmp_path / "book",
        '[private]\nprovider = ["surveys[audience=employee]"]\n',
        surveys=SURVEYS,
        private__provider__surveys=SURVEYS.replace(",1,5,4", ",1,5,1"),
    )
    with open_book(book, PROVIDER) as opened:
        assert [(row["response_id"], row["score"]) for row in rows(opened, "surveys")] == [("1", 4), ("2", 1)]


def test_nothing_is_left_in_the_working_folder_of_whoever_opens(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    book = write_book(tmp_path / "book", contacts=CONTACTS)
    before = set(tmp_path.iterdir())
    with open_book(book, PROVIDER) as opened:
        opened.table("contacts").count().to_pyarrow()
        assert set(tmp_path.iterdir()) > before
    assert set(tmp_path.iterdir()) == before
