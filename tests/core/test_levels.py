"""Levels: the arithmetic of contracts, errors, the six service levels and whose figure is whose."""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.kpi import MEASURES, Abandons, Kpi
from comity.core.levels import (
    Formulas,
    Intervals,
    LevelStats,
    Moments,
    Quantile,
    Reported,
    Sampled,
    matching_variant,
    measure,
    meets,
    moments,
    service_levels,
    wilson,
)
from comity.core.values import Period, Side

QUARTER = Period(date(2026, 4, 1), date(2026, 7, 1))
# ICMI's example hour (standards.md 2.1; kpi_reference.json, service_level_icmi): 1060 offered, 1000 answered,
# 860 of them within T, 20 gave up within T, 10 of those within s.
ICMI = service_levels(answered=1000, within=860, abandoned=60, short=10, abandoned_within=20)


def stats(measure_name="service_level", counted=None, **more):
    kpi = Kpi("k", measure_name, better=MEASURES[measure_name].better, **more.pop("kpi", {}))
    sampled = more.pop("sampled", Sampled.WEEKS)
    return LevelStats(kpi, QUARTER, counted or Moments(1, 1.0, 2.0), sampled, **more)


def test_the_six_service_levels_of_one_hour_span_five_points():
    published = {"V1": 81.1321, "V2": 83.0189, "V3": 86.0, "V4": 82.6923, "V5": 82.0755, "V6": 81.9048}
    assert {name: 100 * num / den for name, (num, den) in ICMI.items()} == pytest.approx(published, abs=5e-5)


@given(st.lists(st.integers(0, 1000), min_size=5, max_size=5))
def test_service_levels_keep_their_order(counts):
    """V1 <= V6 <= V4 <= V2, V1 <= V5 <= V2, V6 <= V5, V4 <= V3 (standards.md 2.1), whatever is counted."""
    within, later, short, soon, long = counts
    levels = service_levels(
        answered=within + later,
        within=within,
        abandoned=short + soon + long,
        short=short,
        abandoned_within=short + soon,
    )
    v = {name: num / den for name, (num, den) in levels.items() if den}
    for low, high in (("V1", "V6"), ("V6", "V4"), ("V4", "V2"), ("V1", "V5"), ("V5", "V2"), ("V6", "V5"), ("V4", "V3")):
        if low in v and high in v:
            assert v[low] <= v[high] + 1e-12


def test_a_bias_of_exactly_a_tenth_meets_a_tenth():
    """kpi_reference.json, volume_band: 11000/10000 - 1 <= 0.10 is false in floating point and true in the contract."""
    kpi = Kpi("bias", "forecast_bias", target=0.10)
    assert not 11000 / 10000 - 1 <= 0.10
    assert meets(kpi, 11000 - 10000, 10000) is True
    assert meets(kpi, -1000, 10000) is True
    assert meets(kpi, 1001, 10000) is False


@pytest.mark.parametrize(("num", "met"), [(80, True), (79, False)])
def test_a_target_is_met_when_it_is_reached(num, met):
    assert meets(Kpi("sl", "service_level", target=0.8), num, 100) is met


def test_lower_is_better_where_the_kpi_says_so():
    assert meets(Kpi("asa", "wait_mean", target=30.0, better="lower"), 3000.0, 100) is True
    assert meets(Kpi("asa", "wait_mean", target=30.0, better="lower"), 3000.5, 100) is False
    assert meets(Kpi("asa", "wait_mean", better="lower"), 3000.5, 100) is None


def test_error_of_a_ratio_over_weeks_is_the_linearised_one():
    """By hand: 80, 90, 70 of 100 each; R = 0.8, N = 0, 10/300, -10/300; s² = 3/2 * 2/900."""
    counted = moments([80, 90, 70], [100, 100, 100])
    assert counted.se == pytest.approx((3 / 2 * 2 / 900) ** 0.5)


def test_weeks_that_agree_have_no_error_rather_than_a_rounding():
    assert moments([79.7 * 3, 79.7 * 7, 79.7], [3, 7, 1]).se == 0.0


def test_error_of_a_mean_is_that_of_every_textbook():
    from scipy import stats as scipy_stats

    scores = np.array([5, 4, 4, 3, 1, 5, 5, 2, 4, 5, 3, 4], dtype=float)
    assert moments(scores, np.ones(12)).se == pytest.approx(scipy_stats.sem(scores))


@pytest.mark.parametrize(
    ("good", "size", "low", "high"),
    [(85, 100, 0.767164, 0.90694), (17, 20, 0.639581, 0.947631), (850, 1000, 0.826531, 0.87079)],
)
def test_wilson_intervals_are_the_published_ones(good, size, low, high):
    """kpi_reference.json, survey; statsmodels says the same."""

    from statsmodels.stats.proportion import proportion_confint

    found = wilson(good / size, size, 1.959963984540054)
    assert found == pytest.approx((low, high), abs=1e-6)
    assert found == pytest.approx(proportion_confint(good, size, method="wilson"), rel=1e-12)


@pytest.mark.parametrize(("promoters", "detractors", "size", "half"), [(100, 40, 200, 10.8243), (20, 8, 40, 24.2038)])
def test_nps_and_its_error_are_the_reference_ones(promoters, detractors, size, half):
    """kpi_reference.json, survey: 30.0 with 1.96 times sqrt((p + d - (p - d)²)/n); ours corrects n to n - 1."""
    scores = [100.0] * promoters + [-100.0] * detractors + [0.0] * (size - promoters - detractors)
    level = measure(stats("nps", moments(scores, [1.0] * size), sampled=Sampled.PEOPLE))
    assert (level.value, level.unit) == (30.0, "points")
    assert level.se * 1.959964 * ((size - 1) / size) ** 0.5 == pytest.approx(half, abs=5e-4)


def test_a_survey_inside_its_interval_is_not_beyond_chance():
    """17 of 20 against 0.80: 63.96 to 94.76 %; no bonus and no malus on such a difference."""
    answers = moments([1.0] * 17 + [0.0] * 3, [1.0] * 20)
    level = measure(stats("csat", answers, sampled=Sampled.PEOPLE, kpi={"target": 0.8}))
    assert (level.met, level.beyond_chance) == (True, False)
    assert measure(stats("csat", answers, sampled=Sampled.PEOPLE, kpi={"target": 0.5})).beyond_chance is True


def test_an_interval_needs_four_weeks_or_ten_people():
    few = moments([8.0, 9.0, 7.0], [10.0, 10.0, 10.0])
    assert measure(stats(counted=few, kpi={"target": 0.1})).beyond_chance is None
    four = moments([8.0, 9.0, 7.0, 8.0], [10.0, 10.0, 10.0, 10.0])
    assert measure(stats(counted=four, kpi={"target": 0.1})).beyond_chance is True
    nine = moments([1.0] * 5 + [0.0] * 4, [1.0] * 9)
    assert measure(stats("csat", nine, sampled=Sampled.PEOPLE, kpi={"target": 0.1})).beyond_chance is None


def test_units_that_are_all_alike_do_not_tell_chance():
    """None of twelve people left: that is 0 %, and says nothing of whether 5 % would have been by chance."""
    nobody = moments([0.0] * 12, [1.0] * 12)
    level = measure(stats("attrition", nobody, sampled=Sampled.PEOPLE, kpi={"target": 0.05}))
    assert (level.value, level.met, level.beyond_chance, level.low) == (0.0, True, None, None)


def test_a_bias_is_held_against_its_target_to_both_sides():
    """-4.2 % against 5 %: met, and the 95 % interval reaches beyond -5 %."""
    counted = moments([-4.0, -5.0, -3.8, -4.0], [100.0] * 4)
    level = measure(stats("forecast_bias", counted, kpi={"target": 0.05}))
    assert (level.met, level.beyond_chance) == (True, False)
    assert measure(stats("forecast_bias", counted, kpi={"target": 0.01})).beyond_chance is True


def test_pooled_level_and_mean_of_intervals_differ():
    """kpi_reference.json, interval_averaging: pooled 72.13 %, mean of intervals 88.06 %, intervals at 80 % 66.67 %."""
    offered, within = [20, 30, 200, 180, 25, 15], [20, 29, 130, 120, 25, 15]
    rates = [w / o for w, o in zip(within, offered, strict=True)]
    intervals = Intervals(sum(rates), 6, sum(rate >= 0.8 for rate in rates))
    level = measure(stats(counted=Moments(1, sum(within), sum(offered)), intervals=intervals))
    assert 100 * level.value == pytest.approx(72.1277, abs=5e-5)
    assert 100 * level.mean_of_intervals == pytest.approx(88.0556, abs=5e-5)
    assert 100 * level.intervals_in_target == pytest.approx(66.6667, abs=5e-5)


def test_explains_names_the_formula_behind_each_sides_figure():
    """Customer 81 %, provider 86 %, on the same hour; the definition leaves short abandons out (V6, 81.90 %)."""
    said = {Side.CUSTOMER: Reported(0.811, 3), Side.PROVIDER: Reported(0.86, 2)}
    level = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, reported=said))
    assert level.explains == {Side.CUSTOMER: "V1", Side.PROVIDER: "V3"}
    assert level.reported == {Side.CUSTOMER: 0.811, Side.PROVIDER: 0.86}


def test_of_how_many_months_a_sides_figure_is_made_stands_beside():
    """The customer's is the mean of three months, the provider's one figure of the quarter."""
    month = (Reported(0.8, 2), Formulas(ICMI))
    said = {Side.CUSTOMER: Reported(0.8, 2, months=(month,) * 3), Side.PROVIDER: Reported(0.8, 2)}
    level = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, reported=said))
    assert level.also["reported_months"] == {"customer": 3}
    alone = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, reported={Side.PROVIDER: Reported(0.8, 2)}))
    assert "reported_months" not in alone.also


def test_matching_variant_prefers_the_kpis_own_formula():
    """82 % fits V5 (82.08 %) better than V6 (81.90 %), but V6 is what was agreed."""
    values = {name: num / den for name, (num, den) in ICMI.items()}
    assert matching_variant([(Reported(0.82, 2), values)], "V6") == "V6"
    assert matching_variant([(Reported(0.82, 2), values)], "V1") == "V5"
    assert matching_variant([(Reported(0.75, 2), values)], "V6") is None


def test_explains_in_full_only_where_the_agreed_count_does_not_match():
    """Without the outage V1 is 860 of 1060 and V4 860 of 1040; with it V1 is 900 of 1210 and V3 900 of 1090."""
    in_full = service_levels(answered=1090, within=900, abandoned=120, short=10, abandoned_within=20)
    reported = {Side.CUSTOMER: Reported(0.8113, 4), Side.PROVIDER: Reported(0.8269, 4)}
    level = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, in_full=in_full, reported=reported))
    assert (level.explains, level.explains_in_full) == ({Side.CUSTOMER: "V1", Side.PROVIDER: "V4"}, {})
    reported = {Side.CUSTOMER: Reported(0.7438, 4), Side.PROVIDER: Reported(0.8257, 4)}
    level = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, in_full=in_full, reported=reported))
    assert (level.explains, level.explains_in_full) == ({}, {Side.CUSTOMER: "V1", Side.PROVIDER: "V3"})
    assert level.variants_in_full["V3"] == 900 / 1090


def test_formula_is_matched_month_by_month():
    """V3 in a busy and in a quiet month, 0.86 and 0.5: weighted by days 0.68, while V3 of both is 960 of 1200."""
    quiet = service_levels(answered=200, within=100, abandoned=0, short=0, abandoned_within=0)
    both = {name: tuple(map(sum, zip(ICMI[name], quiet[name], strict=True))) for name in ICMI}
    months = ((Reported(0.86, 2), Formulas(ICMI)), (Reported(0.5, 2), Formulas(quiet)))
    said = {Side.PROVIDER: Reported(0.68, 2, months, weighted=True)}
    assert measure(stats(counted=Moments(1, 960, 1250), variants=both, reported=said)).explains == {Side.PROVIDER: "V3"}
    months = ((Reported(0.86, 2), Formulas(ICMI)), (Reported(0.4, 2), Formulas(quiet)))
    by_chance = {Side.PROVIDER: Reported(960 / 1200, 2, months, weighted=True)}
    assert measure(stats(counted=Moments(1, 960, 1250), variants=both, reported=by_chance)).explains == {}


def test_a_month_without_an_exclusion_matches_in_full():
    in_full = service_levels(answered=1090, within=900, abandoned=120, short=10, abandoned_within=20)
    months = ((Reported(0.8257, 4), Formulas(ICMI, in_full)), (Reported(0.86, 4), Formulas(ICMI)))
    said = {Side.PROVIDER: Reported(0.8431, 4, months)}
    level = measure(stats(counted=Moments(1, 860, 1050), variants=ICMI, in_full=in_full, reported=said))
    assert level.explains_in_full == {Side.PROVIDER: "V3"}


def test_service_level_is_the_agreed_variant():
    for abandons, name in ((Abandons.COUNT, "V1"), (Abandons.EXCLUDE_SHORT, "V6"), (Abandons.EXCLUDE_ALL, "V3")):
        num, den = ICMI[name]
        level = measure(stats(counted=Moments(1, num, den), variants=ICMI, kpi={"abandons": abandons}))
        assert level.value == level.variants[name]


def test_error_of_a_quantile_is_woodruffs():
    """Waits spread evenly from 0 to 100 s: a share is worth 100 s, so the errors are in that proportion."""
    grid = tuple(np.linspace(0.5, 1, 101))
    quantile = Quantile(0.9, 90.0, grid, tuple(100 * p for p in grid))
    share = moments([89, 91, 90, 90, 88, 92], [100.0] * 6)
    level = measure(stats("wait_p90", share, quantile=quantile, kpi={"target": 90.0}))
    assert (level.value, level.unit, level.met) == (90.0, "seconds", True)
    assert level.se == pytest.approx(100 * share.se)


def test_a_stock_is_counted_has_no_error_and_nothing_to_do_with_chance():
    level = measure(stats("backlog", Moments(1, 412, 1), sampled=Sampled.EXACT, kpi={"target": 400.0}))
    assert (level.value, level.se, level.unit, level.met, level.beyond_chance) == (412, 0.0, "count", False, None)


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(1, 500)), min_size=2, max_size=60))
def test_moments_say_what_the_units_say(units):
    a, o = (np.array(column, dtype=float) for column in zip(*units, strict=True))
    ratio = a.sum() / o.sum()
    expected = np.sqrt(len(o) / (len(o) - 1) * ((a - ratio * o) ** 2).sum()) / o.sum()
    assert moments(a, o).se == pytest.approx(expected, rel=1e-5, abs=1e-6)


def test_the_interval_of_a_share_of_contacts_is_never_narrower_than_the_binomial_one():
    """By hand: 1,868 of 3,188 (58.6 %) in four weeks that differ by one contact from their share.

    Wilson at 3,188 and z = 1.96: (0.58595 + 0.000603 -+ 0.017102) / 1.001205 = 0.56877 to 0.60292.
    """
    sizes = [797, 797, 797, 797]
    level = measure(stats(counted=moments([466, 467, 467, 468], sizes), kpi={"target": 0.57}))
    assert level.value == pytest.approx(1868 / 3188)
    assert (level.low, level.high) == pytest.approx((0.56877, 0.60292), abs=2e-5)
    assert level.beyond_chance is False
    assert level.se == pytest.approx(0.000512, abs=1e-6)  # the error itself stays that of the weeks
    occupancy = measure(stats("occupancy", counted=moments([466, 467, 467, 468], sizes)))
    assert occupancy.high - occupancy.low < 0.01  # of times, not of counted contacts


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), min_size=4, max_size=6))
def test_no_interval_of_contacts_is_narrower_than_wilsons(weeks):
    counted = moments([good for good, _ in weeks], [good + bad for good, bad in weeks])
    if not counted.den:
        return
    level = measure(stats("abandonment", counted=counted))
    if level.low is not None:
        low, high = wilson(level.value, counted.den, 1.959963984540054)
        assert level.low <= low
        assert level.high >= high


@pytest.mark.long
@pytest.mark.parametrize("sizes", [[100, 740, 740, 740, 740, 130], [300, 750, 750, 750, 650], [2000, 100, 100, 100]])
@pytest.mark.parametrize("share", [0.586, 0.8, 0.95])
def test_the_interval_of_a_month_of_independent_contacts_covers_the_truth(sizes, share):
    """20,000 months each: t over weeks alone covers 93 % where a month begins and ends within a week, 81 % at worst.

    Three standard errors of a simulated coverage of 95 % are 0.0046.
    """
    random, counts = np.random.default_rng(14), np.array(sizes)
    good = random.binomial(counts, share, size=(20_000, len(sizes)))
    covered = 0
    for weeks in good:
        level = measure(stats(counted=moments(weeks, counts)))
        covered += level.low is not None and level.low <= share <= level.high
    assert covered / len(good) > 0.95 - 0.0046
