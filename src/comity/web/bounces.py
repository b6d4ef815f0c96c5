"""Bounced mails: a notice to an address that failed counts as not received, so that no silence counts after it."""

from email import message_from_bytes
from email.message import Message
from email.policy import default

_FAILED = "failed"


class NoBounceError(ValueError):
    """A mail that reports no failed delivery."""


def failed_addresses(mail: bytes) -> list[str]:
    """Return the addresses that a delivery status notification (RFC 3464) reports as failed, in lower case.

    Both the address that was written to and the one that it was passed on to are named.

    :param mail: the whole mail, as a mail server hands it over
    :raises NoBounceError: for a mail that is none, and for one that reports delays or success alone
    """
    addresses: dict[str, None] = {}
    for part in message_from_bytes(mail, policy=default).walk():
        if part.get_content_type() != "message/delivery-status":
            continue
        for fields in part.get_payload():
            if isinstance(fields, Message) and str(fields.get("Action", "")).strip().lower() == _FAILED:
                for name in ("Original-Recipient", "Final-Recipient"):
                    kind, _, address = str(fields.get(name, "")).partition(";")
                    if kind.strip().lower() == "rfc822" and "@" in address:
                        addresses[address.strip().strip("<>").lower()] = None
    if not addresses:
        raise NoBounceError("the mail reports no failed delivery (RFC 3464: message/delivery-status, Action: failed)")
    return list(addresses)


def record_bounces(addresses: list[str]) -> int:
    """Mark notices to these addresses as not received, and return how many were."""
    import django  # noqa: PLC0415 - a command knows late which database it is
    from django.db import connection  # noqa: PLC0415 - as above

    django.setup()
    with connection.cursor() as cursor:
        changed = 0
        for address in addresses:
            cursor.execute("SELECT comity_note_bounce(%s)", [address])
            changed += cursor.fetchone()[0]
            cursor.execute("SELECT comity_notice_bounced(NULL, %s, NULL)", [address])
            changed += cursor.fetchone()[0]
    return changed
