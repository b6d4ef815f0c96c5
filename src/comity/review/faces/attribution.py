"""Whose doing a service level was, as JSON, and in a terminal. A face translates; it computes nothing."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from comity.core.economics.attribution import Part as Share
from comity.core.economics.attribution import SharedOut, Unfit
from comity.review.attributing import Attribution
from comity.review.faces.figures import largest_remainder
from comity.review.faces.terminal import Text, drawn, grid, party
from comity.review.faces.words import Words, clean
from comity.review.review import Missing

SCHEMA = "comity.attribution/1"
_HELD_BY = {
    "no_forecast": "customer",
    "no_handle_time": "customer",
    "no_schedule": "provider",
    "no_staffed": "provider",
    "no_figures": "provider",
}
_TENTHS = 1000  # a share in tenths of a point


def contract(made: Attribution) -> bytes:
    """The JSON that other programs rely on; `docs/attribution.md` says what each word means."""
    planned = made.planned
    told: dict[str, Any] = {
        "schema": SCHEMA,
        "kpi": made.kpi.id,
        "period": {"name": made.name, "start": made.period.start.isoformat(), "end": made.period.end.isoformat()},
        "whose": "joint" if made.whose is None else made.whose.value,
        "counted_as": made.counted_as.value,
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
        }
    return (json.dumps(told, ensure_ascii=False, indent=2) + "\n").encode()


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
    name = words.named("measure", made.kpi.measure)
    name = name if made.kpi.id == made.kpi.measure else f"{name} ({clean(made.kpi.id.replace('_', ' '))})"
    console.print(Text(words("attribution.title", kpi=name, period=clean(made.name)), style="bold"))
    for one in made.missing:
        console.print(_asked(one, made, words))
    if made.shared is None:
        return
    shared = made.shared
    off = shared.observed - shared.target
    said = {"observed": words.percent(shared.observed), "target": words.percent(shared.target)}
    console.print(Text(words("attribution.sum", **said, off=_points(off, words))))
    console.print()
    _parts(console, made, shared, words)
    console.print()
    for line in _notes(made, shared, words):
        console.print(Text(line))


def _parts(console: Console, made: Attribution, shared: SharedOut, words: Words) -> None:
    """The parts in tenths of a point, rounded so that they add up as shown."""
    terms = [shared.target, *(part.value for part in shared.parts), shared.unexplained]
    shown = largest_remainder([term * _TENTHS for term in terms], round(shared.observed * _TENTHS))
    table = grid(
        words("attribution.part"),
        f">{words('attribution.points')}",
        f">{words('attribution.interval')}",
        words("attribution.answers"),
    )
    table.add_row(Text(words("attribution.target")), Text(words.number(shown[0] / 10, 1)))
    for part, tenths in zip(shared.parts, shown[1:-1], strict=True):
        known_callers = made.planned is None or made.planned.redials is not None
        key = "volume_or_redials" if part.id == "volume_outside" and not known_callers else part.id
        table.add_row(
            Text(words(f"attribution.{key}")),
            Text(words.signed(tenths / 10, 1), style="bold"),
            Text(_interval(part, words), style="dim"),
            party(made.answers[part.id], made.parties, words),
        )
    table.add_row(Text(words("attribution.unexplained")), Text(words.signed(shown[-1] / 10, 1)))
    table.add_row(Text(words("attribution.observed")), Text(words.number(sum(shown) / 10, 1), style="bold"))
    console.print(table)


def _notes(made: Attribution, shared: SharedOut, words: Words) -> list[str]:
    planned = made.planned
    notes = [_fit(shared, words)]
    if round(shared.ordered_off * _TENTHS):
        notes.append(words("attribution.ordered_off", points=_points(shared.ordered_off, words)))
    notes.append(words("attribution.order"))
    if planned is not None:
        seconds = [
            f"{clean(planned.queues[at])} {words.figure(one, 'seconds', places=0)}"
            for at, one in shared.patience_s.items()
        ]
        notes.append(words(f"attribution.patience_{made.patience_from}", seconds=", ".join(seconds)))
        if made.counted_as is not made.kpi.abandons:
            notes.append(words("attribution.counted_count"))
        if planned.left_out:
            why = "; ".join(
                words(
                    f"attribution.why_{reason}",
                    count=words.number(count),
                    party=words.side(_HELD_BY[reason], made.parties),
                )
                for reason, count in planned.left_out.items()
            )
            notes.append(words("attribution.left_out", share=words.percent(1 - shared.used_share), why=why))
        if planned.redials:
            notes.append(words("attribution.redials", count=words.number(planned.redials)))
        if planned.redials is None:
            notes.append(words("attribution.redials_unknown"))
        if planned.promised < 1:
            notes.append(words("attribution.not_promised", share=words.percent(planned.promised)))
    if made.claimed is not None:
        off = _points(made.claimed.observed - made.claimed.target, words)
        notes.append(words("attribution.claimed", observed=words.percent(made.claimed.observed), off=off))
    for question, level in made.what_if.items():
        notes.append(words("attribution.what_if", question=question, level=words.percent(level)))
    return notes


def _fit(shared: SharedOut, words: Words) -> str:
    if shared.fit:
        return words("attribution.fit")
    figures = {
        Unfit.UNEXPLAINED: {},
        Unfit.UNUSED: {"used": words.percent(shared.used_share)},
        Unfit.PATIENCE: {},
        Unfit.DAYS: {"error": _points(shared.daily_error, words), "miss": _points(shared.daily_miss, words)},
    }
    why = [words(f"attribution.unfit_{reason.value}", **figures[reason]) for reason in shared.unfit]
    return words("attribution.unfit", why="; ".join(why))


def _asked(one: Missing, made: Attribution, words: Words) -> Text:
    """What lacks, asked of the side that holds it."""
    needs = ", ".join(words.named("table", table) for table in one.needs)
    key = f"missing.{one.why}"
    why = words(key) if words.has(key) else clean(one.why)
    return Text(words("attribution.missing", needs=needs, party=words.side(one.held_by, made.parties), why=why))


def _interval(part: Share, words: Words) -> str:
    if part.low is None or part.high is None:
        return ""
    return words("word.to", low=words.signed(part.low * 100, 1), high=words.signed(part.high * 100, 1))


def _points(share: float, words: Words) -> str:
    return words.moved(share * 100, "share", "", 1)
