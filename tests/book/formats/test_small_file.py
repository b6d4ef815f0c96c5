"""A small upload that is read within a request: whole, or refused before it takes memory."""

import io
import zipfile

import pytest

from comity.book.formats.sheet import UnusableSourceError
from comity.book.formats.small_file import MAX_BYTES, read_small_file
from tests.builders.workbooks import workbook


def repacked(content, **parts):
    """The same archive with parts put in place of its own, by the end of their names."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            own = next((part for end, part in parts.items() if name.endswith(f"{end}.xml")), None)
            new.writestr(name, old.read(name) if own is None else own)
        for end, part in parts.items():
            if not any(name.endswith(f"{end}.xml") for name in old.namelist()):
                new.writestr(f"xl/{end}.xml", part)
    return out.getvalue()


def refused(content):
    with pytest.raises(UnusableSourceError) as error:
        read_small_file(content)
    return str(error.value)


def test_rows_of_a_workbook_have_the_numbers_that_a_spreadsheet_shows():
    sheets = read_small_file(workbook([["", ""], ["Name", "Target"], [], ["A", 0.8]], all=[["x"]]))
    assert [(sheet.name, sheet.rows) for sheet in sheets] == [
        ("Sheet1", ((2, ("Name", "Target")), (4, ("A", "0.8")))),
        ("all", ((1, ("x",)),)),
    ]


def test_rows_of_a_text():
    (sheet,) = read_small_file("sep=;\nNombre;Objetivo\n\nAtención;0,8\n".encode("cp1252"))
    assert sheet.rows == ((2, ("Nombre", "Objetivo")), (4, ("Atención", "0,8")))
    (sheet,) = read_small_file(b'Name,Why\nA,"two\nlines"\nB,=1+1\n')
    assert sheet.rows[1:] == ((2, ("A", "two\nlines")), (3, ("B", "=1+1")))


def test_an_error_of_a_cell_is_told_in_its_place():
    import openpyxl

    book = openpyxl.Workbook()
    book.active["B2"], book.active["C2"] = "Name", "Target"
    book.active["B3"] = "A"
    book.active["C3"] = "#REF!"
    book.active["C3"].data_type = "e"
    out = io.BytesIO()
    book.save(out)
    assert read_small_file(out.getvalue())[0].rows[-1][1][-2:] == ("A", "#REF!")


def test_formulas_count_by_the_result_that_is_kept_or_not_at_all():
    assert "1 formula without a result" in refused(workbook([["Name", "Target"], ["A", "=1-0.2"]]))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n\n", "row"),
        (b"x" * (MAX_BYTES + 1), "512 KB"),
        (b"\x1f\x8b\x08" + bytes(100), "neither XLSX nor CSV"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "neither XLSX nor CSV"),
        (b"PK\x03\x04 and no more", "damaged"),
        (b'Name\n"A', "quotation mark"),
        (b"Name\n\x00\x01\x02", "zero bytes"),
    ],
)
def test_another_file_is_refused_with_the_next_step(content, said):
    assert said in refused(content)


def test_an_archive_that_is_no_workbook_is_refused():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("notes.txt", "x")
    assert "neither XLSX nor CSV" in refused(out.getvalue())


def test_what_unpacks_to_too_much_is_refused_whatever_it_says_of_itself():
    bomb = repacked(workbook([["Name"]]), media=b"0" * (17 * 2**20))
    assert len(bomb) < MAX_BYTES
    assert "16 MB" in refused(bomb)
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        size = archive.getinfo("xl/media.xml").file_size
    lying = bomb.replace(size.to_bytes(4, "little"), (10).to_bytes(4, "little"))
    assert "damaged" in refused(lying)


def test_far_corners_are_refused():
    import openpyxl

    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "Name", "far"
    out = io.BytesIO()
    book.save(out)
    assert "too many" in refused(out.getvalue())


def test_many_rows_are_refused():
    assert "5,000 rows" in refused(workbook([["a"]] * 5_001))
    assert "5,000 rows" in refused(b"a\n" * 5_001)


def test_a_long_text_that_every_cell_repeats_is_refused():
    rows = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{letter}{row}" t="s"><v>0</v></c>' for letter in "ABCDEF") + "</row>"
        for row in range(1, 4000)
    )
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    sheet = f"<worksheet {main}><sheetData>{rows}</sheetData></worksheet>"
    strings = f"<sst {main}><si><t>{'x' * 2**20}</t></si></sst>"
    assert "repeats long texts" in refused(repacked(workbook([["Name"]]), sheet1=sheet, sharedStrings=strings))
