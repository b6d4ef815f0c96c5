"""Columns of the tables of accounts, surveys, renewals and staff."""

from typing import Any

import numpy as np
import pyarrow as pa

from comity.simulate import people
from comity.simulate.conditions import VOICE
from comity.simulate.contacts import Chunk
from comity.simulate.partnership import Days, Ints, Partnership
from comity.simulate.service_rows import ALL_QUEUES as QUEUES
from comity.simulate.service_rows import CHANNELS, TEAMS, WITHIN, Columns, day_of
from comity.simulate.table_writer import constant, id_texts, names_at
from comity.simulate.waiting_times import Floats

CALL_SURVEY_SHARE, CALL_SURVEY_RESPONSE = 0.015, 0.25  # of answered calls: asked about, and answered
_JOINED, _TOUCH, _EMPLOYEES = 14, 30, 31  # streams of chance
_TOUCH_DAYS = 3


def account_rows(partnership: Partnership, accounts: people.Accounts, many: int) -> Columns:
    """Return the accounts of the panel, then `many` households that only make contact."""
    panel = len(accounts.opinion)
    joined = np.datetime64(partnership.first) - partnership.rng(_JOINED).integers(60, 3000, many)
    return {
        "account_id": id_texts("a", np.arange(panel + many), 7),
        "segment": names_at(
            list(people.SEGMENTS), np.concatenate([np.arange(panel) % 3 + 1, np.zeros(many, np.int64)])
        ),
        "kind": constant("external", panel + many),
        "joined_on": np.concatenate([accounts.joined_on, joined]),
        "left_on": np.concatenate([accounts.left_on, np.full(many, people.NEVER)]),
    }


def payer_rows(count: int) -> Columns:
    """Return the accounts that pay: departments of the customer."""
    return {
        "account_id": id_texts("p", np.arange(count), 3),
        "segment": constant("department", count),
        "kind": constant("internal", count),
    }


def panel_survey_rows(answers: people.Answers) -> Columns:
    """Return the quarterly survey of the panel, conducted by a third party."""
    size = answers.account.size
    return _survey("customer", "csat", answers.score) | {
        "response_id": id_texts("s", np.arange(size), 8),
        "respondent_id": id_texts("u", answers.person, 7),
        "account_id": id_texts("a", answers.account, 7),
        "question": constant("How satisfied are you with our service?", size),
        "asked_on": answers.asked_on,
        "answered_on": answers.answered_on,
        "conducted_by": constant("third_party", size),
    }


def sample_call_survey(partnership: Partnership, chunk: Chunk, number: int, before: int) -> dict[str, Any]:
    """Sample calls of a chunk for the survey after a call: positions and answers.

    :param before: contacts in earlier chunks
    """
    contacts, rng = chunk.contacts, partnership.rng(_TOUCH, number)
    sampled = np.flatnonzero(
        (contacts.queue < len(VOICE)) & contacts.answered & (rng.random(len(contacts)) < CALL_SURVEY_SHARE)
    )
    satisfaction = rng.normal(4.05, 0.9, sampled.size) - 0.4 * (contacts.wait_s[sampled] > WITHIN[0])
    answered = rng.random(sampled.size) < CALL_SURVEY_RESPONSE
    day = partnership.days[day_of(chunk)[sampled]]
    later = day + rng.integers(0, _TOUCH_DAYS, sampled.size)
    recorded = answered & (later < np.datetime64(partnership.end))
    return {
        "contact": sampled + before,
        "account": contacts.account[sampled],
        "queue": contacts.queue[sampled],
        "asked": day,
        "answered": np.where(recorded, later, people.NEVER),
        "score": np.where(recorded, np.clip(np.rint(satisfaction), 1, 5), np.nan),
    }


def call_survey_rows(parts: list[dict[str, Any]]) -> Columns:
    """Return the survey after a call, conducted by the provider."""
    column = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    size = column["contact"].size
    return _survey("customer", "csat", column["score"]) | {
        "response_id": id_texts("t", np.arange(size), 8),
        "respondent_id": id_texts("a", column["account"], 7),
        "account_id": id_texts("a", column["account"], 7),
        "contact_id": id_texts("c", column["contact"], 9),
        "queue": names_at(QUEUES, column["queue"]),
        "channel": names_at(CHANNELS, column["queue"]),
        "team": names_at(TEAMS, column["queue"]),
        "question": constant("How satisfied were you with this call?", size),
        "asked_on": column["asked"],
        "answered_on": column["answered"],
        "conducted_by": constant("provider", size),
    }


def staff_rows(partnership: Partnership, team: people.Staff) -> Columns:
    """Return the agents of the service."""
    left = np.where(team.left_on < np.datetime64(partnership.end), team.left_on, people.NEVER)
    return {
        "employee_id": id_texts("g", np.arange(team.team.size), 5),
        "team": names_at(TEAMS, team.team),
        "role": constant("agent", team.team.size),
        "hired_on": team.hired_on,
        "left_on": left,
    }


def employee_survey_rows(partnership: Partnership, team: people.Staff) -> Columns:
    """Return the quarterly survey of the provider's employees."""
    rows: list[Columns] = []
    for number, quarter in enumerate(partnership.whole_quarters):
        rng, day = partnership.rng(_EMPLOYEES, number), np.datetime64(quarter.start) + 50
        employed = np.flatnonzero((team.hired_on <= day) & ~(team.left_on <= day))
        felt = np.clip(np.rint(team.mood[employed] + rng.normal(0, 0.6, employed.size)), 1, 5)
        answered = rng.random(employed.size) < 0.7  # noqa: PLR2004 - a usual share
        rows.append(
            _survey("employee", "esat", np.where(answered, felt, np.nan))
            | {
                "response_id": id_texts(f"w{number}-", employed, 5),
                "respondent_id": id_texts("g", employed, 5),
                "team": names_at(TEAMS, team.team[employed]),
                "asked_on": np.full(employed.size, day),
                "answered_on": np.where(answered, day + rng.integers(0, 9, employed.size), people.NEVER),
                "conducted_by": constant("provider", employed.size),
            }
        )
    return sorted_by_answer_day(rows)


def renewal_rows(due: people.Renewals) -> Columns:
    """Return the outcome of each agreement that fell due."""
    return {
        "account_id": id_texts("a", due.account, 7),
        "due_on": due.due_on,
        "decided_on": due.decided_on,
        "decision": names_at(people.DECISIONS, due.decision),
        "mode": names_at(["automatic", "active"], due.active.astype(np.int64)),
        "confirmed_by": names_at(["both"], np.zeros(due.account.size, np.int64), due.active),
        "reason": names_at(people.REASONS, due.reason, due.decision == people.DECISIONS.index("left")),
    }


def sorted_by_answer_day(rows: list[Columns]) -> Columns:
    """Concatenate surveys into one table, sorted by the day of the answer, unanswered invitations last."""
    order = _order(np.concatenate([part["answered_on"] for part in rows]))
    columns: Columns = {}
    for name in dict.fromkeys(name for part in rows for name in part):
        pieces = [part[name] if name in part else pa.nulls(part["score"].size, pa.string()) for part in rows]
        if isinstance(pieces[0], np.ndarray):
            columns[name] = np.concatenate(pieces)[order]
        else:
            columns[name] = pa.concat_arrays(pieces).take(pa.array(order))
    return columns


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
