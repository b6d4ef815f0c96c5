"""Moves in a matter: who may make which, what follows, and by when a reply is due."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.utils import timezone

from comity.apps.audit.models import Event
from comity.apps.audit.operations import audit
from comity.apps.books.operations import accept_correction, refuse_correction, write_rows
from comity.apps.books.queries import zone as zone_of
from comity.apps.matters.models import Began, Evidence, Matter, Step
from comity.apps.matters.refusals import Code
from comity.apps.parties.mailing import page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.apps.replies.queries import reply_due
from comity.apps.replies.reminders import members_with_right, send_reminder
from comity.core.matters import transitions
from comity.core.matters.kinds import KINDS, Kind, Raiser
from comity.core.matters.transitions import IN_THE_BOOK, OPEN, Actor, Move, Party, Refusal, State
from comity.core.values import Side
from comity.review.i18n.words import Words

LARGEST_EVIDENCE = 10 * 1024 * 1024
LATE_AFTER = timedelta(days=45)  # an event claimed so long after it is marked late


@dataclass(frozen=True, slots=True)
class Asked:
    """What a matter is about, as a form has it."""

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
    began: Began = Began.REACTIVE
    answers: Side | None = field(default=None)


@dataclass(frozen=True, slots=True)
class Terms:
    """What a counter-proposal puts in the place of what lay on the table; what is None stays as it was."""

    from_day: date | None = None
    to_day: date | None = None
    queue: str | None = None
    asked_for: str | None = None
    owner: Membership | None = None
    due_on: date | None = None

    def laid_on(self, matter: Matter) -> None:
        """Make them the matter's.

        :raises Refused: for days out of order
        """
        for name in KINDS[Kind(matter.kind)].countered:
            given = getattr(self, name)
            if given is not None:
                setattr(matter, name, given)
        if matter.from_day is not None and matter.to_day is not None and matter.to_day < matter.from_day:
            raise Refused(Code.ORDER)


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with a step."""

    name: str
    content: bytes


def raise_matter(member: MemberContext, asked: Asked, zone: str, files: Sequence[File] = ()) -> Matter:
    """Raise a matter for one's side.

    :raises Refused: for those on neither side, without the right, for days out of order and a file that is too large
    """
    side = member.side
    spec = KINDS[asked.kind]
    if side is None or not member.may(Action(spec.raised_with)) or spec.raised_by is Raiser.IMPORT:
        raise Refused(Code.NOT_YOURS)
    if asked.from_day is not None and asked.to_day is not None and asked.to_day < asked.from_day:
        raise Refused(Code.ORDER)
    now = timezone.now()
    matter = Matter(
        relationship=member.relationship,
        kind=asked.kind,
        began=asked.began,
        asks=side.value,
        answers=side.other.value,
        title=asked.title,
        kpi=asked.kpi,
        period=asked.period,
        queue=asked.queue,
        from_day=asked.from_day,
        to_day=asked.to_day,
        asked_for=asked.asked_for,
        event=asked.event,
        owner=asked.owner,
        due_on=asked.due_on,
        raised_at=now,
        late=asked.to_day is not None and asked.to_day < (now - LATE_AFTER).date(),
    )
    matter.reply_by = _reply_by(matter, now, zone)
    with transaction.atomic():
        raised_now(member, matter, asked.text, files)
        _tell_book(matter, zone)
    return matter


def raised_now(member: MemberContext, matter: Matter, text: str, files: Sequence[File] = ()) -> Step:
    """Keep a matter that is raised for the viewer's side, and its first step.

    :raises Refused: for a file that is too large
    """
    matter.save(force_insert=True)
    step = _step(member, matter, Move.RAISE, text, terms=_terms(matter))
    _audit_move(member, matter, Move.RAISE, _lay_before(step, files))
    return step


_EVENTS = {
    Move.RAISE: Event.MATTER_RAISED,
    Move.ACCEPT: Event.MATTER_ACCEPTED,
    Move.REFUSE: Event.MATTER_REFUSED,
    Move.COUNTER: Event.MATTER_COUNTERED,
    Move.COMMENT: Event.MATTER_COMMENTED,
    Move.WITHDRAW: Event.MATTER_WITHDRAWN,
    Move.DONE: Event.MATTER_DONE,
    Move.HAND_OVER: Event.MATTER_HANDED_OVER,
}  # what is nobody's move, the database adds itself (`migrations/0011_audit.py`)


def _audit_move(member: MemberContext, matter: Matter, what: Move, evidence: Sequence[Evidence]) -> None:
    """Add a move to the log: what it was made in, to whom an action goes, the files that came with it."""
    data: dict[str, object] = {"kind": matter.kind, "title": matter.title}
    if what is Move.HAND_OVER and matter.owner is not None:
        data |= {"to": matter.owner.person.name, "to_id": str(matter.owner.pk)}
    if evidence:
        data["evidence"] = [file.name for file in evidence]
    audit(member, _EVENTS[what], matter, data, shared=True)


def due_when_raised(matter: Matter, zone: str) -> datetime:
    """By when the other side is to answer a matter that is raised now."""
    return _reply_by(matter, timezone.now(), zone)


_ANSWERS = {Move.ACCEPT, Move.COUNTER, Move.REFUSE}


def _actor(member: MemberContext, matter: Matter) -> Actor:
    """Who looks at a matter, from within it."""
    if member.side is None:
        return Actor(None)
    party = Party.ASKS if member.side == matter.asks else Party.ANSWERS
    return Actor(party, owns=matter.owner is None or matter.owner.side == member.side.value)


def open_moves(member: MemberContext, matter: Matter) -> list[Move]:
    """The moves that are open to somebody now, the one that is waited for first."""
    if not member.may(Action.ACT):
        return []
    kind = Kind(matter.kind)
    moves = transitions.open_moves(kind, State(matter.state), _actor(member, matter))
    answers = member.may(Action(KINDS[kind].answered_with))
    return [move for move in moves if answers or move not in _ANSWERS]


def _why_not(member: MemberContext, matter: Matter, what: Move, text: str) -> Code | None:
    """Why somebody may not make a move; None where they may."""
    if member.side is None and what is not Move.COMMENT:
        return Code.NOT_YOURS
    why = transitions.refusal(Kind(matter.kind), State(matter.state), _actor(member, matter), what, text)
    lacks_right = what not in open_moves(member, matter)
    if why is None or why is Refusal.REASON:
        return Code.NOT_YOURS if lacks_right else Code(why.value) if why else None
    return Code.NOT_YOURS if not member.may(Action.ACT) else Code(why.value)


@transaction.atomic
def move(  # noqa: PLR0913 - a move, what it says, and what comes with it
    member: MemberContext,
    matter: Matter,
    what: Move,
    text: str,
    zone: str,
    terms: Terms | None = None,
    files: Sequence[File] = (),
    rows: Sequence[int] | None = None,
) -> Matter:
    """Make a move.

    :param terms: what a counter-proposal asks for instead, or to whom an action is handed over
    :param rows: of a correction that is accepted, the numbers of the changes; None: all
    :raises Refused: where it is the other side's turn, the matter has ended, the right or a reason is missing,
        terms that are none, and for a file that is too large
    """
    matter = Matter.objects.select_for_update(of=("self",)).select_related("owner__person").get(pk=matter.pk)
    rows = rows if matter.kind == Kind.CORRECTION and what is Move.ACCEPT else None
    why = _why_not(member, matter, what, text)
    if why is not None:
        raise Refused(why)
    if rows is not None and not rows:
        raise Refused(Code.NONE_TICKED)
    matter.state = transitions.after(State(matter.state), what)
    if matter.state not in OPEN:
        matter.reply_by = None
    if what is Move.COUNTER:
        (terms or Terms()).laid_on(matter)
        matter.reply_by = _reply_by(matter, timezone.now(), zone)
        matter.reminded_at, matter.reminded_to = None, []
    elif what is Move.HAND_OVER:
        owner = None if terms is None else terms.owner
        if owner is None or owner.left_at is not None or owner.side != member.membership.side:
            raise Refused(Code.NOBODY)
        matter.owner = owner
    laid = _terms(matter) if what in {Move.COUNTER, Move.HAND_OVER} else {}
    laid |= {} if rows is None else {"changes": len(rows), "rows": list(rows)}
    step = _step(member, matter, what, text, terms=laid)
    _audit_move(member, matter, what, _lay_before(step, files))
    if what is not Move.COMMENT:
        # The step first: the database lets a matter change only where a step of the side justifies it.
        matter.last_move = step.number
        matter.save()
    _tell_book(matter, zone)
    if KINDS[Kind(matter.kind)].changes_records:
        _correct(member, matter, what, rows)
    return matter


def _correct(member: MemberContext, matter: Matter, what: Move, rows: Sequence[int] | None) -> None:
    """Do what a move in a correction means for the records."""
    if what is Move.ACCEPT:
        accept_correction(member, matter.records, rows)
    elif what in {Move.REFUSE, Move.WITHDRAW}:
        refuse_correction(member, matter.records)


def remind(member: MemberContext, matter: Matter) -> None:
    """Tell the side whose move it is that its reply is nearly due; once for each move. Without one nothing changes.

    Recorded only where the mail server took the reminder of at least one person who may answer: else it is tried again.
    """
    matter = Matter.objects.get(pk=matter.pk)
    if matter.waits_for is None or matter.reply_by is None:
        return
    people = members_with_right(member, Side(matter.waits_for), Action.ANSWER)
    if matter.reminded_at is not None and any(str(one.person_id) in matter.reminded_to for one in people):
        return
    day = matter.reply_by.astimezone(ZoneInfo(zone_of(member))).date()
    address = page_path(member, "matter", matter=matter.pk)
    said: dict[str, Callable[[Words], str]] = {"title": lambda _: matter.title, "day": lambda words: words.day(day)}
    if KINDS[Kind(matter.kind)].silence:
        told = send_reminder(people, "reminder", address, **said)
    else:
        told = send_reminder(people, "correction_waits", address, **said)
    if told:
        with connection.cursor() as cursor:
            cursor.execute("SELECT comity_remind_matter(%s, %s)", [matter.pk, told])


def _tell_book(matter: Matter, zone: str) -> None:
    """A claim is an event of the book, so that every figure is made with it and, as long as it waits, without too."""
    if not KINDS[Kind(matter.kind)].in_the_book or matter.from_day is None or matter.to_day is None:
        return
    here, answered = ZoneInfo(zone), matter.state not in OPEN
    last = Step.objects.filter(matter=matter, number=max(matter.last_move, 1)).get()
    row = {
        "event_id": f"room-{matter.pk}",
        "kind": matter.event,
        "from": datetime.combine(matter.from_day, time.min, here).isoformat(),
        "to": datetime.combine(matter.to_day + timedelta(days=1), time.min, here).isoformat(),
        "queues": matter.queue,
        "declared_by": matter.asks,
        "declared_at": matter.raised_at.isoformat(),
        "evidence": ", ".join(Evidence.objects.filter(matter=matter).values_list("name", flat=True))[:400],
        "claim": matter.asked_for,
        "kpi": matter.kpi,
        "state": IN_THE_BOOK[State(matter.state)],
        "answered_by": matter.answers if answered and matter.state != State.WITHDRAWN else "",
        "answered_at": last.at.isoformat() if answered else "",
    }
    digest = hashlib.sha256(json.dumps(row, sort_keys=True).encode()).hexdigest()
    write_rows(
        matter.relationship_id, "events", [row], timezone.now(),
        subject=f"matter {matter.pk}", key=f"matter {matter.pk} {last.number} {digest[:16]}",
    )  # fmt: skip


def write_claims(member: MemberContext) -> None:
    """Have every claim written into a book that has just begun."""
    for matter in Matter.objects.filter(relationship=member.relationship, kind=Kind.CLAIM):
        _tell_book(matter, zone_of(member))


def _terms(matter: Matter) -> dict[str, Any]:
    """What lies on the table, as a step keeps it."""
    said = {
        "from_day": None if matter.from_day is None else matter.from_day.isoformat(),
        "to_day": None if matter.to_day is None else matter.to_day.isoformat(),
        "queue": matter.queue,
        "asked_for": matter.asked_for,
        "owner": None if matter.owner is None else matter.owner.person.name,
        "due_on": None if matter.due_on is None else matter.due_on.isoformat(),
    }
    return {name: value for name, value in said.items() if value}


def _lay_before(step: Step, files: Sequence[File]) -> list[Evidence]:
    if any(len(file.content) > LARGEST_EVIDENCE for file in files):
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


def _step(member: MemberContext, matter: Matter, what: Move, text: str, *, terms: dict[str, Any] | None = None) -> Step:
    """Add the viewer's step; the database refuses one that is not theirs to make, and says whether the clock ran out.

    What is nobody's move, a reminder and acceptance by silence, is written by functions of the database's owner.
    """
    last = Step.objects.filter(matter=matter).order_by("-number").first()
    side = None if member.side is None else member.side.value
    # A move answers to the last one of the other side; a comment too, so that who was heard can be told.
    other = Step.objects.filter(matter=matter).exclude(side=side).exclude(side=None).order_by("-number").first()
    return Step.objects.create(
        relationship=matter.relationship,
        matter=matter,
        number=1 if last is None else last.number + 1,
        person=member.membership.person,
        side=side,
        move=what,
        text=text.strip(),
        answers_to=other,
        ran_out=_ran_out(matter),
        terms=terms or {},
    )


def _reply_by(matter: Matter, start: datetime, zone: str) -> datetime:
    side = matter.waits_for
    return reply_due(matter.relationship, Side(side or matter.answers), start, zone)


def _ran_out(matter: Matter) -> bool:
    return matter.reply_by is not None and matter.reply_by < timezone.now()
