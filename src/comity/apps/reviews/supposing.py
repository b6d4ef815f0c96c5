"""One's own "what if": read from an address, and worked out by the model that shared the level out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from comity.review.attribution import Attribution, local_starts, people_by_interval, what_if_level

_NUMBER = re.compile(r"([+\-\u2212]?)\s*(\d{1,6}(?:[.,]\d{1,3})?)\s*%?")
_TIME = re.compile(r"(\d{1,3})\s*:\s*([0-5]\d)")
_LEAST_VOLUME, _MOST_VOLUME, _MOST_PEOPLE, _MOST_SECONDS = -100.0, 300.0, 10_000.0, 7200.0
_HALF_HOURS = 48


@dataclass(frozen=True, slots=True)
class Tried:
    """What somebody supposed, as written, and what of it cannot be read.

    `volume` in per cent more or fewer, `handled` a contact's handling as m:ss or seconds, `people` more or fewer from
    the half hour `since` of the day on.
    """

    volume: str
    handled: str
    people: str
    since: int
    wrong: tuple[str, ...]
    _read: tuple[float, float | None, float]

    @classmethod
    def of(cls, asked: Mapping[str, str], made: Attribution) -> "Tried":
        """From an address; what is left out is as it was."""
        volume, handled, people = (asked.get(name, "").strip()[:12] for name in ("volume", "handled", "people"))
        since = asked.get("since", "")
        slot = int(since) if since.isdecimal() and int(since) < _HALF_HOURS else 0
        more, mean, there = _number(volume), _seconds(handled), _number(people)
        known = made.amounts is not None and bool(made.amounts.aht)
        wrong = [
            *(["volume"] if volume and (more is None or not _LEAST_VOLUME < more <= _MOST_VOLUME) else []),
            *(["handled"] if handled and (mean is None or not 0 < mean <= _MOST_SECONDS or not known) else []),
            *(["people"] if people and (there is None or abs(there) > _MOST_PEOPLE) else []),
        ]
        return cls(volume, handled, people, slot, tuple(wrong), (more or 0.0, mean, there or 0.0))

    @property
    def asked(self) -> bool:
        """Whether anything was supposed."""
        return bool(self.volume or self.handled or self.people)

    def level(self, made: Attribution) -> float | None:
        """The level that the model gives; None where nothing would count."""
        more, mean, there = self._read
        took = made.amounts.aht if made.amounts is not None else None
        try:
            return what_if_level(
                made,
                volume=1 + more / 100,
                handled=mean / took if mean and took else 1.0,
                more=people_by_interval(made, there, self.since),
            )
        except ValueError:
            return None


def slots_of(made: Attribution) -> set[int]:
    """The half hours of the day in which anything was planned and happened."""
    return {one.hour * 2 + one.minute // 30 for one in local_starts(made)}


def _number(text: str) -> float | None:
    found = _NUMBER.fullmatch(text)
    if found is None:
        return None
    return (-1.0 if found[1] in ("-", "\u2212") else 1.0) * float(found[2].replace(",", "."))


def _seconds(text: str) -> float | None:
    found = _TIME.fullmatch(text)
    if found is not None:
        return int(found[1]) * 60.0 + int(found[2])
    number = _number(text)
    return number if number is not None and number >= 0 else None
