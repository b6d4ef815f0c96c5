"""Sentences about readings: what would settle what is unclear."""

from dataclasses import replace
from datetime import date

import pytest

from comity.core.readings.verdict import Change, Verdict
from comity.core.values import Period
from comity.review.i18n.words import words_of
from comity.review.views.sentences import ChangeFormat, settle_sentence
from tests.builders import review as sample

EN, ES = words_of("en"), words_of("es")
QUARTER = Period(date(2026, 4, 1), date(2026, 7, 1))  # 91 days, 13 weeks


def unclear(reading: str, half: float, material: float, unit: str):
    made = sample.reading(Verdict.UNCLEAR, parts={"within": 0.01})
    held = Change(0.01, half / 2)
    return replace(made, id=reading, unit=unit, like_for_like=held, z=2.0, material=material, also={})


def settled(reading, words=EN):
    return settle_sentence(reading, QUARTER, words, ChangeFormat(words, reading.unit, "EUR", 1))


@pytest.mark.parametrize(
    ("half", "weeks"),
    [
        (0.02, "52"),  # twice as wide as is wanted: 4 times the 13 weeks
        (0.03, "117"),  # 9 times
    ],
)
def test_of_weeks_it_says_how_many_a_period_would_need(half, weeks):
    sentence = settled(unclear("service_level", half, 0.01, "share"))
    assert f"compare periods of about {weeks} weeks." in sentence
    assert "Weeks differ so much among themselves" in sentence


def test_no_period_of_many_years_is_advised():
    sentence = settled(unclear("sla_attainment", 0.05, 0.01, "share"))  # 25 times 13 weeks, over six years
    assert "No period is long enough" in sentence
    assert "Ningún periodo" in settled(unclear("sla_attainment", 0.05, 0.01, "share"), ES)


def test_of_people_it_says_how_many_times_as_many_answers():
    assert "about 4.0 times as many answers or records" in settled(unclear("satisfaction", 0.16, 0.08, "points"))


def test_what_is_clear_needs_nothing():
    assert settled(replace(unclear("service_level", 0.03, 0.01, "share"), verdict=Verdict.GENUINE)) == ""
