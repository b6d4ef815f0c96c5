"""Reading of satisfaction: what changed within people, and what came of a change in who answers.

Source of the formulas: the specification of readings, "satisfaction (I7)"; docs/readings/satisfaction.md shows them
worked by hand. Step 2 of the two: the sums in `Stats` come out of the engine, everything here is exact and small.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.core.readings.decomposition import Cells, Matrix, decompose
from comity.core.readings.reading import Reading
from comity.core.readings.verdict import LEAST_UNITS, Change, Part, Verdict, cause, critical, judge

READING = "satisfaction"
MATERIAL = 0.02  # of the scale's width
FEWEST = 5  # people; a set of fewer is never shown
NPS_WIDTH = 200.0
GONE, JOINED, CELLS = "survivorship+silence+unasked", "arrival+return", "mix+queues"
_TIPPING_SD = 1.5
_ZERO = 1e-9  # of the scale's width: a standard error below it is rounding, not information
_Z95 = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Scale:
    """What was asked, on which scale, and by whom; `low` is the worst answer once a reversed scale is mirrored."""

    instrument: str
    low: float
    high: float
    conducted_by: str | None = None

    @property
    def nps(self) -> bool:
        """Whether each answer becomes -100, 0 or 100."""
        return self.instrument.lower() == "nps" and (self.low, self.high) == (0.0, 10.0)

    @property
    def width(self) -> float:
        """From the worst value to the best, as the reading counts them."""
        return NPS_WIDTH if self.nps else self.high - self.low

    @property
    def top_quarter(self) -> float:
        """The value from which on a respondent stands in the top quarter."""
        return NPS_WIDTH / 4 if self.nps else self.low + 0.75 * (self.high - self.low)

    @property
    def name(self) -> str:
        """The variant's text, `csat 1-5 third_party`."""
        by = f" {self.conducted_by}" if self.conducted_by else ""
        return f"{self.instrument} {self.low:g}-{self.high:g}{by}"


@dataclass(frozen=True, slots=True)
class Group:
    """A set of respondents: how many, and the sums of their means before and after (0 where they did not answer)."""

    people: int = 0
    before: float = 0.0
    after: float = 0.0

    def mean_before(self) -> float:
        """Their mean in the period held against; 0 over the empty set."""
        return self.before / self.people if self.people else 0.0

    def mean_after(self) -> float:
        """Their mean in the period; 0 over the empty set."""
        return self.after / self.people if self.people else 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """All answers of one period: how many, their sum, who gave them, and what became of invitations.

    `top` and `not_top` count respondents with at least one answer inside and outside the two top boxes.
    """

    count: int
    total: float
    top_answers: int = 0
    top: int = 0
    not_top: int = 0
    invited: int = 0
    responded: int = 0  # of those invited in the period, answered within 30 days
    unanswered: int = 0  # of those invited in the period, not answered before its end

    def mean(self) -> float:
        """Over answers, as reported."""
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class Fifth:
    """One of the five groups of those who answered before, by their score then: all, who stayed, their changes."""

    people: int
    stayed: int
    change: float


@dataclass(frozen=True, slots=True)
class Gone:
    """How many of a set of respondents had left by the end of the period, of those of whom that would be known."""

    people: int
    gone: int


@dataclass(frozen=True, slots=True)
class Units:
    """The accounts behind the changes: how many, and the sums of their squared contributions N, H, N - H."""

    headline: int
    like_for_like: int
    squares_n: float
    squares_h: float
    squares_gap: float


@dataclass(frozen=True, slots=True)
class AnswerCells(Cells):
    """Sums of scores and counts of answers by queue x channel x segment and week, and how many `people` gave them.

    `people` is of shape (cells,).
    """

    people: Matrix


@dataclass(frozen=True, slots=True)
class Stats:
    """Sufficient statistics of one scale in two periods; scores in the reading's values (NPS: -100, 0, 100).

    `sd_change` is that of y1 - y0 over `stayed` (divisor one less than their number). `fifths` are five, and there
    only when rule (b) asks for them; `cells` (P0, P1) only when so few stayed that rule (c) takes them.
    """

    scale: Scale
    before: Answers
    after: Answers
    stayed: Group
    left: Group
    silent: Group
    unasked: Group
    new: Group
    back: Group
    units: Units
    sd_change: float | None = None
    last_score_left: float | None = None
    top_quarter: Gone = Gone(0, 0)
    the_rest: Gone = Gone(0, 0)
    fifths: tuple[Fifth, ...] = ()
    cells: tuple[AnswerCells, AnswerCells] | None = None

    @property
    def people_before(self) -> int:
        """R0."""
        return self.stayed.people + self.left.people + self.silent.people + self.unasked.people

    @property
    def people_after(self) -> int:
        """R1."""
        return self.stayed.people + self.new.people + self.back.people


def is_touch_design(stayed: int, people_after: int) -> bool:
    """Rule (c): whether so few answered twice that cells are compared and not people."""
    return 10 * stayed < people_after


def many_unasked(unasked: int, people_before: int) -> bool:
    """Rule (b): whether so many were not asked again that those who were are weighted."""
    return 10 * unasked > people_before


def read(stats: Stats, alpha: float = 0.025) -> Reading | None:
    """The reading of one scale.

    :param alpha: the upper tail of the intervals
    :returns: None where fewer than five people answered in a period: their mean is not shown
    """
    if min(stats.people_before, stats.people_after) < FEWEST:
        return None
    if is_touch_design(stats.stayed.people, stats.people_after):
        return _read_cells(stats, alpha)
    if _is_few(stats.stayed.people):
        return _build_reading(
            stats, Change(_headline(stats), _se(stats.units.squares_n, stats.units.headline, stats.scale))
        )
    return _read_people(stats, alpha)


# The same people -----------------------------------------------------------------------------------------------


def _read_people(stats: Stats, alpha: float) -> Reading:
    units, scale = stats.units, stats.scale
    n = _headline(stats)
    parts = _parts(stats)
    h = parts[0].value
    headline = Change(n, _se(units.squares_n, units.headline, scale))
    like_for_like = Change(h, _se(units.squares_h, units.like_for_like, scale))
    gap = Change(n - h, _se(units.squares_gap, units.headline, scale))
    z = critical(units.like_for_like, alpha) if units.like_for_like >= LEAST_UNITS else None
    material = MATERIAL * scale.width
    table = judge(headline, like_for_like, gap, material=material, z=z, sampled=True)
    publishable, counts = _publishable_parts(stats, parts)
    any_publishable = bool(publishable)
    if not any_publishable:
        counts = {}
    verdict, why = table, cause(table, gap.change, publishable)
    if table is not Verdict.UNCLEAR:
        if _leavers_could_tip(stats, table, h, material):
            verdict, why = Verdict.UNCLEAR, "survivorship"
        elif many_unasked(stats.unasked.people, stats.people_before):
            weighted = _weighted_change(stats.fifths, stats.people_before)
            reweighted = judge(
                headline,
                Change(weighted, like_for_like.se),
                Change(n - weighted, gap.se),
                material=material,
                z=z,
                sampled=True,
            )
            if reweighted is not table:
                verdict, why = Verdict.UNCLEAR, "unasked"
    return _build_reading(
        stats,
        headline,
        like_for_like,
        gap,
        parts=publishable,
        z=z,
        verdict=verdict,
        why=why,
        would_be=table if verdict is not table else None,
        counts=counts,
        also=_also(stats, leavers_separate="left" in counts),
    )


def _parts(stats: Stats) -> tuple[Part, ...]:
    """All seven, in the order of the specification; `within` first."""
    stayed, n0, n1 = stats.stayed, stats.people_before, stats.people_after
    y0, y1 = stayed.mean_before(), stayed.mean_after()

    def went(group: Group) -> float:
        return group.people / n0 * (y0 - group.mean_before())

    def came(group: Group) -> float:
        return group.people / n1 * (group.mean_after() - y1)

    mean_before = math.fsum(g.before for g in (stayed, stats.left, stats.silent, stats.unasked)) / n0
    mean_after = math.fsum(g.after for g in (stayed, stats.new, stats.back)) / n1
    return (
        Part("within", y1 - y0, like_for_like=True),
        Part("survivorship", went(stats.left)),
        Part("silence", went(stats.silent)),
        Part("unasked", went(stats.unasked)),
        Part("arrival", came(stats.new)),
        Part("return", came(stats.back)),
        Part("repeats", _headline(stats) - (mean_after - mean_before)),
    )


def _publishable_parts(stats: Stats, parts: Sequence[Part]) -> tuple[tuple[Part, ...], dict[str, int]]:
    """Return the parts and counts that reveal no set of 1 to 4 people; empty where even their sum is one."""
    within, survivorship, silence, unasked, arrival, back, repeats = parts
    went = {"left": stats.left.people, "silent": stats.silent.people, "unasked": stats.unasked.people}
    came = {"new": stats.new.people, "back": stats.back.people}
    publishable, counts = [within], {"stayed": stats.stayed.people}
    for joint, groups, group_parts in (
        (GONE, went, (survivorship, silence, unasked)),
        (JOINED, came, (arrival, back)),
    ):
        if not any(_is_few(people) for people in groups.values()):
            publishable += group_parts
            counts |= groups
            continue
        people = sum(groups.values())
        if _is_few(people):
            return (), {}
        publishable.append(Part(joint, math.fsum(part.value for part in group_parts)))
        counts[joint] = people
    return (*publishable, repeats), counts


def _leavers_could_tip(stats: Stats, table: Verdict, h: float, material: float) -> bool:
    """Rule (a): whether the leavers could reverse the verdict; `tipping` is their mean change at which they would."""
    stayed, left = stats.stayed.people, stats.left.people
    if left == 0 or not (table is Verdict.STEADY or (table is Verdict.GENUINE and h > 0)):
        return False
    tipping = -(stayed * h + material * (stayed + left)) / left
    spread = stats.sd_change if stats.sd_change is not None else 0.0
    return tipping > -_TIPPING_SD * spread or 4 * left > stats.people_before


def _weighted_change(fifths: Sequence[Fifth], people: int) -> float:
    """Rule (b): the mean change of those who stayed, weighted to all who answered before by the five groups."""
    merged: list[Fifth] = []
    waiting = 0  # people of the lowest groups in which nobody stayed: they join the next higher
    for fifth in fifths:
        if fifth.stayed:
            merged.append(Fifth(fifth.people + waiting, fifth.stayed, fifth.change))
            waiting = 0
        elif merged:
            last = merged[-1]
            merged[-1] = Fifth(last.people + fifth.people, last.stayed, last.change)
        else:
            waiting += fifth.people
    return math.fsum(fifth.people / people * (fifth.change / fifth.stayed) for fifth in merged)


# The same cells ------------------------------------------------------------------------------------------------


def _read_cells(stats: Stats, alpha: float) -> Reading:
    """Rule (c): parts over queue x channel x segment, units weeks."""
    headline = Change(_headline(stats), None)
    if stats.cells is None:
        return _build_reading(stats, headline, also={"design": "touch"})
    decomposition = decompose(*stats.cells)
    n, h, z = headline.change, decomposition.within, decomposition.z(alpha)
    material = MATERIAL * stats.scale.width
    headline = Change(n, _zero_rounding(decomposition.se_headline, stats.scale))
    like_for_like = (
        Change(h, _zero_rounding(decomposition.se_within, stats.scale)) if min(decomposition.weeks) else None
    )  # no cell in both
    gap = Change(n - h, _zero_rounding(decomposition.se_gap, stats.scale)) if like_for_like else None
    table = judge(headline, like_for_like, gap, material=material, z=z, sampled=True)
    within = Part("within", h, like_for_like=True)
    parts: tuple[Part, ...] = (within, Part("mix", decomposition.mix), Part("queues", decomposition.queues))
    if any(
        _is_few(people) for people in _people_in_unmatched_cells(*stats.cells)
    ):  # with the number of answers it would tell their scores
        parts = (within, Part(CELLS, decomposition.mix + decomposition.queues))
    settled = table is Verdict.UNCLEAR or (abs(decomposition.queues) < material and decomposition.alone <= 1 / 10)
    also: dict[str, object] = {"design": "touch", **_also(stats, leavers_separate=not _any_group_is_few(stats))}
    if "last_score_left" in also and stats.last_score_left is not None:
        silent = stats.silent.people
        also["at_worst"] = (stats.after.total + silent * stats.last_score_left) / (stats.after.count + silent)
    return _build_reading(
        stats,
        headline,
        like_for_like,
        gap,
        parts=parts,
        z=z,
        verdict=table if settled else Verdict.UNCLEAR,
        why=cause(table, n - h, parts) if settled else "queues",
        would_be=None if settled else table,
        counts={"before": stats.people_before, "after": stats.people_after},
        also=also,
    )


def _people_in_unmatched_cells(before: AnswerCells, after: AnswerCells) -> tuple[int, int]:
    """Return a lower bound of the people behind cells that only one period has, for each period.

    Somebody may have answered in several cells; the people of the largest cell are different ones.
    """
    both = (before.counts.sum(axis=1) > 0) & (after.counts.sum(axis=1) > 0)
    return int(before.people[~both].max(initial=0.0)), int(after.people[~both].max(initial=0.0))


# Both ----------------------------------------------------------------------------------------------------------


def _build_reading(  # noqa: PLR0913 - the fields of a reading that differ
    stats: Stats,
    headline: Change,
    like_for_like: Change | None = None,
    gap: Change | None = None,
    *,
    parts: tuple[Part, ...] = (),
    z: float | None = None,
    verdict: Verdict = Verdict.UNCLEAR,
    why: str | None = None,
    would_be: Verdict | None = None,
    counts: Mapping[str, int] | None = None,
    also: Mapping[str, object] | None = None,
) -> Reading:
    return Reading(
        id=READING,
        variant=stats.scale.name,
        unit="points",
        material=MATERIAL * stats.scale.width,
        before=stats.before.mean(),
        after=stats.after.mean(),
        headline=headline,
        like_for_like=like_for_like,
        gap=gap,
        parts=parts,
        verdict=verdict,
        cause=why,
        blind=READING,
        z=z,
        would_be=would_be,
        counts=counts or {},
        also=also or {},
    )


def _headline(stats: Stats) -> float:
    return stats.after.mean() - stats.before.mean()


def _se(squares: float, units: int, scale: Scale) -> float | None:
    """The root of U/(U-1) times the sum of squared contributions; None below two units."""
    return _zero_rounding(math.sqrt(squares * units / (units - 1)), scale) if units > 1 else None


def _zero_rounding(error: float | None, scale: Scale) -> float | None:
    return 0.0 if error is not None and error < _ZERO * scale.width else error


def _is_few(people: int) -> bool:
    """Whether a set of people is too small to be shown: 1 to 4."""
    return 0 < people < FEWEST


def _any_group_is_few(stats: Stats) -> bool:
    return any(_is_few(group.people) for group in (stats.stayed, stats.left, stats.silent, stats.unasked))


def _also(stats: Stats, *, leavers_separate: bool) -> dict[str, object]:
    """Return further figures: response rate, last scores, top boxes, loyalty.

    :param leavers_separate: whether those who left are shown separately; else nothing that reveals their number is
    """
    also: dict[str, object] = {}
    both = {"before": stats.before, "after": stats.after}
    rates = {key: _response_rate(answers) for key, answers in both.items()}
    if any(rate is not None for rate in rates.values()):
        also["response_rate"] = rates
    if leavers_separate and stats.left.people and stats.last_score_left is not None:
        also["last_score_left"] = stats.last_score_left
    boxes = {key: _top_two(answers, stats.scale) for key, answers in both.items()}
    if any(share is not None for share in boxes.values()):
        also["top_two"] = boxes
    if leavers_separate:
        also |= _loyalty(stats)
    return also


def _response_rate(answers: Answers) -> float | None:
    """Of those invited in the period, answered within 30 days; None where the unanswered were never recorded."""
    return answers.responded / answers.invited if answers.unanswered else None


def _top_two(answers: Answers, scale: Scale) -> float | None:
    """The share of answers in the two top boxes of a scale that has boxes."""
    if not 2 <= scale.high - scale.low <= 10 or _is_few(answers.top) or _is_few(answers.not_top):  # noqa: PLR2004 - 3 to 11 boxes
        return None
    return answers.top_answers / answers.count


def _loyalty(stats: Stats) -> dict[str, object]:
    """I16: the share gone of the satisfied, beside that of the rest; satisfaction is not loyalty when they agree."""
    sets = {"top": stats.top_quarter, "rest": stats.the_rest}
    if not any(group.people for group in sets.values()):
        return {"loyalty": None}  # of nobody would it be known
    if any(
        group.people < FEWEST or _is_few(group.gone) or _is_few(group.people - group.gone) for group in sets.values()
    ):
        return {}
    loyalty = {}
    for key, group in sets.items():
        low, high = wilson(group.gone, group.people)
        loyalty[key] = {"share": group.gone / group.people, "low": low, "high": high, "n": group.people}
    return {"loyalty": loyalty}


def wilson(count: int, of: int, z: float = _Z95) -> tuple[float, float]:
    """Wilson's interval for a share (E. B. Wilson, 1927, JASA 22: 209-212)."""
    share, square = count / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
