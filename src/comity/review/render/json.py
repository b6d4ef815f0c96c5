"""The review as JSON: the output contract `comity.review/1`, at full precision and in a fixed order.

What the specification names comes first in each object; what else a machine may want follows it.
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from datetime import date
from enum import Enum
from importlib import resources
from typing import Any

from comity.core.agreements.kpi import Kpi
from comity.core.paid import PaidSplit
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change
from comity.core.record_choice import RecordChoice
from comity.core.values import Period, Side
from comity.review.i18n.words import Words
from comity.review.missing import list_of, remedy
from comity.review.model import Level, LevelPoint, Limits, Missing, Origin, Relieved, Review
from comity.review.proceedings import Proceedings
from comity.review.views.sentences import blind_spot

SCHEMA = "comity.review/1"


def schema() -> dict[str, Any]:
    """The JSON Schema that every review in this form keeps to."""
    text = resources.files("comity.review").joinpath("review.schema.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def render(review: Review, words: Words, proceedings: Proceedings | None = None) -> bytes:
    """The review as JSON, UTF-8, two spaces deep, with a line end at its end."""
    text = json.dumps(review_object(review, words, proceedings), ensure_ascii=False, indent=2, allow_nan=False)
    return f"{text}\n".encode()


def review_object(review: Review, words: Words, proceedings: Proceedings | None = None) -> dict[str, Any]:
    """The review as plain values; only `blind` is in the reader's language, and a room alone tells of `closing`."""
    closing = {} if proceedings is None else {"closing": _closing(review, proceedings)}
    return closing | {
        "schema": SCHEMA,
        "book": {"name": review.book, "currency": review.currency, "timezone": review.timezone},
        "period": _period(review.period),
        "reference": _period(review.reference),
        "name": review.name,
        "reference_name": review.reference_name,
        "cut": review.cut.value,
        "against": review.against.value,
        "parties": {side.value: review.parties.get(side) for side in Side},
        "as": "joint" if review.viewer_side is None else review.viewer_side.value,
        "made_on": review.made_on.isoformat(),
        "levels": [_level(level) for level in review.levels],
        "paid": _paid(review.paid),
        "readings": [_reading(reading, review, words) for reading in review.readings],
        "missing": [_missing(missing, review) for missing in review.missing],
        "lateness": [to_json_value(late) for late in (*review.lateness, *review.undelivered)],
        "origins": [_origin(origin) for origin in review.origins],
        "whole_months": [f"{month.start:%Y-%m}" for month in review.whole_months],
        "wording": to_json_value(review.headline_override) if review.headline_override else None,
        "digest": review.digest,
    }


def _closing(review: Review, proceedings: Proceedings) -> dict[str, Any]:
    """Whether the figures are final, who confirmed them, and what is disputed with the claimed values.

    The readings are as the records say now; of a final period those that were disputed stand beside as confirmed.
    """
    entry = proceedings.entry
    return {
        "final_on": to_json_value(proceedings.final_on),
        "restated": proceedings.restated,
        "entry": None if entry is None else {"number": entry[0], "digest": entry[1]},
        "confirmed": [
            {"side": one.side.value, "person": one.person or None, "on": one.on.isoformat()}
            for one in proceedings.confirmations
        ],
        "to_confirm": [side.value for side in proceedings.to_confirm],
        "disputed": [
            {"figure": one.kpi, "by": one.asks.value, "open": one.is_open, "value": to_json_value(one.value)}
            for one in proceedings.matters_of("dispute")
            if one.disputes
        ],
        "readings": [
            {"figure": one.key, "reading": one.id, "unit": one.unit, "value": to_json_value(one.value)}
            for one in review.confirmed_readings
        ],
    }


_WITH_ABANDONS = frozenset({"service_level", "abandonment"})


def to_json_value(value: object) -> Any:  # noqa: ANN401, C901, PLR0911 - JSON values, one kind a line
    """Any value as JSON holds it: no NaN and no infinity (both are null), days and moments as ISO 8601."""
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, date):  # moments are days with a time
        return None if value == date.min else value.isoformat()
    if isinstance(value, Mapping):
        return {str(to_json_value(key)): to_json_value(item) for key, item in value.items()}
    if isinstance(value, Period):
        return _period(value)
    if dataclasses.is_dataclass(value):
        values = {item.name: to_json_value(getattr(value, item.name)) for item in dataclasses.fields(value)}
        if isinstance(value, Kpi) and value.measure not in _WITH_ABANDONS:
            values["short_abandon_s"] = values["short_abandon_s"] or 0.0  # as figures of before have it
        return {name: one for name, one in values.items() if not _is_left_out(value, name)}
    if isinstance(value, (set, frozenset)):
        return sorted((to_json_value(item) for item in value), key=str)
    if isinstance(value, (list, tuple)):
        return [to_json_value(item) for item in value]
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return str(value)
    return number if math.isfinite(number) else None


def _is_left_out(value: object, name: str) -> bool:
    """Whether a part of a KPI is left out: a default that figures of before do not have, and its last day.

    Whether another wording follows later is no part of a figure, whose digest would change with it.
    """
    if isinstance(value, LevelPoint):
        return name == "days" and value.days is None
    if not isinstance(value, Kpi):
        return False
    absent = name in {"entry", "change", "deadline", "records"} and getattr(value, name) is None
    return name == "valid_to" or (name == "agreed" and value.agreed) or absent


def _period(period: Period) -> dict[str, str]:
    return {"start": period.start.isoformat(), "end": period.end.isoformat()}


def _change(change: Change | None) -> dict[str, Any]:
    if change is None:
        return {"change": None, "se": None}
    return {"change": to_json_value(change.change), "se": to_json_value(change.se)}


def _kpi(kpi: Kpi) -> dict[str, Any]:
    return dict(to_json_value(kpi))


def _limits(limits: Limits | None) -> Any:  # noqa: ANN401 - JSON values
    return None if limits is None else to_json_value(limits)


def _level(level: Level) -> dict[str, Any]:
    """A level; what is said of its days stands there only where it is not of the whole period, or relieved."""
    found = _whole_level(level)
    if level.days is not None:
        found["days"] = _period(level.days)
    if level.earlier:
        found["earlier"] = [_level(one) for one in level.earlier]
    if level.relieved is not None:
        found["relieved"] = _relieved(level.relieved)
    if level.final is not None:
        found["final"] = {"recomputed": to_json_value(level.final.recomputed)}
    return found


def _relieved(relieved: Relieved) -> dict[str, Any]:
    return {
        "days": [_period(days) for days in relieved.days],
        "changes": list(relieved.changes),
        "with_them": None
        if relieved.value is None
        else {
            "value": to_json_value(relieved.value),
            "num": to_json_value(relieved.num),
            "den": to_json_value(relieved.den),
        },
        "held": relieved.held,
    }


def _whole_level(level: Level) -> dict[str, Any]:
    return {
        "kpi": level.kpi,
        "measure": level.measure,
        "value": to_json_value(level.value),
        "se": to_json_value(level.se),
        "target": to_json_value(level.target),
        "met": level.met,
        "beyond_chance": level.beyond_chance,
        "of": {"num": to_json_value(level.num), "den": to_json_value(level.den)},
        "reported": {side.value: to_json_value(level.reported.get(side)) for side in Side},
        "variants": to_json_value(level.variants),
        "explains": {side.value: level.explains[side] for side in Side if side in level.explains},
        "variants_in_full": to_json_value(level.variants_in_full),
        "explains_in_full": {
            side.value: level.explains_in_full[side] for side in Side if side in level.explains_in_full
        },
        "unit": level.unit,
        "better": level.better,
        "low": to_json_value(level.low),
        "high": to_json_value(level.high),
        "mean_of_intervals": to_json_value(level.mean_of_intervals),
        "intervals_in_target": to_json_value(level.intervals_in_target),
        "definition": _kpi(level.definition),
        "history": to_json_value(level.history),
        "limits": _limits(level.limits),
        "also": to_json_value(level.also),
        "counted_from": list(level.counted_from),
        "records": _records(level.records),
    }


def _records(choice: RecordChoice | None) -> dict[str, Any] | None:
    """How the records of a level were chosen, where the book holds others that could be meant."""
    if choice is None or choice.beside is None:
        return None
    return {"why": choice.why.value, "not_counted": choice.beside, "queues_not_counted": list(choice.beside_queues)}


def _paid(paid: PaidSplit | None) -> dict[str, Any] | None:
    if paid is None:
        return None
    return {
        "amount": to_json_value(paid.amount),
        "shares": to_json_value(paid.shares),
        "amounts": to_json_value(paid.amounts),
        "answers_for": to_json_value(paid.answers_for),
        "contacts_in_target": paid.contacts_in_target,
        "cost_per_contact_in_target": to_json_value(paid.cost_per_contact_in_target),
        "callers_by": paid.callers_by,
        "repeats": paid.repeats,
        "repeats_by_chance": to_json_value(paid.repeats_by_chance),
        "billed": to_json_value(paid.billed),
        "unassigned": list(paid.unassigned),
        "counted_from": list(paid.counted_from),
    }


def _reading(reading: Reading, review: Review, words: Words) -> dict[str, Any]:
    key = (reading.id, reading.variant)
    return {
        "id": reading.id,
        "variant": reading.variant,
        "unit": reading.unit,
        "material": to_json_value(reading.material),
        "before": to_json_value(reading.before),
        "after": to_json_value(reading.after),
        "headline": _change(reading.headline),
        "like_for_like": _change(reading.like_for_like),
        "gap": _change(reading.gap),
        "parts": [
            {"id": part.id, "value": to_json_value(part.value), "like_for_like": part.like_for_like}
            for part in reading.parts
        ],
        "verdict": reading.verdict.value,
        "cause": reading.cause,
        "firm": reading.firm,
        "would_be": None if reading.would_be is None else reading.would_be.value,
        "counts": to_json_value(reading.counts),
        "blind": blind_spot(reading, words),
        "also": to_json_value(reading.also),
        "z": to_json_value(reading.z),
        "history": to_json_value(review.histories.get(key, ())),
        "limits": _limits(review.history_limits.get(key)),
    }


def _missing(missing: Missing, review: Review) -> dict[str, Any]:
    one = remedy(missing, review)
    return {
        "reading": missing.reading,
        "needs": list(missing.needs),
        "held_by": missing.held_by,
        "why": missing.why,
        "detail": to_json_value(missing.detail),
        "list": list_of(missing).value,
        "cure": None
        if one is None
        else {
            "do": one.cure.value,
            "tables": list(one.tables),
            "periods": list(one.periods),
            "day": to_json_value(one.day),
        },
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return dict(to_json_value(origin))
