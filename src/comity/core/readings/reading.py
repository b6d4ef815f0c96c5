"""A reading: one figure's change as reported, beside its like-for-like change, and a verdict on the difference."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from comity.core.readings.verdict import Change, Part, Verdict


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of a reading.

    `before`, `after`, the changes, the parts and `material` share one `unit`: "share" (0 to 1), "points"
    (of a survey's scale) or "money" (the book's currency). `like_for_like` and `gap` are None when they
    cannot be formed. Parts add up to the headline. `firm` is False until the review has said how many
    readings stand side by side. A count of 1 to 4 people is never in `counts`.
    """

    id: str
    variant: str | None
    unit: str
    material: float
    before: float
    after: float
    headline: Change
    like_for_like: Change | None
    gap: Change | None
    parts: tuple[Part, ...]
    verdict: Verdict
    cause: str | None
    blind: str  # key of the sentence that says what this reading cannot see
    z: float | None = None  # critical value of the 95 % interval; None for exact figures
    firm: bool = False
    would_be: Verdict | None = None
    counts: Mapping[str, int] = field(default_factory=dict)
    also: Mapping[str, object] = field(default_factory=dict)
