"""The Jinja environment and the context processor of every page of the room.

Every text is escaped, and an undefined name is an error.
"""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BoundField
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.safestring import SafeString
from django.utils.timezone import localtime, now
from jinja2 import Environment, StrictUndefined

import comity
from comity.apps.help.queries import term
from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.matters.sentences import matter_title
from comity.apps.parties.mailing import has_mail_server, reads_mails
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Relationship
from comity.apps.parties.panels import NavEntry, nav_entries
from comity.apps.parties.queries import memberships_of
from comity.apps.parties.rights import Action
from comity.apps.parties.setup import room_is_empty
from comity.apps.personal.models import DisplaySettings
from comity.core.values import Side
from comity.review import fonts
from comity.review.i18n.words import Words
from comity.review.render.html import finalize
from comity.web.appearance import stylesheet
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
        "now": localtime,  # in the reader's zone, as `local` shows every other time
        "local": localtime,
        "local_of": lambda text: localtime(datetime.fromisoformat(text)),  # of a moment as an entry keeps it
        "stylesheet": stylesheet,
        "glossary_term": term,
        "version": comity.__version__,
        "device": parse_user_agent,
        "passkey_script": passkey_script,
        "widget": _widget,
        "spoken_period": spoken_period,
        "room_is_empty": room_is_empty,
        "has_mail_server": has_mail_server,
        "reads_mails": reads_mails,
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
    display = getattr(request, "display", None) or DisplaySettings()  # an error may come before the choice is read
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
        "display": display,
        "appearance": display.appearance,
        "matter_title": lambda one: one.title if member is None else matter_title(member, one, words),
        "refresh": lambda since=None: _refresh(request, since),
        "relationships": lambda: [] if member is None or failed else _other_relationships(member),
        "trail": _trail(request, member, words),
        "shortcuts": lambda: {} if member is None else _shortcuts(member, words),
    }


def _shortcuts(member: MemberContext, words: Words) -> dict[str, Any]:
    """Return the keys that lead to pages, as (keys, address, text), and the texts of their list; `?` shows that."""
    at = [member.relationship.pk]
    pages = [(f"g{entry.key}", reverse(entry.name, args=at), words(f"nav.{entry.name}")) for entry in nav_entries()]
    links = [
        *(one for one in pages if len(one[0]) > 1),
        ("gh", reverse("help"), words("nav.help")),
        ("/", reverse("search", args=at), words("nav.search")),
        ("?", "", words("keys.this")),
    ]
    texts = {name: words(f"keys.{name}") for name in ("title", "about", "close")}
    return {"links": links, "change": (reverse("display"), words("display.change"))} | texts


_REFRESH_S = (3, 20)  # least and most seconds until a page that shows something unfinished asks for itself again


def _refresh(request: HttpRequest, since: datetime | None) -> str:
    """Have this page ask for itself again in a moment, without a script; for pages on which nothing can be typed.

    :param since: when what it waits for was begun; the longer ago, the rarer it asks
    """
    elapsed_s = 0.0 if since is None else (now() - since).total_seconds()
    request.refresh_after_s = round(min(max(elapsed_s / 4, _REFRESH_S[0]), _REFRESH_S[1]))  # type: ignore[attr-defined]
    return ""


_MAX_SWITCHED = 12  # relationships in the header; the portfolio has them all
# Pages whose template names no page above them, and those pages: by the names of their URLs.
_TRAILS: dict[str, tuple[str, ...]] = {
    "display": ("account",),
    "account_change_password": ("account",),
    "usersessions_list": ("account",),
    "mfa_index": ("account",),
    **dict.fromkeys(
        (
            "mfa_activate_totp",
            "mfa_deactivate_totp",
            "mfa_view_recovery_codes",
            "mfa_generate_recovery_codes",
            "mfa_list_webauthn",
            "mfa_add_webauthn",
            "mfa_edit_webauthn",
            "mfa_remove_webauthn",
        ),
        ("account", "mfa_index"),
    ),
    "account": ("portfolio",),
    "routes": ("portfolio",),
    "begin": ("portfolio",),
    "by_mail": ("review",),
    "replies": ("people",),
    "their_place": ("people",),
    "people": ("today",),
    "log": ("today",),
    "search": ("today",),
    "glossary": ("help",),
    "concept": ("help",),
}


_TRAIL_QUERIES = {"portfolio": "?all=1"}  # with one relationship its page sends on


def _trail(request: HttpRequest, member: MemberContext | None, words: Words) -> list[tuple[str, str]]:
    """Return the pages above this one, from the top down, as address and name."""
    name = request.resolver_match.view_name if request.resolver_match and request.user.is_authenticated else ""
    above = _TRAILS.get(name, ())
    within = {} if member is None else {"relationship": member.relationship.pk}
    outside = {"account", "portfolio", "mfa_index", "help"}
    return [
        (_reverse_url(one, **({} if one in outside else within)) + _TRAIL_QUERIES.get(one, ""), words(f"nav.{one}"))
        for one in above
        if one in outside or within
    ]


def _other_relationships(member: MemberContext) -> list[Relationship]:
    """Return the person's other relationships, for the header."""
    own = memberships_of(member.membership.person).exclude(relationship=member.relationship)
    return [one.relationship for one in own[:_MAX_SWITCHED]]


def _navigation(member: MemberContext, *, counting: bool) -> list[tuple[NavEntry, int]]:
    """Return the navigation of a relationship: entries, and how many items wait on each.

    :param counting: False after an error, since queries may fail in a transaction that is broken
    """
    return [(entry, entry.count(member) if counting and entry.count is not None else 0) for entry in nav_entries()]
