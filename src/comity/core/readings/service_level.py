"""Reading of a service level: whether contacts were answered sooner in the same queues, or the mix changed."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field

from comity.core.agreements.kpi import Abandons, Kpi
from comity.core.readings.decomposition import Cells, Decomposition, Matrix, decompose
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict, cause, judge

ID = "service_level"
MAX_UNMATCHED_SHARE = 0.1  # queues of one period only may hold this share of it


@dataclass(frozen=True, slots=True)
class Tally:
    """One period's contacts by queue and week: matrices of shape (queues, weeks).

    `good` were answered in time, of `answered`; `short` gave up within the time of a short abandon, of
    `abandoned`; `unresolved` were neither answered nor gave up. `short_unknown` gave up, and the records do not tell
    whether shortly; None: they tell it of all. Where they do not, none is left out of the whole period.
    """

    good: Matrix
    answered: Matrix
    abandoned: Matrix
    short: Matrix
    unresolved: Matrix
    short_unknown: Matrix | None = None

    @property
    def tells_short(self) -> bool:
        """Whether the records tell of everyone who gave up whether it was shortly."""
        return self.short_unknown is None or not self.short_unknown.any()

    @property
    def short_out(self) -> Matrix:
        """The short abandons that are left out: none where they are not known."""
        return self.short if self.tells_short else self.short * 0


@dataclass(frozen=True, slots=True)
class Tallies:
    """The three tallies of `Stats` under other exclusions: none, or the claimed ones as well."""

    before_own: Tally
    before: Tally
    after: Tally


@dataclass(frozen=True, slots=True)
class Stats:
    """What one KPI's reading is made of: rows of all matrices are the same queues, columns a period's own weeks.

    `kpi` is the wording on the last day of the period under review; `before` and `after` are counted by it.
    `kpi_before` is that of the period held against, and `before_own` counted by it. `by_exclusion` holds, by
    what is taken out, the same with `nothing` left out, and without the `claimed` exclusions too.
    """

    kpi: Kpi
    kpi_before: Kpi
    before_own: Tally
    before: Tally
    after: Tally
    by_exclusion: Mapping[str, Tallies] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Misses:
    """Which further contacts count as missed: short abandons, unresolved contacts."""

    short: bool = False
    unresolved: bool = False


@dataclass(frozen=True, slots=True)
class JudgedRate:
    """The changes, the parts and the table's verdict, before any rule."""

    before: float
    after: float
    headline: Change
    like_for_like: Change | None
    gap: Change | None
    parts: tuple[Part, ...]
    z: float | None
    verdict: Verdict
    split: Decomposition | None


_STRICTER_RULES = (_Misses(short=True), _Misses(unresolved=True))


def read(stats: Stats, alpha: float = 0.025) -> Reading | None:
    """Read the change of a service level.

    :param alpha: the upper tail of the intervals
    :returns: the reading, in shares; None where no contact counts in one of the periods
    """
    judged = _judge_stats(stats, alpha, _Misses())
    if judged is None:
        return None
    rule = queues_rule(judged, stats.kpi.material)
    if rule is None and stats.kpi.abandons is Abandons.EXCLUDE_SHORT:
        tells_all = all(tally.tells_short for tally in (stats.before_own, stats.before, stats.after))
        rule = None if tells_all else "exclusion"
    if rule is None and judged.verdict is not Verdict.UNCLEAR:
        others = (_judge_stats(stats, alpha, misses) for misses in _STRICTER_RULES)
        rule = (
            "exclusion" if any(other is not None and other.verdict is not judged.verdict for other in others) else None
        )
    counts = {
        "before": _kpi_cells(stats.kpi_before, stats.before_own, _Misses()).size,
        "after": _kpi_cells(stats.kpi, stats.after, _Misses()).size,
    }
    return build_reading(ID, stats.kpi, judged, rule, counts, _also(stats, alpha))


def queues_rule(judged: JudgedRate, material: float) -> str | None:
    """Return `queues` where queues of one period only contribute materially, or hold too large a share of it."""
    if judged.split is None:
        return None
    matters = abs(judged.split.queues) >= material or judged.split.alone > MAX_UNMATCHED_SHARE
    return "queues" if judged.split.alone > 0 and matters else None


def build_reading(  # noqa: PLR0913 - what a reading is made of
    name: str,
    kpi: Kpi,
    judged: JudgedRate,
    rule: str | None,
    counts: Mapping[str, int],
    also: Mapping[str, object],
) -> Reading:
    """Build a reading from a judged rate; a rule that applies turns its verdict into unclear.

    Where no queue is in both periods nothing can be compared like for like, and the cause says so.
    """
    turned = rule is not None and judged.verdict is not Verdict.UNCLEAR
    gap = judged.gap.change if judged.gap is not None else 0.0
    return Reading(
        id=name,
        variant=kpi.id,
        unit="share",
        material=kpi.material,
        before=judged.before,
        after=judged.after,
        headline=judged.headline,
        like_for_like=judged.like_for_like,
        gap=judged.gap,
        parts=judged.parts,
        verdict=Verdict.UNCLEAR if turned else judged.verdict,
        cause=rule if turned or judged.like_for_like is None else cause(judged.verdict, gap, judged.parts),
        blind=name,
        z=judged.z,
        would_be=judged.verdict if turned else None,
        counts=counts,
        also=also,
    )


def judge_rate(  # noqa: PLR0913 - the KPI's own counts and those of the parts
    own: tuple[Cells, Cells],
    before_now: Cells,
    counted: tuple[Cells, Cells],
    *,
    material: float,
    alpha: float,
    exclusion: bool,
) -> JudgedRate | None:
    """Decompose the change of a rate and judge it by the table of verdicts.

    :param own: as the KPI counts, each period under its own definition
    :param before_now: the reference period, as the KPI counts by the later definition
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
        return JudgedRate(before, after, headline, None, None, parts, None, Verdict.UNCLEAR, None)
    decomposition = decompose(counted[0], counted[1], own)
    parts = (
        Part("within", decomposition.within, like_for_like=True),
        Part("mix", decomposition.mix),
        Part("queues", decomposition.queues),
    )
    if exclusion:
        parts += (Part("exclusion", change - (rates[1] - rates[0]) - definition),)
    if definition:
        parts += (Part("definition", definition),)
    headline = Change(change, decomposition.se_headline)
    z = decomposition.z(alpha)
    if not all(decomposition.weeks):
        return JudgedRate(before, after, headline, None, None, parts, z, Verdict.UNCLEAR, decomposition)
    like_for_like, gap = (
        Change(decomposition.within, decomposition.se_within),
        Change(change - decomposition.within, decomposition.se_gap),
    )
    verdict = judge(headline, like_for_like, gap, material=material, z=z, sampled=True)
    return JudgedRate(before, after, headline, like_for_like, gap, parts, z, verdict, decomposition)


def _judge_stats(stats: Stats, alpha: float, misses: _Misses) -> JudgedRate | None:
    return judge_rate(
        (_kpi_cells(stats.kpi_before, stats.before_own, misses), _kpi_cells(stats.kpi, stats.after, misses)),
        _kpi_cells(stats.kpi, stats.before, misses),
        (_part_cells(stats.before, misses), _part_cells(stats.after, misses)),
        material=stats.kpi.material,
        alpha=alpha,
        exclusion=True,
    )


def _kpi_cells(kpi: Kpi, tally: Tally, misses: _Misses) -> Cells:
    """Return good and counted contacts by the KPI's formula: V1, V6 or V3."""
    counts = tally.answered
    if kpi.abandons is not Abandons.EXCLUDE_ALL:
        counts = counts + tally.abandoned
    if kpi.abandons is Abandons.EXCLUDE_SHORT and not misses.short:
        counts = counts - tally.short_out
    if kpi.abandons is Abandons.EXCLUDE_ALL and misses.short:
        counts = counts + tally.short_out
    return Cells(tally.good, counts + tally.unresolved if misses.unresolved else counts)


def _part_cells(tally: Tally, misses: _Misses) -> Cells:
    """Return good and counted contacts of the parts: V6, whatever the KPI excludes."""
    counts = tally.answered + tally.abandoned
    counts = counts if misses.short else counts - tally.short_out
    return Cells(tally.good, counts + tally.unresolved if misses.unresolved else counts)


def exclusion_effects(by_exclusion: Mapping[str, JudgedRate | None]) -> dict[str, object]:
    """Return both changes and the verdict by exclusion: with nothing left out, and without the claimed ones too."""
    effects = {
        name: {
            "as_reported": judged.headline.change,
            "like_for_like": None if judged.like_for_like is None else judged.like_for_like.change,
            "verdict": judged.verdict.value,
        }
        for name, judged in by_exclusion.items()
        if judged is not None
    }
    return {"exclusions": effects} if effects else {}


def _also(stats: Stats, alpha: float) -> dict[str, object]:
    unresolved = [round(float(tally.unresolved.sum())) for tally in (stats.before, stats.after)]
    also: dict[str, object] = {}
    if any(unresolved):
        also["unresolved"] = {"before": unresolved[0], "after": unresolved[1]}
    by_exclusion = {
        name: _judge_stats(
            dataclasses.replace(stats, before_own=other.before_own, before=other.before, after=other.after),
            alpha,
            _Misses(),
        )
        for name, other in stats.by_exclusion.items()
    }
    return also | exclusion_effects(by_exclusion)
