"""Mails about mails: every one that was counted is confirmed, and every other is told of, where it is known to whom.

Nobody is written to because somebody else wrote in their name: an address that has not proven itself is told nothing,
unless it is that of the person whom the reply address was made for. These mails say that a program sent them, so that
no program answers.
"""

import hashlib
import re
from typing import Any

from django.conf import settings
from django.core.cache import cache

from comity.apps.i18n import words_for
from comity.apps.mailbox.models import Outcome
from comity.apps.mailbox.parsing import IncomingMail
from comity.apps.matters.models import Matter
from comity.apps.parties.mailing import mail_headers, page_path, queue_mail, relationship_subject, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.parties.rate_limits import exceeds_rate_limit
from comity.core.matters.transitions import Move
from comity.review.i18n.words import LOCALES, Words

_A_DAY_S, _TOLD_A_DAY = 86_400, 3  # mails a day to an address of nobody whom we know
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")


def confirm(member: MemberContext, matter: Matter, move: Move, mail: IncomingMail, files: int) -> None:
    """Confirm to the member that their mail was counted, and with which words."""
    words = words_for(supported_language(member.membership.person.language))
    values = {
        "title": matter.title,
        "move": words(f"by_mail.did_{move}"),
        "text": "\n".join(f"> {line}" for line in mail.text.split("\n")),
        "files": words("by_mail.files", count=files) if files else "",
        "address": f"{settings.ADDRESS}{page_path(member, 'matter', matter=matter.pk)}",
    }
    subject = relationship_subject(member.relationship, words("mail_counted.subject", **values))
    text = re.sub(r"\n{3,}", "\n\n", words("mail_counted.mail", **values))
    queue_mail(subject, text, member.membership.person.email, mail_headers(member) | _headers(mail))


def refuse(person: Person, outcome: Outcome, mail: IncomingMail, address: str = "", reason: str = "") -> None:
    """Tell a person that their mail was not counted, why, and where they can say it.

    :param address: of a page
    :param reason: of a matter that refused it; else the one of the outcome
    """
    if exceeds_rate_limit(person, "mails not counted"):
        return
    words = words_for(supported_language(person.language))
    subject, text = _refusal(words, outcome, mail, address or settings.ADDRESS, reason)
    queue_mail(subject, text, person.email, _headers(mail))


def refuse_stranger(outcome: Outcome, mail: IncomingMail) -> None:
    """Tell an address that has proven itself that its mail was not counted, in every language of the room.

    Nothing of what it was about is said.
    """
    digest = hashlib.sha256(mail.sender.encode()).hexdigest()[:32]
    counter: Any = cache
    if counter.count(f"limit:mails_to_strangers:{digest}", _A_DAY_S) > _TOLD_A_DAY:
        return
    texts = [_refusal(words_for(language), outcome, mail, settings.ADDRESS, "") for language in sorted(LOCALES)]
    queue_mail(texts[0][0], "\n\n".join(text for _, text in texts), mail.sender, _headers(mail))


def warn_addressee(person: Person, mail: IncomingMail) -> None:
    """Tell a person that somebody else wrote to an address that was made for them."""
    if exceeds_rate_limit(person, "mails not counted", "by another"):
        return
    words = words_for(supported_language(person.language))
    values = {"sender": mail.sender, "address": settings.ADDRESS}
    queue_mail(words("mail_by_another.subject"), words("mail_by_another.mail", **values), person.email, _headers(mail))


def _refusal(words: Words, outcome: Outcome, mail: IncomingMail, address: str, reason: str) -> tuple[str, str]:
    values = {"reason": reason or words(f"by_mail.not_{outcome}"), "address": address, "subject": mail.subject}
    return words("mail_not_counted.subject", **values), words("mail_not_counted.mail", **values)


def _headers(mail: IncomingMail) -> dict[str, str]:
    """Return the headers by which no program answers, and programs show it below the mail that it is about."""
    headers = {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    if _MESSAGE_ID.fullmatch(mail.message_id):
        headers |= {"In-Reply-To": mail.message_id, "References": mail.message_id}
    return headers
