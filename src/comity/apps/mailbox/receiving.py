"""Reading a mail: whose it is, what it may do, what became of it; each in one transaction, and each counted once."""

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from email.errors import MessageParseError

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone, translation

from comity.apps.books.queries import zone as zone_of
from comity.apps.i18n import words_for
from comity.apps.mailbox import mail as mails
from comity.apps.mailbox import queries
from comity.apps.mailbox.addresses import ReplyCode, codes_in
from comity.apps.mailbox.bounces import BouncedMail, bounced_mails
from comity.apps.mailbox.models import Outcome, RawMail, ReceivedMail
from comity.apps.mailbox.parsing import IncomingMail, parse_mail
from comity.apps.mailbox.senders import Lookup, Proof, prove_sender
from comity.apps.matters.models import Matter
from comity.apps.matters.notices import note_bounce
from comity.apps.matters.operations import EvidenceFile, move
from comity.apps.matters.queries import last_number
from comity.apps.outbox.mail import encrypt
from comity.apps.parties.mailing import page_path, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.parties.rate_limits import exceeds_rate_limit
from comity.apps.refusal import Refused
from comity.core.matters.transitions import Move

MAX_TEXT = 4000  # characters of a step
WAITS_FOR_DNS = timedelta(days=1)
_NEEDS_SAME_STEP = frozenset({Move.AGREE, Move.DECLINE, Move.REPLY, Move.DONE})


@dataclass(frozen=True, slots=True)
class _Digests:
    """By which a mail is known again: its bytes, its Message-ID, and what it says of itself and in words."""

    raw: str
    message: str
    content: str


@dataclass(frozen=True, slots=True)
class _Reading:
    """A mail, and what is known of it so far.

    :ivar whole: whether its body was read too
    """

    raw: bytes
    at: datetime
    mail: IncomingMail
    digests: _Digests
    proof: Proof
    whole: bool = True


def receive(raw: bytes, at: datetime, *, whole: bool = True, lookup: Lookup | None = None) -> Outcome | None:
    """Take a mail: count it, or tell why not. A second time it does nothing.

    :param at: when our mail server had it
    :param whole: False where the mail is too large, and only its headers were read
    :param lookup: instead of DNS, for the keys of signatures
    :returns: what became of it; None where DNS did not answer, and it has to be taken again later
    """
    try:
        with transaction.atomic():
            return _receive(raw, at, whole=whole, lookup=lookup)
    except Exception as error:  # noqa: BLE001 - one mail keeps no other from being read
        # Without the error's text, which may hold the mail.
        logging.getLogger(__name__).error("a mail was not read: %s", type(error).__name__)  # noqa: TRY400
    with transaction.atomic():
        return _record_failure(raw, at)


def _receive(raw: bytes, at: datetime, *, whole: bool, lookup: Lookup | None) -> Outcome | None:
    raw_digest = hashlib.sha256(raw).hexdigest()
    if _known(_Digests(raw_digest, "", "")) == "raw":
        return Outcome.DUPLICATE
    try:
        mail = parse_mail(raw)
    except MessageParseError:
        return _record(raw, at, _Digests(raw_digest, "", ""), Outcome.UNREADABLE)
    digests = _digests(raw_digest, mail)
    if mail.is_automatic or mail.is_report:
        return _note_report(raw, at, digests)
    proof = prove_sender(raw, mail.sender, settings.MAILBOX_CHECKED_BY, lookup) if whole else Proof.NONE
    if proof is Proof.LATER and at > timezone.now() - WAITS_FOR_DNS:
        return None
    return _read(_Reading(raw, at, mail, digests, proof, whole))


def _digests(raw: str, mail: IncomingMail) -> _Digests:
    """Return what a mail is known by: none of it can be foreseen by somebody who wants another's mail to be a copy."""
    parts = [mail.sender, *mail.recipients, mail.subject, mail.text, *(file.name for file in mail.files)]
    parts += [hashlib.sha256(file.content).hexdigest() for file in mail.files]
    said = mail.message_id or raw
    return _Digests(raw, _digest([mail.sender, said]), _digest([*parts, mail.date]))


def _digest(parts: list[str]) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "replace")).hexdigest()


def _known(digests: _Digests) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_mail_known(%s, %s, %s)", [digests.raw, digests.message, digests.content])
        return str(cursor.fetchone()[0])


def _read(reading: _Reading) -> Outcome:
    """Find out whose a mail is, count it, and tell what became of it."""
    mail = reading.mail
    codes = codes_in(mail.recipients)
    if len(codes) != 1:
        return _refuse_unknown(reading, Outcome.SEVERAL if codes else Outcome.NO_ADDRESS)
    code = codes[0]
    person = queries.find_addressee(code.is_for, mail.sender)
    if person is None:
        return _refuse_unknown(reading, Outcome.NOT_OURS)
    if person.email.lower() != mail.sender:
        outcome = _refuse_unknown(reading, Outcome.OTHER_SENDER)
        if reading.proof is Proof.GIVEN:
            mails.warn_addressee(person, mail)
        return outcome
    place = queries.find_place(person, code.matter) if person.is_active else None
    if place is None:
        mails.refuse(person, Outcome.NOT_OURS, mail)
        return _record(reading.raw, reading.at, reading.digests, Outcome.NOT_OURS)
    return _count_or_refuse(reading, code, *place)


def _refuse_unknown(reading: _Reading, outcome: Outcome) -> Outcome:
    """Record a mail of nobody's, and tell its sender where the sender's domain answers for it."""
    if reading.proof is Proof.GIVEN:
        mails.refuse_stranger(outcome, reading.mail)
    return _record(reading.raw, reading.at, reading.digests, outcome)


def _count_or_refuse(reading: _Reading, code: ReplyCode, member: MemberContext, matter: Matter) -> Outcome:
    """Make the move of a member, or tell them why it was not made."""
    person, mail = member.membership.person, reading.mail
    outcome, reason = _objection(reading, code, person, matter), ""
    if outcome is None:
        try:
            with transaction.atomic():
                step = _move(reading, code, member, matter)
        except Refused as refused:
            outcome = Outcome.REFUSED
            reason = refused.sentence(words_for(supported_language(person.language)))
        else:
            _record(reading.raw, reading.at, reading.digests, Outcome.COUNTED, member, (matter, step))
            mails.confirm(member, matter, code.move, mail, len(mail.files))
            return Outcome.COUNTED
    if outcome is not Outcome.DUPLICATE:
        address = f"{settings.ADDRESS}{page_path(member, 'matter', matter=matter.pk)}"
        mails.refuse(person, outcome, mail, address, reason)
    return _record(reading.raw, reading.at, reading.digests, outcome, member, (matter, None))


def _objection(reading: _Reading, code: ReplyCode, person: Person, matter: Matter) -> Outcome | None:
    """Return why a mail moves nothing, before the matter is asked; None where nothing is against it."""
    text = reading.mail.text
    in_words = queries.is_answered_by_mail(matter)
    accepts = code.move in {Move.COMMENT, Move.DECLINE} and not in_words and queries.only_accepts(text)
    not_by_mail = code.move is Move.DONE or (code.move is Move.AGREE and not in_words)
    checks: tuple[tuple[Outcome, Callable[[], bool]], ...] = (
        (Outcome.TOO_LARGE, lambda: not reading.whole),
        (Outcome.PART_SIGNED, lambda: reading.proof is Proof.PART),
        (Outcome.NOT_PROVEN, lambda: reading.proof is not Proof.GIVEN),
        (Outcome.DUPLICATE, lambda: _known(reading.digests) == "counted"),
        (Outcome.OVER, lambda: code.is_over(reading.at)),
        (Outcome.EMPTY, lambda: not text and not (code.move is Move.COMMENT and reading.mail.files)),
        (Outcome.TOO_LARGE, lambda: len(text) > MAX_TEXT),
        (Outcome.ON_PAGE, lambda: not_by_mail or accepts),
        (Outcome.TOO_OFTEN, lambda: exceeds_rate_limit(person, "mails counted")),
    )
    return next((outcome for outcome, holds in checks if holds()), None)


def _move(reading: _Reading, code: ReplyCode, member: MemberContext, matter: Matter) -> int:
    """Make the move, and return the number of its step; the database is told when the mail came.

    :raises Refused: as on the page
    """
    files = [EvidenceFile(file.name, file.content) for file in reading.mail.files]
    seen = code.seen if code.move in _NEEDS_SAME_STEP else None
    with translation.override(supported_language(member.membership.person.language)):
        _set_mailed_at(reading.at.isoformat())
        move(member, matter, code.move, reading.mail.text, zone_of(member), files=files, seen=seen)
        _set_mailed_at("")
    return last_number(matter)


def _set_mailed_at(at: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('comity.mailed_at', %s, true)", [at])


def _note_report(raw: bytes, at: datetime, digests: _Digests) -> Outcome:
    """Take what a program sent: mails of ours that came back count as not received, all else is nothing."""
    noted = [bounced for bounced in bounced_mails(raw) if _note_bounce(bounced)]
    return _record(raw, at, digests, Outcome.BOUNCE if noted else Outcome.AUTOMATIC)


def _note_bounce(bounced: BouncedMail) -> bool:
    noticed = note_bounce(bounced.relationship, bounced.recipient, bounced.sent_at)  # to an address that both signed
    person = Person.objects.filter(email__iexact=bounced.recipient).first()
    if person is None:
        return bool(noticed)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_mail_bounced(%s, %s, %s)", [bounced.relationship, person.pk, bounced.sent_at])
        return bool(cursor.fetchone()[0]) or bool(noticed)


def _record(  # noqa: PLR0913 - a mail, and what became of it
    raw: bytes,
    at: datetime,
    digests: _Digests,
    outcome: Outcome,
    member: MemberContext | None = None,
    of: tuple[Matter, int | None] | None = None,
) -> Outcome:
    """Keep what became of a mail, and the mail itself, encrypted."""
    is_counted = outcome is Outcome.COUNTED
    received = ReceivedMail(
        relationship=None if member is None else member.relationship,
        person=None if member is None else member.membership.person,
        side="" if member is None else member.membership.side or "",
        at=at,
        outcome=outcome,
        matter=None if of is None else of[0].pk,
        step=None if of is None else of[1],
        raw_digest=digests.raw,
        message_digest=digests.message if is_counted else None,
        content_digest=digests.content if is_counted else None,
    )
    received.save(force_insert=True)
    RawMail(mail=received, payload=encrypt(raw)).save(force_insert=True)
    return outcome


def _record_failure(raw: bytes, at: datetime) -> Outcome:
    """Keep a mail that could not be read for an error of ours, and tell its sender where they are known."""
    digests = _Digests(hashlib.sha256(raw).hexdigest(), "", "")
    if _known(digests):
        return Outcome.DUPLICATE
    try:
        mail = parse_mail(raw)
        code = next(iter(codes_in(mail.recipients)), None)
        person = None if code is None else queries.find_addressee(code.is_for, mail.sender)
        if person is not None and person.email.lower() == mail.sender and not mail.is_automatic:
            mails.refuse(person, Outcome.FAILED, replace(mail, text="", files=()))
    except Exception as error:  # noqa: BLE001 - the mail is kept, whatever it does to who reads it
        logging.getLogger(__name__).warning("a mail that was not read is not told of: %s", type(error).__name__)
    return _record(raw, at, digests, Outcome.FAILED)
