"""Validation of names: they are put into mails, so none may hold a link, a line break or a control character.

`migrations/0014_names.py` holds the same rule in the database.
"""

import re

from comity.apps.parties.refusals import Code
from comity.apps.refusal import Refused

# Control characters, zero-width spaces, and those that turn the direction of the text around.
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2066-\u2069\ufeff]")
# What mail programs make a link of. A bare domain is not refused: organisations are called so.
_LINK = re.compile(r"://|\bwww\.|[^\W_]\.[^\W\d_]{2,}(?:/|:[0-9])", re.IGNORECASE)


def validate_name(name: str) -> str:
    """Return the name without surrounding spaces.

    :raises Refused: for a link, a line break or a control character
    """
    name = name.strip()
    if _FORBIDDEN.search(name) or _LINK.search(name):
        raise Refused(Code.ODD_NAME)
    return name


def sanitise_name(name: str, default: str) -> str:
    """Return a valid name made of one from another system; `default` where that cannot be done."""
    try:
        return validate_name(" ".join(_FORBIDDEN.sub(" ", name).split())) or default
    except Refused:
        return default
