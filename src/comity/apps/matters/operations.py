"""Moves in a matter: who may make which, what follows, and the reply clock."""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from comity.apps.books.operations import write_rows
from comity.apps.matters.models import AGREED, OPEN, Began, Evidence, Kind, Matter, Move, State, Step
from comity.apps.parties.mailing import page, tell
from comity.apps.parties.models import Membership
from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.core.clocks import Hours, due
from comity.core.values import Side

OPENS, CLOSES = time(9), time(17)
A_DAY = timedelta(hours=CLOSES.hour - OPENS.hour)
LARGEST_EVIDENCE = 10 * 1024 * 1024
LATE_AFTER = timedelta(days=45)  # an event claimed so long after it is marked late


class NotAllowedError(ValueError):
    """A move that is not this person's to make, or not possible any more; the word names the sentence."""


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

        :raises NotAllowedError: for days out of order
        """
        names = ("queue", "from_day", "to_day", "asked_for") if matter.kind == Kind.CLAIM else ("owner", "due_on")
        for name in () if matter.kind == Kind.DISPUTE else names:
            given = getattr(self, name)
            if given is not None:
                setattr(matter, name, given)
        if matter.from_day is not None and matter.to_day is not None and matter.to_day < matter.from_day:
            raise NotAllowedError("order")


@dataclass(frozen=True, slots=True)
class File:
    """A file that comes with a step."""

    name: str
    content: bytes


def hours(zone: str) -> Hours:
    """When the reply clock runs: office hours on weekdays, until the parties agree on a calendar of their own."""
    return Hours.weekdays(zone, OPENS, CLOSES)


def raise_matter(standing: Standing, asked: Asked, zone: str, files: Sequence[File] = ()) -> Matter:
    """Raise a matter for one's side.

    :raises NotAllowedError: for those on neither side, without the right, and for a file that is too large
    """
    side = standing.side
    action = Action.ACT if asked.kind is Kind.ACTION else Action.DISPUTE
    if side is None or not standing.may(action):
        raise NotAllowedError("not_yours")
    now = timezone.now()
    matter = Matter(
        relationship=standing.relationship,
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
        matter.save(force_insert=True)
        step = _step(standing, matter, Move.RAISE, asked.text, terms=_terms(matter))
        _lay_before(step, files)
        _tell_book(matter, zone)
        note(standing, f"raised {asked.kind}", asked.title, crosses=True)
    return matter


def open_moves(standing: Standing, matter: Matter) -> list[Move]:
    """The moves that are open to somebody now, the one that is waited for first."""
    if not standing.may(Action.ACT):
        return []
    moves: list[Move] = []
    if standing.side is not None and matter.state in OPEN:
        if standing.side == matter.waits_for and (matter.kind == Kind.ACTION or standing.may(Action.ANSWER)):
            moves += [Move.ACCEPT, Move.COUNTER, Move.REFUSE]
        if standing.side == matter.asks:
            moves.append(Move.WITHDRAW)
    if standing.side is not None and matter.kind == Kind.ACTION and matter.state in AGREED:
        moves.append(Move.DONE)
        if matter.owner is None or matter.owner.side == standing.side.value:
            moves.append(Move.HAND_OVER)
    return [*moves, Move.COMMENT]


_ENDS = {
    Move.ACCEPT: State.ACCEPTED,
    Move.REFUSE: State.REFUSED,
    Move.WITHDRAW: State.WITHDRAWN,
    Move.DONE: State.DONE,
}


@transaction.atomic
def move(  # noqa: PLR0913 - a move, what it says, and what comes with it
    standing: Standing,
    matter: Matter,
    what: Move,
    text: str,
    zone: str,
    terms: Terms | None = None,
    files: Sequence[File] = (),
) -> Matter:
    """Make a move.

    :param terms: what a counter-proposal asks for instead, or to whom an action is handed over
    :raises NotAllowedError: where it is the other side's turn, the matter has ended, the right or a reason is missing,
        terms that are none, and for a file that is too large
    """
    matter = Matter.objects.select_for_update(of=("self",)).select_related("owner__person").get(pk=matter.pk)
    if what not in open_moves(standing, matter):
        their_turn = matter.state in OPEN and standing.side is not None and standing.side != matter.waits_for
        raise NotAllowedError("their_turn" if their_turn else "not_now" if matter.state in OPEN else "ended")
    if what in {Move.REFUSE, Move.COUNTER} and not text.strip():
        raise NotAllowedError("reason")
    ran_out = _ran_out(matter)
    if what in _ENDS:
        matter.state, matter.reply_by = _ENDS[what], None
        note(standing, f"{what} {matter.kind}", matter.title, crosses=True)
    elif what is Move.COUNTER:
        (terms or Terms()).laid_on(matter)
        matter.state = State.COUNTERED if matter.state == State.ASKED else State.ASKED
        matter.reply_by, matter.reminded_at = _reply_by(matter, timezone.now(), zone), None
    elif what is Move.HAND_OVER:
        owner = None if terms is None else terms.owner
        if owner is None or owner.left_at is not None or owner.side != standing.membership.side:
            raise NotAllowedError("nobody")
        matter.owner = owner
        note(standing, "handed over", f"{matter.title} > {owner.person}", crosses=True)
    matter.save()
    laid = _terms(matter) if what in {Move.COUNTER, Move.HAND_OVER} else {}
    _lay_before(_step(standing, matter, what, text, ran_out=ran_out, terms=laid), files)
    _tell_book(matter, zone)
    return matter


def run_out(matter: Matter, zone: str) -> Matter:
    """What silence does once the clock has run out: what was asked counts as accepted."""
    matter = Matter.objects.select_for_update().get(pk=matter.pk)
    if matter.state not in OPEN or not _ran_out(matter):
        return matter
    matter.state, matter.reply_by = State.DEEMED, None
    matter.save(update_fields=["state", "reply_by"])
    _step(None, matter, Move.DEEM, "", ran_out=True)
    _tell_book(matter, zone)
    return matter


def remind(standing: Standing, matter: Matter) -> None:
    """Tell the side whose move it is that the clock is about to run out; once for each move."""
    matter = Matter.objects.select_for_update().get(pk=matter.pk)
    if matter.waits_for is None or matter.reply_by is None or matter.reminded_at is not None:
        return
    matter.reminded_at = timezone.now()
    matter.save(update_fields=["reminded_at"])
    _step(None, matter, Move.REMIND, "")
    day = matter.reply_by.date()
    tell(
        standing,
        Side(matter.waits_for),
        Action.ANSWER,
        "reminder",
        page(standing, "matter", matter=matter.pk),
        title=lambda _: matter.title,
        day=lambda words: words.day(day),
    )


_IN_THE_BOOK = {
    State.ACCEPTED: "accepted",
    State.DEEMED: "deemed",
    State.REFUSED: "refused",
    State.WITHDRAWN: "refused",
}


def _tell_book(matter: Matter, zone: str) -> None:
    """A claim is an event of the book, so that every figure is made with it and, as long as it waits, without too."""
    if matter.kind != Kind.CLAIM or matter.from_day is None or matter.to_day is None:
        return
    here, answered = ZoneInfo(zone), matter.state not in OPEN
    now = timezone.now()
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
        "state": _IN_THE_BOOK.get(State(matter.state), "claimed"),
        "answered_by": matter.answers if answered and matter.state != State.WITHDRAWN else "",
        "answered_at": now.isoformat() if answered else "",
    }
    transaction.on_commit(lambda: write_rows(matter.relationship_id, "events", [row], now))


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


def _lay_before(step: Step, files: Sequence[File]) -> None:
    for one in files:
        if len(one.content) > LARGEST_EVIDENCE:
            raise NotAllowedError("too_large")
        Evidence.objects.create(
            relationship=step.relationship,
            matter=step.matter,
            step=step,
            side=step.side,
            name=re.sub(r"[^\w.() -]", "_", one.name.replace("\\", "/").rpartition("/")[2])[-160:] or "file",
            size=len(one.content),
            digest=hashlib.sha256(one.content).hexdigest(),
            content=one.content,
        )


def _step(  # noqa: PLR0913 - what a step holds
    standing: Standing | None,
    matter: Matter,
    what: Move,
    text: str,
    *,
    ran_out: bool = False,
    terms: dict[str, Any] | None = None,
) -> Step:
    last = Step.objects.filter(matter=matter).order_by("-number").first()
    side = None if standing is None or standing.side is None else standing.side.value
    # A move answers to the last one of the other side; a comment too, so that who was heard can be told.
    other = Step.objects.filter(matter=matter).exclude(side=side).exclude(side=None).order_by("-number").first()
    return Step.objects.create(
        relationship=matter.relationship,
        matter=matter,
        number=1 if last is None else last.number + 1,
        person=None if standing is None else standing.membership.person,
        side=side,
        move=what,
        text=text.strip(),
        answers_to=other,
        ran_out=ran_out,
        terms=terms or {},
    )


def _reply_by(matter: Matter, start: datetime, zone: str) -> datetime:
    return due(hours(zone), start.astimezone(UTC), A_DAY * matter.relationship.reply_days)


def _ran_out(matter: Matter) -> bool:
    return matter.reply_by is not None and matter.reply_by < timezone.now()
