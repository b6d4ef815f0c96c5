"""Which organisation signs somebody in, and whether it still does."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.utils import timezone

from comity.apps.parties.models import Person

# For so long a token works after the last sign-in of somebody whom only their organisation signs in: the room does not
# hear that an organisation has disabled somebody, but they can no longer sign in.
TOKENS_AFTER_SIGN_IN = timedelta(days=30)
lapsed = Signal()  # sent with `user` when a program comes with a token of somebody who `has_lapsed`


def domain_of(email: str) -> str:
    """The domain of a mail address, in small letters."""
    return email.rpartition("@")[2].lower()


def organisation_of(email: str) -> Any:  # noqa: ANN401 - of the settings
    """The organisation whose people have such an address and a sign-in of their own; None where there is none."""
    return next((one for one in settings.ORGANISATIONS if domain_of(email) in one.domains), None)


def has_lapsed(person: Person) -> bool:
    """Whether somebody whom only their organisation signs in has not signed in for `TOKENS_AFTER_SIGN_IN`."""
    own = organisation_of(person.email)
    if own is None or not own.only:
        return False
    return person.last_login is None or person.last_login < timezone.now() - TOKENS_AFTER_SIGN_IN
