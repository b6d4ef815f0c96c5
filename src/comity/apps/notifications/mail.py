"""Mails of notifications: formed when they are sent, as the recipient sees the room then.

A message goes to the person through each of `CHANNELS`. Mail is the one there is; web hooks and chat rooms hang here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.conf import settings
from django.urls import reverse

from comity.apps.audit.models import AuditEvent, Event, SubjectType
from comity.apps.i18n import spoken_period, words_for
from comity.apps.notifications import queries
from comity.apps.notifications.models import DigestPosition, SentNotification, Timing, Topic
from comity.apps.notifications.queries import DigestLine, DueMove
from comity.apps.notifications.sentences import (
    due_sentence,
    event_line,
    moment,
    move_asked,
    move_facts,
    move_thing,
    silence_sentence,
)
from comity.apps.parties.mailing import mail_member, page_path, supported_language
from comity.apps.parties.member_context import MemberContext
from comity.apps.record.models import ConsentSubject
from comity.apps.record.queries import entries
from comity.review.i18n.words import Words

MAX_LINES = 60  # of a digest
_ENTRY_KINDS = {Event.PERIOD_FROZEN: "frozen", Event.PERIOD_RESTATED: "restated"}


@dataclass(frozen=True, slots=True)
class Message:
    """What a person is told.

    :ivar key: of the catalogue: `key`.subject and `key`.mail
    :ivar path: of the page where something can be done about it
    :ivar values: fill the texts
    """

    key: str
    path: str
    values: Mapping[str, str] = field(default_factory=dict)


def _by_mail(member: MemberContext, message: Message) -> None:
    mail_member(member, message.key, message.path, (), None, **message.values)


Channel = Callable[[MemberContext, Message], None]
CHANNELS: tuple[Channel, ...] = (_by_mail,)


def send_event(member: MemberContext, event: AuditEvent) -> bool:
    """Tell the member of an event at once, unless they were or need not be any more; return whether it was.

    What is not told at once is in the digest.
    """
    move = queries.due_move(member, event)
    topic = queries.topic_of(member, event, move)
    if topic is not Topic.MOVE and queries.member_timings(member)[topic] is not Timing.AT_ONCE:
        return False
    position = queries.digest_position(member)
    if position is not None and event.at <= position.until:
        return False
    _, is_new = SentNotification.objects.get_or_create(
        relationship=member.relationship, person=member.membership.person, event=event
    )
    if is_new:
        words = _words(member)
        message = _move(member, event, move, words) if move and topic is Topic.MOVE else _news(member, event, words)
        _send(member, message)
    return is_new


def send_digest(member: MemberContext, now: datetime) -> bool:
    """Tell the member in one message what they were not told at once, where it is time; return whether it did."""
    position = queries.digest_position(member, lock=True)
    if not queries.digest_due(member, position, now):
        return False
    since, until = queries.digest_start(member, position, now), now - queries.DIGEST_MARGIN
    lines = queries.digest_lines(member, since, until)
    DigestPosition.objects.update_or_create(
        relationship=member.relationship, person=member.membership.person,
        defaults={"until": max(since, until), "at": now},
    )  # fmt: skip
    if not lines:
        return False
    words, waiting = _words(member), queries.count_waiting(member)
    groups = [_group(member, topic, [one for one in lines if one.topic is topic], words) for topic in Topic]
    values = {
        "updates": words("daily_digest.updates", count=len(lines)),
        "waiting": words("daily_digest.waiting", count=waiting) if waiting else words("daily_digest.nothing_waits"),
        "lines": "\n\n".join(filter(None, groups)),
    }
    _send(member, Message("daily_digest", page_path(member, "today"), values))
    return True


def _send(member: MemberContext, message: Message) -> None:
    settings_address = f"{settings.ADDRESS}{reverse('account')}#h-notifications"
    values = {**message.values, "settings": _words(member)("notifications.change", address=settings_address)}
    for channel in CHANNELS:
        channel(member, Message(message.key, message.path, values))


def _words(member: MemberContext) -> Words:
    return words_for(supported_language(member.membership.person.language))


def _move(member: MemberContext, event: AuditEvent, move: DueMove, words: Words) -> Message:
    """Return the message that it is the member's side's move."""
    paragraphs = (
        f"{event_line(member, event, words, move.matter)}.",
        move_facts(member, move, words),
        f"{due_sentence(member, move, words)} {silence_sentence(member, move, words)}".strip(),
    )
    values = {
        "thing": move_thing(member, move, event, words),
        "asked": move_asked(move, event, words),
        "text": "\n\n".join(filter(None, paragraphs)),
    }
    return Message("your_move", _page(member, event), values)


def _news(member: MemberContext, event: AuditEvent, words: Words) -> Message:
    """Return the message of an event that needs nothing; an entry of the record with its digest, to be kept."""
    kind = _ENTRY_KINDS.get(Event(event.event))
    if kind is None:
        return Message("activity", _page(member, event), {"text": event_line(member, event, words)})
    period = event.data["period"]
    entry = entries(member, ConsentSubject.PERIOD, period).filter(kind=kind).latest("number")
    values = {"period": spoken_period(period, words), "number": str(entry.number), "digest": entry.digest}
    return Message(f"head_{kind}", _page(member, event), values)


def _page(member: MemberContext, event: AuditEvent) -> str:
    """Return the path of the page that an event is about."""
    if event.subject_type == SubjectType.MATTER and event.subject_id is not None:
        return page_path(member, "matter", matter=event.subject_id)
    if event.event == Event.DELIVERY_WAITS and event.subject_id is not None:
        return page_path(member, "delivery", delivery=event.subject_id)
    if event.subject_type == SubjectType.PERIOD:
        return f"{page_path(member, 'review')}?period={event.data['period']}"
    return page_path(member, "records")


def _group(member: MemberContext, topic: Topic, lines: list[DigestLine], words: Words) -> str:
    """Return the lines of a topic below its heading; empty without any."""
    if not lines:
        return ""
    texts = [f"- {_line(member, one, words)}" for one in lines[-MAX_LINES:]]
    if len(lines) > MAX_LINES:
        texts.insert(0, f"- {words('daily_digest.more', count=len(lines) - MAX_LINES)}")
    of_silence = dict.fromkeys(silence_sentence(member, one.move, words) for one in lines if one.move is not None)
    return "\n".join([words(f"notifications.{topic}"), *texts, *filter(None, of_silence)])


def _line(member: MemberContext, line: DigestLine, words: Words) -> str:
    """Return one event of a digest, with its due time and its page."""
    at = moment(line.event.at, queries.reader_zone(member), words)
    due = "" if line.move is None else due_sentence(member, line.move, words)
    happened = event_line(member, line.event, words, None if line.move is None else line.move.matter)
    text = f"{at}: {happened}. {due}".rstrip()
    if line.event.event in _ENTRY_KINDS:
        period, kind = line.event.data["period"], _ENTRY_KINDS[Event(line.event.event)]
        entry = entries(member, ConsentSubject.PERIOD, period).filter(kind=kind).latest("number")
        text = f"{text} {words('daily_digest.entry', digest=entry.digest)}"
    return f"{text}\n  {settings.ADDRESS}{_page(member, line.event)}"
