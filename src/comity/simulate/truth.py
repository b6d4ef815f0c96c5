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
from comity.simulate import true_revenue, true_satisfaction, true_service
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
    verdicts: tuple[str, ...]
    also: tuple[tuple[str, str], ...] = ()
    about: bool = False  # whether the story is about this reading in this quarter
    given: dict[str, float] = field(default_factory=dict)

    @property
    def headline(self) -> float:
        """The change of the figure as reported."""
        return self.after - self.before

    def right(self, verdict: str, why: str | None) -> bool:
        """Whether a verdict, with its cause, is one of the true ones."""
        return verdict in self.verdicts or (verdict, why) in self.also


def truths(partnership: Partnership) -> Iterator[Truth]:
    """Yield the truth of every reading of every whole quarter against the one before."""
    quarters = partnership.whole_quarters
    opinion = true_satisfaction.quarterly_opinions(partnership)
    for reference, period in pairwise(quarters):
        last = period == quarters[-1]
        yield _satisfaction(partnership, opinion, reference, period, last=last)
        yield _service(partnership, reference, period, last=last)
        yield _sla(partnership, reference, period, last=last)
        yield _revenue(partnership, reference, period, last=last)


def truth_document(partnership: Partnership) -> dict[str, Any]:
    """Return the document of `truth.json`."""
    return {
        "schema": SCHEMA,
        "story": partnership.story.name,
        "meaning": partnership.story.meaning,
        "seed": partnership.seed,
        "about": list(partnership.story.about),
        "readings": [truth_object(truth) for truth in truths(partnership)],
    }


def truth_object(truth: Truth) -> dict[str, Any]:
    """Return a truth as a JSON object."""
    return {
        "reading": truth.reading,
        "variant": truth.variant,
        "period": {"start": truth.period.start.isoformat(), "end": truth.period.end.isoformat()},
        "reference": {"start": truth.reference.start.isoformat(), "end": truth.reference.end.isoformat()},
        "before": truth.before,
        "after": truth.after,
        "headline": truth.headline,
        "like_for_like": truth.like_for_like,
        "material": truth.material,
        "parts": [{"id": part.id, "value": part.value} for part in truth.parts],
        "verdicts": list(truth.verdicts),
        "cause": _cause(truth),
        "also": [{"verdict": word, "cause": why} for word, why in truth.also],
        "about": truth.about,
    }


def true_verdicts(headline: float, like_for_like: float, material: float) -> tuple[str, ...]:
    """Return the verdicts of the table for the exact changes, and for changes slightly to either side."""
    verdicts: dict[str, None] = {}
    shifts = np.array([0.0, -_NEAR, _NEAR]) * material
    for by_n, by_h in product(shifts, shifts):
        n, h = headline + float(by_n), like_for_like + float(by_h)
        verdicts[str(judge(Change(n), Change(h), Change(n - h), material=material, z=None, sampled=False))] = None
    return tuple(verdicts)


def _cause(truth: Truth) -> str | None:
    return cause(Verdict(truth.verdicts[0]), truth.headline - truth.like_for_like, truth.parts)


def _truth(  # noqa: PLR0913 - all that a truth is made of
    partnership: Partnership,
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
    before, after, like_for_like = levels
    return Truth(
        reading,
        variant,
        period,
        reference,
        before,
        after,
        like_for_like,
        material,
        parts,
        true_verdicts(after - before, like_for_like, material),
        partnership.story.also.get(reading, ()) if last else (),
        about=last and reading in partnership.story.about,
    )


def _satisfaction(
    partnership: Partnership,
    opinion: list[true_satisfaction.QuarterOpinion],
    reference: Period,
    period: Period,
    *,
    last: bool,
) -> Truth:
    at = partnership.quarters.index(reference)
    opinion_change = true_satisfaction.change(opinion[at], opinion[at + 1])
    variant = "csat 1-5 third_party"
    levels = (opinion_change.before, opinion_change.after, opinion_change.within)
    return _truth(
        partnership,
        "satisfaction",
        variant,
        reference,
        period,
        levels,
        _OPINION_MATERIAL,
        opinion_change.parts,
        last=last,
    )


def _service(partnership: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    service_change = true_service.change(partnership, reference, period)
    levels = (service_change.before, service_change.after, service_change.within)
    return _truth(
        partnership,
        "service_level",
        "service_level",
        reference,
        period,
        levels,
        MATERIAL,
        service_change.parts,
        last=last,
    )


def _sla(partnership: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    before, after = (partnership.conditions(quarter).service.in_time for quarter in (reference, period))
    levels, parts = (before, after, after - before), (Part("within", after - before, like_for_like=True),)
    return _truth(
        partnership, "sla_attainment", "sla_attainment", reference, period, levels, SLA_MATERIAL, parts, last=last
    )


def _revenue(partnership: Partnership, reference: Period, period: Period, *, last: bool) -> Truth:
    revenue_change = true_revenue.change(partnership, reference, period)
    levels = (revenue_change.before, revenue_change.after, revenue_change.like_for_like)
    material = _REVENUE_MATERIAL * revenue_change.before
    return _truth(partnership, "revenue", None, reference, period, levels, material, revenue_change.parts, last=last)
