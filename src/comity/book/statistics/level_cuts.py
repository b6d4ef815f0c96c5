"""Where a level comes from: its numerator and denominator by queue, by team, by weekday and hour, and the contacts.

Each contact is counted as its level counts it, so that the sums over any cut are the level's own. A team is a group of
people: one of fewer than five agents is shown with others only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.record_choice import counted_table
from comity.book.statistics.scope import contacts_of
from comity.core.agreements.kpi import CONTACTS, Abandons, Kpi
from comity.core.disclosure_control import FEWEST
from comity.core.values import Period

MEASURES = frozenset({"service_level", "abandonment", "wait_mean", "handle_time", "reopen"})
MOST_CONTACTS = 500  # of those behind a level, the latest
_SHOWN = ("contact_id", "opened_at", "queue", "channel", "answered_at", "abandoned_at", "handle_s", "outcome")
_SECOND = 1e-6


@dataclass(frozen=True, slots=True)
class CutSum:
    """A level of a part of the contacts: `name` is None for contacts of which the records do not tell it."""

    name: str | None
    num: float
    den: float


@dataclass(frozen=True, slots=True)
class ContactRow:
    """A contact behind a level, without who made it and who handled it. `good` as the level counts it, if a share."""

    contact_id: str
    opened_at: datetime
    queue: str | None
    channel: str | None
    outcome: str | None
    wait_s: float | None
    handle_s: float | None


@dataclass(frozen=True, slots=True)
class LevelCuts:
    """The cuts of one level. `teams` is empty where agents are not known; `pooled` names the teams shown as one.

    `hours` has sums by weekday (0 is Monday) and hour of the book's own day. `contacts` are the latest of `behind`, the
    contacts that counted against the level, or of all where none does.
    """

    queues: tuple[CutSum, ...]
    teams: tuple[CutSum, ...]
    pooled: tuple[str, ...]
    hours: Mapping[tuple[int, int], tuple[float, float]]
    contacts: tuple[ContactRow, ...]
    behind: int


def gather(book: Book, kpi: Kpi, period: Period, left_out: Sequence[Period] = ()) -> LevelCuts | None:
    """The cuts of a level that is counted from contacts; None of any other, and where no contact counts.

    :param left_out: days of relief, which are in none of them
    """
    if kpi.measure not in MEASURES or not book.has("contacts") or counted_table(book, kpi) != CONTACTS:
        return None
    rows = _counted(book, kpi, period)
    for days in left_out:
        rows = rows.filter((rows.day < days.start) | (rows.day >= days.end))
    keys = rows.group_by("queue", "team", weekday=rows.day.day_of_week.index(), hour=rows.slot // 2)
    cells = keys.aggregate(num=_.num.sum(), den=_.den.sum()).to_pyarrow().to_pylist()
    if not sum(cell["den"] or 0 for cell in cells):
        return None
    agents = rows.filter(rows.team.notnull()).group_by("team").aggregate(agents=rows.agent.nunique()).to_pyarrow()
    teams, pooled = _teams(
        _sums(cells, "team"), dict(zip(*(agents.column(name).to_pylist() for name in ("team", "agents")), strict=True))
    )
    hours: dict[tuple[int, int], tuple[float, float]] = {}
    for cell in cells:
        if cell["hour"] is not None and cell["den"]:
            num, den = hours.get((cell["weekday"], cell["hour"]), (0.0, 0.0))
            hours[cell["weekday"], int(cell["hour"])] = (num + (cell["num"] or 0.0), den + cell["den"])
    against = rows.filter(rows.against) if kpi.measure in {"service_level", "abandonment", "reopen"} else rows
    against = against.filter(against.den > 0)
    latest = against.order_by([_.opened_at.desc(), _.contact_id]).limit(MOST_CONTACTS)
    return LevelCuts(
        tuple(sorted(_sums(cells, "queue"), key=lambda one: -one.den)),
        teams,
        pooled,
        hours,
        tuple(_contact(row) for row in latest.select(*_SHOWN).to_pyarrow().to_pylist()),
        int(against.count().to_pyarrow().as_py()),
    )


def _counted(book: Book, kpi: Kpi, period: Period) -> ibis.Table:
    """The contacts of a level, each with what it adds to both sides of the ratio, and whether it counts against it."""
    day = "resolved_on" if kpi.measure == "reopen" else "opened_on"
    table = contacts_of(book, kpi, period.start, period.end, day=day)
    answered = table.answered_at.notnull()
    gave_up = table.abandoned_at.notnull() & ~answered
    nothing: ibis.Value = ibis.literal(False)
    short = nothing
    if kpi.short_abandon_s is not None:
        short = gave_up & (table.abandoned_at <= table.opened_at + _seconds(kpi.short_abandon_s))
    against = nothing
    if kpi.measure == "service_level":
        num: ibis.Value = table.answered_at <= table.opened_at + _seconds(kpi.answer_within_s)
        den = {
            Abandons.COUNT: answered | gave_up,
            Abandons.EXCLUDE_SHORT: (answered | gave_up) & ~short,
            Abandons.EXCLUDE_ALL: answered,
        }[kpi.abandons]
        against = den & ~num.fill_null(False)
    elif kpi.measure == "abandonment":
        num, den = gave_up & ~short, (answered | gave_up) & ~short
        against = num
    elif kpi.measure == "wait_mean":
        num, den = table.answered_at.delta(table.opened_at, unit="microsecond") * _SECOND, answered
    elif kpi.measure == "handle_time":
        handled = table.handle_s.notnull() & (answered | table.abandoned_at.isnull())
        num, den = ibis.ifelse(handled, table.handle_s, 0.0), handled
    else:
        num, den = table.reopens > 0, table.reopens.notnull()
        against = num.fill_null(False)
    return table.mutate(
        num=num.fill_null(0).cast("float64") if not num.type().is_boolean() else num.fill_null(False).cast("float64"),
        den=den.fill_null(False).cast("int64"),
        against=against.fill_null(False),
        day=table[day],
        slot=table["resolved_slot" if kpi.measure == "reopen" else "opened_slot"],
        agent=table.agent_id if "agent_id" in table.columns else ibis.null("string"),
        team=table.team if "team" in table.columns else ibis.null("string"),
    )


def _seconds(limit: float) -> ibis.Value:
    return ibis.interval(microseconds=round(limit * 1e6))


def _sums(cells: Sequence[Mapping[str, Any]], key: str) -> list[CutSum]:
    """The cells summed by one of their keys, in an order that does not depend on the engine."""
    sums: dict[str | None, tuple[float, float]] = {}
    for cell in sorted(cells, key=lambda one: [str(one[name]) for name in ("queue", "team", "weekday", "hour")]):
        num, den = sums.get(cell[key], (0.0, 0.0))
        sums[cell[key]] = (num + (cell["num"] or 0.0), den + (cell["den"] or 0))
    return [CutSum(name, num, den) for name, (num, den) in sums.items() if den]


def _teams(sums: Sequence[CutSum], agents: Mapping[str, int]) -> tuple[tuple[CutSum, ...], tuple[str, ...]]:
    """Teams of five agents or more, and the others as one, which has five too: the whole less the rest tells it."""
    known = [one for one in sums if one.name is not None]
    if len(known) < 2 or not sum(agents.values()):  # noqa: PLR2004 - one team is the level itself
        return (), ()
    by_size = sorted(known, key=lambda one: (agents.get(one.name or "", 0), one.name))
    pool = [one for one in by_size if agents.get(one.name or "", 0) < FEWEST]
    rest = by_size[len(pool) :]
    while pool and sum(agents.get(one.name or "", 0) for one in pool) < FEWEST and rest:
        pool.append(rest.pop(0))
    if pool and sum(agents.get(one.name or "", 0) for one in pool) < FEWEST:
        return (), ()
    shown = sorted(rest, key=lambda one: -one.den)
    if pool:
        shown.append(CutSum("", sum(one.num for one in pool), sum(one.den for one in pool)))
    unknown = [one for one in sums if one.name is None]
    return (*shown, *unknown) if len(shown) > 1 else (), tuple(sorted(one.name or "" for one in pool))


def _contact(row: Mapping[str, Any]) -> ContactRow:
    opened, until = row["opened_at"], row["answered_at"] or row["abandoned_at"]
    wait = (until - opened).total_seconds() if isinstance(until, datetime) and isinstance(opened, datetime) else None
    return ContactRow(
        str(row["contact_id"]),
        opened,
        row["queue"],
        row["channel"],
        row["outcome"],
        wait,
        row["handle_s"],
    )
