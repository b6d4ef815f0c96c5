"""Processes of a room are killed at random while both sides work: database, book and mails still agree.

A script raises claims, answers them, uploads files and takes them back, invites people, confirms periods. Whatever an
answer acknowledged is there once; what got no answer is there once or not at all.
"""

import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path

import psutil
import psycopg
import pytest

from comity.web.postgres import SUPERUSER
from tests.builders.database import copy_into
from tests.builders.serving import Served

pytestmark = pytest.mark.gate
KPI = '[review]\nperiod = "month"\n[[kpi]]\nid = "service_level"\nanswer_within_s = 20\ntarget = 0.8\n'

SETUP_SCRIPT = """
import json, sys
import django
django.setup()
from django.db import transaction
from comity.apps.books.queries import book_folder
from comity.apps.parties import operations
from comity.apps.parties.models import Person, Role
from comity.apps.parties.member_context import set_viewer
from comity.core.values import Side
from tests.cast import write_book
with transaction.atomic():
    people = [Person.objects.create_user(f"{name}@example.org", "correct horse battery", name=name) for name in "ab"]
    member = operations.create_relationship(people[0], Side.CUSTOMER, "Northwind", "Helpline")
    _, word = operations.invite(member, people[1].email, Role.LEAD, Side.PROVIDER)
    operations.accept_invitation(people[1], word)
    tokens = []
    for person in people:
        set_viewer(person.pk)
        tokens.append(operations.make_token(person, "script", 90, writes=True)[1])
days = [f"2026-{month:02}-{day:02}" for month in (5, 6) for day in range(1, 31 + month % 2)]
lines = [f"base-{day},{day}T10:00:00Z,help,voice,{day}T10:00:05Z" for day in days]
write_book(book_folder(member.relationship.pk), sys.argv[1], contacts="\\n".join([sys.argv[2], *lines]))
print(json.dumps([str(member.relationship.pk), *tokens]))
"""

STATE_SCRIPT = """
import json, sys
from zoneinfo import ZoneInfo
import django
django.setup()
from comity.apps.books.models import Delivery
from comity.apps.books.queries import open_member_book
from comity.apps.matters.models import Matter
from comity.apps.outbox.operations import recover_stalled_jobs
from comity.apps.parties.models import Person
from comity.apps.parties.member_context import acting_as
from comity.apps.record.models import Entry
recover_stalled_jobs()
day = lambda moment: str(moment.astimezone(ZoneInfo("Europe/Madrid")).date())
person = Person.objects.get(email="a@example.org")
with acting_as(person.pk, sys.argv[1]) as member, open_member_book(member) as book:
    there = [name for name in ("contacts", "events") if name in book.holdings]
    rows = {"events": []} | {name: book.table(name).to_pyarrow().to_pylist() for name in there}
    found = {
        "matters": [[str(one.pk), one.title, one.state, str(one.from_day)] for one in Matter.objects.all()],
        "events": [[one["event_id"], one["state"], day(one["from"])] for one in rows["events"]],
        "contacts": [one["contact_id"] for one in rows["contacts"]],
        "entries": [[one.number, one.subject, one.kind] for one in Entry.objects.order_by("number")],
    }
# A file that has not come in is its own side's to see.
deliveries = {}
for email in ("a@example.org", "b@example.org"):
    with acting_as(Person.objects.get(email=email).pk, sys.argv[1]):
        deliveries |= {str(one.pk): [str(one.pk), one.name, one.stage] for one in Delivery.objects.all()}
found["deliveries"] = list(deliveries.values())
print(json.dumps(found))
"""
HEAD = "contact_id,opened_at,queue,channel,answered_at"
IN_THE_BOOK = {"asked": "claimed", "countered": "claimed", "answered": "accepted", "declined": "refused"}


@dataclass
class Script:
    """Both sides at work: what they were told, and what they do not know."""

    base: str
    tokens: list[str]
    chance: random.Random
    raised: dict[str, bool] = field(default_factory=dict)  # by title, whether it was acknowledged
    answered: dict[str, str] = field(default_factory=dict)  # by matter, the state that was acknowledged
    uploads: dict[str, int] = field(default_factory=dict)  # acknowledged, by id, with whose token
    invited: dict[str, bool] = field(default_factory=dict)
    undone: set[str] = field(default_factory=set)
    answers: Counter = field(default_factory=Counter)

    def ask(self, side, path, body=None, *, file=None):
        """The answer, or None where there is none or it says that something broke."""
        headers = {"Authorization": f"Bearer {self.tokens[side]}"}
        data = None
        if file is not None:
            mark = uuid.uuid4().hex
            head = f'--{mark}\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"\r\n\r\n'
            data = f"{head}{file[1]}\r\n--{mark}--\r\n".encode()
            headers["Content-Type"] = f"multipart/form-data; boundary={mark}"
        elif body is not None:
            data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
        request = urllib.request.Request(self.base + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                self.answers[answer.status] += 1
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            self.answers[error.code] += 1
            return None if error.code >= 500 else {"refused": error.code}
        except (OSError, ValueError):
            self.answers[0] += 1
            return None

    def step(self):
        moves = [self.claim, self.answer, self.upload, self.bring, self.undo, self.invite, self.confirm]
        self.chance.choices(moves, [5, 5, 3, 4, 2, 1, 2])[0](self.chance.randrange(2))

    def claim(self, side):
        title, day = f"claim {len(self.raised)}", f"2026-06-{self.chance.randint(1, 25):02}"
        body = {"kind": "claim", "title": title, "text": "Out.", "event": "outage", "asked_for": "exclude",
                "from_day": day, "to_day": day}  # fmt: skip
        response = self.ask(side, "matters", body)
        self.raised[title] = response is not None and "id" in response

    def answer(self, side):
        known = self.ask(side, "matters?show=open&limit=100")
        waiting = [one for one in (known or {}).get("items", []) if one["waits_for"] == ("customer", "provider")[side]]
        if not waiting:
            return
        matter = self.chance.choice(waiting)
        move = self.chance.choice(["agree", "decline", "counter"])
        day = f"2026-06-{self.chance.randint(1, 25):02}"
        terms = {"from_day": day, "to_day": day} if move == "counter" else {}
        response = self.ask(side, f"matters/{matter['id']}/moves", {"move": move, "text": "Because."} | terms)
        if response is not None and "id" in response:
            self.answered[matter["id"]] = response["state"]

    def upload(self, side):
        name = f"up-{side}-{len(self.uploads)}-{self.chance.randrange(10**9)}"
        day = f"2026-06-{self.chance.randint(1, 25):02}"
        lines = [f"{name}-{number},{day}T11:00:00Z,help,voice,{day}T11:00:05Z" for number in range(3)]
        response = self.ask(side, "records", file=(f"{name}.csv", "\n".join([HEAD, *lines]) + "\n"))
        if response is not None and "id" in response:
            self.uploads[response["id"]] = side

    def bring(self, _side):
        for number, side in list(self.uploads.items())[-6:]:
            known = self.ask(side, f"records/{number}")
            if known is not None and known.get("stage") in {"looked", "bringing"}:
                self.ask(side, f"records/{number}/moves", {"do": "bring"})

    def undo(self, _side):
        for number, side in list(self.uploads.items())[-3:]:
            response = self.ask(side, f"records/{number}/moves", {"do": "undo"})
            if response is not None and "id" in response:
                self.undone.add(number)
                return

    def invite(self, side):
        email = f"guest{len(self.invited)}@example.org"
        response = self.ask(side, "invitations", {"email": email, "role": "member"})
        self.invited[email] = response is not None and "refused" not in response

    def confirm(self, _side):
        """One side alone: once both have, imports are held and no longer undone."""
        self.confirm_for(0)

    def confirm_for(self, side):
        """Confirm May for a side; whether it was acknowledged."""
        closing = self.ask(side, "confirmations?period=2026-05")
        if closing is None or "figures" not in closing:  # being computed, or it broke
            return False
        said = {"period": "2026-05", "figures": closing["figures"], "shown": closing["shown"]}
        response = self.ask(side, "confirmations", said)
        return response is not None and ("period" in response or response == {"refused": 409})


def killable_processes(served):
    """The processes that may be killed: those that answer, and those that do jobs; not PostgreSQL, nor the server."""
    processes = []
    for child in psutil.Process(served.process.pid).children(recursive=True):
        try:
            line = " ".join(child.cmdline())
        except psutil.Error:
            continue
        if "postgres" not in line and "resource_tracker" not in line and "spawn_main" not in line:
            processes.append(child)
    return processes


class Observer:
    """A process of its own beside the room, as the room's own are, that runs scripts; it is killed by nobody."""

    LOOP = """
import contextlib, io, json, sys
for line in sys.stdin:
    script, sys.argv[1:] = json.loads(line)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(script, {"__name__": "script"})
    print(printed.getvalue().splitlines()[-1], flush=True)
"""

    def __init__(self, served):
        self.served = served
        here = str(Path(__file__).parents[2])
        environment = os.environ | served.room.environment() | {"PYTHONPATH": os.pathsep.join([here, *sys.path])}
        pipe = subprocess.PIPE
        command = [sys.executable, "-c", self.LOOP]
        self.process = subprocess.Popen(command, env=environment, stdin=pipe, stdout=pipe, stderr=served.log, text=True)

    def run(self, script, *arguments):
        """What a script prints last, read as JSON."""
        self.process.stdin.write(json.dumps([script, arguments]) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise AssertionError(self.served.said()[-2000:])
        return json.loads(answer)

    def close(self):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture
def room_folder():
    folder = Path(tempfile.mkdtemp(prefix="comity-"))
    folder.chmod(0o711)
    data = folder / "room"
    copy_into(data)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def wait_until_settled(served, observer, seconds=180):
    """Wait until nothing is left to be done; what dead workers left is taken up by `STATE`, as the clock does."""
    end = time.monotonic() + seconds
    with psycopg.connect(served.room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '5 min'")
        time.sleep(12)  # those that live report every ten seconds
        while time.monotonic() < end:
            connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
            query = (
                "SELECT count(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing') AND queue_name <> 'clock'"
            )
            (left,) = connection.execute(query).fetchone()
            if not left:
                return
            observer.run(STATE_SCRIPT, served.relationship)
            time.sleep(0.5)
    raise AssertionError(f"{left} jobs are left; {served.said()[-2000:]}")


@pytest.mark.parametrize(
    "kills",
    [
        pytest.param(10, id="10", marks=pytest.mark.timeout(1800)),
        pytest.param(500, id="500", marks=[pytest.mark.long, pytest.mark.timeout(7200)]),
    ],
)
def test_killed_processes_lose_nothing_and_double_nothing(room_folder, kills):
    seed = int(os.environ.get("COMITY_SEED", secrets.randbits(32)))
    chance = random.Random(seed)
    served = Served(room_folder / "room")
    observer = None
    try:
        served.until(200)
        observer = Observer(served)
        served.relationship, *tokens = observer.run(SETUP_SCRIPT, KPI, HEAD)
        script = Script(f"http://127.0.0.1:{served.port}/api/r/{served.relationship}/", tokens, chance)
        for kill in range(kills):
            for _ in range(chance.randint(2, 6)):
                script.step()
            processes = killable_processes(served)
            # In the middle of something: a request that is on its way, or a job that has just been deferred.
            script.claim(kill % 2)
            time.sleep(chance.random() * 0.3)
            if processes:
                with suppress(ProcessLookupError):  # it has just ended by itself
                    os.kill(chance.choice(processes).pid, signal.SIGKILL)
        served.until(200)
        wait_until_settled(served, observer, 180 + 6 * kills)  # workers that are killed every second leave much undone
        import_interrupted_files(served, observer, script)
        close_period(served, script)
        check_state(served, observer, script)
    except BaseException as error:
        error.add_note(f"seed {seed}; {served.said()[-3000:]}")
        raise
    finally:
        if observer is not None:
            observer.close()
        served.process.terminate()
        served.process.wait(60)
        served.log.close()


def close_period(served, script, seconds=120):
    """Both sides confirm May, as soon as its figures have been computed; until the mails about it are sent."""
    end = time.monotonic() + seconds
    for side in (0, 1):
        while not script.confirm_for(side):
            assert time.monotonic() < end, script.answers
            time.sleep(0.3)
    left = (
        "SELECT (SELECT count(*) FROM outbox_waitingmail), (SELECT count(*) FROM procrastinate_jobs "
        "WHERE status IN ('todo', 'doing') AND queue_name <> 'clock')"
    )
    with psycopg.connect(served.room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        # A mail is written by a job, which may not have begun.
        while connection.execute(left).fetchone() != (0, 0):
            assert time.monotonic() < end, "mails wait"
            connection.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL WHERE status = 'todo'")
            time.sleep(0.3)


def import_interrupted_files(served, observer, script):
    """Whoever sees a file that broke off imports it again, as the page offers."""
    for _ in range(3):
        broken = [
            (number, side)
            for number, side in script.uploads.items()
            if script.ask(side, f"records/{number}")["stage"] == "bringing"
        ]
        if not broken:
            return
        for number, side in broken:
            script.ask(side, f"records/{number}/moves", {"do": "bring"})
        wait_until_settled(served, observer)


def check_state(served, observer, script):
    state = observer.run(STATE_SCRIPT, served.relationship)
    titles = Counter(title for _, title, *_ in state["matters"])
    assert all(titles[title] == 1 if known else titles[title] <= 1 for title, known in script.raised.items())
    # The book holds each claim once, as it stands.
    events = {number: rest for number, *rest in state["events"]}
    assert len(events) == len(state["events"])
    assert events == {f"room-{pk}": [IN_THE_BOOK[now], day] for pk, _, now, day in state["matters"]}
    for pk, _, now, _ in state["matters"]:
        if script.answered.get(pk) in {"answered", "declined"}:
            assert now == script.answered[pk]
    # Rows of a file are in the book all, or none.
    contacts = Counter(state["contacts"])
    assert set(contacts.values()) == {1}
    stages = {pk: stage for pk, _, stage in state["deliveries"]}
    assert stages.keys() >= script.uploads.keys()
    for _, name, stage in state["deliveries"]:
        rows = [key for key in contacts if key.startswith(name.removesuffix(".csv"))]
        assert len(rows) == (3 if stage == "brought" else 0), (name, stage)
    assert {stages[pk] for pk in script.undone} <= {"undone", "brought"}
    assert "bringing" not in stages.values()
    periods = [period for _, period, kind in state["entries"] if kind == "frozen"]
    assert periods == ["2026-05"]  # once, whatever broke off when they confirmed
    # Every mail was handed over; one that was handed over twice bears the same id.
    with psycopg.connect(served.room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        (waiting,) = connection.execute("SELECT count(*) FROM outbox_waitingmail").fetchone()
        failed = connection.execute(
            "SELECT task_name, attempts FROM procrastinate_jobs WHERE status = 'failed' "
            "AND task_name NOT IN ('books.recognise', 'books.look', 'books.bring')"
        ).fetchall()
    assert (waiting, failed) == (0, [])
    mails = Counter()
    ids = set()
    for file in (served.room.data / "mails").iterdir():
        for text in file.read_bytes().split(b"-" * 79 + b"\n"):
            message = message_from_bytes(text)
            if message["Message-ID"] and message["Message-ID"] not in ids:
                ids.add(message["Message-ID"])
                mails[message["To"]] += 1
    assert all(mails[email] == 1 if known else mails[email] <= 1 for email, known in script.invited.items()), mails
