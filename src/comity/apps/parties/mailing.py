"""Mails to people of a side, in each one's own language, with nothing in them that they may not see."""

from collections.abc import Callable, Sequence

from django.conf import settings
from django.core.mail import EmailMessage, send_mail
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from comity.apps.parties.models import Membership
from comity.apps.parties.rights import Action, may_now
from comity.apps.parties.viewing import Standing
from comity.apps.wording import words_for
from comity.core.values import Side
from comity.review.faces.words import LOCALES, Words


def tell(standing: Standing, side: Side, right: Action, key: str, address: str, **said: Callable[[Words], str]) -> int:
    """Write to those of a side who have a right: `key`.subject and `key`.mail, with the address of a page.

    :param said: what fills the sentences, in the reader's language
    :returns: to how many
    """
    found = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=standing.relationship, side=side.value, left_at=None
    )
    people = [one.person for one in found if may_now(one, right, timezone.now().date())]
    for person in people:
        words = words_for(spoken(person.language))
        filled = {name: make(words) for name, make in said.items()}
        text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **filled)
        later(words(f"{key}.subject", **filled), text, person.email)
    return len(people)


def later(subject: str, text: str, to: str) -> None:
    """Send a mail once what it tells of is kept; a mail server that is down undoes nothing, and stands in the log.

    What people have written over several lines stands on one in its subject.
    """
    transaction.on_commit(lambda: send_mail(" ".join(subject.split()), text, None, [to]) and None, robust=True)


def tell_one(standing: Standing, key: str, address: str, files: Sequence[tuple[str, bytes, str]], **said: str) -> None:
    """Write to whoever stands there: `key`.subject and `key`.mail, in the language that the sentences are filled in.

    :param files: name, content and media type of each
    """
    person = standing.membership.person
    words = words_for(spoken(person.language))
    mail = EmailMessage(
        " ".join(words(f"{key}.subject", **said).split()),
        words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **said),
        None,
        [person.email],
    )
    for name, content, kind in files:
        mail.attach(name, content, kind)
    mail.send()


def spoken(asked: str) -> str:
    """A language that is spoken here: the one that is asked for, else English."""
    return asked if asked in LOCALES else "en"


def page(standing: Standing, name: str, **more: object) -> str:
    """The address of a page of the relationship."""
    return reverse(name, kwargs={"relationship": standing.relationship.pk, **more})
