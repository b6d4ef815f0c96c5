"""What the page of how the agreement changes shows, as finished text."""

from collections.abc import Callable

from comity.apps.agreements.measuring.measures import Duty, MeasuredChange, Measures, shares
from comity.core.agreements.first_text import for_reader
from comity.core.proportions import Proportion
from comity.core.values import Side
from comity.review.i18n.words import DASH, NO_BREAK, Words


def share_text(share: Proportion, words: Words) -> dict[str, str]:
    """Return a share as text, with its interval and what it is of."""
    if share.share is None or share.interval is None:
        return {"value": DASH, "interval": "", "of": ""}
    low, high = share.interval
    return {
        "value": words.percent(share.share, 0),
        "interval": words("word.to", low=words.percent(low, 0), high=words.percent(high, 0)),
        "of": words("word.of", num=words.number(share.hits), den=words.number(share.of)),
    }


def measure_rows(found: Measures, words: Words) -> list[dict[str, object]]:
    """Return each measure with both sides' shares."""
    by_side = {side: dict(shares(found.by_side[side])) for side in Side}
    return [
        {
            "name": words(f"measured.{name}"),
            "about": words(f"measured.{name}_about"),
            "cells": [(side, share_text(by_side[side][name], words)) for side in Side],
        }
        for name in by_side[Side.CUSTOMER]
    ]


def days_cells(found: Measures, words: Words) -> list[tuple[Side, str, str]]:
    """Return each side's days from proposal to agreed: the median, and from the least to the most."""
    cells = []
    for side in Side:
        days = found.days[side]
        if days is None:
            cells.append((side, DASH, ""))
            continue
        places = 0 if float(days.median).is_integer() else 1
        median, least, most = (words.number(value, at) for value, at in (
            (days.median, places), (days.least, 0), (days.most, 0)))  # fmt: skip
        cells.append((side, median, words("measured.days_range", least=least, most=most, count=days.count)))
    return cells


def duty_row(duty: Duty, words: Words) -> dict[str, object]:
    """Return a duty with what it came to."""
    met = DASH if duty.met is None else words("levels.is_met" if duty.met else "levels.not_met")
    return {
        "title": words(f"clause_choice.measure_{duty.measure}"),
        "side": duty.side,
        "target": words.percent(float(duty.target), 0) if duty.target else DASH,
        "share": None if duty.share is None else share_text(duty.share, words),
        "met": met,
    }


def change_row(one: MeasuredChange, party: Callable[[Side | str], str], words: Words) -> dict[str, object]:
    """Return a change as it is counted."""
    row = one.row
    given = words.number(row.notice_given)
    notice = words("measured.notice_alone", given=given)
    if row.notice_agreed is not None:
        notice = words("measured.notice_of", given=given, agreed=words.number(row.notice_agreed))
    return {
        "id": one.id,
        "name": f"{one.number}{NO_BREAK}· {for_reader(one.title, words.language)}" if one.title else str(one.number),
        "giver": row.giver,
        "executors": words.listed([party(side) for side in row.carried_out_by]),
        "only": words.listed([party(side) for side in Side if side in row.executed_only_by]) or DASH,
        "authors": words.listed([party(side) for side in Side if side in row.authors]),
        "notice": notice,
        "reason": words(f"measured.reason_{row.reason.value}"),
        "days": words.number(row.days_to_agreed),
        "agreed_on": words.day(one.agreed_on),
    }
