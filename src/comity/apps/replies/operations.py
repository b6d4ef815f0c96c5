"""Agreeing on calendars and on silence; notices, and silence itself."""

from collections.abc import Mapping
from datetime import date, datetime, time
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.parties.mailing import mail_side, page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.record.models import Consent, Entry, EntryKind, Subject
from comity.apps.refusal import Refused
from comity.apps.replies import queries
from comity.apps.replies.models import Notice
from comity.apps.replies.queries import Calendar
from comity.apps.replies.refusals import Code
from comity.core import chain
from comity.core.values import Side

MOST_FREE_DAYS = 366
AT_LEAST = 2  # people whom a notice reaches, one of them a lead
LONGEST_NAME = 80


def _agreeing(member: MemberContext) -> Side:
    """The side of whoever stands there and may agree for it.

    :raises Refused: for everybody else
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def check_calendar(calendar: Calendar) -> None:
    """Refuse what is no calendar.

    :raises Refused: naming what is wrong
    """
    try:
        ZoneInfo(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(Code.ZONE, zone=calendar.zone[:60]) from None
    if not calendar.week or not set(calendar.week) <= set(range(7)):
        raise Refused(Code.NEVER_OPEN)
    if any(closes != time.min and closes <= opens for opens, closes in calendar.week.values()):
        raise Refused(Code.HOURS)
    if len(calendar.free_days) > MOST_FREE_DAYS:
        raise Refused(Code.TOO_MANY, most=MOST_FREE_DAYS)
    for name in calendar.free_days.values():
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise Refused(Code.FREE_DAY, line=name[:LONGEST_NAME])


def free_days(text: str) -> dict[date, str]:
    """Free days as people write them: a day a line, then its name.

    :raises Refused: naming the first line that is none
    """
    found: dict[date, str] = {}
    for line in text.splitlines():
        written, _, name = line.strip().partition(" ")
        if not written:
            continue
        try:
            day = date.fromisoformat(written)
        except ValueError:
            raise Refused(Code.FREE_DAY, line=line.strip()[:60]) from None
        found[day] = name.strip()[:LONGEST_NAME]
    return found


def propose_calendar(member: MemberContext, calendar: Calendar) -> Consent:
    """Propose when the own side answers; it counts once the other side has agreed.

    Another proposal takes the place of one that waits.

    :raises Refused: for those who may not, for what is no calendar, for the one that is proposed, and too often
    """
    side = _agreeing(member)
    check_calendar(calendar)
    check_rate_limit(member.membership.person, "reply times")
    content, subject = calendar.content(side), queries.subject(member, side)
    record.lock(member)
    waiting = queries.proposed(member).get(side)
    if waiting is not None and waiting.digest == chain.digest_of(content):
        raise Refused(Code.SAME)
    for word in record.void_others(Subject.CALENDAR, subject, content):
        record.void_told(word)  # its own side proposes something else: the mail below says so
    record.consent(member, Subject.CALENDAR, subject, content)
    audit(member, Event.CALENDAR_PROPOSED, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "calendar_proposed", page_path(member, "replies"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    return queries.proposed(member)[side]


def agree_to_calendar(member: MemberContext, digest: str) -> Entry:
    """Agree to when the other side answers: from now on its replies are due by that calendar.

    :param digest: of the proposal that the person was shown
    :raises Refused: for those who may not, where nothing is proposed, or something else by now
    """
    side = _agreeing(member)
    record.lock(member)
    word = queries.proposed(member).get(side.other)
    if word is None:
        raise Refused(Code.NO_PROPOSAL)
    if word.digest != digest:
        raise Refused(Code.CHANGED)
    record.consent(member, Subject.CALENDAR, word.subject, word.content)
    entry = record.settle(member, EntryKind.CALENDAR, Subject.CALENDAR, word.subject, word.content)
    audit(member, Event.CALENDAR_AGREED, SubjectType.RECORD, {"side": side.other.value}, shared=True)
    said = {"party": lambda words: member.party(words)(side.other)}
    record.send_head(member, entry, "head_calendar", page_path(member, "replies"), said)
    return entry


def set_silence(member: MemberContext, *, accepts: bool) -> None:
    """Say for the own side whether silence may confirm a period; it does where both sides say so.

    What is said counts for what begins after it: nobody's silence is heard about a word that was given before.

    :raises Refused: for those who may not, where the side has said the same before, and too often
    """
    side = _agreeing(member)
    known = queries.silence(member).get(side)
    if accepts == (known is not None and known.accepts):
        raise Refused(Code.SAME)
    check_rate_limit(member.membership.person, "reply times")
    record.call("comity_set_silence", accepts)
    event = Event.SILENCE_ALLOWED if accepts else Event.SILENCE_DISALLOWED
    audit(member, event, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "silence_set" if accepts else "silence_unset", page_path(member, "replies"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip


def give_notice(word: Consent, due: datetime, until: datetime, taken: Mapping[str, datetime]) -> None:
    """Keep a notice about a word that waits for the other side's.

    :param until: the end of the day that it names
    :param taken: when the mail server took it, by the person's id
    """
    told = [{"person": person, "taken_at": at.isoformat()} for person, at in taken.items()]
    record.call("comity_give_notice", word.pk, due.isoformat(), until.isoformat(), chain.canonical(told))


def counts(notice: Notice, able: list[str]) -> bool:
    """Whether a notice still counts: two of those whom it reached may still answer."""
    return sum(one["person"] in able and "bounced_at" not in one for one in notice.told) >= AT_LEAST
