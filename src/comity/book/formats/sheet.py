"""What every kind of file becomes before anything is made of it: rows of text under the source's own headers."""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import pyarrow as pa

from comity.book.errors import UnusableFileError
from comity.book.patterns import match_whole

BATCH_ROWS = 32_768
ROW = "_row"
LAST_STATE = "_last"  # text that sorts as the update time of a row does; empty where it has none
FIRST_STATE = "_first"  # of a row that is made of several of a log: the same of the first of them
# Headers of a download of rejected rows. They are no column of anybody's, and fixed: the file comes back with them.
ROW_HEADER, REASON_HEADER = "Comity row", "Comity reason"


class UnusableSourceError(UnusableFileError):
    """A file that cannot be imported at all: one sentence that says where, what and the next step."""


@dataclass(frozen=True, slots=True)
class MalformedRow:
    """A row that could not even be taken apart: where it stands, what was there, and what is wrong with it."""

    line: int
    text: str
    reason: str


@dataclass(slots=True)
class Sheet(ABC):
    """One sheet of a workbook, or the whole of any other file.

    `headers` are as the source writes them, after joining header rows and numbering repeats. `broken` and `footers`
    fill while the batches are read, anew each time. `row_word` is what `_row` counts for the reader of a report.
    """

    name: str | None
    headers: tuple[str, ...]
    broken: list[MalformedRow] = field(default_factory=list)
    footers: list[str] = field(default_factory=list)  # lines of text below the last record, which are none
    row_word: str = "line"
    open_ended: ClassVar[bool] = False  # whether a row may have columns that `headers` does not name

    def find(self, header: str) -> str | None:
        """The sheet's own spelling of a header, or None where it has no such column.

        Case, and runs of white space, do not matter; `re:PATTERN` takes the first header that matches whole.
        """
        return find_in(self.headers, header)

    @abstractmethod
    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows as text: `_row` (int64), then c0, c1, ... for the wanted headers; an absent cell is null."""

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """The line of the file (the row of the sheet) for values of `_row`."""
        return {row: row for row in rows}


@dataclass(slots=True)
class HeadersOnly(Sheet):
    """A sheet of which only the header was looked at."""

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """No rows."""
        yield batch_schema(wanted).empty_table().combine_chunks().to_batches()[0]


_UNIT_BESIDE = re.compile(
    r" ?[(\[](ms|s|secs?|seconds?|segundos?|sekunden|secondes|mins?|minutes?|minutos?|minuten|h|hrs?|hours?|horas?|"
    r"stunden|heures?|d|days?|hh?:mm(:ss)?|mm?:ss|€|eur|\$|usd|£|gbp)[)\]]$",
    re.IGNORECASE,
)


def find_in(headers: Sequence[str], header: str) -> str | None:
    """The spelling among `headers` of one header, or of the first that its `re:PATTERN` matches whole."""
    found = find_all_in(headers, header)
    return found[0] if found else None


def find_all_in(headers: Sequence[str], header: str) -> list[str]:
    """All of `headers` that a name or a `re:PATTERN` is said of; else those that have but a unit in brackets beside."""
    if header.startswith("re:"):
        fits = match_whole(header[3:], [one_line(own) for own in headers])
        return [own for own, fit in zip(headers, fits, strict=True) if fit]
    wanted = one_line(header).casefold()
    same = [own for own in headers if one_line(own).casefold() == wanted]
    if same or wanted.endswith((")", "]")):
        return same
    return [own for own in headers if _UNIT_BESIDE.sub("", one_line(own)).casefold() == wanted]


def batch_schema(wanted: Sequence[str]) -> pa.Schema:
    """The form of every batch for these headers."""
    return pa.schema([(ROW, pa.int64()), *((f"c{i}", pa.string()) for i in range(len(wanted)))])


def one_line(header: str) -> str:
    """A header on one line, with single spaces."""
    return " ".join(header.replace("\ufeff", "").split())


def unique_headers(headers: Sequence[str]) -> tuple[str, ...]:
    """Headers made distinct: the second `Comment` becomes `Comment (2)`, a nameless one `column 7`."""
    seen: dict[str, int] = {}
    names = []
    for place, header in enumerate(headers, 1):
        name = one_line(header) or f"column {place}"
        count = seen[name.casefold()] = seen.get(name.casefold(), 0) + 1
        own = name
        while count > 1 and (own := f"{name} ({count})").casefold() in seen:  # one that the source calls so itself
            count += 1
        seen[name.casefold()] = count
        seen.setdefault(own.casefold(), 1)
        names.append(own)
    return tuple(names)


def join_header_rows(rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """One header a column from several header rows: upper cells reach right over the empty ones beside them.

    The lowest row does not reach: an empty cell there leaves the upper name alone.
    """
    width = max((len(row) for row in rows), default=0)
    parts: list[list[str]] = [[] for _ in range(width)]
    for depth, row in enumerate(rows):
        reach = ""
        for place in range(width):
            cell = one_line(row[place]) if place < len(row) else ""
            if depth < len(rows) - 1:
                reach = cell or (reach if any(_cell(lower, place) for lower in rows[depth + 1 :]) else "")
                cell = reach
            if cell and cell not in parts[place]:
                parts[place].append(cell)
    return unique_headers([" ".join(part) for part in parts])


def _cell(row: Sequence[str], place: int) -> str:
    return row[place].strip() if place < len(row) else ""
