"""The Jinja environment and the context processor of every page of the room.

Every text is escaped, and an undefined name is an error.
"""

from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString
from django.utils.timezone import now
from jinja2 import Environment, StrictUndefined

from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.parties.mailing import has_mail_server
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import NavEntry, nav_entries
from comity.apps.parties.rights import Action
from comity.apps.parties.setup import room_is_empty
from comity.core.values import Side
from comity.review import fonts
from comity.review.render.html import finalize
from comity.web.passkeys import passkey_script
from comity.web.user_agent import parse_user_agent


def environment(**options: Any) -> Environment:  # noqa: ANN401 - Django's options for Jinja
    """Return the Jinja environment that Django's template backend asks for."""
    options_with_defaults = options | {"undefined": StrictUndefined, "finalize": finalize}
    jinja_environment = Environment(**options_with_defaults | {"autoescape": True})  # noqa: S701 - it is
    jinja_environment.globals |= {
        "url": _reverse_url,
        "static": static,
        "fonts": [f"comity/fonts/{fonts.file_name(font)}" for font in fonts.FONTS],
        "sides": list(Side),
        "Action": Action,
        "paper": False,
        "now": now,
        "device": parse_user_agent,
        "passkey_script": passkey_script,
        "widget": _widget,
        "spoken_period": spoken_period,
        "room_is_empty": room_is_empty,
        "has_mail_server": has_mail_server,
        "organisations": lambda: settings.ORGANISATIONS,
    }
    return jinja_environment


def _widget(bound: BoundField) -> SafeString:
    """A field as it is filled in, without the placeholder: its label stands above it."""
    return bound.as_widget(attrs={"placeholder": False})


def _reverse_url(name: str, *args: object, **named: object) -> str:
    return _cached_reverse(get_script_prefix(), name, args, tuple(named.items()))


@lru_cache(maxsize=16384)
def _cached_reverse(prefix: str, name: str, args: tuple[object, ...], named: tuple[tuple[str, object], ...]) -> str:  # noqa: ARG001 - below another prefix it is another
    """Reverse a URL, cached: a page with a list has one in every row."""
    return reverse(name, args=args or None, kwargs=dict(named) or None)


def context(request: HttpRequest) -> dict[str, Any]:
    """Return what every template may use: words, viewer, navigation, messages, and the path of the request."""
    member = getattr(request, "member", None)
    words, failed = words_for(language()), getattr(request, "failed", False)
    return {
        "words": words,
        "member": member,
        "person": request.user if request.user.is_authenticated else None,
        "party": (lambda side: words.side(side, {})) if member is None else member.party(words),
        "navigation": [] if member is None else _navigation(member, counting=not failed),
        "notices": lambda: list(messages.get_messages(request)),  # once shown they are gone
        "here": request.resolver_match.view_name if request.resolver_match else "",
        "path": request.get_full_path(),
        "languages": settings.LANGUAGES,
    }


def _navigation(member: MemberContext, *, counting: bool) -> list[tuple[NavEntry, int]]:
    """Return the navigation of a relationship: entries, and how many items wait on each.

    :param counting: False after an error, since queries may fail in a transaction that is broken
    """
    return [(entry, entry.count(member) if counting and entry.count is not None else 0) for entry in nav_entries()]
