"""Request Tracker 5 as a peer: its list, a ticket and its dashboard, where Debian's packages of it are installed.

`apt-get install request-tracker5 rt5-db-postgresql rt5-standalone`, without a database of its own. Tables, people and
queues are made by its own means, tickets by SQL in the shape that its own leaves. Served by Starlet, one request a
process at a time. Its people may do everything, which spares it the checking of rights.
"""

import json
import os
import shutil
import subprocess
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import psycopg

from benchmarks.load import HERE, Figures, User, free, get, measured, running
from benchmarks.room_data import database
from comity.web.postgres import OWNER, SUPERUSER, Cluster
from comity.web.server import unprivileged_account

HOME = Path("/usr/share/request-tracker5")
PASSWORD = "a word for a benchmark"
TICKETS, STAFF, REQUESTORS, QUEUES = 100_000, 16, 200, 200
FILL = """
CREATE FUNCTION pg_temp.one_of(numbers int[], at int) RETURNS int LANGUAGE sql IMMUTABLE
    RETURN numbers[1 + at %% cardinality(numbers)];
CREATE TEMP TABLE ticket AS
SELECT n, 1000 + n id, 1000000 + 4 * n first, now()::timestamp - n * interval '10 minutes' made,
    CASE WHEN n %% 100 IN (0, 50) THEN CASE WHEN n %% 300 = 0 THEN 6 ELSE pg_temp.one_of(%(staff)s, n / 50) END
        ELSE pg_temp.one_of(%(staff)s, n) END owner,
    pg_temp.one_of(%(requestors)s, n) requestor,
    pg_temp.one_of(%(queues)s, CASE WHEN n %% 3 = 0 THEN 0 ELSE n END) queue
FROM generate_series(1, %(tickets)s) n;
INSERT INTO tickets (id, effectiveid, queue, type, owner, subject, initialpriority, finalpriority, priority,
    timeestimated, timeworked, timeleft, status, starts, started, due, resolved, lastupdatedby, lastupdated, creator,
    created)
SELECT id, id, queue, 'ticket', owner, 'The letter was not in the forecast, no. ' || n, 0, 0, n %% 100, 0, 0, 0,
    CASE n %% 100 WHEN 0 THEN 'new' WHEN 50 THEN 'open' ELSE 'resolved' END, 'epoch', 'epoch', 'epoch', made, owner,
    made, requestor, made FROM ticket;
INSERT INTO transactions (id, objecttype, objectid, type, data, timetaken, creator, created)
SELECT 1000000 + 8 * n + i, 'RT::Ticket', id, CASE i WHEN 0 THEN 'Create' ELSE 'Comment' END, 'No Subject', 0,
    CASE i %% 2 WHEN 0 THEN requestor ELSE owner END, made + i * interval '7 hours'
FROM ticket, generate_series(0, 1 + n %% 5) i;
INSERT INTO attachments (transactionid, parent, contenttype, contentencoding, content, headers, creator, created)
SELECT 1000000 + 8 * n + i, 0, 'text/plain', 'none',
    'The letter went to 40,000 homes on the eighth; the forecast locked on the fifteenth did not hold it. Step ' || i,
    E'MIME-Version: 1.0\\nContent-Type: text/plain; charset="utf-8"\\n', owner, made
FROM ticket, generate_series(0, 1 + n %% 5) i;
INSERT INTO principals (id, principaltype, disabled) SELECT first + i, 'Group', 0 FROM ticket, generate_series(0, 3) i;
INSERT INTO groups (id, name, domain, instance, creator, created, lastupdatedby, lastupdated)
SELECT first + i, ('{AdminCc,Cc,Owner,Requestor}'::text[])[1 + i], 'RT::Ticket-Role', id, 1, made, 1, made
FROM ticket, generate_series(0, 3) i;
INSERT INTO groupmembers (groupid, memberid, creator, created, lastupdatedby, lastupdated)
SELECT first + 2, owner, 1, made, 1, made FROM ticket UNION ALL
SELECT first + 3, requestor, 1, made, 1, made FROM ticket;
INSERT INTO cachedgroupmembers (id, groupid, memberid, via, immediateparentid, disabled)
SELECT 10000000 + 8 * n + i, first + i, first + i, 10000000 + 8 * n + i, first + i, 0
FROM ticket, generate_series(0, 3) i
UNION ALL SELECT 10000004 + 8 * n, first + 2, owner, 10000004 + 8 * n, first + 2, 0 FROM ticket
UNION ALL SELECT 10000005 + 8 * n, first + 3, requestor, 10000005 + 8 * n, first + 3, 0 FROM ticket;
"""


def measure(folder: Path, seconds: float, workers: int) -> dict[str, Figures]:
    """Fill unless that is done, serve, ask."""
    if not (HOME / "libexec" / "rt-server").is_file():
        raise RuntimeError("apt-get install request-tracker5 rt5-db-postgresql rt5-standalone")
    cluster, port = Cluster(folder / "postgres", unprivileged_account()), free()
    if not (folder / "filled").exists():
        cluster.stop()
        shutil.rmtree(cluster.folder, ignore_errors=True)  # of an attempt that broke off
    cluster.start()
    try:
        environment = _configured(folder, cluster, port)
        if not (folder / "filled").exists():
            _fill(cluster, environment)
            (folder / "filled").touch()
        with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        command = [
            "perl", str(HOME / "libexec" / "rt-server"), "--server", "Starlet", "--host", "127.0.0.1",
            "--port", str(port), "--max-workers", str(workers), "--max-reqs-per-child", "100000",
            "--max-keepalive-reqs", "1",
        ]  # fmt: skip
        with running(command, port, environment) as server:
            served = [server, database(cluster)]
            asked = quote("Queue = 'Queue 1'")
            views = {
                "list": [[f"/Search/Results.html?Query={asked}&OrderBy=Created&Order=DESC&RowsPerPage=50"]],
                "item": [[f"/Ticket/Display.html?id={1000 + 7 * number}"] for number in range(1, 129)],
                "dashboard": [["/"]],
            }
            cookies = [_signed_in(port, f"p{number}") for number in range(1, STAFF + 1)]
            found = {}
            for name, every in views.items():
                _see(get(port, every[0][0], cookies[0]), name)
                users = [User(cookie, every[at:] + every[:at]) for at, cookie in enumerate(cookies)]
                measured(port, users, 1, served)
                found[name] = measured(port, users, seconds, served)
            return found
    finally:
        cluster.stop()


def _see(page: str, name: str) -> None:
    """It answers 200 to who is not signed in too: look whether the page is the one that was asked for."""
    if "/NoAuth/Logout.html" not in page or ("The letter was not in the forecast" not in page):
        raise RuntimeError(f"its {name} is not the page that was asked for")


def _configured(folder: Path, cluster: Cluster, port: int) -> dict[str, str]:
    """A file of settings of its own, so that none of the machine's is read or changed."""
    told = cluster.parameters(OWNER)
    settings: dict[str, Any] = {
        "rtname": "bench", "Organization": "bench", "WebPath": "", "WebDomain": "127.0.0.1", "WebPort": port,
        "DatabaseType": "Pg", "DatabaseHost": told["HOST"], "DatabasePort": "", "DatabaseName": told["NAME"],
        "DatabaseUser": OWNER, "DatabasePassword": told["PASSWORD"], "DatabaseAdmin": OWNER, "LogToSyslog": "",
        "LogToSTDERR": "error", "Timezone": "UTC", "MailCommand": "testfile",
    }  # fmt: skip
    (folder / "site.d").mkdir(parents=True, exist_ok=True)
    file = folder / "RT_SiteConfig.pm"
    file.touch(mode=0o600)
    file.write_text(
        "".join(f"Set(${name}, '{value}');\n" for name, value in settings.items()) + "1;\n", encoding="utf-8"
    )
    return {"RT_SITE_CONFIG": str(file), "RT_SITE_CONFIG_DIR": str(folder / "site.d")}


def _fill(cluster: Cluster, environment: dict[str, str]) -> None:
    password = cluster.parameters(OWNER)["PASSWORD"]
    for action, *more in (("schema",), ("coredata",), ("insert", "--datafile", str(HOME / "etc" / "initialdata"))):
        command = [
            "rt-setup-database-5",
            "--action",
            action,
            "--skip-create",
            "--dba",
            OWNER,
            "--dba-password",
            password,
        ]
        _run([*command, *more], environment)
    script = str(HERE / "benchmarks" / "request_tracker.pl")
    made = json.loads(_run(["perl", script, PASSWORD, str(STAFF), str(REQUESTORS), str(QUEUES)], environment))
    with psycopg.ClientCursor(psycopg.connect(cluster.conninfo(OWNER))) as cursor:
        cursor.execute(FILL, made | {"tickets": TICKETS})
        cursor.connection.commit()


def _run(command: list[str], environment: dict[str, str]) -> str:
    done = subprocess.run(command, check=True, env=os.environ | environment, capture_output=True, text=True)
    return (done.stdout.splitlines() or [""])[-1]


def _signed_in(port: int, name: str) -> str:
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    body = urlencode({"user": name, "pass": PASSWORD})
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"http://127.0.0.1:{port}/"}
    connection.request("POST", "/NoAuth/Login.html", body, headers)
    answer = connection.getresponse()
    answer.read()
    return str(answer.headers["Set-Cookie"]).split(";", 1)[0]
