"""Satisfaction: what changed within people, and what only changed who answers.

Source of the formulas: the specification of readings, "satisfaction (I7)"; docs/readings/satisfaction.md shows them
worked by hand. Step 2 of the two: the sums in `Stats` come out of the engine, everything here is exact and small.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from comity.core.readings.cells import Cells, Matrix, split
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
    """How many of a set of respondents had left by the end of the period."""

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


def touched(stayed: int, people_after: int) -> bool:
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
    if touched(stats.stayed.people, stats.people_after):
        return _touch(stats, alpha)
    if _few(stats.stayed.people):
        return _reading(stats, Change(_headline(stats), _se(stats.units.squares_n, stats.units.headline, stats.scale)))
    return _people(stats, alpha)


# The same people -----------------------------------------------------------------------------------------------


def _people(stats: Stats, alpha: float) -> Reading:
    units, scale = stats.units, stats.scale
    n = _headline(stats)
    parts = _parts(stats)
    h = parts[0].value
    headline = Change(n, _se(units.squares_n, units.headline, scale))
    own = Change(h, _se(units.squares_h, units.like_for_like, scale))
    gap = Change(n - h, _se(units.squares_gap, units.headline, scale))
    z = critical(units.like_for_like, alpha) if units.like_for_like >= LEAST_UNITS else None
    material = MATERIAL * scale.width
    table = judge(headline, own, gap, material=material, z=z, sampled=True)
    shown, counts = _shown(stats, parts)
    whole = bool(shown)
    if not whole:
        counts = {}
    verdict, why = table, cause(table, gap.change, shown)
    if table is not Verdict.UNCLEAR:
        if _could_tip(stats, table, h, material):
            verdict, why = Verdict.UNCLEAR, "survivorship"
        elif many_unasked(stats.unasked.people, stats.people_before):
            weighted = _weighted(stats.fifths, stats.people_before)
            again = judge(
                headline,
                Change(weighted, own.se),
                Change(n - weighted, gap.se),
                material=material,
                z=z,
                sampled=True,
            )
            if again is not table:
                verdict, why = Verdict.UNCLEAR, "unasked"
    return _reading(
        stats,
        headline,
        own,
        gap,
        parts=shown,
        z=z,
        verdict=verdict,
        why=why,
        would_be=table if verdict is not table else None,
        counts=counts,
        also=_also(stats, apart="left" in counts),
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


def _shown(stats: Stats, parts: Sequence[Part]) -> tuple[tuple[Part, ...], dict[str, int]]:
    """The parts and counts that name no set of 1 to 4 people; empty where even their sum is one."""
    within, survivorship, silence, unasked, arrival, back, repeats = parts
    went = {"left": stats.left.people, "silent": stats.silent.people, "unasked": stats.unasked.people}
    came = {"new": stats.new.people, "back": stats.back.people}
    shown, counts = [within], {"stayed": stats.stayed.people}
    for joint, groups, some in (
        (GONE, went, (survivorship, silence, unasked)),
        (JOINED, came, (arrival, back)),
    ):
        if not any(_few(people) for people in groups.values()):
            shown += some
            counts |= groups
            continue
        people = sum(groups.values())
        if _few(people):
            return (), {}
        shown.append(Part(joint, math.fsum(part.value for part in some)))
        counts[joint] = people
    return (*shown, repeats), counts


def _could_tip(stats: Stats, table: Verdict, h: float, material: float) -> bool:
    """Rule (a): whether those who left could undo it; t is the mean change of theirs at which they would."""
    stayed, left = stats.stayed.people, stats.left.people
    if left == 0 or not (table is Verdict.STEADY or (table is Verdict.GENUINE and h > 0)):
        return False
    tipping = -(stayed * h + material * (stayed + left)) / left
    spread = stats.sd_change if stats.sd_change is not None else 0.0
    return tipping > -_TIPPING_SD * spread or 4 * left > stats.people_before


def _weighted(fifths: Sequence[Fifth], people: int) -> float:
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


def _touch(stats: Stats, alpha: float) -> Reading:
    """Rule (c): parts over queue x channel x segment, units weeks."""
    headline = Change(_headline(stats), None)
    if stats.cells is None:
        return _reading(stats, headline, also={"design": "touch"})
    found = split(*stats.cells)
    n, h, z = headline.change, found.within, found.z(alpha)
    material = MATERIAL * stats.scale.width
    headline = Change(n, _clean(found.se_headline, stats.scale))
    own = Change(h, _clean(found.se_within, stats.scale)) if min(found.weeks) else None  # no cell in both
    gap = Change(n - h, _clean(found.se_gap, stats.scale)) if own else None
    table = judge(headline, own, gap, material=material, z=z, sampled=True)
    within = Part("within", h, like_for_like=True)
    parts: tuple[Part, ...] = (within, Part("mix", found.mix), Part("queues", found.queues))
    if any(_few(people) for people in _alone(*stats.cells)):  # with the number of answers it would tell their scores
        parts = (within, Part(CELLS, found.mix + found.queues))
    settled = table is Verdict.UNCLEAR or (abs(found.queues) < material and found.alone <= 1 / 10)
    also: dict[str, object] = {"design": "touch", **_also(stats, apart=not _few_went(stats))}
    if "last_score_left" in also and stats.last_score_left is not None:
        silent = stats.silent.people
        also["at_worst"] = (stats.after.total + silent * stats.last_score_left) / (stats.after.count + silent)
    return _reading(
        stats,
        headline,
        own,
        gap,
        parts=parts,
        z=z,
        verdict=table if settled else Verdict.UNCLEAR,
        why=cause(table, n - h, parts) if settled else "queues",
        would_be=None if settled else table,
        counts={"before": stats.people_before, "after": stats.people_after},
        also=also,
    )


def _alone(before: AnswerCells, after: AnswerCells) -> tuple[int, int]:
    """How many people are surely behind the cells of one period only, in each.

    Somebody may have answered in several cells: those of the largest are surely different people.
    """
    both = (before.counts.sum(axis=1) > 0) & (after.counts.sum(axis=1) > 0)
    return int(before.people[~both].max(initial=0.0)), int(after.people[~both].max(initial=0.0))


# Both ----------------------------------------------------------------------------------------------------------


def _reading(  # noqa: PLR0913 - the fields of a reading that differ
    stats: Stats,
    headline: Change,
    own: Change | None = None,
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
        like_for_like=own,
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
    return _clean(math.sqrt(squares * units / (units - 1)), scale) if units > 1 else None


def _clean(error: float | None, scale: Scale) -> float | None:
    return 0.0 if error is not None and error < _ZERO * scale.width else error


def _few(people: int) -> bool:
    """Whether it is a set that is never shown."""
    return 0 < people < FEWEST


def _few_went(stats: Stats) -> bool:
    return any(_few(group.people) for group in (stats.stayed, stats.left, stats.silent, stats.unasked))


def _also(stats: Stats, *, apart: bool) -> dict[str, object]:
    """What stands beside: response rate, last scores, top boxes, loyalty.

    :param apart: whether those who left are shown apart; otherwise nothing that tells how many they are is
    """
    found: dict[str, object] = {}
    both = {"before": stats.before, "after": stats.after}
    rates = {key: _response_rate(answers) for key, answers in both.items()}
    if any(rate is not None for rate in rates.values()):
        found["response_rate"] = rates
    if apart and stats.left.people and stats.last_score_left is not None:
        found["last_score_left"] = stats.last_score_left
    boxes = {key: _top_two(answers, stats.scale) for key, answers in both.items()}
    if any(share is not None for share in boxes.values()):
        found["top_two"] = boxes
    if apart:
        found |= _loyalty(stats)
    return found


def _response_rate(answers: Answers) -> float | None:
    """Of those invited in the period, answered within 30 days; None where the unanswered were never recorded."""
    return answers.responded / answers.invited if answers.unanswered else None


def _top_two(answers: Answers, scale: Scale) -> float | None:
    """The share of answers in the two top boxes of a scale that has boxes."""
    if not 2 <= scale.high - scale.low <= 10 or _few(answers.top) or _few(answers.not_top):  # noqa: PLR2004 - 3 to 11 boxes
        return None
    return answers.top_answers / answers.count


def _loyalty(stats: Stats) -> dict[str, object]:
    """I16: the share gone of the satisfied, beside that of the rest; satisfaction is not loyalty when they agree."""
    sets = {"top": stats.top_quarter, "rest": stats.the_rest}
    if any(one.people < FEWEST or _few(one.gone) or _few(one.people - one.gone) for one in sets.values()):
        return {}
    told = {}
    for key, one in sets.items():
        low, high = wilson(one.gone, one.people)
        told[key] = {"share": one.gone / one.people, "low": low, "high": high, "n": one.people}
    return {"loyalty": told}


def wilson(count: int, of: int, z: float = _Z95) -> tuple[float, float]:
    """Wilson's interval for a share (E. B. Wilson, 1927, JASA 22: 209-212)."""
    share, square = count / of, z * z
    middle = (share + square / (2 * of)) / (1 + square / of)
    half = z / (1 + square / of) * math.sqrt(share * (1 - share) / of + square / (4 * of * of))
    return max(0.0, middle - half), min(1.0, middle + half)
