"""The ledger in words: what happened by an entry, what each side owes, and whether it holds."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

from comity.apps.ledger.models import Line, Recount
from comity.apps.ledger.subjects import SubjectLink
from comity.core.ledger.accounts import ANSWER, DECISION, MONEY, PROMISE_KINDS, End
from comity.core.ledger.opened import OPENING, REVERSAL
from comity.core.ledger.statement import Row, Statement
from comity.core.values import Side
from comity.review.i18n.words import Words

Party = Callable[[Side | str | None], str]


@dataclass(frozen=True, slots=True)
class EntryRow:
    """An entry as a page and a file show it: both legs in one row.

    :ivar customer: what it changes for the customer: plus is owed more, or owes less
    :ivar customer_number: the same for a file, as a number
    :ivar late: whether what was kept was kept late
    """

    number: int
    day: date
    for_day: date | None
    subject: SubjectLink | None
    kind: str
    happened: str
    customer: str
    provider: str
    customer_number: Decimal
    provider_number: Decimal
    late: bool


def entry_rows(lines: Iterable[Line], links: Mapping[UUID, SubjectLink], words: Words, party: Party) -> list[EntryRow]:
    """Return entries as rows, from their legs of the side that owes."""
    rows = []
    for line in lines:
        debtor, header = Side(line.side), line.transaction
        change = {debtor: line.amount, debtor.other: -line.amount}
        rows.append(
            EntryRow(
                number=header.number,
                day=header.day,
                for_day=header.for_day,
                subject=links.get(header.subject_id),
                kind=kind_name(line.kind, words),
                happened=happened(line, words, party),
                customer=signed(change[Side.CUSTOMER], line.kind, words),
                provider=signed(change[Side.PROVIDER], line.kind, words),
                customer_number=_plain(change[Side.CUSTOMER]),
                provider_number=_plain(change[Side.PROVIDER]),
                late=line.ended == End.KEPT and line.late_by_last,
            )
        )
    return rows


def _plain(number: Decimal) -> Decimal:
    """Return a number without the zeros that the database keeps behind the point."""
    whole = number.to_integral_value()
    return whole if whole == number else number.normalize()


def happened(line: Line, words: Words, party: Party) -> str:
    """Return what an entry says that happened, from its leg of the side that owes."""
    debtor = Side(line.side)
    family = line.kind if line.kind in {ANSWER, DECISION} else "promise"
    opens = line.amount < 0
    values: dict[str, object] = {"party": party(debtor), "other": party(debtor.other)}
    cause, due = line.transaction.cause, line.promise.days[0][2] if line.promise.days else None
    if cause == REVERSAL:
        return words("ledger.happened_reversal")
    if cause == OPENING:
        said = {} if due is None else {"day": words.day(date.fromisoformat(due))}
        return words("ledger.happened_opening" if due is None else "ledger.happened_opening_due", **values, **said)
    if opens and not line.ended:
        key = "opened" if due is None else "opened_due"
        values |= {} if due is None else {"day": words.day(date.fromisoformat(due))}
    elif opens:
        key = "reopened"
    elif line.ended == End.KEPT:
        key = "late" if line.late_by_last else "kept_moved" if line.late_by_first else "kept"
    else:
        key = line.ended
    return words(f"ledger.{family}_{key}", **values)


def kind_name(kind: str, words: Words) -> str:
    """Return the name of a kind of promises, or a currency's letters."""
    return words(f"ledger.kind_{kind}") if kind in PROMISE_KINDS or kind == MONEY else kind


def unrecorded_sentence(kinds: Iterable[str], words: Words) -> str:
    """Return the sentence that names the kinds which nobody records yet; empty where all are recorded."""
    names = [words(f"ledger.unrecorded_{kind}") for kind in kinds]
    return words("ledger.unrecorded", kinds=words.listed(names)) if names else ""


def amount(number: Decimal, kind: str, words: Words) -> str:
    """Return an amount of a kind: a count, or money in its currency."""
    if kind in PROMISE_KINDS:
        return words.number(int(number))
    return words.money(float(number), kind, 2)


def signed(number: Decimal, kind: str, words: Words) -> str:
    """Return an amount with its sign."""
    if kind in PROMISE_KINDS:
        return words.signed(int(number))
    return words.money(float(number), kind, 2, signed=True)


def owed(rows: Iterable[Row], words: Words) -> str:
    """Return what a side owes, each kind by itself: "6 answers and 2 actions"; never a sum of them."""
    parts = [
        words(f"ledger.count_{row.kind}", count=words.number(int(row.closing)))
        if row.kind in PROMISE_KINDS
        else amount(row.closing, row.kind, words)
        for row in rows
        if row.closing
    ]
    return words.listed(parts) if parts else words("ledger.owes_nothing")


def headline(made: Statement, words: Words, party: Party, *, so_far: bool) -> str:
    """Return the sentence that says what each side owes at the end of a span.

    :param so_far: whether the span has not ended
    """
    if not any(row.closing for row in made.rows):
        return words("ledger.nothing")
    sides = {side.value: party(side) for side in Side}
    owes = {f"{side.value}_owes": owed(made.of(side), words) for side in Side}
    day = words.day(made.span.end - timedelta(days=1))
    return words("ledger.head_now" if so_far else "ledger.head", day=day, **sides, **owes)


def checks(made: Statement, words: Words, party: Party) -> list[str]:
    """Return for each kind what either side is owed and owes, which sums to zero."""
    sentences = []
    for kind in made.kinds:
        owes = {side: sum((row.closing for row in made.of(side) if row.kind == kind), Decimal(0)) for side in Side}
        numbers = {f"{side.value}_owes": amount(owes[side], kind, words) for side in Side}
        sides = {side.value: party(side) for side in Side}
        sentences.append(words("ledger.check", kind=kind_name(kind, words), **sides, **numbers))
    return sentences


def recount_sentence(last: Recount | None, day: str, words: Words) -> str:
    """Return what the last recount found.

    :param day: on which it was, in words
    """
    if last is None:
        return words("ledger.not_recounted")
    found, counted = len(last.differences), words.number(last.subjects)
    if found:
        return words("ledger.differs", day=day, count=words.number(found))
    return words("ledger.recounted", day=day, count=counted)
