"""Where a level comes from: its numerator and denominator by queue, by team, by weekday and hour, and the contacts.

Each contact is counted as its level counts it, so that the sums over any cut are the level's own. A team is a group of
people: one of fewer than five agents is shown with others only.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics import service_level
from comity.book.statistics.deadlines import promises
from comity.book.statistics.exclusions import without
from comity.book.statistics.levels import repeats
from comity.book.statistics.record_choice import counted_table
from comity.book.statistics.scope import contacts_of, in_queues, in_scope
from comity.core.agreements.kpi import CONTACTS, INTERVALS, Abandons, Kpi
from comity.core.disclosure_control import FEWEST
from comity.core.values import Period

OF_INTERVALS = frozenset({"service_level", "abandonment", "handle_time"})
# Shares, of which each contact is on one side: those that count against the level are the contacts behind it.
SHARES = frozenset({"service_level", "abandonment", "reopen", "repeat_contact", "sla_attainment"})
MEASURES = SHARES | {"wait_mean", "handle_time"}
MOST_CONTACTS = 5_000  # of those behind a level, the latest
_SHOWN = ("contact_id", "opened_at", "queue", "channel", "answered_at", "abandoned_at", "handle_s", "outcome")
_SECOND = 1e-6
_HOUR = 60  # minutes


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


def gather(
    book: Book, kpi: Kpi, period: Period, left_out: Sequence[Period] = (), until: date | None = None
) -> LevelCuts | None:
    """The cuts of a level that is counted from contacts or intervals; None of any other, and where nothing counts.

    Intervals tell of queues, weekdays and hours alone: there are no contacts behind them.

    :param left_out: days of relief, which are in none of them
    :param until: the first day that the records no longer tell of; what falls due later is not judged yet
    """
    table = counted_table(book, kpi) if kpi.measure in MEASURES else ""
    if table == INTERVALS and kpi.measure in OF_INTERVALS and book.has(INTERVALS):
        return _of_intervals(book, kpi, period, left_out)
    if table != CONTACTS or not book.has(CONTACTS):
        return None
    counted = _COUNTED.get(kpi.measure, _counted)(book, kpi, Period(period.start, min(period.end, until or period.end)))
    if counted is None:
        return None
    rows = _without_days(counted, left_out, "day")
    keys = rows.group_by("queue", "team", weekday=rows.weekday_on.day_of_week.index(), hour=rows.slot // 2)
    cells = keys.aggregate(num=_.num.sum(), den=_.den.sum()).to_pyarrow().to_pylist()
    if not sum(cell["den"] or 0 for cell in cells):
        return None
    agents = rows.filter(rows.team.notnull()).group_by("team").aggregate(agents=rows.agent.nunique()).to_pyarrow()
    teams, pooled = _teams(
        _sums(cells, "team"), dict(zip(*(agents.column(name).to_pylist() for name in ("team", "agents")), strict=True))
    )
    against = rows.filter(rows.against) if kpi.measure in SHARES else rows
    against = against.filter(against.den > 0)
    latest = against.order_by([_.opened_at.desc(), _.contact_id]).limit(MOST_CONTACTS)
    return LevelCuts(
        tuple(sorted(_sums(cells, "queue"), key=lambda one: -one.den)),
        teams,
        pooled,
        _hours(cells),
        tuple(_contact(row) for row in latest.select(*_SHOWN).to_pyarrow().to_pylist()),
        int(against.count().to_pyarrow().as_py()),
    )


def _without_days(table: ibis.Table, left_out: Sequence[Period], day: str) -> ibis.Table:
    for days in left_out:
        table = table.filter((table[day] < days.start) | (table[day] >= days.end))
    return table


def _hours(cells: Sequence[Mapping[str, Any]]) -> dict[tuple[int, int], tuple[float, float]]:
    hours: dict[tuple[int, int], tuple[float, float]] = {}
    for cell in cells:
        if cell["hour"] is not None and cell["weekday"] is not None and cell["den"]:
            num, den = hours.get((cell["weekday"], cell["hour"]), (0.0, 0.0))
            hours[cell["weekday"], int(cell["hour"])] = (num + (cell["num"] or 0.0), den + cell["den"])
    return hours


def _of_intervals(book: Book, kpi: Kpi, period: Period, left_out: Sequence[Period]) -> LevelCuts | None:
    """The cuts of a level that is counted from intervals: each falls to the weekday and hour in which it begins.

    One that lasts for longer than an hour tells of no hour.
    """
    table = in_queues(_without_days(book.table(INTERVALS), left_out, "start_on"), kpi)
    table = table.filter(table.start_on >= period.start, table.start_on < period.end)
    if kpi.measure == "handle_time":
        sums = {
            "num": table.handle_s.sum(where=table.answered.notnull()),
            "den": table.answered.sum(where=table.handle_s.notnull()),
        }
    else:
        table = service_level.usable_intervals(kpi, without(book, table, kpi, start="start"))
        # Where any source does not tell who gave up shortly, the level leaves out nobody.
        known = not table.short_unknown.sum().to_pyarrow().as_py()
        short = table.short if known else table.short * 0
        if kpi.measure == "service_level":
            den = {
                Abandons.COUNT: table.answered + table.abandoned,
                Abandons.EXCLUDE_SHORT: table.answered + table.abandoned - short,
                Abandons.EXCLUDE_ALL: table.answered,
            }[kpi.abandons]
            sums = {"num": table.within.sum(), "den": den.sum()}
        else:
            sums = {
                "num": (table.abandoned - short).sum(),
                "den": (table.answered + table.abandoned - short).sum(),
            }
    rows = table.group_by("queue", "start").aggregate(**sums, minutes=table.minutes.max()).to_pyarrow().to_pylist()
    zone, cells = ZoneInfo(book.definition.timezone), []
    for row in rows:
        at = row["start"].replace(tzinfo=UTC).astimezone(zone)
        hour = at.hour if (row["minutes"] or 0) <= _HOUR else None
        cells.append({"queue": row["queue"], "team": None, "weekday": at.weekday(), "hour": hour} | row)
    if not sum(cell["den"] or 0 for cell in cells):
        return None
    queues = tuple(sorted(_sums(cells, "queue"), key=lambda one: -one.den))
    return LevelCuts(queues, (), (), _hours(cells), (), 0)


def _repeats(book: Book, kpi: Kpi, period: Period) -> ibis.Table | None:
    """The contacts with a caller: first ones, and whether another followed; None where nobody's caller is known."""
    table = repeats.told_apart(book, kpi, period)
    if table is None:
        return None
    return _columns(
        table, table.first & table.followed, table.first, table.first & table.followed, "opened_on", table.opened_slot
    )


def _promises(book: Book, kpi: Kpi, period: Period) -> ibis.Table:
    """The judged promises that fell due in a period, each with its contact: of the hour in which that one came."""
    rows = promises(book, kpi).filter(_.day >= period.start, _.day < period.end, _.kept.notnull())
    rows = in_scope(without(book, rows, kpi), kpi).select("contact_id", "queue", "channel", "opened_at", "day", "kept")
    contacts = book.table(CONTACTS)
    known = [name for name in (*_SHOWN, "opened_on", "opened_slot", "team", "agent_id") if name in contacts.columns]
    table = rows.left_join(
        contacts.select("contact_id", *(name for name in known if name not in rows.columns)), "contact_id"
    )
    judged = ibis.literal(True)
    return _columns(table, table.kept, judged, ~table.kept, "day", table.opened_slot, weekday="opened_on")


def _columns(  # noqa: PLR0913 - the columns that every cut needs
    table: ibis.Table,
    num: ibis.Value,
    den: ibis.Value,
    against: ibis.Value,
    day: str,
    slot: ibis.Value,
    weekday: str | None = None,
) -> ibis.Table:
    return table.mutate(
        num=num.fill_null(0).cast("float64") if not num.type().is_boolean() else num.fill_null(False).cast("float64"),
        den=den.fill_null(False).cast("int64"),
        against=against.fill_null(False),
        day=table[day],
        weekday_on=table[weekday or day],
        slot=slot,
        agent=table.agent_id if "agent_id" in table.columns else ibis.null("string"),
        team=table.team if "team" in table.columns else ibis.null("string"),
    )


_COUNTED: Mapping[str, Callable[[Book, Kpi, Period], ibis.Table | None]] = {
    "repeat_contact": _repeats,
    "sla_attainment": _promises,
}


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
    slot = table["resolved_slot" if kpi.measure == "reopen" else "opened_slot"]
    return _columns(table, num, den, against, day, slot)


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
