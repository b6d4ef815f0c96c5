"""The readings held against the truth over many seeds: how often the word was right, and what the headline alone says.

Each story is told twice for each seed, in a small partnership and in an ample one. A reading has *enough* data where
z * s_h is at most half the material change; there it ought to be right. Where it has not, `unclear` is no mistake but
no answer either, and is counted by itself.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from pathlib import Path

from comity.book.reading.open import Book, open_book
from comity.core.readings.reading import Reading
from comity.core.values import Comparison, Viewer
from comity.simulate.book import write_book
from comity.simulate.conditions import Story
from comity.simulate.partnership import Partnership, partnership
from comity.simulate.truth import Truth, truths

MONTHS = 6
VIEWER = Viewer("evaluation", "northwind/helpline", None)
_TABLES = {
    "satisfaction": ("surveys", "accounts"),
    "service_level": ("contacts", "events"),
    "sla_attainment": ("contacts", "events"),
    "revenue": ("invoices", "prices", "accounts"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """How big a partnership is told: contacts a day, accounts in the survey, people in each."""

    name: str
    contacts_per_day: float
    panel: int
    people: int


SIZES = (Size("small", 250, 60, 8), Size("ample", 1500, 240, 24))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reading of one simulated book, beside its truth.

    `said`: the verdict; `headline_right`: whether the figure as reported, read for what it seems, went the way of
    what changed; `enough`: z * s_h is at most half the material change; `covered`: the interval of the like-for-like
    change holds the true one (None for exact figures).
    """

    story: str
    size: str
    seed: int
    reading: str
    said: str
    cause: str | None
    would_be: str | None
    right: bool
    enough: bool
    headline_right: bool
    covered: bool | None
    truth: Truth
    headline: float
    like_for_like: float | None


def evaluate(
    stories: Sequence[Story],
    seeds: Sequence[int],
    sizes: Sequence[Size] = SIZES,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[Outcome]:
    """Tell every story in every size for every seed, read the books, and compare.

    :param progress: told how many books are done, and of how many
    """
    done, every = 0, len(stories) * len(sizes) * len(seeds)
    for story in stories:
        for size in sizes:
            for seed in seeds:
                told = partnership(
                    story, seed, MONTHS, size.contacts_per_day, story.ends, panel=size.panel, people=size.people
                )
                yield from _told(told, size.name)
                done += 1
                if progress is not None:
                    progress(done, every)


def _told(told: Partnership, size: str) -> Iterator[Outcome]:
    about = [one for one in truths(told) if one.about]
    tables = {table for one in about for table in _TABLES[one.reading]}
    with tempfile.TemporaryDirectory(prefix="comity-") as folder:
        book_folder = write_book(told, Path(folder) / "book", tables)
        with open_book(book_folder, VIEWER) as book:
            for one in about:
                yield _outcome(one, _read(book, one, told.end), told, size)


def _read(book: Book, one: Truth, end: date) -> Reading | None:
    """The reading that the truth is about."""
    asked = Comparison(one.period, one.reference, end)
    gather = import_module(f"comity.book.statistics.{one.reading}").gather
    read = import_module(f"comity.core.readings.{one.reading}").read
    readings = [read(stats) for stats in gather(book, [asked])[asked]]
    return next((each for each in readings if each is not None and each.variant in {one.variant, None}), None)


def _outcome(one: Truth, reading: Reading | None, told: Partnership, size: str) -> Outcome:
    if reading is None:
        return Outcome(
            told.story.name, size, told.seed, one.reading, "missing", None, None,
            right=False, enough=False, headline_right=False, covered=None, truth=one, headline=0.0, like_for_like=None,
        )  # fmt: skip
    like, z = reading.like_for_like, reading.z or 0.0
    error = None if like is None or like.se is None else z * like.se
    return Outcome(
        story=told.story.name,
        size=size,
        seed=told.seed,
        reading=one.reading,
        said=str(reading.verdict),
        cause=reading.cause,
        would_be=None if reading.would_be is None else str(reading.would_be),
        right=one.right(str(reading.verdict), reading.cause),
        enough=error is not None and error <= reading.material / 2,
        headline_right=_way(reading.headline.change, reading.material) == _way(one.like_for_like, one.material),
        covered=None if like is None or not error else abs(like.change - one.like_for_like) <= error,
        truth=one,
        headline=reading.headline.change,
        like_for_like=None if like is None else like.change,
    )


def _way(change: float, material: float) -> int:
    """Up, down, or nothing that matters."""
    return 0 if abs(change) < material else 1 if change > 0 else -1
