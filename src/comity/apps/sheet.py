"""A table as a file that spreadsheets and programs read, in which no cell is taken for a formula."""

import io
from collections.abc import Iterable, Sequence

from django.http import HttpResponse

from comity.review.i18n.words import clean
from comity.review.render.cells import csv_text, is_risky

_LONGEST_CELL = 32_767  # characters that a cell of a workbook holds


def csv_file(name: str, head: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> HttpResponse:
    """The table as an answer to be kept as a file."""
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
                risky = is_risky(text)
                sheet.write_string(number, place, text, quoted if risky else bold if number == 0 else None)
        sheet.freeze_panes(1, 0)
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return HttpResponse(out.getvalue(), content_type=kind, headers=headers)
