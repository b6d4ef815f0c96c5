"""Queries for KPIs: what is in force, what is proposed, what was agreed before, and from which day a set may hold."""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.books import queries as books
from comity.apps.books.contents import tables
from comity.apps.kpis.terms import AgreedTerms, Terms, bare, fold
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.queries import members
from comity.apps.record import queries as record
from comity.apps.record.models import Consent, ConsentSubject, EntryKind
from comity.book.agreement import files_state
from comity.core.agreements.kpi import Kpi
from comity.core.calendars import Calendar, Cut, named
from comity.core.kpi_templates import TEMPLATES
from comity.core.values import Side

WRITE_TASK = "kpis.write"
WITHDRAWN_BY = "withdrawn_by"  # in the content with which a side withdraws its own set
_MAX_STARTS = 36  # first days to choose from


# Asked before a set is agreed to: whether a change of the agreement waits, which takes the KPIs over once it is signed.
# The app of agreements adds to it.
waiting_changes: list[Callable[[MemberContext], bool]] = []


def next_subject(member: MemberContext) -> str:
    """Return the subject of the next set in the record: its number."""
    return str(record.count_entries(member, ConsentSubject.KPIS) + 1)


def proposal(member: MemberContext) -> Consent | None:
    """Return the consent of the side whose set waits for the other's agreement; none waits beside an agreement."""
    consents = record.valid_consents(member, ConsentSubject.KPIS, next_subject(member))
    found = next(iter(consents.values()), None)
    return None if found is not None and is_in_agreement(member) else found


def is_being_applied(member: MemberContext) -> bool:
    """Return whether the book does not have yet what both sides agreed to, so that its figures are of before.

    A job that was given up counts too: nobody confirms by the set before because the agreed one could not be written.
    """
    return unfinished_jobs(member.relationship.pk, [WRITE_TASK]).exists()


def is_in_agreement(member: MemberContext) -> bool:
    """Return whether KPIs are clauses of the agreement: of the book's, or of one signed and not written yet."""
    if record.entries(member, ConsentSubject.AGREEMENT).exists():
        return True
    return bool(files_state(books.book_folder(member.relationship.pk)))


def replaced_proposals(member: MemberContext) -> list[Consent]:
    """Return what was proposed for the next set and has been replaced since, the latest first."""
    return list(record.void_consents(member, ConsentSubject.KPIS, next_subject(member)))


def agreed_terms(member: MemberContext) -> list[AgreedTerms]:
    """Return the sets that both sides agreed to, the earliest agreed first."""
    entries = record.entries(member, ConsentSubject.KPIS)
    return fold([(one.number, one.at.date(), Terms.from_content(one.content["content"])) for one in entries])


def has_people(member: MemberContext, side: Side) -> bool:
    """Return whether somebody of a side has joined."""
    return members(member, side).exists()


def earliest_start(member: MemberContext) -> date:
    """Return the first day that no frozen period covers, nor one before it: a set may hold from there on."""
    starts_on = books.definition(member).month_starts_on
    frozen = record.entries(member, ConsentSubject.PERIOD).filter(kind=EntryKind.FROZEN)
    ends = [named(name, starts_on)[1].end for name in frozen.values_list("subject", flat=True)]
    return max(ends, default=date.min)


def starts(member: MemberContext) -> list[date]:
    """Return the first days of months from which a set may hold, the earliest first.

    From the first month of the records, or of a year ago, to the next one; none that a frozen period covers.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    calendar = Calendar(Cut.MONTH, books.definition(member).month_starts_on)
    today = timezone.now().date()
    reaches = [reach["first"] for table in tables(member.joint()) if (reach := table["reach"]) is not None]
    first = max(min(reaches, default=today - timedelta(days=365)), earliest_start(member))
    month = calendar.containing(first)
    found: list[date] = []
    if month.start < earliest_start(member):
        month = calendar.after(month)
    last = calendar.after(calendar.containing(today))
    while month.start <= last.start or not found:
        found.append(month.start)
        month = calendar.after(month)
    return found[-_MAX_STARTS:]


def default_start(member: MemberContext, choices: Sequence[date]) -> date:
    """Return the first day that is offered: at first as early as the records, later the month that runs."""
    today = timezone.now().date()
    if not books.definition(member).kpis:
        return choices[0]
    return max((one for one in choices if one <= today), default=choices[0])


def kpis_in_force(member: MemberContext) -> list[Kpi]:
    """Return the wordings that hold today by the book, in its order; those that hold last where none does today."""
    definition = books.definition(member)
    today = datetime.now(UTC).astimezone(ZoneInfo(definition.timezone)).date()
    by_id: dict[str, Kpi] = {}
    for kpi in definition.kpis:
        holds = kpi.valid_from <= today and (kpi.valid_to is None or kpi.valid_to > today)
        if holds and (kpi.id not in by_id or kpi.valid_from >= by_id[kpi.id].valid_from):
            by_id[kpi.id] = kpi
    return list(by_id.values())


def candidates(member: MemberContext, template: str) -> list[Kpi]:
    """Return the KPIs that a form begins with.

    :param template: of `TEMPLATES`; anything else: what is proposed, else in force, else the first template
    """
    if template in TEMPLATES:
        return list(TEMPLATES[template])
    waiting = proposal(member)
    if waiting is not None:
        return list(Terms.from_content(waiting.content).kpis)
    current = [bare(kpi) for kpi in kpis_in_force(member)]
    return current or list(next(iter(TEMPLATES.values())))
