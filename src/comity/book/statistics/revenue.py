"""The sums behind the split of revenue: cells of account and service in two periods, summed in one scan."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.storage.compiled_sql import scratch_name
from comity.core.calendars import Cut
from comity.core.price_index import PriceIndex
from comity.core.readings.revenue import FACTOR, MOST_NAMED, Stats
from comity.core.values import Comparison

CALENDAR_UNITS = ("hour", "minute", "contact")  # of these, a longer month brings more
_CELL = ("comparison", "account_id", "service")
_RENAMED = (_.new.cast("int8").max() > 0) & (_.gone.cast("int8").max() > 0)  # an account's services, perhaps


@dataclass(frozen=True, slots=True)
class _Question:
    """One comparison as the engine needs it: the months of both periods, how prices moved, how days differ."""

    comparison: Comparison
    before: tuple[date, ...]
    after: tuple[date, ...]
    growth: float | None

    @property
    def days(self) -> float:
        """By what to scale what was invoiced, for periods of equal length."""
        return self.comparison.reference.days / self.comparison.period.days


def gather(book: Book, comparisons: Sequence[Comparison]) -> dict[Comparison, tuple[Stats, ...]]:
    """The statistics of each comparison; empty where its periods are not whole months or nothing was invoiced."""
    asked = _questions(book, comparisons)
    stats: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not asked or not book.has("invoices"):
        return stats
    with _cached_cells(book, asked) as cells:
        sums = _sums(cells).to_pyarrow().to_pylist()
        numbers = [row["comparison"] for row in sums if row["redefined"] != 0]
        names = _names(cells, numbers) if numbers else {}
    for row in sums:
        one = asked[row["comparison"]]
        stats[one.comparison] = (_stats(row, one, names.get(row["comparison"], [])),)
    return stats


def published(book: Book) -> PriceIndex:
    """The agreed price index of the book; an empty one where there is none, or where it is not shown."""

    def read() -> PriceIndex:
        if not book.has("prices"):
            return PriceIndex({})
        rows = book.table("prices").select("month", "index").to_pyarrow().to_pylist()
        return PriceIndex({row["month"]: row["index"] for row in rows})

    return book.once("price index", read)


@contextmanager
def _cached_cells(book: Book, asked: Sequence[_Question]) -> Iterator[ibis.Table]:
    """The cells, kept in the engine as long as more than one question is put to them.

    In plain SQL: Ibis 12 makes a table from an expression by running it twice, and with the SQLGlot of the lock
    it drops a table without a name.
    """
    plan, cells = scratch_name(), scratch_name()
    con = book.engine.con
    con.register(plan, _plan(asked))
    try:
        expression = _cells(book, book.engine.table(plan))
        con.execute(f"CREATE TEMP TABLE {cells} AS {book.engine.compile(expression)}")
        yield book.engine.table(cells)
    finally:
        con.execute(f"DROP TABLE IF EXISTS {cells}")
        con.unregister(plan)


def _questions(book: Book, comparisons: Sequence[Comparison]) -> list[_Question]:
    calendar, index = book.definition.calendar(Cut.MONTH), published(book)
    questions = []
    for comparison in dict.fromkeys(comparisons):
        # A contract month is named in the records by the calendar month in which it starts.
        before, after = (
            tuple(month.replace(day=1) for month in calendar.months(period))
            for period in (comparison.reference, comparison.period)
        )
        if before and after:
            questions.append(_Question(comparison, before, after, index.growth(before, after)))
    return questions


def _cells(book: Book, plan: ibis.Table) -> ibis.Table:
    """One row a comparison and cell: quantities, amounts and prices of both periods, and the terms of the split."""
    # Scaled for the calendar where every line of the cell is in a unit that days bring.
    cells = (
        _lines(book)
        .join(plan, "month")
        .group_by(*_CELL)
        .agg(
            days=_.days.max(),
            factor=_.factor.max(),
            by_days=_.by_days.min(where=_.later & _.service_line),
            invoiced0=_.line_amount.sum(where=~_.later).fill_null(0),
            invoiced1=_.line_amount.sum(where=_.later).fill_null(0),
            amount0=_.line_amount.sum(where=~_.later & _.service_line).fill_null(0),
            amount1=_.line_amount.sum(where=_.later & _.service_line).fill_null(0),
            quantity0=_.quantity.sum(where=~_.later & _.service_line).fill_null(0),
            quantity1=_.quantity.sum(where=_.later & _.service_line).fill_null(0),
        )
    )
    cells = cells.mutate(
        had=(_.quantity0 > 0) & (_.amount0 >= 0),
        has=(_.quantity1 > 0) & (_.amount1 >= 0),
        scale=ibis.ifelse(_.by_days.fill_null(0) > 0, _.days, 1.0),
        **{f"value{period}": _[f"amount{period}"].cast("float64") for period in (0, 1)},
        **{f"count{period}": _[f"quantity{period}"].cast("float64") for period in (0, 1)},
    )
    cells = cells.mutate(
        q0=ibis.ifelse(_.had, _.count0, 0.0),
        q1=ibis.ifelse(_.has, _.count1 * _.scale, 0.0),
        known0=ibis.ifelse(_.had, _.value0 / _.count0.nullif(0), None),
        known1=ibis.ifelse(_.has, _.value1 / _.count1.nullif(0), None),
        adjusted0=_.invoiced0 - ibis.ifelse(_.had, _.amount0, 0),
        adjusted1=_.invoiced1 - ibis.ifelse(_.has, _.amount1, 0),
    )
    cells = cells.mutate(
        p0=ibis.coalesce(_.known0, _.known1 / _.factor, 0.0),
        p1=ibis.coalesce(_.known1, _.known0 * _.factor, 0.0),
    )
    return cells.mutate(
        new=_.has & ~_.had,
        gone=_.had & ~_.has,
        effect=(_.q1 - _.q0) * (_.p0 + _.p1) / 2,
        prices=(_.p1 - _.p0) * (_.q0 + _.q1) / 2,
        inflation=(_.factor - 1) * _.p0 * (_.q0 + _.q1) / 2,
        calendar=ibis.ifelse(_.has, _.value1 * (1 - _.scale), 0.0),
        other_unit=(_.had & _.has)
        # p0 > 3 p1 without a division: a price of 0 counts as an infinite factor, and exactly 3 is not more than 3.
        & (
            ((_.q1 > FACTOR * _.q0) & (_.value0 * _.count1 > FACTOR * _.value1 * _.count0))
            | ((_.q0 > FACTOR * _.q1) & (_.value1 * _.count0 > FACTOR * _.value0 * _.count1))
        ),
    ).select(
        *_CELL,
        *("had", "has", "new", "gone", "other_unit", "effect", "prices", "inflation", "calendar"),
        *("invoiced0", "invoiced1", "adjusted0", "adjusted1"),
    )


def _lines(book: Book) -> ibis.Table:
    """The lines with the amount that counts, and what sort of line each is.

    Amounts and quantities stay decimal until they are summed, so that sums do not depend on the order of rows.
    """
    lines = book.table("invoices")
    quantity, unit_price = (column.cast("decimal(19, 6)") for column in (lines.quantity, lines.unit_price))  # 38 wide
    return lines.select(
        "account_id",
        "service",
        "month",
        "quantity",
        line_amount=ibis.coalesce(lines.amount, quantity * unit_price),
        service_line=lines.kind.fill_null("service") == "service",
        by_days=lines.unit.isin(CALENDAR_UNITS).fill_null(False).cast("int8"),
    )


def _plan(asked: Sequence[_Question]) -> pa.Table:
    """Which month belongs to which side of which comparison."""
    rows = [
        (number, month, later, one.days, 1 + (one.growth or 0.0))
        for number, one in enumerate(asked)
        for later, months in ((False, one.before), (True, one.after))
        for month in months
    ]
    columns = list(zip(*rows, strict=True))
    types = (pa.int32(), pa.date32(), pa.bool_(), pa.float64(), pa.float64())
    names = ("comparison", "month", "later", "days", "factor")
    arrays = [pa.array(column, kind) for column, kind in zip(columns, types, strict=True)]
    return pa.table(arrays, names=list(names))


def _accounts(cells: ibis.Table) -> ibis.Table:
    """One row a comparison and account: whether it had, has, changed services; and the sums over its cells."""
    accounts = cells.group_by("comparison", "account_id").agg(
        had=_.had.cast("int8").max() > 0,  # any priced cell
        has=_.has.cast("int8").max() > 0,
        renamed=_RENAMED,
        volume=_.effect.sum(where=~_.new & ~_.gone).fill_null(0),
        new=_.effect.sum(where=_.new).fill_null(0),
        gone=_.effect.sum(where=_.gone).fill_null(0),
        other_unit=_.effect.sum(where=_.other_unit).fill_null(0),
        **{
            name: _[name].sum()
            for name in ("prices", "inflation", "calendar", "invoiced0", "invoiced1", "adjusted0", "adjusted1")
        },
    )
    return accounts.mutate(
        redefined=ibis.ifelse(_.renamed, _.volume + _.new + _.gone, _.other_unit),
    )


def _sums(cells: ibis.Table) -> ibis.Table:
    """One row a comparison: everything that the mathematics needs."""
    totals = ("volume", "prices", "inflation", "calendar", "redefined", "invoiced0", "invoiced1")
    return (
        _accounts(cells)
        .group_by("comparison")
        .agg(
            expansion=_.new.sum(where=_.had).fill_null(0),
            arrival=_.new.sum(where=~_.had).fill_null(0),
            contraction=_.gone.sum(where=_.has).fill_null(0),
            departure=_.gone.sum(where=~_.has).fill_null(0),
            adjustments=_.adjusted1.sum() - _.adjusted0.sum(),
            **{name: _[name].sum() for name in totals},
        )
    )


def _names(cells: ibis.Table, numbers: Sequence[int]) -> dict[int, list[dict[str, Any]]]:
    """The redefined cells that weigh most in each of the comparisons, and how many there are."""
    cells = cells.filter(cells.comparison.isin(numbers))
    changed = cells.group_by("comparison", "account_id").agg(renamed=_RENAMED)
    redefined = cells.join(changed, ["comparison", "account_id"]).filter(
        lambda t: t.other_unit | (t.renamed & (t.new | t.gone)),
    )
    by_weight = [_.effect.abs().desc(), _.account_id, _.service]
    ranked = redefined.mutate(
        rank=ibis.row_number().over(group_by="comparison", order_by=by_weight),
        count=_.count().over(group_by="comparison"),
    )
    rows = ranked.filter(ranked["rank"] < MOST_NAMED).select(*_CELL, "rank", "count").to_pyarrow().to_pylist()
    found: dict[int, list[dict[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["rank"]):
        found.setdefault(row["comparison"], []).append(row)
    return found


def _stats(row: dict[str, Any], question: _Question, names: Sequence[dict[str, Any]]) -> Stats:
    terms = ("volume", "expansion", "contraction", "arrival", "departure", "prices", "inflation", "calendar")
    return Stats(
        before=float(row["invoiced0"]),
        after=float(row["invoiced1"]),
        **{name: float(row[name]) for name in (*terms, "adjustments", "redefined")},
        growth=question.growth,
        redefined_cells=tuple((name["account_id"], name["service"]) for name in names),
        redefined_count=names[0]["count"] if names else 0,
    )
