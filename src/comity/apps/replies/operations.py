"""Operations on calendars, on silence as an answer, and on notices."""

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
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.refusal import Refused
from comity.apps.replies import queries
from comity.apps.replies.models import Notice
from comity.apps.replies.queries import Calendar
from comity.apps.replies.refusals import Code
from comity.core import chain
from comity.core.values import Side

MAX_FREE_DAYS = 366
MIN_REACHED = 2  # people whom a notice has to reach, one of them a lead
MAX_NAME_LENGTH = 80


def _agreeing_side(member: MemberContext) -> Side:
    """Return the side that the member may agree for.

    :raises Refused: for those who may not
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def validate_calendar(calendar: Calendar) -> None:
    """Validate a calendar.

    :raises Refused: naming what is invalid
    """
    try:
        ZoneInfo(calendar.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(Code.ZONE, zone=calendar.zone[:60]) from None
    if not calendar.week or not set(calendar.week) <= set(range(7)):
        raise Refused(Code.NEVER_OPEN)
    if any(closes != time.min and closes <= opens for opens, closes in calendar.week.values()):
        raise Refused(Code.HOURS)
    if len(calendar.free_days) > MAX_FREE_DAYS:
        raise Refused(Code.TOO_MANY, most=MAX_FREE_DAYS)
    for name in calendar.free_days.values():
        if len(name) > MAX_NAME_LENGTH or not name.isprintable():
            raise Refused(Code.FREE_DAY, line=name[:MAX_NAME_LENGTH])


def parse_free_days(text: str) -> dict[date, str]:
    """Parse free days: one ISO date a line, then its name.

    :raises Refused: naming the first invalid line
    """
    days: dict[date, str] = {}
    for line in text.splitlines():
        date_text, _, name = line.strip().partition(" ")
        if not date_text:
            continue
        try:
            day = date.fromisoformat(date_text)
        except ValueError:
            raise Refused(Code.FREE_DAY, line=line.strip()[:60]) from None
        days[day] = name.strip()[:MAX_NAME_LENGTH]
    return days


def propose_calendar(member: MemberContext, calendar: Calendar) -> Consent:
    """Propose a calendar for the own side; it applies once the other side has agreed.

    It replaces a proposal that waits.

    :raises Refused: for those who may not, for an invalid calendar, for the one proposed already, and beyond the
        rate limit
    """
    side = _agreeing_side(member)
    validate_calendar(calendar)
    check_rate_limit(member.membership.person, "reply times")
    content, subject = calendar.content(side), queries.next_calendar_subject(member, side)
    record.lock_relationship(member)
    waiting = queries.proposed_calendars(member).get(side)
    if waiting is not None and waiting.digest == chain.digest_of(content):
        raise Refused(Code.SAME)
    for consent in record.void_other_consents(ConsentSubject.CALENDAR, subject, content):
        record.mark_void_reported(consent)  # its own side proposes another calendar, as the mail below says
    record.give_consent(member, ConsentSubject.CALENDAR, subject, content)
    audit(member, Event.CALENDAR_PROPOSED, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "calendar_proposed", page_path(member, "replies"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    return queries.proposed_calendars(member)[side]


def agree_to_calendar(member: MemberContext, digest: str) -> Entry:
    """Agree to the other side's calendar: from now on its replies are due by it.

    :param digest: of the proposal that the person was shown
    :raises Refused: for those who may not, and where nothing, or another calendar, is proposed by now
    """
    side = _agreeing_side(member)
    record.lock_relationship(member)
    proposal = queries.proposed_calendars(member).get(side.other)
    if proposal is None:
        raise Refused(Code.NO_PROPOSAL)
    if proposal.digest != digest:
        raise Refused(Code.CHANGED)
    record.give_consent(member, ConsentSubject.CALENDAR, proposal.subject, proposal.content)
    entry = record.add_agreed_entry(
        member, EntryKind.CALENDAR, ConsentSubject.CALENDAR, proposal.subject, proposal.content
    )
    audit(member, Event.CALENDAR_AGREED, SubjectType.RECORD, {"side": side.other.value}, shared=True)
    values = {"party": lambda words: member.party(words)(side.other)}
    record.mail_chain_head(member, entry, "head_calendar", page_path(member, "replies"), values)
    return entry


def set_silence(member: MemberContext, *, accepts: bool) -> None:
    """Set for the own side whether silence may confirm a period; it does where both sides accept that.

    It applies to consents given after it: silence about an earlier one never counts.

    :raises Refused: for those who may not, where the side has said the same before, and beyond the rate limit
    """
    side = _agreeing_side(member)
    term = queries.silence_terms(member).get(side)
    if accepts == (term is not None and term.accepts):
        raise Refused(Code.SAME)
    check_rate_limit(member.membership.person, "reply times")
    record.call_function("comity_set_silence", accepts)
    event = Event.SILENCE_ALLOWED if accepts else Event.SILENCE_DISALLOWED
    audit(member, event, SubjectType.RECORD, {"side": side.value}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "silence_set" if accepts else "silence_unset", page_path(member, "replies"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip


def give_notice(consent: Consent, due: datetime, until: datetime, accepted_at: Mapping[str, datetime]) -> None:
    """Store a notice about a consent that waits for the other side's.

    :param until: the end of the day that it names
    :param accepted_at: when the mail server accepted it, by the person's id
    """
    recipients = [{"person": person, "taken_at": at.isoformat()} for person, at in accepted_at.items()]
    record.call_function(
        "comity_give_notice", consent.pk, due.isoformat(), until.isoformat(), chain.canonical(recipients)
    )


def is_notice_valid(notice: Notice, people: list[str]) -> bool:
    """Return whether a notice still counts: `MIN_REACHED` of those whom it reached may still answer.

    :param people: ids of the people who may answer now
    """
    return sum(reached["person"] in people and "bounced_at" not in reached for reached in notice.told) >= MIN_REACHED
