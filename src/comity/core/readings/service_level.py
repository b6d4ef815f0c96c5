"""Service level: whether contacts were answered sooner in the same queues, or only other contacts were counted."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from comity.core.agreements import Abandons, Kpi
from comity.core.readings.cells import Cells, Matrix, Split, split
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict, cause, judge

ID = "service_level"
ALONE = 0.1  # queues of one period only may hold this share of it


@dataclass(frozen=True, slots=True)
class Tally:
    """One period's contacts by queue and week: five matrices of shape (queues, weeks).

    `good` were answered in time, of `answered`; `short` gave up within the time of a short abandon, of
    `abandoned`; `unresolved` were neither answered nor gave up.
    """

    good: Matrix
    answered: Matrix
    abandoned: Matrix
    short: Matrix
    unresolved: Matrix


@dataclass(frozen=True, slots=True)
class Excluded:
    """The three tallies of `Stats` with other exclusions taken out: none, or the claimed ones as well."""

    before_own: Tally
    before: Tally
    after: Tally


@dataclass(frozen=True, slots=True)
class Stats:
    """What one KPI's reading is made of: rows of all matrices are the same queues, columns a period's own weeks.

    `kpi` is the wording on the last day of the period under review; `before` and `after` are counted by it.
    `kpi_before` is that of the period held against, and `before_own` counted by it. `elsewise` holds, by
    what is taken out, the same with `nothing` left out, and without the `claimed` exclusions too.
    """

    kpi: Kpi
    kpi_before: Kpi
    before_own: Tally
    before: Tally
    after: Tally
    elsewise: Mapping[str, Excluded] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Misses:
    """What else counts as a miss: short abandons, unresolved contacts."""

    short: bool = False
    unresolved: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """The changes, the parts and the table's verdict, before any rule."""

    before: float
    after: float
    headline: Change
    like_for_like: Change | None
    gap: Change | None
    parts: tuple[Part, ...]
    z: float | None
    verdict: Verdict
    split: Split | None


_RULES = (_Misses(short=True), _Misses(unresolved=True))


def read(stats: Stats, alpha: float = 0.025) -> Reading | None:
    """Read the change of a service level.

    :param alpha: the upper tail of the intervals
    :returns: the reading, in shares; None where no contact counts in one of the periods
    """
    told = _judged(stats, alpha, _Misses())
    if told is None:
        return None
    rule = queues_rule(told, stats.kpi.material)
    if rule is None and told.verdict is not Verdict.UNCLEAR:
        others = (_judged(stats, alpha, misses) for misses in _RULES)
        rule = "exclusion" if any(one is not None and one.verdict is not told.verdict for one in others) else None
    counts = {
        "before": _own(stats.kpi_before, stats.before_own, _Misses()).size,
        "after": _own(stats.kpi, stats.after, _Misses()).size,
    }
    return reading(ID, stats.kpi, told, rule, counts, _also(stats, alpha))


def queues_rule(told: Judged, material: float) -> str | None:
    """Queues in one period only that matter: what they brought, or how much of a period they hold."""
    if told.split is None:
        return None
    matters = abs(told.split.queues) >= material or told.split.alone > ALONE
    return "queues" if told.split.alone > 0 and matters else None


def reading(  # noqa: PLR0913 - what a reading is made of
    name: str,
    kpi: Kpi,
    told: Judged,
    rule: str | None,
    counts: Mapping[str, int],
    also: Mapping[str, object],
) -> Reading:
    """A reading from what was judged; a rule that holds turns its verdict into unclear.

    Where no queue is in both periods nothing can be compared like for like, and the cause says so.
    """
    turned = rule is not None and told.verdict is not Verdict.UNCLEAR
    gap = told.gap.change if told.gap is not None else 0.0
    return Reading(
        id=name,
        variant=kpi.id,
        unit="share",
        material=kpi.material,
        before=told.before,
        after=told.after,
        headline=told.headline,
        like_for_like=told.like_for_like,
        gap=told.gap,
        parts=told.parts,
        verdict=Verdict.UNCLEAR if turned else told.verdict,
        cause=rule if turned or told.like_for_like is None else cause(told.verdict, gap, told.parts),
        blind=name,
        z=told.z,
        would_be=told.verdict if turned else None,
        counts=counts,
        also=also,
    )


def judged(  # noqa: PLR0913 - the KPI's own counts and those of the parts
    own: tuple[Cells, Cells],
    before_now: Cells,
    counted: tuple[Cells, Cells],
    *,
    material: float,
    alpha: float,
    exclusion: bool,
) -> Judged | None:
    """Split the change of a rate and judge it by the table.

    :param own: as the KPI counts, each period under its own definition
    :param before_now: the period held against, as the KPI counts by the later definition
    :param counted: as the parts count, both by the later definition
    :param exclusion: whether the KPI may count otherwise than the parts do
    """
    before, after, redefined = own[0].rate, own[1].rate, before_now.rate
    if before is None or after is None:
        return None
    definition = 0.0 if redefined is None else redefined - before
    change = after - before
    rates = [cells.rate for cells in counted]
    parts: tuple[Part, ...]
    if rates[0] is None or rates[1] is None:
        rest = Part("exclusion" if exclusion else "queues", change - definition)
        parts = (rest, Part("definition", definition))
        headline = Change(change, None)
        return Judged(before, after, headline, None, None, parts, None, Verdict.UNCLEAR, None)
    found = split(counted[0], counted[1], own)
    parts = (Part("within", found.within, like_for_like=True), Part("mix", found.mix), Part("queues", found.queues))
    if exclusion:
        parts += (Part("exclusion", change - (rates[1] - rates[0]) - definition),)
    if definition:
        parts += (Part("definition", definition),)
    headline = Change(change, found.se_headline)
    z = found.z(alpha)
    if not all(found.weeks):
        return Judged(before, after, headline, None, None, parts, z, Verdict.UNCLEAR, found)
    held, gap = Change(found.within, found.se_within), Change(change - found.within, found.se_gap)
    verdict = judge(headline, held, gap, material=material, z=z, sampled=True)
    return Judged(before, after, headline, held, gap, parts, z, verdict, found)


def _judged(stats: Stats, alpha: float, misses: _Misses) -> Judged | None:
    return judged(
        (_own(stats.kpi_before, stats.before_own, misses), _own(stats.kpi, stats.after, misses)),
        _own(stats.kpi, stats.before, misses),
        (_counted(stats.before, misses), _counted(stats.after, misses)),
        material=stats.kpi.material,
        alpha=alpha,
        exclusion=True,
    )


def _own(kpi: Kpi, tally: Tally, misses: _Misses) -> Cells:
    """As the KPI counts: V1, V6 or V3."""
    counts = tally.answered
    if kpi.abandons is not Abandons.EXCLUDE_ALL:
        counts = counts + tally.abandoned
    if kpi.abandons is Abandons.EXCLUDE_SHORT and not misses.short:
        counts = counts - tally.short
    if kpi.abandons is Abandons.EXCLUDE_ALL and misses.short:
        counts = counts + tally.short
    return Cells(tally.good, counts + tally.unresolved if misses.unresolved else counts)


def _counted(tally: Tally, misses: _Misses) -> Cells:
    """As the parts count: V6, whatever the KPI excludes."""
    counts = tally.answered + tally.abandoned
    counts = counts if misses.short else counts - tally.short
    return Cells(tally.good, counts + tally.unresolved if misses.unresolved else counts)


def told_elsewise(elsewise: Mapping[str, Judged | None]) -> dict[str, object]:
    """What the exclusions change: both changes with nothing taken out, and without the claimed ones too."""
    found = {
        name: {
            "as_reported": told.headline.change,
            "like_for_like": None if told.like_for_like is None else told.like_for_like.change,
            "verdict": told.verdict.value,
        }
        for name, told in elsewise.items()
        if told is not None
    }
    return {"exclusions": found} if found else {}


def _also(stats: Stats, alpha: float) -> dict[str, object]:
    unresolved = [round(float(tally.unresolved.sum())) for tally in (stats.before, stats.after)]
    found: dict[str, object] = {}
    if any(unresolved):
        found["unresolved"] = {"before": unresolved[0], "after": unresolved[1]}
    elsewise = {
        name: _judged(
            dataclasses.replace(stats, before_own=other.before_own, before=other.before, after=other.after),
            alpha,
            _Misses(),
        )
        for name, other in stats.elsewise.items()
    }
    return found | told_elsewise(elsewise)
