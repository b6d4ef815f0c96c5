"""What was invoiced as service for a period, and what was received for it: one scan of each table.

Work is told of by contacts, and by intervals where no contact is of their queue: each queue is counted from one table.
"""

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.callers import caller_column, chance_of_another
from comity.book.statistics.deadlines import judged_contacts, names_deadline
from comity.book.statistics.record_choice import counted_table
from comity.book.statistics.scope import signed_queue
from comity.core.agreements.kpi import CONTACTS, EVERYTHING, INTERVALS, Kpi, counted_stretches
from comity.core.paid import IN_TARGET, LATE, NOT_SPLIT, REPEATED, Billed, PaidStats, SharedLine
from comity.core.values import Period

REPEAT_DAYS = 7
_SECONDS = {"hour": 3600.0, "minute": 60.0}
_JUDGING = ("sla_attainment", "service_level")


def gather(book: Book, period: Period, horizon: date) -> PaidStats | None:
    """The invoiced amounts and the contacts handled in the period, by what became of them.

    :param horizon: due times from this day on are not judged yet
    :returns: None without invoices, or for a period that is not made of whole months
    """
    months = [month.replace(day=1) for month in book.definition.calendar().months(period)]
    if not months or not book.has("invoices"):
        return None
    work = _Work({}, {}, None) if not book.has(CONTACTS) else _received(book, period, horizon)
    own_queues = {queue for queue, _class in work.contacts}
    other = _of_intervals(book, period, own_queues) if book.has(INTERVALS) else _Work({}, {}, None)
    caller = caller_column(book) if book.has(CONTACTS) else None
    return _stats(book, _invoiced(book, months), work, other, caller)


class _Judge(NamedTuple):
    """A KPI by which contacts are in target or late, on the days that it is worded so; None: on all."""

    kpi: Kpi
    days: Period | None


@dataclass(frozen=True, slots=True)
class _Line:
    """The service lines of one service and unit."""

    service: str
    unit: str | None
    paid: Decimal
    quantity: float | None  # None where a line says none


@dataclass(frozen=True, slots=True)
class _Work:
    """Contacts handled, and the seconds that they took, by source queue and what became of them.

    `timed` is whether the time of all of them is known; `came` are all contacts by queue, handled or not.
    """

    contacts: Mapping[tuple[str, str], int]
    handled_s: Mapping[tuple[str, str], float]
    by_chance: float | None
    timed: bool = True
    came: Mapping[str, int] = field(default_factory=dict)

    @property
    def queues(self) -> frozenset[str]:
        """The queues that it tells of."""
        return frozenset(self.came) | {queue for queue, _class in self.contacts}

    def became(self, queues: Container[str] | None = None) -> dict[str, int]:
        """Contacts by what became of them; of some queues only, where they are named."""
        return _by_class(self.contacts, queues)


def _by_class(sums: Mapping[tuple[str, str], float], queues: Container[str] | None = None) -> dict[str, Any]:
    by_class: dict[str, Any] = {}
    for (queue, became), value in sums.items():
        if queues is None or queue in queues:
            by_class[became] = by_class.get(became, 0) + value
    return by_class


def _invoiced(book: Book, months: list[date]) -> list[_Line]:
    """What was invoiced as service, by service and unit."""
    lines = book.table("invoices").filter(_.month.isin(months), _.kind.fill_null("service") == "service")
    lines = lines.mutate(paid=ibis.coalesce(_.amount, (_.quantity * _.unit_price).cast("decimal(38, 6)")))
    sums = lines.group_by("service", "unit").aggregate(
        paid=_.paid.sum(),
        quantity=_.quantity.sum(),
        unknown=_.quantity.isnull().any(),
    )
    rows = sums.order_by("service", "unit").to_pyarrow().to_pylist()
    return [
        _Line(
            row["service"],
            row["unit"],
            Decimal(row["paid"] or 0),
            None if row["unknown"] else float(row["quantity"] or 0),
        )
        for row in rows
    ]


def _stats(book: Book, lines: Sequence[_Line], work: _Work, other: _Work, caller: str | None) -> PaidStats:
    """What each line was paid for, as far as it is known which contacts it is for."""
    named = book.definition.service_queues
    by_contact = [line for line in lines if line.unit == "contact"]
    services = {line.service for line in by_contact}
    claims = Counter(queue for service in services for queue in set(named.get(service, ())))
    shared, unassigned = [], []
    for line in by_contact:
        own: frozenset[str] | None = frozenset(named[line.service]) if line.service in named else None
        queues = (work.queues | other.queues) - claims.keys() if own is None else own
        tables = [one for one in (work, other) if one.queues & queues]
        if len(tables) > 1 and own is None:  # calls of one table and tickets of another, and not said which
            unassigned.append(line.service)
            continue
        became: dict[str, int] = {}
        for one in tables:
            for name, count in one.became(queues).items():
                became[name] = became.get(name, 0) + count
        came = sum(one.came.get(queue, 0) for one in tables for queue in queues)
        alone = own is not None and all(claims[queue] == 1 for queue in own)
        shared.append(
            SharedLine(
                line.service,
                line.paid,
                became,
                Billed(line.quantity, sum(became.values()), came)
                if tables and alone and line.quantity is not None
                else None,
            )
        )
    timed = [line for line in lines if line.unit in _SECONDS and line.quantity is not None]
    handled = _by_class(work.handled_s)
    handled[NOT_SPLIT] = handled.get(NOT_SPLIT, 0.0) + sum(other.handled_s.values())
    contacts = work.became()
    for name, count in other.became().items():
        contacts[name] = contacts.get(name, 0) + count
    return PaidStats(
        amount=sum((line.paid for line in lines), Decimal(0)),
        by_contact=tuple(shared),
        by_time=sum((line.paid for line in timed), Decimal(0)),
        seconds=sum((line.quantity or 0.0) * _SECONDS[line.unit or ""] for line in timed),
        contacts=contacts,
        handled_s={name: seconds for name, seconds in handled.items() if seconds} if other.timed else {},
        callers_known=caller is not None or not contacts,
        callers_by=caller,
        by_chance=work.by_chance,
        unassigned=tuple(unassigned),
        counted_from=tuple(name for name, one in ((CONTACTS, work), (INTERVALS, other)) if one.contacts),
    )


def _of_intervals(book: Book, period: Period, but: Container[str]) -> _Work:
    """The work of the queues of which only intervals tell: those answered, in time or late by the KPI that judges them.

    A KPI that is counted from intervals judges those of its own seconds. Nothing tells who called again.
    """
    judges = [
        judge
        for judge in _judges(book, period)
        if judge.kpi.measure == "service_level" and counted_table(book, judge.kpi) == INTERVALS
    ]
    table = book.table(INTERVALS).filter(_.start_on >= period.start, _.start_on < period.end, _.answered.notnull())
    told = _.answered_within.notnull()
    # Days that all judges word alike are counted together.
    starts = sorted({period.start, *(edge for _kpi, days in judges if days for edge in (days.start, days.end))})
    part = ibis.literal(0)
    for start in starts[1:]:
        part += (table.start_on >= start).cast("int64")
    keys = ("queue", "threshold_s", "part")
    sums = (
        table.mutate(part=part)
        .group_by(*keys)
        .aggregate(
            answered=_.answered.sum(),
            judged=_.answered.sum(where=told),
            within=_.answered_within.sum(where=told),
            handled_s=_.handle_s.sum(),
            came=ibis.greatest(_.offered.fill_null(0), _.answered + _.abandoned.fill_null(0)).sum(),
            untimed=((_.answered > 0) & _.handle_s.isnull()).any(),
        )
    )
    contacts: dict[tuple[str, str], int] = {}
    handled_s: dict[tuple[str, str], float] = {}
    came: dict[str, int] = {}
    timed = True
    for row in sums.order_by(*keys).to_pyarrow().to_pylist():
        queue = row["queue"] or ""
        if queue in but:
            continue
        judged, within = int(row["judged"] or 0), int(row["within"] or 0)
        day = starts[row["part"]]
        if not any(_judges_interval(judge, queue, row["threshold_s"], day) for judge in judges):
            judged = within = 0
        became = {IN_TARGET: within, LATE: judged - within, NOT_SPLIT: int(row["answered"]) - judged}
        for name, count in became.items():
            if count:
                contacts[queue, name] = contacts.get((queue, name), 0) + count
        handled_s[queue, NOT_SPLIT] = handled_s.get((queue, NOT_SPLIT), 0.0) + float(row["handled_s"] or 0.0)
        came[queue] = came.get(queue, 0) + int(row["came"] or 0)
        timed &= not row["untimed"]
    return _Work(contacts, handled_s, None, timed, came)


def _judges_interval(judge: _Judge, queue: str, threshold_s: float | None, day: date) -> bool:
    kpi = judge.kpi
    if judge.days is not None and day not in judge.days:
        return False
    inside = kpi.queues == EVERYTHING or kpi.queue_map.get(queue, queue) in kpi.queues
    return inside and threshold_s == kpi.answer_within_s


def _received(book: Book, period: Period, horizon: date) -> _Work:
    """How many contacts were handled in the period, and for how long, by queue and class; none is in two of them.

    A contact is repeated when one of the same caller and queue came at most 7 days before it, whatever became of
    that; of two of the same moment one. The days before the period are read along for that, and no table is joined
    to itself. Last, how many chance alone would repeat; None where callers are not known.
    """
    table, caller = book.table(CONTACTS), caller_column(book)
    span_days = (period.end - period.start).days + REPEAT_DAYS + 1
    judges = [
        judge
        for judge in _judges(book, period)
        if judge.kpi.measure != "service_level" or counted_table(book, judge.kpi) == CONTACTS
    ]
    table = table.filter(_.opened_on >= period.start - timedelta(days=REPEAT_DAYS + 1), _.opened_on < period.end)
    handled = _.answered_at.notnull() | _.resolved_at.notnull() | (_.handle_s.notnull() & _.abandoned_at.isnull())
    for number, (kpi, _days) in enumerate(judges):
        if kpi.measure == "sla_attainment" and names_deadline(book, kpi):
            promised = judged_contacts(book, kpi)
            promised = promised.select("contact_id", **{f"kept{number}": _.kept, f"day{number}": _.day})
            table = table.left_join(promised, "contact_id").drop("contact_id_right")
    # What is asked of a contact is settled first, so that little has to be sorted by account.
    table = table.select(
        "queue",
        "opened_at",
        "handle_s",
        caller=ibis.null("string") if caller is None else table[caller],
        counts=handled & (_.opened_on >= period.start),
        came=_.opened_on >= period.start,
        kept=_judged(table, judges, horizon),
    )
    # Two of the same moment are told apart by what is summed: by anything else the sums might come out either way.
    if caller is None:
        table = table.mutate(earlier=ibis.null("timestamp"), chance=ibis.literal(0.0)).filter(_.came)
    else:
        order = ["opened_at", "counts", "kept", "handle_s"]
        chain = ibis.window(group_by=["caller", "queue"], order_by=order)
        whole = ibis.window(group_by=["caller", "queue"], order_by=order, rows=(None, None))
        table = table.mutate(earlier=_.opened_at.lag().over(chain), times=_.opened_at.count().over(whole))
        chance = ibis.ifelse(_.caller.notnull(), chance_of_another(_.times, REPEAT_DAYS, span_days), 0.0)
        table = table.filter(_.came).mutate(chance=chance)
    repeated = _.caller.notnull() & (_.opened_at <= _.earlier + ibis.interval(days=REPEAT_DAYS))
    table = table.mutate(
        became=ibis.cases(
            (repeated.fill_null(False), REPEATED),
            (_.kept, IN_TARGET),
            (~_.kept, LATE),
            else_=NOT_SPLIT,
        ),
    )
    sums = {"contacts": _.count(), "handled_s": _.handle_s.sum(), "chance": _.chance.sum()}
    grouped = table.group_by("queue", "became", "counts").aggregate(**sums)
    rows = grouped.order_by("queue", "became").to_pyarrow().to_pylist()
    came: dict[str, int] = {}
    for row in rows:
        came[row["queue"] or ""] = came.get(row["queue"] or "", 0) + row["contacts"]
    rows = [row for row in rows if row["counts"]]
    return _Work(
        {(row["queue"] or "", row["became"]): row["contacts"] for row in rows},
        {(row["queue"] or "", row["became"]): row["handled_s"] for row in rows if row["handled_s"]},
        None if caller is None else math.fsum(row["chance"] for row in rows),
        came=came,
    )


def _judges(book: Book, period: Period) -> list[_Judge]:
    """The KPIs by which a contact is in target or late, each as worded on the contact's day, in their order."""
    kpis = book.definition.kpis
    return [
        _Judge(stretch.kpi, None if stretch.days == period else stretch.days)
        for name in dict.fromkeys(kpi.id for kpi in kpis if kpi.measure in _JUDGING)
        for stretch in counted_stretches(kpis, name, period)
        if stretch.kpi is not None
    ]


def _judged(table: ibis.Table, judges: Sequence[_Judge], horizon: date) -> ibis.Value:
    """True in target, false late, null where no KPI judges the contact: the first KPI that is about it is the one.

    A contact that is still open, and has a due time to come, is not judged by another KPI in its place.
    An `sla_attainment` judges contacts with a due time, by when they were resolved, or by their deadlines where the
    book has those (`kept0`, `day0` of the first KPI); a `service_level` those that were answered. Due times beyond the
    horizon are not judged unless the contact is resolved already.
    """
    verdict = ibis.null("boolean")
    for number, (kpi, days) in reversed(list(enumerate(judges))):
        inside = ibis.literal(True)
        if days is not None:
            inside &= (table.opened_on >= days.start) & (table.opened_on < days.end)
        if kpi.queues != EVERYTHING:
            inside &= signed_queue(table.queue, kpi).isin(kpi.queues)
        if kpi.channels != EVERYTHING:
            inside &= table.channel.isin(kpi.channels)
        if f"kept{number}" in table.columns:
            own = ibis.ifelse(table[f"day{number}"] < horizon, table[f"kept{number}"], ibis.null("boolean"))
            speaks: ibis.Value = table[f"day{number}"].notnull()
        elif kpi.measure == "sla_attainment":
            kept = (table.resolved_at <= table.due_at).fill_null(False)
            known = table.due_at.notnull() & (table.resolved_at.notnull() | (table.due_on < horizon))
            source = ibis.ifelse(table.due_at.isnull(), table.sla_met, ibis.null("boolean"))
            own = ibis.ifelse(known, kept, source)
            speaks = table.due_at.notnull() | own.notnull()
        else:
            limit = ibis.interval(microseconds=round(kpi.answer_within_s * 1e6))
            own = table.answered_at <= table.opened_at + limit
            speaks = own.notnull()
        verdict = ibis.ifelse(inside.fill_null(False) & speaks, own, verdict)
    return verdict
