# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Every rule over every row, set by set: rows of text become typed rows, and rejects that say what was wrong with them.

A row is rejected for the first rule that it breaks. Nothing is dropped in silence: rows in = rows kept + rejects +
rows that say the same as another (`collapsed`).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pyarrow as pa

from comity.book.definition import Definition
from comity.book.importing.conversions import Fault, faults, literal, quoted, value_sql
from comity.book.importing.section import ROW
from comity.book.storage import IMPORT_COLUMN, local_columns_sql, metadata_sql, scan_sql, sql_type
from comity.book.tables import Column, Table
from comity.core.values import Side

MAX_REJECTS = 0.05
SHOWN = 200  # characters of a rejected value that are kept
PORTION = 250_000  # rows that are checked at once
NOBODY = "nobody"  # owner of a row that both sides claim for themselves
_BLANK = literal(" \t\r\n\u00a0")
_CLOSED = "what the other side keeps to itself; only it brings such rows in"
_OTHER_CONTENT = "the same key as a row further up, with other content; the first one counts"


@dataclass(frozen=True, slots=True)
class Checked:
    """What came of checking: two Parquet files, and the counts.

    `clean` holds the typed table with local days; `rejects` has row, column, value, reason, owner (the side to
    which the whole row is private, or NULL) and column_owner (the side to which the column is private, or NULL).
    """

    clean: Path
    rejects: Path
    rows_in: int
    rows: int
    rejected: int
    collapsed: int
    superseded: int = 0  # of the collapsed, those that are earlier states of what they tell of, and do not say the same
    by_reason: Mapping[tuple[str, str], int] = field(default_factory=dict)  # (column, reason) -> rows
    columns: tuple[str, ...] = ()  # the declared columns that the rows bore
    off_amounts: tuple[int, float] = (0, 0.0)  # rows whose amount is not quantity times price, and by how much in sum


def keyless(table: Table) -> bool:
    """Whether rows may lack a part of the key, and then always count (invoice lines without an invoice)."""
    return "month" in table.by_name and any(not table.by_name[name].required for name in table.key)


def full_key_sql(table: Table, prefix: str = "") -> str:
    """The condition that a row has its whole key; an empty queue of `reported` is a value: all queues."""
    if not keyless(table):
        return "true"
    return " AND ".join(f"{prefix}{quoted(name)} IS NOT NULL" for name in table.key)


def check(  # noqa: PLR0913 - what, by which rules, and how it is to lie
    con: duckdb.DuckDBPyConnection,
    batches: Iterable[pa.RecordBatch],
    table: Table,
    definition: Definition,
    folder: Path,
    *,
    number: int = 0,
    last_wins: str | None = None,
    digest: Mapping[str, str] | None = None,
    metadata: Mapping[str, str] | None = None,
    closed: Side | None = None,
) -> Checked:
    """Check rows of text and write what stands, and what does not, as Parquet into a folder.

    Memory does not grow with the rows but for the rows that share a key: the engine streams, and spills.

    :param batches: text columns named as the table's, and `_row`
    :param number: the import that these rows come with
    :param last_wins: several rows a key are states of one thing: the last by this column counts, the others collapse
    :param digest: column -> DuckDB expression over `{}` by which its values are replaced (see `digests`)
    :param metadata: what else the clean file is to say in its metadata
    :param closed: a side whose private rows these may not be: such a row is a reject
    """
    columns, tables = in_portions(batches)
    checking = _Checking(table, definition, [c for c in table.columns if c.name in columns], digest or {}, closed)
    clean, rejects = folder / "clean.parquet", folder / "rejects.parquet"
    staged = _staged(con, tables, checking.staged_sql(last_wins), folder)
    con.execute(f"CREATE OR REPLACE TEMP VIEW _staged AS SELECT * FROM {scan_sql(*staged)}")
    collapsed, superseded = _find_lost(con, table, [c.name for c in checking.present], last_wins)
    con.execute(f"COPY ({checking.rejects_sql()}) TO {literal(str(rejects))} (FORMAT parquet)")
    checking.write_clean(con, clean, number, metadata or {})
    counted = con.execute(
        f"SELECT coalesce(\"column\", ''), reason, count(*) FROM {scan_sql(rejects)} "
        "GROUP BY ALL ORDER BY 3 DESC, 1, 2",
    ).fetchall()
    off = con.execute(
        "SELECT count(_off), coalesce(sum(_off), 0) FROM _staged ANTI JOIN _lost USING (_row) WHERE _fault IS NULL"
    )
    off_rows, off_sum = off.fetchone() or (0, 0.0)
    rows_in = _one(con, "SELECT count(*) FROM _staged")
    con.execute("DROP VIEW _staged; DROP TABLE _lost")
    for part in staged:
        part.unlink()
    return Checked(
        clean=clean,
        rejects=rejects,
        rows_in=rows_in,
        rows=_one(con, f"SELECT count(*) FROM {scan_sql(clean)}"),
        rejected=sum(count for *_, count in counted),
        collapsed=collapsed,
        superseded=superseded,
        by_reason={(column, reason): count for column, reason, count in counted},
        columns=tuple(column.name for column in checking.present),
        off_amounts=(off_rows, float(off_sum)),
    )


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = con.execute(sql).fetchone()
    return int(found[0]) if found else 0


def in_portions(batches: Iterable[pa.RecordBatch]) -> tuple[set[str], Iterator[pa.Table]]:
    """The names of the columns, and the rows in tables of a bounded size."""
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        return set(), iter((pa.schema([(ROW, pa.int64())]).empty_table(),))

    def portions() -> Iterator[pa.Table]:
        held, rows = [first], first.num_rows
        for batch in rest:
            if rows + batch.num_rows > PORTION:
                yield pa.Table.from_batches(held)
                held, rows = [], 0
            held.append(batch)
            rows += batch.num_rows
        yield pa.Table.from_batches(held, first.schema)

    return set(first.schema.names), portions()


def _staged(con: duckdb.DuckDBPyConnection, tables: Iterator[pa.Table], sql: str, folder: Path) -> list[Path]:
    """Each table through the statement, into a file of its own.

    One stream over all rows would be simpler; but the engine reads streams ahead as fast as they flow, and would
    hold most of a large file in memory.
    """
    files = []
    for number, some in enumerate(tables):
        files.append(folder / f"staged-{number}.parquet")
        con.register("_incoming", some)
        try:
            con.execute(f"COPY ({sql}) TO {literal(str(files[-1]))} (FORMAT parquet, COMPRESSION lz4)")
        finally:
            con.unregister("_incoming")
    pa.default_memory_pool().release_unused()  # Arrow keeps what the rows took, which a sort may need now
    return files


class _Checking:
    """The SQL of one table's checks."""

    def __init__(
        self,
        table: Table,
        definition: Definition,
        present: list[Column],
        digest: Mapping[str, str],
        closed: Side | None,
    ) -> None:
        self.table = table
        self.closed = closed
        self.definition = definition
        self.present = present
        self.digest = digest
        self._codes: list[tuple[str, str]] = []  # (column, reason) by fault number - 1

    def staged_sql(self, last_wins: str | None) -> str:
        """One row for each row that came: values, the number of the first fault, the blamed text, the owner."""
        zone = self.definition.timezone
        names = {column.name for column in self.present}
        carried = [last_wins] if last_wins is not None and last_wins not in names else []
        texts = [f"nullif(trim({quoted(c.name)}, {_BLANK}), '') AS {_text(c.name)}" for c in self.present]
        texts += [f"{quoted(name)} AS {quoted('_last')}" for name in carried]
        raw = f"SELECT {ROW}{''.join(', ' + text for text in texts)} FROM _incoming"
        values = [
            f"{value_sql(column, _text(column.name), zone)} AS {quoted(column.name)}"
            if column.name in names
            else f"CAST({_default(column)} AS {sql_type(column)}) AS {quoted(column.name)}"
            for column in self.table.columns
        ]
        typed = f"SELECT *, {', '.join(values)} FROM ({raw})"
        arms, blamed = self._fault_arms(names)
        fault = f"CASE {' '.join(arms)} END" if arms else "NULL"
        judged = f"SELECT *, CAST({fault} AS SMALLINT) AS _fault FROM ({typed})"
        value = f"CASE {' '.join(blamed)} END" if blamed else "NULL"
        kept = ", ".join(self._stored(column) for column in self.table.columns)
        extra = ", _last" if carried else ""
        return (
            f"SELECT {ROW}, {kept}{extra}, _fault, CAST({value} AS VARCHAR) AS _value, "
            f"CAST({self._owner_sql(names)} AS VARCHAR) AS _owner, CAST({self._off_sql(names)} AS DOUBLE) AS _off "
            f"FROM ({judged})"
        )

    def _stored(self, column: Column) -> str:
        name = quoted(column.name)
        if column.name not in self.digest:
            return name
        return f"CASE WHEN {name} IS NOT NULL THEN {self.digest[column.name].format(name)} END AS {name}"

    def _fault_arms(self, names: set[str]) -> tuple[list[str], list[str]]:
        arms, blamed = [], []

        def add(column: str, fault: Fault) -> None:
            self._codes.append((column, fault.reason))
            code = len(self._codes)
            arms.append(f"WHEN {fault.condition} THEN {code}")
            if column in names:
                shown = f"left({_text(column)}, {SHOWN})"
                if column in self.digest:
                    shown = self.digest[column].format(_text(column))
                blamed.append(f"WHEN _fault = {code} THEN {shown}")

        for column in self.table.columns:
            text = _text(column.name) if column.name in names else "NULL"
            if column.name in names or column.required:
                for fault in faults(column, text, quoted(column.name), self.definition.timezone):
                    add(column.name, fault)
        for rule in self.table.rules:
            add(rule.column, Fault(rule.broken, rule.reason))
        if "currency" in names:
            other = f"currency <> {literal(self.definition.currency)}"
            add("currency", Fault(other, f"another currency than the book's {self.definition.currency}"))
        for column_name, fault in self._closed_faults():
            add(column_name, fault)
        return arms, blamed

    def _closed_faults(self) -> Iterator[tuple[str, Fault]]:
        """Rows that are the closed side's own."""
        private = None if self.closed is None else self.definition.private.get(self.closed)
        for row in () if private is None else private.rows:
            if row.table == self.table.name:
                kind = sql_type(self.table.by_name[row.column])
                same = f"coalesce({quoted(row.column)} = TRY_CAST({literal(row.value)} AS {kind}), false)"
                yield row.column, Fault(same, _CLOSED)

    def _owner_sql(self, names: set[str]) -> str:
        """The side to whom a row is private; one whose column cannot be read might be, and is kept with care."""
        sides = {}
        for side, private in self.definition.private.items():
            if side is self.closed:
                continue
            found = []
            for row in private.rows:
                if row.table != self.table.name:
                    continue
                column = self.table.by_name[row.column]
                found.append(
                    f"coalesce({quoted(row.column)} = TRY_CAST({literal(row.value)} AS {sql_type(column)}), false)"
                )
                if row.column in names:
                    known = (
                        f" OR {quoted(row.column)} NOT IN ({', '.join(map(literal, column.values))})"
                        if column.values
                        else ""
                    )
                    unread = f"{quoted(row.column)} IS NULL{known}"
                    found.append(f"({_text(row.column)} IS NOT NULL AND ({unread}))")
            if found:
                sides[side] = f"({' OR '.join(found)})"
        if not sides:
            return "NULL"
        both = [f"WHEN {' AND '.join(sides.values())} THEN {literal(NOBODY)}"] if len(sides) > 1 else []
        arms = both + [f"WHEN {condition} THEN {literal(side.value)}" for side, condition in sides.items()]
        return f"CASE {' '.join(arms)} END"

    def _off_sql(self, names: set[str]) -> str:
        """Amount less quantity times price, where that is beyond the rounding of the shown decimals.

        Each of the three may be off by half a unit of its last shown decimal; quantities and prices without
        any are taken as exact.
        """
        if not {"quantity", "unit_price", "amount"} <= names:
            return "NULL"

        def half(column: str, *, whole_is_exact: bool) -> str:
            shown = f"length(regexp_extract({_text(column)}, '[.](\\d+)$', 1))"
            exact = f"CASE WHEN {shown} = 0 THEN 0 ELSE 0.5 * pow(10, -{shown}) END"
            return exact if whole_is_exact else f"0.5 * pow(10, -{shown})"

        quantity, price, amount = (f"CAST({name} AS DOUBLE)" for name in ("quantity", "unit_price", "amount"))
        off = f"({amount} - {quantity} * {price})"
        room = (
            f"{half('amount', whole_is_exact=False)} + abs({price}) * {half('quantity', whole_is_exact=True)}"
            f" + abs({quantity}) * {half('unit_price', whole_is_exact=True)} + 1e-9 * abs({amount})"
        )
        return f"CASE WHEN _fault IS NULL AND abs({off}) > {room} THEN {off} END"

    def rejects_sql(self) -> str:
        """The rows that broke a rule, then those whose key was there already."""
        cells = ", ".join(f"({code}, {literal(c)}, {literal(r)})" for code, (c, r) in enumerate(self._codes, 1))
        owned = self._column_owner_sql()
        broken = (
            f'SELECT {ROW} AS row, f.c AS "column", _value AS value, f.r AS reason, _owner AS owner '
            f"FROM _staged JOIN (VALUES {cells}) f(code, c, r) ON _fault = f.code"
            if cells
            else "SELECT NULL::BIGINT AS row, '' AS \"column\", '' AS value, '' AS reason, '' AS owner WHERE false"
        )
        key = self.table.key
        shown = " || ' ' || ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), '')" for name in key)
        doubled = (
            f"SELECT {ROW}, {literal(', '.join(key))}, left({shown}, {SHOWN}), {literal(_OTHER_CONTENT)}, _owner "
            f"FROM _staged SEMI JOIN (FROM _lost WHERE NOT same) USING ({ROW})"
        )
        return f"SELECT *, CAST({owned} AS VARCHAR) AS column_owner FROM ({broken} UNION ALL {doubled}) ORDER BY row"

    def _column_owner_sql(self) -> str:
        arms = [
            f"WHEN {literal(column)} THEN {literal(side.value)}"
            for side, private in self.definition.private.items()
            for table, column in private.columns
            if table == self.table.name
        ]
        return f'CASE "column" {" ".join(arms)} END' if arms else "NULL"

    def write_clean(
        self,
        con: duckdb.DuckDBPyConnection,
        target: Path,
        number: int,
        metadata: Mapping[str, str],
    ) -> None:
        """The rows that stand, with local days, in the order in which they are laid down."""
        declared = [quoted(column.name) for column in self.table.columns]
        local = local_columns_sql(self.table, self.definition.timezone)
        order = ", ".join(quoted(name) for name in (*self.table.order, ROW))
        con.execute(
            f"COPY (SELECT {', '.join([*declared, *local])}, CAST({number} AS INTEGER) AS {IMPORT_COLUMN} "
            f"FROM _staged ANTI JOIN _lost USING ({ROW}) WHERE _fault IS NULL ORDER BY {order}) "
            f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, "
            f"{metadata_sql(self.definition.timezone, metadata)})",
        )


def _default(column: Column) -> str:
    return "NULL" if column.default is None else literal(column.default)


def _text(name: str) -> str:
    return quoted(f"text of {name}")


def _find_lost(
    con: duckdb.DuckDBPyConnection, table: Table, present: list[str], last_wins: str | None
) -> tuple[int, int]:
    """Set aside, in `_lost`, the rows whose key is there already; how many of them collapse into the one that counts.

    The second number is of those that are earlier states of it; the others say the same as another.

    Keys are counted by hash first: mostly none is there twice, and nothing else is then held in memory.
    """
    keys = ", ".join(quoted(name) for name in table.key)
    standing = f"_fault IS NULL AND {full_key_sql(table)}"
    con.execute(
        "CREATE OR REPLACE TEMP TABLE _twice AS "
        f"SELECT h FROM (SELECT hash({keys}) AS h FROM _staged WHERE {standing}) "
        "GROUP BY h HAVING count(*) > 1",
    )
    suspects = f"SELECT * FROM _staged WHERE {standing} AND hash({keys}) IN (FROM _twice)"
    columns = ", ".join(map(quoted, present)) or "1"
    content = f"(hash({columns}), hash('other', {columns}))" if present else "1"
    if last_wins is None:
        order, same = ROW, "first_value(c) OVER k = c"
    else:
        latest = "_last" if last_wins not in table.by_name or last_wins not in present else quoted(last_wins)
        order, same = f"{latest} DESC NULLS LAST, {ROW} DESC", "true"
    latest_column = ", _last" if last_wins is not None and last_wins not in present else ""
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _lost AS SELECT {ROW}, same FROM ("
        f"SELECT {ROW}, row_number() OVER k AS n, {same} AS same "
        f"FROM (SELECT {keys}, {ROW}{latest_column}, {content} AS c"
        f"{', ' + quoted(last_wins) if last_wins in present and last_wins not in table.key else ''} FROM ({suspects})) "
        f"WINDOW k AS (PARTITION BY {keys} ORDER BY {order})) WHERE n > 1",
    )
    superseded = 0
    if last_wins is not None:
        state = f"hash({keys}, {latest}, {content})"
        superseded = _one(con, f"SELECT count(DISTINCT {state}) - count(DISTINCT hash({keys})) FROM ({suspects})")
    con.execute("DROP TABLE _twice")
    return _one(con, "SELECT count(*) FROM _lost WHERE same"), superseded


def owner_of_columns(table: Table, definition: Definition) -> dict[str, Side]:
    """Which side keeps which columns of a table to itself."""
    return {
        column: side
        for side, private in definition.private.items()
        for name, column in private.columns
        if name == table.name
    }
