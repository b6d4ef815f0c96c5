"""Matters, steps, promises and changes as rows of the book, for the readings of how both sides work together.

Only a job of the room writes them, and no file of a side comes into these tables (`book.tables.ROOM_TABLES`). They hold
days, kinds and keys: no text that anybody wrote in a matter, no name of a person, nothing of one side alone, so that
both sides' copies are the same. A job writes every matter that was moved since the steps that the book has; the key of
the book's last delivery says which those are.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from itertools import groupby
from json import dumps
from uuid import UUID

from django.db.models import Max

from comity.apps.agreements.book_rows import TABLE as CHANGES
from comity.apps.agreements.book_rows import change_rows, last_moved
from comity.apps.books.operations import write_rows_now
from comity.apps.books.queries import book_folder, has_book
from comity.apps.ledger.book_rows import TABLE as PROMISES
from comity.apps.ledger.book_rows import last_posted, promise_rows
from comity.apps.ledger.models import Promise
from comity.apps.matters.models import Matter, Step
from comity.apps.matters.move_rows import last_verdict, move_rows
from comity.apps.outbox.operations import defer
from comity.apps.parties.member_context import MemberContext
from comity.book.importing.current import current_table
from comity.book.tables import MOVES, ROOM_TABLES, STEPS
from comity.core.ledger.accounts import ACTION
from comity.core.matters import posture as posture_of
from comity.core.matters.history import Step as Fact
from comity.core.matters.kinds import Kind
from comity.core.matters.nature import About
from comity.core.matters.transitions import NOBODYS, Move, State
from comity.core.spiral.moves import occasion, strain

TASK = "matters.write_book"
_DELAY_S = 60  # one write of the book for what is done within a minute
# A step is stamped before its transaction is committed: one that took long is looked for once more.
_OVERLAP = timedelta(hours=1)
_KEY = "room {} {}"


def defer_writing(member: MemberContext) -> None:
    """Defer writing what was moved into the book; what waits already writes this too."""
    defer(
        TASK,
        relationship=member.relationship.pk,
        lock=f"{TASK} {member.relationship.pk}",  # what is written later was read later
        queueing_lock=f"{TASK} {member.relationship.pk}",
        delay_s=_DELAY_S,
    )


def defer_if_behind(member: MemberContext) -> None:
    """Defer it where the book lacks something, as after a move of the clock, or of a book that was put back."""
    if has_book(member) and (position(member) or datetime.min.replace(tzinfo=UTC)) > (
        written(member) or datetime.min.replace(tzinfo=UTC)
    ):
        defer_writing(member)


def position(member: MemberContext) -> datetime | None:
    """Return when the last step, posting or move of a change was recorded; None where there is none."""
    step: datetime | None = Step.objects.filter(relationship=member.relationship).aggregate(at=Max("recorded_at"))["at"]
    moments = (step, last_posted(member), last_moved(member), last_verdict(member))
    found = [one for one in moments if one is not None]
    return max(found, default=None)


def written(member: MemberContext) -> datetime | None:
    """Return the position that the book was brought to; None where nothing of the room is in it."""
    folder = book_folder(member.relationship.pk)
    keys = [one.key.split() for table in ROOM_TABLES.values() for one in current_table(folder, table).deliveries]
    stamps = [
        datetime.fromisoformat(parts[1]) for parts in keys if len(parts) == len(_KEY.split()) and parts[0] == "room"
    ]
    return max(stamps, default=None)


def write_now(member: MemberContext) -> None:
    """Bring the book to where the room is, for the task; steps last, whose key says what the book has.

    :raises comity.book.storage.commit.BusyBookError: during an import
    """
    now = position(member)
    if now is None or not has_book(member):
        return
    before = written(member)
    for table, rows in room_rows(member, None if before is None else before - _OVERLAP).items():
        digest = sha256(dumps(rows, sort_keys=True).encode()).hexdigest()
        write_rows_now(member.relationship.pk, table, rows, now, _KEY.format(now.isoformat(), digest[:16]))


def room_rows(member: MemberContext, since: datetime | None) -> dict[str, list[dict[str, str]]]:
    """Return the rows of what was moved since a moment, by table, `steps` last; None: of everything."""
    matters = (
        Matter.objects.filter(relationship=member.relationship)
        .select_related("prompted_by", "notice")
        .order_by("raised_at", "pk")
    )
    if since is not None:
        matters = matters.filter(steps__recorded_at__gte=since).distinct()
    found = {one.pk: one for one in matters}
    steps = _steps(found)
    posted = list(promise_rows(member, since))
    about = dict(
        Matter.objects.filter(pk__in={one.subject_id for one, _ in posted}, about=About.ACCOUNT).values_list(
            "pk", "about_name"
        )
    )
    work = Promise.objects.filter(relationship=member.relationship, subject_id__in=found, kind=ACTION)
    promises: dict[UUID, list[Promise]] = {}
    for one in work:
        promises.setdefault(one.subject_id, []).append(one)
    return {
        CHANGES: change_rows(member) if has_book(member) else [],  # few, and each may stand otherwise than yesterday
        "matters": [_matter_row(one, steps.get(pk, ())) for pk, one in found.items()],
        MOVES.name: move_rows(member),  # all: a move answers one of long before, and a clock's verdict has no step
        PROMISES: [row | {"account_id": about.get(one.subject_id, "")} for one, row in posted],
        STEPS.name: [
            row for pk, one in found.items() for row in _step_rows(one, steps.get(pk, ()), promises.get(pk, ()))
        ],
    }


def _steps(matters: Iterable[UUID]) -> Mapping[UUID, list[Step]]:
    rows = Step.objects.filter(matter__in=matters).select_related("answers_to").order_by("matter_id", "number")
    return {pk: list(of) for pk, of in groupby(rows, key=lambda step: step.matter_id)}


def _matter_row(matter: Matter, steps: Iterable[Step]) -> dict[str, str]:
    shaped = posture_of.is_shaped([Fact(step.number, Move(step.move)) for step in steps], State(matter.state))
    about = matter.about and f"{matter.about}:{matter.about_name}"
    return {
        "matter_id": str(matter.pk),
        "kind": matter.kind,
        "asks": matter.asks,
        "answers": matter.answers,
        "serves": matter.serves,
        "raised_at": matter.raised_at.isoformat(),
        "account_id": matter.about_name if matter.about == About.ACCOUNT else "",
        "department": matter.department,
        "prompted_by": "" if matter.prompted_by_id is None else str(matter.prompted_by_id),
        "about": about or (matter.kpi and f"kpi:{matter.kpi}") or (matter.queue and f"queue:{matter.queue}"),
        "nature": matter.nature,
        "event_on": _iso(matter.event_on),
        "aware_on": _iso(matter.aware_on),
        "formal_under": matter.formal_under,
        "posture": matter.posture or "",
        "shaped": _flag(shaped),
        "state": matter.state,
        "closed_at": _iso(matter.closed_at),
        "external_ref": f"{matter.external_system} {matter.external_id}".strip(),
    }


def _received(matter: Matter, step: Step) -> datetime | None:
    """Return when the other side had a step: of a formal notice as its own row says."""
    return matter.notice.received_at if matter.formal_under and step.number == 1 else step.received_at


def _step_rows(matter: Matter, steps: Iterable[Step], promises: Iterable[Promise]) -> Iterator[dict[str, str]]:
    """Yield the rows of a matter's steps; each is about the work that was promised last, if any was."""
    by_step = sorted(promises, key=_opened_by)
    kind = Kind(matter.kind)
    for step in steps:
        move = Move(step.move)
        promise = next((one for one in reversed(by_step) if _opened_by(one) <= step.number), None)
        days = [] if promise is None else [day for number, _, day in promise.days if number <= step.number]
        strained, ordinary = strain(kind, move), occasion(kind, move)
        yield {
            "matter_id": str(matter.pk),
            "number": str(step.number),
            "at": step.at.isoformat(),
            "recorded_at": step.recorded_at.isoformat(),
            "side": step.side or "",
            "by_clock": _flag(move in NOBODYS),
            "kind": step.move,
            "rung": "",
            "level": str(step.level),
            **_answers(matter, step),
            "received_at": _iso(_received(matter, step)),
            "due_at": _iso(step.due_at),
            "late": _flag(step.ran_out),
            "paused_s": "" if step.paused_s is None else str(step.paused_s),
            "promise": "" if promise is None else promise.key,
            "debtor": "" if promise is None else promise.debtor,
            "due_on": str(days[-1]) if days else "",
            "first_due_on": str(days[0]) if days else "",
            "strain": strained or "",
            "occasion": ordinary or "",
            "called_for_by": _called_for_by(step, is_move=bool(strained or ordinary)),
            "mark": step.mark,
            "entered_later": _flag(step.entered_later),
        }


def _opened_by(promise: Promise) -> int:
    """Return the number of the step that made a promise; it ends the promise's key."""
    return int(promise.key.rpartition("/")[2])


def _answers(matter: Matter, step: Step) -> dict[str, str]:
    if step.number == 1 and matter.prompted_by_id is not None:
        return {"answers_matter": str(matter.prompted_by_id), "answers_step": "1", "answers_how": "chosen"}
    if step.answers_to is None:
        return {"answers_matter": "", "answers_step": "", "answers_how": ""}
    return {
        "answers_matter": str(matter.pk),
        "answers_step": str(step.answers_to.number),
        "answers_how": step.link,
    }


def _called_for_by(step: Step, *, is_move: bool) -> str:
    """Return what called for a strained move or its counterpart: the step of the other side, or the clock."""
    if not is_move:
        return ""
    if step.move in NOBODYS:
        return "clock"
    answered = None if step.answers_to is None else step.answers_to.side
    return answered if answered is not None and answered != step.side else ""


def _iso(value: date | None) -> str:
    return "" if value is None else value.isoformat()


def _flag(value: bool) -> str:  # noqa: FBT001 - what is written
    return "true" if value else "false"
