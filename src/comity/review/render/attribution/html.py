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
from comity.review.attribution import WHAT_IF_ROWS, Attribution, local_starts
from comity.review.draw import charts
from comity.review.draw.miss_map import SIGNS, draw_miss_map
from comity.review.i18n.words import Words
from comity.review.render.html import environment, logo_urls, style_and_policy, stylesheet
from comity.review.views.attribution import (
    AttributionRows,
    PartRow,
    attribution_notes,
    attribution_rows,
    attribution_title,
    contact_noun,
    kpi_name,
    lead_sentence,
    missing_sentence,
    points_text,
    short_number,
    spare_sentence,
    summary_sentence,
    unmoved_sentence,
)

_LOOKS = {"customer": "customer", "provider": "provider", "both": "joint", None: "nobody"}
_WORST = 5
PARTS = ("told", "what_if", "notes")  # of a page of the room, which sets its own between them


@dataclass(frozen=True, slots=True)
class WhatIfRow:
    """A row of what would have been: its name, the level by the model, and its drawing."""

    name: str
    level: str
    drawing: Markup


def render(attribution: Attribution, words: Words) -> str:
    """The page as text, for a browser: no script, no reference to elsewhere."""
    template = environment().get_template("attribution.html")
    return template.render(**template_context(attribution, words), **style_and_policy(stylesheet("page.css")))


def render_parts(attribution: Attribution, words: Words) -> dict[str, Markup]:
    """What the page says, in the pieces of `PARTS`: for a page of the room."""
    context = template_context(attribution, words)
    return {
        part: Markup(environment().get_template(f"attribution_{part}.html").render(**context))  # noqa: S704 - rendered with every text escaped
        for part in PARTS
    }


def template_context(attribution: Attribution, words: Words) -> dict[str, Any]:
    """Everything that the templates lay out, as finished text and drawings."""
    shared = attribution.shared
    view = None if shared is None else attribution_rows(attribution, shared, words)
    notes = [] if shared is None else attribution_notes(attribution, shared, words)
    return {
        "words": words,
        "paper": False,
        **logo_urls(None),
        "title": attribution_title(attribution, words),
        "kpi": kpi_name(attribution.kpi, words),
        "party": lambda side: words.side(side, attribution.parties),
        "sides": list(Side),
        "missing": [missing_sentence(one, attribution, words) for one in attribution.missing],
        "sentence": None if shared is None else summary_sentence(attribution, shared, words),
        "lead": lead_sentence(attribution, words),
        "spare": spare_sentence(attribution, words),
        "fit": shared is not None and shared.fit,
        "told": view,
        "unmoved": "" if view is None else unmoved_sentence(view, words),
        **_cascade(view, words, fit=shared is not None and shared.fit),
        **_sums(attribution, shared, view, words),
        "notes": notes,
        "rest": [line for line in notes[2:] if line != words("attribution.order")],  # those stand under the causes
        "when": None if shared is None else draw_miss_map(attribution, shared, words),
        "signs": SIGNS,
        "worst": [] if shared is None or not shared.fit else _worst(attribution, shared, words),
        **_what_if_rows(attribution, shared, words),
    }


def _cascade(view: AttributionRows | None, words: Words, *, fit: bool) -> dict[str, Any]:
    if view is None:
        return {"axis": None, "falls": []}
    bars = [
        charts.CascadeStep(
            row.start, row.end, _LOOKS[row.answers if fit else None], row.low, row.high, _step_text(row, words)
        )
        for row in view.moved
    ]
    head, falls = charts.cascade(view.start, bars, view.end, lambda value: f"{short_number(value, words)}\u00a0%")
    return {"axis": head.screen(), "falls": [chart.screen() for chart in falls]}


def _step_text(row: PartRow, words: Words) -> str:
    """What a bar of the cascade says under a pointer: its points, and from which level to which it leads."""
    levels = words("word.to", low=words.number(row.start, 2), high=words.number(row.end, 2))
    return f"{row.name}: {row.points}, {levels}\u00a0%"


def _sums(
    attribution: Attribution, shared: SharedOut | None, view: AttributionRows | None, words: Words
) -> dict[str, Any]:
    """What each side answers for: a bar that is shared, or from a zero where the sums point both ways."""
    if shared is None or view is None or not shared.fit:
        return {"strip": None, "sums": [], "gains": [], "check": ""}
    # A whole that is shared needs no sign.
    write, size = (words.number, abs) if view.is_whole else (words.signed, float)
    low = min(0.0, *(side_sum.value for side_sum in view.sums))
    sums: list[dict[str, Any]] = []
    for side_sum in view.sums:
        name = (
            words("attribution.nobody")
            if side_sum.answers is None
            else words.side(side_sum.answers, attribution.parties)
        )
        bar = charts.from_zero(side_sum.value, low, 0.0, _LOOKS[side_sum.answers]).screen()
        sums.append({"answers": side_sum.answers, "name": name, "points": write(size(side_sum.value), 2), "bar": bar})
    strip = None
    if view.is_whole:
        parts = [
            (abs(side_sum.value), _LOOKS[side_sum.answers], row["name"], row["points"])
            for side_sum, row in zip(view.sums, sums, strict=True)
        ]
        strip = charts.shares(parts).screen()
    values = [size(side_sum.value) for side_sum in view.sums] + [row.value for row in view.gains]
    terms = " + ".join(write(value, 2) for value in values).replace("+ +", "+ ").replace("+ \u2212", "\u2212 ")
    return {
        "strip": strip,
        "sums": sums,
        "gains": [(row.name, row.points) for row in view.gains],
        "check": words("attribution.check_sums", terms=terms.removeprefix("+"), off=write(size(view.off), 2)),
    }


def _what_if_rows(attribution: Attribution, shared: SharedOut | None, words: Words) -> dict[str, Any]:
    """What the level would have been, by the model."""
    if shared is None or not shared.fit:
        return {"supposed": [], "supposed_head": None, "to_keep": "", "within": "", "as_it_was": ""}
    levels = {causes: shared.level_if(*causes) for causes in ((), *WHAT_IF_ROWS)}
    start, target = shared.level_if() * 100, shared.target * 100
    axis = charts.scale([*(level * 100 for level in levels.values()), target], 0, 1)
    rows = [
        WhatIfRow(
            words(f"attribution.if_{'_'.join(causes)}" if len(causes) < len(WHAT_IF_ROWS[-1]) else "attribution.if_all")
            if causes
            else words("attribution.if_nothing"),
            words.percent(level),
            charts.reached_bar(level * 100, start, target, axis).screen(),
        )
        for causes, level in levels.items()
    ]
    head = charts.reached_head(start, target, axis, lambda value: short_number(round(value, 1), words))
    return {
        "supposed": rows,
        "supposed_head": head.screen(),
        "within": words("attribution.within", seconds=short_number(attribution.kpi.answer_within_s, words)),
        "to_keep": "" if attribution.to_keep is None else _target_gap(attribution, shared, words),
        "as_it_was": words(
            "attribution.if_about", level=words.percent(start / 100), noun=contact_noun(attribution.kpi, words)
        ),
    }


def _target_gap(attribution: Attribution, shared: SharedOut, words: Words) -> str:
    assert attribution.to_keep is not None
    return words(
        "attribution.to_keep",
        target=f"{short_number(shared.target * 100, words)}\u00a0%",
        hours=words.number(attribution.to_keep.hours),
        share=words.percent(attribution.to_keep.share),
    )


def what_if_texts(attribution: Attribution, words: Words, level: float) -> Mapping[str, str]:
    """What one's own supposition came to: the sentence, and how far that is from how it was and from the target."""
    shared = attribution.shared
    assert shared is not None
    return {
        "level": words(
            "attribution.tried",
            level=words.percent(level),
            within=words("attribution.within", seconds=short_number(attribution.kpi.answer_within_s, words)).lower(),
        ),
        "apart": words(
            "attribution.tried_apart",
            was=points_text(level - shared.level_if(), words),
            target=points_text(level - shared.target, words),
        ),
    }


def _changes(shared: SharedOut) -> np.ndarray:
    """What happened, by interval, against the plan: the sum of all parts but the plan's."""
    return np.asarray(sum(shared.by_interval.values()))


def _worst(attribution: Attribution, shared: SharedOut, words: Words) -> list[tuple[str, str]]:
    """The half hours in which most was lost, and how much, over all queues."""
    sums: dict[datetime, float] = {}
    for start, change in zip(local_starts(attribution), _changes(shared).tolist(), strict=True):
        sums[start] = sums.get(start, 0.0) + change
    worst: Sequence[tuple[datetime, float]] = sorted(sums.items(), key=lambda item: (item[1], item[0]))[:_WORST]
    half = timedelta(minutes=30)
    largest = max((-change * 100 for _, change in worst if change < 0), default=1.0)
    places = max(2, 1 - math.floor(math.log10(largest)))  # of a year one half hour is little: two digits of it are told
    return [
        (f"{words.day(start.date())} {start:%H:%M}\u2013{start + half:%H:%M}", points_text(change, words, places))
        for start, change in worst
        if change < 0
    ]
