"""How often one person may do what costs others something: mails, relationships, files, figures never computed.

Counted in the cache that all workers share, apart from the request's transaction: what was refused or failed counts
too.
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
class Limit:
    """So many times in so many seconds, from the first time on."""

    most: int
    seconds: int


LIMITS = {
    "invitations": Limit(20, _HOUR),
    "invitations to one address": Limit(3, _DAY),
    "deputies": Limit(10, _HOUR),  # named by somebody who is no lead: their leads are written to
    "relationships": Limit(10, _DAY),
    "reply times": Limit(20, _DAY),  # proposed, or silence allowed and not: the other side's leads are written to
    "uploads": Limit(60, _HOUR),
    "first looks": Limit(60, _HOUR),  # at reviews of periods that have never been computed
}


def limited(person: Person, what: str, about: str = "") -> bool:
    """Count one more time; whether it is one too many.

    :param what: a name in `LIMITS`
    :param about: counts apart for each of these, for example an address; only its digest is kept
    """
    limit = LIMITS[what]
    digest = hashlib.sha256(about.lower().encode()).hexdigest()[:32] if about else ""
    counter: Any = cache
    return bool(counter.count(f"limit:{what.replace(' ', '_')}:{person.pk}:{digest}", limit.seconds) > limit.most)


def limit(person: Person, what: str, about: str = "") -> None:
    """Count one more time, as `limited`.

    :raises Refused: for one too many
    """
    if limited(person, what, about):
        raise Refused(Code.TOO_OFTEN, retry_after_s=LIMITS[what].seconds)
