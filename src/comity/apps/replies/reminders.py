"""Reminders and notices: sent by the periodic job itself, and counted only where the mail server accepted them.

Other mails wait in the outbox until the mail server accepts them. These are different: silence after a notice may
count as consent, so what matters is not that a mail was meant to be sent, but that it was handed over.
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


def members_with_right(member: MemberContext, side: Side, right: Action) -> list[Membership]:
    """Return the members of a side who have a right now, by their role or as a deputy, and can sign in."""
    memberships = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=member.relationship, side=side.value, left_at=None, person__is_active=True
    )
    return [one for one in memberships if membership_may(one, right, timezone.now().date())]


def send_reminder(
    memberships: Sequence[Membership], key: str, address: str, **values: Callable[[Words], str]
) -> list[UUID]:
    """Send a reminder to each member now, in their language.

    :param values: fill the texts, in the reader's language
    :returns: ids of the people whose mail was handed over
    """
    if not has_mail_server():  # nobody is reminded, and silence never counts
        return []
    reminded = []
    for membership in memberships:
        words = words_for(supported_language(membership.person.language))
        try:
            texts = {name: value(words) for name, value in values.items()}
            mail_member(MemberContext(membership), key, address, (), mail_server(), **texts)
        except Exception as error:  # noqa: BLE001 - whatever failed, the person was not reminded
            # Without the error's text, which may hold an address.
            logging.getLogger(__name__).warning("a reminder was not handed over: %s", type(error).__name__)
        else:
            reminded.append(membership.person_id)
    return reminded
