"""Django mail backend with an outbox: a mail becomes a row and a job of this transaction, and the job sends it.

Django, allauth and the apps send mails through Django's API; none of them waits for a mail server, and no mail is
sent for what was rolled back.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection, transaction

from comity.apps.outbox.models import WaitingMail
from comity.apps.outbox.operations import defer
from comity.apps.parties.mailing import RELATIONSHIP_HEADER, SIDES_HEADER, signed_message_id
from comity.core.values import Side

SEND_TASK = "outbox.mail"


class OutboxBackend(BaseEmailBackend):
    """Stores each mail in this transaction, and defers the job that sends it."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Store mails, and return how many."""
        count = 0
        with transaction.atomic():
            for mail in email_messages:
                if mail.recipients():
                    _store(mail)
                    count += 1
        return count


def _store(mail: EmailMessage) -> None:
    headers = dict(mail.extra_headers)
    relationship = headers.pop(RELATIONSHIP_HEADER, None)
    sides = tuple(Side(side) for side in headers.pop(SIDES_HEADER, "").split(",") if side)
    # One id for all attempts: a mail server or reader that gets the mail twice can tell.
    here = None if relationship is None else UUID(relationship)
    headers.setdefault("Message-ID", signed_message_id(here, mail.recipients()[0]))
    content = {
        "subject": mail.subject,
        "body": mail.body,
        "from_email": mail.from_email,
        "to": list(mail.to),
        "cc": list(mail.cc),
        "bcc": list(mail.bcc),
        "reply_to": list(mail.reply_to),
        "headers": headers,
        "alternatives": [list(alternative) for alternative in getattr(mail, "alternatives", [])],
        "attachments": [_serialise_attachment(attachment) for attachment in mail.attachments],
    }
    waiting_mail = WaitingMail(
        relationship_id=here,
        payload=_cipher().encrypt(_to_json(content)),
    )
    waiting_mail.save(force_insert=True)
    defer(SEND_TASK, relationship=waiting_mail.relationship_id, sides=sides, mail=str(waiting_mail.pk))


def send_waiting_mail(mail: UUID) -> bool:
    """Hand a mail to the mail server and delete it; return whether it was still waiting.

    :raises OSError: where the mail server does not accept it
    """
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_take_mail(%s)", [mail])  # locked until this transaction ends
            (payload,) = cursor.fetchone()
        if payload is None:
            return False
        _build_message(json.loads(_cipher().decrypt(bytes(payload)))).send()
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_mail_sent(%s)", [mail])
    return True


def encrypt(content: bytes) -> bytes:
    """Return bytes encrypted by the key of mails that wait: what came by mail is kept like what goes by it."""
    return _cipher().encrypt(content)


def decrypt(content: bytes) -> bytes:
    """Return what `encrypt` was given."""
    return _cipher().decrypt(content)


def mail_server() -> BaseEmailBackend:
    """Return a connection to the mail server itself, for jobs that have to know whether it accepted a mail."""
    return get_connection(settings.MAIL_SERVER_BACKEND)


def _build_message(content: dict[str, Any]) -> EmailMessage:
    alternatives, attachments = content.pop("alternatives"), content.pop("attachments")
    message = EmailMultiAlternatives(**content, connection=mail_server())
    for text, media_type in alternatives:
        message.attach_alternative(text, media_type)
    for name, data, media_type in attachments:
        message.attach(name, base64.b64decode(data), media_type)
    return message


def _serialise_attachment(attachment: Any) -> tuple[str, str, str]:  # noqa: ANN401 - as Django keeps it
    name, data, media_type = attachment
    return name, base64.b64encode(data.encode() if isinstance(data, str) else data).decode("ascii"), media_type


def _to_json(content: dict[str, Any]) -> bytes:
    # `default=str` evaluates lazy texts, such as a translated subject.
    return json.dumps(content, ensure_ascii=False, default=str).encode()


def _cipher() -> Fernet:
    key = hashlib.sha256(f"comity.apps.outbox.mail {settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
