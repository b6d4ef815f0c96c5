# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Which state of each thing a side's imports have told of, so that their order does not matter.

A source that says when a row was last changed tells of states: the latest counts, whichever file brings it, and in
whatever order the files come. Each import keeps, beside the table and for its own side alone, the key and the update
time of each row that it took or left out. The next one leaves aside what is earlier than what the side has said
already, column by column, since two exports may bear different columns of the same rows.

A log is no state but a part of a history. Of each column it says how rows are put together (`over`), and two parts of
one log are put together in the same way as the rows of one part.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from comity.book.definition import Definition
from comity.book.formats.sheet import FIRST_STATE, LAST_STATE, ROW
from comity.book.importing.merge import OWNER_COLUMN, own_column, own_columns
from comity.book.reading.visibility import exempt_sql
from comity.book.storage.journal import ImportRecord
from comity.book.storage.layout import HIDDEN_FOLDER, owner_folder
from comity.book.storage.parquet import local_columns_sql, metadata_sql, scan_sql
from comity.book.storage.sql import full_key_sql, literal, quoted
from comity.book.tables import Table
from comity.book.validation.check import LEFT_OUT, CheckedRows
from comity.core.values import Side

STATES_FOLDER = "states"
_TELLS_OF = "comity.columns"  # in the metadata of such a file: the columns that the import bore


@dataclass(frozen=True, slots=True)
class Incoming:
    """A checked delivery beside what the table holds.

    :ivar held: the query of what the table holds; None where it holds nothing
    :ivar earlier: the imports that the table remembers
    :ivar over: of a log: column -> how its rows are put together
    :ivar siblings: the numbers of those by the same mapping
    """

    book: Path
    definition: Definition
    table: Table
    checked: CheckedRows
    delivery: ImportRecord
    by: Side | None
    held: str | None
    earlier: Sequence[ImportRecord]
    over: Mapping[str, str] | None = None
    siblings: Collection[int] = ()


def states_file(book: Path, table: str, number: int) -> Path | None:
    """The states that an import told of; None where its rows bore no update time."""
    names = (owner_folder(book, owner) / HIDDEN_FOLDER / STATES_FOLDER for owner in (None, *Side))
    return next((file for folder in names if (file := folder / f"{table}-{number}.parquet").is_file()), None)


def states_metadata(file: Path) -> dict[str, str]:
    """What such a file says of itself: the columns that its import bore."""
    metadata = pq.read_schema(file).metadata or {}
    return {_TELLS_OF: metadata.get(_TELLS_OF.encode(), b"[]").decode()}


def write_states(con: duckdb.DuckDBPyConnection, checked: CheckedRows, table: Table, zone: str, target: Path) -> None:
    """Write what a checked delivery tells of, for the later ones of its side.

    :param checked: with states
    :param zone: of the book
    """
    keys = ", ".join(map(quoted, table.key))
    rows = (
        f"SELECT {keys}, {FIRST_STATE}, {LAST_STATE}, {LEFT_OUT} FROM {scan_sql(checked.states or Path())} "
        f"WHERE {LEFT_OUT} OR {ROW} IN (SELECT {ROW} FROM {scan_sql(checked.clean)})"
    )
    told = {_TELLS_OF: json.dumps(list(checked.columns))}
    form = f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(zone, told)})"
    con.execute(f"COPY ({rows} ORDER BY {keys}) TO {literal(str(target))} {form}")


def keep_later_states(con: duckdb.DuckDBPyConnection, incoming: Incoming, work: Path) -> CheckedRows:
    """Leave aside what a delivery says of states that are earlier than those its side has told of already.

    :returns: the checked rows without them: they count among those that are superseded
    """
    if incoming.checked.states is None:
        return incoming.checked
    merging = _Merging(con, incoming)
    if not merging.files:
        return incoming.checked
    return merging.parts_of_a_log(work) if incoming.over is not None else merging.states(work)


class _Merging:
    """The statements that hold one delivery against the states that came before it."""

    def __init__(self, con: duckdb.DuckDBPyConnection, incoming: Incoming) -> None:
        self.con, self.incoming = con, incoming
        self.table, self.checked = incoming.table, incoming.checked
        self.files: list[tuple[ImportRecord, Path, frozenset[str]]] = []
        for record in incoming.earlier:
            file = states_file(incoming.book, self.table.name, record.number)
            if record.side == incoming.delivery.side and file is not None:
                columns = frozenset(json.loads(states_metadata(file)[_TELLS_OF]))
                self.files.append((record, file, columns))
        self.keys = ", ".join(map(quoted, self.table.key))
        self.rows = [name for name in self.checked.columns if name not in self.table.key]

    def states(self, work: Path) -> CheckedRows:
        """Rows of which one is one state."""
        same_mapping = [file for record, file, _ in self.files if record.number in self.incoming.siblings]
        sets = list(dict.fromkeys(columns for *_, columns in self.files))
        states = scan_sql(self.checked.states or Path())
        joins, latest = [], []
        for number, columns in enumerate(sets):
            files = [file for _, file, those in self.files if those == columns]
            joins.append(self._latest(files, f"NOT {LEFT_OUT}", f"g{number}"))
            latest.append(f"coalesce(g{number}.at > s.{LAST_STATE}, false) AS later_{number}")
        gone = "false"
        if same_mapping:
            joins.append(self._latest(same_mapping, LEFT_OUT, "gone"))
            gone = f"coalesce(gone.at > s.{LAST_STATE}, false)"
            joins.append(self._latest(same_mapping, f"NOT {LEFT_OUT}", "taken"))
        back = f"coalesce(taken.at > s.{LAST_STATE}, false)" if same_mapping else "false"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE _later AS SELECT s.*, {', '.join(latest)}, {gone} AS gone, {back} AS back "
            f"FROM {states} s {' '.join(joins)} WHERE s.{LAST_STATE} <> ''"
        )
        later = {
            name: " OR ".join(f"later_{number}" for number, columns in enumerate(sets) if name in columns) or "false"
            for name in self.rows
        }
        stale = f"NOT {LEFT_OUT} AND (gone OR ({' AND '.join(f'({one})' for one in later.values()) or 'true'}))"
        superseded = self._count(f"SELECT count(*) FROM _later WHERE {stale}")
        partly = self._count(
            f"SELECT count(*) FROM _later WHERE NOT {LEFT_OUT} AND NOT ({stale}) "
            f"AND ({' OR '.join(f'({one})' for one in later.values()) or 'false'})"
        )
        if superseded or partly:
            replaced = self._with_held(later) if partly else f"SELECT c.* FROM {scan_sql(self.checked.clean)} c"
            self._rewrite(f"{replaced} WHERE c.{ROW} NOT IN (SELECT {ROW} FROM _later WHERE {stale})", work)
        left_out = self._without_back(work)
        self.con.execute("DROP TABLE _later")
        return replace(
            self.checked,
            rows=self.checked.rows - superseded,
            collapsed=self.checked.collapsed + superseded,
            superseded=self.checked.superseded + superseded,
            earlier_states=superseded,
            left_out=left_out,
        )

    def parts_of_a_log(self, work: Path) -> CheckedRows:
        """Rows each of which is made of a part of a log: what earlier parts made of it is put together with it."""
        over = self.incoming.over or {}
        files = [file for record, file, _ in self.files if record.number in self.incoming.siblings]
        if not files or self.incoming.held is None:
            return self.checked
        same = self._same("k", "s")
        apart = f"k.{LAST_STATE} < s.{FIRST_STATE} OR k.{FIRST_STATE} > s.{LAST_STATE}"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE _later AS SELECT s.{ROW}, s.{FIRST_STATE}, s.{LAST_STATE}, "
            f"min(k.{FIRST_STATE}) AS first, max(k.{LAST_STATE}) AS last, bool_and({apart}) AS apart "
            f"FROM {scan_sql(self.checked.states or Path())} s JOIN {scan_sql(*files)} k ON {same} "
            f"WHERE s.{LAST_STATE} <> '' AND k.{LAST_STATE} <> '' GROUP BY ALL"
        )
        takes = {}
        for name in self.rows:
            held, delivered = self._held(name), f"c.{quoted(name)}"
            how = over.get(name, "last")
            if how == "count":
                both = f"CASE WHEN l.apart THEN {held} + {delivered} ELSE greatest({held}, {delivered}) END"
            elif how in {"min", "max"}:
                both = f"{'least' if how == 'min' else 'greatest'}({held}, {delivered})"
            elif how == "first":
                both = f"CASE WHEN l.first < l.{FIRST_STATE} THEN {held} ELSE {delivered} END"
            else:
                both = f"CASE WHEN l.last > l.{LAST_STATE} THEN {held} ELSE {delivered} END"
            whole = f"coalesce({both}, {delivered}, {held})"  # a part that says nothing of a column changes nothing
            takes[name] = f"CASE WHEN l.{ROW} IS NOT NULL AND h._there THEN {whole} ELSE {delivered} END"
        self._rewrite(self._joined(takes), work)
        counts = [name for name in self.rows if over.get(name) == "count"]
        overlapping = self._count("SELECT count(*) FROM _later WHERE NOT apart") if counts else 0
        self.con.execute("DROP TABLE _later")
        return replace(self.checked, overlapping=(overlapping, ", ".join(counts)))

    def _with_held(self, later: Mapping[str, str]) -> str:
        """The delivered rows, with what is held wherever a column has a later value."""
        return self._joined(
            {
                name: f"CASE WHEN h._there AND coalesce({condition}, false) "
                f"THEN {self._held(name)} ELSE c.{quoted(name)} END"
                for name, condition in later.items()
                if condition != "false"
            }
        )

    def _joined(self, takes: Mapping[str, str]) -> str:
        replaced = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in takes.items())
        chosen = f"c.* REPLACE ({replaced})" if replaced else "c.*"
        held = self.incoming.held or f"SELECT NULL AS {OWNER_COLUMN} WHERE false"
        by = self.incoming.by
        theirs = "false" if by is None else f"{OWNER_COLUMN} = {literal(by.other.value)}"
        first = literal("" if by is None else by.value)
        one = (
            f"SELECT *, true AS _there FROM ({held}) WHERE NOT ({theirs}) AND {full_key_sql(self.table)} "
            f"QUALIFY row_number() OVER (PARTITION BY {self.keys} ORDER BY {OWNER_COLUMN} <> {first}) = 1"
        )
        return (
            f"SELECT {chosen} FROM {scan_sql(self.checked.clean)} c LEFT JOIN _later l ON l.{ROW} = c.{ROW} "
            f"LEFT JOIN ({one}) h ON {self._same('h', 'c')}"
        )

    def _held(self, name: str) -> str:
        """What is held of a column, as the delivering side sees it."""
        owner = own_columns(self.table, self.incoming.definition).get(name)
        shared = f"h.{quoted(name)}"
        if owner is None or owner is not (self.incoming.by or owner):
            return shared
        own = f"h.{quoted(own_column(name))}"
        return f"CASE WHEN {exempt_sql(owner, 'h.')} THEN {shared} ELSE {own} END" if self.incoming.by is None else own

    def _without_back(self, work: Path) -> Path | None:
        """The keys that are left out, but for those of which a later state was taken."""
        if self.checked.left_out is None:
            return None
        target = work / "left-out-later.parquet"
        back = f"SELECT {self.keys} FROM _later WHERE {LEFT_OUT} AND back"
        rows = f"SELECT * FROM {scan_sql(self.checked.left_out)} x ANTI JOIN ({back}) b ON {self._same('b', 'x')}"
        self.con.execute(f"COPY ({rows}) TO {literal(str(target))} (FORMAT parquet)")
        return target

    def _latest(self, files: Sequence[Path], which: str, name: str) -> str:
        """A join to the latest state of each key that files tell of."""
        states = scan_sql(self.checked.states or Path())
        known = f"SELECT * FROM {scan_sql(*files)} k SEMI JOIN {states} s ON {self._same('k', 's')}"
        latest = f"SELECT {self.keys}, max({LAST_STATE}) AS at FROM ({known}) WHERE {which} GROUP BY {self.keys}"
        return f"LEFT JOIN ({latest}) {name} ON {self._same(name, 's')}"

    def _same(self, left: str, right: str) -> str:
        return " AND ".join(f"{left}.{quoted(name)} = {right}.{quoted(name)}" for name in self.table.key)

    def _count(self, sql: str) -> int:
        found = self.con.execute(sql).fetchone()
        return int(found[0]) if found else 0

    def _rewrite(self, sql: str, work: Path) -> None:
        """Put other rows in the place of the clean ones, in their order."""
        ready = work / "clean-later.parquet"
        order = ", ".join(f"{quoted(name)}" for name in (*self.table.order, ROW))
        zone = self.incoming.definition.timezone
        local = local_columns_sql(self.table, zone)
        chosen = f"* REPLACE ({', '.join(local)})" if local else "*"
        self.con.execute(
            f"COPY (SELECT {chosen} FROM ({sql}) ORDER BY {order}) TO {literal(str(ready))} "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(zone)})"
        )
        ready.replace(self.checked.clean)
