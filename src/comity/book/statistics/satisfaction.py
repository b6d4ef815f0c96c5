"""Who answered, who stayed, who left: respondents and their accounts, aggregated in the engine for all comparisons.

Respondents and accounts never leave the engine; what comes out is a handful of sums for each scale and comparison.
"""

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import ibis
import pyarrow as pa
from ibis import _

from comity.book.reading.open import Book
from comity.book.statistics.answer_cells import cells
from comity.book.statistics.membership import with_membership
from comity.book.statistics.respondents import Frame, framed, invitations, paired, respondents
from comity.book.statistics.workings import Workings
from comity.core.readings.satisfaction import (
    Answers,
    Fifth,
    Gone,
    Group,
    Stats,
    Units,
    is_touch_design,
    many_unasked,
)
from comity.core.values import Comparison

_FIFTHS = 5
_DIGITS = 9  # means that differ by less are the same score
_WITHIN = timedelta(days=30)  # of the invitation; answers that come later do not count as responses

Key = tuple[int, int]  # numbers of the comparison and the scale
Row = Mapping[str, Any]


def gather(book: Book, comparisons: Sequence[Comparison]) -> dict[Comparison, tuple[Stats, ...]]:
    """The statistics of each scale that was answered in both periods, in the order of the scales' names."""
    by_comparison: dict[Comparison, tuple[Stats, ...]] = dict.fromkeys(comparisons, ())
    if not comparisons or not book.has("surveys"):
        return by_comparison
    with Workings(book) as workings:
        frame = framed(workings, comparisons)
        if frame is None:
            return by_comparison
        people = respondents(workings, frame)
        pairs = with_membership(workings, frame, paired(frame, people))
        totals = _by_key(_totals(pairs, workings, frame))
        totals = {key: row for key, row in totals.items() if row["answers0"] and row["answers1"]}
        invited = _invited(workings, frame)
        units = _by_key(_units(workings, pairs, totals))
        unasked = _unasked(workings, frame, pairs, totals, invited)
        fifths = _fifths(workings, pairs, [key for key, row in totals.items() if _weighs(row, unasked.get(key))])
        few = [key for key, row in totals.items() if is_touch_design(row["stayed"], row["people1"])]
        compared = cells(workings, frame, people, few) if few else {}
        plan = frame.plan.to_pyarrow().to_pylist()
    for key in sorted(totals):
        number, scale = key
        periods = (plan[number]["earlier"], plan[number]["later"])
        stats = Stats(
            scale=frame.scales[scale],
            before=_answers(totals[key], "0", invited.get((periods[0], scale))),
            after=_answers(totals[key], "1", invited.get((periods[1], scale))),
            **_groups(totals[key], unasked.get(key, Group())),
            units=_of_units(units[key]),
            fifths=fifths.get(key, ()),
            cells=compared.get(key),
        )
        by_comparison[frame.comparisons[number]] += (stats,)
    return by_comparison


# Respondents ---------------------------------------------------------------------------------------------------


def _totals(pairs: ibis.Table, workings: Workings, frame: Frame) -> ibis.Table:
    """One row a comparison and scale: sums over answers and over the sets of respondents."""
    tops = [{"scale": number, "top_quarter": scale.top_quarter} for number, scale in enumerate(frame.scales)]
    rows = pairs.join(workings.given(pa.Table.from_pylist(tops)), "scale")
    gone = rows.y0.notnull() & rows.y1.isnull() & ~rows.left
    back = rows.y0.isnull() & ~rows.new
    high = rows.y0 >= rows.top_quarter
    return rows.group_by("comparison", "scale").agg(
        **{name: rows[name].sum().fill_null(0) for name in ("answers0", "answers1", "top0", "top1")},
        **{name: rows[name].sum().fill_null(0.0) for name in ("total0", "total1")},
        people1=rows.y1.count(),
        **{f"any_top{at}": (rows[f"top{at}"] > 0).sum().fill_null(0) for at in (0, 1)},
        **{f"any_not{at}": (rows[f"top{at}"] < rows[f"answers{at}"]).sum().fill_null(0) for at in (0, 1)},
        **{name: rows[name].sum() for name in ("stayed", "left", "new")},
        silent=gone.sum(),
        back=back.sum(),
        **{f"{name}_before": rows.y0.sum(where=kept) for name, kept in _sets(rows.stayed, rows.left, silent=gone)},
        **{f"{name}_after": rows.y1.sum(where=kept) for name, kept in _sets(rows.stayed, new=rows.new, back=back)},
        sd_change=(rows.y1 - rows.y0).std(how="sample", where=rows.stayed),
        last_score=rows.last_score.mean(where=rows.left),
        # Of loyalty tell only those whose leaving would be known.
        high=(high & rows.told).sum().fill_null(0),
        high_left=(high & rows.left).sum().fill_null(0),
        rest=(~high & rows.told).sum().fill_null(0),
        rest_left=((~high) & rows.left).sum().fill_null(0),
    )


def _sets(
    stayed: ibis.Value,
    left: ibis.Value | None = None,
    **others: ibis.Value,
) -> list[tuple[str, ibis.Value]]:
    found = [("stayed", stayed), *others.items()]
    return found if left is None else [*found, ("left", left)]


def _unasked(
    workings: Workings,
    frame: Frame,
    pairs: ibis.Table,
    totals: Mapping[Key, Row],
    invited: Mapping[Key, Row],
) -> dict[Key, Group]:
    """Of those who did not answer again and did not leave, the ones who were not asked.

    Known only where the records hold invitations of the period that nobody answered.
    """
    plan = frame.plan.to_pyarrow().to_pylist()
    wanted = [
        (number, scale)
        for number, scale in totals
        if invited.get((plan[number]["later"], scale), {}).get("unanswered", 0) > 0
    ]
    if not wanted:
        return {}
    gone = pairs.filter(pairs.y0.notnull() & pairs.y1.isnull() & ~pairs.left)
    gone = gone.semi_join(_keys(workings, wanted), ["comparison", "scale"])
    rows = invitations(workings, frame)
    asked = rows.join(frame.days, [("asked_on", "day")]).select("period", "scale", "respondent_id")
    gone = gone.mutate(period=gone.later).anti_join(asked, ["period", "scale", "respondent_id"])
    sums = gone.group_by("comparison", "scale").agg(people=_.count(), before=_.y0.sum())
    return {key: Group(row["people"], row["before"]) for key, row in _by_key(sums).items()}


def _fifths(workings: Workings, pairs: ibis.Table, wanted: Sequence[Key]) -> dict[Key, tuple[Fifth, ...]]:
    """Those who answered before in five groups: ceil(5 midrank / (n0 + 1)) of their score then, ties together."""
    if not wanted:
        return {}
    rows = pairs.filter(pairs.y0.notnull()).semi_join(_keys(workings, wanted), ["comparison", "scale"])
    scores = rows.group_by("comparison", "scale", y0=rows.y0.round(_DIGITS)).agg(
        people=_.count(),
        stayed=_.stayed.sum(),
        change=(rows.y1 - rows.y0).sum(where=rows.stayed).fill_null(0.0),
    )
    window = ibis.window(group_by=["comparison", "scale"])
    scores = scores.mutate(
        through=_.people.sum().over(ibis.cumulative_window(group_by=["comparison", "scale"], order_by="y0")),
        all=_.people.sum().over(window),
    )
    # In whole numbers: twice the midrank is 2 through - people + 1.
    twice = 2 * scores.through - scores.people + 1
    whole = 2 * (scores["all"] + 1)
    scores = scores.mutate(fifth=((_FIFTHS * twice + whole - 1) // whole).cast("int64"))
    sums = scores.group_by("comparison", "scale", "fifth").agg(
        people=_.people.sum(),
        stayed=_.stayed.sum(),
        change=_.change.sum(),
    )
    fifths_by_key: dict[Key, list[Fifth]] = {key: [Fifth(0, 0, 0.0)] * _FIFTHS for key in wanted}
    for row in sums.to_pyarrow().to_pylist():
        fifth = Fifth(int(row["people"]), int(row["stayed"]), row["change"])
        fifths_by_key[row["comparison"], row["scale"]][row["fifth"] - 1] = fifth
    return {key: tuple(fifths) for key, fifths in fifths_by_key.items()}


# Accounts ------------------------------------------------------------------------------------------------------


def _units(workings: Workings, pairs: ibis.Table, totals: Mapping[Key, Row]) -> ibis.Table:
    """One row a comparison and scale: the accounts and the sums of their squared contributions.

    A respondent contributes to the account of P0 with the answers of P0, to that of P1 with all else.
    """
    centres = [
        {
            "comparison": number,
            "scale": scale,
            "mean0": row["total0"] / row["answers0"],
            "mean1": row["total1"] / row["answers1"],
            "all0": float(row["answers0"]),
            "all1": float(row["answers1"]),
            "kept": float(row["stayed"]),
            "within": (row["stayed_after"] - row["stayed_before"]) / row["stayed"] if row["stayed"] else 0.0,
        }
        for (number, scale), row in totals.items()
    ]
    schema = pa.schema(
        [("comparison", pa.int32()), ("scale", pa.int64())]
        + [(name, pa.float64()) for name in ("mean0", "mean1", "all0", "all1", "kept", "within")],
    )
    rows = pairs.join(workings.given(pa.Table.from_pylist(centres, schema)), ["comparison", "scale"])
    rows = rows.mutate(
        earlier=((rows.total0 - rows.mean0 * rows.answers0) / rows.all0).fill_null(0.0),
        latter=((rows.total1 - rows.mean1 * rows.answers1) / rows.all1).fill_null(0.0),
        own=ibis.ifelse(rows.stayed, (rows.y1 - rows.y0 - rows.within) / rows.kept.nullif(0), 0.0),
    )
    moved = rows.account0 != rows.account1  # unknown, and so not true, where one is missing
    key = ("comparison", "scale")
    main = rows.select(
        *key,
        "own",
        "stayed",
        account=ibis.coalesce(rows.account1, rows.account0),
        reported=rows.latter - ibis.ifelse(moved.fill_null(False), 0.0, rows.earlier),
    )
    other = rows.filter(moved).select(
        *key,
        own=ibis.literal(0.0),
        stayed=ibis.literal(False),
        account=rows.account0,
        reported=-rows.earlier,
    )
    accounts = (
        main.union(other)
        .group_by(*key, "account")
        .agg(
            reported=_.reported.sum(),
            own=_.own.sum(),
            stayed=_.stayed.sum(),
        )
    )
    return accounts.group_by(*key).agg(
        headline=_.count(),
        like_for_like=(_.stayed > 0).sum(),
        squares_n=(_.reported * _.reported).sum(),
        squares_h=(_.own * _.own).sum(),
        squares_gap=((_.reported - _.own) * (_.reported - _.own)).sum(),
    )


# Invitations ---------------------------------------------------------------------------------------------------


def _invited(workings: Workings, frame: Frame) -> dict[Key, Row]:
    """By period and scale: invitations, those answered within 30 days, those not answered before its end."""
    rows = invitations(workings, frame).select("scale", "asked_on", "answered_on")
    rows = rows.join(frame.days, [("asked_on", "day")])
    late = rows.answered_on.isnull() | (rows.answered_on >= rows.ends_on)
    sums = rows.group_by("period", "scale").agg(
        invited=rows.count(),
        responded=(rows.answered_on <= rows.asked_on + ibis.interval(days=_WITHIN.days)).sum().fill_null(0),
        unanswered=late.sum().fill_null(0),
    )
    return {(row["period"], row["scale"]): row for row in sums.to_pyarrow().to_pylist()}


# Out of the engine ---------------------------------------------------------------------------------------------


def _keys(workings: Workings, wanted: Sequence[Key]) -> ibis.Table:
    schema = pa.schema([("comparison", pa.int32()), ("scale", pa.int64())])
    return workings.given(pa.Table.from_pylist([{"comparison": c, "scale": s} for c, s in wanted], schema))


def _by_key(rows: ibis.Table) -> dict[Key, Row]:
    return {(row["comparison"], row["scale"]): row for row in rows.to_pyarrow().to_pylist()}


def _weighs(row: Row, unasked: Group | None) -> bool:
    return unasked is not None and many_unasked(unasked.people, row["stayed"] + row["left"] + row["silent"])


def _answers(row: Row, at: str, invited: Row | None) -> Answers:
    counts = {name: int((invited or {}).get(name, 0)) for name in ("invited", "responded", "unanswered")}
    return Answers(
        count=int(row[f"answers{at}"]),
        total=row[f"total{at}"],
        top_answers=int(row[f"top{at}"]),
        top=int(row[f"any_top{at}"]),
        not_top=int(row[f"any_not{at}"]),
        **counts,
    )


def _groups(row: Row, unasked: Group) -> dict[str, Any]:
    """The sets, those fallen silent without those who were not asked."""
    silent = int(row["silent"]) - unasked.people
    return {
        "stayed": Group(int(row["stayed"]), row["stayed_before"] or 0.0, row["stayed_after"] or 0.0),
        "left": Group(int(row["left"]), row["left_before"] or 0.0),
        "silent": Group(silent, (row["silent_before"] or 0.0) - unasked.before if silent else 0.0),
        "unasked": unasked,
        "new": Group(int(row["new"]), after=row["new_after"] or 0.0),
        "back": Group(int(row["back"]), after=row["back_after"] or 0.0),
        "sd_change": row["sd_change"],
        "last_score_left": row["last_score"],
        "top_quarter": Gone(int(row["high"]), int(row["high_left"])),
        "the_rest": Gone(int(row["rest"]), int(row["rest_left"])),
    }


def _of_units(row: Row) -> Units:
    return Units(
        int(row["headline"]),
        int(row["like_for_like"]),
        *(math.fsum([row[name]]) for name in ("squares_n", "squares_h", "squares_gap")),
    )
