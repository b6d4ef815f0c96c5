"""The organisation that signs a person in, and whether it still does."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.dispatch import Signal
from django.utils import timezone

from comity.apps.parties.models import Person

# API tokens of people whom only their organisation signs in work for so long after the last sign-in: the room is not
# told when an organisation disables somebody, but they can no longer sign in.
MAX_TIME_SINCE_SIGN_IN = timedelta(days=30)
sign_in_lapsed = Signal()  # sent with `user` for a request with a token of a person whose sign-in has lapsed


def email_domain(email: str) -> str:
    """Return the domain of a mail address, in lower case."""
    return email.rpartition("@")[2].lower()


def identity_provider_for(email: str) -> Any:  # noqa: ANN401 - of the settings
    """Return the organisation with a sign-in for this mail domain; None where there is none."""
    return next((provider for provider in settings.ORGANISATIONS if email_domain(email) in provider.domains), None)


def only_provider(email: str) -> Any:  # noqa: ANN401 - of the settings
    """Return the organisation through which alone the owner of an address signs in; None where a password will do."""
    provider = identity_provider_for(email)
    return provider if provider is not None and provider.only else None


def has_sign_in_lapsed(person: Person) -> bool:
    """Return whether a person whom only their organisation signs in has not done so for `MAX_TIME_SINCE_SIGN_IN`."""
    if only_provider(person.email) is None:
        return False
    return person.last_login is None or person.last_login < timezone.now() - MAX_TIME_SINCE_SIGN_IN
