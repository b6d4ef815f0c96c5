"""Queries for the agreement: its text on a day, its changes, drafts, and what is so when a step is taken."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q, QuerySet
from django.utils import timezone

from comity.apps.agreements import signatories
from comity.apps.agreements.content import UNREADABLE, DraftContent, is_sound, parse_step, sound_draft
from comity.apps.agreements.models import Change, Draft, FirstStep, Limit, Step, Track
from comity.apps.books import queries as books
from comity.apps.bounded import Bounded
from comity.apps.outbox.queries import unfinished_jobs
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person
from comity.apps.parties.queries import members, members_in
from comity.apps.parties.reading_ahead import Place, read_ahead, rows_in, was_read_ahead
from comity.apps.parties.rights import Action, is_active_deputy
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.book.agreement import AgreedChange, agreed_changes
from comity.book.amend import changes_of_kpis
from comity.core.agreements import signing
from comity.core.agreements.authority import Signer
from comity.core.agreements.changes import AddClause, Entry, Proposal, Revision, parse_change, touched
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import EVERYBODY, MONEY, Kind
from comity.core.agreements.signing import Situation, State, StepKind
from comity.core.agreements.text import Chain, KeptChain, Text, stretches, text, with_change
from comity.core.values import Side

WRITE_TASK = "agreements.write"
# What both sides of a relationship agreed, whoever asks: by its files and the digest of its last entry.
kept_chains: Bounded[KeptChain] = Bounded(256)
_ENDS = (StepKind.AGREE, StepKind.DECLINE, StepKind.WITHDRAW, StepKind.LAPSE)


@dataclass(frozen=True, slots=True)
class ChangeState:
    """A change with its steps, and where it stands.

    :ivar steps: as the core reads them
    :ivar signed: the sides that have signed what stands, while it is undecided
    """

    row: Change
    steps: tuple[signing.Step, ...]
    state: State
    signed: tuple[Side, ...] = ()

    @property
    def last(self) -> Revision | None:
        """The revision that stands; None for a draft."""
        those = signing.revisions(self.steps)
        return those[-1] if those else None


def book_changes(member: MemberContext) -> list[AgreedChange]:
    """Return what the book holds of the agreement; `[[kpi]]` of a book without one, as its first changes.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    :raises comity.book.errors.UnusableFileError: for a book that cannot be read
    """
    definition = books.definition(member)
    changes = agreed_changes(books.book_folder(member.relationship.pk), books.agreement_files(member))
    return list(changes) if changes else changes_of_kpis(definition)


def chain(member: MemberContext) -> Chain:
    """Return what both sides agreed so far: what the book holds, and what the record has and a job is writing.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    definition, files = books.definition(member), books.agreement_files(member)
    last = record.last_digest(member, ConsentSubject.AGREEMENT)
    key = (definition.relationship, files, last)
    known = kept_chains.get(key) if files else None
    if known is not None:
        return known
    found = [Entry(one.place, one.proposal.change, one.agreed_at) for one in book_changes(member)]
    places = {entry.place for entry in found}
    waiting = [entry for entry in recorded(member) if entry.place not in places] if last else []
    made = KeptChain(sorted([*found, *waiting], key=lambda entry: entry.place))
    if files and not waiting:  # what the book has still to get is as the steps have it, which no digest covers
        kept_chains.keep(key, made)
    return made


def recorded(member: MemberContext) -> list[Entry]:
    """Return the entries of the record that are changes of the agreement."""
    entries = record.entries(member, ConsentSubject.AGREEMENT)
    agreed = Step.objects.filter(relationship=member.relationship, kind=StepKind.AGREE)
    moments = dict(agreed.values_list("change__place", "at"))
    return [
        Entry(one.number, parse_change(one.content["content"]["change"]), moments.get(one.number, one.at))
        for one in entries
    ]


def today(member: MemberContext) -> date:
    """Return the local day of the relationship."""
    return timezone.now().astimezone(ZoneInfo(books.zone(member))).date()


def text_of(member: MemberContext, day: date | None = None, known: int | None = None) -> Text:
    """Return the text of a day; of today where none is named."""
    return text(chain(member), day or today(member), known)


def situation(member: MemberContext, of: Chain | None = None) -> Situation:
    """Return what is so now, as steps are judged by it."""
    entries = chain(member) if of is None else of
    present = rows_in(member, members_in)
    people = {side: [signer_of(one) for one in present if one.side == side] for side in Side}
    bearers = signatories.bearers(member, entries)
    return Situation(timezone.now(), today(member), books.zone(member), entries, Decimal(0), people, bearers=bearers)


def signer_of(membership: Membership) -> Signer:
    """Return a member as somebody who may sign; whoever stands in for a lead signs in the lead's place."""
    other = membership.stands_in_for
    if other is not None and is_active_deputy(membership, timezone.now().date()) and membership.role != other.role:
        return Signer(
            membership.person.name, other.role, other.person.name, str(membership.person_id), str(other.person_id)
        )
    return Signer(membership.person.name, membership.role, person_id=str(membership.person_id))


def may_sign(member: MemberContext, one: ChangeState, now: Situation) -> bool:
    """Return whether the agreement lets this person sign a change, by any means."""
    signer = signer_of(member.membership)
    return member.side is not None and bool(
        signing.means_open_to(one.steps, signer, member.side, situation_for(one.steps, now))
    )


def cosigners(member: MemberContext, steps: Sequence[signing.Step], of: Situation) -> list[Person]:
    """Return who of the member's side may still sign a change beside those who have.

    :param of: the situation of this change
    """
    assert member.side is not None
    signed = {step.person_id for step in signing.signatures(steps, of) if step.side is member.side}
    signers = [(one.person, signer_of(one)) for one in members(member, member.side)]
    return [
        person
        for person, signer in signers
        if signer.person_id not in signed and signing.means_open_to(steps, signer, member.side, of)
    ]


def situation_for(steps: Sequence[signing.Step], now: Situation) -> Situation:
    """Return what is so for one change: the yearly amount of a change of prices cannot be worked out yet."""
    those = signing.revisions(steps)
    if not those:
        return now
    change = those[-1].proposal.change
    prices = {
        edit.clause
        for entry in [*now.chain, Entry(0, change)]
        for edit in entry.change.edits
        if isinstance(edit, AddClause) and edit.kind is Kind.PRICE
    }
    return replace(now, amount=None) if any(edit.clause in prices for edit in change.edits) else now


def as_decided(state: ChangeState, now: Situation) -> tuple[Sequence[signing.Step], Situation]:
    """Return the steps and the situation by which a change was, or is, decided: of an agreed one as it was then."""
    if state.row.place is None:
        return state.steps, situation_for(state.steps, now)
    steps = [step for step in state.steps if step.kind is not StepKind.AGREE]
    agreed = next(step for step in state.steps if step.kind is StepKind.AGREE)
    before = [entry for entry in now.chain if entry.place < state.row.place]
    then = agreed.at.astimezone(now.now.tzinfo)
    return steps, Situation(
        agreed.at, min(then.date(), now.today), now.zone, before, None, now.people, now.fired, now.bearers
    )


def visible_changes(member: MemberContext) -> QuerySet[Change]:
    """Return the changes that the viewer may know of: those that were proposed, shared drafts, and their own side's.

    What a side drafts it keeps to itself: it is for those who read that, and for who began it.
    """
    return _visible_changes(member.relationship.pk, *_reader(member))


def read_ahead_changes(members: Sequence[MemberContext]) -> None:
    """Read the undecided changes and who may sign them, of several relationships at once."""
    record.read_ahead_last_digest(members, ConsentSubject.AGREEMENT)
    read_ahead(members, members_in)
    for query in (_open_changes, _steps_of_open, _first_steps_of_open):
        read_ahead(members, query, _reader)


def _reader(member: MemberContext) -> tuple[bool, UUID]:
    """Return what decides which drafts a member may know of: whether they read their side's own, and who they are."""
    return member.may(Action.READ_OWN), member.membership.person_id


def _visible_changes(where: Place, own: bool, person: UUID) -> QuerySet[Change]:  # noqa: FBT001 - as `_reader` gives it
    found = Change.objects.filter(relationship=where).select_related("person")
    return found if own else found.filter(Q(number__isnull=False) | Q(shared=True) | Q(person=person))


def _open_changes(where: Place, own: bool, person: UUID) -> QuerySet[Change]:  # noqa: FBT001 - as above
    return _visible_changes(where, own, person).exclude(steps__kind__in=[kind.value for kind in _ENDS])


def _steps_of_open(where: Place, own: bool, person: UUID) -> QuerySet[Step]:  # noqa: FBT001 - as above
    return Step.objects.filter(relationship=where, change__in=_open_changes(where, own, person).values("pk"))


def _first_steps_of_open(where: Place, own: bool, person: UUID) -> QuerySet[FirstStep]:  # noqa: FBT001 - as above
    return FirstStep.objects.filter(relationship=where, change__in=_open_changes(where, own, person).values("pk"))


def change_states(member: MemberContext, *, only_open: bool = False, now: Situation | None = None) -> list[ChangeState]:
    """Return changes with where they stand, the latest number first, drafts before them.

    :param now: what is so, where it is known
    """
    if only_open and was_read_ahead(member, _open_changes, *_reader(member)):
        present = _known_open_changes(member)
    else:
        reader = (member.relationship.pk, *_reader(member))
        found_rows = _open_changes(*reader) if only_open else _visible_changes(*reader)
        # Marks tell how an agreed change came about: nobody asks that of an open one in a list.
        present = list(found_rows.prefetch_related("steps", "first_steps", *(() if only_open else ("marks",))))
    now = now or (situation(member) if present else None)
    found = [_state(row, list(row.steps.all()), now) for row in present]
    return sorted(found, key=lambda one: (one.row.number is not None, -(one.row.number or 0)))


def _known_open_changes(member: MemberContext) -> list[Change]:
    """Return the undecided changes that were read ahead, with their steps."""
    reader = _reader(member)
    present = rows_in(member, _open_changes, *reader)
    for name, query in (("steps", _steps_of_open), ("first_steps", _first_steps_of_open)):
        by_change: dict[UUID, list[Any]] = {one.pk: [] for one in present}
        for step in rows_in(member, query, *reader):
            by_change[step.change_id].append(step)
        for one in present:
            of = getattr(one, name).get_queryset()
            of._result_cache, of._prefetch_done = by_change[one.pk], True  # noqa: SLF001 - as Django's own prefetch does
            one._prefetched_objects_cache = {**getattr(one, "_prefetched_objects_cache", {}), name: of}  # noqa: SLF001 - as above
    return present


def waiting_side(one: ChangeState) -> Side | None:
    """Return the side that a proposed change waits for: whoever received the last text, then its author; else None."""
    if one.last is None or one.state not in signing.UNDECIDED:
        return None
    receiver = one.last.side.other
    return receiver if receiver not in one.signed else one.last.side


def has_waiting_change(member: MemberContext) -> bool:
    """Return whether a proposed change is neither agreed nor ended: both sides know of it."""
    if was_read_ahead(member, _open_changes, *_reader(member)):
        return any(one.number is not None for one in rows_in(member, _open_changes, *_reader(member)))
    proposed = Change.objects.filter(relationship=member.relationship, number__isnull=False)
    return proposed.exclude(steps__kind__in=[kind.value for kind in _ENDS]).exists()


def change_state(member: MemberContext, row: Change, now: Situation | None = None) -> ChangeState:
    """Return one change with where it stands."""
    return _state(row, list(row.steps.all()), now or situation(member))


def may_read(member: MemberContext, clause: Clause) -> bool:
    """Return whether a member reads a clause: everybody does, unless it names who may."""
    seen_by = clause.fields.get("seen_by")
    names = {str(one) for one in seen_by} if isinstance(seen_by, list) else {EVERYBODY}
    if EVERYBODY in names:
        return True
    return (MONEY in names and member.may(Action.READ_MONEY)) or member.membership.role in names


def may_read_change(member: MemberContext, proposal: Proposal, entries: Chain) -> bool:
    """Return whether a member reads every clause that a change touches, as it was and as it would be, on all days."""
    change = proposal.change
    if change.span.first_day == date.max:
        change = replace(change, span=replace(change.span, first_day=date.max - timedelta(days=1)))
    kinds = {
        edit.clause: edit.kind
        for entry in with_change(entries, change)
        for edit in entry.change.edits
        if isinstance(edit, AddClause)
    }
    return all(
        may_read(member, Clause(clause, kinds[clause], wording.fields))
        for clause in touched(change.edits)
        if clause in kinds
        for those in (entries, with_change(entries, change))
        for wording in stretches(those, clause, change.span.first_day, change.span.end)
        if wording.fields is not None
    )


def parsed_steps(row: Change) -> list[signing.Step]:
    """Return the steps of a change as the core reads them; of an agreed one, which nobody signs unread."""
    return [parse_step(step) for step in row.steps.all()]


def _state(row: Change, steps: Sequence[Step], now: Situation | None) -> ChangeState:
    parsed = tuple(_sound_steps(row, steps, () if now is None else now.chain))
    if not parsed or now is None:
        return ChangeState(row, parsed, State.DRAFT)
    has_ended = parsed[-1].kind in _ENDS  # by which alone its state is known
    of = now if has_ended else situation_for(parsed, now)
    state = signing.state(parsed, of)
    signed = signing.signed_sides(parsed, of) if state in signing.UNDECIDED else ()
    return ChangeState(row, parsed, state, tuple(signed))


def _sound_steps(row: Change, steps: Sequence[Step], of: Chain) -> Iterator[signing.Step]:
    """Yield steps as the core reads them, but for revisions added past the room that no page could show.

    What is agreed was signed, which no such revision can be.
    """
    for step in steps:
        try:
            found = parse_step(step)
            new = None if found.new is None or row.place is not None else found.new.proposal
            if new is not None and not is_sound(new.change.edits, new.change.words, new.says, of):
                continue
        except UNREADABLE:
            continue
        yield found


def drafts(member: MemberContext, change: Change) -> dict[str, Draft]:
    """Return the latest save of each track that the viewer sees."""
    return {draft.track: draft for draft in _visible_drafts(member, change)}


def latest_draft(member: MemberContext, change: Change) -> Draft | None:
    """Return the latest save that the viewer sees of a change, of the shared draft before their side's."""
    return _visible_drafts(member, change).last()


def _visible_drafts(member: MemberContext, change: Change) -> QuerySet[Draft]:
    rows = Draft.objects.filter(change=change, relationship=member.relationship).select_related("person")
    if member.may(Action.READ_OWN):
        return rows
    return rows.filter(Q(track=Track.SHARED) | Q(person=member.membership.person))


def draft_of_save(member: MemberContext, change: Change, number: int) -> Draft | None:
    """Return the save of a number, of the track in which the viewer drafts; None where they see none."""
    rows = _visible_drafts(member, change).filter(track=own_track(member, change), number=number)
    return rows.first()


def first_draft(member: MemberContext, change: Change) -> Draft | None:
    """Return the first save that the viewer sees; None where there is none, as of the other side's draft."""
    if member.side is None or change.number is not None:
        return None
    return _visible_drafts(member, change).filter(track=own_track(member, change)).order_by("number").first()


def own_track(member: MemberContext, change: Change) -> Track:
    """Return where a save of the viewer goes: the shared draft of a change that was shared, else their side's."""
    if change.number is None and change.shared:
        return Track.SHARED
    assert member.side is not None
    return Track(member.side.value)


def draft_content(draft: Draft, of: Chain) -> DraftContent:
    """Return what a save holds; of one that nobody can read, what the last one before it does.

    :param of: the agreement so far
    """
    found = sound_draft(draft.content, of)
    if found is not None:
        return found
    before = Draft.objects.filter(change=draft.change_id, track=draft.track, number__lt=draft.number)
    earlier = (sound_draft(content, of) for content in before.order_by("-number").values_list("content", flat=True))
    return next((one for one in earlier if one is not None), DraftContent())


def limits(member: MemberContext) -> QuerySet[Limit]:
    """Return the limits that the viewer's side noted for itself."""
    return Limit.objects.filter(relationship=member.relationship, side=member.side).select_related("person")


def is_being_written(member: MemberContext) -> bool:
    """Return whether a job has still to write what both sides agreed to, so that figures are of before."""
    return unfinished_jobs(member.relationship.pk, [WRITE_TASK]).exists()
