"""Filters of lists, as links with how many rows each would show."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FilterOption:
    """An option of a filter.

    :ivar query: of the URL with this option
    :ivar count: of the rows that it would show; empty where nothing is counted
    """

    label: str
    query: str
    is_chosen: bool
    count: str = ""


@dataclass(frozen=True, slots=True)
class FilterBar:
    """A filter with its options."""

    label: str
    options: Sequence[FilterOption]
