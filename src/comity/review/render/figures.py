"""All figures of all periods as one long table: a row a KPI or reading and period, as CSV and Parquet."""

import io
import json
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields
from datetime import date
from enum import StrEnum
from itertools import islice
from typing import IO

from comity.core.agreements.kpi import Kpi
from comity.core.readings.reading import Reading
from comity.core.values import Side
from comity.review.model import Level, Review
from comity.review.render.cells import write_csv
from comity.review.render.json import to_json_value
from comity.review.views.level import stretched


class TableFormat(StrEnum):
    """What the table is written as."""

    CSV = "csv"
    PARQUET = "parquet"


class FigureKind(StrEnum):
    """What a row is about."""

    KPI = "kpi"
    READING = "reading"


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure of one period.

    Of a reading, `value` is the change like for like against the period before, `as_reported` the change as reported.

    :ivar start: the first day
    :ivar end: the first day after
    :ivar low: the lower end of the 95 % interval, None where the figure has none; `high` likewise
    :ivar state: how far the period's closing is; `computed` where nobody confirms the figure
    :ivar definition: the KPI's wording as JSON
    """

    relationship: str
    kind: str
    id: str
    variant: str | None
    measure: str | None
    unit: str
    period: str
    start: date
    end: date
    value: float | None
    low: float | None
    high: float | None
    num: float | None
    den: float | None
    target: float | None
    met: bool | None
    reported_customer: float | None
    reported_provider: float | None
    as_reported: float | None
    verdict: str | None
    state: str
    definition: str | None


COLUMNS = tuple(one.name for one in fields(FigureRow))
COMPUTED = "computed"
CONTENT_TYPES = {TableFormat.CSV: "text/csv; charset=utf-8", TableFormat.PARQUET: "application/vnd.apache.parquet"}
_ROWS_AT_A_TIME = 5_000
_DAYS, _TRUTHS = ("start", "end"), ("met",)
_NUMBERS = (
    *("value", "low", "high", "num", "den", "target"),
    *("reported_customer", "reported_provider", "as_reported"),
)


def review_rows(review: Review, relationship: str) -> list[FigureRow]:
    """The rows of one review: its levels, then its readings."""
    return [
        *(_level_row(level, review, relationship) for level in stretched(review.levels)),
        *(_reading_row(reading, review, relationship) for reading in review.readings),
    ]


def _level_row(level: Level, review: Review, relationship: str) -> FigureRow:
    return FigureRow(
        relationship=relationship,
        kind=FigureKind.KPI,
        id=level.kpi,
        variant=None,
        measure=level.measure,
        unit=level.unit,
        period=review.name,
        start=(level.days or review.period).start,
        end=(level.days or review.period).end,
        value=level.value,
        low=level.low,
        high=level.high,
        num=level.num,
        den=level.den,
        target=level.target,
        met=level.met,
        reported_customer=level.reported.get(Side.CUSTOMER),
        reported_provider=level.reported.get(Side.PROVIDER),
        as_reported=None,
        verdict=None,
        state=COMPUTED,
        definition=definition_text(level.definition),
    )


def _reading_row(reading: Reading, review: Review, relationship: str) -> FigureRow:
    change, half = reading.like_for_like, None
    if change is not None and change.se is not None and reading.z is not None:
        half = reading.z * change.se
    return FigureRow(
        relationship=relationship,
        kind=FigureKind.READING,
        id=reading.id,
        variant=reading.variant,
        measure=None,
        unit=reading.unit,
        period=review.name,
        start=review.period.start,
        end=review.period.end,
        value=None if change is None else change.change,
        low=None if change is None or half is None else change.change - half,
        high=None if change is None or half is None else change.change + half,
        num=None,
        den=None,
        target=None,
        met=None,
        reported_customer=None,
        reported_provider=None,
        as_reported=reading.headline.change,
        verdict=reading.verdict.value,
        state=COMPUTED,
        definition=None,
    )


def definition_text(definition: Kpi | object) -> str:
    """A wording as JSON on one line, with its keys in order."""
    return json.dumps(to_json_value(definition), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def write_table(rows: Iterable[FigureRow], form: TableFormat, out: IO[bytes]) -> None:
    """Write the table as a file, some rows at a time: of `rows` no more than those are held in memory."""
    if form is TableFormat.CSV:
        text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
        write_csv(text, COLUMNS, (astuple(row) for row in rows))
        text.detach()
        return
    import pyarrow as pa  # noqa: PLC0415 - late, for a quick cold start
    from pyarrow import parquet  # noqa: PLC0415

    def kind(name: str) -> pa.DataType:
        if name in _DAYS:
            return pa.date32()
        return pa.float64() if name in _NUMBERS else pa.bool_() if name in _TRUTHS else pa.string()

    schema = pa.schema([(name, kind(name)) for name in COLUMNS])
    left = iter(rows)
    with parquet.ParquetWriter(out, schema) as writer:
        while some := [astuple(row) for row in islice(left, _ROWS_AT_A_TIME)]:
            columns = {name: [row[at] for row in some] for at, name in enumerate(COLUMNS)}
            writer.write_table(pa.table(columns, schema))
