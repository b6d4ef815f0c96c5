"""A mail that came in, as plain values: whose it says it is, to whom, its words and files, whether a program sent it.

Nothing here says that the mail is genuine; `senders` does.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.errors import MessageParseError
from email.message import EmailMessage, Message
from email.policy import default
from email.utils import getaddresses
from html.parser import HTMLParser

from comity.apps.mailbox.own_words import own_words

MAX_FILES = 20
# Headers that a mail has once (RFC 5322, 3.6). With a second one each program shows another.
_ONCE = ("From", "Sender", "To", "Cc", "Reply-To", "Date", "Subject", "Message-ID", "Content-Type")
_BY_PROGRAM = {"bulk", "junk", "list", "auto_reply"}
_SUPPRESSING = ("X-Auto-Response-Suppress", "X-Autoreply", "X-Autorespond", "X-Auto-Reply", "List-Id")
_MAX_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class File:
    """A file that somebody attached."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class IncomingMail:
    """A mail that came in.

    :ivar message_id: as its sender chose it; empty without one
    :ivar sender: the one address of From, in lower case
    :ivar recipients: the addresses of To, in lower case: a signature of the sender covers these, and may not cover Cc
    :ivar text: what was written, without what was quoted
    :ivar is_automatic: whether a program sent it, or says that nobody should be answered
    :ivar is_report: whether it reports what became of another mail (RFC 3464)
    """

    message_id: str
    sender: str
    recipients: tuple[str, ...]
    subject: str
    text: str
    files: tuple[File, ...]
    is_automatic: bool
    is_report: bool
    date: str = ""  # as its sender wrote it


def parse_mail(raw: bytes) -> IncomingMail:
    """Read a mail.

    :raises MessageParseError: for one with a header twice that stands once, or without exactly one sender
    """
    mail = message_from_bytes(raw, policy=default)
    if not isinstance(mail, EmailMessage):
        raise MessageParseError("no mail")
    twice = [name for name in _ONCE if len(_values(mail, name)) > 1]
    if twice:
        raise MessageParseError(f"several {twice[0]} headers")
    is_automatic = _is_automatic(mail)
    senders = _addresses(mail, "From")
    if len(senders) != 1 and not is_automatic:
        raise MessageParseError("not exactly one sender")
    return IncomingMail(
        message_id=_header(mail, "Message-ID")[:998],
        sender=senders[0] if senders else "",
        recipients=tuple(dict.fromkeys(_addresses(mail, "To"))),
        subject=_header(mail, "Subject")[:200],
        text="" if is_automatic else own_words(_text(mail)),
        files=() if is_automatic else tuple(_files(mail))[:MAX_FILES],
        is_automatic=is_automatic,
        is_report=mail.get_content_type() == "multipart/report",
        date=_header(mail, "Date"),
    )


def _values(mail: EmailMessage, name: str) -> list[str]:
    return [str(value) for key, value in mail.raw_items() if key.lower() == name.lower()]


def _header(mail: EmailMessage, name: str) -> str:
    """Return a header on one line; empty where there is none, or where it cannot be read."""
    try:
        value = str(mail.get(name, ""))
    except (ValueError, LookupError, AttributeError, TypeError):  # what the parser of the standard library trips over
        value = next(iter(_values(mail, name)), "")
    return " ".join("".join(char for char in value if char.isprintable() or char.isspace()).split())


def _addresses(mail: EmailMessage, name: str) -> list[str]:
    """Return the addresses of a header, strictly read: a part that is none makes all of them none."""
    found = getaddresses(_values(mail, name))
    return [address.lower() for _, address in found if "@" in address and len(address) <= _MAX_ADDRESS]


def _is_automatic(mail: EmailMessage) -> bool:
    """Whether a program sent it (RFC 3834), or it is an answer to an invitation, or a note on another mail."""
    submitted = _header(mail, "Auto-Submitted").partition(";")[0].strip().lower()
    return (
        submitted not in {"", "no"}
        or any(_values(mail, name) for name in _SUPPRESSING)
        or _header(mail, "Precedence").lower() in _BY_PROGRAM
        or _header(mail, "Return-Path") == "<>"
        or mail.get_content_type() in {"multipart/report", "text/calendar"}
        or any(part.get_content_type() in {"text/calendar", "message/disposition-notification"} for part in mail.walk())
    )


def _text(mail: EmailMessage) -> str:
    """Return the text of a mail: as it was written plainly, or else out of its HTML."""
    plain, html = _body(mail, "plain"), _body(mail, "html")
    return plain if plain.strip() else _plain(html)


def _body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body(preferencelist=(kind,))
    if part is None or part.is_attachment():
        return ""
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return ""
    try:
        return payload.decode(part.get_content_charset("utf-8"), errors="replace").replace("\x00", "")
    except LookupError:  # a character set of the sender's own making
        return payload.decode("utf-8", errors="replace").replace("\x00", "")


def _files(mail: EmailMessage) -> Iterator[File]:
    """Yield what was attached; not the pictures of a signature, which stand inline."""
    for number, part in enumerate(mail.walk(), 1):
        if part.is_multipart() or part.get_content_disposition() != "attachment":
            continue
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            yield File(_name(part) or f"file-{number}", content)


def _name(part: Message) -> str:
    try:
        return re.sub(r"[\x00-\x1f]", "", part.get_filename() or "")
    except (ValueError, LookupError, TypeError):
        return ""


_BLOCKS = {"p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "blockquote", "pre", "hr"}
_HIDDEN = {"style", "script", "head", "title", "template"}
# By which Outlook begins what it quotes: all that follows is quoted, and nothing encloses it.
_QUOTED_FROM_HERE = {"divrplyfwdmsg", "appendonsend", "olk_src_body_section"}
_QUOTING_CLASSES = {"gmail_quote", "gmail_quote_container", "moz-cite-prefix", "gmail_attr", "gmail_signature"}
_VOID = {"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr"}


class _PlainText(HTMLParser):
    """Collects what is shown, without what mail programs mark as quoted."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[str] = []
        self.left_out: list[str] = []  # the elements that enclose what is left out, from the outermost
        self.is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {key: (value or "").lower() for key, value in attrs}
        if named.get("id", "").removeprefix("x_") in _QUOTED_FROM_HERE:
            self.is_over = True
        quotes = tag == "blockquote" or bool(_QUOTING_CLASSES & set(named.get("class", "").split()))
        is_left_out = tag in _HIDDEN or quotes or "display:none" in named.get("style", "").replace(" ", "")
        if tag not in _VOID and (self.left_out or is_left_out):
            self.left_out.append(tag)
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.left_out:
            while self.left_out.pop() != tag:
                pass
        if tag in _BLOCKS:
            self.parts.append("\n")

    def handle_data(self, data: str) -> None:
        if not self.is_over and not self.left_out:
            self.parts.append(re.sub(r"\s+", " ", data))


def _plain(html: str) -> str:
    """Return the text of HTML, without what is quoted or not shown."""
    reader = _PlainText()
    reader.feed(html)
    reader.close()
    lines = (line.strip() for line in "".join(reader.parts).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
