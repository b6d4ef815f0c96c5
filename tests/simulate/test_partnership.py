"""Local time of whole arrays, and the frame of a simulated partnership."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from comity.simulate.partnership import ZONE, LocalTime, TooShortError, make_partnership
from comity.simulate.stories import STORIES


def test_slots_utc_follow_the_zone_database():
    zone = LocalTime(ZONE, date(2026, 3, 28), date(2026, 3, 31))
    days = np.arange(np.datetime64("2026-03-28"), np.datetime64("2026-03-31"))
    utc, exists = zone.slots_utc(days)
    for at, day in enumerate(days.tolist()):
        for slot in np.flatnonzero(exists[at]):
            here = datetime(day.year, day.month, day.day, slot // 2, slot % 2 * 30, tzinfo=ZoneInfo(ZONE))
            assert utc[at, slot] == here.timestamp()
    assert np.argwhere(~exists).tolist() == [[1, 4], [1, 5]]  # 02:00 and 02:30 of 29 March 2026 do not exist


def test_slots_utc_takes_the_first_of_a_repeated_half_hour():
    zone = LocalTime(ZONE, date(2026, 10, 25), date(2026, 10, 26))
    utc, exists = zone.slots_utc(np.array(["2026-10-25"], "datetime64[D]"))
    assert exists.all()
    assert utc[0, 4] == datetime(2026, 10, 25, 0, 0, tzinfo=UTC).timestamp()


def test_local_time_of_an_instant_follows_the_zone():
    zone = LocalTime(ZONE, date(2025, 1, 1), date(2026, 12, 31))
    seconds = np.random.default_rng(1).integers(1_735_700_000, 1_798_000_000, 300)
    expected = [
        int(datetime.fromtimestamp(one, ZoneInfo(ZONE)).replace(tzinfo=UTC).timestamp()) for one in seconds.tolist()
    ]
    assert zone.local(seconds).tolist() == expected


def test_conditions_of_the_story_are_those_of_the_last_whole_quarter():
    partnership = make_partnership(STORIES["service_real"], 1, 7, 100, date(2026, 7, 1))
    bad = [partnership.conditions(quarter).service.short_of_plan > 0 for quarter in partnership.quarters]
    assert [f"{quarter.start}" for quarter in partnership.quarters] == ["2026-01-01", "2026-04-01", "2026-07-01"]
    assert bad == [False, True, True]  # a quarter that has only begun is as the last whole one


def test_too_short_a_partnership_is_refused():
    with pytest.raises(TooShortError, match="two whole quarters"):
        make_partnership(STORIES["healthy"], 1, 5, 100, date(2026, 6, 1))
