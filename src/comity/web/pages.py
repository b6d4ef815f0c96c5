"""How the room's pages are made: Jinja with every text escaped, words in the reader's language, and who is looking."""

from datetime import date
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import get_script_prefix, reverse
from django.utils.timezone import now
from jinja2 import Environment, StrictUndefined

from comity.apps.i18n import language, spoken_period, words_for
from comity.apps.parties.panels import Entry, entries
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.core.values import Side
from comity.review.render.html import finalize
from comity.web.devices import device


def environment(**options: Any) -> Environment:  # noqa: ANN401 - Django's options for Jinja
    """Jinja as Django asks for it."""
    kept = options | {"undefined": StrictUndefined, "finalize": finalize}
    made = Environment(**kept | {"autoescape": True})  # noqa: S701 - it is
    made.globals |= {"url": _url, "static": static, "sides": list(Side), "Action": Action, "paper": False, "now": now}
    made.globals["device"] = device
    made.globals |= {"date": date.fromisoformat, "spoken_period": spoken_period}
    made.globals["organisations"] = lambda: settings.ORGANISATIONS
    return made


def _url(name: str, *args: object, **named: object) -> str:
    return _address(get_script_prefix(), name, args, tuple(named.items()))


@lru_cache(maxsize=16384)
def _address(prefix: str, name: str, args: tuple[object, ...], named: tuple[tuple[str, object], ...]) -> str:  # noqa: ARG001 - below another prefix it is another
    """A list's page is asked for again and again, with an address in every row."""
    return reverse(name, args=args or None, kwargs=dict(named) or None)


def context(request: HttpRequest) -> dict[str, Any]:
    """What every page may use: words, who is looking and from where, what has just happened."""
    standing = getattr(request, "standing", None)
    words, failed = words_for(language()), getattr(request, "failed", False)
    return {
        "words": words,
        "standing": standing,
        "person": request.user if request.user.is_authenticated else None,
        "party": (lambda side: words.side(side, {})) if standing is None else standing.party(words),
        "navigation": [] if standing is None else _navigation(standing, counting=not failed),
        "notices": lambda: list(messages.get_messages(request)),  # once shown they are gone
        "here": request.resolver_match.view_name if request.resolver_match else "",
        "path": request.get_full_path(),
    }


def _navigation(standing: Standing, *, counting: bool) -> list[tuple[Entry, int]]:
    """The pages of a relationship, and how much waits on each.

    :param counting: False where something broke, for the database may answer nothing then
    """
    return [(one, one.count(standing) if counting and one.count is not None else 0) for one in entries()]
