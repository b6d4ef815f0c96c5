"""A file into a book: mapped, checked, stored in one step, told; the same again changes nothing."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from comity.book.definition import Definition, read_definition
from comity.book.formats.sheet import ROW, UnusableSourceError, find_all_in
from comity.book.importing.current import CurrentTable, current_rows_sql, current_table
from comity.book.importing.rejected_rows import collect_rows, find_corrected, write_rows_file
from comity.book.importing.write import (
    WriteRequest,
    leave_earlier_states,
    left_out_by_others,
    preview_rows,
    reject_becoming_private,
    reject_broken_merged,
    remove_leftovers,
    write_rows,
)
from comity.book.mappings.apply import MappedFile, MappingContext, UnconvertedRow, apply_mapping
from comity.book.mappings.digest import is_same_mapping, mapping_digest, mapping_digests
from comity.book.mappings.model import WRITTEN_BY_ROOM, SourceMapping, UnusableMappingError, Value
from comity.book.plurals import plural
from comity.book.storage.commit import Move, book_lock, commit
from comity.book.storage.duckdb import as_book_error, work_engine
from comity.book.storage.journal import ImportRecord
from comity.book.storage.parquet import IMPORT_COLUMN, scan_sql
from comity.book.tables import CONTACTS, DEADLINES, Table
from comity.book.validation.check import MAX_REJECTS, NOBODY, CheckedRows, CheckRequest, check_rows
from comity.book.validation.plausibility import (
    check_notes,
    columns_not_kept,
    control_total_notes,
    in_neither,
    interval_notes,
)
from comity.book.validation.plausible import implausible
from comity.book.validation.pseudonyms import holder_of, pseudonym_columns
from comity.book.validation.rejects import (
    FIRST_REJECTS,
    REJECTS_SCHEMA,
    Reject,
    first_rows,
    too_many_rejects,
    write_rejects,
)
from comity.book.validation.verdicts import contact_verdict_notes, deadline_verdict_notes
from comity.core.values import Side

_FILL_IN = "FILL IN"  # what a draft writes where a person has to
FIRST_ROWS = 5  # mapped rows that a dry run shows
_LISTED = 1000  # rejects that an outcome tells of
_COMPARED = 200_000  # rejects that are compared with rows that earlier imports rejected

Progress = Callable[[int], None]  # told the number of rows as they pass


def no_progress(_: int) -> None:
    """Nobody watches the rows pass."""


class RefusedError(UnusableSourceError):
    """A file of which too many rows break a rule; nothing of it was taken."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a file.

    `delivery` has the counts; `already` is the earlier import of the very same file, which changed nothing now; so many
    of its rows are `differing` by now, because something else changed, withdrew or added to them since.
    `by_reason` counts rejects, (column, reason) -> rows. `first_rows` are the first mapped rows, of a dry run only.
    `in_neither`: how many of a file's contacts were neither answered nor given up, by their outcome. `read_as_empty`:
    header of a column of numbers -> a word for nothing, such as n/a -> in how many cells it stands.
    `cut_short`: a dry run left rows of the source; it has `about_rows`, None where only reading all would tell.
    """

    table: str
    delivery: ImportRecord
    already: ImportRecord | None = None
    differing: int = 0
    by_reason: Mapping[tuple[str, str], int] = field(default_factory=dict)
    rejects: tuple[Reject, ...] = ()  # the first of them
    notes: tuple[str, ...] = ()
    unmapped: tuple[str, ...] = ()  # columns of the source that were not kept
    headers: tuple[str, ...] = ()  # the source's own
    first_rows: tuple[Mapping[str, str], ...] = ()
    dry_run: bool = False
    cut_short: bool = False
    about_rows: int | None = None
    in_neither: Mapping[str, int] = field(default_factory=dict)
    read_as_empty: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    shared: ImportRecord | None = None  # with the counts of the rows that both sides see, once it is stored


@dataclass(frozen=True, slots=True)
class ImportRequest:
    """By whom and when a file is imported, and by which terms.

    :ivar by: who does it
    :ivar at: when, with a zone
    :ivar max_rejects: the share of rows that may break a rule before the whole file is refused
    :ivar dry_run: map and check, and change nothing
    :ivar side: the side of a room that delivers the file. It changes what this side brought and proposes the rest;
        what the other side keeps to itself it neither meets nor tells of. None: at home, where a file may change all
    :ivar holder: the side that alone adds rows to the table; what another delivers waits for it
    :ivar further_holders: the same by table, of the further tables that the file feeds
    :ivar key: what tells this delivery from another of the same file, so that it is not brought in twice
    :ivar again: a file that was imported before is imported once more: what it says was true, then it was not, and
        is again; else the same file twice changes nothing
    :ivar patience_s: how long another import is waited for
    :ivar most_rows: a dry run looks at so many rows of the source; None: at all of them
    :ivar by_room: the room writes what it knows itself, also into the tables that no file comes into
    :ivar rejected_rows: a file in which a dry run leaves the rejected rows as the source wrote them
    """

    by: str
    at: datetime
    max_rejects: float = MAX_REJECTS
    dry_run: bool = False
    side: Side | None = None
    holder: Side | None = None
    key: str = ""
    again: bool = False
    patience_s: float = 0.0
    most_rows: int | None = None
    rejected_rows: Path | None = None
    further_holders: Mapping[str, Side | None] = field(default_factory=dict)
    by_room: bool = False

    def for_further(self, table: str) -> "ImportRequest":
        """The request by which a further table of the file is imported, as a delivery of its own."""
        key = further_key(self.key, table) if self.key else ""
        return replace(self, key=key, holder=self.further_holders.get(table), rejected_rows=None)

    @property
    def rows_to_read(self) -> int | None:
        """How many rows of the source are read; None: all, as whenever something is changed."""
        return self.most_rows if self.dry_run else None

    def record(self, number: int, source: Path, mapped: MappedFile, mapping: SourceMapping) -> ImportRecord:
        """The record of the import to be, before anything is counted."""
        return ImportRecord(
            number,
            source.name,
            mapped.digest,
            self.at,
            self.by,
            mapping.name,
            mapping_digest(mapping),
            window=mapped.window,
            side="unknown" if self.side is None else self.side.value,
            key=self.key,
        )


def further_key(key: str, table: str) -> str:
    """What tells the part of a delivery that goes to a further table from the delivery, and from the same elsewhere."""
    return str(uuid5(UUID(key), table))


def import_source(
    book: Path, source: Path, mapping: SourceMapping, request: ImportRequest, progress: Progress = no_progress
) -> Outcome:
    """Import a file into a book by a mapping: what became of the first table that it feeds; see `import_tables`."""
    return import_tables(book, source, mapping, request, progress)[0]


def import_tables(
    book: Path,
    source: Path,
    mapping: SourceMapping,
    request: ImportRequest,
    progress: Progress = no_progress,
) -> tuple[Outcome, ...]:
    """Import a file into every table of a book that it feeds, all of them in one step.

    A file that lacks what a further table needs feeds the first alone, and the report says so.

    :returns: an outcome a table, the mapping's first table first
    :raises UnusableSourceError: when the file cannot be read, or (RefusedError) too much of it breaks rules
    :raises UnusableBookError: when the book cannot be read
    :raises BusyBookError: when another import into it is under way
    """
    refuse_unsure(mapping, request)
    _refuse_room_tables(mapping, request)
    definition = read_definition(book)
    outcomes: list[Outcome] = []
    moves: list[Move] = []
    with book_lock(book, request.patience_s):
        remove_leftovers(book)
        context = MappingContext(definition.timezone, most_rows=request.rows_to_read)
        applied = apply_tables(mapping, source, context)
        asked_of_draft = unsure_of(mapping) if request.dry_run else []
        if asked_of_draft:
            what = f"the draft is not sure of {', '.join(asked_of_draft)}"
            applied[0][1].notes.insert(0, f"{what}; nothing is imported by it until these are settled")
        for number, (one, mapped) in enumerate(applied):
            table = one.target
            asked = request if number == 0 else request.for_further(table.name)
            current = current_table(book, table)
            delivery = asked.record(current.next_number, source, mapped, one)
            earlier = _earlier(current, delivery, one, asked)
            incoming = IncomingRows(
                book, definition, table, asked, mapped, delivery, one, days_by_midnights=not one.identity, moves=moves
            )
            batches = _report_progress(mapped.batches, progress) if number == 0 else mapped.batches
            with work_engine() as (con, work):
                if earlier is not None and not request.dry_run:
                    differing = count_differing(con, incoming, batches, work, current, earlier)
                    nothing = replace(delivery, number=earlier.number)  # the other side sees no row of it
                    seen = next((record for record in current.shared if record.number == earlier.number), nothing)
                    outcomes.append(Outcome(table.name, delivery, earlier, differing, shared=seen))
                    continue
                outcomes.append(import_rows(con, incoming, batches, work))
        if moves:
            with as_book_error(book, "the records"):
                commit(book, moves)  # what lies ready stays, should this fail: the next import clears it
            outcomes = [replace(one, notes=(*one.notes, *_contradictions(book, definition, one))) for one in outcomes]
    return tuple(outcomes)


def _earlier(
    current: CurrentTable, delivery: ImportRecord, mapping: SourceMapping, request: ImportRequest
) -> ImportRecord | None:
    """The import that makes this one needless: of the same file, or, of one that is to come again, of the same key."""
    if request.again:
        same = (one for one in current.deliveries if one.key == request.key and request.key)
        return next((one for one in same if one.digest == delivery.digest), None)
    return current.earlier(delivery, mapping_digests(mapping))


def count_differing(  # noqa: PLR0913 - the rows, and what the book holds of them
    con: duckdb.DuckDBPyConnection,
    incoming: "IncomingRows",
    batches: Iterator[pa.RecordBatch],
    work: Path,
    current: CurrentTable,
    earlier: ImportRecord,
) -> int:
    """How many rows of a file that was imported before are no longer in the book as the file says.

    Where nothing was imported since, none: the file is not read again.
    """
    if incoming.request.side is not None or all(one.number <= earlier.number for one in current.deliveries):
        return 0
    looking = replace(incoming, request=replace(incoming.request, dry_run=True, rejected_rows=None), moves=None)
    would = import_rows(con, looking, batches, work).delivery
    return would.new + would.updated + would.withdrawn


def _contradictions(book: Path, definition: Definition, outcome: Outcome) -> Iterator[str]:
    """Of how many deadlines of an import the source's own verdict is another than that of the due time.

    A side is not told of what the other keeps to itself: where either table has private parts, nothing is said.
    """
    hidden = any(
        definition.private_owner(table.name) or definition.keeps_parts_private(table) for table in (CONTACTS, DEADLINES)
    )
    if outcome.table != DEADLINES.name or (hidden and outcome.delivery.side != "unknown"):
        return
    with work_engine() as (con, work), as_book_error(book, "the table deadlines"):
        deadlines, contacts = (
            current_rows_sql(book, table, definition, current_table(book, table), work)
            for table in (DEADLINES, CONTACTS)
        )
        if deadlines is not None and contacts is not None:
            own = f"SELECT * FROM ({deadlines}) WHERE {IMPORT_COLUMN} = {outcome.delivery.number}"  # noqa: S608 - ours
            yield from deadline_verdict_notes(con, own, contacts)


def apply_tables(
    mapping: SourceMapping, source: Path, context: MappingContext
) -> list[tuple[SourceMapping, MappedFile]]:
    """The mapping of each table with the file through it; a column that any of them keeps is kept."""
    applied = [(mapping, apply_mapping(mapping, source, context))]
    for one in mapping.also:
        try:
            applied.append((one, apply_mapping(one, source, context)))
        except UnusableSourceError as error:
            applied[0][1].notes.append(f"nothing for {one.table}: {error.message}")
    unmapped = [header for header in applied[0][1].unmapped if all(header in other.unmapped for _, other in applied)]
    for number, (_, mapped) in enumerate(applied):
        mapped.unmapped = tuple(unmapped) if number == 0 else ()
    return applied


def _refuse_room_tables(mapping: SourceMapping, request: ImportRequest) -> None:
    """Refuse rows for a table that the room alone writes.

    :raises UnusableMappingError: naming the table
    """
    for one in mapping.all_tables:
        if one.target.by_room and not request.by_room:
            raise UnusableMappingError(f"{mapping.name}: {WRITTEN_BY_ROOM.format(one.target.name)}")


def refuse_unsure(mapping: SourceMapping, request: ImportRequest) -> None:
    """Refuse a draft that nobody has gone through; a dry run shows what it comes to.

    :raises UnusableMappingError: naming the columns that it asks for
    """
    asked = unsure_of(mapping)
    if asked and not request.dry_run:
        msg = (
            f"{mapping.name}: the draft is not sure of {', '.join(asked)}; look at their lines, mend those that "
            "are wrong, and take the names out of `ask`. --dry-run shows what they come to"
        )
        raise UnusableMappingError(msg)


def unsure_of(mapping: SourceMapping) -> list[str]:
    """What a draft asks for, and what is still to be filled in."""
    blanks = [name for name, value in {**mapping.let, **mapping.columns}.items() if _has_blanks(value)]
    return list(dict.fromkeys([*mapping.ask, *blanks]))


def _has_blanks(value: Value) -> bool:
    parts = (*value.first, *value.total, *value.difference, *value.product, *value.quotient, *value.join)
    filled = value.constant != _FILL_IN and _FILL_IN not in (value.values or {}).values()
    return not filled or any(map(_has_blanks, parts))


@dataclass(frozen=True, slots=True)
class IncomingRows:
    """Rows on their way into one book, by which request, and what is known of the file that they stand in."""

    book: Path
    definition: Definition
    table: Table
    request: ImportRequest
    mapped: MappedFile
    delivery: ImportRecord
    mapping: SourceMapping
    whole_file: bool = True  # the file is for this book only: its totals, notes and unconverted rows belong to it
    days_by_midnights: bool = False  # the file may write a day as its midnight; not one in the tables' own form
    left_out: Sequence[pa.Table] | None = None  # keys that this book no longer has; None: those the mapping leaves out
    moves: list[Move] | None = None  # gathers what is to be done, where several tables change in one step
    first_rows: list[Mapping[str, str]] = field(default_factory=list)  # filled by a dry run


def import_rows(
    con: duckdb.DuckDBPyConnection, incoming: IncomingRows, batches: Iterator[pa.RecordBatch], work: Path
) -> Outcome:
    """Check rows, refuse or write them, and say what became of them; under the book's lock."""
    mapped, table, definition, request = incoming.mapped, incoming.table, incoming.definition, incoming.request
    if request.dry_run:
        batches = _keep_first_rows(batches, incoming.first_rows, {ROW, *incoming.mapping.digests})
    rules = CheckRequest(
        table,
        definition,
        number=incoming.delivery.number,
        last_wins=mapped.last_wins,
        pseudonyms=own_pseudonyms(incoming),
        delivered_by=request.side,
        with_rows=True,
        file=incoming.delivery.file,
        fixed_minutes=mapped.fixed_minutes,
        assumed_minutes=mapped.assumed_minutes,
        sure=mapped.sure,
        left_out=mapped.left_out if incoming.left_out is None else incoming.left_out,
        midnights_are_days=incoming.days_by_midnights,
    )
    checked = check_rows(con, batches, rules, work)
    siblings = {
        one.number
        for one in current_table(incoming.book, table).deliveries
        if is_same_mapping(incoming.mapping, one.mapping, one.mapping_digest)
    }
    to_write = WriteRequest(
        incoming.book,
        definition,
        table,
        checked,
        incoming.delivery,
        request.side,
        request.holder,
        over=mapped.over,
        siblings=siblings,
    )
    with as_book_error(incoming.book, f"the table {table.name}"):
        checked = reject_becoming_private(con, to_write, work)
        checked = leave_earlier_states(con, replace(to_write, checked=checked), work)
        checked = reject_broken_merged(con, replace(to_write, checked=checked), work)
        staying = left_out_by_others(con, replace(to_write, checked=checked), work)
    rejected = checked.rejected + (len(mapped.problems) if incoming.whole_file else 0)
    rows_in = checked.rows_in + rejected - checked.rejected
    refused = not request.dry_run and (rejected > request.max_rejects * rows_in or mapped.unkept > 0)
    rejected_rows, corrected = None, None
    if request.side is not None:
        rejects = first_rows(checked.rejects, _COMPARED)
        problems = mapped.problems if incoming.whole_file else []
        rejected_rows = collect_rows(
            mapped, rejects, problems, named_only=not request.dry_run, hidden=_digested_headers(incoming)
        )
        arrived = (checked.clean, rejects, mapped.sheets)
        corrected = find_corrected(con, incoming.book, table, request.side, arrived)
        if request.rejected_rows is not None and (refused or request.dry_run):
            write_rows_file(rejected_rows, request.rejected_rows)
    by_reason = _place_rejects(checked, incoming, _LISTED if refused or request.dry_run else None)
    rejects = _first_rejects(checked.rejects)
    checked = replace(checked, rejected=rejected, rows_in=rows_in)
    if refused:
        msg = too_many_rejects(rejected, rows_in, request.max_rejects, rejects[:FIRST_REJECTS])
        raise RefusedError(msg, file=incoming.delivery.file)
    told = _notes(con, checked, incoming)
    neither = in_neither(con, checked.clean, table)
    notes = (*told.every, *_staying(staying, incoming.delivery.mapping))
    delivery = replace(
        incoming.delivery,
        rows_in=rows_in,
        rejected=rejected,
        collapsed=checked.collapsed,
        superseded=checked.superseded,
        has_update_times=checked.states is not None,
        control=dict(mapped.control) if incoming.whole_file else {},
        notes=() if definition.keeps_parts_private(table) else notes,
        contradictory=len(told.contradictory),
        implausible=len(told.implausible),
    )
    shared = None
    to_write = replace(to_write, checked=checked, delivery=delivery, rejected_rows=rejected_rows, corrected=corrected)
    with as_book_error(incoming.book, f"the table {table.name}"):
        if request.dry_run:  # which lists no more than the first rejects, but counts all
            if mapped.cut_short:  # a window would withdraw what the rest of the file holds
                to_write = replace(to_write, delivery=replace(delivery, window=None))
            delivery = replace(preview_rows(con, to_write, work), rows_in=rows_in, rejected=rejected)
        else:
            delivery, shared = write_rows(con, to_write, work, incoming.moves)
    return Outcome(
        table.name,
        delivery,
        by_reason=by_reason,
        rejects=rejects,
        notes=notes,
        unmapped=tuple(mapped.unmapped),
        headers=tuple(dict.fromkeys(header for sheet in mapped.sheets for header in sheet.headers)),
        first_rows=tuple(incoming.first_rows),
        in_neither=neither,
        read_as_empty={header: dict(counts) for header, counts in mapped.read_as_empty.items()},
        dry_run=request.dry_run,
        cut_short=mapped.cut_short,
        about_rows=None if mapped.about_rows is None else mapped.about_rows * mapped.stride,
        shared=shared,
    )


def _staying(rows: Mapping[str, int], mapping: str) -> Iterator[str]:
    """What the mapping leaves out and does not withdraw."""
    for other, count in rows.items():
        what = plural(count, "row that it leaves out stays", "rows that it leaves out stay")
        yield f"{what}, as the mapping {other!r} brought them and not {mapping!r}; import by {other!r} to withdraw them"


def _report_progress(batches: Iterator[pa.RecordBatch], progress: Progress) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        progress(batch.num_rows)
        yield batch


def own_pseudonyms(incoming: IncomingRows) -> dict[str, str]:
    """The columns that enter as digests: as the book has them, and as the mapping of whoever imports says."""
    definition, side = incoming.definition, incoming.request.side
    holder = "" if side is None else holder_of(definition.relationship, side)
    return pseudonym_columns(incoming.table, definition.digests, incoming.book, incoming.mapping.digests, holder)


def _digested_headers(incoming: IncomingRows) -> frozenset[str]:
    """The columns of the file of which the book keeps digests alone, by the mapping."""
    named = [header for name in incoming.mapping.digests for header in incoming.mapping.columns[name].source]
    sheets = incoming.mapped.sheets
    return frozenset(own for sheet in sheets for header in named for own in find_all_in(sheet.headers, header))


def _keep_first_rows(
    batches: Iterator[pa.RecordBatch], first: list[Mapping[str, str]], without: Collection[str]
) -> Iterator[pa.RecordBatch]:
    """Keep the first rows for people to look at, without the columns whose cells nobody is to read."""
    for batch in batches:
        if len(first) < FIRST_ROWS:
            rows = batch.slice(0, FIRST_ROWS - len(first)).to_pylist()
            first += [
                {name: value for name, value in row.items() if name not in without and value is not None}
                for row in rows
            ]
        yield batch


def _place_rejects(checked: CheckedRows, incoming: IncomingRows, most: int | None) -> dict[tuple[str, str], int]:
    """Rewrite the rejects with files and lines, rows that could not be converted among them; their counts by reason.

    :param most: how many of them are placed, where they are only shown: finding all lines may take much memory
    """
    mapped, table = incoming.mapped, first_rows(checked.rejects, most)
    unconverted_rows = mapped.problems if incoming.whole_file else []
    problems = unconverted_rows[:most]
    rows = table.column("row").to_pylist()
    lines = mapped.lines([*rows, *(problem.row for problem in problems if problem.line is None)])
    files = [_file_and_sheet(incoming, row) for row in rows]
    kept = table.drop_columns([name for name in ("row", "key") if name in table.schema.names])
    kept = kept.add_column(0, "line", pa.array([lines.get(row, row) for row in rows], pa.int64()))
    kept = kept.add_column(0, "file", pa.array(files, pa.string())).cast(REJECTS_SCHEMA)
    owner, column_owner = _owners_of_unread_row(incoming.table, incoming.definition, incoming.request.side)
    unconverted = [_as_reject(problem, incoming, lines, owner, column_owner) for problem in problems]
    write_rejects(checked.rejects, [kept, pa.Table.from_pylist(unconverted, REJECTS_SCHEMA)])
    counts = dict(checked.by_reason)
    for problem in unconverted_rows:
        counts[problem.column, problem.reason] = counts.get((problem.column, problem.reason), 0) + 1
    return counts


def _as_reject(
    problem: UnconvertedRow,
    incoming: IncomingRows,
    lines: Mapping[int, int],
    owner: str | None,
    column_owner: str | None,
) -> dict[str, object]:
    return {
        "file": _file_and_sheet(incoming, problem.row),
        "line": problem.line if problem.line is not None else lines.get(problem.row, problem.row),
        "column": problem.column,
        "value": problem.value[:200],
        "reason": problem.reason,
        "owner": owner,
        "column_owner": column_owner,
    }


def _file_and_sheet(incoming: IncomingRows, row: int) -> str:
    sheet = incoming.mapped.sheet_name(row) if row >= 0 else None
    return incoming.delivery.file if sheet is None else f"{incoming.delivery.file} [{sheet}]"


def _owners_of_unread_row(table: Table, definition: Definition, by: Side | None) -> tuple[str | None, str | None]:
    """Whose a row is that could not be read: whoever has private rows or columns there, to be on the safe side."""
    if by is not None:
        return None, None  # the list is the delivering side's alone
    rows = {side for side, one in definition.private.items() for row in one.rows if row.table == table.name}
    return _only_side(rows), _only_side(set(definition.column_owners(table).values()))


def _only_side(sides: set[Side]) -> str | None:
    return None if not sides else sides.pop().value if len(sides) == 1 else NOBODY


def _first_rejects(file: Path) -> tuple[Reject, ...]:
    """The first rejects; whoever imports a file has the file."""
    table = first_rows(file, _LISTED)
    return tuple(
        Reject(row["file"], row["line"], row["column"], row["value"] or "", row["reason"]) for row in table.to_pylist()
    )


@dataclass(frozen=True, slots=True)
class _Told:
    """The sentences about a delivery: what hardly can be and what contradicts itself first, then the others."""

    implausible: tuple[str, ...]
    contradictory: tuple[str, ...]
    others: tuple[str, ...]

    @property
    def every(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self.contradictory, *self.implausible, *self.others)))


def _notes(con: duckdb.DuckDBPyConnection, checked: CheckedRows, incoming: IncomingRows) -> _Told:
    mapped, table = incoming.mapped, incoming.table
    notes = list(mapped.notes) if incoming.whole_file else []
    if checked.earlier_states:
        what = plural(checked.earlier_states, "row is an earlier state", "rows are earlier states")
        notes.append(f"{what} than one that the book has from an earlier import; the later state counts")
    if checked.overlapping[0]:
        rows, counts = checked.overlapping
        what = plural(rows, "row tells", "rows tell")
        notes.append(
            f"{what} of a time that an earlier part of this log covers too; of {counts} the larger count is kept"
        )
    if checked.superseded > checked.earlier_states:
        what = plural(checked.superseded - checked.earlier_states, "row is an earlier state", "rows are earlier states")
        notes.append(f"{what} of another; the last state of each counts")
    if checked.superseded:
        checked = replace(checked, collapsed=checked.collapsed - checked.superseded)
    notes += [text for _, text in check_notes(checked, table, incoming.definition)]
    contradictory: list[str] = []
    if incoming.whole_file:
        contradictory += control_total_notes(con, checked, table, mapped.control)
        contradictory += interval_notes(con, checked, table)
        contradictory += contact_verdict_notes(con, checked.clean, table)
    today = incoming.request.at.astimezone(ZoneInfo(incoming.definition.timezone)).date()
    odd = tuple(implausible(con, scan_sql(checked.clean), table, incoming.definition, today))
    for name, rows in checked.midnights.items():
        what = plural(rows, "moment", "moments")
        notes.append(f"{name}: {what} that fall on midnight, and no other: taken as days, due until their end")
    if mapped.unmapped:
        notes.append(columns_not_kept(mapped.unmapped))
    return _Told(odd, tuple(contradictory), tuple(notes))
