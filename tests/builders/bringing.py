"""A small file as a tool writes it, brought into a book by the mapping that ships, and what the book then holds."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import xlsxwriter

from comity.book.importing.deliver import ImportRequest, Outcome, import_source
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.parse import read_mapping
from comity.book.mappings.recognise import matching_mappings
from comity.book.reading.open import open_book
from comity.book.tables import TABLES
from tests.cast import JOINT, write_book


def bring(book: Path, named: str | Path, name: str, content: str | bytes | list, **options: object) -> Outcome:
    """A file of this content into the book; a list is written as JSON, one record a line where the name says so."""
    if isinstance(content, list):
        lines = [json.dumps(one) for one in content]
        content = "\n".join(lines) if name.endswith(".jsonl") else f"[{','.join(lines)}]"
    source = book.parent / name
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    return import_source(
        book, source, read_mapping(named), ImportRequest("Ana", datetime(2026, 6, 1, tzinfo=UTC), **options)
    )


def rows(book: Path, table: str = "contacts") -> list[dict]:
    """The rows of a table, in the order of their first columns."""
    with open_book(book, JOINT) as opened:
        found = opened.table(table).to_pyarrow().to_pylist() if table in opened.holdings else []
    return sorted(found, key=lambda row: str([row[name] for name in list(row)[:3]]))


def column(book: Path, name: str, table: str = "contacts") -> list:
    """One column of these rows."""
    return [row[name] for row in rows(book, table)]


def faults(outcome: Outcome) -> list[str]:
    """The rejects, as sentences."""
    return [str(reject) for reject in outcome.rejects]


def csv(*lines: str, end: str = "\n") -> str:
    """The lines of a text file."""
    return end.join(lines) + end


def at(*parts: int) -> datetime:
    """An instant as a book gives it back: UTC, without saying so."""
    return datetime(*parts)  # noqa: DTZ001 - as above


def workbook(path: Path, sheets: dict[str, Sequence[Sequence[object]]]) -> bytes:
    """A workbook of these cells."""
    with xlsxwriter.Workbook(path, {"default_date_format": "dd/mm/yyyy hh:mm", "remove_timezone": True}) as made:
        for name, lines in sheets.items():
            sheet = made.add_worksheet(name)
            for number, line in enumerate(lines):
                sheet.write_row(number, 0, line)
    return path.read_bytes()


def assert_known(folder: Path, name: str, file: str, content: str | bytes) -> None:
    """The file is recognised as in this format, and the mapping that is written out for it reads it alike."""
    folder.mkdir(exist_ok=True)
    source = folder / file
    source.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert [fit.mapping for fit in matching_mappings(source)][:1] == [name]
    drafted = folder / "drafted.toml"
    drafted.write_text(draft_mapping(source), encoding="utf-8")
    assert f"this is {name} (" in drafted.read_text(encoding="utf-8").splitlines()[0]
    held = []
    for place, named in enumerate((name, drafted)):
        book = write_book(folder / f"known-{place}" / "book")
        bring(book, named, file, content)
        held.append([_told(rows(book, table)) for table in TABLES])
    assert held[0] == held[1]
    assert any(held[0])


def _told(found: list[dict]) -> list[dict]:
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in found]
