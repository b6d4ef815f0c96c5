"""Mails as mail programs write them, signed or not, and the servers that carry them.

Every mail here is made by us: its layout follows what the program writes, and no text is anybody's. `QUOTING` has a
writer for each program, given what is answered, what is quoted and the language; `signed` signs as a domain whose key
`lookup` gives in place of DNS.
"""

import base64
import email.utils
import re
import socket
import socketserver
import threading
import uuid
from contextlib import contextmanager
from datetime import UTC, datetime
from email.message import EmailMessage
from functools import cache
from html import escape

ROOM = "comity@room.example"
DOMAIN, SELECTOR = "example.org", b"made"
WROTE = {
    "en": "On {day}, Comity <{room}> wrote:",
    "es": "El {day}, Comity (<{room}>) escribió:",
}
HEAD = {
    "en": ("From", "Sent", "To", "Subject"),
    "es": ("De", "Enviado", "Para", "Asunto"),
}
DAY = {"en": "Tue, Dec 1, 2026 at 10:02 AM", "es": "mar, 1 dic 2026 a las 10:02"}


def _marked(quoted):
    return "\n".join(f"> {line}".rstrip() for line in quoted.split("\n"))


def gmail(own, quoted, language="en", room=ROOM):
    """As Gmail writes on the web: the introduction broken where it is long."""
    wrote = WROTE[language].format(day=DAY[language], room=room).replace(f"<{room}>", f"<\n{room}>")
    return f"{own}\n\n{wrote}\n\n{_marked(quoted)}\n"


def outlook(own, quoted, language="en", room=ROOM):
    """As Outlook for the web writes: a rule, and the head of the mail below it."""
    sender, sent, to, subject = HEAD[language]
    rule = "________________________________"
    return (
        f"{own}\r\n\r\n{rule}\r\n{sender}: Comity <{room}>\r\n{sent}: Tuesday, December 1, 2026 10:02 AM\r\n"
        f"{to}: Ana\r\n{subject}: A question\r\n\r\n" + quoted.replace("\n", "\r\n")
    )


def outlook_desktop(own, quoted, language="en", room=ROOM):
    """As Outlook for Windows writes: the head alone."""
    sender, sent, to, subject = HEAD[language]
    return (
        f"{own}\n\n{sender}: Comity <{room}>\n{sent}: 01 December 2026 10:02\n{to}: Ana\n{subject}: RE: A\n\n{quoted}\n"
    )


def apple(own, quoted, language="en", room=ROOM):
    """As Apple Mail writes: the introduction is quoted too."""
    wrote = WROTE[language].format(day=DAY[language], room=room)
    return f"{own}\n\n> {wrote}\n> \n{_marked(quoted)}\n"


def iphone(own, quoted, language="en", room=ROOM):
    """As the iPhone writes."""
    sent = {"en": "Sent from my iPhone", "es": "Enviado desde mi iPhone"}[language]
    return apple(f"{own}\n\n{sent}", quoted, language, room)


def thunderbird(own, quoted, language="en", room=ROOM):
    """As Thunderbird writes with the reply above."""
    wrote = WROTE[language].format(day=DAY[language], room=room)
    return f"{own}\n\n{wrote}\n{_marked(quoted)}\n"


def thunderbird_below(own, quoted, language="en", room=ROOM):
    """As Thunderbird writes with the reply below, and its signature."""
    wrote = WROTE[language].format(day=DAY[language], room=room)
    return f"{wrote}\n{_marked(quoted)}\n\n{own}\n\n-- \nAna Ruiz\nNorthwind\n"


QUOTING = {one.__name__: one for one in (
    gmail, outlook, outlook_desktop, apple, iphone, thunderbird, thunderbird_below
)}  # fmt: skip


def gmail_html(own, quoted, room=ROOM):
    return (
        f'<div dir="ltr">{escape(own)}</div><br><div class="gmail_quote gmail_quote_container"><div dir="ltr" '
        f'class="gmail_attr">On Tue, Dec 1, 2026 Comity &lt;{room}&gt; wrote:<br></div><blockquote class="gmail_quote">'
        f"{escape(quoted)}</blockquote></div>"
    )


def outlook_html(own, quoted, room=ROOM):
    return (
        f"<html><head><style>p {{margin:0}}</style></head><body><div>{escape(own)}</div>"
        f'<div id="appendonsend"></div><hr><div id="divRplyFwdMsg"><b>From:</b> Comity &lt;{room}&gt;<br>'
        f"<b>Sent:</b> Tuesday</div><div>{escape(quoted)}</div></body></html>"
    )


def apple_html(own, quoted, room=ROOM):
    return (
        f'<html><body>{escape(own)}<br><div><br><blockquote type="cite"><div>On 1 Dec 2026, Comity &lt;{room}&gt; '
        f"wrote:</div><div>{escape(quoted)}</div></blockquote></div></body></html>"
    )


def thunderbird_html(own, quoted, room=ROOM):
    return (
        f'<html><body><p>{escape(own)}</p><div class="moz-cite-prefix">On 01/12/2026, Comity wrote:</div>'
        f'<blockquote type="cite" cite="mid:{room}">{escape(quoted)}</blockquote></body></html>'
    )


HTML = {one.__name__: one for one in (gmail_html, outlook_html, apple_html, thunderbird_html)}


def written(sender, to, text, *, html="", files=(), cc="", at=None, **headers):
    """A mail, as bytes; `headers` by their names, with _ for -; None leaves one out."""
    mail = EmailMessage()
    said = {
        "From": f"Somebody <{sender}>",
        "To": to,
        "Date": email.utils.format_datetime(at or datetime.now(UTC)),
        "Message-ID": f"<{uuid.uuid4().hex}@{sender.rpartition('@')[2]}>",
        "Subject": "Re: a matter",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    if cc:
        said["Cc"] = cc
    for name, value in said.items():
        if value is not None:
            mail[name] = value
    mail.set_content(text)
    if html:
        mail.add_alternative(html, subtype="html")
    for name, content in files:
        mail.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


SIGNED_HEADERS = (b"from", b"to", b"date", b"message-id", b"subject")


@cache
def _key():
    """A key made for the run."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return private, base64.b64encode(public)


def signed(raw, domain=DOMAIN, headers=SIGNED_HEADERS, *, length=False):
    """The same mail, signed by a domain."""
    import dkim

    return dkim.sign(raw, SELECTOR, domain.encode(), _key()[0], include_headers=list(headers), length=length) + raw


def lookup(name, timeout=5):  # noqa: ARG001 - as a resolver is called
    """Our key for the domains that are somebody's here, and no record for any other."""
    known = {b"made._domainkey.%s." % one for one in (b"example.org", b"mail.example.org", b"evil.example")}
    return b"v=DKIM1; k=rsa; p=" + _key()[1] if name in known else None


def bounce(of_mail, recipient, action="failed", status="5.1.1"):
    """A report that a mail came back (RFC 3464), as Postfix writes it; `of_mail` are the headers that it encloses."""
    edge = "edge-of-the-parts"
    return "\r\n".join([
        "Return-Path: <>", "From: MAILER-DAEMON@mx.example", f"To: {ROOM}", "Subject: Undelivered Mail Returned",
        f"Message-ID: <{uuid.uuid4().hex}@mx.example>", "Auto-Submitted: auto-replied", "MIME-Version: 1.0",
        f'Content-Type: multipart/report; report-type=delivery-status; boundary="{edge}"', "",
        f"--{edge}", "Content-Type: text/plain", "", "The mail system could not deliver your message.", "",
        f"--{edge}", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.example", "",
        f"Final-Recipient: rfc822; {recipient}", f"Action: {action}", f"Status: {status}", "",
        f"--{edge}", "Content-Type: text/rfc822-headers", "", of_mail, "", f"--{edge}--", "",
    ]).encode()  # fmt: skip


class ImapServer(socketserver.ThreadingTCPServer):
    """As much of IMAP4rev1 (RFC 3501) as a reader of one folder needs, for one user.

    `messages` are uid -> [bytes, when the server had it, flags]; `broken` makes it close every connection.
    """

    allow_reuse_address, daemon_threads = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), _ImapSession)
        self.messages, self.next_uid, self.broken = {}, 1, False
        self.fetched = []

    @property
    def port(self):
        return self.server_address[1]

    def deliver(self, raw, at=None):
        self.messages[self.next_uid] = [raw, at or datetime.now(UTC), set()]
        self.next_uid += 1


class _ImapSession(socketserver.StreamRequestHandler):
    def handle(self):
        if self.server.broken:
            return
        self._say(b"* OK ready")
        while line := self.rfile.readline():
            tag, _, command = line.strip().partition(b" ")
            name = command.partition(b" ")[0].upper()
            if name == b"UID":
                name, command = b"UID " + command.split(b" ")[1].upper(), command.partition(b" ")[2]
            method = getattr(self, "do_" + name.decode().lower().replace(" ", "_"), None)
            if method is None:
                self._say(tag + b" BAD no such command")
                continue
            answer = method(command.partition(b" ")[2])
            self._say(tag + b" " + (answer or b"OK done"))
            if name == b"LOGOUT":
                return

    def _say(self, line):
        self.wfile.write(line + b"\r\n")

    def do_capability(self, _):
        self._say(b"* CAPABILITY IMAP4rev1")

    def do_login(self, what):
        return b"OK in" if b"secret" in what else b"NO wrong"

    def do_select(self, what):
        self._say(b"* %d EXISTS" % len(self.server.messages))
        return b"OK [READ-WRITE] open" if b"INBOX" in what else b"NO no such folder"

    def do_uid_search(self, what):
        flagged = b"UNFLAGGED" not in what
        found = [b"%d" % uid for uid, one in self.server.messages.items() if ("\\Flagged" in one[2]) == flagged]
        self._say(b"* SEARCH " + b" ".join(found))

    def do_uid_fetch(self, what):
        number, _, items = what.partition(b" ")
        raw, at, _ = self.server.messages[int(number)]
        if b"RFC822.SIZE" in items:
            when = at.strftime("%d-%b-%Y %H:%M:%S +0000").encode()
            self._say(b'* 1 FETCH (UID %s INTERNALDATE "%s" RFC822.SIZE %d)' % (number, when, len(raw)))
            return
        name = b"BODY[HEADER]" if b"HEADER" in items else b"BODY[]"
        content = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if b"HEADER" in items else raw
        self.server.fetched.append(name)
        self.wfile.write(b"* 1 FETCH (UID %s %s {%d}\r\n" % (number, name, len(content)) + content + b")\r\n")

    def do_uid_store(self, what):
        number, flags = int(what.partition(b" ")[0]), re.findall(r"\\\w+", what.decode())
        self.server.messages[number][2].update(flags)

    def do_expunge(self, _):
        for uid in [uid for uid, one in self.server.messages.items() if "\\Deleted" in one[2]]:
            del self.server.messages[uid]

    def do_logout(self, _):
        self._say(b"* BYE")


@contextmanager
def imap_server():
    """A mail server whose mailbox can be read; its end."""
    with ImapServer() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def smtp_server():
    """A mail server that takes mails, as aiosmtpd serves it: its port, and what it was handed."""
    from aiosmtpd.controller import Controller

    class Handler:
        def __init__(self):
            self.mails = []

        async def handle_DATA(self, server, session, envelope):  # noqa: ARG002, N802 - as aiosmtpd calls it
            self.mails.append((envelope.rcpt_tos, envelope.content))
            return "250 taken"

    handler = Handler()
    with socket.socket() as free:  # aiosmtpd tries its port out, and takes none of the system's choosing
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    controller = Controller(handler, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield port, handler.mails
    finally:
        controller.stop()
