"""The review as a workbook: read back by another library, recomputed by hand."""

import io
import math
import re
import zipfile
from datetime import date, datetime

import pytest

from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings
from comity.review.render import render
from tests.builders import review as sample

SHEETS = ("review", "levels", "variants", "readings", "parts", "counts", "history", "paid", "missing", "sources")
REVIEWS = {"rich": sample.review, "worded": sample.worded, "renamed": sample.renamed, "bare": sample.bare}


def opened(make=sample.review, language="en", *, values=False):
    import openpyxl

    return openpyxl.load_workbook(io.BytesIO(render(make(), "xlsx", language)), data_only=values)


class Calculator:
    """Recomputes the few kinds of formula that the workbook holds, from the cells that they name."""

    def __init__(self, workbook):
        self.workbook = workbook

    def value(self, sheet, address):
        cell = self.workbook[sheet][address.replace("$", "")]
        return self.formula(sheet, cell.value) if isinstance(cell.value, str) and cell.data_type == "f" else cell.value

    def formula(self, sheet, text):
        sums = re.fullmatch(r"=SUMIFS\('(.+)'!\$F:\$F,'.+'!\$A:\$A,(\w+)\)", text)
        if sums:
            number = self.value(sheet, sums[2])
            rows = self.workbook[sums[1]].iter_rows(min_row=2, values_only=True)
            return math.fsum(row[5] for row in rows if row[0] == number)
        total = re.fullmatch(r"=SUM\(([A-Z]+)(\d+):\1(\d+)\)", text)
        if total:
            return math.fsum(self.value(sheet, f"{total[1]}{row}") for row in range(int(total[2]), int(total[3]) + 1))
        python = re.sub(r"\$?\b([A-Z]+\$?\d+)\b", lambda found: f"cell({found[1]!r})", text[1:])
        names = {"MAX": max, "MIN": min, "ABS": abs, "cell": lambda address: self.value(sheet, address)}
        return eval(python, {"__builtins__": {}}, names)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("name", sorted(REVIEWS))
def test_every_formula_comes_to_the_value_that_is_stored_beside_it(name, language):
    formulas, values = opened(REVIEWS[name], language), opened(REVIEWS[name], language, values=True)
    calculator = Calculator(formulas)
    found = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                found += 1
                stored = values[sheet.title][cell.coordinate].value
                computed = calculator.formula(sheet.title, cell.value)
                assert computed == pytest.approx(stored, rel=1e-9, abs=1e-9), (sheet.title, cell.coordinate, cell.value)
    assert found > 0 or name == "bare"


def test_the_sheets_and_heads_are_in_the_readers_language():
    for language in ("en", "es"):
        words = words_of(language)
        assert opened(language=language).sheetnames == [words(f"sheet.{key}") for key in SHEETS]
    assert opened(language="es")["Niveles"]["E1"].value == "Valor"


def test_a_level_is_its_numerator_over_its_denominator():
    sheet = opened()["Levels"]
    assert [cell.value for cell in sheet[2]][4:7] == ["=F2/G2", 41230, 54312]
    assert opened(values=True)["Levels"]["E2"].value == 41230 / 54312


def test_a_figure_that_is_no_ratio_stands_as_it_is():
    assert opened()["Levels"]["E4"].value == 0.743


def test_the_parts_of_a_reading_add_up_to_its_change():
    sheet = opened(values=True)["Readings"]
    checks = [row[21] for row in sheet.iter_rows(min_row=2, values_only=True) if row[21] is not None]
    assert len(checks) == 8
    assert checks == pytest.approx([0.0] * 8, abs=1e-9)


def test_no_sheet_speaks_in_names_of_the_code():
    for language in ("en", "es"):
        words = words_of(language)
        book = opened(language=language, values=True)
        rows = list(book[words("sheet.counts")].iter_rows(min_row=2, values_only=True))
        assert rows
        assert not {row[4] for row in rows} & {"touch", "panel", *(verdict.value for verdict in Verdict)}
        names, *readings = book[words("sheet.readings")].iter_rows(values_only=True)
        verdict, firm = names.index(words("sheet.verdict")), names.index(words("sheet.firm"))
        unclear = words("verdict.unclear")
        assert all((row[firm] is None) == (row[verdict] == unclear) for row in readings)


def test_history_parts_variants_and_sources_are_all_there():
    book = opened(values=True)
    assert book["History"].max_row == 1 + 9 + 8 + 4
    assert book["Variants"].max_row == 1 + 6
    assert book["Parts"].max_row == 1 + sum(len(reading.parts) for reading in sample.readings())
    assert book["Sources"]["B2"].value == "calls_2026-04.csv.gz"
    assert book["Sources"]["C2"].value == datetime.fromisoformat("2026-07-03T06:12")


@pytest.mark.parametrize("name", sorted(REVIEWS))
def test_a_text_from_records_is_a_string_and_never_a_formula_or_a_link(name):
    ours = re.compile(r"=(SUMIFS\(|SUM\(|MAX\(|MIN\(|ABS\()?'?[A-Z]")
    hostile = 0
    for sheet in opened(REVIEWS[name]):
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.hyperlink is None
                if cell.data_type == "f":
                    assert ours.match(cell.value)
                    assert "HYPERLINK" not in cell.value
                elif isinstance(cell.value, str) and cell.value.startswith(("=", "+", "-", "@")):
                    hostile += 1
                    assert cell.quotePrefix
                    assert cell.data_type == "s"
    assert hostile or name == "bare"


def test_nothing_in_it_refers_to_elsewhere_or_runs():
    with zipfile.ZipFile(io.BytesIO(render(sample.review(), "xlsx"))) as archive:
        assert not [name for name in archive.namelist() if "vba" in name.lower() or "external" in name.lower()]


def test_no_control_or_backward_character_gets_in():
    for sheet in opened():
        for row in sheet.iter_rows(values_only=True):
            for value in row:
                assert not isinstance(value, str) or not {"\x1b", "\x07", "\u202e"} & set(value)


def test_the_same_review_gives_the_same_bytes():
    assert render(sample.review(), "xlsx") == render(sample.review(), "xlsx")


def test_no_cell_holds_a_space_that_nobody_types():
    """A no-break space in a period's name made every look-up in Excel miss it."""
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(render(sample.review(), "xlsx")))
    texts = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert any(" 2026" in text for text in texts)
    assert [text for text in texts if "\u00a0" in text or "\u202f" in text] == []


def test_the_workbook_says_that_it_is_final_by_whom_and_what_is_disputed():
    import openpyxl

    level = sample.review().levels[0]
    done = Proceedings(
        (Confirmation(Side.CUSTOMER, "Marta Ruiz", date(2026, 7, 10)),),
        final_on=date(2026, 7, 14),
        entry=(2, "ab" * 32),
        matters=(AskedMatter("dispute", "Not so", Side.PROVIDER, "asked", kpi=level.kpi, disputes=True, value=0.8123),),
    )
    words = words_of("en")
    book = openpyxl.load_workbook(io.BytesIO(render(sample.review(), "xlsx", proceedings=done)))
    said = dict(book.worksheets[0].iter_rows(min_row=2, max_col=2, values_only=True))
    plain = {name: str(text).replace("\u00a0", " ") for name, text in said.items()}
    assert plain["Status"] == "Final since 14 July 2026."
    assert "confirmed by Marta Ruiz on 10 July 2026." in plain.values()
    assert plain["Entry of the record"].startswith("Entry 2 of the record")
    (disputed,) = [text for name, text in plain.items() if str(name).startswith("Disputed figures: ")]
    assert "Helpline" in disputed
    assert words.figure(0.8123, level.unit).replace("\u00a0", " ") in disputed
