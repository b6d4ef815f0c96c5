"""How people get in: by invitation, then with a password and a code, a passkey, or their organisation's own sign-in."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote, urlsplit

from allauth.account.adapter import DefaultAccountAdapter, get_adapter
from allauth.account.app_settings import REAUTHENTICATION_TIMEOUT
from allauth.account.authentication import get_authentication_records
from allauth.account.decorators import reauthentication_required
from allauth.core import context as allauth
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from comity.apps.i18n import language, words_for
from comity.apps.parties.models import Person
from comity.apps.parties.names import made_plain
from comity.apps.parties.organisations import domain_of, organisation_of
from comity.apps.parties.queries import invited

INVITED = "invited"  # where a session keeps the word of the invitation that is being taken up


class ByInvitation(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody signs up unasked, and who belongs to an organisation with a sign-in alone uses that."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - as allauth calls it
        """Only the page of an invitation makes people."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """At the room's own address, whatever host the request named."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return f"{settings.ADDRESS}{path.replace('UID-KEY', quote(key))}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """The client's address, which rate limits count by."""
        return came_from(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """In the room's name, and not in that of the host that the request named."""
        here = _Room(urlsplit(settings.ADDRESS).netloc)
        own = {"current_site": here, "signup_url": f"{settings.ADDRESS}{reverse('account_signup')}"}
        told = {"request": allauth.request, "email": email} | context | own
        self.render_mail(template_prefix, email, told).send()

    def format_email_subject(self, subject: str) -> str:
        """By what it is about."""
        return subject

    def pre_login(self, request: HttpRequest, user: Person, **more: Any) -> HttpResponse | None:
        """Send on who has another way in, whatever they came with."""
        own = organisation_of(user.email)
        if own is not None and own.only and "sociallogin" not in (more.get("signal_kwargs") or {}):
            messages.error(request, words_for(language())("sign_in.only_there", organisation=own.name))
            return redirect("account_login")
        found: HttpResponse | None = super().pre_login(request, user, **more)
        return found


class ByOrganisation(DefaultSocialAccountAdapter):  # type: ignore[misc]  # as above
    """An organisation's sign-in is believed about its own addresses, and makes people by invitation alone."""

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Whether somebody who is here already is let in by this address."""
        return domain_of(email) in login.provider.app.settings["verified_email"]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Whether somebody new comes in: who holds the word of an invitation for that very address."""
        word = request.session.get(INVITED, "")
        addresses = [one.email.lower() for one in sociallogin.email_addresses if one.verified]
        asked = invited(word) if word else None
        return asked in addresses and self.can_authenticate_by_email(sociallogin, str(asked))

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Person:
        """The name as the organisation has it."""
        person: Person = super().populate_user(request, sociallogin, data)
        parts = [data.get("first_name"), data.get("last_name")]
        name = str(data.get("name") or " ".join(one for one in parts if one))[:120]
        person.name = made_plain(name, otherwise=person.email[:120])
        person.email = person.email.lower()
        person.language = language()
        return person


def whose(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """The mail address that somebody tries to sign in with, in small letters: failures are counted by it."""
    said = credentials or {}
    asked = said.get("username") or said.get("email") or request.POST.get("login") or ""
    return str(asked).replace("\0", "").strip().lower()[:254]


def fresh_sign_in(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Let a view be reached only within minutes of signing in, or of saying once more that it is oneself.

    Whoever has nothing here to say it with, because their organisation signs them in, signs in again.
    """
    asking = reauthentication_required(view)

    @wraps(view)
    def fresh(request: HttpRequest, *args: Any, **more: Any) -> HttpResponse:
        if get_adapter().get_reauthentication_methods(request.user):
            answer: HttpResponse = asking(request, *args, **more)
            return answer
        records = get_authentication_records(request, request.user)
        if not records or time.time() - records[-1]["at"] > REAUTHENTICATION_TIMEOUT:
            messages.error(request, words_for(language())("sign_in.again_there"))
            return redirect("account")
        return view(request, *args, **more)

    return fresh


def came_from(request: HttpRequest) -> str:
    """The address that somebody comes from, as far as the proxies in front are told of."""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    hops = [one.strip() for one in request.headers.get("X-Forwarded-For", "").split(",") if one.strip()]
    return hops[-proxies] if 0 < proxies <= len(hops) else str(request.META.get("REMOTE_ADDR", ""))


@dataclass(frozen=True, slots=True)
class _Room:
    """What allauth calls a site."""

    domain: str
    name: str = "Comity"
