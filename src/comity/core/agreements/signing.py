"""How a change is signed: its states as a fold of steps, who may take which step, and what exactly is signed.

The room stores steps and nothing else; `state` reads where a change stands, `refusal` says why a step cannot be taken,
`after` gives the steps to be stored, the agreement among them. All are asked under the relationship's lock, with what
is so at that moment (`Situation`).

**What is signed** is one document: the revision's digest; for each clause that it touches, and each that those count
by, the wordings over the whole span as (first day, digest), once as agreed and once for each contingent change that is
armed and touches them; and the shortfall of notice, waived or not, with its relief. A signature counts only while this
document is the same: any change agreed meanwhile that moves one of these wordings fells it, a change of other clauses
does not. The sentences shown are kept with a signature by language; they are made from the fields, and a new version
of the program that words them otherwise fells nothing.

Decisions where the specification leaves room:

- Where somebody agreed meanwhile to another change *of the same field* on a common day, this one stops, also where
  its own wordings stay the same (target .85 from August agreed between two signatures under .80 from September): it
  needs a new revision, for which both texts are shown. `Revision.known` is what its author saw.
- A waiver is given before anybody signs: after it the document is another.
- A signature given without the word *retroactive* no longer counts once the first day has come.
- A change lapses after `open_until`, where it says one. From then on nobody signs it, whether or not that was recorded,
  and no revision is put forward that could not be signed any more.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from comity.core.agreements import canonical
from comity.core.agreements.authority import (
    AuthorityRule,
    Bearers,
    SignedBy,
    Signer,
    authority_rules,
    has_enough,
    missing,
    rules_for,
    why_not,
)
from comity.core.agreements.changes import (
    AddClause,
    Change,
    Entry,
    Layer,
    Revision,
    check_says,
    field_of,
    proposal_digest,
    touched,
)
from comity.core.agreements.clauses import Clause, names_clauses
from comity.core.agreements.fields import Problem
from comity.core.agreements.kinds import KINDS, Kind, Means
from comity.core.agreements.notice import Waiver, notice_of
from comity.core.agreements.people import Named
from comity.core.agreements.text import (
    Chain,
    Fired,
    Meeting,
    check_change,
    stretches,
    text,
    unsettled_meetings,
    with_change,
)
from comity.core.values import Side

_TICK = timedelta(microseconds=1)


class State(StrEnum):
    """Where a change stands. Scheduled, in force and ended are worked out from days."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    COUNTERED = "countered"  # a revision of the side that was proposed to
    SIGNED = "signed"  # by one side, by all that its authority requires
    AGREED = "agreed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


UNDECIDED = frozenset({State.PROPOSED, State.COUNTERED, State.SIGNED})  # both sides can still take steps


class StepKind(StrEnum):
    """What a step does."""

    PROPOSE = "propose"
    COUNTER = "counter"  # a new revision, by the side that did not make the last one
    REVISE = "revise"  # a new revision, by the side that made the last one
    OPEN = "open"  # somebody was shown what would be signed
    WAIVE = "waive"
    SIGN = "sign"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    LAPSE = "lapse"  # nobody's
    AGREE = "agree"  # nobody's; follows from the last signature


class Refusal(StrEnum):
    """Why a step cannot be taken."""

    ENDED = "ended"
    NOT_PROPOSED = "not_proposed"
    PROPOSED = "proposed"  # already
    NO_SIDE = "no_side"
    NOT_YOURS = "not_yours"  # it is the other side's step
    OLD_REVISION = "old_revision"  # there is a newer one
    SAME = "same"  # a counter-proposal that changes nothing
    INVALID = "invalid"  # the change cannot stand, see `problems`
    CONTINGENT = "contingent"  # the first version signs none
    UNSETTLED = "unsettled"  # meets others without a word, see `unsettled_meetings`
    SAME_FIELD = "same_field"  # another change of the same field was agreed meanwhile
    NOTICE = "notice"  # is too short, and not waived
    NOTHING_TO_WAIVE = "nothing_to_waive"
    RELIEF = "relief"  # of a waiver: needs KPIs of the agreement, and a day after the change's first one
    RETROACTIVE = "retroactive"  # its first day has come, and that was not ticked
    NOT_RETROACTIVE = "not_retroactive"  # ticked before that
    CHANGED = "changed"  # what was shown is no longer what would be signed
    NOT_SHOWN = "not_shown"  # to this person
    NO_FILE = "no_file"  # said to be signed in a PDF, and there is none
    MEANS = "means"
    AUTHORITY = "authority"
    DEPUTY = "deputy"
    ALREADY = "already"  # this person has signed what stands
    REASON = "reason"
    NOT_YET = "not_yet"  # it lapses later, or never
    OVER = "over"  # the last day for signing is over


@dataclass(frozen=True, slots=True)
class Step:
    """What somebody did with a change.

    :ivar side: None for nobody's
    :ivar person: their name then
    :ivar revision: the one that the person saw; of `PROPOSE`, `COUNTER` and `REVISE` the one before theirs, 0 for none
    :ivar digest: of `OPEN` what was shown, of `SIGN` what is signed, of `AGREE` what was
    :ivar new: of `PROPOSE`, `COUNTER` and `REVISE`
    :ivar sentences: of `OPEN` and `SIGN`: language -> digest of the sentences shown
    :ivar authority: id of the clause under which it was signed; empty for none
    :ivar file: of `SIGN` by PDF: the SHA-256 of the file that came back signed
    :ivar language: of `OPEN`: in which the sentences were shown
    :ivar person_id: as the room knows them; empty where it was not recorded
    """

    kind: StepKind
    at: datetime
    side: Side | None = None
    person: str = ""
    revision: int = 0
    digest: str = ""
    new: Revision | None = None
    signer: Signer | None = None
    means: SignedBy = SignedBy.ROOM
    authority: str = ""
    retroactive: bool = False
    waiver: Waiver | None = None
    reason: str = ""
    sentences: Mapping[str, str] = field(default_factory=dict)
    file: str = ""
    language: str = ""
    person_id: str = ""

    @property
    def named(self) -> Named:
        """Whose step it is."""
        return Named(self.person, self.person_id)


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so when a step is taken.

    :ivar today: the local day
    :ivar zone: of the book
    :ivar chain: what both have agreed so far
    :ivar amount: the yearly amount at stake; None where it cannot be worked out, so that only a rule without limit fits
    :ivar people: of each side who is a member now
    :ivar fired: of contingent changes, the days on which their condition held
    :ivar bearers: by side, of the signatories whom the text knows by name alone, who is meant
    """

    now: datetime
    today: date
    zone: str
    chain: Chain
    amount: Decimal | None = Decimal(0)
    people: Mapping[Side, Sequence[Signer]] = field(default_factory=dict)
    fired: Fired = field(default_factory=dict)
    bearers: Mapping[Side, Bearers] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lack:
    """A signature that a side lacks.

    :ivar rules: how many signatures each rule still asks for; any of the rules is enough. None where nobody may sign
    :ivar by_another: whether those who signed are enough, but all of them wrote a price that it changes
    """

    rules: tuple[tuple[int, AuthorityRule], ...] = ()
    by_another: bool = False


def revisions(steps: Sequence[Step]) -> list[Revision]:
    """Return the revisions of a change."""
    return [step.new for step in steps if step.new is not None]


def state(steps: Sequence[Step], situation: Situation) -> State:
    """Return where a change stands."""
    ended = _ended(steps)
    if ended is not None:
        return ended
    those = revisions(steps)
    if not those:
        return State.DRAFT
    if any(_is_complete(steps, situation, side) for side in Side):
        return State.SIGNED
    return State.PROPOSED if those[-1].side is those[0].side else State.COUNTERED


def signed_sides(steps: Sequence[Step], situation: Situation) -> list[Side]:
    """Return the sides that have signed what stands, by all that their authority requires."""
    return [side for side in Side if _is_complete(steps, situation, side)]


def lacks(steps: Sequence[Step], situation: Situation, side: Side) -> list[Lack]:
    """Return which signatures a side lacks before it has signed what stands; none where it has."""
    those = revisions(steps)
    if not those or _is_complete(steps, situation, side):
        return []
    signed = [(step.signer, step.means) for step in signatures(steps, situation) if step.side is side and step.signer]
    found: list[Lack] = []
    for rules in _rules_by_kind(those[-1].proposal.change, situation, side).values():
        short = tuple((missing(rule, signed), rule) for rule in rules)
        if all(number for number, _ in short) and Lack(short) not in found:
            found.append(Lack(short))
    return found or [Lack(by_another=True)]


def signatures(steps: Sequence[Step], situation: Situation) -> list[Step]:
    """Return the signatures that count."""
    those = revisions(steps)
    if not those or not _signs(steps, those[-1]):
        return []  # before what is signed is worked out
    digest, late = what_is_signed_digest(steps, situation), _has_come(those[-1], situation)
    return [step for step in _signs(steps, those[-1]) if step.digest == digest and (step.retroactive or not late)]


def fallen(steps: Sequence[Step], situation: Situation) -> list[Step]:
    """Return the signatures of the last revision that no longer count."""
    those = revisions(steps)
    counting = signatures(steps, situation)
    return [step for step in _signs(steps, those[-1]) if step not in counting] if those else []


def what_is_signed(steps: Sequence[Step], situation: Situation) -> dict[str, Any]:
    """Return the document that a signature is given on, for the last revision."""
    those = revisions(steps)
    last = those[-1]
    notice, waiver = notice_of(those, situation.chain, situation.zone), counted_waiver(steps, situation)
    change = last.proposal.change
    content: dict[str, Any] = {
        "schema": canonical.SCHEMA,
        "revision": proposal_digest(last.proposal),
        "number": last.number,
        "as_agreed": wordings_over_span(change, situation.chain, situation.fired),
        "contingent": {
            str(armed.number): wordings_over_span(
                change, situation.chain, {**situation.fired, armed.number: [armed.span]}
            )
            for armed in _armed(change, situation.chain)
        },
        "shortfall": notice.shortfall,
    }
    if waiver is not None:
        content["waived"] = {
            "kpis": sorted(waiver.kpis),
            "until": "" if waiver.until is None else waiver.until.isoformat(),
        }
    return content


def what_is_signed_digest(steps: Sequence[Step], situation: Situation) -> str:
    """Return the digest of what a signature is given on."""
    return canonical.digest(what_is_signed(steps, situation))


def moved(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """Return what makes two signed documents differ: ids of clauses first, then names of other parts."""
    places = [(old.get("as_agreed", {}), new.get("as_agreed", {})) for old, new in [(before, now)]]
    contingent = {**before.get("contingent", {}), **now.get("contingent", {})}
    places += [
        (before.get("contingent", {}).get(one, {}), now.get("contingent", {}).get(one, {})) for one in contingent
    ]
    clauses = {clause for old, new in places for clause in {**old, **new} if old.get(clause) != new.get(clause)}
    others = ("revision", "shortfall", "waived")
    return [*sorted(clauses), *(name for name in others if before.get(name) != now.get(name))]


def wordings_over_span(change: Change, chain: Chain, fired: Fired) -> dict[str, list[list[str]]]:
    """Return the wordings that a change makes of the clauses that it touches and of those that they count by.

    :returns: by clause, a list of [first day, digest]; the digest is empty where the clause is not there
    """
    entries = with_change(chain, change)
    held = {**fired, change.number: [change.span]} if change.span.condition else fired
    kinds = {edit.clause: edit.kind for entry in entries for edit in entry.change.edits if isinstance(edit, AddClause)}
    own = [clause for clause in touched(change.edits) if clause in kinds]

    def wordings(clause: str) -> list[tuple[date, Clause | None]]:
        span = change.span
        return [
            (one.first_day, None if one.fields is None else Clause(clause, kinds[clause], one.fields))
            for one in stretches(entries, clause, span.first_day, span.end, fired=held)
        ]

    named = {
        other
        for clause in own
        for _, wording in wordings(clause)
        if wording is not None
        for _, other, _ in names_clauses(wording)
    }
    read = {kind for clause in own for kind in KINDS[kinds[clause]].reads}
    every = {*own, *(clause for clause, kind in kinds.items() if clause in named or kind in read)}
    return {
        clause: [
            [day.isoformat(), "" if one is None else canonical.clause_digest(one)] for day, one in wordings(clause)
        ]
        for clause in sorted(every)
    }


def problems(steps: Sequence[Step], situation: Situation) -> list[Problem]:
    """Return why the last revision cannot stand."""
    return check_change(revisions(steps)[-1].proposal.change, situation.chain)


def unsettled(steps: Sequence[Step], situation: Situation) -> list[Meeting]:
    """Return the meetings for which the last revision has no word."""
    return unsettled_meetings(revisions(steps)[-1].proposal.change, situation.chain)


def agreed_meanwhile(revision: Revision, chain: Chain) -> list[Change]:
    """Return the changes agreed since a revision was made that edit one of its fields on a common day."""
    own = revision.proposal.change
    places = {(edit.clause, field_of(edit)) for edit in own.edits}
    return [
        entry.change
        for entry in chain
        if entry.place > revision.known
        and _days_in_common(own, entry.change)
        and any(
            (edit.clause, field_of(edit)) in places or (not field_of(edit) and edit.clause in touched(own.edits))
            for edit in entry.change.edits
        )
    ]


def refusal(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    """Return why a step cannot be taken now; None where it can."""
    those = revisions(steps)
    if _ended(steps) is not None:
        return Refusal.ENDED
    if step.kind is StepKind.PROPOSE:
        return Refusal.PROPOSED if those else _refusal_of_revision(steps, step, situation)
    if not those:
        return Refusal.NOT_PROPOSED
    if step.kind in {StepKind.AGREE, StepKind.LAPSE}:
        return _refusal_of_nobodys(steps, step, situation)
    if step.side is None:
        return Refusal.NO_SIDE
    stale = step.revision != those[-1].number
    return Refusal.OLD_REVISION if stale else _REFUSALS[step.kind](steps, step, situation)


def means_open_to(steps: Sequence[Step], signer: Signer, side: Side, situation: Situation) -> list[Means]:
    """Return by what means a person may sign the last revision for a side, as far as authority goes."""
    those = revisions(steps)
    rules = _rules_by_kind(those[-1].proposal.change, situation, side) if those else {}
    return [means for means in Means if rules and _may_sign(rules, signer, SignedBy(means.value)) is None]


def after(steps: Sequence[Step], step: Step, situation: Situation) -> list[Step]:
    """Return the steps to be stored for one that can be taken: itself, and the agreement after a last signature."""
    taken = [*steps, step]
    if step.kind is not StepKind.SIGN or len(signed_sides(taken, situation)) < len(Side):
        return [step]
    at = agreed_at(situation.now, situation.chain)
    return [step, Step(StepKind.AGREE, at, revision=step.revision, digest=step.digest)]


def agreed_at(now: datetime, chain: Chain) -> datetime:
    """Return the moment of an agreement: now, and later than that of the entry before; no two are the same."""
    last = max((entry.agreed_at for entry in chain if entry.agreed_at is not None), default=None)
    return now if last is None else max(now, last + _TICK)


def entry_of(steps: Sequence[Step], place: int) -> Entry:
    """Return the entry of an agreed change.

    :param steps: the last of them is the agreement
    """
    return Entry(place, revisions(steps)[-1].proposal.change, steps[-1].at)


def _ended(steps: Sequence[Step]) -> State | None:
    ends = {
        StepKind.AGREE: State.AGREED,
        StepKind.DECLINE: State.DECLINED,
        StepKind.WITHDRAW: State.WITHDRAWN,
        StepKind.LAPSE: State.LAPSED,
    }
    return next((ends[step.kind] for step in steps if step.kind in ends), None)


def _has_come(revision: Revision, situation: Situation) -> bool:
    return revision.proposal.change.span.first_day <= situation.today


def _signs(steps: Sequence[Step], revision: Revision) -> list[Step]:
    return [step for step in steps if step.kind is StepKind.SIGN and step.revision == revision.number]


def _armed(change: Change, chain: Chain) -> list[Change]:
    ids = set(touched(change.edits))
    return [
        entry.change
        for entry in chain
        if entry.change.span.layer is Layer.CONTINGENT and ids & set(touched(entry.change.edits))
    ]


def _days_in_common(one: Change, other: Change) -> bool:
    first = max(one.span.first_day, other.span.first_day)
    return first in one.span and first in other.span


def counted_waiver(steps: Sequence[Step], situation: Situation) -> Waiver | None:
    """Return the waiver that counts: of the last revision, by the receiver, of the notice as it is."""
    those = revisions(steps)
    notice = notice_of(those, situation.chain, situation.zone)
    given = [step.waiver for step in steps if step.kind is StepKind.WAIVE and step.revision == those[-1].number]
    fit = [
        one for one in given if one is not None and one.side is notice.receiver and one.shortfall == notice.shortfall
    ]
    return fit[-1] if fit and notice.shortfall else None


def _touched_kinds(change: Change, chain: Chain) -> list[Kind]:
    entries = with_change(chain, change)
    kinds = {edit.clause: edit.kind for entry in entries for edit in entry.change.edits if isinstance(edit, AddClause)}
    return sorted({kinds[clause] for clause in touched(change.edits) if clause in kinds})


def _rules_by_kind(change: Change, situation: Situation, side: Side) -> dict[Kind, list[AuthorityRule]]:
    bearers = situation.bearers.get(side, {})
    rules, _ = authority_rules(text(situation.chain, situation.today), side, bearers)
    return {kind: rules_for(rules, kind, situation.amount) for kind in _touched_kinds(change, situation.chain)}


def _may_sign(rules: Mapping[Kind, Sequence[AuthorityRule]], signer: Signer, means: SignedBy) -> Refusal | None:
    why = why_not(rules, signer, means)
    return None if why is None else Refusal(why.value)


def _is_complete(steps: Sequence[Step], situation: Situation, side: Side) -> bool:
    """Whether a side has signed what stands, by all that its authority requires."""
    those = revisions(steps)
    signed = [step for step in signatures(steps, situation) if step.side is side]
    if not signed:
        return False
    rules = _rules_by_kind(those[-1].proposal.change, situation, side)
    people = [(step.signer, step.means) for step in signed if step.signer is not None]
    if not all(any(has_enough(rule, people) for rule in fit) for fit in rules.values()):
        return False
    authors = _price_authors(those, situation.chain)
    if not all(_is_any(authors, signer.named) or _is_any(authors, signer.in_place_of) for signer, _ in people):
        return True
    return not any(
        not _is_any(authors, member.named)
        and any(_may_sign(rules, member, SignedBy(means.value)) is None for means in Means)
        for member in situation.people.get(side, ())
    )


def _is_any(people: Sequence[Named], person: Named) -> bool:
    return any(person.is_same(one) for one in people)


def _price_authors(those: Sequence[Revision], chain: Chain) -> list[Named]:
    """Return who first wrote what the last revision says of a price."""
    last = those[-1].proposal.change
    entries = with_change(chain, last)
    prices = {
        edit.clause
        for entry in entries
        for edit in entry.change.edits
        if isinstance(edit, AddClause) and edit.kind is Kind.PRICE
    }
    authors: list[Named] = []
    for edit in last.edits:
        if edit.clause in prices:
            since = len(those) - 1
            while since > 0 and edit in those[since - 1].proposal.change.edits:
                since -= 1
            authors.append(Named(those[since].person, those[since].person_id))
    return authors


def _refusal_of_revision(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    those, new = revisions(steps), step.new
    if (
        new is None
        or step.side is None
        or (new.side, new.person, new.person_id)
        != (
            step.side,
            step.person,
            step.person_id,
        )
    ):
        return Refusal.NOT_YOURS
    if new.readable_at < step.at:
        return Refusal.INVALID  # a day earlier would be a day of notice more
    if new.known != max((entry.place for entry in situation.chain), default=0):
        return Refusal.CHANGED
    values, wrong = check_says(new.proposal.says)
    if wrong or values != dict(new.proposal.says) or check_change(new.proposal.change, situation.chain):
        return Refusal.INVALID
    why = Refusal.OVER if _is_over(new, situation) else None
    if not those:
        own = new.number == 1 and values["proposed_by"] == step.side.value and values["person"] == step.person
        return why if own else Refusal.NOT_YOURS
    return _refusal_of_next(those, new) or why


def _refusal_of_next(those: Sequence[Revision], new: Revision) -> Refusal | None:
    """A later revision is of the same change, by the same proposer, and is not the last one again."""
    first, last = those[0].proposal, those[-1]
    kept = new.proposal.change.number == first.change.number and new.number == last.number + 1
    if not kept or any(new.proposal.says[name] != first.says[name] for name in ("proposed_by", "person")):
        return Refusal.INVALID
    return Refusal.SAME if proposal_digest(new.proposal) == proposal_digest(last.proposal) else None


def _refusal_of_counter(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    own = revisions(steps)[-1].side is step.side
    if own != (step.kind is StepKind.REVISE):
        return Refusal.NOT_YOURS
    return _refusal_of_revision(steps, step, situation)


def _refusal_of_open(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    return None if step.digest == what_is_signed_digest(steps, situation) else Refusal.CHANGED


def _refusal_of_waiver(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    notice = notice_of(revisions(steps), situation.chain, situation.zone)
    change, waiver = revisions(steps)[-1].proposal.change, step.waiver
    if waiver is None or waiver.side is not step.side or step.side is not notice.receiver or step.signer is None:
        return Refusal.NOT_YOURS
    if not notice.shortfall or waiver.shortfall != notice.shortfall:
        return Refusal.NOTHING_TO_WAIVE
    if counted_waiver(steps, situation) == waiver:
        return Refusal.SAME
    kpis = {clause.id for clause in text(situation.chain, situation.today).of(Kind.KPI)}
    if waiver.kpis and (waiver.until is None or waiver.until <= change.span.first_day or not kpis >= set(waiver.kpis)):
        return Refusal.RELIEF
    return _may_sign(_rules_by_kind(change, situation, step.side), step.signer, SignedBy.ROOM)


def _refusal_of_nobodys(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    """An agreement follows from a signature (`after`) and is no step to be taken; a lapse waits for its day."""
    if step.kind is StepKind.AGREE or step.side is not None:
        return Refusal.NOT_YOURS
    return None if is_over(steps, situation) else Refusal.NOT_YET


def is_over(steps: Sequence[Step], situation: Situation) -> bool:
    """Return whether the last day on which the last revision can be signed is over."""
    those = revisions(steps)
    return bool(those) and _is_over(those[-1], situation)


def _is_over(revision: Revision, situation: Situation) -> bool:
    until = revision.proposal.says.get("open_until")
    return until is not None and situation.today > date.fromisoformat(str(until))


def _is_short(steps: Sequence[Step], situation: Situation) -> bool:
    notice = notice_of(revisions(steps), situation.chain, situation.zone)
    return notice.shortfall > 0 and counted_waiver(steps, situation) is None


# What has to be so before anybody signs, in the order in which it is said.
_BEFORE_SIGNING: Sequence[tuple[Refusal, Callable[[Sequence[Step], Situation], object]]] = (
    (Refusal.OVER, is_over),
    (Refusal.CONTINGENT, lambda steps, _: revisions(steps)[-1].proposal.change.span.condition),
    (Refusal.INVALID, problems),
    (Refusal.UNSETTLED, unsettled),
    (Refusal.SAME_FIELD, lambda steps, situation: agreed_meanwhile(revisions(steps)[-1], situation.chain)),
    (Refusal.NOTICE, _is_short),
)


def _refusal_of_signature(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    before = next((why for why, is_so in _BEFORE_SIGNING if is_so(steps, situation)), None)
    if before is not None:
        return before
    late = _has_come(revisions(steps)[-1], situation)
    if step.retroactive != late:
        return Refusal.RETROACTIVE if late else Refusal.NOT_RETROACTIVE
    return _refusal_of_signer(steps, step, situation)


def _refusal_of_signer(steps: Sequence[Step], step: Step, situation: Situation) -> Refusal | None:
    last = revisions(steps)[-1]
    if step.side is None or step.signer is None or step.signer.named != step.named:
        return Refusal.NOT_YOURS
    if step.digest != what_is_signed_digest(steps, situation):
        return Refusal.CHANGED
    if not any(_shows(one, step) for one in steps):  # a PDF is shown to whoever takes it out to sign it
        return Refusal.NOT_SHOWN
    wrong = _may_sign(_rules_by_kind(last.proposal.change, situation, step.side), step.signer, step.means)
    if wrong is not None:
        return wrong
    if (step.means is SignedBy.PDF) != bool(step.file):
        return Refusal.NO_FILE
    mine = [one for one in signatures(steps, situation) if one.named.is_same(step.named) and one.side is step.side]
    return Refusal.ALREADY if mine else None


def _shows(opened: Step, sign: Step) -> bool:
    """Whether a step showed a person what they sign, in the same sentences."""
    return (
        opened.kind is StepKind.OPEN
        and opened.named.is_same(sign.named)
        and (opened.side, opened.revision) == (sign.side, sign.revision)
        and opened.digest == sign.digest
        and dict(opened.sentences) == dict(sign.sentences)
    )


def _refusal_of_decline(steps: Sequence[Step], step: Step, _: Situation) -> Refusal | None:
    if revisions(steps)[-1].side is step.side:
        return Refusal.NOT_YOURS
    return None if step.reason.strip() else Refusal.REASON


def _refusal_of_withdrawal(steps: Sequence[Step], step: Step, _: Situation) -> Refusal | None:
    return None if revisions(steps)[0].side is step.side else Refusal.NOT_YOURS


_REFUSALS: Mapping[StepKind, Callable[[Sequence[Step], Step, Situation], Refusal | None]] = {
    StepKind.COUNTER: _refusal_of_counter,
    StepKind.REVISE: _refusal_of_counter,
    StepKind.OPEN: _refusal_of_open,
    StepKind.WAIVE: _refusal_of_waiver,
    StepKind.SIGN: _refusal_of_signature,
    StepKind.DECLINE: _refusal_of_decline,
    StepKind.WITHDRAW: _refusal_of_withdrawal,
}
