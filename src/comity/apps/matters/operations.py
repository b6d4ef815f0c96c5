"""Moves in a matter: who may make which, their consequences, and when a reply is due."""

import hashlib
import json
import logging
import math
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.core.cache import cache
from django.db import connection, transaction
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import announce, audit
from comity.apps.books.operations import accept_correction, refuse_correction, write_rows
from comity.apps.books.queries import zone as zone_of
from comity.apps.ledger.operations import keep_calendar, lock_for_posting
from comity.apps.matters import book_rows, notices, queries
from comity.apps.matters.models import Evidence, Matter, Opened, SilenceNotice, Step
from comity.apps.matters.queries import LATE
from comity.apps.matters.refusals import Code
from comity.apps.parties.mailing import page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Role
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies.queries import calendar_of, closing_after, was_heard
from comity.apps.replies.reminders import members_with_right, send_reminder
from comity.core.calendars import UnknownPeriodError
from comity.core.matters import clocks, history, silence, transitions
from comity.core.matters.history import Mark
from comity.core.matters.kinds import KINDS, Follows, Kind, Raiser, Term, Wrong, is_promise
from comity.core.matters.posture import serving_side
from comity.core.matters.time_bars import ANSWERS, Late, Passed, lateness
from comity.core.matters.transitions import (
    BESIDE,
    BROKEN_AFTER_DAYS,
    CARRY_OUT_DAYS,
    IN_THE_BOOK,
    OPEN,
    TAKE_BACK_TIME,
    TAKEN_BACK,
    Actor,
    Move,
    Party,
    Refusal,
    Standing,
    State,
)
from comity.core.values import Side
from comity.review.claim_effect import ClaimEffect
from comity.review.i18n.words import Words

MAX_EVIDENCE_BYTES = 10 * 1024 * 1024
_NOTICE_INTERVAL_S = 86_400
_MORNING_HOUR = 6  # from which on the day of owed work is told of
LATE_AFTER = timedelta(days=45)  # a claim raised longer after its last day is marked late


REPEAT_TIME = timedelta(minutes=1)  # within which the same words of the same person are a button pressed twice


@dataclass(frozen=True, slots=True)
class NewMatter:
    """A matter to be raised."""

    kind: Kind
    title: str
    text: str
    kpi: str = ""
    period: str = ""
    queue: str = ""
    from_day: date | None = None
    to_day: date | None = None
    asked_for: str = ""
    event: str = ""
    owner: Membership | None = None
    due_on: date | None = None
    wrong: str = ""
    value: Decimal | None = None  # in the unit of the figure: a share from 0 to 1
    wording: str = ""
    before: str = ""
    price: str = ""
    cause: str = ""
    failed: str = ""
    proposes: str = ""
    becomes: str = ""
    untold: str = ""
    department: str = ""
    prompted_by: Matter | None = None
    event_on: date | None = None
    aware_on: date | None = None
    formal_under: str = ""
    about: str = ""
    about_name: str = ""
    external_system: str = ""
    external_id: str = ""
    external_url: str = ""
    mark: str = ""


# What a new matter says beside its kind's own fields.
_SAID = (
    "wording", "before", "price", "cause", "failed", "proposes", "becomes", "untold", "department", "prompted_by",
    "event_on", "aware_on", "formal_under", "about", "about_name", "external_system", "external_id", "external_url",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Terms:
    """Terms of a counter-proposal, and what follows from an acceptance; what is None stays as it was."""

    from_day: date | None = None
    to_day: date | None = None
    queue: str | None = None
    asked_for: str | None = None
    owner: Membership | None = None
    due_on: date | None = None
    value: Decimal | None = None
    follows: str | None = None
    wording: str | None = None
    price: str | None = None
    cause: str | None = None
    becomes: str | None = None

    def apply_to(self, matter: Matter) -> None:
        """Set the terms of a matter, as far as its kind has them.

        :raises Refused: for days out of order
        """
        for name in KINDS[Kind(matter.kind)].countered:
            value = getattr(self, name)
            if value is not None:
                setattr(matter, name, value)
        if matter.from_day is not None and matter.to_day is not None and matter.to_day < matter.from_day:
            raise Refused(Code.ORDER)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a step says beside its text and its terms.

    :ivar mark: a `Mark`: what the side reserves with it
    :ivar answers: the number of the step that it answers to, where somebody chose it
    :ivar day: another day, or the last day of a pause
    :ivar into: the matter into which one is merged
    :ivar objects: what is objected to, posture, nature or that it is late, and the value that the side says instead
    :ivar objects_to_late: with an answer, that the matter was raised late
    """

    mark: str = ""
    answers: int | None = None
    day: date | None = None
    into: Matter | None = None
    objects: tuple[str, str] | None = None
    objects_to_late: bool = False


@dataclass(frozen=True, slots=True)
class EvidenceFile:
    """A file that is uploaded as evidence."""

    name: str
    content: bytes


def raise_matter(member: MemberContext, new_matter: NewMatter, zone: str, files: Sequence[EvidenceFile] = ()) -> Matter:
    """Raise a matter for the member's side.

    :raises Refused: for those on neither side, without the right, for days out of order or over, for a dispute without
        figure, period or reason, and for a file that is too large
    """
    side = member.side
    spec = KINDS[new_matter.kind]
    if side is None or not member.may(Action(spec.raised_with)) or spec.raised_by is Raiser.IMPORT:
        raise Refused(Code.NOT_YOURS)
    now = timezone.now()
    matter = Matter(
        relationship=member.relationship,
        kind=new_matter.kind,
        asks=side.value,
        answers=side.other.value,
        title=new_matter.title,
        kpi=new_matter.kpi,
        period=new_matter.period,
        queue=new_matter.queue,
        from_day=new_matter.from_day,
        to_day=new_matter.to_day,
        asked_for=new_matter.asked_for,
        event=new_matter.event,
        owner=new_matter.owner,
        due_on=new_matter.due_on,
        raised_at=now,
        asks_with=member.membership,
        **{name: getattr(new_matter, name) for name in _SAID},
    )
    serves = serving_side(new_matter.kind, side, Side(new_matter.failed) if new_matter.failed else None)
    matter.serves = "" if serves is None else serves.value
    _check_required(matter)
    if new_matter.kind is Kind.DISPUTE:
        _set_disputed_figure(member, matter, new_matter)
    else:
        _check_days(matter, now.astimezone(ZoneInfo(zone)).date())
    matter.late = _is_late(member, matter, now, zone)
    if matter.formal_under:
        notices.check(member, matter)  # its clock starts with its receipt
    else:
        matter.reply_by = _reply_by(member, matter, now, zone)
    with transaction.atomic():
        save_raised_matter(member, matter, new_matter.text, files, new_matter.mark)
        _write_claim(matter, zone)
        if matter.formal_under:
            notices.defer_sending(matter)
    return matter


def just_raised(member: MemberContext, new_matter: NewMatter) -> Matter | None:
    """Return the matter that the member raised a moment ago with the same words; None where there is none.

    It waits for a request of the same relationship that is under way: of two that a double click sends, the second
    finds what the first has saved.
    """
    lock_for_posting(member)
    moment = timezone.now() - REPEAT_TIME
    same = {name: getattr(new_matter, name) for name in ("kind", "title", "kpi", "period", "queue")}
    days = {name: getattr(new_matter, name) for name in ("from_day", "to_day", "due_on") if getattr(new_matter, name)}
    if new_matter.kind is Kind.DISPUTE:  # whose days follow from its period
        days = {}
        with suppress(UnknownPeriodError):
            same["period"], _ = queries.disputed_period(member, new_matter.period)
    raised = Matter.objects.filter(relationship=member.relationship, raised_at__gte=moment, **same, **days)
    first = Step.objects.filter(
        matter__in=raised, number=1, person=member.membership.person, text=new_matter.text.strip()
    )
    step = first.select_related("matter").order_by("-at").first()
    return None if step is None else step.matter


def just_commented(member: MemberContext, matter: Matter, text: str) -> bool:
    """Whether the last step of a matter is the member's own comment of a moment ago, in the same words."""
    lock_for_posting(member)
    last = queries.steps(matter).last()
    return (
        last is not None
        and last.move == Move.COMMENT
        and (last.person_id, last.text) == (member.membership.person_id, text.strip())
        and last.at >= timezone.now() - REPEAT_TIME
    )


# Refused with sentences of their own, or raised without by programs from the first day on.
_REQUIRED_ELSEWHERE = frozenset({Kind.DISPUTE, Kind.CLAIM, Kind.ACTION, Kind.CORRECTION})


def _check_required(matter: Matter) -> None:
    """Check that a matter has what its kind requires.

    :raises Refused: naming what is missing, and for a matter that is linked to one of another relationship
    """
    kind = Kind(matter.kind)
    if kind not in _REQUIRED_ELSEWHERE:
        missing = [name.value for name in Term if name in KINDS[kind].required and not getattr(matter, name.value)]
        if missing:
            raise Refused(Code.INCOMPLETE, fields=", ".join(missing))
    if matter.prompted_by is not None and matter.prompted_by.relationship_id != matter.relationship_id:
        raise Refused(Code.NOT_YOURS)


def _check_days(matter: Matter, today: date) -> None:
    """Check the days of a matter.

    :raises Refused: for days out of order, and for work that would be due before today
    """
    if matter.from_day is not None and matter.to_day is not None and matter.to_day < matter.from_day:
        raise Refused(Code.ORDER)
    if matter.kind != Kind.DISPUTE and matter.due_on is not None and matter.due_on < today:
        raise Refused(Code.PAST)


def _is_late(member: MemberContext, matter: Matter, now: datetime, zone: str) -> bool:
    """Return whether a matter is raised after its time: by the agreed time bar, else long after a claim's last day.

    The database knows the same rules (`migrations/0019_formal_notices.py`).

    :raises Refused: where both agreed that a late one cannot be raised, or only as a formal notice
    """
    today = now.astimezone(ZoneInfo(zone)).date()
    bar = queries.agreed_time_bar(member, Kind(matter.kind), today)
    if bar is None:
        is_long_ago = matter.to_day is not None and matter.to_day < (now - LATE_AFTER).date()
        return is_long_ago and matter.kind != Kind.DISPUTE
    event, formal = matter.event_on or matter.to_day, bool(matter.formal_under)
    late = lateness(bar, today, event, matter.aware_on, formal=formal)
    if late is Late.BARRED:
        needs_notice = not formal and lateness(bar, today, event, matter.aware_on, formal=True) is None
        raise Refused(Code.NEEDS_NOTICE if needs_notice else Code.BARRED, days=bar.days)
    return late is Late.MARKED


def _set_disputed_figure(member: MemberContext, matter: Matter, new_matter: NewMatter) -> None:
    """Set the figure, the period with its days, what is wrong and the claimed value of a dispute.

    :raises Refused: where one is missing or unknown
    """
    if not new_matter.kpi or not new_matter.period or new_matter.wrong not in set(Wrong):
        raise Refused(Code.INCOMPLETE_DISPUTE)
    try:
        name, period = queries.disputed_period(member, new_matter.period)
    except UnknownPeriodError:
        raise Refused(Code.UNKNOWN_PERIOD) from None
    unit = queries.figure_unit(member, new_matter.kpi)
    if unit is None:
        raise Refused(Code.UNKNOWN_FIGURE)
    matter.period, matter.from_day, matter.to_day = name, period.start, period.end - timedelta(days=1)
    matter.wrong, matter.value, matter.unit = new_matter.wrong, new_matter.value, unit
    matter.due_on = None


def save_raised_matter(
    member: MemberContext, matter: Matter, text: str, files: Sequence[EvidenceFile] = (), mark: str = ""
) -> Step:
    """Save a new matter of the member's side, and its first step.

    :raises Refused: for a file that is too large
    """
    matter.save(force_insert=True)
    terms = _terms_json(matter) | _computed_json(member, matter)
    step = _add_step(member, matter, Move.RAISE, text, terms=terms, beside=Beside(mark=mark))
    _audit_move(member, matter, Move.RAISE, _save_evidence(step, files))
    book_rows.defer_writing(member)
    return step


_AUDIT_EVENTS = {
    Move.RAISE: Event.MATTER_RAISED,
    Move.AGREE: Event.MATTER_ACCEPTED,
    Move.DECLINE: Event.MATTER_REFUSED,
    Move.COUNTER: Event.MATTER_COUNTERED,
    Move.COMMENT: Event.MATTER_COMMENTED,
    Move.WITHDRAW: Event.MATTER_WITHDRAWN,
    Move.DONE: Event.MATTER_DONE,
    Move.HAND_OVER: Event.MATTER_HANDED_OVER,
    Move.CONFIRM: Event.MATTER_CONFIRMED,
    Move.NOT_DONE: Event.MATTER_NOT_DONE,
    Move.LET_OFF: Event.MATTER_LET_OFF,
    Move.CANNOT: Event.MATTER_BROKEN,
    Move.TAKE_BACK: Event.MATTER_TAKEN_BACK,
    Move.ASK_BACK: Event.MATTER_ASKED_BACK,
    Move.REPLY: Event.MATTER_REPLIED,
    Move.CLOSE: Event.MATTER_CLOSED,
    Move.MERGE: Event.MATTER_MERGED,
    Move.OTHER_DAY: Event.MATTER_DAY_PROPOSED,
    Move.PAUSE: Event.MATTER_PAUSE_PROPOSED,
    Move.TAKE: Event.MATTER_DAY_TAKEN,
    Move.REOPEN: Event.MATTER_REOPENED,
    Move.ACKNOWLEDGE: Event.MATTER_ACKNOWLEDGED,
    Move.ESCALATE: Event.MATTER_ESCALATED,
    Move.BRING_DOWN: Event.MATTER_BROUGHT_DOWN,
    Move.OBJECT: Event.MATTER_OBJECTED,
}  # what is nobody's move, the database adds itself (`migrations/0011_audit.py`)


def _audit_move(
    member: MemberContext,
    matter: Matter,
    requested: Move,
    evidence: Sequence[Evidence],
    handed_to: Membership | None = None,
) -> None:
    """Log a move with its matter, to whom it was handed over, and the names of its evidence."""
    data: dict[str, object] = {"kind": matter.kind, "title": matter.title}
    if handed_to is not None:
        data |= {"to": handed_to.person.name, "to_id": str(handed_to.pk)}
    if evidence:
        data["evidence"] = [file.name for file in evidence]
    audit(member, _AUDIT_EVENTS[requested], matter, data, shared=True)


def first_reply_due(member: MemberContext, matter: Matter, zone: str) -> datetime:
    """Return when the other side's answer is due to a matter that is raised now."""
    return _reply_by(member, matter, timezone.now(), zone)


# Moves that take the right to answer of the kind; the others take the right to act.
_ANSWERING_MOVES = {
    Move.AGREE, Move.COUNTER, Move.DECLINE, Move.TAKE_BACK, Move.ASK_BACK, Move.REPLY, Move.CLOSE, Move.REOPEN,
}  # fmt: skip


def _party(member: MemberContext, matter: Matter) -> Party | None:
    """Return the member's part in a matter."""
    if member.side is None:
        return None
    return Party.ASKS if member.side == matter.asks else Party.ANSWERS


def _last_move(matter: Matter) -> Step | None:
    """Return the step that brought a matter where it is; None for one that nobody has moved."""
    return Step.objects.filter(matter=matter, number=matter.last_move).first() if matter.last_move else None


def _standing(matter: Matter, last: Step | None) -> Standing:
    """Return where a matter stands, with its last move."""
    if last is None:
        return matter.standing()
    party = None if last.side is None else Party.ASKS if last.side == matter.asks else Party.ANSWERS
    return matter.standing((Move(last.move), party))


def _actor(member: MemberContext, matter: Matter, last: Step | None) -> Actor:
    """Return the member's part in a matter, and what its side may still undo or end."""
    party = _party(member, matter)
    if party is None or member.side is None:
        return Actor(None)
    may_take_back = (
        last is not None
        and last.side == member.side.value
        and last.move in TAKEN_BACK
        and last.at > timezone.now() - TAKE_BACK_TIME
        and not queries.was_opened(matter, member.side.other)
        and not queries.was_acted_on(last, member.side.other)
    )
    may_close = last is not None and last.move == Move.ASK_BACK and timezone.now() >= _closes_at(member, matter, last)
    return Actor(party, may_take_back, may_close)


def _closes_at(member: MemberContext, matter: Matter, asked: Step) -> datetime:
    """Return when a matter may be closed in which what was asked back is not answered."""
    hours = calendar_of(matter.relationship, Side(matter.asks), zone_of(member)).hours
    return clocks.closes_at(hours, asked.at.astimezone(UTC), queries.reply_days(member, matter))


def minutes_to_take_back(member: MemberContext, matter: Matter) -> int:
    """Return for how many more minutes, rounded up, the member's side may take its answer back; 0 where it may not."""
    if Move.TAKE_BACK not in open_moves(member, matter):
        return 0
    until = Step.objects.get(matter=matter, number=matter.last_move).at + TAKE_BACK_TIME
    return max(0, math.ceil((until - timezone.now()).total_seconds() / 60))


def has_unopened(member: MemberContext, matter: Matter) -> bool:
    """Whether a matter has a step that nobody of the member's side has had before them."""
    if member.side is None:
        return False
    opened = Opened.objects.filter(matter=matter, side=member.side.value).first()
    return opened is None or opened.number < queries.last_number(matter)


def open_matter(member: MemberContext, matter: Matter) -> None:
    """Record that the member's side has the matter before it, up to its last step."""
    last = Step.objects.filter(matter=matter).order_by("-number").values_list("number", flat=True).first()
    if member.side is not None and last is not None and has_unopened(member, matter):
        Opened.objects.update_or_create(
            matter=matter,
            side=member.side.value,
            defaults={"relationship": member.relationship, "number": last},
        )


def open_moves(member: MemberContext, matter: Matter) -> list[Move]:
    """Return the moves that are open to the member now, the expected one first."""
    if not member.may(Action.ACT):
        return []
    last = _last_move(matter)
    moves = transitions.open_moves(_standing(matter, last), _actor(member, matter, last))
    may_answer = member.may(Action(KINDS[Kind(matter.kind)].answered_with))
    return [move for move in moves if may_answer or move not in _ANSWERING_MOVES]


def _refusal_code(member: MemberContext, matter: Matter, requested: Move, text: str) -> Code | None:
    """Return why the member may not make a move; None where they may."""
    if member.side is None and requested is not Move.COMMENT:
        return Code.NOT_YOURS
    last = _last_move(matter)
    refusal = transitions.refusal(_standing(matter, last), _actor(member, matter, last), requested, text)
    lacks_right = requested not in open_moves(member, matter)
    if refusal is None or refusal is Refusal.REASON:
        return Code.NOT_YOURS if lacks_right else Code(refusal.value) if refusal else None
    return Code.NOT_YOURS if not member.may(Action.ACT) else Code(refusal.value)


@transaction.atomic
def move(  # noqa: PLR0913 - a move, what it says, and what comes with it
    member: MemberContext,
    matter: Matter,
    requested: Move,
    text: str,
    zone: str,
    terms: Terms | None = None,
    files: Sequence[EvidenceFile] = (),
    rows: Sequence[int] | None = None,
    seen: int | None = None,
    beside: Beside | None = None,
) -> Matter:
    """Make a move.

    :param terms: what a counter-proposal asks for instead, what follows from a dispute that is accepted, by when what
        is agreed is owed, or to whom a matter is handed over
    :param rows: of a correction that is accepted, the numbers of the changes; None: all
    :param seen: the number of the last step that the person has seen; None where that is not known
    :raises Refused: where it is the other side's turn, the matter has ended, the right or a reason is missing,
        another step was made since `seen`, terms that are none, and for a file that is too large
    """
    # First the relationship, then the matter, as whatever else locks both: a step is posted to the ledger under that
    # lock, and a confirmation meanwhile would hold an answer that is taken back.
    lock_for_posting(member)
    matter = Matter.objects.select_for_update(of=("self",)).select_related("owner__person").get(pk=matter.pk)
    rows = rows if matter.kind == Kind.CORRECTION and requested is Move.AGREE else None
    beside = beside or Beside()
    _check_move(member, matter, requested, text, seen)
    if rows is not None and not rows:
        raise Refused(Code.NONE_TICKED)
    if beside.mark and beside.mark not in set(Mark):
        raise Refused(Code.NOT_NOW)
    if beside.objects_to_late and requested in ANSWERS and may_object_to_late(member, matter):
        seen = _object_to_late(member, matter, seen)
    effect_json = _effect_json(member, matter)  # as whoever answers has been shown it
    terms_json = _apply(member, matter, requested, terms or Terms(), zone, beside)
    terms_json |= {} if rows is None else {"changes": len(rows), "rows": list(rows)}
    if requested is Move.AGREE:
        terms_json |= _computed_json(member, matter)
    if requested is Move.AGREE or matter.state == State.DECLINED:
        terms_json |= effect_json
    step = _add_step(member, matter, requested, text, terms=terms_json, beside=beside, saw=seen)
    handed_to = (terms or Terms()).owner if requested is Move.HAND_OVER else None
    _audit_move(member, matter, requested, _save_evidence(step, files), handed_to)
    _save_moved(matter, requested, step)
    if matter.formal_under and matter.reply_by is None and matter.state == State.ASKED:
        notices.defer_sending(matter)  # whoever says something has it, so that its clock starts
    _write_claim(matter, zone)
    if KINDS[Kind(matter.kind)].changes_records:
        _apply_correction(member, matter, requested, rows)
    book_rows.defer_writing(member)
    return matter


def _check_move(member: MemberContext, matter: Matter, requested: Move, text: str, seen: int | None) -> None:
    """Check that the member may make a move now, having seen the last step.

    :raises Refused: where they may not, or there is a later step
    """
    if seen is not None and requested is not Move.COMMENT and queries.last_number(matter) != seen:
        raise Refused(Code.MOVED_ON)
    refusal_code = _refusal_code(member, matter, requested, text)
    if refusal_code is not None:
        raise Refused(refusal_code)


def _save_moved(matter: Matter, requested: Move, step: Step) -> None:
    """Save a matter after its step: the database lets it change only where a step of the side justifies it."""
    if requested in BESIDE - {Move.COMMENT, Move.OBJECT}:
        matter.last_beside = step.number
        matter.save()
    elif requested not in BESIDE:
        matter.last_move = step.number
        matter.save()


def _apply(  # noqa: PLR0913 - a move and all that it says
    member: MemberContext, matter: Matter, requested: Move, terms: Terms, zone: str, beside: Beside
) -> dict[str, Any]:
    """Change a matter as a move requires, and return what its step keeps of the terms.

    :raises Refused: for terms that are none
    """
    party = _party(member, matter)
    if requested in BESIDE:
        return _apply_beside(member, matter, requested, terms, beside)
    if requested is Move.TAKE_BACK:
        _restore(matter)
        return {}
    standing = _standing(matter, _last_move(matter))
    said = _apply_terms(member, matter, requested, terms, zone, beside)
    state = transitions.after(standing, requested, party, promise=matter.promise)
    if requested is Move.DECLINE and state is State.ASKED:
        _restore_first_terms(matter)
        matter.declined_counters += 1
        said = _terms_json(matter)
    if requested is Move.REOPEN:
        _reopen(member, matter, standing, state)
    elif requested not in {Move.OTHER_DAY, Move.PAUSE}:
        matter.offer_move, matter.offer_by, matter.offer_day, matter.offer_due = "", "", None, None
        matter.acknowledged = False
    matter.state = state
    _start_clock(member, matter, requested, zone)
    return said


def _apply_terms(  # noqa: PLR0913 - a move and all that it says
    member: MemberContext, matter: Matter, requested: Move, terms: Terms, zone: str, beside: Beside
) -> dict[str, Any]:
    """Change the terms of a matter, and what is owed, as a move requires; return what its step keeps of them.

    :raises Refused: for terms that are none
    """
    match requested:
        case Move.AGREE:
            return _agree(member, matter, terms, zone)
        case Move.COUNTER:
            _counter(member, matter, terms, zone)
            return _terms_json(matter)
        case Move.OTHER_DAY | Move.PAUSE:
            return _propose_day(member, matter, requested, beside.day, zone)
        case Move.TAKE:
            matter.moved += matter.offer_due != matter.due_on
            matter.due_on = matter.offer_due
            return {"due_on": None if matter.due_on is None else matter.due_on.isoformat()}
        case Move.DONE:
            matter.done_by = member.side or ""
        case Move.MERGE:
            return _merge(matter, beside.into)
    return {}


def _apply_beside(
    member: MemberContext, matter: Matter, requested: Move, terms: Terms, beside: Beside
) -> dict[str, Any]:
    """Change what a step changes that leaves state and clock as they are, and return what it keeps.

    :raises Refused: for a hand-over to nobody of the own side, and for an objection to nothing
    """
    match requested:
        case Move.ACKNOWLEDGE:
            matter.acknowledged = True
        case Move.ESCALATE:
            matter.level += 1
        case Move.BRING_DOWN:
            matter.level -= 1
        case Move.OBJECT:
            if beside.objects is None or beside.objects[0] not in {"posture", "nature", LATE} or not beside.objects[1]:
                raise Refused(Code.NOT_NOW)
            if beside.objects[0] == LATE and not may_object_to_late(member, matter):
                raise Refused(Code.NOT_NOW)
            return {"object_to": beside.objects[0], "object_value": beside.objects[1]}
        case Move.HAND_OVER:
            return _hand_over(member, matter, terms.owner)
    return {}


def may_object_to_late(member: MemberContext, matter: Matter) -> bool:
    """Whether the member's side may still say that a matter was raised too late."""
    return member.side == matter.answers and queries.late_passed(matter) is Passed.OPEN


def _object_to_late(member: MemberContext, matter: Matter, seen: int | None) -> int | None:
    """Add the objection before the answer with which it is said; return the last step that was seen."""
    said = {"object_to": LATE, "object_value": LATE}
    step = _add_step(member, matter, Move.OBJECT, "", terms=said, saw=seen)
    _audit_move(member, matter, Move.OBJECT, ())
    return None if seen is None else step.number


def _hand_over(member: MemberContext, matter: Matter, to: Membership | None) -> dict[str, Any]:
    """Hand a matter over within the own side: who sees to it, and whose work it is where the side owes it.

    :raises Refused: where nobody of the own side is named
    """
    if to is None or to.left_at is not None or to.side != member.membership.side or member.side is None:
        raise Refused(Code.NOBODY)
    if matter.asks == member.side:
        matter.asks_with = to
    else:
        matter.answers_with = to
    owes = matter.promise and matter.debtor in {"", member.side.value} and matter.state in {State.AGREED, State.DEEMED}
    if owes and (matter.owner is None or matter.owner.side == member.side):
        matter.owner, matter.debtor = to, member.side.value
    return {"owner": to.person.name, "owner_side": member.side.value}


def _counter(member: MemberContext, matter: Matter, terms: Terms, zone: str) -> None:
    """Put other terms on the table.

    :raises Refused: for terms that are none
    """
    if matter.kind == Kind.DISPUTE:
        matter.follows = ""  # what a side said would follow is said again, or no longer
    terms.apply_to(matter)
    _check_counter(member, matter)
    _check_days(matter, timezone.now().astimezone(ZoneInfo(zone)).date())


def _agree(member: MemberContext, matter: Matter, terms: Terms, zone: str) -> dict[str, Any]:
    """Set what is agreed: what follows from a dispute, and who owes by when what becomes a promise.

    :raises Refused: where the side that will owe it does not say by when, or for a day that is over
    """
    said: dict[str, Any] = {}
    if matter.kind == Kind.DISPUTE:
        said = _accept_dispute(member, matter, terms, zone)
    kind = Kind(matter.kind)
    owes = debtor_of(matter) == member.side and matter.kind not in {Kind.DISPUTE, Kind.ACTION}
    if owes and Term.DUE_ON in KINDS[kind].agreed_with and matter.due_on is None and terms.due_on is not None:
        matter.due_on = terms.due_on
        said["due_on"] = terms.due_on.isoformat()
        _check_days(matter, timezone.now().astimezone(ZoneInfo(zone)).date())
    if owes and Term.CAUSE in KINDS[kind].agreed_with and terms.cause:
        matter.cause = said["cause"] = terms.cause
    matter.promise = is_promise(kind, follows=matter.follows, becomes=matter.becomes, due=matter.due_on is not None)
    if owes and matter.promise and matter.due_on is None:
        raise Refused(Code.NO_DAY)
    if matter.promise:
        matter.debtor, matter.first_due_on, matter.moved = debtor_of(matter), matter.due_on, 0
    return said


def debtor_of(matter: Matter) -> str:
    """Return the side that owes a matter once it is agreed; empty where either side may do it."""
    terms = {"failed": matter.failed, "owner_side": "" if matter.owner is None else matter.owner.side}
    party = history.debtor(Kind(matter.kind), matter.asks, terms)
    return "" if party is None else matter.side_of(party)


def _propose_day(member: MemberContext, matter: Matter, requested: Move, day: date | None, zone: str) -> dict[str, Any]:
    """Propose another day by which it is owed, or that it rests until a day, with the day by which it is owed then.

    :raises Refused: without a day, and for one that is over
    """
    now = timezone.now()
    today = now.astimezone(ZoneInfo(zone)).date()
    if day is None:
        raise Refused(Code.NO_DAY)
    if day < today:
        raise Refused(Code.PAST)
    due = day
    if requested is Move.PAUSE:
        hours = calendar_of(matter.relationship, Side(matter.debtor or matter.answers), zone).hours
        due = clocks.rests_until(hours, max(matter.due_on or today, today), now, day)
    matter.offer_move, matter.offer_by, matter.offer_day, matter.offer_due = requested, member.side or "", day, due
    return {"day": day.isoformat(), "due_on": due.isoformat()}


def _merge(matter: Matter, into: Matter | None) -> dict[str, Any]:
    """End a matter that goes on within another one of the same side.

    :raises Refused: for one that is none
    """
    if into is None or into.pk == matter.pk or into.asks != matter.asks or into.ended:
        raise Refused(Code.NO_TARGET)
    matter.merged_into = into
    return {"into": str(into.pk)}


def _reopen(member: MemberContext, matter: Matter, standing: Standing, state: State) -> None:
    """Propose that an ended matter is opened again; the second side to say so opens it."""
    if state is standing.state:
        matter.offer_move, matter.offer_by = Move.REOPEN, member.side or ""
        return
    matter.offer_move, matter.offer_by = "", ""
    matter.done_by, matter.acknowledged, matter.declined_counters = "", False, 0
    if state is State.ASKED:
        _restore_first_terms(matter)


def _start_clock(member: MemberContext, matter: Matter, requested: Move, zone: str) -> None:
    """Start the clock of the side whose turn it is after a move, rest one while it asks back, or start it again."""
    now, was_due, rested = timezone.now(), matter.reply_by, (matter.rest_due_at, matter.rest_since)
    matter.rest_due_at, matter.rest_since, matter.reply_by = None, None, None
    if matter.state not in {*OPEN, State.DONE} or (requested is Move.REOPEN and matter.offer_move):
        return
    matter.reminded_at, matter.reminded_to = None, []
    side = Side(matter.must_act or matter.answers)
    hours = calendar_of(matter.relationship, side, zone).hours
    if requested is Move.REPLY and rested[0] is not None:
        due_at, since = rested[0].astimezone(UTC), (rested[1] or now).astimezone(UTC)
        days = queries.reply_days(member, matter)
        matter.reply_by = clocks.due_after_asking_back(
            hours, due_at, since, now.astimezone(UTC), days, pauses=rested[1] is not None
        )
        return
    # What may be taken back for some minutes is mailed after them, and no time to answer runs before.
    start = now + TAKE_BACK_TIME if requested in TAKEN_BACK else now
    matter.reply_by = _reply_by(member, matter, start, zone)
    if requested is Move.ASK_BACK:
        has_paused = matter.asks_paused if member.side == matter.asks else matter.answers_paused
        matter.rest_due_at = was_due
        if not has_paused and was_due is not None and was_due > now:
            matter.rest_since = now
        if member.side == matter.asks:
            matter.asks_paused = True
        else:
            matter.answers_paused = True


# What changes with a matter's terms; the database knows the same columns (`migrations/0013_all_kinds.py`).
_TERM_COLUMNS = (
    "queue", "from_day", "to_day", "asked_for", "owner_id", "due_on", "value", "follows", "wording", "price", "cause",
    "becomes",
)  # fmt: skip


def _stood(matter: Matter, number: int) -> Matter:
    """Return a matter as it stood before one of its steps; as it is now before steps of the time before that was kept.

    The database has written it, so that neither side can restore anything else.
    """
    sql = (
        "SELECT (jsonb_populate_record(m, s.stood)).* FROM matters_matter m JOIN matters_step s ON s.matter_id = m.id "
        "WHERE m.id = %s AND s.number = %s"
    )
    return next(iter(Matter.objects.raw(sql, [matter.pk, number])))


def _restore_first_terms(matter: Matter) -> None:
    """Put what was first asked on the table again."""
    first = _stood(matter, 1)
    for name in _TERM_COLUMNS:
        setattr(matter, name, getattr(first, name))


def _restore(matter: Matter) -> None:
    """Set a matter back to exactly what it was before its answer, or before the counter that lies on the table."""
    steps = Step.objects.filter(matter=matter)
    if matter.state in {State.COUNTERED, State.ASKED_BACK_A}:
        undone = steps.filter(move=Move.COUNTER).order_by("number").last()
    else:
        undone = steps.get(number=matter.last_move)
    if undone is None:
        raise Refused(Code.SEEN)
    before = _stood(matter, undone.number)
    kept = {"level", "last_beside", "asks_paused", "answers_paused", "last_move"}
    for column in Matter._meta.concrete_fields:  # noqa: SLF001 - Django's own way to a model's columns
        if column.attname not in kept:
            setattr(matter, column.attname, getattr(before, column.attname))
    matter.asks_paused, matter.answers_paused = (
        matter.asks_paused or before.asks_paused,
        matter.answers_paused or before.answers_paused,
    )


def _check_counter(member: MemberContext, matter: Matter) -> None:
    """Check the counter-proposal in a dispute: the side that would owe it says what follows; the other cannot.

    :raises Refused: where that is missing, or the value that is to be recorded
    """
    if matter.kind != Kind.DISPUTE:
        return
    if member.side != matter.answers:
        matter.follows = ""
    elif matter.follows not in set(Follows):
        raise Refused(Code.FOLLOWS)
    elif matter.follows == Follows.VALUE and matter.value is None:
        raise Refused(Code.NO_VALUE)


def _accept_dispute(member: MemberContext, matter: Matter, terms: Terms, zone: str) -> dict[str, Any]:
    """Set what follows from a dispute, and by when; the side that will owe it says so.

    :raises Refused: where it is not said, or there is no value to record
    """
    said = {}
    if member.side == matter.answers:
        if terms.follows not in set(Follows):
            raise Refused(Code.FOLLOWS)
        matter.follows = terms.follows or ""
        said = {"follows": matter.follows}
    elif not matter.follows:
        raise Refused(Code.FOLLOWS)
    if matter.follows == Follows.VALUE:
        if matter.value is None:
            raise Refused(Code.NO_VALUE)
        return said
    start = timezone.now() + TAKE_BACK_TIME  # until then the answer may be taken back
    due = closing_after(matter.relationship, Side(matter.answers), start, zone, CARRY_OUT_DAYS)
    matter.due_on = due.astimezone(ZoneInfo(zone)).date()
    return said | {"due_on": matter.due_on.isoformat()}


def _apply_correction(member: MemberContext, matter: Matter, requested: Move, rows: Sequence[int] | None) -> None:
    """Change the records as a move in a correction requires."""
    if requested is Move.AGREE:
        accept_correction(member, matter.records, rows)
    elif requested in {Move.DECLINE, Move.WITHDRAW, Move.CLOSE}:
        refuse_correction(member, matter.records)


def remind(member: MemberContext, matter: Matter) -> None:
    """Remind the side whose move it is that its reply is nearly due, once for each move.

    It is recorded only where the mail server accepted the reminder of at least one person who may answer, and otherwise
    tried again.
    """
    matter = Matter.objects.get(pk=matter.pk)
    if matter.waits_for is None or matter.reply_by is None:
        return
    people = members_with_right(member, Side(matter.waits_for), Action.ANSWER)
    if matter.reminded_at is not None and any(str(one.person_id) in matter.reminded_to for one in people):
        return
    day = matter.reply_by.astimezone(ZoneInfo(zone_of(member))).date()
    address = page_path(member, "matter", matter=matter.pk)
    placeholders: dict[str, Callable[[Words], str]] = {
        "title": lambda _: matter.title,
        "day": lambda words: words.day(day),
    }
    if KINDS[Kind(matter.kind)].silence:
        reminded_people = send_reminder(people, "reminder", address, **placeholders)
    else:
        reminded_people = send_reminder(people, "correction_waits", address, **placeholders)
    if reminded_people:
        lock_for_posting(member)
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_remind_matter(%s, %s)", [matter.pk, reminded_people])


def follow_silence(member: MemberContext, matter: Matter) -> None:
    """Give notice that silence accepts a matter, or accept it by silence, where a clause that both signed says so.

    Nothing is deemed unless every condition of `core.matters.silence` holds, and mails up to the notice's day have been
    read; the database checks each again.
    """
    days = queries.agreed_silence(member, matter)
    if days is None:
        return
    side = Side(matter.answers)
    people = members_with_right(member, side, Action.ANSWER)
    notice = queries.silence_notice(matter)
    if notice is None or not _still_counts(notice, people):
        _give_silence_notice(member, matter, people, days)
    elif was_heard(notice.until) and not silence.unmet(
        _silence_facts(member, matter, notice, people, days), timezone.now()
    ):
        lock_for_posting(member)  # before the function locks the matter, as `move` does
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_deem_matter(%s)", [matter.pk])
        _write_claim(Matter.objects.get(pk=matter.pk), zone_of(member))


def _still_counts(notice: SilenceNotice, people: Sequence[Membership]) -> bool:
    """Whether so many of those whom a notice reached may still answer as it takes."""
    able = {str(one.person_id) for one in people}
    reached = [one for one in notice.told if one["person"] in able and "bounced_at" not in one]
    return len(reached) >= silence.MIN_REACHED


def _silence_facts(
    member: MemberContext, matter: Matter, notice: SilenceNotice, people: Sequence[Membership], days: int
) -> silence.Facts:
    """Return what was recorded of a matter that nobody answers."""
    able = {str(one.person_id) for one in people}
    mailed = [
        silence.Mailed(
            one["role"] == Role.LEAD,
            datetime.fromisoformat(one["taken_at"]),
            datetime.fromisoformat(one["bounced_at"]) if "bounced_at" in one else None,
        )
        for one in notice.told
        if one["person"] in able
    ]
    ran_at, ran_before = queries.clock_ran()
    return silence.Facts(
        state=State(matter.state),
        agreed=True,
        due_at=notice.due_at,
        hours=calendar_of(matter.relationship, Side(matter.answers), zone_of(member)).hours,
        reminder=silence.Reminder(notice.at, notice.until, mailed),
        clock_ran_at=ran_at,
        clock_ran_before=ran_before,
        notice_days=days,
    )


def _give_silence_notice(member: MemberContext, matter: Matter, people: Sequence[Membership], days: int) -> None:
    """Mail the notice; it counts once the server took those of two people, a lead among them.

    Tried once a day, so that an address that accepts no mail does not fill the others' mailboxes.
    """
    if len(people) < silence.MIN_REACHED or not any(one.role == Role.LEAD for one in people):
        return
    if not cache.add(f"silence:{matter.pk}", True, _NOTICE_INTERVAL_S):
        return
    zone = zone_of(member)
    until = closing_after(
        matter.relationship, Side(matter.answers), timezone.now(), zone, max(days, silence.NOTICE_DAYS)
    )
    day = until.astimezone(ZoneInfo(zone)).date()
    address = page_path(member, "matter", matter=matter.pk)
    reached = send_reminder(
        people, "silence_matter", address, title=lambda _: matter.title, day=lambda words: words.day(day)
    )
    leads = {one.person_id for one in people if one.role == Role.LEAD}
    if len(reached) < silence.MIN_REACHED or leads.isdisjoint(reached):
        logging.getLogger(__name__).warning("a notice reached too few people of matter %s", matter.pk)
        return
    told = [{"person": str(person), "taken_at": timezone.now().isoformat()} for person in reached]
    lock_for_posting(member)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_warn_matter(%s, %s, %s)", [matter.pk, until, json.dumps(told)])


def note_run_out(member: MemberContext, matter: Matter) -> None:
    """Record that the clock of a matter has run out, of which its asker is told; it stays as it is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_late_matter(%s)", [matter.pk])
    announce(member, Event.MATTER_LATE, title=matter.title)


def remind_of_owed(member: MemberContext, matter: Matter) -> None:
    """Add to the log, once each, that owed work is due in some days and that it is due today; mails follow from that.

    Not before the morning; and nothing is due *soon* that was agreed within these days, as the mail of that said.
    """
    now, due = timezone.now().astimezone(ZoneInfo(zone_of(member))), matter.due_on
    last = _last_move(matter)
    if due is None or last is None or now.hour < _MORNING_HOUR:
        return
    if due <= now.date():
        _audit_due(member, matter, "today", Event.MATTER_DUE)
    elif last.at.astimezone(now.tzinfo).date() < due - timedelta(days=queries.DUE_SOON_DAYS):
        _audit_due(member, matter, "soon", Event.MATTER_DUE)


def note_undone(member: MemberContext, matter: Matter) -> None:
    """Add to the log, once, that an accepted dispute was not carried out in time, so that its period can be final."""
    _audit_due(member, matter, "undone", Event.MATTER_UNDONE)


def _audit_due(member: MemberContext, matter: Matter, said: str, event: Event) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_audit_due(%s, %s)", [matter.pk, said])
        (is_new,) = cursor.fetchone()
    if is_new:
        announce(member, event, due=None if matter.due_on is None else matter.due_on.isoformat(), title=matter.title)


def break_promise(member: MemberContext, matter: Matter) -> None:
    """Record that what is owed counts as broken, where it is long past its day by the calendar of who owes it."""
    if matter.due_on is None or not matter.debtor:
        return
    hours = calendar_of(matter.relationship, Side(matter.debtor), zone_of(member)).hours
    if timezone.now() >= clocks.broken_at(hours, matter.due_on, BROKEN_AFTER_DAYS):
        lock_for_posting(member)  # before the function locks the matter, as `move` does
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_break_promise(%s)", [matter.pk])


def _write_claim(matter: Matter, zone: str) -> None:
    """Defer writing a claim into the book as an event; while it is open, figures are computed with and without it."""
    if not KINDS[Kind(matter.kind)].in_the_book or matter.from_day is None or matter.to_day is None:
        return
    tzinfo, is_answered = ZoneInfo(zone), matter.state not in OPEN
    last_step = Step.objects.filter(matter=matter, number=max(matter.last_move, 1)).get()
    row = {
        "event_id": f"room-{matter.pk}",
        "kind": matter.event,
        "from": datetime.combine(matter.from_day, time.min, tzinfo).isoformat(),
        "to": datetime.combine(matter.to_day + timedelta(days=1), time.min, tzinfo).isoformat(),
        "queues": matter.queue,
        "declared_by": matter.asks,
        "declared_at": matter.raised_at.isoformat(),
        "evidence": ", ".join(Evidence.objects.filter(matter=matter).values_list("name", flat=True))[:400],
        "claim": matter.asked_for,
        "kpi": matter.kpi,
        "state": IN_THE_BOOK[State(matter.state)],
        "answered_by": matter.answers if is_answered and matter.state != State.WITHDRAWN else "",
        "answered_at": last_step.at.isoformat() if is_answered else "",
    }
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    write_rows(
        matter.relationship_id, "events", [row], timezone.now(),
        subject=f"matter {matter.pk}", key=f"matter {matter.pk} {last_step.number} {digest[:16]}",
    )  # fmt: skip


def write_claims(member: MemberContext) -> None:
    """Defer writing every claim, and all matters, into a book that has just been created."""
    for matter in Matter.objects.filter(relationship=member.relationship, kind=Kind.CLAIM):
        _write_claim(matter, zone_of(member))
    book_rows.defer_writing(member)


def _terms_json(matter: Matter) -> dict[str, Any]:
    """Return the terms of a matter as a step keeps them, as JSON, without empty ones."""
    terms = {
        "from_day": None if matter.from_day is None else matter.from_day.isoformat(),
        "to_day": None if matter.to_day is None else matter.to_day.isoformat(),
        "queue": matter.queue,
        "asked_for": matter.asked_for,
        "owner": None if matter.owner is None else matter.owner.person.name,
        "due_on": None if matter.due_on is None else matter.due_on.isoformat(),
        "value": None if matter.value is None else f"{matter.value.normalize():f}",
        "follows": matter.follows,
        "wording": matter.wording,
        "price": matter.price,
        "cause": matter.cause,
        "becomes": matter.becomes,
        "failed": matter.failed,
    }
    if matter.kind == Kind.DISPUTE:  # its days are those of its period
        terms |= {"from_day": None, "to_day": None}
    return {name: value for name, value in terms.items() if value}


def _computed_json(member: MemberContext, matter: Matter) -> dict[str, str]:
    """Return the figure that a dispute is about as it is computed now, so that it can be seen what changed since.

    Empty where it has not been computed from the current records: nobody was shown it.
    """
    figure = queries.computed_figure(member, matter, compute=False) if matter.kind == Kind.DISPUTE else None
    return {} if figure is None else {"computed": f"{figure.value:.12g}"}


def _effect_json(member: MemberContext, matter: Matter) -> dict[str, Any]:
    """Return what a claim would change as it is computed now, which stays with the step that answers it.

    Empty where it has not been computed from the current records, and for other kinds.
    """
    effects = queries.known_claim_effects(member, matter) if matter.kind == Kind.CLAIM else ()
    return {"effect": [kept_effect(one) for one in effects]} if effects else {}


def kept_effect(effect: ClaimEffect) -> dict[str, Any]:
    """Return an effect as JSON, as `sentences.step_effects` reads it."""
    days = {"start": effect.period.start.isoformat(), "end": effect.period.end.isoformat()}
    return asdict(effect) | {"period": days}


def _save_evidence(step: Step, files: Sequence[EvidenceFile]) -> list[Evidence]:
    if any(len(file.content) > MAX_EVIDENCE_BYTES for file in files):
        raise Refused(Code.TOO_LARGE)
    return [
        Evidence.objects.create(
            relationship=step.relationship,
            matter=step.matter,
            step=step,
            side=step.side,
            name=re.sub(r"[^\w.() -]", "_", file.name.replace("\\", "/").rpartition("/")[2])[-160:] or "file",
            size=len(file.content),
            digest=hashlib.sha256(file.content).hexdigest(),
            content=file.content,
        )
        for file in files
    ]


def _add_step(  # noqa: PLR0913 - a step and all that it says
    member: MemberContext,
    matter: Matter,
    requested: Move,
    text: str,
    *,
    terms: dict[str, Any] | None = None,
    beside: Beside | None = None,
    saw: int | None = None,
) -> Step:
    """Add a step of the member; the database refuses one that is not theirs to make, and writes its clocks itself.

    Steps without a person, such as reminders, are written by functions of the database's owner.
    """
    keep_calendar(member)
    beside = beside or Beside()
    earlier = {step.number: step for step in Step.objects.filter(matter=matter).order_by("number")}
    facts = [_fact(matter, step) for step in earlier.values()]
    answered, link = history.answered_step(facts, requested, _party(member, matter), beside.answers)
    if beside.answers is not None and beside.answers not in earlier:
        raise Refused(Code.NO_STEP)
    return Step.objects.create(
        relationship=matter.relationship,
        matter=matter,
        number=max(earlier, default=0) + 1,
        person=member.membership.person,
        side=None if member.side is None else member.side.value,
        move=requested,
        text=text.strip(),
        answers_to=None if answered is None else earlier[answered],
        link=link or "",
        terms=terms or {},
        saw=saw,
        reply_by=matter.reply_by if requested not in BESIDE else None,
        day=beside.day if requested in {Move.OTHER_DAY, Move.PAUSE} else None,
        mark=beside.mark,
    )


def _fact(matter: Matter, step: Step) -> history.Step:
    """Return a step as the history takes it."""
    party = None if step.side is None else Party.ASKS if step.side == matter.asks else Party.ANSWERS
    terms = {} if step.move in {Move.OTHER_DAY, Move.PAUSE} else step.terms
    day = date.fromisoformat(step.terms["due_on"]) if step.move == Move.TAKE and step.terms.get("due_on") else step.day
    return history.Step(step.number, Move(step.move), party, step.saw, terms, step.reply_by, day, step.mark)


def replayed(matter: Matter) -> Standing:
    """Return where a matter stands by its steps alone, without what its row keeps.

    :raises comity.core.matters.history.HistoryError: for steps that the table of states does not allow
    """
    steps = [_fact(matter, step) for step in Step.objects.filter(matter=matter).order_by("number")]
    return history.replay(Kind(matter.kind), matter.asks, steps)


def _reply_by(member: MemberContext, matter: Matter, start: datetime, zone: str) -> datetime:
    """Return when the side whose turn it is answers, or confirms, in as many working days as both agreed."""
    side = Side(matter.must_act or matter.answers)
    return closing_after(matter.relationship, side, start, zone, queries.reply_days(member, matter))
