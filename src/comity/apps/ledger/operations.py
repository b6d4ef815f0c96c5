"""Operations on the ledger: the few that are not the database's own. Nothing here posts; a step posts itself."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db import DatabaseError, connection, transaction

from comity.apps.audit.models import Event
from comity.apps.audit.models import SubjectType as AuditSubject
from comity.apps.audit.operations import audit
from comity.apps.books.queries import readable_definition
from comity.apps.ledger import queries
from comity.apps.ledger.models import Recount, Wording
from comity.apps.ledger.refusals import Code
from comity.apps.parties.mailing import mail_side, page_path
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Relationship
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record.models import Consent, ConsentSubject, Entry, EntryKind
from comity.apps.record.operations import (
    Content,
    add_agreed_entry,
    call_function,
    give_consent,
    lock_relationship,
    mail_chain_head,
    mark_void_reported,
    void_other_consents,
)
from comity.apps.refusal import Refused
from comity.core.ledger.accounts import End
from comity.core.ledger.opened import OPENING, REVERSAL
from comity.core.values import Side

MAX_OPENED = 200  # promises of an opening list
_KEPT_CACHE_KEY = "ledger_calendar"


def lock_for_posting(member: MemberContext) -> None:
    """Lock the relationship until this transaction ends, as the ledger does when it posts.

    Weaker than the lock of a consent, and excluded by it: rows that refer to the relationship are added meanwhile.
    """
    Relationship.objects.select_for_update(no_key=True).only("pk").get(pk=member.relationship.pk)


def keep_calendar(member: MemberContext) -> None:
    """Have the ledger count days as the book does; what was said first stands, also against this."""
    if _KEPT_CACHE_KEY in member.cache:
        return
    member.cache[_KEPT_CACHE_KEY] = True
    agreed = readable_definition(member)
    if agreed is None or member.side is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_keep_ledger_calendar(%s, %s)", [agreed.timezone, agreed.month_starts_on])


def record_recount(member: MemberContext, subjects: int, differences: list[str]) -> Recount:
    """Keep what a recount found."""
    return Recount.objects.create(
        relationship=member.relationship, person=member.membership.person, subjects=subjects, differences=differences
    )


def recount(member: MemberContext) -> Recount:
    """Hold the ledger against what is counted from the steps, and keep what was found."""
    counted, differences = queries.recount(member)
    return record_recount(member, counted, differences)


@dataclass(frozen=True, slots=True)
class OpenedPromise:
    """A promise of an opening list that is to be proposed.

    :ivar what: in words; they stand outside the record, which has their digest
    """

    debtor: Side
    kind: str
    what: str
    due_on: date | None = None


def _agreeing_side(member: MemberContext) -> Side:
    """Return the side that the member may agree for.

    :raises Refused: for those who may not
    """
    if member.side is None or not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    return member.side


def propose_opening(member: MemberContext, as_of: date, promises: Sequence[OpenedPromise], seen: str) -> Consent:
    """Propose a list of what each side owed by a day, before the room kept it.

    :param seen: digest of the other side's proposal that the person was shown; empty where there was none
    :raises Refused: for an empty list or a day to come, and as `_propose`
    """
    side = _agreeing_side(member)
    if not 0 < len(promises) <= MAX_OPENED or as_of > queries.ledger_day(member):
        raise Refused(Code.NO_LIST, most=MAX_OPENED)
    lock_relationship(member)
    number = queries.next_change(member)
    rows = [
        {
            "key": f"{OPENING}/{number}/{place}",
            "debtor": one.debtor.value,
            "kind": one.kind,
            "due_on": None if one.due_on is None else one.due_on.isoformat(),
            "what": _word(member, side, one.what),
        }
        for place, one in enumerate(promises, 1)
    ]
    return _propose(member, {"what": OPENING, "as_of": as_of.isoformat(), "promises": rows}, seen)


def propose_reversal(member: MemberContext, number: int, reason: str, seen: str) -> Consent:
    """Propose to reverse a transaction, by its number.

    :raises Refused: for a transaction that is none, or reversed already, without a reason, and as `_propose`
    """
    side = _agreeing_side(member)
    digest = queries.reversible_digest(member, number)
    if digest is None:
        raise Refused(Code.NO_TRANSACTION)
    if not reason.strip():
        raise Refused(Code.NO_REASON)
    lock_relationship(member)
    content = {"what": REVERSAL, "transaction": number, "digest": digest, "reason": _word(member, side, reason)}
    return _propose(member, content, seen)


def propose_ledger_calendar(member: MemberContext, seen: str) -> Consent:
    """Propose that days count by the book's calendar from now on, where they count by another.

    :raises Refused: where they count by it, and as `_propose`
    """
    _agreeing_side(member)
    other = queries.other_calendar(member)
    if other is None:
        raise Refused(Code.SAME_CALENDAR)
    lock_relationship(member)
    return _propose(member, {"what": queries.CALENDAR, "zone": other[0], "month_starts_on": other[1]}, seen)


def _word(member: MemberContext, side: Side, text: str) -> dict[str, str]:
    """Keep a text outside the record, and return its id and digest."""
    salt = secrets.token_hex(16)
    row = Wording.objects.create(
        relationship=member.relationship, side=side.value, person=member.membership.person, text=text.strip(), salt=salt
    )
    return {"id": str(row.pk), "digest": queries.digest_of_wording(salt, row.text)}


def _propose(member: MemberContext, content: Content, seen: str) -> Consent:
    """Propose a change of the ledger; it is applied once the other side has agreed. It replaces what waits.

    :raises Refused: where the other side has proposed meanwhile, and beyond the rate limit
    """
    side = _agreeing_side(member)
    check_rate_limit(member.membership.person, "ledger changes")
    subject, waiting = queries.next_change(member), queries.waiting_change(member)
    if waiting is not None and waiting.side != side and waiting.digest != seen:
        raise Refused(Code.CHANGED)
    for consent in void_other_consents(ConsentSubject.LEDGER_CHANGE, subject, content):
        mark_void_reported(consent)  # the mail below says so
    give_consent(member, ConsentSubject.LEDGER_CHANGE, subject, content)
    _audit_change(member, Event.LEDGER_CHANGE_PROPOSED, content, side)
    mail_side(
        member, side.other, Action.AGREE, "ledger_proposed", page_path(member, "ledger_agreed"),
        party=lambda words: member.party(words)(side),
    )  # fmt: skip
    proposal = queries.waiting_change(member)
    assert proposal is not None
    return proposal


def _audit_change(member: MemberContext, event: Event, content: Content, side: Side) -> None:
    audit(member, event, AuditSubject.LEDGER, {"side": side.value, "kind": str(content["what"])}, shared=True)


def _waiting(member: MemberContext, digest: str) -> Consent:
    """Return the proposal that waits.

    :raises Refused: where none does, or another one than was shown
    """
    proposal = queries.waiting_change(member)
    if proposal is None:
        raise Refused(Code.NO_PROPOSAL)
    if proposal.digest != digest:
        raise Refused(Code.CHANGED)
    return proposal


def agree_to_change(member: MemberContext, digest: str) -> Entry:
    """Agree to the other side's proposal, and have the ledger be so.

    :param digest: of the proposal that the person was shown
    :raises Refused: for those who may not, where nothing or another one is proposed by now, and for a reversal after
        which the ledger would not be what the steps say
    """
    side = _agreeing_side(member)
    lock_relationship(member)
    proposal = _waiting(member, digest)
    if proposal.side == side:
        raise Refused(Code.NO_PROPOSAL)
    give_consent(member, ConsentSubject.LEDGER_CHANGE, proposal.subject, proposal.content)
    entry = add_agreed_entry(
        member, EntryKind.LEDGER_AGREED, ConsentSubject.LEDGER_CHANGE, proposal.subject, proposal.content
    )
    try:
        with transaction.atomic():
            call_function("comity_apply_ledger_change", entry.number)
    except DatabaseError as error:
        if "comity:" not in str(error) and "promise_in_bounds" not in str(error):
            raise
        raise Refused(Code.NOT_REVERSIBLE) from None
    _audit_change(member, Event.LEDGER_CHANGE_AGREED, proposal.content, side.other)
    mail_chain_head(member, entry, "head_ledger", page_path(member, "ledger_agreed"), {})
    return entry


def drop_change(member: MemberContext, digest: str) -> None:
    """Decline the other side's proposal, or withdraw the own one: nobody can agree to it any more.

    :raises Refused: for those who may not, and where nothing or another one is proposed by now
    """
    side = _agreeing_side(member)
    lock_relationship(member)
    proposal = _waiting(member, digest)
    ended = {"what": "none", "by": side.value}
    for consent in void_other_consents(ConsentSubject.LEDGER_CHANGE, proposal.subject, ended):
        mark_void_reported(consent)
    _audit_change(member, Event.LEDGER_CHANGE_DROPPED, proposal.content, Side(proposal.side))


def settle_opened(member: MemberContext, key: str, ended: End, done_on: date | None = None) -> None:
    """Say how a promise of an opening list ended: the side that is owed, kept or let off; the one that owes, broken.

    :param done_on: of a kept one: when it was done, where that was before today
    :raises Refused: for those who may not, and for a promise that is not open or does not end so
    """
    if member.side is None or not member.may(Action.ANSWER):
        raise Refused(Code.NOT_YOURS)
    opened = {one.key: one for one in queries.opened_promises(member)}
    if key not in opened or (done_on is not None and done_on > queries.ledger_day(member)):
        raise Refused(Code.NOT_OPEN)
    if (ended is End.BROKEN) is not (opened[key].debtor == member.side):
        raise Refused(Code.NOT_YOURS)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_settle_opening(%s, %s, %s)", [key, ended.value, done_on])
    audit(
        member, Event.LEDGER_OPENED_ENDED, AuditSubject.LEDGER,
        {"side": opened[key].debtor, "kind": ended.value}, shared=True,
    )  # fmt: skip
