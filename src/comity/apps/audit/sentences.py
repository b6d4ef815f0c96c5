"""Events of the log as sentences, made when they are read: one key of the catalogues for each kind of event."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from comity.apps.audit.models import FIELDS, AuditEvent, Event
from comity.apps.i18n import spoken_period
from comity.apps.parties.models import Role
from comity.core.values import Side
from comity.review.i18n.words import Words, clean

Party = Callable[[Side | str | None], str]
_MARK = "\x00"  # where the title stands in a sentence; PostgreSQL holds no text with it


@dataclass(frozen=True, slots=True)
class Sentence:
    """What an event says, in three parts, so that a page can make the title a link.

    :ivar title: of what it was done to, within quotation marks; empty where the sentence names none
    """

    before: str
    title: str = ""
    after: str = ""

    def __str__(self) -> str:
        """As one text."""
        return self.before + self.title + self.after


def sentence(event: AuditEvent, words: Words, party: Party) -> Sentence:
    """An event in the reader's language; what is not understood stands as it was written.

    :param party: the name of who stands on a side
    """
    data = event.data
    if event.event == Event.OTHER:
        return Sentence(clean(" ".join(in_english(event)).rstrip()))
    keys = (f"audit.{event.event}.{data.get('kind')}", f"audit.{event.event}.other", f"audit.{event.event}")
    key = next(filter(words.has, keys))
    if not _known(event):  # of before there were typed events: all that was written stands at the sentence's end
        return Sentence(f"{words(key).partition('{')[0].rstrip()} {clean(data.get('about', ''))}".rstrip())
    before, mark, after = words(key, **_values(data, words, party)).partition(_MARK)
    return Sentence(before, words("audit.title", title=_title(data)) if mark else "", after)


def _known(event: AuditEvent) -> bool:
    """Whether an event's data has all of its fields."""
    return all(name in event.data for name in FIELDS[Event(event.event)])


def _title(data: Mapping[str, Any]) -> str:
    """What the thing that it was done to is called."""
    return clean(str(data.get("title", data.get("name", ""))))


def _values(data: Mapping[str, Any], words: Words, party: Party) -> dict[str, str]:
    """What fills the places of a sentence: names of roles, sides, periods and figures in the reader's words."""
    values = {name: _SPOKEN.get(name, _as_it_is)(str(value), words) for name, value in data.items()}
    return values | {"subject": _MARK, "party": party(data.get("side"))}


def _as_it_is(text: str, _: Words) -> str:
    return clean(text)


def _role(name: str, words: Words) -> str:
    return words(f"role.{name}").lower() if name in set(Role) else clean(name)


def _day(text: str, words: Words) -> str:
    with suppress(ValueError):
        return words.day(date.fromisoformat(text))
    return clean(text)


def _item(name: str, words: Words) -> str:
    """A table in words; what is only a part of one as book.toml has it."""
    return words.named("table", name) if words.has(f"table.{name}") else clean(name)


_SPOKEN: Mapping[str, Callable[[str, Words], str]] = {
    "role": _role,
    "old": _role,
    "new": _role,
    "until": _day,
    "review_on": _day,
    "item": _item,
    "period": spoken_period,
    "kpi": lambda name, words: words.named("measure", name),
    "reading": lambda name, words: words.named("reading", name),
}

# For programs and files: what was done, and to what; in English whoever reads it, and the same from version to version.
_ENGLISH: Mapping[Event, tuple[str, str]] = {
    Event.RELATIONSHIP_FOUNDED: ("founded", "{customer} with {provider}"),
    Event.ORGANISATION_JOINED: ("joined organisation", "{old} > {new}"),
    Event.MEMBER_JOINED: ("joined", "{role}"),
    Event.MEMBER_LET_GO: ("let go", "{name}"),
    Event.INVITATION_MADE: ("invited", "{role} {side}"),
    Event.INVITATION_WITHDRAWN: ("withdrew invitation", "{role}"),
    Event.NEUTRAL_PROPOSED: ("proposed neutral", "{role}"),
    Event.NEUTRAL_AGREED: ("agreed to neutral", "{role}"),
    Event.ROLE_CHANGED: ("changed role", "{name}: {old} > {new}"),
    Event.DEPUTY_NAMED: ("named deputy", "{deputy} > {name}, {until}"),
    Event.DEPUTY_ENDED: ("ended deputy", "{name}"),
    Event.ACCESS_REVIEWED: ("reviewed access", ""),
    Event.BOOK_BEGUN: ("began the book", ""),
    Event.DELIVERY_UPLOADED: ("uploaded", "{name}"),
    Event.DELIVERY_DESCRIBED: ("described", "{name}"),
    Event.DELIVERY_REFUSED: ("not usable", "{name}"),
    Event.DELIVERY_REPEATED: ("brought again", "{name}"),
    Event.DELIVERY_DROPPED: ("threw away", "{name}"),
    Event.DELIVERY_IMPORTED: ("brought in", "{name}"),
    Event.DELIVERY_UNDONE: ("took back", "{name}"),
    Event.UNDO_FAILED: ("undo failed", "{name}"),
    Event.CORRECTION_MADE: ("corrected", "{name}"),
    Event.CORRECTION_FAILED: ("correction failed", "{name}"),
    Event.ITEM_HELD_BACK: ("held back", "{item}, {review_on}"),
    Event.ITEM_DISCLOSED: ("disclosed", "{item}"),
    Event.HOLD_BACK_FAILED: ("not held back", "{item}"),
    Event.DISCLOSURE_FAILED: ("not disclosed", "{item}"),
    Event.MATTER_RAISED: ("raised {kind}", "{title}"),
    Event.MATTER_ACCEPTED: ("accept {kind}", "{title}"),
    Event.MATTER_REFUSED: ("refuse {kind}", "{title}"),
    Event.MATTER_COUNTERED: ("counter {kind}", "{title}"),
    Event.MATTER_COMMENTED: ("comment {kind}", "{title}"),
    Event.MATTER_WITHDRAWN: ("withdraw {kind}", "{title}"),
    Event.MATTER_DONE: ("done {kind}", "{title}"),
    Event.MATTER_HANDED_OVER: ("handed over", "{title} > {to}"),
    Event.MATTER_REMINDED: ("remind {kind}", "{title}"),
    Event.MATTER_DEEMED: ("deem {kind}", "{title}"),
    Event.PERIOD_CONFIRMED: ("confirmed", "{period}"),
    Event.PERIOD_RESTATED: ("restated", "{period}"),
    Event.PERIOD_REMINDED: ("reminded of period", "{period}, {side}"),
    Event.PERIOD_DEEMED: ("confirmed by silence", "{period}, {side}"),
    Event.CONFIRMATION_VOID: ("confirmation void", "{period}, {side}"),
    Event.PERIOD_FROZEN: ("frozen", "{period}, entry {number}"),
    Event.CALENDAR_PROPOSED: ("proposed calendar", "{side}"),
    Event.CALENDAR_AGREED: ("agreed to calendar", "{side}"),
    Event.SILENCE_ALLOWED: ("allowed silence", "{side}"),
    Event.SILENCE_DISALLOWED: ("disallowed silence", "{side}"),
    Event.MATTER_READ: ("read matter", "{title}"),
    Event.EVIDENCE_READ: ("read evidence", "{name}"),
    Event.DELIVERY_READ: ("read delivery", "{name}"),
    Event.REVIEW_READ: ("read review", "{period}"),
    Event.REVIEW_FILE_READ: ("read file", "{name}"),
    Event.FIGURE_READ: ("read figure", "{kpi} {period}"),
    Event.READING_READ: ("read reading", "{reading} {period}"),
    Event.ATTRIBUTION_READ: ("read attribution", "{kpi} {period}"),
    Event.RECORD_READ: ("read record", ""),
    Event.OTHER: ("{action}", "{about}"),
}


def in_english(event: AuditEvent) -> tuple[str, str]:
    """What was done and to what, for programs and files; beside `event`, `subject` and `data`, which say it exactly."""
    action, about = _ENGLISH[Event(event.event)]
    action = action.format(**{"kind": "", **event.data}).strip()
    return action, about.format(**event.data) if _known(event) else event.data.get("about", "")
