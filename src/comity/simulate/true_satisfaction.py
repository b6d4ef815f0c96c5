"""True satisfaction: mean answers computed from the distributions, through leaving, joining, asking and answering.

Opinions of accounts are tracked on a fine grid: leavers are removed, newcomers added. People scatter about their
account, answers about the person; an answer is the nearest whole number from 1 to 5.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from comity.core.readings.verdict import Part
from comity.simulate.conditions import Opinion
from comity.simulate.partnership import Partnership
from comity.simulate.people import (
    ACCOUNT_SD,
    ANSWER_SD,
    ANSWERING,
    ANSWERING_SILENT,
    DRIFT_SD,
    MEAN,
    PERSON_SD,
    WAVES,
    opinion_quantile,
)
from comity.simulate.waiting_times import Floats

_ACCOUNT = np.linspace(-4.5, 4.5, 601)  # opinions of accounts, in standard deviations
_PERSON = np.linspace(-4.5, 4.5, 73)


@dataclass(frozen=True, slots=True)
class QuarterOpinion:
    """A quarter, on the grid of opinions [accounts, people].

    `old`, `fresh`: share of the accounts that were there before the quarter, and that joined in it; `staying`: part
    of `old` that does not leave in it; `asked`, `willing`: who is asked, and answers one invitation; `says`: the mean
    answer.
    """

    old: Floats
    staying: Floats
    fresh: Floats
    asked: Floats
    willing: Floats
    says: Floats

    @property
    def answering(self) -> Floats:
        """The chance that someone who is there answers at least once."""
        return np.asarray(self.asked * (1 - (1 - self.willing) ** len(WAVES)))


@dataclass(frozen=True, slots=True)
class TrueOpinion:
    """The mean answers of two quarters, and the mean change of those who answered in both."""

    before: float
    after: float
    within: float
    parts: tuple[Part, ...]


def quarterly_opinions(partnership: Partnership) -> list[QuarterOpinion]:
    """Return the distribution of opinions of every quarter, from the first."""
    usual = np.exp(-0.5 * _ACCOUNT**2)
    usual /= usual.sum()
    accounts, quarters = usual.copy(), []
    for quarter in partnership.quarters:
        conditions = partnership.conditions(quarter).opinion
        staying = _staying(accounts, conditions)
        fresh = conditions.joining * usual
        quarters.append(_quarter_opinion(accounts, staying, fresh, conditions))
        accounts = staying + fresh
    return quarters


def change(before: QuarterOpinion, after: QuarterOpinion) -> TrueOpinion:
    """Compute the parts of the reading from the distributions of two quarters, by its formula."""
    present = before.staying + before.fresh  # who is asked in the earlier quarter
    stayed = after.staying / np.maximum(present, 1e-300)
    both = _mean_weight(after.staying) * before.answering * after.answering
    first = _mean_weight(present) * before.answering
    second = _mean_weight(after.staying + after.fresh) * after.answering
    left = first * (1 - stayed)[:, None]
    dropped = np.where((before.asked > 0) & (after.asked == 0), first * stayed[:, None], 0.0)
    silent = np.maximum(first - both - left - dropped, 0.0)
    new = _mean_weight(after.fresh) * after.answering
    back = np.maximum(second - both - new, 0.0)
    answers = [_mean_weight(present) * before.asked * before.willing, second]
    answers[1] = _mean_weight(after.staying + after.fresh) * after.asked * after.willing
    level = [_mean(answers[0], before.says), _mean(answers[1], after.says)]
    within = _mean(both, after.says) - _mean(both, before.says)

    def parted(group: Floats, of: Floats, says: Floats, sign: float) -> float:
        if group.sum() <= 0:
            return 0.0
        return float(group.sum() / of.sum()) * sign * (_mean(both, says) - _mean(group, says))

    parts = [
        Part("within", within, like_for_like=True),
        Part("survivorship", parted(left, first, before.says, 1)),
        Part("silence", parted(silent, first, before.says, 1)),
        Part("unasked", parted(dropped, first, before.says, 1)),
        Part("arrival", parted(new, second, after.says, -1)),
        Part("return", parted(back, second, after.says, -1)),
    ]
    rest = level[1] - level[0] - sum(part.value for part in parts)
    return TrueOpinion(level[0], level[1], within, (*parts, Part("repeats", rest)))


def _staying(accounts: Floats, conditions: Opinion) -> Floats:
    """Return the accounts that stay: without a share of all, or without the unhappiest."""
    if not conditions.leaving_by_mood:
        return accounts * (1 - conditions.leaving)
    below = np.cumsum(accounts)
    cut = conditions.leaving * below[-1]
    return np.asarray(np.clip(below - cut, 0, accounts))


def _quarter_opinion(accounts: Floats, staying: Floats, fresh: Floats, conditions: Opinion) -> QuarterOpinion:
    thinks = MEAN + ACCOUNT_SD * _ACCOUNT[:, None] + PERSON_SD * _PERSON
    spread = float(np.hypot(ANSWER_SD, DRIFT_SD))
    says = np.ones_like(thinks)
    for border in (1.5, 2.5, 3.5, 4.5):
        says += special.ndtr((thinks + conditions.mood - border) / spread)
    willing = np.where(thinks < opinion_quantile(conditions.silent), ANSWERING_SILENT, ANSWERING)
    return QuarterOpinion(
        accounts, staying, fresh, (thinks >= opinion_quantile(conditions.unasked)).astype(float), willing, says
    )


def _mean_weight(accounts: Floats) -> Floats:
    people = np.exp(-0.5 * _PERSON**2)
    return np.asarray(accounts[:, None] * people / people.sum())


def _mean(weight: Floats, says: Floats) -> float:
    return float((weight * says).sum() / weight.sum())
