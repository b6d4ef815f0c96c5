"""Tables as CSV in which no spreadsheet takes a cell for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TextIO

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")  # with what a formula begins


def is_risky(text: str) -> bool:
    """Whether a spreadsheet would take a text for a formula."""
    return text.startswith(_RISKY)


def in_a_cell(cell: object) -> object:
    """What stands in a cell of a CSV file: text that would be taken for a formula has a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and is_risky(cell) else cell


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """CSV. Text that a spreadsheet would take for a formula has a quote before it; numbers stand as they are."""
    out = io.StringIO()
    write_csv(out, head, rows, delimiter)
    return out.getvalue()


def write_csv(out: TextIO, head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> None:
    """Write the same row by row."""
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(map(in_a_cell, head))
    for row in rows:
        writer.writerow(map(in_a_cell, row))
