"""Mails to people of a side, in each one's own language, with nothing in them that they may not see."""

from collections.abc import Callable

from django.conf import settings
from django.core.mail import send_mail
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
        words = words_for(person.language if person.language in LOCALES else "en")
        filled = {name: make(words) for name, make in said.items()}
        text = words(f"{key}.mail", address=f"{settings.ADDRESS}{address}", **filled)
        send_mail(words(f"{key}.subject", **filled), text, None, [person.email])
    return len(people)


def page(standing: Standing, name: str, **more: object) -> str:
    """The address of a page of the relationship."""
    return reverse(name, kwargs={"relationship": standing.relationship.pk, **more})
