"""How often the 95 % intervals of satisfaction hold the truth, when books are drawn again and again.

The population: accounts of 1 to 6 people; people like the service by account and by themselves; both change between
the periods; answers are whole numbers of 1 to 5, one to three a period. Whether somebody answers, and whether an
account leaves, depends on how content they are, so n, h and d differ. The truth is the same figures of a draw a
thousand times larger.
"""

import numpy as np
import pytest

from comity.core.readings.decomposition import decompose
from comity.core.readings.satisfaction import AnswerCells, Answers, Group, Scale, Stats, Units, read

SCALE = Scale("csat", 1.0, 5.0)


def drawn(rng, accounts):
    """The statistics of one draw, summed with NumPy."""
    sizes = rng.integers(1, 7, accounts)
    account = np.repeat(np.arange(accounts), sizes)
    people = len(account)
    liking = rng.normal(3.6, 0.5, accounts)[account] + rng.normal(0, 0.7, people)
    change = 0.05 + rng.normal(0, 0.25, accounts)[account] + rng.normal(0, 0.4, people)
    left = rng.random(accounts)[account] < 1 / (1 + np.exp(2 * (np.bincount(account, liking) / sizes)[account] - 5.5))
    answers, totals = np.zeros((2, people)), np.zeros((2, people))
    for period in (0, 1):
        level = liking + change * period
        there = (rng.random(people) < 0.35 + 0.08 * level) & ~(left & (period == 1))
        for nth in range(3):
            responds = there & (rng.random(people) < (1.0 if nth == 0 else 0.3))
            score = np.clip(np.rint(level + rng.normal(0, 0.6, people)), 1, 5)
            answers[period] += responds
            totals[period] += np.where(responds, score, 0)
    responded = answers > 0
    means = np.divide(totals, answers, out=np.zeros_like(totals), where=responded)
    both = responded[0] & responded[1]
    count, total = answers.sum(axis=1), totals.sum(axis=1)
    centre = total / count
    within = (means[1] - means[0])[both].mean()
    big_n = np.bincount(account, (totals[1] - centre[1] * answers[1]) / count[1], accounts)
    big_n -= np.bincount(account, (totals[0] - centre[0] * answers[0]) / count[0], accounts)
    big_h = np.bincount(account, np.where(both, means[1] - means[0] - within, 0) / both.sum(), accounts)

    def group(who):
        return Group(int(who.sum()), float(means[0][who].sum()), float(means[1][who].sum()))

    only = responded[0] & ~responded[1]
    return Stats(
        scale=SCALE,
        before=Answers(int(count[0]), float(total[0])),
        after=Answers(int(count[1]), float(total[1])),
        stayed=group(both),
        left=group(only & left),
        silent=group(only & ~left),
        unasked=Group(),
        new=Group(),
        back=group(responded[1] & ~responded[0]),
        units=Units(
            len(np.unique(account[responded.any(axis=0)])),
            len(np.unique(account[both])),
            *(float((sums**2).sum()) for sums in (big_n, big_h, big_n - big_h)),
        ),
        sd_change=float((means[1] - means[0])[both].std(ddof=1)),
    )


def share_held(draws, truths):
    """How many of the draws hold the truth, for n, h and d."""
    covered = np.zeros(3)
    for reading in draws:
        changes = (reading.headline, reading.like_for_like, reading.gap)
        covered += [abs(one.change - truth) <= reading.z * one.se for one, truth in zip(changes, truths, strict=True)]
    return covered / len(draws)


@pytest.mark.long
@pytest.mark.parametrize("accounts", [30, 60, 200])
def test_intervals_hold_the_truth_in_95_of_100_draws(accounts):
    rng = np.random.default_rng(20260402 + accounts)
    large = read(drawn(rng, 400_000))
    truths = [one.change for one in (large.headline, large.like_for_like, large.gap)]
    draws = [read(drawn(rng, accounts)) for _ in range(4000)]
    covered = share_held([one for one in draws if one.z is not None], truths)  # with under 10 accounts nothing is said
    print(accounts, "accounts: n, h, d held", covered)  # noqa: T201 - `pytest -s` shows the figures
    # Two errors of 4000 draws are 0.007; small numbers of accounts of unequal size fall short by a little more.
    assert covered == pytest.approx(0.95, abs=0.02 if accounts < 60 else 0.012)


@pytest.mark.long
def test_intervals_of_weeks_hold_the_truth_in_95_of_100_draws():
    rng = np.random.default_rng(7)
    level, often = np.array([3.2, 3.8, 4.3]), np.array([[60.0, 40.0, 30.0], [40.0, 50.0, 60.0]])
    moved = np.array([0.05, 0.1, 0.0])
    means = [(often[at] * (level + moved * at)).sum() / often[at].sum() for at in (0, 1)]
    weight = (often[0] / often[0].sum() + often[1] / often[1].sum()) / 2
    truths = np.array([means[1] - means[0], (weight * moved).sum()])
    truths = np.append(truths, truths[0] - truths[1])
    covered = np.zeros(3)
    runs = 4000
    for _ in range(runs):
        sides = []
        for at in (0, 1):
            counts = rng.poisson(often[at][:, None] * rng.gamma(20, 1 / 20, 13), (3, 13)) + 1.0
            week = rng.normal(0, 0.08, 13)  # a bad week is bad in every cell
            noise = rng.normal(0, 1, (3, 13)) / np.sqrt(counts)
            sides.append(
                AnswerCells(
                    (level + moved * at)[:, None] * counts + (week + noise) * counts, counts, counts.sum(axis=1)
                )
            )
        decomposition = decompose(*sides)
        z = decomposition.z(0.025)
        n = decomposition.within + decomposition.mix + decomposition.queues
        changes, errors = (
            (n, decomposition.within, n - decomposition.within),
            (decomposition.se_headline, decomposition.se_within, decomposition.se_gap),
        )
        covered += [abs(c - t) <= z * e for c, t, e in zip(changes, truths, errors, strict=True)]
    print("weeks: n, h, d held", covered / runs)  # noqa: T201 - `pytest -s` shows the figures
    # d is the change of the mix: w̄ and r̄ are taken as known in H, which costs it a little.
    assert covered / runs == pytest.approx(0.95, abs=0.02)
