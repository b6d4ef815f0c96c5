"""Where the records of a file stand: the sheet and the header row that fit best what is asked for.

A report has titles above its header, a workbook has dashboards, pivot tables and hidden leftovers beside its data.
None of them is told by its place. The row that bears most of the headers asked for is the header, and its sheet the
sheet; of equals the visible one counts, then one without a pivot table, then the first.
"""

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from comity.book.formats.delimited import FileScan, first_records
from comity.book.formats.options import FileOptions
from comity.book.formats.sheet import find_in, join_header_rows, unique_headers
from comity.book.formats.workbook import read_sheet_tops
from comity.book.formats.workbook_parts import sheet_parts

HEADER_SEARCH = 50  # rows that are looked at for the header
_NAMED = 3  # sheets that a sentence names
_COUNTS = 1_000.0  # what a required column weighs beside others


@dataclass(frozen=True, slots=True)
class SheetTop:
    """The first rows of one sheet; `rows[i]` comes after so many that are not asked for: `skips[i]`."""

    name: str | None
    rows: tuple[tuple[str, ...], ...]
    skips: tuple[int, ...]
    visible: bool = True
    pivot: bool = False


@dataclass(frozen=True, slots=True)
class AskedColumn:
    """The names that one column may have, and whether nothing can be made without it."""

    names: frozenset[str]
    required: bool = False


@dataclass(frozen=True, slots=True)
class HeaderPlace:
    """Where the header stands, and what it bears of what is asked for."""

    top: SheetTop
    row: int  # index into the rows of `top`
    headers: tuple[str, ...]
    found: int
    required: int  # of the required ones

    def options(self, options: FileOptions) -> FileOptions:
        """The layout, said in full."""
        return replace(options, sheet=self.top.name or options.sheet, skip_rows=self.top.skips[self.row])


def read_tops(path: Path, seen: FileScan, kind: str, options: FileOptions) -> tuple[SheetTop, ...]:
    """The first rows of each sheet of a workbook, or of a text file; nothing for other kinds.

    :raises UnusableSourceError: for a file that cannot be read
    """
    if kind == "delimited":
        rows = list(first_records(path, seen, options, HEADER_SEARCH))
        return (SheetTop(None, tuple(tuple(row) for _, row in rows), tuple(skip for skip, _ in rows)),)
    if kind != "workbook":
        return ()
    pivots = _pivot_sheets(path)
    return tuple(
        SheetTop(top.name, top.rows, top.skips, top.visible, top.name in pivots)
        for top in read_sheet_tops(path, HEADER_SEARCH, options.sheet)
    )


def best_place(tops: Sequence[SheetTop], asked: Sequence[AskedColumn], header_rows: int = 1) -> HeaderPlace | None:
    """The header that fits best what is asked for; None where no row bears any of it."""
    best: tuple[tuple[float, ...], HeaderPlace] | None = None
    for at, top in enumerate(tops):
        for place in _places(top, asked, header_rows):
            fit = place.found + place.required * _COUNTS
            rank = (fit, top.visible, not top.pivot, -at, -place.row)
            if best is None or rank > best[0]:
                best = rank, place
    return best[1] if best is not None else None


def _places(top: SheetTop, asked: Sequence[AskedColumn], header_rows: int) -> Iterator[HeaderPlace]:
    plain = {" ".join(name.split()).casefold() for one in asked for name in one.names if not name.startswith("re:")}
    patterns = any(name.startswith("re:") for one in asked for name in one.names)
    for row in range(len(top.rows) - header_rows + 1):
        cells = top.rows[row : row + header_rows]
        if header_rows == 1 and not patterns and plain.isdisjoint(" ".join(c.split()).casefold() for c in cells[0]):
            continue
        headers = unique_headers(cells[0]) if header_rows == 1 else join_header_rows(cells)
        bears = [any(find_in(headers, name) is not None for name in one.names) for one in asked]
        found = sum(bears)
        if found:
            required = sum(bear for bear, one in zip(bears, asked, strict=True) if one.required)
            yield HeaderPlace(top, row, headers, found, required)


def place_notes(
    tops: Sequence[SheetTop], place: HeaderPlace, asked: Sequence[AskedColumn], header_rows: int = 1
) -> Iterator[str]:
    """What a reader should know of a header that does not stand first on the only sheet."""
    top, others = place.top, [other for other in tops if other is not place.top and other.rows]
    alike = []
    for other in others:
        there = best_place([other], asked, header_rows)
        if there is not None and other.visible and (there.found, there.required) == (place.found, place.required):
            alike.append(other.name or "")
    if alike:
        yield (
            f"only the sheet {top.name!r} was read; {_listed(alike)} {'has' if len(alike) == 1 else 'have'} the same "
            'columns: write sheet = "all" under [file] of a mapping to read them too'
        )
    elif top.name is not None and not top.visible:
        yield f"the records were read from the hidden sheet {top.name!r}; it alone has the columns"
    elif others and (top is not tops[0] or not all(other.visible for other in others)):
        passed_over = _listed([other.name or "" for other in others])
        yield f"the records were read from the sheet {top.name!r}, and not from {passed_over}"
    above = [" ".join(cell.strip() for cell in row if cell.strip()) for row in top.rows[: place.row]]
    above = [text for text in above if not text.casefold().startswith("sep=")]
    if above:
        rows = "1 row above the header was" if len(above) == 1 else f"{len(above)} rows above the header were"
        yield f"{rows} left out, beginning with {above[0][:60]!r}"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more


def _pivot_sheets(path: Path) -> frozenset[str]:
    """The sheets that bear a pivot table."""
    found = set()
    try:
        with zipfile.ZipFile(path) as parts:
            for name, part in sheet_parts(parts).items():
                relations = f"{PurePosixPath(part).parent}/_rels/{PurePosixPath(part).name}.rels"
                if relations in parts.namelist() and re.search(rb"/pivotTable", parts.read(relations)):
                    found.add(name)
    except (zipfile.BadZipFile, OSError, KeyError, ValueError, RuntimeError, NotImplementedError):
        return frozenset()  # an older format, or damaged: the reader says which
    return frozenset(found)
