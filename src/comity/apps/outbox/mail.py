"""Django's mail backend of the room: a mail becomes a row and a job of this transaction, and the job sends it.

Django, allauth and our own code send mails as Django does; none of it waits for a mail server, and no mail tells of
what was rolled back.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from email.utils import make_msgid, parseaddr
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction

from comity.apps.outbox.models import WaitingMail
from comity.apps.outbox.operations import defer
from comity.apps.parties.mailing import RELATIONSHIP_HEADER, SIDES_HEADER
from comity.core.values import Side

SEND = "outbox.mail"


class OutboxBackend(BaseEmailBackend):
    """Keeps each mail with this transaction, and defers the job that sends it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Keep them; how many."""
        kept = 0
        with transaction.atomic():
            for mail in email_messages:
                if mail.recipients():
                    _keep(mail)
                    kept += 1
        return kept


def _keep(mail: EmailMessage) -> None:
    headers = dict(mail.extra_headers)
    relationship = headers.pop(RELATIONSHIP_HEADER, None)
    sides = tuple(Side(side) for side in headers.pop(SIDES_HEADER, "").split(",") if side)
    # One id, however often it is sent: a mail server or reader that gets it twice can tell.
    headers.setdefault("Message-ID", make_msgid(domain=parseaddr(mail.from_email)[1].rpartition("@")[2] or None))
    content = {
        "subject": mail.subject,
        "body": mail.body,
        "from_email": mail.from_email,
        "to": list(mail.to),
        "cc": list(mail.cc),
        "bcc": list(mail.bcc),
        "reply_to": list(mail.reply_to),
        "headers": headers,
        "alternatives": [list(one) for one in getattr(mail, "alternatives", [])],
        "attachments": [_packed(one) for one in mail.attachments],
    }
    row = WaitingMail(
        relationship_id=None if relationship is None else UUID(relationship), payload=_cipher().encrypt(_bytes(content))
    )
    row.save(force_insert=True)
    defer(SEND, relationship=row.relationship_id, sides=sides, mail=str(row.pk))


def send(mail: UUID) -> bool:
    """Hand a mail to the mail server, and forget it; whether it was still waiting.

    :raises OSError: where the mail server does not take it
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_take_mail(%s)", [mail])  # locked until this transaction ends
            (payload,) = cursor.fetchone()
        if payload is None:
            return False
        _message(json.loads(_cipher().decrypt(bytes(payload)))).send()
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_mail_sent(%s)", [mail])
    return True


def server() -> BaseEmailBackend:
    """A connection to the mail server itself, for jobs that have to know whether it took a mail."""
    return get_connection(settings.MAIL_SERVER_BACKEND)


def _message(content: dict[str, Any]) -> EmailMessage:
    alternatives, attachments = content.pop("alternatives"), content.pop("attachments")
    message = EmailMultiAlternatives(**content, connection=server())
    for text, kind in alternatives:
        message.attach_alternative(text, kind)
    for name, data, kind in attachments:
        message.attach(name, base64.b64decode(data), kind)
    return message


def _packed(attachment: Any) -> tuple[str, str, str]:  # noqa: ANN401 - as Django keeps it
    name, data, kind = attachment
    return name, base64.b64encode(data.encode() if isinstance(data, str) else data).decode("ascii"), kind


def _bytes(content: dict[str, Any]) -> bytes:
    # What is lazy, such as a translated subject, becomes text.
    return json.dumps(content, ensure_ascii=False, default=str).encode()


def _cipher() -> Fernet:
    key = hashlib.sha256(f"comity.apps.outbox.mail {settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
