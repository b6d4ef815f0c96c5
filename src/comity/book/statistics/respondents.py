"""Who answered in which period, on which scale: one row a respondent, made in one scan for all comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import ibis
import pyarrow as pa
from ibis import _

from comity.book.statistics.workings import Workings
from comity.core.calendars import Calendar, Cut
from comity.core.readings.satisfaction import Scale
from comity.core.values import Comparison, Period

AUDIENCE = "customer"
PROMOTER, DETRACTOR = 9, 6  # from which, and up to which answer, on 0 to 10
_SURVEY = (
    *("respondent_id", "account_id", "response_id", "asked_on", "answered_on", "queue", "channel"),
    *("scale_min", "scale_max", "score"),
)
_SCALE = ("instrument", "scale_min", "scale_max", "by")
_WHO = ("comparison", "scale", "respondent_id")


@dataclass(frozen=True, slots=True)
class Frame:
    """What is asked of the answers: comparisons and scales by number, and the days of each period.

    `days`: period, day, week, ends_on. `plan`: comparison, earlier, later (numbers of periods), joined_from, ends_on,
    billed_from. `codes`: a scale as written in the records, its number, and how its scores are turned.
    """

    comparisons: tuple[Comparison, ...]
    scales: tuple[Scale, ...]
    days: ibis.Table
    plan: ibis.Table
    codes: ibis.Table


def framed(workings: Workings, comparisons: Sequence[Comparison]) -> Frame | None:
    """Number the comparisons, their periods and the scales that the records hold; None where they hold none."""
    distinct = tuple(dict.fromkeys(comparisons))
    periods = tuple(dict.fromkeys(period for one in distinct for period in (one.reference, one.period)))
    scales, codes = _scales(workings)
    if not scales:
        return None
    months = workings.book.definition.calendar(Cut.MONTH)
    numbers = {period: number for number, period in enumerate(periods)}
    plan = {
        "comparison": pa.array(range(len(distinct)), pa.int32()),
        "earlier": pa.array([numbers[one.reference] for one in distinct], pa.int32()),
        "later": pa.array([numbers[one.period] for one in distinct], pa.int32()),
        "joined_from": pa.array([one.reference.end for one in distinct], pa.date32()),
        "ends_on": pa.array([one.period.end for one in distinct], pa.date32()),
        "billed_from": pa.array([_first_month(months, one.reference.end) for one in distinct], pa.date32()),
    }
    return Frame(
        distinct,
        scales,
        workings.given(_days(periods)),
        workings.given(pa.table(plan)),
        workings.given(codes),
    )


def invitations(workings: Workings, frame: Frame) -> ibis.Table:
    """Every invitation to customers, answered or not, in the reading's values.

    Columns: scale, respondent_id, account, response_id, asked_on, answered_on (empty without a score), score, top (1:
    in the two top boxes), queue, channel. A respondent without an account is one by itself.
    """
    surveys = workings.book.table("surveys")
    rows = (
        surveys.filter(surveys.audience == AUDIENCE)
        .mutate(by=surveys.conducted_by.fill_null(""))
        .join(frame.codes, _SCALE)
        .select(*_SURVEY, "scale", "high", "reversed", "nps")
    )
    upward = ibis.ifelse(rows.reversed, rows.scale_min + rows.scale_max - rows.score, rows.score)
    promoting = ibis.cases((upward >= PROMOTER, 100.0), (upward <= DETRACTOR, -100.0), else_=0.0)
    return rows.select(
        "scale",
        "respondent_id",
        "response_id",
        "asked_on",
        "queue",
        "channel",
        account=ibis.coalesce(rows.account_id, rows.respondent_id),
        answered_on=ibis.ifelse(rows.score.notnull(), rows.answered_on, None),
        score=ibis.ifelse(rows.nps & rows.score.notnull(), promoting, upward),
        top=(upward >= rows.high - 1).cast("int64"),
    )


def answers(workings: Workings, frame: Frame) -> ibis.Table:
    """The invitations answered in the periods, with period and week."""
    rows = invitations(workings, frame)
    return rows.join(frame.days, [("answered_on", "day")])


def respondents(workings: Workings, frame: Frame) -> ibis.Table:
    """One row a period, scale and respondent: number, sum and top boxes of the answers, the last one, its account."""
    order = _.answered_on.cast("string") + _.response_id  # a day written year first sorts as text
    rows = answers(workings, frame).group_by("period", "scale", "respondent_id")
    return workings.kept(
        rows.agg(
            answers=_.count(),
            total=_.score.sum(),
            top=_.top.sum(),
            account=_.account.argmax(order),
            last_score=_.score.argmax(order),
        ),
    )


def paired(frame: Frame, people: ibis.Table) -> ibis.Table:
    """One row a comparison, scale and respondent of either period; y0, y1 are the means, empty without an answer."""
    sides = []
    for number, period in enumerate(("earlier", "later")):
        rows = people.join(frame.plan, [("period", period)]).select(*_WHO, *people.columns[3:])
        own = ("answers", "total", "top", "account")
        columns = {f"{name}{number}": rows[name] for name in own} | {f"y{number}": rows.total / rows.answers}
        if number == 0:
            columns["last_score"] = rows.last_score
        sides.append(rows.select(*_WHO, **columns))
    rows = sides[0].outer_join(sides[1], _WHO)
    rows = rows.select(*rows.columns)  # closes the join: Ibis would take what is worked out next for a part of it
    keys = {name: ibis.coalesce(rows[name], rows[f"{name}_right"]) for name in _WHO}
    rest = [name for name in rows.columns if name not in _WHO and not name.endswith("_right")]
    return rows.select(*rest, **keys)


def _scales(workings: Workings) -> tuple[tuple[Scale, ...], pa.Table]:
    """The scales in the records, and a row for each way in which they are written there."""
    surveys = workings.book.table("surveys")
    by = surveys.conducted_by.fill_null("")
    rows = surveys.filter(surveys.audience == AUDIENCE).mutate(by=by).select(*_SCALE).distinct().to_pyarrow()
    written = {}
    for row in rows.to_pylist():
        low, high = sorted((row["scale_min"], row["scale_max"]))
        written[tuple(row[name] for name in _SCALE)] = Scale(row["instrument"], low, high, row["by"] or None)
    scales = tuple(sorted(set(written.values()), key=lambda one: (one.instrument, one.low, one.high, one.name)))
    numbers = {scale: number for number, scale in enumerate(scales)}
    codes = (
        rows.schema.empty_table()
        if not written
        else pa.Table.from_pylist(
            [
                {
                    **dict(zip(_SCALE, code, strict=True)),
                    "scale": numbers[scale],
                    "high": scale.high,
                    "reversed": code[1] > code[2],
                    "nps": scale.nps,
                }
                for code, scale in written.items()
            ],
        )
    )
    return scales, codes


def _days(periods: Sequence[Period]) -> pa.Table:
    """Each day of each period, and the Monday of its week: an answer finds its periods by an equality."""
    rows: dict[str, list[int | date]] = {"period": [], "day": [], "week": [], "ends_on": []}
    for number, period in enumerate(periods):
        for at in range(period.days):
            day = period.start + timedelta(days=at)
            rows["period"].append(number)
            rows["day"].append(day)
            rows["week"].append(day - timedelta(days=day.weekday()))
            rows["ends_on"].append(period.end)
    kinds = {"period": pa.int32(), "day": pa.date32(), "week": pa.date32(), "ends_on": pa.date32()}
    return pa.table({name: pa.array(values, kinds[name]) for name, values in rows.items()})


def _first_month(months: Calendar, day: date) -> date:
    """How records name the first month that starts on or after the day (contract months by where they start)."""
    month = months.containing(day)
    return (month if month.start == day else months.after(month)).start.replace(day=1)
