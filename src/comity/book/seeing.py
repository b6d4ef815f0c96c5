# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What a viewer sees of a table: the other side's rows are absent and its columns empty, wherever they lie on disk."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from comity.book.definition import Definition, UnusableBookError
from comity.book.engine import working
from comity.book.importing.checking import full_key_sql, owner_of_columns
from comity.book.importing.conversions import literal, quoted
from comity.book.raw import Typed
from comity.book.storage import IMPORT_COLUMN, metadata_sql, scan_sql, sql_type
from comity.book.tables import Table, day_column, slot_column
from comity.core.values import Side, Viewer


def columns_of(table: Table) -> dict[str, str]:
    """Every column of a typed table and its DuckDB type, in order."""
    found = {column.name: sql_type(column) for column in table.columns}
    for instant in table.days:
        found |= {day_column(instant): "DATE", slot_column(instant): "SMALLINT"}
    return found | {IMPORT_COLUMN: "INTEGER"}


def with_local(name: str, table: Table) -> tuple[str, ...]:
    """A column and those that are worked out from it alone."""
    return (name, day_column(name), slot_column(name)) if name in table.days else (name,)


def rows_private_to(side: Side, table: Table, definition: Definition) -> str | None:
    """The condition that a row is private to a side; None where no rows of the table are."""
    conditions = [
        f"{quoted(row.column)} = TRY_CAST({literal(row.value)} AS {sql_type(table.by_name[row.column])})"
        for row in definition.private[side].rows
        if row.table == table.name
    ]
    return " OR ".join(f"coalesce({one}, false)" for one in conditions) or None


def seen_sql(typed: Typed, table: Table, definition: Definition, viewer: Viewer) -> str:
    """The query that reads a table for a viewer."""
    hidden = {
        name
        for column, side in owner_of_columns(table, definition).items()
        if not viewer.opens(side)
        for name in with_local(column, table)
    }
    chosen = [
        f"{'NULL' if name in hidden or name not in typed.columns else quoted(name)}::{kind} AS {quoted(name)}"
        if name in hidden or name not in typed.columns
        else quoted(name)
        for name, kind in columns_of(table).items()
    ]
    closed = [
        f"NOT ({condition})"
        for side in Side
        if side in definition.private
        and not viewer.opens(side)
        and (condition := rows_private_to(side, table, definition)) is not None
    ]
    # The condition reads the stored column even where the column itself is shown as empty.
    where = f" WHERE {' AND '.join(closed)}" if closed else ""
    return f"SELECT {', '.join(chosen)} FROM {source_sql(typed.files)}{where}"


def source_sql(files: Sequence[Path]) -> str:
    """The scan of typed files."""
    return scan_sql(*files)


def is_slice(typed: Typed, table: Table) -> bool:
    """Whether the files hold just the key and some columns."""
    return any(column.name not in typed.columns for column in table.required)


def shared_with_own(
    shared: Sequence[Typed],
    own: Sequence[Typed],
    table: Table,
    definition: Definition,
    work: Path,
) -> tuple[Typed, tuple[str, ...]]:
    """The shared rows with a side's own columns joined in by key, and its own rows beside them.

    Done once, into `work`, because every reading would otherwise pay for the join. A row whose key is among the
    shared ones counts once, as the shared one has it: both sides then speak of the same figures.
    """
    slices = [one for one in own if is_slice(one, table)]
    whole = [one for one in own if not is_slice(one, table)]
    base = [*shared, *whole] if not shared else list(shared)
    extra = whole if shared else []
    if not base:
        lying = slices[0].files[0]
        absent = ", ".join(column.name for column in table.required if column.name not in slices[0].columns)
        msg = (
            f"{lying}: holds only some columns of {table.name}, and the book has no {table.name} to add them to; "
            f"a table of its own needs {absent} as well"
        )
        raise UnusableBookError(msg)
    if not slices and not extra and len(base) == 1:
        return base[0], ()
    columns = columns_of(table)
    everything = _union(base, extra, table, columns)
    for one in slices:
        everything = _joined(everything, one, table, columns)
    files = [str(file) for one in (*base, *extra, *slices) for file in one.files]
    target = work / f"{table.name}-{hashlib.sha256(repr(files).encode()).hexdigest()[:16]}.parquet"
    order = ", ".join(quoted(name) for name in (*table.order, *table.key))
    with working(work) as (con, _):
        con.execute(
            f"COPY (SELECT * FROM ({everything}) ORDER BY {order}) TO {literal(str(target))} "
            f"(FORMAT parquet, COMPRESSION lz4, {metadata_sql(definition.timezone)})",
        )
        doubled = _doubled(con, base, extra, table)
    notes = (f"{doubled:,} own rows have the key of a shared one, which counts",) if doubled else ()
    return Typed((target,), tuple(columns)), notes


def chosen_sql(typed: Typed, columns: Mapping[str, str]) -> str:
    """The columns of a table from files that may lack some of them."""
    return ", ".join(quoted(n) if n in typed.columns else f"NULL::{kind} AS {quoted(n)}" for n, kind in columns.items())


def _union(base: Sequence[Typed], extra: Sequence[Typed], table: Table, columns: dict[str, str]) -> str:
    parts = [f"SELECT {chosen_sql(one, columns)} FROM {source_sql(one.files)}" for one in base]
    parts += [
        f"SELECT {chosen_sql(one, columns)} FROM {source_sql(one.files)} own WHERE NOT {_among(base, table)}"
        for one in extra
    ]
    return " UNION ALL ".join(parts)


def _among(base: Sequence[Typed], table: Table) -> str:
    files = [file for one in base for file in one.files]
    same = " AND ".join(f"own.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in table.key)
    return f"({full_key_sql(table, 'own.')} AND EXISTS (SELECT 1 FROM {source_sql(files)} s WHERE {same}))"


def _doubled(con: object, base: Sequence[Typed], extra: Sequence[Typed], table: Table) -> int:
    total = 0
    for one in extra:
        sql = f"SELECT count(*) FROM {source_sql(one.files)} own WHERE {_among(base, table)}"
        total += con.execute(sql).fetchone()[0]  # type: ignore[attr-defined]  # duckdb's own connection
    return total


def _joined(left: str, own: Typed, table: Table, columns: dict[str, str]) -> str:
    """Own columns where a row of the same key bears them, else what stands there."""
    borne = [name for name in columns if name in own.columns and name not in table.key and name != IMPORT_COLUMN]
    chosen = [
        f"coalesce(o.{quoted(n)}, l.{quoted(n)}) AS {quoted(n)}" if n in borne else f"l.{quoted(n)}" for n in columns
    ]
    same = " AND ".join(f"l.{quoted(name)} IS NOT DISTINCT FROM o.{quoted(name)}" for name in table.key)
    return f"SELECT {', '.join(chosen)} FROM ({left}) l LEFT JOIN {source_sql(own.files)} o ON {same}"
