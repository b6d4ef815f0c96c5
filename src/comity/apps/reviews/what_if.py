"""What-if analysis of a service level: read from a query string, computed by the model of its attribution."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from comity.review.attribution import Attribution, local_starts, people_by_interval, what_if_level

_NUMBER_PATTERN = re.compile(r"([+\-\u2212]?)\s*(\d{1,6}(?:[.,]\d{1,3})?)\s*%?")
_TIME_PATTERN = re.compile(r"(\d{1,3})\s*:\s*([0-5]\d)")
_MIN_VOLUME, _MAX_VOLUME, _MAX_PEOPLE, _MAX_SECONDS = -100.0, 300.0, 10_000.0, 7200.0
_HALF_HOURS = 48


@dataclass(frozen=True, slots=True)
class WhatIf:
    """A hypothesis as the user has typed it, and the names of the fields that cannot be read (`wrong`).

    `volume` in per cent more or fewer, `handled` a contact's handling as m:ss or seconds, `people` more or fewer from
    the half hour `since` of the day on.
    """

    volume: str
    handled: str
    people: str
    since: int
    wrong: tuple[str, ...]
    _numbers: tuple[float, float | None, float]

    @classmethod
    def from_query(cls, query: Mapping[str, str], attribution: Attribution) -> "WhatIf":
        """Read a query string; what is left out stays as it was."""
        volume, handled, people = (query.get(name, "").strip()[:12] for name in ("volume", "handled", "people"))
        since = query.get("since", "")
        half_hour = int(since) if since.isdecimal() and int(since) < _HALF_HOURS else 0
        volume_change, handle_time, people_change = (
            _parse_number(volume),
            _parse_seconds(handled),
            _parse_number(people),
        )
        has_handle_times = attribution.amounts is not None and bool(attribution.amounts.aht)
        wrong = [
            *(
                ["volume"]
                if volume and (volume_change is None or not _MIN_VOLUME < volume_change <= _MAX_VOLUME)
                else []
            ),
            *(
                ["handled"]
                if handled and (handle_time is None or not 0 < handle_time <= _MAX_SECONDS or not has_handle_times)
                else []
            ),
            *(["people"] if people and (people_change is None or abs(people_change) > _MAX_PEOPLE) else []),
        ]
        return cls(
            volume, handled, people, half_hour, tuple(wrong), (volume_change or 0.0, handle_time, people_change or 0.0)
        )

    @property
    def is_given(self) -> bool:
        """Whether any field is filled in."""
        return bool(self.volume or self.handled or self.people)

    def level(self, attribution: Attribution) -> float | None:
        """Return the level that the model gives; None where no contact would count."""
        volume_change, handle_time, people_change = self._numbers
        observed_handle_time = attribution.amounts.aht if attribution.amounts is not None else None
        try:
            return what_if_level(
                attribution,
                volume=1 + volume_change / 100,
                handled=handle_time / observed_handle_time if handle_time and observed_handle_time else 1.0,
                more=people_by_interval(attribution, people_change, self.since),
            )
        except ValueError:
            return None


def half_hours_of(attribution: Attribution) -> set[int]:
    """Return the half hours of the day, from 0 to 47, in which contacts were both planned and handled."""
    return {one.hour * 2 + one.minute // 30 for one in local_starts(attribution)}


def _parse_number(text: str) -> float | None:
    match = _NUMBER_PATTERN.fullmatch(text)
    if match is None:
        return None
    return (-1.0 if match[1] in ("-", "\u2212") else 1.0) * float(match[2].replace(",", "."))


def _parse_seconds(text: str) -> float | None:
    match = _TIME_PATTERN.fullmatch(text)
    if match is not None:
        return int(match[1]) * 60.0 + int(match[2])
    number = _parse_number(text)
    return number if number is not None and number >= 0 else None
