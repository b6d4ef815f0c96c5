"""What was promised of contacts, one row a promise, and whether it was kept: of deadlines, and contacts without any."""

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.core.agreements.kpi import Kpi

DEADLINES = "deadlines"
KIND = "resolution"  # the promise of a KPI that names none
_OF_CONTACT = ("opened_at", "opened_on", "queue", "channel", "resolved_at", "answered_at")
# Of each promise: the day it counts on; whether it was kept (NULL: not judged); and what stands beside the judged.
COLUMNS = {
    "contact_id": "string",
    "opened_at": "timestamp",
    "opened_on": "date",
    "queue": "string",
    "channel": "string",
    "day": "date",
    "kept": "boolean",
    "open_late": "boolean",  # due at a known time, and neither resolved nor answered
    "settled": "boolean",  # known before its due day has passed: met already, or judged by the source
    "by_source": "boolean",
    "unjudged": "boolean",
    "paused": "boolean",
    "cancelled": "boolean",
    "contradicted": "boolean",  # the source's own verdict is another than that of its due time
}


def promises(book: Book, kpi: Kpi) -> ibis.Table:
    """Every promise that a KPI of deadlines kept is about, with `COLUMNS`.

    Those are the rows of `deadlines` with the KPI's name, or of kind resolution where it names none; and then also the
    contacts of which `deadlines` has no such row, by their own `due_at` and `sla_met`.
    """
    of_contacts = _of_contacts(book.table("contacts"), when=_tells_when(book, "resolved_at"))
    if not _tells(book, kpi):
        return of_contacts if kpi.deadline is None else of_contacts.filter(ibis.literal(False))
    rows = _asked(book, kpi)
    of_deadlines = _of_deadlines(book, rows)
    if kpi.deadline is not None:
        return of_deadlines
    return of_deadlines.union(of_contacts.anti_join(rows.select("contact_id"), "contact_id"))


def names_deadline(book: Book, kpi: Kpi) -> bool:
    """Whether the book tells of the promises that a KPI is about otherwise than by its contacts alone."""
    return kpi.deadline is not None or _tells(book, kpi)


def judged_contacts(book: Book, kpi: Kpi) -> ibis.Table:
    """Contacts with a promise of the KPI that is judged: `contact_id`, whether all were `kept`, and `day`, the last.

    A promise that is settled before its due day counts from then on: its day is the day on which the contact came.
    """
    rows = promises(book, kpi).filter(_.kept.notnull())
    rows = rows.mutate(day=ibis.ifelse(_.settled, _.opened_on, _.day))
    return rows.group_by("contact_id").aggregate(kept=_.kept.all(), day=_.day.max())


def _tells(book: Book, kpi: Kpi) -> bool:
    if not book.has(DEADLINES):
        return False
    key = (DEADLINES, "rows", kpi.deadline)
    return book.once(key, lambda: bool(_asked(book, kpi).count().to_pyarrow().as_py()))


def _asked(book: Book, kpi: Kpi) -> ibis.Table:
    rows = book.table(DEADLINES)
    return rows.filter(_.kind == KIND) if kpi.deadline is None else rows.filter(_.name == kpi.deadline)


def _tells_when(book: Book, moment: str) -> bool:
    """Whether any contact bears such a moment: records without the column say of nothing that it was not done."""

    def ask() -> bool:
        contacts = book.table("contacts")
        return bool(contacts.filter(contacts[moment].notnull()).select("contact_id").limit(1).to_pyarrow().num_rows)

    return book.once((DEADLINES, "tells", moment), ask)


def _of_contacts(table: ibis.Table, *, when: bool) -> ibis.Table:
    """:param when: whether the records tell when contacts were resolved; else the source alone judges"""
    dated = table.due_at.notnull() & ibis.literal(when)
    by_time = (table.resolved_at <= table.due_at).fill_null(False)
    columns = {
        "day": ibis.coalesce(table.due_on, table.opened_on),
        "kept": ibis.ifelse(dated, by_time, table.sla_met),
        "open_late": dated & table.resolved_at.isnull(),
        "settled": ~dated | table.resolved_at.notnull(),
        "by_source": ~dated & table.sla_met.notnull(),
        "unjudged": ~dated & table.sla_met.isnull(),
        "paused": ibis.literal(False),
        "cancelled": ibis.literal(False),
        # Of an open contact a source says that its promise is kept so far, which contradicts nothing.
        "contradicted": (dated & table.resolved_at.notnull() & (table.sla_met != by_time)).fill_null(False),
    }
    return table.mutate(**columns).select(*COLUMNS)


def _of_deadlines(book: Book, rows: ibis.Table) -> ibis.Table:
    contacts = book.table("contacts").select("contact_id", *_OF_CONTACT)
    table = rows.select("contact_id", "kind", "due_at", "due_on", "state", "source_verdict").left_join(
        contacts, "contact_id"
    )
    said = ibis.coalesce(table.source_verdict, table.state)
    verdict = ibis.cases((said == "met", True), (said == "missed", False), else_=ibis.null("boolean"))
    is_response = table.kind == "response"
    moment = ibis.ifelse(is_response, table.answered_at, table.resolved_at)
    state = table.state.fill_null("")
    # A source that does not tell when it answered, or resolved, can still say that it did so in time, and is done.
    untold = (is_response | (state == "met")) & moment.isnull() & verdict.notnull()
    told = ibis.ifelse(is_response, _tells_when(book, "answered_at"), _tells_when(book, "resolved_at"))
    known = (
        table.kind.isin(["response", "resolution"])
        & table.due_at.notnull()
        & table.opened_at.notnull()
        & told
        & ~untold
    )
    by_time = (moment <= table.due_at).fill_null(False)
    out = state.isin(["paused", "cancelled"])
    kept = ibis.ifelse(out, ibis.null("boolean"), ibis.ifelse(known, by_time, verdict))
    columns = {
        "contact_id": table.contact_id,
        "day": ibis.coalesce(table.due_on, table.opened_on),
        "kept": kept,
        "open_late": known & ~out & moment.isnull(),
        "settled": ~known | moment.notnull(),
        "by_source": ~known & ~out & verdict.notnull(),
        "unjudged": ~known & ~out & verdict.isnull(),
        "paused": state == "paused",
        "cancelled": state == "cancelled",
        "contradicted": (known & ~out & (verdict != by_time)).fill_null(False),
    }
    return table.mutate(**columns).select(*COLUMNS).filter(_.day.notnull())
