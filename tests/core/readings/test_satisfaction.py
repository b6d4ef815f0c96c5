"""Reading of satisfaction, from sums that a reader can check by hand."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.readings.decomposition import decompose
from comity.core.readings.satisfaction import (
    AnswerCells,
    Answers,
    Fifth,
    Gone,
    Group,
    Scale,
    Stats,
    Units,
    read,
    wilson,
)

CSAT = Scale("csat", 1.0, 5.0, "third_party")
SURE = Units(40, 30, 1e-5, 1e-5, 1e-5)  # 40 accounts, errors of 0.003: what moves by 0.08 moves beyond chance

# 100 answered before: 60 stayed (mean 4.0), the account of 20 left (2.5), 20 fell silent (3.5): mean 3.6.
# 80 answered after: the 60 (3.95), 15 new (4.2), 5 back (4.0): mean 4.0. Everyone answered once.
# within 3.95 - 4.0 = -0.05; survivorship 20/100 (4.0 - 2.5) = 0.3; silence 20/100 (4.0 - 3.5) = 0.1;
# arrival 15/80 (4.2 - 3.95) = 0.046875; return 5/80 (4.0 - 3.95) = 0.003125; together 0.4.
WORKED = Stats(
    scale=CSAT,
    before=Answers(100, 360.0),
    after=Answers(80, 320.0),
    stayed=Group(60, 240.0, 237.0),
    left=Group(20, 50.0),
    silent=Group(20, 70.0),
    unasked=Group(),
    new=Group(15, after=63.0),
    back=Group(5, after=20.0),
    units=SURE,
    sd_change=0.5,
    last_score_left=2.4,
)


def values(reading):
    return {part.id: part.value for part in reading.parts}


def test_read_gives_the_worked_example_of_the_docs():
    reading = read(WORKED)
    assert values(reading) == pytest.approx(
        {
            "within": -0.05,
            "survivorship": 0.3,
            "silence": 0.1,
            "unasked": 0.0,
            "arrival": 0.046875,
            "return": 0.003125,
            "repeats": 0.0,
        },
        abs=1e-12,
    )
    assert reading.headline.change == pytest.approx(0.4)
    assert (reading.verdict, reading.cause) == ("illusory", "survivorship")
    assert reading.counts == {"stayed": 60, "left": 20, "silent": 20, "unasked": 0, "new": 15, "back": 5}
    assert reading.variant == "csat 1-5 third_party"
    assert reading.material == pytest.approx(0.08)
    assert reading.also["last_score_left"] == 2.4


def test_repeats_is_what_answering_more_often_adds():
    # The 60 gave 120 answers before: (480 + 50 + 70) / 160 = 3.75 over answers, still 3.6 over people.
    reading = read(replace(WORKED, before=Answers(160, 600.0)))
    assert reading.headline.change == pytest.approx(0.25)
    assert values(reading)["repeats"] == pytest.approx(0.25 - 0.4)


def test_errors_are_scaled_by_units_and_z_is_of_those_who_stayed():
    reading = read(replace(WORKED, units=Units(40, 30, 4e-4, 9e-4, 16e-4)))
    assert reading.headline.se == pytest.approx(0.02 * math.sqrt(40 / 39))
    assert reading.like_for_like.se == pytest.approx(0.03 * math.sqrt(30 / 29))
    assert reading.gap.se == pytest.approx(0.04 * math.sqrt(40 / 39))
    assert reading.z == pytest.approx(2.04523, abs=1e-5)  # t(0.975, 29), any table


@pytest.mark.parametrize(("units", "error"), [((9, 9), 1e-5), ((40, 30), 0.0)])
def test_too_few_accounts_or_no_spread_is_unclear(units, error):
    reading = read(replace(WORKED, units=Units(*units, 1e-5, error, 1e-5)))
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", None, None)


# Rules --------------------------------------------------------------------------------------------------------


def steady(left: int, spread: float) -> Stats:
    """100 before at 4.0 and 100 - left of them after at 4.0."""
    stayed = 100 - left
    return replace(
        WORKED,
        before=Answers(100, 400.0),
        after=Answers(stayed, 4.0 * stayed),
        stayed=Group(stayed, 4.0 * stayed, 4.0 * stayed),
        left=Group(left, 4.0 * left),
        silent=Group(),
        new=Group(),
        back=Group(),
        sd_change=spread,
    )


def test_those_who_left_could_undo_it_when_they_need_not_change_much():
    # t = -(90 x 0 + 0.08 x 100) / 10 = -0.8: beyond 1.5 x 0.5 = 0.75, within 1.5 x 0.6 = 0.9.
    assert read(steady(10, 0.5)).verdict == "steady"
    tipped = read(steady(10, 0.6))
    assert (tipped.verdict, tipped.cause, tipped.would_be) == ("unclear", "survivorship", "steady")


def test_those_who_left_could_undo_it_when_they_are_over_a_quarter():
    # 25 of 100: t = -0.32; 26: over a quarter, however unlikely the change.
    assert read(steady(25, 0.1)).verdict == "steady"
    assert read(steady(26, 0.1)).cause == "survivorship"


def test_a_genuine_fall_is_not_undone_by_those_who_left():
    fell = replace(steady(26, 2.0), after=Answers(74, 3.5 * 74), stayed=Group(74, 4.0 * 74, 3.5 * 74))
    assert read(fell).verdict == "genuine"


def unasked(fifths) -> Stats:
    """100 before at 3.6, 60 stayed and rose from 3.6 to 4.0; 40 were not asked again."""
    return replace(
        WORKED,
        before=Answers(100, 360.0),
        after=Answers(60, 240.0),
        stayed=Group(60, 216.0, 240.0),
        left=Group(),
        silent=Group(),
        unasked=Group(40, 144.0),
        new=Group(),
        back=Group(),
        fifths=fifths,
    )


def test_many_who_were_not_asked_are_weighted_in():
    same = (Fifth(20, 12, 4.8),) * 5  # each group rose by 0.4: weighting changes nothing
    assert read(unasked(same)).verdict == "genuine"
    # Only the low rose, and of the high hardly anyone was asked: 0.2 x 24/30 + 0.2 x 0 + ... = 0.16 < 0.4 / 2.
    other = (Fifth(20, 30, 24.0), Fifth(20, 20, 0.0), Fifth(20, 6, 0.0), Fifth(20, 2, 0.0), Fifth(20, 2, 0.0))
    told = read(unasked(other))
    assert (told.verdict, told.cause, told.would_be) == ("unclear", "unasked", "genuine")
    assert told.like_for_like.change == pytest.approx(0.4)  # the rule turns the verdict, not the figure


def test_a_group_in_which_nobody_stayed_joins_the_next_lower_and_the_lowest_the_next_higher():
    # (20 + 20) / 100 x 30/30 + (20 + 20 + 20) / 100 x 0/30 = 0.4: the verdict stands.
    joined = (Fifth(20, 0, 0.0), Fifth(20, 30, 30.0), Fifth(20, 30, 0.0), Fifth(20, 0, 0.0), Fifth(20, 0, 0.0))
    assert (read(unasked(joined)).verdict, read(unasked(joined)).would_be) == ("genuine", None)
    # All weight on the group that fell: 1.0 x -12/30; the other group is empty.
    fell = (Fifth(20, 0, 0.0), Fifth(80, 60, -24.0), Fifth(0, 0, 0.0), Fifth(0, 0, 0.0), Fifth(0, 0, 0.0))
    assert read(unasked(fell)).cause == "unasked"


def test_a_tenth_not_asked_is_not_many():
    few = replace(WORKED, silent=Group(10, 35.0), unasked=Group(10, 35.0))
    assert read(few).verdict == "illusory"  # no fifths were gathered, and none are asked for


# Small sets ---------------------------------------------------------------------------------------------------


def test_a_set_of_one_to_four_joins_its_neighbours():
    reading = read(
        replace(
            WORKED, left=Group(3, 7.5), silent=Group(37, 112.5), new=Group(4, after=16.8), back=Group(16, after=66.2)
        )
    )
    assert list(values(reading)) == ["within", "survivorship+silence+unasked", "arrival+return", "repeats"]
    assert reading.counts == {"stayed": 60, "survivorship+silence+unasked": 40, "arrival+return": 20}
    assert reading.cause == "survivorship+silence+unasked"
    assert "last_score_left" not in reading.also


def test_where_even_the_sum_is_under_five_only_the_two_changes_are_given():
    reading = read(replace(WORKED, new=Group(3, after=12.0), back=Group(), after=Answers(63, 249.0)))
    assert (reading.parts, reading.counts) == ((), {})
    assert reading.like_for_like.change == pytest.approx(-0.05)


def test_of_one_to_four_who_stayed_only_the_headline_is_given():
    reading = read(replace(WORKED, stayed=Group(4, 16.0, 16.0), new=Group(15, after=63.0), back=Group(5, after=20.0)))
    assert reading.headline.change == pytest.approx(0.4)
    assert (reading.like_for_like, reading.gap, reading.parts, reading.counts) == (None, None, (), {})
    assert reading.verdict == "unclear"
    assert reading.also == {}


def test_fewer_than_five_in_a_period_are_not_shown_at_all():
    assert read(replace(WORKED, stayed=Group(4, 16.0, 16.0), new=Group(), back=Group())) is None


@given(st.lists(st.integers(0, 9), min_size=6, max_size=6), st.integers(0, 9), st.integers(0, 9))
def test_no_set_of_one_to_four_people_can_be_worked_out(sizes, high_left, rest_left):
    stayed, left, silent, not_asked, new, back = sizes
    stats = replace(
        WORKED,
        stayed=Group(stayed, 4.0 * stayed, 4.0 * stayed),
        left=Group(left, 2.0 * left),
        silent=Group(silent, 3.0 * silent),
        unasked=Group(not_asked, 3.0 * not_asked),
        new=Group(new, after=3.0 * new),
        back=Group(back, after=3.0 * back),
        fifths=(Fifth(stayed + left + silent + not_asked, stayed, 0.0), *(Fifth(0, 0, 0.0),) * 4),
        top_quarter=Gone(stayed + silent + high_left, high_left),
        the_rest=Gone(not_asked + rest_left, rest_left),
    )
    reading = read(stats)
    if reading is None:
        return
    counts = dict(reading.counts)
    assert not any(1 <= count <= 4 for count in counts.values())
    true = {"left": left, "silent": silent, "unasked": not_asked, "new": new, "back": back}
    for joint, names in (
        ("survivorship+silence+unasked", ("left", "silent", "unasked")),
        ("arrival+return", ("new", "back")),
    ):
        if any(1 <= true[name] <= 4 for name in names):
            assert not set(names) & set(counts)
            assert not {"survivorship", "arrival"} & set(values(reading)) & set(joint.split("+"))
    for group in (reading.also.get("loyalty") or {}).values():
        gone = round(group["share"] * group["n"])
        assert gone == 0 or gone >= 5
        assert group["n"] == gone or group["n"] - gone >= 5
    if "loyalty" in reading.also or "last_score_left" in reading.also:
        assert "left" in counts


# Identities ---------------------------------------------------------------------------------------------------

people = st.integers(5, 400)
score = st.floats(1, 5)


@given(*[people] * 6, *[score] * 8, st.integers(1, 900), st.integers(1, 900))
def test_parts_add_up(stayed, left, silent, not_asked, new, back, y0, y1, a, b, c, d, e, f, count0, count1):
    stats = replace(
        WORKED,
        before=Answers(count0, e * count0),
        after=Answers(count1, f * count1),
        stayed=Group(stayed, y0 * stayed, y1 * stayed),
        left=Group(left, a * left),
        silent=Group(silent, b * silent),
        unasked=Group(not_asked, c * not_asked),
        new=Group(new, after=d * new),
        back=Group(back, after=a * back),
        fifths=(Fifth(1, 1, 0.0),) * 5,
    )
    reading = read(stats)
    if reading.also.get("design") == "touch":
        return
    size = math.fsum(abs(part.value) for part in reading.parts)
    total = math.fsum(part.value for part in reading.parts)
    assert abs(total - reading.headline.change) <= 1e-9 * size + 1e-15
    held = math.fsum(part.value for part in reading.parts if part.like_for_like)
    assert held == reading.like_for_like.change


@given(st.integers(0, 400), st.integers(1, 400))
def test_wilson_is_that_of_statsmodels(count, more):
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(count, count + more, method="wilson")
    assert wilson(count, count + more) == pytest.approx((low, high), abs=1e-12)


# Beside -------------------------------------------------------------------------------------------------------


def test_satisfied_who_leave_stand_beside_the_rest():
    stats = replace(WORKED, top_quarter=Gone(50, 10), the_rest=Gone(50, 10))
    top, rest = (read(stats).also["loyalty"][key] for key in ("top", "rest"))
    assert top == rest
    assert (top["share"], top["n"]) == (0.2, 50)
    # Wilson 10 of 50 by hand: (0.2 + 3.8415/100 -+ 1.96 sqrt(0.16/50 + 3.8415/10000)) / (1 + 3.8415/50)
    assert (top["low"], top["high"]) == pytest.approx((0.1124, 0.3304), abs=1e-4)


def test_loyalty_is_not_known_where_nobody_could_be_known_to_have_left():
    """Without accounts or invoices 0 of 121 would have left, which says nothing of them."""
    assert read(replace(WORKED, top_quarter=Gone(0, 0), the_rest=Gone(0, 0))).also["loyalty"] is None


def test_response_rate_is_not_known_where_nobody_recorded_the_unanswered():
    told = replace(WORKED, before=Answers(100, 360.0, invited=200, responded=90, unanswered=100))
    assert read(told).also["response_rate"] == {"before": 0.45, "after": None}


def test_top_two_boxes_hide_the_one_who_was_not_content():
    open_ = replace(WORKED, before=Answers(100, 360.0, top_answers=60, top=60, not_top=40))
    assert read(open_).also["top_two"]["before"] == 0.6
    one = replace(WORKED, before=Answers(100, 360.0, top_answers=99, top=99, not_top=1))
    assert read(one).also["top_two"]["before"] is None


def test_scale_width_and_top_quarter():
    nps = Scale("nps", 0.0, 10.0)
    assert (nps.width, nps.top_quarter, nps.name) == (200.0, 50.0, "nps 0-10")
    assert (CSAT.width, CSAT.top_quarter) == (4.0, 4.0)
    assert not Scale("nps", 1.0, 10.0).nps


# The same cells -----------------------------------------------------------------------------------------------


def weekly(*cells: list[tuple[float, float]]) -> AnswerCells:
    """(mean, answers) by cell and week, each answer another person's."""
    return AnswerCells(
        np.array([[mean * count for mean, count in weeks] for weeks in cells], dtype=float),
        np.array([[count for _, count in weeks] for weeks in cells], dtype=float),
        np.array([sum(count for _, count in weeks) for weeks in cells], dtype=float),
    )


def touched(before: AnswerCells, after: AnswerCells, **more) -> Stats:
    return replace(
        WORKED,
        before=Answers(int(before.counts.sum()), float(before.totals.sum())),
        after=Answers(int(after.counts.sum()), float(after.totals.sum())),
        stayed=Group(),
        left=Group(20, 40.0),
        silent=Group(300, 1200.0),
        new=Group(),
        back=Group(400, after=1600.0),
        cells=(before, after),
        **more,
    )


BUSY = [(3.0, 50), (3.02, 50), (2.98, 50), (3.0, 50)]
CALM = [(4.0, 50), (4.02, 50), (3.98, 50), (4.0, 50)]
MORE_CALM = [(mean, 150) for mean, _ in CALM]


def test_more_answers_from_where_people_are_content_is_mix_and_not_improvement():
    # Both cells as before, the better one with 3/4 of the answers instead of 1/2: 3.5 -> 3.75, all of it mix:
    # busy (3 - 3.625)(-0.25) = 0.15625 and calm (4 - 3.625)(0.25) = 0.09375.
    reading = read(touched(weekly(BUSY, CALM), weekly(BUSY, MORE_CALM)))
    assert values(reading) == pytest.approx({"within": 0.0, "mix": 0.25, "queues": 0.0}, abs=1e-12)
    assert (reading.verdict, reading.cause) == ("illusory", "mix")
    assert reading.also["design"] == "touch"
    assert reading.counts == {"before": 320, "after": 400}
    # 800 answers at 3.75, and 300 silent ones like those who left: (3000 + 300 x 2.4) / 1100.
    assert reading.also["at_worst"] == pytest.approx(3720 / 1100)


def test_a_cell_of_one_period_only_makes_it_unclear():
    gone = [(0.0, 0)] * 4
    reading = read(touched(weekly(BUSY, CALM, gone), weekly(BUSY, gone, MORE_CALM)))
    assert (reading.verdict, reading.cause, reading.would_be) == ("unclear", "queues", "illusory")
    size = sum(abs(part.value) for part in reading.parts)
    assert sum(part.value for part in reading.parts) == pytest.approx(reading.headline.change, abs=1e-9 * size)


def test_three_weeks_carry_no_error():
    reading = read(touched(weekly(BUSY[:3], CALM[:3]), weekly(BUSY[:3], MORE_CALM[:3])))
    assert (reading.z, reading.verdict) == (None, "unclear")


def test_errors_of_weeks_by_hand():
    # One cell, so N = H. Means of weeks 3, 3.02, 2.98, 3 by 50 of 200: contributions 0, 0.005, -0.005, 0;
    # 4/3 x 5e-5 per period, two periods; nothing is left of the gap.
    decomposition = decompose(weekly(BUSY), weekly(BUSY))
    assert decomposition.se_headline == pytest.approx(math.sqrt(2 * 4 / 3 * 5e-5))
    assert decomposition.se_within == pytest.approx(decomposition.se_headline)
    assert decomposition.se_gap == pytest.approx(0.0, abs=1e-12)
    assert decomposition.z(0.025) == pytest.approx(2.44691, abs=1e-5)  # t(0.975, 6)


def test_without_a_cell_in_both_periods_nothing_is_like_for_like():
    gone = [(0.0, 0)] * 4
    reading = read(touched(weekly(BUSY, gone), weekly(gone, CALM)))
    assert (reading.like_for_like, reading.verdict) == (None, "unclear")


def test_a_cell_of_few_people_in_one_period_only_is_not_told_apart():
    gone, few = [(0.0, 0)] * 4, [(1.0, 1), (0.0, 0), (0.0, 0), (0.0, 0)]
    reading = read(touched(weekly(BUSY, CALM, gone), weekly(BUSY, MORE_CALM, few)))
    assert list(values(reading)) == ["within", "mix+queues"]
    assert (reading.verdict, reading.cause) == ("illusory", "mix+queues")
