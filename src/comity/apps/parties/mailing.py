"""Mails to people of a side, in each one's own language, with nothing in them that they may not see."""

from collections.abc import Callable, Mapping, Sequence

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person
from comity.apps.parties.rights import Action, may_now
from comity.core.values import Side
from comity.review.i18n.words import LOCALES, Words

# Headers by which the outbox knows what a mail is about; it takes them off before it keeps the mail.
RELATIONSHIP, SIDES = "X-Comity-Relationship", "X-Comity-Sides"
# Backends of Django that hand a mail to nobody.
_NO_MAIL_SERVER = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend" for name in ("filebased", "console", "dummy")
)


def has_mail_server() -> bool:
    """Whether mails leave this room: else they are written to files, and people are not told."""
    return settings.MAIL_SERVER_BACKEND not in _NO_MAIL_SERVER


def tell(
    member: MemberContext, side: Side, right: Action, key: str, address: str, **said: Callable[[Words], str]
) -> int:
    """Write to those of a side who have a right: `key`.subject and `key`.mail, with the address of a page.

    :param said: what fills the sentences, in the reader's language
    :returns: to how many
    """
    found = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=member.relationship, side=side.value, left_at=None
    )
    people = [one.person for one in found if may_now(one, right, timezone.now().date())]
    for person in people:
        words = words_for(spoken(person.language))
        filled = {name: make(words) for name, make in said.items()}
        text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **filled)
        send(words(f"{key}.subject", **filled), text, person.email, _about(member, side))
    return len(people)


def tell_person(person: Person, key: str, address: str = "", **said: Callable[[Words], str]) -> None:
    """Write to one person about their own account: `key`.subject and `key`.mail, in their language.

    :param said: what fills the sentences, in that language
    """
    words = words_for(spoken(person.language))
    filled = {name: make(words) for name, make in said.items()}
    text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **filled)
    send(words(f"{key}.subject", **filled), text, person.email)


def send(subject: str, text: str, to: str, about: Mapping[str, str] | None = None) -> None:
    """Have a mail sent once this transaction is committed.

    :param subject: what people have written over several lines stands on one
    :param about: the headers that say which relationship it is about, and whom a failure concerns
    """
    EmailMessage(" ".join(subject.split()), text, None, [to], headers=dict(about or {})).send()


def about(member: MemberContext) -> dict[str, str]:
    """The headers of a mail that concerns the viewer's own side alone."""
    return _about(member)


def _about(member: MemberContext, *others: Side) -> dict[str, str]:
    """The headers of a mail of the viewer's, or of the room itself, to somebody of these sides."""
    sides = dict.fromkeys([*others, *([] if member.side is None else [member.side])])
    return {RELATIONSHIP: str(member.relationship.pk), SIDES: ",".join(side.value for side in sides)}


def tell_one(
    member: MemberContext,
    key: str,
    address: str,
    files: Sequence[tuple[str, bytes, str]],
    server: BaseEmailBackend | None = None,
    **said: str,
) -> None:
    """Write to whoever stands there: `key`.subject and `key`.mail, in the language that the sentences are filled in.

    :param files: name, content and media type of each
    :param server: hand it over now, to this connection; None: once this transaction is committed
    """
    person = member.membership.person
    words = words_for(spoken(person.language))
    mail = EmailMessage(
        " ".join(words(f"{key}.subject", **said).split()),
        words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **said),
        None,
        [person.email],
        connection=server,
        headers=_about(member) if server is None else {},
    )
    for name, content, kind in files:
        mail.attach(name, content, kind)
    mail.send()


def spoken(asked: str) -> str:
    """A language that is spoken here: the one that is asked for, else English."""
    return asked if asked in LOCALES else "en"


def page(member: MemberContext, name: str, **more: object) -> str:
    """The address of a page of the relationship."""
    return reverse(name, kwargs={"relationship": member.relationship.pk, **more})
