"""Erasing what somebody wrote, or who they were: the words of a matter or of an entry of the ledger, or a person.

Who asked for what, when, and what is owed stays as it was: the chain holds no words of matters, and of the ledger's a
salted digest alone, so that it verifies before and after. Words stand in the rows of the matter, in each step, in what
the step keeps of the matter before it, in files of evidence, in the log, in mails that wait, in mails that were kept
as they came and in the headers of a formal notice. Results, copies and mails that were written to files are removed;
the first two are made again. Tables are rewritten, and the write-ahead log is cut, so that no file of the database
keeps what was in them.

Of a person the account goes, with what lets them in and what they chose alone, and their name and address wherever
somebody wrote them: in their place stands a key, by which what they did stays one person's. Where they signed or
confirmed, the name is part of what the record's digests cover, and stays: a record that says who signed cannot lose
that. How many such entries there are is told.

Whoever runs the room does it, by a command, and answers to the person for it: no side can, for what somebody did is
also the other side's evidence. Both read in the log that it was done.
"""

import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import psycopg
from psycopg.sql import SQL, Composed, Identifier, Literal

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
# The mails of a formal notice are kept by their headers, and one of them is the title.
_NOTICE = """
UPDATE matters_formalnotice SET told = coalesce((
    SELECT jsonb_agg(jsonb_set(one, '{headers,Subject}', to_jsonb(%(erased)s::text)) ORDER BY place)
    FROM jsonb_array_elements(told) WITH ORDINALITY mails(one, place)), '[]')
WHERE matter_id = %(matter)s
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
_REWRITTEN = (
    "matters_matter", "matters_step", "matters_evidence", "matters_formalnotice", "audit_event", "ledger_wording",
    "comity_cache", "mailbox_rawmail", "outbox_waitingmail",
)  # fmt: skip
# What is a person's alone, by the column that names them; and what lets them in.
_OWN_ROWS = {
    "account_emailaddress": "user_id", "mfa_authenticator": "user_id", "usersessions_usersession": "user_id",
    "socialaccount_socialaccount": "user_id", "parties_token": "person_id", "personal_displaysettings": "person_id",
    "personal_savedview": "person_id", "personal_visit": "person_id", "notifications_preference": "person_id",
    "notifications_digestposition": "person_id", "books_routes": "person_id", "books_export": "person_id",
    "reviews_bymail": "person_id",
}  # fmt: skip
_LETS_IN = """
DELETE FROM django_session WHERE session_key IN (
    SELECT session_key FROM usersessions_usersession WHERE user_id = %(person)s);
DELETE FROM account_emailconfirmation WHERE email_address_id IN (
    SELECT id FROM account_emailaddress WHERE user_id = %(person)s);
DELETE FROM socialaccount_socialtoken WHERE account_id IN (
    SELECT id FROM socialaccount_socialaccount WHERE user_id = %(person)s);
DELETE FROM mailbox_rawmail WHERE mail_id IN (SELECT id FROM mailbox_receivedmail WHERE person_id = %(person)s);
UPDATE parties_person SET name = %(key)s, email = %(address)s, password = '!', language = '', is_active = false,
    last_login = NULL, named_at = now() WHERE id = %(person)s;
"""
# Covered by digests of the record: who confirmed and who signed.
_SIGNED = ("record_entry", "record_consent", "agreements_step")
_COLUMNS = """
SELECT c.table_name, c.column_name, c.data_type, c.character_maximum_length FROM information_schema.columns c
JOIN information_schema.tables t USING (table_schema, table_name)
WHERE c.table_schema = 'public' AND t.table_type = 'BASE TABLE' AND c.is_generated = 'NEVER'
    AND c.data_type IN ('text', 'character varying', 'jsonb', 'json')
ORDER BY c.table_name, c.ordinal_position
"""


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


@dataclass(frozen=True, slots=True)
class ErasedPerson:
    """What of a person was erased, in numbers.

    :ivar key: what stands in place of the name
    :ivar rows: rows in which the name or the address stood
    :ivar mails: mails that were removed, or in which the name was replaced
    :ivar signed: rows of the record and of signatures that hold the name, which their digests cover
    :ivar files: files of evidence and of books that hold it, as far as it can be read in them
    """

    key: str
    rows: int
    mails: int
    signed: int
    files: int


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
        connection.execute(_NOTICE, values)
        texts = connection.execute(_MATTER, values).rowcount + connection.execute(_STEPS, values).rowcount
        files = connection.execute(_EVIDENCE, values).rowcount
        connection.execute(
            "DELETE FROM mailbox_rawmail WHERE mail_id IN (SELECT id FROM mailbox_receivedmail WHERE matter = %s)",
            [matter],
        )
        waiting = _remove_waiting_mails(connection, str(matter))
        connection.execute(
            "SELECT comity_audit_nobody(%s, 'matter_erased', 'matter', %s, jsonb_build_object('kind', %s::text))",
            [here, matter, kind],
        )
    return Erased(texts, files, waiting + _clean_up(room, cluster, [here], _leads_to(str(matter))))


def erase_wording(room: Room, entry: int, relationship: UUID) -> Erased:
    """Erase the words of an opening list or a reversal, by the number of its entry in the record.

    :raises ErasureError: where the room is not running, or the entry holds no words
    """
    cluster = _cluster(room)
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        texts = connection.execute(_LEDGER, {"here": relationship, "entry": entry}).rowcount
        if not texts:
            raise ErasureError(f"entry {entry} of the record names no words of the ledger")
        connection.execute(
            "SELECT comity_audit_nobody(%s, 'wording_erased', 'ledger', NULL, jsonb_build_object('entry', %s::int))",
            [relationship, entry],
        )
        waiting = _remove_waiting_mails(connection, "ledger/agreed")
    return Erased(texts, 0, waiting + _clean_up(room, cluster, [relationship], _leads_to("ledger/agreed")))


def erase_person(room: Room, address: str) -> ErasedPerson:
    """Erase a person: the account, and the name and address wherever they stand but beneath what they signed.

    Where somebody wrote only a part of the name, it is not found.

    :raises ErasureError: where the room is not running, nobody has the address, or they are still in a relationship
    """
    cluster = _cluster(room)
    with psycopg.connect(cluster.conninfo(SUPERUSER)) as connection:
        found = connection.execute(
            "SELECT id, name, email FROM parties_person WHERE lower(email) = lower(%s) FOR UPDATE", [address]
        ).fetchone()
        if found is None:
            raise ErasureError(f"nobody here has the address {address}")
        person, name, email = found
        places = connection.execute(
            "SELECT relationship_id, left_at IS NULL FROM parties_membership WHERE person_id = %s", [person]
        ).fetchall()
        if current := sum(is_current for _, is_current in places):
            raise ErasureError(
                f"they are still in {current} of the room's relationships; end their places there first, "
                "so that no side loses somebody unseen"
            )
        relationships = sorted({there for there, _ in places})
        key = f"erased-{person.hex[:8]}"
        connection.execute("SET LOCAL session_replication_role = replica")
        values = {"person": person, "key": key, "address": f"{person.hex}@erased.invalid"}
        for statement in _LETS_IN.split(";\n"):
            if statement.strip():
                connection.execute(statement, values)
        for table, column in _OWN_ROWS.items():
            connection.execute(
                SQL("DELETE FROM {} WHERE {} = %s").format(Identifier(table), Identifier(column)), [person]
            )
        rows, tables = _replace_everywhere(connection, (name, email), key)
        signed, _ = _replace_everywhere(connection, (name, email), key, only=_SIGNED, counts=True)
        mails = _rewrite_sealed_mails(connection, (name, email), key)
        files = connection.execute(
            "SELECT count(*) FROM matters_evidence WHERE position(%s IN content) > 0 OR position(%s IN content) > 0",
            [name.encode(), email.encode()],
        ).fetchone()
        for there in relationships:
            connection.execute(
                "SELECT comity_audit_nobody(%s, 'person_erased', 'membership', NULL, "
                "jsonb_build_object('called', %s::text))",
                [there, key],
            )
    rewritten = {*tables, *_OWN_ROWS, "parties_person", "django_session", "account_emailconfirmation"}
    mails += _clean_up(room, cluster, relationships, _names((name, email)), rewritten)
    _mask(_files(room.data / "logs"), (name, email))
    _mask([cluster.log], (name, email))
    left = sum(_names((name, email))(one.read_bytes()) for one in _files(room.data / "books"))
    return ErasedPerson(key, rows, mails, signed, left + (0 if files is None else int(files[0])))


def _pattern(texts: Iterable[str]) -> str:
    """Return the regular expression of PostgreSQL for texts that stand alone: no part of a longer word.

    In JSON a letter before them may be the end of an escape, as of a new line.
    """
    return "|".join(_alone(one) for one in texts)


def _alone(text: str) -> str:
    before = r"(?:(?<!\w)|(?<=\\[nrtbf]))" if text[0].isalnum() else ""
    after = r"(?!\w)" if text[-1].isalnum() else ""
    return before + re.sub(r"([^\w\s@])", r"\\\1", text) + after


def _replace_everywhere(
    connection: psycopg.Connection,
    texts: tuple[str, ...],
    key: str,
    only: tuple[str, ...] = (),
    *,
    counts: bool = False,
) -> tuple[int, set[str]]:
    """Put a key in place of texts in every column of words; return in how many rows, and the tables.

    :param only: the tables; none: all but those whose rows the record's digests cover
    :param counts: only count, and replace nothing
    """
    by_table: dict[str, list[tuple[str, str, int | None]]] = {}
    for table, column, kind, longest in connection.execute(_COLUMNS).fetchall():
        if table in only or (not only and table not in _SIGNED):
            by_table.setdefault(table, []).append((column, kind, longest))
    plain = _pattern(texts)
    in_json = _pattern(json.dumps(one, ensure_ascii=False)[1:-1] for one in texts)
    total, touched = 0, set[str]()
    for table, columns in by_table.items():
        conditions, settings = [], []
        for column, kind, longest in columns:
            is_json = kind in {"json", "jsonb"}
            pattern = Literal(in_json if is_json else plain)
            words = SQL("{}::text").format(Identifier(column))
            conditions.append(SQL("{} ~* {}").format(words, pattern))
            new: Composed = SQL("regexp_replace({}, {}, {}, 'gi')").format(words, pattern, Literal(key))
            if is_json:
                new = SQL("({})::{}").format(new, SQL(kind))
            elif longest is not None:
                new = SQL("left({}, {})").format(new, Literal(longest))
            settings.append(SQL("{} = {}").format(Identifier(column), new))
        where = SQL(" OR ").join(conditions)
        if counts:
            counted = connection.execute(SQL("SELECT count(*) FROM {} WHERE {}").format(Identifier(table), where))
            row = counted.fetchone()
            total += 0 if row is None else int(row[0])
            continue
        done = connection.execute(
            SQL("UPDATE {} SET {} WHERE {}").format(Identifier(table), SQL(", ").join(settings), where)
        ).rowcount
        if done:
            total += done
            touched.add(table)
    return total, touched


def _sealed(connection: psycopg.Connection, table: str) -> list[tuple[UUID, bytes]]:
    """Return the mails of a table that this room's key opens."""
    from cryptography.fernet import InvalidToken  # noqa: PLC0415 - as the next

    from comity.apps.outbox.mail import decrypt  # noqa: PLC0415 - needs the room's settings

    found = []
    for pk, payload in connection.execute(SQL("SELECT id, payload FROM {}").format(Identifier(table))).fetchall():
        try:
            found.append((pk, decrypt(bytes(payload))))
        except InvalidToken:
            continue  # of a key before: nobody reads it any more
    return found


def _remove_waiting_mails(connection: psycopg.Connection, page: str) -> int:
    """Remove mails that wait and lead to a page; return how many."""
    those = [pk for pk, content in _sealed(connection, "outbox_waitingmail") if page.encode() in content]
    connection.execute("DELETE FROM outbox_waitingmail WHERE id = ANY(%s)", [those])
    return len(those)


def _rewrite_sealed_mails(connection: psycopg.Connection, texts: tuple[str, ...], key: str) -> int:
    """Remove kept mails that hold one of some texts, and what waits for the address; write the key into the others."""
    from comity.apps.outbox.mail import encrypt  # noqa: PLC0415 - needs the room's settings

    names, count = _names(texts), 0
    for pk, content in _sealed(connection, "mailbox_rawmail"):
        if names(content):
            connection.execute("DELETE FROM mailbox_rawmail WHERE id = %s", [pk])
            count += 1
    for pk, content in _sealed(connection, "outbox_waitingmail"):
        if not names(content):
            continue
        mail = json.loads(content)
        mail["to"] = [one for one in mail["to"] if texts[1].casefold() not in one.casefold()]
        if mail["to"]:
            said = _found(texts).sub(key, json.dumps(mail, ensure_ascii=False))
            connection.execute("UPDATE outbox_waitingmail SET payload = %s WHERE id = %s", [encrypt(said.encode()), pk])
        else:
            connection.execute("DELETE FROM outbox_waitingmail WHERE id = %s", [pk])
        count += 1
    return count


def _found(texts: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(one) for one in texts), re.IGNORECASE)


def _names(texts: tuple[str, ...]) -> Callable[[bytes], bool]:
    """Return what says whether bytes hold one of some texts, however a mail has wrapped its lines."""
    wanted = [one.casefold().encode() for one in texts]

    def names(content: bytes) -> bool:
        plain = content.replace(b"=\r\n", b"").replace(b"=\n", b"").decode("utf-8", "replace").casefold().encode()
        return any(one in plain for one in wanted)

    return names


def _mask(files: Iterable[Path], texts: tuple[str, ...]) -> None:
    """Write stars over texts in logs, in place: another process is writing at their end."""
    for file in files:
        if not file.is_file():
            continue
        with file.open("r+b") as log:
            content = log.read()
            for text in texts:
                for hit in re.finditer(re.escape(text.encode()), content, re.IGNORECASE):
                    log.seek(hit.start())
                    log.write(b"*" * len(hit.group()))


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


def _clean_up(
    room: Room,
    cluster: Cluster,
    relationships: Iterable[UUID],
    holds: Callable[[bytes], bool],
    tables: Iterable[str] = (),
) -> int:
    """Rewrite the tables, and remove results, copies and mails that are files; return how many mails."""
    with psycopg.connect(cluster.conninfo(SUPERUSER), autocommit=True) as connection:
        connection.execute("DELETE FROM comity_cache")
        for table in sorted({*_REWRITTEN, *tables}):
            # An update leaves the row of before in the table's pages.
            connection.execute(SQL("VACUUM FULL {}").format(Identifier(table)))
        # The planner keeps common values of every column.
        connection.execute("DELETE FROM pg_statistic")
        connection.execute("VACUUM FULL pg_statistic")
        _cut_log(connection)
        connection.execute("ANALYZE")
    for relationship in relationships:
        shutil.rmtree(room.data / "results" / str(relationship), ignore_errors=True)
    for copy in (room.data / "copies").rglob("*") if (room.data / "copies").is_dir() else ():
        if copy.is_file():
            copy.unlink(missing_ok=True)
    return sum(_remove_mail(mail, holds) for mail in _files(room.data / "mails"))


def _cut_log(connection: psycopg.Connection) -> None:
    """Remove the write-ahead log of before: else its segments are used again, with what was in them."""
    connection.execute("ALTER SYSTEM SET wal_recycle = off")
    connection.execute("SELECT pg_reload_conf()")
    try:
        for _ in range(2):  # the first one still needs what was written since the checkpoint before
            connection.execute("SELECT pg_switch_wal()")
            connection.execute("CHECKPOINT")
    finally:
        connection.execute("ALTER SYSTEM RESET wal_recycle")
        connection.execute("SELECT pg_reload_conf()")


def _files(folder: Path) -> list[Path]:
    return [one for one in folder.rglob("*") if one.is_file()] if folder.is_dir() else []


def _leads_to(page: str) -> Callable[[bytes], bool]:
    """Return what says whether a mail leads to a page, however its lines are wrapped."""
    return lambda content: page.encode() in content.replace(b"=\n", b"").replace(b"=\r\n", b"")


def _remove_mail(mail: Path, holds: Callable[[bytes], bool]) -> bool:
    if not holds(mail.read_bytes()):
        return False
    mail.unlink()
    return True


def use_settings(room: Room) -> None:
    """Set Django up over a room, for commands: its key opens the mails that wait."""
    os.environ.update(room.environment())
    import django  # noqa: PLC0415 - its settings are read from the environment that was just made

    django.setup()
