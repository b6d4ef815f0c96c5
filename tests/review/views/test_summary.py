"""The strip of targets and the boxes that a sponsor reads first."""

from dataclasses import replace
from datetime import date

import pytest

from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings
from comity.review.render import html
from comity.review.views.summary import boxes, count_levels, missed_first, state_text
from tests.builders import review as sample
from tests.builders.attribution import build_attribution

EN = words_of("en")


def levels(*met):
    like = sample.review().levels[0]
    return tuple(replace(like, kpi=f"{like.measure}_{number}", met=one) for number, one in enumerate(met))


def texts(box):
    return [f"{line.name} {line.text}".replace("\u00a0", " ").strip() for line in box.lines]


def test_missed_levels_come_first_then_those_met_then_those_without_a_target():
    ordered = [level.met for level in missed_first(levels(True, None, False, True, False))]
    assert ordered == [False, False, True, True, None]


def test_the_strip_counts_every_level_once():
    counts = count_levels(sample.review(levels=levels(True, None, False, True)))
    assert (counts.missed, counts.met, counts.untargeted, counts.targets) == (1, 2, 1, 3)


def test_what_blocks_it_is_each_missed_target_with_its_cause_and_what_lacks(tmp_path):
    attribution = build_attribution(tmp_path)
    level = replace(sample.review().levels[0], kpi="service_level", measure="service_level", met=False)
    review = sample.review(levels=(level,))
    known = Proceedings(causes={"service_level": attribution}, causes_url="/causes/{kpi}")
    line, *rest = boxes(review, known, EN)[1].lines
    assert (line.name, line.url) == ("Service level", "/causes/service_level")
    assert "16\u00a0% more contacts came than forecast" in line.text
    assert rest[-1].text.endswith("missing.")
    assert "forecast" not in boxes(review, Proceedings(), EN)[1].lines[0].text


def test_what_to_decide_is_told_by_a_room_alone():
    assert [box.title for box in boxes(sample.review(), None, EN)] == ["Situation", "What blocks it"]
    assert boxes(sample.review(), Proceedings(), EN)[2].lines[0].text == "Nothing waits for a decision."


def test_each_side_that_has_to_move_is_named_before_the_matter():
    asked = AskedMatter("dispute", "Handle time", Side.CUSTOMER, "asked", Side.PROVIDER, date(2026, 7, 17))
    done = AskedMatter("claim", "Storm", Side.PROVIDER, "accepted", is_open=False)
    box = boxes(sample.review(), Proceedings(matters=(asked, done), to_confirm=(Side.CUSTOMER,)), EN)[2]
    assert texts(box) == ["Handle time by 17 July", "Confirm or dispute the figures."]
    assert [line.side for line in box.lines] == [Side.PROVIDER, Side.CUSTOMER]


@pytest.mark.parametrize(
    ("done", "said"),
    [
        (Proceedings(), "Not confirmed yet."),
        (
            Proceedings((Confirmation(Side.PROVIDER, "Jonas", date(2026, 7, 10)),)),
            "Helpline has confirmed the figures.",
        ),
        (Proceedings(final_on=date(2026, 7, 14)), "Final since 14 July 2026."),
    ],
)
def test_it_says_whether_the_figures_are_final(done, said):
    assert state_text(done, sample.review(), EN).replace("\u00a0", " ") == said


def test_a_level_and_a_reading_of_one_name_lack_once():
    from comity.review.views.sections import missing_rows

    lacking = sample.review().missing[0]
    rows = missing_rows(sample.review(missing=(lacking, lacking)), EN)
    assert len(rows) == 1


def test_readings_of_a_final_period_are_said_not_to_be_part_of_it():
    final = Proceedings(final_on=date(2026, 7, 14))
    now = EN("readings.now")
    assert now in [line.text for line in boxes(sample.review(), final, EN)[0].lines]
    assert now not in [line.text for line in boxes(sample.review(), Proceedings(), EN)[0].lines]
    assert now in html.render_board(sample.review(), EN, final)
    assert now not in html.render_board(sample.review(), EN, Proceedings())
