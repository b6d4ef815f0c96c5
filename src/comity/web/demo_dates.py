"""When the demo's matters are to have happened, and dating them back; needs no Django."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
from psycopg import sql

ZONE = "Europe/Madrid"
FOLDER, DATES = "demo", "dates.json"  # in the data folder
_JOINING = ["relationship_founded", "invitation_made", "neutral_proposed", "neutral_agreed", "member_joined"]


def moment(day: date, hour: int, minute: int = 12) -> datetime:
    """A moment of a day on the demo's clock."""
    return datetime.combine(day, time(hour, minute), tzinfo=ZoneInfo(ZONE))


@dataclass(frozen=True, slots=True)
class Dates:
    """When a matter of the demo is to have happened.

    :ivar steps: of its raising, and of each move after it
    :ivar days: by so many its agreed days are moved: the day by which it is owed, and every other that was proposed
    """

    matter: UUID
    steps: tuple[datetime, ...]
    days: int = 0


def write_dates(file: Path, relationship: UUID, dates: list[Dates], first: date) -> None:
    """Keep what `date_back` is to do, for the process that may."""
    told = [
        {"matter": str(one.matter), "steps": [at.isoformat() for at in one.steps], "days": one.days} for one in dates
    ]
    content = {"relationship": str(relationship), "matters": told, "first": moment(first, 9).isoformat()}
    file.write_text(json.dumps(content), encoding="utf-8")


def date_back(conninfo: str, file: Path) -> None:
    """Date the demo's matters, and who joined, back to when the demo has them happen; where `file` says so, once.

    The database lets nobody of the room raise a matter at another time than now, so this takes its superuser.
    """
    if not file.is_file():
        return
    told = json.loads(file.read_text(encoding="utf-8"))
    with psycopg.connect(conninfo) as connection:
        for one in told["matters"]:
            matter, steps = one["matter"], one["steps"]
            connection.execute(
                "UPDATE matters_matter SET raised_at = %(at)s, late = false, due_on = due_on + %(days)s, "
                "first_due_on = first_due_on + %(days)s WHERE id = %(matter)s",
                {"at": steps[0], "days": one["days"], "matter": matter},
            )
            _move_days(connection, matter, one["days"])
            logged = connection.execute(
                "SELECT id FROM audit_event WHERE subject_type = 'matter' AND subject_id = %s ORDER BY at", [matter]
            ).fetchall()
            for number, at in enumerate(steps, 1):
                connection.execute(
                    "UPDATE matters_step SET at = %s, recorded_at = %s, received_at = %s "
                    "WHERE matter_id = %s AND number = %s",
                    [at, at, at, matter, number],
                )
            connection.execute(
                "UPDATE matters_matter SET closed_at = CASE WHEN closed_at IS NOT NULL THEN %s::timestamptz END "
                "WHERE id = %s",
                [steps[-1], matter],
            )
            connection.execute("UPDATE matters_opened SET first_at = NULL WHERE matter_id = %s", [matter])
            for (event,), at in zip(logged, steps, strict=False):
                connection.execute("UPDATE audit_event SET at = %s WHERE id = %s", [at, event])
        joined = {"first": told["first"], "joining": _JOINING, "relationship": told["relationship"]}
        connection.execute(
            "UPDATE audit_event SET at = %(first)s::timestamptz + (at - (SELECT min(at) FROM audit_event "
            "WHERE event = ANY (%(joining)s) AND relationship_id = %(relationship)s)) "
            "WHERE event = ANY (%(joining)s) AND relationship_id = %(relationship)s",
            joined,
        )
        connection.execute(
            "UPDATE parties_membership SET joined_at = %(first)s::timestamptz + (joined_at - (SELECT min(joined_at) "
            "FROM parties_membership WHERE relationship_id = %(relationship)s)) "
            "WHERE relationship_id = %(relationship)s",
            joined,
        )
        _post_again(connection, told["relationship"])
    file.unlink()


# Days by which something is owed, as a step keeps them of what it says and of how the matter stood before it.
_OWED_BY = ("day", "due_on", "first_due_on", "offer_day", "offer_due")


def _move_days(connection: psycopg.Connection, matter: str, days: int) -> None:
    """Move the days by which a matter is owed in all of its steps."""
    steps = connection.execute(
        "SELECT id, terms, stood FROM matters_step WHERE matter_id = %s AND %s <> 0", [matter, days]
    ).fetchall()
    for pk, terms, stood in steps:
        moved = [None if kept is None else json.dumps(_moved(kept, days)) for kept in (terms, stood)]
        connection.execute(
            "UPDATE matters_step SET day = day + %s, terms = %s::jsonb, stood = %s::jsonb WHERE id = %s",
            [days, *moved, pk],
        )


def _moved(kept: Mapping[str, object], days: int) -> dict[str, object]:
    is_day = {name for name in _OWED_BY if isinstance(kept.get(name), str)}
    return {
        name: str(date.fromisoformat(str(value)) + timedelta(days=days)) if name in is_day else value
        for name, value in kept.items()
    }


def _post_again(connection: psycopg.Connection, relationship: str) -> None:
    """Post every step to the ledger by its new day, and put the other entries of the record after those of the ledger.

    What both sides put their names to keeps its content; its place in the chain, and so its digest, is another one.
    """
    others = connection.execute(
        "SELECT id, kind, subject_type, subject, at, content::text FROM record_entry "
        "WHERE relationship_id = %s AND subject_type <> 'ledger' ORDER BY number",
        [relationship],
    ).fetchall()
    for table in ("ledger_line", "ledger_transaction", "ledger_promise", "record_entry"):
        name = sql.Identifier(table)
        connection.execute(sql.SQL("DELETE FROM {} WHERE relationship_id = %s").format(name), [relationship])
    connection.execute("SELECT comity_fill_matters()")
    for pk, kind, subject_type, subject, at, content in others:
        number, previous = connection.execute(
            "SELECT coalesce(max(number), 0) + 1, coalesce((array_agg(digest ORDER BY number DESC))[1], "
            "repeat('0', 64)) FROM record_entry WHERE relationship_id = %s",
            [relationship],
        ).fetchone() or (1, "0" * 64)
        connection.execute(
            "INSERT INTO record_entry (id, relationship_id, number, kind, subject_type, subject, at, content, "
            "previous, digest) VALUES (%(pk)s, %(relationship)s, %(number)s::integer, %(kind)s, %(type)s, %(subject)s, "
            "%(at)s, %(content)s::jsonb, %(previous)s::text, comity_digest('[' || %(number)s::integer || ',\"' "
            "|| %(previous)s::text || '\",' || comity_canonical(%(content)s::jsonb) || ']'))",
            {
                "pk": pk, "relationship": relationship, "number": number, "kind": kind, "type": subject_type,
                "subject": subject, "at": at, "content": content, "previous": previous,
            },
        )  # fmt: skip
