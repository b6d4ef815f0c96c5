"""The page and the workbook of a service level shared out: self-contained, and recomputable."""

import base64
import hashlib
import io
import re

import pytest
from python_calamine import CalamineWorkbook

from comity.core.economics.attribution import PARTS
from comity.review.attribution import what_if_level
from comity.review.i18n.words import words_of
from comity.review.render.attribution import render
from comity.review.views import attribution as attribution_view
from tests.builders.attribution import KPI, build_attribution, fortnight

pytestmark = pytest.mark.gate


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    return build_attribution(tmp_path_factory.mktemp("shared"), **fortnight(staffed=30))


def page(one, language="en"):
    return render(one, "html", words_of(language)).decode()


def sheets(one, language="en"):
    return CalamineWorkbook.from_filelike(io.BytesIO(render(one, "xlsx", words_of(language))))


def test_the_page_is_whole_and_runs_nothing(shared):
    text = page(shared)
    assert not re.search(r"<script|https?://(?!www\.w3\.org)|\sstyle=|<img|<link", text)
    style = re.search(r"<style>(.*?)</style>", text, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"sha256-{digest}" in text


@pytest.mark.parametrize("language", ["en", "es"])
def test_the_page_says_what_the_terminal_says(shared, language):
    text = re.sub(r"<[^>]+>", " ", page(shared, language))
    terminal = render(shared, "terminal", words_of(language), width=200).decode()
    figures = re.findall(r"[+\u2212]\d+[.,]\d", terminal)
    assert figures
    assert [figure for figure in figures if figure not in text] == []
    assert "{" not in re.sub(r"(?s)<style>.*?</style>", "", page(shared, language))


def text_of(html):
    return " ".join(re.sub(r"<[^>]+>", " ", html).replace("\u00a0", " ").split())


def all_down(tmp_path, good=75):
    """A plan that promised a little less than agreed (31 required), and all that happened took from it."""
    tables = fortnight(staffed=29, good=good)
    tables["schedules"] = tables["schedules"].replace("30,32,32", "30,31,30")
    return build_attribution(tmp_path, **tables)


def test_the_headline_is_a_sentence_whose_figures_add_up(shared):
    """111 of 290 is 38.28 %: 41.72 points below the 80 agreed."""
    words = words_of("en")
    told = attribution_view.summary_sentence(shared, shared.shared, words).replace("\u00a0", " ")
    assert told == (
        "In June 2026, 38.28 % of contacts were answered within 20 seconds; 80 % was agreed. "
        "Causes of the 41.72 missing points:"
    )
    assert told in text_of(page(shared))
    assert "En junio de 2026 se atendió el 38,28 %" in text_of(page(shared, "es"))


def test_the_sums_by_side_add_up_as_shown_and_are_the_rows(tmp_path):
    one = all_down(tmp_path)
    told = attribution_view.attribution_rows(one, one.shared, words_of("en"))
    shown = [float(row.points.replace("\u2212", "-")) for row in told.parts]
    assert sum(shown) == pytest.approx(told.off)
    assert float(told.target) + sum(shown) == pytest.approx(float(told.observed))
    by_side = {}
    for row, points in zip(told.parts, shown, strict=True):
        by_side[row.answers] = by_side.get(row.answers, 0.0) + points
    assert {each.answers: each.value for each in told.sums} == pytest.approx(by_side)
    assert told.gains == ()
    assert [each.answers for each in told.sums] == ["customer", "both", "provider", None]


def test_one_bar_is_shared_only_where_what_was_lost_makes_the_miss_alone(tmp_path, shared):
    down = all_down(tmp_path)
    assert attribution_view.attribution_rows(down, down.shared, words_of("en")).is_whole
    text = page(down)
    strip = re.search(r'<div class="shared wide".*?</svg></div>', text, re.DOTALL)[0]
    widths = [float(width) for width in re.findall(r'<rect [^>]*width="([\d.]+)%"', strip)]
    assert sum(widths) == pytest.approx(100 - 0.25 * len(widths), abs=0.05)
    assert "Check: 15.03 + 12.35 + 26.21 + 0.55 = 54.14, as shown." in text_of(text)
    # The plan of the worked example gave 3.83 points more than agreed (.83827184): no whole to be divided.
    assert not attribution_view.attribution_rows(shared, shared.shared, words_of("en")).is_whole
    both_ways = page(shared)
    assert "ch strip" not in both_ways
    rows = re.search(r'<table class="waterfall cards sum-rows".*?</table>', both_ways, re.DOTALL)[0]
    assert len(re.findall(r"<tr role=\"row\"><th role=\"rowheader\"", rows)) == 4
    assert "not offset against any side: Spare capacity in the plan +3.83" in text_of(both_ways)


def test_what_one_cause_gained_is_not_netted_with_what_another_cost(tmp_path):
    """Handling quicker than planned makes up for none of the absence, though both sides answer for handling."""
    tables = fortnight(offered=250, staffed=28)
    tables["intervals"] = tables["intervals"].replace(str(250 * 225), str(250 * 190))
    one = build_attribution(tmp_path, **tables)
    told = attribution_view.attribution_rows(one, one.shared, words_of("en"))
    by_name = {row.name: row for row in told.parts}
    assert by_name["Handle time"].value > 0
    assert by_name["Handle time"] in told.gains
    sums = {each.answers: each.value for each in told.sums}
    assert sums["both"] == 0
    assert sums["provider"] == pytest.approx(by_name["On the phones"].value + min(by_name["Rostering"].value, 0))
    assert round(sum(sums.values()) + sum(row.value for row in told.gains), 2) == told.off


def test_each_row_says_what_was_planned_and_what_happened(shared):
    """250 forecast and 290 came each of 14 days; 210 and 225 s; 32 rostered and 30 there, half an hour a day."""
    text = text_of(page(shared))
    assert "4,060 contacts against 3,500 forecast; the part over ±8 %" in text
    assert "3 min 45 s a contact instead of 3 min 30 s" in text
    assert "224 hours scheduled of 224 required" in text
    assert "210 hours present of 224 scheduled" in text
    assert "The agreed staffing promised 83.83 %" in text
    assert "1,554 of 4,060 contacts that count" in text


@pytest.mark.parametrize(
    ("took", "planned", "told"),
    [(225.0, 210.0, ("3 min 45 s", "3 min 30 s")), (261.2, 260.9, ("261.2 s", "260.9 s")), (261.24, 261.21, None)],
)
def test_two_handle_times_are_told_apart(took, planned, told):
    texts = attribution_view._handle_times(took, planned, words_of("en"))
    shown = tuple(texts[name].replace("\u00a0", " ") for name in ("took", "planned"))
    assert shown == (told or ("261.24 s", "261.21 s"))


def test_the_map_has_days_across_and_says_how_many_half_hours_were_missed(shared):
    """One half hour a day, 10:00 in UTC, 12:00 by the book's clock; 38 % is under 50 % on each of fourteen days."""
    text = page(shared)
    path = re.search(r'<path class="shade-4" d="([^"]+)"', text)[1]
    assert path.count("M") == 14
    assert 'viewBox="0 0 14 1"' in text
    label = re.search(r'aria-label="(Service level by day[^"]+)"', text)[1]
    assert label == "Service level by day and half hour. Of 14 half hours 14 were below the target."
    table = re.search(r'<div class="scroll tall".*?</table>', text, re.DOTALL)[0]
    assert table.count("<tr>") == 15
    assert re.search(
        r"<th scope=\"row\" class=\"number\">1\u00a0June</th>\s*<td class=\"right number\">38.3\u00a0%</td>", table
    )
    assert re.search(r"38\u00a0[\u25cf\u25a0]</td>", table)


def test_what_was_met_is_a_hairline_box_and_a_long_period_is_shown_by_day_of_the_week(tmp_path):
    met = page(build_attribution(tmp_path, KPI.replace("0.08", "0.2"), **fortnight(staffed=40, offered=240, good=230)))
    assert re.search(r'<path class="met" d="([^"]+)"', met)[1].count("M") == 14
    assert "extra points:" in met
    year = page(build_attribution(tmp_path / "year", period="2026", **fortnight(staffed=30)))
    assert 'viewBox="0 0 7 1"' in year
    assert re.search(r"\u2212[0-9.]*[1-9][^<]*pts</td>", year)


def test_a_quarter_is_shown_by_day_of_the_week_and_stays_low(tmp_path):
    tables = fortnight(staffed=30)
    text = page(build_attribution(tmp_path, period="2026-Q2", **tables))
    assert re.search(r'<div class="heat-box" tabindex="0" role="group" aria-labelledby="h-heat">', text)
    heights = [float(high) for high in re.findall(r'<svg class="chart heat" width="100%" height="([\d.]+)"', text)]
    assert max(heights) < 700
    assert re.search(r'viewBox="0 0 7 \d+"', text)
    months = page(build_attribution(tmp_path / "months", period="2026-06", **tables))
    assert re.search(r'viewBox="0 0 14 \d+"', months)


def test_what_would_have_been_is_the_models_own_levels(shared):
    """kpi_reference with 31 there; here 30, so only the plan is its own: .83827184 with all four as planned."""
    text = text_of(page(shared))
    assert "All four as planned 83.8 %" in text
    assert f"Everyone scheduled present {shared.shared.level_if('presence') * 100:.1f} %" in text
    hours = f"{shared.to_keep.hours:,.0f} more hours on the phones"
    assert f"reaching 80 % needed {hours}" in text
    kept = what_if_level(shared, more=shared.intervals.staffed * shared.to_keep.share)
    assert kept == pytest.approx(0.8, abs=1e-5)
    assert shared.to_keep.hours == pytest.approx(shared.to_keep.share * 14 * 30 / 2)  # 30 there, half an hour a day


def test_what_is_not_fit_is_laid_to_nobody(tmp_path):
    one = build_attribution(tmp_path, **fortnight(good=290))
    text = page(one)
    assert "Not usable" in text
    assert not re.search(r'class="(customer|provider|joint|round|square)"', text)
    assert "missing points:" not in text
    assert "All four as planned" not in text


def test_what_lacks_is_asked_for_on_a_page_too(tmp_path):
    tables = fortnight()
    del tables["schedules"]
    one = build_attribution(tmp_path, **tables)
    assert "cannot be calculated yet" in page(one)
    assert "schedules" in page(one)
    assert sheets(one).sheet_names == ["Missing"]


@pytest.mark.parametrize("language", ["en", "es"])
def test_an_analyst_can_follow_each_part_to_the_levels(shared, language):
    """The formulas are worked out here by hand, as far as they are sums, products and references."""

    import openpyxl

    made_bytes = render(shared, "xlsx", words_of(language))
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
