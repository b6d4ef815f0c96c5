"""Which readings about the same people can be shown: each way in which two means tell of one person, by hand."""

from datetime import UTC, datetime

import pytest

from comity.book.reading.open import home_viewer, open_book
from comity.core.values import Side
from comity.review.build import build_review
from comity.review.disclosure.select import has_private_people, select_joint, select_own
from tests.cast import write_book

pytestmark = pytest.mark.gate
NOW = datetime(2026, 6, 2, tzinfo=UTC)
TOML = """
[review]
period = "month"
[[kpi]]
id = "csat"
formula = "mean"
[[kpi]]
id = "attrition"
"""
HEAD = "response_id,audience,respondent_id,asked_on,answered_on,instrument,scale_min,scale_max,score,team"
SCALE = "csat 1-5"
LAST = {3: 31, 4: 30, 5: 31}  # days of each month: answers reach from its first to its last


def score(month, person):
    return 1 + (7 * month + 3 * person) % 5


def rows(months):
    """Each month's people, of whom somebody named twice answered twice."""
    yield HEAD
    for month, people in months.items():
        for number, person in enumerate(people):
            day = f"2026-{month:02}-{1 + number * (LAST[month] - 1) // (len(people) - 1):02}"
            yield f"{month}-{number},customer,p{person},{day},{day},csat,1,5,{score(month, person)},all"


def readings(tmp_path, months):
    """The readings that may be shown, and those with parts, as later and earlier month; each month's level is."""
    folder = write_book(tmp_path / "book", TOML, surveys="\n".join(rows(months)))
    with open_book(folder, home_viewer(folder, None)) as book:
        assert not has_private_people(book)
        found = select_joint(book, NOW)
    assert {("csat", month) for month in months} == {
        (kpi, period.start.month) for kpi, period in found.levels if kpi == "csat"
    }
    assert {key[:2] for key in found.readings} <= {("satisfaction", SCALE)}
    return [
        {(after.start.month, before.start.month) for *_, after, before in keys}
        for keys in (found.readings, found.parts)
    ]


def test_two_months_of_mostly_the_same_people_are_compared(tmp_path):
    assert readings(tmp_path, {4: range(40), 5: [*range(30), *range(50, 60)]}) == [{(5, 4)}, {(5, 4)}]


def test_one_who_did_not_answer_again_would_be_told_by_the_change_within(tmp_path):
    """31 people in April, 30 of them in May.

    S is the sum of April's 31 answers, T of May's 30, w the change within those who answered twice: the answer of the
    one who did not answer again is S - (T - 30 w). The review has all of these, exactly.
    """
    months = {4: range(31), 5: range(30)}
    folder = write_book(tmp_path / "unprotected", TOML, surveys="\n".join(rows(months)))
    with open_book(folder, home_viewer(folder, None)) as book:
        made = build_review(book, period="2026-05", now=NOW)
    (reading,) = made.readings
    (level,) = (one for one in made.levels if one.kpi == "csat")
    april, may = (point.num for point in level.history)
    assert april - (may - 30 * reading.like_for_like.change) == pytest.approx(score(4, 30))
    assert readings(tmp_path, months) == [set(), set()]


def test_six_who_did_not_answer_again_are_enough(tmp_path):
    assert readings(tmp_path, {4: range(36), 5: range(30)}) == [{(5, 4)}, {(5, 4)}]


def test_those_who_stayed_in_two_comparisons_may_not_differ_by_one(tmp_path):
    """In April 0 to 29 had answered in March too, and 0 to 28 do so in May: April's means of both tell number 29."""
    months = {3: [*range(30), *range(100, 110)], 4: range(40), 5: [*range(29), *range(200, 211)]}
    assert readings(tmp_path, months) == [{(4, 3)}, {(4, 3)}]  # the earlier one stays
    del months[5]
    assert readings(tmp_path / "before", months) == [{(4, 3)}, {(4, 3)}]  # as it was before May came
    months[5] = [*range(24), *range(200, 216)]
    assert readings(tmp_path / "six", months) == [{(4, 3), (5, 4)}, {(4, 3), (5, 4)}]


def test_one_who_answered_twice_would_be_told_by_the_mean_of_people_less_that_of_answers(tmp_path):
    april, may = range(40), [*range(30), *range(50, 60)]
    assert readings(tmp_path / "one", {4: april, 5: [*may, 0]}) == [{(5, 4)}, set()]
    assert readings(tmp_path / "six", {4: april, 5: [*may, *range(6)]}) == [{(5, 4)}, {(5, 4)}]


def test_of_employees_own_and_joint_figures_may_not_differ_by_one_to_four(tmp_path):
    def staff(left, kept):
        yield "employee_id,team,hired_on,left_on"
        for number in range(60):
            yield f"e{number},all,2025-01-01,{'2026-05-10' if number < left else ''}"
        for number in range(kept):
            yield f"k{number},kept,2025-01-01,2026-05-11"

    toml = TOML + '[private]\nprovider = ["staff[team=kept]"]\n'
    for kept, shown in ((0, True), (1, False), (4, False), (5, True)):
        months = {4: range(40), 5: range(40)}
        folder = write_book(
            tmp_path / str(kept), toml, surveys="\n".join(rows(months)), staff="\n".join(staff(6, kept))
        )
        own, shared = (open_book(folder, home_viewer(folder, side)) for side in (Side.PROVIDER, None))
        with own, shared:
            assert has_private_people(own)
            joint = select_joint(shared, NOW)
            assert ("attrition", 5) in {(kpi, period.start.month) for kpi, period in joint.levels}
            found = select_own(own, shared, joint, NOW)
        assert (("attrition", 5) in {(kpi, period.start.month) for kpi, period in found.levels}) is shown, kept
        assert ("csat", 5) in {(kpi, period.start.month) for kpi, period in found.levels}
