"""Which of our mails a report says that it failed (RFC 3464), proven by the Message-ID that we gave it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from uuid import UUID

from comity.apps.parties.mailing import mail_of_message_id


@dataclass(frozen=True, slots=True)
class BouncedMail:
    """A mail of ours that came back.

    :ivar sent_at: when it was written
    """

    recipient: str
    relationship: UUID
    sent_at: datetime


def bounced_mails(raw: bytes) -> list[BouncedMail]:
    """Return our mails that a report says failed for good; those whose Message-ID is none of ours are left out.

    Whoever makes a report up does not know the Message-ID of a mail that they did not get. Whoever got it does, and
    can make their own mail come back in any case: that concerns this one mail, and no later one.
    """
    report = message_from_bytes(raw, policy=compat32)
    ids = list(dict.fromkeys(_message_ids(report)))
    found = []
    for address in dict.fromkeys(_failed(report)):
        for message_id in ids:
            sent = mail_of_message_id(message_id, address)
            if sent is not None:
                found.append(BouncedMail(address, *sent))
    return found


def _failed(report: Message) -> Iterator[str]:
    for part in report.walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        payload = part.get_payload()
        for fields in payload if isinstance(payload, list) else []:
            if not isinstance(fields, Message) or str(fields.get("Action", "")).strip().lower() != "failed":
                continue
            for name in ("Original-Recipient", "Final-Recipient"):
                kind, _, address = str(fields.get(name, "")).partition(";")
                if kind.strip().lower() == "rfc822" and "@" in address:
                    yield address.strip().strip("<>").lower()


def _message_ids(report: Message) -> Iterator[str]:
    """Yield the Message-IDs of the mails that a report encloses, whole or their headers alone."""
    for part in report.walk():
        if part is report:
            continue
        if part.get_content_type() == "text/rfc822-headers":
            payload = part.get_payload(decode=True)
            if isinstance(payload, bytes):
                part = message_from_bytes(payload, policy=compat32)  # noqa: PLW2901 - the headers are a mail's
        if part["Message-ID"]:
            yield " ".join(str(part["Message-ID"]).split())
