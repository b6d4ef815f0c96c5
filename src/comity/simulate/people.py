"""Simulated people: accounts and their opinions, survey answers, renewals, and the provider's staff."""

from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comity.simulate.conditions import Opinion
from comity.simulate.partnership import Days, Ints, Partnership
from comity.simulate.waiting_times import Floats

MEAN, ACCOUNT_SD, PERSON_SD, ANSWER_SD = 3.6, 0.60, 0.50, 0.70  # opinions, on the scale of 1 to 5
DRIFT_SD = 0.03  # an account's own ups and downs of a quarter
WAVES = ((45, 60), (70, 85))  # days of the quarter in which people are asked
ANSWERING, ANSWERING_SILENT = 0.55, 0.04  # share of invitations that are answered
_LAST_TO_LEAVE, _LAST_TO_JOIN = 38, 30  # day of the quarter; before anybody is asked
_ACCOUNTS, _SURVEYS, _STAFF, _RENEWALS = 10, 11, 12, 13  # streams of chance
SEGMENTS = ("household", "business", "public", "key")
NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts of the survey panel: opinion, day of joining, day of leaving."""

    opinion: Floats
    joined_on: Days
    left_on: Days

    def there(self, day: np.datetime64) -> NDArray[np.bool_]:
        """Return which accounts are customers on a day."""
        return np.asarray((self.joined_on <= day) & ~(self.left_on <= day))


@dataclass(frozen=True, slots=True)
class Answers:
    """Survey invitations, one an entry: account, person, day asked, day answered (NaT: never), score (NaN: none)."""

    account: Ints
    person: Ints
    asked_on: Days
    answered_on: Days
    score: Floats


def opinion_quantile(share: float) -> float:
    """Return the opinion below which this share of all people lies."""
    spread = float(np.hypot(ACCOUNT_SD, PERSON_SD))
    return NormalDist(MEAN, spread).inv_cdf(share) if share > 0 else -np.inf


def make_accounts(partnership: Partnership) -> Accounts:
    """Draw which accounts join and leave, quarter by quarter, by the conditions of the story."""
    rng = partnership.rng(_ACCOUNTS)
    opinion = rng.normal(0, ACCOUNT_SD, partnership.panel)
    joined = np.datetime64(partnership.first) - rng.integers(100, 2000, partnership.panel)
    left = np.full(partnership.panel, NEVER)
    for quarter in partnership.quarters:
        conditions, start = partnership.conditions(quarter).opinion, np.datetime64(quarter.start)
        present = np.flatnonzero(np.isnat(left))
        going = round(conditions.leaving * len(present))
        order = np.argsort(opinion[present]) if conditions.leaving_by_mood else rng.permutation(len(present))
        left[present[order[:going]]] = start + rng.integers(1, _LAST_TO_LEAVE, going)
        coming = round(conditions.joining * partnership.panel)
        opinion = np.concatenate([opinion, rng.normal(0, ACCOUNT_SD, coming)])
        joined = np.concatenate([joined, start + rng.integers(1, _LAST_TO_JOIN, coming)])
        left = np.concatenate([left, np.full(coming, NEVER)])
    end = np.datetime64(partnership.end)
    keep = joined < end
    return Accounts(opinion[keep], joined[keep], np.where(left < end, left, NEVER)[keep])


def make_answers(partnership: Partnership, accounts: Accounts) -> Answers:
    """Draw the answers of everyone who is asked, in two waves a quarter."""
    rng = partnership.rng(_SURVEYS)
    person_opinion = rng.normal(0, PERSON_SD, (len(accounts.opinion), partnership.people))
    parts = []
    for quarter in partnership.quarters:
        conditions = partnership.conditions(quarter).opinion
        drift = rng.normal(0, DRIFT_SD, len(accounts.opinion))
        for low, high in WAVES:
            parts.append(
                _wave(partnership, accounts, conditions, person_opinion, drift, quarter.start, (low, high), rng)
            )
    answers = Answers(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    end = np.datetime64(partnership.end)
    recorded = answers.answered_on < end
    answered_on, score = np.where(recorded, answers.answered_on, NEVER), np.where(recorded, answers.score, np.nan)
    last = np.where(recorded, answered_on, end)
    order = np.argsort(last, kind="stable")
    order = order[answers.asked_on[order] < end]
    return Answers(
        answers.account[order], answers.person[order], answers.asked_on[order], answered_on[order], score[order]
    )


def _wave(  # noqa: PLR0913 - one wave of questions, and all that bears on it
    partnership: Partnership,
    accounts: Accounts,
    conditions: Opinion,
    person_opinion: Floats,
    drift: Floats,
    start: date,
    between: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[Any], ...]:
    day = np.datetime64(start)
    thinks = MEAN + accounts.opinion[:, None] + person_opinion
    asked = accounts.there(day + between[0])[:, None] & (thinks >= opinion_quantile(conditions.unasked))
    account, person = np.nonzero(asked)
    opinion = thinks[account, person]
    asked_on = day + rng.integers(*between, account.size)
    willing = np.where(opinion < opinion_quantile(conditions.silent), ANSWERING_SILENT, ANSWERING)
    answered = rng.random(account.size) < willing
    felt = opinion + conditions.mood + drift[account] + rng.normal(0, ANSWER_SD, account.size)
    score = np.where(answered, np.clip(np.rint(felt), 1, 5), np.nan)
    answered_on = np.where(answered, asked_on + rng.integers(0, 5, account.size), NEVER)
    return account, account * partnership.people + person, asked_on, answered_on, score


@dataclass(frozen=True, slots=True)
class Staff:
    """Employees: team (a position in a list of names), days of joining and leaving, satisfaction with work."""

    team: Ints
    hired_on: Days
    left_on: Days
    mood: Floats


def make_staff(partnership: Partnership, sizes: Floats) -> Staff:
    """Draw teams of these sizes; three in a hundred leave each month, and are replaced within weeks."""
    rng = partnership.rng(_STAFF)
    team = np.repeat(np.arange(len(sizes)), np.ceil(sizes).astype(int))
    hired = np.datetime64(partnership.first) - rng.integers(20, 1500, team.size)
    left = np.full(team.size, NEVER)
    for month in partnership.months:
        present = np.flatnonzero(np.isnat(left))
        going = present[rng.random(present.size) < 0.03]  # noqa: PLR2004 - a usual month
        left[going] = np.datetime64(month) + rng.integers(0, 28, going.size)
        team = np.concatenate([team, team[going]])
        hired = np.concatenate([hired, left[going] + rng.integers(5, 25, going.size)])
        left = np.concatenate([left, np.full(going.size, NEVER)])
    keep = hired < np.datetime64(partnership.end)
    return Staff(team[keep], hired[keep], left[keep], rng.normal(3.4, 0.6, team.size)[keep])


@dataclass(frozen=True, slots=True)
class Renewals:
    """Agreements that fell due; `decision` and `reason` are positions in DECISIONS and REASONS."""

    account: Ints
    due_on: Days
    decided_on: Days
    decision: Ints
    active: NDArray[np.bool_]
    reason: Ints


DECISIONS = ["renewed", "expanded", "reduced", "left"]
REASONS = ["price", "contract", "coverage", "service", "other"]


def make_renewals(partnership: Partnership, accounts: Accounts) -> Renewals:
    """Draw renewals: every agreement falls due once a year, and those of leavers on the day on which they left."""
    rng = partnership.rng(_RENEWALS)
    count = len(accounts.opinion)
    first, end = np.datetime64(partnership.first), np.datetime64(partnership.end)
    offsets = rng.integers(0, 365, count)
    rows = []
    for year in range(int((end - first).astype(int)) // 365 + 1):
        due = first + offsets + 365 * year
        rows.append((np.arange(count), due, (due < end) & (accounts.joined_on < due) & ~(accounts.left_on <= due)))
    left_accounts = np.flatnonzero(~np.isnat(accounts.left_on))
    account = np.concatenate([*(at[open_] for at, _, open_ in rows), left_accounts])
    due = np.concatenate([*(day[open_] for _, day, open_ in rows), accounts.left_on[left_accounts]])
    left = np.arange(account.size) >= account.size - left_accounts.size
    active = rng.random(account.size) < np.where(left, 0.9, 0.55)
    decision = np.where(left, 3, rng.choice(3, account.size, p=[0.86, 0.08, 0.06]))
    decided = np.where(active, due - rng.integers(5, 60, account.size), NEVER)
    order = np.lexsort((due, account))
    reason = rng.choice(5, account.size, p=[0.3, 0.1, 0.1, 0.4, 0.1])
    return Renewals(account[order], due[order], decided[order], decision[order], active[order], reason[order])
