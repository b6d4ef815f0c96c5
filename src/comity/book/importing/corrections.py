# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Corrections: changes that one side proposes to rows of the other, looked at and accepted by whose rows they are.

An import keeps them beside the table (`write.PROPOSALS`). Accepting some is an import of its own: the rows change,
`brought_by` stays, and what they were before is kept, so that it can be taken back.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from comity.book.definition import Definition, read_definition
from comity.book.importing.current import current_rows_sql, current_table
from comity.book.importing.merge import OWNER_COLUMN, own_columns
from comity.book.importing.supposed import supposed_copy
from comity.book.importing.write import (
    PROPOSALS,
    WriteRequest,
    answered_file,
    answered_files,
    proposed_by,
    remove_leftovers,
    write_rows,
)
from comity.book.reading.visibility import private_row_sql, stored_columns
from comity.book.storage.commit import book_lock
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import CORRECTION, ImportRecord
from comity.book.storage.layout import HIDDEN_FOLDER
from comity.book.storage.parquet import IMPORT_COLUMN, metadata_sql, scan_sql
from comity.book.storage.sql import literal, quoted
from comity.book.tables import TABLES, Table
from comity.book.validation.check import CheckedRows
from comity.book.validation.rejects import REJECTS_SCHEMA
from comity.core.values import Side

_KINDS = {"to": "change", "add": "add", "withdraw": "withdraw"}


class NoProposalError(LookupError):
    """Proposals that are not there: none were made, they do not wait any more, or their retention has passed."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One change of one row.

    `kind` is change, add or withdraw; `before` and `after` are the row's values by column, of a change only those that
    differ, beside the key. An empty value is None.
    """

    number: int
    kind: str
    key: dict[str, object]
    before: dict[str, object]
    after: dict[str, object]


@dataclass(frozen=True, slots=True)
class Accepted:
    """What became of accepted proposals: rows changed, added, withdrawn; `stale` rows have changed since and stay."""

    number: int
    changed: int
    added: int
    withdrawn: int
    stale: int
    digest: str  # of the import, as the journal has it


def proposals_file(book: Path, table: str, number: int) -> Path:
    """Where the proposals of an import lie."""
    return book / HIDDEN_FOLDER / PROPOSALS / f"{table}-{number}.parquet"


def count_proposals(book: Path, table: str, number: int, key: str = "") -> dict[str, int]:
    """How many rows an import that waits for its answer proposes to change, to add and to withdraw.

    :param key: of the delivery that proposes them: numbers of imports that were taken back are given anew
    :raises NoProposalError: when there are none
    """
    statuses = pq.read_table(_waiting(book, table, number, key), columns=["_status"]).column("_status").to_pylist()
    return {kind: statuses.count(status) for status, kind in _KINDS.items()}


def proposals(  # noqa: PLR0913 - of which import, and which of them
    book: Path, table: str, number: int, key: str = "", *, first: int = 0, most: int | None = None
) -> Iterator[Proposal]:
    """The proposals of an import, in their order, whether they wait or were answered.

    :param key: as `count_proposals`
    :param first: how many are passed over
    :raises NoProposalError: when there are none
    """
    names = [column.name for column in TABLES[table].columns if column.name != "brought_by"]
    try:
        file = _waiting(book, table, number, key)
    except NoProposalError:
        answered = [one for one in answered_files(book, table, number) if key in {"", proposed_by(one)}]
        if not answered:
            raise
        file = answered[0]
    wanted = pq.read_table(file, columns=[*names, "_status", "_n"])
    end = None if most is None else first + most
    rows: dict[int, dict[str, dict[str, object]]] = {}
    for row in wanted.to_pylist():
        if row["_n"] > first and (end is None or row["_n"] <= end):
            rows.setdefault(row["_n"], {})[row["_status"]] = {name: row[name] for name in names}
    for at, found in sorted(rows.items()):
        yield _proposal(TABLES[table], at, found)


def _proposal(table: Table, number: int, found: dict[str, dict[str, object]]) -> Proposal:
    before, after = found.get("from") or found.get("withdraw") or {}, found.get("to") or found.get("add") or {}
    kind = "change" if "to" in found else next(iter(found))
    key = {name: (before or after)[name] for name in table.key}
    if kind == "change":
        differ = [name for name in before if before[name] != after[name] and name not in table.key]
        before, after = ({name: row[name] for name in differ} for row in (before, after))
    return Proposal(number, kind, key, before, after)


def _waiting(book: Path, table: str, number: int, key: str) -> Path:
    file = proposals_file(book, table, number)
    if not _belongs_to_delivery(file, key):
        msg = f"{book}: import {number} of {table} proposes nothing, or it was answered"
        raise NoProposalError(msg)
    return file


def _belongs_to_delivery(file: Path, key: str) -> bool:
    """Whether the proposals of a file are there, and are those of a delivery; an empty key asks for no delivery."""
    return file.is_file() and key in {"", proposed_by(file)}


def _keep_answered(file: Path) -> None:
    """Keep proposals that were answered where both sides still read what was proposed."""
    target = answered_file(file)
    target.parent.mkdir(exist_ok=True)
    file.replace(target)


def refuse_proposals(book: Path, table: str, number: int, key: str = "") -> None:
    """Answer the proposals of an import with no, or withdraw them; the rows stay as they are.

    :param key: as `count_proposals`
    """
    with book_lock(book):
        file = proposals_file(book, table, number)
        if _belongs_to_delivery(file, key):
            _keep_answered(file)


def accept_proposals(  # noqa: PLR0913 - what, of which import, which rows, by whom, when
    book: Path,
    table: str,
    number: int,
    *,
    by: str,
    side: Side,
    at: datetime,
    rows: Collection[int] | None = None,
    key: str = "",
    made_as: str = "",
    patience_s: float = 0.0,
) -> Accepted:
    """Make the changes that an import proposes, as an import of whose rows they are.

    A row that has changed since it was proposed to change stays as it is and is counted as stale.

    :param rows: the numbers of the proposals; None: all
    :param key: as `count_proposals`
    :param made_as: what a room calls the acceptance: begun again after a crash, it is not made twice
    :raises NoProposalError: when there are none
    :raises comity.book.storage.commit.BusyBookError: when an import is under way
    """
    definition, target = read_definition(book), TABLES[table]
    with book_lock(book, patience_s), work_engine() as (con, work):
        remove_leftovers(book)
        file, current = proposals_file(book, table, number), current_table(book, target)
        record = next((one for one in current.deliveries if made_as and one.key == made_as), None)
        if record is not None:  # its process died before it could say so
            if _belongs_to_delivery(file, key):
                _keep_answered(file)
            return Accepted(record.number, record.updated, record.new, record.withdrawn, 0, record.digest)
        _waiting(book, table, number, key)
        chosen = f"(SELECT * FROM {scan_sql(file)} WHERE {_number_condition(rows)})"
        now = current_rows_sql(book, target, definition, current, work)
        clean, gone = work / "accepted.parquet", work / "withdrawn.parquet"
        with as_book_error(book, f"the table {table}"):
            stale = _write_unchanged(con, target, chosen, now, current.next_number, definition, clean)
            con.execute(
                f"COPY (SELECT {_columns(target)} FROM {chosen} WHERE _status = 'withdraw') "
                f"TO {literal(str(gone))} (FORMAT parquet)"
            )
            rejects = work / "rejects.parquet"
            pq.write_table(REJECTS_SCHEMA.empty_table(), rejects)
            taken = pq.read_metadata(clean).num_rows
            # A column that a side keeps is set only where the other side named a value.
            borne = _columns_named(con, target, definition, clean)
            checked = CheckedRows(clean, rejects, taken, taken, 0, 0, columns=borne)
            digest = hashlib.sha256(f"{table} {number} {sorted(rows) if rows is not None else 'all'}".encode())
            delivery = ImportRecord(
                current.next_number,
                f"correction {number}",
                digest.hexdigest(),
                at,
                by,
                CORRECTION,
                "",
                side=side.value,
                key=made_as,
            )
            request = WriteRequest(book, definition, target, checked, delivery, withdraw=gone, accepted=True)
            stored, _ = write_rows(con, request, work)
        _keep_answered(file)
    return Accepted(stored.number, stored.updated, stored.new, stored.withdrawn, stale, delivery.digest)


@contextmanager
def supposed_accepted(  # noqa: PLR0913 - what, of which import, of whose rows, when
    book: Path, table: str, number: int, *, side: Side, at: datetime, key: str = "", patience_s: float = 0.0
) -> Iterator[Path]:
    """Yield a copy of a book as it would be with all proposals of an import accepted; the book itself is not changed.

    :param key: as `count_proposals`
    :raises NoProposalError: when there are none
    :raises comity.book.storage.commit.BusyBookError: when an import is under way
    """
    with supposed_copy(book, patience_s) as copy:
        accept_proposals(copy, table, number, by="nobody", side=side, at=at, key=key, made_as="supposed")
        yield copy


def _number_condition(rows: Collection[int] | None) -> str:
    return "true" if rows is None else f"_n IN ({', '.join(str(int(one)) for one in rows) or 'NULL'})"


def _columns(table: Table) -> str:
    return ", ".join(map(quoted, stored_columns(table)))


def _write_unchanged(  # noqa: PLR0913 - one step of accept
    con: duckdb.DuckDBPyConnection,
    table: Table,
    chosen: str,
    now: str | None,
    number: int,
    definition: Definition,
    target: Path,
) -> int:
    """Write the accepted rows whose row is still as it was when the change was proposed; the number of the others."""
    own = own_columns(table, definition)
    compared = [name for name in stored_columns(table) if name not in own and name not in {IMPORT_COLUMN, "brought_by"}]
    same = " AND ".join(f"f.{quoted(name)} IS NOT DISTINCT FROM h.{quoted(name)}" for name in compared)
    if now is None:
        now = f"SELECT *, '' AS {OWNER_COLUMN} FROM {chosen} WHERE false"
    shared = f"(SELECT * FROM ({now}) WHERE {OWNER_COLUMN} = '')"
    # What a side keeps is not compared, and may have changed since: where it is not what was proposed, it stays as it
    # is now, and does not become again what it was then.
    beside = [name for name in stored_columns(table) if name in own]
    then = "".join(f", any_value(f.{quoted(one)}) AS {quoted(f'then {one}')}" for one in beside)
    is_now = "".join(f", any_value(h.{quoted(one)}) AS {quoted(f'now {one}')}" for one in beside)
    asked = f"(SELECT * FROM {chosen} WHERE _status = 'from')"
    still = f"SELECT f._n{then}{is_now} FROM {asked} f JOIN {shared} h ON {same} GROUP BY f._n"
    replaced = [f"{number}::INTEGER AS {IMPORT_COLUMN}"]
    replaced += [
        f"CASE WHEN {quoted(one)} IS DISTINCT FROM {quoted(f'then {one}')} THEN {quoted(one)} "
        f"ELSE {quoted(f'now {one}')} END AS {quoted(one)}"
        for one in beside
    ]
    changed = f"SELECT * REPLACE ({', '.join(replaced)}) FROM {chosen} JOIN ({still}) USING (_n) WHERE _status = 'to'"
    # Nor may a shared row become private, because its own side's rule would take what it turns into.
    rules = [rule for one in Side if (rule := private_row_sql(one, table, definition)) is not None]
    stays = " AND ".join(f"NOT {rule}" for rule in rules) or "true"
    # A row that was to be added, and whose key is taken by now, would change that row.
    equals = "=" if table.may_lack_key else "IS NOT DISTINCT FROM"  # an empty queue of a reported figure is a value
    keys = " AND ".join(f"f.{quoted(name)} {equals} h.{quoted(name)}" for name in table.key)
    new = f"(SELECT * FROM {chosen} WHERE _status = 'add')"
    taken = f"SELECT f._n FROM {new} f JOIN {shared} h ON {keys}"
    added = f"SELECT * REPLACE ({replaced[0]}) FROM {new} WHERE _n NOT IN ({taken})"
    con.execute(
        f"COPY (SELECT {_columns(table)} FROM ({changed}) WHERE {stays} "
        f"UNION ALL SELECT {_columns(table)} FROM ({added})) TO {literal(str(target))} "
        f"(FORMAT parquet, {metadata_sql(definition.timezone)})"
    )
    wanted = con.execute(f"SELECT count(*) FROM {chosen} WHERE _status IN ('to', 'add')").fetchone()
    return int(wanted[0]) - int(pq.read_metadata(target).num_rows) if wanted else 0


def _columns_named(
    con: duckdb.DuckDBPyConnection, table: Table, definition: Definition, clean: Path
) -> tuple[str, ...]:
    own, columns = own_columns(table, definition), []
    for column in table.columns:
        if column.name == "brought_by":
            continue
        if column.name in own:
            counted = con.execute(f"SELECT count({quoted(column.name)}) FROM {scan_sql(clean)}").fetchone()
            if not (counted and counted[0]):
                continue
        columns.append(column.name)
    return tuple(columns)
