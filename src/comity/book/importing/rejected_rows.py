# ruff: noqa: S608 - the SQL is made of declared names and of quoted literals, never of what a file says
"""Rejected rows as the source wrote them, and which of them a later file has brought again.

In a room they lie in the folder of the side that delivered the file, and nowhere else. A row that a later file of the
same side brings again is no longer open: it is met by its key, or by the reference that a downloaded row bears.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from comity.book.formats.sheet import REASON_HEADER, ROW_HEADER, Sheet
from comity.book.mappings.apply import MappedFile, UnconvertedRow
from comity.book.storage.layout import HIDDEN_FOLDER, owner_folder
from comity.book.storage.parquet import scan_sql
from comity.book.storage.sql import key_text_sql
from comity.book.tables import Table
from comity.core.values import Side

ROWS_FOLDER = "rejected-rows"
CORRECTED_FOLDER = "corrected-rows"  # which of the rejected rows of earlier imports an import brought again
MAX_KEPT_ROWS = 20_000  # rejected rows of one file that are kept as rows
_REFERENCE_DIGITS = 8  # of the file's digest in a reference
_HEADERS_KEY, _DELIMITER_KEY = b"comity.headers", b"comity.delimiter"
ROWS_SCHEMA = pa.schema(
    [
        ("line", pa.int64()),
        ("reference", pa.string()),  # as a downloaded row bears it
        ("column", pa.string()),
        ("reason", pa.string()),
        ("key", pa.string()),  # where the row's key could be read
        ("owner", pa.string()),
        ("cells", pa.list_(pa.string())),
    ]
)
CORRECTED_SCHEMA = pa.schema([("number", pa.int64()), ("place", pa.int64()), ("owner", pa.string())])


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row as it stood in its file, and why it was rejected; `corrected_by` is the import that brought it again."""

    line: int
    reference: str
    column: str
    reason: str
    cells: tuple[str, ...]
    corrected_by: int | None = None


@dataclass(frozen=True, slots=True)
class RejectedRows:
    """The rejected rows of one file, under the headers and with the delimiter of that file."""

    headers: tuple[str, ...]
    delimiter: str
    rows: tuple[RejectedRow, ...]

    def table(self, describe: Callable[[str, str], str] | None = None) -> Iterator[tuple[object, ...]]:
        """Each row of the file once, with its reference and all reasons against it behind the cells.

        :param describe: puts a column and a reason into words
        """
        reasons: dict[str, list[str]] = defaultdict(list)
        cells: dict[str, tuple[str, ...]] = {}
        for row in self.rows:
            text = f"{row.column}: {row.reason}" if row.column else row.reason
            text = text if describe is None else describe(row.column, row.reason)
            if text not in reasons[row.reference]:
                reasons[row.reference].append(text)
            cells[row.reference] = row.cells
        return ((*cells[one], one, "; ".join(texts)) for one, texts in reasons.items())

    @property
    def head(self) -> tuple[str, ...]:
        """The headers of `table`."""
        return (*self.headers, ROW_HEADER, REASON_HEADER)


def collect_rows(
    mapped: MappedFile,
    rejects: pa.Table,
    problems: Sequence[UnconvertedRow],
    *,
    named_only: bool,
    hidden: Collection[str] = (),
) -> pa.Table:
    """The first rejected rows of a file with their cells.

    :param rejects: `row`, `column`, `reason`, `owner` and, in a room, `key`
    :param problems: rows that were not converted, or could not even be taken apart
    :param named_only: keep only the columns that the mapping names, which is all of a file that a book may keep
    :param hidden: of these, headers of columns of which the book keeps digests alone
    """
    rejects = rejects.slice(0, MAX_KEPT_ROWS)
    problems = problems[: MAX_KEPT_ROWS - rejects.num_rows]
    left_out = {*mapped.unmapped, *hidden, ROW_HEADER, REASON_HEADER} if named_only else {ROW_HEADER, REASON_HEADER}
    headers = list(
        dict.fromkeys(header for sheet in mapped.sheets for header in sheet.headers if header not in left_out)
    )
    numbers = [*rejects.column("row").to_pylist(), *(problem.row for problem in problems if problem.line is None)]
    lines = mapped.lines(numbers)
    cells = _cells(mapped, set(numbers), headers)
    keys = rejects.column("key").to_pylist() if "key" in rejects.schema.names else [None] * rejects.num_rows
    blank = ("",) * len(headers)
    rows = [
        _row(mapped, lines.get(row, row), row, column, reason, key, owner, cells.get(row, blank))
        for row, column, reason, owner, key in zip(
            *(rejects.column(name).to_pylist() for name in ("row", "column", "reason", "owner")), keys, strict=True
        )
    ]
    for problem in problems:
        line = problem.line if problem.line is not None else lines.get(problem.row, problem.row)
        # What could not be taken apart stands whole in the first cell, so that it is not taken for a row by accident.
        own = cells.get(problem.row, blank) if problem.line is None else (problem.value, *blank[1:])
        rows.append(_row(mapped, line, problem.row, problem.column, problem.reason, None, None, own))
    metadata = {_HEADERS_KEY: json.dumps(headers), _DELIMITER_KEY: getattr(mapped.sheets[0], "delimiter", ",")}
    return pa.Table.from_pylist(rows, ROWS_SCHEMA.with_metadata(metadata))


def write_rows_file(rows: pa.Table, file: Path) -> None:
    """Write rejected rows as one file, or remove it where there are none."""
    if rows.num_rows:
        pq.write_table(rows, file, compression="zstd")
    else:
        file.unlink(missing_ok=True)


def _row(  # noqa: PLR0913 - a row of `ROWS_SCHEMA`
    mapped: MappedFile,
    line: int,
    row: int,
    column: str,
    reason: str,
    key: str | None,
    owner: str | None,
    cells: Sequence[str],
) -> dict[str, object]:
    sheet = mapped.sheet_name(row) if row >= 0 else None
    reference = f"{line} of {mapped.digest[:_REFERENCE_DIGITS]}{f' {sheet}' if sheet is not None else ''}"
    return {
        "line": line,
        "reference": reference,
        "column": column or "",
        "reason": reason,
        "key": key,
        "owner": owner,
        "cells": list(cells),
    }


def _cells(mapped: MappedFile, rows: set[int], headers: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """The cells of rows under these headers, found by reading each sheet up to the last row that is asked for."""
    cells: dict[int, tuple[str, ...]] = {}
    for sheet, wanted in mapped.source_rows(rows):
        own = [header for header in headers if header in sheet.headers]
        last = max(wanted, default=-1)
        ordinals = pa.array(sorted(wanted), pa.int64())
        for batch in sheet.batches(own):
            hits = batch.filter(pc.is_in(batch.column(0), value_set=ordinals)).to_pylist()
            for hit in hits:
                text = {header: hit[f"c{place}"] or "" for place, header in enumerate(own)}
                whole = tuple(text.get(header, "") for header in headers)
                ordinal = next(iter(hit.values()))
                cells |= dict.fromkeys(wanted[ordinal], whole)
            if batch.num_rows and batch.column(0)[-1].as_py() >= last:
                break
    return cells


def find_corrected(
    con: duckdb.DuckDBPyConnection, book: Path, table: Table, by: Side, arrived: tuple[Path, pa.Table, Sequence[Sheet]]
) -> pa.Table:
    """Which open rejected rows of earlier imports of this side a file brings again.

    :param arrived: the clean rows of the file, its rejects with their keys, and its sheets
    """
    clean, rejects, sheets = arrived
    open_rows = _open_rows(book, table, by)
    keys = sorted({key for *_, key, _ in open_rows if key is not None})
    references = _references(sheets)
    met: set[str] = set(rejects.column("key").to_pylist()) if "key" in rejects.schema.names else set()
    if keys:
        con.register("_awaited", pa.table({"key": pa.array(keys, pa.string())}))
        arrived_keys = f"SELECT {key_text_sql(table)} AS key FROM {scan_sql(clean)}"
        sql = f"SELECT key FROM _awaited SEMI JOIN ({arrived_keys}) USING (key)"
        met |= {key for (key,) in con.execute(sql).fetchall()}
        con.unregister("_awaited")
    rows = [
        {"number": number, "place": place, "owner": owner}
        for number, place, reference, key, owner in open_rows
        if (key is not None and key in met) or reference in references
    ]
    return pa.Table.from_pylist(rows, CORRECTED_SCHEMA)


def _references(sheets: Sequence[Sheet]) -> set[str]:
    """The references that the rows of a corrected file bear."""
    references: set[str] = set()
    for sheet in sheets:
        header = sheet.find(ROW_HEADER)
        if header is not None:
            for batch in sheet.batches([header]):
                references |= {text.strip() for text in batch.column(1).to_pylist() if text}
    return references


def _open_rows(book: Path, table: Table, by: Side) -> list[tuple[int, int, str, str | None, str | None]]:
    """Number of the import, place in its file, reference, key and owner of each row that is still open."""
    closed = set(_corrections(book, table.name, by))
    rows = []
    for number, file in _files(book, table.name, by, ROWS_FOLDER):
        stored = pq.read_table(file, columns=["reference", "key", "owner"]).to_pylist()
        rows += [
            (number, place, row["reference"], row["key"], row["owner"])
            for place, row in enumerate(stored)
            if (number, place) not in closed
        ]
    return rows


def _corrections(book: Path, table: str, by: Side) -> dict[tuple[int, int], int]:
    """Import and place of each row that was brought again -> the import that did."""
    corrections: dict[tuple[int, int], int] = {}
    for later, file in _files(book, table, by, CORRECTED_FOLDER):
        stored = pq.read_table(file, columns=["number", "place"])
        for number, place in zip(*(stored.column(name).to_pylist() for name in ("number", "place")), strict=True):
            corrections.setdefault((number, place), later)
    return corrections


def _files(book: Path, table: str, by: Side, kind: str) -> Iterator[tuple[int, Path]]:
    for file in sorted((owner_folder(book, by) / HIDDEN_FOLDER / kind).glob(f"{table}-*.parquet")):
        yield int(file.stem.rpartition("-")[2]), file


def rows_of_import(book: Path, table: str, number: int, side: Side) -> RejectedRows | None:
    """The rejected rows of an import of this side, with what became of each; None where none are kept."""
    file = owner_folder(book, side) / HIDDEN_FOLDER / ROWS_FOLDER / f"{table}-{number}.parquet"
    if not file.is_file():
        return None
    return read_rows(file, {place: by for (one, place), by in _corrections(book, table, side).items() if one == number})


def read_rows(file: Path, corrected: Mapping[int, int] | None = None) -> RejectedRows:
    """Rejected rows as `collect_rows` laid them down.

    :param corrected: the import that brought a row again, by the row's place in the file
    """
    stored = pq.read_table(file)
    metadata = stored.schema.metadata or {}
    rows = tuple(
        RejectedRow(
            row["line"],
            row["reference"],
            row["column"],
            row["reason"],
            tuple(row["cells"]),
            (corrected or {}).get(place),
        )
        for place, row in enumerate(stored.to_pylist())
    )
    return RejectedRows(tuple(json.loads(metadata[_HEADERS_KEY])), metadata[_DELIMITER_KEY].decode(), rows)
