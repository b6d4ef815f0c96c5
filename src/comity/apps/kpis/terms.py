"""A set of KPIs with the review's rhythm and the delivery days, as the JSON whose digest both sides agree to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from comity.book.definition import AgreedDelivery, kpi_keys, parse_kpis
from comity.core.agreements.kpi import Kpi, undated
from comity.core.calendars import Cut
from comity.core.values import Side

_OF_THE_SET = ("valid_from", "valid_to", "agreed_on", "agreed", "entry")  # what a KPI has from its set


@dataclass(frozen=True, slots=True)
class Terms:
    """What a side proposes.

    :ivar valid_from: the first day of the first month that is counted by it
    """

    kpis: tuple[Kpi, ...]
    cut: Cut
    valid_from: date
    deliveries: tuple[AgreedDelivery, ...] = ()

    def content(self) -> dict[str, Any]:
        """Return the JSON that both sides consent to, with every pin written out and fractions as text."""
        return {
            "kpis": [_kpi_content(kpi) for kpi in self.kpis],
            "review": self.cut.value,
            "valid_from": self.valid_from.isoformat(),
            "deliveries": [{"table": one.table, "by": one.by.value, "due": one.due} for one in self.deliveries],
        }

    @classmethod
    def from_content(cls, content: Mapping[str, Any]) -> "Terms":
        """Read what `content` writes.

        :raises comity.book.definition.UnusableBookError: for a KPI that no book can hold
        """
        return cls(
            parse_kpis([_with_numbers(one) for one in content["kpis"]]),
            Cut(content["review"]),
            date.fromisoformat(content["valid_from"]),
            tuple(AgreedDelivery(one["table"], Side(one["by"]), one["due"]) for one in content["deliveries"]),
        )


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """A set that both sides agreed to.

    :ivar entry: its number in the record
    :ivar until: the first day of a set agreed later, which takes its place; None for the latest
    """

    terms: Terms
    entry: int
    agreed_on: date
    until: date | None = None

    @property
    def is_superseded(self) -> bool:
        """Whether a later set holds on every day of it."""
        return self.until is not None and self.until <= self.terms.valid_from


def fold(agreed: Sequence[tuple[int, date, Terms]]) -> list[AgreedTerms]:
    """Return sets with the day on which each ends: a set holds from its first day until one agreed later begins.

    :param agreed: entry, day of the agreement and terms, in the order of the record
    """
    return [
        AgreedTerms(terms, entry, day, min((later.valid_from for _, _, later in agreed[number + 1 :]), default=None))
        for number, (entry, day, terms) in enumerate(agreed)
    ]


def wordings(agreed: Sequence[AgreedTerms]) -> list[Kpi]:
    """Return the KPIs of agreed sets as a book writes them; one that a later set repeats goes on as it was."""
    worded: list[Kpi] = []
    for one in sorted((one for one in agreed if not one.is_superseded), key=lambda one: one.terms.valid_from):
        for kpi in one.terms.kpis:
            own = replace(
                kpi, valid_from=one.terms.valid_from, valid_to=one.until, agreed_on=one.agreed_on, entry=one.entry
            )
            before = next((number for number, other in enumerate(worded) if continues(other, own)), None)
            if before is None:
                worded.append(own)
            else:
                worded[before] = replace(worded[before], valid_to=own.valid_to)
    return worded


def continues(before: Kpi, after: Kpi) -> bool:
    """Whether one wording follows on another that counts alike."""
    return before.valid_to == after.valid_from and bare(before) == bare(after)


def bare(kpi: Kpi) -> Kpi:
    """Return a KPI without what it has from its set."""
    return replace(undated(kpi), agreed=True)


def _kpi_content(kpi: Kpi) -> dict[str, Any]:
    keys = {name: value for name, value in kpi_keys(kpi).items() if name not in _OF_THE_SET}
    return {name: f"{value:.12g}" if isinstance(value, float) else value for name, value in keys.items()}


_NUMBERS = ("answer_within_s", "short_abandon_s", "target", "material", "volume_band", "patience_s")


def _with_numbers(content: Mapping[str, Any]) -> dict[str, Any]:
    return {name: float(value) if name in _NUMBERS else value for name, value in content.items()}
