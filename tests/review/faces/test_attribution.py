"""The page and the workbook of a service level shared out: self-contained, and recomputable."""

import base64
import hashlib
import io
import re

import openpyxl
import pytest
from python_calamine import CalamineWorkbook

from comity.core.economics.attribution import PARTS
from comity.review.faces import attribution as faces
from comity.review.faces.words import words_of
from tests.review.test_attributing import KPI, fortnight, made


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return made(tmp_path_factory.mktemp("shared"), **fortnight(staffed=30))


def page(one, language="en"):
    return faces.render(one, "html", words_of(language)).decode()


def sheets(one, language="en"):
    return CalamineWorkbook.from_filelike(io.BytesIO(faces.render(one, "xlsx", words_of(language))))


def test_the_page_is_whole_and_runs_nothing(shared):
    text = page(shared)
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|\sstyle=|<img|<link", text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_says_what_the_terminal_says(shared, language):
    text = re.sub(r"<[^>]+>", " ", page(shared, language))
    terminal = faces.terminal(shared, words_of(language), color=False, width=200).decode()
    figures = re.findall(r"[+\u2212]\d+[.,]\d", terminal)
    assert figures
    assert [figure for figure in figures if figure not in text] == []
    assert "{" not in re.sub(r"(?s)<style>.*?</style>", "", page(shared, language))


def test_the_map_names_where_most_was_lost(shared):
    """One half hour a day: 10:00 in UTC is what the book's clock says; every day lost the same."""
    text = page(shared)
    assert len(re.findall(r'class="lost5"', text)) == 14
    label = re.search(r'aria-label="(Map of days[^"]+)"', text)[1]
    assert "1\u00a0June" in label
    assert re.search(r"1\d:00\u20131\d:30", label)


def test_what_was_gained_is_outlined_and_a_long_period_is_shown_by_day_of_the_week(tmp_path):
    gained = made(tmp_path, KPI.replace("0.08", "0.2"), **fortnight(staffed=40, offered=240, good=230))
    assert 'class="gained"' in page(gained)
    year = made(tmp_path / "year", period="2026", **fortnight(staffed=30))
    assert len(re.findall(r'class="lost\d"', page(year))) == 7
    assert re.search(r"\u2212[0-9.]*[1-9][^<]*pts</td>", page(year))


def test_what_lacks_is_asked_for_on_a_page_too(tmp_path):
    tables = fortnight()
    del tables["schedules"]
    one = made(tmp_path, **tables)
    assert "cannot be shared out yet" in page(one)
    assert "schedules" in page(one)
    assert sheets(one).sheet_names == ["Missing"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_analyst_can_follow_each_part_to_the_levels(shared, language):
    """The formulas are worked out here by hand, as far as they are sums, products and references."""
    made_bytes = faces.render(shared, "xlsx", words_of(language))
    book = openpyxl.load_workbook(io.BytesIO(made_bytes))
    parts, levels, days = (book.worksheets[at] for at in range(3))
    values = {part.id: part.value for part in shared.shared.parts}
    for row, part in enumerate(PARTS, 3):
        assert worked_out(parts.cell(row, 2).value, book) == pytest.approx(values[part], abs=1e-12), part
    assert worked_out(parts.cell(9, 2).value, book) == pytest.approx(shared.shared.unexplained, abs=1e-12)
    assert worked_out(parts.cell(11, 2).value, book) == pytest.approx(0, abs=1e-12)
    assert levels.max_row == 17
    assert days.max_row == 15


def worked_out(formula, book, sheet=0):
    """The value of a cell's formula of references, sums, products and quotients."""
    if not isinstance(formula, str) or not formula.startswith("="):
        return formula or 0.0
    text = formula[1:]

    def value(name, cell):
        place = book[name] if name else book.worksheets[sheet]
        return worked_out(place[cell].value, book, book.worksheets.index(place))

    def summed(found):
        place = book[found[1]] if found[1] else book.worksheets[sheet]
        cells = (cell for row in place[f"{found[2]}:{found[3]}"] for cell in row)
        return repr(float(sum(worked_out(cell.value, book, book.worksheets.index(place)) for cell in cells)))

    text = re.sub(r"SUM\((?:'([^']+)'!)?([A-Z]+\d+):([A-Z]+\d+)\)", summed, text)
    text = re.sub(r"(?:'([^']+)'!)?\b([A-Z]\d+)\b", lambda found: f"({float(value(found[1], found[2]))!r})", text)
    assert re.fullmatch(r"[\d.e()+*/ -]+", text), text
    return eval(text)


def test_the_stored_values_are_the_formulas_values(shared):
    rows = sheets(shared).get_sheet_by_index(0).to_python()
    stored = {row[0]: row[1] for row in rows[1:]}
    assert stored["As observed"] == pytest.approx(shared.shared.observed)
    assert stored["Handle time"] == pytest.approx(next(p.value for p in shared.shared.parts if p.id == "handling"))
