"""A mapping is data: which cells of somebody's spreadsheet become which columns of a table, and how.

What a mapping may say is explained, with examples, in docs/mapping.md; `parse` reads it from TOML.
"""

import datetime as dt
from collections.abc import Mapping as Items
from dataclasses import dataclass, field
from enum import StrEnum

from comity.book.errors import UnusableFileError
from comity.book.formats.options import FileOptions
from comity.book.tables import EVERY_TABLE, Kind, Table


class UnusableMappingError(UnusableFileError):
    """A mapping that cannot be used: one sentence that names the file, the key, the value and the next step."""


class CellKind(StrEnum):
    """What a cell is read as."""

    TEXT = "text"
    INSTANT = "instant"
    DAY = "day"
    MONTH = "month"
    CLOCK = "clock"  # a time of day: seconds since midnight
    SECONDS = "seconds"
    NUMBER = "number"
    FLAG = "flag"


CELL_KINDS: dict[Kind, CellKind] = {
    Kind.TEXT: CellKind.TEXT,
    Kind.INSTANT: CellKind.INSTANT,
    Kind.DAY: CellKind.DAY,
    Kind.MONTH: CellKind.MONTH,
    Kind.PERIOD: CellKind.TEXT,
    Kind.SECONDS: CellKind.SECONDS,
    Kind.COUNT: CellKind.NUMBER,
    Kind.NUMBER: CellKind.NUMBER,
    Kind.AMOUNT: CellKind.NUMBER,
    Kind.SHARE: CellKind.NUMBER,
    Kind.FLAG: CellKind.FLAG,
}

NULLS = ("-", "--", "N/A", "n/a", "#N/A", "null", "NULL", "NaN", "nan")  # absent, whatever else a mapping says
EPOCH = "1970-01-01"  # what software writes that has no date


@dataclass(frozen=True, slots=True)
class Condition:
    """What a row must show: about a source column, or about a named value of the mapping."""

    column: tuple[str, ...] = ()
    use: str | None = None
    among: tuple[str, ...] | None = None  # `is`; an entry re:PATTERN matches whole
    beside: tuple[str, ...] | None = None  # `not`
    empty: bool | None = None
    above: float | None = None
    below: float | None = None

    @property
    def spoken(self) -> str:
        """The condition as a reader of the report understands it."""
        what = self.use or " or ".join(self.column)
        if self.among is not None:
            return f"{what} is {' or '.join(self.among)}"
        if self.beside is not None:
            return f"{what} is not {' or '.join(self.beside)}"
        if self.empty is not None:
            return f"{what} is {'empty' if self.empty else 'not empty'}"
        bounds = [f"above {self.above:g}"] if self.above is not None else []
        bounds += [f"below {self.below:g}"] if self.below is not None else []
        return f"{what} is {' and '.join(bounds)}"


@dataclass(frozen=True, slots=True)
class Value:
    """Where one value comes from (exactly one of the first group), and what is done to it, in this order."""

    source: tuple[str, ...] = ()  # `from`: source columns; the first that the file has (JSON: that the record has)
    constant: str | None = None  # `value`
    use: str | None = None  # another value of this mapping, by name
    total: tuple["Value", ...] = ()  # `sum`
    difference: tuple["Value", ...] = ()
    product: tuple["Value", ...] = ()
    quotient: tuple["Value", ...] = ()
    first: tuple["Value", ...] = ()  # the first that is not empty
    join: tuple["Value", ...] = ()
    sheet: str | None = None  # the sheet's name; a pattern with a group takes a part of it
    file: str | None = None  # the file's name, likewise
    row: bool = False  # the row's own place in the file

    when: tuple[Condition, ...] = ()  # empty unless all hold
    nulls: tuple[str, ...] = ()
    pattern: str | None = None  # `part`: the group of this pattern instead of the whole text
    values: Items[str, str] | None = None  # text -> text
    unlisted: str = "keep"  # what `values` and `map` do with others: keep, empty, refuse
    map: str | None = None  # a dated map by its name
    on: str | None = None  # the named value whose day chooses the row of the map
    kind: CellKind | None = None  # `as`
    formats: tuple[str, ...] = ()
    unit: str | None = None  # what a plain number of a duration counts: ms, s, min, h, d; None: as the column shows
    clock: str | None = None  # what two parts 1:30 are: h:mm or m:ss
    decimal: str | None = None
    times: float | None = None
    over_midnight: bool = False  # a difference below zero runs over midnight
    after: str | None = None  # an instant before this named one is on the next day
    default: str | None = None
    separator: str = " "  # `with`, of a join
    keep: bool = False
    reason: str | None = None
    digest: bool = False  # its cells enter as keyed digests, by the key of the side that imports
    needed: bool = False  # a file without the column is refused
    over: str | None = None  # of a log, several rows a key: the first, the last, the least, the most, or how many


@dataclass(frozen=True, slots=True)
class DatedMap:
    """Old value to new value, each for a time: the rows (key, value, first day, day after the last)."""

    name: str
    rows: tuple[tuple[str, str, dt.date | None, dt.date | None], ...]


@dataclass(frozen=True, slots=True)
class Unpivot:
    """Columns that are values: each group of them (the days of a month) makes rows of its own.

    The named groups of the pattern become source columns that the mapping may use; `measure` names the
    column in which the cell stands, where several stand for one day.
    """

    pattern: str
    value: str = "value"
    skip_empty: bool = True


@dataclass(frozen=True, slots=True)
class Note:
    """A sentence for the report: always, or only for so many rows, or where the file has a column."""

    say: str
    when_rows: int | None = None
    when_column: str | None = None
    unless_column: str | None = None


@dataclass(frozen=True, slots=True)
class Control:
    """A control total that the source itself gives: the target column, the cell, and the row it stands in."""

    column: str
    value: Value
    when: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Window:
    """The days for which a delivery is whole: from, and up to without."""

    start: dt.date | None = None
    end: dt.date | None = None
    file: str | None = None  # a pattern over the file's name with the groups from and to
    format: str = "%Y-%m-%d"


@dataclass(frozen=True, slots=True)
class ZoneInFile:
    """Where a file says itself in which zone its times are: the group of a pattern, in one of its first rows.

    `below`: in one of its last rows, or in a line of text below them.
    """

    column: tuple[str, ...]
    part: str
    below: bool = False


@dataclass(frozen=True, slots=True)
class SourceMapping:
    """One mapping, read and checked."""

    name: str
    table: str
    about: str = ""
    file: FileOptions = field(default_factory=FileOptions)
    zone: str | None = None  # of instants without an offset; None: the book's
    decimal: str | None = None  # None: as the columns show, else a point
    nulls: tuple[str, ...] = NULLS
    let: Items[str, Value] = field(default_factory=dict)
    columns: Items[str, Value] = field(default_factory=dict)
    maps: Items[str, DatedMap] = field(default_factory=dict)
    rows: tuple[tuple[Condition, ...], ...] = ()  # a row is taken when each of these holds
    other: tuple[int, ...] = ()  # places in `rows`: what these leave out is of something else, whatever its key
    totals: tuple[Condition, ...] = ()  # a row is a total when any of these holds
    wide: Unpivot | None = None
    control: tuple[Control, ...] = ()
    last_wins: tuple[str, ...] = ()  # named values: of several rows of one key the last by these counts
    window: Window | None = None
    notes: tuple[Note, ...] = ()
    identity: bool = False  # the file's headers are the table's own
    zone_in: ZoneInFile | None = None
    ask: tuple[str, ...] = ()  # columns of which a draft is not sure, and without whose yes nothing is imported
    defaults: bool = False  # shipped: what it says of days is what its source usually does, and a column overrules it
    sure: bool = False  # the person who wrote it knows that the columns only look as if they said otherwise
    also: tuple["SourceMapping", ...] = ()  # what the same file tells of other tables

    @property
    def digests(self) -> tuple[str, ...]:
        """The columns whose cells enter as keyed digests."""
        return tuple(name for name, value in self.columns.items() if value.digest)

    @property
    def is_log(self) -> bool:
        """Whether several rows of one key tell of one thing, each column by rows of its own."""
        return any(value.over is not None for value in self.columns.values())

    @property
    def numbered(self) -> tuple[str, ...]:
        """The columns of the key in which rows are numbered, within the other columns of the key."""
        return tuple(name for name in self.target.key if name in self.columns and self._named(self.columns[name]).row)

    @property
    def falls_back_on_row(self) -> bool:
        """Whether a key of one column is the place of a row in its file, always or where nothing else is there."""
        first, *others = self.target.key
        if others or first not in self.columns:
            return False
        value = self._named(self.columns[first])
        return value.row or any(self._named(part).row for part in value.first)

    def _named(self, value: Value) -> Value:
        """A value, or the one of `let` that it uses."""
        seen: set[str] = set()
        while value.use is not None and value.use in self.let and value.use not in seen:
            seen.add(value.use)
            value = self.let[value.use]
        return value

    @property
    def target(self) -> Table:
        """The table that rows go to."""
        return EVERY_TABLE[self.table]

    @property
    def all_tables(self) -> tuple["SourceMapping", ...]:
        """This mapping and, after it, those of the other tables that the same file feeds."""
        return (self, *self.also)


WRITTEN_BY_ROOM = "only the room writes {}, out of what both sides did there, and no file comes into it"


def identity_mapping(table: str) -> SourceMapping:
    """The mapping of a file whose headers already are the table's columns."""
    return SourceMapping(name=table, table=table, about=f"a file with the columns of {table} themselves", identity=True)
