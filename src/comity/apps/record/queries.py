"""The words that both sides gave, and the entries of the record."""

from collections.abc import Iterable
from typing import Any

from django.db.models import QuerySet

from comity.apps.parties.member_context import MemberContext
from comity.apps.record.models import Consent, Entry, Subject
from comity.core import chain


def consents(member: MemberContext, of: Subject, subject: str) -> dict[str, Consent]:
    """The valid words for a subject, by side."""
    found = _of(member, of).filter(subject=subject, void_at=None)
    return {one.side: one for one in found.select_related("person")}


def void_consents(member: MemberContext, of: Subject, subject: str) -> QuerySet[Consent]:
    """The words for a subject that count no more, the latest first."""
    found = _of(member, of).filter(subject=subject).exclude(void_at=None)
    return found.select_related("person").order_by("-void_at", "side")


def void_untold(member: MemberContext, of: Subject) -> QuerySet[Consent]:
    """Words that became void, of which the sides were not told yet."""
    return _of(member, of).filter(void_told_at=None).exclude(void_at=None).order_by("subject", "side")


def unanswered(member: MemberContext, of: Subject) -> list[Consent]:
    """Words of one side for subjects that the other side has given none for."""
    words: dict[str, list[Consent]] = {}
    for one in _of(member, of).filter(void_at=None).select_related("person"):
        words.setdefault(one.subject, []).append(one)
    return [found[0] for found in words.values() if len(found) == 1]


def entries(member: MemberContext, of: Subject | None = None, subject: str | None = None) -> QuerySet[Entry]:
    """The entries of the record, the earliest first: all, those of a type, or those of one subject."""
    found = Entry.objects.filter(relationship=member.relationship)
    if of is not None:
        found = found.filter(subject_type=of)
    return (found if subject is None else found.filter(subject=subject)).order_by("number")


def export(entries: Iterable[Entry]) -> dict[str, Any]:
    """Entries as a file to be kept, which `comity verify` checks without this room."""
    told = [
        {"number": one.number, "content": one.content, "previous": one.previous, "digest": one.digest}
        for one in entries
    ]
    return {"schema": chain.SCHEMA, "entries": told}


def _of(member: MemberContext, of: Subject) -> QuerySet[Consent]:
    return Consent.objects.filter(relationship=member.relationship, subject_type=of)
