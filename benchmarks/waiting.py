"""`python -m benchmarks.waiting`: everything that waits for a person over twelve relationships, at sixteen users.

A room of its own: sixteen people, each in the same twelve relationships, in each of which twenty matters wait and as
many are answered. Beside the Today page of one of these relationships, which reads a twelfth of it. Times depend on the
machine; the number of queries and the ratio do not.
"""

import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.load import free, running
from benchmarks.room_data import database
from comity.core.matters.kinds import Kind
from comity.core.values import Side
from comity.web.server import Room, serve, unprivileged_account

RELATIONSHIPS, MATTERS, USERS, WORKERS, GOAL_MS = 12, 20, 16, 2, 200
BACKEND = "allauth.account.auth_backends.AuthenticationBackend"


def fill() -> tuple[list[Any], str]:
    """Make the people, their relationships and what waits there; return the people, and one relationship's address."""
    from django.db import transaction  # noqa: PLC0415 - needs the settings

    from comity.apps.matters.operations import NewMatter, raise_matter  # noqa: PLC0415 - as above
    from comity.apps.parties import operations as parties  # noqa: PLC0415 - as above
    from comity.apps.parties.member_context import find_member  # noqa: PLC0415 - as above
    from comity.apps.parties.models import Person, Role  # noqa: PLC0415 - as above

    people = [Person.objects.create_user(f"user{at}@bench.example", None, name=f"User {at}") for at in range(USERS)]
    address = ""
    for number in range(RELATIONSHIPS):
        with transaction.atomic():
            asker = Person.objects.create_user(f"asker{number}@bench.example", None, name=f"Asker {number}")
            member = parties.create_relationship(asker, Side.CUSTOMER, f"Customer {number}", f"Provider {number}")
            here = member.relationship.pk
            for somebody in people:
                at = find_member(asker.pk, here) if somebody is people[0] else find_member(people[0].pk, here)
                assert at is not None
                _, token = parties.invite(at, somebody.email, Role.LEAD, Side.PROVIDER)
                parties.accept_invitation(somebody, str(token))
            for title in range(MATTERS):
                asking = find_member(asker.pk, here)
                assert asking is not None
                raise_matter(asking, NewMatter(Kind.QUESTION, f"Question {title}", "When?"), "UTC")
            address = str(here)
    return people, address


def main() -> None:
    """Serve a room that another process has filled, where the arguments say so; else measure."""
    if len(sys.argv) > 1:
        serve(Room(Path(sys.argv[1]), unprivileged_account()), "127.0.0.1", int(sys.argv[2]), WORKERS, print)
    else:
        measure()


def measure() -> None:
    """Fill, count, serve, ask."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that server and database stop with us
    folder = Path(tempfile.mkdtemp(prefix="comity-bench-"))
    room = Room(folder, unprivileged_account())
    room.lock()
    room.prepare_database()
    try:
        os.environ.update(room.environment())
        import django  # noqa: PLC0415 - its settings are read from the environment that was just made

        django.setup()
        from django.core.cache import cache  # noqa: PLC0415 - as above
        from django.db import connection  # noqa: PLC0415 - as above
        from django.test import Client  # noqa: PLC0415 - as above
        from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

        from comity.apps.parties import rate_limits  # noqa: PLC0415 - as above

        rate_limits.RATE_LIMITS = dict.fromkeys(rate_limits.RATE_LIMITS, rate_limits.RateLimit(10_000, 3600))
        people, one = fill()
        cache.clear()
        print("filled", flush=True)
        clients = []
        for somebody in people:
            client = Client(SERVER_NAME="localhost")
            client.force_login(somebody, backend=BACKEND)
            clients.append(client)
        pages = {"waits for me": "/waiting/", "today of one": f"/r/{one}/"}
        queries = {}
        for name, path in pages.items():
            clients[0].get(path)
            with CaptureQueriesContext(connection) as captured:
                answer = clients[0].get(path)
            assert answer.status_code == 200, (path, answer.status_code)
            queries[name] = len(captured)
        assert room.cluster is not None
        port = free()
        with running([sys.executable, "-m", "benchmarks.waiting", str(folder), str(port)], port, {}) as server:
            for name, path in pages.items():
                users = [load.User(f"sessionid={one.cookies['sessionid'].value}", [[path]]) for one in clients]
                served = [server, database(room.cluster)]
                load.measured(port, users, 1, served)
                found = load.measured(port, users, 6, served)
                alone = load.measured(port, users[:1], 3, served)
                print(
                    f"{name}: {queries[name]} queries; {USERS} users p50 {found.median:.0f} ms, "
                    f"p99 {found.p99:.0f} ms; one user p50 {alone.median:.0f} ms; "
                    f"processor {found.processor:.1f} ms a view",
                    flush=True,
                )
                if name == "waits for me":
                    print(f"p99 under {GOAL_MS} ms at {USERS} users: {'yes' if found.p99 < GOAL_MS else 'no'}")
    finally:
        if room.cluster is not None:
            room.cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
