"""Spoiled books through the commands: a `book.toml` that is none, files damaged or changed by others' hands."""

import json
import os
import subprocess
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from comity.book.storage import duckdb
from comity.book.storage.commit import book_lock
from comity.cli import app
from tests.builders.malformed import GOOD, brought, laid, snapshot, tried
from tests.builders.turns import every
from tests.cast import BOOK, write_book

pytestmark = pytest.mark.gate


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def with_book(line: str) -> str:
    return BOOK.replace("[parties.customer]", f"{line}\n[parties.customer]", 1)


REFUSED = [
    ("broken off", f"{BOOK}[[[", "line 12"),
    ("empty", "", "book.name is missing"),
    ("not UTF-8", BOOK.encode() + b"#\xff", "not UTF-8"),
    ("a zero sign", f"{BOOK}\0", "line 12"),
    ("a zero sign, spelt out", BOOK.replace("Northwind with", "\\u0000"), "zero sign"),
    ("nested without end", f"{BOOK}x = {'[' * 3000}", "nested"),
    ("dotted without end", f"{BOOK}[private]\ncustomer.{'.'.join('a' * 3000)} = 1", "nested"),
    ("an integer of 5,000 digits", with_book(f"month_starts_on = {'9' * 5000}"), "64 bits"),
    ("an integer of 5,000 hexadecimal digits", with_book(f"month_starts_on = 0x{'f' * 5000}"), "64 bits"),
    ("a month that starts on its 31st", with_book("month_starts_on = 31"), "from 1 to 28"),
    ("an unknown zone", BOOK.replace("Europe/Madrid", "Mars/Olympus"), "is not a zone"),
    ("a zone that climbs out", BOOK.replace("Europe/Madrid", "../../etc/passwd"), "is not a zone"),
    ("a zone from the root", BOOK.replace("Europe/Madrid", "/etc/localtime"), "is not a zone"),
    ("a zone of this machine", BOOK.replace("Europe/Madrid", "localtime"), "is not a zone"),
    ("a zone that leaps", BOOK.replace("Europe/Madrid", "right/Europe/Madrid"), "is not a zone"),
    ("a number for a name", BOOK.replace('"Northwind with Helpline"', "5"), "must be a text"),
    ("no name", BOOK.replace('"Northwind with Helpline"', '""'), "book.name is missing"),
    ("a currency that is none", BOOK.replace("EUR", "eu'ro"), "three letters"),
    ("a country that is none", with_book('country = "XX"'), "'XX' is not known; write the two letters"),
    ("a region that is none", with_book('country = "ES-ZZ"'), "the regions of ES"),
    ("a number for a country", with_book("country = 34"), "must be a text"),
    ("a day that no week has", f'{BOOK}[opening]\ndays = ["mon", "lunes"]', "names 'lunes'; write weekdays as mon"),
    ("never open", f"{BOOK}[opening]\ndays = []", "opening.days names no day"),
    ("a holiday that is no day", f'{BOOK}[opening]\nholidays = ["25 December"]', "must be a day such as"),
    ("one holiday without its list", f'{BOOK}[opening]\nholidays = "2026-01-01"', "must be a list of days"),
    ("an opening of hours", f'{BOOK}[opening]\nfrom = "09:00"', "opening.from is not known"),
    ("a service without a queue", f"{BOOK}[paid]\nqueues = {{ desk = [] }}", "paid.queues.desk names nothing"),
    ("a queue without its list", f'{BOOK}[paid]\nqueues = {{ desk = "desk" }}', "list of texts"),
    ("a list of parties", BOOK.replace("[parties.customer]", "[[parties.customer]]"), "must be a table"),
    ("a day that does not exist", with_book("complete_to = 2026-02-30"), "Invalid date"),
    ("an instant for a day", with_book("complete_to = 2026-01-01T00:00:00"), "must be a day"),
    ("retention of less than nothing", f"{BOOK}[retention]\ncontacts = -5", "from 1 to 36525"),
    ("retention of ages", f"{BOOK}[retention]\ncontacts = 999999999999", "from 1 to 36525"),
    ("retention yes", f"{BOOK}[retention]\ncontacts = true", "must be a whole number"),
    ("a private table that climbs out", f'{BOOK}[private]\ncustomer = ["../x"]', "names '../x'"),
    ("a private column that is none", f'{BOOK}[private]\ncustomer = ["contacts.x"]', "no column x"),
    ("a target that is no number", f'{BOOK}[[kpi]]\nid = "service_level"\ntarget = nan', "finite number"),
    ("a KPI in single brackets", f'{BOOK}[kpi]\nid = "service_level"', "double brackets"),
    ("an unknown section", f"{BOOK}[bok]", "did you mean"),
]


@pytest.mark.parametrize(
    ("toml", "words"), every(4, [one[1:] for one in REFUSED], unpack=True), ids=[one[0] for one in REFUSED]
)
def test_a_book_toml_of_no_use_is_refused_by_every_command(book, toml, words):
    laid(book, "book.toml", toml)
    file = laid(book.parent, "a.csv", GOOD)
    for arguments in (
        ("import", file, "--as", "contacts", "--into", book),
        ("check", book),
        ("diff", book),
        ("forget", "somebody", "--from", book),
        ("review", book),
        ("import", "--all", "--into", book),
    ):
        ended = tried(book, *arguments)
        assert ended.code == 2
        assert "book.toml" in ended.error
        assert words in ended.error


def test_quotes_in_a_private_value_are_a_text(tmp_path):
    book = write_book(tmp_path / "book", '[private]\ncustomer = ["contacts[queue=\'); DROP TABLE x;--]"]\n')
    assert brought(book, laid(tmp_path, "a.csv", GOOD)).counts == (40, 0)


@pytest.mark.parametrize(
    ("path", "code", "words"),
    [
        ("a\\u0000", 2, "zero sign"),
        ("", 2, "is a folder"),
        ("**", 2, "is a folder"),
        ("a**", 2, "source.path"),
        ("nothing.csv", 2, "no such file"),
        ("book.toml", 2, "book.toml"),
        ("/dev/zero", 2, "is no file"),
        ("[.csv", 2, "no such file"),
        ("x*.csv", 0, "the file does not exist yet"),
    ],
)
def test_the_path_of_a_source_leads_to_a_file_or_to_a_sentence(tmp_path, path, code, words):
    toml = f'[[source]]\ntable = "contacts"\nby = "provider"\npath = "{path}"\n'
    book = write_book(tmp_path / "book", toml)
    ended = tried(book, "import", "--all", "--into", book)
    assert ended.code == code
    assert words in ended.error


def test_what_was_brought_in_before_the_source_that_is_of_no_use_is_told(tmp_path):
    source = '[[source]]\ntable = "contacts"\nby = "provider"\npath = "{}"\n'
    book = write_book(tmp_path / "book", source.format("a.csv") + source.format("b.csv"))
    laid(book, "a.csv", GOOD)
    laid(book, "b.csv", b"")
    ended = CliRunner().invoke(app, ["import", "--all", "--into", str(book)])
    assert ended.exit_code == 2
    assert "a.csv: 40 rows for contacts: 40 new" in ended.stdout
    assert "b.csv: the file is empty" in ended.stderr


# Files of a book that are damaged, or that somebody changed -------------------------------------------------------


def flip(file) -> None:
    data = bytearray(file.read_bytes())
    data[10:60] = b"\xff" * 50
    file.write_bytes(data)


def truncate(file) -> None:
    file.write_bytes(file.read_bytes()[:-30])


def empty(file) -> None:
    file.write_bytes(b"")


def rewritten(change, **metadata: bytes):
    """A table's file written again by other hands, its metadata kept but for some."""

    def write(file) -> None:
        told = {key: value for key, value in pq.read_metadata(file).metadata.items() if key.startswith(b"comity")}
        told |= {f"comity.{name}".encode(): value for name, value in metadata.items()}
        pq.write_table(change(pq.read_table(file)).replace_schema_metadata(told), file)

    return write


def as_text(table: pa.Table) -> pa.Table:
    place = table.schema.get_field_index("opened_at")
    return table.set_column(place, "opened_at", table.column("opened_at").cast(pa.string()))


DAMAGED = [
    ("the table's bytes", "contacts.parquet", flip),
    ("the table's end", "contacts.parquet", truncate),
    ("the whole table", "contacts.parquet", empty),
    ("a column is gone", "contacts.parquet", rewritten(lambda t: t.drop_columns(["contact_id"]))),
    ("a column is of another kind", "contacts.parquet", rewritten(as_text)),
    ("the list of imports is no JSON", "contacts.parquet", rewritten(lambda t: t, imports=b"{{{")),
    ("the list of imports is a number", "contacts.parquet", rewritten(lambda t: t, imports=b"5")),
    ("the list of imports says something else", "contacts.parquet", rewritten(lambda t: t, imports=b'[{"a":1}]')),
    ("the table twice", "contacts.csv", lambda file: file.write_text(GOOD)),
    ("the mark of a change is no JSON", ".comity/commit.json", lambda file: file.write_text("junk")),
    ("the mark of a change is another", ".comity/commit.json", lambda file: file.write_text('{"moves":[["a"]]}')),
]


@pytest.mark.parametrize(
    ("name", "damage"), every(3, [one[1:] for one in DAMAGED], unpack=True), ids=[one[0] for one in DAMAGED]
)
def test_a_damaged_book_is_named_and_never_made_worse(book, name, damage):
    brought(book, laid(book.parent, "a.csv", GOOD))
    damage(book / name)
    before = snapshot(book)
    ended = tried_anyway(book, "import", laid(book.parent, "b.csv", GOOD.replace(",r\n", ",s\n")))
    assert ended[0] == 2
    assert str(book) in ended[1]
    for arguments in (("check", book), ("diff", book), ("forget", "x", "--from", book), ("review", book)):
        if arguments[0] != "review" or damage is not flip:  # a review of damaged rows is the review's own affair
            code, error = tried_anyway(book, *arguments)
            assert code in {0, 2}
            assert code == 0 or str(book) in error
    assert snapshot(book) == before


def tried_anyway(book, *arguments) -> tuple[int, str]:
    """How a command ends on a book whose mark stays where it is."""
    if arguments[0] == "import":
        arguments = (*arguments, "--as", "contacts", "--into", book)
    ended = CliRunner().invoke(app, [str(one) for one in arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code != 2 or (ended.stderr.startswith("comity: ") and ended.stderr.count("\n") == 1)
    return ended.exit_code, ended.stderr


@pytest.mark.parametrize(
    "moves",
    [
        [["../victim/file", None]],
        [["../victim", None]],
        [["a/../../victim", None]],
        [["../victim/file", "contacts.csv"]],
        [[".comity/ready-x", "../victim/file"]],
        [["{absolute}", None]],
    ],
)
def test_a_mark_that_somebody_else_wrote_touches_nothing_outside_of_the_book(book, moves):
    brought(book, laid(book.parent, "a.csv", GOOD))
    victim = book.parent / "victim"
    victim.mkdir()
    (victim / "file").write_text("precious")
    laid(book, ".comity/ready-x", "evil")
    laid(book, ".comity/commit.json", json.dumps({"moves": moves}).replace("{absolute}", str(victim)))
    for arguments in (("check", book), ("import", laid(book.parent, "b.csv", GOOD))):
        code, error = tried_anyway(book, *arguments)
        assert code == 2
        assert "names files outside of the book" in error
    assert (victim / "file").read_text() == "precious"


def test_a_folder_where_a_table_has_to_lie_is_named_before_anything_is_changed(book):
    (book / "contacts.parquet").mkdir()
    file = laid(book.parent, "a.csv", GOOD)
    for _ in range(2):  # and the book is not held up by it
        ended = brought(book, file)
        assert ended.code == 2
        assert "contacts.parquet: is a folder" in ended.error
    (book / "contacts.parquet").rmdir()
    assert brought(book, file).counts == (40, 0)


@pytest.mark.parametrize("which", ["*.parquet", "*.rejects.parquet"])
def test_what_was_made_of_a_raw_table_is_made_again_where_it_is_damaged(tmp_path, which):
    book = write_book(tmp_path / "book", contacts=f"{GOOD}x,never,q,1,r")
    first = tried(book, "check", book)
    for file in (book / ".comity" / "typed").glob(which):
        file.write_bytes(b"junk")
    assert tried(book, "check", book) == first
    assert first.code == 1


def test_a_person_is_not_said_to_be_forgotten_where_a_list_cannot_be_read(book):
    brought(book, laid(book.parent, "a.csv", f"{GOOD}x,never,q,1,r\n"))
    laid(book, ".comity/rejects/contacts-1.parquet", "junk")
    ended = tried(book, "forget", "x", "--from", book)
    assert ended.code == 2
    assert "contacts-1.parquet" in ended.error


@pytest.mark.parametrize("what", ["lock", "hidden"])
def test_a_book_that_cannot_be_locked_is_named(book, what):
    if what == "hidden":
        (book / ".comity").write_text("x")
    else:
        (book / ".comity" / "lock").mkdir(parents=True)
    ended = brought(book, laid(book.parent, "a.csv", GOOD))
    assert ended.code == 2
    assert "cannot be written" in ended.error


def test_two_imports_at_once_are_told_apart(book):
    with book_lock(book):
        for arguments in (
            ("import", laid(book.parent, "a.csv", GOOD), "--as", "contacts", "--into", book),
            ("forget", "x", "--from", book),
        ):
            ended = tried(book, *arguments)
            assert ended.code == 2
            assert "another import is under way; try again when it is done" in ended.error
        assert tried(book, "check", book).code == 0


def test_no_book_and_no_folder_are_told_apart(tmp_path):
    (tmp_path / "file").write_text("x")
    for place, words in ((tmp_path, "has no book.toml"), (tmp_path / "file", "is not a folder")):
        ended = tried(place, "check", place)
        assert ended.code == 2
        assert words in ended.error


# What the killed leave behind -------------------------------------------------------------------------------------

_WORK = """
import sys, time
from pathlib import Path
from comity.book.storage.duckdb import work_engine
with work_engine(Path(sys.argv[1])) as (con, folder):
    print(folder, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(os.name == "nt", reason="a killed process leaves nothing open there")
def test_the_work_folder_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(duckdb, "_MIN_AGE_S", -1.0)
    command = [sys.executable, "-c", _WORK, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        left = process.stdout.readline().strip()
        with duckdb.work_engine(tmp_path):
            assert left in map(str, tmp_path.iterdir())
        process.kill()
    assert left in map(str, tmp_path.iterdir())
    (tmp_path / "work-of-somebody").mkdir()
    (tmp_path / "work-of-somebody" / "file").write_text("not ours")
    with duckdb.work_engine(tmp_path):
        assert left not in map(str, tmp_path.iterdir())
    assert [file.name for file in tmp_path.iterdir()] == ["work-of-somebody"]
