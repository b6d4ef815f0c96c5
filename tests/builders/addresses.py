"""Every address of the room, filled in: for tests that ask all of them."""

import uuid

from django.urls import URLPattern


def addresses(patterns, within=()):
    """Every address of the room but the API's, with something in each of its places."""
    for pattern in patterns:
        if isinstance(pattern, URLPattern):
            names = pattern.pattern.converters or dict.fromkeys(pattern.pattern.regex.groupindex)
            filled = {
                name: {"UUIDConverter": uuid.uuid4(), "IntConverter": 1}.get(type(kind).__name__, "nothing")
                for name, kind in (*within, *names.items())
            }
            yield pattern.name, filled
        elif str(pattern.pattern) != "api/":
            above = pattern.pattern.converters or dict.fromkeys(pattern.pattern.regex.groupindex)
            yield from addresses(pattern.url_patterns, (*within, *above.items()))
