"""When a level was missed: what was planted at a place is found there, and whoever answers for it is named."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.economics.erlang import queues
from comity.review.attribution import people_by_interval, what_if_level
from comity.review.miss_map import _densest_rectangle, _densest_run, build_miss_map, week_starts
from tests.builders.attribution import KPI, build_attribution

SLOTS = 8  # half hours from 10:00 to 14:00 UTC, which is 12:00 to 16:00 in Madrid
PLANNED = 32


def good_of(staffed, offered=250):
    """Answered in time, by the model itself: 250 contacts of 210 s, patience of 180 s, in 20 s (.83827184 with 32)."""
    found = queues(offered / 1800, 210, 180, staffed, 20)
    return round(float(found.p_within) * offered, 6)


def four_weeks(staffed, offered=lambda _day, _slot: 250, days=28):
    """Half hours of one queue from Monday, 1 June 2026, so many people there, and what the model makes of them."""
    intervals = ["queue,start,minutes,offered,answered,answered_within,threshold_s,abandoned,abandoned_short,handle_s"]
    forecasts = ["queue,start,minutes,issued_on,offered,aht_s,locked,issued_by"]
    schedules = ["queue,start,minutes,required,scheduled,staffed,ordered_off"]
    for day in range(days):
        for slot in range(SLOTS):
            minutes = 600 + 30 * slot
            hour = f"{minutes // 60:02}:{minutes % 60:02}"
            at = f"help,{date(2026, 6, 1) + timedelta(days=day)}T{hour}:00Z,30"
            came, there = offered(day, slot), staffed(day, slot)
            intervals.append(f"{at},{came},{came},{round(good_of(there, came))},20,0,0,{came * 210}")
            forecasts.append(f"{at},2026-05-01,250,210,true,customer")
            schedules.append(f"{at},{PLANNED},{PLANNED},{there},0")
    return {"intervals": "\n".join(intervals), "forecasts": "\n".join(forecasts), "schedules": "\n".join(schedules)}


def test_what_lacked_at_noon_all_month_is_found_at_noon_all_month(tmp_path):
    one = build_attribution(tmp_path, **four_weeks(lambda _, slot: 28 if slot in (3, 4) else PLANNED))
    found = build_miss_map(one, one.shared)
    (stretch,) = found.stretches
    assert (stretch.answers, stretch.cause, stretch.weekday) == ("provider", "presence", None)
    assert (stretch.first, stretch.last) == (27, 28)  # 13:30 and 14:00 by the clock of Madrid
    assert (stretch.first_day, stretch.last_day) == (date(2026, 6, 1), date(2026, 6, 28))
    assert stretch.contacts == pytest.approx(2 / SLOTS)
    assert stretch.lost == pytest.approx(stretch.of_all, abs=1e-6)
    missed = (0.83827184 - good_of(28) / 250) / 4  # a quarter of the contacts lost so much
    assert stretch.lost == pytest.approx(missed, abs=0.002)
    assert found.marked("provider") == 2 * 28
    assert found.marked("customer") == found.marked("both") == 0
    assert found.shade(3, 0, 0.8) == 3  # good_of(28) / 250 = .63, and 15 points below .8 is .65
    assert found.shade(0, 0, 0.8) == 0


def test_what_lacks_on_fridays_is_a_friday_and_what_comes_beyond_the_band_is_the_customers(tmp_path):
    def staffed(day, slot):
        return 27 if day % 7 == 4 and slot >= 5 else PLANNED

    def offered(day, _):
        return 310 if day < 5 else 250

    one = build_attribution(tmp_path, KPI.replace("0.08", "0.01"), **four_weeks(staffed, offered))
    found = {stretch.answers: stretch for stretch in build_miss_map(one, one.shared).stretches}
    week, fridays = found["customer"], found["provider"]
    assert (week.first_day, week.last_day, week.weekday) == (date(2026, 6, 1), date(2026, 6, 5), None)
    assert (week.first, week.last, week.cause) == (24, 31, "volume_outside")
    assert (fridays.first, fridays.last, fridays.weekday, fridays.cause) == (29, 31, 4, "presence")


def test_what_is_spread_evenly_is_laid_to_no_stretch(tmp_path):
    one = build_attribution(tmp_path, **four_weeks(lambda *_: 29))
    assert build_miss_map(one, one.shared).stretches == ()


def test_what_is_not_fit_to_be_used_is_marked_nobodys(tmp_path):
    tables = four_weeks(lambda *_: 28)
    tables["intervals"] = tables["intervals"].replace(f",{round(good_of(28))},20", ",90,20")
    one = build_attribution(tmp_path, **tables)
    assert not one.shared.fit
    found = build_miss_map(one, one.shared)
    assert found.stretches == ()
    assert not any(any(row) for row in found.sides)


def test_limits_of_days_come_from_the_period_before(tmp_path):
    tables = four_weeks(lambda day, _: 28 if day == 40 else PLANNED, days=60)
    july = build_attribution(tmp_path, period="2026-07", **tables)
    days = build_miss_map(july, july.shared).days
    assert july.usual.period.start == date(2026, 6, 1)
    assert [one.day for one in days if one.outside] == [date(2026, 7, 11)]  # the forty-first from 1 June
    june = build_attribution(tmp_path / "june", period="2026-06", **tables)
    assert june.usual is None
    assert not any(one.outside for one in build_miss_map(june, june.shared).days)


def test_a_year_is_told_by_days_of_the_week(tmp_path):
    one = build_attribution(tmp_path, period="2026", **four_weeks(lambda *_: 29))
    found = build_miss_map(one, one.shared)
    assert found.columns == tuple(range(7))
    assert found.days == ()
    assert found.counted.sum() == pytest.approx(28 * SLOTS * 250)


def test_people_are_spread_over_queues_by_who_was_there_and_from_a_half_hour_on(tmp_path):
    one = build_attribution(tmp_path, **four_weeks(lambda *_: 29))
    assert people_by_interval(one, 3).tolist() == pytest.approx([3.0] * 28 * SLOTS)
    late = people_by_interval(one, 3, since=28)  # 14:00 to 16:00 by the clock of Madrid
    assert late.sum() == pytest.approx(3.0 * 28 * 4)
    assert what_if_level(one, more=people_by_interval(one, 3)) == pytest.approx(0.83827184, abs=1e-7)  # 29 + 3 = 32


@given(st.lists(st.lists(st.integers(-5, 5), min_size=4, max_size=4), min_size=1, max_size=5))
def test_the_densest_rectangle_is_the_best_of_all(rows):
    excess = np.array(rows, dtype=np.float64)
    height, width = excess.shape
    every = {
        (top, foot, left, right): excess[top : foot + 1, left : right + 1].sum()
        for top in range(height) for foot in range(top, height)
        for left in range(width) for right in range(left, width)
    }  # fmt: skip
    size, found = _densest_rectangle(excess)
    best = max(every.values())
    assert size == pytest.approx(max(best, 0.0))
    if best > 0:
        assert every[found] == pytest.approx(best)
    size, first, last = _densest_run(excess[0])
    assert size == pytest.approx(max(0.0, excess[0, first : last + 1].sum()))


def test_a_new_week_begins_on_monday():
    days = [date(2026, 6, 5), date(2026, 6, 6), date(2026, 6, 8), date(2026, 6, 9), date(2026, 6, 15)]
    assert week_starts(days) == [2, 4]
    assert week_starts(list(range(7))) == []
