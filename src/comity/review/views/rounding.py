"""What is shown to add up adds up as shown: rounding, and the intervals round a change."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Change, Part, Verdict

MARKED = frozenset(
    {Verdict.OVERSTATED, Verdict.UNDERSTATED, Verdict.ILLUSORY, Verdict.MASKED, Verdict.REVERSED},
)  # the marker pen: it differs from what it seems
_SCALE = {"share": 100.0}  # a share is shown in per cent


def largest_remainder(terms: Sequence[float], total: int | None = None) -> list[int]:
    """Round terms to whole numbers that add up to `total` (absent: their rounded sum).

    Every term is rounded down, then those with the largest remainders are rounded up until the sum is met;
    ties: the first. No term moves by one or more where `total` is the rounded sum. (Hamilton's method.)
    """
    floors = [math.floor(term) for term in terms]
    wanted = round_half_even(math.fsum(terms)) if total is None else total
    if not terms:
        return []
    everyone, some = divmod(wanted - sum(floors), len(terms))
    order = sorted(range(len(terms)), key=lambda at: (-(terms[at] - floors[at]), at))
    return [
        floor + everyone + (1 if at in order[:some] else 0) for at, floor in enumerate(floors)
    ]  # `everyone` is 0 but for totals that the terms do not come to


def round_half_even(value: float) -> int:
    """The nearest whole number; a half goes to the even one, as Python and IEEE 754 do."""
    return round(value)


def shown_scale(unit: str) -> float:
    """By what a figure is multiplied before it is shown: 100 for shares, else 1."""
    return _SCALE.get(unit, 1.0)


def decimals(unit: str, material: float, size: float = 0.0) -> int:
    """How many decimals a change of this unit bears in the table of readings.

    :param material: the smallest change worth acting on, in the reading's unit
    :param size: the largest figure shown beside it; money is shown whole from 1,000 on
    """
    if unit == "money":
        return 0 if abs(size) >= 1000 else 2  # noqa: PLR2004 - cents beside thousands are noise
    scaled = material * shown_scale(unit)
    if unit == "share":
        return 1 if scaled >= 0.1 or scaled == 0 else 2  # noqa: PLR2004 - tenths of a point are enough
    return 1 if scaled >= 1 else 2


def half_width(change: Change | None, z: float | None) -> float | None:
    """Half the 95 % interval, z * se; 0 for exact figures, None where it cannot be formed."""
    if change is None or change.se is None:
        return None
    if change.se == 0:
        return 0.0
    return None if z is None else z * change.se


def is_exact(reading: Reading) -> bool:
    """Whether the figures are counted and not sampled: no standard error anywhere."""
    return reading.z is None and reading.headline.se == 0 and getattr(reading.like_for_like, "se", 0) == 0


@dataclass(frozen=True, slots=True)
class Step:
    """One row of a waterfall: what the part adds, and where its bar begins and ends; all as shown."""

    part: Part
    value: float
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Waterfall:
    """From before to after by parts, rounded so that it adds up as shown; in shown units (per cent for shares)."""

    decimals: int
    before: float
    after: float
    change: float
    like_for_like: float | None  # the sum of the rounded parts that are the change like for like
    steps: tuple[Step, ...]


def waterfall(reading: Reading) -> Waterfall:
    """Round a reading's parts by largest remainder so that before and the parts come to after, as shown.

    Before and after are the nearest figures, as they stand in the levels and under each chart: parts alone take up what
    is lost in rounding.
    """
    size = max(abs(reading.before), abs(reading.after))
    places = decimals(reading.unit, reading.material, size)
    places += 0 if reading.unit == "money" else 1
    scale = shown_scale(reading.unit) * 10**places
    before, after = round_half_even(reading.before * scale), round_half_even(reading.after * scale)
    values = largest_remainder([part.value * scale for part in reading.parts], after - before)
    back = 10**places
    steps, at = [], before
    for part, value in zip(reading.parts, values, strict=True):
        steps.append(Step(part, value / back, at / back, (at + value) / back))
        at += value
    same_parts = [(step.value, step.part.value) for step in steps if step.part.like_for_like]
    change = reading.like_for_like
    agrees = (
        bool(same_parts)
        and change is not None
        and abs(math.fsum(exact for _, exact in same_parts) - change.change) <= 1e-6 * max(1.0, size)
    )
    like_for_like = round(math.fsum(shown for shown, _ in same_parts), places) if agrees else None
    return Waterfall(places, before / back, after / back, (after - before) / back, like_for_like, tuple(steps))


@dataclass(frozen=True, slots=True)
class RoundedFigures:
    """A reading's three figures as the table shows them: `before + change = after`, in shown units."""

    decimals: int
    before: float
    after: float
    change: float
    like_for_like: float | None
    half: float | None
    headline_half: float | None


def round_figures(reading: Reading) -> RoundedFigures:
    """Round before, change and after of a reading so that they add up as shown.

    Before and after are the nearest figures, so that a period has one value on all pages, and so is the change where
    the three add up. Where they do not, one more decimal is shown (but of money), and the change is the difference of
    what is shown, as in the waterfall.
    """
    size = max(abs(reading.before), abs(reading.after))
    scale = shown_scale(reading.unit)
    places = decimals(reading.unit, reading.material, size)
    before, after = (round_half_even(value * scale * 10**places) for value in (reading.before, reading.after))
    adds_up = before + round_half_even(reading.headline.change * scale * 10**places) == after
    if not adds_up and reading.unit != "money":  # cents beside thousands are noise
        places += 1
        before, after = (round_half_even(value * scale * 10**places) for value in (reading.before, reading.after))
    change, back = after - before, 10**places
    like_for_like = reading.like_for_like
    half, headline_half = half_width(like_for_like, reading.z), half_width(reading.headline, reading.z)
    return RoundedFigures(
        decimals=places,
        before=before / back,
        after=after / back,
        change=change / back,
        like_for_like=None if like_for_like is None else like_for_like.change * scale,
        half=None if half is None else half * scale,
        headline_half=None if headline_half is None else headline_half * scale,
    )
