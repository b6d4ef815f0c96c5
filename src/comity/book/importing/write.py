# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""A checked delivery into a book, in one step: the table, its journal, what was before, what was set aside.

What is private is laid apart here: rows and columns of one side go to that side's own folder, and no file that the
other side can open holds them. In a room a delivery rewrites what both see and what its own side keeps; the other
side's folder is written only where rows that its rules take still lay among the shared ones.
"""

import contextlib
import hashlib
import shutil
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.definition import Definition
from comity.book.formats.sheet import ROW, UnusableSourceError
from comity.book.importing.current import FOLDER_COLUMN, CurrentTable, current_rows_sql, current_table
from comity.book.importing.merge import (
    OWNER_COLUMN,
    BrokenOnce,
    Merged,
    MergeRequest,
    merge,
    own_column,
    own_columns,
    own_import_column,
    row_day_sql,
    rows_becoming_private,
    rows_breaking_rules,
    rules_over_rows_in_part,
)
from comity.book.importing.rejected_rows import CORRECTED_FOLDER, ROWS_FOLDER
from comity.book.importing.states import STATES_FOLDER, Incoming, keep_later_states, write_states
from comity.book.plurals import plural
from comity.book.reading.coverage import DAY_COLUMNS
from comity.book.reading.visibility import private_rule_sql, stored_columns
from comity.book.storage.commit import Move, commit
from comity.book.storage.duckdb import remove_abandoned_folders
from comity.book.storage.journal import JOURNAL_KEY, ImportRecord, journal_json, merge_journals, read_journal
from comity.book.storage.layout import HIDDEN_FOLDER, OWN_COLUMNS, owner_folder
from comity.book.storage.parquet import IMPORT_COLUMN, metadata_sql, scan_sql, zone_of_typed_file
from comity.book.storage.sql import full_key_sql, literal, quoted
from comity.book.tables import MONTHLY, Table
from comity.book.validation.check import LEFT_OUT, CheckedRows
from comity.book.validation.rejects import redacted_for, write_rejects
from comity.core.values import Side

PROPOSALS = "proposals"  # the hidden folder of changes that wait for whose rows they are
ANSWERED = "answered"  # within it: those that were accepted, refused or withdrawn, kept for both sides to read
PROPOSED_BY = "comity.delivery"  # in the metadata of such a file: the key of the delivery that proposes them
_PAST = "_status IN ('before', 'withdrawn')"
_COUNTS_OF_CHANGE = ("rows_in", "withdrawn", "expired", "proposed_withdrawals", "corrected")


@dataclass(frozen=True, slots=True)
class WriteRequest:
    """What goes into a book, and by which terms."""

    book: Path
    definition: Definition
    table: Table
    checked: CheckedRows  # its rejects in the form of `REJECTS_SCHEMA`
    delivery: ImportRecord
    by: Side | None = None  # the side that delivers, in a room; None: at home, where a delivery may change everything
    holder: Side | None = None  # the side that alone may add rows
    withdraw: Path | None = None  # typed rows that were proposed to go, and go now
    accepted: bool = False  # the rows are accepted proposals
    over: Mapping[str, str] | None = None  # of a log: column -> how the rows of one key are put together
    rejected_rows: pa.Table | None = None  # in a room: the rejects as the file wrote them
    siblings: Collection[int] = ()  # earlier imports by the same mapping
    corrected: pa.Table | None = None  # in a room: rows that earlier imports rejected and this one brings again


def write_rows(
    con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path, moves: list[Move] | None = None
) -> tuple[ImportRecord, ImportRecord]:
    """Bring checked rows into the book's table, under the book's lock; the delivery with its counts comes back.

    :param moves: gathers what would be done, for a change of several tables in one step, and nothing changes yet
    :returns: with the counts of all rows, and with those of the rows that both sides see
    :raises UnusableSourceError: when a private column cannot be laid apart
    """
    current = current_table(request.book, request.table)
    rows = current_rows_sql(request.book, request.table, request.definition, current, work)
    merged = merge(con, _merge_request(request, rows), work)
    return write_merged(con, request, current, rows, merged, moves)


def preview_rows(con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path) -> ImportRecord:
    """The delivery with the counts that `write_rows` would give; nothing is written into the book.

    :raises UnusableSourceError: as `write_rows`
    """
    current = current_table(request.book, request.table)
    rows = current_rows_sql(request.book, request.table, request.definition, current, work)
    merged = merge(con, _merge_request(request, rows), work, only_counts=True)
    writer = _Writer(con, request, current, rows, merged)
    writer.refuse_unjoinable()
    return merge_journals([[writer.counts(owner)] for owner in writer.owners()])[0]


def _merge_request(request: WriteRequest, rows: str | None) -> MergeRequest:
    delivery, days = request.delivery, request.definition.retention.get(request.table.name)
    return MergeRequest(
        request.table,
        request.definition,
        rows,
        request.checked.clean,
        request.checked.columns,
        delivery.number,
        delivery.window,
        sorted(request.siblings),
        delivery.at.date() - timedelta(days=days) if days else None,
        request.by,
        request.holder,
        request.withdraw,
        request.accepted,
        request.checked.left_out,
    )


_ALREADY_SHARED = "this key is shared already, and a shared row cannot become private; use another key"


def reject_becoming_private(con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path) -> CheckedRows:
    """Reject delivered rows that would take a row which both sides see under a rule of the side that delivers.

    :returns: the checked rows without them; they are among the rejects
    """
    by, checked, table, definition = request.by, request.checked, request.table, request.definition
    rule = None if by is None else private_rule_sql(by, table, definition)
    if by is None or rule in {None, "true"}:  # a table that a side keeps whole has room for a row of the same key
        return checked
    rows = current_rows_sql(request.book, table, definition, current_table(request.book, table), work)
    if rows is None:
        return checked
    rejected = rows_becoming_private(con, _merge_request(request, rows))
    if not rejected:
        return checked
    keys = ", ".join(table.key)
    return _reject(con, request, work, [BrokenOnce(row, key, keys, key, _ALREADY_SHARED) for row, key in rejected])


BREAKS_MERGED = "{}, together with what the book has of this row"  # a rule's reason, of a row that is not whole


def reject_broken_merged(con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path) -> CheckedRows:
    """Reject delivered rows that would break a rule of the table once they are put together with what is held.

    :returns: the checked rows without them; they are among the rejects
    """
    table, definition, current = request.table, request.definition, current_table(request.book, request.table)
    if not current.places or not rules_over_rows_in_part(table, request.checked.columns):
        return request.checked
    rows = current_rows_sql(request.book, table, definition, current, work)
    broken = rows_breaking_rules(con, _merge_request(request, rows), work)
    told = [replace(one, reason=BREAKS_MERGED.format(one.reason)) for one in broken]
    return _reject(con, request, work, told) if told else request.checked


def left_out_by_others(con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path) -> dict[str, int]:
    """How many rows that the mapping leaves out stay, because another mapping brought them: by that mapping's name."""
    left_out, table = request.checked.left_out, request.table
    current = current_table(request.book, table)
    others = {one.number: one.mapping for one in current.deliveries if one.number not in request.siblings}
    if left_out is None or not others:
        return {}
    rows = current_rows_sql(request.book, table, request.definition, current, work)
    if rows is None:
        return {}
    same = " AND ".join(f"h.{quoted(name)} = l.{quoted(name)}" for name in table.key)
    theirs = "" if request.by is None else f" AND {OWNER_COLUMN} <> {literal(request.by.other.value)}"
    counted = con.execute(
        f"SELECT {IMPORT_COLUMN}, count(*) FROM ({rows}) h SEMI JOIN {scan_sql(left_out)} l ON {same} "
        f"WHERE {IMPORT_COLUMN} IN ({', '.join(map(str, others))}){theirs} GROUP BY 1"
    ).fetchall()
    found: Counter[str] = Counter()
    for number, count in counted:
        found[others[number]] += count
    return dict(found)


def _reject(
    con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path, rows: Sequence[BrokenOnce]
) -> CheckedRows:
    """Move rows that stood by themselves to the rejects."""
    checked, definition = request.checked, request.definition
    home = request.by is None  # in a room the list is the delivering side's alone
    refused = pa.table(
        {
            "row": pa.array([one.row for one in rows], pa.int64()),
            "column": [one.column for one in rows],
            "value": [one.value for one in rows],
            "reason": [one.reason for one in rows],
            "owner": pa.array([one.owner if home else None for one in rows], pa.string()),
            "key": [one.key for one in rows],
            "column_owner": pa.array([one.column_owner if home else None for one in rows], pa.string()),
        }
    )
    if "key" not in pq.read_schema(checked.rejects).names:
        refused = refused.drop_columns(["key"])
    con.register("_refused", refused)
    clean, rejects = work / "clean-kept.parquet", work / "rejects-more.parquet"
    order = ", ".join(quoted(name) for name in (*request.table.order, ROW))
    con.execute(
        f"COPY (SELECT * FROM {scan_sql(checked.clean)} WHERE {ROW} NOT IN (SELECT row FROM _refused) "
        f"ORDER BY {order}) TO {literal(str(clean))} (FORMAT parquet, {metadata_sql(definition.timezone)})"
    )
    con.execute(
        f"COPY (SELECT * FROM {scan_sql(checked.rejects)} UNION ALL BY NAME SELECT * FROM _refused ORDER BY row) "
        f"TO {literal(str(rejects))} (FORMAT parquet)"
    )
    con.unregister("_refused")
    clean.replace(checked.clean)
    rejects.replace(checked.rejects)
    by_reason = Counter(checked.by_reason) + Counter((one.column, one.reason) for one in rows)
    return replace(
        checked,
        rows=checked.rows - len(rows),
        rejected=checked.rejected + len(rows),
        by_reason=dict(by_reason),
    )


def leave_earlier_states(con: duckdb.DuckDBPyConnection, request: WriteRequest, work: Path) -> CheckedRows:
    """Leave aside what a delivery says of states earlier than its side has told of; see `importing.states`."""
    if request.checked.states is None:
        return request.checked
    current = current_table(request.book, request.table)
    rows = current_rows_sql(request.book, request.table, request.definition, current, work)
    incoming = Incoming(
        request.book,
        request.definition,
        request.table,
        request.checked,
        request.delivery,
        request.by,
        rows,
        current.deliveries,
        request.over,
        request.siblings,
    )
    return keep_later_states(con, incoming, work)


def write_merged(  # noqa: PLR0913 - what is written, over what, and when
    con: duckdb.DuckDBPyConnection,
    request: WriteRequest,
    current: CurrentTable,
    rows: str | None,
    merged: Merged,
    gathered: list[Move] | None = None,
) -> tuple[ImportRecord, ImportRecord]:
    """Lay merged rows apart by owner and change the book in one step; what `store` returns.

    :param rows: the query of what was held before
    :param gathered: as `moves` of `write_rows`
    :raises UnusableSourceError: when a private column cannot be laid apart
    """
    writer = _Writer(con, request, current, rows, merged)
    writer.refuse_unjoinable()
    moves: list[Move] = []
    counts: list[ImportRecord] = []
    for owner in writer.owners():
        counted = writer.counts(owner)
        counts.append(counted)
        moves += writer.owner_files(owner, counted)
    moves += writer.rejects()
    moves += writer.states()
    moves += writer.proposals()
    moves += writer.removals({move.target for move in moves if move.target is not None})
    if gathered is None:
        commit(request.book, moves)  # what lies ready stays, should this fail: the next import finishes or clears it
    else:
        gathered += moves
    return merge_journals([[one] for one in counts])[0], counts[0]


class _Writer:
    """Lays a table's rows apart by owner, each with its journal, its past and its rejects."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        request: WriteRequest,
        current: CurrentTable,
        rows: str | None,
        merged: Merged,
    ) -> None:
        self.con, self.request, self.current, self.merged = con, request, current, merged
        self.book, self.definition, self.table = request.book, request.definition, request.table
        self.delivery, self.by = request.delivery, request.by
        self.own = own_columns(self.table, self.definition)
        rules = {side: private_rule_sql(side, self.table, self.definition) for side in Side}
        self.ruled = [side for side, rule in rules.items() if rule is not None]
        self.whole = next((side for side, rule in rules.items() if rule == "true"), None)
        self.moved = self._moved(rows)
        self.untouched: set[Path] = set()

    def owners(self) -> list[Side | None]:
        """Those who may get a file: everybody, and each side that keeps rows or has rows in its folder."""
        return [None, *(side for side in Side if side in self.ruled or self._main_files(side))]

    def refuse_unjoinable(self) -> None:
        """Own columns are joined in by key; rows without a key would lose theirs."""
        if self.whole is not None or not self.own or not self.table.may_lack_key:
            return
        borne = " OR ".join(f"{quoted(own_column(name))} IS NOT NULL" for name in self.own)
        where = f"NOT ({full_key_sql(self.table)}) AND {OWNER_COLUMN} = '' AND ({borne})"
        count = self._count(self.merged.after, where)
        if count:
            name, side = next(iter(self.own.items()))
            key = " and ".join(self.table.key)
            msg = (
                f"{plural(count, 'row lacks', 'rows lack')} {key}, "
                f"by which {self.table.name}.{name}, "
                f"private to the {side}, would be kept apart; map {key}, or make the whole table private"
            )
            raise UnusableSourceError(msg, file=self.delivery.file)

    def counts(self, owner: Side | None) -> ImportRecord:
        """The delivery with the counts of the rows that lie in an owner's file."""
        statuses: Counter[str] = Counter()
        for file in (self.merged.after, self.merged.before):
            sql = f"SELECT _status, count(*) FROM {scan_sql(file)} WHERE {_owner_condition(owner)} GROUP BY 1"
            statuses.update(dict(self.con.execute(sql).fetchall()))
        waiting: dict[str, int] = {}
        if owner is None:
            sql = f"SELECT _status, count(*) FROM {scan_sql(self.merged.proposed)} GROUP BY 1"
            waiting = dict(self.con.execute(sql).fetchall())
        proposed = waiting.get("to", 0) + waiting.get("add", 0)
        rejected = self._rejects(owner).num_rows
        alone = not self.definition.keeps_parts_private(self.table) or self.whole is not None
        collapsed = self.request.checked.collapsed if owner is (self.whole if self.by is None else None) else 0
        came = (
            statuses["new"]
            + statuses["unchanged"]
            + statuses["updated"]
            + statuses["outlived"]
            + proposed
            + rejected
            + collapsed
        )
        return replace(
            self.delivery,
            rows_in=came,
            new=statuses["new"],
            unchanged=statuses["unchanged"],
            updated=statuses["updated"],
            withdrawn=statuses["withdrawn"],
            expired=statuses["expired"] + statuses["outlived"],
            rejected=rejected,
            collapsed=collapsed,
            superseded=self.request.checked.superseded if collapsed else 0,
            proposed=proposed,
            proposed_withdrawals=waiting.get("withdraw", 0),
            corrected=self._corrected(owner),
            reach=self._reach(owner),
            past_months=self._past_months(owner),
            control=self.delivery.control if alone else {},
        )

    def _past_months(self, owner: Side | None) -> int:
        """In how many months rows that were held are changed or withdrawn."""
        day = row_day_sql(self.table)
        if day is None:
            return 0
        months = f"SELECT count(DISTINCT date_trunc('month', {day})) FROM {scan_sql(self.merged.before)}"
        found = self.con.execute(f"{months} WHERE {_owner_condition(owner)} AND {_PAST}").fetchone()
        return int(found[0]) if found else 0

    def _reach(self, owner: Side | None) -> tuple[date, date] | None:
        """The first and the last day that an owner's delivered rows tell of, without what is yet to come."""
        day = "month" if self.table.name in MONTHLY else DAY_COLUMNS.get(self.table.name)
        if day is None:
            return None
        delivered = f"{_owner_condition(owner)} AND _status IN ('new', 'unchanged', 'updated', 'outlived')"
        parts = [
            f"SELECT {day} AS day FROM {scan_sql(file)} WHERE {delivered}"
            for file in (self.merged.after, self.merged.before)
        ]
        if owner is None:
            parts.append(f"SELECT {day} AS day FROM {scan_sql(self.merged.proposed)} WHERE _status IN ('to', 'add')")
        today = self.delivery.at.astimezone(ZoneInfo(self.definition.timezone)).date().isoformat()
        sql = f"SELECT min(day), max(day) FROM ({' UNION ALL '.join(parts)}) WHERE day <= DATE {literal(today)}"
        first, last = self.con.execute(sql).fetchone() or (None, None)
        return None if first is None else (first, last)

    def _corrected(self, owner: Side | None) -> int:
        """How many of the rows that came again count as an owner's, as `_rejects` counts them."""
        corrected = self.request.corrected
        if corrected is None:
            return 0
        if self.whole is not None and self.by is self.whole:
            return int(corrected.num_rows) if owner is self.whole else 0
        mine = corrected.column("owner")
        theirs = pc.is_null(mine) if owner is None else pc.equal(mine, owner.value)
        return int(corrected.filter(theirs).num_rows)

    def _rejects(self, owner: Side | None) -> pa.Table:
        """The rejects that count as an owner's."""
        every = pq.read_table(self.request.checked.rejects)
        if self.whole is not None and (self.by is None or self.by is self.whole):
            return every if owner is self.whole else every.slice(0, 0)
        mine = every.column("owner")
        return every.filter(pc.is_null(mine) if owner is None else pc.equal(mine, owner.value))

    def owner_files(self, owner: Side | None, counted: ImportRecord) -> Iterator[Move]:
        """Write an owner's files beside their targets, and say where they go."""
        folder, number, name = owner_folder(self.book, owner), self.delivery.number, self.table.name
        if self._changes(owner, counted):
            earlier = merge_journals([read_journal(file) for file in self.current.places.get(owner, ())])
            told = {JOURNAL_KEY: journal_json([*earlier, counted])}
            columns = self._stored(owner)
            yield self._copy(self.merged.after, columns, _owner_condition(owner), folder / f"{name}.parquet", told)
            past = f"{_owner_condition(owner)} AND _main AND {_PAST}"
            if self._count(self.merged.before, past):  # also of rows that the change hands to another owner
                target = folder / HIDDEN_FOLDER / "history" / f"{name}-{number}.parquet"
                yield self._copy(self.merged.before, {**columns, "_status": "_status"}, past, target, {})
        elif self._canonical(self._main_files(owner)):
            self.untouched |= set(self._main_files(owner))
        if owner is None:
            for side in dict.fromkeys(self.own.values()):
                yield from self._own_columns(side)

    def _changes(self, owner: Side | None, counted: ImportRecord) -> bool:
        """Whether an owner's file is written: at home always, in a room where anything of it changes."""
        files = self._main_files(owner)
        if owner is None and self.whole is not None and not self._count(self.merged.after, _owner_condition(None)):
            return bool(files) and self._canonical(files)  # nothing shared in a table that a side keeps whole
        if self.by is None:
            return owner is None or owner in self.ruled or bool(files)
        if owner in self.moved or any(getattr(counted, name) for name in _COUNTS_OF_CHANGE):
            return True
        if owner is (self.whole if self.whole is self.by else None) and self._leaves_out():
            return True  # nothing of it changes now; an earlier file that comes later is not to bring those rows
        # A row that its new values make shared counts there, and has to leave the file where it was private.
        left = self._count(self.merged.before, f"{_owner_condition(owner)} AND _main")
        return bool(left) or bool(files and not self._canonical(files))

    def _leaves_out(self) -> bool:
        states = self.request.checked.states
        return states is not None and bool(self._count(states, LEFT_OUT))

    def _canonical(self, files: Sequence[Path]) -> bool:
        """Whether files lie as an import leaves them."""
        return len(files) == 1 and zone_of_typed_file(files[0]) == self.definition.timezone

    def _moved(self, rows: str | None) -> set[Side | None]:
        """Between whom rows change places by this import because the rules have changed, or nothing was laid apart."""
        freed = {
            side
            for side in Side
            for file in self._slice_files(side)
            if self._canonical([file]) and set(pq.read_schema(file).names) - {*self.table.key, *self.own, IMPORT_COLUMN}
        }
        moved: set[Side | None] = {None, *freed} if freed else set()
        if rows is None or not (self.ruled or any(self._main_files(side) for side in Side)):
            return moved
        found = self.con.execute(
            f"SELECT DISTINCT {FOLDER_COLUMN}, {OWNER_COLUMN} FROM ({rows}) WHERE {FOLDER_COLUMN} <> {OWNER_COLUMN}"
        ).fetchall()
        return moved | {Side(one) if one else None for pair in found for one in pair}

    def _main_files(self, owner: Side | None) -> list[Path]:
        files = self.current.places.get(owner, ())
        apart = f"{self.table.name}{OWN_COLUMNS}"
        return [
            file for file in files if not file.relative_to(owner_folder(self.book, owner)).parts[0].startswith(apart)
        ]

    def _stored(self, owner: Side | None) -> dict[str, str]:
        """The columns of an owner's file, each with its expression: a side's own rows hold its own values."""
        columns = {}
        for name in stored_columns(self.table):
            mine = owner is not None and self.own.get(name) is owner
            columns[name] = f"coalesce({quoted(own_column(name))}, {quoted(name)})" if mine else quoted(name)
        return columns

    def _own_columns(self, side: Side) -> Iterator[Move]:
        """A side's own values of shared rows, beside their key."""
        if self.by is side.other and None not in self.moved and self._canonical(self._main_files(None)):
            self.untouched |= set(self._slice_files(side))
            return
        folder, number = owner_folder(self.book, side), self.delivery.number
        names = [name for name, owner in self.own.items() if owner is side]
        columns = {name: quoted(name) for name in self.table.key} | {name: quoted(own_column(name)) for name in names}
        columns[IMPORT_COLUMN] = quoted(own_import_column(side))
        bears_own = (
            f"({' OR '.join(f'{quoted(own_column(name))} IS NOT NULL' for name in names)}) AND {_owner_condition(None)}"
        )
        target = folder / f"{self.table.name}{OWN_COLUMNS}.parquet"
        # Beside rows that wait to be added too: should they be, their side's own values are there.
        chosen = ", ".join(f"{value} AS {quoted(name)}" for name, value in columns.items())
        waiting = f"SELECT {chosen} FROM {scan_sql(self.merged.proposed)} WHERE _status = 'add' AND {bears_own}"
        more = [one for one in (self._orphans(side, columns), waiting) if one]
        yield self._copy(self.merged.after, columns, bears_own, target, {}, " UNION ALL ".join(more))
        past = f"{bears_own} AND {quoted(f'_own_{side.value}')} AND {_PAST}"
        if self._count(self.merged.before, past):
            target = folder / HIDDEN_FOLDER / "history" / f"{self.table.name}{OWN_COLUMNS}-{number}.parquet"
            yield self._copy(self.merged.before, {**columns, "_status": "_status"}, past, target, {})

    def _slice_files(self, side: Side) -> list[Path]:
        main = set(self._main_files(side))
        return [file for file in self.current.places.get(side, ()) if file not in main]

    def _orphans(self, side: Side, columns: Mapping[str, str]) -> str:
        """Own values of rows that the other side has withdrawn: they stay a side's, should the row come again."""
        files = [file for file in self._slice_files(side) if self._canonical([file])]
        if not files or self.table.may_lack_key:
            return ""
        present = pq.read_schema(files[0]).names
        chosen = ", ".join(f"o.{quoted(n)}" if n in present else f"NULL AS {quoted(n)}" for n in columns)
        same = " AND ".join(f"o.{quoted(n)} IS NOT DISTINCT FROM m.{quoted(n)}" for n in self.table.key)
        keys = ", ".join(map(quoted, self.table.key))
        # A row that is new, and of which its side now says nothing of its own, takes up what is kept for it.
        none = " AND ".join(f"{quoted(own_column(n))} IS NULL" for n, owner in self.own.items() if owner is side)
        met = (
            f"SELECT {keys} FROM {scan_sql(self.merged.after)} WHERE NOT (_status = 'new' AND {none}) "
            f"UNION ALL SELECT {keys} FROM {scan_sql(self.merged.before)}"
        )
        return f"SELECT {chosen} FROM {scan_sql(*files)} o ANTI JOIN ({met}) m ON {same}"

    def rejects(self) -> Iterator[Move]:
        """The rejects, where those lie who may read them: in a room, those whose file it was."""
        name, number = self.table.name, self.delivery.number
        if self.by is not None:
            every = pq.read_table(self.request.checked.rejects)
            if every.num_rows:
                yield self._rejects_file(self.by, f"{name}-{number}", every)
            for kind, rows in ((ROWS_FOLDER, self.request.rejected_rows), (CORRECTED_FOLDER, self.request.corrected)):
                if rows is not None and rows.num_rows:
                    target = owner_folder(self.book, self.by) / HIDDEN_FOLDER / kind / f"{name}-{number}.parquet"
                    ready = self._ready(target)
                    pq.write_table(rows, ready, compression="zstd")
                    yield Move(ready, target)
            return
        for owner in [self.whole] if self.whole is not None else [None, *self.ruled]:
            rejects = self._rejects(owner)
            if not rejects.num_rows:
                continue
            yield self._rejects_file(owner, f"{name}-{number}", rejects if self.whole else redacted_for(rejects, owner))
            for side in Side if owner is None else ():
                told = rejects.filter(pc.equal(rejects.column("column_owner"), side.value))
                if told.num_rows:
                    yield self._rejects_file(side, f"{name}{OWN_COLUMNS}-{number}", told)

    def _rejects_file(self, owner: Side | None, stem: str, rejects: pa.Table) -> Move:
        target = owner_folder(self.book, owner) / HIDDEN_FOLDER / "rejects" / f"{stem}.parquet"
        ready = self._ready(target)
        write_rejects(ready, [rejects])
        return Move(ready, target)

    def states(self) -> Iterator[Move]:
        """The update times of the rows, where they have any: its side's own, for they name rows of private folders."""
        if self.request.checked.states is not None:
            ruled = next(iter(self.ruled), None)
            folder = owner_folder(self.book, self.by if self.by is not None else ruled)
            target = folder / HIDDEN_FOLDER / STATES_FOLDER / f"{self.table.name}-{self.delivery.number}.parquet"
            ready = self._ready(target)
            write_states(self.con, self.request.checked, self.table, self.definition.timezone, ready)
            yield Move(ready, target)

    def proposals(self) -> Iterator[Move]:
        """The changes that wait for whose rows they are; `_n` pairs a row as it is with the row as it would be."""
        file = self.merged.proposed
        if not self._count(file, "true"):
            return
        columns = ", ".join(map(quoted, stored_columns(self.table)))
        pair = "_status IN ('from', 'to')"
        key = ", ".join(f"CASE WHEN {pair} THEN CAST({quoted(name)} AS VARCHAR) END" for name in self.table.key)
        single = f"CASE WHEN {pair} THEN 0 ELSE row_number() OVER () END"
        numbered = f"SELECT {columns}, _status, {single} AS _single, [{key}] AS _key FROM {scan_sql(file)}"
        target = self.book / HIDDEN_FOLDER / PROPOSALS / f"{self.table.name}-{self.delivery.number}.parquet"
        ready = self._ready(target)
        self.con.execute(
            f"COPY (SELECT {columns}, _status, dense_rank() OVER (ORDER BY _single, _key)::INTEGER AS _n "
            f"FROM ({numbered}) ORDER BY _n, _status) TO {literal(str(ready))} "
            f"(FORMAT parquet, COMPRESSION zstd, "
            f"{metadata_sql(self.definition.timezone, {PROPOSED_BY: self.delivery.key})})"
        )
        yield Move(ready, target)

    def _count(self, file: Path, where: str) -> int:
        found = self.con.execute(f"SELECT count(*) FROM {scan_sql(file)} WHERE {where}").fetchone()
        return int(found[0]) if found else 0

    def _copy(  # noqa: PLR0913 - what is written, and where
        self,
        source: Path,
        columns: Mapping[str, str],
        where: str,
        target: Path,
        metadata: Mapping[str, str],
        more: str = "",
    ) -> Move:
        ready = self._ready(target)
        chosen = ", ".join(f"{value} AS {quoted(name)}" for name, value in columns.items())
        order = ", ".join(quoted(name) for name in self.table.order if name in columns) or "ALL"
        rows = f"SELECT {chosen} FROM {scan_sql(source)} WHERE {where}{f' UNION ALL {more}' if more else ''}"
        self.con.execute(
            f"COPY (SELECT * FROM ({rows}) ORDER BY {order}) TO {literal(str(ready))} "
            f"(FORMAT parquet, COMPRESSION zstd, {metadata_sql(self.definition.timezone, metadata)})",
        )
        return Move(ready, target)

    def _ready(self, target: Path) -> Path:
        """Where a new file waits: on the same disk as its target, and no more visible than that."""
        folder = target.parent if HIDDEN_FOLDER in target.parts else target.parent / HIDDEN_FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        return folder / f"ready-{target.name}"

    def removals(self, new: set[Path]) -> Iterator[Move]:
        """What the change replaces: other forms of the table, and pasts that have outlived their retention."""
        for owner, files in self.current.places.items():
            folder = owner_folder(self.book, owner)
            tops = dict.fromkeys(folder / file.relative_to(folder).parts[0] for file in files)
            stays = {folder / file.relative_to(folder).parts[0] for file in files if file in self.untouched}
            for top in tops:
                if top not in new and (self.by is None or top not in stays):
                    yield Move(top, self._replaced(owner, top.name))
        yield from self._outlived()

    def _outlived(self) -> Iterator[Move]:
        days = self.definition.retention.get(self.table.name)
        if days is None:
            return
        old = [d.number for d in self.current.deliveries if d.at < self.delivery.at - timedelta(days=days)]
        for number in old:
            for owner in (None, *Side):
                for kind in ("history", "rejects", ROWS_FOLDER, PROPOSALS, STATES_FOLDER):
                    for name in (self.table.name, f"{self.table.name}{OWN_COLUMNS}"):
                        file = owner_folder(self.book, owner) / HIDDEN_FOLDER / kind / f"{name}-{number}.parquet"
                        if file.is_file():
                            yield Move(file, None)
            yield from (Move(file, None) for file in answered_files(self.book, self.table.name, number))

    def _replaced(self, owner: Side | None, name: str) -> Path | None:
        """Where a file goes that the book no longer reads: to whoever owns all that is private in it, or nowhere."""
        owners = {*self.ruled, *self.own.values()}
        if owner is None and len(owners) > 1:
            return None
        folder = owner_folder(self.book, owner if owner is not None or not owners else owners.pop())
        return folder / HIDDEN_FOLDER / "replaced" / f"{self.delivery.number}-{name}"


def answered_files(book: Path, table: str, number: int | str = "*") -> Iterator[Path]:
    """What was proposed by an import of a table, or by any, and has been answered."""
    yield from (book / HIDDEN_FOLDER / PROPOSALS / ANSWERED).glob(f"{table}-{number}-*.parquet")


def answered_file(proposals: Path) -> Path:
    """Where proposals lie once they are answered: numbers are given anew, so that it bears who proposed them too."""
    by = hashlib.sha256(proposed_by(proposals).encode()).hexdigest()[:16]
    return proposals.parent / ANSWERED / f"{proposals.stem}-{by}.parquet"


def proposed_by(proposals: Path) -> str:
    """The key of the delivery that proposes what a file holds."""
    metadata: Mapping[bytes, bytes] = pq.read_schema(proposals).metadata or {}
    return metadata.get(PROPOSED_BY.encode(), b"").decode()


def _owner_condition(owner: Side | None) -> str:
    """Which merged rows lie in an owner's file."""
    return f"{OWNER_COLUMN} = {literal('' if owner is None else owner.value)}"


def remove_leftovers(book: Path) -> None:
    """Remove what imports that were broken off have left lying about; under the book's lock."""
    for owner in (None, *Side):
        hidden_folder = owner_folder(book, owner) / HIDDEN_FOLDER
        remove_abandoned_folders(hidden_folder / "typed", "work-")
        for junk in (*hidden_folder.glob("ready-*"), *hidden_folder.glob("*/ready-*"), *hidden_folder.glob("work-*")):
            if junk.is_dir():
                shutil.rmtree(junk, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    junk.unlink()
