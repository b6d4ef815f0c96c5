"""A table as a file that spreadsheets and programs read, in which no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")  # with what a formula begins


def in_a_cell(cell: object) -> object:
    """What stands in a cell of a CSV file: text that would be taken for a formula has a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV. Text that a spreadsheet would take for a formula has a quote before it; numbers stand as they are."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    for row in rows:
        writer.writerow(map(in_a_cell, row))
    return out.getvalue()


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """The same as an answer to be kept as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(csv_text(head, rows), content_type="text/csv; charset=utf-8", headers=headers)
