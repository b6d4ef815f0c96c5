"""A room for the tests: a database started for the run, a relationship made for each test, and the cast in it.

Every test makes its own relationship, and the wall itself keeps tests apart: nothing is rolled back, and what a request
sees is what it would see in production.
"""

import atexit
import json
import re
import shutil
import tempfile
import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings
from django.core import mail
from django.db import connections, transaction
from django.test import Client
from django.test.client import FakePayload
from procrastinate.contrib.django import app
from psycopg.sql import SQL, Identifier

from comity.apps.books.queries import book_folder
from comity.apps.parties import operations
from comity.apps.parties.member_context import MemberContext, find_member, set_viewer
from comity.apps.parties.models import NEUTRAL_ROLES, Person, Role
from comity.core.values import Side
from comity.web.postgres import APP, SUPERUSER
from comity.web.server import Room, unprivileged_account
from tests.builders.database import copy_into
from tests.cast import write_book

NORTHWIND, HELPLINE = "Northwind Energy", "Helpline"
PASSWORD = "correct horse battery staple"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"
# Whoever has a place in a relationship of the cast, by name; and who has none.
EVERYBODY = ["customer_lead", "customer_analyst", "customer_finance", "customer_roster", "customer_member",
             "customer_executive", "provider_lead", "provider_analyst", "provider_finance", "provider_roster",
             "provider_member", "provider_executive", "surveyor", "mediator", "auditor"]  # fmt: skip
OUTSIDE = [None, "stranger", "former"]


@cache
def started() -> Room:
    """The room of this process, its database running; stopped and removed at the end."""
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    room = Room(data, unprivileged_account())
    copy_into(data)
    room.cluster.start()
    atexit.register(_end, room)
    settings.DATA, settings.BOOKS = data, data / "books"
    settings.MAIL_SERVER_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    for alias in ("default", "cache"):
        connections.databases[alias].update(room.cluster.parameters(APP))
    return room


def _end(room: Room) -> None:
    connections.close_all()
    room.cluster.stop()
    shutil.rmtree(room.data, ignore_errors=True)


def superuser():
    """Whoever sees everything: for what a test has to know, and the app must not."""
    return psycopg.connect(started().cluster.conninfo(SUPERUSER), autocommit=True)


# What follows a request at once, beside a prompt worker. Files are looked at and brought in by tests themselves.
_PROMPT = (
    "outbox.mail",
    "books.write",
    "books.undo",
    "books.begin",
    "books.hold_back",
    "books.disclose",
    "books.complete",
    "books.terms",
)


def run_jobs(*tasks: str) -> int:
    """Do what was deferred in this process's database, as a worker does it; how many jobs.

    :param tasks: names of tasks; none: what follows a request at once
    """
    done = 0
    everybody = _kept_open()
    while job := everybody.execute(
        "SELECT id, task_name, args FROM procrastinate_jobs WHERE status = 'todo' AND task_name = ANY (%s) "
        "ORDER BY id LIMIT 1",
        [list(tasks or _PROMPT)],
    ).fetchone():
        number, task, arguments = job
        # As that of a job that has begun, so that it may ask to be done again.
        everybody.execute("UPDATE procrastinate_jobs SET queueing_lock = NULL WHERE id = %s", [number])
        app.tasks[task].func(**arguments)
        everybody.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [number])
        done += 1
    return done


# What follows an event of the log, and then each mail.
MAILING = ("notifications.tell", "notifications.mail", "outbox.mail")
# What a review's page waits for.
COMPUTING = (
    "reviews.compute", "reviews.attribute", "reviews.figures", "reviews.level", "kpis.values", "agreements.preview",
    "agreements.asked", "agreements.afterwards",
    "books.import_effect", "books.overview", "ledger.file",
    "matters.pack",
)  # fmt: skip


@cache
def _kept_open():
    """A superuser's connection for what is asked after each request."""
    kept = superuser()
    atexit.register(kept.close)
    return kept


def sent_mails():
    """What the mail server was handed, the latest last."""
    run_jobs(*MAILING)
    return mail.outbox


def forget_mails():
    """Forget what was sent, and what still waits."""
    run_jobs(*MAILING)
    mail.outbox = []


class Browser(Client):
    """A browser of a room whose workers are prompt: what a request has deferred is done when it has been answered.

    What a page shows once it has been computed is asked for again.
    """

    def request(self, **request):
        """Ask, and have the jobs done."""
        body = request["wsgi.input"].read() if "wsgi.input" in request else b""
        answer = super().request(**request | {"wsgi.input": FakePayload(body)})
        run_jobs()
        while run_jobs(*COMPUTING):  # it was asked for figures that had to be computed first, and changed nothing
            answer = super().request(**request | {"wsgi.input": FakePayload(body)})
        return answer


def emptied() -> None:
    """Leave no person and no relationship in the database, and nothing that was about them."""
    connections.close_all()
    with superuser() as everybody:
        everybody.execute("SET lock_timeout = '30s'")
        everybody.execute("TRUNCATE parties_person, parties_organisation, procrastinate_jobs CASCADE")


@dataclass
class Cast:
    """A relationship with one person for each role; by name: `customer_lead`, `provider_analyst`, `auditor`."""

    relationship: uuid.UUID
    people: dict[str, Person] = field(default_factory=dict)

    def client(self, name: str | None) -> Browser:
        """A browser, signed in as one of them; None: as nobody."""
        browser = Browser()
        if name is not None:
            browser.force_login(self.people[name], backend=BACKEND)
        return browser

    def at(self, name: str) -> MemberContext:
        """Where one of them stands; within a transaction."""
        found = find_member(self.people[name].pk, self.relationship)
        assert found is not None
        return found

    def url(self, path: str = "") -> str:
        """An address within the relationship."""
        return f"/r/{self.relationship}/{path}"

    def book(self, toml: str = "", **tables: str) -> Path:
        """Give it a book."""
        return write_book(book_folder(self.relationship), toml, **tables)


def person(name: str) -> Person:
    """Somebody new."""
    return Person.objects.create_user(f"{uuid.uuid4().hex}@example.org", PASSWORD, name=name)


def cast(customer: str = NORTHWIND, provider: str = HELPLINE) -> Cast:
    """A relationship with everybody in it.

    Made as people make it, once in a process; what this has written is then written again under other ids: some
    hundreds of tests begin here.
    """
    started()
    if (customer, provider) != (NORTHWIND, HELPLINE):
        return _cast_by_hand(customer, provider)
    prototype = _prototype()
    ids: dict[object, object] = defaultdict(uuid.uuid4)
    later = datetime.now(UTC) - prototype.made_at
    with _kept_open().transaction():
        for table, columns, rows in prototype.rows:
            copy = SQL("COPY {} ({}) FROM STDIN").format(Identifier(table), SQL(", ").join(map(Identifier, columns)))
            with _kept_open().cursor().copy(copy) as lines:
                for row in rows:
                    lines.write_row([_as_another(value, ids, later) for value in row])
    _, columns, rows = prototype.rows[0]
    known = {row[columns.index("id")]: [_as_another(value, ids, later) for value in row] for row in rows}
    people = {name: Person.from_db("default", columns, known[pk]) for name, pk in prototype.people.items()}
    return Cast(ids[prototype.relationship], people)


@dataclass
class _Prototype:
    """The rows of a cast: for each table its columns and values."""

    relationship: uuid.UUID
    people: dict[str, uuid.UUID]
    rows: list[tuple[str, list[str], list[tuple[object, ...]]]]
    made_at: datetime


# What a cast consists of, and by which column its rows are known, given the ids of relationships and people.
_ROWS_OF_A_CAST = {
    "parties_person": "id = ANY (%(people)s)",
    "parties_organisation": "id IN (SELECT unnest(ARRAY[customer_id, provider_id]) FROM parties_relationship "
    "WHERE id = ANY (%(relationships)s))",
    "parties_relationship": "id = ANY (%(relationships)s)",
    "parties_membership": "relationship_id = ANY (%(relationships)s)",
    "parties_invitation": "relationship_id = ANY (%(relationships)s)",
    "audit_event": "relationship_id = ANY (%(relationships)s)",
}


@cache
def _prototype() -> _Prototype:
    made = _cast_by_hand(NORTHWIND, HELPLINE)
    people = {name: somebody.pk for name, somebody in made.people.items()}
    everybody = _kept_open()
    relationships = everybody.execute(
        "SELECT array_agg(DISTINCT relationship_id) FROM parties_membership WHERE person_id = ANY (%s)",
        [list(people.values())],
    ).fetchone()[0]
    rows = []
    for table, which in _ROWS_OF_A_CAST.items():
        asked = SQL("SELECT * FROM {} WHERE {}").format(Identifier(table), SQL(which))
        found = everybody.execute(asked, {"people": list(people.values()), "relationships": relationships})
        rows.append((table, [column.name for column in found.description], found.fetchall()))
    return _Prototype(made.relationship, people, rows, datetime.now(UTC))


_ADDRESS, _DIGEST = re.compile(r"[0-9a-f]{32}@example\.org"), re.compile(r"[0-9a-f]{64}")


def _as_another(value: object, ids: dict[object, object], later: timedelta) -> object:
    """A value of the prototype as the same value of another cast: ids, addresses and digests are its own."""
    match value:
        case uuid.UUID():
            return ids[value]
        case datetime():
            return value + later
        case dict():
            return json.dumps(value)
        case str() if _ADDRESS.fullmatch(value):
            return f"{ids[value].hex}@example.org"
        case str() if _DIGEST.fullmatch(value):
            return ids[value].hex * 2
    return value


def _cast_by_hand(customer: str, provider: str) -> Cast:
    with transaction.atomic():
        lead = person("Ana Customer Lead")
        first = operations.create_relationship(lead, Side.CUSTOMER, customer, provider)
        made = Cast(first.relationship.pk, {"customer_lead": lead})
        for side in Side:
            for role in Role:
                name = f"{side}_{role}"
                if role not in NEUTRAL_ROLES and name not in made.people:
                    inviting = "provider_lead" if side is Side.PROVIDER and role is not Role.LEAD else "customer_lead"
                    _join(made, inviting, name, role, side)
        for role in NEUTRAL_ROLES:
            _join(made, "customer_lead", str(role), role, None)
        # A stranger is at home in another relationship; a former member was here.
        made.people["stranger"] = person("Max Stranger")
        operations.create_relationship(made.people["stranger"], Side.CUSTOMER, "Elsewhere", "Otherone")
        _join(made, "provider_lead", "former", Role.MEMBER, Side.PROVIDER)
        member = made.at("provider_lead")
        former = member.relationship.memberships.get(person=made.people["former"])
        operations.end_membership(member, former)
    return made


def _join(made: Cast, inviting: str, name: str, role: Role, side: Side | None) -> None:
    made.people[name] = person(name.replace("_", " ").title())
    invitation, word = operations.invite(made.at(inviting), made.people[name].email, role, side)
    if word is None:  # somebody neutral: the other side agrees
        word = operations.agree_to_invitation(made.at("provider_lead"), invitation)
    operations.accept_invitation(made.people[name], word)


def token(made: Cast, name: str, *, writes: bool = False) -> str:
    """The word of an API token of one of them."""
    with transaction.atomic():
        set_viewer(made.people[name].pk)
        return operations.make_token(made.people[name], "a program", 90, writes=writes)[1]


def said_again(browser: Client) -> Client:
    """The same browser, once its person has given the password once more."""
    browser.post("/sign-in/again/", {"password": PASSWORD})
    return browser
