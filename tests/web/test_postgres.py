"""A PostgreSQL of our own: made in one go, asked by a socket with a password alone, and alive again after a kill."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest

from comity.web import postgres
from comity.web.postgres import APP, OWNER, SUPERUSER, Cluster, NoDatabaseError, binaries
from comity.web.serving import account

pytestmark = pytest.mark.gate


@pytest.fixture
def folder():
    made = Path(tempfile.mkdtemp(prefix="comity-pg-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def cluster(folder):
    made = Cluster(folder / "postgres", account())
    made.start()
    yield made
    made.stop()


def count(cluster, role=APP):
    with psycopg.connect(cluster.conninfo(role)) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_what_was_kept_survives_a_kill_and_a_second_start_is_none(cluster):
    with psycopg.connect(cluster.conninfo(OWNER)) as connection:
        connection.execute("CREATE TABLE kept (x int)")
        connection.execute("INSERT INTO kept VALUES (1), (2)")
        connection.execute(f"GRANT SELECT ON kept TO {APP}")
    cluster.start()  # it runs already
    number = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
    for _ in range(3):
        os.kill(number, signal.SIGKILL)
        cluster.start()
        assert count(cluster) == 2
        number = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
    cluster.stop()
    assert not cluster.answers()
    cluster.stop()
    cluster.start()
    assert count(cluster) == 2


def test_nobody_connects_without_the_password_or_over_a_network(cluster):
    for role in (SUPERUSER, OWNER, APP):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=str(cluster.socket), user=role, password="wrong", dbname="comity")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(cluster.socket), user=SUPERUSER, dbname="comity")
    with psycopg.connect(cluster.conninfo(APP)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_values_of_rows_do_not_reach_the_log(cluster):
    """A double click on an invitation wrote `DETAIL: Key (email)=(...) already exists` to postgres.log."""
    with psycopg.connect(cluster.conninfo(OWNER)) as connection:
        connection.execute("CREATE TABLE kept (email text PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES ('fresh@else.example')")
    with psycopg.connect(cluster.conninfo(OWNER)) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO kept VALUES ('fresh@else.example')")
    written = cluster.log.read_text()
    assert "duplicate key value" in written  # the error itself is logged
    assert "fresh@else.example" not in written


def test_nobody_else_looks_into_the_folder(cluster):
    for place in (cluster.folder, cluster.data, cluster.socket):
        assert place.stat().st_mode & 0o077 == 0
    assert (cluster.folder / "passwords.json").stat().st_mode & 0o077 == 0
    assert not (cluster.folder / "word").exists()


def test_a_cluster_that_was_half_made_is_made_anew(folder):
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    made = Cluster(folder / "postgres", account())
    made.start()
    assert made.answers()
    made.stop()


def test_a_path_too_long_for_a_socket_has_it_elsewhere(folder):
    made = Cluster(folder / ("long" * 30), account())
    made.start()
    assert made.answers()
    assert len(str(made.socket)) < 80
    made.stop()
    shutil.rmtree(made.socket)


def test_binaries_that_the_account_cannot_reach_are_lent(folder, monkeypatch):
    monkeypatch.setattr(postgres, "reachable", lambda *_: False)
    made = Cluster(folder / "postgres", account())
    made.start()
    assert made.answers()
    assert (folder / "postgres" / "lent").exists() == (account() is not None)
    made.stop()


def test_data_of_another_version_are_not_touched(folder, monkeypatch):
    (folder / "postgres" / "data").mkdir(parents=True)
    (folder / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    (folder / "postgres" / "passwords.json").write_text('{"comity_super": "x"}')
    with pytest.raises(NoDatabaseError, match="9, which made this data"):
        Cluster(folder / "postgres", account()).start()
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(postgres, "_FOUND_IN", ())
    monkeypatch.delenv(postgres.BINARIES, raising=False)
    with pytest.raises(NoDatabaseError, match="install it"):
        binaries()
