"""Lifetime of sessions: they end after idle hours, and some days after sign-in in any case."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from comity.apps.parties.member_context import API_PREFIX

_BEGAN, _SEEN = "began_at", "seen_at"
_WRITE_INTERVAL_S = 300  # how often a session in use is saved


def start_session(request: HttpRequest) -> None:
    """Start the session's lifetime now."""
    request.session[_BEGAN] = request.session[_SEEN] = int(time.time())


class SessionLifetimeMiddleware:
    """Ends sessions that are too old, and saves those in use, so that they do not expire.

    Idle sessions expire `SESSION_COOKIE_AGE` after they were last saved.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next layer."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sign out of a session that is too old; save one that is in use."""
        if not request.path.startswith(API_PREFIX) and request.user.is_authenticated:
            now = int(time.time())
            began = request.session.setdefault(_BEGAN, now)
            if now - began > settings.LONGEST_SESSION_S:
                logout(request)
            elif now - request.session.get(_SEEN, 0) > _WRITE_INTERVAL_S:
                request.session[_SEEN] = now
        return self.get_response(request)
