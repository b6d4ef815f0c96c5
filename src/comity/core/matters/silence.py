"""When silence accepts a matter: every condition as one function over what was recorded, so that none is forgotten.

Default: nowhere. Silence accepts only where a `clock` clause of the agreement says so, and only after a reminder that
was really handed over. Source: the paragraph "Silence" of the matters' specification, and its vector 2.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from comity.core.business_hours import Hours, closing
from comity.core.matters.transitions import State

MIN_REACHED = 2  # people, one of them the lead
NOTICE_DAYS = 10  # working days from the reminder to the day that it names
TAKEN_WITHIN = 3  # of the time from the reminder to its day: a third
CLOCK_WITHIN = timedelta(hours=1)


class Unmet(StrEnum):
    """Why silence does not count."""

    NOT_AGREED = "not_agreed"  # no clause says so, or the kind never allows it
    NOT_ASKED = "not_asked"  # it does not wait for the silent side's answer
    NOT_DUE = "not_due"  # the reminder came before the reply was due
    NO_REMINDER = "no_reminder"
    TOO_SHORT = "too_short"  # the day that it names is too soon
    NOT_OVER = "not_over"  # that day is not over
    TOO_FEW = "too_few"  # people whom it really reached, or no lead among them
    MAILBOX = "mailbox"  # replies by mail may have come, and nobody could read them on that day
    CLOCK = "clock"  # the room's clock did not run: an outage comes first


@dataclass(frozen=True, slots=True)
class Mailed:
    """The reminder to one person.

    :ivar taken_at: when the mail server took it; None where it did not
    :ivar bounced_at: when it is known to have come back
    """

    lead: bool
    taken_at: datetime | None = None
    bounced_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reminder:
    """The reminder *treated as accepted on D unless answered*.

    :ivar until: close of business on D
    """

    sent_at: datetime
    until: datetime
    mailed: Sequence[Mailed] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """What was recorded of a matter that nobody answers.

    :ivar agreed: a `clock` clause in force when it was raised lets silence accept it, and its kind may be so accepted
    :ivar due_at: when the reply was due
    :ivar hours: of the silent side
    :ivar replies_by_mail: whether replies by mail are on
    :ivar mailbox_read_at: when the inbound mailbox was last read successfully
    :ivar clock_ran_at: when the clock's worker last ran, and `clock_ran_before` the time before that
    """

    state: State
    agreed: bool
    due_at: datetime
    hours: Hours
    reminder: Reminder | None
    clock_ran_at: datetime | None
    clock_ran_before: datetime | None
    replies_by_mail: bool = False
    mailbox_read_at: datetime | None = None
    notice_days: int = NOTICE_DAYS


def unmet(facts: Facts, now: datetime) -> list[Unmet]:
    """Return every condition that does not hold; silence accepts the matter where none is left."""
    reasons = [] if facts.agreed else [Unmet.NOT_AGREED]
    if facts.state is not State.ASKED:
        reasons.append(Unmet.NOT_ASKED)
    ran = (facts.clock_ran_at, facts.clock_ran_before)
    if any(one is None or one <= now - CLOCK_WITHIN for one in ran):
        reasons.append(Unmet.CLOCK)
    reminder = facts.reminder
    if reminder is None:
        return [*reasons, Unmet.NO_REMINDER]
    if reminder.sent_at < facts.due_at:
        reasons.append(Unmet.NOT_DUE)
    # Ten working days at least, whatever a clause says.
    if reminder.until < closing(facts.hours, reminder.sent_at, max(facts.notice_days, NOTICE_DAYS)):
        reasons.append(Unmet.TOO_SHORT)
    if now < reminder.until:
        reasons.append(Unmet.NOT_OVER)
    by = reminder.sent_at + (reminder.until - reminder.sent_at) / TAKEN_WITHIN
    reached = [one for one in reminder.mailed if _is_reached(one, by, reminder.until)]
    if len(reached) < MIN_REACHED or not any(one.lead for one in reached):
        reasons.append(Unmet.TOO_FEW)
    if facts.replies_by_mail and not _was_read_on_day(facts, reminder.until):
        reasons.append(Unmet.MAILBOX)
    return reasons


def _is_reached(mailed: Mailed, by: datetime, until: datetime) -> bool:
    bounced = mailed.bounced_at is not None and mailed.bounced_at <= until
    return mailed.taken_at is not None and mailed.taken_at <= by and not bounced


def _was_read_on_day(facts: Facts, until: datetime) -> bool:
    """Whether the mailbox was read on the day that the reminder names, after what could still answer it came."""
    return facts.mailbox_read_at is not None and facts.mailbox_read_at >= until
