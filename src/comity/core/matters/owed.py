"""What is owed after the steps of a matter, counted: the other code beside which the ledger is held every night.

The database posts differences of positions, which it reads off the last move (`apps/matters/migrations`, the view
`matters_owed`). Here nothing is read off a state: each step counts up what it asks of a side, what it answers and what
it promises, and what is open is what was asked less what was answered. The two share no line.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from comity.core.chain import Entry
from comity.core.ledger.accounts import ACTION, ANSWER, Line, Transaction
from comity.core.ledger.invariants import broken, differences, open_promises
from comity.core.ledger.recorded import recorded
from comity.core.matters.kinds import Follows, Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side

SUBJECT_TYPE = "matter"  # as the ledger names what these are steps of


@dataclass(frozen=True, slots=True)
class CountedStep:
    """A step, as far as counting asks.

    :ivar side: whose; None for nobody's
    :ivar debtor: of the work that an accepted matter becomes; None where it becomes none
    """

    number: int
    move: Move
    side: Side | None
    debtor: Side | None = None


@dataclass
class _Count:
    asked: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    answered: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    promised: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))
    settled: dict[Side, int] = field(default_factory=lambda: dict.fromkeys(Side, 0))


def debtor_of(kind: Kind, answers: Side, owner: Side | None, follows: str) -> Side | None:
    """Return whose work an accepted matter becomes: the owner's side's of an action, the answering side's of a dispute.

    :param follows: what follows from a dispute; from a value that is recorded beside, nothing does
    """
    if kind is Kind.ACTION:
        return owner or answers
    return answers if kind is Kind.DISPUTE and follows in {Follows.RECORDS, Follows.FORMULA} else None


def count_owed(steps: Iterable[CountedStep]) -> list[tuple[Side, str]]:
    """Return debtor and kind of each promise that is open after the steps of one matter, in no order."""
    count = _Count()
    for step in sorted(steps, key=lambda one: one.number):
        _count_step(count, step)
    counted: list[tuple[Side, str]] = []
    for side in Side:
        counted += [(side, ANSWER)] * (count.asked[side] - count.answered[side])
        counted += [(side, ACTION)] * (count.promised[side] - count.settled[side])
    return counted


def _count_step(count: _Count, step: CountedStep) -> None:
    side, move = step.side, step.move
    if side is not None and move in {Move.RAISE, Move.COUNTER, Move.DONE}:
        count.asked[side.other] += 1
    if side is not None and move in {Move.ACCEPT, Move.REFUSE, Move.COUNTER, Move.CONFIRM, Move.NOT_DONE}:
        count.answered[side] += 1
    if side is not None and move is Move.TAKE_BACK:
        count.answered[side] -= 1
        count.settled |= count.promised  # what the answer promised; nothing else is open then
    if move in {Move.WITHDRAW, Move.DEEM, Move.LET_OFF}:
        count.answered |= count.asked
    if step.debtor is not None and move in {Move.ACCEPT, Move.DEEM}:
        count.promised[step.debtor] += 1
    if move in {Move.CONFIRM, Move.LET_OFF, Move.CANNOT}:
        count.settled |= count.promised


def step_of_facts(number: int, facts: Mapping[str, Any]) -> CountedStep:
    """Read a step from what an entry of the record says of it.

    :raises ValueError: for facts that are none of a matter's step
    """
    side, debtor = facts.get("side"), facts.get("debtor")
    return CountedStep(
        number, Move(str(facts.get("move"))), None if side is None else Side(side), None if not debtor else Side(debtor)
    )


def differences_in_record(entries: Iterable[Entry]) -> list[str]:
    """Return what is wrong with the ledger that a record holds: its own invariants, and what its steps count up to.

    :raises comity.core.ledger.recorded.UnreadableEntryError: for an entry of the ledger that cannot be read
    """
    steps: dict[tuple[str, str], list[CountedStep]] = {}
    lines: dict[tuple[str, str], list[Line]] = {}
    transactions: list[Transaction] = []
    found: list[str] = []
    for one in recorded(entries):
        transaction = one.transaction
        transactions.append(transaction)
        lines.setdefault(transaction.subject, []).extend(transaction.lines)
        if transaction.subject[0] == SUBJECT_TYPE:
            try:
                steps.setdefault(transaction.subject, []).append(step_of_facts(transaction.step, one.facts))
            except ValueError as error:
                found.append(f"transaction {transaction.number}: {error}")
        if one.ended and open_promises(lines[transaction.subject]):
            found.append(f"transaction {transaction.number}: something is open of what it ended")
    for subject, taken in steps.items():
        wrong = differences(open_promises(lines[subject]), count_owed(taken))
        found += [f"{' '.join(subject)}: {sentence}" for sentence in wrong]
    return [*broken(transactions), *found]
