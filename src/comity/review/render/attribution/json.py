"""Whose doing a service level was, as the JSON that other programs rely on."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from comity.core.economics.attribution import SharedOut
from comity.core.economics.settlements import Relief
from comity.review.attribution import Attribution

SCHEMA = "comity.attribution/1"


def render(attribution: Attribution) -> bytes:
    """The JSON that other programs rely on; `docs/attribution.md` says what each word means."""
    planned = attribution.planned
    content: dict[str, Any] = {
        "schema": SCHEMA,
        "kpi": attribution.kpi.id,
        "period": {
            "name": attribution.name,
            "start": attribution.period.start.isoformat(),
            "end": attribution.period.end.isoformat(),
        },
        "whose": "joint" if attribution.viewer_side is None else attribution.viewer_side.value,
        "counted_as": attribution.counted_as.value,
        "until": None if attribution.until is None else attribution.until.isoformat(),
        "missing": [{"needs": list(one.needs), "held_by": one.held_by, "why": one.why} for one in attribution.missing],
    }
    if attribution.shared is not None and planned is not None:
        content |= _told(attribution.shared, attribution.answers)
        content |= {
            "source": planned.source,
            "left_out": dict(planned.left_out),
            "redials": planned.redials,
            "agreed_answers": list(attribution.agreed_answers),
            "said_by": {name: list(sides) for name, sides in planned.said_by.items()},
            "required_locked_share": planned.promised,
            "patience": {
                "from": attribution.patience_from,
                "seconds": {
                    planned.queues[number]: seconds for number, seconds in attribution.shared.patience_s.items()
                },
            },
            "claimed": None if attribution.claimed is None else _told(attribution.claimed, attribution.answers),
            "what_if": dict(attribution.what_if),
            "amounts": None if attribution.amounts is None else dataclasses.asdict(attribution.amounts),
            "to_keep": None if attribution.to_keep is None else dataclasses.asdict(attribution.to_keep),
            "relief": None if attribution.relief is None else _relief(attribution.relief, attribution.shared),
        }
    return (json.dumps(content, ensure_ascii=False, indent=2) + "\n").encode()


def _relief(relief: Relief, shared: SharedOut) -> dict[str, Any]:
    return {
        "deviation": None if relief.deviation is None else float(relief.deviation),
        "days_in_band": None if relief.inside is None else float(relief.inside),
        "capped": None if relief.capped is None else float(relief.capped),
        "credit_times": float(relief.credit),
        "volume_as_forecast": shared.level_if("volume"),
    }


def _told(shared: SharedOut, answers: Mapping[str, str | None]) -> dict[str, Any]:
    parts = []
    for part in shared.parts:
        fields = {"id": part.id, "value": part.value, "low": part.low, "high": part.high, "answers": answers[part.id]}
        if part.id == "presence":
            fields["ordered_off"] = shared.ordered_off
        parts.append(fields)
    return {
        "observed": shared.observed,
        "target": shared.target,
        "parts": parts,
        "unexplained": shared.unexplained,
        "fit": shared.fit,
        "unfit": [reason.value for reason in shared.unfit],
        "used_share": shared.used_share,
        "daily_error": shared.daily_error,
        "daily_miss": shared.daily_miss,
    }
