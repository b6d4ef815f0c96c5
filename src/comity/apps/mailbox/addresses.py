"""Reply addresses: signed for one person, one matter, one move and a time, so that nobody makes one up.

An address is `ROOM+CODE@DOMAIN`. The code holds the matter, the last day, the move, and the number of the last step
that the mail showed; eight bytes of an HMAC over these and the person follow. The person is not in it: it fits the one
whose key it was made with, and no other. It is written in base 32, since servers may change the case of an address.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from django.conf import settings

from comity.core.matters.transitions import Move

VALID_FOR = timedelta(days=60)
# What can be done by mail at all, by its number in an address; the order never changes. Nothing that signs, confirms
# figures, changes records or agrees to terms is among them.
MOVES = (Move.COMMENT, Move.AGREE, Move.DECLINE, Move.REPLY, Move.DONE)
_FORMAT = struct.Struct(">16sHBH")  # matter, last day, move, step
_MAC_BYTES = 8
_CODE_CHARACTERS = -(-(_FORMAT.size + _MAC_BYTES) * 8 // 5)
MAX_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
LONGEST_NAME = MAX_LOCAL_PART - 1 - _CODE_CHARACTERS  # of the mailbox, before its +; `environment` checks it
_FIRST_DAY = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """What a reply address stands for; `is_for` says whose it is.

    :ivar last_day: on which it works
    :ivar seen: number of the last step that the mail showed
    """

    matter: UUID
    move: Move
    seen: int
    last_day: date
    mac: bytes

    def is_for(self, person: UUID) -> bool:
        """Whether it was made for a person."""
        return hmac.compare_digest(self.mac, _mac(self._payload(), person))

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over."""
        return now.astimezone(UTC).date() > self.last_day

    def _payload(self) -> bytes:
        return _payload(self.matter, self.move, self.seen, self.last_day)


def reply_address(person: UUID, matter: UUID, move: Move, seen: int, now: datetime) -> str:
    """Return the address at which a person's reply makes a move in a matter.

    :param seen: number of the last step that they are shown
    """
    payload = _payload(matter, move, seen, (now.astimezone(UTC) + VALID_FOR).date())
    code = base64.b32encode(payload + _mac(payload, person)).decode("ascii").rstrip("=").lower()
    name, _, domain = settings.MAILBOX_ADDRESS.partition("@")
    return f"{name}+{code}@{domain}"


def codes_in(recipients: Iterable[str]) -> list[ReplyCode]:
    """Return what the reply addresses among some addresses stand for, each once."""
    name, _, domain = settings.MAILBOX_ADDRESS.lower().partition("@")
    codes = []
    for address in recipients:
        local, _, at = address.lower().rpartition("@")
        own, _, code = local.partition("+")
        if (own, at) == (name, domain) and (found := _decoded(code)) is not None and found not in codes:
            codes.append(found)
    return codes


def _decoded(code: str) -> ReplyCode | None:
    if len(code) != _CODE_CHARACTERS:
        return None
    try:
        content = base64.b32decode(code.upper() + "=" * (-len(code) % 8))
    except (binascii.Error, ValueError):
        return None
    matter, days, number, seen = _FORMAT.unpack(content[: _FORMAT.size])
    if number >= len(MOVES):
        return None
    last_day = _FIRST_DAY + timedelta(days=days)
    return ReplyCode(UUID(bytes=matter), MOVES[number], seen, last_day, content[_FORMAT.size :])


def _payload(matter: UUID, move: Move, seen: int, last_day: date) -> bytes:
    return _FORMAT.pack(matter.bytes, (last_day - _FIRST_DAY).days, MOVES.index(move), seen)


def _mac(payload: bytes, person: UUID) -> bytes:
    key = f"comity.apps.mailbox.addresses {settings.SECRET_KEY}".encode()
    return hmac.digest(key, payload + person.bytes, hashlib.sha256)[:_MAC_BYTES]
