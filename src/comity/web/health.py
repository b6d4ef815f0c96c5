"""The health check: an address for monitoring, and `python -m comity.web.health`, which requests it.

It answers "ok", and the age in seconds of what may stand still: the oldest mail that waits, the last reading of
the mailbox, the last tick of the clock, and the oldest entry of a record that a side has no copy of. Nothing of it says
whose they are. Its status is that of the database only: a room cannot do without it, and restarting brings no mail.
"""

import sys
import urllib.request
from collections.abc import Callable

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

PATH = "/health/"
_TIMEOUT_S = 5
_NAMES = ("oldest_unsent_mail_s", "last_mailbox_reading_s", "last_clock_tick_s", "oldest_entry_not_exported_s")
# "-" where there is none: no mail waits, no mailbox is configured, the clock has never run, nothing is to be copied.
_AGES = """
SELECT coalesce(extract(epoch FROM now() - oldest_mail)::bigint::text, '-'),
    CASE WHEN reads THEN coalesce(extract(epoch FROM now() - last_reading)::bigint::text, 'never') ELSE '-' END,
    coalesce(extract(epoch FROM now() - last_tick)::bigint::text, 'never'),
    coalesce(extract(epoch FROM now() - oldest_uncopied)::bigint::text, '-') FROM comity_ages()
"""


class HealthMiddleware:
    """Handles the health address before host names are checked: monitoring often knows an IP address only."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Keep the next handler."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Answer 200 while the database answers, else 503 with the reason; pass every other address on."""
        if request.path != PATH:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            with connection.cursor() as cursor:
                cursor.execute(_AGES)
                body = "\n".join(
                    ["ok", *(f"{name}: {age}" for name, age in zip(_NAMES, cursor.fetchone(), strict=True)), ""]
                )
        except Error:  # InterfaceError, of a connection that is already closed, is no DatabaseError
            status, body = 503, "unavailable: the database does not answer\n"
        else:
            status = 200
        return HttpResponse(body, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})


def main(port: str = "8000") -> int:
    """Request the health address of this machine's room; return 0 if it answers 200."""
    address = f"http://127.0.0.1:{int(port)}{PATH}"
    # A proxy that the environment names is for what is outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_TIMEOUT_S):
            return 0
    except OSError as error:  # an answer of 503 is one, too
        sys.stderr.write(f"the room does not answer: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
