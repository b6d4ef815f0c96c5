"""What was invoiced as service for a period, and what was received for it: one scan of each table."""

import math
from datetime import date, timedelta
from decimal import Decimal

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.callers import caller_column, chance_of_another
from comity.book.statistics.deadlines import judged_contacts, names_deadline
from comity.book.statistics.scope import signed_queue
from comity.core.agreements.kpi import EVERYTHING, Kpi, in_force
from comity.core.paid import IN_TARGET, LATE, NOT_SPLIT, REPEATED, PaidStats
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
    invoiced = _invoiced(book, months)
    if not book.has("contacts"):
        return PaidStats(*invoiced)
    contacts, handled_s, by_chance = _received(book, period, horizon)
    caller = caller_column(book)
    return PaidStats(*invoiced, contacts, handled_s, caller is not None, caller, by_chance)


def _invoiced(book: Book, months: list[date]) -> tuple[Decimal, Decimal, Decimal, float]:
    """All service lines, those by contact, those by time, and the seconds that these are for."""
    lines = book.table("invoices").filter(_.month.isin(months), _.kind.fill_null("service") == "service")
    lines = lines.mutate(paid=ibis.coalesce(_.amount, (_.quantity * _.unit_price).cast("decimal(38, 6)")))
    rows = lines.group_by("unit").aggregate(paid=_.paid.sum(), quantity=_.quantity.sum()).to_pyarrow().to_pylist()
    paid = {row["unit"]: Decimal(row["paid"] or 0) for row in rows}
    quantity = {row["unit"]: float(row["quantity"] or 0) for row in rows}
    nothing = Decimal(0)
    return (
        sum(paid.values(), nothing),
        paid.get("contact", nothing),
        sum((paid.get(unit, nothing) for unit in _SECONDS), nothing),
        sum(quantity.get(unit, 0.0) * seconds for unit, seconds in _SECONDS.items()),
    )


def _received(book: Book, period: Period, horizon: date) -> tuple[dict[str, int], dict[str, float], float | None]:
    """How many contacts were handled in the period, and for how long, by class; none is in two of them.

    A contact is repeated when one of the same caller and queue came at most 7 days before it, whatever became of
    that; of two of the same moment one. The days before the period are read along for that, and no table is joined
    to itself. Last, how many chance alone would repeat; None where callers are not known.
    """
    table, caller = book.table("contacts"), caller_column(book)
    span_days = (period.end - period.start).days + REPEAT_DAYS + 1
    judges = _judges(book, period)
    table = table.filter(_.opened_on >= period.start - timedelta(days=REPEAT_DAYS + 1), _.opened_on < period.end)
    handled = _.answered_at.notnull() | _.resolved_at.notnull() | (_.handle_s.notnull() & _.abandoned_at.isnull())
    for number, kpi in enumerate(judges):
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
        kept=_judged(table, judges, horizon),
    )
    # Two of the same moment are told apart by what is summed: by anything else the sums might come out either way.
    if caller is None:
        table = table.mutate(earlier=ibis.null("timestamp"), chance=ibis.literal(0.0)).filter(_.counts)
    else:
        order = ["opened_at", "counts", "kept", "handle_s"]
        chain = ibis.window(group_by=["caller", "queue"], order_by=order)
        whole = ibis.window(group_by=["caller", "queue"], order_by=order, rows=(None, None))
        table = table.mutate(earlier=_.opened_at.lag().over(chain), times=_.opened_at.count().over(whole))
        chance = ibis.ifelse(_.caller.notnull(), chance_of_another(_.times, REPEAT_DAYS, span_days), 0.0)
        table = table.filter(_.counts).mutate(chance=chance)
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
    rows = table.group_by("became").aggregate(**sums).to_pyarrow().to_pylist()
    return (
        {row["became"]: row["contacts"] for row in rows},
        {row["became"]: row["handled_s"] for row in rows if row["handled_s"]},
        None if caller is None else math.fsum(row["chance"] for row in rows),
    )


def _judges(book: Book, period: Period) -> list[Kpi]:
    """The KPIs by which a contact is in target or late, as worded on the period's last day, in their order."""
    names = dict.fromkeys(kpi.id for kpi in book.definition.kpis if kpi.measure in _JUDGING)
    worded = (in_force(book.definition.kpis, name, period.end - timedelta(days=1)) for name in names)
    return [kpi for kpi in worded if kpi is not None]


def _judged(table: ibis.Table, judges: list[Kpi], horizon: date) -> ibis.Value:
    """True in target, false late, null where no KPI judges the contact: the first KPI that can is the one.

    An `sla_attainment` judges contacts with a due time, by when they were resolved, or by their deadlines where the
    book has those (`kept0`, `day0` of the first KPI); a `service_level` those that were answered. Due times beyond the
    horizon are not judged unless the contact is resolved already.
    """
    verdict = ibis.null("boolean")
    for number, kpi in reversed(list(enumerate(judges))):
        inside = ibis.literal(True)
        if kpi.queues != EVERYTHING:
            inside &= signed_queue(table.queue, kpi).isin(kpi.queues)
        if kpi.channels != EVERYTHING:
            inside &= table.channel.isin(kpi.channels)
        if f"kept{number}" in table.columns:
            own = ibis.ifelse(table[f"day{number}"] < horizon, table[f"kept{number}"], ibis.null("boolean"))
        elif kpi.measure == "sla_attainment":
            kept = (table.resolved_at <= table.due_at).fill_null(False)
            known = table.due_at.notnull() & (table.resolved_at.notnull() | (table.due_on < horizon))
            source = ibis.ifelse(table.due_at.isnull(), table.sla_met, ibis.null("boolean"))
            own = ibis.ifelse(known, kept, source)
        else:
            limit = ibis.interval(microseconds=round(kpi.answer_within_s * 1e6))
            own = table.answered_at <= table.opened_at + limit
        verdict = ibis.ifelse(inside.fill_null(False) & own.notnull(), own, verdict)
    return verdict
