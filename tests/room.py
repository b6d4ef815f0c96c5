"""A room for the tests: a database started for the run, a relationship made for each test, and the cast in it.

Every test makes its own relationship, and the wall itself keeps tests apart: nothing is rolled back, and what a request
sees is what it would see in production.
"""

import atexit
import shutil
import tempfile
import uuid
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connections, transaction
from django.test import Client

from comity.apps.books.queries import folder_of
from comity.apps.parties import operations
from comity.apps.parties.models import NEUTRAL, Person, Role
from comity.apps.parties.viewing import Standing, stand
from comity.core.values import Side
from comity.web.postgres import APP, SUPERUSER
from comity.web.serving import Room, account
from tests.cast import write_book

PASSWORD = "correct horse battery staple"
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


@cache
def started() -> Room:
    """The room of this process, its database running; stopped and removed at the end."""
    data = Path(tempfile.mkdtemp(prefix="comity-"))
    room = Room(data, account())
    room.lock()
    room.make()
    atexit.register(_end, room)
    settings.DATA, settings.BOOKS = data, data / "books"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    settings.ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    connections.databases["default"].update(room.cluster.parameters(APP))
    return room


def _end(room: Room) -> None:
    connections.close_all()
    room.cluster.stop()
    shutil.rmtree(room.data, ignore_errors=True)


def superuser():
    """Whoever sees everything: for what a test has to know, and the app must not."""
    return psycopg.connect(started().cluster.conninfo(SUPERUSER), autocommit=True)


@dataclass
class Cast:
    """A relationship with one person for each role; by name: `customer_lead`, `provider_analyst`, `auditor`."""

    relationship: uuid.UUID
    people: dict[str, Person] = field(default_factory=dict)

    def client(self, name: str | None) -> Client:
        """A browser, signed in as one of them; None: as nobody."""
        browser = Client()
        if name is not None:
            browser.force_login(self.people[name], backend=BACKEND)
        return browser

    def at(self, name: str) -> Standing:
        """Where one of them stands; within a transaction."""
        found = stand(self.people[name].pk, self.relationship)
        assert found is not None
        return found

    def url(self, path: str = "") -> str:
        """An address within the relationship."""
        return f"/r/{self.relationship}/{path}"

    def book(self, toml: str = "", **tables: str) -> Path:
        """Give it a book."""
        return write_book(folder_of(self.relationship), toml, **tables)


def person(name: str) -> Person:
    """Somebody new."""
    return Person.objects.create_user(f"{uuid.uuid4().hex}@example.org", PASSWORD, name=name)


def cast(customer: str = "Northwind Energy", provider: str = "Helpline") -> Cast:
    """A relationship with everybody in it."""
    started()
    with transaction.atomic():
        lead = person("Ana Customer Lead")
        first = operations.found(lead, Side.CUSTOMER, customer, provider)
        made = Cast(first.relationship.pk, {"customer_lead": lead})
        for side in Side:
            for role in Role:
                name = f"{side}_{role}"
                if role not in NEUTRAL and name not in made.people:
                    inviting = "provider_lead" if side is Side.PROVIDER and role is not Role.LEAD else "customer_lead"
                    _join(made, inviting, name, role, side)
        for role in NEUTRAL:
            _join(made, "customer_lead", str(role), role, None)
        # A stranger is at home in another relationship; a former member was here.
        made.people["stranger"] = person("Max Stranger")
        operations.found(made.people["stranger"], Side.CUSTOMER, "Elsewhere", "Otherone")
        _join(made, "provider_lead", "former", Role.MEMBER, Side.PROVIDER)
        standing = made.at("provider_lead")
        former = standing.relationship.memberships.get(person=made.people["former"])
        operations.let_go(standing, former)
    return made


def _join(made: Cast, inviting: str, name: str, role: Role, side: Side | None) -> None:
    made.people[name] = person(name.replace("_", " ").title())
    _, word = operations.invite(made.at(inviting), made.people[name].email, role, side)
    operations.join(made.people[name], word)
