"""Statement of a span: what was open, what was taken on, how promises ended, what is open, and how old that is.

One row for each side and kind, and none for several: no sum across kinds or sides exists. Each row adds up:
opening + taken on - kept - deemed - let off - broken - withdrawn = closing.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from comity.core.ledger.accounts import PROMISE_KINDS, End, Promise
from comity.core.values import Period, Side

# Ages of what is open, in working days: up to so many; the last group is over the last of them.
AGE_LIMITS = (5, 10, 20)
BROKEN_AFTER = AGE_LIMITS[-1]  # working days past its day, after which an open promise counts as broken
Key = tuple[Side, str]


@dataclass(frozen=True, slots=True)
class Flow:
    """What was posted in a span of one side and kind, summed up by how it ended.

    :ivar ended: None: taken on
    :ivar number: above zero for what was taken on or ended; a promise that was reopened counts against its end
    """

    debtor: Side
    kind: str
    ended: End | None
    number: Decimal
    late_by_first: bool = False
    late_by_last: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the statement: what one side owes of one kind.

    :ivar kept: all that were kept; `kept_by_first` and `kept_by_last` of them by the first and the last agreed day
    :ivar late: of those open at the end, those whose last agreed day is past
    :ivar long_late: of these, those past it by more than `BROKEN_AFTER` working days, which count as broken
    :ivar ages: of those open at the end, by `AGE_LIMITS`
    :ivar oldest_days: working days of the oldest of them; None where nothing is open
    """

    debtor: Side
    kind: str
    opening: Decimal = Decimal(0)
    taken_on: Decimal = Decimal(0)
    kept: Decimal = Decimal(0)
    kept_by_first: Decimal = Decimal(0)
    kept_by_last: Decimal = Decimal(0)
    deemed: Decimal = Decimal(0)
    let_off: Decimal = Decimal(0)
    broken: Decimal = Decimal(0)
    withdrawn: Decimal = Decimal(0)
    closing: Decimal = Decimal(0)
    late: int = 0
    long_late: int = 0
    ages: tuple[int, ...] = (0,) * (len(AGE_LIMITS) + 1)
    oldest_days: int | None = None

    @property
    def kept_late(self) -> Decimal:
        """Those that were kept after the last agreed day."""
        return self.kept - self.kept_by_last


@dataclass(frozen=True, slots=True)
class Statement:
    """What each side owes the other, by kind, over a span.

    :ivar rows: those that are not all zero: the customer's first, then by kind as they are declared, currencies last
    """

    span: Period
    rows: tuple[Row, ...] = field(default=())

    def of(self, side: Side) -> tuple[Row, ...]:
        """Return the rows of what a side owes."""
        return tuple(row for row in self.rows if row.debtor is side)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that stand in it, in their order."""
        return tuple(dict.fromkeys(sorted((row.kind for row in self.rows), key=kind_order)))


def kind_order(kind: str) -> tuple[int, str]:
    """The order of kinds: promises as they are declared, then currencies by name."""
    return (PROMISE_KINDS.index(kind) if kind in PROMISE_KINDS else len(PROMISE_KINDS), kind)


def statement(  # noqa: PLR0913 - a span, and all that was read of it
    span: Period,
    as_of: date,
    opening: Mapping[Key, Decimal],
    flows: Iterable[Flow],
    still_open: Sequence[Promise],
    working_days: Callable[[Side, date, date], int],
) -> Statement:
    """Make the statement of a span.

    :param as_of: the day by which open promises are old and late: its last one, or today where that is earlier
    :param opening: what was open before its first day
    :param still_open: the promises that are open at its end
    :param working_days: counts a side's working days after one day up to another, it included
    """
    sums: dict[Key, dict[str, Decimal]] = {}
    for key, number in opening.items():
        _add(sums, key, "opening", number)
        _add(sums, key, "closing", number)
    for flow in flows:
        _add_flow(sums, flow)
    by_key: dict[Key, list[Promise]] = {}
    for promise in still_open:
        by_key.setdefault((promise.debtor, promise.kind), []).append(promise)
    keys = sorted(
        {key for key, numbers in sums.items() if any(numbers.values())} | by_key.keys(),
        key=lambda key: (list(Side).index(key[0]), kind_order(key[1])),
    )
    rows = (_row(key, sums.get(key, {}), by_key.get(key, ()), as_of, working_days) for key in keys)
    return Statement(span, tuple(rows))


def _add(sums: dict[Key, dict[str, Decimal]], key: Key, name: str, number: Decimal) -> None:
    numbers = sums.setdefault(key, {})
    numbers[name] = numbers.get(name, Decimal(0)) + number


def _add_flow(sums: dict[Key, dict[str, Decimal]], flow: Flow) -> None:
    key = (flow.debtor, flow.kind)
    if flow.ended is None:
        _add(sums, key, "taken_on", flow.number)
        _add(sums, key, "closing", flow.number)
        return
    _add(sums, key, flow.ended.value, flow.number)
    _add(sums, key, "closing", -flow.number)
    if flow.ended is End.KEPT:
        if not flow.late_by_first:
            _add(sums, key, "kept_by_first", flow.number)
        if not flow.late_by_last:
            _add(sums, key, "kept_by_last", flow.number)


def _row(
    key: Key,
    sums: Mapping[str, Decimal],
    promises: Collection[Promise],
    as_of: date,
    working_days: Callable[[Side, date, date], int],
) -> Row:
    debtor, kind = key
    ages = sorted(working_days(debtor, one.opened_on, as_of) for one in promises)
    overdue = [
        working_days(debtor, due, as_of)
        for one in promises
        if (due := one.due_on(as_of)) is not None and due < as_of and one.done_on is None
    ]
    return Row(
        debtor,
        kind,
        **sums,
        late=len(overdue),
        long_late=sum(days > BROKEN_AFTER for days in overdue),
        ages=tuple(sum(age_group(days) == group for days in ages) for group in range(len(AGE_LIMITS) + 1)),
        oldest_days=ages[-1] if ages else None,
    )


def age_group(days: int) -> int:
    """Return the number of the group of an age: 0 up to 5 working days, then up to 10, up to 20, and over."""
    return sum(days > limit for limit in AGE_LIMITS)


def is_whole(row: Row) -> bool:
    """Whether a row adds up."""
    ended = row.kept + row.deemed + row.let_off + row.broken + row.withdrawn
    return row.opening + row.taken_on - ended == row.closing
