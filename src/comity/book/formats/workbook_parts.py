"""What the reader of workbooks does not tell: how large a sheet would become, its errors, formulas not worked out.

All of it is read from the packed parts themselves, a block at a time. The reader lays
a sheet out as a full rectangle: two cells at opposite corners would be seventeen thousand million.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path, PurePosixPath

from comity.book.formats.sheet import UnusableSourceError

_BLOCK = 4 * 1024 * 1024
_OVERLAP = 4096  # a cell that the end of a block cuts in two is whole in the next
_MOST_CELLS = 16_000_000  # what fits into the memory that an import may take
_MOST_ERRORS = 100_000
_FAR = re.compile(rb"""\sr=["']([A-Za-z]{2,3})\d""")
_LOW = re.compile(rb"""\sr=["'][A-Za-z]{1,3}(\d{6,7})["']""")
_PLACE = re.compile(rb"""\sr=["']([A-Za-z]{1,3})(\d{1,7})["']""")
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\s(?P<said>[^>]{0,200}?\bt=["']e["'][^>]{0,200})>(?P<rest>.{0,2000}?)</(?:\w+:)?c>""", re.DOTALL
)
_VALUE = re.compile(rb"<(?:\w+:)?v>([^<]{1,20})</")
_UNWORKED = re.compile(
    rb"""<(?:\w+:)?c\s(?![^>]{0,200}\bt=["']str["'])[^>]{0,200}>\s*<(?:\w+:)?f[^>]{0,200}>[^<]{0,2000}</(?:\w+:)?f>"""
    rb"""\s*(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
_SHEET = re.compile(rb"<(?:\w+:)?sheet\s[^>]*>")
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\s[^>]*>")
_LETTERS = 26
_COARSE_ROWS = 99_999


@dataclass(slots=True)
class WorkbookScan:
    """What a workbook's parts told: sheet name -> (row, column), from 1 -> the error there; formulas not worked out."""

    errors: dict[str, dict[tuple[int, int], str]] = field(default_factory=dict)
    unworked: int = 0


def scan_workbook(path: Path, most_cells: int = _MOST_CELLS) -> WorkbookScan:
    """Look through the parts of an XLSX; another kind of workbook tells nothing.

    :param most_cells: of the rectangle that holds all cells of a sheet
    :raises UnusableSourceError: for a sheet that would not fit into memory, and for damaged parts
    """
    scan = WorkbookScan()
    if not zipfile.is_zipfile(path):
        return scan  # an older format, or cut off: the reader says which
    try:
        with zipfile.ZipFile(path) as parts:
            for name in (one for one in parts.namelist() if re.fullmatch(r"xl/worksheets/[^/]+\.xml", one)):
                _refuse_large(path, parts, name, most_cells)
                errors = _errors(parts, name)
                if errors:
                    scan.errors[_sheet_name(parts, name)] = errors
                scan.unworked += sum(_ending(block) for block in _blocks(parts, name))
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        msg = f"the workbook is damaged ({error}); save it again as XLSX or CSV"
        raise UnusableSourceError(msg, file=path) from None
    except (NotImplementedError, RuntimeError, OSError, ValueError):
        return scan  # an older format, or locked by a password: the reader says which
    return scan


def _blocks(parts: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """A part block by block, each after the end of the one before (spaces, at first)."""
    with parts.open(name) as stream:
        end = b" " * _OVERLAP
        while block := stream.read(_BLOCK):
            yield end + block
            end = (end + block)[-_OVERLAP:]


def _ending(block: bytes) -> int:
    """How many formulas that were not worked out end in a block, and not already in the one before."""
    return sum(match.end() > _OVERLAP for match in _UNWORKED.finditer(block))


def _refuse_large(path: Path, parts: zipfile.ZipFile, name: str, most_cells: int) -> None:
    columns, rows = _LETTERS, _COARSE_ROWS
    for block in _blocks(parts, name):
        columns = max([columns, *map(_number, set(_FAR.findall(block)))])
        rows = max([rows, *map(int, set(_LOW.findall(block)))])
    if columns * rows > most_cells:  # perhaps only by the coarse count
        columns = rows = 1
        for block in _blocks(parts, name):
            places = set(_PLACE.findall(block))
            columns = max([columns, *(_number(letters) for letters, _ in places)])
            rows = max([rows, *(int(row) for _, row in places)])
    if columns * rows > most_cells:
        msg = (
            f"{PurePosixPath(name).stem} reaches over {rows:,} rows and {columns:,} columns, too many to be "
            "opened as a workbook; save the sheet as CSV"
        )
        raise UnusableSourceError(msg, file=path)


def _errors(parts: zipfile.ZipFile, name: str) -> dict[tuple[int, int], str]:
    errors: dict[tuple[int, int], str] = {}
    for block in _blocks(parts, name):
        if b't="e"' not in block and b"t='e'" not in block:
            continue
        for match in _ERROR.finditer(block):
            place, value = _PLACE.search(b" " + match["said"]), _VALUE.search(match["rest"])
            if place is not None and len(errors) < _MOST_ERRORS:
                text = unescape(value[1].decode("utf-8", "replace")) if value else "#ERROR!"
                errors[int(place[2]), _number(place[1])] = text
    return errors


def sheet_parts(parts: zipfile.ZipFile) -> dict[str, str]:
    """The part in which each sheet of an XLSX lies, by the sheet's name.

    :raises KeyError: for a packed file that is no XLSX
    """
    relations = parts.read("xl/_rels/workbook.xml.rels")
    book = parts.read("xl/workbook.xml")
    targets = {one.get("Id"): one.get("Target", "") for one in map(_attributes, _RELATION.findall(relations))}
    names = [_attributes(tag) for tag in _SHEET.findall(book)]
    return {
        one["name"]: f"xl/worksheets/{PurePosixPath(targets[one['r:id']]).name}"
        for one in names
        if "name" in one and one.get("r:id") in targets
    }


def _sheet_name(parts: zipfile.ZipFile, part: str) -> str:
    """The name of the sheet that a part holds; the part's own where it cannot be told."""
    try:
        named = sheet_parts(parts)
    except KeyError:
        return part
    return next((name for name, own in named.items() if PurePosixPath(own).name == PurePosixPath(part).name), part)


def _attributes(tag: bytes) -> Mapping[str, str]:
    pairs = re.findall(r"""([\w:]+)=["']([^"']*)["']""", tag.decode("utf-8", "replace"))
    return {name: unescape(value) for name, value in pairs}


def _number(letters: bytes) -> int:
    """A column's letters as its number, from 1."""
    number = 0
    for letter in letters.upper():
        number = number * _LETTERS + letter - ord("A") + 1
    return number
