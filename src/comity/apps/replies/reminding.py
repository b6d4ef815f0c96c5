"""Reminders and notices: sent by the room's clock itself, and counted only where the mail server took them.

Other mails wait in the outbox until the mail server takes them. These are different: silence after a notice may be
taken for consent, so what counts is not that it was meant to be sent, but that it was handed over.
"""

import logging
from collections.abc import Callable, Sequence
from uuid import UUID

from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.outbox.mail import mail_server
from comity.apps.parties.mailing import has_mail_server, mail_member, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.parties.rights import Action, membership_may
from comity.core.values import Side
from comity.review.i18n.words import Words


def able(member: MemberContext, side: Side, right: Action) -> list[Membership]:
    """The people of a side who have a right now, of themselves or as somebody's deputy, and can sign in."""
    found = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=member.relationship, side=side.value, left_at=None, person__is_active=True
    )
    return [one for one in found if membership_may(one, right, timezone.now().date())]


def send_reminder(people: Sequence[Membership], key: str, address: str, **said: Callable[[Words], str]) -> list[UUID]:
    """Send a reminder to each of these now, in each one's language; the ids of those whose mail was handed over.

    :param said: what fills the sentences, in the reader's language
    """
    if not has_mail_server():  # nobody is reminded, and silence never counts
        return []
    told = []
    for one in people:
        words = words_for(supported_language(one.person.language))
        try:
            filled = {name: make(words) for name, make in said.items()}
            mail_member(MemberContext(one), key, address, (), mail_server(), **filled)
        except Exception as error:  # noqa: BLE001 - of any kind: who was not reached was not reminded
            # Without its text, in which an address may be.
            logging.getLogger(__name__).warning("a reminder was not handed over: %s", type(error).__name__)
        else:
            told.append(one.person_id)
    return told
