"""What each app puts on the page of today and into the navigation; each registers its own, and Today shows them all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.review.i18n.words import Words

Context = Mapping[str, object]


class Place(IntEnum):
    """Where on the page a panel stands."""

    HEAD = 0
    TOP = 1  # what is wrong, or missing
    MAIN = 2  # what waits for somebody
    SIDE = 3


@dataclass(frozen=True, slots=True)
class Panel:
    """A part of the page of today.

    :ivar template: which shows it, with what `context` gives as `box`
    :ivar order: among those of its place
    :ivar context: by viewer, words and the relationship's zone; None where there is nothing to show
    """

    template: str
    place: Place
    order: int
    context: Callable[[MemberContext, Words, ZoneInfo], Context | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """A page of the navigation.

    :ivar name: of its address, and of its word below [nav]
    :ivar count: how many things wait there; None where none is counted
    """

    name: str
    order: int
    count: Callable[[MemberContext], int] | None = None


_panels: dict[str, Panel] = {}
_entries: dict[str, Entry] = {}


def add_panel(panel: Panel) -> None:
    """Show a panel on the page of today."""
    _panels[panel.template] = panel


def add_entry(entry: Entry) -> None:
    """Show a page in the navigation."""
    _entries[entry.name] = entry


def panels(place: Place) -> list[Panel]:
    """The panels of a place, in their order."""
    return sorted((one for one in _panels.values() if one.place is place), key=lambda one: one.order)


def entries() -> list[Entry]:
    """The navigation, in its order."""
    return sorted(_entries.values(), key=lambda one: one.order)
