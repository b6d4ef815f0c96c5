"""The room that is measured: two hundred relationships of one provider, one of them heavy, in a cluster of their own.

Rows are written by SQL as the superuser, whom the wall does not hold, in the shape that the room's operations leave.
The heavy relationship has ten million contacts, a third of all matters, and two thousand people; the others share the
rest. Forty people of the provider have a place in every one.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from comity.web.postgres import SUPERUSER, Cluster
from comity.web.server import Room, unprivileged_account

RELATIONSHIPS, PEOPLE = 200, 20_000
SMALL = (2, 26, 51, 77, 102, 130, 158, 190)  # whose people are among the users
EARLIER = "2026-Q1"
DONE = "filled"

# Which number of ours is which row: told by a digest, so that statements can name rows of each other's tables.
FILL = """
CREATE FUNCTION pg_temp.of(kind text, number bigint) RETURNS uuid LANGUAGE sql IMMUTABLE
    RETURN md5(kind || number)::uuid;
CREATE FUNCTION pg_temp.one_of(words text[], number bigint) RETURNS text LANGUAGE sql IMMUTABLE
    RETURN words[1 + number % cardinality(words)];

INSERT INTO parties_organisation (id, name, kind, placeholder)
SELECT pg_temp.of('o', n), CASE n WHEN 0 THEN 'Helpline' ELSE pg_temp.one_of(
    '{Northwind,Harbour,Alder,Meridian,Quarry,Lowland,Beacon,Orchard}', n) || ' ' || pg_temp.one_of(
    '{Energy,Insurance,Water,Telecom,Bank,Post,Health,Transit,Retail}', n / 8) || ' ' || n END, 'external', false
FROM generate_series(0, 200) n;

INSERT INTO parties_relationship (id, customer_id, provider_id, founded_at, reply_days, closes_on_day)
SELECT pg_temp.of('r', n), pg_temp.of('o', n), pg_temp.of('o', 0), now() - interval '750 days', 10, 10
FROM generate_series(1, 200) n;

INSERT INTO parties_person (id, password, email, name, language, is_active, joined_at)
SELECT pg_temp.of('p', n), '!', 'p' || n || '@bench.example', pg_temp.one_of(
    '{Ana,Ben,Clara,Dieter,Elena,Farid,Greta,Hugo,Ines,Jonas,Karl,Lena,Marta,Nora,Otto,Paul,Ruth,Sofia,Tom}', n)
    || ' ' || pg_temp.one_of(
    '{Adler,Bello,Costa,Duarte,Engel,Fabre,Gil,Hansen,Ibarra,Jung,Kurz,Lind,Marin,Okafor,Prat,Ruiz,Sala,Weber,Zeller}',
    n / 19) || ' ' || n, 'en', true, now() - interval '700 days'
FROM generate_series(1, 20000) n;

CREATE TEMP TABLE place AS
SELECT r, n, row_number() OVER (PARTITION BY r ORDER BY n) k FROM (
    SELECT CASE WHEN n <= 2000 THEN 1 ELSE 2 + n % 199 END r, n FROM generate_series(1, 20000) n) one;
INSERT INTO parties_membership (id, relationship_id, person_id, side, role, joined_at)
SELECT pg_temp.of('m' || r || '-', k), pg_temp.of('r', r), pg_temp.of('p', n),
    CASE WHEN k % 40 = 39 THEN NULL WHEN k % 2 = 1 THEN 'customer' ELSE 'provider' END,
    CASE WHEN k % 40 = 39 THEN 'auditor' WHEN k % 40 IN (1, 2) THEN 'lead' WHEN k % 40 IN (3, 4) THEN 'executive'
        WHEN k % 40 < 10 THEN 'analyst' WHEN k % 40 < 14 THEN 'finance' WHEN k % 40 < 16 THEN 'roster'
        ELSE 'member' END, now() - k % 700 * interval '1 day'
FROM place;
-- The provider's people who have a place everywhere: in the heavy one they have one already.
INSERT INTO parties_membership (id, relationship_id, person_id, side, role, joined_at)
SELECT md5('e' || n || '-' || r)::uuid, pg_temp.of('r', r), pg_temp.of('p', n), 'provider', 'executive',
    now() - r * interval '3 days'
FROM generate_series(2, 200) r, generate_series(4, 82, 2) n;

CREATE TEMP TABLE matter AS
SELECT r, i, md5('a' || r || '-' || i)::uuid id, pg_temp.one_of('{dispute,claim,action}', i) kind,
    CASE WHEN i % 100 = 0 THEN 'asked' WHEN i % 100 = 50 THEN 'countered'
        WHEN i % 3 = 2 AND i % 500 <> 2 THEN pg_temp.one_of('{done,done,done,declined,withdrawn}', i / 7)
        ELSE pg_temp.one_of('{answered,declined,answered,deemed,withdrawn}', i / 7) END state,
    CASE WHEN i % 5 < 3 THEN 'customer' ELSE 'provider' END asks,
    2 + i % 5 + CASE WHEN i = 100 THEN 60 ELSE 0 END steps,
    now() - i * interval '730 days' / CASE r WHEN 1 THEN 100000 ELSE 1000 END raised
FROM generate_series(1, 200) r, generate_series(1, CASE r WHEN 1 THEN 100000 ELSE 1000 END) i;
INSERT INTO matters_matter (id, relationship_id, kind, state, asks, answers, title, kpi, period, queue, from_day,
    to_day, asked_for, event, owner_id, due_on, raised_at, reply_by, reminded_at, late)
SELECT id, pg_temp.of('r', r), kind, state, asks,
    CASE asks WHEN 'customer' THEN 'provider' ELSE 'customer' END,
    CASE kind WHEN 'dispute' THEN 'Service level: answered before the queue, no. '
        WHEN 'claim' THEN 'The letter was not in the forecast, no. '
        ELSE 'Spread lunch from 12:00 to 15:30, no. ' END || i,
    CASE kind WHEN 'action' THEN '' ELSE pg_temp.one_of('{service_level,sla_attainment,csat,abandonment}', i / 3) END,
    CASE WHEN kind <> 'dispute' THEN '' WHEN i % 4 = 0 THEN '2026-Q' || 1 + i / 4 % 2
        ELSE to_char(date '2024-07-01' + i % 24 * interval '1 month', 'YYYY-MM') END, '',
    CASE kind WHEN 'claim' THEN raised::date - 20 END, CASE kind WHEN 'claim' THEN raised::date - 18 END,
    CASE kind WHEN 'claim' THEN pg_temp.one_of('{exclude,relief}', i) ELSE '' END,
    CASE kind WHEN 'claim' THEN pg_temp.one_of('{outage,campaign,price_letter,storm}', i) ELSE '' END,
    CASE kind WHEN 'action' THEN pg_temp.of('m' || r || '-', 1 + i % 60) END,
    CASE kind WHEN 'action' THEN raised::date + 30 END, raised,
    NULL, CASE WHEN state IN ('asked', 'countered') THEN now() END, i % 37 = 0
FROM matter;
UPDATE matters_matter SET state = CASE state WHEN 'answered' THEN 'agreed' ELSE state END, promise = true,
    debtor = asks, first_due_on = due_on, done_by = CASE state WHEN 'done' THEN asks ELSE '' END
WHERE kind = 'action' AND state IN ('answered', 'done', 'deemed');
INSERT INTO matters_step (id, relationship_id, matter_id, number, at, person_id, side, move, text, answers_to_id,
    ran_out, terms)
SELECT md5(id::text || n)::uuid, pg_temp.of('r', r), id, n, raised + n * interval '7 hours',
    pg_temp.of('p', CASE r WHEN 1 THEN 1 + (i + n) % 2000 ELSE 2000 + r END),
    CASE WHEN n % 2 = 1 THEN asks WHEN asks = 'customer' THEN 'provider' ELSE 'customer' END,
    CASE WHEN n = 1 THEN 'raise' WHEN n < steps OR state IN ('asked', 'deemed') THEN 'comment'
        WHEN state = 'countered' THEN 'counter' WHEN state = 'answered' THEN 'agree'
        WHEN state = 'declined' THEN 'decline'
        WHEN state = 'withdrawn' THEN 'withdraw' ELSE 'done' END,
    'The letter went to 40,000 homes on the eighth; the forecast locked on the fifteenth did not hold it. Step ' || n,
    CASE WHEN n > 1 THEN md5(id::text || n - 1)::uuid END, false, '{}'
FROM matter, generate_series(1, steps) n;

INSERT INTO audit_event (id, relationship_id, at, person_id, side, shared, event, subject_type, data)
SELECT md5('x' || r || '-' || i)::uuid, pg_temp.of('r', r), now() - i * interval '730 days' / lines,
    pg_temp.of('p', CASE r WHEN 1 THEN 1 + i % 2000 ELSE 2000 + r END), pg_temp.one_of('{customer,provider}', i),
    i % 3 > 0, pg_temp.one_of('{delivery_uploaded,matter_raised,matter_accepted,delivery_imported,matter_done}', i),
    pg_temp.one_of('{delivery,matter,matter,delivery,matter}', i),
    jsonb_build_object('kind', 'claim', 'title', 'The letter was not in the forecast', 'name', 'calls-2026-Q1.csv')
FROM (SELECT r, CASE r WHEN 1 THEN 150000 ELSE 1200 END lines FROM generate_series(1, 200) r) one,
    generate_series(1, lines) i;

INSERT INTO books_delivery (id, relationship_id, side, person_id, at, name, size, mapping, text, stage, rows, private,
    outcome, why, corrects)
SELECT md5('d' || r || '-' || i)::uuid, pg_temp.of('r', r), pg_temp.one_of('{customer,provider}', i),
    pg_temp.of('p', CASE r WHEN 1 THEN 1 + i % 2000 ELSE 2000 + r END), now() - i * interval '5 hours',
    'calls-' || i || '.csv', 10000 * i, 'contacts', '', 'brought', 1000 * i, i % 7 = 0, '{}', '', '{}'
FROM generate_series(1, 200) r, generate_series(1, CASE r WHEN 1 THEN 3000 ELSE 60 END) i;

CREATE TEMP TABLE period AS
SELECT n, to_char(date '2024-07-01' + n * interval '1 month', 'YYYY-MM') name FROM generate_series(0, 20) n
UNION ALL SELECT 21 + n, (2024 + (n + 2) / 4) || '-Q' || 1 + (n + 2) % 4 FROM generate_series(0, 6) n;
INSERT INTO record_consent (id, relationship_id, subject_type, subject, side, at, deemed, person_id)
SELECT md5('c' || r || name || side)::uuid, pg_temp.of('r', r), 'period', name, side, now() - interval '100 days',
    false, pg_temp.of('p', 2000 + r)
FROM generate_series(1, 200) r, period, unnest('{customer,provider}'::text[]) side;
INSERT INTO record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, previous, digest)
SELECT md5('k' || r || name)::uuid, pg_temp.of('r', r), n + 1, 'frozen', 'period', name, now() - interval '100 days',
    jsonb_build_object('kind', 'frozen', 'figures', (SELECT jsonb_object_agg(kpi, jsonb_build_object('measure', kpi,
        'unit', 'share', 'value', '0.81', 'num', '81', 'den', '100', 'target', '0.8', 'met', true,
        'reported', jsonb_build_object('customer', '0.8', 'provider', '0.82'), 'disputed', '[]'::jsonb))
        FROM unnest('{service_level,sla_attainment,abandonment,csat,reopen,occupancy}'::text[]) kpi)),
    md5(r || name || 'before') || md5(name), md5(r || name) || md5(name || r)
FROM generate_series(1, 200) r, period;
"""
# As the data gets older its open matters must not run out: the room's clock would accept them.
FRESH = """
UPDATE matters_matter SET reply_by = now() + interval '4 days' + (extract(epoch FROM raised_at)::int % 900)
    * interval '1 hour', reminded_at = now() WHERE state IN ('asked', 'countered')
"""
PROTECTED = (
    "parties_relationship", "parties_organisation", "parties_membership", "audit_event", "matters_matter",
    "matters_step", "books_delivery", "record_consent", "record_entry",
)  # fmt: skip


@contextmanager
def made(folder: Path, contacts: int) -> Iterator[Room]:
    """The room in its folder, filled unless it is, its database running until the end."""
    room = Room(folder, unprivileged_account())
    room.lock()
    room.prepare_database()
    try:
        if not (folder / DONE).exists():
            _books(folder, contacts)
            with _superuser(room) as connection:
                connection.execute(FILL)
            (folder / DONE).touch()  # the rows are one transaction: a broken-off attempt is made again
        with _superuser(room) as connection:
            connection.execute(FRESH)
            connection.execute("VACUUM ANALYZE")
        yield room
    finally:
        assert room.cluster is not None
        room.cluster.stop()


def _superuser(room: Room) -> psycopg.Connection[tuple[Any, ...]]:
    assert room.cluster is not None
    return psycopg.connect(room.cluster.conninfo(SUPERUSER), autocommit=True)


def database(cluster: Cluster) -> int:
    """The number of a running cluster's first process."""
    return int((cluster.data / "postmaster.pid").read_text(encoding="ascii").split()[0])


def rows(room: Room) -> int:
    """How many rows stand behind the wall."""
    with _superuser(room) as connection:
        counted = " + ".join(f"(SELECT count(*) FROM {table})" for table in PROTECTED)
        return int(connection.execute(f"SELECT {counted}").fetchone()[0])  # type: ignore[index]


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody's place, and some matters that they see."""

    group: str  # large or small
    relationship: str
    person: str
    matters: tuple[str, ...]


def seats(room: Room, count: int, roles: Sequence[str]) -> list[Seat]:
    """Half of them in the large relationship, the others one in each of some small ones; sides and roles in turn."""
    found = []
    with _superuser(room) as connection:
        for at in range(count):
            number = 1 if at < count // 2 else SMALL[at - count // 2]
            place = [relationship(number), roles[at % len(roles)], ("customer", "provider")[at % 2]]
            who = connection.execute(
                "SELECT person_id FROM parties_membership WHERE relationship_id = %s AND role = %s "
                "AND (side = %s OR side IS NULL) ORDER BY joined_at, id LIMIT 1 OFFSET %s",
                [*place, at // 2 % 2 if number == 1 else 0],
            ).fetchone()
            matters = connection.execute(
                "SELECT id FROM matters_matter WHERE relationship_id = %s ORDER BY raised_at DESC LIMIT 8 OFFSET %s",
                [place[0], 8 * at],
            ).fetchall()
            assert who is not None
            group = "large" if number == 1 else "small"
            found.append(Seat(group, place[0], str(who[0]), tuple(str(one) for (one,) in matters)))
    return found


def _books(folder: Path, contacts: int) -> None:
    """One large book and many copies of a small one, by `comity simulate`: two years of the demo's story."""
    books = folder / "books"
    books.mkdir(mode=0o700, exist_ok=True)
    for name, a_day in (("large", contacts / 730), ("small", 120)):
        if not (folder / name).exists():
            new = folder / f"{name}.new"
            shutil.rmtree(new, ignore_errors=True)
            command = [sys.executable, "-m", "comity", "simulate", str(new), "--contacts-per-day", str(a_day)]
            subprocess.run(command, check=True, capture_output=True)
            new.rename(folder / name)
    for number in range(1, RELATIONSHIPS + 1):
        target = books / str(relationship(number))
        shutil.rmtree(target, ignore_errors=True)
        link = os.link if number == 1 else shutil.copy2
        kept = shutil.ignore_patterns("truth.json")
        shutil.copytree(folder / ("large" if number == 1 else "small"), target, ignore=kept, copy_function=link)


def relationship(number: int) -> str:
    """The address of the relationship of a number."""
    return _of("r", number)


def _of(kind: str, number: int) -> str:
    """As the statements above have it."""
    return str(uuid.UUID(hashlib.md5(f"{kind}{number}".encode()).hexdigest()))
