"""A small list that somebody uploads, read within a request: an XLSX or a text, all its sheets, as rows of texts.

What an import may take, a worker reads; here a person waits and other requests share the process. So the file is small,
what it unpacks to is counted by unpacking it, and neither a far corner of a sheet nor a long text that every cell
repeats can make it large in memory. Formulas are never worked out: of each the result that the spreadsheet kept counts,
and a workbook that lacks one is refused, since the cell would be empty to whoever reads it here.
"""

import re
import tempfile
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from comity.book.formats.delimited import all_records, scan_file
from comity.book.formats.sheet import UnusableSourceError
from comity.book.formats.workbook import read_sheet_tops
from comity.book.formats.workbook_parts import scan_workbook
from comity.book.plurals import plural

MAX_BYTES = 512 * 1024
_MOST_ROWS = 5_000
_MOST_UNPACKED = 16 * 2**20
_MOST_CELLS = 500_000
_MOST_TEXT = 64 * 2**20  # what all cells hold together, were each as long as the longest of the texts that they share
_BLOCK = 2**20
_ZIP, _OLE, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b"
_BOOK = "xl/workbook.xml"
_SHARED = re.compile(rb"""=\s*["']s["']""")
_ITEM = re.compile(rb"<(?:\w+:)?si[\s>]")


@dataclass(frozen=True, slots=True)
class TextSheet:
    """The rows of a sheet that hold anything.

    :ivar name: of the sheet; empty for a text
    :ivar rows: number of the row as a spreadsheet shows it, and its cells
    :ivar visible: whether a spreadsheet shows the sheet
    """

    name: str
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    visible: bool = True


def read_small_file(content: bytes) -> list[TextSheet]:
    """Return the sheets of an XLSX, or the one of a text with columns.

    :raises UnusableSourceError: for another kind of file, one that is too large, and one that cannot be read whole
    """
    if len(content) > MAX_BYTES:
        raise UnusableSourceError(f"is larger than {MAX_BYTES // 1024} KB; keep the list alone in it")
    if content.startswith((_OLE, _GZIP)):
        raise UnusableSourceError("is neither XLSX nor CSV; save it as one of them")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list"
        path.write_bytes(content)
        try:
            sheets = _workbook(path) if content.startswith(_ZIP) else _text(path)
        except UnusableSourceError as error:
            raise UnusableSourceError(error.message, line=error.line, place=error.place) from None
    if not any(sheet.rows for sheet in sheets):
        raise UnusableSourceError("holds no row")
    return sheets


def _text(path: Path) -> list[TextSheet]:
    records = all_records(path, scan_file(path))
    _refuse_long(len(records))
    return [TextSheet("", tuple((number, tuple(record)) for number, record in records))]


def _workbook(path: Path) -> list[TextSheet]:
    _refuse_bomb(path)
    parts = scan_workbook(path, _MOST_CELLS)
    if parts.unworked:
        what = plural(parts.unworked, "formula", "formulas")
        msg = f"holds {what} without a result; open it in a spreadsheet and save it again"
        raise UnusableSourceError(msg)
    tops = read_sheet_tops(path, _MOST_ROWS + 1, "all", parts)
    for top in tops:
        _refuse_long(max(top.skips, default=0) + 1)
    return [
        TextSheet(top.name, tuple((skip + 1, row) for skip, row in zip(top.skips, top.rows, strict=True)), top.visible)
        for top in tops
    ]


def _refuse_long(rows: int) -> None:
    if rows > _MOST_ROWS:
        raise UnusableSourceError(f"reaches beyond {_MOST_ROWS:,} rows; keep the list alone in it")


def _refuse_bomb(path: Path) -> None:
    """Refuse what would unpack to more than a list does; its parts are unpacked to count."""
    unpacked, repeats, longest = 0, 0, 0
    try:
        with zipfile.ZipFile(path) as archive:
            if _BOOK not in archive.namelist():
                raise UnusableSourceError("is neither XLSX nor CSV; save it as one of them")
            for part in archive.infolist():
                held = bytearray()
                with archive.open(part) as stream:
                    while block := stream.read(_BLOCK):
                        held += block
                        unpacked += len(block)
                        if unpacked > _MOST_UNPACKED:
                            msg = f"unpacks to more than {_MOST_UNPACKED // 2**20} MB; keep the list alone in it"
                            raise UnusableSourceError(msg)
                repeats += len(_SHARED.findall(held))
                if part.filename.lower().endswith("sharedstrings.xml"):
                    longest = max(longest, *(len(item) for item in _ITEM.split(bytes(held))))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError) as error:
        raise UnusableSourceError(f"is damaged ({str(error)[:100]}); save it again") from None
    except (RuntimeError, NotImplementedError):
        raise UnusableSourceError("is locked or packed in a way that cannot be read; save it again without") from None
    if longest * repeats > _MOST_TEXT:
        raise UnusableSourceError("repeats long texts in many cells; keep the list alone in it")
