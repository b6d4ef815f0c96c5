"""A file through a mapping: rows of text under the table's own names, and the rows that could not be converted."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from comity.book.formats.delimited import DelimitedSheet
from comity.book.formats.detect import SourceFile, open_source_file
from comity.book.formats.sheet import (
    LAST_STATE,
    REASON_HEADER,
    ROW,
    ROW_HEADER,
    Sheet,
    UnusableSourceError,
    find_all_in,
)
from comity.book.mappings.adapt import FileFacts, adapt, roles_of
from comity.book.mappings.column_evidence import Role, gather_evidence
from comity.book.mappings.compile import CompiledMapping, MappingCompiler, map_table
from comity.book.mappings.headers import all_headers_of, asked_columns, sources_of
from comity.book.mappings.log import one_row_a_key
from comity.book.mappings.model import CELL_KINDS, SourceMapping, UnusableMappingError, Value
from comity.book.mappings.stated_length import with_stated_length
from comity.book.mappings.unpivot import LongSheet, UnpivotedSheet, unpivot
from comity.book.patterns import search_groups
from comity.book.plurals import plural
from comity.book.storage.duckdb import engine, optimised_for
from comity.book.toml import is_zone

_PER_SHEET = 1 << 40  # rows of one sheet, at most; above that the number of `_row` says which sheet
_ZONE_ROWS = 5
_NAMED = 4  # columns that an error names
NO_ROW = -1
_AT_ONCE = (
    131_072  # rows, and bytes, of one run of the statement: to plan it takes as long as to run it on some thousand
)
_AT_ONCE_BYTES = 32 * 2**20
_LONGEST_ROW = 4000  # characters that are kept of a row that could not be taken apart
_NUMBERS = frozenset({Role.NUMBER, Role.DURATION})
_PROBLEMS_KEPT = 1_000_000  # far beyond the share at which a file is refused; the others are only counted


@dataclass(frozen=True, slots=True)
class MappingContext:
    """What a file is applied in: the book's zone, and source columns to carry along for routing.

    A carried column comes out of the batches as `carried:HEADER`. `most_rows` of the source are read, None: all.
    """

    timezone: str = "UTC"
    carry: tuple[str, ...] = ()
    most_rows: int | None = None


@dataclass(frozen=True, slots=True)
class UnconvertedRow:
    """A row that was not converted: its `_row`, the source's column, the text there, and what is wrong.

    `line` is set where the row could not even be taken apart; then `row` is -1.
    """

    row: int
    column: str
    value: str
    reason: str
    line: int | None = None


@dataclass(slots=True)
class MappedFile:
    """What comes of a file; `problems`, `notes` and `control` are whole once `batches` are consumed."""

    batches: Iterator[pa.RecordBatch]
    columns: tuple[str, ...]
    row_word: str
    digest: str
    unmapped: tuple[str, ...] = ()
    problems: list[UnconvertedRow] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    window: tuple[date, date] | None = None
    control: dict[str, float] = field(default_factory=dict)
    last_wins: str | None = None  # the column that says which of several rows of one key is the last
    over: dict[str, str] | None = None  # of a log: column -> how the rows of one key are put together
    rows_in: int = 0
    unkept: int = 0  # problems beyond those that are kept
    stride: int = 1  # rows made of one row of the source
    about_rows: int | None = None  # rows of the source, about; None where only reading all would tell
    cut_short: bool = False  # whether rows of the source were left, as `most_rows` asked
    sheets: tuple[Sheet, ...] = ()
    assumed_minutes: float | None = None  # what the mapping says of intervals where no column of the file does
    fixed_minutes: bool = False  # that is its word, and no default for files that do not say
    sure: bool = False  # of the mapping
    left_out: list[pa.Table] = field(default_factory=list)  # keys of rows that the mapping leaves out, as text
    read_as_empty: dict[str, Counter[str]] = field(default_factory=dict)  # header of numbers -> "n/a" -> cells

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """The line of the file (the row of the sheet) for values of `_row`."""
        lines_by_row: dict[int, int] = {}
        for number, sheet in enumerate(self.sheets):
            own = {row: row // self.stride % _PER_SHEET for row in rows if self._sheet_number(row) == number}
            if own:
                lines = sheet.lines(sorted(set(own.values())))
                lines_by_row |= {row: lines[source] for row, source in own.items() if source in lines}
        return lines_by_row

    def source_rows(self, rows: Collection[int]) -> Iterator[tuple[Sheet, dict[int, list[int]]]]:
        """Each sheet with the rows of its own that values of `_row` come from, and those values."""
        for number, sheet in enumerate(self.sheets):
            own: dict[int, list[int]] = defaultdict(list)
            for row in rows:
                if row >= 0 and self._sheet_number(row) == number:
                    own[row // self.stride % _PER_SHEET].append(row)
            if own:
                yield sheet, own

    def sheet_name(self, row: int) -> str | None:
        """The sheet in which a row stands, where the file has sheets."""
        number = self._sheet_number(row)
        return self.sheets[number].name if 0 <= number < len(self.sheets) else None

    def _sheet_number(self, row: int) -> int:
        return row // self.stride // _PER_SHEET


def apply_mapping(mapping: SourceMapping, path: Path, context: MappingContext | None = None) -> MappedFile:
    """Open a file and prepare its rows.

    :raises UnusableSourceError: when the file cannot be read, or lacks what the mapping needs
    """
    source = open_source_file(path, mapping.file, asked=asked_columns(mapping))
    context = context or MappingContext()
    if mapping.identity and not _is_foreign(mapping, source):
        return _apply_identity(mapping, path, source, context)
    return _Run(_spelt_out(mapping) if mapping.identity else mapping, path, source, context).applied()


def _is_foreign(mapping: SourceMapping, source: SourceFile) -> bool:
    """Whether a file with the table's own columns writes numbers or days as people do: it is read as theirs, then."""
    sheet = source.sheets[0]
    if not isinstance(sheet, DelimitedSheet) or sheet.delimiter == ",":
        return False
    spelt = _spelt_out(mapping)
    seen = gather_evidence(sheet, roles_of(spelt, sheet.find))
    return any(one.commas or one.point_groups or one.days for one in seen.values())


def _spelt_out(mapping: SourceMapping) -> SourceMapping:
    """The mapping of a table's own columns, said one by one."""
    columns = {
        column.name: Value(source=(column.name,), kind=CELL_KINDS[column.kind]) for column in mapping.target.columns
    }
    return replace(mapping, columns=columns, identity=False, defaults=True)


def _apply_identity(mapping: SourceMapping, path: Path, source: SourceFile, context: MappingContext) -> MappedFile:
    """The table's own columns, cell by cell as they stand."""
    sheet = source.sheets[0]
    headers = {column.name: own for column in mapping.target.columns if (own := sheet.find(column.name)) is not None}
    missing = [column.name for column in mapping.target.required if column.name not in headers]
    if missing:
        has = ", ".join(sheet.headers[:20])
        msg = f"has no column {', '.join(missing)}, without which {mapping.table} says nothing; it has {has}"
        raise UnusableSourceError(msg, file=path)
    carried = {f"carried:{header}": own for header in context.carry if (own := sheet.find(header)) is not None}
    wanted = {**headers, **carried}
    applied = MappedFile(
        batches=iter(()),
        columns=tuple(headers),
        row_word=sheet.row_word,
        digest=source.digest,
        unmapped=tuple(
            header for header in sheet.headers if header not in {*headers.values(), ROW_HEADER, REASON_HEADER}
        ),
        notes=list(source.notes),
        sheets=source.sheets,
        about_rows=source.about_rows,
    )
    applied.batches = _identity_batches(applied, sheet, wanted, context.most_rows)
    return applied


def _identity_batches(
    applied: MappedFile, sheet: Sheet, wanted: dict[str, str], most_rows: int | None
) -> Iterator[pa.RecordBatch]:
    for batch in _first_rows(sheet.batches(list(wanted.values())), applied, most_rows):
        applied.rows_in += batch.num_rows
        yield batch.rename_columns([ROW, *wanted])
    _add_malformed(applied, sheet)


def _first_rows(
    batches: Iterator[pa.RecordBatch], applied: MappedFile, most_rows: int | None
) -> Iterator[pa.RecordBatch]:
    """The same rows, but no more than are still to be read of the file."""
    if most_rows is None:
        yield from batches
        return
    room = most_rows - applied.rows_in
    for batch in batches:
        if batch.num_rows > room:
            applied.cut_short = True
            if room > 0:
                yield batch.slice(0, room)
            return
        room -= batch.num_rows
        yield batch


def _add_malformed(applied: MappedFile, sheet: Sheet) -> None:
    """Rows that could not be taken apart become problems."""
    for broken in sheet.broken:
        applied.problems.append(UnconvertedRow(NO_ROW, "", broken.text[:_LONGEST_ROW], broken.reason, broken.line))
    applied.rows_in += len(sheet.broken)
    if sheet.footers:
        what = (
            "1 line below the records was"
            if len(sheet.footers) == 1
            else f"{len(sheet.footers)} lines below the records were"
        )
        applied.notes.append(f"{what} left out, beginning with {sheet.footers[0][:60]!r}")


@dataclass(frozen=True, slots=True)
class _Part:
    """One sheet, with its statement."""

    number: int
    sheet: Sheet
    wide: UnpivotedSheet | None
    compiled: CompiledMapping


class _Run:
    """One file on its way through one mapping."""

    def __init__(self, mapping: SourceMapping, path: Path, source: SourceFile, context: MappingContext) -> None:
        self.mapping = mapping
        self.path = path
        self.source = source
        self.context = context
        self.notes = list(source.notes)
        if source.kind in {"delimited", "workbook"}:
            self.mapping, length = with_stated_length(mapping, source.sheets[0])
            self.notes += [f"each row lasts {length} minutes, as it says itself"] if length else []
        self.zone = mapping.zone or self.zone_in_file() or context.timezone
        self.parts = self.prepared()
        borne = {name for part in self.parts for name in part.compiled.columns}
        borne |= {column.name for column in mapping.target.required}
        self.columns = tuple(name for name in mapping.columns if name in borne)
        self.has_last = all(part.compiled.has_last for part in self.parts)
        self.counts: Counter[str] = Counter()
        self.numbers: dict[str, Counter[tuple[str, ...]]] = {name: Counter() for name in mapping.numbered}
        self.sums: dict[str, float] = defaultdict(float)

    def applied(self) -> MappedFile:
        """The answer, whose batches do the work as they are consumed."""
        sheets = self.source.sheets
        used = {header for part in self.parts for header in part.compiled.headers}
        used |= {header for part in self.parts if part.wide for header in part.wide.used}
        used |= {ROW_HEADER, REASON_HEADER}  # of a corrected file: nobody's column
        # A place is held for every sheet, so that `_row` means the same whichever of them were of use.
        applied = MappedFile(
            batches=iter(()),
            columns=self.columns,
            row_word=sheets[0].row_word,
            digest=self.source.digest,
            unmapped=tuple(dict.fromkeys(h for part in self.parts for h in part.sheet.headers if h not in used)),
            notes=self.notes,
            window=self.window(),
            last_wins=LAST_STATE if self.has_last else None,
            over={name: value.over or "last" for name, value in self.mapping.columns.items()}
            if self.mapping.is_log
            else None,
            stride=max((part.wide.stride for part in self.parts if part.wide), default=1),
            sheets=sheets,
            assumed_minutes=self.assumed_minutes(),
            fixed_minutes=not self.mapping.defaults and self.says_minutes(),
            sure=self.mapping.sure,
            about_rows=self.source.about_rows,
        )
        applied.batches = self.batches(applied)
        return applied

    def prepared(self) -> list[_Part]:
        """Every sheet that holds what the mapping needs; an error where none does."""
        parts, complaints = [], []
        for number, sheet in enumerate(self.source.sheets):
            wide = unpivot(self.mapping.wide, sheet) if self.mapping.wide else None
            find = wide.find if wide else sheet.find
            compiled = self.compiled(self.mapping, sheet, find)
            missing = self.missing(compiled)
            if wide is not None and not wide.groups:
                missing = [("the rows", self.mapping.wide.pattern if self.mapping.wide else "")]
            if missing:
                complaints.append(self.complaint(sheet, missing))
                continue
            self.refuse_ambiguous(sheet)
            self.refuse_untold_name()
            adapted = self.adapted(sheet, wide)
            if adapted is not self.mapping:
                compiled = self.compiled(adapted, sheet, find)
            plain = {name for name, value in self.mapping.columns.items() if value.source}
            empty = [
                f"{column} ({header}{self.meant(sheet, header)})"
                for column, header in compiled.absent
                if column in plain
            ]
            if empty:
                where = f"sheet {sheet.name}: " if len(self.source.sheets) > 1 else ""
                self.notes.append(f"{where}not in the file, and so left empty: {', '.join(empty)}")
            parts.append(_Part(number, sheet, wide, compiled))
        if not parts:
            raise UnusableSourceError(complaints[0], file=self.path)
        self.notes += complaints
        return parts

    def compiled(self, mapping: SourceMapping, sheet: Sheet, find: Callable[[str], str | None]) -> CompiledMapping:
        """The statement of a mapping over one sheet."""
        compiler = MappingCompiler(
            mapping,
            find,
            self.zone,
            (self.path.name, sheet.name),
            open_ended=sheet.open_ended,
            book_zone=self.context.timezone,
        )
        return compiler.compile(self.context.carry)

    def zone_in_file(self) -> str | None:
        """The zone that the file names itself."""
        wanted, sheet = self.mapping.zone_in, self.source.sheets[0]
        own = [one for header in wanted.column if (one := sheet.find(header)) is not None] if wanted else []
        if wanted is None or not own:
            return None
        for cell in _last_cells(sheet, own) if wanted.below else _first_cells(sheet, own):
            match = search_groups(wanted.part, cell)
            zone = next(iter(match.values())) if match else None
            zone = "UTC" if zone in {"Z", "GMT"} else zone
            if zone and is_zone(zone):
                self.notes.append(f"times were read in {zone}, as the file says")
                return zone
        return None

    def refuse_ambiguous(self, sheet: Sheet) -> None:
        """Refuse a pattern that fits several headers: which of them is meant, nobody can tell."""
        if sheet.open_ended:
            return
        for name, value in {**self.mapping.let, **self.mapping.columns}.items():
            for source in sources_of(value):
                first = next((one for one in source if sheet.find(one) is not None), None)
                fits = find_all_in(sheet.headers, first) if first is not None and first.startswith("re:") else []
                if len(fits) > 1:
                    msg = (
                        f"{len(fits)} columns fit {first!r}, which the mapping takes for {name}: "
                        f"{'; '.join(fits[:_NAMED])}; name the one that is meant"
                    )
                    raise UnusableSourceError(msg, file=self.path)

    def adapted(self, sheet: Sheet, wide: UnpivotedSheet | None) -> SourceMapping:
        """The mapping as the columns of a sheet ask for it."""
        if self.source.kind not in {"delimited", "workbook"}:
            return self.mapping  # their values have their kinds already
        find = wide.find if wide else sheet.find
        roles = roles_of(self.mapping, find)
        looked_at = LongSheet(sheet.name, sheet.headers, wide=wide) if wide else sheet
        delimiter = sheet.delimiter if isinstance(sheet, DelimitedSheet) else None
        facts = FileFacts(self.path, delimiter, workbook=self.source.kind == "workbook")
        mapping, notes = adapt(self.mapping, find, gather_evidence(looked_at, roles), facts)
        self.notes += notes
        return mapping

    def missing(self, compiled: CompiledMapping) -> list[tuple[str, str]]:
        """What the mapping cannot do without and the sheet does not have."""
        needed = {column.name for column in self.mapping.target.required}
        needed |= {name for name, value in {**self.mapping.let, **self.mapping.columns}.items() if value.needed}
        spared = {name for name in needed if self.mapping.columns.get(name) and self.mapping.columns[name].first}
        return [(column, header) for column, header in compiled.absent if column in needed - spared]

    def refuse_untold_name(self) -> None:
        """Refuse a file whose name lacks what a column that cannot be empty is taken from."""
        required = {column.name for column in self.mapping.target.required}
        for name, value in self.mapping.columns.items():
            if value.file and name in required and not search_groups(value.file, self.path.name):
                msg = (
                    f"its name does not tell {name}, which the mapping takes from a part of it ({value.file}); "
                    f'call the file as it was exported, or write {name} = {{ value = "..." }} in a copy of the mapping'
                )
                raise UnusableSourceError(msg, file=self.path)

    def complaint(self, sheet: Sheet, missing: list[tuple[str, str]]) -> str:
        column, header = missing[0]
        near = difflib.get_close_matches(header, sheet.headers, 1, 0.5)
        has = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(sheet.headers[:12])}"
        where = f"sheet {sheet.name}: " if sheet.name else ""
        skipped = self.mapping.file.skip_rows
        more = f"; where more or fewer lines stand above the header, write header_has = {header!r} for skip_rows"
        return f"{where}has no column {header!r}, which the mapping takes for {column}; {has}{more if skipped else ''}"

    def meant(self, sheet: Sheet, header: str) -> str:
        """The header that a mapping of a person's own probably means by one that the sheet does not have."""
        if self.mapping.defaults or header.startswith("re:"):
            return ""
        near = difflib.get_close_matches(header, sheet.headers, 1, 0.8)
        return f"; did you mean {near[0]!r}?" if near else ""

    def assumed_minutes(self) -> float | None:
        """The length of intervals where it is the mapping's word and not the file's."""
        minutes = self.mapping.columns.get("minutes")
        if minutes is None:
            return None
        find = [part.wide.find if part.wide else part.sheet.find for part in self.parts]
        if any(one(header) is not None for one in find for header in all_headers_of(minutes, self.mapping.let)):
            return None
        said = [one.constant for one in (minutes, *minutes.first) if one.constant is not None]
        try:
            return float(said[0]) if said else None
        except ValueError:
            return None

    def says_minutes(self) -> bool:
        """Whether the mapping gives one length for all files; as the last of `first` it is what to take otherwise."""
        minutes = self.mapping.columns.get("minutes")
        return minutes is not None and minutes.constant is not None

    def window(self) -> tuple[date, date] | None:
        """The days for which the delivery says that it is whole."""
        window = self.mapping.window
        if window is None:
            return None
        if window.file is None:
            return (window.start, window.end) if window.start and window.end else None
        match = search_groups(window.file, self.path.name)
        if match is None:
            self.notes.append(f"the file's name does not tell its window ({window.file})")
            return None
        try:
            start, end = (datetime.strptime(match[part], window.format).date() for part in ("from", "to"))  # noqa: DTZ007 - days
        except (ValueError, TypeError):
            self.notes.append(f"the file's name does not tell its window as {window.format}")
            return None
        return (start, end) if end > start else None

    def batches(self, applied: MappedFile) -> Iterator[pa.RecordBatch]:
        """All sheets, one after the other; then what can only be told at the end."""
        with engine(threads=1) as con:
            self.load_maps(con)
            made = self.made(con, applied)
            yield from (
                one_row_a_key(made, self.mapping, applied.notes, has_order=self.has_last)
                if self.mapping.is_log
                else made
            )
        self.tell(applied)

    def made(self, con: duckdb.DuckDBPyConnection, applied: MappedFile) -> Iterator[pa.RecordBatch]:
        """The rows of all sheets."""
        told = False  # which columns there are: a file of which nothing is taken says that, too
        for part in self.parts:
            for batch in self.source_batches(part, applied):
                made = self.converted(con, part, batch, applied)
                if made.num_rows or not told:
                    told = True
                    yield made
            _add_malformed(applied, part.sheet)

    def source_batches(self, part: _Part, applied: MappedFile) -> Iterator[pa.RecordBatch]:
        """Batches c0, c1, ... with `_row` unique in the whole file."""
        base = part.number * _PER_SHEET
        if part.wide is not None:
            wanted = part.wide.wanted(part.compiled.headers)
            for batch in _first_rows(part.sheet.batches(wanted), applied, self.context.most_rows):
                applied.rows_in += batch.num_rows
                yield from part.wide.long(batch, part.compiled.headers, base, applied.stride)
            return
        rows = _first_rows(part.sheet.batches(part.compiled.headers), applied, self.context.most_rows)
        roles = roles_of(self.mapping, part.sheet.find)
        numbers = [at for at, one in enumerate(part.compiled.headers, 1) if _NUMBERS & roles.get(one, set())]
        for batch in self.filled_down(_merge_batches(rows), part):
            applied.rows_in += batch.num_rows
            self.count_empty(part, batch, numbers, applied)
            yield batch if base == 0 else batch.set_column(0, ROW, pc.add(batch.column(0), base))

    def count_empty(self, part: _Part, batch: pa.RecordBatch, places: Sequence[int], applied: MappedFile) -> None:
        """Count the words for nothing, such as n/a, that stand where a number belongs."""
        nulls = pa.array(self.mapping.nulls, pa.string())
        for place in places:
            cells = batch.column(place)
            words = cells.filter(pc.fill_null(pc.is_in(cells, value_set=nulls), False))
            if len(words):
                counts = applied.read_as_empty.setdefault(part.compiled.headers[place - 1], Counter())
                counts.update({one["values"]: one["counts"] for one in pc.value_counts(words).to_pylist()})

    def filled_down(self, batches: Iterator[pa.RecordBatch], part: _Part) -> Iterator[pa.RecordBatch]:
        """Empty cells of some columns with what stands above them, in rows that say anything at all."""
        owns = {part.sheet.find(header) for header in self.mapping.file.fill_down}
        places = [place for place, header in enumerate(part.compiled.headers, 1) if header in owns]
        above: dict[int, str | None] = dict.fromkeys(places)
        for batch in batches:
            if not places:
                yield batch
                continue
            cells = [pc.if_else(pc.equal(pc.utf8_trim_whitespace(c), ""), None, c) for c in batch.columns[1:]]
            told = [pc.is_valid(cell) for place, cell in enumerate(cells, 1) if place not in places]
            says = told[0] if told else pa.array([True] * batch.num_rows)
            for one in told[1:]:
                says = pc.or_(says, one)
            for place in places:
                first = pa.array([above[place]], pa.string())
                column = pc.fill_null_forward(pa.concat_arrays([first, cells[place - 1]]))[1:]
                above[place] = column[-1].as_py() if batch.num_rows else above[place]
                cells[place - 1] = pc.if_else(says, column, cells[place - 1])
            yield pa.RecordBatch.from_arrays([batch.column(0), *cells], schema=batch.schema)

    def load_maps(self, con: duckdb.DuckDBPyConnection) -> None:
        """The dated maps, as tables of the engine."""
        for name, made in self.mapping.maps.items():
            keys, values, starts, stops = (
                (list(part) for part in zip(*made.rows, strict=True)) if made.rows else ([],) * 4
            )
            table = pa.table(
                {
                    "key": pa.array([key.lower() for key in keys], pa.string()),
                    "value": pa.array(values, pa.string()),
                    "start": pa.array(starts, pa.date32()),
                    "stop": pa.array(stops, pa.date32()),
                }
            )
            con.register("_map", table)
            con.execute(f"CREATE TABLE {map_table(name)} AS FROM _map")
            con.unregister("_map")

    def converted(
        self, con: duckdb.DuckDBPyConnection, part: _Part, batch: pa.RecordBatch, applied: MappedFile
    ) -> pa.RecordBatch:
        """One batch through the statement; what fails or is left out is counted."""
        con.register("batch", pa.Table.from_batches([batch]))
        try:
            with optimised_for(con, batch.num_rows):
                out = con.execute(part.compiled.sql).to_arrow_table().combine_chunks()
        except duckdb.Error as error:
            first = str(error).splitlines()[0][:200]
            msg = f"mapping {self.mapping.name}: the engine cannot run it on {self.path.name} ({first})"
            raise UnusableMappingError(msg) from None
        finally:
            con.unregister("batch")
        self.count(part, out)
        taken = pc.and_(pc.is_null(out["_out"]), pc.invert(pc.or_(out["_total"], out["_blank"])))
        rows = self.number_within_key(out.filter(taken))
        self.blame(part, rows, applied)
        self.add_left_out(out, applied)
        kept = rows.filter(pc.is_null(rows["_fault"]))
        self.add_sums(part, out.filter(pc.invert(out["_blank"])))
        left = {*_MARKS, *self.mapping.columns} - set(self.columns)
        left |= set() if self.has_last else {LAST_STATE}
        names = [name for name in kept.schema.names if name not in left and not name.startswith("_k_")]
        batches = kept.select(names).combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=kept.select(names).schema)

    def number_within_key(self, rows: pa.Table) -> pa.Table:
        """Number rows within the other columns of their key: an invoice has its lines 1, 2, 3 in whatever file it is.

        Without those a number says nothing: the row counts by what else it says.
        """
        for name, seen in self.numbers.items():
            others = [key for key in self.mapping.target.key if key != name]
            if name not in rows.schema.names:
                continue
            if not set(others) <= set(rows.schema.names):
                cells: list[str | None] = [None] * rows.num_rows
            else:
                cells = []
                for place, *parts in zip(*(rows[column].to_pylist() for column in (name, *others)), strict=True):
                    key = tuple(parts)
                    if place is None or None in key:
                        cells.append(None)
                        continue
                    seen[key] += 1
                    cells.append(str(seen[key]))
            rows = rows.set_column(rows.schema.get_field_index(name), name, pa.array(cells, pa.string()))
        return rows

    def count(self, part: _Part, out: pa.Table) -> None:
        self.counts["blank"] += _count_true(out["_blank"])
        self.counts["total"] += _count_true(pc.and_(out["_total"], pc.invert(out["_blank"])))
        for number, words in enumerate(part.compiled.filters, 1):
            self.counts["out:" + words] += _count_true(
                pc.and_(pc.equal(pc.fill_null(out["_out"], 0), number), pc.invert(pc.or_(out["_total"], out["_blank"])))
            )

    def blame(self, part: _Part, rows: pa.Table, applied: MappedFile) -> None:
        bad = rows.filter(pc.is_valid(rows["_fault"]))
        for row, number, value in zip(*(bad[name].to_pylist() for name in (ROW, "_fault", "_blamed")), strict=True):
            fault = part.compiled.faults[number - 1]
            if len(applied.problems) < _PROBLEMS_KEPT:
                applied.problems.append(UnconvertedRow(row, fault.label, value or "", fault.reason))
            else:
                self.counts["unkept"] += 1

    def add_left_out(self, out: pa.Table, applied: MappedFile) -> None:
        """Keep the keys of what a filter leaves out: a row that the book holds of such a key is no longer there.

        Of a log it leaves out events, and no thing that they tell of.
        """
        if self.mapping.is_log:
            return
        keys = [name for name in self.mapping.target.key if name in self.columns]
        filters = [place for place in range(1, len(self.mapping.rows) + 1) if place - 1 not in self.mapping.other]
        if not filters or self.mapping.target.may_lack_key or keys != list(self.mapping.target.key):
            return
        gone = pc.is_in(out["_out"], value_set=pa.array(filters, pa.int32()))
        gone = pc.and_(gone, pc.invert(pc.or_(out["_total"], out["_blank"])))
        names = [*keys, *([LAST_STATE] if self.has_last else [])]
        if self.context.carry:  # what says to which book such a row belongs
            carried = [name for name in out.column_names if name.startswith("carried:")]
            names += [*carried, *(name for name in self.columns if name not in keys)]
        rows = out.filter(gone).select(names)
        if rows.num_rows:
            applied.left_out.append(rows)

    def add_sums(self, part: _Part, every: pa.Table) -> None:
        for column in part.compiled.controls:
            self.sums[column] += float(pc.sum(every[f"_k_{column}"]).as_py() or 0)

    def tell(self, applied: MappedFile) -> None:
        """What can only be said once every row was seen."""
        blank, totals = self.counts["blank"], self.counts["total"]
        if blank:
            what = plural(blank, "row that holds", "rows that hold")
            applied.notes.append(f"{what} nothing of what is mapped {'was' if blank == 1 else 'were'} left out")
        if totals:
            applied.notes.append(f"{plural(totals, 'row of totals was', 'rows of totals were')} left out")
        for key, count in self.counts.items():
            if key.startswith("out:") and count:
                what = plural(count, "row was", "rows were")
                applied.notes.append(f"{what} left out by the mapping: it takes those where {key[4:]}")
        applied.unkept = self.counts["unkept"]
        for control in self.mapping.control:
            applied.control[control.column] = self.sums[control.column]
        applied.notes += self.said(applied)

    def said(self, applied: MappedFile) -> Iterator[str]:
        """The mapping's own sentences for such a file."""
        headers = {header.casefold() for sheet in applied.sheets for header in sheet.headers}
        for note in self.mapping.notes:
            if note.when_rows is not None and applied.rows_in != note.when_rows:
                continue
            if note.when_column is not None and note.when_column.casefold() not in headers:
                continue
            if note.unless_column is not None and note.unless_column.casefold() in headers:
                continue
            yield note.say


def _first_cells(sheet: Sheet, headers: Sequence[str]) -> Iterator[str]:
    for batch in sheet.batches(headers):
        yield from (cell for column in batch.columns[1:] for cell in column.slice(0, _ZONE_ROWS).to_pylist() if cell)
        return


def _last_cells(sheet: Sheet, headers: Sequence[str]) -> Iterator[str]:
    """The cells of the last rows, and the lines of text below them."""
    last: list[str] = []
    for batch in sheet.batches(headers):
        first = max(0, batch.num_rows - _ZONE_ROWS)
        last += [cell for column in batch.columns[1:] for cell in column.slice(first).to_pylist() if cell]
        last = last[-_ZONE_ROWS * len(headers) :]
    yield from reversed([*last, *sheet.footers])


def _merge_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer, larger batches."""
    gathered: list[pa.RecordBatch] = []
    for batch in batches:
        full = sum(one.num_rows for one in gathered) + batch.num_rows > _AT_ONCE
        if gathered and (full or sum(one.nbytes for one in gathered) + batch.nbytes > _AT_ONCE_BYTES):
            yield pa.concat_batches(gathered)
            gathered = []
        gathered.append(batch)
    if gathered:
        yield pa.concat_batches(gathered)


_MARKS = frozenset({"_out", "_total", "_blank", "_fault", "_blamed"})


def _count_true(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
