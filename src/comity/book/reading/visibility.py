# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""What a viewer sees of a table: the other side's rows are absent and its columns empty, wherever they lie on disk."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import duckdb

from comity.book.definition import Definition, PrivateRows, UnusableBookError
from comity.book.plurals import plural
from comity.book.reading.typed_files import TypedTable
from comity.book.storage.duckdb import work_engine
from comity.book.storage.parquet import IMPORT_COLUMN, metadata_sql, scan_sql, sql_type
from comity.book.storage.sql import full_key_sql, literal, quoted
from comity.book.tables import Table, day_column, slot_column
from comity.core.chain import digest_of
from comity.core.values import Side, Viewer


def stored_columns(table: Table) -> dict[str, str]:
    """Every column of a typed table and its DuckDB type, in order."""
    found = {column.name: sql_type(column) for column in table.columns}
    for instant in table.days:
        found |= {day_column(instant): "DATE", slot_column(instant): "SMALLINT"}
    return found | {IMPORT_COLUMN: "INTEGER"}


def with_local_columns(name: str, table: Table) -> tuple[str, ...]:
    """A column and those that are worked out from it alone."""
    return (name, day_column(name), slot_column(name)) if name in table.days else (name,)


def private_item_sql(row: PrivateRows, table: Table, column: Callable[[str], str] = quoted) -> str:
    """The condition of one `table[column=value]`: both compared in the column's own type, never as text."""
    value = f"TRY_CAST({literal(row.value)} AS {sql_type(table.by_name[row.column])})"
    return f"coalesce({column(row.column)} = {value}, false)"


def private_rule_sql(
    side: Side, table: Table, definition: Definition, column: Callable[[str], str] = quoted
) -> str | None:
    """The condition that a side's rules name a row of a table, whoever brought it; None where it has no such rule.

    :param column: the expression of a column's value, by its name
    """
    private = definition.private.get(side)
    if private is None:
        return None
    if table.name in private.tables:
        return "true"
    conditions = [private_item_sql(row, table, column) for row in private.rows if row.table == table.name]
    return " OR ".join(conditions) or None


def exempt_sql(side: Side, prefix: str = "") -> str:
    """The condition that a row is out of reach of a side's rules: the other side, or somebody neutral, brought it.

    Rules keep back what a side brings itself. They capture nothing that others put on record, now or later.
    """
    return f"coalesce({prefix}brought_by IN ({literal(side.other.value)}, 'neither'), false)"


def private_row_sql(side: Side, table: Table, definition: Definition) -> str | None:
    """The condition that a row among the shared ones is private to a side; None where no rows of the table are."""
    rule = private_rule_sql(side, table, definition)
    return None if rule is None else f"(({rule}) AND NOT {exempt_sql(side)})"


def visible_rows_sql(typed: TypedTable, table: Table, definition: Definition, viewer: Viewer) -> str:
    """The query that reads a table for a viewer."""
    owners = definition.column_owners(table)
    hidden = {
        name: owners[column]
        for column in owners
        if not viewer.opens(owners[column])
        for name in with_local_columns(column, table)
    }
    known = "brought_by" in typed.columns
    chosen = []
    for name, kind in stored_columns(table).items():
        if name == "brought_by":
            value = "coalesce(brought_by, 'unknown')" if known else "'unknown'"
        elif name not in typed.columns or (name in hidden and not known):
            value = f"NULL::{kind}"
        elif name in hidden:
            value = f"CASE WHEN {exempt_sql(hidden[name])} THEN {quoted(name)} END"
        else:
            chosen.append(quoted(name))
            continue
        chosen.append(f"{value} AS {quoted(name)}")
    source = scan_sql(*typed.files)
    closed = [
        f"NOT {condition}"
        for side in Side
        if not viewer.opens(side) and (condition := private_row_sql(side, table, definition)) is not None
    ]
    if closed and not known:
        source = f"(SELECT *, 'unknown' AS brought_by FROM {source})"
    # The condition reads the stored column even where the column itself is shown as empty.
    where = f" WHERE {' AND '.join(closed)}" if closed else ""
    return f"SELECT {', '.join(chosen)} FROM {source}{where}"


def is_column_slice(typed: TypedTable, table: Table) -> bool:
    """Whether the files hold just the key and some columns."""
    return any(column.name not in typed.columns for column in table.required)


def join_own_rows(  # noqa: PLR0913 - one step of opening a table
    shared: Sequence[TypedTable],
    own: Sequence[TypedTable],
    table: Table,
    definition: Definition,
    work: Path,
    side: Side | None = None,
) -> tuple[TypedTable, tuple[str, ...]]:
    """The shared rows with a side's own columns joined in by key, and its own rows, which have theirs, beside them.

    Done once, into `work`, because every reading would otherwise pay for the join. Where an own row has the key of a
    shared one, one of them counts: the shared row, so that both sides speak of the same figures; but the own row where
    the other side brought the shared one, which must not hide what a side keeps in its own view.

    :param side: whose the own files are
    """
    slices = [typed for typed in own if is_column_slice(typed, table)]
    whole = [typed for typed in own if not is_column_slice(typed, table)]
    base = [*shared, *whole] if not shared else list(shared)
    extra = whole if shared else []
    if not base:
        lying = slices[0].files[0]
        absent = ", ".join(column.name for column in table.required if column.name not in slices[0].columns)
        msg = (
            f"holds only some columns of {table.name}, and the book has no {table.name} to add them to; "
            f"a table of its own needs {absent} as well"
        )
        raise UnusableBookError(msg, file=lying)
    if not slices and not extra and len(base) == 1:
        return base[0], ()
    columns = stored_columns(table)
    files = [str(file) for typed in (*base, *extra, *slices) for file in typed.files]
    target = work / f"{table.name}-{digest_of(files)[:16]}.parquet"
    order = ", ".join(quoted(name) for name in (*table.order, *table.key))
    with work_engine(work) as (con, _):
        union = _SharedAndOwn(base, extra, slices, table, columns, side)
        con.execute(
            f"COPY (SELECT * FROM ({union.sql()}) ORDER BY {order}) TO {literal(str(target))} "
            f"(FORMAT parquet, COMPRESSION lz4, {metadata_sql(definition.timezone)})",
        )
        notes = union.notes(con)
    return TypedTable((target,), tuple(columns)), notes


def select_columns_sql(typed: TypedTable, columns: Mapping[str, str]) -> str:
    """The columns of a table from files that may lack some of them."""
    return ", ".join(quoted(n) if n in typed.columns else f"NULL::{kind} AS {quoted(n)}" for n, kind in columns.items())


class _SharedAndOwn:
    """Shared rows and own rows of one table, one row for each key."""

    def __init__(  # noqa: PLR0913 - what one table is made of
        self,
        base: Sequence[TypedTable],
        extra: Sequence[TypedTable],
        slices: Sequence[TypedTable],
        table: Table,
        columns: dict[str, str],
        side: Side | None,
    ) -> None:
        self.table, self.columns, self.side = table, columns, side
        self.base = " UNION ALL ".join(self._part(one) for one in base)
        self.whole = self.base  # with the own columns; who only asks for keys needs none of them
        for typed in slices:
            self.whole = _with_own_columns(self.whole, typed, table, columns)
        self.extra = " UNION ALL ".join(self._part(one, side) for one in extra)

    def _part(self, typed: TypedTable, side: Side | None = None) -> str:
        chosen = select_columns_sql(typed, self.columns)
        part = f"SELECT {chosen} FROM {scan_sql(*typed.files)}"
        # What lies in a side's own folder, and does not say who brought it, is that side's.
        bringer = (
            f"coalesce(nullif(brought_by, 'unknown'), {literal(side.value)})" if side is not None else "brought_by"
        )
        return f"SELECT * REPLACE ({bringer} AS brought_by) FROM ({part})"

    def _foreign(self) -> str:
        return "false" if self.side is None else exempt_sql(self.side, "s.")

    def _twin(self) -> str:
        same = " AND ".join(f"o.{quoted(name)} IS NOT DISTINCT FROM s.{quoted(name)}" for name in self.table.key)
        return f"{full_key_sql(self.table, 'o.')} AND {same}"

    def sql(self) -> str:
        if not self.extra:
            return self.whole
        known = f"SELECT 1 FROM ({self.base}) s WHERE {self._twin()} AND NOT {self._foreign()}"
        own = f"SELECT * FROM ({self.extra}) o WHERE NOT EXISTS ({known})"
        if self.side is None:
            return f"{self.whole} UNION ALL {own}"
        shared = (
            f"SELECT * FROM ({self.whole}) s WHERE NOT ({self._foreign()} "
            f"AND EXISTS (SELECT 1 FROM ({self.extra}) o WHERE {self._twin()}))"
        )
        return f"{shared} UNION ALL {own}"

    def notes(self, con: duckdb.DuckDBPyConnection) -> tuple[str, ...]:
        if not self.extra:
            return ()
        counts = con.execute(
            f"SELECT count(*) FILTER (NOT {self._foreign()}), count(*) FILTER ({self._foreign()}) "
            f"FROM ({self.extra}) o JOIN ({self.base}) s ON {self._twin()}"
        ).fetchone() or (0, 0)
        notes = []
        if counts[0]:
            notes.append(f"{plural(counts[0], 'own row has', 'own rows have')} the key of a shared one, which counts")
        if counts[1]:
            what = plural(counts[1], "own row has", "own rows have")
            yours = "yours counts" if counts[1] == 1 else "yours count"
            notes.append(f"{what} the key of a row of the other side; in your own view {yours}")
        return tuple(notes)


def _with_own_columns(left: str, own: TypedTable, table: Table, columns: dict[str, str]) -> str:
    """Own columns where a row of the same key bears them, else what stands there."""
    apart = {*table.key, IMPORT_COLUMN, "brought_by"}
    borne = [name for name in columns if name in own.columns and name not in apart]
    chosen = [
        f"coalesce(o.{quoted(n)}, l.{quoted(n)}) AS {quoted(n)}" if n in borne else f"l.{quoted(n)}" for n in columns
    ]
    same = " AND ".join(f"l.{quoted(name)} IS NOT DISTINCT FROM o.{quoted(name)}" for name in table.key)
    return f"SELECT {', '.join(chosen)} FROM ({left}) l LEFT JOIN {scan_sql(*own.files)} o ON {same}"
