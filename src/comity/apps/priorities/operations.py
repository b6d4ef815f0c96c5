"""Operations on priorities: a round is started, each side orders and seals, both are opened, a joint order is settled.

Whether the other side has sealed is known to the database alone until both have (`comity_seal_priorities`): no answer,
mail, event or number here depends on it before.
"""

import secrets
from collections.abc import Sequence
from datetime import date
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils import timezone

from comity.apps.agreements import operations as agreements
from comity.apps.agreements import queries as agreement
from comity.apps.agreements.content import DraftContent
from comity.apps.agreements.models import Change
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import announce, audit
from comity.apps.parties.mailing import mail_member, mail_side, page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.priorities import queries
from comity.apps.priorities.models import Outcome, Ranking, Round
from comity.apps.priorities.refusals import Code
from comity.apps.record import operations as record
from comity.apps.record.models import Consent, Entry, EntryKind
from comity.apps.refusal import Refused
from comity.core import chain
from comity.core.agreements import priorities
from comity.core.agreements.priorities import Ordered
from comity.core.values import Side
from comity.review.i18n.words import Words

LONGEST_ROUND_DAYS = 60
REMIND_DAYS = 2  # before the last day of a round
_LAST_ZONE = ZoneInfo("Etc/GMT+12")  # where a day is over last


def _leading_side(member: MemberContext) -> Side:
    """Return the side that the member decides for.

    :raises Refused: for those on neither side, and those who may not
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def start(member: MemberContext, closes_on: date) -> Round:
    """Start a round for the KPIs in force and those on their way, up to and with a day.

    :raises Refused: for those who may not, for a day that is past or too far, where a round is open, with fewer than
        two KPIs, and beyond the rate limit
    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    side = _leading_side(member)
    check_rate_limit(member.membership.person, "priorities")
    record.lock_relationship(member)
    if queries.open_round(member) is not None:
        raise Refused(Code.OPEN_ALREADY)
    if not 1 <= (closes_on - agreement.today(member)).days <= LONGEST_ROUND_DAYS:
        raise Refused(Code.DAY, days=LONGEST_ROUND_DAYS)
    kpis = queries.kpis_to_order(member)
    if not priorities.MIN_KPIS <= len(kpis) <= priorities.MAX_KPIS:
        raise Refused(Code.FEW_KPIS)
    row = Round.objects.create(
        relationship=member.relationship, side=side, person=member.membership.person, closes_on=closes_on, kpis=kpis,
        known=max((entry.place for entry in agreement.chain(member)), default=0),
    )  # fmt: skip
    audit(member, Event.PRIORITIES_STARTED, SubjectType.AGREEMENT, {"until": closes_on.isoformat()}, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "priorities_started", _path(member, row),
        party=lambda words: member.party(words)(side), day=lambda words: words.day(closes_on),
    )  # fmt: skip
    return row


def save(member: MemberContext, row: Round, ranking: priorities.Ranking, seen: int) -> int:
    """Save what the own side has written so far; return the number of the save.

    :param seen: number of the save that the person had before them; 0 for none
    :raises Refused: for those who may not, where the round is over or the side has sealed, where somebody of the side
        saved meanwhile, beyond the rate limit
    """
    if member.side is None or not queries.may_write(member):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "drafts")
    record.lock_relationship(member)
    _check_open(member, row)
    kpis = {one["id"] for one in row.kpis}
    if not kpis.issuperset(priorities.places(ranking)):
        raise Refused(Code.NOT_ALL)
    known = queries.own_ranking(member, row)
    if known is not None and known.sealed_at is not None:
        raise Refused(Code.SEALED)
    if (0 if known is None else known.number) != seen:
        raise Refused(Code.SAVED_MEANWHILE)
    values = {
        "number": seen + 1, "content": priorities.ranking_content(ranking), "person": member.membership.person,
        "at": timezone.now(),
    }  # fmt: skip
    if known is not None:
        Ranking.objects.filter(pk=known.pk, number=seen, sealed_at=None).update(**values)
        return seen + 1
    try:
        with transaction.atomic():
            Ranking.objects.create(round=row, relationship=member.relationship, side=member.side, **values)
    except IntegrityError:
        raise Refused(Code.SAVED_MEANWHILE) from None
    return seen + 1


def _check_open(member: MemberContext, row: Round) -> None:
    """Read a round again under the lock, and check that its last day is not over.

    :raises Refused: where it has ended
    """
    row.refresh_from_db(fields=["ended_at", "outcome"])
    if queries.is_over(member, row):
        raise Refused(Code.ENDED)


def seal(member: MemberContext, row: Round, seen: int) -> Entry | None:
    """Seal what the own side has written; with the second seal both are opened, and the entry is returned.

    The sealer is mailed the seal with its random bits: with these they can prove later what they sealed.

    :param seen: number of the save that the person was shown
    :raises Refused: for those who may not, where the round is over, the side has sealed, somebody saved meanwhile, a
        KPI has no place, or beyond the rate limit
    """
    side = _leading_side(member)
    check_rate_limit(member.membership.person, "steps")
    record.lock_relationship(member)
    _check_open(member, row)
    known = queries.own_ranking(member, row)
    if known is not None and known.sealed_at is not None:
        raise Refused(Code.SEALED)
    if known is None or known.number != seen:
        raise Refused(Code.SAVED_MEANWHILE)
    ranking = priorities.parse_ranking(known.content)
    missing = priorities.unplaced(ranking, [one["id"] for one in row.kpis])
    if missing:
        raise Refused(Code.NOT_WHOLE, count=len(missing))
    random = secrets.token_hex(priorities.RANDOM_BYTES)
    sealed = priorities.seal_document(priorities.sealed_content(ranking, str(row.pk), side), random)
    made = record.call_function("comity_seal_priorities", row.pk, str(sealed["digest"]), random)
    files = [(f"priorities-{row.closes_on}.json", f"{chain.canonical(sealed)}\n".encode(), "application/json")]
    mail_member(
        member, "priorities_sealed", _path(member, row), files, digest=str(sealed["digest"]), random=random
    )  # fmt: skip
    if made is None:
        return None
    entry = record.verified_entry(member, made)
    audit(member, Event.PRIORITIES_REVEALED, SubjectType.AGREEMENT, {"number": entry.number}, shared=True)
    record.mail_chain_head(member, entry, "head_priorities", _path(member, row), {})
    return entry


def withdraw(member: MemberContext, row: Round) -> None:
    """End a round of one's own side: what was written and sealed in it is erased, whoever had sealed.

    :raises Refused: for those who may not, where it has ended, and beyond the rate limit
    """
    side = _leading_side(member)
    check_rate_limit(member.membership.person, "steps")
    record.lock_relationship(member)
    row.refresh_from_db(fields=["ended_at", "outcome"])
    if row.ended_at is not None:
        raise Refused(Code.ENDED)
    if row.side != side:
        raise Refused(Code.NOT_YOURS)
    record.call_function("comity_end_priorities", row.pk, Outcome.WITHDRAWN.value)
    audit(member, Event.PRIORITIES_WITHDRAWN, SubjectType.AGREEMENT, shared=True)
    _tell_ended(member, row)


def end_expired(member: MemberContext) -> bool:
    """End the round whose last day is over everywhere, for the clock; return whether there was one.

    The database does not know the zone in which days are cut, and waits as long; nobody seals in between.

    :param member: a lead of either side: nothing is done in their name
    """
    row = queries.open_round(member)
    if row is None or timezone.now().astimezone(_LAST_ZONE).date() <= row.closes_on:
        return False
    record.lock_relationship(member)
    row.refresh_from_db(fields=["ended_at"])
    if row.ended_at is not None:
        return False
    record.call_function("comity_end_priorities", row.pk, Outcome.EXPIRED.value)
    announce(member, Event.PRIORITIES_EXPIRED)
    _tell_ended(member, row)
    return True


def _tell_ended(member: MemberContext, row: Round) -> None:
    """Tell both sides, in the same words, that a round ended without a result; not who had sealed."""
    for side in Side:
        mail_side(member, side, Action.AGREE, "priorities_ended", _path(member, row))


def remind(member: MemberContext, row: Round) -> None:
    """Remind the member's own side of a round in which it has not sealed; the other side learns nothing of it."""
    known = queries.own_ranking(member, row)
    if member.side is None or (known is not None and known.sealed_at is not None):
        return
    mail_side(
        member, member.side, Action.AGREE, "priorities_reminder", _path(member, row),
        day=lambda words: words.day(row.closes_on),
    )  # fmt: skip


def propose_order(member: MemberContext, row: Round, order: Sequence[Ordered], seen: str) -> Consent:
    """Propose a joint order, with an owner at each side for each KPI; it replaces whatever is proposed.

    :param seen: digest of the other side's proposal that the person was shown; empty where there was none
    :raises Refused: for those who may not, for an order that cannot stand, before both orders are open, once one is
        settled or a later round was opened, where the other side has proposed meanwhile, beyond the rate limit
    """
    side = _leading_side(member)
    check_rate_limit(member.membership.person, "priorities")
    record.lock_relationship(member)
    _check_settling(member, row)
    problem = priorities.order_problem(order, [one["id"] for one in row.kpis])
    if problem is not None:
        raise Refused(Code(problem.value))
    content, subject = priorities.order_content(order, str(row.pk)), str(row.pk)
    waiting = queries.proposal(member, row)
    if waiting is not None and waiting.side != side and waiting.digest != seen:
        raise Refused(Code.CHANGED)
    if waiting is not None and waiting.digest == chain.digest_of(content):
        raise Refused(Code.SAME)
    for consent in record.void_other_consents(queries.ORDER, subject, content):
        record.mark_void_reported(consent)  # the mail below says so
    record.give_consent(member, queries.ORDER, subject, content)
    audit(member, Event.JOINT_ORDER_PROPOSED, SubjectType.AGREEMENT, shared=True)
    mail_side(
        member, side.other, Action.AGREE, "joint_order_proposed", _path(member, row),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    found = queries.proposal(member, row)
    assert found is not None
    return found


def _check_settling(member: MemberContext, row: Round) -> None:
    """Check that a joint order can be settled by a round.

    :raises Refused: where it cannot
    """
    row.refresh_from_db(fields=["ended_at", "outcome"])
    if row.outcome != Outcome.REVEALED:
        raise Refused(Code.NOT_REVEALED)
    if queries.settled(member, row) is not None:
        raise Refused(Code.SETTLED)
    if not queries.is_latest_opened(member, row):
        raise Refused(Code.LATER)


def agree_to_order(member: MemberContext, row: Round, digest: str, words: Words) -> Change | None:
    """Agree to the other side's joint order; return the change of the agreement that both draft from it, if any.

    :param digest: of the proposal that the person was shown
    :param words: in which the draft is titled
    :raises Refused: for those who may not, where nothing, or another order, is proposed by now, beyond the rate limit
    """
    side = _leading_side(member)
    check_rate_limit(member.membership.person, "steps")
    record.lock_relationship(member)
    _check_settling(member, row)
    waiting = queries.proposal(member, row)
    if waiting is None or waiting.side == side:
        raise Refused(Code.NO_PROPOSAL)
    if waiting.digest != digest:
        raise Refused(Code.CHANGED)
    record.give_consent(member, queries.ORDER, waiting.subject, waiting.content)
    entry = record.add_agreed_entry(member, EntryKind.JOINT_ORDER, queries.ORDER, waiting.subject, waiting.content)
    audit(member, Event.JOINT_ORDER_AGREED, SubjectType.AGREEMENT, {"number": entry.number}, shared=True)
    record.mail_chain_head(member, entry, "head_joint_order", _path(member, row), {})
    try:
        with transaction.atomic():
            return _draft(member, queries.settled_order(entry), words)
    except Refused:  # it is settled all the same; whoever reads all of it drafts the change
        return None


def draft_order(member: MemberContext, row: Round, words: Words) -> Change:
    """Draft a change of the agreement that says what was settled; both sides see and edit the draft.

    :param words: in which it is titled
    :raises Refused: for those who may not, before an order is settled, and where the agreement says so already
    """
    if not queries.may_write(member):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "drafts")
    record.lock_relationship(member)
    entry = queries.settled(member, row)
    if entry is None:
        raise Refused(Code.NOT_SETTLED)
    made = _draft(member, queries.settled_order(entry), words)
    if made is None:
        raise Refused(Code.NOTHING_TO_DRAFT)
    return made


def _draft(member: MemberContext, order: list[Ordered], words: Words) -> Change | None:
    """Draft a change of what the agreement does not say yet, unless one is drafted; both sides see it."""
    edits = queries.edits_left(member, order)
    if not edits or member.side is None:
        return None
    there = queries.changes_with_order(member, edits)
    if there:
        return there[0]
    says = {
        "title": words("priorities.change_title"), "reason": words("priorities.change_reason"),
        "proposed_by": member.side.value, "person": member.membership.person.name, "carried_out_by": "both",
        "expects_nothing": words("priorities.change_expects"),
    }  # fmt: skip
    change = agreements.begin_draft(member, DraftContent(edits=edits, says=says))
    agreements.share_draft(member, change)
    return change


def _path(member: MemberContext, row: Round) -> str:
    return page_path(member, "priority_round", round=row.pk)
