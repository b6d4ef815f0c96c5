# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Where a source's own verdict on a promise is another than that of the due time which it gives."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from comity.book.plurals import plural
from comity.book.storage.parquet import scan_sql
from comity.book.tables import CONTACTS, Table

_CONTACTS = "resolved_at IS NOT NULL AND sla_met <> (resolved_at <= due_at)"
_MOMENT = "CASE d.kind WHEN 'response' THEN c.answered_at ELSE c.resolved_at END"
_VERDICT = "CASE coalesce(d.source_verdict, d.state) WHEN 'met' THEN true WHEN 'missed' THEN false END"
_DEADLINES = (
    f"d.kind IN ('response', 'resolution') AND coalesce(d.state, '') NOT IN ('paused', 'cancelled') "
    f"AND {_MOMENT} IS NOT NULL AND {_VERDICT} <> ({_MOMENT} <= d.due_at)"
)


def contact_verdict_notes(con: duckdb.DuckDBPyConnection, clean: Path, table: Table) -> Iterator[str]:
    """Tell of how many checked contacts `sla_met` is not what `due_at` and `resolved_at` say."""
    if table.name == CONTACTS.name:
        yield from _told(con, f"SELECT count(*) FROM {scan_sql(clean)} WHERE {_CONTACTS}", "sla_met")


def deadline_verdict_notes(con: duckdb.DuckDBPyConnection, deadlines: str, contacts: str) -> Iterator[str]:
    """Tell of how many deadlines `source_verdict` is not what the due time and the contact say.

    :param deadlines: the query of the deadlines that are asked about
    :param contacts: the query of all contacts
    """
    sql = f"SELECT count(*) FROM ({deadlines}) d JOIN ({contacts}) c USING (contact_id) WHERE {_DEADLINES}"
    yield from _told(con, sql, "source_verdict")


def _told(con: duckdb.DuckDBPyConnection, sql: str, column: str) -> Iterator[str]:
    row = con.execute(sql).fetchone()
    count = int(row[0]) if row else 0
    if count:
        what = plural(count, "due time contradicts", "due times contradict")
        yield f"{what} the source's own verdict ({column}); the due time counts"
