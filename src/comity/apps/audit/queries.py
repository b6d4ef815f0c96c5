"""Queries of the log. Each returns only what row-level security and the role let the viewer see."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet

from comity.apps.audit.models import READ_EVENTS, AuditEvent, SubjectType
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Role
from comity.apps.parties.rights import Action
from comity.core.values import Side

# What events are about, for the filter of the log.
SUBJECTS: Mapping[str, tuple[SubjectType, ...]] = {
    "matters": (SubjectType.MATTER, SubjectType.EVIDENCE, SubjectType.LEDGER),
    "periods": (SubjectType.PERIOD, SubjectType.RECORD),
    "records": (SubjectType.DELIVERY, SubjectType.BOOK, SubjectType.ITEM),
    "people": (SubjectType.MEMBERSHIP, SubjectType.INVITATION, SubjectType.RELATIONSHIP),
}


@dataclass(frozen=True, slots=True)
class LogFilters:
    """Which events the log shows, as its URL has it.

    :ivar what: done or reads
    :ivar about: a name of `SUBJECTS`; empty: all
    :ivar side: a side's name; empty: all
    :ivar mine: the member's own
    :ivar sort: newest or oldest
    """

    what: str = "done"
    about: str = ""
    side: str = ""
    mine: bool = False
    sort: str = "newest"


def log_events(member: MemberContext, *, reads: bool = False) -> QuerySet[AuditEvent]:
    """Return the events that the viewer may read, newest first.

    :param reads: those of `READ_EVENTS` instead of all others
    """
    # The policies filter by relationship too, but the planner cannot estimate the rows that they leave.
    events = AuditEvent.objects.filter(relationship=member.relationship).order_by("-at", "-pk")
    events = events.filter(event__in=READ_EVENTS) if reads else events.exclude(event__in=READ_EVENTS)
    events = events.exclude(_unreadable_files(member))
    columns = ("at", "side", "event", "subject_type", "subject_id", "data", "shared", "person__name")
    return events.select_related("person").only(*columns)


def _unreadable_files(member: MemberContext) -> Q:
    """Match what happened to others' files of the own side that the role does not read, as the list of files does."""
    if not member.may(Action.READ_OWN):
        unread = Q()
    else:
        unread = Q(data__has_key="table", data__table__in=sorted(member.closed_tables))
        if member.membership.role != Role.LEAD:
            unread |= ~Q(data__has_key="table")  # not checked yet
    of_others = ~Q(person=member.membership.person_id)
    return Q(subject_type=SubjectType.DELIVERY, shared=False) & of_others & unread


def filtered_events(member: MemberContext, filters: LogFilters) -> QuerySet[AuditEvent]:
    """Return the events that the viewer may read, as filtered and sorted."""
    events = log_events(member, reads=filters.what == "reads").filter(_condition(member, filters))
    return events.order_by("at", "pk") if filters.sort == "oldest" else events


def count_events(member: MemberContext, choices: Mapping[str, LogFilters]) -> dict[str, int]:
    """Count the events of several choices of filters, in one query."""
    counted = {
        name: Count(
            "pk",
            filter=(Q(event__in=READ_EVENTS) if filters.what == "reads" else ~Q(event__in=READ_EVENTS))
            & _condition(member, filters),
        )
        for name, filters in choices.items()
    }
    return AuditEvent.objects.filter(relationship=member.relationship).aggregate(**counted)


def _condition(member: MemberContext, filters: LogFilters) -> Q:
    condition = Q()
    if filters.about:
        condition &= Q(subject_type__in=SUBJECTS[filters.about])
    if filters.side in {side.value for side in Side}:
        condition &= Q(side=filters.side)
    if filters.mine:
        condition &= Q(person=member.membership.person_id)
    return condition
