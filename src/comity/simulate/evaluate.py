"""Evaluation of the readings against the truth over many seeds: how often the verdict, or the headline alone, is right.

Each story is simulated twice for each seed, as a small partnership and as an ample one. A reading has *enough* data
where z * s_h is at most half the material change; there it ought to be right. Where it has not, `unclear` is neither
right nor wrong, and is counted separately.
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
from comity.simulate.partnership import Partnership, make_partnership
from comity.simulate.truth import Truth, truths

MONTHS = 6
VIEWER = Viewer("evaluation", "northwind/helpline", None)
_TABLES = {
    "satisfaction": ("surveys", "accounts"),
    "service_level": ("contacts", "events"),
    "sla_attainment": ("contacts", "events"),
    "revenue": ("invoices", "prices", "accounts", "contacts"),
}


@dataclass(frozen=True, slots=True)
class Size:
    """Size of a simulated partnership: contacts a day, accounts in the survey, people in each."""

    name: str
    contacts_per_day: float
    panel: int
    people: int


SIZES = (Size("small", 250, 60, 8), Size("ample", 1500, 240, 24))


@dataclass(frozen=True, slots=True)
class Outcome:
    """One reading of one simulated book, beside its truth.

    `verdict`: of the reading; `headline_right`: whether the figure as reported, read for what it seems, went the way of
    what changed; `enough`: z * s_h is at most half the material change; `covered`: the interval of the like-for-like
    change holds the true one (None for exact figures).
    """

    story: str
    size: str
    seed: int
    reading: str
    verdict: str
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
    """Simulate every story in every size for every seed, compute the readings, and compare.

    :param progress: called with the number of books done and the total
    """
    done, total = 0, len(stories) * len(sizes) * len(seeds)
    for story in stories:
        for size in sizes:
            for seed in seeds:
                partnership = make_partnership(
                    story, seed, MONTHS, size.contacts_per_day, story.ends, panel=size.panel, people=size.people
                )
                yield from _evaluate_partnership(partnership, size.name)
                done += 1
                if progress is not None:
                    progress(done, total)


def _evaluate_partnership(partnership: Partnership, size: str) -> Iterator[Outcome]:
    about = [truth for truth in truths(partnership) if truth.about]
    tables = {table for truth in about for table in _TABLES[truth.reading]}
    with tempfile.TemporaryDirectory(prefix="comity-") as folder:
        book_folder = write_book(partnership, Path(folder) / "book", tables)
        with open_book(book_folder, VIEWER) as book:
            for truth in about:
                yield _outcome(truth, _compute_reading(book, truth, partnership.end), partnership, size)


def _compute_reading(book: Book, truth: Truth, end: date) -> Reading | None:
    """Compute the reading that a truth is about; None where there is none."""
    comparison = Comparison(truth.period, truth.reference, end)
    gather = import_module(f"comity.book.statistics.{truth.reading}").gather
    read = import_module(f"comity.core.readings.{truth.reading}").read
    readings = [read(stats) for stats in gather(book, [comparison])[comparison]]
    return next((each for each in readings if each is not None and each.variant in {truth.variant, None}), None)


def _outcome(truth: Truth, reading: Reading | None, partnership: Partnership, size: str) -> Outcome:
    if reading is None:
        return Outcome(
            partnership.story.name, size, partnership.seed, truth.reading, "missing", None, None,
            right=False, enough=False, headline_right=False, covered=None, truth=truth, headline=0.0,
            like_for_like=None,
        )  # fmt: skip
    like_for_like, z = reading.like_for_like, reading.z or 0.0
    error = None if like_for_like is None or like_for_like.se is None else z * like_for_like.se
    return Outcome(
        story=partnership.story.name,
        size=size,
        seed=partnership.seed,
        reading=truth.reading,
        verdict=str(reading.verdict),
        cause=reading.cause,
        would_be=None if reading.would_be is None else str(reading.would_be),
        right=truth.right(str(reading.verdict), reading.cause),
        enough=error is not None and error <= reading.material / 2,
        headline_right=_direction(reading.headline.change, reading.material)
        == _direction(truth.like_for_like, truth.material),
        # What was invoiced varies by chance here, and a reading of invoices has an error of the days' weights only.
        covered=None
        if like_for_like is None or not error or reading.unit == "money"
        else abs(like_for_like.change - truth.like_for_like) <= error,
        truth=truth,
        headline=reading.headline.change,
        like_for_like=None if like_for_like is None else like_for_like.change,
    )


def _direction(change: float, material: float) -> int:
    """Return 1 for up, -1 for down, 0 for a change that is not material."""
    return 0 if abs(change) < material else 1 if change > 0 else -1
