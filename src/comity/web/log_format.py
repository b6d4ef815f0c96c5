"""How a line of the log is written: without the words that open an invitation or a new password."""

import logging
import re

# Addresses whose last part lets in whoever holds it.
_SECRET = re.compile(
    r"((?:/|%2F)(?:join|password(?:/|%2F)forgotten)(?:/|%2F))(?!sent\b)[^\s/?#&%'\"<>]+", re.IGNORECASE
)


def without_words(text: str) -> str:
    """Return a text in which the words in addresses are replaced by dots."""
    return _SECRET.sub(r"\1...", text)


class SafeFormatter(logging.Formatter):
    """Formats as the standard library does, then takes the words out of the whole line, tracebacks included."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        return without_words(super().format(record))
