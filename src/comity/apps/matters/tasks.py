"""Tasks of matters: reminders before a reply is due, silence after it, and what a claim or correction changes."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from uuid import UUID

from django.db import transaction
from procrastinate.contrib.django import app

from comity.apps.books import results
from comity.apps.books.queries import QUEUE
from comity.apps.matters import book_rows, exports, notices, operations, queries, told
from comity.apps.matters.models import FormalNotice, Matter
from comity.apps.outbox.operations import ExponentialBackoff
from comity.apps.parties.member_context import MemberContext, acting_as, find_lead, for_each_relationship
from comity.apps.replies.queries import was_heard
from comity.core.matters.kinds import Kind
from comity.core.values import Side


@results.computes(queries.COMPUTE_CLAIM)
def compute_claim_effect(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what a claim would change."""
    matter = queries.matter(member, UUID(terms["matter"]))
    if matter is not None:
        queries.claim_effects(member, matter)


@results.computes(queries.COMPUTE_CORRECTION)
def compute_correction_effect(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Compute what a correction would change."""
    matter = queries.matter(member, UUID(terms["matter"]))
    if matter is not None and matter.kind == Kind.CORRECTION:
        queries.correction_effects(member, matter)


@results.computes(exports.COMPUTE_PACK)
def compute_pack(member: MemberContext, terms: Mapping[str, str]) -> None:
    """Make the evidence pack of a matter."""
    exports.make_pack(member, terms)


@app.periodic(cron="*/10 * * * *")
@app.task(queue="clock", name="matters.tick", queueing_lock="matters.tick", pass_context=False)
def tick(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Send reminders in every relationship, and record whose clock has run out, with the rights of one of its leads."""
    for_each_relationship(_remind_matters)


def _remind_matters(member: MemberContext) -> None:
    _follow_notices(member)
    for matter in queries.to_remind(member):
        _in_own_transaction(partial(operations.remind, member, matter), matter)
    for matter in queries.run_out(member):
        if matter.reply_by is not None and not was_heard(matter.reply_by):
            continue  # an answer that came in time may lie in the mailbox
        _in_own_transaction(partial(operations.note_run_out, member, matter), matter)
    for matter in queries.silent(member):
        _in_own_transaction(partial(operations.follow_silence, member, matter), matter)
    for matter in queries.owed_soon(member):
        _in_own_transaction(partial(operations.remind_of_owed, member, matter), matter)
    for matter in queries.undone_disputes(member):
        _in_own_transaction(partial(operations.note_undone, member, matter), matter)
    for matter in queries.overdue_promises(member):
        _in_own_transaction(partial(operations.break_promise, member, matter), matter)
    book_rows.defer_if_behind(member)


@app.task(queue=QUEUE, name=book_rows.TASK, retry=ExponentialBackoff())
def write_book(relationship: str, sides: Sequence[str] = ()) -> None:  # noqa: ARG001 - to whom a failure is shown
    """Bring the book's matters, steps and promises to where the room is."""
    for_each_relationship(book_rows.write_now, only=UUID(relationship))


@app.task(queue=QUEUE, name=notices.TASK, retry=ExponentialBackoff())
def send_notice(relationship: str, matter: str, sides: Sequence[str] = ()) -> None:
    """Mail a formal notice and note its receipt, with the rights of a lead of the side that gives it."""
    here, side = UUID(relationship), Side(sides[0])
    with acting_as(find_lead(here, lambda member: member.side is side), here) as member:
        notice = FormalNotice.objects.filter(matter=UUID(matter)).select_related("matter").first()
        if notice is not None:
            notices.follow(member, notice)


@app.periodic(cron="50 3 * * *")
@app.task(queue="clock", name="matters.told", queueing_lock="matters.told", pass_context=False)
def ask_told(timestamp: int) -> None:  # noqa: ARG001 - as procrastinate calls it
    """Ask the side that served, in every relationship, about days that nothing explains."""
    for_each_relationship(_ask_told)


def _ask_told(member: MemberContext) -> None:
    told.ask(member)


def _follow_notices(member: MemberContext) -> None:
    """Follow what became of the mails of each notice, by the job of the side that gave it."""
    for notice in queries.unreceived(member):
        if notice.told or notice.acknowledged_at is not None:  # else the job that mails it is under way
            notices.defer_sending(notice.matter)


def _in_own_transaction(work: Callable[[], object], matter: Matter) -> None:
    """Run work on a matter in its own transaction, and log an error, so that it does not stop the other matters."""
    try:
        with transaction.atomic():
            work()
    except Exception:
        logging.getLogger(__name__).exception("the periodic job failed for matter %s", matter.pk)
