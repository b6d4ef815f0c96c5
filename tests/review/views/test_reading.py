"""A reading as finished text."""

from comity.core.readings.verdict import Verdict
from comity.review.i18n.words import words_of
from comity.review.views.reading import counted_rows, reading_row
from tests.builders import review as sample

ENGLISH = words_of("en")


def counted(**changes):
    made = sample.reading(Verdict.GENUINE, parts={"within": 0.2}, **changes)
    review = sample.review(readings=(made,))
    return counted_rows(reading_row(made, review, ENGLISH, 1), ENGLISH)


def test_a_group_of_people_that_is_not_told_says_that_it_is_small():
    rows = counted(counts={"stayed": 812, "new": 5, "unasked": 0, "left+silent": 9})
    assert [text for _, text in rows] == ["812", "fewer than 5", "fewer than 5", "0", "5", "fewer than 5", "9"]


def test_what_counts_no_people_in_groups_is_told_as_it_is():
    assert [text for _, text in counted(counts={"accounts": 3})] == ["3"]


def test_parts_that_are_0_as_shown_are_told_together_but_for_the_one_that_is_looked_for():
    parts = {"within": 0.0, "survivorship": 0.2, "arrival": 0.0}
    made = sample.reading(Verdict.ILLUSORY, parts=parts, held={"within"})
    row = reading_row(made, sample.review(readings=(made,)), ENGLISH, 1)
    assert [part.name for part in row.parts if part.shown] == ["Within", "Survivorship"]
    assert "(Arrival" in row.others
    assert "Survivorship" not in row.others
    assert [part.lead[0].isupper() for part in row.parts] == [True] * 3
