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
