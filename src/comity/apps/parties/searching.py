"""Search: what each app finds, and full-text search in the database, below row-level security."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.contrib.postgres.search import CombinedSearchVector, SearchHeadline, SearchQuery, SearchVector
from django.db.models import Model, QuerySet

from comity.apps.parties.member_context import MemberContext
from comity.review.i18n.words import Words

M = TypeVar("M", bound=Model)
MAX_HITS = 50  # of each source
MAX_TEXT = 200  # characters that are searched for
CONFIGS = {"en": "english", "es": "spanish"}  # of PostgreSQL's text search, by the reader's language
_START, _STOP = "\x02", "\x03"  # around matches in excerpts; no text on a page holds them
_TIDY = str.maketrans(dict.fromkeys("\x00" + _START + _STOP, " "))


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a text; `matches` where it is what was searched for."""

    text: str
    matches: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found.

    :ivar about: an excerpt of its text, or one line about it
    """

    title: str
    url: str
    about: Sequence[Excerpt] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SearchSource:
    """What an app finds.

    :ivar kind: name of the kind of what is found, below [search] in the catalogues
    :ivar find: returns at most `MAX_HITS`, the best first
    """

    kind: str
    order: int
    find: Callable[[MemberContext, Words, str], Iterable[Hit]]


_sources: dict[str, SearchSource] = {}


def add_search_source(source: SearchSource) -> None:
    """Register what an app finds."""
    _sources[source.kind] = source


def search_sources() -> list[SearchSource]:
    """Return the sources, in order."""
    return sorted(_sources.values(), key=lambda source: source.order)


def clean_text(text: str) -> str:
    """Return the text to search for, without signs that no text holds."""
    return " ".join(text.translate(_TIDY).split())[:MAX_TEXT]


def search_query(text: str, language: str) -> SearchQuery:
    """Return a query in the reader's language, as people type it: words, "phrases", or, -not."""
    return SearchQuery(text, config=CONFIGS[language], search_type="websearch")


def search_vector(language: str, *fields: str) -> CombinedSearchVector | SearchVector:
    """Return the words of fields in the reader's language.

    An index would not be used: below row-level security the database evaluates the policy before it compares words.
    """
    return SearchVector(*fields, config=CONFIGS[language])


def with_excerpt(rows: QuerySet[M], field: str, text: str, language: str) -> QuerySet[Any]:
    """Annotate rows with `excerpt`, the part of a field that matches."""
    return rows.annotate(
        excerpt=SearchHeadline(
            field,
            search_query(text, language),
            config=CONFIGS[language],
            start_sel=_START,
            stop_sel=_STOP,
            max_words=28,
            min_words=12,
        )
    )


def excerpts(headline: str) -> list[Excerpt]:
    """Split a headline of the database at its matches."""
    return list(_excerpts(headline))


def _excerpts(headline: str) -> Iterator[Excerpt]:
    for number, part in enumerate(headline.split(_START)):
        match, stop, rest = part.partition(_STOP)
        if number == 0 or not stop:
            yield Excerpt(part)
            continue
        yield Excerpt(match, matches=True)
        if rest:
            yield Excerpt(rest)


def contains_words(text: str, searched: str) -> bool:
    """Return whether a text of ours contains every word that is searched for."""
    folded = text.casefold()
    return all(word in folded for word in searched.casefold().split())
