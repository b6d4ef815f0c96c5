"""The health check, as monitoring requests it, and the command that requests it."""

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import DatabaseError, InterfaceError
from django.test import Client

from comity.web import health
from tests.room import started

pytestmark = pytest.mark.gate


def test_health_is_200_for_any_host_while_the_database_answers():
    started()
    for name in ("localhost", "10.1.2.3"):
        response = Client().get("/health/", headers={"host": name})
        assert response.status_code == 200
        first, *ages = response.content.decode().splitlines()
        assert first == "ok"
        assert [line.partition(":")[0] for line in ages] == [
            "oldest_unsent_mail_s", "last_mailbox_reading_s", "last_clock_tick_s", "oldest_entry_not_exported_s",
        ]  # fmt: skip
        assert all(re.fullmatch(r"\d+|-|never", line.partition(": ")[2]) for line in ages)
        assert response.headers["Cache-Control"] == "no-store"
        assert not response.cookies
    assert Client().post("/health/").status_code == 405
    assert Client().get("/", headers={"host": "10.1.2.3"}).status_code == 400


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_health_is_503_without_the_database_and_reveals_no_error(monkeypatch, error):
    """InterfaceError is what a connection raises that was closed under it; it is no DatabaseError."""
    started()

    class Gone:
        def cursor(self):
            raise error("secret of the inside")

    monkeypatch.setattr(health, "connection", Gone())
    response = Client().get("/health/")
    assert (response.status_code, response.content) == (503, b"unavailable: the database does not answer\n")


@pytest.mark.parametrize("status", [200, 503, 400])
def test_health_command_exit_code_follows_the_response_status(monkeypatch, capsys, status):
    heard = []

    class Room(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.path)
            self.send_response(status)
            self.end_headers()

        def log_message(self, *_):
            pass

    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with HTTPServer(("127.0.0.1", 0), Room) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        done = health.main(str(server.server_port))
    assert done == (0 if status == 200 else 1)
    assert heard == ["/health/"]
    assert bool(capsys.readouterr().err) == (status != 200)


def test_health_command_fails_where_nothing_listens(capsys):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert health.main(str(port)) == 1
    assert "does not answer" in capsys.readouterr().err
