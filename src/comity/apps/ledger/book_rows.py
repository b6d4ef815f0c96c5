"""Promises as rows of the book: what each side owed the other, without a word that anybody wrote."""

from collections.abc import Iterator
from datetime import datetime

from django.db.models import Max

from comity.apps.ledger.models import Line, Promise, Transaction
from comity.apps.parties.member_context import MemberContext
from comity.core.ledger.accounts import ACTION, End

TABLE = "promises"
_DONE = "done"  # as the ledger names the step that says so


def last_posted(member: MemberContext) -> datetime | None:
    """Return when the ledger last posted in the relationship."""
    newest: datetime | None = Transaction.objects.filter(relationship=member.relationship).aggregate(
        at=Max("recorded_at")
    )["at"]
    return newest


def promise_rows(member: MemberContext, since: datetime | None) -> Iterator[tuple[Promise, dict[str, str]]]:
    """Yield each promise that was posted to since a moment, with its row; None: every one.

    What is no work is done by what closed it, and confirmed by nothing else.
    """
    posted = Line.objects.filter(relationship=member.relationship)
    if since is not None:
        posted = posted.filter(transaction__recorded_at__gte=since)
    ids = posted.values_list("promise_id", flat=True).distinct()
    promises = {one.pk: one for one in Promise.objects.filter(relationship=member.relationship, pk__in=ids)}
    moments: dict[object, list[tuple[int, datetime]]] = {}
    for of, number, at in (
        Line.objects.filter(promise_id__in=promises, way="owes")
        .order_by("transaction__number")
        .values_list("promise_id", "transaction__number", "transaction__recorded_at")
    ):
        moments.setdefault(of, []).append((number, at))
    subjects = {one.subject_id for one in promises.values()}
    done = Transaction.objects.filter(relationship=member.relationship, subject_id__in=subjects, cause=_DONE)
    done_at: dict[object, list[tuple[int, datetime]]] = {}
    for subject, number, at in done.order_by("number").values_list("subject_id", "number", "recorded_at"):
        done_at.setdefault(subject, []).append((number, at))
    for pk, promise in promises.items():
        opened, closed = moments[pk][0], moments[pk][-1]
        is_kept = promise.ended == End.KEPT
        if promise.kind == ACTION:
            said = [at for number, at in done_at.get(promise.subject_id, ()) if number > opened[0]]
            when = said[-1] if said and promise.done_on is not None else None
        else:
            when = closed[1] if is_kept else None
        yield promise, _row(promise, opened[1], when, closed[1] if is_kept else None)


def _row(
    promise: Promise, promised_at: datetime, done_at: datetime | None, confirmed_at: datetime | None
) -> dict[str, str]:
    days = [day for _, _, day in promise.days]
    return {
        "promise_id": promise.key,
        "matter_id": str(promise.subject_id) if promise.subject_type == "matter" else "",
        "account_id": "",
        "side": promise.debtor,
        "kind": promise.kind,
        "promised_at": promised_at.isoformat(),
        "first_due_on": str(days[0]) if days else "",
        "due_on": "" if promise.due_on is None else promise.due_on.isoformat(),
        "moved": str(max(0, len(days) - 1)),
        "done_at": "" if done_at is None else done_at.isoformat(),
        "confirmed_at": "" if confirmed_at is None else confirmed_at.isoformat(),
        "ended": promise.ended,
    }
