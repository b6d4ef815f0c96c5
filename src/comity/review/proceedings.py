"""What both sides did about a period, beside its figures: confirmations, matters, and the causes of missed targets.

The records hold none of it. A room gives it to the formats that show it; at home there is none.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from comity.core.values import Side
from comity.review.attribution import Attribution


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A side's word for the figures of a period; `person` is "" where silence counted."""

    side: Side
    person: str
    on: date


@dataclass(frozen=True, slots=True)
class SideComment:
    """What a side says about a period, by whom and since when."""

    side: Side
    text: str
    person: str
    on: date


@dataclass(frozen=True, slots=True)
class AskedMatter:
    """A matter about a period: `kind` as in `core.matters.kinds.Kind`, `state` in words, `by` the day of what is due.

    A signed change of the agreement is of the kind `change`; `by` is the day from which it holds.

    `to_move` is the side that has to answer or to act; None where nobody has. `disputes` says of a dispute that it was
    neither refused nor withdrawn, `value` what it says that the figure is. `mark` is what stands beside the figure.
    """

    kind: str
    title: str
    asks: Side
    state: str
    to_move: Side | None = None
    by: date | None = None
    kpi: str = ""
    is_open: bool = True
    url: str = ""
    disputes: bool = False
    value: float | None = None
    mark: str = ""


@dataclass(frozen=True, slots=True)
class Proceedings:
    """What was done about a period so far.

    `final_on` is the day on which the figures became final, `entry` the number and digest of that entry of the record;
    `to_confirm` are the sides whose confirmation is open. `causes` holds by KPI what was attributed of a missed target,
    `causes_url` where that is shown, `{kpi}` in it standing for the KPI. `other_causes` are the KPIs whose known causes
    are of another level than the final one, and are left out. `comments` holds what each side says, if it says it.
    """

    confirmations: tuple[Confirmation, ...] = ()
    to_confirm: tuple[Side, ...] = ()
    final_on: date | None = None
    entry: tuple[int, str] | None = None
    restated: bool = False
    matters: tuple[AskedMatter, ...] = ()
    causes: Mapping[str, Attribution] = field(default_factory=dict)
    causes_url: str = ""
    other_causes: tuple[str, ...] = ()
    comments: tuple[SideComment, ...] = ()

    @property
    def key(self) -> tuple[object, ...]:
        """What tells these from others, without the intervals behind each cause."""
        causes = [
            (kpi, one.name, None if one.shared is None else [f"{part.value:.9g}" for part in one.shared.parts])
            for kpi, one in sorted(self.causes.items())
        ]
        rest = (self.confirmations, self.to_confirm, self.final_on, self.entry, self.restated, self.matters)
        return (*rest, causes, self.causes_url, self.other_causes, self.comments)

    @property
    def marks(self) -> dict[str, tuple[str, ...]]:
        """What is said beside each figure by who disputes it or claims about it, by KPI or key of a reading."""
        marks: dict[str, tuple[str, ...]] = {}
        for one in self.matters:
            if one.kpi and one.mark:
                marks[one.kpi] = tuple(dict.fromkeys((*marks.get(one.kpi, ()), one.mark)))
        return marks

    def matters_of(self, *kinds: str) -> tuple[AskedMatter, ...]:
        """The matters of some kinds."""
        return tuple(one for one in self.matters if one.kind in kinds)
