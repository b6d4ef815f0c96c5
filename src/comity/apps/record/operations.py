"""Consents of a side to a content, and entries of the record for what both sides consented to.

All rows are written by functions of the database's owner (`migrations/0001_initial.py`), which check them again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from comity.apps.parties.mailing import mail_side
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.record.queries import valid_consents
from comity.core import chain
from comity.core.values import Side
from comity.review.i18n.words import Words

Content = Mapping[str, Any]
Sentences = Mapping[str, Callable[[Words], str]]


def lock_relationship(member: MemberContext) -> None:
    """Lock the relationship until this transaction ends, so that the second of two consents sees the first."""
    type(member.relationship).objects.select_for_update().get(pk=member.relationship.pk)


def give_consent(member: MemberContext, subject_type: ConsentSubject, subject: str, content: Content) -> bool:
    """Give the consent of the viewer's side to a content; return whether both sides have consented to the same one.

    :raises django.db.ProgrammingError: for those who may not, or whose side has consented already
    """
    digest = chain.digest_of(content)
    call_function("comity_consent", subject_type, subject, digest, chain.canonical(content))
    consents = valid_consents(member, subject_type, subject)
    return {side for side, consent in consents.items() if consent.digest == digest} == {side.value for side in Side}


def void_other_consents(subject_type: ConsentSubject, subject: str, content: Content) -> list[Consent]:
    """Void the consents to any other content of an open subject, and return them by side."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM comity_void_consents(%s, %s, %s)", [subject_type, subject, chain.canonical(content)]
        )
        ids = [row[0] for row in cursor.fetchall()]
    return list(Consent.objects.filter(pk__in=ids).order_by("side"))


def mark_void_reported(consent: Consent) -> None:
    """Record that both sides were told that a consent is void."""
    call_function("comity_void_told", consent.pk)


def mark_reminded(consent: Consent, people: Sequence[UUID]) -> None:
    """Record that the mail server accepted a reminder to people of the other side, who are to answer a consent."""
    call_function("comity_remind_consent", consent.pk, list(people))


def add_agreed_entry(
    member: MemberContext, kind: EntryKind, subject_type: ConsentSubject, subject: str, content: Content
) -> Entry:
    """Add an entry to the record for what both sides consented to."""
    return verified_entry(member, call_function("comity_settle", kind, subject_type, subject, chain.canonical(content)))


def verified_entry(member: MemberContext, pk: UUID) -> Entry:
    """Return an entry that a database function has just added, with its digest verified.

    :raises comity.core.chain.BrokenChainError: where the database computed another digest than `comity.core.chain`
    """
    entry = Entry.objects.get(pk=pk, relationship=member.relationship)
    if chain.linked(entry.number, entry.content, entry.previous).digest != entry.digest:
        raise chain.BrokenChainError(f"entry {entry.number} was not made as the chain is verified")
    return entry


def mail_chain_head(member: MemberContext, entry: Entry, key: str, address: str, values: Sentences) -> None:
    """Mail both sides the digest of an entry: whoever runs the room cannot replace the record unnoticed.

    :param key: of the catalogue: `key`.subject and `key`.mail take number, digest and address, beside `values`
    """
    entry_values = {"number": lambda _: str(entry.number), "digest": lambda _: entry.digest}
    for side in Side:
        mail_side(member, side, Action.CONFIRM, key, address, **entry_values, **values)


def call_function(function: str, *arguments: str | bool | int | UUID | list[UUID]) -> Any:  # noqa: ANN401 - as the database gives it
    """Call a function of the database's owner, and return its result."""
    marks = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {connection.ops.quote_name(function)}({marks})", arguments)
        return cursor.fetchone()[0]
