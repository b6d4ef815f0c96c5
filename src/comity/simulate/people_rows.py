"""Accounts, invitations to say how it was, renewals and staff as the columns of their tables."""

from typing import Any

import numpy as np
import pyarrow as pa

from comity.simulate import people
from comity.simulate.conditions import VOICE
from comity.simulate.contacts import Chunk
from comity.simulate.partnership import Days, Ints, Partnership
from comity.simulate.service_rows import ALL_QUEUES as QUEUES
from comity.simulate.service_rows import CHANNELS, TEAMS, WITHIN, Columns, day_of
from comity.simulate.waiting import Floats
from comity.simulate.writing import constant, pick, texts

TOUCHED, TOUCH_ANSWERED = 0.015, 0.25  # of answered calls: asked about, and answered
_JOINED, _TOUCH, _EMPLOYEES = 14, 30, 31  # streams of chance
_TOUCH_DAYS = 3


def accounts(told: Partnership, who: people.Accounts, many: int) -> Columns:
    """The accounts whose people are asked every quarter, then `many` households that only make contact."""
    panel = len(who.opinion)
    joined = np.datetime64(told.first) - told.rng(_JOINED).integers(60, 3000, many)
    return {
        "account_id": texts("a", np.arange(panel + many), 7),
        "segment": pick(list(people.SEGMENTS), np.concatenate([np.arange(panel) % 3 + 1, np.zeros(many, np.int64)])),
        "kind": constant("external", panel + many),
        "joined_on": np.concatenate([who.joined_on, joined]),
        "left_on": np.concatenate([who.left_on, np.full(many, people.NEVER)]),
    }


def payers(count: int) -> Columns:
    """The customer's departments, who pay."""
    return {
        "account_id": texts("p", np.arange(count), 3),
        "segment": constant("department", count),
        "kind": constant("internal", count),
    }


def panel(asked: people.Answers) -> Columns:
    """The survey that an independent party runs every quarter."""
    size = asked.account.size
    return _survey("customer", "csat", asked.score) | {
        "response_id": texts("s", np.arange(size), 8),
        "respondent_id": texts("u", asked.person, 7),
        "account_id": texts("a", asked.account, 7),
        "question": constant("How satisfied are you with our service?", size),
        "asked_on": asked.asked_on,
        "answered_on": asked.answered_on,
        "conducted_by": constant("third_party", size),
    }


def touched(told: Partnership, chunk: Chunk, number: int, before: int) -> dict[str, Any]:
    """Calls of a chunk that were asked about afterwards: positions and answers; `before` contacts came before it."""
    made, rng = chunk.contacts, told.rng(_TOUCH, number)
    asked = np.flatnonzero((made.queue < len(VOICE)) & made.answered & (rng.random(len(made)) < TOUCHED))
    felt = rng.normal(4.05, 0.9, asked.size) - 0.4 * (made.wait_s[asked] > WITHIN[0])
    answered = rng.random(asked.size) < TOUCH_ANSWERED
    day = told.days[day_of(chunk)[asked]]
    later = day + rng.integers(0, _TOUCH_DAYS, asked.size)
    known = answered & (later < np.datetime64(told.end))
    return {
        "contact": asked + before,
        "account": made.account[asked],
        "queue": made.queue[asked],
        "asked": day,
        "answered": np.where(known, later, people.NEVER),
        "score": np.where(known, np.clip(np.rint(felt), 1, 5), np.nan),
    }


def touches(parts: list[dict[str, Any]]) -> Columns:
    """The survey that the provider runs after a call."""
    column = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    size = column["contact"].size
    return _survey("customer", "csat", column["score"]) | {
        "response_id": texts("t", np.arange(size), 8),
        "respondent_id": texts("a", column["account"], 7),
        "account_id": texts("a", column["account"], 7),
        "contact_id": texts("c", column["contact"], 9),
        "queue": pick(QUEUES, column["queue"]),
        "channel": pick(CHANNELS, column["queue"]),
        "team": pick(TEAMS, column["queue"]),
        "question": constant("How satisfied were you with this call?", size),
        "asked_on": column["asked"],
        "answered_on": column["answered"],
        "conducted_by": constant("provider", size),
    }


def staff(told: Partnership, team: people.Staff) -> Columns:
    """Who works for the service."""
    left = np.where(team.left_on < np.datetime64(told.end), team.left_on, people.NEVER)
    return {
        "employee_id": texts("g", np.arange(team.team.size), 5),
        "team": pick(TEAMS, team.team),
        "role": constant("agent", team.team.size),
        "hired_on": team.hired_on,
        "left_on": left,
    }


def employees(told: Partnership, team: people.Staff) -> Columns:
    """What the provider's own people say of their work, once a quarter."""
    rows: list[Columns] = []
    for number, quarter in enumerate(told.whole_quarters):
        rng, day = told.rng(_EMPLOYEES, number), np.datetime64(quarter.start) + 50
        here = np.flatnonzero((team.hired_on <= day) & ~(team.left_on <= day))
        felt = np.clip(np.rint(team.mood[here] + rng.normal(0, 0.6, here.size)), 1, 5)
        answered = rng.random(here.size) < 0.7  # noqa: PLR2004 - a usual share
        rows.append(
            _survey("employee", "esat", np.where(answered, felt, np.nan))
            | {
                "response_id": texts(f"w{number}-", here, 5),
                "respondent_id": texts("g", here, 5),
                "team": pick(TEAMS, team.team[here]),
                "asked_on": np.full(here.size, day),
                "answered_on": np.where(answered, day + rng.integers(0, 9, here.size), people.NEVER),
                "conducted_by": constant("provider", here.size),
            }
        )
    return by_day(rows)


def renewals(due: people.Renewals) -> Columns:
    """What became of each agreement that fell due."""
    return {
        "account_id": texts("a", due.account, 7),
        "due_on": due.due_on,
        "decided_on": due.decided_on,
        "decision": pick(people.DECISIONS, due.decision),
        "mode": pick(["automatic", "active"], due.active.astype(np.int64)),
        "confirmed_by": pick(["both"], np.zeros(due.account.size, np.int64), due.active),
        "reason": pick(people.REASONS, due.reason, due.decision == people.DECISIONS.index("left")),
    }


def by_day(rows: list[Columns]) -> Columns:
    """Several sorts of invitations as one table, by the day of the answer, those without one last."""
    order = _order(np.concatenate([part["answered_on"] for part in rows]))
    found: Columns = {}
    for name in dict.fromkeys(name for part in rows for name in part):
        pieces = [part[name] if name in part else pa.nulls(part["score"].size, pa.string()) for part in rows]
        if isinstance(pieces[0], np.ndarray):
            found[name] = np.concatenate(pieces)[order]
        else:
            found[name] = pa.concat_arrays(pieces).take(pa.array(order))
    return found


def _order(answered_on: Days) -> Ints:
    last = np.where(np.isnat(answered_on), np.datetime64("9999-01-01"), answered_on)
    return np.asarray(np.argsort(last, kind="stable"))


def _survey(audience: str, instrument: str, score: Floats) -> Columns:
    return {
        "audience": constant(audience, score.size),
        "instrument": constant(instrument, score.size),
        "scale_min": np.ones(score.size),
        "scale_max": np.full(score.size, 5.0),
        "score": score,
    }
