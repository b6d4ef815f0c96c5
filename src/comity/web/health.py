"""Whether the room answers: an address for whatever watches it, and `python -m comity.web.health` that asks there.

It says one word, and nothing of what is inside. Only the database is asked: it is what a room cannot be without.
"""

import sys
import urllib.request
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed

PATH = "/health/"
_PATIENCE_S = 5


class HealthMiddleware:
    """Answers first of all: who watches knows the machine's number and no name, and a page needs the database."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        """Stand before everything else."""
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """200 where the database answers, 503 where it does not; all other addresses are none of its business."""
        if request.path != PATH:
            return self.get_response(request)
        if request.method not in {"GET", "HEAD"}:
            return HttpResponseNotAllowed(["GET", "HEAD"])
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1")
        except DatabaseError:
            status, word = 503, "no database\n"
        else:
            status, word = 200, "well\n"
        return HttpResponse(word, status=status, content_type="text/plain", headers={"Cache-Control": "no-store"})


def main(port: str = "8000") -> int:
    """Ask the room on this machine; 0 where it is well."""
    address = f"http://127.0.0.1:{int(port)}{PATH}"
    # A proxy that the environment names is for what is outside.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=_PATIENCE_S):
            return 0
    except OSError as error:  # an answer of 503 is one, too
        sys.stderr.write(f"the room does not answer: {error}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
