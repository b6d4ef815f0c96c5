"""Answers by queue x channel x segment and week, for scales on which hardly anyone answers twice."""

from collections.abc import Mapping, Sequence
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from ibis import _

from comity.book.statistics.membership import accounts
from comity.book.statistics.respondents import Frame, answers
from comity.book.statistics.workings import Workings
from comity.core.readings.satisfaction import AnswerCells

_CELL = ("queue", "channel", "segment")


def cells(
    workings: Workings,
    frame: Frame,
    people: ibis.Table,
    wanted: Sequence[tuple[int, int]],
) -> dict[tuple[int, int], tuple[AnswerCells, AnswerCells]]:
    """The cells of P0 and P1, for each wanted comparison and scale (by number)."""
    plan = frame.plan.to_pyarrow().to_pylist()
    periods = {number: (plan[number]["earlier"], plan[number]["later"]) for number, _scale in wanted}
    needed = sorted({(period, scale) for number, scale in wanted for period in periods[number]})
    schema = pa.schema([("period", pa.int32()), ("scale", pa.int64())])
    asked = workings.given(
        pa.Table.from_pylist([{"period": period, "scale": scale} for period, scale in needed], schema)
    )
    rows = answers(workings, frame).semi_join(asked, ["period", "scale"])
    own = people.select("period", "scale", "respondent_id", belongs_to=_.account)
    rows = rows.join(own, ["period", "scale", "respondent_id"])
    known = accounts(workings).select(known_as=_.account_id, segment=_.segment)
    rows = rows.left_join(known, [("belongs_to", "known_as")])
    rows = rows.select(
        *("period", "scale", "week", "score", "respondent_id"),
        **{name: rows[name].fill_null("") for name in _CELL},
    )
    sums = rows.group_by("period", "scale", "week", *_CELL).agg(total=_.score.sum(), count=_.count())
    heads = rows.group_by("period", "scale", *_CELL).agg(people=_.respondent_id.nunique())
    rows_by_key: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for row in sums.join(heads, ["period", "scale", *_CELL]).to_pyarrow().to_pylist():
        rows_by_key.setdefault((row["period"], row["scale"]), []).append(row)
    return {
        (number, scale): _matrices([rows_by_key[period, scale] for period in periods[number]])
        for number, scale in wanted
    }


def _matrices(sides: Sequence[Sequence[Mapping[str, Any]]]) -> tuple[AnswerCells, AnswerCells]:
    """Both periods over the same cells, in a fixed order; weeks are each period's own."""
    names = sorted({tuple(row[name] for name in _CELL) for rows in sides for row in rows})
    at = {name: number for number, name in enumerate(names)}
    matrices = []
    for rows in sides:
        weeks = {week: number for number, week in enumerate(sorted({row["week"] for row in rows}))}
        totals, counts = np.zeros((len(names), len(weeks))), np.zeros((len(names), len(weeks)))
        people = np.zeros(len(names))
        for row in rows:
            place = at[tuple(row[name] for name in _CELL)], weeks[row["week"]]
            totals[place], counts[place], people[place[0]] = row["total"], row["count"], row["people"]
        matrices.append(AnswerCells(totals, counts, people))
    return matrices[0], matrices[1]
