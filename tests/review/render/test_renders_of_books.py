"""What formats make of figures that a book gave: signs, charts, formulas and words that stand for no others."""

import io
import json
from datetime import UTC, date, datetime

import pytest
from python_calamine import CalamineWorkbook

from comity.book.reading.open import open_book
from comity.core.readings.verdict import Verdict
from comity.review.build import build_review
from comity.review.draw import charts, glyphs
from comity.review.draw.histories import level_chart
from comity.review.i18n.words import words_of
from comity.review.render import render
from comity.review.views.details import detail_rows, path_name
from comity.review.views.level import level_row
from comity.review.views.reading import reading_row
from tests.builders import review as sample
from tests.builders.review_books import CALLS, KPI, calls, two_months
from tests.cast import JOINT, write_book

NOW = datetime(2026, 9, 1, tzinfo=UTC)
OUTAGE = """event_id,kind,from,to,declared_by,declared_at,claim,kpi,state
e1,outage,2026-06-10T00:00:00Z,2026-06-11T00:00:00Z,provider,2026-06-12T00:00:00Z,exclude,service_level,accepted
"""


def composed(book, period="2026-06"):
    with open_book(book, JOINT) as opened:
        return build_review(opened, period=period, now=NOW)


@pytest.fixture(scope="module")
def excluded(tmp_path_factory):
    """On the tenth of June nobody was answered in time, and it was agreed to leave that day out.

    29 days of 9 in 10 are 261 of 290; with the tenth they are 261 of 300. The provider reports 87.0 %: the
    definition's own formula with nothing taken out.
    """
    rows = CALLS + calls(date(2026, 5, 1), 31, 8, 2) + calls(date(2026, 6, 1), 9, 9, 1)
    rows += calls(date(2026, 6, 10), 1, 0, 10) + calls(date(2026, 6, 11), 20, 9, 1)
    reported = "period,kpi,queue,value,reported_by\n2026-06,service_level,,0.870,provider\n"
    folder = tmp_path_factory.mktemp("excluded") / "book"
    return composed(write_book(folder, KPI, contacts=rows, events=OUTAGE, reported=reported))


SAID = {
    "en": ("formula V6 before exclusions", "Helpline, before exclusions"),
    "es": ("fórmula V6 sin exclusiones", "Helpline, sin exclusiones"),
}


@pytest.mark.parametrize("language", ["en", "es"])
def test_a_figure_from_which_nothing_was_taken_out_is_told_as_such_in_every_face(excluded, language):
    (level,) = excluded.levels
    assert (level.num, level.den, level.explains, level.explains_in_full) == (261, 290, {}, {"provider": "V6"})
    formula, user = SAID[language]
    terminal = " ".join(render(excluded, "terminal", language).decode().split())
    assert formula in terminal
    assert user in terminal
    assert formula in render(excluded, "html", language).decode()
    assert json.loads(render(excluded, "json", language))["levels"][0]["explains_in_full"] == {"provider": "V6"}
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(render(excluded, "xlsx", language)))
    variants = sheets.get_sheet_by_index(2).to_python()
    assert user in variants[6]


def test_an_analyst_can_recompute_each_formula(excluded):
    sheets = CalamineWorkbook.from_filelike(io.BytesIO(render(excluded, "xlsx", "en")))
    head, *rows = sheets.get_sheet_by_name("Variants").to_python()
    of = [head.index(name) for name in ("Numerator", "Denominator", "Value")]
    in_full = [head.index(f"{head[at]}, before exclusions") for at in of]
    told = {row[1]: ([row[at] for at in of], [row[at] for at in in_full]) for row in rows}
    assert told["V6"] == ([261, 290, 261 / 290], [261, 300, 0.87])
    assert len(told) == 6


def test_no_line_is_drawn_over_a_period_without_a_level():
    points = [
        charts.ControlPoint(name, 1.0, outside=False, target=None, at=at) for name, at in (("A", 0), ("B", 1), ("D", 3))
    ]
    drawn = charts.control_chart(points, None, str, "A chart.")
    paths = [len(shape.points) for shape in drawn.shapes if isinstance(shape, charts.Path)]
    marks = [shape.x for shape in drawn.shapes if isinstance(shape, charts.Mark)]
    assert paths == [2, 1]
    assert marks[2] - marks[1] == pytest.approx(2 * (marks[1] - marks[0]))


def test_each_month_has_its_place_in_the_row_of_months(tmp_path):
    """May has half a month of calls, so no level: a place between April and June stays empty."""
    rows = CALLS + calls(date(2026, 4, 1), 30, 8, 2) + calls(date(2026, 6, 1), 30, 9, 1)
    review = composed(write_book(tmp_path / "book", KPI, contacts=rows))
    (level,) = review.levels
    assert [point.period.start.month for point in level.history] == [4, 6]
    words = words_of("en")
    drawn = level_chart(level_row(level, review, words), review, words)
    assert drawn is not None
    assert [len(one.points) for one in drawn.chart.shapes if isinstance(one, charts.Path)] == [1, 1]


def test_the_arrow_of_a_reading_lies_flat_where_no_change_is_shown():
    still, fell = (sample.reading(Verdict.UNCLEAR, parts={"within": change}, material=0.08) for change in (0.004, -0.2))
    assert (glyphs.direction(still), glyphs.direction(fell)) == (0, -1)


def test_a_survey_of_people_seldom_asked_twice_names_its_parts_by_queues():
    parts = {"within": 0.01, "mix": 0.02}
    touch = sample.reading(Verdict.UNCLEAR, parts=parts, also={"design": "touch"}, counts={"before": 31, "after": 36})
    row = reading_row(touch, sample.review(readings=(touch,)), words_of("en"), 1)
    assert [part.about for part in row.parts] == [
        "the same queues, channels and segments, in both periods",
        "where the answers came from",
    ]


def test_no_line_of_the_page_ends_between_a_sign_and_its_currency():
    assert "+\u2060€" in render(sample.review(), "html", "en").decode()


def test_a_sum_of_seconds_says_that_it_is_one(tmp_path):
    toml = '[[kpi]]\nid = "wait_mean"\ntarget = 30\n'
    text = render(composed(two_months(tmp_path / "book", toml)), "terminal", "en").decode().replace("\u00a0", " ")
    assert "4,200 s over 300" in text  # 270 after 10 s, 30 after 50 s


def test_a_target_on_either_side_of_zero_is_drawn_twice_in_every_chart():
    """A bias of -12.3 points with a target of +-5: with one line at +5 it looked as if it were met."""
    points = [
        charts.ControlPoint(name, -12.3, outside=False, target=5.0, at=at, both=True) for at, name in enumerate("AB")
    ]
    drawn = [
        charts.control_chart(points, None, str, "A chart."),
        charts.spark(points, None, "5", "A chart.", 40),
        charts.number_line(-12.3, [("customer", -12.0, "ours")], (5.0, -5.0), ("agreed", "target"), "A chart."),
    ]
    for one in drawn:
        lines = [shape for shape in one.shapes if isinstance(shape, charts.Line) and shape.look == "target"]
        assert len({(line.x1, line.y1) for line in lines}) == 2


def test_exclusions_make_no_difference_only_where_there_is_another_figure_to_compare():
    words = words_of("en")
    other = {"verdict": "masked", "as_reported": -0.0168, "like_for_like": -0.0649}
    ((name, told),) = detail_rows({"exclusions": {"nothing": other}}, "share", "EUR", words)
    assert name == "Exclusions, with nothing excluded"
    assert told.startswith("masked: as reported \u22121.7")
    assert path_name(("exclusions", "nothing", "verdict"), words) == "Exclusions, with nothing excluded, verdict"
    assert path_name(("exclusions", "accepted"), words) == "Exclusions, without the accepted ones"
    three = {"exclusions": {"nothing": 0.78, "accepted": 0.783, "claimed": 0.783}}
    (row,) = detail_rows(three, "share", "EUR", words)
    assert row == ("Exclusions", "78.0\u00a0% with nothing excluded; 78.3\u00a0% without the accepted ones")
    alike = {"exclusions": {"nothing": 0.5, "accepted": 0.5}}
    assert list(detail_rows(alike, "share", "EUR", words)) == [("Exclusions", words("word.no_difference"))]
