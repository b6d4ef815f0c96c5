"""When a formal notice counts as received: open in the room, and taken by the mail server of one address at least.

What is taken after closing or on a free day is received when the receiving side opens again. A notice whose every mail
came back was not received; a mail that came back later than `BOUNCE_TIME`, or once the receiving side had the notice
before it, undoes nothing: whoever was told cannot deny it by a report of their own. The receiving side's own
acknowledgment, or an answer, is receipt too: nobody can say better that they have it. Source: "Clocks" of the matters'
specification; what an acknowledgment does to a notice that no mail server took, it does not say.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from comity.core.business_hours import Hours

BOUNCE_TIME = timedelta(
    days=7
)  # after which a report that a mail failed says nothing: servers give up within five days


@dataclass(frozen=True, slots=True)
class Sent:
    """The mail to one address.

    :ivar taken_at: when the mail server took it; None where it did not
    :ivar bounced_at: when it is known to have come back
    """

    address: str
    taken_at: datetime | None = None
    bounced_at: datetime | None = None

    def was_lost(self, had_at: datetime | None) -> bool:
        """Whether it came back, in time and before the receiving side had the notice before it."""
        if self.taken_at is None or self.bounced_at is None:
            return False
        return self.bounced_at <= self.taken_at + BOUNCE_TIME and (had_at is None or self.bounced_at < had_at)


def received_at(
    hours: Hours,
    open_at: datetime,
    sent: Sequence[Sent],
    *,
    had_at: datetime | None = None,
    said_at: datetime | None = None,
) -> datetime | None:
    """Return the moment of receipt within the receiver's hours; None where it was not received.

    :param open_at: when it could be read in the room
    :param had_at: when the receiving side first had it before it; that alone is no receipt
    :param said_at: when it first acknowledged it, answered, or said anything in it
    """
    taken = [one.taken_at for one in sent if one.taken_at is not None and not one.was_lost(had_at)]
    moments = [max(open_at, at) for at in taken] + ([said_at] if said_at is not None else [])
    return within_hours(hours, min(moments)) if moments else None


def within_hours(hours: Hours, moment: datetime) -> datetime:
    """Return a moment while a side is open, or else when it opens again; itself for a calendar that never does."""
    first = next(iter(hours.spans(moment)), None)
    return moment if first is None else first[0]
