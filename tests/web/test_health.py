"""Whether the room is well, as whatever watches it asks."""

import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import DatabaseError, InterfaceError
from django.test import Client

from comity.web import health
from tests.room import started

pytestmark = pytest.mark.gate


def test_a_room_whose_database_answers_is_well_whatever_name_it_is_called():
    started()
    for name in ("localhost", "10.1.2.3"):
        found = Client().get("/health/", headers={"host": name})
        assert (found.status_code, found.content) == (200, b"ok\n")
        assert found.headers["Cache-Control"] == "no-store"
        assert not found.cookies
    assert Client().post("/health/").status_code == 405
    assert Client().get("/", headers={"host": "10.1.2.3"}).status_code == 400


@pytest.mark.parametrize("error", [DatabaseError, InterfaceError])
def test_without_its_database_it_is_not_and_says_no_more(monkeypatch, error):
    """InterfaceError is what a connection raises that was closed under it; it is no DatabaseError."""
    started()

    class Gone:
        def cursor(self):
            raise error("secret of the inside")

    monkeypatch.setattr(health, "connection", Gone())
    found = Client().get("/health/")
    assert (found.status_code, found.content) == (503, b"unavailable: the database does not answer\n")


@pytest.mark.parametrize("status", [200, 503, 400])
def test_the_command_says_what_it_was_told(monkeypatch, capsys, status):
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


def test_where_nothing_listens_it_says_so(capsys):
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        port = server.server_port
    assert health.main(str(port)) == 1
    assert "does not answer" in capsys.readouterr().err
