"""A mapping is data: which cells of somebody's spreadsheet become which columns of a table, and how.

What a mapping may say is explained, with examples, in docs/mapping.md; `reading_mappings` reads it from TOML.
"""

import datetime as dt
import importlib.resources
from collections.abc import Mapping as Items
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from comity.book.tables import TABLES, Kind, Table


class UnusableMappingError(Exception):
    """A mapping that cannot be used: one sentence that names the file, the key, the value and the next step."""


class As(StrEnum):
    """What a cell is read as."""

    TEXT = "text"
    INSTANT = "instant"
    DAY = "day"
    MONTH = "month"
    CLOCK = "clock"  # a time of day: seconds since midnight
    SECONDS = "seconds"
    NUMBER = "number"
    FLAG = "flag"


KINDS: dict[Kind, As] = {
    Kind.TEXT: As.TEXT,
    Kind.INSTANT: As.INSTANT,
    Kind.DAY: As.DAY,
    Kind.MONTH: As.MONTH,
    Kind.PERIOD: As.TEXT,
    Kind.SECONDS: As.SECONDS,
    Kind.COUNT: As.NUMBER,
    Kind.NUMBER: As.NUMBER,
    Kind.AMOUNT: As.NUMBER,
    Kind.SHARE: As.NUMBER,
    Kind.FLAG: As.FLAG,
}

NULLS = ("-", "--", "N/A", "n/a", "#N/A", "null", "NULL", "NaN", "nan")  # absent, whatever else a mapping says
EPOCH = "1970-01-01"  # what software writes that has no date


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How the file is laid out; whatever is not said is found out by looking."""

    kind: str | None = None  # delimited, workbook, json, parquet
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    sheet: str | None = None  # a name, re:PATTERN, or all
    header_rows: int = 1
    header_has: str | None = None  # the header is the first row with this cell
    skip_rows: int = 0
    records: str | None = None  # JSON: where the list of records stands
    lines: bool | None = None  # JSON: one record a line
    each: str | None = None  # JSON: a list in each record, every entry of which is a row


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
    kind: As | None = None  # `as`
    formats: tuple[str, ...] = ()
    unit: str = "s"  # what a plain number of a duration counts: ms, s, min, h
    clock: str | None = None  # what two parts 1:30 are: h:mm or m:ss
    decimal: str | None = None
    times: float | None = None
    over_midnight: bool = False  # a difference below zero runs over midnight
    after: str | None = None  # an instant before this named one is on the next day
    default: str | None = None
    separator: str = " "  # `with`, of a join
    keep: bool = False
    reason: str | None = None
    needed: bool = False  # a file without the column is refused


@dataclass(frozen=True, slots=True)
class DatedMap:
    """Old value to new value, each for a time: the rows (key, value, first day, day after the last)."""

    name: str
    rows: tuple[tuple[str, str, dt.date | None, dt.date | None], ...]


@dataclass(frozen=True, slots=True)
class Wide:
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
class Mapping:
    """One mapping, read and checked."""

    name: str
    table: str
    about: str = ""
    file: FileOptions = field(default_factory=FileOptions)
    zone: str | None = None  # of instants without an offset; None: the book's
    decimal: str = "."
    nulls: tuple[str, ...] = NULLS
    let: Items[str, Value] = field(default_factory=dict)
    columns: Items[str, Value] = field(default_factory=dict)
    maps: Items[str, DatedMap] = field(default_factory=dict)
    rows: tuple[tuple[Condition, ...], ...] = ()  # a row is taken when each of these holds
    totals: tuple[Condition, ...] = ()  # a row is a total when any of these holds
    wide: Wide | None = None
    control: tuple[Control, ...] = ()
    last_wins: tuple[str, ...] = ()  # named values: of several rows of one key the last by these counts
    window: Window | None = None
    notes: tuple[Note, ...] = ()
    identity: bool = False  # the file's headers are the table's own

    @property
    def target(self) -> Table:
        """The table that rows go to."""
        return TABLES[self.table]


def identity(table: str) -> Mapping:
    """The mapping of a file whose headers already are the table's columns."""
    return Mapping(name=table, table=table, about=f"a file with the columns of {table} themselves", identity=True)


def shipped() -> dict[str, str]:
    """The shipped mappings: name -> TOML text."""
    folder = importlib.resources.files("comity.book") / "sources"
    return {
        entry.name.removesuffix(".toml"): entry.read_text(encoding="utf-8")
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name)
        if entry.name.endswith(".toml")
    }


def read_mapping(named: str | Path) -> Mapping:
    """A mapping by the name of a table (the file has its columns), of a shipped mapping, or by its file.

    :raises UnusableMappingError: naming the file, the key, the value and the next step
    """
    from comity.book.importing.reading_mappings import parse  # noqa: PLC0415 - the reader knows this module

    text = str(named)
    if text in TABLES:
        return identity(text)
    known = shipped()
    if text in known:
        return parse(known[text], f"{text} (shipped)", None, text)
    path = Path(named)
    if path.suffix.lower() != ".toml" and not path.is_file():
        msg = (
            f"there is no mapping {text!r}; name a shipped one ({', '.join(known)}), a table "
            f"({', '.join(TABLES)}) or a file such as mine.toml, which `comity mapping new FILE` drafts"
        )
        raise UnusableMappingError(msg)
    try:
        content = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        msg = f"{path}: not UTF-8 (byte {error.start}); save it as UTF-8"
        raise UnusableMappingError(msg) from None
    except OSError as error:
        msg = f"{path}: cannot be read: {error.strerror or error}"
        raise UnusableMappingError(msg) from None
    return parse(content, str(path), path.parent, path.stem)
