"""Two sides that propose, open, waive and sign: steps of a change, and what is so when they are taken."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal

from comity.core.agreements.authority import SignedBy, Signer
from comity.core.agreements.changes import Change, Entry, Proposal, Revision, check_says
from comity.core.agreements.fields import Value
from comity.core.agreements.notice import Waiver, notice_of
from comity.core.agreements.signing import (
    Refusal,
    Situation,
    State,
    Step,
    StepKind,
    after,
    entry_of,
    refusal,
    revisions,
    state,
    what_is_signed_digest,
)
from comity.core.values import Side
from tests.builders.agreement import MADRID

CUSTOMER, PROVIDER = Side.CUSTOMER, Side.PROVIDER
PEOPLE = {
    CUSTOMER: (Signer("ana", "lead"), Signer("carlos", "lead"), Signer("eva", "finance")),
    PROVIDER: (Signer("jan", "lead"), Signer("petra", "lead"), Signer("olga", "finance")),
}
SIGNERS = {signer.person: (side, signer) for side, signers in PEOPLE.items() for signer in signers}


def says(side: Side = CUSTOMER, person: str = "ana", **more: object) -> dict[str, Value]:
    """What a change says of itself, right in all fields."""
    written = {
        "title": "A change", "proposed_by": side.value, "person": person, "carried_out_by": "provider",
        "reason": "Because.", "expects_nothing": "A word is made clear.",
    }  # fmt: skip
    values, problems = check_says(written | more)
    assert problems == []
    return values


@dataclass
class Table:
    """Where both sides sit: what they have agreed, and the steps of each change under way."""

    chain: list[Entry]
    steps: dict[int, list[Step]] = field(default_factory=dict)
    amount: Decimal | None = Decimal(0)

    def situation(self, at: datetime) -> Situation:
        return Situation(at, at.astimezone(MADRID).date(), "Europe/Madrid", self.chain, self.amount, PEOPLE)

    def take(self, number: int, step: Step) -> Refusal | None:
        """Take a step, or say why not; what is agreed enters the chain."""
        steps, now = self.steps.setdefault(number, []), self.situation(step.at)
        why = refusal(steps, step, now)
        if why is None:
            steps += after(steps, step, now)
            if steps[-1].kind is StepKind.AGREE:
                self.chain.append(entry_of(steps, max((entry.place for entry in self.chain), default=0) + 1))
        return why

    def propose(
        self, change: Change, person: str, at: datetime, says_: dict[str, Value] | None = None
    ) -> Refusal | None:
        """Put a change, or its next revision, to the other side."""
        side, _ = SIGNERS[person]
        those = revisions(self.steps.get(change.number, []))
        known = max((entry.place for entry in self.chain), default=0)
        first = those[0].proposal.says if those else says(side, person)
        new = Revision(len(those) + 1, side, person, at, Proposal(change, says_ or dict(first)), known)
        kind = StepKind.PROPOSE if not those else StepKind.REVISE if those[-1].side is side else StepKind.COUNTER
        return self.take(change.number, Step(kind, at, side, person, len(those), new=new))

    def digest(self, number: int, at: datetime) -> str:
        """The digest of what would be signed at a moment."""
        return what_is_signed_digest(self.steps[number], self.situation(at))

    def open(self, number: int, person: str, at: datetime, **more: object) -> str:
        """Open the page on which a change is signed; returns the digest that it shows."""
        digest, side = self.digest(number, at), SIGNERS[person][0]
        step = Step(StepKind.OPEN, at, side, person, self.last(number), digest)
        assert self.take(number, replace(step, **more)) is None
        return digest

    def sign(self, number: int, person: str, at: datetime, digest: str | None = None, **more: object) -> Refusal | None:
        """Sign what was opened; without a digest, open it first."""
        side, signer = SIGNERS[person]
        shown = self.open(number, person, at) if digest is None else digest
        step = Step(StepKind.SIGN, at, side, person, self.last(number), shown, signer=signer, means=SignedBy.ROOM)
        if more.get("means") is SignedBy.PDF:
            more = {"file": "f" * 64, **more}
        return self.take(number, replace(step, **more))

    def waive(
        self, number: int, person: str, at: datetime, kpis: Sequence[str] = (), until: object = None
    ) -> Refusal | None:
        """Waive what notice is short."""
        side, signer = SIGNERS[person]
        notice = notice_of(revisions(self.steps[number]), self.chain, "Europe/Madrid")
        waiver = Waiver(side, notice.shortfall, tuple(kpis), until)
        return self.take(
            number, Step(StepKind.WAIVE, at, side, person, self.last(number), signer=signer, waiver=waiver)
        )

    def say(self, kind: StepKind, number: int, person: str, at: datetime, reason: str = "") -> Refusal | None:
        """Decline or withdraw."""
        return self.take(number, Step(kind, at, SIGNERS[person][0], person, self.last(number), reason=reason))

    def last(self, number: int) -> int:
        return len(revisions(self.steps.get(number, [])))

    def state(self, number: int, at: datetime) -> State:
        return state(self.steps.get(number, []), self.situation(at))
