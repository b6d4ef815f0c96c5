"""Workbooks: XLSX, XLS, XLSB and ODS, a sheet at a time, with cells as a person would type them."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from comity.book.formats.sheet import (
    BATCH_ROWS,
    Sheet,
    UnusableSourceError,
    batch_schema,
    join_header_rows,
    unique_headers,
)
from comity.book.formats.workbook_parts import WorkbookScan
from comity.book.patterns import match_whole

WORKBOOK_SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
_WHOLE = 2**53
_MIDNIGHT = dt.time()


def cell_text(value: object) -> str | None:  # noqa: PLR0911 - one for each type of cell
    """A cell as text: dates in ISO 8601, whole numbers without decimals, time spans as H:MM:SS."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < _WHOLE else repr(value)
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        seconds = value.total_seconds()
        sign, whole = "-" if seconds < 0 else "", int(abs(seconds))
        return f"{sign}{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
    return str(value)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


class WorkbookSheet(Sheet):
    """The rows of one sheet below its header; blank rows are left out."""

    source: "_LazyRows"
    first_row: int
    errors: Mapping[tuple[int, int], str]

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of the sheet; `_row` is the row number that the spreadsheet program shows."""
        places = [self.headers.index(header) for header in wanted]
        out = batch_schema(wanted)
        rows: list[int] = []
        cells: list[list[str | None]] = [[] for _ in wanted]
        for number, row in self.source.rows():
            errors = [self.errors.get((number, self.source.left + place)) for place in places] if self.errors else []
            if number < self.first_row or not (any(value not in ("", None) for value in row) or any(errors)):
                continue
            rows.append(number)
            for column, place in zip(cells, places, strict=True):
                column.append(cell_text(row[place]) if place < len(row) else None)
            for column, error in zip(cells, errors, strict=False):
                column[-1] = error or column[-1]
            if len(rows) == BATCH_ROWS:
                yield _batch(rows, cells, out)
                rows, cells = [], [[] for _ in wanted]
        if rows:
            yield _batch(rows, cells, out)


def _batch(rows: list[int], cells: list[list[str | None]], out: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array(rows, pa.int64()), *(pa.array(column, pa.string()) for column in cells)]
    return pa.RecordBatch.from_arrays(columns, schema=out)


def workbook_sheets(  # noqa: PLR0913 - the file options, one by one
    path: Path,
    *,
    sheets: str | None = None,
    header_rows: int = 1,
    skip_rows: int = 0,
    header_has: str | None = None,
    parts: WorkbookScan | None = None,
) -> list[WorkbookSheet]:
    """Open the sheets that are asked for: by name, by `re:PATTERN`, `all`, or (None) the first that holds rows.

    :param parts: what was found out beforehand
    :raises UnusableSourceError: when it is no workbook, or has no such sheet
    """
    with _reading(path):
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = _chosen_names(path, book, sheets)
        workbook = []
        for name in names:
            rows_of = _LazyRows(path, book, name, alone=len(names) == 1)
            sheet = _sheet(rows_of, header_rows, skip_rows, header_has)
            if sheet is not None:
                sheet.errors = (parts or WorkbookScan()).errors.get(name, {})
                workbook.append(sheet)
    if not workbook:
        what = "no sheet" if sheets is None else f"no sheet {sheets!r}"
        what += " with a header row" + (f" that holds {header_has!r}" if header_has else "")
        msg = f"{what}; its sheets are {', '.join(book.sheet_names)}"
        raise UnusableSourceError(msg, file=path)
    return workbook


@dataclass(frozen=True, slots=True)
class SheetRows:
    """The first rows of a sheet that hold anything, each with the number of rows above it."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    skips: tuple[int, ...]
    visible: bool


def read_sheet_tops(
    path: Path, count: int, sheets: str | None = None, parts: WorkbookScan | None = None
) -> list[SheetRows]:
    """The first rows of the sheets, in their order; chart sheets and empty ones have none.

    :param parts: what was found out beforehand: errors of cells are then told in their place
    :raises UnusableSourceError: when it is no workbook
    """
    tops = []
    with _reading(path):
        book = calamine.CalamineWorkbook.from_path(str(path))
        shown = {one.name: one.visible == calamine.SheetVisibleEnum.Visible for one in book.sheets_metadata}
        names = _chosen_names(path, book, sheets) if sheets else list(book.sheet_names)
        for name in names:
            found = []
            errors = (parts or WorkbookScan()).errors.get(name, {})
            rows_of = _LazyRows(path, book, name, alone=False)
            for number, row in rows_of.rows():
                if number > count:
                    break
                texts = tuple(
                    errors.get((number, rows_of.left + place)) or cell_text(value) or ""
                    for place, value in enumerate(row)
                )
                if any(texts):
                    found.append((number - 1, texts))
            tops.append(
                SheetRows(name, tuple(row for _, row in found), tuple(skip for skip, _ in found), shown.get(name, True))
            )
    return tops


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Every way in which a workbook may upset its reader, as one error; what else is raised within stays what it is."""
    try:
        yield
    except (calamine.CalamineError, OSError, ValueError, OverflowError) as error:
        msg = f"cannot be opened as a workbook ({str(error)[:160]}); save it again as XLSX or CSV"
        raise UnusableSourceError(msg, file=path) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a damaged file can upset the reader itself
            raise
        msg = "the workbook is damaged; save it again as XLSX or CSV"
        raise UnusableSourceError(msg, file=path) from None


class _LazyRows:
    """A sheet, read when it is asked for: of many sheets, one at a time is held in memory."""

    def __init__(self, path: Path, book: Any, name: str, *, alone: bool) -> None:  # noqa: ANN401 - no types
        self.path = path
        self.name = name
        self.left = 1  # the first column that holds anything
        self._book = book
        self._alone = alone
        self._held: Any = None

    def rows(self) -> Iterator[tuple[int, list[Any]]]:
        """The rows from the first on, each with its number."""
        with _reading(self.path):
            sheet = self._held or self._book.get_sheet_by_name(self.name)
            self._held = sheet if self._alone else None
            self.left = 1 + (sheet.start[1] if sheet.start else 0)
            rows = enumerate(sheet.iter_rows(), 1)
        while True:
            with _reading(self.path):  # not around the yield: what the caller raises is not the workbook's fault
                found = next(rows, None)
            if found is None:
                return
            yield found


def _chosen_names(path: Path, book: Any, sheets: str | None) -> list[str]:  # noqa: ANN401 - no types
    names: list[str] = list(book.sheet_names)
    if not names:
        msg = "the workbook has no sheets; save it again as XLSX or CSV"
        raise UnusableSourceError(msg, file=path)
    if sheets is None or sheets == "all":
        if sheets or len(names) == 1:
            return names
        return [next((n for n in names if book.get_sheet_by_name(n).total_height), names[0])]
    if sheets.startswith("re:"):
        chosen = [
            name for name, fit in zip(names, match_whole(sheets[3:], [n.strip() for n in names]), strict=True) if fit
        ]
    else:
        chosen = [name for name in names if name.strip().casefold() == sheets.strip().casefold()]
    if not chosen:
        msg = f"there is no sheet {sheets!r}; its sheets are {', '.join(names)}"
        raise UnusableSourceError(msg, file=path)
    return chosen


def _sheet(rows_of: _LazyRows, header_rows: int, skip_rows: int, header_has: str | None) -> WorkbookSheet | None:
    rows: list[list[str]] = []
    last = 0
    for number, row in rows_of.rows():
        texts = [cell_text(value) or "" for value in row]
        if number <= skip_rows or (not rows and not any(texts)):
            continue
        if header_has is not None and not rows and header_has.casefold() not in map(_plain, texts):
            continue
        rows.append(texts)
        last = number
        if len(rows) == header_rows:
            break
    if len(rows) < header_rows:
        return None
    sheet = WorkbookSheet(
        rows_of.name, unique_headers(rows[0]) if header_rows == 1 else join_header_rows(rows), row_word="row"
    )
    sheet.source, sheet.first_row = rows_of, last + 1
    return sheet
