"""What was really so: each reading's headline and like-for-like change as the story's parameters give them.

Nothing here looks at a record. Service levels follow from the queueing model, averaged over the days' surprises;
opinions from the normal distributions that people are drawn from; revenue from the quantities before chance. The
word that a reading should find is the one that the table of verdicts gives for these changes without any error;
where a change lies within a quarter of the material change of a border of the table, the words on both sides are true.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise, product
from typing import Any

import numpy as np

from comity.core.readings.verdict import Change, Part, Verdict, cause, judge
from comity.core.values import Period
from comity.simulate import true_opinion, true_revenue, true_service
from comity.simulate.definition import MATERIAL, SLA_MATERIAL
from comity.simulate.partnership import Partnership

SCHEMA = "comity.truth/1"
_NEAR = 0.25  # of the material change: as near to a border is on both sides of it
_OPINION_MATERIAL = 0.02 * 4  # two percent of the width of 1 to 5
_REVENUE_MATERIAL = 0.005  # of the earlier revenue


@dataclass(frozen=True, slots=True)
class Truth:
    """One reading of one quarter against the one before.

    `words`: verdicts that are right, the plainest first; `causes`: of those that have one.
    """

    reading: str
    variant: str | None
    period: Period
    reference: Period
    before: float
    after: float
    like_for_like: float
    material: float
    parts: tuple[Part, ...]
    words: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()
    about: bool = False  # whether the story is about this reading in this quarter
    given: dict[str, float] = field(default_factory=dict)

    @property
    def headline(self) -> float:
        """The change of the figure as reported."""
        return self.after - self.before

    def right(self, verdict: str, why: str | None) -> bool:
        """Whether a verdict, with its cause, is true."""
        return verdict in self.words or (verdict, why) in self.also


def truths(told: Partnership) -> Iterator[Truth]:
    """Every reading of every whole quarter against the one before."""
    quarters = told.whole_quarters
    opinion = true_opinion.levels(told)
    for reference, period in pairwise(quarters):
        last = period == quarters[-1]
        yield _satisfaction(told, opinion, reference, period, last=last)
        yield _service(told, reference, period, last=last)
        yield _sla(told, reference, period, last=last)
        yield _revenue(told, reference, period, last=last)


def truth(told: Partnership) -> dict[str, Any]:
    """The truth as it is written beside the book."""
    return {
        "schema": SCHEMA,
        "story": told.story.name,
        "meaning": told.story.meaning,
        "seed": told.seed,
        "about": list(told.story.about),
        "readings": [written(one) for one in truths(told)],
    }


def written(one: Truth) -> dict[str, Any]:
    """One truth as JSON has it."""
    return {
        "reading": one.reading,
        "variant": one.variant,
        "period": {"start": one.period.start.isoformat(), "end": one.period.end.isoformat()},
        "reference": {"start": one.reference.start.isoformat(), "end": one.reference.end.isoformat()},
        "before": one.before,
        "after": one.after,
        "headline": one.headline,
        "like_for_like": one.like_for_like,
        "material": one.material,
        "parts": [{"id": part.id, "value": part.value} for part in one.parts],
        "verdicts": list(one.words),
        "cause": _cause(one),
        "also": [{"verdict": word, "cause": why} for word, why in one.also],
        "about": one.about,
    }


def words(headline: float, like_for_like: float, material: float) -> tuple[str, ...]:
    """The words that the table gives for exact changes, and for changes a little to either side."""
    found: dict[str, None] = {}
    shifts = np.array([0.0, -_NEAR, _NEAR]) * material
    for by_n, by_h in product(shifts, shifts):
        n, h = headline + float(by_n), like_for_like + float(by_h)
        found[str(judge(Change(n), Change(h), Change(n - h), material=material, z=None, sampled=False))] = None
    return tuple(found)


def _cause(one: Truth) -> str | None:
    return cause(Verdict(one.words[0]), one.headline - one.like_for_like, one.parts)


def _truth(  # noqa: PLR0913 - all that a truth is made of
    told: Partnership,
    reading: str,
    variant: str | None,
    reference: Period,
    period: Period,
    levels: tuple[float, float, float],
    material: float,
    parts: tuple[Part, ...],
    *,
    last: bool,
) -> Truth:
    before, after, like = levels
    return Truth(
        reading,
        variant,
        period,
        reference,
        before,
        after,
        like,
        material,
        parts,
        words(after - before, like, material),
        told.story.also.get(reading, ()) if last else (),
        about=last and reading in told.story.about,
    )


def _satisfaction(
    told: Partnership, opinion: list[true_opinion.Asked], reference: Period, period: Period, *, last: bool
) -> Truth:
    at = told.quarters.index(reference)
    found = true_opinion.change(opinion[at], opinion[at + 1])
    variant = "csat 1-5 third_party"
    levels = (found.before, found.after, found.within)
    return _truth(told, "satisfaction", variant, reference, period, levels, _OPINION_MATERIAL, found.parts, last=last)


def _service(told: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    found = true_service.change(told, reference, period)
    levels = (found.before, found.after, found.within)
    return _truth(told, "service_level", "service_level", reference, period, levels, MATERIAL, found.parts, last=last)


def _sla(told: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    before, after = (told.conditions(quarter).service.in_time for quarter in (reference, period))
    levels, parts = (before, after, after - before), (Part("within", after - before, like_for_like=True),)
    return _truth(told, "sla_attainment", "sla_attainment", reference, period, levels, SLA_MATERIAL, parts, last=last)


def _revenue(told: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    found = true_revenue.change(told, reference, period)
    levels = (found.before, found.after, found.like_for_like)
    material = _REVENUE_MATERIAL * found.before
    return _truth(told, "revenue", None, reference, period, levels, material, found.parts, last=last)
