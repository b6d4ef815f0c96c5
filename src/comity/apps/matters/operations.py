"""Moves in a matter: who may make which, what follows, and the reply clock."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone

from comity.apps.books.operations import write_rows
from comity.apps.matters.models import AGREED, OPEN, Began, Kind, Matter, Move, State, Step
from comity.apps.parties.mailing import page, tell
from comity.apps.parties.models import Membership
from comity.apps.parties.operations import note
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.core.clocks import Hours, due
from comity.core.values import Side

OPENS, CLOSES = time(9), time(17)
A_DAY = timedelta(hours=CLOSES.hour - OPENS.hour)
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


def hours(zone: str) -> Hours:
    """When the reply clock runs: office hours on weekdays, until the parties agree on a calendar of their own."""
    return Hours.weekdays(zone, OPENS, CLOSES)


def raise_matter(standing: Standing, asked: Asked, zone: str) -> Matter:
    """Raise a matter for one's side.

    :raises NotAllowedError: for those on neither side, and without the right
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
        _step(standing, matter, Move.RAISE, asked.text)
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
    return [*moves, Move.COMMENT]


_ENDS = {
    Move.ACCEPT: State.ACCEPTED,
    Move.REFUSE: State.REFUSED,
    Move.WITHDRAW: State.WITHDRAWN,
    Move.DONE: State.DONE,
}


def move(standing: Standing, matter: Matter, what: Move, text: str, zone: str) -> Matter:
    """Make a move.

    :raises NotAllowedError: where it is the other side's turn, the matter has ended, the right or a reason is missing
    """
    matter = Matter.objects.select_for_update().get(pk=matter.pk)
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
        matter.state = State.COUNTERED if matter.state == State.ASKED else State.ASKED
        matter.reply_by, matter.reminded_at = _reply_by(matter, timezone.now(), zone), None
    matter.save(update_fields=["state", "reply_by", "reminded_at"])
    _step(standing, matter, what, text, ran_out=ran_out)
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
        "claim": matter.asked_for,
        "kpi": matter.kpi,
        "state": _IN_THE_BOOK.get(State(matter.state), "claimed"),
        "answered_by": matter.answers if answered and matter.state != State.WITHDRAWN else "",
        "answered_at": now.isoformat() if answered else "",
    }
    transaction.on_commit(lambda: write_rows(matter.relationship_id, "events", [row], now))


def _step(standing: Standing | None, matter: Matter, what: Move, text: str, *, ran_out: bool = False) -> Step:
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
    )


def _reply_by(matter: Matter, start: datetime, zone: str) -> datetime:
    return due(hours(zone), start.astimezone(UTC), A_DAY * matter.relationship.reply_days)


def _ran_out(matter: Matter) -> bool:
    return matter.reply_by is not None and matter.reply_by < timezone.now()
