"""The pages of an agreement of 300 changes, of 200 relationships at once, against the same room with 3 changes each.

One process asks through Django, so that what counts is CPU time and the number of queries, not what else the
machine does. Each change was proposed, signed by both sides and written into the book; one more is open in every
relationship. Only ratios mean something.
"""

import argparse
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from comity.book.agreement import AgreedChange, Signature, agreed_json, file_name
from comity.core import chain
from comity.core.agreements.changes import AddClause, Change, Proposal, SetField, Span, change_content, proposal_digest
from comity.core.agreements.clauses import check_fields
from comity.core.agreements.kinds import Kind
from comity.core.values import Side
from comity.web.postgres import SUPERUSER
from comity.web.server import Room, unprivileged_account

CHANGES, FEW, CLAUSES, ROUNDS = 300, 3, 12, 5
BEGUN = datetime(2024, 1, 1, 9, tzinfo=UTC)
SAYS = {"title": "Another target", "proposed_by": "provider", "person": "Ana", "carried_out_by": "both",
        "reason": "Callers wait.", "expects_nothing": "Nothing."}  # fmt: skip
PAGES = {
    "agreement": "/r/{r}/agreement/",
    "how it changes": "/r/{r}/agreement/measures/",
    "changes, by API": "/api/r/{r}/agreement/changes",
    "Today": "/r/{r}/",
    "portfolio": "/",
}
AT_MOST = 60.0  # times the page of three changes, where a hundred times as much is read


def proposals(count: int) -> list[Proposal]:
    """A first text of KPIs, then a target of one of them at a time, for good."""
    fields, problems = check_fields("k0", Kind.KPI, {"measure": "service_level"})
    assert not problems
    added = tuple(AddClause(f"k{at}", Kind.KPI, fields, f"k{at - 1}" if at else "") for at in range(CLAUSES))
    found = [Proposal(Change(1, Span(BEGUN.date()), added), SAYS)]
    for number in range(2, count + 1):
        edit = SetField(f"k{number % CLAUSES}", "target", f"0.{number:03}".rstrip("0"))
        found.append(Proposal(Change(number, Span(BEGUN.date() + timedelta(days=2 * number)), (edit,)), SAYS))
    return found


def moment(number: int) -> datetime:
    """When a change was agreed."""
    return BEGUN + timedelta(days=2 * number, hours=2)


def fill(room: Room, relationships: int, count: int) -> list[str]:
    """Fill an empty room: relationships, one lead of the provider in all of them, and changes. Returns addresses."""
    assert room.cluster is not None
    made = proposals(count + 1)
    signed = [
        {"schema": "comity.agreement/1", "revision": proposal_digest(one), "shortfall": 0, "as_agreed": {}}
        for one in made
    ]
    files = [_file(one, document) for one, document in zip(made[:-1], signed, strict=False)]
    addresses = [str(uuid.UUID(int=10_000 + number)) for number in range(relationships)]
    with psycopg.connect(room.cluster.conninfo(SUPERUSER), autocommit=False) as connection:
        _people(connection, addresses)
        for number, address in enumerate(addresses):
            _changes(connection, number, address, made, signed)
    books = room.data / "books"
    for number, address in enumerate(addresses):
        folder = books / address / "agreement"
        folder.mkdir(parents=True)
        names = f'[parties.customer]\nid = "c{number}"\n[parties.provider]\nid = "p"\n'
        (folder.parent / "book.toml").write_text(f'[book]\nname = "Book {number}"\n{names}', encoding="utf-8")
        for at, text in enumerate(files, 1):
            (folder / file_name(at)).write_text(text, encoding="utf-8")
    return addresses


def _file(proposal: Proposal, document: dict[str, Any]) -> str:
    number = proposal.change.number
    both = tuple(Signature(side, "Ana", "lead", moment(number), sentences={}) for side in Side)
    return agreed_json(AgreedChange(number, moment(number), 1, proposal, document, both, entry=number))


def _people(connection: psycopg.Connection[Any], addresses: list[str]) -> None:
    run = connection.execute
    organisation, person = (uuid.UUID(int=number) for number in (1, 2))
    run(
        "INSERT INTO parties_organisation (id, name, kind, placeholder) VALUES (%s, 'Helpline', 'external', false)",
        [organisation],
    )
    run(
        "INSERT INTO parties_person (id, password, email, name, language, is_active, joined_at) "
        "VALUES (%s, '!', 'ana@bench.example', 'Ana', 'en', true, now())",
        [person],
    )
    for number, address in enumerate(addresses):
        customer = uuid.UUID(int=1_000 + number)
        run(
            "INSERT INTO parties_organisation (id, name, kind, placeholder) VALUES (%s, %s, 'external', false)",
            [customer, f"Customer {number}"],
        )
        run(
            "INSERT INTO parties_relationship (id, customer_id, provider_id, founded_at, reply_days, closes_on_day) "
            "VALUES (%s, %s, %s, now(), 10, 10)",
            [address, customer, organisation],
        )
        run(
            "INSERT INTO parties_membership (id, relationship_id, person_id, side, role, joined_at) "
            "VALUES (%s, %s, %s, 'provider', 'lead', now())",
            [uuid.UUID(int=20_000 + number), address, person],
        )


def _changes(
    connection: psycopg.Connection[Any], at: int, address: str, made: list[Proposal], signed: list[dict[str, Any]]
) -> None:
    person = uuid.UUID(int=2)
    changes, steps, entries, before = [], [], [], ""
    for proposal, document in zip(made, signed, strict=True):
        number = proposal.change.number
        is_open = number == len(made)
        row = uuid.uuid5(uuid.NAMESPACE_OID, f"{at} {number}")
        changes.append((row, address, number, "provider", person, False, moment(number), None if is_open else number))
        revision = {"number": 1, "readable_at": (moment(number) - timedelta(days=1)).isoformat(), "known": number - 1,
                    "change": change_content(proposal.change), "says": dict(proposal.says)}  # fmt: skip
        content = {"name": "Ana", "revision": 0, "new": revision}
        taken: list[tuple[str, str, dict[str, Any]]] = [("propose", "provider", content)]
        if not is_open:
            digest = chain.digest_of(document)
            signer = {
                "signer": {"role": "lead", "deputy_for": ""},
                "means": "room",
                "authority": "",
                "retroactive": True,
            }
            taken += [("sign", side.value, {"name": "Ana", "revision": 1, "digest": digest, **signer}) for side in Side]
            taken.append(("agree", "", {"name": "", "revision": 1, "digest": digest}))
            inside = {"signed": document, "change": revision["change"], "says": revision["says"]}
            entry = {"kind": "agreement", "content": inside}
            digest = chain.digest_of([before, entry])
            entries.append(
                (uuid.uuid4(), address, number, "agreement", "agreement", str(number), moment(number),
                 json.dumps(entry), before, digest)
            )  # fmt: skip
            before = digest
        steps += [
            (uuid.uuid4(), row, address, place, kind, side, person if side else None, moment(number), json.dumps(held))
            for place, (kind, side, held) in enumerate(taken, 1)
        ]
    _copy(
        connection, "agreements_change (id, relationship_id, number, side, person_id, shared, begun_at, place)", changes
    )
    _copy(
        connection,
        "agreements_step (id, change_id, relationship_id, number, kind, side, person_id, at, content)",
        steps,
    )
    columns = "record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, previous, digest)"
    _copy(connection, columns, entries)


def _copy(connection: psycopg.Connection[Any], into: str, rows: list[Any]) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def measured(addresses: list[str]) -> dict[str, tuple[float, int]]:
    """CPU seconds of each page, the best of several, and how many queries it makes."""
    from django.db import connection, transaction  # noqa: PLC0415 - needs the settings
    from django.test import Client  # noqa: PLC0415 - as above
    from django.test.utils import CaptureQueriesContext  # noqa: PLC0415 - as above

    from comity.apps.parties.member_context import set_viewer  # noqa: PLC0415 - as above
    from comity.apps.parties.models import Person  # noqa: PLC0415 - as above
    from comity.apps.parties.operations import make_token  # noqa: PLC0415 - as above

    person = Person.objects.get(pk=uuid.UUID(int=2))
    client = Client(SERVER_NAME="localhost")
    client.force_login(person, backend="allauth.account.auth_backends.AuthenticationBackend")
    with transaction.atomic():
        set_viewer(person.pk)
        token = make_token(person, "bench", 90, writes=False)[1]
    found = {}
    for page, path in PAGES.items():
        headers = {"authorization": f"Bearer {token}"} if path.startswith("/api/") else {}

        def ask(at: int, path: str = path, headers: dict[str, str] = headers) -> None:
            answer = client.get(path.format(r=addresses[at % len(addresses)]), headers=headers)
            assert answer.status_code == 200, (path, answer.status_code)

        ask(0)
        with CaptureQueriesContext(connection) as captured:
            ask(0)
        queries = len(captured)
        # Another relationship each time: what a process keeps of the one before does not help.
        found[page] = min(_cpu(lambda at=at: ask(at)) for at in range(1, ROUNDS + 1)), queries
    return found


def _cpu(run: Callable[[], object]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def main() -> None:
    """Fill a room with three changes each, measure it; the same with 300; print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--relationships", type=int, default=200)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="comity-bench-"))
    room = Room(folder, unprivileged_account())
    room.lock()
    room.prepare_database()
    try:
        os.environ.update(room.environment())
        import django  # noqa: PLC0415 - its settings are read from the environment that was just made

        django.setup()
        few = measured(fill(room, given.relationships, FEW))
        assert room.cluster is not None
        with psycopg.connect(room.cluster.conninfo(SUPERUSER), autocommit=True) as connection:
            connection.execute("TRUNCATE parties_person, parties_organisation, procrastinate_jobs CASCADE")
        shutil.rmtree(folder / "books")
        many = measured(fill(room, given.relationships, CHANGES))
        print(f"{given.relationships} relationships, {CHANGES} changes each against {FEW}; CPU of the room's process")
        slow = []
        for page, (seconds, queries) in many.items():
            base, base_queries = few[page]
            print(
                f"{page:16} {seconds * 1000:8.1f} ms  {seconds / base:5.1f} x ({base * 1000:.1f} ms)  "
                f"{queries} queries against {base_queries}"
            )
            slow += [page] if seconds / base > AT_MOST else []
        if slow:
            raise SystemExit(f"more than {AT_MOST:.0f} times the CPU of {FEW} changes: {', '.join(slow)}")
    finally:
        assert room.cluster is not None
        room.cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
