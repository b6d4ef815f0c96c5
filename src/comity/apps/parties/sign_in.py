"""Sign-in with allauth: by invitation, then with password and code, a passkey, or the organisation's own sign-in."""

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
from comity.apps.parties.identity_providers import email_domain, only_provider
from comity.apps.parties.models import Person
from comity.apps.parties.names import sanitise_name
from comity.apps.parties.queries import invited_email
from comity.apps.parties.setup import admitted_address

INVITATION_SESSION_KEY = "invited"  # the token of the invitation that is being accepted in this session
SETUP_SESSION_KEY = "set_up"  # the token of the set-up link that was opened in this session


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Signs up nobody uninvited, and enforces the sign-in of organisations that allow no other."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:  # noqa: ARG002 - as allauth calls it
        """Return False: only the invitation page creates accounts."""
        return False

    def get_reset_password_from_key_url(self, key: str) -> str:
        """Return the link at the room's configured address, whatever host the request named."""
        path = reverse("account_reset_password_from_key", kwargs={"uidb36": "UID", "key": "KEY"})
        return f"{settings.ADDRESS}{path.replace('UID-KEY', quote(key))}"

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the client's address, which rate limits count by."""
        return client_ip(request)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Send a mail whose site is the configured address, not the host that the request named."""
        site = _Site(urlsplit(settings.ADDRESS).netloc)
        own = {"current_site": site, "signup_url": f"{settings.ADDRESS}{reverse('account_signup')}"}
        full_context = {"request": allauth.request, "email": email} | context | own
        self.render_mail(template_prefix, email, full_context).send()

    def format_email_subject(self, subject: str) -> str:
        """Return the subject without allauth's prefix."""
        return subject

    def pre_login(self, request: HttpRequest, user: Person, **kwargs: Any) -> HttpResponse | None:
        """Redirect people who have to sign in at their organisation, whatever they signed in with."""
        provider = only_provider(user.email)
        if provider is not None and "sociallogin" not in (kwargs.get("signal_kwargs") or {}):
            messages.error(request, words_for(language())("sign_in.only_there", organisation=provider.name))
            return redirect("account_login")
        response: HttpResponse | None = super().pre_login(request, user, **kwargs)
        return response


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]  # as above
    """Trusts an organisation's sign-in about its own mail domains, and signs up only people with a link of the room."""

    def can_authenticate_by_email(self, login: Any, email: str) -> bool:
        """Return whether the sign-in may log in an existing account with this address."""
        return email_domain(email) in login.provider.app.settings["verified_email"]

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Return whether a link of the session is for one of the verified addresses."""
        addresses = [one.email.lower() for one in sociallogin.email_addresses if one.verified]
        token = request.session.get(INVITATION_SESSION_KEY, "")
        invited = invited_email(token) if token else None
        if invited not in addresses:
            token = request.session.get(SETUP_SESSION_KEY, "")
            invited = admitted_address(token, addresses) if token else None
        return invited is not None and self.can_authenticate_by_email(sociallogin, invited)

    def populate_user(self, request: HttpRequest, sociallogin: Any, data: dict[str, Any]) -> Person:
        """Set name, address and language of a new account, from what the organisation sent."""
        person: Person = super().populate_user(request, sociallogin, data)
        parts = [data.get("first_name"), data.get("last_name")]
        name = str(data.get("name") or " ".join(one for one in parts if one))[:120]
        person.name = sanitise_name(name, default=person.email[:120])
        person.email = person.email.lower()
        person.language = language()
        return person


def attempted_email(request: HttpRequest, credentials: dict[str, Any] | None) -> str:
    """Return the mail address of a sign-in attempt, in lower case: failures are counted by it."""
    given = credentials or {}
    email = given.get("username") or given.get("email") or request.POST.get("login") or ""
    return str(email).replace("\0", "").strip().lower()[:254]


def recent_sign_in_required(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Decorate a view that needs a sign-in, or a reauthentication, of the last minutes.

    People without a password or second factor here, whose organisation signs them in, sign in again.
    """
    reauthenticating = reauthentication_required(view)

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if get_adapter().get_reauthentication_methods(request.user):
            response: HttpResponse = reauthenticating(request, *args, **kwargs)
            return response
        records = get_authentication_records(request, request.user)
        if not records or time.time() - records[-1]["at"] > REAUTHENTICATION_TIMEOUT:
            messages.error(request, words_for(language())("sign_in.again_there"))
            return redirect("account")
        return view(request, *args, **kwargs)

    return wrapper


def client_ip(request: HttpRequest) -> str:
    """Return the client's IP address, behind as many trusted proxies as the settings say."""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    hops = [hop.strip() for hop in request.headers.get("X-Forwarded-For", "").split(",") if hop.strip()]
    return hops[-proxies] if 0 < proxies <= len(hops) else str(request.META.get("REMOTE_ADDR", ""))


@dataclass(frozen=True, slots=True)
class _Site:
    """The site as allauth's mail templates use it."""

    domain: str
    name: str = "Comity"
