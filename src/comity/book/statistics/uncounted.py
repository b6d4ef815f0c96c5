"""Why records that are there count for nothing: the first thing that a KPI asks of them and none of them has.

A survey without the KPI's instrument, a constant in the place of people, a channel by another name: the figure is
then missing, and people look for the fault in the period. Asked only where nothing was formed.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import ibis
from ibis import _

from comity.book.reading.open import Book
from comity.core.agreements.kpi import EVERYTHING, MEASURES, Kpi
from comity.core.values import Period

_MOST_NAMED = 5
_FEWEST = 20  # answers of one respondent: below, it may be a person who answered often
_FEW_PEOPLE = 5
_RECOMMEND = 10  # of 0 to 10, the only scale that an NPS is defined on


class Lacks(StrEnum):
    """What none of the records has, or all of them have alike."""

    INSTRUMENT = "other_instrument"
    QUEUE = "other_queue"
    CHANNEL = "other_channel"
    SCALE = "other_scale"
    RESPONDENT = "one_respondent"


@dataclass(frozen=True, slots=True)
class Uncounted:
    """Records of a period that count for nothing.

    :ivar rows: how many, of those that had all that was asked before
    :ivar wanted: what the KPI counts
    :ivar named: what they name in its place, most often named first; empty where they name nothing
    """

    lacks: Lacks
    rows: int
    wanted: tuple[str, ...] = ()
    named: tuple[str, ...] = ()


def uncounted(book: Book, kpi: Kpi, period: Period) -> Uncounted | None:
    """The first thing that a KPI asks of the records of a period and none has; None where it is something else."""
    of_surveys = MEASURES[kpi.measure].people_of == "surveys"
    table = "surveys" if of_surveys else "contacts"
    if not book.has(table):
        return None
    rows = _answers(book, period) if of_surveys else _opened(book, period)
    for lacks, wanted, column, kept in _asked(kpi, of_surveys=of_surveys):
        left = kept(rows)
        if not _count(left):
            counted = _count(rows)
            return Uncounted(lacks, counted, wanted, _named(rows, column)) if counted >= _FEW_PEOPLE else None
        rows = left
    return _one_respondent(rows) if of_surveys else None


def same_respondent(book: Book, period: Period) -> Uncounted | None:
    """That all answers of a period are one respondent's, so that nothing can be said of people."""
    return _one_respondent(_answers(book, period)) if book.has("surveys") else None


_Filter = Callable[[ibis.Table], ibis.Table]


def _asked(kpi: Kpi, *, of_surveys: bool) -> Iterator[tuple[Lacks, tuple[str, ...], str, _Filter]]:
    """Yield what a KPI asks of its records, one after the other: what it counts, by which column, and those rows."""
    instrument = kpi.instrument or kpi.measure
    if of_surveys:
        yield Lacks.INSTRUMENT, (instrument,), "instrument", lambda table: table.filter(_.instrument == instrument)
    if kpi.queues != EVERYTHING:
        yield Lacks.QUEUE, kpi.queues, "queue", lambda table: table.filter(_queue(table, kpi).isin(kpi.queues))
    if kpi.channels != EVERYTHING:
        yield Lacks.CHANNEL, kpi.channels, "channel", lambda table: table.filter(_.channel.isin(kpi.channels))
    if kpi.measure == "nps":
        low, high = ibis.least(_.scale_min, _.scale_max), ibis.greatest(_.scale_min, _.scale_max)
        yield Lacks.SCALE, ("0–10",), "scale", lambda table: table.filter(low == 0, high == _RECOMMEND)  # noqa: RUF001 - a dash


def _queue(table: ibis.Table, kpi: Kpi) -> ibis.Column:
    return table.queue.substitute(kpi.queue_map) if kpi.queue_map else table.queue


def _answers(book: Book, period: Period) -> ibis.Table:
    """The answers of customers in a period, each with its scale as people write it."""
    answers = book.table("surveys").filter(
        _.audience == "customer", _.score.notnull(), _.answered_on >= period.start, _.answered_on < period.end
    )
    return answers.mutate(scale=_end(_.scale_min) + "–" + _end(_.scale_max))  # noqa: RUF001 - a dash


def _end(score: ibis.Deferred) -> ibis.Deferred:
    """An end of a scale without a point that says nothing."""
    return score.cast("string").re_replace(r"\.0+$", "")


def _opened(book: Book, period: Period) -> ibis.Table:
    return book.table("contacts").filter(_.opened_on >= period.start, _.opened_on < period.end)


def _count(rows: ibis.Table) -> int:
    return int(rows.aggregate(many=_.count()).to_pyarrow().column("many")[0].as_py())


def _named(rows: ibis.Table, column: str) -> tuple[str, ...]:
    """What a column names, most often first; empty where it names nothing."""
    named = rows.filter(rows[column].notnull()).group_by(column).aggregate(many=_.count())
    listed = named.order_by(ibis.desc("many"), column).limit(_MOST_NAMED).to_pyarrow()
    return tuple(str(one) for one in listed.column(column).to_pylist())


def _one_respondent(answers: ibis.Table) -> Uncounted | None:
    told = answers.aggregate(many=_.count(), people=_.respondent_id.nunique()).to_pyarrow().to_pylist()[0]
    many, people = told["many"], told["people"]
    return Uncounted(Lacks.RESPONDENT, many) if people == 1 and many >= _FEWEST else None
