"""Giving a side's word for a content, and adding to the record what both gave theirs for.

Everything is written by functions of the database's owner (`migrations/0001_initial.py`), which check it again.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection

from comity.apps.parties.mailing import mail_side
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent, Entry, EntryKind, Subject
from comity.apps.record.queries import consents
from comity.core import chain
from comity.core.values import Side
from comity.review.i18n.words import Words

Content = Mapping[str, Any]
Sentences = Mapping[str, Callable[[Words], str]]


def lock(member: MemberContext) -> None:
    """Let nobody else give a word in this relationship before this transaction ends: the last of both settles."""
    type(member.relationship).objects.select_for_update().get(pk=member.relationship.pk)


def consent(member: MemberContext, of: Subject, subject: str, content: Content) -> bool:
    """Give the word of the viewer's side for a content; whether both sides have given theirs for this very content.

    :raises django.db.ProgrammingError: for those who may not, or whose side has given its word already
    """
    digest = chain.digest_of(content)
    call("comity_consent", of, subject, digest, chain.canonical(content))
    words = consents(member, of, subject)
    return {side for side, word in words.items() if word.digest == digest} == {side.value for side in Side}


def void_others(of: Subject, subject: str, content: Content) -> list[Consent]:
    """Make void the words that were given for any other content of an open subject than this one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM comity_void_consents(%s, %s, %s)", [of, subject, chain.canonical(content)])
        found = [row[0] for row in cursor.fetchall()]
    return list(Consent.objects.filter(pk__in=found).order_by("side"))


def void_told(word: Consent) -> None:
    """Note that both sides were told that a word is void."""
    call("comity_void_told", word.pk)


def reminded(word: Consent, people: Sequence[UUID]) -> None:
    """Note that the mail server took a reminder to people of the other side, who are to answer a word."""
    call("comity_remind_consent", word.pk, list(people))


def settle(member: MemberContext, kind: EntryKind, of: Subject, subject: str, content: Content) -> Entry:
    """Add what both sides gave their word for to the record."""
    return checked(member, call("comity_settle", kind, of, subject, chain.canonical(content)))


def checked(member: MemberContext, number: UUID) -> Entry:
    """An entry that a function of the database has just added.

    :raises comity.core.chain.BrokenChainError: where the database has made another digest than the chain's
    """
    made = Entry.objects.get(pk=number, relationship=member.relationship)
    if chain.linked(made.number, made.content, made.previous).digest != made.digest:
        raise chain.BrokenChainError(f"entry {made.number} was not made as the chain is verified")
    return made


def send_head(member: MemberContext, entry: Entry, key: str, address: str, said: Sentences) -> None:
    """Mail both sides the digest of an entry: with it, nobody who runs the room can begin another record unseen.

    :param key: of the words: `key`.subject and `key`.mail take number, digest and address, beside what is said
    """
    about = {"number": lambda _: str(entry.number), "digest": lambda _: entry.digest}
    for side in Side:
        mail_side(member, side, Action.CONFIRM, key, address, **about, **said)


def call(function: str, *arguments: str | bool | UUID | list[UUID]) -> Any:  # noqa: ANN401 - as the database gives it
    """Call a function of the database's owner."""
    marks = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {connection.ops.quote_name(function)}({marks})", arguments)
        return cursor.fetchone()[0]
