# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Every rule over every row, set by set: rows of text become typed rows, and rejects that say what was wrong with them.

A row is rejected for the first rule that it breaks. Nothing is dropped in silence: rows in = rows kept + rejects +
rows that say the same as another (`collapsed`).
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa

from comity.book.definition import Definition
from comity.book.formats.sheet import FIRST_STATE, LAST_STATE, ROW, UnusableSourceError
from comity.book.storage.duckdb import optimised_for
from comity.book.storage.parquet import IMPORT_COLUMN, local_columns_sql, metadata_sql, scan_sql, sql_type
from comity.book.storage.sql import full_key_sql, key_text_sql, literal, quoted
from comity.book.tables import BROUGHT_BY, STATED_BY, BareDay, Column, Table
from comity.book.validation.convert import (
    CellFault,
    bare_day_sql,
    cell_faults,
    cell_value_sql,
    is_midnight_sql,
    local_day_sql,
)
from comity.book.validation.interval_length import INTERVAL_TABLES, ShownLength, shown_length, spacing_of
from comity.book.validation.repeated_hour import find_second_hours
from comity.book.validation.totals import FoundTotals, set_totals_aside
from comity.core.values import Side

MAX_REJECTS = 0.05
LEFT_OUT = "_left"  # of a state: the row is left out by its mapping, and is no row of the book
_SHARES = {"service_level", "sla_attainment", "abandonment", "reopen", "repeat_contact"}  # never above all of them
SHOWN_LENGTH = 200  # characters of a rejected value that are kept
CHUNK_ROWS = 250_000  # rows that are checked at once
NOBODY = "nobody"  # owner of a row that both sides claim for themselves
_BLANK = literal(" \t\r\n\u00a0")
_SPEAKS_FOR_OTHER = "names the {}; only that side says so itself"
_ANSWERS_CLAIM = "the answer to a claim; claims are answered in the room and not by a file"
_RESERVED_ID = "an id that the room itself gives out; use another id"
ROOM_ID = "room-"  # how the ids of rows begin that the room itself writes
_OTHER_CONTENT = "the same key as a row further up, with other content; the first one counts"


@dataclass(frozen=True, slots=True)
class CheckedRows:
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
    totals: FoundTotals = field(default_factory=FoundTotals)
    minutes: str | None = None  # how long the intervals are, as their starts show it against what was assumed
    states: Path | None = None  # `_row`, key, first and last state of each row that has an update time, and LEFT_OUT
    earlier_states: int = 0  # of the superseded, those that are earlier than what the book holds
    overlapping: tuple[int, str] = (0, "")  # rows of a log of which an earlier part tells too, and what it counts
    left_out: Path | None = None  # the keys that the file has, and only in rows that the mapping leaves out
    off_amounts: tuple[int, float] = (0, 0.0)  # rows whose amount is not quantity times price, and by how much in sum
    midnights: Mapping[str, int] = field(default_factory=dict)  # columns of midnights alone, read as days -> rows


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """By which rules rows are checked, and how what stands is to lie.

    :ivar number: the import that the rows come with
    :ivar last_wins: several rows a key are states of one thing: the last by this column counts, the others collapse
    :ivar pseudonyms: column -> DuckDB expression over `{}` by which its values are replaced (see `pseudonyms`)
    :ivar delivered_by: the side of a room that delivers the rows: all of them are its own, and a row that speaks for
        the other side, or answers a claim, is a reject; None: at home, where files may say everything
    :ivar brought_by: who brought rows that do not say so themselves, at home
    :ivar with_rows: keep `_row` in the clean file
    :ivar midnights_are_days: what is due at a midnight in each row of a file is due on a day; software that stores a
        day as its first moment does not say so
    """

    table: Table
    definition: Definition
    number: int = 0
    last_wins: str | None = None
    pseudonyms: Mapping[str, str] = field(default_factory=dict)
    delivered_by: Side | None = None
    brought_by: str | None = None
    with_rows: bool = False
    file: str = ""
    fixed_minutes: bool = False  # a mapping of a person's own says it
    assumed_minutes: float | None = None  # the length of its intervals, where no column of the file says it
    sure: bool = False  # whoever wrote the mapping knows that rows only look like totals, or intervals overlap
    left_out: Sequence[pa.Table] = ()  # keys of rows that the mapping leaves out, as text; filled as the rows pass
    midnights_are_days: bool = False


def check_rows(
    con: duckdb.DuckDBPyConnection, batches: Iterable[pa.RecordBatch], request: CheckRequest, folder: Path
) -> CheckedRows:
    """Check rows of text and write what stands, and what does not, as Parquet into a folder.

    Memory does not grow with the rows but for the rows that share a key: the engine streams, and spills.

    :param batches: text columns named as the table's, and `_row`
    """
    table, last_wins = request.table, request.last_wins
    columns, tables = in_chunks(batches)
    present = [c for c in table.columns if c.name in columns]
    checking = _RuleSql(request, present, has_first=last_wins is not None and FIRST_STATE in columns)
    clean, rejects = folder / "clean.parquet", folder / "rejects.parquet"
    staged = _stage(con, tables, checking.staged_sql(), folder)
    con.execute(f"CREATE OR REPLACE TEMP VIEW _staged AS SELECT * FROM {scan_sql(*staged)}")
    totals = FoundTotals() if request.sure else set_totals_aside(con, table)
    minutes = _interval_length(con, request)
    if totals.left_out or minutes is not None:
        replaced = (
            f" REPLACE (CAST({minutes.sql} AS {sql_type(table.by_name['minutes'])}) AS minutes)" if minutes else ""
        )
        out = " WHERE _row NOT IN (SELECT _row FROM _totals)" if totals.left_out else ""
        con.execute(f"CREATE OR REPLACE TEMP VIEW _staged AS SELECT *{replaced} FROM {scan_sql(*staged)} _rows{out}")
    if find_second_hours(con, table, request.definition.timezone):
        one = staged[0].with_name("staged-seconds.parquet")
        second = (
            "SELECT s.* REPLACE (coalesce(r.start, s.start) AS start) FROM _staged s LEFT JOIN _second r USING (_row)"
        )
        con.execute(f"COPY ({second}) TO {literal(str(one))} (FORMAT parquet, COMPRESSION lz4)")
        con.execute(f"CREATE OR REPLACE TEMP VIEW _staged AS SELECT * FROM {scan_sql(one)}")
        staged.append(one)
    borne = [c.name for c in checking.present if request.delivered_by is None or c is not BROUGHT_BY]
    collapsed, superseded = _find_duplicates(con, table, borne, last_wins)
    superseded += _drop_left_out(con, checking, last_wins) if request.left_out else 0
    con.execute(f"COPY ({checking.rejects_sql()}) TO {literal(str(rejects))} (FORMAT parquet)")
    midnights = checking.find_midnights(con)
    checking.write_clean(con, clean, midnights)
    counted = con.execute(
        f"SELECT coalesce(\"column\", ''), reason, count(*) FROM {scan_sql(rejects)} "
        "GROUP BY ALL ORDER BY 3 DESC, 1, 2",
    ).fetchall()
    off = con.execute(
        "SELECT count(_off), coalesce(sum(_off), 0) FROM _staged ANTI JOIN _lost USING (_row) WHERE _fault IS NULL"
    )
    off_rows, off_sum = off.fetchone() or (0, 0.0)
    rows_in = _count(con, "SELECT count(*) FROM _staged")
    gone = _write_left_out(con, table, clean, folder, last_wins) if request.left_out else None
    states = _write_states(con, table, (clean, gone), folder, columns) if last_wins == LAST_STATE else None
    con.execute("DROP VIEW _staged; DROP TABLE _lost")
    for part in staged:
        part.unlink()
    return CheckedRows(
        clean=clean,
        rejects=rejects,
        rows_in=rows_in,
        rows=_count(con, f"SELECT count(*) FROM {scan_sql(clean)}"),
        rejected=sum(count for *_, count in counted),
        collapsed=collapsed,
        superseded=superseded,
        by_reason={(column, reason): count for column, reason, count in counted},
        columns=tuple(borne),
        states=states,
        left_out=gone,
        totals=totals,
        minutes=minutes.spoken if minutes is not None else None,
        off_amounts=(off_rows, float(off_sum)),
        midnights=midnights,
    )


def _interval_length(con: duckdb.DuckDBPyConnection, request: CheckRequest) -> ShownLength | None:
    """The length of intervals by their starts, where it is another than the one assumed.

    :raises UnusableSourceError: where the mapping's own constant makes intervals overlap
    """
    if request.table.name not in INTERVAL_TABLES or request.assumed_minutes is None or request.sure:
        return None
    if not request.fixed_minutes:
        return shown_length(con, request.assumed_minutes, request.definition.timezone)
    spacing = spacing_of(con)
    if spacing is not None and spacing.overlaps(request.assumed_minutes):
        msg = (
            f"its rows start {spacing.minutes} minutes apart, and the mapping says that each lasts "
            f"{request.assumed_minutes:g}; write minutes = {{ value = {spacing.minutes} }}, "
            "or sure = true if they do overlap"
        )
        raise UnusableSourceError(msg, file=request.file)
    return None


def _drop_left_out(con: duckdb.DuckDBPyConnection, checking: "_RuleSql", last_wins: str | None) -> int:
    """The keys of rows that are left out, as `_gone`; taken rows that are earlier states of them are lost.

    :returns: how many were lost
    """
    table, request = checking.table, checking.request
    con.register("_left", pa.concat_tables(request.left_out))
    keyed = typed_key_sql(table, checking.definition.timezone, request.pseudonyms)
    typed = [f"{value} AS {quoted(name)}" for name, value in keyed.items()]
    latest = "max(_last)" if last_wins is not None else "NULL::VARCHAR"
    keys = ", ".join(map(quoted, table.key))
    con.execute(
        f"CREATE OR REPLACE TEMP TABLE _gone AS SELECT {keys}, {latest} AS _last FROM "
        f"(SELECT {', '.join(typed)}{', _last' if last_wins is not None else ''} FROM _left) "
        f"WHERE {full_key_sql(table)} GROUP BY {keys}"
    )
    con.unregister("_left")
    if last_wins is None:
        return 0
    same = " AND ".join(f"s.{quoted(name)} = g.{quoted(name)}" for name in table.key)
    sql = (
        f"SELECT s.{ROW}, true FROM _staged s JOIN _gone g ON {same} "
        f"WHERE s._fault IS NULL AND s._last < g._last AND s.{ROW} NOT IN (SELECT {ROW} FROM _lost)"
    )
    lost = _count(con, f"SELECT count(*) FROM ({sql})")
    con.execute(f"INSERT INTO _lost {sql}")
    return lost


def typed_key_sql(table: Table, timezone: str, pseudonyms: Mapping[str, str]) -> dict[str, str]:
    """Each column of the key of a row that is still text, as the table holds it."""
    typed = {}
    for name in table.key:
        value = cell_value_sql(replace(table.by_name[name], default=None), quoted(name), timezone)
        if name in pseudonyms:
            value = f"CASE WHEN {value} IS NOT NULL THEN {pseudonyms[name].format(value)} END"
        typed[name] = value
    return typed


def _write_left_out(
    con: duckdb.DuckDBPyConnection, table: Table, clean: Path, folder: Path, last_wins: str | None
) -> Path:
    """Write the keys that the file has in no row that is taken."""
    file = folder / "left-out.parquet"
    same = " AND ".join(f"g.{quoted(name)} = c.{quoted(name)}" for name in table.key)
    chosen = [f"g.{quoted(name)}" for name in table.key]
    keys = ", ".join([*chosen, *([f"g._last AS {LAST_STATE}"] if last_wins is not None else [])])
    kept = f"SELECT {keys} FROM _gone g ANTI JOIN {scan_sql(clean)} c ON {same}"
    con.execute(f"COPY ({kept}) TO {literal(str(file))} (FORMAT parquet)")
    con.execute("DROP TABLE _gone")
    return file


def _write_states(
    con: duckdb.DuckDBPyConnection, table: Table, files: tuple[Path, Path | None], folder: Path, columns: set[str]
) -> Path:
    """Write the update times of the rows that stand, and of those that are left out.

    :param files: the rows that stand, and the keys that are left out
    """
    clean, left_out = files
    target = folder / "states.parquet"
    keys = ", ".join(map(quoted, table.key))
    first = FIRST_STATE if FIRST_STATE in columns else LAST_STATE
    rows = (
        f"SELECT {ROW}, {keys}, {first} AS {FIRST_STATE}, {LAST_STATE}, false AS {LEFT_OUT} FROM _staged "
        f"WHERE {ROW} IN (SELECT {ROW} FROM {scan_sql(clean)}) AND {full_key_sql(table)}"
    )
    if left_out is not None:
        gone = f"SELECT NULL, {keys}, {LAST_STATE}, {LAST_STATE}, true FROM {scan_sql(left_out)}"
        rows = f"{rows} UNION ALL {gone}"
    con.execute(f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)")
    return target


def _count(con: duckdb.DuckDBPyConnection, sql: str) -> int:
    found = con.execute(sql).fetchone()
    return int(found[0]) if found else 0


def in_chunks(batches: Iterable[pa.RecordBatch]) -> tuple[set[str], Iterator[pa.Table]]:
    """The names of the columns, and the rows in tables of a bounded size."""
    rest = iter(batches)
    first = next(rest, None)
    if first is None:
        return set(), iter((pa.schema([(ROW, pa.int64())]).empty_table(),))

    def portions() -> Iterator[pa.Table]:
        held, rows = [first], first.num_rows
        for batch in rest:
            if rows + batch.num_rows > CHUNK_ROWS:
                yield pa.Table.from_batches(held)
                held, rows = [], 0
            held.append(batch)
            rows += batch.num_rows
        yield pa.Table.from_batches(held, first.schema)

    return set(first.schema.names), portions()


def _stage(con: duckdb.DuckDBPyConnection, tables: Iterator[pa.Table], sql: str, folder: Path) -> list[Path]:
    """Each table through the statement, into a file of its own.

    One stream over all rows would be simpler; but the engine reads streams ahead as fast as they flow, and would
    hold most of a large file in memory.
    """
    files = []
    for number, some in enumerate(tables):
        files.append(folder / f"staged-{number}.parquet")
        con.register("_incoming", some)
        try:
            with optimised_for(con, some.num_rows):
                con.execute(f"COPY ({sql}) TO {literal(str(files[-1]))} (FORMAT parquet, COMPRESSION lz4)")
        finally:
            con.unregister("_incoming")
    pa.default_memory_pool().release_unused()  # Arrow keeps what the rows took, which a sort may need now
    return files


class _RuleSql:
    """The SQL of one table's checks."""

    def __init__(self, request: CheckRequest, present: list[Column], *, has_first: bool) -> None:
        self.request, self.has_first = request, has_first
        self.table, self.definition = request.table, request.definition
        self.delivered_by, self.brought_by = request.delivered_by, request.brought_by
        self.pseudonyms = request.pseudonyms
        self.present = present
        self._codes: list[tuple[str, str]] = []  # (column, reason) by fault number - 1

    def staged_sql(self) -> str:
        """One row for each row that came: values, the number of the first fault, the blamed text, the owner."""
        zone, last_wins = self.definition.timezone, self.request.last_wins
        names = {column.name for column in self.present}
        carried = [last_wins] if last_wins is not None and last_wins not in names else []
        carried += [FIRST_STATE] if self.has_first else []
        texts = [f"nullif(trim({quoted(c.name)}, {_BLANK}), '') AS {_text_column(c.name)}" for c in self.present]
        texts += [f"{quoted(name)} AS {quoted('_last' if name == last_wins else name)}" for name in carried]
        raw = f"SELECT {ROW}{''.join(', ' + text for text in texts)} FROM _incoming"
        values = [f"{self._value_sql(column, names, zone)} AS {quoted(column.name)}" for column in self.table.columns]
        typed = f"SELECT *, {', '.join(values)} FROM ({raw})"
        arms, blamed = self._fault_arms(names)
        fault = f"CASE {' '.join(arms)} END" if arms else "NULL"
        judged = f"SELECT *, CAST({fault} AS SMALLINT) AS _fault FROM ({typed})"
        value = f"CASE {' '.join(blamed)} END" if blamed else "NULL"
        kept = ", ".join(self._stored(column) for column in self.table.columns)
        extra = "".join(", _last" if name == last_wins else f", {name}" for name in carried)
        return (
            f"SELECT {ROW}, {kept}{extra}, _fault, CAST({value} AS VARCHAR) AS _value, "
            f"CAST({self._owner_sql(names)} AS VARCHAR) AS _owner, CAST({self._off_sql(names)} AS DOUBLE) AS _off "
            f"FROM ({judged})"
        )

    def _value_sql(self, column: Column, names: set[str], zone: str) -> str:
        by = self.delivered_by
        if column is BROUGHT_BY and by is not None:
            return literal(by.value)
        default = self.brought_by if column is BROUGHT_BY and self.brought_by is not None else column.default
        if column.name not in names:
            return f"CAST({'NULL' if default is None else literal(default)} AS {sql_type(column)})"
        value = cell_value_sql(replace(column, default=default), _text_column(column.name), zone)
        precision = next((one for one in self.table.columns if one.precision_of == column.name), None)
        if precision is not None and precision.name in names:
            on_day = bare_day_sql(column.bare_day, local_day_sql(f"({value})", zone), zone)
            value = f"CASE WHEN {_text_column(precision.name)} = 'day' THEN {on_day} ELSE {value} END"
        if by is not None and column.name in STATED_BY and column.name in self.table.key:
            return f"coalesce({value}, {literal(by.value)})"  # rows are met by it; other columns: see `importing.merge`
        return value

    def _stored(self, column: Column) -> str:
        name = quoted(column.name)
        if column.name not in self.pseudonyms:
            return name
        return f"CASE WHEN {name} IS NOT NULL THEN {self.pseudonyms[column.name].format(name)} END AS {name}"

    def _fault_arms(self, names: set[str]) -> tuple[list[str], list[str]]:
        arms, blamed = [], []

        def add(column: str, fault: CellFault) -> None:
            self._codes.append((column, fault.reason))
            code = len(self._codes)
            arms.append(f"WHEN {fault.condition} THEN {code}")
            if column in names:
                shown = f"left({_text_column(column)}, {SHOWN_LENGTH})"
                if column in self.pseudonyms:
                    shown = self.pseudonyms[column].format(_text_column(column))
                blamed.append(f"WHEN _fault = {code} THEN {shown}")

        for column in self.table.columns:
            text = _text_column(column.name) if column.name in names else "NULL"
            optional = self.delivered_by is not None and column.name in STATED_BY
            if column.name in names or (column.required and not optional):
                asked = replace(column, required=False) if optional else column
                for fault in cell_faults(asked, text, quoted(column.name), self.definition.timezone):
                    add(column.name, fault)
        for rule in self.table.rules:
            add(rule.column, CellFault(rule.broken, rule.reason))
        if "currency" in names:
            other = f"currency <> {literal(self.definition.currency)}"
            add("currency", CellFault(other, f"another currency than the book's {self.definition.currency}"))
        for column_name, fault in (*self._beyond_shares(), *self._spoken_for(names)):
            add(column_name, fault)
        return arms, blamed

    def _beyond_shares(self) -> Iterator[tuple[str, CellFault]]:
        """Figures that a side reported as 85.3 where a share is meant."""
        ids = [kpi.id for kpi in self.definition.kpis if kpi.measure in _SHARES]
        if self.table.name == "reported" and ids:
            beyond = f"kpi IN ({', '.join(map(literal, ids))}) AND value > 1"
            yield "value", CellFault(beyond, "a share is 0 to 1: write 0.853, or 85.3 % with its sign")

    def _spoken_for(self, names: set[str]) -> Iterator[tuple[str, CellFault]]:
        """Cells by which a side would speak for the other, answer its own claim, or pose as the room."""
        by = self.delivered_by
        if by is None:
            return
        other = by.other.value
        for column in self.table.columns:
            if column.name not in names:
                continue
            text = _text_column(column.name)
            if column.name in STATED_BY or column is BROUGHT_BY:
                yield column.name, CellFault(f"{text} = {literal(other)}", _SPEAKS_FOR_OTHER.format(other))
            elif column.name == "confirmed_by":
                yield column.name, CellFault(f"{text} IN ({literal(other)}, 'both')", _SPEAKS_FOR_OTHER.format(other))
            elif self.table.name == "events" and column.name in {"state", "answered_by", "answered_at"}:
                yield column.name, CellFault(f"{text} IS NOT NULL AND {text} <> 'claimed'", _ANSWERS_CLAIM)
            elif column.name == "event_id":
                yield column.name, CellFault(f"starts_with({text}, {literal(ROOM_ID)})", _RESERVED_ID)

    def _owner_sql(self, names: set[str]) -> str:
        """The side to whom a row is private; one whose column cannot be read might be, and is kept with care."""
        sides = {}
        for side, private in self.definition.private.items():
            if self.delivered_by is not None and side is not self.delivered_by:
                continue
            conditions = []
            for row in private.rows:
                if row.table != self.table.name:
                    continue
                column = self.table.by_name[row.column]
                conditions.append(
                    f"coalesce({quoted(row.column)} = TRY_CAST({literal(row.value)} AS {sql_type(column)}), false)"
                )
                if row.column in names:
                    known = (
                        f" OR {quoted(row.column)} NOT IN ({', '.join(map(literal, column.values))})"
                        if column.values
                        else ""
                    )
                    unread = f"{quoted(row.column)} IS NULL{known}"
                    conditions.append(f"({_text_column(row.column)} IS NOT NULL AND ({unread}))")
            if conditions:
                sides[side] = f"({' OR '.join(conditions)})"
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
            shown = f"length(regexp_extract({_text_column(column)}, '[.](\\d+)$', 1))"
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
        """The rows that broke a rule, then those whose key was there already; in a room with the key of each."""
        key = key_text_sql(self.table) if self.delivered_by is not None else ""
        keyed, no_key = (f", {key} AS key", ", '' AS key") if key else ("", "")
        cells = ", ".join(f"({code}, {literal(c)}, {literal(r)})" for code, (c, r) in enumerate(self._codes, 1))
        owned = self._column_owner_sql()
        broken = (
            f'SELECT {ROW} AS row, f.c AS "column", _value AS value, f.r AS reason, _owner AS owner{keyed} '
            f"FROM _staged JOIN (VALUES {cells}) f(code, c, r) ON _fault = f.code"
            if cells
            else f"SELECT NULL::BIGINT AS row, '' AS \"column\", '' AS value, '' AS reason, '' AS owner{no_key} "
            "WHERE false"
        )
        shown = " || ' ' || ".join(f"coalesce(CAST({quoted(name)} AS VARCHAR), '')" for name in self.table.key)
        doubled = (
            f"SELECT {ROW}, {literal(', '.join(self.table.key))}, left({shown}, {SHOWN_LENGTH}), "
            f"{literal(_OTHER_CONTENT)}, _owner{keyed} FROM _staged SEMI JOIN (FROM _lost WHERE NOT same) USING ({ROW})"
        )
        return f"SELECT *, CAST({owned} AS VARCHAR) AS column_owner FROM ({broken} UNION ALL {doubled}) ORDER BY row"

    def _column_owner_sql(self) -> str:
        if self.delivered_by is not None:
            return "NULL"  # the list is the delivering side's alone
        arms = [
            f"WHEN {literal(column)} THEN {literal(side.value)}"
            for side, private in self.definition.private.items()
            for table, column in private.columns
            if table == self.table.name
        ]
        return f'CASE "column" {" ".join(arms)} END' if arms else "NULL"

    def find_midnights(self, con: duckdb.DuckDBPyConnection) -> dict[str, int]:
        """The columns of due times in which every one is a midnight, or the end of a day, and how many they are."""
        zone, midnights = self.definition.timezone, {}
        for column in self.present if self.request.midnights_are_days else ():
            if column.bare_day is not BareDay.LAST:
                continue
            name = quoted(column.name)
            ends = f"{name} = {bare_day_sql(BareDay.LAST, local_day_sql(name, zone), zone)}"
            sql = (
                f"SELECT count({name}), count(*) FILTER ({ends}), count(*) FILTER ({is_midnight_sql(name, zone)}) "
                "FROM _staged WHERE _fault IS NULL"
            )
            due, days, starts = con.execute(sql).fetchone() or (0, 0, 0)
            if starts and due == days + starts:
                midnights[column.name] = int(starts)
        return midnights

    def write_clean(self, con: duckdb.DuckDBPyConnection, target: Path, midnights: Collection[str]) -> None:
        """Write the rows that stand, with local days, in the order in which they are laid down.

        :param midnights: columns whose moments are days, due until their end
        """
        zone = self.definition.timezone
        extra = f", {ROW}" if self.request.with_rows else ""
        ends = {name: bare_day_sql(BareDay.LAST, local_day_sql(quoted(name), zone), zone) for name in midnights}
        rows = "_staged"
        if ends:
            replaced = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in ends.items())
            rows = f"(SELECT * REPLACE ({replaced}) FROM _staged)"
        declared = [self._declared_sql(column) for column in self.table.columns]
        local = local_columns_sql(self.table, self.definition.timezone)
        order = ", ".join(quoted(name) for name in (*self.table.order, ROW))
        con.execute(
            f"COPY (SELECT {', '.join([*declared, *local])}, "
            f"CAST({self.request.number} AS INTEGER) AS {IMPORT_COLUMN}{extra} "
            f"FROM {rows} ANTI JOIN _lost USING ({ROW}) WHERE _fault IS NULL ORDER BY {order}) "
            f"TO {literal(str(target))} (FORMAT parquet, COMPRESSION zstd, "
            f"{metadata_sql(self.definition.timezone)})",
        )

    def _declared_sql(self, column: Column) -> str:
        """A column as it is laid down; where a precision is not given, the instant itself tells it."""
        name = quoted(column.name)
        if column.precision_of is None:
            return name
        instant, zone = quoted(column.precision_of), self.definition.timezone
        ends = f"{instant} = {bare_day_sql(BareDay.LAST, local_day_sql(instant, zone), zone)}"
        return f"CASE WHEN {ends} THEN 'day' WHEN {instant} IS NOT NULL THEN coalesce({name}, 'minute') END AS {name}"


def _text_column(name: str) -> str:
    return quoted(f"text of {name}")


def _find_duplicates(
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
        superseded = _count(con, f"SELECT count(DISTINCT {state}) - count(DISTINCT hash({keys})) FROM ({suspects})")
    con.execute("DROP TABLE _twice")
    return _count(con, "SELECT count(*) FROM _lost WHERE same"), superseded
