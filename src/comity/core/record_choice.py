"""From which records a KPI is counted where contacts and intervals both could answer it: of one table, never of both.

The first of these that decides:

1. the KPI says so itself (`records`);
2. only one of the two tables is there;
3. only one can answer: contacts that tell no waits answer no service level, intervals of another threshold none either;
4. only one tells of the period under review, in its first and in its last seven days;
5. both sides agreed that one of them is delivered, and not the other: what a side brings beside it moves nothing;
6. one tells of more of the queues that the KPI names;
7. one tells who gave up, and the other does not (not asked of a handle time);
8. only one tells of the period that it is compared with;
9. contacts, each of which can be opened.

Intervals tell no channels: of a KPI that names some, they are taken for what it counts only where it counts calls.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from comity.core.agreements.kpi import CONTACTS, EVERYTHING, INTERVALS, RECORDS, Kpi

VOICE = "voice"


class Why(StrEnum):
    """What decided from which records a KPI is counted."""

    AGREED = "agreed"
    ONLY_TABLE = "only_table"
    ANSWERS = "answers"
    COVERS = "covers"
    DELIVERED = "delivered"
    QUEUES = "queues"
    GAVE_UP = "gave_up"
    COVERS_BOTH = "covers_both"
    EACH_CONTACT = "each_contact"


@dataclass(frozen=True, slots=True)
class AnsweringQueue:
    """A signed queue of which a table can answer a KPI.

    `gave_up`: whether it tells of somebody who did; `ends`: whether it tells of the first and of the last seven days of
    each period asked for, the one under review first.
    """

    queue: str
    gave_up: bool
    ends: tuple[tuple[bool, bool], ...] = ()


@dataclass(frozen=True, slots=True)
class RecordChoice:
    """The table that a KPI is counted from, and what decided.

    `beside` is the other table where the book holds it too: its rows are not counted. `beside_queues` are the queues
    that only these rows tell of, among those that the KPI is about, `same_queues` whether both tell of the same;
    `beside_answers` whether these rows could answer the KPI, would it but name them.
    """

    table: str
    why: Why
    beside: str | None = None
    beside_queues: tuple[str, ...] = ()
    same_queues: bool = False
    beside_answers: bool = False


def choose_records(
    kpi: Kpi, held: Sequence[str], told: Mapping[str, Sequence[AnsweringQueue]], delivered: Collection[str] = ()
) -> RecordChoice:
    """Choose the table that a KPI is counted from.

    :param held: those of `RECORDS` that the book holds
    :param told: for each of both, the queues of which it can answer; asked for only where the book holds both
    :param delivered: the tables that both sides agreed are delivered
    """
    if len(held) < len(RECORDS):
        only = held[0] if held else CONTACTS
        return RecordChoice(kpi.records or only, Why.AGREED if kpi.records else Why.ONLY_TABLE)
    table, why = (kpi.records, Why.AGREED) if kpi.records else _decide(kpi, told, delivered)
    beside = INTERVALS if table == CONTACTS else CONTACTS
    counted, others = ({one.queue for one in told[name]} for name in (table, beside))
    only_beside = tuple(sorted(name for name in others - counted if name))
    return RecordChoice(table, why, beside, only_beside, counted == others, bool(told[beside]))


def choose_for_plan(
    planned: Collection[str], told: Mapping[str, Sequence[AnsweringQueue]], delivered: Collection[str] = ()
) -> str:
    """Choose the table that tells what came of what was planned, by the same rules as far as they tell of a plan.

    :param planned: the queues of which there is a plan; none: all
    :param told: by table, the queues of which it tells
    """
    rules: Sequence[_Rule] = (
        (Why.QUEUES, lambda _table, rows: int(any(one.queue in planned for one in rows))),
        (Why.ANSWERS, lambda _table, rows: int(bool(rows))),
        (Why.COVERS, lambda _table, rows: int(_covers(rows, 0))),
        (Why.DELIVERED, lambda table, _rows: int(table in delivered)),
        (Why.COVERS_BOTH, lambda _table, rows: int(_covers(rows, 1))),
    )
    return _first_that_decides(rules, told)[0]


def _decide(kpi: Kpi, told: Mapping[str, Sequence[AnsweringQueue]], delivered: Collection[str]) -> tuple[str, Why]:
    """The table that the first rule prefers which tells the two apart."""
    meant = kpi.channels == EVERYTHING or VOICE in kpi.channels
    rules: Sequence[_Rule] = (
        (Why.ANSWERS, lambda _table, rows: int(bool(rows))),
        (Why.COVERS, lambda _table, rows: int(_covers(rows, 0))),
        (Why.DELIVERED, lambda table, _rows: int(table in delivered)),
        (Why.QUEUES, lambda _table, rows: 0 if kpi.queues == EVERYTHING else len({one.queue for one in rows})),
        (Why.GAVE_UP, lambda _table, rows: int(kpi.measure != "handle_time" and any(one.gave_up for one in rows))),
        (Why.COVERS_BOTH, lambda _table, rows: int(_covers(rows, 1))),
    )
    return _first_that_decides(rules, {CONTACTS: told[CONTACTS], INTERVALS: told[INTERVALS] if meant else ()})


_Rule = tuple[Why, Callable[[str, Sequence[AnsweringQueue]], int]]


def _first_that_decides(rules: Sequence[_Rule], told: Mapping[str, Sequence[AnsweringQueue]]) -> tuple[str, Why]:
    """The table with the higher score by the first rule that gives them two."""
    for why, score in rules:
        difference = score(CONTACTS, told[CONTACTS]) - score(INTERVALS, told[INTERVALS])
        if difference:
            return (CONTACTS if difference > 0 else INTERVALS), why
    return CONTACTS, Why.EACH_CONTACT


def _covers(rows: Sequence[AnsweringQueue], at: int) -> bool:
    """Whether the queues together are told of at both ends of a period."""
    ends = [one.ends[at] for one in rows if len(one.ends) > at]
    return any(first for first, _last in ends) and any(last for _first, last in ends)
