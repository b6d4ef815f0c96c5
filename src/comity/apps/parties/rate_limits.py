"""Rate limits for what costs others something: mails, relationships, files, figures never computed.

The counters are in the cache that all workers share, outside the request's transaction: refused and failed requests
count too.
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.cache import cache

from comity.apps.parties.models import Person
from comity.apps.parties.refusals import Code
from comity.apps.refusal import Refused

_HOUR, _DAY = 3600, 86_400


@dataclass(frozen=True, slots=True)
class RateLimit:
    """At most `max_count` times in `seconds`, a window that begins with the first time."""

    max_count: int
    seconds: int


RATE_LIMITS = {
    "invitations": RateLimit(20, _HOUR),
    "invitations to one address": RateLimit(3, _DAY),
    "deputies": RateLimit(10, _HOUR),  # named by somebody who is no lead: their leads are written to
    "relationships": RateLimit(10, _DAY),
    "reply times": RateLimit(20, _DAY),  # proposed, or silence allowed and not: the other side's leads are written to
    "events mailed at once": RateLimit(60, _HOUR),  # beyond it they come in the daily digest
    "ledger changes": RateLimit(20, _DAY),  # proposed: the other side's leads are written to
    "KPIs": RateLimit(20, _DAY),  # proposed: the other side's leads are written to
    "changes": RateLimit(40, _DAY),  # of the agreement, proposed or countered: as above
    "drafts": RateLimit(300, _HOUR),  # saved: each is kept as a whole
    "priorities": RateLimit(20, _DAY),  # a round started, or a joint order proposed: as above
    "steps": RateLimit(100, _HOUR),  # signed, sealed, ended, agreed to: each is kept, and most are mailed
    "mails counted": RateLimit(60, _HOUR),  # that somebody answers with: each is a step, and told to the other side
    "mails not counted": RateLimit(20, _DAY),  # that are told of by a mail
    "uploads": RateLimit(60, _HOUR),
    "copies": RateLimit(6, _HOUR),  # of the record and the book, and changes as files to be signed
    "first looks": RateLimit(60, _HOUR),  # at reviews of periods that have never been computed
}


def exceeds_rate_limit(person: Person, name: str, key: str = "") -> bool:
    """Count one more use, and return whether it exceeds the limit.

    :param name: a key of `RATE_LIMITS`
    :param key: counts separately for each of these, for example an address; only its digest is kept
    """
    limit = RATE_LIMITS[name]
    digest = hashlib.sha256(key.lower().encode()).hexdigest()[:32] if key else ""
    counter: Any = cache
    return bool(counter.count(f"limit:{name.replace(' ', '_')}:{person.pk}:{digest}", limit.seconds) > limit.max_count)


def check_rate_limit(person: Person, name: str, key: str = "") -> None:
    """Count one more use, as `exceeds_rate_limit`.

    :raises Refused: where it exceeds the limit
    """
    if exceeds_rate_limit(person, name, key):
        raise Refused(Code.TOO_OFTEN, retry_after_s=RATE_LIMITS[name].seconds)
