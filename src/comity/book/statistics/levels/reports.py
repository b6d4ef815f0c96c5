"""The figures that each side reported itself, brought to the period under review."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ibis import _

from comity.book.reading.open import Book
from comity.core.agreements.kpi import Kpi, counted_stretches
from comity.core.calendars import Calendar, Cut
from comity.core.levels import NO_FORMULAS, SHARE, SHARE_DECIMALS, Formulas, Reported, unit
from comity.core.values import Period, Side


@dataclass(frozen=True, slots=True)
class Figure:
    """One side's figure for a month or a week, to the decimals shown; numerator and denominator where given."""

    value: float
    decimals: int
    num: float | None = None
    den: float | None = None
    brought_by: str = "unknown"


def reported(
    book: Book,
    kpi: Kpi,
    period: Period,
    formulas: Callable[[Kpi, Period], Formulas] | None = None,
    *,
    of_more_days: bool = False,
) -> dict[Side, Reported]:
    """Each side's figure for the period; a side that did not report all of it is left out.

    A month or a week is taken as reported. A quarter or a year is made of its months, and only of all of them. A
    figure by queue stands in where there is none for all queues, if all of them bear what they can be pooled by.

    :param formulas: what tells whose formula gives a month's figure; a month is held against its own wording, and one
        of two wordings against none
    :param of_more_days: whether the level beside the figures is of some days of the period only: of a stretch, or
        without days of relief
    """
    parts = _parts(book, period)
    least = SHARE_DECIMALS if unit(kpi) == SHARE else 0
    reports = {}
    for side in Side:
        figures = [_whole(_rows(book).get((kpi.id, side, name), [])) for name, _ in parts]
        known = [figure for figure in figures if figure is not None]
        if not known or len(known) < len(parts):
            continue
        months: tuple[tuple[Reported, Formulas], ...] = ()
        if formulas is not None and len(parts) > 1:
            months = tuple(
                (Reported(figure.value, max(least, figure.decimals)), _formulas_of(book, kpi, days, formulas))
                for figure, (_, days) in zip(known, parts, strict=True)
            )
        reports[side] = Reported(
            joined(known, [days.days for _, days in parts]),
            max(least, *(figure.decimals for figure in known)),
            months,
            weighted=len(known) > 1 and not _poolable(known),
            entered_by=side.other if any(figure.brought_by == side.other.value for figure in known) else None,
            of_more_days=of_more_days,
        )
    return reports


def joined(figures: Sequence[Figure], days: Sequence[int]) -> float:
    """One figure of several months: pooled where each bears numerator and denominator, else weighted by days.

    How many contacts each month held is just what a side did not say that gives no denominators.
    """
    if len(figures) == 1:
        return figures[0].value
    if _poolable(figures):
        return sum(figure.num or 0.0 for figure in figures) / sum(figure.den or 0.0 for figure in figures)
    return sum(figure.value * held for figure, held in zip(figures, days, strict=True)) / sum(days)


def _poolable(figures: Sequence[Figure]) -> bool:
    return all(figure.num is not None and figure.den for figure in figures)


def _formulas_of(book: Book, kpi: Kpi, month: Period, formulas: Callable[[Kpi, Period], Formulas]) -> Formulas:
    """The formulas of a month by its own wording; none of a month of two. Before its first wording, as it is."""
    stretches = counted_stretches(book.definition.kpis, kpi.id, month)
    return formulas(stretches[0].kpi or kpi, month) if len(stretches) == 1 else NO_FORMULAS


def decimals(value: float) -> int:
    """How many decimals a figure was shown to: 0.81 has two."""
    exponent = Decimal(repr(value)).normalize().as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def _parts(book: Book, period: Period) -> list[tuple[str, Period]]:
    """The names under which the period, or the months that make it up, is reported, and their days."""
    calendar = Calendar(Cut.MONTH, book.definition.month_starts_on)
    months = [calendar.containing(day) for day in calendar.months(period)]
    if months:
        return [(calendar.name(month), month) for month in months]
    weeks = Calendar(Cut.WEEK)
    return [(weeks.name(period), period)] if weeks.containing(period.start) == period else []


def _whole(rows: Sequence[tuple[str | None, Figure]]) -> Figure | None:
    """The figure for all queues: as given, else pooled over the queues."""
    for queue, figure in rows:
        if not queue:
            return figure
    figures = [figure for _, figure in rows]
    if not figures or not _poolable(figures):
        return figures[0] if len(figures) == 1 else None
    num, den = sum(figure.num or 0.0 for figure in figures), sum(figure.den or 0.0 for figure in figures)
    bringers = {figure.brought_by for figure in figures}
    brought_by = bringers.pop() if len(bringers) == 1 else "unknown"
    return Figure(num / den, max(figure.decimals for figure in figures), num, den, brought_by)


def _rows(book: Book) -> dict[tuple[str, Side, str], list[tuple[str | None, Figure]]]:
    """What was reported, by KPI, side and name of the month or week."""

    def read() -> dict[tuple[str, Side, str], list[tuple[str | None, Figure]]]:
        found: dict[tuple[str, Side, str], list[tuple[str | None, Figure]]] = {}
        if book.has("reported"):
            table = book.table("reported").filter(_.kpi.isin([kpi.id for kpi in book.definition.kpis]))
            rows = table.select("period", "kpi", "queue", "value", "num", "den", "reported_by", "brought_by").order_by(
                "queue"
            )
            for row in rows.to_pyarrow().to_pylist():
                key = (row["kpi"], Side(row["reported_by"]), row["period"])
                figure = Figure(row["value"], decimals(row["value"]), row["num"], row["den"], row["brought_by"])
                found.setdefault(key, []).append((row["queue"], figure))
        return found

    return book.once(("levels", "reported"), read)
