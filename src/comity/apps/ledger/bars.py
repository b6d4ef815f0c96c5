"""What is open on both sides as bars that mirror each other: by kind, the stronger the colour the older."""

from dataclasses import dataclass

from comity.apps.ledger.sentences import kind_name
from comity.core.ledger.statement import Statement
from comity.core.values import Side
from comity.review.i18n.words import Words

WIDTH, MIDDLE, _LONGEST = 400, 200, 190
_GAP = 1  # between the ages of a bar
_STRENGTHS = ("0.4", "0.6", "0.8", "1")  # of the colour, by age


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar: promises of one age.

    :ivar mark: the class of its side's colour
    :ivar x: from the left, in units of the drawing, as `width`
    """

    mark: str
    x: str
    width: str
    strength: str


@dataclass(frozen=True, slots=True)
class Bar:
    """What is open of one kind, the customer's to the left and the provider's to the right."""

    kind: str
    customer: str
    provider: str
    segments: tuple[Segment, ...]


def bars(made: Statement, words: Words) -> list[Bar]:
    """Return a bar for each kind of which something is open, all by one scale."""
    ages = {(row.debtor, row.kind): row.ages for row in made.rows if any(row.ages)}
    most = max((sum(numbers) for numbers in ages.values()), default=0)
    return [
        Bar(
            kind_name(kind, words),
            words.number(sum(ages.get((Side.CUSTOMER, kind), ()))),
            words.number(sum(ages.get((Side.PROVIDER, kind), ()))),
            tuple(segment for side in Side for segment in _segments(side, ages.get((side, kind), ()), _LONGEST / most)),
        )
        for kind in made.kinds
        if any(kind == of for _, of in ages)
    ]


def _segments(side: Side, ages: tuple[int, ...], scale: float) -> list[Segment]:
    """Return the parts of one side's bar, the youngest nearest to the middle."""
    segments, reach = [], 0.0
    for number, strength in zip(ages, _STRENGTHS, strict=len(ages) > 0):
        width = number * scale
        x = MIDDLE + reach if side is Side.PROVIDER else MIDDLE - reach - width
        if number:
            segments.append(Segment(f"{side.value}-mark", f"{x:.1f}", f"{max(width - _GAP, _GAP):.1f}", strength))
        reach += width
    return segments
