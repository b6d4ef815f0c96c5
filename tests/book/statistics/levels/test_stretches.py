"""Levels by the text in force: a level for each stretch of a period, and relief as days that are left out; by hand."""

from dataclasses import replace
from datetime import date, timedelta
from random import Random

import pytest

from comity.book.agreement import agreed_changes
from comity.book.amend import write_agreed
from comity.book.definition import read_definition
from comity.book.reading.open import open_book
from comity.book.statistics.levels import gather
from comity.core.levels import measure
from comity.core.values import Period
from tests.builders.stretches import FIRST_HALF, OCTOBER, ROWS, SECOND_HALF, with_relief, worded
from tests.builders.turns import every
from tests.cast import JOINT, write_book

HORIZON = date(2026, 11, 10)


def levels_of(book, periods=(OCTOBER,), horizon=HORIZON):
    with open_book(book, JOINT) as opened:
        return gather(opened, periods, horizon)


def test_a_new_target_from_mid_month_makes_two_levels_the_last_stretch_s_first(tmp_path):
    """8 of 10 in time on 14 days, target 0.80: 112 of 140. 6 of 10 on 17 days, target 0.70: 102 of 170."""
    toml = worded(target=0.8) + worded(target=0.7, valid_from="2026-10-15")
    last, first = levels_of(write_book(tmp_path / "book", toml, contacts=ROWS))[OCTOBER]
    assert (last.period, last.counted.num, last.counted.den, measure(last).met) == (SECOND_HALF, 102, 170, False)
    assert (first.period, first.counted.num, first.counted.den, measure(first).met) == (FIRST_HALF, 112, 140, True)


def test_a_new_formula_counts_from_its_day_and_nothing_is_pooled(tmp_path):
    """Late calls waited 50 s: within 20 s 8 of 10 are in time, within 60 s all 10."""
    toml = worded(answer_within_s=20.0) + worded(answer_within_s=60.0, valid_from="2026-10-15")
    last, first = levels_of(write_book(tmp_path / "book", toml, contacts=ROWS))[OCTOBER]
    assert [(one.counted.num, one.counted.den) for one in (last, first)] == [(170, 170), (112, 140)]


def test_what_a_side_reported_of_the_month_stands_beside_the_last_stretch_and_no_formula_gives_it(tmp_path):
    """Reported 0.6: the last stretch's own value, 102 of 170, is 0.6 too; but the report is of the whole month."""
    toml = worded(target=0.8) + worded(target=0.7, valid_from="2026-10-15")
    reported = "period,kpi,value,reported_by\n2026-10,it,0.6,provider"
    book = write_book(tmp_path / "book", toml, contacts=ROWS, reported=reported)
    last, first = (measure(one) for one in levels_of(book)[OCTOBER])
    assert (last.reported["provider"], first.reported["provider"]) == (0.6, None)
    assert (last.value, last.explains) == (0.6, {})


def test_a_kpi_that_begins_within_the_month_counts_from_its_first_day(tmp_path):
    (only,) = levels_of(write_book(tmp_path / "book", worded(valid_from="2026-10-15"), contacts=ROWS))[OCTOBER]
    assert (only.period, only.counted.den) == (SECOND_HALF, 170)


def test_what_lacks_in_one_stretch_is_said_with_its_days(tmp_path):
    toml = worded(queues=["other"]) + worded(queues=["help"], valid_from="2026-10-15")
    last, first = levels_of(write_book(tmp_path / "book", toml, contacts=ROWS))[OCTOBER]
    assert (last.counted.den, first.why, first.days) == (170, "nothing_counts", FIRST_HALF)


MEASURES = ["service_level", "abandonment", "wait_mean", "handle_time", "wait_p90", "reopen", "time_to_resolve"]


def busy_rows(rng):
    """Contacts of October at random: answered, given up or open, some resolved and opened again."""
    lines = ["contact_id,queue,channel,opened_at,answered_at,abandoned_at,handle_s,resolved_at,reopens"]
    for number in range(400):
        day = date(2026, 10, 1) + timedelta(days=rng.randrange(31))
        wait, at = rng.randrange(1, 59), f"{day}T12:{rng.randrange(60):02}"
        lost = rng.random() < 0.2
        answered, gone = ("", f"{at}:{wait:02}Z") if lost else (f"{at}:{wait:02}Z", "")
        resolved = "" if lost else f"{day}T18:00:00Z"
        lines.append(
            f"c{number},help,voice,{at}:00Z,{answered},{gone},{'' if lost else 60 + wait},{resolved},"
            f"{'' if lost else rng.randrange(2)}"
        )
    return "\n".join(lines)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 4))])
@pytest.mark.parametrize("name", MEASURES)
def test_the_contacts_of_the_stretches_are_those_of_the_period(tmp_path, name, seed):
    """Targets that change on days at random count every contact of the month once, and as one wording does."""
    rng = Random(f"{name} {seed}")
    edges = sorted(rng.sample(range(2, 31), 3))
    rows = busy_rows(rng)
    formula = {"formula": "mean"} if name == "time_to_resolve" else {}
    one = worded(name, target=0.5, **formula)
    many = one + "".join(
        worded(name, target=0.5 - 0.1 * at, valid_from=f"2026-10-{edge:02}", **formula)
        for at, edge in enumerate(edges, 1)
    )
    (whole,) = levels_of(write_book(tmp_path / "one", one, contacts=rows))[OCTOBER]
    parts = levels_of(write_book(tmp_path / "many", many, contacts=rows))[OCTOBER]
    assert [part.period.start.day for part in reversed(parts)] == [1, *edges]
    assert sum(part.counted.den for part in parts) == whole.counted.den
    if name != "wait_p90":  # of a quantile the numerator is how many lie below that of the stretch itself
        assert sum(part.counted.num for part in parts) == pytest.approx(whole.counted.num, rel=1e-12)


# Relief -----------------------------------------------------------------------------------------------------------


def test_october_counts_without_the_days_of_relief_and_is_shown_with_them(tmp_path):
    """8 of 10 on 1 to 14 October, 6 of 10 on 15 to 31: with all days 214 of 310, without the first seven 158 of 240."""
    (level,) = levels_of(with_relief(tmp_path))[OCTOBER]
    assert (level.period, level.counted.num, level.counted.den) == (OCTOBER, 158, 240)
    assert (level.with_relieved.counted.num, level.with_relieved.counted.den) == (214, 310)
    assert [(one.change, one.days) for one in level.reliefs] == [(2, Period(date(2026, 10, 1), date(2026, 10, 8)))]


def test_relief_in_mid_month_leaves_days_on_both_sides_of_it(tmp_path):
    """From 12 to 19 October: 3 days of 8 in 10 and 4 of 6 in 10 are left out: 214 - 24 - 24 of 310 - 70."""
    (level,) = levels_of(with_relief(tmp_path, first_day=date(2026, 10, 12), until="2026-10-19"))[OCTOBER]
    assert (level.counted.num, level.counted.den) == (166, 240)


@pytest.mark.parametrize("name", every(3, MEASURES))
def test_every_measure_of_contacts_leaves_the_days_of_relief_out(tmp_path, name):
    """As where nothing had been recorded on these days."""
    rows = busy_rows(Random(7))
    head, *lines = rows.splitlines()
    others = "\n".join([head, *(line for line in lines if not "2026-10-01" <= line.split(",")[3][:10] < "2026-10-08")])
    pins = {"measure": name, "target": "0.5"} | ({"formula": "mean"} if name == "time_to_resolve" else {})
    (level,) = levels_of(with_relief(tmp_path / "relief", contacts=rows, **pins))[OCTOBER]
    (without,) = levels_of(with_relief(tmp_path / "without", contacts=others, **pins))[OCTOBER]
    assert measure(level).value == pytest.approx(measure(without).value, rel=1e-12)
    assert level.counted.den == without.counted.den


def test_a_month_of_relief_alone_is_counted_and_not_held_against_the_target(tmp_path):
    (level,) = levels_of(with_relief(tmp_path, until="2026-11-01"))[OCTOBER]
    assert (level.counted.den, level.held, measure(level).met) == (310, False, None)


def test_relief_for_another_kpi_changes_nothing(tmp_path):
    (level,) = levels_of(with_relief(tmp_path, kpis=("other",)))[OCTOBER]
    assert (level.counted.den, level.reliefs, level.with_relieved) == (310, (), None)


def test_relief_that_only_one_side_signed_is_none(tmp_path):
    book = with_relief(tmp_path)
    changes = agreed_changes(book)
    (book / "agreement" / "0002.json").unlink()
    write_agreed(book, replace(changes[1], signatures=changes[1].signatures[:1]))
    assert read_definition(book).relief == ()


def test_a_stock_has_no_days_of_relief(tmp_path):
    (level,) = levels_of(with_relief(tmp_path, measure="backlog", contacts=busy_rows(Random(7))))[OCTOBER]
    assert (level.reliefs, level.with_relieved, level.held) == ((), None, True)


def test_what_a_side_reported_of_the_month_is_no_formula_of_days_without_relief(tmp_path):
    """Of all days 214 of 310, 0.69; without the first seven 158 of 240, which the report cannot be held against."""
    reported = "period,kpi,value,reported_by\n2026-10,it,0.69,provider\n2026-10,it,0.658,customer"
    (stats,) = levels_of(with_relief(tmp_path, tables=[("reported", reported)]))[OCTOBER]
    level = measure(stats)
    assert (level.reported["provider"], level.reported["customer"]) == (0.69, 0.658)
    assert level.explains == level.explains_in_full == {}


def test_relief_does_not_tell_of_the_few_evaluations_that_lie_between_two_levels(tmp_path):
    """Three evaluations on days of relief, twenty on others: what both come to would be the three."""
    head = "evaluation_id,queue,evaluated_on,opportunities,errors"
    for few in (3, 5):
        days = [2] * few + [10] * 20
        marks = "\n".join([head, *(f"e{number},help,2026-10-{day:02},10,1" for number, day in enumerate(days))])
        book = with_relief(tmp_path / str(few), tables=[("evaluations", marks)], measure="quality", formula="errors")
        (level,) = levels_of(book)[OCTOBER]
        assert (level.also["evaluations"], level.with_relieved is None) == (20, few < 5)
