"""django-helpdesk as a peer: its list, a ticket and its dashboard, with as many tickets as our heavy one has matters.

In an environment of its own below `bench-data/`, with its own Django, on a cluster from the same binaries, behind the
same server with as many processes and threads. Its list is a shell that a script fills: both requests count. Only the
two hundred who work in it are its users, for each ticket's page names every user; who asks is an address.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg

from benchmarks.load import HERE, Figures, User, free, get, measured, running
from benchmarks.room_data import database
from comity.web.postgres import OWNER, SUPERUSER, Cluster
from comity.web.server import unprivileged_account

TICKETS = 100_000
FILL = f"""
INSERT INTO helpdesk_queue (id, title, slug, allow_public_submission, allow_email_submission, email_box_ssl,
    enable_notifications_on_email_events, permission_name)
SELECT n, 'Queue ' || n, 'queue-' || n, false, false, false, false, '' FROM generate_series(1, 200) n;
INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, is_active,
    date_joined)
SELECT n, '!', false, 'p' || n, 'Ana', 'Ruiz ' || n, 'p' || n || '@bench.example', true, true, now()
FROM generate_series(1, 200) n;
INSERT INTO helpdesk_usersettings (user_id, email_on_ticket_assign, email_on_ticket_change, login_view_ticketlist,
    tickets_per_page, use_email_as_submitter, ticket_respond_layout)
SELECT n, false, false, false, 25, false, 'default' FROM generate_series(1, 200) n;
-- A third in one queue; two in a hundred open, of which some are nobody's.
INSERT INTO helpdesk_ticket (id, title, created, modified, submitter_email, status, on_hold, description, priority,
    assigned_to_id, queue_id, secret_key)
SELECT n, 'The letter was not in the forecast, no. ' || n, now() - n * interval '3 minutes', now(),
    'p' || 1 + n % 20000 || '@bench.example', CASE n % 100 WHEN 0 THEN 1 WHEN 50 THEN 2 ELSE 3 + n % 2 END, false,
    'The letter went to 40,000 homes on the eighth; the forecast locked on the fifteenth did not hold it.', 1 + n % 5,
    CASE WHEN n % 300 > 0 THEN 1 + n % 200 END, CASE WHEN n % 3 = 0 THEN 1 ELSE 2 + n % 199 END, md5(n::text)
FROM generate_series(1, {TICKETS}) n;
INSERT INTO helpdesk_followup (date, title, comment, public, new_status, ticket_id, user_id, message_id)
SELECT now() - n * interval '3 minutes' + i * interval '7 hours', 'Comment',
    'The letter went to 40,000 homes on the eighth; the forecast locked on the fifteenth did not hold it. Step ' || i,
    true, NULL, n, 1 + (n + i) % 200, ''
FROM generate_series(1, {TICKETS}) n, generate_series(1, 2 + n % 5) i;
"""


def measure(folder: Path, seconds: float, workers: int) -> dict[str, Figures]:
    """Install and fill unless that is done, serve, ask."""
    python = _installed(folder)
    cluster = Cluster(folder / "postgres", unprivileged_account())
    if not (folder / "filled").exists():
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)  # of an attempt that broke off
    cluster.start()
    try:
        _, environment = cluster.command("psql", OWNER)
        environment |= {"DJANGO_SETTINGS_MODULE": "benchmarks.helpdesk_site", "PYTHONPATH": str(HERE)}
        if not (folder / "filled").exists():
            _run(environment, python, "-m", "django", "migrate", "-v", "0")
            with psycopg.connect(cluster.conninfo(OWNER)) as connection:
                connection.execute(FILL)
            (folder / "filled").touch()
        with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        cookies = json.loads(_run(environment, python, "-m", "benchmarks.helpdesk_site"))
        port = free()
        command = [
            str(python), "-m", "gunicorn", "django.core.wsgi:get_wsgi_application()", "--bind", f"127.0.0.1:{port}",
            "--workers", str(workers), "--worker-class", "gthread", "--threads", "4",
        ]  # fmt: skip
        with running(command, port, environment) as server:
            served = [server, database(cluster)]
            rows = _rows(get(port, "/tickets/", cookies[0]))
            views = {
                "list": [["/tickets/", rows]],
                "item": [[f"/tickets/{7 * number}/"] for number in range(1, 129)],
                "dashboard": [["/dashboard/"]],
            }
            found = {}
            for name, every in views.items():
                users = [User(cookie, every[at:] + every[:at]) for at, cookie in enumerate(cookies)]
                measured(port, users, 1, served)
                found[name] = measured(port, users, seconds, served)
            return found
    finally:
        cluster.stop()


def _rows(page: str) -> str:
    """What the list's script asks for: its first page, the newest first."""
    found = re.search(r'"url": "([^"]*datatables_ticket_list[^"]*)"', page)
    assert found is not None
    return f"{found[1]}?draw=1&start=0&length=25&order[0][column]=5&order[0][dir]=desc"


def _installed(folder: Path) -> Path:
    python = folder / "venv" / "bin" / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", folder / "venv"], check=True)
        lock = HERE / "benchmarks" / "helpdesk.lock"
        options = ["--quiet", "--disable-pip-version-check", "--require-hashes", "--requirement", lock]
        subprocess.run([python, "-m", "pip", "install", *options], check=True, stderr=subprocess.DEVNULL)
        (folder / "installed").touch()
    return python


def _run(environment: dict[str, str], *command: object) -> str:
    done = subprocess.run(
        [str(one) for one in command],
        check=True,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        cwd=HERE,
    )
    return done.stdout
