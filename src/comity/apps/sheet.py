"""A table as a file that spreadsheets and programs read, in which no cell is taken for a formula."""

import csv
import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from comity.review.i18n.words import clean

_LONGEST_CELL = 32_767  # characters that a cell of a workbook holds
_RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")  # with what a formula begins


def in_a_cell(cell: object) -> object:
    """What stands in a cell of a CSV file: text that would be taken for a formula has a quote before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RISKY) else cell


def csv_text(head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> str:
    """CSV. Text that a spreadsheet would take for a formula has a quote before it; numbers stand as they are."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(map(in_a_cell, head))
    for row in rows:
        writer.writerow(map(in_a_cell, row))
    return out.getvalue()


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> HttpResponse:
    """The same as an answer to be kept as a file."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(csv_text(head, rows, delimiter), content_type="text/csv; charset=utf-8", headers=headers)


def xlsx_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> HttpResponse:
    """A workbook of one sheet as an answer to be kept as a file; every cell is a text, and none a formula or a link."""
    import xlsxwriter  # noqa: PLC0415 - slow to import, and rarely asked for

    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(out, options) as workbook:
        sheet = workbook.add_worksheet()
        bold, quoted = workbook.add_format({"bold": True}), workbook.add_format({"quote_prefix": True})
        for number, row in enumerate([head, *rows]):
            for place, cell in enumerate(row):
                text = clean(str(cell))[:_LONGEST_CELL]
                risky = text.startswith(_RISKY)
                sheet.write_string(number, place, text, quoted if risky else bold if number == 0 else None)
        sheet.freeze_panes(1, 0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(out.getvalue(), content_type=kind, headers=headers)
