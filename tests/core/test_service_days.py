"""Service days: weights that were planted are found, and days that were opened or closed are not taken for calendar."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.readings.verdict import critical
from comity.core.service_days import (
    HOLIDAY,
    MONDAY_TO_FRIDAY,
    Opening,
    agreed_days,
    calendar_days,
    days_of,
    fit_service_days,
    jackknife_error,
)
from comity.core.values import Period

MARCH, APRIL, MAY = (Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in (3, 4, 5))
SATURDAY, SUNDAY = 5, 6
WEIGHTS = (1.2, 1.1, 1.0, 1.0, 0.9, 0.4, 0.1)


def planted(reference, period, *, weights=WEIGHTS, levels=(1000.0, 1000.0), holidays=(), holiday=0.0):
    """Contacts of each day by its weekday (a holiday's by `holiday`), times its period's level."""
    return {
        day: level * (holiday if day in holidays else weights[day.weekday()])
        for one, level in zip((reference, period), levels, strict=True)
        for day in days_of(one)
    }


@given(
    st.lists(st.floats(0.05, 5.0), min_size=7, max_size=7),
    st.floats(0.8, 1.25),
    st.sampled_from([(MARCH, APRIL), (APRIL, MAY), (MARCH, MAY)]),
)
def test_planted_weights_are_found_whatever_the_levels_and_without_error(weights, rise, periods):
    """Counts that are weight times level exactly: L0/L1 is the ratio of the planted sums, and no week changes it."""
    found = fit_service_days(*periods, planted(*periods, weights=weights, levels=(1000.0, 1000.0 * rise)))
    sums = [sum(weights[day.weekday()] for day in days_of(one)) for one in periods]
    assert found.factor == pytest.approx(sums[0] / sums[1], rel=1e-9)
    assert found.without_week == pytest.approx([found.factor] * len(found.without_week), rel=1e-9)
    assert (found.quiet, found.closed) == ((), ())


@given(st.lists(st.integers(20, 500), min_size=61, max_size=61), st.floats(1.0, 100.0))
def test_the_unit_in_which_contacts_are_counted_does_not_matter(counts, times):
    """Where there are enough for a day to be quiet."""
    days = [MARCH.start + timedelta(number) for number in range(61)]
    once = fit_service_days(MARCH, APRIL, dict(zip(days, map(float, counts), strict=True)))
    scaled = fit_service_days(MARCH, APRIL, {day: count * times for day, count in zip(days, counts, strict=True)})
    if once is None or once.factor is None:
        assert scaled is None or scaled.factor is None
    else:
        assert scaled.factor == pytest.approx(once.factor, rel=1e-6)


def test_open_from_monday_to_saturday_march_and_april_2026_are_equally_long():
    """31 days less 5 Sundays, and 30 less 4: 26 both, though one has a day more."""
    found = fit_service_days(MARCH, APRIL, planted(MARCH, APRIL, weights=(1, 1, 1, 1, 1, 1, 0)))
    assert (found.before, found.after, found.factor) == (26.0, 26.0, 1.0)
    assert found.closed == (SUNDAY,)
    assert found.weights == pytest.approx(dict.fromkeys(range(6), 1.0))


def test_days_that_were_opened_are_volume_and_not_calendar():
    """Sundays opened in May: they weigh as in May in April too, of which the contacts had none."""
    counts = planted(APRIL, MAY, weights=(1,) * 7)
    counts |= {day: 0.0 for day in days_of(APRIL) if day.weekday() == SUNDAY}
    found = fit_service_days(APRIL, MAY, counts)
    assert (found.before, found.after) == (30.0, 31.0)
    assert (found.quiet, found.closed) == ((), ())


def test_days_that_were_closed_are_volume_and_not_calendar():
    """Saturdays given up in May count in neither: 26 of April's days, and 26 of May's five-Saturday month."""
    counts = planted(APRIL, MAY, weights=(1,) * 7)
    counts |= {day: 0.0 for day in days_of(MAY) if day.weekday() == SATURDAY}
    found = fit_service_days(APRIL, MAY, counts)
    assert (found.before, found.after) == (30 - 4, 31 - 5)
    assert found.closed == (SATURDAY,)


def test_a_quiet_day_weighs_nothing_unless_the_agreed_calendar_has_it():
    """A Wednesday with 300 of its 1000 contacts is quiet, with 400 not; both are left as they are by a holiday."""
    outage, slow = date(2026, 4, 15), date(2026, 4, 22)
    counts = planted(MARCH, APRIL, weights=(1,) * 7) | {outage: 300.0, slow: 400.0}
    found = fit_service_days(MARCH, APRIL, counts)
    assert found.quiet == (outage,)
    open_days = fit_service_days(MARCH, APRIL, counts, Opening(frozenset(range(7))))
    assert open_days.quiet == (outage,)
    # The fit leaves the day out either way; open, it weighs as its weekday does.
    share = found.weights[2] / found.before
    assert open_days.after / open_days.before == pytest.approx(found.after / found.before + share)
    held = fit_service_days(MARCH, APRIL, counts, Opening(holidays=frozenset({outage})))
    assert held.quiet == ()
    assert held.holidays == (outage,)


@pytest.mark.parametrize(("usual", "came", "quiet"), [(20, 6, True), (20, 7, False), (19, 0, False), (4, 1, False)])
def test_no_day_is_quiet_where_its_weekday_brings_too_few_to_tell(usual, came, quiet):
    """A third of 20 is 6.67: 6 are under it. Of 4 on a usual Saturday one is chance, and so is none of 19."""
    saturday = date(2026, 4, 18)
    counts = planted(MARCH, APRIL, weights=(100, 100, 100, 100, 100, usual, 50), levels=(1, 1)) | {
        saturday: float(came)
    }
    assert fit_service_days(MARCH, APRIL, counts).quiet == ((saturday,) if quiet else ())


def test_holidays_are_a_class_of_their_own():
    """Good Friday with a tenth of the contacts: April has 29 days of 1 and one of 0.1, March 31."""
    good_friday = date(2026, 4, 3)
    counts = planted(MARCH, APRIL, weights=(1,) * 7, holidays={good_friday}, holiday=0.1)
    found = fit_service_days(MARCH, APRIL, counts, Opening(holidays=frozenset({good_friday})))
    assert found.factor == pytest.approx(31 / 29.1)
    assert found.weights[HOLIDAY] == pytest.approx(0.1 * found.weights[0])


def test_a_weekday_that_is_not_agreed_is_closed_though_somebody_called():
    counts = planted(MARCH, APRIL, weights=(1,) * 7)
    found = fit_service_days(MARCH, APRIL, counts, Opening(frozenset(range(6))))
    assert (found.before, found.after, found.closed) == (26.0, 26.0, (SUNDAY,))


def test_agreed_days_weigh_one_and_holidays_nothing():
    """Monday to Friday: 22 days in April less two holidays, and 21 in May."""
    holidays = frozenset({date(2026, 4, 3), date(2026, 4, 6)})
    found = agreed_days(APRIL, MAY, Opening(MONDAY_TO_FRIDAY.days, holidays))
    assert (found.before, found.after, found.without_week) == (20.0, 21.0, ())


def test_the_calendar_counts_every_day():
    assert (calendar_days(APRIL, MAY).before, calendar_days(APRIL, MAY).after) == (30.0, 31.0)


def test_periods_without_a_class_of_day_in_common_cannot_be_compared():
    counts = {day: 10.0 for day in days_of(APRIL) if day.weekday() < SATURDAY}
    counts |= {day: 10.0 for day in days_of(MAY) if day.weekday() >= SATURDAY}
    assert fit_service_days(APRIL, MAY, counts) is None
    assert fit_service_days(APRIL, MAY, {}) is None


def test_the_error_is_the_jackknife_of_the_weeks():
    """Fitted anew without each ISO week by a plain loop, as the specification has it."""
    rng = np.random.default_rng(7)
    days = [*days_of(APRIL), *days_of(MAY)]
    counts = {day: float(rng.poisson(300 * WEIGHTS[day.weekday()])) for day in days}
    found = fit_service_days(APRIL, MAY, counts)
    weeks = sorted({day.isocalendar()[:2] for day in days})
    expected = [_factor_without(counts, week) for week in weeks]
    assert found.without_week == pytest.approx(expected, rel=1e-9)
    values, count = np.array(expected), len(weeks)
    by_hand = np.sqrt((count - 1) / count * sum((value - values.mean()) ** 2 for value in values))
    assert jackknife_error(np.array(found.without_week)) == pytest.approx(by_hand, rel=1e-9)
    assert jackknife_error(np.array([])) == 0


def _factor_without(counts, week):
    """Proportional fitting by hand over the days that are left, then L0/L1 over all days."""
    kept = [day for day in counts if day.isocalendar()[:2] != week]
    levels = {APRIL: 1.0, MAY: 1.0}
    for _ in range(500):
        weights = [
            sum(counts[day] for day in kept if day.weekday() == kind)
            / sum(levels[APRIL if day in APRIL else MAY] for day in kept if day.weekday() == kind)
            for kind in range(7)
        ]
        levels = {
            one: sum(counts[day] for day in kept if day in one)
            / sum(weights[day.weekday()] for day in kept if day in one)
            for one in levels
        }
    return sum(weights[day.weekday()] for day in days_of(APRIL)) / sum(weights[day.weekday()] for day in days_of(MAY))


@pytest.mark.long
@pytest.mark.parametrize("level", [20.0, 300.0, 5000.0])
def test_the_stated_error_holds_the_planted_factor_about_as_often_as_it_says(level):
    """Days that vary by a tenth beyond chance: of 1,000 intervals of 95 %, 93 to 97 of 100 hold the planted factor.

    Two errors are 1.4. With 20 on a usual day there are two on a Sunday.
    """
    rng = np.random.default_rng(int(level))
    sums = [sum(WEIGHTS[day.weekday()] for day in days_of(one)) for one in (APRIL, MAY)]
    held, many = 0, 1000
    for _ in range(many):
        means = planted(APRIL, MAY, levels=(level, level * 1.1))
        drawn = {day: float(rng.poisson(mean * rng.gamma(100, 0.01))) for day, mean in means.items()}
        held += _holds(APRIL, MAY, drawn, sums[0] / sums[1])
    assert 0.93 <= held / many <= 0.97


@pytest.mark.parametrize(("weekday", "weekend"), [(42.0, 4.0), (20.0, 3.0), (8.0, 2.0)])
def test_the_interval_of_a_thin_desk_holds_the_planted_factor_in_95_of_100(weekday, weekend):
    """A desk with a few tickets at the weekend: 300 draws of August and September, two errors are 2.5 of 100."""
    rng = np.random.default_rng(int(weekday))
    weights = (weekday,) * 5 + (weekend,) * 2
    august, september = (Period(date(2026, month, 1), date(2026, month + 1, 1)) for month in (8, 9))
    sums = [sum(weights[day.weekday()] for day in days_of(one)) for one in (august, september)]
    means = planted(august, september, weights=weights, levels=(1.0, 1.1))
    held = sum(
        _holds(august, september, {day: float(rng.poisson(mean)) for day, mean in means.items()}, sums[0] / sums[1])
        for _ in range(300)
    )
    assert 0.92 <= held / 300 <= 0.98


def _holds(reference, period, counts, planted_factor):
    """Whether the 95 % interval of a fit holds a factor: Student's t with a degree of freedom less than weeks."""
    found = fit_service_days(reference, period, counts)
    error = critical(len(found.without_week)) * jackknife_error(np.array(found.without_week))
    return abs(found.factor - planted_factor) <= error


def test_days_that_the_text_closed_for_a_time_in_the_period_weigh_nothing_and_tell_nothing():
    """Closed on the last two Saturdays of April, with 4 calls a day usually (too few to be quiet): 28 days and 31."""
    gone = frozenset({date(2026, 4, 18), date(2026, 4, 25)})
    counts = planted(MARCH, APRIL, weights=(1,) * 7, levels=(4.0, 4.0)) | dict.fromkeys(gone, 0.0)
    found = fit_service_days(MARCH, APRIL, counts, Opening(frozenset(range(7)), closed=gone))
    assert (found.before, found.after) == (31.0, 28.0)
    assert found.weights == pytest.approx(dict.fromkeys(range(7), 1.0))


def test_days_that_the_text_closed_in_the_period_held_against_are_volume():
    """Two Saturdays of March without service by its text: April's calendar has them open, so March is 31 days long."""
    gone = frozenset({date(2026, 3, 7), date(2026, 3, 14)})
    counts = planted(MARCH, APRIL, weights=(1,) * 7, levels=(4.0, 4.0)) | dict.fromkeys(gone, 0.0)
    found = fit_service_days(MARCH, APRIL, counts, Opening(frozenset(range(7)), unserved=gone))
    assert (found.before, found.after) == (31.0, 30.0)
    assert found.weights == pytest.approx(dict.fromkeys(range(7), 1.0))


def test_a_holiday_with_hours_of_its_own_is_open_on_a_weekday_that_is_closed():
    sunday = date(2026, 4, 5)
    opening = Opening(frozenset(range(6)), frozenset({sunday}), frozenset(), frozenset({sunday}))
    assert (opening.class_of(sunday), opening.is_open(sunday)) == (HOLIDAY, True)
    assert agreed_days(MARCH, APRIL, opening).after == 26 + 1
    found = fit_service_days(
        MARCH, APRIL, planted(MARCH, APRIL, weights=(1,) * 6 + (0,), holidays={sunday}, holiday=0.5), opening
    )
    assert (found.before, found.after) == pytest.approx((26 / 26.5 * 26.5, 26.5), rel=0.02)
