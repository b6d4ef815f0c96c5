"""Moves in a matter: who may make which, their consequences, and when a reply is due."""

import hashlib
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.books.operations import accept_correction, refuse_correction, write_rows
from comity.apps.books.queries import zone as zone_of
from comity.apps.ledger.operations import keep_calendar, lock_for_posting
from comity.apps.matters import queries
from comity.apps.matters.models import Began, Evidence, Matter, Opened, Step
from comity.apps.matters.refusals import Code
from comity.apps.parties.mailing import page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies.queries import closing_after, reply_due
from comity.apps.replies.reminders import members_with_right, send_reminder
from comity.core.calendars import UnknownPeriodError
from comity.core.matters import transitions
from comity.core.matters.kinds import KINDS, Follows, Kind, Raiser, Wrong
from comity.core.matters.transitions import (
    CARRY_OUT_DAYS,
    IN_THE_BOOK,
    OPEN,
    TAKE_BACK_TIME,
    TAKEN_BACK,
    Actor,
    Move,
    Party,
    Refusal,
    State,
)
from comity.core.values import Side
from comity.review.i18n.words import Words

MAX_EVIDENCE_BYTES = 10 * 1024 * 1024
LATE_AFTER = timedelta(days=45)  # a claim raised longer after its last day is marked late


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
    began: Began = Began.REACTIVE
    answers: Side | None = field(default=None)


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
        began=new_matter.began,
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
    )
    if new_matter.kind is Kind.DISPUTE:
        _set_disputed_figure(member, matter, new_matter)
    else:
        _check_days(matter, now.astimezone(ZoneInfo(zone)).date())
        matter.late = matter.to_day is not None and matter.to_day < (now - LATE_AFTER).date()
    matter.reply_by = _reply_by(matter, now, zone)
    with transaction.atomic():
        save_raised_matter(member, matter, new_matter.text, files)
        _write_claim(matter, zone)
    return matter


def _check_days(matter: Matter, today: date) -> None:
    """Check the days of a matter.

    :raises Refused: for days out of order, and for work that would be due before today
    """
    if matter.from_day is not None and matter.to_day is not None and matter.to_day < matter.from_day:
        raise Refused(Code.ORDER)
    if matter.kind == Kind.ACTION and matter.due_on is not None and matter.due_on < today:
        raise Refused(Code.PAST)


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


def save_raised_matter(member: MemberContext, matter: Matter, text: str, files: Sequence[EvidenceFile] = ()) -> Step:
    """Save a new matter of the member's side, and its first step.

    :raises Refused: for a file that is too large
    """
    matter.save(force_insert=True)
    step = _add_step(member, matter, Move.RAISE, text, terms=_terms_json(matter) | _computed_json(member, matter))
    _audit_move(member, matter, Move.RAISE, _save_evidence(step, files))
    return step


_AUDIT_EVENTS = {
    Move.RAISE: Event.MATTER_RAISED,
    Move.ACCEPT: Event.MATTER_ACCEPTED,
    Move.REFUSE: Event.MATTER_REFUSED,
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
}  # what is nobody's move, the database adds itself (`migrations/0011_audit.py`)


def _audit_move(member: MemberContext, matter: Matter, requested: Move, evidence: Sequence[Evidence]) -> None:
    """Log a move with its matter, the new owner of an action, and the names of its evidence."""
    data: dict[str, object] = {"kind": matter.kind, "title": matter.title}
    if requested is Move.HAND_OVER and matter.owner is not None:
        data |= {"to": matter.owner.person.name, "to_id": str(matter.owner.pk)}
    if evidence:
        data["evidence"] = [file.name for file in evidence]
    audit(member, _AUDIT_EVENTS[requested], matter, data, shared=True)


def first_reply_due(matter: Matter, zone: str) -> datetime:
    """Return when the other side's answer is due to a matter that is raised now."""
    return _reply_by(matter, timezone.now(), zone)


_ANSWERING_MOVES = {Move.ACCEPT, Move.COUNTER, Move.REFUSE, Move.TAKE_BACK}


def _actor(member: MemberContext, matter: Matter) -> Actor:
    """Return the member's part in a matter."""
    if member.side is None:
        return Actor(None)
    party = Party.ASKS if member.side == matter.asks else Party.ANSWERS
    if matter.kind == Kind.DISPUTE:
        owns = party is Party.ANSWERS
    else:
        owns = matter.owner is None or matter.owner.side == member.side.value
    last = Step.objects.filter(matter=matter, number=matter.last_move).first() if matter.last_move else None
    did_last = last is not None and last.side == member.side.value
    is_recent = last is not None and last.move in TAKEN_BACK and last.at > timezone.now() - TAKE_BACK_TIME
    may_take_back = (
        last is not None
        and did_last
        and is_recent
        and not queries.was_opened(matter, member.side.other)
        and not queries.was_acted_on(last, member.side.other)
    )
    return Actor(party, owns, did_last, may_take_back)


def minutes_to_take_back(member: MemberContext, matter: Matter) -> int:
    """Return for how many more minutes, rounded up, the member's side may take its answer back; 0 where it may not."""
    if Move.TAKE_BACK not in open_moves(member, matter):
        return 0
    until = Step.objects.get(matter=matter, number=matter.last_move).at + TAKE_BACK_TIME
    return max(0, math.ceil((until - timezone.now()).total_seconds() / 60))


def open_matter(member: MemberContext, matter: Matter) -> None:
    """Record that the member's side has the matter before it, up to its last step."""
    last = Step.objects.filter(matter=matter).order_by("-number").values_list("number", flat=True).first()
    if member.side is None or last is None:
        return
    opened = Opened.objects.filter(matter=matter, side=member.side.value).first()
    if opened is None or opened.number < last:
        Opened.objects.update_or_create(
            matter=matter,
            side=member.side.value,
            defaults={"relationship": member.relationship, "number": last},
        )


def open_moves(member: MemberContext, matter: Matter) -> list[Move]:
    """Return the moves that are open to the member now, the expected one first."""
    if not member.may(Action.ACT):
        return []
    kind = Kind(matter.kind)
    moves = transitions.open_moves(kind, State(matter.state), _actor(member, matter), matter.follows)
    may_answer = member.may(Action(KINDS[kind].answered_with))
    return [move for move in moves if may_answer or move not in _ANSWERING_MOVES]


def _refusal_code(member: MemberContext, matter: Matter, requested: Move, text: str) -> Code | None:
    """Return why the member may not make a move; None where they may."""
    if member.side is None and requested is not Move.COMMENT:
        return Code.NOT_YOURS
    refusal = transitions.refusal(
        Kind(matter.kind), State(matter.state), _actor(member, matter), requested, text, matter.follows
    )
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
) -> Matter:
    """Make a move.

    :param terms: what a counter-proposal asks for instead, what follows from a dispute that is accepted, or to whom an
        action is handed over
    :param rows: of a correction that is accepted, the numbers of the changes; None: all
    :param seen: the number of the last step that the person has seen; None where that is not known
    :raises Refused: where it is the other side's turn, the matter has ended, the right or a reason is missing,
        another step was made since `seen`, terms that are none, and for a file that is too large
    """
    # First the relationship, then the matter, as whatever else locks both: a step is posted to the ledger under that
    # lock, and a confirmation meanwhile would hold an answer that is taken back.
    lock_for_posting(member)
    matter = Matter.objects.select_for_update(of=("self",)).select_related("owner__person").get(pk=matter.pk)
    if seen is not None and requested is not Move.COMMENT and queries.last_number(matter) != seen:
        raise Refused(Code.MOVED_ON)
    rows = rows if matter.kind == Kind.CORRECTION and requested is Move.ACCEPT else None
    refusal_code = _refusal_code(member, matter, requested, text)
    if refusal_code is not None:
        raise Refused(refusal_code)
    if rows is not None and not rows:
        raise Refused(Code.NONE_TICKED)
    matter.state = transitions.after(State(matter.state), requested, queries.count_counters(matter))
    if matter.state not in OPEN:
        matter.reply_by = None
    terms_json = _apply_terms(member, matter, requested, terms or Terms(), zone)
    terms_json |= {} if rows is None else {"changes": len(rows), "rows": list(rows)}
    if requested is Move.ACCEPT:
        terms_json |= _computed_json(member, matter)
    step = _add_step(member, matter, requested, text, terms=terms_json)
    _audit_move(member, matter, requested, _save_evidence(step, files))
    if requested is not Move.COMMENT:
        # The step first: the database lets a matter change only where a step of the side justifies it.
        matter.last_move = step.number
        matter.save()
    _write_claim(matter, zone)
    if KINDS[Kind(matter.kind)].changes_records:
        _apply_correction(member, matter, requested, rows)
    return matter


def _apply_terms(member: MemberContext, matter: Matter, requested: Move, terms: Terms, zone: str) -> dict[str, Any]:
    """Change the terms of a matter as a move requires, and return what its step keeps of them.

    :raises Refused: for terms that are none
    """
    if requested is Move.COUNTER:
        if matter.kind == Kind.DISPUTE:
            matter.follows = ""  # what a side said would follow is said again, or no longer
        terms.apply_to(matter)
        _check_counter(member, matter)
        _check_days(matter, timezone.now().astimezone(ZoneInfo(zone)).date())
        matter.reply_by = _reply_by(matter, timezone.now(), zone)
        matter.reminded_at, matter.reminded_to = None, []
    elif requested is Move.HAND_OVER:
        owner = terms.owner
        if owner is None or owner.left_at is not None or owner.side != member.membership.side:
            raise Refused(Code.NOBODY)
        matter.owner = owner
    elif requested is Move.ACCEPT and matter.kind == Kind.DISPUTE:
        return _accept_dispute(member, matter, terms, zone)
    elif requested is Move.TAKE_BACK:
        _restore_question(matter, zone)
    return _terms_json(matter) if requested in {Move.COUNTER, Move.HAND_OVER} else {}


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
    due = closing_after(matter.relationship, Side(matter.answers), timezone.now(), zone, CARRY_OUT_DAYS)
    matter.due_on = due.astimezone(ZoneInfo(zone)).date()
    return said | {"due_on": matter.due_on.isoformat()}


def _restore_question(matter: Matter, zone: str) -> None:
    """Set a matter back to what it was before its answer, with the same deadline."""
    steps = Step.objects.filter(matter=matter)
    answer = steps.get(number=matter.last_move)
    asked = steps.filter(move__in=(Move.RAISE, Move.COUNTER)).order_by("number").last()
    matter.reply_by = _reply_by(matter, answer.at if asked is None else asked.at, zone)
    if matter.kind == Kind.DISPUTE:
        matter.due_on = None
        if "follows" in answer.terms:
            matter.follows = ""


def _apply_correction(member: MemberContext, matter: Matter, requested: Move, rows: Sequence[int] | None) -> None:
    """Change the records as a move in a correction requires."""
    if requested is Move.ACCEPT:
        accept_correction(member, matter.records, rows)
    elif requested in {Move.REFUSE, Move.WITHDRAW}:
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
    """Defer writing every claim into a book that has just been created."""
    for matter in Matter.objects.filter(relationship=member.relationship, kind=Kind.CLAIM):
        _write_claim(matter, zone_of(member))


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


def _add_step(
    member: MemberContext, matter: Matter, requested: Move, text: str, *, terms: dict[str, Any] | None = None
) -> Step:
    """Add a step of the member; the database refuses one that is not theirs to make, and checks `ran_out`.

    Steps without a person, such as reminders, are written by functions of the database's owner.
    """
    keep_calendar(member)
    last_step = Step.objects.filter(matter=matter).order_by("-number").first()
    side = None if member.side is None else member.side.value
    # A move, also a comment, answers the last step of the other side, so that the page shows what was answered.
    answered_step = Step.objects.filter(matter=matter).exclude(side=side).exclude(side=None).order_by("-number").first()
    return Step.objects.create(
        relationship=matter.relationship,
        matter=matter,
        number=1 if last_step is None else last_step.number + 1,
        person=member.membership.person,
        side=side,
        move=requested,
        text=text.strip(),
        answers_to=answered_step,
        ran_out=_has_run_out(matter),
        terms=terms or {},
    )


def _reply_by(matter: Matter, start: datetime, zone: str) -> datetime:
    side = matter.waits_for
    return reply_due(matter.relationship, Side(side or matter.answers), start, zone)


def _has_run_out(matter: Matter) -> bool:
    return matter.reply_by is not None and matter.reply_by < timezone.now()
