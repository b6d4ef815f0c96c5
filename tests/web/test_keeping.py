"""A whole room in one file, and back: compared row by row, sealed or not, and nothing half done."""

import shutil
import tarfile
import tempfile
from pathlib import Path

import psycopg
import pytest
from django.db import transaction
from psycopg import sql
from typer.testing import CliRunner

from comity.apps.matters import operations as matters
from comity.apps.matters.models import Kind
from comity.cli import app
from comity.web.keeping import CannotKeepError, backup, restore
from comity.web.postgres import APP, SUPERUSER
from comity.web.serving import Room, account
from tests.room import cast, started

pytestmark = pytest.mark.gate


def everything(room):
    """Every row of every table, and every file of every book."""
    with psycopg.connect(room.cluster.conninfo(SUPERUSER)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        asked = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
        rows = {name: connection.execute(asked.format(sql.Identifier(name))).fetchall() for (name,) in tables}
    books = room.data / "books"
    files = {str(one.relative_to(books)): one.read_bytes() for one in books.rglob("*") if one.is_file()}
    return rows, files


@pytest.fixture(scope="module")
def room():
    made = cast()
    made.book('[[kpi]]\nid = "service_level"\n', contacts="contact_id,opened_at\na,2026-06-01T10:00:00Z")
    with transaction.atomic():
        asked = matters.Asked(Kind.ACTION, "Kept for ever", "Said in confidence")
        matters.raise_matter(made.at("customer_lead"), asked, "UTC")
    return started()


@pytest.fixture
def empty():
    folder = Path(tempfile.mkdtemp(prefix="comity-back-"))
    folder.chmod(0o711)
    made = Room(folder / "room", account())
    yield made
    made.cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("passphrase", [None, "a word that nobody guesses"])
def test_everything_comes_back(room, empty, tmp_path, passphrase):
    file = tmp_path / "room.backup"
    held = backup(room, file, passphrase)
    assert file.stat().st_mode & 0o077 == 0
    assert restore(empty, file, passphrase)["rows"] == held["rows"]
    empty.cluster.start()
    assert everything(empty) == everything(room)
    assert len(everything(room)[0]["matters_matter"]) > 0
    # The wall stands, with passwords of its own.
    with psycopg.connect(empty.cluster.conninfo(APP)) as connection:
        assert connection.execute("SELECT count(*) FROM matters_matter").fetchone() == (0,)
    assert empty.cluster.parameters(APP)["PASSWORD"] != room.cluster.parameters(APP)["PASSWORD"]


def test_what_is_sealed_tells_nothing_and_opens_with_the_word_alone(room, empty, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, "the word")
    text = file.read_bytes()
    for secret in (b"Northwind", b"Kept for ever", b"service_level"):
        assert secret not in text
    for wrong in (None, "another word"):
        with pytest.raises(CannotKeepError, match=r"sealed|does not open"):
            restore(empty, file, wrong)
    assert not empty.cluster.data.exists()


def test_a_room_that_is_there_is_not_written_over(room, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, None)
    with pytest.raises(CannotKeepError, match="already"):
        restore(room, file, None)


def test_what_is_no_backup_or_was_changed_is_refused(room, empty, tmp_path):
    nonsense = tmp_path / "x"
    nonsense.write_bytes(b"nothing of the kind")
    with pytest.raises(CannotKeepError, match="no backup"):
        restore(empty, nonsense, None)
    climbing = tmp_path / "climbing"
    with tarfile.open(climbing, "w") as archive:
        archive.add(nonsense, "../../climbed")
    with pytest.raises(CannotKeepError, match="climbed"):
        restore(empty, climbing, None)
    fewer = tmp_path / "fewer"
    backup(room, fewer, None)
    apart = tmp_path / "apart"
    shutil.unpack_archive(fewer, apart, "tar", filter="data")
    manifest = apart / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"matters_matter": ', '"matters_matter": 9'))
    with tarfile.open(fewer, "w") as archive:
        for one in apart.iterdir():
            archive.add(one, one.name)
    with pytest.raises(CannotKeepError, match="matters_matter have another number"):
        restore(empty, fewer, None)


def test_the_commands_say_what_they_did(room, tmp_path):
    word = tmp_path / "word"
    word.write_text("the word\n")
    file = tmp_path / "room.backup"
    asked = ["backup", "--data", str(room.data), "-o", str(file), "--passphrase-file", str(word)]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 0, done.output
    assert "rows" in done.stdout
    done = CliRunner().invoke(app, ["backup", "--data", str(tmp_path / "none"), "-o", str(file)])
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
