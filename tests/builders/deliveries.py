"""Deliveries of a few rows into a book, what became of them, and what lies in the book's files afterwards."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq

from comity.book.importing.deliver import ImportRequest, import_source
from comity.book.mappings.model import identity_mapping
from comity.book.reading.open import open_book
from tests.cast import JOINT

HEADER = "contact_id,opened_at,queue,agent_id,team,reason"


def at(day: int) -> datetime:
    return datetime(2026, 6, day, 9, 0, tzinfo=UTC)


def line(number: int, team: str = "open", reason: str = "r") -> str:
    return f"c{number},2026-01-{1 + number % 31:02d}T10:00:00Z,q,agent{number % 3},{team},{reason}"


def deliver(book: Path, name: str, lines, *, table: str = "contacts", header: str = HEADER, day: int = 1, **options):
    file = book.parent / name
    file.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return import_source(book, file, identity_mapping(table), ImportRequest("Ana", at(day), **options))


def counts(outcome) -> tuple[int, ...]:
    one = outcome.delivery
    assert one.rows_in == one.new + one.unchanged + one.updated + one.collapsed + one.rejected
    return (one.new, one.unchanged, one.updated, one.withdrawn, one.rejected)


def rows(book: Path, table: str = "contacts", viewer=JOINT) -> list[dict]:
    with open_book(book, viewer) as opened:
        found = opened.table(table).to_pyarrow().to_pylist() if table in opened.holdings else []
    return sorted(found, key=str)


def ids(book: Path, viewer=JOINT) -> list[str]:
    return sorted(row["contact_id"] for row in rows(book, viewer=viewer))


def files_with(folder: Path, text: str) -> list[Path]:
    found = []
    for file in folder.rglob("*"):
        if file.is_file():
            content = str(pq.read_table(file).to_pylist()) if file.suffix == ".parquet" else file.read_text("utf-8")
            if text in content:
                found.append(file.relative_to(folder))
    return found
