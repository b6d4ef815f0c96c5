"""Columns of the tables of contacts, intervals, forecasts, schedules and events."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from comity.simulate.conditions import ANSWER_WITHIN_S, CHAT, SHORT_S, TICKETS, VOICE
from comity.simulate.contacts import TICKET, Chunk, Contacts
from comity.simulate.demand import QUEUES, Demand
from comity.simulate.partnership import SLOT_S, Ints, LocalTime, Partnership
from comity.simulate.table_writer import constant, id_texts, instants, names_at
from comity.simulate.waiting_times import Floats

Columns = dict[str, Any]
ALL_QUEUES = [*QUEUES, TICKETS]
TEAMS = [f"team {name}" for name in ALL_QUEUES]
CHANNELS = ["voice"] * len(VOICE) + [CHAT, "ticket"]
WITHIN = np.array([ANSWER_WITHIN_S[name] for name in QUEUES])
_REASONS = ["bill", "meter", "fault", "moving", "contract"]
_DAY_S = 86_400


def contact_rows(part: Contacts, before: int, partnership: Partnership, zone: LocalTime) -> Columns:
    """Return the shared columns of contacts.

    :param before: contacts that were written already
    """
    ticket = part.queue == TICKET
    end = (
        float(np.datetime64(partnership.end).astype("datetime64[s]").astype(np.int64)) - 2 * 3600
    )  # a later thing is not known
    ended = part.opened + part.wait_s
    return {
        "contact_id": id_texts("c", np.arange(before, before + len(part)), 9),
        **instants("opened_at", part.opened, zone, cut=True),
        "account_id": id_texts("a", part.account, 7),
        "queue": names_at(ALL_QUEUES, part.queue),
        "channel": names_at(CHANNELS, part.queue),
        **instants("answered_at", ended, zone, part.answered & (ended < end)),
        **instants("abandoned_at", ended, zone, part.abandoned),
        "outcome": names_at(
            ["answered", "abandoned", "voicemail"], np.select([part.answered, part.abandoned], [0, 1], 2)
        ),
        **instants("resolved_at", part.resolved, zone, part.resolved < end, cut=True),
        **instants("closed_at", part.resolved + _DAY_S, zone, ticket & (part.resolved + _DAY_S < end)),
        **instants("due_at", part.due, zone, ticket, cut=True),
        "handle_s": np.round(part.handle_s, 1),
        "team": names_at(TEAMS, part.queue, part.answered),
        "priority": names_at(["1", "2", "3", "4"], np.maximum(part.priority, 0), ticket),
        "reason": names_at(_REASONS, part.reason),
        "transfers": part.transfers,
        "reopens": part.reopens,
        "opened_by": constant("customer", len(part)),
    }


def own_contact_rows(part: Contacts, before: int) -> Columns:
    """Return the provider's private column of contacts: the agent of each."""
    return {
        "contact_id": id_texts("c", np.arange(before, before + len(part)), 9),
        "agent_id": id_texts("g", np.where(part.agent >= 0, part.agent, 0), 5, part.agent >= 0),
    }


def interval_rows(chunk: Chunk, demand: Demand, zone: LocalTime) -> Columns:
    """Return the counts of each half hour and queue."""
    cells, common = _cells(chunk, demand, zone)
    size = chunk.staffed.size
    counted = {name: np.bincount(at, minlength=size)[cells] for name, at in _counted_cells(chunk.contacts)}
    handled = chunk.contacts.answered & (chunk.contacts.cell >= 0)
    spent = np.bincount(chunk.contacts.cell[handled], chunk.contacts.handle_s[handled], minlength=size)[cells]
    return common | counted | {"threshold_s": WITHIN[cells % len(QUEUES)], "handle_s": np.round(spent, 1)}


def forecast_rows(chunk: Chunk, demand: Demand, zone: LocalTime, partnership: Partnership) -> Columns:
    """Return the forecast of each half hour, issued three weeks before its month."""
    cells, common = _cells(chunk, demand, zone)
    day = cells // (chunk.staffed.shape[1] * len(QUEUES))
    month = partnership.days[chunk.days][day].astype("datetime64[M]").astype("datetime64[D]")
    return common | {
        "issued_on": month - 21,
        "offered": np.round(demand.forecast[chunk.days].ravel()[cells], 2),
        "aht_s": demand.handle_s[cells % len(QUEUES)],
        "locked": np.ones(cells.size, bool),
        "issued_by": constant("customer", cells.size),
    }


def schedule_rows(chunk: Chunk, demand: Demand, zone: LocalTime) -> Columns:
    """Return required, scheduled, staffed and ordered-off positions."""
    cells, common = _cells(chunk, demand, zone)
    plan = {name: getattr(demand, name)[chunk.days] for name in ("required", "scheduled", "ordered_off")}
    plan["staffed"] = chunk.staffed
    return common | {name: np.round(values.ravel()[cells], 2) for name, values in plan.items()}


def event_rows(demand: Demand, partnership: Partnership, zone: LocalTime) -> Columns:
    """Return the events of the service."""
    happened = sorted(demand.events, key=lambda event: (event.day, event.slots))
    starts, _ = zone.slots_utc(partnership.days)
    at = [(event.day - partnership.first).days for event in happened]
    begin = np.array([starts[day, event.slots[0]] for day, event in zip(at, happened, strict=True)], float)
    end = np.array([starts[day, event.slots[1] - 1] + SLOT_S for day, event in zip(at, happened, strict=True)], float)
    foreseen = np.array([event.foreseen for event in happened], bool)
    answered = np.array([event.state != "claimed" for event in happened], bool)
    size = len(happened)
    return {
        "event_id": id_texts("e", np.arange(size), 3),
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
        "answered_by": names_at(["northwind"], np.zeros(size, np.int64), answered),
        **instants("answered_at", end + 5.0 * _DAY_S, zone, answered),
    }


def _cells(chunk: Chunk, demand: Demand, zone: LocalTime) -> tuple[Ints, Columns]:
    """Return the open half hours of the queues, and the columns that every table of half hours has."""
    cells = np.flatnonzero(demand.offered[chunk.days].ravel() > 0)
    start = np.repeat(chunk.starts.ravel(), len(QUEUES))[cells]
    return cells, {
        "queue": names_at(list(QUEUES), cells % len(QUEUES)),
        **instants("start", start.astype(float), zone, cut=True),
        "minutes": np.full(cells.size, SLOT_S // 60),
    }


def _counted_cells(contacts: Contacts) -> Iterator[tuple[str, Ints]]:
    """Yield each count of an interval with the cells of the contacts that it counts."""
    queued = contacts.cell >= 0
    within = WITHIN[np.minimum(contacts.queue, len(QUEUES) - 1)]
    yield "offered", contacts.cell[queued]
    yield "answered", contacts.cell[queued & contacts.answered]
    yield "answered_within", contacts.cell[queued & contacts.answered & (contacts.wait_s <= within)]
    yield "abandoned", contacts.cell[queued & contacts.abandoned]
    yield "abandoned_short", contacts.cell[queued & contacts.abandoned & (contacts.wait_s <= SHORT_S)]
    yield "flowed_out", contacts.cell[queued & contacts.diverted]


def monthly_counts(chunk: Chunk, months: Ints, count: int) -> Floats:
    """Count [months, (good, waiting, answered)] contacts of the voice queues, from which each side makes its figure.

    :param months: the month of every day of the book
    """
    contacts = chunk.contacts
    voice = np.flatnonzero((contacts.queue < len(VOICE)) & ~contacts.diverted)
    month = months[day_of(chunk)[voice]]
    good = contacts.answered[voice] & (contacts.wait_s[voice] <= WITHIN[0])
    marks = (good, np.ones(voice.size, bool), contacts.answered[voice])
    return np.stack([np.bincount(month[mark], minlength=count) for mark in marks], axis=1).astype(float)


def day_of(chunk: Chunk) -> Ints:
    """Return the day of the book, from 0, of each contact that was queued."""
    return np.asarray(chunk.contacts.cell // (chunk.staffed.shape[1] * len(QUEUES)) + chunk.days.start)
