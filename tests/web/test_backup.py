"""Backup and restore of a room: every row and file comes back, sealed or not; a failed restore leaves nothing."""

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
from comity.web import backup as backups
from comity.web import identity_providers
from comity.web.backup import BackupError, backup, restore
from comity.web.postgres import APP, OWNER, SUPERUSER
from comity.web.server import Room, unprivileged_account
from tests.builders.uploads import brought
from tests.room import cast, started

pytestmark = pytest.mark.gate


def all_rows_and_files(room):
    """Every row of every table, and every file of every book."""
    with psycopg.connect(room.cluster.conninfo(SUPERUSER)) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        query = sql.SQL("SELECT t::text FROM {} t ORDER BY 1")
        rows = {name: connection.execute(query.format(sql.Identifier(name))).fetchall() for (name,) in tables}
    books = room.data / "books"
    files = {str(file.relative_to(books)): file.read_bytes() for file in books.rglob("*") if file.is_file()}
    return rows, files


ANSWERS = (
    "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
    "r1,customer,p1,csat,1,5,{},2026-06-01\n"
)


@pytest.fixture(scope="module")
def room():
    room_cast = cast()
    room_cast.book('[[kpi]]\nid = "service_level"\n', contacts="contact_id,opened_at\na,2026-06-01T10:00:00Z")
    with transaction.atomic():
        action = matters.NewMatter(Kind.ACTION, "Kept for ever", "Said in confidence")
        matters.raise_matter(room_cast.at("customer_lead"), action, "UTC")
        books.mark_private_now(room_cast.at("provider_lead"), "contacts.team", "Ours, by contract", date(2090, 1, 1))
    # What each brought of one answer: the second is kept as a change that waits for whose row it is.
    for who, score in (("customer_lead", 1), ("provider_lead", 5)):
        brought(room_cast, who, "answers.csv", ANSWERS.format(score))
    # What has come in waits no longer, and is in no backup.
    assert not [one for one in (started().data / "uploads" / str(room_cast.relationship)).rglob("*") if one.is_file()]
    return started()


@pytest.fixture
def empty():
    folder = Path(tempfile.mkdtemp(prefix="comity-back-"))
    folder.chmod(0o711)
    room = Room(folder / "room", unprivileged_account())
    yield room
    room.cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize("passphrase", [pytest.param(None, marks=pytest.mark.long), "a word that nobody guesses"])
def test_restore_brings_back_every_row_and_file(room, empty, tmp_path, passphrase):
    file = tmp_path / "room.backup"
    manifest = backup(room, file, passphrase)
    assert file.stat().st_mode & 0o077 == 0
    assert restore(empty, file, passphrase)["rows"] == manifest["rows"]
    empty.cluster.start()
    assert all_rows_and_files(empty) == all_rows_and_files(room)
    rows, files = all_rows_and_files(empty)
    for name in ("matters_matter", "books_delivery", "books_mark", "books_markstep"):
        assert len(rows[name]) > 0, name
    assert any(",correction," in one for (one,) in rows["matters_matter"])
    assert any("proposals" in name for name in files)  # what the correction would change
    # The wall stands, with passwords of its own.
    with psycopg.connect(empty.cluster.conninfo(APP)) as connection:
        assert connection.execute("SELECT count(*) FROM matters_matter").fetchone() == (0,)
    assert empty.cluster.parameters(APP)["PASSWORD"] != room.cluster.parameters(APP)["PASSWORD"]


def test_sealed_backup_reveals_nothing_and_opens_with_its_passphrase_only(room, empty, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, "the word")
    text = file.read_bytes()
    for secret in (b"Northwind", b"Kept for ever", b"service_level", b"by contract"):
        assert secret not in text
    for wrong in (None, "another word"):
        with pytest.raises(BackupError, match=r"is sealed; give|does not open"):
            restore(empty, file, wrong)
    assert not empty.cluster.data.exists()


def test_restore_does_not_overwrite_an_existing_room(room, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, None)
    with pytest.raises(BackupError, match="already"):
        restore(room, file, None)


def test_restore_refuses_files_that_are_no_backup_or_were_changed(room, empty, tmp_path):
    nonsense = tmp_path / "x"
    nonsense.write_bytes(b"nothing of the kind")
    with pytest.raises(BackupError, match="no backup"):
        restore(empty, nonsense, None)
    climbing = tmp_path / "climbing"
    with tarfile.open(climbing, "w") as archive:
        archive.add(nonsense, "../../climbed")
    with pytest.raises(BackupError, match="climbed"):
        restore(empty, climbing, None)
    fewer = tmp_path / "fewer"
    backup(room, fewer, None)
    unpacked = tmp_path / "apart"
    shutil.unpack_archive(fewer, unpacked, "tar", filter="data")
    manifest = unpacked / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"matters_matter": ', '"matters_matter": 9'))
    with tarfile.open(fewer, "w") as archive:
        for one in unpacked.iterdir():
            archive.add(one, one.name)
    with pytest.raises(BackupError, match="matters_matter have another number"):
        restore(empty, fewer, None)


@pytest.mark.long
def test_backup_command_reports_rows_or_one_line_of_error(room, tmp_path):
    passphrase_file = tmp_path / "word"
    passphrase_file.write_text("the word\n")
    file = tmp_path / "room.backup"
    arguments = ["backup", "--data", str(room.data), "-o", str(file), "--passphrase-file", str(passphrase_file)]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "rows" in result.stdout
    result = CliRunner().invoke(app, ["backup", "--data", str(tmp_path / "none"), "-o", str(file)])
    assert result.exit_code == 2
    assert result.stderr.count("\n") == 1


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
    manifest = backup(furnished, file, "a word that nobody guesses")
    assert manifest["files"] == ["digest.key", "secret", "sign-in.toml"]
    assert manifest["left_out"].keys() >= {
        "postgres",
        "results",
        "notes.txt",
        "sealed-2026.key",
        "settings",
    }
    assert any(name.endswith("sealed.key") for name in manifest["left_out"])
    # On another machine, whose account has no key.
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    restore(empty, file, "a word that nobody guesses")
    assert [(one.id, one.only) for one in identity_providers.read_identity_providers(empty.data)] == [
        ("northwind", True)
    ]
    assert empty.environment()["COMITY_SECRET_KEY"] == "s" * 64
    assert empty.digest_key().read_text() == "ab" * 32
    assert empty.environment()["COMITY_KEY_FILE"] == str(empty.data / "digest.key")
    assert (empty.data / "uploads" / "R" / "customer" / "D" / "surveys.csv").read_text() == "score\n5\n"
    assert not [one for one in empty.data.rglob("*") if "sealed" in one.name]
    assert not (empty.data / "notes.txt").exists()
    for one in empty.data.rglob("*"):
        if "postgres" not in one.parts:
            assert one.stat().st_mode & 0o077 == 0, one


def test_restore_refuses_another_key_in_the_environment(furnished, empty, tmp_path, monkeypatch):
    file = tmp_path / "room.backup"
    backup(furnished, file, None)
    other = tmp_path / "other.key"
    other.write_text("cd" * 32)
    monkeypatch.setenv("COMITY_KEY_FILE", str(other))
    with pytest.raises(BackupError, match="is not the key of the backup"):
        restore(empty, file, None)
    monkeypatch.delenv("COMITY_KEY_FILE")
    (empty.data).mkdir(parents=True, exist_ok=True)
    (empty.data / "sign-in.toml").write_text("")
    with pytest.raises(BackupError, match=r"sign-in.toml is not the one of the backup"):
        restore(empty, file, None)


@pytest.mark.long
def test_restore_of_an_older_backup_warns_of_what_it_lacks(room, empty, tmp_path):
    file = tmp_path / "room.backup"
    backup(room, file, None)
    change_manifest(file, lambda manifest: manifest | {"schema": backups.OLDER_SCHEMA})
    done = CliRunner().invoke(app, ["restore", str(file), "--data", str(empty.data)])
    assert done.exit_code == 0, done.output
    assert "without sign-in.toml" in done.stderr


def change_manifest(file, change):
    """The same backup with another manifest."""
    with tarfile.open(file) as archive:
        members = [(entry, archive.extractfile(entry).read() if entry.isfile() else None) for entry in archive]
    with tarfile.open(file, "w") as archive:
        for entry, content in members:
            if entry.name == "manifest.json":
                content = json.dumps(change(json.loads(content))).encode()  # noqa: PLW2901 - as it goes
            if content is None:
                archive.addfile(entry)
            else:
                backups._add_bytes(archive, entry.name, content)


# Passphrases ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"\xef\xbb\xbf\n", b"\xff\xfe"])
@pytest.mark.parametrize("command", ["backup", "restore"])
def test_an_empty_passphrase_file_is_refused(room, empty, tmp_path, content, command):
    """A secret mount that failed: before, the backup was written in clear, exit 0, with the same words."""
    passphrase_file, file = tmp_path / "word", tmp_path / "room.backup"
    passphrase_file.write_bytes(content)
    arguments = (
        ["-o", str(file), "--data", str(room.data)] if command == "backup" else [str(file), "--data", str(empty.data)]
    )
    result = CliRunner().invoke(app, [command, *arguments, "--passphrase-file", str(passphrase_file)])
    assert result.exit_code == 2
    assert str(passphrase_file) in result.stderr
    assert result.stderr.count("\n") == 1
    assert not file.exists()


@pytest.mark.parametrize("word", ["", "  "])
def test_an_empty_passphrase_of_the_environment_is_refused(room, tmp_path, monkeypatch, word):
    monkeypatch.setenv("COMITY_PASSPHRASE", word)
    file = tmp_path / "room.backup"
    result = CliRunner().invoke(app, ["backup", "--data", str(room.data), "-o", str(file)])
    assert result.exit_code == 2
    assert "COMITY_PASSPHRASE is set and empty" in result.stderr
    with pytest.raises(BackupError, match="empty"):
        backup(room, file, word)
    assert not file.exists()


@pytest.mark.long
def test_unsealed_backup_warns_on_stderr(room, tmp_path, monkeypatch):
    monkeypatch.delenv("COMITY_PASSPHRASE", raising=False)
    file = tmp_path / "room.backup"
    result = CliRunner().invoke(app, ["backup", "--data", str(room.data), "-o", str(file)])
    assert result.exit_code == 0, result.output
    assert "NOT SEALED" in result.stderr
    assert "left out: postgres" in result.stdout
    passphrase_file = tmp_path / "word"
    passphrase_file.write_text("the word")
    result = CliRunner().invoke(
        app, ["backup", "--data", str(room.data), "-o", str(file), "--passphrase-file", str(passphrase_file)]
    )
    assert "NOT SEALED" not in result.output


# A backup that somebody else wrote --------------------------------------------------------------------------------


def test_restore_with_a_passphrase_refuses_an_unsealed_backup(room, empty, tmp_path):
    """Before, the passphrase was ignored where the file was not sealed: whoever could write it could replace it."""
    file = tmp_path / "room.backup"
    backup(room, file, None)
    with pytest.raises(BackupError, match="is not sealed, although"):
        restore(empty, file, "the word")
    assert not empty.cluster.data.exists()


def test_restore_runs_no_program_from_the_dump(room, empty, tmp_path):
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
    with pytest.raises(BackupError, match="permission denied to COPY to or from an external program"):
        restore(empty, tmp_path / "room.backup", None)
    assert not sign.exists()
    assert not empty.cluster.data.exists()  # and the folder may be used for another one


@pytest.mark.long
def test_functions_of_a_restored_database_do_not_run_as_the_superuser(room, empty, tmp_path):
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
def test_restore_refuses_unknown_names_in_the_archive(empty, tmp_path, name):
    file, content = tmp_path / "odd", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(file, "w") as archive:
        entry = archive.gettarinfo(content)
        entry.name = name
        with content.open("rb") as read:
            archive.addfile(entry, read)
    with pytest.raises(BackupError, match="which no backup of ours does"):
        restore(empty, file, None)


def test_restore_refuses_links_and_duplicate_names_in_the_archive(empty, tmp_path):
    file, content = tmp_path / "odd", tmp_path / "content"
    content.write_text("x")
    with tarfile.open(file, "w") as archive:
        for _ in range(2):
            archive.add(content, "secret")
    with pytest.raises(BackupError, match="'secret'"):
        restore(empty, file, None)
    (tmp_path / "link").symlink_to("/etc/passwd")
    with tarfile.open(file, "w") as archive:
        archive.add(tmp_path / "link", "secret")
    with pytest.raises(BackupError, match="'secret'"):
        restore(empty, file, None)


# Who sees what in the database ------------------------------------------------------------------------------------


def test_owner_role_sees_only_the_documented_tables(room):
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
    (documented_row,) = (line for line in documented.splitlines() if line.startswith("| `comity_owner`"))
    with psycopg.connect(room.cluster.conninfo(OWNER)) as owner:
        queries = {name: sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(name)) for (name,) in protected}
        visible = {name for name, query in queries.items() if owner.execute(query).fetchone() != (0,)}
    assert {"parties_membership", "parties_relationship"} <= visible
    for name in visible | {name for (name,) in owners}:
        assert f"`{name}`" in documented_row, name
    assert "matters_matter" not in visible  # of which there is one
