"""Log formatting that redacts the tokens of invitations and password resets."""

import logging
import re

# URLs whose last part is a token that grants access.
_SECRET = re.compile(
    r"((?:/|%2F)(?:join|password(?:/|%2F)forgotten)(?:/|%2F))(?!sent\b)[^\s/?#&%'\"<>]+", re.IGNORECASE
)


def redact_tokens(text: str) -> str:
    """Return a text with the tokens in URLs replaced by dots."""
    return _SECRET.sub(r"\1...", text)


class RedactingFormatter(logging.Formatter):
    """Formats as the standard library does, then redacts the whole record, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the formatted record without tokens."""
        return redact_tokens(super().format(record))
