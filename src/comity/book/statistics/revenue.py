"""The sums behind the split of revenue: cells of account and service in two periods, summed in one scan."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.coverage import Coverage
from comity.book.reading.open import Book
from comity.book.statistics.service_days import Weighed, weigh
from comity.book.storage.compiled_sql import scratch_name
from comity.core.calendars import Cut
from comity.core.price_index import PriceIndex
from comity.core.readings.revenue import FACTOR, MOST_NAMED, Basis, Scaled, Stats
from comity.core.service_days import MONDAY_TO_FRIDAY, ServiceDays, agreed_days
from comity.core.values import Comparison

CALENDAR_UNITS = ("hour", "minute", "contact")  # of these, more days of service bring more
COUNTED_UNITS = (*CALENDAR_UNITS, "fte_month")  # of these, one is a quantity; one of anything else may be a lump sum
_CELL = ("comparison", "account_id", "service")
# Summed without a look at accounts.
_EVERYBODY = (
    *("prices", "inflation", "calendar", "slope", "invoiced0", "invoiced1", "unknown_amount"),
    *("lumps_up", "lumps_down"),
)
_RENAMED = (_.new.cast("int8").max() > 0) & (_.gone.cast("int8").max() > 0)  # an account's services, perhaps


@dataclass(frozen=True, slots=True)
class _Question:
    """One comparison as the engine needs it: the months of both periods, how prices moved, how days differ.

    `days` are those by which quantities are scaled, `by_service` those of services that have queues of their own.
    """

    comparison: Comparison
    before: tuple[date, ...]
    after: tuple[date, ...]
    growth: float | None
    basis: Basis
    days: ServiceDays
    by_service: Mapping[str, ServiceDays]


@dataclass(frozen=True, slots=True)
class _Totals:
    """The sums of `_EVERYBODY` and of adjustments; the slope of each service with queues of its own, "" all others."""

    sums: Mapping[str, float]
    slopes: Mapping[str, float]


def gather(book: Book, comparisons: Sequence[Comparison]) -> dict[Comparison, tuple[Stats, ...]]:
    """The statistics of each comparison; empty where its periods are not whole months or nothing was invoiced."""
    stats: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not book.has("invoices"):
        return stats
    asked = _questions(book, comparisons)
    if not asked:
        return stats
    with _cached_cells(book, asked) as cells:
        starts = max(min(one.before) for one in asked)
        sums = {row["comparison"]: row for row in _sums(book, cells, starts).to_pyarrow().to_pylist()}
        totals = _totals(cells)
        redefined = [number for number, row in sums.items() if row["redefined"] != 0]
        names = _names(cells, redefined) if redefined else {}
    first = Coverage(book, max(one.horizon for one in comparisons)).days("invoices")[0]
    for number, row in sums.items():
        one = asked[number]
        found = _stats(row, one, names.get(number, []), totals[number], first)
        # The same in days from Monday to Friday comes first, and stands beside the one that follows.
        beside = stats[one.comparison]
        stats[one.comparison] = (replace(found, by_weekdays=beside[0]) if beside else found,)
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
    plan, constants, scales, cells = (scratch_name() for _number in range(4))
    con = book.engine.con
    con.register(plan, _plan(asked))
    con.register(constants, _constants(asked))
    con.register(scales, _scales(asked))
    try:
        expression = _cells(book, *(book.engine.table(name) for name in (plan, constants, scales)))
        con.execute(f"CREATE TEMP TABLE {cells} AS {book.engine.compile(expression)}")
        yield book.engine.table(cells)
    finally:
        con.execute(f"DROP TABLE IF EXISTS {cells}")
        for name in (plan, constants, scales):
            con.unregister(name)


def _questions(book: Book, comparisons: Sequence[Comparison]) -> list[_Question]:
    calendar, index = book.definition.calendar(Cut.MONTH), published(book)
    questions: list[_Question] = []
    for comparison in dict.fromkeys(comparisons):
        # A contract month is named in the records by the calendar month in which it starts.
        before, after = (
            tuple(month.replace(day=1) for month in calendar.months(period))
            for period in (comparison.reference, comparison.period)
        )
        if before and after:
            growth, weighed = index.growth(before, after), weigh(book, comparison)
            questions += [
                _Question(comparison, before, after, growth, one.basis, one.days, one.by_service)
                for one in _ways(comparison, weighed)
            ]
    return questions


def _ways(comparison: Comparison, weighed: Weighed) -> list[Weighed]:
    """The ways in which days are counted: where only the calendar tells them, from Monday to Friday as well."""
    if weighed.basis is not Basis.CALENDAR:
        return [weighed]
    weekdays = agreed_days(comparison.reference, comparison.period, MONDAY_TO_FRIDAY)
    return [Weighed(Basis.CALENDAR, weekdays), weighed]


def _cells(book: Book, plan: ibis.Table, constants: ibis.Table, scales: ibis.Table) -> ibis.Table:
    """One row a comparison and cell: quantities, amounts and prices of both periods, and the terms of the split."""
    # Scaled for the calendar where every line of the cell, in both periods, is in a unit that days bring.
    cells = (
        _lines(book)
        .join(plan, "month")
        .group_by(*_CELL)
        .agg(
            by_days=_.by_days.min(where=_.service_line),
            invoiced0=_.line_amount.sum(where=~_.later).fill_null(0),
            invoiced1=_.line_amount.sum(where=_.later).fill_null(0),
            amount0=_.line_amount.sum(where=~_.later & _.service_line).fill_null(0),
            amount1=_.line_amount.sum(where=_.later & _.service_line).fill_null(0),
            quantity0=_.quantity.sum(where=~_.later & _.service_line).fill_null(0),
            quantity1=_.quantity.sum(where=_.later & _.service_line).fill_null(0),
            # A line without a quantity has no price, and neither has what is summed with it or held against it.
            unknown=(_.service_line & _.quantity.isnull() & (_.line_amount != 0)).any().fill_null(False),
            lump=_.lump_line.all(where=_.service_line).fill_null(False),
        )
    )
    cells = cells.join(constants, "comparison")
    cells = cells.left_join(scales, ["comparison", "service"]).drop("comparison_right", "service_right")
    cells = cells.mutate(
        had=(_.quantity0 > 0) & (_.amount0 >= 0) & ~_.unknown,
        has=(_.quantity1 > 0) & (_.amount1 >= 0) & ~_.unknown,
        unknown_amount=ibis.ifelse(_.unknown, _.amount0.abs() + _.amount1.abs(), 0),
        scaled=_.by_days.fill_null(0) > 0,
        scale=ibis.ifelse(_.by_days.fill_null(0) > 0, ibis.coalesce(_.own_days, _.days), 1.0),
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
    cells = cells.mutate(
        new=_.has & ~_.had,
        gone=_.had & ~_.has,
        effect=(_.q1 - _.q0) * (_.p0 + _.p1) / 2,
        prices=(_.p1 - _.p0) * (_.q0 + _.q1) / 2,
        inflation=(_.factor - 1) * _.p0 * (_.q0 + _.q1) / 2,
        calendar=ibis.ifelse(_.has, _.value1 * (1 - _.scale), 0.0),
        slope=ibis.ifelse(_.has & _.scaled, _.count1 * (_.p0 + _.p1) / 2, 0.0),
        # What prices did beyond inflation, where it may as well be more of the service: an amount that moved.
        lump_price=ibis.ifelse(
            _.lump & _.had & _.has & (_.p0 != _.p1), (_.p1 - _.factor * _.p0) * (_.q0 + _.q1) / 2, 0.0
        ),
        own=ibis.ifelse(_.own_days.notnull(), _.service, ""),
        other_unit=(_.had & _.has)
        # p0 > 3 p1 without a division: a price of 0 counts as an infinite factor, and exactly 3 is not more than 3.
        & (
            ((_.q1 > FACTOR * _.q0) & (_.value0 * _.count1 > FACTOR * _.value1 * _.count0))
            | ((_.q0 > FACTOR * _.q1) & (_.value1 * _.count0 > FACTOR * _.value0 * _.count1))
        ),
    )
    return cells.mutate(
        lumps_up=ibis.ifelse(_.lump_price > 0, _.lump_price, 0.0),
        lumps_down=ibis.ifelse(_.lump_price < 0, _.lump_price, 0.0),
    ).select(
        *_CELL,
        *("had", "has", "new", "gone", "other_unit", "effect", "prices", "inflation", "calendar", "slope", "own"),
        *("starts", "ends_on"),
        *("invoiced0", "invoiced1", "adjusted0", "adjusted1", "unknown_amount", "lumps_up", "lumps_down"),
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
        lump_line=(lines.quantity == 1).fill_null(False) & ~lines.unit.isin(COUNTED_UNITS).fill_null(False),
    )


def _plan(asked: Sequence[_Question]) -> pa.Table:
    """Which month belongs to which side of which comparison."""
    rows = [
        {"comparison": number, "month": month, "later": later}
        for number, one in enumerate(asked)
        for later, months in ((False, one.before), (True, one.after))
        for month in months
    ]
    kinds = {"comparison": pa.int32(), "month": pa.date32(), "later": pa.bool_()}
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _constants(asked: Sequence[_Question]) -> pa.Table:
    """What holds for all cells of a comparison: how days differ, how prices moved, when it starts and ends."""
    rows = [
        {
            "comparison": number,
            "days": _factor(one.days),
            "factor": 1 + (one.growth or 0.0),
            "starts": min(one.before),
            "ends_on": one.comparison.period.end,
        }
        for number, one in enumerate(asked)
    ]
    kinds = (pa.int32(), pa.float64(), pa.float64(), pa.date32(), pa.date32())
    return pa.Table.from_pylist(rows, schema=pa.schema(dict(zip(rows[0], kinds, strict=True))))


def _scales(asked: Sequence[_Question]) -> pa.Table:
    """By what the services with queues of their own are scaled, in each comparison."""
    rows = [
        {"comparison": number, "service": service, "own_days": _factor(days)}
        for number, one in enumerate(asked)
        for service, days in one.by_service.items()
    ]
    kinds = {"comparison": pa.int32(), "service": pa.string(), "own_days": pa.float64()}
    return pa.Table.from_pylist(rows, schema=pa.schema(kinds))


def _factor(days: ServiceDays) -> float:
    """By what to scale what was invoiced; 1 where a period has no day of service to scale to."""
    return 1.0 if days.factor is None else days.factor


def _accounts(cells: ibis.Table) -> ibis.Table:
    """One row a comparison and account: whether it had, has, changed services; and the sums that depend on that."""
    accounts = cells.group_by("comparison", "account_id").agg(
        had=_.had.cast("int8").max() > 0,  # any priced cell
        has=_.has.cast("int8").max() > 0,
        starts=_.starts.max(),
        ends_on=_.ends_on.max(),
        renamed=_RENAMED,
        volume=_.effect.sum(where=~_.new & ~_.gone).fill_null(0),
        new=_.effect.sum(where=_.new).fill_null(0),
        gone=_.effect.sum(where=_.gone).fill_null(0),
        other_unit=_.effect.sum(where=_.other_unit).fill_null(0),
    )
    return accounts.mutate(
        redefined=ibis.ifelse(_.renamed, _.volume + _.new + _.gone, _.other_unit),
    )


def _sums(book: Book, cells: ibis.Table, starts: date) -> ibis.Table:
    """One row a comparison: what depends on all that an account bought.

    :param starts: the first month of the comparison that starts last
    """
    accounts = _accounts(cells).left_join(_known_accounts(book, starts), "account_id")
    arrived, gone = ~_.had & _.has, _.had & ~_.has
    earlier = (_.first_month < _.starts).fill_null(False)
    return accounts.group_by("comparison").agg(
        expansion=_.new.sum(where=_.had).fill_null(0),
        arrival=_.new.sum(where=~_.had & ~earlier).fill_null(0),
        returned=_.new.sum(where=~_.had & earlier).fill_null(0),
        contraction=_.gone.sum(where=_.has).fill_null(0),
        departure=_.gone.sum(where=~_.has).fill_null(0),
        accounts_new=(arrived & ~earlier).sum(),
        accounts_back=(arrived & earlier).sum(),
        accounts_bought_nothing=gone.sum(),
        accounts_left=(gone & (_.left_on < _.ends_on).fill_null(False)).sum(),
        volume=_.volume.sum(),
        redefined=_.redefined.sum(),
    )


def _known_accounts(book: Book, starts: date) -> ibis.Table:
    """Each account's first month before `starts`, with a line of any kind, and the day on which it left.

    Only accounts of which the book says either. A first month from `starts` on is earlier than no comparison: the
    months that are compared need not be read for it.
    """
    lines = book.table("invoices")
    first = lines.filter(lines.month < starts).group_by("account_id").agg(first_month=_.month.min())
    if not book.has("accounts") or "left_on" not in book.table("accounts").columns:
        return first.mutate(left_on=ibis.null("date"))
    left = book.table("accounts").filter(_.left_on.notnull()).group_by("account_id").agg(left_on=_.left_on.max())
    return first.outer_join(left, "account_id").select(
        "first_month", "left_on", account_id=ibis.coalesce(_.account_id, _.account_id_right)
    )


def _totals(cells: ibis.Table) -> dict[int, _Totals]:
    """Of each comparison what is summed over cells, whoever bought them."""
    sums = cells.group_by("comparison", "own").agg(
        **{name: _[name].sum() for name in _EVERYBODY},
        adjustments=_.adjusted1.sum() - _.adjusted0.sum(),
    )
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in sums.to_pyarrow().to_pylist():
        rows.setdefault(row["comparison"], []).append(row)
    return {
        number: _Totals(
            {name: float(sum(Fraction(row[name]) for row in those)) for name in (*_EVERYBODY, "adjustments")},
            {row["own"]: float(row["slope"]) for row in those},
        )
        for number, those in rows.items()
    }


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


def _stats(
    row: dict[str, Any],
    question: _Question,
    names: Sequence[dict[str, Any]],
    totals: _Totals,
    first_month: date,
) -> Stats:
    of_accounts = ("volume", "expansion", "contraction", "arrival", "returned", "departure", "redefined")
    of_all = ("prices", "inflation", "calendar", "adjustments")
    return Stats(
        before=totals.sums["invoiced0"],
        after=totals.sums["invoiced1"],
        **{name: float(row[name]) for name in of_accounts},
        **{name: totals.sums[name] for name in of_all},
        without_quantity=totals.sums["unknown_amount"],
        lumps_up=totals.sums["lumps_up"],
        lumps_down=totals.sums["lumps_down"],
        growth=question.growth,
        redefined_cells=tuple((name["account_id"], name["service"]) for name in names),
        redefined_count=names[0]["count"] if names else 0,
        basis=question.basis,
        scaled=(
            Scaled(question.days, totals.slopes.get("", 0.0)),
            *(
                Scaled(days, totals.slopes[service], (service,))
                for service, days in question.by_service.items()
                if service in totals.slopes
            ),
        ),
        by_weekdays=None,
        first_month=first_month,
        accounts={name: int(row[f"accounts_{name}"]) for name in ("new", "back", "bought_nothing", "left")},
    )
