"""A file of any kind to its sections: which reader takes it is told by its bytes, not by its name alone."""

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from comity.book.importing.columnar import parquet
from comity.book.importing.delimited import Look, delimited, look
from comity.book.importing.json_records import json_section
from comity.book.importing.mapping import FileOptions
from comity.book.importing.section import Section, UnusableSourceError
from comity.book.importing.workbook import SUFFIXES, workbook
from comity.book.importing.workbook_parts import looked_through

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
class Source:
    """An opened file: its sections, what had to be guessed, its digest."""

    sections: tuple[Section, ...]
    notes: tuple[str, ...]
    digest: str
    kind: str


def open_source(path: Path, options: FileOptions) -> Source:
    """Open a file as its options, or else its bytes, say.

    :raises UnusableSourceError: for a file that is not what it claims, or that is broken
    """
    try:
        str(path).encode()
    except UnicodeEncodeError:
        msg = f"{str(path)!a}: its name is not UTF-8; rename it"
        raise UnusableSourceError(msg) from None
    seen = look(path)
    kind = options.kind or kind_of(path, seen)
    notes: list[str] = []
    if kind == "parquet":
        sections: list[Section] = [parquet(path)]
    elif kind == "workbook":
        _refuse_bomb(path)
        parts = looked_through(path)
        if parts.unworked:
            notes.append(
                f"{parts.unworked:,} cells hold formulas that were never worked out, and count as empty; open the "
                "workbook and save it"
            )
        sections = list(
            workbook(
                path,
                sheets=options.sheet,
                header_rows=options.header_rows,
                skip_rows=options.skip_rows,
                header_has=options.header_has,
                parts=parts,
            )
        )
    elif kind == "json":
        sections = [json_section(path, seen, lines=options.lines, records=options.records, each=options.each)]
    else:
        section, notes = delimited(
            path,
            seen,
            encoding=options.encoding,
            delimiter=options.delimiter,
            quote=options.quote,
            header_rows=options.header_rows,
            skip_rows=options.skip_rows,
            header_has=options.header_has,
        )
        sections = [section]
    return Source(tuple(sections), tuple(notes), seen.digest, kind)


def kind_of(path: Path, seen: Look) -> str:
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
    if any(suffix in SUFFIXES for suffix in names):
        msg = f"{path}: is named as a workbook but is none; save it again as XLSX, or name it .csv if it is text"
        raise UnusableSourceError(msg)
    if ".parquet" in names:
        msg = f"{path}: is named as Parquet but is none; write it again"
        raise UnusableSourceError(msg)
    start = seen.sample.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    if start in {b"{", b"["}:
        return "json"
    if any(suffix in {".json", ".jsonl", ".ndjson"} for suffix in names):
        msg = f"{path}: is named as JSON but starts with no {{ or [; fetch it again"
        raise UnusableSourceError(msg)
    return "delimited"


def _refuse_lies(path: Path, parts: zipfile.ZipFile) -> None:
    """Refuse a part that holds more than the archive says of it: whoever reads it would go on to its end."""
    for part in parts.infolist():
        if part.filename.endswith("sharedStrings.xml") and part.file_size > _MOST_STRINGS:
            msg = f"{path}: its texts would unpack to {part.file_size / 2**20:,.0f} MiB; save the sheet as CSV"
            raise UnusableSourceError(msg)
        if part.compress_type != zipfile.ZIP_DEFLATED or part.compress_size * _DENSEST <= _HARMLESS:
            continue
        said, part.file_size = part.file_size, part.compress_size * _DENSEST
        try:
            with parts.open(part) as stream:
                held = 0
                while held <= said and (block := stream.read(_BLOCK)):
                    held += len(block)
        finally:
            part.file_size = said
        if held > said:
            msg = f"{path}: holds more than it says of itself; save it again as XLSX or CSV"
            raise UnusableSourceError(msg)


def _refuse_bomb(path: Path) -> None:
    """Refuse a workbook that would unpack to more than anybody's spreadsheet."""
    try:
        with zipfile.ZipFile(path) as parts:
            unpacked = sum(part.file_size for part in parts.infolist())
            packed = max(1, sum(part.compress_size for part in parts.infolist()))
            names = parts.namelist()
            _refuse_lies(path, parts)
    except (zipfile.BadZipFile, OSError, ValueError, zlib.error):
        return  # an older format, or broken: the reader says which
    if unpacked > _LARGEST_BOOK or (unpacked > _HARMLESS and unpacked / packed > _TOO_DENSE):
        msg = f"{path}: would unpack to {unpacked / 2**20:,.0f} MiB; save the sheet as CSV if that is truly its size"
        raise UnusableSourceError(msg)
    if not any(name.startswith("xl/") or name in {"content.xml", "mimetype"} for name in names):
        msg = f"{path}: is a packed archive and no workbook; unpack it and name the file in it"
        raise UnusableSourceError(msg)
