"""A service level shared out as one self-contained page: who answers for what, when it was, and what if."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from markupsafe import Markup

from comity.core.economics.attribution import SharedOut
from comity.core.values import Side
from comity.review.attributing import SUPPOSED, Attribution, clock
from comity.review.faces import charts
from comity.review.faces.attribution_map import SIGNS, drawn
from comity.review.faces.attribution_rows import (
    Rows,
    asked,
    kpi_name,
    notes,
    noun,
    points,
    rows,
    sentence,
    short,
    title,
)
from comity.review.faces.page import environment, sealed, stylesheet
from comity.review.faces.words import Words

_LOOKS = {"customer": "customer", "provider": "provider", "both": "joint", None: "nobody"}
_WORST = 5
PARTS = ("told", "what_if", "notes")  # of a page of the room, which sets its own between them


@dataclass(frozen=True, slots=True)
class Supposed:
    """A row of what would have been: its name, the level by the model, and its drawing."""

    name: str
    level: str
    drawing: Markup


def render(made: Attribution, words: Words) -> str:
    """The page as text, for a browser: no script, no reference to elsewhere."""
    template = environment().get_template("attribution.html")
    return template.render(**view(made, words), **sealed(stylesheet("page.css")))


def bodies(made: Attribution, words: Words) -> dict[str, Markup]:
    """What the page says, in the pieces of `PARTS`: for a page of the room."""
    shown = view(made, words)
    return {
        part: Markup(environment().get_template(f"attribution_{part}.html").render(**shown))  # noqa: S704 - rendered with every text escaped
        for part in PARTS
    }


def view(made: Attribution, words: Words) -> dict[str, Any]:
    """Everything that the templates lay out, as finished text and drawings."""
    shared = made.shared
    told = None if shared is None else rows(made, shared, words)
    told_notes = [] if shared is None else notes(made, shared, words)
    return {
        "words": words,
        "paper": False,
        "title": title(made, words),
        "kpi": kpi_name(made.kpi, words),
        "party": lambda side: words.side(side, made.parties),
        "sides": list(Side),
        "missing": [asked(one, made, words) for one in made.missing],
        "sentence": None if shared is None else sentence(made, shared, words),
        "fit": shared is not None and shared.fit,
        "told": told,
        **_cascade(told, words, fit=shared is not None and shared.fit),
        **_sums(made, shared, told, words),
        "notes": told_notes,
        "rest": [line for line in told_notes[1:] if line != words("attribution.order")],  # those stand under the causes
        "when": None if shared is None else drawn(made, shared, words),
        "signs": SIGNS,
        "worst": [] if shared is None or not shared.fit else _worst(made, shared, words),
        **_supposed(made, shared, words),
    }


def _cascade(told: Rows | None, words: Words, *, fit: bool) -> dict[str, Any]:
    if told is None:
        return {"axis": None, "falls": []}
    bars = [
        charts.Fall(row.start, row.end, _LOOKS[row.answers if fit else None], row.low, row.high) for row in told.parts
    ]
    head, falls = charts.cascade(told.start, bars, told.end, lambda value: f"{short(value, words)}\u00a0%")
    return {"axis": head.screen(), "falls": [chart.screen() for chart in falls]}


def _sums(made: Attribution, shared: SharedOut | None, told: Rows | None, words: Words) -> dict[str, Any]:
    """What each side answers for: a bar that is shared, or from a zero where the sums point both ways."""
    if shared is None or told is None or not shared.fit:
        return {"strip": None, "sums": [], "check": ""}
    # A whole that is shared needs no sign, what points both ways does.
    write = words.number if told.one_way else words.signed
    size = abs if told.one_way else float
    low, high = min(0.0, *(one.value for one in told.sums)), max(0.0, *(one.value for one in told.sums))
    sums: list[dict[str, Any]] = []
    for one in told.sums:
        name = words("attribution.nobody") if one.answers is None else words.side(one.answers, made.parties)
        bar = charts.from_zero(one.value, low, high, _LOOKS[one.answers]).screen()
        sums.append({"answers": one.answers, "name": name, "points": write(size(one.value), 2), "bar": bar})
    terms = (
        " + ".join(write(size(one.value), 2) for one in told.sums).replace("+ +", "+ ").replace("+ \u2212", "\u2212 ")
    )
    strip = None
    if told.one_way:
        parts = [
            (abs(one.value), _LOOKS[one.answers], row["name"], row["points"])
            for one, row in zip(told.sums, sums, strict=True)
        ]
        strip = charts.shares(parts).screen("strip")
    return {
        "strip": strip,
        "sums": sums,
        "check": words("attribution.check_sums", terms=terms.removeprefix("+"), off=write(size(told.off), 2)),
    }


def _supposed(made: Attribution, shared: SharedOut | None, words: Words) -> dict[str, Any]:
    """What the level would have been, by the model."""
    if shared is None or not shared.fit:
        return {"supposed": [], "supposed_head": None, "to_keep": "", "within": "", "as_it_was": ""}
    levels = {causes: shared.level_if(*causes) for causes in ((), *SUPPOSED)}
    start, target = shared.level_if() * 100, shared.target * 100
    axis = charts.scale([*(level * 100 for level in levels.values()), target], 0, 1)
    found = [
        Supposed(
            words(f"attribution.if_{'_'.join(causes)}" if len(causes) < len(SUPPOSED[-1]) else "attribution.if_all")
            if causes
            else words("attribution.if_nothing"),
            words.percent(level),
            charts.reached(level * 100, start, target, axis).screen(),
        )
        for causes, level in levels.items()
    ]
    head = charts.reached_head(start, target, axis, lambda value: short(round(value, 1), words))
    return {
        "supposed": found,
        "supposed_head": head.screen(),
        "within": words("attribution.within", seconds=short(made.kpi.answer_within_s, words)),
        "to_keep": "" if made.to_keep is None else _to_keep(made, shared, words),
        "as_it_was": words("attribution.if_about", level=words.percent(start / 100), noun=noun(made.kpi, words)),
    }


def _to_keep(made: Attribution, shared: SharedOut, words: Words) -> str:
    assert made.to_keep is not None
    return words(
        "attribution.to_keep",
        target=f"{short(shared.target * 100, words)}\u00a0%",
        hours=words.number(made.to_keep.hours),
        share=words.percent(made.to_keep.share),
    )


def tried(made: Attribution, words: Words, level: float) -> Mapping[str, str]:
    """What one's own supposition came to: the sentence, and how far that is from how it was and from the target."""
    shared = made.shared
    assert shared is not None
    return {
        "level": words(
            "attribution.tried",
            level=words.percent(level),
            within=words("attribution.within", seconds=short(made.kpi.answer_within_s, words)).lower(),
        ),
        "apart": words(
            "attribution.tried_apart",
            was=points(level - shared.level_if(), words),
            target=points(level - shared.target, words),
        ),
    }


def _changes(shared: SharedOut) -> np.ndarray:
    """What happened, by interval, against the plan: the sum of all parts but the plan's."""
    return np.asarray(sum(shared.by_interval.values()))


def _worst(made: Attribution, shared: SharedOut, words: Words) -> list[tuple[str, str]]:
    """The half hours in which most was lost, and how much, over all queues."""
    sums: dict[datetime, float] = {}
    for one, change in zip(clock(made), _changes(shared).tolist(), strict=True):
        sums[one] = sums.get(one, 0.0) + change
    found: Sequence[tuple[datetime, float]] = sorted(sums.items(), key=lambda item: (item[1], item[0]))[:_WORST]
    half = timedelta(minutes=30)
    largest = max((-change * 100 for _, change in found if change < 0), default=1.0)
    places = max(2, 1 - math.floor(math.log10(largest)))  # of a year one half hour is little: two digits of it are told
    return [
        (f"{words.day(one.date())} {one:%H:%M}\u2013{one + half:%H:%M}", points(change, words, places))
        for one, change in found
        if change < 0
    ]
