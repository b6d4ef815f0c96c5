"""One mail a day with everything that waits for a person over all their relationships."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.cache import cache
from django.urls import reverse

from comity.apps.i18n import words_for
from comity.apps.parties.mailing import mail_person, mutes, supported_language
from comity.apps.parties.models import Person
from comity.apps.personal.queries import display_settings
from comity.apps.today.sentences import waiting_headline
from comity.apps.today.waiting import WaitingPart, waiting_parts
from comity.review.i18n.words import Words

MAIL_HOUR = 7
_A_DAY_S = 86_400


def send_waiting(person: Person, now: datetime) -> bool:
    """Mail a person, the viewer, what waits for them, once a day from `MAIL_HOUR` on; return whether it was mailed.

    Nothing is mailed where nothing waits, and to whoever chose no mail about what their side has to do.
    """
    local = now.astimezone(ZoneInfo(display_settings(person).time_zone or "UTC"))
    key = f"waiting:{person.pk}:{local.date()}"
    if local.hour < MAIL_HOUR or any(mutes_them(person) for mutes_them in mutes):
        return False
    words = words_for(supported_language(person.language))
    parts = waiting_parts(person, words)
    if not parts or not cache.add(key, True, _A_DAY_S):
        return False
    mail_person(
        person, "all_waiting", reverse("waiting"),
        headline=lambda _: waiting_headline(parts, words),
        lines=lambda _: _lines(parts, words),
        settings=lambda _: words("notifications.change", address=f"{settings.ADDRESS}{reverse('account')}"),
    )  # fmt: skip
    return True


def _lines(parts: Sequence[WaitingPart], words: Words) -> str:
    return "\n\n".join(_part(part, words) for part in parts)


def _part(part: WaitingPart, words: Words) -> str:
    lines = [" · ".join(filter(None, [part.other, part.organisation]))]
    for row in part.rows:
        what = ", ".join(filter(None, [words(f"inbox.group_{row.item.group}"), row.due]))
        lines.append(f"- {row.item.title} ({what})\n  {settings.ADDRESS}{row.item.url}")
    if part.more:
        lines.append(f"- {words('inbox.all', count=part.count)}")
    return "\n".join(lines)
