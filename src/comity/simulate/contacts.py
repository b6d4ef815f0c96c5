"""Simulated contacts, in chunks of days: calls and chats through queues, tickets with a due date."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from comity.simulate.conditions import VOICE
from comity.simulate.demand import QUEUES, Demand
from comity.simulate.partnership import SLOT_S, SLOTS, Ints, LocalTime, Partnership
from comity.simulate.people import Accounts
from comity.simulate.waiting_times import Floats, waits

DAY_SD = 0.04  # days are busier or quieter than planned, all queues together
REACTION = 0.5  # share of a day's surprise that the floor makes up for
PRESENCE_SD = 0.01
REDIALS = 0.30  # of those who gave up, share that tries again within half an hour
DUE_H = np.array([4.0, 8.0, 24.0, 72.0])  # by priority
_PRIORITIES = np.array([0.05, 0.15, 0.45, 0.35])
_CHUNK_CONTACTS = 220_000  # contacts that are made together, about
_CONTACTS = 1  # stream of chance
TICKET = len(QUEUES)  # position of the queue of tickets
Flags = NDArray[np.bool_]
Drawn = dict[str, NDArray[Any]]  # columns of contacts, before they are put together


@dataclass(frozen=True, slots=True)
class Contacts:
    """Contacts in the order of their opening; instants in seconds of UTC, NaN where nothing happened.

    `queue`: position of QUEUES, TICKET for tickets; `cell`: position in the chunk's [days, SLOTS, QUEUES], -1 for
    tickets; `wait_s`: until answered or given up; `agent`: number among all agents, -1 where none.
    """

    opened: Floats
    queue: Ints
    cell: Ints
    account: Ints
    wait_s: Floats
    answered: Flags
    abandoned: Flags
    diverted: Flags
    handle_s: Floats
    resolved: Floats
    due: Floats
    agent: Ints
    priority: Ints
    reason: Ints
    transfers: Ints
    reopens: Ints

    def __len__(self) -> int:
        """The number of contacts."""
        return len(self.opened)

    def ordered(self) -> "Contacts":
        """Return the contacts sorted by the moment of opening."""
        order = np.argsort(self.opened, kind="stable")
        return Contacts(*(getattr(self, column.name)[order] for column in fields(self)))


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some whole days: which, the contacts opened in them, and the positions that were there, [days, SLOTS, QUEUES]."""

    days: slice
    contacts: Contacts
    starts: Ints
    staffed: Floats


def chunks(
    partnership: Partnership, demand: Demand, accounts: Accounts, pool: Floats, zone: LocalTime
) -> Iterator[Chunk]:
    """Yield all contacts, some days at a time.

    :param pool: agents of each queue, tickets last
    """
    length = int(np.clip(_CHUNK_CONTACTS // max(partnership.contacts_per_day, 1), 1, 31))
    for number, start in enumerate(range(0, len(partnership.days), length)):
        days = slice(start, min(start + length, len(partnership.days)))
        yield _chunk(partnership, demand, accounts, pool, zone, days, partnership.rng(_CONTACTS, number))


def _chunk(  # noqa: PLR0913 - what a day of service depends on
    partnership: Partnership,
    demand: Demand,
    accounts: Accounts,
    pool: Floats,
    zone: LocalTime,
    days: slice,
    rng: np.random.Generator,
) -> Chunk:
    starts, exists = zone.slots_utc(partnership.days[days])
    surprise = np.exp(rng.normal(-(DAY_SD**2) / 2, DAY_SD, len(starts)))[:, None, None]
    presence = rng.normal(1, PRESENCE_SD, len(starts))[:, None, None]
    staffed = demand.staffed[days] * (1 + REACTION * (surprise - 1)) * presence
    mean = demand.offered[days] * surprise * exists[:, :, None]
    queued = _queue_contacts(demand, days, mean, staffed, starts, rng)
    tickets = _ticket_contacts(partnership, demand.tickets[days] * surprise[:, :, 0] * exists, starts, zone, rng)
    together = {name: np.concatenate([queued[name], tickets[name]]) for name in queued}
    contacts = Contacts(**_complete_columns(together, partnership, accounts, pool, days, rng)).ordered()
    return Chunk(days, contacts, starts, staffed)


def _queue_contacts(  # noqa: PLR0913 - as above
    demand: Demand,
    days: slice,
    mean: Floats,
    staffed: Floats,
    starts: Ints,
    rng: np.random.Generator,
) -> Drawn:
    """Draw calls and chats: arrivals, waits, abandons and redials."""
    shape = mean.shape
    cells = np.flatnonzero(mean.ravel() > 0)
    queue_of = cells % shape[2]
    day_of = cells // (shape[1] * shape[2])
    share = demand.diverted[days][day_of] * (queue_of < len(VOICE))
    offered = mean.ravel()[cells]
    patience = demand.patience_s[days][day_of, queue_of]
    states = waits(
        offered * (1 - share) / SLOT_S, demand.handle_s[queue_of], patience, np.maximum(staffed.ravel()[cells], 0.01)
    )
    first = rng.poisson(offered / (1 + REDIALS * states.abandoned()))
    state = np.repeat(np.arange(cells.size), first)
    begin = starts.ravel()[cells // shape[2]]
    opened = begin[state] + rng.random(state.size) * SLOT_S
    away = rng.random(state.size) < share[state]
    wait, answered = states.draw(rng, state)
    account = rng.random(state.size)
    # Redials: in the state of the half hour into which they fall, if the queue is open then.
    abandoned = np.flatnonzero(~answered & ~away)
    abandoned = abandoned[rng.random(abandoned.size) < REDIALS]
    redialled_at = opened[abandoned] + wait[abandoned] + 90 + np.minimum(rng.exponential(420, abandoned.size), 1600)
    later = ((redialled_at - begin[state[abandoned]]) // SLOT_S).astype(np.int64)
    cell = cells[state[abandoned]] + later * shape[2]
    same_day = cell // (shape[1] * shape[2]) == day_of[state[abandoned]]
    where = np.searchsorted(cells, cell)
    known = same_day & (cells[np.minimum(where, cells.size - 1)] == cell)
    abandoned, redialled_at, where = abandoned[known], redialled_at[known], where[known]
    wait_again, answered_again = states.draw(rng, where)
    state = np.concatenate([state, where])
    away = np.concatenate([away, np.zeros(where.size, bool)])
    answered = np.concatenate([answered, answered_again]) & ~away
    return {
        "opened": np.concatenate([opened, redialled_at]),
        "queue": queue_of[state],
        "cell": cells[state],
        "account": np.concatenate([account, account[abandoned]]),
        "wait_s": np.concatenate([wait, wait_again]),
        "answered": answered,
        "diverted": away,
        "due": np.full(state.size, np.nan),
        "in_time": np.full(state.size, np.nan),
        "priority": np.full(state.size, -1),
    }


def _ticket_contacts(
    partnership: Partnership, mean: Floats, starts: Ints, zone: LocalTime, rng: np.random.Generator
) -> Drawn:
    """Draw tickets: due date by priority; in time with the share of the quarter in which they fall due."""
    slot = np.repeat(np.arange(mean.size), rng.poisson(mean.ravel()))
    opened = starts.ravel()[slot] + rng.random(slot.size) * SLOT_S
    priority = rng.choice(DUE_H.size, slot.size, p=_PRIORITIES)
    due = opened + DUE_H[priority] * 3600
    day = (zone.local(due.astype(np.int64)) // (SLOTS * SLOT_S)).astype("datetime64[D]")
    in_time = np.array([partnership.conditions(quarter).service.in_time for quarter in partnership.quarters])
    return {
        "opened": opened,
        "queue": np.full(slot.size, TICKET),
        "cell": np.full(slot.size, -1),
        "account": rng.random(slot.size),
        "wait_s": rng.exponential(1200, slot.size),
        "answered": np.ones(slot.size, bool),
        "diverted": np.zeros(slot.size, bool),
        "due": due,
        "in_time": rng.random(slot.size) < in_time[partnership.quarter_of(day)],
        "priority": priority,
    }


def _complete_columns(  # noqa: PLR0913 - as above
    drawn: Drawn,
    partnership: Partnership,
    accounts: Accounts,
    pool: Floats,
    days: slice,
    rng: np.random.Generator,
) -> Drawn:
    """Draw the other columns: handling, resolution, agent, reason."""
    queue, answered, opened = drawn["queue"], drawn["answered"], drawn["opened"]
    size = opened.size
    ticket = queue == TICKET
    handle = rng.gamma(2.0, np.array([210.0, 150.0, 105.0, 135.0, 300.0])[queue])
    allowed = np.where(ticket, drawn["due"] - opened, 0)
    took = np.where(drawn["in_time"] == 1, rng.random(size) ** 0.7, 1 + rng.exponential(0.6, size)) * allowed
    resolved = np.where(ticket, opened + took, opened + drawn["wait_s"] + handle)
    wait = np.where(ticket, np.minimum(drawn["wait_s"], took / 2), drawn["wait_s"])
    return {
        "opened": opened,
        "queue": queue,
        "cell": drawn["cell"],
        "account": _assign_accounts(drawn["account"], partnership, accounts, np.datetime64(partnership.days[days][0])),
        "wait_s": wait,
        "answered": answered,
        "abandoned": ~answered & ~drawn["diverted"],
        "diverted": drawn["diverted"],
        "handle_s": np.where(answered, handle, np.nan),
        "resolved": np.where(answered, resolved, np.nan),
        "due": drawn["due"],
        "agent": np.where(
            answered, ((np.cumsum(pool) - pool)[queue] + rng.random(size) * pool[queue]).astype(np.int64), -1
        ),
        "priority": drawn["priority"],
        "reason": rng.choice(5, size, p=[0.34, 0.24, 0.18, 0.14, 0.10]),
        "transfers": np.where(answered, rng.poisson(0.07, size), 0),
        "reopens": np.where(ticket & (rng.random(size) < 0.045), 1, 0),  # noqa: PLR2004 - a usual share
    }


def household_count(partnership: Partnership) -> int:
    """Return the number of accounts outside of the panel, at which a usual share makes contact twice a week."""
    return max(2000, round(partnership.contacts_per_day * 12))


def _assign_accounts(drawn: Floats, partnership: Partnership, accounts: Accounts, day: np.datetime64) -> Ints:
    """Assign accounts to contacts: those of the panel only while they are customers, the others always."""
    panel, many = len(accounts.opinion), household_count(partnership)
    account = (drawn * (panel + many)).astype(np.int64)
    gone = ~accounts.there(day)
    replaced = (account < panel) & gone[np.minimum(account, panel - 1)]
    return np.asarray(np.where(replaced, panel + (account * 7919) % many, account))
