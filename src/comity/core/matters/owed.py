"""What is owed after the steps of a matter, counted: the other code beside which the ledger is held every night.

The database posts differences of positions, which it reads off the last move (`apps/matters/migrations`, the view
`matters_owed`). Here nothing is read off a state: each step counts up what it asks of a side, what it answers and what
it promises, and what is open is what was asked less what was answered. The two share no line.
"""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from comity.core.chain import Entry
from comity.core.ledger.accounts import ACTION, ANSWER, DECISION, Line, Transaction
from comity.core.ledger.invariants import broken, differences, open_promises
from comity.core.ledger.opened import count_opened
from comity.core.ledger.recorded import recorded
from comity.core.matters.transitions import BESIDE, Move
from comity.core.values import Side

SUBJECT_TYPE = "matter"  # as the ledger names what these are steps of


@dataclass(frozen=True, slots=True)
class CountedStep:
    """A step, as far as counting asks.

    :ivar side: whose; None for nobody's
    :ivar debtor: who owes, after the step, the work that the matter became; None where it became none
    :ivar earlier: it is of the time before a counter-proposal could be declined without an end of the matter
    :ivar opens: of a REOPEN, that it is known to be the second side's; else two sides are waited for
    :ivar decides: it is of a matter in which the side that asks asks for a decision, which is counted apart
    """

    number: int
    move: Move
    side: Side | None
    debtor: Side | None = None
    earlier: bool = False
    opens: bool = False
    decides: bool = False


def _none() -> dict[Side, int]:
    return dict.fromkeys(Side, 0)


@dataclass
class _Count:
    asked: dict[Side, int] = field(default_factory=_none)
    answered: dict[Side, int] = field(default_factory=_none)
    promised: dict[Side, int] = field(default_factory=_none)
    settled: dict[Side, int] = field(default_factory=_none)
    to_decide: Side | None = None  # who is asked for a decision and has not given it
    asker: Side | None = None
    worker: Side | None = None  # who owes what was promised last
    has_declined: bool = False  # a counter-proposal, since the matter was opened


@dataclass
class _Course:
    """What was counted before each answer, so that one that is taken back leaves no trace.

    :ivar last: the step that moved the matter last
    :ivar reopener: who has said that the matter be opened again
    """

    count: _Count = field(default_factory=_Count)
    before: list[tuple[CountedStep, _Count]] = field(default_factory=list)
    last: Move | None = None
    reopener: Side | None = None


_UNMOVED = BESIDE - {Move.HAND_OVER} | {Move.OTHER_DAY, Move.PAUSE, Move.TAKE}
_ANSWERS = frozenset({Move.AGREE, Move.DECLINE, Move.COUNTER})  # of what lies on the table
# After these nobody waits for an answer, unless the move asks for one itself.
_END_ANSWERS = _ANSWERS | {
    Move.WITHDRAW, Move.CLOSE, Move.MERGE, Move.DEEM, Move.CONFIRM, Move.NOT_DONE, Move.LET_OFF,
}  # fmt: skip
_END_PROMISES = frozenset({Move.CONFIRM, Move.LET_OFF, Move.CANNOT, Move.BREAK})
_ASK = frozenset({Move.RAISE, Move.COUNTER, Move.ASK_BACK, Move.DONE})


def count_owed(steps: Iterable[CountedStep]) -> list[tuple[Side, str]]:
    """Return debtor and kind of each promise that is open after the steps of one matter, in no order."""
    course = _Course()
    for step in sorted(steps, key=lambda one: one.number):
        if step.move not in _UNMOVED:
            _take_step(course, step)
    count = course.count
    counted: list[tuple[Side, str]] = []
    for side in Side:
        counted += [(side, ANSWER)] * (count.asked[side] - count.answered[side])
        counted += [(side, ACTION)] * (count.promised[side] - count.settled[side])
    return counted if count.to_decide is None else [*counted, (count.to_decide, DECISION)]


def _take_step(course: _Course, step: CountedStep) -> None:
    move = step.move
    if move in _ANSWERS:
        course.before.append((step, deepcopy(course.count)))
    if move is Move.TAKE_BACK:
        _take_back(course, step)
    elif move is Move.REOPEN:
        if step.opens or course.reopener not in {None, step.side}:
            _open_again(course.count, step)
            course.reopener = None
        else:
            course.reopener = step.side
    else:
        _count_step(course.count, step)
        if move is not Move.HAND_OVER:
            course.reopener = None
    if move is not Move.HAND_OVER:
        course.last = move


def _take_back(course: _Course, step: CountedStep) -> None:
    """Count as if the answer had not been given: the last step, or else the counter-proposal that is on the table.

    One of before it was kept what had been is not undone.
    """
    undone = {course.last} & {Move.AGREE, Move.DECLINE} or {Move.COUNTER}
    taken, before = next((taken, count) for taken, count in reversed(course.before) if taken.move in undone)
    if step.earlier or not taken.earlier:
        course.count = deepcopy(before)


def _open_again(count: _Count, step: CountedStep) -> None:
    if count.worker is not None:
        count.promised[count.worker] += 1
    elif count.asker is not None:
        _ask(count, step, count.asker.other)
        count.has_declined = False


def _count_step(count: _Count, step: CountedStep) -> None:
    side, move = step.side, step.move
    if move is Move.RAISE:
        count.asker = side
    _count_answers(count, step)
    is_confirmed = move is Move.DEEM and count.promised != count.settled
    if move in {Move.AGREE, Move.DEEM} and not is_confirmed:
        count.worker = step.debtor
        if step.debtor is not None:
            count.promised[step.debtor] += 1
    if move in _END_PROMISES or is_confirmed:
        count.settled = dict(count.promised)
    if move in {Move.DONE, Move.HAND_OVER}:
        _take_over(count, side if move is Move.DONE else step.debtor)


def _count_answers(count: _Count, step: CountedStep) -> None:
    side, move = step.side, step.move
    if move in _END_ANSWERS:
        count.answered = dict(count.asked)
        count.to_decide = None
    if side is None:
        return
    if move is Move.REPLY:
        count.answered[side] += 1
    if move in {Move.RAISE, Move.COUNTER}:
        _ask(count, step, side.other)
    elif move in _ASK:
        count.asked[side.other] += 1
    if move is Move.DECLINE and side is count.asker and not step.earlier:
        if not count.has_declined:
            _ask(count, step, side.other)  # what was first asked
        count.has_declined = True


def _ask(count: _Count, step: CountedStep, asked: Side) -> None:
    """Count what is put to a side: the side that raised the matter may ask for a decision, the other for an answer."""
    if step.decides and asked is not count.asker:
        count.to_decide = asked
    else:
        count.asked[asked] += 1


def _take_over(count: _Count, worker: Side | None) -> None:
    """Count work that either side may do as owed by the side that takes it over, or does it."""
    if worker is None or count.worker in {None, worker} or count.promised == count.settled:
        return
    count.settled = dict(count.promised)
    count.promised[worker] += 1
    count.worker = worker


def step_of_facts(number: int, facts: Mapping[str, Any]) -> CountedStep:
    """Read a step from what an entry of the record says of it, which has those alone that changed something.

    :raises ValueError: for facts that are none of a matter's step
    """
    side, debtor = facts.get("side"), facts.get("debtor")
    return CountedStep(
        number,
        Move(str(facts.get("move"))),
        None if side is None else Side(side),
        None if not debtor else Side(debtor),
        earlier=bool(facts.get("earlier")),
        opens=True,
        decides=facts.get("asks_for") == DECISION,
    )


def differences_in_record(entries: Iterable[Entry]) -> list[str]:
    """Return what is wrong with the ledger that a record holds: its own invariants, and what its steps count up to.

    :raises comity.core.ledger.recorded.UnreadableEntryError: for an entry of the ledger that cannot be read
    """
    steps: dict[tuple[str, str], list[CountedStep]] = {}
    lines: dict[tuple[str, str], list[Line]] = {}
    subjects: dict[str, tuple[str, str]] = {}  # of each promise: whatever opened it, though a reversal posts of it too
    transactions: list[Transaction] = []
    found: list[str] = []
    records = list(recorded(entries))
    for one in records:
        transaction = one.transaction
        transactions.append(transaction)
        for line in transaction.lines:
            lines.setdefault(subjects.setdefault(line.promise, transaction.subject), []).append(line)
        if transaction.subject[0] == SUBJECT_TYPE:
            try:
                steps.setdefault(transaction.subject, []).append(step_of_facts(transaction.step, one.facts))
            except ValueError as error:
                found.append(f"transaction {transaction.number}: {error}")
        if one.ended and open_promises(lines.get(transaction.subject, [])):
            found.append(f"transaction {transaction.number}: something is open of what it ended")
    for subject, taken in steps.items():
        wrong = differences(open_promises(lines.get(subject, [])), count_owed(taken))
        found += [f"{' '.join(subject)}: {sentence}" for sentence in wrong]
    for subject, counted in count_opened(records).items():
        wrong = differences(open_promises(lines.get(subject, [])), counted)
        found += [f"{' '.join(subject)}: {sentence}" for sentence in wrong]
    return [*broken(transactions), *found]
