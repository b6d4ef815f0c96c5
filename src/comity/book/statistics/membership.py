"""Which accounts had left by the end of a period, and which were new in it: by their own days, else by invoices."""

from datetime import date, timedelta

import ibis
import pyarrow as pa
from ibis import _

from comity.book.statistics.respondents import AUDIENCE, Frame
from comity.book.statistics.workings import Workings
from comity.core.calendars import Calendar, Cut
from comity.core.values import Period

_ACCOUNTS = pa.table(
    {
        "account_id": pa.array([], pa.string()),
        "segment": pa.array([], pa.string()),
        "joined_on": pa.array([], pa.date32()),
        "left_on": pa.array([], pa.date32()),
    },
)


def accounts(workings: Workings) -> ibis.Table:
    """account_id, segment, joined_on, left_on; no row where the book has no accounts."""
    if not workings.book.has("accounts"):
        return workings.given(_ACCOUNTS)
    return workings.book.table("accounts").select(*_ACCOUNTS.column_names)


def with_membership(workings: Workings, frame: Frame, pairs: ibis.Table) -> ibis.Table:
    """The pairs, with `stayed`, `left` (of those before), `new` (of those after), `later` (number of the period).

    `told` is whether the records could tell that one of those before had left: their account is among the accounts, or
    was invoiced a service at the end of the earlier period.
    """
    known = accounts(workings)
    rows = pairs.join(frame.plan.drop("earlier"), "comparison")
    rows = rows.left_join(known.select(before=_.account_id, left_on=_.left_on), [("account0", "before")])
    rows = rows.left_join(known.select(after=_.account_id, joined_on=_.joined_on), [("account1", "after")])
    left, new = rows.left_on < rows.ends_on, rows.joined_on >= rows.joined_from
    told = rows.before.notnull()
    billed = _billed_before(workings, frame)
    if billed is not None:
        rows = rows.left_join(billed, [("account0", "billed_account"), ("comparison", "billed_in")])
        left = ibis.ifelse(rows.left_on.notnull(), rows.left_on < rows.ends_on, rows.no_longer.fill_null(False))
        told = rows.before.notnull() | rows.billed_in.notnull()
    first = _first_seen(workings, frame, known)
    if first is not None:
        rows = rows.left_join(first, [("account1", "seen_account")])
        unknown = (rows.first_month >= rows.billed_from) & (
            rows.first_day.isnull() | (rows.first_day >= rows.joined_from)
        )
        new = ibis.ifelse(rows.joined_on.notnull(), rows.joined_on >= rows.joined_from, unknown)
    return workings.kept(
        rows.select(
            *pairs.columns,
            "later",
            stayed=rows.y0.notnull() & rows.y1.notnull(),
            left=rows.y1.isnull() & left.fill_null(False),
            new=rows.y0.isnull() & new.fill_null(False),
            told=rows.y0.notnull() & told,
        ),
    )


def _billed_before(workings: Workings, frame: Frame) -> ibis.Table | None:
    """Accounts with a service line in the last month of P0, and whether they have none in the last of P1.

    A month without any line was not delivered yet, and tells nothing.
    """
    if not workings.book.has("invoices"):
        return None
    lines = workings.book.table("invoices")
    delivered = set(lines.select("month").distinct().to_pyarrow().column(0).to_pylist())
    months = workings.book.definition.calendar(Cut.MONTH)
    rows = []
    for number, one in enumerate(frame.comparisons):
        before, after = _last_month(months, one.reference), _last_month(months, one.period)
        if before in delivered and after in delivered and before != after:
            rows.append({"billed_in": number, "before": before, "after": after})
    if not rows:
        return None
    schema = pa.schema([("billed_in", pa.int32()), ("before", pa.date32()), ("after", pa.date32())])
    ends = workings.given(pa.Table.from_pylist(rows, schema))
    amount = ibis.coalesce(lines.amount, lines.quantity * lines.unit_price)
    billed = (
        lines.filter((lines.kind.fill_null("service") == "service") & (amount > 0))
        .select("month", billed_account=lines.account_id)
        .distinct()
    )
    keys = ("billed_account", "billed_in")
    had = billed.join(ends, [("month", "before")]).select(*keys)
    has = billed.join(ends, [("month", "after")]).select(*keys, still=True)
    return had.left_join(has, keys).select(*keys, no_longer=_.still.isnull())


def _first_seen(workings: Workings, frame: Frame, known: ibis.Table) -> ibis.Table | None:
    """For accounts without a day of joining, first invoiced late enough to be new: that month, and when first heard.

    Contacts are the largest table; they are read only when there is such an account.
    """
    book = workings.book
    if not book.has("invoices"):
        return None
    lines = book.table("invoices")
    services = lines.filter(lines.kind.fill_null("service") == "service")
    first = services.group_by(seen_account=services.account_id).agg(first_month=_.month.min())
    dated = known.filter(known.joined_on.notnull()).select(seen_account=_.account_id)
    earliest = frame.plan.billed_from.min().to_pyarrow().as_py()
    candidates = workings.kept(first.filter(first.first_month >= earliest).anti_join(dated, "seen_account"))
    if candidates.count().name("candidates").to_pyarrow().as_py() == 0:
        return None
    surveys = book.table("surveys")
    surveys = surveys.filter((surveys.audience == AUDIENCE) & surveys.score.notnull() & surveys.answered_on.notnull())
    seen = surveys.select(
        seen_account=ibis.coalesce(surveys.account_id, surveys.respondent_id),
        day=surveys.answered_on,
    )
    if book.has("contacts"):
        contacts = book.table("contacts")
        seen = seen.union(contacts.select(seen_account=contacts.account_id, day=contacts.opened_on))
    heard = seen.semi_join(candidates, "seen_account").group_by(heard_account=_.seen_account).agg(first_day=_.day.min())
    return candidates.left_join(heard, [("seen_account", "heard_account")]).drop("heard_account")


def _last_month(months: Calendar, period: Period) -> date:
    """How records name the (contract) month in which the period's last day lies."""
    return months.containing(period.end - timedelta(days=1)).start.replace(day=1)
