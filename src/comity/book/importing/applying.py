"""A file through a mapping: rows of text under the table's own names, and the rows that could not be converted."""

import difflib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from comity.book.engine import quiet
from comity.book.importing.compiling import LAST, Compiled, Compiler, map_table
from comity.book.importing.mapping import Mapping, UnusableMappingError
from comity.book.importing.patterns import taken
from comity.book.importing.section import ROW, Section, UnusableSourceError
from comity.book.importing.source import Source, open_source
from comity.book.importing.widening import Widened, widened

_PER_SECTION = 1 << 40  # rows of one sheet, at most; above that the number of `_row` says which sheet
NO_ROW = -1
_AT_ONCE = (
    131_072  # rows, and bytes, of one run of the statement: to plan it takes as long as to run it on some thousand
)
_AT_ONCE_BYTES = 32 * 2**20
_PROBLEMS_KEPT = 1_000_000  # far beyond the share at which a file is refused; the others are only counted


@dataclass(frozen=True, slots=True)
class Context:
    """What a file is applied in: the book's zone, and source columns to carry along for routing.

    A carried column comes out of the batches as `carried:HEADER`.
    """

    timezone: str = "UTC"
    carry: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that was not converted: its `_row`, the source's column, the text there, and what is wrong.

    `line` is set where the row could not even be taken apart; then `row` is -1.
    """

    row: int
    column: str
    value: str
    reason: str
    line: int | None = None


@dataclass(slots=True)
class Applied:
    """What comes of a file; `problems`, `notes` and `control` are whole once `batches` are consumed."""

    batches: Iterator[pa.RecordBatch]
    columns: tuple[str, ...]
    row_word: str
    digest: str
    unmapped: tuple[str, ...] = ()
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    window: tuple[date, date] | None = None
    control: dict[str, float] = field(default_factory=dict)
    last_wins: str | None = None
    rows_in: int = 0
    unkept: int = 0  # problems beyond those that are kept
    stride: int = 1  # rows made of one row of the source
    sections: tuple[Section, ...] = ()

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """The line of the file (the row of the sheet) for values of `_row`."""
        found: dict[int, int] = {}
        for number, section in enumerate(self.sections):
            own = {row: row // self.stride % _PER_SECTION for row in rows if self._section(row) == number}
            if own:
                lines = section.lines(sorted(set(own.values())))
                found |= {row: lines[source] for row, source in own.items() if source in lines}
        return found

    def sheet(self, row: int) -> str | None:
        """The sheet in which a row stands, where the file has sheets."""
        number = self._section(row)
        return self.sections[number].name if 0 <= number < len(self.sections) else None

    def _section(self, row: int) -> int:
        return row // self.stride // _PER_SECTION


def apply(mapping: Mapping, path: Path, context: Context | None = None) -> Applied:
    """Open a file and prepare its rows.

    :raises UnusableSourceError: when the file cannot be read, or lacks what the mapping needs
    """
    source = open_source(path, mapping.file)
    context = context or Context()
    if mapping.identity:
        return _identity(mapping, path, source, context)
    return _Run(mapping, path, source, context).applied()


def _identity(mapping: Mapping, path: Path, source: Source, context: Context) -> Applied:
    """The table's own columns, cell by cell as they stand."""
    section = source.sections[0]
    found = {column.name: own for column in mapping.target.columns if (own := section.find(column.name)) is not None}
    missing = [column.name for column in mapping.target.required if column.name not in found]
    if missing:
        has = ", ".join(section.headers[:20])
        msg = f"{path}: has no column {', '.join(missing)}, without which {mapping.table} says nothing; it has {has}"
        raise UnusableSourceError(msg)
    carried = {f"carried:{header}": own for header in context.carry if (own := section.find(header)) is not None}
    wanted = {**found, **carried}
    applied = Applied(
        batches=iter(()),
        columns=tuple(found),
        row_word=section.row_word,
        digest=source.digest,
        unmapped=tuple(header for header in section.headers if header not in found.values()),
        notes=list(source.notes),
        sections=source.sections,
    )
    applied.batches = _as_it_stands(applied, section, wanted)
    return applied


def _as_it_stands(applied: Applied, section: Section, wanted: dict[str, str]) -> Iterator[pa.RecordBatch]:
    for batch in section.batches(list(wanted.values())):
        applied.rows_in += batch.num_rows
        yield batch.rename_columns([ROW, *wanted])
    _tell_broken(applied, section)


def _tell_broken(applied: Applied, section: Section) -> None:
    """Rows that could not be taken apart become problems."""
    for broken in section.broken:
        applied.problems.append(Problem(NO_ROW, "", broken.text[:200], broken.reason, broken.line))
    applied.rows_in += len(section.broken)


@dataclass(frozen=True, slots=True)
class _Part:
    """One section, with its statement."""

    number: int
    section: Section
    wide: Widened | None
    compiled: Compiled


class _Run:
    """One file on its way through one mapping."""

    def __init__(self, mapping: Mapping, path: Path, source: Source, context: Context) -> None:
        self.mapping = mapping
        self.path = path
        self.source = source
        self.context = context
        self.zone = mapping.zone or context.timezone
        self.notes = list(source.notes)
        self.parts = self.prepared()
        borne = {name for part in self.parts for name in part.compiled.columns}
        borne |= {column.name for column in mapping.target.required}
        self.columns = tuple(name for name in mapping.columns if name in borne)
        self.counts: Counter[str] = Counter()
        self.sums: dict[str, float] = defaultdict(float)

    def applied(self) -> Applied:
        """The answer, whose batches do the work as they are consumed."""
        sections = self.source.sections
        used = {header for part in self.parts for header in part.compiled.headers}
        used |= {header for part in self.parts if part.wide for header in part.wide.used}
        # A place is held for every section, so that `_row` means the same whichever of them were of use.
        applied = Applied(
            batches=iter(()),
            columns=self.columns,
            row_word=sections[0].row_word,
            digest=self.source.digest,
            unmapped=tuple(dict.fromkeys(h for part in self.parts for h in part.section.headers if h not in used)),
            notes=self.notes,
            window=self.window(),
            last_wins=LAST if self.mapping.last_wins else None,
            stride=max((part.wide.stride for part in self.parts if part.wide), default=1),
            sections=sections,
        )
        applied.batches = self.batches(applied)
        return applied

    def prepared(self) -> list[_Part]:
        """Every sheet that holds what the mapping needs; an error where none does."""
        found, complaints = [], []
        for number, section in enumerate(self.source.sections):
            wide = widened(self.mapping.wide, section) if self.mapping.wide else None
            compiler = Compiler(
                self.mapping,
                wide.find if wide else section.find,
                self.zone,
                (self.path.name, section.name),
                open_ended=section.open_ended,
            )
            compiled = compiler.compile(self.context.carry)
            missing = self.missing(compiled)
            if wide is not None and not wide.groups:
                missing = [("the rows", self.mapping.wide.pattern if self.mapping.wide else "")]
            if missing:
                complaints.append(self.complaint(section, missing))
                continue
            plain = {name for name, value in self.mapping.columns.items() if value.source}
            empty = [f"{column} ({header})" for column, header in compiled.absent if column in plain]
            if empty:
                where = f"sheet {section.name}: " if len(self.source.sections) > 1 else ""
                self.notes.append(f"{where}not in the file, and so left empty: {', '.join(empty)}")
            found.append(_Part(number, section, wide, compiled))
        if not found:
            raise UnusableSourceError(complaints[0])
        self.notes += complaints
        return found

    def missing(self, compiled: Compiled) -> list[tuple[str, str]]:
        """What the mapping cannot do without and the sheet does not have."""
        needed = {column.name for column in self.mapping.target.required}
        needed |= {name for name, value in {**self.mapping.let, **self.mapping.columns}.items() if value.needed}
        spared = {name for name in needed if self.mapping.columns.get(name) and self.mapping.columns[name].first}
        return [(column, header) for column, header in compiled.absent if column in needed - spared]

    def complaint(self, section: Section, missing: list[tuple[str, str]]) -> str:
        column, header = missing[0]
        near = difflib.get_close_matches(header, section.headers, 1, 0.5)
        has = f"did you mean {near[0]!r}?" if near else f"it has {', '.join(section.headers[:12])}"
        sheet = f", sheet {section.name}" if section.name else ""
        return f"{self.path}{sheet}: has no column {header!r}, which the mapping takes for {column}; {has}"

    def window(self) -> tuple[date, date] | None:
        """The days for which the delivery says that it is whole."""
        window = self.mapping.window
        if window is None:
            return None
        if window.file is None:
            return (window.start, window.end) if window.start and window.end else None
        match = taken(window.file, self.path.name)
        if match is None:
            self.notes.append(f"the file's name does not tell its window ({window.file})")
            return None
        try:
            start, end = (datetime.strptime(match[part], window.format).date() for part in ("from", "to"))  # noqa: DTZ007 - days
        except (ValueError, TypeError):
            self.notes.append(f"the file's name does not tell its window as {window.format}")
            return None
        return (start, end) if end > start else None

    def batches(self, applied: Applied) -> Iterator[pa.RecordBatch]:
        """All sections, one after the other; then what can only be told at the end."""
        with quiet(duckdb.connect(config={"threads": 1})) as con:
            self.load_maps(con)
            for part in self.parts:
                for batch in self.source_batches(part, applied):
                    made = self.converted(con, part, batch, applied)
                    if made.num_rows:
                        yield made
                _tell_broken(applied, part.section)
        self.tell(applied)

    def source_batches(self, part: _Part, applied: Applied) -> Iterator[pa.RecordBatch]:
        """Batches c0, c1, ... with `_row` unique in the whole file."""
        base = part.number * _PER_SECTION
        if part.wide is not None:
            for batch in part.section.batches(part.wide.wanted(part.compiled.headers)):
                applied.rows_in += batch.num_rows
                yield from part.wide.long(batch, part.compiled.headers, base, applied.stride)
            return
        for batch in _gathered(part.section.batches(part.compiled.headers)):
            applied.rows_in += batch.num_rows
            yield batch if base == 0 else batch.set_column(0, ROW, pc.add(batch.column(0), base))

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
        self, con: duckdb.DuckDBPyConnection, part: _Part, batch: pa.RecordBatch, applied: Applied
    ) -> pa.RecordBatch:
        """One batch through the statement; what fails or is left out is counted."""
        con.register("batch", pa.Table.from_batches([batch]))
        try:
            out = con.execute(part.compiled.sql).to_arrow_table().combine_chunks()
        except duckdb.Error as error:
            first = str(error).splitlines()[0][:200]
            msg = f"mapping {self.mapping.name}: the engine cannot run it on {self.path.name} ({first})"
            raise UnusableMappingError(msg) from None
        finally:
            con.unregister("batch")
        self.count(part, out)
        taken = pc.and_(pc.is_null(out["_out"]), pc.invert(pc.or_(out["_total"], out["_blank"])))
        rows = out.filter(taken)
        self.blame(part, rows, applied)
        kept = rows.filter(pc.is_null(rows["_fault"]))
        self.add_sums(part, out.filter(pc.invert(out["_blank"])))
        left = {*_MARKS, *self.mapping.columns} - set(self.columns)
        names = [name for name in kept.schema.names if name not in left and not name.startswith("_k_")]
        batches = kept.select(names).combine_chunks().to_batches()
        return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=kept.select(names).schema)

    def count(self, part: _Part, out: pa.Table) -> None:
        self.counts["blank"] += _true(out["_blank"])
        self.counts["total"] += _true(pc.and_(out["_total"], pc.invert(out["_blank"])))
        for number, words in enumerate(part.compiled.filters, 1):
            self.counts["out:" + words] += _true(
                pc.and_(pc.equal(pc.fill_null(out["_out"], 0), number), pc.invert(pc.or_(out["_total"], out["_blank"])))
            )

    def blame(self, part: _Part, rows: pa.Table, applied: Applied) -> None:
        bad = rows.filter(pc.is_valid(rows["_fault"]))
        for row, number, value in zip(*(bad[name].to_pylist() for name in (ROW, "_fault", "_blamed")), strict=True):
            fault = part.compiled.faults[number - 1]
            if len(applied.problems) < _PROBLEMS_KEPT:
                applied.problems.append(Problem(row, fault.label, value or "", fault.reason))
            else:
                self.counts["unkept"] += 1

    def add_sums(self, part: _Part, every: pa.Table) -> None:
        for column in part.compiled.controls:
            self.sums[column] += float(pc.sum(every[f"_k_{column}"]).as_py() or 0)

    def tell(self, applied: Applied) -> None:
        """What can only be said once every row was seen."""
        for key, what in (("blank", "that hold nothing of what is mapped"), ("total", "of totals")):
            if self.counts[key]:
                applied.notes.append(f"{self.counts[key]:,} rows {what} were left out")
        for key, count in self.counts.items():
            if key.startswith("out:") and count:
                applied.notes.append(f"{count:,} rows were left out by the mapping: it takes those where {key[4:]}")
        applied.unkept = self.counts["unkept"]
        for control in self.mapping.control:
            applied.control[control.column] = self.sums[control.column]
        applied.notes += self.said(applied)

    def said(self, applied: Applied) -> Iterator[str]:
        """The mapping's own sentences for such a file."""
        headers = {header.casefold() for section in applied.sections for header in section.headers}
        for note in self.mapping.notes:
            if note.when_rows is not None and applied.rows_in != note.when_rows:
                continue
            if note.when_column is not None and note.when_column.casefold() not in headers:
                continue
            if note.unless_column is not None and note.unless_column.casefold() in headers:
                continue
            yield note.say


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The same rows in fewer, larger batches."""
    some: list[pa.RecordBatch] = []
    for batch in batches:
        full = sum(one.num_rows for one in some) + batch.num_rows > _AT_ONCE
        if some and (full or sum(one.nbytes for one in some) + batch.nbytes > _AT_ONCE_BYTES):
            yield pa.concat_batches(some)
            some = []
        some.append(batch)
    if some:
        yield pa.concat_batches(some)


_MARKS = frozenset({"_out", "_total", "_blank", "_fault", "_blamed"})


def _true(column: pa.ChunkedArray) -> int:
    return int(pc.sum(column).as_py() or 0)
