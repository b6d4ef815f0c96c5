"""Formal notices: who may give one, its mails to the agreed addresses, and when it counts as received.

Each address gets a mail of its own, with nothing else in it, handed over by a job that knows whether the mail server
took it. The clock of the matter starts with the receipt, never before.
"""

import hashlib
import json
import logging
from datetime import datetime
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import announce
from comity.apps.books.queries import zone as zone_of
from comity.apps.i18n import words_for
from comity.apps.ledger.operations import lock_for_posting
from comity.apps.matters import queries
from comity.apps.matters.models import Evidence, FormalNotice, Matter, Step
from comity.apps.matters.refusals import Code
from comity.apps.outbox.mail import mail_server
from comity.apps.outbox.operations import defer
from comity.apps.parties.mailing import address_mail, has_mail_server, mail_side, page_path, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Role
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies.queries import calendar_of, closing_after
from comity.core.matters.receipt import Sent, received_at
from comity.core.matters.transitions import State
from comity.core.values import Side

TASK = "matters.notice"


def may_give(member: MemberContext) -> bool:
    """Whether the member can give formal notice here: they speak for their side, and addresses are agreed."""
    if member.side is None or not member.may(Action.CONFIRM) or not has_mail_server():
        return False
    return not member.relationship.is_sample and bool(queries.notice_addresses(member, member.side.other))


def check(member: MemberContext, matter: Matter) -> None:
    """Check that a matter can be raised as a formal notice.

    :raises Refused: for a clause that is none, without agreed addresses, without the right, where no mail leaves
    """
    if not member.may(Action.CONFIRM):
        raise Refused(Code.NOT_YOURS)
    if matter.formal_under not in {clause.id for clause in queries.clauses_for_notice(member)}:
        raise Refused(Code.NO_CLAUSE)
    if not queries.notice_addresses(member, Side(matter.answers)):
        raise Refused(Code.NO_ADDRESS)
    if not has_mail_server() or member.relationship.is_sample:
        raise Refused(Code.NO_MAIL)


def defer_sending(matter: Matter) -> None:
    """Defer the job that mails a notice, and notes its receipt."""
    defer(
        TASK,
        relationship=matter.relationship_id,
        sides=(Side(matter.asks),),
        lock=f"{TASK} {matter.pk}",  # two at once would mail it twice
        queueing_lock=f"{TASK} {matter.pk}",
        matter=str(matter.pk),
    )


def follow(member: MemberContext, notice: FormalNotice) -> None:
    """Mail a notice where that was not done, and note that it was received, or that all of its mails came back.

    :param member: of the side that gives it
    :raises ConnectionError: where no mail server takes any of its mails; the job is tried again
    """
    matter = notice.matter
    if not notice.told and notice.acknowledged_at is None:
        if matter.state == State.WITHDRAWN:
            return  # before anybody was told
        _send(member, notice)
        notice.refresh_from_db()
    sent = [_sent(one) for one in notice.told]
    side, zone = Side(matter.answers), zone_of(member)
    hours = calendar_of(matter.relationship, side, zone).hours
    said_at = queries.said_at(matter)
    moment = received_at(hours, notice.given_at, sent, had_at=queries.had_at(matter), said_at=said_at)
    lock_for_posting(member)  # before the functions lock the matter, as moves do
    if moment is None:
        if sent and notice.failed_at is None:
            _call("SELECT comity_fail_notice(%s)", matter.pk)
            path = page_path(member, "matter", matter=matter.pk)
            mail_side(member, Side(matter.asks), Action.CONFIRM, "notice_failed", path, title=lambda _: matter.title)
        return
    if notice.received_at is not None and notice.received_at != moment and said_at is None:
        moment = notice.received_at  # what has been received stays so, whichever of its mails comes back later
    if notice.received_at == moment and matter.reply_by is not None:
        return
    due = closing_after(matter.relationship, side, moment, zone, queries.reply_days(member, matter))
    _call("SELECT comity_receive_notice(%s, %s, %s)", matter.pk, moment, due)
    if notice.received_at != moment:
        announce(member, Event.NOTICE_RECEIVED, title=matter.title)


def _call(sql: str, *values: str | UUID | datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def _sent(told: dict[str, str]) -> Sent:
    bounced = told.get("bounced_at")
    return Sent(
        told["address"],
        datetime.fromisoformat(told["taken_at"]),
        None if bounced is None else datetime.fromisoformat(bounced),
    )


def _send(member: MemberContext, notice: FormalNotice) -> None:
    """Mail a notice to each address, and note which the mail server took, with the headers and digest of each mail.

    :raises ConnectionError: where it took none
    """
    mails = []
    for address in notice.addresses:
        mail = _message(member, notice, address)
        try:
            mail.send()
        except Exception as error:  # noqa: BLE001 - whatever failed, this address was not told
            # Without the error's text, which may hold an address.
            logging.getLogger(__name__).warning("a formal notice was not handed over: %s", type(error).__name__)
            continue
        raw = mail.message()
        headers = {name: str(raw[name]) for name in ("Message-ID", "Date", "From", "To", "Subject")}
        digest = hashlib.sha256(raw.as_bytes()).hexdigest()
        mails.append({"address": address, "taken_at": timezone.now().isoformat(), "headers": headers, "digest": digest})
    if not mails:
        raise ConnectionError("no mail server took a mail of a formal notice")
    _call("SELECT comity_notice_taken(%s, %s)", notice.matter_id, json.dumps(mails))


def _message(member: MemberContext, notice: FormalNotice, address: str) -> EmailMessage:
    """Return the mail to one address, in the language of the side that receives it; alone, with the whole text."""
    matter, language = notice.matter, _language(member, Side(notice.side))
    words = words_for(language)
    party = member.party(words)
    first = Step.objects.select_related("person").get(matter=matter, number=1)
    files = [f"{one.name} (SHA-256 {one.digest})" for one in Evidence.objects.filter(step=first).defer("content")]
    return address_mail(
        matter.relationship,
        parseaddr(address)[1] or address,
        language,
        "notice",
        mail_server(),
        party=party(Side(matter.asks)),
        other=party(Side(matter.answers)),
        clause=notice.clause,
        kind=words(f"kind_of.matter_{matter.kind}"),
        title=matter.title,
        text=first.text,
        files="\n".join(files) or words("notice.no_files"),
        name=first.person.name if first.person else "",
        address=f"{settings.ADDRESS}{page_path(member, 'matter', matter=matter.pk)}",
    )


def _language(member: MemberContext, side: Side) -> str:
    leads = Membership.objects.filter(relationship=member.relationship, side=side.value, role=Role.LEAD, left_at=None)
    first = leads.select_related("person").order_by("joined_at").first()
    return supported_language("en" if first is None else first.person.language)


def note_bounce(relationship: UUID | None, address: str, sent_at: datetime | None) -> int:
    """Note that a mail of a notice came back, and return of how many notices.

    :param relationship: whose notice it was; None: of any
    :param sent_at: when it was written; None: whichever
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_notice_bounced(%s, %s, %s)", [relationship, address, sent_at])
        return int(cursor.fetchone()[0])
