"""Texts of notifications in the reader's language: what happened, what is to be done by when, and what silence does."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.sentences import event_sentence
from comity.apps.i18n import spoken_period
from comity.apps.matters.models import Matter
from comity.apps.matters.sentences import correction_counts, figure_name, matter_facts
from comity.apps.notifications.queries import DueMove, reader_zone, silence_may_confirm
from comity.apps.parties.member_context import MemberContext
from comity.apps.replies.queries import reply_due
from comity.core.matters.kinds import KINDS, Kind
from comity.core.matters.transitions import OPEN, TO_DO, State
from comity.core.values import Period, Side
from comity.review.i18n.words import Words, clean


def event_line(member: MemberContext, event: AuditEvent, words: Words, matter: Matter | None = None) -> str:
    """Return what happened, in one line without a full stop: who, and what they did.

    :param matter: that the event is about, whose title may be in the reader's language
    """
    if matter is not None:
        event.data["title"] = matter_title(matter, words)
    who = words("log.nobody") if event.person is None else clean(event.person.name)
    return f"{who} {event_sentence(event, words, member.party(words))}"


def moment(at: datetime, zone: ZoneInfo, words: Words) -> str:
    """Return a day and the time of day."""
    local_time = at.astimezone(zone)
    return words("notifications.moment", day=words.day(local_time.date()), time=f"{local_time:%H:%M %Z}")


def matter_title(matter: Matter, words: Words) -> str:
    """Return the title of a matter; of a correction, which an import has titled, in the reader's language."""
    if matter.kind != Kind.CORRECTION:
        return clean(matter.title)
    rows = words.number(sum(matter.records["counts"].values()))
    party = clean(matter.relationship.organisation(Side(matter.answers)).name)
    return words("correction.title", table=words.named("table", matter.records["table"]), rows=rows, party=party)


def move_thing(member: MemberContext, move: DueMove, event: AuditEvent, words: Words) -> str:
    """Return what a move is about, in a few words: the figure and its period, or the title."""
    if move.consent is not None:
        return spoken_period(move.consent.subject, words)
    if move.period:
        return spoken_period(move.period, words)
    if move.file:
        return clean(move.file)
    matter = move.matter
    if matter is None:
        table = words.named("table", event.data["table"])
        return f"{table[:1].upper()}{table[1:]}"
    if not matter.kpi:
        return matter_title(matter, words)
    when = spoken_period(matter.period, words) if matter.period else ""
    if not when and matter.from_day is not None and matter.to_day is not None:
        days = Period(matter.from_day, matter.to_day + timedelta(days=1))
        when = words.day(matter.from_day) if matter.from_day == matter.to_day else words.days(days)
    return ", ".join(filter(None, (figure_name(member, matter.kpi, words), when)))


def move_asked(move: DueMove, event: AuditEvent, words: Words) -> str:
    """Return what is to be done, in a few words: *a claim waits for your answer*."""
    matter = move.matter
    if move.period:
        return words("your_move.undone" if event.event == Event.MATTER_UNDONE else "your_move.whole")
    if move.file:
        return words("your_move.file")
    if matter is None:
        return words("your_move.confirm" if move.consent is not None else "your_move.deliver", **_due_day(event, words))
    if event.event == Event.MATTER_HANDED_OVER:
        return words("your_move.handed_over")
    if State(matter.state) in TO_DO and matter.due_on is not None:
        key = "your_move.carry_out" if matter.kind == Kind.DISPUTE else "your_move.to_do"
        return words(key, day=words.day(matter.due_on))
    keys = (f"your_move.{matter.state}.{matter.kind}", f"your_move.{matter.state}.other", "your_move.other")
    return words(next(filter(words.has, keys)))


def _due_day(event: AuditEvent, words: Words) -> dict[str, str]:
    return {"day": words.day(datetime.fromisoformat(event.data["due"]).date())} if "due" in event.data else {}


def move_facts(member: MemberContext, move: DueMove, words: Words) -> str:
    """Return what a matter asks for, a fact a line; nothing that its words or files say."""
    if move.matter is None:
        return ""
    facts = correction_counts(move.matter, words) or matter_facts(member, move.matter, words)
    return "\n".join(f"{label}: {text}" for label, text in facts)


def due_sentence(member: MemberContext, move: DueMove, words: Words) -> str:
    """Return by when a move is due; empty where no day is set."""
    zone, matter = reader_zone(member), move.matter
    if matter is not None and State(matter.state) in TO_DO:
        return "" if matter.due_on is None else words("your_move.due_on", day=words.day(matter.due_on))
    if matter is not None:
        return "" if matter.reply_by is None else words("your_move.due", at=moment(matter.reply_by, zone, words))
    if move.consent is None:
        return ""
    due = reply_due(member.relationship, move.side, move.consent.at, str(zone))
    return words("your_move.due", at=moment(due, zone, words))


def silence_sentence(member: MemberContext, move: DueMove, words: Words) -> str:
    """Return what happens without an answer; empty where none is asked for."""
    if move.consent is not None:
        counts = silence_may_confirm(member, move.side, move.consent)
        return words("your_move.silence_confirms" if counts else "your_move.silence_confirms_nothing")
    if move.period:
        return words("your_move.silence_confirms_nothing")
    if move.matter is None or State(move.matter.state) not in OPEN:
        return ""
    changes_records = KINDS[Kind(move.matter.kind)].changes_records
    return words("your_move.silence_changes_nothing" if changes_records else "your_move.silence_accepts_nothing")
