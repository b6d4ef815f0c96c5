"""A level as finished text: what it is the ratio of, and how a side's own figure comes about."""

from dataclasses import replace

import pytest

from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.views.level import level_row, ratio_text
from tests.builders import review as sample

EN, ES = words_of("en"), words_of("es")


def level(measure: str):
    return next(one for one in sample.levels() if one.measure == measure)


@pytest.mark.parametrize(
    ("words", "told"), [(EN, "2,117 points over 566 answers"), (ES, "2.117 puntos en 566 respuestas")]
)
def test_a_mean_of_answers_is_no_share_of_them(words, told):
    mean = replace(level("csat"), unit="points", value=2117 / 566, num=2117, den=566)
    assert level_row(mean, sample.review(), words).of == told


def test_a_backlog_is_counted_and_no_ratio_of_anything():
    """46 open contacts: not 46 of 1, and not beyond chance, of which a count knows nothing."""
    open_ = replace(
        level("service_level"), kpi="backlog", measure="backlog", unit="count", value=46.0, num=46.0, den=1.0, se=0.0,
        low=46.0, high=46.0, target=60.0, better="lower", met=True, beyond_chance=None, variants={},
    )  # fmt: skip
    row = level_row(open_, sample.review(), EN)
    assert (row.of, row.interval, row.met, row.chance) == ("", "", "Met", "counted, not sampled")
    assert ratio_text(open_, 46.0, 1.0, EN) == "46"


def test_a_share_of_answers_stays_one():
    share = replace(level("csat"), unit="share", value=0.5, num=283, den=566)
    assert level_row(share, sample.review(), EN).of == "283 of 566 answers"


def test_a_figure_that_is_the_mean_of_months_says_so():
    """The table gives 75.7 % for V1, pooled; the side's own 77.1 % is the mean of its three months by V1."""
    made = replace(
        level("service_level"),
        reported={Side.CUSTOMER: 0.771},
        explains={Side.CUSTOMER: "V1"},
        also={"reported_months": {"customer": 3}},
    )
    row = level_row(made, sample.review(), EN)
    figure = next(one for one in row.reported if one.side is Side.CUSTOMER)
    assert figure.why.startswith("matches formula V1, mean of its 3 months: ")
    assert figure.short == "formula V1, mean of 3 months"
    assert not any("months" in name.lower() for name, _ in row.also)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (EN, "1,240 neither answered nor abandoned, in no count"),
        (ES, "1.240 ni atendidos ni abandonados, en ningún recuento"),
    ],
)
def test_what_is_in_neither_count_is_beside_the_level(words, told):
    made = replace(level("service_level"), also={"unresolved": 1240})
    assert level_row(made, sample.review(), words).about.endswith(told)
    assert told not in level_row(replace(made, also={}), sample.review(), words).about
