"""Operations on the agreement: drafts are saved, a change is proposed, countered, signed, and written into the book.

What may be done when is the core's (`core.agreements.signing`); here a step is taken under the relationship's lock,
stored, told, and put on record. Nothing is agreed by a mail, a token or by silence.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from comity.apps.agreements import queries, signatories
from comity.apps.agreements.content import DraftContent, proposal_json, step_json
from comity.apps.agreements.models import Change, Draft, Limit, ReasonMark, Step, Track
from comity.apps.agreements.outcomes import afterwards
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.telling import change_data, change_path, mail_change, mail_cosigners, tell
from comity.apps.audit.models import Event, SubjectType
from comity.apps.audit.operations import audit
from comity.apps.books import queries as books
from comity.apps.books.operations import find_actor
from comity.apps.kpis.queries import is_being_applied
from comity.apps.outbox.operations import defer
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.rights import Action
from comity.apps.record import operations as record
from comity.apps.record import queries as record_queries
from comity.apps.record.models import ConsentSubject, EntryKind
from comity.apps.refusal import Refused
from comity.book.agreement import AgreedChange, Signature
from comity.book.amend import write_changes
from comity.book.storage.commit import book_lock
from comity.core import chain as hashes
from comity.core.agreements import signing
from comity.core.agreements.authority import SignedBy, Signer, authority_rules
from comity.core.agreements.changes import Proposal, Revision, check_says
from comity.core.agreements.fields import Problem, Value
from comity.core.agreements.notice import Waiver
from comity.core.agreements.signing import Situation, StepKind
from comity.core.agreements.text import check_change, text, unsettled_meetings
from comity.core.values import Side

WRITE_TASK = queries.WRITE_TASK
_tasks_after: list[str] = []
SUBJECT = ConsentSubject.AGREEMENT


def _drafting_side(member: MemberContext) -> Side:
    """Return the side that the member drafts for.

    :raises Refused: for those on neither side, and those who may not
    """
    if member.side is None or not member.may(Action.ACT):
        raise Refused(Code.NOT_YOURS)
    return member.side


def begin_draft(member: MemberContext, content: DraftContent | None = None) -> Change:
    """Begin a draft, which the other side does not know of.

    :param content: what it holds already; who proposes it is written in where it does not say so
    :raises Refused: for those who may not
    """
    side = _drafting_side(member)
    row = Change.objects.create(relationship=member.relationship, side=side, person=member.membership.person)
    made = content or DraftContent()
    save_draft(member, row, replace(made, says=_first_says(member, side) | dict(made.says)), 0)
    return row


def _first_says(member: MemberContext, side: Side) -> dict[str, Value]:
    return {"proposed_by": side.value, "person": member.membership.person.name, "carried_out_by": "both"}


def save_draft(member: MemberContext, change: Change, content: DraftContent, seen: int) -> Draft:
    """Save a draft, or a counter-proposal that one's side is drafting.

    :param seen: number of the save that the person had before them; 0 for the first
    :raises Refused: for those who may not, beyond the rate limit, and where somebody saved meanwhile: both texts stay
    """
    side = _drafting_side(member)
    check_rate_limit(member.membership.person, "drafts")
    track = queries.own_track(member, change)
    latest = Draft.objects.filter(change=change, track=track).order_by("-number").first()
    if (0 if latest is None else latest.number) != seen:
        raise Refused(Code.SAVED_MEANWHILE)
    try:
        with transaction.atomic():
            return Draft.objects.create(
                change=change, relationship=member.relationship, track=track, number=seen + 1, side=side,
                person=member.membership.person, content=content.as_json(),
            )  # fmt: skip
    except IntegrityError:
        raise Refused(Code.SAVED_MEANWHILE) from None


def share_draft(member: MemberContext, change: Change, seen: int | None = None) -> None:
    """Show a draft to the other side, so that both draft it together; its saves until now stay one's own.

    :param seen: number of the save that the person had before them; None: the latest
    :raises Refused: for those who may not, for a draft with what is kept from them, where somebody saved meanwhile, and
        once it was proposed
    """
    side = _drafting_side(member)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    change.refresh_from_db(fields=["number", "shared"])
    own = Draft.objects.filter(change=change, track=Track(side.value)).order_by("-number").first()
    if change.side != side or change.number is not None or change.shared or own is None:
        raise Refused(Code.NOT_YOURS)
    if seen is not None and own.number != seen:
        raise Refused(Code.SAVED_MEANWHILE)
    now = queries.situation(member)
    content = queries.draft_content(own, now.chain)
    _check_readable(member, Proposal(content.change(0), content.says), now)
    Change.objects.filter(pk=change.pk).update(shared=True)
    change.shared = True
    save_draft(member, change, content, 0)
    audit(member, Event.CHANGE_SHARED, SubjectType.AGREEMENT, {"title": title_of(own.content)}, shared=True)


def drop_draft(member: MemberContext, change: Change) -> None:
    """Drop a draft that nobody else knows of, or one's side's draft of a counter-proposal.

    :raises Refused: for those who may not
    """
    side = _drafting_side(member)
    record.lock_relationship(member)
    change.refresh_from_db(fields=["number", "shared"])
    if change.number is None and change.side == side and not change.shared:
        Draft.objects.filter(change=change).delete()
        Change.objects.filter(pk=change.pk).delete()
    elif change.number is not None:
        Draft.objects.filter(change=change, track=Track(side.value)).delete()
    else:
        raise Refused(Code.NOT_YOURS)


def propose(member: MemberContext, change: Change, seen: int) -> None:
    """Put a draft to the other side: as the proposal, or as a further revision of a change that was proposed.

    :param seen: number of the save that the person had before them
    :raises Refused: for those who may not, for a draft that cannot stand, or where somebody saved meanwhile
    """
    side = _drafting_side(member)
    if not member.may(Action.DISPUTE):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    _check_kpis(member)
    draft = Draft.objects.filter(change=change, track=queries.own_track(member, change)).order_by("-number").first()
    if draft is None or draft.number != seen:
        raise Refused(Code.SAVED_MEANWHILE)
    now = queries.situation(member)
    content = queries.draft_content(draft, now.chain)
    state = queries.change_state(member, change, now)
    number = change.number or _number(change, now)
    proposal = _proposal(member, state, content, number)
    _check_readable(member, proposal, now)
    _check_signatories(member, proposal, now)
    known = max((entry.place for entry in now.chain), default=0)
    last = state.last
    kind = StepKind.PROPOSE if last is None else StepKind.REVISE if last.side is side else StepKind.COUNTER
    author = member.membership.person
    new = Revision(
        1 if last is None else last.number + 1, side, author.name, timezone.now(), proposal, known, str(author.pk)
    )
    step = signing.Step(
        kind, new.readable_at, side, author.name, 0 if last is None else last.number, new=new, person_id=str(author.pk)
    )
    _take(member, change, state, step, now)
    event = Event.CHANGE_PROPOSED if last is None else Event.CHANGE_COUNTERED
    tell(member, change, event, proposal, side.other)


def _check_kpis(member: MemberContext) -> None:
    """Check that no agreed set of KPIs is on its way into the book, which the agreement takes over from there.

    A set that is only proposed hinders nothing: else a side could stall the agreement by proposing one.
    """
    if is_being_applied(member):
        raise Refused(Code.BEING_WRITTEN)


def _check_readable(member: MemberContext, proposal: Proposal, now: Situation) -> None:
    """Check that nobody proposes or signs what is kept from them."""
    if not queries.may_read_change(member, proposal, now.chain):
        raise Refused(Code.NOT_READABLE)


def _check_signatories(member: MemberContext, proposal: Proposal, now: Situation) -> None:
    """Check that whoever the change names as a signatory by id is called so, and stands or stood on that side.

    Else a text that reads as one person's authority could give it to another.

    :raises Refused: with the name
    """
    wrong = signatories.unknown(member, proposal.change, now.chain)
    if wrong:
        raise Refused(Code.UNKNOWN_SIGNATORY, name=wrong[0])


def _number(change: Change, now: Situation) -> int:
    """Give a draft its number, now that it is proposed."""
    least = max((entry.change.number for entry in now.chain), default=0)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_number_change(%s, %s)", [change.pk, least])
        change.number = int(cursor.fetchone()[0])
    return change.number


def _proposal(member: MemberContext, state: queries.ChangeState, content: DraftContent, number: int) -> Proposal:
    """Return the draft as a proposal: whose it is stays as it was proposed first.

    :raises Refused: for a draft that lacks something
    """
    those = signing.revisions(state.steps)
    assert member.side is not None
    first = those[0].proposal.says if those else _first_says(member, member.side)
    written = {**content.says, "proposed_by": first["proposed_by"], "person": first["person"]}
    says, problems = check_says(written)
    if content.first_day is None:
        problems = [*problems, Problem("", "first_day", "", "write the first day")]
    if problems:
        raise Refused(Code.INVALID, why=problems[0].message)
    return Proposal(content.change(number), says)


def _take(
    member: MemberContext, change: Change, state: queries.ChangeState, step: signing.Step, now: Situation
) -> list[signing.Step]:
    """Store a step that can be taken, and what follows from it.

    :raises Refused: where it cannot
    """
    of = queries.situation_for([*state.steps, step] if step.new is not None else state.steps, now)
    why = signing.refusal(state.steps, step, of)
    if why is not None:
        raise Refused(Code(why.value), why=_why(state.steps, step, of))
    taken = signing.after(state.steps, step, of)
    _store(member, change, _steps_taken(change), step)
    return taken


def _why(steps: Sequence[signing.Step], step: signing.Step, now: Situation) -> str:
    """Return what exactly is wrong with a change, for the sentence of its refusal."""
    change = step.new.proposal.change if step.new is not None else signing.revisions(steps)[-1].proposal.change
    found = [problem.message for problem in check_change(change, now.chain)]
    found += [f"{met.clause}.{met.field} ({met.other})" for met in unsettled_meetings(change, now.chain)]
    return "; ".join(found[:3])


def _steps_taken(change: Change) -> int:
    """Return the number of the last step, those that nobody can read among them."""
    return int(Step.objects.filter(change=change).aggregate(last=Max("number"))["last"] or 0)


def _store(member: MemberContext, change: Change, taken: int, step: signing.Step) -> None:
    try:
        with transaction.atomic():
            Step.objects.create(
                change=change, relationship=member.relationship, number=taken + 1, kind=step.kind.value,
                side=member.side or "", person=member.membership.person, at=step.at, content=step_json(step),
            )  # fmt: skip
    except IntegrityError:
        raise Refused(Code.CHANGED) from None


def show_for_signature(member: MemberContext, change: Change, sentences: Mapping[str, str], language: str = "") -> str:
    """Note that a person is shown what would be signed, and return its digest.

    :param sentences: language -> digest of the sentences that are shown
    :param language: in which they are shown
    :raises Refused: for those on neither side, and where nothing is proposed
    """
    side = _drafting_side(member)
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    of = queries.situation_for(state.steps, now)
    digest, person = signing.what_is_signed_digest(state.steps, of), member.membership.person
    shown = {(step.person_id, step.digest) for step in state.steps if step.kind is StepKind.OPEN and step.side is side}
    if (str(person.pk), digest) not in shown and state.state in signing.UNDECIDED:
        step = signing.Step(
            StepKind.OPEN, timezone.now(), side, person.name, state.last.number, digest, sentences=dict(sentences),
            language=language, person_id=str(person.pk),
        )  # fmt: skip
        _take(member, change, state, step, now)
    return digest


def sign(  # noqa: PLR0913 - what is signed, and how
    member: MemberContext,
    change: Change,
    digest: str,
    sentences: Mapping[str, str],
    *,
    retroactive: bool = False,
    means: SignedBy = SignedBy.ROOM,
    file: str = "",
) -> bool:
    """Sign what was shown; return whether both sides have signed and it is agreed.

    :param digest: of what the person was shown
    :param file: SHA-256 of the PDF that came back signed; empty in the room
    :raises Refused: where this person may not, what would be signed is no longer what was shown, or beyond the rate
        limit
    """
    side = _drafting_side(member)
    check_rate_limit(member.membership.person, "steps")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    _check_readable(member, state.last.proposal, now)
    _check_signatories(member, state.last.proposal, now)
    of = queries.situation_for(state.steps, now)
    signer = queries.signer_of(member.membership)
    _, authority = authority_rules(text(of.chain, of.today), side)
    step = signing.Step(
        StepKind.SIGN, timezone.now(), side, signer.person, state.last.number, digest, signer=signer, means=means,
        authority=authority, retroactive=retroactive, sentences=dict(sentences), file=file, person_id=signer.person_id,
    )  # fmt: skip
    taken = _take(member, change, state, step, now)
    steps = [*state.steps, step]
    content = _consent_content(steps, of)
    if side in signing.signed_sides(steps, of):
        for consent in record.void_other_consents(SUBJECT, str(change.number), content):
            record.mark_void_reported(consent)  # the page of the change says so
        record.give_consent(member, SUBJECT, str(change.number), content)
    proposal = state.last.proposal
    audit(member, Event.CHANGE_SIGNED, SubjectType.AGREEMENT, change_data(change, proposal), shared=True)
    if len(taken) == 1:
        if side in signing.signed_sides(steps, of):
            mail_change(member, change, "change_signed", proposal, [side.other])
        else:
            mail_cosigners(member, change, proposal, queries.cosigners(member, steps, of))
        return False
    _agree(member, change, taken[-1], content)
    return True


def _consent_content(steps: Sequence[signing.Step], of: Situation) -> dict[str, object]:
    """Return what a side gives its word for: the document that is signed, and the change in full."""
    last = signing.revisions(steps)[-1]
    return {"signed": signing.what_is_signed(steps, of), **proposal_json(last.proposal)}


def _agree(member: MemberContext, change: Change, step: signing.Step, content: Mapping[str, object]) -> None:
    entry = record.add_agreed_entry(member, EntryKind.AGREEMENT, SUBJECT, str(change.number), dict(content))
    said = hashes.canonical(step_json(step))
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT comity_agree_change(%s, %s, %s, %s, %s)",
            [change.pk, uuid.uuid4(), _steps_taken(change) + 1, step.at, said],
        )
        change.place = int(cursor.fetchone()[0])
    state = queries.change_state(member, change)
    assert state.last is not None
    audit(member, Event.CHANGE_AGREED, SubjectType.AGREEMENT, change_data(change, state.last.proposal), shared=True)
    record.mail_chain_head(member, entry, "head_agreement", change_path(member, change), {})
    afterwards.defer_baseline(member, change, state.last.proposal)
    relationship = member.relationship.pk
    defer(
        WRITE_TASK, relationship=relationship, lock=f"kpis.write {relationship}",
        person=str(member.membership.person_id), side=str(member.side), entry=entry.number,
    )  # fmt: skip


def waive(
    member: MemberContext, change: Change, shortfall: int, *, kpis: Sequence[str] = (), until: object = None
) -> None:
    """Waive a shortfall of notice, of this change and no other; it may carry relief for KPIs until a day.

    :raises Refused: for those who may not, where the notice is not short by so much, and where it was said already
    """
    side = _drafting_side(member)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    waiver = Waiver(side, shortfall, tuple(kpis), until)  # type: ignore[arg-type]  # a day or None
    signer = queries.signer_of(member.membership)
    step = signing.Step(
        StepKind.WAIVE, timezone.now(), side, signer.person, state.last.number, signer=signer, waiver=waiver,
        person_id=signer.person_id,
    )  # fmt: skip
    _take(member, change, state, step, now)
    tell(member, change, Event.CHANGE_WAIVED, state.last.proposal, side.other)


def end(member: MemberContext, change: Change, kind: StepKind, reason: str) -> None:
    """Decline the other side's change, or withdraw one's own, with a reason.

    :raises Refused: for those who may not, without a reason, and beyond the rate limit
    """
    side = _drafting_side(member)
    if not member.may(Action.AGREE):
        raise Refused(Code.NOT_YOURS)
    check_rate_limit(member.membership.person, "steps")
    record.lock_relationship(member)
    now = queries.situation(member)
    state = queries.change_state(member, change, now)
    if state.last is None:
        raise Refused(Code.NOT_PROPOSED)
    step = signing.Step(
        kind, timezone.now(), side, member.membership.person.name, state.last.number, reason=reason.strip(),
        signer=queries.signer_of(member.membership), person_id=str(member.membership.person_id),
    )  # fmt: skip
    _take(member, change, state, step, now)
    event = Event.CHANGE_DECLINED if kind is StepKind.DECLINE else Event.CHANGE_WITHDRAWN
    tell(member, change, event, state.last.proposal, side.other)


def mark_reason(member: MemberContext, change: Change, *, sufficient: bool, because: str = "") -> None:
    """Say whether the reason of the other side's change is sufficient, apart from signing it.

    :raises Refused: for the side whose change it is, and without a word why it is not
    """
    side = _drafting_side(member)
    check_rate_limit(member.membership.person, "changes")
    record.lock_relationship(member)
    state = queries.change_state(member, change)
    if state.last is None or state.last.proposal.giver is side:
        raise Refused(Code.NOT_YOURS)
    if not sufficient and not because.strip():
        raise Refused(Code.REASON)
    last = change.marks.last()
    if last is not None and (last.sufficient, last.because) == (sufficient, because.strip()):
        raise Refused(Code.ALREADY_SAID)
    ReasonMark.objects.create(
        change=change, relationship=member.relationship, side=side, person=member.membership.person,
        sufficient=sufficient, because=because.strip(),
    )  # fmt: skip
    audit(member, Event.REASON_MARKED, SubjectType.AGREEMENT, change_data(change, state.last.proposal), shared=True)


def set_limit(  # noqa: PLR0913 - a limit, and of what
    member: MemberContext, kind: str, clause: str, least: Decimal | None, most: Decimal | None, note: str = ""
) -> None:
    """Note a limit for one's own side; without a number it is taken away.

    :raises Refused: for those on neither side, and those who may not see their side's own figures
    """
    if member.side is None or not (member.may(Action.READ_MONEY) and member.may(Action.READ_OWN)):
        raise Refused(Code.NOT_YOURS)
    known = queries.limits(member).filter(kind=kind, clause=clause)
    if least is None and most is None:
        known.delete()
        return
    values = {"least": least, "most": most, "note": note, "person": member.membership.person, "at": timezone.now()}
    if not known.update(**values):
        Limit.objects.create(relationship=member.relationship, side=member.side, kind=kind, clause=clause, **values)


def write_now(person: UUID, relationship: UUID, side: Side) -> None:
    """Write what both sides agreed to into the book, for the task; what lies there already stays.

    :raises comity.book.storage.commit.BusyBookError: during an import
    """
    with acting_as(find_actor(person, relationship, lambda member: member.side == side), relationship) as member:
        folder = books.book_folder(relationship)
        with book_lock(folder):
            write_changes(folder, known_changes(member))
        audit(member, Event.CHANGE_WRITTEN, SubjectType.BOOK, {}, shared=True)


def follow_change_by(task: str) -> None:
    """Register a task that runs once a change is in the book, with the arguments of the one that writes it."""
    if task not in _tasks_after:
        _tasks_after.append(task)


def defer_tasks_after(person: UUID, relationship: UUID, side: Side, entry: int) -> None:
    """Defer the registered tasks; within a transaction."""
    for task in _tasks_after:
        defer(task, relationship=relationship, person=str(person), side=str(side), entry=entry)


def known_changes(member: MemberContext) -> list[AgreedChange]:
    """Return every agreed change with its signatures, those that a job has still to write into the book too.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    changes = queries.book_changes(member)
    known = {one.place for one in changes}
    return sorted([*changes, *(one for one in _agreed(member) if one.place not in known)], key=lambda one: one.place)


def _agreed(member: MemberContext) -> list[AgreedChange]:
    """Return the changes of the record as files of a book hold them."""
    rows = {row.place: row for row in Change.objects.filter(relationship=member.relationship).exclude(place=None)}
    found = []
    for entry in record_queries.entries(member, SUBJECT):
        row = rows[entry.number]
        steps = queries.parsed_steps(row)
        last = signing.revisions(steps)[-1]
        content = entry.content["content"]
        digest = hashes.digest_of(content["signed"])
        signatures = tuple(
            _signature(step, step.side, step.signer)
            for step in steps
            if step.kind is StepKind.SIGN and step.digest == digest and step.signer and step.side
        )
        signed, moment = content["signed"], steps[-1].at
        found.append(
            AgreedChange(entry.number, moment, last.number, last.proposal, signed, signatures, entry=entry.number)
        )
    return found


def _signature(step: signing.Step, side: Side, signer: Signer) -> Signature:
    return Signature(
        side, step.person, signer.role, step.at, step.means.value, signer.deputy_for, step.authority, step.sentences,
        step.file,
    )  # fmt: skip


def title_of(content: object) -> str:
    """Return the title that a saved draft has; empty for none."""
    says = content.get("says") if isinstance(content, Mapping) else None
    return str(says.get("title", "")) if isinstance(says, Mapping) else ""
