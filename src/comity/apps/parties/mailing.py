"""Mails to the people of a side, each in their own language, without anything that they may not see."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person, Relationship
from comity.apps.parties.rights import Action, membership_may
from comity.core.values import Side
from comity.review.i18n.words import LOCALES, Words

# Headers that tell the outbox what a mail is about; it removes them before it stores the mail.
RELATIONSHIP_HEADER, SIDES_HEADER = "X-Comity-Relationship", "X-Comity-Sides"
# Backends of Django that hand a mail to nobody.
_NO_MAIL_SERVER = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("filebased", "console", "dummy")
)


@dataclass(frozen=True, slots=True)
class ReplyOffer:
    """How a mail can be answered by mail.

    :ivar address: to which a plain reply goes; empty where no mail is read, as the text says then
    :ivar text: what is said about it, below the mail, in the reader's language
    """

    address: str
    text: str


# Give how the mail to a member about a page can be answered; the mailbox's app registers its own.
reply_offers: list[Callable[[MemberContext, str], ReplyOffer | None]] = []
# Give whether a person chose no mail about what their side has to do; the notifications' app registers its own.
mutes: list[Callable[[Person], bool]] = []
_MESSAGE_ID = re.compile(r"<(\d{10})\.([0-9a-f]{32})\.([0-9a-f]{16})\.([0-9a-f]{20})@[^<>\s@]+>")


def reads_mails() -> bool:
    """Whether mails to this room are read, so that people can answer by mail."""
    return settings.MAILBOX is not None


def signed_message_id(relationship: UUID | None, recipient: str) -> str:
    """Return a Message-ID by which a mail that comes back proves that we sent it to this address, and when."""
    here = "0" * 32 if relationship is None else relationship.hex
    said = f"{int(timezone.now().timestamp()):010d}.{here}.{secrets.token_hex(8)}"
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"
    return f"<{said}.{_message_mac(said, recipient)}@{domain}>"


def mail_of_message_id(message_id: str, recipient: str) -> tuple[UUID, datetime] | None:
    """Return the relationship and the time of a mail that we sent to an address; None where we sent none such."""
    parts = _MESSAGE_ID.fullmatch(message_id.strip())
    if parts is None:
        return None
    said = f"{parts[1]}.{parts[2]}.{parts[3]}"
    if not hmac.compare_digest(parts[4], _message_mac(said, recipient)) or int(parts[2], 16) == 0:
        return None
    return UUID(hex=parts[2]), datetime.fromtimestamp(int(parts[1]), UTC)


def _message_mac(said: str, recipient: str) -> str:
    key = f"comity.apps.parties.mailing {settings.SECRET_KEY}".encode()
    return hmac.new(key, f"{said} {recipient.strip().lower()}".encode(), hashlib.sha256).hexdigest()[:20]


def has_mail_server() -> bool:
    """Whether mails leave this room: else they are written to files, and people are not told."""
    return settings.MAIL_SERVER_BACKEND not in _NO_MAIL_SERVER


def mail_side(
    member: MemberContext, side: Side, right: Action, key: str, address: str, **values: Callable[[Words], str]
) -> int:
    """Mail the people of a side who have a right the texts `key`.subject and `key`.mail.

    :param address: the path of a page, which the mail links to
    :param values: fill the texts, in the reader's language
    :returns: number of mails
    """
    if member.relationship.is_sample:
        return 0
    memberships = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=member.relationship, side=side.value, left_at=None
    )
    today = timezone.now().date()
    people = [one.person for one in memberships if membership_may(one, right, today)]
    mail_people(member, side, people, key, address, **values)
    return len(people)


def mail_people(
    member: MemberContext,
    side: Side,
    people: Iterable[Person],
    key: str,
    address: str,
    **values: Callable[[Words], str],
) -> None:
    """Mail some people of a side, as `mail_side` mails all who have a right; nobody of a sample."""
    if member.relationship.is_sample:
        return
    for person in people:
        words = words_for(supported_language(person.language))
        texts = {name: value(words) for name, value in values.items()}
        text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **texts)
        subject = relationship_subject(member.relationship, words(f"{key}.subject", **texts))
        queue_mail(subject, text, person.email, _headers(member, side))


def mail_person(person: Person, key: str, address: str = "", **values: Callable[[Words], str]) -> None:
    """Mail one person about their own account: `key`.subject and `key`.mail, in their language.

    :param values: fill the texts, in that language
    """
    words = words_for(supported_language(person.language))
    texts = {name: value(words) for name, value in values.items()}
    text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **texts)
    queue_mail(words(f"{key}.subject", **texts), text, person.email)


def queue_mail(subject: str, text: str, to: str, headers: Mapping[str, str] | None = None) -> None:
    """Send a mail once this transaction is committed.

    :param subject: line breaks become spaces
    :param headers: of `mail_headers`: which relationship the mail is about, and whom a failure concerns
    """
    EmailMessage(" ".join(subject.split()), text, None, [to], headers=dict(headers or {})).send()


def relationship_subject(relationship: Relationship, subject: str) -> str:
    """Return the subject of a mail with both organisations before it; line breaks become spaces."""
    return " ".join(f"[{relationship.customer} × {relationship.provider}] {subject}".split())  # noqa: RUF001 - a sign of multiplication is meant


def mail_headers(member: MemberContext) -> dict[str, str]:
    """Return the headers of a mail that concerns the viewer's own side alone."""
    return _headers(member)


def _headers(member: MemberContext, *others: Side) -> dict[str, str]:
    """Return the headers of a mail by the viewer, or by the room itself, to people of these sides."""
    own = list(Side) if member.side is None and not others else [] if member.side is None else [member.side]
    sides = dict.fromkeys([*others, *own])  # of a mail to somebody neutral both sides may know that it failed
    return {RELATIONSHIP_HEADER: str(member.relationship.pk), SIDES_HEADER: ",".join(side.value for side in sides)}


def mail_member(
    member: MemberContext,
    key: str,
    address: str,
    files: Sequence[tuple[str, bytes, str]],
    server: BaseEmailBackend | None = None,
    **values: str,
) -> None:
    """Mail the member themselves the texts `key`.subject and `key`.mail.

    :param files: name, content and media type of each attachment
    :param server: hand the mail over now, to this connection; None: once this transaction is committed
    :param values: fill the texts, in the member's language
    """
    if member.relationship.is_sample:
        return
    person = member.membership.person
    words = words_for(supported_language(person.language))
    text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **values)
    offer = next(filter(None, (offers(member, address) for offers in reply_offers)), None)
    direct = {"Message-ID": signed_message_id(member.relationship.pk, person.email)}  # else the outbox sets one
    mail = EmailMessage(
        relationship_subject(member.relationship, words(f"{key}.subject", **values)),
        text if offer is None else f"{text}\n\n{offer.text}",
        None,
        [person.email],
        connection=server,
        headers=_headers(member) if server is None else direct,
        reply_to=[offer.address] if offer is not None and offer.address else None,
    )
    for name, content, media_type in files:
        mail.attach(name, content, media_type)
    mail.send()


def address_mail(
    relationship: Relationship, to: str, language: str, key: str, server: BaseEmailBackend, **values: str
) -> EmailMessage:
    """Return a mail to an address that both sides agreed on, of whomever: `key`.subject and `key`.mail.

    :param to: the address
    :param language: of the texts
    :param server: to which it is handed over once it is sent
    """
    words = words_for(supported_language(language))
    return EmailMessage(
        relationship_subject(relationship, words(f"{key}.subject", **values)),
        words(f"{key}.mail", **values),
        None,
        [to],
        connection=server,
        headers={"Message-ID": signed_message_id(relationship.pk, to)},
    )


def supported_language(language: str) -> str:
    """Return the language if the room has it, else English."""
    return language if language in LOCALES else "en"


def page_path(member: MemberContext, name: str, **kwargs: object) -> str:
    """Return the path of a page of the relationship, by its URL name."""
    return reverse(name, kwargs={"relationship": member.relationship.pk, **kwargs})
