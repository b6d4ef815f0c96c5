"""Time to resolve and quality as levels, on written books, by hand."""

from datetime import date

import pytest

from comity.book.reading.open import open_book
from comity.book.statistics.levels import NoLevel, gather
from comity.core.levels import measure
from comity.core.values import Period
from tests.cast import JOINT, write_book

MAY = Period(date(2026, 5, 1), date(2026, 6, 1))
# Resolved in May after 1, 2, 3, 4 and 10 hours; one in June, and one never.
DUE = "2026-06-20T00:00:00Z"
TICKETS = "contact_id,opened_at,queue,resolved_at,due_at\n" + "".join(
    f"t{number},2026-05-{4 + number:02}T08:00:00Z,help,2026-05-{4 + number:02}T{8 + hours:02}:00:00Z,{DUE}\n"
    for number, hours in enumerate((1, 2, 3, 4, 10))
)
TICKETS += f"t8,2026-05-30T08:00:00Z,help,2026-06-02T08:00:00Z,{DUE}\nt9,2026-05-30T08:00:00Z,help,,{DUE}\n"


def level(folder, toml, **tables):
    with open_book(write_book(folder / "book", toml, **tables), JOINT) as book:
        (found,) = gather(book, (MAY,), date(2026, 6, 20))[MAY]
    return found if isinstance(found, NoLevel) else measure(found)


@pytest.mark.parametrize(("formula", "hours"), [("mean", 4.0), ("median", 3.0), ("p90", 7.6)])
def test_time_to_resolve_is_of_what_was_resolved_and_says_what_is_open(tmp_path, formula, hours):
    """1, 2, 3, 4, 10 hours: mean 4, median 3; nine in ten lies at 4 + 0.6 * 6, as numpy and spreadsheets have it."""
    toml = f'[[kpi]]\nid = "time_to_resolve"\nformula = "{formula}"\ntarget = 14400\n'
    found = level(tmp_path, toml, contacts=TICKETS)
    assert found.value == pytest.approx(hours * 3600)
    assert found.met is (hours <= 4)
    others = {"mean": 4.0, "median": 3.0, "p90": 7.6}
    assert {name: found.also.get(f"{name}_s") for name in others} == pytest.approx(
        {name: None if name == formula else value * 3600 for name, value in others.items()}
    )
    assert found.also["still_open"] == 2


MARKS = "evaluation_id,queue,evaluated_on,score,scale_min,scale_max,opportunities,errors,critical_errors,disputed\n"
MARKS += "".join(f"e{n},help,2026-05-{4 + n:02},{60 + 10 * n},0,100,10,{n % 3},{n // 4},{n == 0}\n" for n in range(5))


@pytest.mark.parametrize(("formula", "value"), [("errors", 46 / 50), ("mean", 0.8)])
def test_quality_is_what_did_not_go_wrong_or_the_mean_marks(tmp_path, formula, value):
    """0, 1, 2, 0 and 1 errors of 50 opportunities; 60, 70, 80, 90 and 100 of 100; one of five with a critical error."""
    found = level(tmp_path, f'[[kpi]]\nid = "quality"\nformula = "{formula}"\n', evaluations=MARKS)
    assert found.value == pytest.approx(value)
    assert found.also == {"evaluations": 5, "critical_rate": 0.2, "disputed": 1}


def test_fewer_than_five_evaluations_are_not_shown(tmp_path):
    found = level(tmp_path, '[[kpi]]\nid = "quality"\n', evaluations=MARKS.rsplit("e4", 1)[0])
    assert (found.why, found.needs) == ("too_small", ("evaluations",))


def test_effort_counts_the_two_easiest_answers_on_a_reversed_scale(tmp_path):
    """1 is the easiest of 1 to 7, so that it is the best answer: three of five in the two best boxes."""
    answers = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"
    answers += "".join(f"r{n},customer,p{n},ces,7,1,{score},2026-05-04\n" for n, score in enumerate((1, 2, 2, 3, 7)))
    found = level(tmp_path, '[[kpi]]\nid = "ces"\n', surveys=answers)
    assert found.value == pytest.approx(3 / 5)
