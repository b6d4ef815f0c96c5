"""Contacts, intervals, plans and events as the columns of their tables."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from comity.simulate.conditions import ANSWER_WITHIN_S, CHAT, SHORT_S, TICKETS, VOICE
from comity.simulate.contacts import TICKET, Chunk, Contacts
from comity.simulate.demand import QUEUES, Demand
from comity.simulate.partnership import SLOT_S, Ints, LocalTime, Partnership
from comity.simulate.waiting import Floats
from comity.simulate.writing import constant, instants, pick, texts

Columns = dict[str, Any]
ALL_QUEUES = [*QUEUES, TICKETS]
TEAMS = [f"team {name}" for name in ALL_QUEUES]
CHANNELS = ["voice"] * len(VOICE) + [CHAT, "ticket"]
WITHIN = np.array([ANSWER_WITHIN_S[name] for name in QUEUES])
_REASONS = ["bill", "meter", "fault", "moving", "contract"]
_DAY_S = 86_400


def contacts(part: Contacts, before: int, told: Partnership, zone: LocalTime) -> Columns:
    """The table of contacts; `before` of them were written already."""
    ticket = part.queue == TICKET
    end = (
        float(np.datetime64(told.end).astype("datetime64[s]").astype(np.int64)) - 2 * 3600
    )  # a later thing is not known
    ended = part.opened + part.wait_s
    return {
        "contact_id": texts("c", np.arange(before, before + len(part)), 9),
        **instants("opened_at", part.opened, zone, cut=True),
        "account_id": texts("a", part.account, 7),
        "queue": pick(ALL_QUEUES, part.queue),
        "channel": pick(CHANNELS, part.queue),
        **instants("answered_at", ended, zone, part.answered & (ended < end)),
        **instants("abandoned_at", ended, zone, part.abandoned),
        "outcome": pick(["answered", "abandoned", "voicemail"], np.select([part.answered, part.abandoned], [0, 1], 2)),
        **instants("resolved_at", part.resolved, zone, part.resolved < end, cut=True),
        **instants("closed_at", part.resolved + _DAY_S, zone, ticket & (part.resolved + _DAY_S < end)),
        **instants("due_at", part.due, zone, ticket, cut=True),
        "handle_s": np.round(part.handle_s, 1),
        "team": pick(TEAMS, part.queue, part.answered),
        "priority": pick(["1", "2", "3", "4"], np.maximum(part.priority, 0), ticket),
        "reason": pick(_REASONS, part.reason),
        "transfers": part.transfers,
        "reopens": part.reopens,
        "opened_by": constant("customer", len(part)),
    }


def own_contacts(part: Contacts, before: int) -> Columns:
    """What the provider keeps to itself of the contacts: who handled each."""
    return {
        "contact_id": texts("c", np.arange(before, before + len(part)), 9),
        "agent_id": texts("g", np.where(part.agent >= 0, part.agent, 0), 5, part.agent >= 0),
    }


def intervals(chunk: Chunk, wanted: Demand, zone: LocalTime) -> Columns:
    """What happened in each half hour of each queue."""
    cells, common = _cells(chunk, wanted, zone)
    size = chunk.staffed.size
    counted = {name: np.bincount(at, minlength=size)[cells] for name, at in _marks(chunk.contacts)}
    handled = chunk.contacts.answered & (chunk.contacts.cell >= 0)
    spent = np.bincount(chunk.contacts.cell[handled], chunk.contacts.handle_s[handled], minlength=size)[cells]
    return common | counted | {"threshold_s": WITHIN[cells % len(QUEUES)], "handle_s": np.round(spent, 1)}


def forecasts(chunk: Chunk, wanted: Demand, zone: LocalTime, told: Partnership) -> Columns:
    """What was expected of each half hour, said three weeks before its month."""
    cells, common = _cells(chunk, wanted, zone)
    day = cells // (chunk.staffed.shape[1] * len(QUEUES))
    month = told.days[chunk.days][day].astype("datetime64[M]").astype("datetime64[D]")
    return common | {
        "issued_on": month - 21,
        "offered": np.round(wanted.forecast[chunk.days].ravel()[cells], 2),
        "aht_s": wanted.handle_s[cells % len(QUEUES)],
        "locked": np.ones(cells.size, bool),
        "issued_by": constant("customer", cells.size),
    }


def schedules(chunk: Chunk, wanted: Demand, zone: LocalTime) -> Columns:
    """The positions that were needed, planned and there."""
    cells, common = _cells(chunk, wanted, zone)
    plan = {name: getattr(wanted, name)[chunk.days] for name in ("required", "scheduled", "ordered_off")}
    plan["staffed"] = chunk.staffed
    return common | {name: np.round(values.ravel()[cells], 2) for name, values in plan.items()}


def events(wanted: Demand, told: Partnership, zone: LocalTime) -> Columns:
    """What befell the service."""
    happened = sorted(wanted.events, key=lambda event: (event.day, event.slots))
    starts, _ = zone.slots_utc(told.days)
    at = [(event.day - told.first).days for event in happened]
    begin = np.array([starts[day, event.slots[0]] for day, event in zip(at, happened, strict=True)], float)
    end = np.array([starts[day, event.slots[1] - 1] + SLOT_S for day, event in zip(at, happened, strict=True)], float)
    foreseen = np.array([event.foreseen for event in happened], bool)
    answered = np.array([event.state != "claimed" for event in happened], bool)
    size = len(happened)
    return {
        "event_id": texts("e", np.arange(size), 3),
        "kind": pa.array([event.kind for event in happened]),
        **instants("from", begin, zone),
        **instants("to", end, zone),
        "queues": pa.array([";".join(QUEUES[queue] for queue in event.queues) for event in happened]),
        "declared_by": pa.array([event.declared_by for event in happened]),
        "brought_by": pa.array([event.declared_by for event in happened]),
        **instants("declared_at", begin + np.where(foreseen, -14 * _DAY_S, 5400), zone),
        **instants("announced_at", begin - 14 * _DAY_S, zone, foreseen),
        "claim": pa.array([event.claim for event in happened]),
        "state": pa.array([event.state for event in happened]),
        "answered_by": pick(["northwind"], np.zeros(size, np.int64), answered),
        **instants("answered_at", end + 5.0 * _DAY_S, zone, answered),
    }


def _cells(chunk: Chunk, wanted: Demand, zone: LocalTime) -> tuple[Ints, Columns]:
    """The half hours of the queues that were open, and the columns that every table of half hours has."""
    cells = np.flatnonzero(wanted.offered[chunk.days].ravel() > 0)
    start = np.repeat(chunk.starts.ravel(), len(QUEUES))[cells]
    return cells, {
        "queue": pick(list(QUEUES), cells % len(QUEUES)),
        **instants("start", start.astype(float), zone, cut=True),
        "minutes": np.full(cells.size, SLOT_S // 60),
    }


def _marks(made: Contacts) -> Iterator[tuple[str, Ints]]:
    """The cells of the contacts that each count of an interval counts."""
    queued = made.cell >= 0
    within = WITHIN[np.minimum(made.queue, len(QUEUES) - 1)]
    yield "offered", made.cell[queued]
    yield "answered", made.cell[queued & made.answered]
    yield "answered_within", made.cell[queued & made.answered & (made.wait_s <= within)]
    yield "abandoned", made.cell[queued & made.abandoned]
    yield "abandoned_short", made.cell[queued & made.abandoned & (made.wait_s <= SHORT_S)]
    yield "flowed_out", made.cell[queued & made.diverted]


def monthly_counts(chunk: Chunk, months: Ints, count: int) -> Floats:
    """[months, (good, waiting, answered)] of the voice queues: what each side makes its own figure of.

    :param months: the month of every day of the book
    """
    made = chunk.contacts
    voice = np.flatnonzero((made.queue < len(VOICE)) & ~made.diverted)
    month = months[day_of(chunk)[voice]]
    good = made.answered[voice] & (made.wait_s[voice] <= WITHIN[0])
    marks = (good, np.ones(voice.size, bool), made.answered[voice])
    return np.stack([np.bincount(month[mark], minlength=count) for mark in marks], axis=1).astype(float)


def day_of(chunk: Chunk) -> Ints:
    """The day of the book of each contact that was queued."""
    return np.asarray(chunk.contacts.cell // (chunk.staffed.shape[1] * len(QUEUES)) + chunk.days.start)
