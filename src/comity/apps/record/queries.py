"""Queries for consents and for entries of the record."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.db.models import QuerySet

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in, was_read_ahead
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.core import chain

# Where one side's consent waits for the other's; signatures of an agreement are steps of its changes.
_WAIT = tuple(
    one.value
    for one in (
        ConsentSubject.PERIOD,
        ConsentSubject.CALENDAR,
        ConsentSubject.KPIS,
        ConsentSubject.JOINT_ORDER,
        ConsentSubject.LEDGER_CHANGE,
    )
)


def valid_consents(member: MemberContext, subject_type: ConsentSubject, subject: str) -> dict[str, Consent]:
    """Return the valid consents to a subject, by side."""
    if was_read_ahead(member, _all_valid):
        found: Iterable[Consent] = (one for one in _known_valid(member, subject_type) if one.subject == subject)
    else:
        found = _valid(member.relationship.pk, subject_type).filter(subject=subject)
    return {one.side: one for one in found}


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
    for consent in _known_valid(member, subject_type):
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


def subjects(member: MemberContext, subject_type: ConsentSubject) -> list[tuple[str, str]]:
    """Return the subject and the kind of each entry of a type, the latest first."""
    if was_read_ahead(member, _all_subjects):
        return [(subject, kind) for of, subject, kind in rows_in(member, _all_subjects) if of == subject_type]
    return list(_subjects(member.relationship.pk, subject_type))


def last_digest(member: MemberContext, subject_type: ConsentSubject) -> str | None:
    """Return the digest of the latest entry of a type; None where there is none."""
    return next(iter(rows_in(member, _last_digest, subject_type)), None)


def read_ahead_consents(members: Sequence[MemberContext]) -> None:
    """Read what both sides consented to, or one did, of several relationships at once: but for signatures."""
    read_ahead(members, _all_valid)
    read_ahead(members, _all_subjects)


def read_ahead_last_digest(members: Sequence[MemberContext], subject_type: ConsentSubject) -> None:
    """Read the digest of the latest entry of a type, of several relationships at once."""
    read_ahead(members, _last_digest, lambda _: (subject_type,))


def export_entries(entries: Iterable[Entry]) -> dict[str, Any]:
    """Return entries as a JSON document, which `comity verify` checks without this room."""
    documents = [
        {"number": entry.number, "content": entry.content, "previous": entry.previous, "digest": entry.digest}
        for entry in entries
    ]
    return {"schema": chain.SCHEMA, "entries": documents}


def _known_valid(member: MemberContext, subject_type: ConsentSubject) -> list[Consent]:
    if was_read_ahead(member, _all_valid):
        return [one for one in rows_in(member, _all_valid) if one.subject_type == subject_type]
    return list(_valid(member.relationship.pk, subject_type))


def _valid(where: Place, subject_type: ConsentSubject) -> QuerySet[Consent]:
    consents = Consent.objects.filter(relationship=where, subject_type=subject_type, void_at=None)
    return consents.select_related("person")


def _all_valid(where: Place) -> QuerySet[Consent]:
    consents = Consent.objects.filter(relationship=where, subject_type__in=_WAIT, void_at=None)
    return consents.select_related("person").defer("content", "void_content")


def _subjects(where: Place, subject_type: ConsentSubject) -> QuerySet[Entry, tuple[str, str]]:
    found = Entry.objects.filter(relationship=where, subject_type=subject_type).order_by("-number")
    return found.values_list("subject", "kind")


def _all_subjects(where: Place) -> QuerySet[Entry, tuple[str, str, str]]:
    found = Entry.objects.filter(relationship=where, subject_type__in=_WAIT).order_by("-number")
    return found.values_list("subject_type", "subject", "kind")


def _last_digest(where: Place, subject_type: ConsentSubject) -> QuerySet[Entry, str]:
    found = Entry.objects.filter(relationship=where, subject_type=subject_type).order_by("-number")
    return found.values_list("digest", flat=True)[:1]


def _consents(member: MemberContext, subject_type: ConsentSubject) -> QuerySet[Consent]:
    return Consent.objects.filter(relationship=member.relationship, subject_type=subject_type)
