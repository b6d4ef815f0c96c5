"""Erasing what somebody wrote: the words of one matter, or of an opening list or a reversal, wherever they stand.

Who asked for what, when, and what is owed stays as it was: the chain holds no words of matters, and of the ledger's a
salted digest alone, so that it verifies before and after. Words stand in the rows of the matter, in each step, in what
the step keeps of the matter before it, in files of evidence and in the log. Results, copies and mails that were
written to files are removed; the first two are made again. Tables are rewritten, so that no page of the database keeps
what was in them.

Whoever runs the room does it, by a command: no side can, for the words are also the other side's evidence. Both read in
the log that it was done to a matter. Names of people stay: they stand beneath signatures and confirmations, in the
chain.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg

from comity.core.matters.transitions import OPEN, UNDONE
from comity.web.postgres import SUPERUSER, Cluster, NoDatabaseError
from comity.web.server import Room

ERASED = "-"  # where a row has to say something
_ENDS_LATER = sorted(state.value for state in {*OPEN, *UNDONE})

# Words of a matter; what names records (queues, accounts, keys in other systems) is none.
_WORDS = ("wording", "before", "price", "cause")
_STEPS = """
UPDATE matters_step SET text = '', terms = terms - %(words)s::text[], stood = stood - %(words)s::text[]
WHERE matter_id = %(matter)s
"""
_MATTER = """
UPDATE matters_matter SET title = %(erased)s, wording = '', before = '', price = '', cause = '' WHERE id = %(matter)s
"""
_EVIDENCE = "UPDATE matters_evidence SET name = %(erased)s, content = '' WHERE matter_id = %(matter)s"
_LOG = """
UPDATE audit_event SET data = (data - '{about}'::text[])
    || CASE WHEN data ? 'title' THEN jsonb_build_object('title', %(erased)s::text) ELSE '{}' END
    || CASE WHEN data ? 'name' THEN jsonb_build_object('name', %(erased)s::text) ELSE '{}' END
    || CASE WHEN data ? 'evidence' THEN '{"evidence": []}'::jsonb ELSE '{}' END
WHERE relationship_id = %(here)s AND (subject_id = %(matter)s
    OR subject_id IN (SELECT id FROM matters_evidence WHERE matter_id = %(matter)s))
"""
_LEDGER = """
UPDATE ledger_wording SET text = '', salt = '' WHERE relationship_id = %(here)s AND id IN (
    SELECT (w->>'id')::uuid FROM record_entry e CROSS JOIN LATERAL (
        SELECT e.content#>'{content,reason}' AS w UNION ALL
        SELECT p->'what' FROM jsonb_array_elements(coalesce(e.content#>'{content,promises}', '[]')) p) x
    WHERE e.relationship_id = %(here)s AND e.number = %(entry)s AND e.subject_type = 'ledger_change' AND w ? 'id')
"""
_REWRITTEN = ("matters_matter", "matters_step", "matters_evidence", "audit_event", "ledger_wording", "comity_cache")


class ErasureError(RuntimeError):
    """Words that cannot be erased: one sentence with the next step."""


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased, in numbers.

    :ivar texts: rows that held words
    :ivar files: files of evidence, whose digest is kept
    :ivar mails: mails in files
    """

    texts: int
    files: int
    mails: int


def erase_matter(room: Room, matter: UUID) -> Erased:
    """Erase the words of a matter that has ended.

    :raises ErasureError: where the room is not running, there is no such matter, or it is not at its end
    """
    cluster = _cluster(room)
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        found = connection.execute(
            "SELECT relationship_id, state, kind FROM matters_matter WHERE id = %s FOR UPDATE", [matter]
        ).fetchone()
        if found is None:
            raise ErasureError(f"there is no matter {matter}; its page's address ends with its id")
        here, state, kind = found
        if state in _ENDS_LATER:
            raise ErasureError(f"the matter is still {state}: both sides work by its words; end it first")
        # No guard of the room lets anybody change a step, and no foreign key is touched.
        connection.execute("SET LOCAL session_replication_role = replica")
        values = {"matter": matter, "here": here, "erased": ERASED, "words": list(_WORDS)}
        connection.execute(_LOG, values)
        texts = connection.execute(_MATTER, values).rowcount + connection.execute(_STEPS, values).rowcount
        files = connection.execute(_EVIDENCE, values).rowcount
        connection.execute(
            "SELECT comity_audit_nobody(%s, 'matter_erased', 'matter', %s, jsonb_build_object('kind', %s::text))",
            [here, matter, kind],
        )
    return Erased(texts, files, _clean_up(room, cluster, here, str(matter)))


def erase_wording(room: Room, entry: int, relationship: UUID) -> Erased:
    """Erase the words of an opening list or a reversal, by the number of its entry in the record.

    :raises ErasureError: where the room is not running, or the entry holds no words
    """
    cluster = _cluster(room)
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        texts = connection.execute(_LEDGER, {"here": relationship, "entry": entry}).rowcount
        if not texts:
            raise ErasureError(f"entry {entry} of the record names no words of the ledger")
    return Erased(texts, 0, _clean_up(room, cluster, relationship, "ledger/agreed"))


def _cluster(room: Room) -> Cluster:
    """Return the room's database, running.

    :raises ErasureError: where it is another one, or does not run
    """
    if room.cluster is None:
        raise ErasureError("DATABASE_URL names another database; this command works on the room's own")
    try:
        running = room.cluster.data.is_dir() and room.cluster.accepts_connections()
    except NoDatabaseError as error:
        raise ErasureError(str(error)) from None
    if not running:
        raise ErasureError("the room is not being served; serve it, and run this again")
    return room.cluster


def _clean_up(room: Room, cluster: Cluster, relationship: UUID, page: str) -> int:
    """Rewrite the tables, and remove results, copies and mails that are files; return how many mails."""
    with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DELETE FROM comity_cache")
        for table in _REWRITTEN:
            connection.execute(f"VACUUM FULL {table}")  # an update leaves the row of before in the table's pages
        connection.execute("CHECKPOINT")
    shutil.rmtree(room.data / "results" / str(relationship), ignore_errors=True)
    for copy in (room.data / "copies").rglob("*") if (room.data / "copies").is_dir() else ():
        if copy.is_file():
            copy.unlink(missing_ok=True)
    return sum(_remove_mail(mail, page) for mail in _files(room.data / "mails"))


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()] if folder.is_dir() else []


def _remove_mail(mail: Path, page: str) -> bool:
    """Remove a mail that leads to a page, however its lines are wrapped."""
    content = mail.read_bytes().replace(b"=\n", b"").replace(b"=\r\n", b"")
    if page.encode() not in content:
        return False
    mail.unlink()
    return True
