"""What people would say on average: the distributions that they are drawn from, worked through leaving and asking.

Accounts' opinions are followed on a fine grid: the unhappiest who leave are cut off it, newcomers are added. People
spread about their account, answers about the person; an answer is the nearest whole number from 1 to 5.
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
    unhappiest,
)
from comity.simulate.waiting import Floats

_ACCOUNT = np.linspace(-4.5, 4.5, 601)  # opinions of accounts, in standard deviations
_PERSON = np.linspace(-4.5, 4.5, 73)


@dataclass(frozen=True, slots=True)
class Asked:
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


def levels(told: Partnership) -> list[Asked]:
    """Every quarter, from the first."""
    usual = np.exp(-0.5 * _ACCOUNT**2)
    usual /= usual.sum()
    there, found = usual.copy(), []
    for quarter in told.quarters:
        held = told.conditions(quarter).opinion
        staying = _staying(there, held)
        fresh = held.joining * usual
        found.append(_asked(there, staying, fresh, held))
        there = staying + fresh
    return found


def change(before: Asked, after: Asked) -> TrueOpinion:
    """From who answers and what they say to the parts of the reading, by its formula."""
    here = before.staying + before.fresh  # who is asked in the earlier quarter
    stayed = after.staying / np.maximum(here, 1e-300)
    both = _mean_weight(after.staying) * before.answering * after.answering
    first = _mean_weight(here) * before.answering
    second = _mean_weight(after.staying + after.fresh) * after.answering
    gone = first * (1 - stayed)[:, None]
    dropped = np.where((before.asked > 0) & (after.asked == 0), first * stayed[:, None], 0.0)
    silent = np.maximum(first - both - gone - dropped, 0.0)
    new = _mean_weight(after.fresh) * after.answering
    back = np.maximum(second - both - new, 0.0)
    answers = [_mean_weight(here) * before.asked * before.willing, second]
    answers[1] = _mean_weight(after.staying + after.fresh) * after.asked * after.willing
    level = [_mean(answers[0], before.says), _mean(answers[1], after.says)]
    within = _mean(both, after.says) - _mean(both, before.says)

    def parted(group: Floats, of: Floats, says: Floats, sign: float) -> float:
        if group.sum() <= 0:
            return 0.0
        return float(group.sum() / of.sum()) * sign * (_mean(both, says) - _mean(group, says))

    parts = [
        Part("within", within, like_for_like=True),
        Part("survivorship", parted(gone, first, before.says, 1)),
        Part("silence", parted(silent, first, before.says, 1)),
        Part("unasked", parted(dropped, first, before.says, 1)),
        Part("arrival", parted(new, second, after.says, -1)),
        Part("return", parted(back, second, after.says, -1)),
    ]
    rest = level[1] - level[0] - sum(part.value for part in parts)
    return TrueOpinion(level[0], level[1], within, (*parts, Part("repeats", rest)))


def _staying(there: Floats, held: Opinion) -> Floats:
    """The accounts without those that leave: a share of all, or the unhappiest."""
    if not held.leaving_by_mood:
        return there * (1 - held.leaving)
    below = np.cumsum(there)
    cut = held.leaving * below[-1]
    return np.asarray(np.clip(below - cut, 0, there))


def _asked(there: Floats, staying: Floats, fresh: Floats, held: Opinion) -> Asked:
    thinks = MEAN + ACCOUNT_SD * _ACCOUNT[:, None] + PERSON_SD * _PERSON
    spread = float(np.hypot(ANSWER_SD, DRIFT_SD))
    says = np.ones_like(thinks)
    for border in (1.5, 2.5, 3.5, 4.5):
        says += special.ndtr((thinks + held.mood - border) / spread)
    willing = np.where(thinks < unhappiest(held.silent), ANSWERING_SILENT, ANSWERING)
    return Asked(there, staying, fresh, (thinks >= unhappiest(held.unasked)).astype(float), willing, says)


def _mean_weight(accounts: Floats) -> Floats:
    people = np.exp(-0.5 * _PERSON**2)
    return np.asarray(accounts[:, None] * people / people.sum())


def _mean(weight: Floats, says: Floats) -> float:
    return float((weight * says).sum() / weight.sum())
