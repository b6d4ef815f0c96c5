# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Merge a delivery into what a table holds: which rows are new, unchanged, changed, withdrawn or proposed.

Only columns that the delivery bears are compared and changed: another source's columns of the same row stay.

In a room a delivery belongs to a side. It changes and withdraws rows that this side brought, and no others: a change
of a row that somebody else brought is written down as a *proposal*, and the row stays as it is.

Held rows come with more than the table's columns (`HELD` names them): whose they are, and, for each column that a
side keeps to itself, that side's own value beside the shared one. So a side's value can be set on the other side's row
without touching the row.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from comity.book.definition import Definition
from comity.book.formats.sheet import ROW
from comity.book.reading.visibility import (
    exempt_sql,
    private_row_sql,
    private_rule_sql,
    stored_columns,
    with_local_columns,
)
from comity.book.storage.parquet import IMPORT_COLUMN, scan_sql
from comity.book.storage.sql import full_key_sql, literal, quoted
from comity.book.tables import STATED_BY, Kind, Rule, Table, day_column
from comity.book.validation.check import SHOWN_LENGTH
from comity.core.values import Side

OWNER_COLUMN = "_owner"  # of a held or merged row: the side to which the row is private; empty where both sides see it
_COPY_OPTIONS = "(FORMAT parquet, COMPRESSION lz4)"


def own_column(name: str) -> str:
    """The column that holds a side's own value of a column that it keeps to itself, beside the shared value."""
    return f"own {name}"


def own_import_column(side: Side) -> str:
    """The column that holds the import that last set a side's own values of a row."""
    return f"own {side.value} {IMPORT_COLUMN}"


def own_columns(table: Table, definition: Definition) -> dict[str, Side]:
    """Each stored column that a side keeps to itself, the local days of an instant included, with that side."""
    owners = definition.column_owners(table)
    return {name: side for column, side in owners.items() for name in with_local_columns(column, table)}


@dataclass(frozen=True, slots=True)
class MergeRequest:
    """What is merged, and by which terms."""

    table: Table
    definition: Definition
    held: str | None  # the query of what the table holds, with OWNER and own columns; None: nothing yet
    delivered: Path  # the typed file of the delivery
    columns: Sequence[str]  # the declared columns that the delivery bears
    number: int
    window: tuple[date, date] | None = None  # the days for which the delivery is whole
    siblings: Sequence[int] = ()  # earlier imports by the same mapping: only their rows can be withdrawn
    keep_from: date | None = None  # rows of earlier days have outlived their retention
    by: Side | None = None  # the side that delivers, in a room; None: at home, where a delivery may change everything
    holder: Side | None = None  # the side that alone may add rows; another's new rows are proposals
    withdraw: Path | None = None  # typed rows that were proposed to go, and go now
    accepted: bool = False  # the rows are accepted proposals: they stay shared, and whose they are stays
    left_out: Path | None = None  # keys of which the source has rows still, which its mapping no longer takes


@dataclass(frozen=True, slots=True)
class Merged:
    """The three files of a merge, each with the held rows' columns and `_status`.

    `after`: the table after it: new, unchanged, updated, proposed (a held row with a change proposed, as it was) or
    kept (not in the delivery). `before`: rows as they were before the delivery changed them: before, withdrawn,
    expired (past its retention), outlived (a delivered row past its retention). `proposed`: what waits for whoever
    brought the rows: from (the row as it is), to (as the delivery has it), add, withdraw.
    """

    after: Path
    before: Path
    proposed: Path


def row_day_sql(table: Table) -> str | None:
    """The expression of the day (or month) that a row belongs to; None for tables without."""
    if table.days:
        return quoted(day_column(table.days[0]))
    dated = [column.name for column in table.columns if column.kind in {Kind.DAY, Kind.MONTH}]
    if table.name == "surveys":
        return "coalesce(answered_on, asked_on)"
    keyed = [name for name in dated if name in table.key or name in table.order]
    return quoted(keyed[0]) if keyed else None


def not_own_sql(by: Side, prefix: str = "") -> str:
    """The condition that a row is not a side's own: the other side's, somebody neutral's, or nobody knows whose."""
    return f"{prefix}brought_by IS DISTINCT FROM {literal(by.value)}"


def merge(con: duckdb.DuckDBPyConnection, request: MergeRequest, folder: Path, *, only_counts: bool = False) -> Merged:
    """Write the table as it is after the delivery, the rows that it changed as they were, and what it proposes.

    :param only_counts: leave out of `after` what the delivery does not touch, and in no order: enough to count
    """
    return _Merge(con, request, folder, only_counts=only_counts).run()


def rows_becoming_private(con: duckdb.DuckDBPyConnection, request: MergeRequest) -> list[tuple[int, str]]:
    """Delivered rows that would take a row which both sides see under a rule of the delivering side.

    :returns: the number of each, as `_row` has it, and its key
    """
    table, by = request.table, request.by
    if by is None or request.held is None:
        return []
    own, borne = own_columns(table, request.definition), set(request.columns)

    def merged(name: str) -> str:
        if name in borne:
            return f"d.{quoted(name)}"
        return f"coalesce(h.{quoted(own_column(name))}, h.{quoted(name)})" if name in own else f"h.{quoted(name)}"

    rule = private_rule_sql(by, table, request.definition, merged)
    same = " AND ".join(
        f"d.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(name)}"
        for name in request.columns
        if name not in table.key and own.get(name) is not by
    )
    matching = " AND ".join(f"d.{quoted(name)} {_key_operator(table, name)} h.{quoted(name)}" for name in table.key)
    twin = " AND ".join(f"d.{quoted(name)} {_key_operator(table, name)} o.{quoted(name)}" for name in table.key)
    key = " || ' ' || ".join(f"coalesce(CAST(d.{quoted(name)} AS VARCHAR), '')" for name in table.key)
    return con.execute(
        f"SELECT d.{ROW}, left({key}, {SHOWN_LENGTH}) FROM {scan_sql(request.delivered)} d "
        f"JOIN (SELECT * FROM ({request.held}) WHERE {OWNER_COLUMN} = '') h ON {matching} "
        f"WHERE {full_key_sql(table, 'd.')} AND ({rule}) AND (NOT {not_own_sql(by, 'h.')} OR NOT ({same or 'true'})) "
        f"AND NOT EXISTS (SELECT 1 FROM ({request.held}) o WHERE {OWNER_COLUMN} = {literal(by.value)} AND {twin}) "
        "ORDER BY 1"
    ).fetchall()


@dataclass(frozen=True, slots=True)
class BrokenOnce:
    """A delivered row that would break a rule together with what is held of its key.

    :ivar row: its number, as `_row` has it
    :ivar key: its key as text
    :ivar column: the column of the delivery to blame
    :ivar value: what the delivery says there
    :ivar reason: what the rule says
    :ivar owner: the side to which the held row is private
    :ivar column_owner: the side that keeps one of the rule's columns to itself
    """

    row: int
    key: str
    column: str
    value: str
    reason: str
    owner: Side | None = None
    column_owner: Side | None = None


def rules_over_rows_in_part(table: Table, columns: Collection[str]) -> list[Rule]:
    """The rules of which a delivery with these columns bears some columns and not all."""
    borne = set(columns)
    spoken = {rule: set(table.columns_of(rule)) for rule in table.rules}
    return [rule for rule, own in spoken.items() if own & borne and not own <= borne]


def rows_breaking_rules(con: duckdb.DuckDBPyConnection, request: MergeRequest, folder: Path) -> list[BrokenOnce]:
    """Delivered rows that keep every rule by themselves, and would break one together with what is held of them.

    A file that bears the end of a ticket and not its beginning may put the one before the other. A row that breaks the
    rule already as it is held is not to blame the delivery for. What the other side keeps to itself is not asked.
    """
    if request.held is None:
        return []
    return _Merge(con, request, folder, only_counts=True).breaking()


class _Merge:
    """The statements of one merge, in order."""

    def __init__(
        self, con: duckdb.DuckDBPyConnection, request: MergeRequest, folder: Path, *, only_counts: bool
    ) -> None:
        self.con, self.request, self.folder, self.only_counts = con, request, folder, only_counts
        self.table, self.by = request.table, request.by
        self.columns = stored_columns(self.table)
        self.own = own_columns(self.table, request.definition)
        self.sides = tuple(dict.fromkeys(self.own.values()))
        own = [*(own_column(name) for name in self.own), *(own_import_column(side) for side in self.sides)]
        self.held_names = [*self.columns, *own, OWNER_COLUMN]
        self.flags = ["_main", *(f"_own_{side.value}" for side in self.sides)]
        self.borne = {own for name in request.columns for own in with_local_columns(name, self.table)} | set(
            self.table.key
        )
        self.expired = self._expired()

    def breaking(self) -> list[BrokenOnce]:
        """What `rows_breaking_rules` returns."""
        borne = set(self.request.columns)
        rules = rules_over_rows_in_part(self.table, self.request.columns)
        if not rules:
            return []
        self._prepare()
        names = list(dict.fromkeys(name for rule in rules for name in self.table.columns_of(rule)))
        after = [f"{self._visible_after(name)} AS {quoted(name)}" for name in names]
        was = [f"{self._visible_held(name)} AS {quoted(f'was {name}')}" for name in names]
        key = " || ' ' || ".join(f"coalesce(CAST(d.{quoted(name)} AS VARCHAR), '')" for name in self.table.key)
        joined = (
            f"SELECT d.{ROW}, left({key}, {SHOWN_LENGTH}) AS _key, h.{OWNER_COLUMN}, {', '.join([*after, *was])} "
            f"FROM _delivered d JOIN _held h ON {self._same_row('h', 'd')}"
        )
        breaks = [f"coalesce({rule.broken}, false) AS _breaks_{n}" for n, rule in enumerate(rules)]
        judged = f"SELECT *, {', '.join(breaks)} FROM ({joined})"
        any_breaks = " OR ".join(f"_breaks_{n}" for n, _ in enumerate(rules))
        shown = [f"left(CAST({quoted(name)} AS VARCHAR), {SHOWN_LENGTH}) AS {quoted(f'text {name}')}" for name in names]
        again = [f"{quoted(f'was {name}')} AS {quoted(name)}" for name in names]
        before = (
            f"SELECT * EXCLUDE ({', '.join(map(quoted, names))}), {', '.join([*shown, *again])} FROM ({judged}) "
            f"WHERE {any_breaks}"
        )
        arms = [f"WHEN _breaks_{n} AND NOT coalesce({rule.broken}, false) THEN {n}" for n, rule in enumerate(rules)]
        texts = ", ".join(quoted(f"text {name}") for name in names)
        found = self.con.execute(
            f"SELECT * FROM (SELECT {ROW}, _key, {OWNER_COLUMN}, CASE {' '.join(arms)} END AS n, {texts} "
            f"FROM ({before})) WHERE n IS NOT NULL ORDER BY 1"
        ).fetchall()
        self._forget()
        broken = []
        for row, key_text, owner, number, *values in found:
            rule = rules[number]
            own = self.table.columns_of(rule)
            column = next(name for name in (rule.column, *own) if name in borne)
            broken.append(
                BrokenOnce(
                    row,
                    key_text,
                    column,
                    values[names.index(column)] or "",
                    rule.reason,
                    Side(owner) if owner else None,
                    next((self.own[name] for name in own if name in self.own), None),
                )
            )
        return broken

    def _visible_after(self, name: str) -> str:
        """A column of a row after the delivery, as whoever delivers sees it."""
        value = self._shared_value(name)
        return f"coalesce({self._own_value(name)}, {value})" if self._sees_own(name) else value

    def _visible_held(self, name: str) -> str:
        value = f"h.{quoted(name)}"
        return f"coalesce(h.{quoted(own_column(name))}, {value})" if self._sees_own(name) else value

    def _sees_own(self, name: str) -> bool:
        return name in self.own and self.by in {None, self.own[name]}

    def _prepare(self) -> tuple[str, str | None]:
        """Lay the delivered and the held rows side by side: what is held, and the condition of what is not met."""
        held = self.request.held or self._nothing()
        others = (
            None if self.by is None else f"{OWNER_COLUMN} = {literal(self.by.other.value)}"
        )  # neither met nor changed
        if self.request.accepted:  # proposals are of shared rows, and meet no others
            others = f"{OWNER_COLUMN} <> ''"
        met = held if others is None else f"SELECT * FROM ({held}) WHERE NOT {others}"
        delivered = self._keyed(self._blanked(), "accepted " if self.request.accepted else "")
        self._view("_delivered", f"SELECT *, {self._target()} AS _target FROM ({delivered})")
        self._view("_met", f"SELECT *, true AS _there FROM ({self._keyed(f'({met})')})")
        self._view("_held", self._with_twins())
        return held, others

    def _forget(self) -> None:
        for view in ("_held", "_met", "_delivered"):
            self.con.execute(f"DROP VIEW {view}")
        self.con.execute("DROP TABLE IF EXISTS _twin")

    def run(self) -> Merged:
        """Write the three files."""
        held, others = self._prepare()
        self._copy(self._joined_sql(), "joined")
        self._copy(self._gone_sql(), "gone")
        statuses = {row[0] for row in self.con.execute("SELECT DISTINCT _status FROM _joined").fetchall()}
        fresh = f"NOT ({self.expired})"
        after = [f"SELECT {self._names()}, _status FROM _joined WHERE _status NOT IN ('proposed', 'add') AND {fresh}"]
        if not self.only_counts:
            after.append(f"SELECT {self._names()}, 'kept' FROM _gone WHERE _status IN ('kept', 'proposed')")
        if others is not None and not self.only_counts:
            after.append(f"SELECT {self._names()}, 'kept' FROM ({held}) WHERE {others}")
        every = ", ".join(f"true AS {quoted(flag)}" for flag in self.flags)
        before = [
            f"SELECT {self._names()}, _status, {every} FROM _gone WHERE _status NOT IN ('kept', 'proposed')",
            f"SELECT {self._names()}, 'outlived', {every} FROM _joined WHERE _status <> 'proposed' AND NOT {fresh}",
        ]
        named = "CASE _status WHEN 'add' THEN 'add' ELSE 'to' END AS _status"
        proposed = [
            f"SELECT {self._names()}, {named} FROM _joined WHERE _status IN ('proposed', 'add') AND {fresh}",
            f"SELECT {self._names()}, 'withdraw' FROM _gone WHERE _status = 'proposed'",
        ]
        if statuses & {"updated", "proposed"}:  # else what is held is not read once more
            changed = " OR ".join(map(quoted, self.flags))
            flags = ", ".join(f"c.{quoted(flag)}" for flag in self.flags)
            before.append(
                f"SELECT {self._names('h')}, 'before', {flags} FROM _held h JOIN (SELECT * FROM _joined "
                f"WHERE ({changed}) AND NOT ({self.expired})) c ON {self._same_row('h', 'c')}"
            )
        if "proposed" in statuses:
            if not self.only_counts:
                after.append(self._with_own_of_proposal())
            proposed.append(
                f"SELECT {self._names('h')}, 'from' FROM _held h JOIN (SELECT * FROM _joined "
                f"WHERE _status = 'proposed') c ON {self._same_row('h', 'c')}"
            )
        order = ", ".join([*map(quoted, self.table.order), *map(quoted, self.table.key)])
        ordered = "" if self.only_counts else f" ORDER BY {order}"
        self._copy(f"SELECT * FROM ({' UNION ALL '.join(after)}){ordered}", "after")
        self._copy(" UNION ALL ".join(before), "before")
        self._copy(" UNION ALL ".join(proposed), "proposed")
        for view in ("_joined", "_gone"):
            self.con.execute(f"DROP VIEW {view}")
        self._forget()
        return Merged(*(self.folder / f"{name}.parquet" for name in ("after", "before", "proposed")))

    def _view(self, name: str, sql: str) -> None:
        self.con.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {sql}")

    def _copy(self, sql: str, name: str) -> None:
        target = self.folder / f"{name}.parquet"
        self.con.execute(f"COPY ({sql}) TO {literal(str(target))} {_COPY_OPTIONS}")
        if name in {"joined", "gone"}:
            self._view(f"_{name}", f"SELECT * FROM {scan_sql(target)}")

    def _names(self, prefix: str = "") -> str:
        return ", ".join(f"{prefix}.{quoted(n)}" if prefix else quoted(n) for n in self.held_names)

    def _nothing(self) -> str:
        kinds = dict(self.columns) | {own_column(name): self.columns[name] for name in self.own}
        kinds |= {own_import_column(side): "INTEGER" for side in self.sides} | {OWNER_COLUMN: "VARCHAR"}
        chosen = ", ".join(f"NULL::{kinds[name]} AS {quoted(name)}" for name in self.held_names)
        return f"SELECT {chosen} WHERE false"

    def _expired(self) -> str:
        day = row_day_sql(self.table)
        if self.request.keep_from is None or day is None:
            return "false"
        return f"coalesce({day} < DATE '{self.request.keep_from}', false)"

    def _target(self) -> str:
        """Where a delivered row belongs, of two held rows of its key: among the own, where it does not say."""
        private = self.request.definition.private.get(self.by) if self.by is not None else None
        if self.by is not None and private is not None:
            columns = {row.column for row in private.rows if row.table == self.table.name}
            if columns and not columns & self.borne:
                return literal(self.by.value)
        return self._placed()

    def _keyed(self, source: str, apart: str = "") -> str:
        """Rows with `_k`: NULL where they have their key, else a digest of the content and a running number.

        Of equal rows those of the delivering side come first, so that each side's lines meet its own.

        :param apart: begins the keys of rows that are to meet no other
        """
        if not self.table.may_lack_key:
            return f"SELECT *, NULL::VARCHAR AS _k FROM {source}"
        content = ", ".join(f"CAST({quoted(name)} AS VARCHAR)" for name in self.request.columns if name != "brought_by")
        digest = f"{literal(apart)} || md5(CAST([{content}] AS VARCHAR))"
        first = "" if self.by is None else f" ORDER BY {not_own_sql(self.by)}"
        return (
            f"SELECT * EXCLUDE (_c), CASE WHEN NOT ({full_key_sql(self.table)}) THEN _c || ' ' || "
            f"row_number() OVER (PARTITION BY _c{first}) END AS _k FROM (SELECT *, {digest} AS _c FROM {source})"
        )

    def _blanked(self) -> str:
        """At home a row that one side's rules take does not hold what the other side keeps: neither may have it."""
        source = scan_sql(self.request.delivered)
        blanks = []
        for name, owner in self.own.items() if self.by is None else ():
            rule = private_row_sql(owner.other, self.table, self.request.definition)
            if rule is not None:
                blanks.append(f"CASE WHEN NOT {rule} THEN {quoted(name)} END AS {quoted(name)}")
        return f"(SELECT * REPLACE ({', '.join(blanks)}) FROM {source})" if blanks else source

    def _placed(self, own_row: str = "true", *, merged: bool = False) -> str:
        """The owner of a row: the side whose rule takes it, or ''. In a room rules take a side's own rows alone.

        :param own_row: in a room, the condition that the row is the delivering side's own
        :param merged: the row has the sides' own values in columns of their own
        """
        arms = []
        for side in () if self.request.accepted else Side:
            rule = private_rule_sql(side, self.table, self.request.definition, self._either if merged else quoted)
            if rule is None or (self.by is not None and side is not self.by):
                continue
            reach = own_row if self.by is not None else f"NOT {exempt_sql(side)}"
            arms.append(f"WHEN ({reach}) AND ({rule}) THEN {literal(side.value)}")
        return f"CASE {' '.join(arms)} ELSE '' END" if arms else "''"

    def _either(self, name: str) -> str:
        return f"coalesce({quoted(own_column(name))}, {quoted(name)})" if name in self.own else quoted(name)

    def _with_twins(self) -> str:
        """The held rows, marked where their key is there twice: shared, and among what a side keeps to itself."""
        self.has_twins = False
        if self.request.held is None:
            return "SELECT *, false AS _twin FROM _met"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE _twin AS SELECT DISTINCT {self._key('o')}, o._k FROM "
            f"(SELECT * FROM _met WHERE {OWNER_COLUMN} <> '') o JOIN (SELECT * FROM _met WHERE {OWNER_COLUMN} = '') h "
            f"ON {self._matching('h', 'o')}"
        )
        found = self.con.execute("SELECT count(*) FROM _twin").fetchone()
        self.has_twins = bool(found and found[0])
        if not self.has_twins:
            return "SELECT *, false AS _twin FROM _met"
        marked = "(SELECT *, true AS _is FROM _twin)"
        same = self._matching("m", "t")
        return f"SELECT m.*, t._is IS NOT NULL AS _twin FROM _met m LEFT JOIN {marked} t ON {same}"

    def _key(self, prefix: str) -> str:
        return ", ".join(f"{prefix}.{quoted(name)}" for name in self.table.key)

    def _matching(self, left: str, right: str) -> str:
        """Whether two rows are of one thing; an optional part of a key may be empty on both."""
        if self.table.may_lack_key:
            # One equation, so that the engine can hash it: the key where it is whole, else what the row says.
            return f"{_one_key(self.table, left)} = {_one_key(self.table, right)}"
        return " AND ".join(
            f"{left}.{quoted(name)} {_key_operator(self.table, name)} {right}.{quoted(name)}" for name in self.table.key
        )

    def _same_row(self, held: str, row: str) -> str:
        """The same, and of two held rows of one key the one that lies where the other row belongs."""
        same = self._matching(held, row)
        if not self.has_twins:  # one equation, which the engine can hash; with more it would compare all with all
            return same
        return f"{same} AND (NOT {held}._twin OR ({held}.{OWNER_COLUMN} = '') = ({row}._target = ''))"

    def _to_shared(self, name: str) -> str:
        """Whether a delivered value of a column that a side keeps goes to the shared column: others brought it."""
        side = self.own[name]
        return exempt_sql(side, "d.") if self.by is None else "false" if self.by is side else "true"

    def _shared_value(self, name: str) -> str:
        """What a column says after the delivery, beside what a side may keep of it to itself."""
        delivered, held, borne = f"d.{quoted(name)}", f"h.{quoted(name)}", name in self.borne
        if name == IMPORT_COLUMN:
            return held
        if name in self.own:
            return f"CASE WHEN {self._to_shared(name)} THEN {delivered} ELSE {held} END" if borne else held
        if name == "brought_by" and not (self.by is None and borne):
            return f"CASE WHEN h._there THEN coalesce({held}, 'unknown') ELSE {delivered} END"
        if name in STATED_BY and self.by is not None:  # an empty cell names nobody; in a new row it is who delivers
            said = delivered if borne else "NULL"
            return (
                f"CASE WHEN h._there THEN coalesce({said}, {held}) ELSE coalesce({said}, {literal(self.by.value)}) END"
            )
        return delivered if borne else f"CASE WHEN h._there THEN {held} ELSE {delivered} END"

    def _own_value(self, name: str) -> str:
        held, told = f"h.{quoted(own_column(name))}", f"d.{quoted(name)}"
        if self.request.accepted:  # whoever proposed it does not see the own value: an empty cell says nothing of it
            told = f"coalesce({told}, {held})"
        return f"CASE WHEN {self._to_shared(name)} THEN {held} ELSE {told} END" if name in self.borne else held

    def _same_shared(self) -> str:
        conditions = []
        for name in self.request.columns:
            if name in self.table.key:
                continue
            same = f"d.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(name)}"
            if name in self.own:
                same = f"(NOT {self._to_shared(name)} OR {same})"
            elif name in STATED_BY and self.by is not None:
                same = f"(d.{quoted(name)} IS NULL OR {same})"
            conditions.append(same)
        return " AND ".join(conditions) or "true"

    def _same_own(self, side: Side) -> str:
        conditions = [
            f"({self._to_shared(name)} OR d.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(own_column(name))}"
            f"{f' OR d.{quoted(name)} IS NULL' if self.request.accepted else ''})"
            for name in self.request.columns
            if self.own.get(name) is side
        ]
        return " AND ".join(conditions) or "true"

    def _joined_sql(self) -> str:
        """Delivered rows as merged with the held row of their key; what of it changed, and what becomes of it.

        `_main`: the row as its owner holds it changed; `_own_SIDE`: a side's own values beside a shared row did.
        """
        others = "false" if self.by is None else f"(h.{OWNER_COLUMN} = '' AND {not_own_sql(self.by, 'h.')})"
        matched = [f"{self._shared_value(name)} AS {quoted(name)}" for name in self.columns]
        matched += [f"{self._own_value(name)} AS {quoted(own_column(name))}" for name in self.own]
        matched += [f"h.{quoted(own_import_column(side))} AS {quoted(own_import_column(side))}" for side in self.sides]
        matched += [f"coalesce({self._same_own(side)}, true) AS _same_{side.value}" for side in self.sides]
        matched += [
            "d._k",
            "d._target",
            f"h.{OWNER_COLUMN} AS _held_owner",
            "h._there IS NOT NULL AS _was",
            f"({self._same_shared()}) AS _same",
            f"coalesce({others}, false) AS _others",
        ]
        joined = f"SELECT {', '.join(matched)} FROM _delivered d LEFT JOIN _held h ON {self._same_row('h', 'd')}"
        placed = f"SELECT *, {self._placed('NOT _others', merged=True)} AS {OWNER_COLUMN} FROM ({joined})"
        same_own = " AND ".join(f"_same_{side.value}" for side in self.sides) or "true"
        moved = f"_held_owner <> {OWNER_COLUMN}"
        # A row that a side keeps whole holds that side's own values itself: their change is the row's.
        flags = [
            f"(_was AND NOT _others AND (NOT _same OR {moved} OR ({OWNER_COLUMN} <> '' AND NOT ({same_own})))) AS _main"
        ]
        flags += [f"(_was AND (NOT _same_{side.value} OR {moved})) AS _own_{side.value}" for side in self.sides]
        judged = f"SELECT *, {', '.join(flags)} FROM ({placed})"
        number = f"{self.request.number}::INTEGER"
        imports = [f"CASE WHEN _was AND NOT _main THEN {IMPORT_COLUMN} ELSE {number} END AS {IMPORT_COLUMN}"]
        imports += [
            f"CASE WHEN _was AND NOT _own_{side.value} THEN {quoted(own_import_column(side))} ELSE {number} END "
            f"AS {quoted(own_import_column(side))}"
            for side in self.sides
        ]
        status = (
            f"CASE WHEN NOT _was THEN CASE WHEN {OWNER_COLUMN} = '' AND ({self._waits()}) THEN 'add' ELSE 'new' END "
            f"WHEN _others AND NOT _same THEN 'proposed' WHEN _same AND {same_own} THEN 'unchanged' ELSE 'updated' END"
        )
        return f"SELECT * REPLACE ({', '.join(imports)}), {status} AS _status FROM ({judged})"

    def _with_own_of_proposal(self) -> str:
        """Rows for which a change is proposed: as they were, but for what the delivering side keeps beside them."""
        chosen = ", ".join(f"{'c' if name.startswith('own ') else 'h'}.{quoted(name)}" for name in self.held_names)
        return (
            f"SELECT {chosen}, 'proposed' FROM _held h JOIN (SELECT * FROM _joined WHERE _status = 'proposed') c "
            f"ON {self._same_row('h', 'c')}"
        )

    def _waits(self) -> str:
        """Which new rows wait for the other side: of a table that it holds, and of months that it has lines of."""
        if self.by is None:
            return "false"
        waits = ["true"] if self.request.holder is self.by.other else []
        if self.table.may_lack_key:
            waits.append(
                f"_k IS NOT NULL AND month IN (SELECT month FROM _held h ANTI JOIN _delivered d "
                f"ON {self._same_row('h', 'd')} WHERE h._k IS NOT NULL AND {not_own_sql(self.by, 'h.')})"
            )
        return " OR ".join(f"({one})" for one in waits) or "false"

    def _gone_sql(self) -> str:
        """Held rows that the delivery does not bear: withdrawn, proposed to be withdrawn, expired, or kept."""
        table, request, arms = self.table, self.request, [f"WHEN {self.expired} THEN 'expired'"]
        day, gone = row_day_sql(table), []
        if request.window is not None and day is not None and request.siblings:
            start, end = request.window
            numbers = ", ".join(map(str, request.siblings))
            gone.append(f"{day} >= DATE '{start}' AND {day} < DATE '{end}' AND {IMPORT_COLUMN} IN ({numbers})")
        if table.may_lack_key and not request.accepted:
            gone.append("_k IS NOT NULL AND month IN (SELECT month FROM _delivered WHERE _k IS NOT NULL)")
        if request.left_out is not None and request.siblings:
            numbers = ", ".join(map(str, request.siblings))
            gone.append(f"_left_out AND {IMPORT_COLUMN} IN ({numbers})")
        if request.withdraw is not None:
            arms.append(f"WHEN {OWNER_COLUMN} = '' AND _equal <= _wanted THEN 'withdrawn'")
        for one in gone:
            if self.by is not None:
                arms.append(f"WHEN {one} AND {OWNER_COLUMN} = '' AND {not_own_sql(self.by)} THEN 'proposed'")
            arms.append(f"WHEN {one} THEN 'withdrawn'")
        rows = f"SELECT h.* FROM _held h ANTI JOIN _delivered d ON {self._same_row('h', 'd')}"
        if request.left_out is not None and request.siblings:
            same = " AND ".join(f"l.{quoted(name)} = h.{quoted(name)}" for name in table.key)
            left = f"(SELECT *, true AS _left_out FROM {scan_sql(request.left_out)})"
            rows = f"SELECT h.*, coalesce(l._left_out, false) AS _left_out FROM ({rows}) h LEFT JOIN {left} l ON {same}"
        if request.withdraw is not None:
            # Of equal rows as many go as were proposed to.
            every = ", ".join(map(quoted, self.columns))
            same = " AND ".join(f"w.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(name)}" for name in self.columns)
            wanted = f"SELECT {every}, count(*) AS _wanted FROM {scan_sql(request.withdraw)} GROUP BY ALL"
            rows = (
                f"SELECT h.*, coalesce(w._wanted, 0) AS _wanted, "
                f"row_number() OVER (PARTITION BY {', '.join(f'h.{quoted(n)}' for n in self.columns)}, "
                f"h.{OWNER_COLUMN}) "
                f"AS _equal FROM ({rows}) h LEFT JOIN ({wanted}) w ON {same}"
            )
        return f"SELECT {self._names()}, _twin, CASE {' '.join(arms)} ELSE 'kept' END AS _status FROM ({rows})"


def _key_operator(table: Table, name: str) -> str:
    return "=" if table.by_name[name].required else "IS NOT DISTINCT FROM"


def _one_key(table: Table, side: str) -> str:
    parts = ", ".join(f"CAST({side}.{quoted(name)} AS VARCHAR)" for name in table.key)
    return f"coalesce({side}._k, CAST([{parts}] AS VARCHAR))"
