"""A file of any kind to its sheets: which reader takes it is told by its bytes, not by its name alone."""

import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from comity.book.formats.delimited import FileScan, delimited_sheet, scan_file
from comity.book.formats.json import json_sheet
from comity.book.formats.layout import AskedColumn, best_place, place_notes, read_tops
from comity.book.formats.options import FileOptions
from comity.book.formats.parquet import parquet_sheet
from comity.book.formats.sheet import Sheet, UnusableSourceError
from comity.book.formats.workbook import WORKBOOK_SUFFIXES, workbook_sheets
from comity.book.formats.workbook_parts import WorkbookScan, scan_workbook
from comity.book.plurals import plural

_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the older Office files
_PARQUET = b"PAR1"
_LARGEST_BOOK = 4 * 2**30  # bytes that a workbook may unpack to
_TOO_DENSE = 500  # text packs to a tenth; one five-hundredth is a trap
_HARMLESS = 200 * 2**20
_MOST_STRINGS = 512 * 2**20  # bytes of the texts that the cells share, which the reader holds all at once
_DENSEST = 1032  # what packs zeros best makes a byte of so many
_BLOCK = 4 * 2**20


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An opened file: its sheets, what had to be guessed, its digest."""

    sheets: tuple[Sheet, ...]
    notes: tuple[str, ...]
    digest: str
    kind: str
    about_rows: int | None = None  # lines of a text, rows of Parquet; None where only reading all would tell


def open_source_file(
    path: Path, options: FileOptions, seen: FileScan | None = None, asked: Sequence[AskedColumn] = ()
) -> SourceFile:
    """Open a file as its options, or else its bytes, say.

    :param seen: what a pass over its bytes found out before; None: they are read now
    :param asked: the columns that are looked for: where the options leave it open, the sheet and the header row are
        those that bear most of them; none: the first row of the first sheet that holds anything
    :raises UnusableSourceError: for a file that is not what it claims, or that is broken
    """
    refuse_unreadable_name(path)
    seen = scan_file(path) if seen is None else seen
    kind = options.kind or detect_kind(path, seen)
    notes: list[str] = []
    parts = WorkbookScan()
    if kind == "workbook":  # before anything lays out its sheets
        _refuse_archive_bomb(path)
        parts = scan_workbook(path)
    if asked and options.skip_rows == 0 and options.header_has is None:
        options, notes = _fit_layout(path, options, seen, kind, asked)
    if options.header_names and kind != "delimited":
        msg = f"no row bears the names of the columns; write {', '.join(options.header_names[:3])}, ... above them"
        raise UnusableSourceError(msg, file=path)
    if kind == "parquet":
        sheets: list[Sheet] = [parquet_sheet(path)]
    elif kind == "workbook":
        if parts.unworked:
            what = plural(parts.unworked, "cell holds a formula", "cells hold formulas")
            counts = "was never worked out, and counts" if parts.unworked == 1 else "were never worked out, and count"
            notes.append(f"{what} that {counts} as empty; open the workbook and save it")
        sheets = list(
            workbook_sheets(
                path,
                sheets=options.sheet,
                header_rows=options.header_rows,
                skip_rows=options.skip_rows,
                header_has=options.header_has,
                parts=parts,
            )
        )
    elif kind == "json":
        sheets = [json_sheet(path, seen, lines=options.lines, records=options.records, each=options.each)]
    else:
        sheet, more = delimited_sheet(
            path,
            seen,
            encoding=options.encoding,
            delimiter=options.delimiter,
            quote=options.quote,
            header_rows=options.header_rows,
            skip_rows=options.skip_rows,
            header_has=options.header_has,
            header_names=options.header_names,
        )
        sheets = [sheet]
        notes += more
    about = None if kind == "workbook" else seen.line_ends
    if kind == "parquet":
        about = pq.ParquetFile(path).metadata.num_rows
    return SourceFile(tuple(sheets), tuple(notes), seen.digest, kind, about)


def _fit_layout(
    path: Path, options: FileOptions, seen: FileScan, kind: str, asked: Sequence[AskedColumn]
) -> tuple[FileOptions, list[str]]:
    """The layout that fits, and what is to be told of it."""
    tops = read_tops(path, seen, kind, options)
    if options.sheet is not None and len(tops) != 1:
        return options, []  # each of these sheets is read, and may have its header elsewhere
    place = best_place(tops, asked, options.header_rows)
    if place is None:
        return options, []
    if options.header_names:
        if place.required < sum(one.required for one in asked):
            return options, []  # a record that bears a name by chance is no header
        options = replace(options, header_names=())
    return place.options(options), list(place_notes(tops, place, asked, options.header_rows))


def refuse_unreadable_name(path: Path) -> None:
    """Refuse a file whose name is no text.

    :raises UnusableSourceError: for such a name
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise UnusableSourceError("its name is not UTF-8; rename it", file=ascii(str(path))) from None


def detect_kind(path: Path, seen: FileScan) -> str:
    """Which reader takes the file: parquet, workbook, json or delimited.

    :raises UnusableSourceError: for bytes that contradict the name
    """
    with path.open("rb") as stream:
        head = stream.read(8)
    if head.startswith(_PARQUET):
        return "parquet"
    if head.startswith((_ZIP, _OLE)):
        return "workbook"
    names = [suffix.lower() for suffix in path.suffixes[-2:]]
    if any(suffix in WORKBOOK_SUFFIXES for suffix in names):
        msg = "is named as a workbook but is none; save it again as XLSX, or name it .csv if it is text"
        raise UnusableSourceError(msg, file=path)
    if ".parquet" in names:
        msg = "is named as Parquet but is none; write it again"
        raise UnusableSourceError(msg, file=path)
    start = seen.sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in {b"{", b"["}:
        return "json"
    if any(suffix in {".json", ".jsonl", ".ndjson"} for suffix in names):
        msg = "is named as JSON but starts with no { or [; fetch it again"
        raise UnusableSourceError(msg, file=path)
    return "delimited"


def _refuse_false_sizes(path: Path, parts: zipfile.ZipFile) -> None:
    """Refuse a part that holds more than the archive says of it: whoever reads it would go on to its end."""
    for part in parts.infolist():
        if part.filename.endswith("sharedStrings.xml") and part.file_size > _MOST_STRINGS:
            msg = f"its texts would unpack to {part.file_size / 2**20:,.0f} MiB; save the sheet as CSV"
            raise UnusableSourceError(msg, file=path)
        if part.compress_type != zipfile.ZIP_DEFLATED or part.compress_size * _DENSEST <= _HARMLESS:
            continue
        stated_size, part.file_size = part.file_size, part.compress_size * _DENSEST
        try:
            with parts.open(part) as stream:
                unpacked_size = 0
                while unpacked_size <= stated_size and (block := stream.read(_BLOCK)):
                    unpacked_size += len(block)
        finally:
            part.file_size = stated_size
        if unpacked_size > stated_size:
            msg = "holds more than it says of itself; save it again as XLSX or CSV"
            raise UnusableSourceError(msg, file=path)


def _refuse_archive_bomb(path: Path) -> None:
    """Refuse a workbook that would unpack to more than anybody's spreadsheet."""
    try:
        with zipfile.ZipFile(path) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            packed = max(1, sum(part.compress_size for part in parts.infolist()))
            names = parts.namelist()
            _refuse_false_sizes(path, parts)
    except (zipfile.BadZipFile, OSError, ValueError, zlib.error):
        return  # an older format, or broken: the reader says which
    if unpacked > _LARGEST_BOOK or (unpacked > _HARMLESS and unpacked / packed > _TOO_DENSE):
        msg = f"would unpack to {unpacked / 2**20:,.0f} MiB; save the sheet as CSV if that is truly its size"
        raise UnusableSourceError(msg, file=path)
    if not any(name.startswith("xl/") or name in {"content.xml", "mimetype"} for name in names):
        msg = "is a packed archive and no workbook; unpack it and name the file in it"
        raise UnusableSourceError(msg, file=path)
