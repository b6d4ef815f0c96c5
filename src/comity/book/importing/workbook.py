"""Workbooks: XLSX, XLS, XLSB and ODS, a sheet at a time, with cells as a person would type them."""

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from comity.book.importing.patterns import whole
from comity.book.importing.section import BATCH_ROWS, Section, UnusableSourceError, joined, schema, unique

SUFFIXES = (".xlsx", ".xlsm", ".xls", ".xlsb", ".ods")
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


class SheetSection(Section):
    """The rows of one sheet below its header; blank rows are left out."""

    sheet: Any
    first_row: int

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Rows of the sheet; `_row` is the row number that the spreadsheet program shows."""
        places = [self.headers.index(header) for header in wanted]
        out = schema(wanted)
        rows: list[int] = []
        cells: list[list[str | None]] = [[] for _ in wanted]
        for number, row in enumerate(self.sheet.iter_rows(), 1):
            if number < self.first_row or not any(value not in ("", None) for value in row):
                continue
            rows.append(number)
            for column, place in zip(cells, places, strict=True):
                column.append(cell_text(row[place]) if place < len(row) else None)
            if len(rows) == BATCH_ROWS:
                yield _batch(rows, cells, out)
                rows, cells = [], [[] for _ in wanted]
        if rows:
            yield _batch(rows, cells, out)


def _batch(rows: list[int], cells: list[list[str | None]], out: pa.Schema) -> pa.RecordBatch:
    columns = [pa.array(rows, pa.int64()), *(pa.array(column, pa.string()) for column in cells)]
    return pa.RecordBatch.from_arrays(columns, schema=out)


def workbook(
    path: Path,
    *,
    sheets: str | None = None,
    header_rows: int = 1,
    skip_rows: int = 0,
    header_has: str | None = None,
) -> list[SheetSection]:
    """Open the sheets that are asked for: by name, by `re:PATTERN`, `all`, or (None) the first that holds rows.

    :raises UnusableSourceError: when it is no workbook, or has no such sheet
    """
    try:
        book = calamine.CalamineWorkbook.from_path(str(path))
        names = _chosen(path, book, sheets)
        found = []
        for name in names:
            section = _sheet(path, book.get_sheet_by_name(name), name, header_rows, skip_rows, header_has)
            if section is not None:
                found.append(section)
    except (calamine.CalamineError, OSError, ValueError) as error:
        msg = f"{path}: cannot be opened as a workbook ({str(error)[:160]}); save it again as XLSX or CSV"
        raise UnusableSourceError(msg) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # a damaged file can upset the reader itself
            raise
        msg = f"{path}: the workbook is damaged; save it again as XLSX or CSV"
        raise UnusableSourceError(msg) from None
    if not found:
        what = f"no sheet {sheets!r} with a header row" + (f" that holds {header_has!r}" if header_has else "")
        msg = f"{path}: {what}; its sheets are {', '.join(book.sheet_names)}"
        raise UnusableSourceError(msg)
    return found


def _chosen(path: Path, book: Any, sheets: str | None) -> list[str]:  # noqa: ANN401 - no types
    names: list[str] = list(book.sheet_names)
    if sheets is None or sheets == "all":
        return names if sheets else [next((n for n in names if book.get_sheet_by_name(n).total_height), names[0])]
    if sheets.startswith("re:"):
        found = [name for name, fit in zip(names, whole(sheets[3:], [n.strip() for n in names]), strict=True) if fit]
    else:
        found = [name for name in names if name.strip().casefold() == sheets.strip().casefold()]
    if not found:
        msg = f"{path}: there is no sheet {sheets!r}; its sheets are {', '.join(names)}"
        raise UnusableSourceError(msg)
    return found


def _sheet(  # noqa: PLR0913 - the file options, one by one
    path: Path,
    sheet: Any,  # noqa: ANN401 - no types
    name: str,
    header_rows: int,
    skip_rows: int,
    header_has: str | None,
) -> SheetSection | None:
    rows: list[list[str]] = []
    above: list[list[str]] = []  # what stands over the row that `header_has` names
    last = 0
    for number, row in enumerate(sheet.iter_rows(), 1):
        texts = [cell_text(value) or "" for value in row]
        if number <= skip_rows or (not rows and not any(texts)):
            continue
        if header_has is not None and not rows and header_has.casefold() not in map(_plain, texts):
            above.append(texts)
            continue
        rows.append(texts)
        last = number
        if len(rows) == header_rows:
            break
    if len(rows) < header_rows:
        return None
    section = SheetSection(name, unique(rows[0]) if header_rows == 1 else joined(rows), row_word="row")
    section.sheet, section.first_row = sheet, last + 1
    del above, path
    return section
