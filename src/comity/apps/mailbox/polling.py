"""One look into the mailbox: what lies there is taken, and that it was read is recorded, for silence depends on it."""

import logging
import time
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.mailbox import imap, queries
from comity.apps.mailbox.receiving import receive
from comity.apps.mailbox.senders import Lookup
from comity.apps.parties.mailing import mail_side, page_path
from comity.apps.parties.member_context import MemberContext, for_each_relationship
from comity.apps.parties.rights import Action
from comity.core.values import Side
from comity.review.i18n.words import Words

MAX_MAILS, BUDGET_S = 200, 20.0  # of one look; mails that are to be sent wait meanwhile


def poll(lookup: Lookup | None = None) -> int:
    """Read the mailbox, and return how many mails were taken; 0 where none is configured.

    :param lookup: instead of DNS, for the keys of signatures
    """
    mailbox = settings.MAILBOX
    _call("comity_mailbox_use", int(mailbox is not None))
    if mailbox is None:
        return 0
    began = timezone.now()
    try:
        with imap.opened(mailbox) as box:
            taken, is_all = _take(box, lookup)
    except ConnectionError as error:
        logging.getLogger(__name__).warning("the mailbox was not read: %s", error)
        _tell_outage()
        return 0
    if is_all:
        _call("comity_mailbox_read", began)
    return taken


def _take(box: imap.OpenMailbox, lookup: Lookup | None) -> tuple[int, bool]:
    """Take what lies in the mailbox; return how many mails, and whether that was all that had come."""
    until, taken = time.monotonic() + BUDGET_S, 0
    uids, is_all = box.uids(MAX_MAILS)
    for uid in uids:
        if time.monotonic() > until:
            return taken, False
        message = box.fetch(uid)
        if message is None:
            continue
        if receive(message.raw, message.at, whole=message.whole, lookup=lookup) is None:
            box.leave(uid)
        else:
            box.remove(uid)  # after it is kept: a mail that is read twice is known again
            taken += 1
    return taken, is_all


def _call(function: str, argument: datetime | int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s)", [argument])


def _tell_outage() -> None:
    """Mail the leads of both sides once that the mailbox has not been read for an hour."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT comity_mailbox_tell()")
        (is_new,) = cursor.fetchone()
    if is_new:
        last = queries.ages().last_reading
        for_each_relationship(lambda member: _mail_outage(member, last))


def _mail_outage(member: MemberContext, last: datetime | None) -> None:
    def at(words: Words) -> str:
        return words("mailbox.never") if last is None else words("mailbox.moment", day=words.day(last.date()),
            time=last.strftime("%H:%M UTC"))  # fmt: skip

    for side in Side:
        mail_side(member, side, Action.INVITE, "mailbox_dead", page_path(member, "today"), at=at)


def forget() -> int:
    """Remove what came in 90 days ago, and return how many mails."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_forget_raw_mails()")
        return int(cursor.fetchone()[0])
