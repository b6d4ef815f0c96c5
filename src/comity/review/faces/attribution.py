"""Whose doing a service level was, as JSON, and in a terminal. A face translates; it computes nothing."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from comity.core.economics.attribution import SharedOut
from comity.core.economics.settlements import Relief
from comity.review.attributing import Attribution
from comity.review.faces.attribution_rows import asked, notes, rows, sentence, title
from comity.review.faces.terminal import Text, drawn, grid, party
from comity.review.faces.words import Words

SCHEMA = "comity.attribution/1"


def render(made: Attribution, form: str, words: Words) -> bytes:
    """As `json`, `html` or `xlsx`; each brings in what it needs when it is asked for."""
    if form == "html":
        from comity.review.faces import attribution_page  # noqa: PLC0415 - late, for a quick cold start

        return attribution_page.render(made, words).encode()
    if form == "xlsx":
        from comity.review.faces import attribution_workbook  # noqa: PLC0415 - late, as above

        return attribution_workbook.render(made, words)
    return contract(made)


def contract(made: Attribution) -> bytes:
    """The JSON that other programs rely on; `docs/attribution.md` says what each word means."""
    planned = made.planned
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "kpi": made.kpi.id,
        "period": {"name": made.name, "start": made.period.start.isoformat(), "end": made.period.end.isoformat()},
        "whose": "joint" if made.whose is None else made.whose.value,
        "counted_as": made.counted_as.value,
        "until": None if made.until is None else made.until.isoformat(),
        "missing": [{"needs": list(one.needs), "held_by": one.held_by, "why": one.why} for one in made.missing],
    }
    if made.shared is not None and planned is not None:
        told |= _told(made.shared, made.answers)
        told |= {
            "source": planned.source,
            "left_out": dict(planned.left_out),
            "redials": planned.redials,
            "required_locked_share": planned.promised,
            "patience": {
                "from": made.patience_from,
                "seconds": {planned.queues[number]: seconds for number, seconds in made.shared.patience_s.items()},
            },
            "claimed": None if made.claimed is None else _told(made.claimed, made.answers),
            "what_if": dict(made.what_if),
            "amounts": None if made.amounts is None else dataclasses.asdict(made.amounts),
            "to_keep": None if made.to_keep is None else dataclasses.asdict(made.to_keep),
            "relief": None if made.relief is None else _relief(made.relief, made.shared),
        }
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


def _relief(relief: Relief, shared: SharedOut) -> dict[str, Any]:
    return {
        "deviation": None if relief.deviation is None else float(relief.deviation),
        "days_in_band": None if relief.inside is None else float(relief.inside),
        "capped": None if relief.capped is None else float(relief.capped),
        "credit_times": float(relief.credit),
        "volume_as_forecast": shared.level_if("volume"),
    }


def _told(shared: SharedOut, answers: Mapping[str, str]) -> dict[str, Any]:
    parts = []
    for part in shared.parts:
        told = {"id": part.id, "value": part.value, "low": part.low, "high": part.high, "answers": answers[part.id]}
        if part.id == "presence":
            told["ordered_off"] = shared.ordered_off
        parts.append(told)
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


def terminal(made: Attribution, words: Words, *, color: bool, width: int) -> bytes:
    """It as text in UTF-8, readable at 80 columns."""
    return drawn(lambda console: _draw(console, made, words), color=color, width=width)


def _draw(console: Console, made: Attribution, words: Words) -> None:
    console.print(Text(title(made, words), style="bold"))
    for one in made.missing:
        console.print(Text(asked(one, made, words)))
    if made.shared is None:
        return
    console.print(Text(sentence(made, made.shared, words)))
    console.print()
    told = rows(made, made.shared, words)
    table = grid(
        words("attribution.part"),
        f">{words('attribution.points')}",
        f">{words('attribution.interval')}",
        words("attribution.answers"),
    )
    table.add_row(Text(words("attribution.target")), Text(told.target))
    for row in told.parts:
        answers = Text() if row.answers is None else party(row.answers, made.parties, words)
        table.add_row(Text(row.name), Text(row.points, style="bold"), Text(row.interval, style="dim"), answers)
    table.add_row(Text(words("attribution.observed")), Text(told.observed, style="bold"))
    console.print(table)
    console.print()
    for line in notes(made, made.shared, words):
        console.print(Text(line))
