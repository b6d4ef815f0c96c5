"""Demand and staffing of a simulated partnership by half hour and queue, as means before chance.

Everything here follows from the story and the calendar; no random number is drawn. So the truth can be computed from
it, and many seeds share it.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from comity.simulate.conditions import (
    ANSWER_WITHIN_S,
    CHAT,
    HANDLE_S,
    PLANNED,
    SHORT_S,
    VOICE,
    Service,
    Story,
)
from comity.simulate.partnership import SLOT_S, SLOTS, Days, Partnership
from comity.simulate.waiting_times import Floats, positions_for

QUEUES = (*VOICE, CHAT)  # those that are waited in; tickets are not
_VOICE_SHARE, _CHAT_SHARE, TICKET_SHARE = 0.70, 0.12, 0.18  # of all contacts
_HANDLE = np.array([HANDLE_S[name] for name in VOICE] + [270.0])
_PLANNED = np.array([PLANNED[name] for name in VOICE] + [0.85])
_WITHIN = np.array([ANSWER_WITHIN_S[name] for name in QUEUES])
_CHAT_PATIENCE_S = 240.0
_WEEKDAYS = np.array([1.20, 1.08, 1.02, 1.0, 0.95, 0.42, 0.14])  # Monday first
_HOLIDAYS = {(1, 1), (1, 6), (5, 1), (8, 15), (10, 12), (11, 1), (12, 6), (12, 8), (12, 25)}
_KNOTS = np.geomspace(0.01, 100_000, 420)  # contacts in a half hour, sixty to a decade
_OPEN = ((16, 42),) * 5 + ((18, 30), (20, 28))  # half hours: 8 to 21, Saturday 9 to 15, Sunday 10 to 14


@dataclass(frozen=True, slots=True)
class Event:
    """An event on one day, with `factor` times the contacts in `queues` (positions of QUEUES)."""

    kind: str
    day: date
    slots: tuple[int, int]
    queues: tuple[int, ...]
    factor: float
    foreseen: bool
    declared_by: str
    claim: str
    state: str
    absent: float = 0.0  # share of the positions that the customer ordered away

    @property
    def excluded(self) -> bool:
        """Whether its contacts are taken out of the agreed figure."""
        return self.claim == "exclude" and self.state in {"accepted", "deemed"}


@dataclass(frozen=True, slots=True)
class Demand:
    """Means by day, half hour and queue, [days, SLOTS, QUEUES] unless said otherwise.

    `offered`: contacts, second attempts included; `forecast`: what was expected and locked; `required`, `scheduled`,
    `staffed`: positions; `ordered_off`: of them ordered away; `patience_s`: [days, QUEUES]; `handle_s`: [QUEUES];
    `tickets`: [days, SLOTS]; `excluded`: whether an accepted event takes the contacts out; `diverted`: [days], share
    of callers who are sent to voicemail.
    """

    offered: Floats
    forecast: Floats
    required: Floats
    scheduled: Floats
    staffed: Floats
    ordered_off: Floats
    patience_s: Floats
    handle_s: Floats
    tickets: Floats
    excluded: NDArray[np.bool_]
    diverted: Floats
    events: tuple[Event, ...]


def make_demand(partnership: Partnership) -> Demand:
    """Return the demand of a partnership, shared by all seeds and stories with equal conditions of the service."""
    return cached_demand(
        quarterly_services(partnership), partnership.contacts_per_day, partnership.first, partnership.end
    )


def quarterly_services(partnership: Partnership) -> tuple[Service, ...]:
    """Return the conditions of the service, quarter by quarter."""
    return tuple(partnership.conditions(quarter).service for quarter in partnership.quarters)


@lru_cache(maxsize=16)
def cached_demand(services: tuple[Service, ...], contacts_per_day: float, first: date, end: date) -> Demand:
    """Compute the demand of a partnership from the conditions of its quarters.

    :param services: one for each quarter that the days from `first` up to `end` touch
    """
    partnership = Partnership(Story("", "", ()), 0, contacts_per_day, first, end)  # for its calendar only
    days, quarters = partnership.days, partnership.quarter_of(partnership.days)
    events = tuple(
        event for quarter in partnership.quarters for event in _events(quarter.start) if _within(partnership, event.day)
    )
    rhythm, whole_day = _rhythm(days)
    calm = contacts_per_day * rhythm[:, :, None] * _split(services, quarters)[:, None, :]
    offered, foreseen = calm.copy(), calm.copy()
    offered[:, :, : len(VOICE)] *= np.array([service.unforeseen for service in services])[quarters][:, None, None]
    excluded, absent = np.zeros(calm.shape, bool), np.zeros(calm.shape)
    for event in events:
        at = (event.day - first).days
        cell_index = np.ix_([at], range(*event.slots), event.queues)
        offered[cell_index] *= event.factor
        if event.foreseen:
            foreseen[cell_index] *= event.factor
        excluded[cell_index] |= event.excluded
        absent[cell_index] = event.absent
    months = np.array([day.month for day in days.astype(object)])
    forecast = foreseen * (1 + 0.004 * np.sin(2.1 * months))[:, None, None]
    patience = np.array([[service.patience_s] * len(VOICE) + [_CHAT_PATIENCE_S] for service in services])[quarters]
    usual = np.broadcast_to(np.array([Service().patience_s] * len(VOICE) + [_CHAT_PATIENCE_S]), patience.shape)
    short = np.array([[service.short_of_plan] * len(VOICE) + [0.0] for service in services])[quarters]
    diverted = np.array([service.diverted for service in services])[quarters]
    waiting_share = np.stack([1 - diverted] * len(VOICE) + [np.ones(len(days))], axis=1)
    planned = _positions(forecast, usual, np.broadcast_to(_PLANNED, patience.shape))
    actual = _positions(forecast * waiting_share[:, None, :], patience, (_PLANNED - short) / waiting_share)
    return Demand(
        offered=offered,
        forecast=forecast,
        required=np.ceil(planned),
        scheduled=(planned + actual) / 2,
        staffed=actual * (1 - absent),
        ordered_off=actual * absent,
        patience_s=patience,
        handle_s=_HANDLE,
        tickets=contacts_per_day * TICKET_SHARE * whole_day,
        excluded=excluded,
        diverted=diverted,
        events=events,
    )


def _within(partnership: Partnership, day: date) -> bool:
    return partnership.first <= day < partnership.end


def _split(services: tuple[Service, ...], quarters: NDArray[np.int64]) -> Floats:
    """The share of all contacts that goes to each queue on each day."""
    rows = [
        [_VOICE_SHARE * service.volume * share for share in service.shares] + [_CHAT_SHARE * service.volume]
        for service in services
    ]
    return np.array(rows)[quarters]


def holidays(days: Days) -> list[date]:
    """Those of the days that are holidays, on which as little comes as on a Sunday."""
    return [day for day in days.astype(object) if (day.month, day.day) in _HOLIDAYS]


def day_weights(days: Days) -> Floats:
    """How much work each day brings by its weekday alone; a week of ordinary days brings seven."""
    return np.asarray(_WEEKDAYS[_weekdays(days)] / _WEEKDAYS.mean(), dtype=np.float64)


def _weekdays(days: Days) -> NDArray[np.int64]:
    """Each day's weekday, 0 for Monday; a holiday is a Sunday."""
    free = set(holidays(days))
    return np.array([6 if day in free else day.weekday() for day in days.astype(object)])


def _rhythm(days: Days) -> tuple[Floats, Floats]:
    """Each half hour's share of an average day: of the opening hours, and of the whole day (tickets)."""
    dates, weekday = days.astype(object), _weekdays(days)
    season = np.array([1 + 0.05 * np.cos(2 * np.pi * (day.timetuple().tm_yday - 20) / 365) for day in dates])
    level = _WEEKDAYS[weekday] * season
    level *= len(days) / level.sum()
    hour = (np.arange(SLOTS) + 0.5) / 2
    shape = np.exp(-0.5 * ((hour - 11) / 2.2) ** 2) + 0.75 * np.exp(-0.5 * ((hour - 17) / 2.4) ** 2)
    open_shape = np.array([shape * ((np.arange(SLOTS) >= low) & (np.arange(SLOTS) < high)) for low, high in _OPEN])
    open_shape /= open_shape.sum(axis=1, keepdims=True)
    all_day = (shape + 0.06) / (shape + 0.06).sum()
    return level[:, None] * open_shape[weekday], level[:, None] * all_day


def _positions(count: Floats, patience: Floats, target: Floats) -> Floats:
    """Return the least positions that reach the target, interpolated linearly between the knots of each queue."""
    positions = np.zeros_like(count)
    for queue in range(count.shape[2]):
        states, back = np.unique(np.stack([patience[:, queue], target[:, queue]], axis=1), axis=0, return_inverse=True)
        for number, (patience_s, target_level) in enumerate(states.tolist()):
            days = np.flatnonzero(back.ravel() == number)
            sizes = count[days, :, queue]
            met = np.interp(
                np.log(np.maximum(sizes, _KNOTS[0])), np.log(_KNOTS), _at_knots(queue, patience_s, target_level)
            )
            positions[days, :, queue] = np.where(sizes > 0, met, 0)
    return positions


@lru_cache(maxsize=128)
def _at_knots(queue: int, patience_s: float, target: float) -> Floats:
    """Return the positions for _KNOTS contacts a half hour."""
    like = np.ones_like(_KNOTS)
    handle, within = like * _HANDLE[queue], like * _WITHIN[queue]
    return positions_for(_KNOTS / SLOT_S, handle, like * patience_s, like * target, within, SHORT_S)


def _events(quarter: date) -> list[Event]:
    """Return the events of a quarter: an outage, a storm, a bill run, a training, a campaign."""
    first, middle, last = (date(quarter.year, quarter.month + month, 1) for month in range(3))
    return [
        Event("bill_run", _weekday(first, 0, 2), (18, 36), (1,), 1.3, True, "customer", "none", "claimed"),
        Event("campaign", _weekday(first, 2, 3), (20, 40), (2,), 1.25, True, "customer", "none", "claimed"),
        Event("outage", _weekday(middle, 1, 2), (20, 28), (0, 1), 1.9, False, "customer", "exclude", "accepted"),
        Event(
            "training_ordered", _weekday(middle, 3, 3), (30, 36), (0,), 1.0, False,
            "customer", "relief", "accepted", absent=0.15,
        ),
        Event("storm", _weekday(last, 3, 2), (28, 36), (0,), 1.4, False, "provider", "exclude", "refused"),
    ]  # fmt: skip


def _weekday(month: date, weekday: int, which: int) -> date:
    """The first (1), second (2), ... Monday (0), Tuesday (1), ... of a month."""
    return month + timedelta(days=(weekday - month.weekday()) % 7 + 7 * (which - 1))
