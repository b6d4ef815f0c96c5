# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""A delivery into what a table holds: which rows are new, the same, changed, gone; one DuckDB statement each.

Only columns that the delivery bears are compared and changed: another source's columns of the same row stay.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import duckdb

from comity.book.importing.checking import full_key_sql, keyless
from comity.book.importing.conversions import literal, quoted
from comity.book.seeing import columns_of, source_sql, with_local
from comity.book.storage import IMPORT_COLUMN
from comity.book.tables import Kind, Table, day_column

STATUSES = ("new", "unchanged", "updated")


@dataclass(frozen=True, slots=True)
class Merging:
    """What is merged, and by which terms."""

    table: Table
    held: str | None  # the query of what the table holds; None: nothing yet
    delivered: Path  # the typed file of the delivery
    columns: Sequence[str]  # the declared columns that the delivery bears
    number: int
    window: tuple[date, date] | None = None  # the days for which the delivery is whole
    siblings: Sequence[int] = ()  # earlier imports by the same mapping: only their rows can be withdrawn
    keep_from: date | None = None  # rows of earlier days have outlived their retention
    blank: Mapping[str, str] = field(default_factory=dict)  # column -> which rows nobody may hold it of
    closed: str | None = None  # held rows that the delivery neither meets nor changes: what the other side keeps


def day_sql(table: Table) -> str | None:
    """The expression of the day (or month) that a row belongs to; None for tables without."""
    if table.days:
        return quoted(day_column(table.days[0]))
    dated = [column.name for column in table.columns if column.kind in {Kind.DAY, Kind.MONTH}]
    if table.name == "surveys":
        return "coalesce(answered_on, asked_on)"
    keyed = [name for name in dated if name in table.key or name in table.order]
    return quoted(keyed[0]) if keyed else None


def merge(con: duckdb.DuckDBPyConnection, merging: Merging, folder: Path) -> tuple[Path, Path]:
    """Write the table as it is after the delivery, and the rows as they were before where it changed them.

    Both files have a typed table's columns and `_status`; of the first: new, unchanged, updated, or kept (not in the
    delivery); of the second: before (an updated row as it was), withdrawn,
    expired (a held row past its retention), outlived (a delivered one).
    """
    after, before = folder / "after.parquet", folder / "before.parquet"
    table = merging.table
    columns = columns_of(table)
    names = ", ".join(map(quoted, columns))
    con.execute(f"CREATE OR REPLACE TEMP VIEW _delivered AS {_keyed(merging, _blanked(merging))}")
    nothing = ", ".join(f"NULL::{kind} AS {quoted(name)}" for name, kind in columns.items())
    held = merging.held or f"SELECT {nothing} WHERE false"
    open_to = f"({held})" if merging.closed is None else f"(SELECT * FROM ({held}) WHERE NOT ({merging.closed}))"
    con.execute(f"CREATE OR REPLACE TEMP VIEW _held AS SELECT *, true AS _there FROM ({_keyed(merging, open_to)})")
    joined, gone = folder / "joined.parquet", folder / "gone.parquet"
    old_way = "(FORMAT parquet, COMPRESSION lz4)"
    con.execute(f"COPY ({_joined_sql(merging, columns)}) TO {literal(str(joined))} {old_way}")
    con.execute(f"COPY ({_gone_sql(merging, names)}) TO {literal(str(gone))} {old_way}")
    left = f"SELECT * FROM {source_sql([gone])}"
    order = ", ".join([*map(quoted, table.order), *map(quoted, table.key)])
    expired = _expired(merging)
    closed = f" UNION ALL SELECT {names}, 'kept' FROM ({held}) WHERE {merging.closed}" if merging.closed else ""
    con.execute(
        f"COPY (SELECT {names}, _status FROM {source_sql([joined])} WHERE NOT ({expired}) UNION ALL "
        f"SELECT {names}, 'kept' FROM ({left}) WHERE _status = 'kept'{closed} ORDER BY {order}) "
        f"TO {literal(str(after))} {old_way}",
    )
    changed = f"SELECT {_same_key(table)} FROM {source_sql([joined])} WHERE _status = 'updated' AND NOT ({expired})"
    con.execute(
        f"COPY (SELECT {names}, _status FROM ({left}) WHERE _status <> 'kept' UNION ALL "
        f"SELECT {names}, 'outlived' FROM {source_sql([joined])} WHERE {expired} UNION ALL "
        f"SELECT {names}, 'before' FROM _held h SEMI JOIN ({changed}) c ON {_matching(table, 'h', 'c')}) "
        f"TO {literal(str(before))} {old_way}",
    )
    con.execute("DROP VIEW _delivered; DROP VIEW _held")
    return after, before


def _expired(merging: Merging) -> str:
    day = day_sql(merging.table)
    if merging.keep_from is None or day is None:
        return "false"
    return f"coalesce({day} < DATE '{merging.keep_from}', false)"


def _keyed(merging: Merging, source: str) -> str:
    """Rows with `_k`: NULL where they have their key, else what they say and the how-manieth that says so."""
    if not keyless(merging.table):
        return f"SELECT *, NULL::VARCHAR AS _k FROM {source}"
    content = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in merging.columns)
    told = f"md5(CAST([{content}] AS VARCHAR))"
    return (
        f"SELECT * EXCLUDE (_c), CASE WHEN NOT ({full_key_sql(merging.table)}) THEN _c || ' ' || "
        f"row_number() OVER (PARTITION BY _c) END AS _k FROM (SELECT *, {told} AS _c FROM {source})"
    )


def _blanked(merging: Merging) -> str:
    source = source_sql([merging.delivered])
    blanks = [
        f"CASE WHEN {where} THEN NULL ELSE {quoted(own)} END AS {quoted(own)}"
        for name, where in merging.blank.items()
        for own in with_local(name, merging.table)
    ]
    return f"(SELECT * REPLACE ({', '.join(blanks)}) FROM {source})" if blanks else source


def _same_key(table: Table) -> str:
    return ", ".join([*map(quoted, table.key), "_k"])


def _matching(table: Table, left: str, right: str) -> str:
    """Whether two rows are of one thing; an optional part of a key may be empty on both."""
    if keyless(table):
        # One equation, so that the engine can hash it: the key where it is whole, else what the row says.
        return f"{_one_key(table, left)} = {_one_key(table, right)}"
    return " AND ".join(f"{left}.{quoted(name)} {_equals(table, name)} {right}.{quoted(name)}" for name in table.key)


def _equals(table: Table, name: str) -> str:
    return "=" if table.by_name[name].required else "IS NOT DISTINCT FROM"


def _one_key(table: Table, side: str) -> str:
    parts = ", ".join(f"CAST({side}.{quoted(name)} AS VARCHAR)" for name in table.key)
    return f"coalesce({side}._k, CAST([{parts}] AS VARCHAR))"


def _joined_sql(merging: Merging, columns: Mapping[str, str]) -> str:
    table = merging.table
    borne = {own for name in merging.columns for own in with_local(name, table)} | set(table.key)
    compared = [name for name in merging.columns if name not in table.key]
    same = " AND ".join(f"d.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(name)}" for name in compared) or "true"
    there = "h._there IS NOT NULL"
    chosen = []
    for name in columns:
        if name == IMPORT_COLUMN:
            value = f"CASE WHEN {there} AND {same} THEN h.{IMPORT_COLUMN} ELSE {merging.number}::INTEGER END"
        elif name in borne:
            value = f"d.{quoted(name)}"
        else:
            value = f"CASE WHEN {there} THEN h.{quoted(name)} ELSE d.{quoted(name)} END"
        chosen.append(f"{value} AS {quoted(name)}")
    status = f"CASE WHEN NOT ({there}) THEN 'new' WHEN {same} THEN 'unchanged' ELSE 'updated' END"
    return (
        f"SELECT {', '.join(chosen)}, d._k, {status} AS _status "
        f"FROM _delivered d LEFT JOIN _held h ON {_matching(table, 'd', 'h')}"
    )


def _gone_sql(merging: Merging, names: str) -> str:
    """Held rows that the delivery does not bear: withdrawn, expired, or kept."""
    table, arms = merging.table, [f"WHEN {_expired(merging)} THEN 'expired'"]
    day = day_sql(table)
    if merging.window is not None and day is not None:
        start, end = merging.window
        own = ", ".join(map(str, merging.siblings))
        if own:
            arms.append(
                f"WHEN {day} >= DATE '{start}' AND {day} < DATE '{end}' AND {IMPORT_COLUMN} IN ({own}) THEN 'withdrawn'"
            )
    if keyless(table):
        months = "SELECT month FROM _delivered WHERE _k IS NOT NULL"
        arms.append(f"WHEN _k IS NOT NULL AND month IN ({months}) THEN 'withdrawn'")
    return (
        f"SELECT {names}, CASE {' '.join(arms)} ELSE 'kept' END AS _status "
        f"FROM _held h ANTI JOIN _delivered d ON {_matching(table, 'h', 'd')}"
    )
