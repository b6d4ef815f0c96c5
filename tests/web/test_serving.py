"""Serving: what is refused, in one line."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from typer.testing import CliRunner

from comity.cli import app
from comity.web.serving import CannotServeError, Room, account, serve

pytestmark = pytest.mark.gate


def nothing(_):
    raise AssertionError("it is not to be served")


def test_two_at_once_get_a_clear_word():
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    room = Room(data, account())
    with room.lock().acquire(), pytest.raises(CannotServeError, match="being served already"):
        serve(room, "127.0.0.1", 0, 1, nothing)


def test_a_port_that_is_taken_is_said_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        room = Room(Path(tempfile.mkdtemp(prefix="comity-")), account())
        with pytest.raises(CannotServeError, match="choose another --port"):
            serve(room, "127.0.0.1", taken.getsockname()[1], 1, nothing)


def test_root_serves_nothing_but_the_demo(monkeypatch):
    monkeypatch.setattr(os, "getuid", lambda: 0)
    done = CliRunner().invoke(app, ["serve", "--data", "/nowhere"])
    assert done.exit_code == 2
    assert "not as root" in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_server_has_no_password_of_the_owner(monkeypatch):
    monkeypatch.delenv("COMITY_SECRET_KEY")
    room = Room(Path(tempfile.mkdtemp(prefix="comity-")), account())
    (room.data / "postgres").mkdir()
    (room.data / "postgres" / "passwords.json").write_text('{"comity_owner": "secret-o", "comity_app": "secret-a"}')
    assert "secret-o" not in room.environment().values()
    assert "secret-o" in room.environment(owner=True).values()
    assert (room.data / "secret").stat().st_mode & 0o077 == 0


def test_a_room_behind_https_passes_djangos_own_check():
    room = {
        "COMITY_ORIGINS": "https://room.example.org",
        "COMITY_HOSTS": "room.example.org",
        "COMITY_SECRET_KEY": secrets.token_urlsafe(60),
    }
    command = [sys.executable, "-m", "django", "check", "--deploy", "--fail-level", "WARNING"]
    known = {"DJANGO_SETTINGS_MODULE": "comity.web.settings"}
    kept = {name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}
    done = subprocess.run(command, env=kept | known | room, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_no_migration_is_missing():
    command = [sys.executable, "-m", "django", "makemigrations", "--check", "--dry-run", "--skip-checks"]
    known = {"DJANGO_SETTINGS_MODULE": "comity.web.settings", "COMITY_SECRET_KEY": "x"}
    asked = [*command, "parties", "books", "matters", "reviews"]
    done = subprocess.run(asked, env=os.environ | known, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
