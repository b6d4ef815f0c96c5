"""Queries for consents and for entries of the record."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from comity.apps.parties.member_context import MemberContext
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.core import chain


def valid_consents(member: MemberContext, subject_type: ConsentSubject, subject: str) -> dict[str, Consent]:
    """Return the valid consents to a subject, by side."""
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
    for consent in _consents(member, subject_type).filter(void_at=None).select_related("person"):
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


def export_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return entries as a JSON document, which `comity verify` checks without this room."""
    documents = [
        {"number": entry.number, "content": entry.content, "previous": entry.previous, "digest": entry.digest}
        for entry in entries
    ]
    return {"schema": chain.SCHEMA, "entries": documents}


def _consents(member: MemberContext, subject_type: ConsentSubject) -> QuerySet[Consent]:
    return Consent.objects.filter(relationship=member.relationship, subject_type=subject_type)
