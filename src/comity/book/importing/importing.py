# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""A file into a book: mapped, checked, stored in one step, told; the same again changes nothing."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from comity.book.definition import Definition, read_definition
from comity.book.engine import naming, working
from comity.book.importing.applying import Applied, Context, Problem, apply
from comity.book.importing.checking import MAX_REJECTS, NOBODY, Checked, check, owner_of_columns
from comity.book.importing.committing import locked
from comity.book.importing.conversions import quoted
from comity.book.importing.digests import digested
from comity.book.importing.mapping import Mapping as SourceMapping
from comity.book.importing.provenance import Delivery
from comity.book.importing.rejects import SCHEMA, Reject, first_rows, write_rejects
from comity.book.importing.section import ROW, UnusableSourceError
from comity.book.importing.storing import clear, held, store
from comity.book.raw import notes_of, something_closed, something_private
from comity.book.storage import scan_sql
from comity.book.tables import Kind, Table
from comity.core.values import Side

FIRST_ROWS = 5  # mapped rows that a dry run shows
_FIRST = 3  # rejects named in a refusal
_SHOWN = 12  # columns named in a note
_LISTED = 1000  # rejects that an outcome tells of

Progress = Callable[[int], None]  # told the number of rows as they pass


def unwatched(_: int) -> None:
    """Nobody watches the rows pass."""


class RefusedError(UnusableSourceError):
    """A file of which too many rows break a rule; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    `delivery` has the counts; `already` is the earlier import of the very same file, which changed nothing now.
    `by_reason` counts rejects, (column, reason) -> rows. `first_rows` are the first mapped rows, of a dry run only.
    """

    table: str
    delivery: Delivery
    already: Delivery | None = None
    by_reason: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()  # the first of them
    notes: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()  # columns of the source that were not kept
    first_rows: tuple[Mapping[str, str], ...] = ()
    dry_run: bool = False
    shared: Delivery | None = None  # with the counts of the rows that both sides see, once it is stored


def import_source(  # noqa: PLR0913 - what, into what, how, by whom, when
    book: Path,
    source: Path,
    mapping: SourceMapping,
    *,
    by: str,
    at: datetime,
    max_rejects: float = MAX_REJECTS,
    dry_run: bool = False,
    progress: Progress = unwatched,
    side: Side | None = None,
    patience_s: float = 0.0,
) -> Outcome:
    """Import a file into a book by a mapping.

    :param by: who does it
    :param at: when, with a zone
    :param max_rejects: the share of rows that may break a rule before the whole file is refused
    :param dry_run: map and check, and change nothing
    :param side: whose file it is: what the other side keeps to itself it neither writes nor meets; None: anybody's
    :param patience_s: how long another import is waited for
    :raises UnusableSourceError: when the file cannot be read, or (RefusedError) too much of it breaks rules
    :raises UnusableBookError: when the book cannot be read
    :raises BusyBookError: when another import into it is under way
    """
    definition = read_definition(book)
    table, closed = mapping.target, None if side is None else side.other
    refuse_theirs(source, table, definition, closed)
    with locked(book, patience_s), working() as (con, work):
        clear(book)
        applied = _without_theirs(apply(mapping, source, Context(definition.timezone)), table, definition, closed)
        there = held(book, table)
        delivery = Delivery(
            there.next_number,
            source.name,
            applied.digest,
            at,
            by,
            mapping.name,
            digest_of_mapping(mapping),
            window=applied.window,
        )
        earlier = there.earlier(delivery.digest, delivery.mapping_digest)
        # That a file is known would tell that a guess at what the other side keeps is right.
        silent = closed is not None and something_closed(table, definition, closed)
        if earlier is not None and not dry_run and not silent:
            return Outcome(table.name, delivery, already=earlier)
        return take(
            con,
            book,
            definition,
            Taking(applied, table, delivery, source.name, max_rejects, dry_run=dry_run, closed=closed),
            _watched(applied.batches, progress),
            work,
        )


def refuse_theirs(source: Path, table: Table, definition: Definition, closed: Side | None) -> None:
    """Let nobody bring in a table that the other side keeps to itself.

    :raises UnusableSourceError: for such a table
    """
    if closed is not None and definition.private_owner(table.name) is closed:
        msg = f"{source}: {table.name} is what the other side keeps to itself; only it brings such records in"
        raise UnusableSourceError(msg)


def columns_of_theirs(table: Table, definition: Definition, closed: Side | None) -> frozenset[str]:
    """The columns of a table that the other side keeps to itself."""
    return frozenset(name for name, owner in owner_of_columns(table, definition).items() if owner is closed)


def _without_theirs(applied: Applied, table: Table, definition: Definition, closed: Side | None) -> Applied:
    """The rows without the columns that the other side keeps to itself."""
    theirs = columns_of_theirs(table, definition, closed)
    if not theirs:
        return applied
    batches = applied.batches

    def passing() -> Iterator[pa.RecordBatch]:
        for batch in batches:
            dropped = sorted(theirs.intersection(batch.schema.names))
            if dropped:
                note = f"not taken, for the other side keeps it to itself: {', '.join(dropped)}"
                applied.notes[:] = dict.fromkeys((*applied.notes, note))
            yield batch.select([name for name in batch.schema.names if name not in theirs])

    applied.batches = passing()
    applied.last_wins = None if applied.last_wins in theirs else applied.last_wins
    return applied


def digest_of_mapping(mapping: SourceMapping) -> str:
    """What tells a mapping from its own earlier version."""
    return hashlib.sha256(repr(mapping).encode()).hexdigest()[:16]


@dataclass(slots=True)
class Taking:
    """A file on its way in."""

    applied: Applied
    table: Table
    delivery: Delivery
    file: str
    max_rejects: float
    dry_run: bool = False
    alone: bool = True  # the file is for this book only: its totals and notes may be told there
    problems: bool = True  # rows that were not converted belong to this book
    closed: Side | None = None  # the side whose private rows the file does not reach
    first_rows: list[Mapping[str, str]] = field(default_factory=list)


def take(  # noqa: PLR0913 - the steps' own needs
    con: duckdb.DuckDBPyConnection,
    book: Path,
    definition: Definition,
    taking: Taking,
    batches: Iterator[pa.RecordBatch],
    work: Path,
) -> Outcome:
    """Check rows, refuse or store them, and tell; under the book's lock."""
    applied, table = taking.applied, taking.table
    if taking.dry_run:
        batches = _peeked(batches, taking.first_rows)
    checked = check(
        con,
        batches,
        table,
        definition,
        work,
        number=taking.delivery.number,
        last_wins=applied.last_wins,
        digest=digested(table, definition.digests, book),
        closed=taking.closed,
    )
    rejected = checked.rejected + (len(applied.problems) if taking.problems else 0)
    rows_in = checked.rows_in + rejected - checked.rejected
    refused = not taking.dry_run and (rejected > taking.max_rejects * rows_in or applied.unkept > 0)
    by_reason = _place_rejects(checked, taking, definition, _LISTED if refused or taking.dry_run else None)
    rejects = _first_rejects(checked.rejects)
    checked = replace(checked, rejected=rejected, rows_in=rows_in)
    if refused:
        told = "; ".join(map(str, rejects[:_FIRST]))
        msg = (
            f"{taking.file}: {rejected:,} of {rows_in:,} rows break a rule, where {taking.max_rejects:.0%} may: {told}"
        )
        raise RefusedError(msg)
    notes = _notes(con, checked, taking, definition)
    private = something_private(table, definition)
    delivery = replace(
        taking.delivery,
        rows_in=rows_in,
        rejected=rejected,
        collapsed=checked.collapsed,
        superseded=checked.superseded,
        control=dict(applied.control) if taking.alone else {},
        notes=() if private else notes,
    )
    shared = None
    if not taking.dry_run:
        with naming(f"{book}: the table {table.name}"):
            delivery, shared = store(con, book, definition, table, checked, delivery, work, taking.closed)
    return Outcome(
        table.name,
        delivery,
        by_reason=by_reason,
        rejects=rejects,
        notes=notes,
        unmapped=tuple(applied.unmapped),
        first_rows=tuple(taking.first_rows),
        dry_run=taking.dry_run,
        shared=shared,
    )


def _watched(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        progress(batch.num_rows)
        yield batch


def _peeked(batches: Iterator[pa.RecordBatch], first: list[Mapping[str, str]]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        if len(first) < FIRST_ROWS:
            rows = batch.slice(0, FIRST_ROWS - len(first)).to_pylist()
            first += [{name: value for name, value in row.items() if name != ROW and value is not None} for row in rows]
        yield batch


def _place_rejects(
    checked: Checked,
    taking: Taking,
    definition: Definition,
    most: int | None,
) -> dict[tuple[str, str], int]:
    """Rewrite the rejects with files and lines, rows that could not be converted among them; their counts by reason.

    :param most: how many of them are placed, where they are only shown: finding all lines may take much memory
    """
    applied, found = taking.applied, first_rows(checked.rejects, most)
    every = applied.problems if taking.problems else []
    problems = every[:most]
    rows = found.column("row").to_pylist()
    lines = applied.lines([*rows, *(problem.row for problem in problems if problem.line is None)])
    files = [_named(taking, row) for row in rows]
    kept = found.drop_columns(["row"])
    kept = kept.add_column(0, "line", pa.array([lines.get(row, row) for row in rows], pa.int64()))
    kept = kept.add_column(0, "file", pa.array(files, pa.string())).cast(SCHEMA)
    owner, column_owner = _unknown_owners(taking.table, definition, taking.closed)
    unconverted = [_as_reject(problem, taking, lines, owner, column_owner) for problem in problems]
    write_rejects(checked.rejects, [kept, pa.Table.from_pylist(unconverted, SCHEMA)])
    counts = dict(checked.by_reason)
    for problem in every:
        counts[problem.column, problem.reason] = counts.get((problem.column, problem.reason), 0) + 1
    return counts


def _as_reject(
    problem: Problem,
    taking: Taking,
    lines: Mapping[int, int],
    owner: str | None,
    column_owner: str | None,
) -> dict[str, object]:
    return {
        "file": _named(taking, problem.row),
        "line": problem.line if problem.line is not None else lines.get(problem.row, problem.row),
        "column": problem.column,
        "value": problem.value[:200],
        "reason": problem.reason,
        "owner": owner,
        "column_owner": column_owner,
    }


def _named(taking: Taking, row: int) -> str:
    sheet = taking.applied.sheet(row) if row >= 0 else None
    return taking.file if sheet is None else f"{taking.file} [{sheet}]"


def _unknown_owners(table: Table, definition: Definition, closed: Side | None) -> tuple[str | None, str | None]:
    """Whose a row is that could not be read: whoever has private rows or columns there, to be on the safe side."""
    rows = {side for side, one in definition.private.items() for row in one.rows if row.table == table.name}
    columns = set(owner_of_columns(table, definition).values())
    return _only(rows - {closed}), _only(columns - {closed})


def _only(sides: set[Side]) -> str | None:
    return None if not sides else sides.pop().value if len(sides) == 1 else NOBODY


def _first_rejects(file: Path) -> tuple[Reject, ...]:
    """The first rejects; whoever imports a file has the file."""
    table = first_rows(file, _LISTED)
    return tuple(
        Reject(row["file"], row["line"], row["column"], row["value"] or "", row["reason"]) for row in table.to_pylist()
    )


def _notes(con: duckdb.DuckDBPyConnection, checked: Checked, taking: Taking, definition: Definition) -> tuple[str, ...]:
    applied = taking.applied
    notes = list(applied.notes) if taking.alone else []
    if checked.superseded:
        notes.append(f"{checked.superseded:,} rows are earlier states of another; the last state of each counts")
        checked = replace(checked, collapsed=checked.collapsed - checked.superseded)
    notes += [text for _, text in notes_of(checked, taking.table, definition)]
    if taking.alone:
        notes += _control_notes(con, checked, taking.table, applied.control)
        notes += _balance_notes(con, checked, taking.table)
    if applied.unmapped:
        more = f" and {len(applied.unmapped) - _SHOWN} more" if len(applied.unmapped) > _SHOWN else ""
        notes.append(f"columns not kept: {', '.join(applied.unmapped[:_SHOWN])}{more}")
    return tuple(dict.fromkeys(notes))


def _balance_notes(con: duckdb.DuckDBPyConnection, checked: Checked, table: Table) -> Iterator[str]:
    """Where the parts of an interval are not what was offered in it."""
    if table.name != "intervals":
        return
    parts = "answered + abandoned + coalesce(flowed_out, 0)"
    sql = (
        f"SELECT count(*) FILTER (off <> 0), coalesce(sum(off), 0), count(off) "
        f"FROM (SELECT offered - ({parts}) AS off FROM {scan_sql(checked.clean)})"
    )
    found = con.execute(sql).fetchone()
    if found and found[0]:
        yield (
            f"in {found[0]:,} of {found[2]:,} intervals answered, abandoned and flowed out are not what was offered "
            f"({found[1]:+,.0f} in sum)"
        )


def _control_notes(
    con: duckdb.DuckDBPyConnection,
    checked: Checked,
    table: Table,
    control: Mapping[str, float],
) -> Iterator[str]:
    """Where the source's own totals are not what its rows add up to."""
    numeric = {Kind.COUNT, Kind.NUMBER, Kind.AMOUNT, Kind.SECONDS}
    for name, total in control.items():
        if name not in table.by_name or table.by_name[name].kind not in numeric:
            continue
        sql = f"SELECT coalesce(sum({quoted(name)}), 0) FROM {scan_sql(checked.clean)}"
        found = con.execute(sql).fetchone()
        added = float(found[0]) if found else 0.0
        if abs(added - total) > 0.005 + 1e-9 * abs(total):  # half of the last decimal of money
            yield f"the file's own total of {name} is {total:,.10g}, its rows that were taken add up to {added:,.10g}"
