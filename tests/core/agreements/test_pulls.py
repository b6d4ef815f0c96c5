"""What a wording pulls towards, measure by measure."""

import pytest

from comity.core.agreements.kpi import MEASURES, Abandons, Kpi
from comity.core.agreements.pulls import Pull, PullKind, new_pulls, pulls


def of(abandons: Abandons, short: float | None) -> Kpi:
    return Kpi("sl", "service_level", abandons=abandons, short_abandon_s=short)


@pytest.mark.parametrize(
    ("abandons", "short", "expected"),
    [
        (Abandons.COUNT, 5.0, []),
        (Abandons.EXCLUDE_SHORT, 5.0, [Pull(PullKind.GIVE_UP_SOON, 5.0)]),
        (Abandons.EXCLUDE_SHORT, None, []),  # without a limit nobody is left out
        (Abandons.EXCLUDE_SHORT, 0.0, []),
        (Abandons.EXCLUDE_ALL, 5.0, [Pull(PullKind.GIVE_UP)]),
    ],
)
def test_a_service_level_pulls_by_whom_it_leaves_out(abandons, short, expected):
    assert list(pulls(of(abandons, short))) == [*expected, Pull(PullKind.PAST_THRESHOLD, 20.0)]


def test_only_what_a_change_makes_worse_is_new():
    before, after = of(Abandons.EXCLUDE_SHORT, 5.0), of(Abandons.EXCLUDE_SHORT, 20.0)
    assert new_pulls(before, after) == (Pull(PullKind.GIVE_UP_SOON, 20.0),)
    assert new_pulls(after, before) == ()
    assert new_pulls(None, before) == pulls(before)
    assert new_pulls(Kpi("a", "wait_mean"), before) == pulls(before)


def test_a_weaker_pull_of_the_same_kind_is_not_new():
    """Leaving out short abandons is less than leaving out all; after a longer window fewer come again."""
    assert new_pulls(of(Abandons.EXCLUDE_ALL, 5.0), of(Abandons.EXCLUDE_SHORT, 5.0)) == ()
    assert [one.kind for one in new_pulls(of(Abandons.EXCLUDE_SHORT, 5.0), of(Abandons.EXCLUDE_ALL, 5.0))] == [
        PullKind.GIVE_UP
    ]
    week, fortnight = (Kpi("r", "repeat_contact", within_days=days) for days in (7, 14))
    assert new_pulls(week, fortnight) == ()
    assert new_pulls(fortnight, week) == (Pull(PullKind.AFTER_WINDOW, 7),)
    slower = Kpi("sl", "service_level", answer_within_s=60.0)
    assert new_pulls(Kpi("sl", "service_level"), slower) == ()


def test_abandonment_leaves_out_short_ones_whatever_its_service_level_does():
    assert pulls(Kpi("a", "abandonment", abandons=Abandons.COUNT, short_abandon_s=5.0)) == (
        Pull(PullKind.GIVE_UP_SOON, 5.0),
    )


def test_each_measure_but_two_has_a_pull_that_is_known():
    without = {name for name in MEASURES if not pulls(Kpi("a", name, short_abandon_s=5.0))}
    assert without == {"attrition", "forecast_wape"}
