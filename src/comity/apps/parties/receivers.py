"""Signal receivers for sign-ins, lock-outs and password changes, connected when the app is ready."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest

from comity.apps.parties.identity_providers import sign_in_lapsed
from comity.apps.parties.mailing import mail_person
from comity.apps.parties.models import Person
from comity.apps.parties.operations import revoke_all_tokens
from comity.apps.parties.sessions import start_session

_HOUR = 3600


@receiver([password_changed, password_reset, password_set])
def revoke_tokens_on_password_change(user: Person, **_: Any) -> None:  # noqa: ANN401 - as Django calls it
    """Revoke the API tokens: whoever changes a password may think that somebody else had it."""
    revoke_all_tokens(user, "password")


@receiver(sign_in_lapsed)
def revoke_tokens_on_lapsed_sign_in(user: Person, **_: Any) -> None:  # noqa: ANN401 - as above
    """Revoke the API tokens for good: a later sign-in does not make them valid again."""
    revoke_all_tokens(user, "not_signed_in")


@receiver(user_logged_in)
def start_session_on_sign_in(request: HttpRequest, **_: Any) -> None:  # noqa: ANN401 - as above
    """Start the session's lifetime, which ends some days later."""
    start_session(request)


@receiver(user_locked_out)
def mail_on_lock_out(username: str, ip_address: str, **_: Any) -> None:  # noqa: ANN401 - as above
    """Mail a person, once an hour at most, that somebody guesses their password, and from which address."""
    person = Person.objects.filter(email__iexact=username, is_active=True).first() if username else None
    if person is not None and cache.add(f"locked_out:{person.pk}", value=True, timeout=_HOUR):
        mail_person(person, "locked_out", came_from=lambda _: str(ip_address))
