"""The figures of a period as they are confirmed: disputes keep both values, of levels and of readings."""

from dataclasses import replace

import pytest

from comity.apps.reviews.figures import DisputeNote, figure_changes, period_figures
from comity.core.matters.transitions import Dispute
from comity.review.views.reading import reading_key
from tests.builders import review as sample

OPEN = DisputeNote("b", "customer", Dispute.OPEN, "records", "", 0.7)
ACCEPTED = DisputeNote("a", "provider", Dispute.VALUE_BESIDE, "formula", "value", 0.75)


def test_figures_without_disputes_name_the_levels_alone_and_no_dispute():
    review = sample.review()
    figures = period_figures(review, {})
    assert figures.keys() == {level.kpi for level in review.levels}
    assert all(figure["disputed"] == [] and "disputes" not in figure for figure in figures.values())


def test_a_disputed_level_keeps_the_computed_and_the_claimed_values():
    review = sample.review()
    kpi = review.levels[0].kpi
    figure = period_figures(review, {kpi: [OPEN, ACCEPTED]})[kpi]
    assert float(figure["value"]) == pytest.approx(review.levels[0].value)
    assert figure["disputed"] == ["b"]  # those that are open
    assert [(one["id"], one["status"], one["value"]) for one in figure["disputes"]] == [
        ("a", "value_beside", "0.75"),
        ("b", "open", "0.7"),
    ]


def test_a_disputed_reading_is_among_the_figures_with_both_values():
    review = sample.review()
    reading = next(one for one in review.readings if one.id == "revenue")
    figure = period_figures(review, {reading_key(reading, review): [replace(OPEN, value=1000.0)]})["revenue"]
    assert (float(figure["value"]), figure["unit"], figure["target"]) == (pytest.approx(reading.after), "money", None)
    assert figure["disputes"][0]["value"] == "1000"


def test_a_dispute_of_a_figure_that_the_review_does_not_have_adds_none():
    review = sample.review()
    assert period_figures(review, {"attrition": [OPEN]}).keys() == {level.kpi for level in review.levels}


def test_a_dispute_that_is_accepted_is_a_change_of_the_figures():
    review = sample.review()
    kpi = review.levels[0].kpi
    before, after = (
        period_figures(review, {kpi: [note]}) for note in (OPEN, replace(OPEN, status=Dispute.VALUE_BESIDE))
    )
    assert [(one.what, one.before, one.after) for one in figure_changes(before, after)] == [
        ("disputed", 1, 0),
        ("accepted", 0, 1),
    ]
