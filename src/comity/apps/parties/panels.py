"""Registry of what each app adds to pages of the whole room: inbox items, panels, navigation entries."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import IntEnum, StrEnum
from zoneinfo import ZoneInfo

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.core.values import Side
from comity.review.i18n.words import Words

PanelContext = Mapping[str, object]


class PanelArea(IntEnum):
    """The area of the page that a panel stands in."""

    TOP = 0  # above the inbox: setting up, what is wrong, what is missing
    SIDE = 1


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


class InboxGroup(StrEnum):
    """What somebody has to do with an item, in the order of the inbox."""

    ANSWER = "answer"
    CONFIRM = "confirm"
    DELIVER = "deliver"
    DO = "act"


@dataclass(frozen=True, slots=True)
class InboxItem:
    """Something that waits for a side.

    :ivar side: whose turn it is
    :ivar title: of the row, which leads to `url` as a whole
    :ivar action: what the reader can do there, as a button names it; empty where it is not theirs
    :ivar detail: one line below the title
    :ivar due: in the reader's time zone; None without a due date
    :ivar late: where something is late without a due date that passed
    :ivar by: who asked
    :ivar order: by which those due on one day are sorted; empty: by the title
    """

    group: InboxGroup
    side: Side
    title: str
    url: str
    action: str = ""
    detail: str = ""
    due: date | None = None
    late: bool = False
    by: str = ""
    order: str = ""


@dataclass(frozen=True, slots=True)
class InboxSource:
    """An app's part of the inbox.

    :ivar items: returns what waits for either side, the most urgent first; of many only the first
    :ivar count: returns how many wait for each side where `items` may be fewer; None: as many as the items
    :ivar all_url: returns where all that wait for a side are listed
    :ivar read_ahead: reads what `items` and `count` ask for, of several relationships of one person at once
    """

    name: str
    items: Callable[[MemberContext, Words], Iterable[InboxItem]]
    count: Callable[[MemberContext], Mapping[Side, int]] | None = None
    all_url: Callable[[MemberContext, Side], str] | None = None
    read_ahead: Callable[[Sequence[MemberContext]], None] | None = None


@dataclass(frozen=True, slots=True)
class NavEntry:
    """An entry of the navigation.

    :ivar name: of the URL, and of the catalogue key below [nav]
    :ivar count: returns how many things wait there; None where nothing is counted
    :ivar pages: names of the URLs of the pages below it
    :ivar key: the letter that leads there, after `g`, the same in every language
    """

    name: str
    order: int
    count: Callable[[MemberContext], int] | None = None
    pages: tuple[str, ...] = ()
    key: str = ""


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
_inbox_sources: dict[str, InboxSource] = {}
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


def add_inbox_source(source: InboxSource) -> None:
    """Register a part of the inbox."""
    _inbox_sources[source.name] = source


def inbox_sources() -> list[InboxSource]:
    """Return the parts of the inbox."""
    return list(_inbox_sources.values())


def add_nav_entry(entry: NavEntry) -> None:
    """Register an entry of the navigation."""
    _nav_entries[entry.name] = entry


def panels_in(area: PanelArea) -> list[Panel]:
    """Return the panels of an area, in order."""
    return sorted((panel for panel in _panels.values() if panel.area is area), key=lambda panel: panel.order)


def nav_entries() -> list[NavEntry]:
    """Return the entries of the navigation, in order."""
    return sorted(_nav_entries.values(), key=lambda entry: entry.order)
