"""The PostgreSQL cluster: initialised whole or not at all, reached by socket and password, restarted after a kill."""

import os
import shutil
import signal
import tempfile
from pathlib import Path

import psycopg
import pytest

from comity.web import postgres
from comity.web.postgres import APP, OWNER, SUPERUSER, Cluster, NoDatabaseError, binaries
from comity.web.server import unprivileged_account

pytestmark = pytest.mark.gate


@pytest.fixture
def folder():
    path = Path(tempfile.mkdtemp(prefix="comity-pg-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def cluster(folder):
    started = Cluster(folder / "postgres", unprivileged_account())
    started.start()
    yield started
    started.stop()


def count(cluster, role=APP):
    with psycopg.connect(cluster.conninfo(role)) as connection:
        return connection.execute("SELECT count(*) FROM kept").fetchone()[0]


def test_cluster_keeps_rows_across_kills_and_start_is_idempotent(cluster):
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
    assert not cluster.accepts_connections()
    cluster.stop()
    cluster.start()
    assert count(cluster) == 2


def test_cluster_requires_a_password_and_listens_on_no_port(cluster):
    for role in (SUPERUSER, OWNER, APP):
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(host=str(cluster.socket), user=role, password="wrong", dbname="comity")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(host=str(cluster.socket), user=SUPERUSER, dbname="comity")
    with psycopg.connect(cluster.conninfo(APP)) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user").fetchone() == (False,)


def test_cluster_logs_no_values_of_rows(cluster):
    """A double click on an invitation wrote `DETAIL: Key (email)=(...) already exists` to postgres.log."""
    with psycopg.connect(cluster.conninfo(OWNER)) as connection:
        connection.execute("CREATE TABLE kept (email text PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES ('fresh@else.example')")
    with psycopg.connect(cluster.conninfo(OWNER)) as connection, pytest.raises(psycopg.errors.UniqueViolation):
        connection.execute("INSERT INTO kept VALUES ('fresh@else.example')")
    written = cluster.log.read_text()
    assert "duplicate key value" in written  # the error itself is logged
    assert "fresh@else.example" not in written


def test_cluster_folder_is_closed_to_other_accounts(cluster):
    for place in (cluster.folder, cluster.data, cluster.socket):
        assert place.stat().st_mode & 0o077 == 0
    assert (cluster.folder / "passwords.json").stat().st_mode & 0o077 == 0
    assert not (cluster.folder / "word").exists()


def test_partly_initialised_cluster_is_initialised_again(folder):
    half = folder / "postgres" / "data.new"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    cluster = Cluster(folder / "postgres", unprivileged_account())
    cluster.start()
    assert cluster.accepts_connections()
    cluster.stop()


def test_socket_of_a_long_path_lies_in_a_temporary_folder(folder):
    cluster = Cluster(folder / ("long" * 30), unprivileged_account())
    cluster.start()
    assert cluster.accepts_connections()
    assert len(str(cluster.socket)) < 80
    cluster.stop()
    shutil.rmtree(cluster.socket)


@pytest.mark.long
def test_binaries_that_the_account_cannot_reach_are_copied(folder, monkeypatch):
    monkeypatch.setattr(postgres, "reachable", lambda *_: False)
    cluster = Cluster(folder / "postgres", unprivileged_account())
    cluster.start()
    assert cluster.accepts_connections()
    assert (folder / "postgres" / "lent").exists() == (unprivileged_account() is not None)
    cluster.stop()


def test_data_of_another_postgresql_version_are_refused(folder, monkeypatch):
    (folder / "postgres" / "data").mkdir(parents=True)
    (folder / "postgres" / "data" / "PG_VERSION").write_text("9\n")
    (folder / "postgres" / "passwords.json").write_text('{"comity_super": "x"}')
    with pytest.raises(NoDatabaseError, match="9, which made this data"):
        Cluster(folder / "postgres", unprivileged_account()).start()
    monkeypatch.setattr(postgres.importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(postgres, "_SYSTEM_BINARIES", ())
    monkeypatch.delenv(postgres.BINARIES, raising=False)
    with pytest.raises(NoDatabaseError, match="install it"):
        binaries()
