"""Spoiled input through the real command, and what must hold however it ends."""

import gzip
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xlsxwriter
from typer.testing import CliRunner

from comity.cli import app

HEADER = "contact_id,opened_at,queue,handle_s,reason\n"
COUNT = 40
GOOD_BOOK_ROWS = "".join(f"c{i},2026-01-{i % 28 + 1:02d}T10:00:00Z,q,12,r\n" for i in range(COUNT))
GOOD = HEADER + GOOD_BOOK_ROWS
Content = bytes | str | Callable[[Path], object]


def snapshot(book: Path) -> dict[str, bytes]:
    """Every file of a book but the lock, what waits to be put in place, and what is made anew from raw tables."""
    return {
        file.relative_to(book).as_posix(): file.read_bytes()
        for file in book.rglob("*")
        if file.is_file() and not {"lock", "typed"} & set(file.parts) and not file.name.startswith("ready-")
    }


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    output: str
    error: str

    @property
    def told(self) -> dict:
        """What an import told, of the one file."""
        return json.loads(self.output)["imports"][0]

    @property
    def counts(self) -> tuple[int, int]:
        """Rows new, rows set aside."""
        return self.told["delivery"]["new"], self.told["delivery"]["rejected"]

    @property
    def rejects(self) -> list[tuple]:
        """Line, column, value and reason of each."""
        return [(one["line"], one["column"], one["value"], one["reason"]) for one in self.told["rejects"]]


def tried(book: Path, *arguments: object) -> Ended:
    """Run a command: it ends as documented, in a sentence, and with the book as before or whole."""
    before = snapshot(book)
    ended = CliRunner().invoke(app, [str(one) for one in arguments])
    if ended.exception is not None and not isinstance(ended.exception, SystemExit):
        raise ended.exception
    assert ended.exit_code in {0, 1, 2}
    assert "Traceback" not in ended.output
    if ended.exit_code == 2:
        assert snapshot(book) == before
        assert ended.stderr.startswith("comity: ")
        assert ended.stderr.count("\n") == 1
        assert ended.stderr.rstrip("\n").isprintable()
        assert len(ended.stderr) < 2500
    assert not [file for file in book.rglob("*") if file.name.startswith("work-") or file.name == "commit.json"]
    if ended.exit_code < 2:
        assert not list(book.rglob("ready-*"))
    return Ended(ended.exit_code, ended.stdout, ended.stderr)


def brought(book: Path, file: Path, named: object = "contacts", *options: object) -> Ended:
    """Import a file, however much of it is wrong; every row of it must be accounted for."""
    ended = tried(book, "import", file, "--as", named, "--into", book, "--format", "json", "--max-rejects", 1, *options)
    if ended.code < 2:
        one = ended.told["delivery"]
        kept = one["new"] + one["unchanged"] + one["updated"] + one["collapsed"] + one["rejected"] + one["expired"]
        assert one["rows_in"] == kept
        assert (ended.code == 1) == (one["rejected"] > 0)
        for reject in ended.told["rejects"]:
            assert reject["file"].startswith(file.name)
            assert reject["line"] >= 1
            assert reject["reason"]
    return ended


def laid(folder: Path, name: str, content: Content) -> Path:
    """A file with this content."""
    file = folder / name
    if callable(content):
        content(file)
    else:
        file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


def packed(content: str | bytes) -> bytes:
    """The content, gzipped; the same bytes each time."""
    return gzip.compress(content if isinstance(content, bytes) else content.encode(), mtime=0)


def records() -> list[dict[str, str]]:
    """The good rows as records."""
    names = HEADER.strip().split(",")
    return [dict(zip(names, row.split(","), strict=True)) for row in GOOD_BOOK_ROWS.splitlines()]


def sheet(*more: list, change: Callable[[dict[str, bytes]], object] | None = None) -> Callable[[Path], None]:
    """A workbook of the good rows and some more, some of its parts changed."""

    def write(file: Path) -> None:
        with xlsxwriter.Workbook(file, {"strings_to_formulas": False, "strings_to_numbers": False}) as book:
            page = book.add_worksheet("Calls")
            rows = [HEADER.strip().split(","), *(list(one.values()) for one in records()), *more]
            for place, row in enumerate(rows):
                page.write_row(place, 0, row)
        if change is not None:
            repacked(file, change)

    return write


def repacked(file: Path, change: Callable[[dict[str, bytes]], object]) -> None:
    """A workbook with some of its parts changed."""
    with zipfile.ZipFile(file) as parts:
        content = {name: parts.read(name) for name in parts.namelist()}
    change(content)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as parts:
        for name, data in content.items():
            parts.writestr(name, data)
