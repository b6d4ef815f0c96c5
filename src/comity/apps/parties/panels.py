"""Registry of panels for the Today page, and of navigation entries: each app registers its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.review.i18n.words import Words

PanelContext = Mapping[str, object]


class PanelArea(IntEnum):
    """The area of the page that a panel stands in."""

    HEAD = 0
    TOP = 1  # what is wrong, or missing
    MAIN = 2  # what waits for somebody
    SIDE = 3


@dataclass(frozen=True, slots=True)
class Panel:
    """A panel of the Today page.

    :ivar template: rendered with the result of `context` as `box`
    :ivar order: among the panels of its area
    :ivar context: takes viewer, words and the relationship's time zone; returns None where there is nothing to show
    """

    template: str
    area: PanelArea
    order: int
    context: Callable[[MemberContext, Words, ZoneInfo], PanelContext | None]


@dataclass(frozen=True, slots=True)
class NavEntry:
    """An entry of the navigation.

    :ivar name: of the URL, and of the catalogue key below [nav]
    :ivar count: returns how many things wait there; None where nothing is counted
    """

    name: str
    order: int
    count: Callable[[MemberContext], int] | None = None


@dataclass(frozen=True, slots=True)
class AccountSection:
    """A section of the account page.

    :ivar template: rendered with the result of `context` as `box`
    :ivar context: takes the person whose account it is
    """

    template: str
    order: int
    context: Callable[[Person], PanelContext]


_account_sections: dict[str, AccountSection] = {}
_panels: dict[str, Panel] = {}
_nav_entries: dict[str, NavEntry] = {}


def add_panel(panel: Panel) -> None:
    """Register a panel of the Today page."""
    _panels[panel.template] = panel


def add_account_section(section: AccountSection) -> None:
    """Register a section of the account page."""
    _account_sections[section.template] = section


def account_sections() -> list[AccountSection]:
    """Return the sections of the account page, in order."""
    return sorted(_account_sections.values(), key=lambda section: section.order)


def add_nav_entry(entry: NavEntry) -> None:
    """Register an entry of the navigation."""
    _nav_entries[entry.name] = entry


def panels_in(area: PanelArea) -> list[Panel]:
    """Return the panels of an area, in order."""
    return sorted((panel for panel in _panels.values() if panel.area is area), key=lambda panel: panel.order)


def nav_entries() -> list[NavEntry]:
    """Return the entries of the navigation, in order."""
    return sorted(_nav_entries.values(), key=lambda entry: entry.order)
