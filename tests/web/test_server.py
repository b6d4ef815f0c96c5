"""The server: what it refuses with one line, what happens when PostgreSQL is killed, permissions of its files."""

import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil
import psycopg
import pytest
from django.apps import apps
from typer.testing import CliRunner

from comity.cli import app
from comity.web.postgres import SUPERUSER
from comity.web.server import CannotServeError, Room, serve, unprivileged_account
from tests.builders.serving import Served

pytestmark = pytest.mark.gate


def never_ready(*_):
    raise AssertionError("it is not to be served")


def test_serve_refuses_a_folder_that_is_served_already():
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    room = Room(data, unprivileged_account())
    with room.lock().acquire(), pytest.raises(CannotServeError, match="being served already"):
        serve(room, "127.0.0.1", 0, 1, never_ready)


def test_serve_refuses_a_port_in_use():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        room = Room(Path(tempfile.mkdtemp(prefix="comity-")), unprivileged_account())
        with pytest.raises(CannotServeError, match="choose another --port"):
            serve(room, "127.0.0.1", taken.getsockname()[1], 1, never_ready)


def test_serve_as_root_allows_only_the_demo(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    result = CliRunner().invoke(app, ["serve", "--data", "/nowhere"])
    assert result.exit_code == 2
    assert "do not run as root" in result.stderr
    assert re.search(r"runuser -u comity -- \S+ serve --data", result.stderr)  # the next step


def test_server_environment_has_no_owner_password(monkeypatch):
    monkeypatch.delenv("COMITY_SECRET_KEY")
    room = Room(Path(tempfile.mkdtemp(prefix="comity-")), unprivileged_account())
    (room.data / "postgres").mkdir()
    (room.data / "postgres" / "passwords.json").write_text('{"comity_owner": "secret-o", "comity_app": "secret-a"}')
    assert "secret-o" not in room.environment().values()
    assert "secret-o" in room.environment(owner=True).values()
    assert (room.data / "secret").stat().st_mode & 0o077 == 0


def test_settings_behind_https_pass_djangos_deployment_check():
    room = {
        "COMITY_ORIGINS": "https://room.example.org",
        "COMITY_HOSTS": "room.example.org",
        "COMITY_SECRET_KEY": secrets.token_urlsafe(60),
    }
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    settings = {"DJANGO_SETTINGS_MODULE": "comity.web.settings"}
    inherited = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    completed = subprocess.run(command, env=inherited | settings | room, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stderr


def test_no_migration_is_missing():
    command = [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run", "--skip-checks"]
    known = {"DJANGO_SETTINGS_MODULE": "comity.web.settings", "COMITY_SECRET_KEY": "x"}
    arguments = [*command, *(config.label for config in apps.get_app_configs() if config.name.startswith("comity."))]
    completed = subprocess.run(arguments, env=os.environ | known, capture_output=True, text=True, check=False)
    assert completed.returncode == 0, completed.stdout


# Served -------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served():
    """A room as it is first started; the test that kills it for good comes last."""
    folder = Path(tempfile.mkdtemp(prefix="comity-"))
    folder.chmod(0o711)
    loose = folder / "room" / "books" / "one"  # as an earlier version left it
    loose.mkdir(parents=True)
    loose.chmod(0o755)
    (loose / "book.toml").write_text('name = "x"')
    (loose / "book.toml").chmod(0o644)
    (folder / "room").chmod(0o711)
    room = Served(folder / "room")
    yield room
    room.process.terminate()
    room.process.wait(60)
    room.log.close()
    if room.room.cluster.is_running():
        os.kill(room.postmaster(), signal.SIGKILL)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_data_folder_is_closed_to_other_accounts(served):
    """Books below `books/` were 0755, and stay so in a room that an earlier version made, unless it is mended."""
    served.until(200)
    said = served.said()
    assert said.index("Starting the database") < said.index("Starting the server") < said.index("/set-up/")
    served.until(200, re.search(r"(/set-up/\S+/)", said)[1])
    assert served.open_to_others() == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_killed_postgresql_is_restarted_or_the_server_fails(served):
    """kill -9 of the postmaster: before, /health/ said 503 until somebody came, and `serve` did not end."""
    served.until(200)
    with psycopg.connect(served.room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        # What a worker was doing when the database went.
        (job,) = connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status) "
            "VALUES ('clock', 'outbox.recover', '{\"timestamp\": 0}', 'doing') RETURNING id"
        ).fetchone()
    first = served.postmaster()
    os.kill(first, signal.SIGKILL)
    assert "database does not answer" in served.until(503)
    assert served.until(200) == "ok\n"
    assert served.postmaster() != first
    # Every thread's connection of both workers is made again: no page fails.
    assert {served.get("/sign-in/")[0] for _ in range(30)} == {200}
    end = time.monotonic() + 60
    state = "doing"
    while state != "succeeded" and time.monotonic() < end:
        with psycopg.connect(served.room.cluster.conninfo(SUPERUSER)) as connection:
            (state,) = connection.execute("SELECT status FROM procrastinate_jobs WHERE id = %s", [job]).fetchone()
        time.sleep(0.2)
    assert state == "succeeded"
    # Where it does not start again, the server ends and says so: Restart=on-failure then acts.
    control = served.room.cluster.data / "global" / "pg_control"
    control.rename(control.with_name("moved"))
    os.kill(served.postmaster(), signal.SIGKILL)
    assert served.process.wait(120) != 0
    assert "does not start again" in served.said()
    # One that has ended and is not collected yet has no command line.
    commands = [" ".join(one.info["cmdline"] or []) for one in psutil.process_iter(["cmdline"])]
    assert not [command for command in commands if str(served.room.data) in command]
