"""Settlement in exact arithmetic: gain share, service points, service credits, relief for volume.

11,000 / 10,000 - 1 <= 0.10 is false in binary floats, and money depends on it. Everything here takes and returns
`Fraction`s; read amounts from their digits, as `Fraction("0.10")`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

ZERO, ONE = Fraction(0), Fraction(1)
_POINTS = {"minor": 1, "serious": 2, "severe": 3}


def gain_share(outturn: Fraction, target: Fraction, shares: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Return the provider's share of the saving against a target cost; negative for an overrun.

    :param shares: (from which share of the target on, the provider's part), in rising order from 0; each part is of
        what lies in its own band
    """
    low, high = sorted((outturn, target))
    edges = [(start * target, part) for start, part in shares]
    total = ZERO
    for at, (start, part) in enumerate(edges):
        end = edges[at + 1][0] if at + 1 < len(edges) else high
        total += max(min(high, end) - max(low, start), ZERO) * part
    return total if outturn <= target else -total


def service_points(failures: Sequence[str | None]) -> list[int]:
    """Service points of one KPI, period by period: 1, 2 or 3 for minor, serious, severe; twice when repeated at once.

    The UK Model Services Agreement's rule: severe, minor, severe gives 3, 2, 6.
    """
    points, before = [], False
    for failure in failures:
        points.append(0 if failure is None else _POINTS[failure] * (2 if before else 1))
        before = failure is not None
    return points


def step_share(value: Fraction, steps: Sequence[tuple[Fraction, Fraction]]) -> Fraction:
    """Return the share of the highest step reached, its edge included; 0 below all steps.

    :param steps: (from which value on, share), in rising order
    """
    return next((share for start, share in reversed(steps) if value >= start), ZERO)


def service_credit(charges: Fraction, at_risk: Fraction, missed: Mapping[str, Fraction]) -> Fraction:
    """Return the service credit of a period: charges x at-risk share x allocation to the KPIs missed.

    Allocations may add up to more than one (a pool of 250 % is usual); what is at risk bounds the credit.

    :param missed: KPI -> the share of the at-risk amount allocated to it
    """
    return min(charges * at_risk * sum(missed.values(), ZERO), charges * at_risk)


@dataclass(frozen=True, slots=True)
class Volume:
    """One interval, or a period: contacts as locked, as offered, and answered in time."""

    locked: Fraction
    offered: Fraction
    good: Fraction

    def above(self, band: Fraction) -> bool:
        """Whether more came than the band allows; its edge is inside."""
        return self.offered > self.locked * (1 + band)

    def outside(self, band: Fraction) -> bool:
        """Whether more or fewer came than the band allows; its edges are inside."""
        return abs(self.offered - self.locked) > self.locked * band


@dataclass(frozen=True, slots=True)
class Relief:
    """Service level of a period under each usual relief for volume beyond the band.

    :ivar deviation: offered over locked, less 1; None where nothing was locked
    :ivar raw: the level with no relief; None where nothing was offered
    :ivar waived: whether a waiver of the whole period applies: more came than the band
    :ivar inside: the level of those intervals alone that lay in the band; None where none did
    :ivar capped: with the offered counted up to the upper edge of the band; overstates the level, since whoever was
        answered in time above the edge still counts
    :ivar credit: what a credit is multiplied by when it is owed for the volume up to the edge only
    """

    deviation: Fraction | None
    raw: Fraction | None
    waived: bool
    inside: Fraction | None
    capped: Fraction | None
    credit: Fraction


def relief(intervals: Sequence[Volume], band: Fraction) -> Relief:
    """Compare the usual reliefs for volume in a period (`standards`: forecast lock, volume bands).

    The counterfactual one (the level, had what was locked come, with the handle time and the people that there were)
    needs a model of queues and is `attribution.SharedOut.level_if`.

    :param intervals: the intervals at which the band is agreed: half hours, days, or the period as one
    :param band: the agreed share by which volume may differ from what was locked
    """
    whole = Volume(
        sum((interval.locked for interval in intervals), ZERO),
        sum((interval.offered for interval in intervals), ZERO),
        sum((interval.good for interval in intervals), ZERO),
    )
    in_band = [interval for interval in intervals if not interval.outside(band)]
    cap = whole.locked * (1 + band)
    beyond = whole.above(band)
    return Relief(
        deviation=_share(whole.offered - whole.locked, whole.locked),
        raw=_share(whole.good, whole.offered),
        waived=beyond,
        inside=_share(
            sum((interval.good for interval in in_band), ZERO), sum((interval.offered for interval in in_band), ZERO)
        ),
        capped=_share(min(whole.good, cap), cap) if beyond else _share(whole.good, whole.offered),
        credit=cap / whole.offered if beyond else ONE,
    )


def _share(part: Fraction, whole: Fraction) -> Fraction | None:
    return part / whole if whole else None
