"""Reading an IMAP mailbox: what lies in it is taken one by one, and removed once it is kept here.

Messages that could not be decided yet are flagged, and come last the next time, so that they keep none from being read.
"""

import imaplib
import re
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

TIMEOUT_S = 20
MAX_BYTES = 30 * 1024 * 1024  # of a mail whose body is read
_SIZE = re.compile(rb"RFC822\.SIZE (\d+)")
_LATER = "\\Flagged"


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An IMAP mailbox that mails are read from.

    :ivar security: "tls", "starttls", or "none", which is for this machine alone
    """

    host: str
    port: int
    user: str
    password: str
    folder: str
    security: str


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the mailbox.

    :ivar at: when the mail server had it
    :ivar raw: all of it, or its headers alone where `whole` is False
    """

    uid: bytes
    at: datetime
    raw: bytes
    whole: bool


class OpenMailbox:
    """A mailbox whose folder is selected."""

    def __init__(self, connection: imaplib.IMAP4) -> None:
        """Keep the connection."""
        self._connection = connection

    def uids(self, most: int) -> tuple[list[bytes], bool]:
        """Return the messages, the oldest first and those left for later last, and whether these are all.

        :param most: at most so many
        """
        fresh, later = self._search("UNFLAGGED"), self._search("FLAGGED")
        return [*fresh, *later][:most], len(fresh) <= most

    def fetch(self, uid: bytes) -> Message | None:
        """Return a message; None where it is gone."""
        facts = self._fetch(uid, "(INTERNALDATE RFC822.SIZE)")
        line = next((part if isinstance(part, bytes) else part[0] for part in facts if part), b"")
        size, when = _SIZE.search(line), imaplib.Internaldate2tuple(line)
        if size is None or when is None:
            return None
        whole = int(size[1]) <= MAX_BYTES
        parts = self._fetch(uid, "(BODY.PEEK[])" if whole else "(BODY.PEEK[HEADER])")
        raw = next((part[1] for part in parts if isinstance(part, tuple)), None)
        at = datetime.fromtimestamp(time.mktime(when), UTC)
        return None if raw is None else Message(uid, at, raw, whole)

    def remove(self, uid: bytes) -> None:
        """Remove a message."""
        self._connection.uid("STORE", uid.decode(), "+FLAGS", "(\\Deleted)")
        self._connection.expunge()

    def leave(self, uid: bytes) -> None:
        """Leave a message for later."""
        self._connection.uid("STORE", uid.decode(), "+FLAGS", f"({_LATER})")

    def _search(self, what: str) -> list[bytes]:
        status, found = self._connection.uid("SEARCH", what, "UNDELETED")
        if status != "OK":
            raise ConnectionError("the mail server does not search")
        return sorted((found[0] or b"").split(), key=int)

    def _fetch(self, uid: bytes, what: str) -> list[bytes | tuple[bytes, bytes]]:
        status, parts = self._connection.uid("FETCH", uid.decode(), what)
        if status != "OK":
            raise ConnectionError("the mail server does not hand over a message")
        return [part for part in parts if part]


@contextmanager
def opened(mailbox: Mailbox) -> Iterator[OpenMailbox]:
    """Open a mailbox.

    :raises ConnectionError: where it cannot be opened or read; without what the server said, which may hold a password
    """
    connection: imaplib.IMAP4 | None = None
    try:
        connection = _connect(mailbox)
        connection.login(mailbox.user, mailbox.password)
        status, _ = connection.select(f'"{mailbox.folder}"')
        if status != "OK":
            raise ConnectionError("there is no such folder")
        yield OpenMailbox(connection)
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise ConnectionError(type(error).__name__) from None
    finally:
        if connection is not None:
            with suppress(imaplib.IMAP4.error, OSError):
                connection.logout()


def _connect(mailbox: Mailbox) -> imaplib.IMAP4:
    if mailbox.security == "tls":
        return imaplib.IMAP4_SSL(
            mailbox.host, mailbox.port, ssl_context=ssl.create_default_context(), timeout=TIMEOUT_S
        )
    connection = imaplib.IMAP4(mailbox.host, mailbox.port, timeout=TIMEOUT_S)
    if mailbox.security == "starttls":
        connection.starttls(ssl.create_default_context())
    return connection
