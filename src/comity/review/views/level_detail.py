"""A level opened as finished text: by queue, team, weekday and hour, and the contacts behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from comity.book.statistics.level_cuts import SHARES, ContactRow, CutSum
from comity.core.agreements.kpi import HIGHER
from comity.review.i18n.words import DASH, Words, clean
from comity.review.level_detail import LevelDetail
from comity.review.model import Level, Review
from comity.review.views.level import ratio_text

ON_A_PAGE = 50
_FEWEST_IN_CELL = 20  # contacts; a cell of fewer says little, and is not shaded
_STEPS = (0.05, 0.15, 0.30)  # beyond the target, at which a shade gets darker


@dataclass(frozen=True, slots=True)
class CutRow:
    """A level of a part: its value, of how many, whether it meets the target, and its share of what counts."""

    name: str
    value: str
    of: str
    met: str
    share: float


@dataclass(frozen=True, slots=True)
class HourCell:
    """An hour of a weekday: its value, what it is of, and a class for how far from the target it is."""

    value: str
    title: str
    look: str


@dataclass(frozen=True, slots=True)
class HeatRow:
    """A weekday of the map."""

    name: str
    cells: tuple[HourCell, ...]


@dataclass(frozen=True, slots=True)
class ContactsPage:
    """One page of the contacts behind a level."""

    rows: tuple[tuple[str, ...], ...]
    about: str
    page: int
    pages: int


def cut_rows(sums: Sequence[CutSum], level: Level, review: Review, words: Words) -> list[CutRow]:
    """The parts of a level; a name of "" is that of teams shown together."""
    most = max((one.den for one in sums), default=1.0)
    rows = []
    for one in sums:
        value = one.num / one.den
        met = level.definition.met(value)
        name = {None: words("detail.unknown"), "": words("detail.small_teams")}.get(one.name) or clean(one.name or "")
        rows.append(
            CutRow(
                name,
                words.figure(value, level.unit, review.currency),
                ratio_text(level, one.num, one.den, words),
                DASH if met is None else words("levels.is_met" if met else "levels.not_met"),
                one.den / most,
            )
        )
    return rows


def heat_rows(detail: LevelDetail, level: Level, review: Review, words: Words) -> tuple[list[str], list[HeatRow]]:
    """The hours of the map's head, and a row for each weekday on which something counts."""
    hours = {} if detail.cuts is None else detail.cuts.hours
    if not hours:
        return [], []
    first, last = min(hour for _, hour in hours), max(hour for _, hour in hours)
    columns = range(first, last + 1)
    rows = []
    for weekday in sorted({day for day, _ in hours}):
        name = words.weekday(weekday, wide=True)
        cells = tuple(
            _cell(hours.get((weekday, hour)), f"{name} {hour:02}:00", level, review, words) for hour in columns
        )
        rows.append(HeatRow(name, cells))
    return [f"{hour:02}" for hour in columns], rows


def _cell(sums: tuple[float, float] | None, when: str, level: Level, review: Review, words: Words) -> HourCell:
    if sums is None or not sums[1]:
        return HourCell("", when, "")
    value = sums[0] / sums[1]
    text = words.figure(value, level.unit, review.currency)
    title = f"{when}: {text}; {ratio_text(level, *sums, words)}"
    short = words.number(value * 100) if level.unit == "share" else words.number(value)
    if sums[1] < _FEWEST_IN_CELL or not level.target:
        return HourCell(short, title, "met")
    off = level.target - value if level.better == HIGHER else value - level.target
    beyond = off if level.unit == "share" else off / level.target
    look = "met" if beyond <= 0 else f"shade-{1 + sum(beyond > step for step in _STEPS)}"
    return HourCell(short, title, look)


def contacts_page(detail: LevelDetail, level: Level, page: int, words: Words) -> ContactsPage | None:
    """A page of the contacts behind a level; None where there are none to show."""
    if detail.cuts is None or not detail.cuts.contacts:
        return None
    shown = detail.cuts.contacts
    pages = -(-len(shown) // ON_A_PAGE)
    page = min(max(page, 1), pages)
    zone = ZoneInfo(detail.timezone)
    rows = tuple(_contact(one, zone, words) for one in shown[(page - 1) * ON_A_PAGE : page * ON_A_PAGE])
    key = "against" if level.measure in SHARES else "counted"
    about = words(f"detail.contacts_{key}", count=detail.cuts.behind, shown=words.number(len(shown)))
    return ContactsPage(rows, about, page, pages)


CONTACT_COLUMNS = ("contact", "opened", "queue", "channel", "outcome", "wait_s", "handle_s")


def contact_cells(detail: LevelDetail) -> Iterator[tuple[object, ...]]:
    """The contacts behind a level for a file: the moment in the book's zone, seconds as numbers, nothing as ""."""
    zone = ZoneInfo(detail.timezone)
    for row in () if detail.cuts is None else detail.cuts.contacts:
        opened = row.opened_at.replace(tzinfo=UTC).astimezone(zone)
        values = (row.contact_id, opened.isoformat(), row.queue, row.channel, row.outcome, row.wait_s, row.handle_s)
        yield tuple("" if value is None else value for value in values)


def _contact(row: ContactRow, zone: ZoneInfo, words: Words) -> tuple[str, ...]:
    opened = row.opened_at.replace(tzinfo=UTC).astimezone(zone)
    return (
        clean(row.contact_id),
        f"{words.day(opened.date())} {opened:%H:%M}",
        clean(row.queue or DASH),
        clean(row.channel or DASH),
        clean(row.outcome or DASH),
        DASH if row.wait_s is None else words.figure(row.wait_s, "seconds", places=0),
        DASH if row.handle_s is None else words.figure(row.handle_s, "seconds", places=0),
    )
