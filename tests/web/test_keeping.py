"""A whole room in one file, and back: compared row by row, sealed or not, and nothing half done."""

import json
import os
import shutil
import tarfile
import tempfile
from datetime import date
from pathlib import Path

import psycopg
import pytest
from django.db import transaction
from psycopg import sql
from typer.testing import CliRunner

from comity.apps.books import operations as books
from comity.apps.matters import operations as matters
from comity.cli import app
from comity.core.matters.kinds import Kind
from comity.web import keeping, organisations
from comity.web.keeping import CannotKeepError, backup, restore
from comity.web.postgres import APP, OWNER, SUPERUSER
from comity.web.serving import Room, account
from tests.builders.uploads import brought
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


ANSWERS = (
    "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
    "r1,customer,p1,csat,1,5,{},2026-06-01\n"
)


@pytest.fixture(scope="module")
def room():
    made = cast()
    made.book('[[kpi]]\nid = "service_level"\n', contacts="contact_id,opened_at\na,2026-06-01T10:00:00Z")
    with transaction.atomic():
        asked = matters.Asked(Kind.ACTION, "Kept for ever", "Said in confidence")
        matters.raise_matter(made.at("customer_lead"), asked, "UTC")
        books.mark_private_now(made.at("provider_lead"), "contacts.team", "Ours, by contract", date(2090, 1, 1))
    # What each brought of one answer: the second is kept as a change that waits for whose row it is.
    for who, score in (("customer_lead", 1), ("provider_lead", 5)):
        brought(made, who, "answers.csv", ANSWERS.format(score))
    # What has come in waits no longer, and is in no backup.
    assert not [one for one in (started().data / "uploads" / str(made.relationship)).rglob("*") if one.is_file()]
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
    rows, files = everything(empty)
    for name in ("matters_matter", "books_delivery", "books_mark", "books_markstep"):
        assert len(rows[name]) > 0, name
    assert any(",correction," in one for (one,) in rows["matters_matter"])
    assert any("proposals" in name for name in files)  # what the correction would change
    # The wall stands, with passwords of its own.
    with psycopg.connect(empty.cluster.conninfo(APP)) as connection:
        assert connection.execute("SELECT count(*) FROM matters_matter").fetchone() == (0,)
    assert empty.cluster.parameters(APP)["PASSWORD"] != room.cluster.parameters(APP)["PASSWORD"]


def test_what_is_sealed_tells_nothing_and_opens_with_the_word_alone(room, empty, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, "the word")
    text = file.read_bytes()
    for secret in (b"Northwind", b"Kept for ever", b"service_level", b"by contract"):
        assert secret not in text
    for wrong in (None, "another word"):
        with pytest.raises(CannotKeepError, match=r"is sealed; give|does not open"):
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


# What a restore needs -------------------------------------------------------------------------------------------

SIGN_IN = """
[[organisation]]
id = "northwind"
name = "Northwind Energy"
domains = ["northwind.example"]
only = true
server = "https://login.northwind.example"
client_id = "comity"
secret = "of the provider"
"""


@pytest.fixture
def furnished(room, monkeypatch, tmp_path):
    """The room with everything that a restore needs: sign-in, keys, a file that waits for its import."""
    monkeypatch.delenv("COMITY_SECRET_KEY", raising=False)
    monkeypatch.delenv("COMITY_KEY_FILE", raising=False)
    # Where earlier versions kept the key: in the settings of the account, outside of the data folder.
    key = tmp_path / "config" / "comity" / "digest.key"
    key.parent.mkdir(parents=True)
    key.write_text("ab" * 32)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    waiting = room.data / "uploads" / "R" / "customer" / "D" / "surveys.csv"
    waiting.parent.mkdir(parents=True)
    waiting.write_text("score\n5\n")
    files = {"sign-in.toml": SIGN_IN, "secret": "s" * 64, "sealed-2026.key": "never", "notes.txt": "somebody's"}
    for name, content in files.items():
        (room.data / name).write_text(content)
    book = next((room.data / "books").iterdir())
    (book / "sealed.key").write_text("never")
    yield room
    for name in files:
        (room.data / name).unlink()
    (book / "sealed.key").unlink()
    shutil.rmtree(room.data / "uploads" / "R")


def test_the_backup_holds_what_a_restore_needs_and_says_what_it_leaves_out(furnished, empty, tmp_path, monkeypatch):
    """Before, sign-in.toml was not kept: people of an `only = true` organisation came in by password again."""
    file = tmp_path / "room.backup"
    told = backup(furnished, file, "a word that nobody guesses")
    assert told["files"] == ["digest.key", "secret", "sign-in.toml"]
    assert told["left_out"].keys() >= {
        "postgres",
        "worked-out",
        "notes.txt",
        "sealed-2026.key",
        "settings",
    }
    assert any(name.endswith("sealed.key") for name in told["left_out"])
    # On another machine, whose account has no key.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    restore(empty, file, "a word that nobody guesses")
    assert [(one.id, one.only) for one in organisations.read(empty.data)] == [("northwind", True)]
    assert empty.environment()["COMITY_SECRET_KEY"] == "s" * 64
    assert empty.digest_key().read_text() == "ab" * 32
    assert empty.environment()["COMITY_KEY_FILE"] == str(empty.data / "digest.key")
    assert (empty.data / "uploads" / "R" / "customer" / "D" / "surveys.csv").read_text() == "score\n5\n"
    assert not [one for one in empty.data.rglob("*") if "sealed" in one.name]
    assert not (empty.data / "notes.txt").exists()
    for one in empty.data.rglob("*"):
        if "postgres" not in one.parts:
            assert one.stat().st_mode & 0o077 == 0, one


def test_a_key_of_the_environment_that_is_another_one_is_refused(furnished, empty, tmp_path, monkeypatch):
    file = tmp_path / "room.backup"
    backup(furnished, file, None)
    other = tmp_path / "other.key"
    other.write_text("cd" * 32)
    monkeypatch.setenv("COMITY_KEY_FILE", str(other))
    with pytest.raises(CannotKeepError, match="is not the key of the backup"):
        restore(empty, file, None)
    monkeypatch.delenv("COMITY_KEY_FILE")
    (empty.data).mkdir(parents=True, exist_ok=True)
    (empty.data / "sign-in.toml").write_text("")
    with pytest.raises(CannotKeepError, match=r"sign-in.toml is not the one of the backup"):
        restore(empty, file, None)


def test_an_older_backup_is_restored_and_what_it_lacks_is_said(room, empty, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, None)
    retold(file, lambda manifest: manifest | {"schema": keeping.OLDER})
    done = CliRunner().invoke(app, ["restore", str(file), "--data", str(empty.data)])
    assert done.exit_code == 0, done.output
    assert "without sign-in.toml" in done.stderr


def retold(file, change):
    """The same backup with another manifest."""
    with tarfile.open(file) as archive:
        members = [(one, archive.extractfile(one).read() if one.isfile() else None) for one in archive]
    with tarfile.open(file, "w") as archive:
        for one, content in members:
            if one.name == "manifest.json":
                content = json.dumps(change(json.loads(content))).encode()  # noqa: PLW2901 - as it goes
            if content is None:
                archive.addfile(one)
            else:
                keeping._add(archive, one.name, content)


# Passphrases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf\n", b"\xff\xfe"])
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_an_empty_passphrase_file_is_refused(room, empty, tmp_path, content, command):
    """A secret mount that failed: before, the backup was written in clear, exit 0, with the same words."""
    word, file = tmp_path / "word", tmp_path / "room.backup"
    word.write_bytes(content)
    there = (
        ["-o", str(file), "--data", str(room.data)] if command == "backup" else [str(file), "--data", str(empty.data)]
    )
    done = CliRunner().invoke(app, [command, *there, "--passphrase-file", str(word)])
    assert done.exit_code == 2
    assert str(word) in done.stderr
    assert done.stderr.count("\n") == 1
    assert not file.exists()


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_passphrase_of_the_environment_is_refused(room, tmp_path, monkeypatch, word):
    monkeypatch.setenv("COMITY_PASSPHRASE", word)
    file = tmp_path / "room.backup"
    done = CliRunner().invoke(app, ["backup", "--data", str(room.data), "-o", str(file)])
    assert done.exit_code == 2
    assert "COMITY_PASSPHRASE is set and empty" in done.stderr
    with pytest.raises(CannotKeepError, match="empty"):
        backup(room, file, word)
    assert not file.exists()


def test_what_is_not_sealed_says_so_on_stderr(room, tmp_path, monkeypatch):
    monkeypatch.delenv("COMITY_PASSPHRASE", raising=False)
    file = tmp_path / "room.backup"
    done = CliRunner().invoke(app, ["backup", "--data", str(room.data), "-o", str(file)])
    assert done.exit_code == 0, done.output
    assert "NOT SEALED" in done.stderr
    assert "left out: postgres" in done.stdout
    word = tmp_path / "word"
    word.write_text("the word")
    done = CliRunner().invoke(
        app, ["backup", "--data", str(room.data), "-o", str(file), "--passphrase-file", str(word)]
    )
    assert "NOT SEALED" not in done.output


# A backup that somebody else wrote --------------------------------------------------------------------------------


def test_an_unsealed_file_in_the_place_of_the_sealed_one_is_refused(room, empty, tmp_path):
    """Before, the passphrase was ignored where the file was not sealed: whoever could write it could replace it."""
    file = tmp_path / "room.backup"
    backup(room, file, None)
    with pytest.raises(CannotKeepError, match="is not sealed, although"):
        restore(empty, file, "the word")
    assert not empty.cluster.data.exists()


def test_a_dump_cannot_run_programs_when_it_is_restored(room, empty, tmp_path):
    """It was restored as the superuser: a check that calls a function ran any program as the database's account."""
    sign = Path(tempfile.gettempdir()) / f"comity-ran-{os.getpid()}"
    with psycopg.connect(room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("CREATE FUNCTION evil(int) RETURNS bool LANGUAGE plpgsql AS 'BEGIN RETURN true; END'")
        connection.execute("CREATE TABLE evil (x int CHECK (public.evil(x)))")
        connection.execute("INSERT INTO evil VALUES (1)")
        connection.execute(
            "CREATE OR REPLACE FUNCTION evil(int) RETURNS bool LANGUAGE plpgsql AS "
            f"$$ BEGIN COPY (SELECT 1) TO PROGRAM 'touch {sign}'; RETURN true; END $$"
        )
        try:
            backup(room, tmp_path / "room.backup", None)
        finally:
            connection.execute("DROP TABLE evil")
            connection.execute("DROP FUNCTION evil(int)")
    with pytest.raises(CannotKeepError, match="permission denied to COPY to or from an external program"):
        restore(empty, tmp_path / "room.backup", None)
    assert not sign.exists()
    assert not empty.cluster.data.exists()  # and the folder may be used for another one


def test_what_a_restored_database_brings_does_not_run_as_the_superuser(room, empty, tmp_path):
    """The owner may set a search path for the database, and functions of the names that we call."""
    backup(room, tmp_path / "room.backup", None)
    restore(empty, tmp_path / "room.backup", None)
    empty.cluster.start()
    with psycopg.connect(empty.cluster.conninfo(OWNER), autocommit=True) as connection:
        connection.execute("CREATE TABLE ran (who text)")
        connection.execute("GRANT INSERT ON ran TO PUBLIC")
        connection.execute(
            "CREATE FUNCTION pg_export_snapshot() RETURNS text LANGUAGE plpgsql AS "
            "$$ BEGIN INSERT INTO public.ran VALUES (session_user); RETURN ''; END $$"
        )
        connection.execute("ALTER DATABASE comity SET search_path = public, pg_catalog")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
    backup(empty, tmp_path / "again.backup", None)
    with psycopg.connect(empty.cluster.conninfo(OWNER)) as connection:
        assert connection.execute("SELECT * FROM public.ran").fetchall() == []


@pytest.mark.parametrize(
    "name", ["postgres/data/pg_hba.conf", "books/../postgres.conf", "/etc/x", "secret/x", "mails/x"]
)
def test_names_that_no_backup_has_are_refused(empty, tmp_path, name):
    file, content = tmp_path / "odd", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(file, "w") as archive:
        entry = archive.gettarinfo(content)
        entry.name = name
        with content.open("rb") as read:
            archive.addfile(entry, read)
    with pytest.raises(CannotKeepError, match="which no backup of ours does"):
        restore(empty, file, None)


def test_a_link_or_a_name_that_comes_twice_is_refused(empty, tmp_path):
    file, content = tmp_path / "odd", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(file, "w") as archive:
        for _ in range(2):
            archive.add(content, "secret")
    with pytest.raises(CannotKeepError, match="'secret'"):
        restore(empty, file, None)
    (tmp_path / "link").symlink_to("/etc/passwd")
    with tarfile.open(file, "w") as archive:
        archive.add(tmp_path / "link", "secret")
    with pytest.raises(CannotKeepError, match="'secret'"):
        restore(empty, file, None)


# Who sees what in the database ------------------------------------------------------------------------------------


def test_the_owner_sees_the_rows_that_the_documentation_says_and_no_others(room):
    """docs/running.md said that the owner sees no row of a relationship; it sees those that carry who is where."""
    with psycopg.connect(room.cluster.conninfo(SUPERUSER)) as everybody:
        protected = everybody.execute(
            "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relnamespace = "
            "'public'::regnamespace ORDER BY 1"
        ).fetchall()
        owners = everybody.execute(
            "SELECT DISTINCT tablename::text FROM pg_policies WHERE 'comity_owner' = ANY(roles) AND qual = 'true'"
        ).fetchall()
    documented = (Path(__file__).parents[2] / "docs" / "running.md").read_text(encoding="utf-8")
    (told,) = (line for line in documented.splitlines() if line.startswith("| `comity_owner`"))
    with psycopg.connect(room.cluster.conninfo(OWNER)) as owner:
        asked = {name: sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)) for (name,) in protected}
        seen = {name for name, query in asked.items() if owner.execute(query).fetchone() != (0,)}
    assert {"parties_membership", "parties_relationship"} <= seen
    for name in seen | {name for (name,) in owners}:
        assert f"`{name}`" in told, name
    assert "matters_matter" not in seen  # of which there is one
