"""How long a session lasts: it ends when it is idle for hours, and some days after its sign-in in any case."""

import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse

from comity.apps.parties.member_context import API

_BEGAN, _SEEN = "began_at", "seen_at"
_EVERY_S = 300  # how often a session is written because it is in use


def begin_session(request: HttpRequest) -> None:
    """Count the session's days from now."""
    request.session[_BEGAN] = request.session[_SEEN] = int(time.time())


class SessionLimits:
    """Ends sessions that are too old, and keeps those alive that are in use.

    Idle ones end by `SESSION_COOKIE_AGE`, counted from when the session was last written.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Sign out a session that is too old; note that one is in use."""
        if not request.path.startswith(API) and request.user.is_authenticated:
            now = int(time.time())
            began = request.session.setdefault(_BEGAN, now)
            if now - began > settings.LONGEST_SESSION_S:
                logout(request)
            elif now - request.session.get(_SEEN, 0) > _EVERY_S:
                request.session[_SEEN] = now
        return self.get_response(request)
