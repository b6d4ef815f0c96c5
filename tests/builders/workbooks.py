"""Workbooks as people upload them."""

import io
from collections.abc import Mapping, Sequence


def workbook(*sheets: Sequence[Sequence[object]], **named: Sequence[Sequence[object]]) -> bytes:
    """An XLSX; each sheet a list of rows: `Sheet1` and so on, then those with a name."""
    import openpyxl

    book = openpyxl.Workbook()
    book.remove(book.active)
    every: Mapping[str, Sequence[Sequence[object]]] = {
        **{f"Sheet{number}": rows for number, rows in enumerate(sheets, 1)},
        **named,
    }
    for name, rows in every.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def cells(content: bytes) -> list[list[object]]:
    """The cells of the first sheet, row by row; an empty one is None."""
    import openpyxl

    sheet = openpyxl.load_workbook(io.BytesIO(content)).worksheets[0]
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


def edited(content: bytes, **written: object) -> bytes:
    """The same workbook with cells of its first sheet, such as `C4`, written anew."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(content))
    for place, value in written.items():
        book.worksheets[0][place] = value
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()
