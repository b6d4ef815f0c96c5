"""What happens when somebody signs in, is locked out, or changes their password. Connected when the app is ready."""

from typing import Any

from allauth.account.signals import password_changed, password_reset, password_set
from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in
from django.core.cache import cache
from django.dispatch import receiver
from django.http import HttpRequest

from comity.apps.parties.mailing import tell_person
from comity.apps.parties.models import Person
from comity.apps.parties.operations import end_tokens
from comity.apps.parties.organisations import lapsed
from comity.apps.parties.sessions import begin_session

_HOUR = 3600


@receiver([password_changed, password_reset, password_set])
def end_tokens_with_the_password(user: Person, **_: Any) -> None:  # noqa: ANN401 - as Django calls it
    """Whoever changes a password may think that somebody else had it: what was made with it ends."""
    end_tokens(user, "password")


@receiver(lapsed)
def end_tokens_of_who_has_lapsed(user: Person, **_: Any) -> None:  # noqa: ANN401 - as above
    """For good: a token does not begin to work again when somebody signs in later."""
    end_tokens(user, "not_signed_in")


@receiver(user_logged_in)
def date_the_session(request: HttpRequest, **_: Any) -> None:  # noqa: ANN401 - as above
    """A session ends some days after its sign-in."""
    begin_session(request)


@receiver(user_locked_out)
def tell_who_is_locked_out(username: str, ip_address: str, **_: Any) -> None:  # noqa: ANN401 - as above
    """Write to a person, once an hour at most, that somebody guesses at their password, and from where."""
    person = Person.objects.filter(email__iexact=username, is_active=True).first() if username else None
    if person is not None and cache.add(f"locked_out:{person.pk}", value=True, timeout=_HOUR):
        tell_person(person, "locked_out", came_from=lambda _: str(ip_address))
