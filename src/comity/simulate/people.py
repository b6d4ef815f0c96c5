"""Who is served, what they think of it, who of them leaves, is asked and answers; and who works for them."""

from dataclasses import dataclass
from datetime import date
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comity.simulate.conditions import Opinion
from comity.simulate.partnership import Days, Ints, Partnership
from comity.simulate.waiting import Floats

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
    """The accounts that are asked for their opinion: how each thinks, when it came, when it left."""

    opinion: Floats
    joined_on: Days
    left_on: Days

    def there(self, day: np.datetime64) -> NDArray[np.bool_]:
        """Which of them are customers on a day."""
        return np.asarray((self.joined_on <= day) & ~(self.left_on <= day))


@dataclass(frozen=True, slots=True)
class Answers:
    """Invitations, one an entry: whose, when asked, when answered (NaT: never), the score (NaN: none)."""

    account: Ints
    person: Ints
    asked_on: Days
    answered_on: Days
    score: Floats


def unhappiest(share: float) -> float:
    """The opinion below which this share of all people lies."""
    spread = float(np.hypot(ACCOUNT_SD, PERSON_SD))
    return NormalDist(MEAN, spread).inv_cdf(share) if share > 0 else -np.inf


def accounts(told: Partnership) -> Accounts:
    """Let accounts join and leave, quarter by quarter, as the story has it."""
    rng = told.rng(_ACCOUNTS)
    opinion = rng.normal(0, ACCOUNT_SD, told.panel)
    joined = np.datetime64(told.first) - rng.integers(100, 2000, told.panel)
    left = np.full(told.panel, NEVER)
    for quarter in told.quarters:
        held, start = told.conditions(quarter).opinion, np.datetime64(quarter.start)
        here = np.flatnonzero(np.isnat(left))
        going = round(held.leaving * len(here))
        order = np.argsort(opinion[here]) if held.leaving_by_mood else rng.permutation(len(here))
        left[here[order[:going]]] = start + rng.integers(1, _LAST_TO_LEAVE, going)
        coming = round(held.joining * told.panel)
        opinion = np.concatenate([opinion, rng.normal(0, ACCOUNT_SD, coming)])
        joined = np.concatenate([joined, start + rng.integers(1, _LAST_TO_JOIN, coming)])
        left = np.concatenate([left, np.full(coming, NEVER)])
    end = np.datetime64(told.end)
    keep = joined < end
    return Accounts(opinion[keep], joined[keep], np.where(left < end, left, NEVER)[keep])


def answers(told: Partnership, who: Accounts) -> Answers:
    """Ask everyone whom the story lets be asked, twice a quarter; some answer."""
    rng = told.rng(_SURVEYS)
    person_opinion = rng.normal(0, PERSON_SD, (len(who.opinion), told.people))
    parts = []
    for quarter in told.quarters:
        held = told.conditions(quarter).opinion
        drift = rng.normal(0, DRIFT_SD, len(who.opinion))
        for low, high in WAVES:
            parts.append(_wave(told, who, held, person_opinion, drift, quarter.start, (low, high), rng))
    made = Answers(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    end = np.datetime64(told.end)
    known = made.answered_on < end
    answered_on, score = np.where(known, made.answered_on, NEVER), np.where(known, made.score, np.nan)
    last = np.where(known, answered_on, end)
    order = np.argsort(last, kind="stable")
    order = order[made.asked_on[order] < end]
    return Answers(made.account[order], made.person[order], made.asked_on[order], answered_on[order], score[order])


def _wave(  # noqa: PLR0913 - one wave of questions, and all that bears on it
    told: Partnership,
    who: Accounts,
    held: Opinion,
    person_opinion: Floats,
    drift: Floats,
    start: date,
    between: tuple[int, int],
    rng: np.random.Generator,
) -> tuple[NDArray[Any], ...]:
    day = np.datetime64(start)
    thinks = MEAN + who.opinion[:, None] + person_opinion
    asked = who.there(day + between[0])[:, None] & (thinks >= unhappiest(held.unasked))
    account, person = np.nonzero(asked)
    opinion = thinks[account, person]
    asked_on = day + rng.integers(*between, account.size)
    willing = np.where(opinion < unhappiest(held.silent), ANSWERING_SILENT, ANSWERING)
    answered = rng.random(account.size) < willing
    felt = opinion + held.mood + drift[account] + rng.normal(0, ANSWER_SD, account.size)
    score = np.where(answered, np.clip(np.rint(felt), 1, 5), np.nan)
    answered_on = np.where(answered, asked_on + rng.integers(0, 5, account.size), NEVER)
    return account, account * told.people + person, asked_on, answered_on, score


@dataclass(frozen=True, slots=True)
class Staff:
    """Employees: team (a position in a list of names), days of joining and leaving, and what they think of work."""

    team: Ints
    hired_on: Days
    left_on: Days
    mood: Floats


def staff(told: Partnership, sizes: Floats) -> Staff:
    """Teams of these sizes; in a month three of a hundred leave, and are replaced within weeks."""
    rng = told.rng(_STAFF)
    team = np.repeat(np.arange(len(sizes)), np.ceil(sizes).astype(int))
    hired = np.datetime64(told.first) - rng.integers(20, 1500, team.size)
    left = np.full(team.size, NEVER)
    for month in told.months:
        here = np.flatnonzero(np.isnat(left))
        going = here[rng.random(here.size) < 0.03]  # noqa: PLR2004 - a usual month
        left[going] = np.datetime64(month) + rng.integers(0, 28, going.size)
        team = np.concatenate([team, team[going]])
        hired = np.concatenate([hired, left[going] + rng.integers(5, 25, going.size)])
        left = np.concatenate([left, np.full(going.size, NEVER)])
    keep = hired < np.datetime64(told.end)
    return Staff(team[keep], hired[keep], left[keep], rng.normal(3.4, 0.6, team.size)[keep])


@dataclass(frozen=True, slots=True)
class Renewals:
    """Agreements that fell due: whose, when, when decided, what, whether by decision, why (positions in lists)."""

    account: Ints
    due_on: Days
    decided_on: Days
    decision: Ints
    active: NDArray[np.bool_]
    reason: Ints


DECISIONS = ["renewed", "expanded", "reduced", "left"]
REASONS = ["price", "contract", "coverage", "service", "other"]


def renewals(told: Partnership, who: Accounts) -> Renewals:
    """Every agreement falls due once a year; whoever left did so by then."""
    rng = told.rng(_RENEWALS)
    count = len(who.opinion)
    first, end = np.datetime64(told.first), np.datetime64(told.end)
    offsets = rng.integers(0, 365, count)
    rows = []
    for year in range(int((end - first).astype(int)) // 365 + 1):
        due = first + offsets + 365 * year
        rows.append((np.arange(count), due, (due < end) & (who.joined_on < due) & ~(who.left_on <= due)))
    gone = np.flatnonzero(~np.isnat(who.left_on))
    account = np.concatenate([*(at[open_] for at, _, open_ in rows), gone])
    due = np.concatenate([*(day[open_] for _, day, open_ in rows), who.left_on[gone]])
    left = np.arange(account.size) >= account.size - gone.size
    active = rng.random(account.size) < np.where(left, 0.9, 0.55)
    decision = np.where(left, 3, rng.choice(3, account.size, p=[0.86, 0.08, 0.06]))
    decided = np.where(active, due - rng.integers(5, 60, account.size), NEVER)
    order = np.lexsort((due, account))
    reason = rng.choice(5, account.size, p=[0.3, 0.1, 0.1, 0.4, 0.1])
    return Renewals(account[order], due[order], decided[order], decision[order], active[order], reason[order])
