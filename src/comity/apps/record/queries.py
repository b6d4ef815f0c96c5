"""Queries for consents and for entries of the record."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from comity.apps.parties.member_context import READS_ONLY, MemberContext
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.core import chain

# Of which a relationship has some dozens in years: all of them are one question, where a page asks about each.
_FEW = (ConsentSubject.CALENDAR, ConsentSubject.KPIS, ConsentSubject.LEDGER_CHANGE, ConsentSubject.PERIOD)


def valid_consents(member: MemberContext, subject_type: ConsentSubject, subject: str) -> dict[str, Consent]:
    """Return the valid consents to a subject, by side."""
    if member.cache.get(READS_ONLY) and subject_type in _FEW:
        return {
            one.side: one for one in _few_valid(member) if (one.subject_type, one.subject) == (subject_type, subject)
        }
    consents = _consents(member, subject_type).filter(subject=subject, void_at=None)
    return {consent.side: consent for consent in consents.select_related("person")}


def void_consents(member: MemberContext, subject_type: ConsentSubject, subject: str) -> QuerySet[Consent]:
    """Return the void consents to a subject, the latest first."""
    consents = _consents(member, subject_type).filter(subject=subject).exclude(void_at=None)
    return consents.select_related("person").order_by("-void_at", "side")


def unreported_void_consents(member: MemberContext, subject_type: ConsentSubject) -> QuerySet[Consent]:
    """Return void consents of which the sides were not told yet."""
    return _consents(member, subject_type).filter(void_told_at=None).exclude(void_at=None).order_by("subject", "side")


def unanswered_consents(member: MemberContext, subject_type: ConsentSubject) -> list[Consent]:
    """Return consents of one side to subjects that the other side has not consented to."""
    by_subject: dict[str, list[Consent]] = {}
    if member.cache.get(READS_ONLY) and subject_type in _FEW:
        valid = [one for one in _few_valid(member) if one.subject_type == subject_type]
    else:
        valid = list(_consents(member, subject_type).filter(void_at=None).select_related("person"))
    for consent in valid:
        by_subject.setdefault(consent.subject, []).append(consent)
    return [consents[0] for consents in by_subject.values() if len(consents) == 1]


def entries(
    member: MemberContext, subject_type: ConsentSubject | None = None, subject: str | None = None
) -> QuerySet[Entry]:
    """Return the entries of the record, the earliest first: all, those of a type, or those of one subject."""
    entries = Entry.objects.filter(relationship=member.relationship)
    if subject_type is not None:
        entries = entries.filter(subject_type=subject_type)
    return (entries if subject is None else entries.filter(subject=subject)).order_by("number")


def count_entries(member: MemberContext, subject_type: ConsentSubject, begins: str = "") -> int:
    """Return how many entries of a type there are.

    :param begins: only those whose subject begins so
    """
    if not member.cache.get(READS_ONLY) or subject_type not in _FEW:
        return entries(member, subject_type).filter(subject__startswith=begins).count()
    few = Entry.objects.filter(relationship=member.relationship, subject_type__in=_FEW)
    subjects = member.once("entries of few", lambda: list(few.values_list("subject_type", "subject")))
    return sum(one == subject_type and subject.startswith(begins) for one, subject in subjects)


def export_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return entries as a JSON document, which `comity verify` checks without this room."""
    documents = [
        {"number": entry.number, "content": entry.content, "previous": entry.previous, "digest": entry.digest}
        for entry in entries
    ]
    return {"schema": chain.SCHEMA, "entries": documents}


def _few_valid(member: MemberContext) -> list[Consent]:
    valid = Consent.objects.filter(relationship=member.relationship, subject_type__in=_FEW, void_at=None)
    return member.once("consents of few", lambda: list(valid.select_related("person")))


def _consents(member: MemberContext, subject_type: ConsentSubject) -> QuerySet[Consent]:
    return Consent.objects.filter(relationship=member.relationship, subject_type=subject_type)
