"""Sentences for the events of the log, made when they are read: one catalogue key for each kind of event."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

from comity.apps.audit.models import EVENT_FIELDS, AuditEvent, Event
from comity.apps.i18n import spoken_period
from comity.apps.parties.models import Role
from comity.core.agreements.first_text import for_reader
from comity.core.agreements.kinds import WEEKDAYS
from comity.core.values import Side
from comity.review.i18n.words import Words, clean

PartyName = Callable[[Side | str | None], str]
_TITLE_MARK = "\x00"  # placeholder for the title in a sentence; PostgreSQL stores no text with it


@dataclass(frozen=True, slots=True)
class Sentence:
    """An event's sentence in three parts, so that a page can make the title a link.

    :ivar title: of the subject, within quotation marks; empty where the sentence names none
    """

    before: str
    title: str = ""
    after: str = ""

    def __str__(self) -> str:
        """Return the sentence as one text."""
        return self.before + self.title + self.after


def event_sentence(event: AuditEvent, words: Words, party: PartyName) -> Sentence:
    """Return an event's sentence in the reader's language; `Event.OTHER` as it was stored.

    :param party: gives the organisation's name for a side
    """
    data = event.data
    if event.event == Event.OTHER:
        return Sentence(clean(" ".join(english_texts(event)).rstrip()))
    keys = (f"audit.{event.event}.{data.get('kind')}", f"audit.{event.event}.other", f"audit.{event.event}")
    key = next(filter(words.has, keys))
    if not _has_all_fields(event):  # from before events were typed: the stored text is appended
        return Sentence(f"{words(key).partition('{')[0].rstrip()} {clean(data.get('about', ''))}".rstrip())
    before, mark, after = words(key, **_format_values(data, words, party)).partition(_TITLE_MARK)
    return Sentence(before, words("audit.title", title=for_reader(_title(data), words.language)) if mark else "", after)


def _has_all_fields(event: AuditEvent) -> bool:
    """Return whether an event's data has all of its fields."""
    return all(name in event.data for name in EVENT_FIELDS[Event(event.event)])


def _title(data: Mapping[str, Any]) -> str:
    """Return the title of the event's subject."""
    return clean(str(data.get("title", data.get("name", ""))))


def _format_values(data: Mapping[str, Any], words: Words, party: PartyName) -> dict[str, str]:
    """Return the values of a sentence's placeholders: roles, sides, periods and figures in the reader's words."""
    values = {name: _FORMATTERS.get(name, _verbatim)(str(value), words) for name, value in data.items()}
    return values | {"subject": _TITLE_MARK, "party": party(data.get("side"))}


def _verbatim(text: str, _: Words) -> str:
    return clean(text)


def _role(name: str, words: Words) -> str:
    return words(f"role.{name}").lower() if name in set(Role) else clean(name)


def _day(text: str, words: Words) -> str:
    with suppress(ValueError):
        return words.day(date.fromisoformat(text))
    return clean(text)


def _item(name: str, words: Words) -> str:
    """Return a table's name in words; a part of one as book.toml has it."""
    return words.named("table", name) if words.has(f"table.{name}") else clean(name)


def _weekdays(text: str, words: Words) -> str:
    """Return weekdays as `[opening]` names them in words."""
    names = text.split()
    if set(names) - set(WEEKDAYS):
        return clean(text)
    return words.listed([words.weekday(WEEKDAYS.index(name)) for name in names])


_FORMATTERS: Mapping[str, Callable[[str, Words], str]] = {
    "role": _role,
    "old": _role,
    "new": _role,
    "until": _day,
    "due": _day,
    "day": _day,
    "review_on": _day,
    "item": _item,
    "table": _item,
    "period": spoken_period,
    "open_days": _weekdays,
    "kpi": lambda name, words: words.named("measure", name),
    "reading": lambda name, words: words.named("reading", name),
}

# Action and subject for programs and files: in English for every reader, and the same from version to version.
_ENGLISH_FORMATS: Mapping[Event, tuple[str, str]] = {
    Event.RELATIONSHIP_FOUNDED: ("founded", "{customer} with {provider}"),
    Event.ORGANISATION_JOINED: ("joined organisation", "{old} > {new}"),
    Event.MEMBER_JOINED: ("joined", "{role}"),
    Event.MEMBER_LET_GO: ("let go", "{name}"),
    Event.INVITATION_MADE: ("invited", "{role} {side}"),
    Event.INVITATION_WITHDRAWN: ("withdrew invitation", "{role}"),
    Event.INVITATION_RENEWED: ("renewed invitation", "{role}"),
    Event.NEUTRAL_PROPOSED: ("proposed neutral", "{role}"),
    Event.NEUTRAL_AGREED: ("agreed to neutral", "{role}"),
    Event.ROLE_CHANGED: ("changed role", "{name}: {old} > {new}"),
    Event.FIRM_NAMED: ("named firm", "{name}: {firm}"),
    Event.FIRM_ENDED: ("ended firm", "{name}: {firm}"),
    Event.DEPUTY_NAMED: ("named deputy", "{deputy} > {name}, {until}"),
    Event.DEPUTY_ENDED: ("ended deputy", "{name}"),
    Event.ACCESS_REVIEWED: ("reviewed access", ""),
    Event.BOOK_BEGUN: ("began the book", ""),
    Event.DELIVERY_UPLOADED: ("uploaded", "{name}"),
    Event.DELIVERY_DESCRIBED: ("described", "{name}"),
    Event.DELIVERY_WAITS: ("waits", "{name}"),
    Event.DELIVERY_REFUSED: ("not usable", "{name}"),
    Event.DELIVERY_REPEATED: ("brought again", "{name}"),
    Event.DELIVERY_DROPPED: ("threw away", "{name}"),
    Event.DELIVERY_IMPORTED: ("brought in", "{name}"),
    Event.FIGURES_MOVED: ("moved figures", "{name}: {figures}"),
    Event.DELIVERY_UNDONE: ("took back", "{name}"),
    Event.DELIVERY_LATE: ("late delivery", "{table}, {side}, {due}"),
    Event.UNDO_FAILED: ("undo failed", "{name}"),
    Event.REJECTS_DISMISSED: ("dismissed rejects", "{name}, {rows}: {reason}"),
    Event.FORMAT_SHARED: ("shared a format", "{name}"),
    Event.FORMAT_UNSHARED: ("stopped sharing a format", "{name}"),
    Event.CORRECTION_MADE: ("corrected", "{name}"),
    Event.CORRECTION_FAILED: ("correction failed", "{name}"),
    Event.ITEM_HELD_BACK: ("held back", "{item}, {review_on}"),
    Event.ITEM_DISCLOSED: ("disclosed", "{item}"),
    Event.TERMS_CHANGED: (
        "changed terms of records",
        "{timezone}, {currency}, {month_starts_on}, {country}, {open_days}, {parts}",
    ),
    Event.TERMS_PROPOSED: (
        "proposed terms of records",
        "{timezone}, {currency}, {month_starts_on}, {country}, {open_days}, {parts}",
    ),
    Event.TERMS_DECLINED: (
        "declined terms of records",
        "{timezone}, {currency}, {month_starts_on}, {country}, {open_days}, {parts}",
    ),
    Event.TERMS_WITHDRAWN: (
        "withdrew terms of records",
        "{timezone}, {currency}, {month_starts_on}, {country}, {open_days}, {parts}",
    ),
    Event.TERMS_FAILED: (
        "terms of records not changed",
        "{timezone}, {currency}, {month_starts_on}, {country}, {open_days}, {parts}",
    ),
    Event.COMPLETE_SAID: ("records whole", "{table} to {day}"),
    Event.COMPLETE_ENDED: ("records not whole", "{table} to {day}"),
    Event.LOGO_SET: ("uploaded logo", "{side}"),
    Event.LOGO_REMOVED: ("removed logo", "{side}"),
    Event.HOLD_BACK_FAILED: ("not held back", "{item}"),
    Event.DISCLOSURE_FAILED: ("not disclosed", "{item}"),
    Event.MATTER_RAISED: ("raised {kind}", "{title}"),
    Event.MATTER_ACCEPTED: ("accept {kind}", "{title}"),
    Event.MATTER_REFUSED: ("refuse {kind}", "{title}"),
    Event.MATTER_COUNTERED: ("counter {kind}", "{title}"),
    Event.MATTER_COMMENTED: ("comment {kind}", "{title}"),
    Event.MATTER_WITHDRAWN: ("withdraw {kind}", "{title}"),
    Event.MATTER_DONE: ("done {kind}", "{title}"),
    Event.MATTER_CONFIRMED: ("confirm done {kind}", "{title}"),
    Event.MATTER_NOT_DONE: ("not done {kind}", "{title}"),
    Event.MATTER_LET_OFF: ("let off {kind}", "{title}"),
    Event.MATTER_BROKEN: ("cannot {kind}", "{title}"),
    Event.MATTER_TAKEN_BACK: ("take back answer {kind}", "{title}"),
    Event.MATTER_ASKED_BACK: ("ask back {kind}", "{title}"),
    Event.MATTER_REPLIED: ("reply {kind}", "{title}"),
    Event.MATTER_CLOSED: ("close {kind}", "{title}"),
    Event.MATTER_MERGED: ("merge {kind}", "{title}"),
    Event.MATTER_DAY_PROPOSED: ("propose day {kind}", "{title}"),
    Event.MATTER_PAUSE_PROPOSED: ("propose pause {kind}", "{title}"),
    Event.MATTER_DAY_TAKEN: ("take day {kind}", "{title}"),
    Event.MATTER_REOPENED: ("reopen {kind}", "{title}"),
    Event.MATTER_ACKNOWLEDGED: ("acknowledge {kind}", "{title}"),
    Event.MATTER_ESCALATED: ("escalate {kind}", "{title}"),
    Event.MATTER_BROUGHT_DOWN: ("bring down {kind}", "{title}"),
    Event.MATTER_OBJECTED: ("object {kind}", "{title}"),
    Event.MATTER_WARNED: ("gave notice {kind}", "{title}"),
    Event.MATTER_DUE: ("due {kind}", "{title}, {due}"),
    Event.MATTER_UNDONE: ("not carried out {kind}", "{title}, {due}"),
    Event.NOTICE_RECEIVED: ("received notice {kind}", "{title}"),
    Event.NOTICE_FAILED: ("notice failed {kind}", "{title}"),
    Event.MATTER_LATE: ("late {kind}", "{title}"),
    Event.MATTER_LAPSED: ("lapse {kind}", "{title}"),
    Event.MATTER_HANDED_OVER: ("handed over", "{title} > {to}"),
    Event.MATTER_REMINDED: ("remind {kind}", "{title}"),
    Event.MATTER_DEEMED: ("deem {kind}", "{title}"),
    Event.PERIOD_WHOLE: ("whole", "{period}"),
    Event.PERIOD_CONFIRMED: ("confirmed", "{period}"),
    Event.PERIOD_RESTATED: ("restated", "{period}"),
    Event.PERIOD_COMMENTED: ("commented on", "{period}, version {number}"),
    Event.PERIOD_REMINDED: ("reminded of period", "{period}, {side}"),
    Event.PERIOD_DEEMED: ("confirmed by silence", "{period}, {side}"),
    Event.CONFIRMATION_VOID: ("confirmation void", "{period}, {side}"),
    Event.PERIOD_FROZEN: ("frozen", "{period}, entry {number}"),
    Event.CALENDAR_PROPOSED: ("proposed calendar", "{side}"),
    Event.CALENDAR_AGREED: ("agreed to calendar", "{side}"),
    Event.KPIS_PROPOSED: ("proposed KPIs", "{side}"),
    Event.KPIS_AGREED: ("agreed to KPIs", "{side}"),
    Event.KPIS_WRITTEN: ("applied KPIs", "entry {number}"),
    Event.KPIS_WITHDRAWN: ("withdrew KPIs", "{side}"),
    Event.KPIS_TRIED: ("applied KPIs not agreed", "{side}"),
    Event.CHANGE_SHARED: ("shared draft", "{title}"),
    Event.CHANGE_PROPOSED: ("proposed change", "{number} {title}"),
    Event.CHANGE_COUNTERED: ("countered change", "{number} {title}"),
    Event.CHANGE_WAIVED: ("waived notice", "{number} {title}"),
    Event.CHANGE_SIGNED: ("signed change", "{number} {title}"),
    Event.CHANGE_AGREED: ("agreed change", "{number} {title}"),
    Event.CHANGE_DECLINED: ("declined change", "{number} {title}"),
    Event.CHANGE_WITHDRAWN: ("withdrew change", "{number} {title}"),
    Event.CHANGE_WRITTEN: ("applied agreement", ""),
    Event.REASON_MARKED: ("marked reason", "{number} {title}"),
    Event.PRIORITIES_STARTED: ("started priorities", "{until}"),
    Event.PRIORITIES_WITHDRAWN: ("withdrew priorities", ""),
    Event.PRIORITIES_EXPIRED: ("priorities ended", ""),
    Event.PRIORITIES_REVEALED: ("opened priorities", "{number}"),
    Event.JOINT_ORDER_PROPOSED: ("proposed joint order", ""),
    Event.JOINT_ORDER_AGREED: ("agreed to joint order", "{number}"),
    Event.REMARK_MADE: ("commented on change", "{title}"),
    Event.REMARK_WITHDRAWN: ("withdrew comment on change", "{title}"),
    Event.DECISION_DISPUTED: ("disputed decision day", "{number} {title}"),
    Event.BENEFIT_SAID: ("judged benefit", "{number} {title}"),
    Event.TERM_REMINDED: ("reminded of {kind} of term", "{due}"),
    Event.CHANGE_LAPSED: ("change lapsed", "{number} {title}"),
    Event.FIRST_ASKED: ("asked to carry out first", "{number} {title}"),
    Event.FIRST_ACCEPTED: ("accepted to carry out first", "{number} {title}"),
    Event.FIRST_DECLINED: ("declined to carry out first", "{number} {title}"),
    Event.FIRST_TAKEN_BACK: ("took back carrying out", "{number} {title}"),
    Event.FIRST_OVERDUE: ("carried out and not agreed", "{number} {title}"),
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
    Event.MATTER_ERASED: ("erased {kind}", ""),
    Event.PERSON_ERASED: ("erased person", "{called}"),
    Event.WORDING_ERASED: ("erased words of ledger entry", "{entry}"),
    Event.LEDGER_CHANGE_PROPOSED: ("proposed ledger {kind}", "{side}"),
    Event.LEDGER_CHANGE_AGREED: ("agreed to ledger {kind}", "{side}"),
    Event.LEDGER_CHANGE_DROPPED: ("dropped ledger {kind}", "{side}"),
    Event.LEDGER_OPENED_ENDED: ("ended opened promise {kind}", "{side}"),
    Event.LEDGER_READ: ("read ledger", "{name}"),
    Event.COPY_REQUESTED: ("took copy", ""),
    Event.COPY_READ: ("read copy", ""),
    Event.OTHER: ("{action}", "{about}"),
}


def english_texts(event: AuditEvent) -> tuple[str, str]:
    """Return action and subject in English, for programs and files, beside the exact `event`, `subject` and `data`."""
    action, about = _ENGLISH_FORMATS[Event(event.event)]
    action = action.format(**{"kind": "", **event.data}).strip()
    return action, about.format(**event.data) if _has_all_fields(event) else event.data.get("about", "")
