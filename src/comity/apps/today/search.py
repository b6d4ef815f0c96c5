"""The glossary and the help pages, as search finds them; and everything that the apps find."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.urls import reverse

from comity.apps.help.queries import pages, terms
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.searching import (
    MAX_HITS,
    Excerpt,
    Hit,
    SearchSource,
    add_search_source,
    clean_text,
    contains_words,
    search_sources,
)
from comity.review.i18n.words import Words

_MIN_TEXT = 2  # characters


@dataclass(frozen=True, slots=True)
class HitsOfKind:
    """What was found of a kind, at most `MAX_HITS`."""

    kind: str
    hits: Sequence[Hit]


def register() -> None:
    """Register what is found in the help pages."""
    add_search_source(SearchSource("help", 80, _help))


def find(member: MemberContext, words: Words, text: str) -> list[HitsOfKind]:
    """Return what the member may read and that matches a text, by kind; kinds without a hit are left out."""
    searched = clean_text(text)
    if len(searched) < _MIN_TEXT:
        return []
    found = (HitsOfKind(one.kind, list(one.find(member, words, searched))) for one in search_sources())
    return [one for one in found if one.hits]


def _help(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:  # noqa: ARG001 - the same for everybody
    """Yield glossary terms, then pages of tasks and concepts."""
    return islice(_pages(words, text), MAX_HITS)


def _pages(words: Words, text: str) -> Iterator[Hit]:
    glossary = reverse("glossary")
    matching = [one for one in terms() if contains_words(f"{one.noun} {one.meaning}", text)]
    for one in sorted(matching, key=lambda one: not contains_words(one.noun, text)):
        yield Hit(one.noun, f"{glossary}#{one.anchor}", (Excerpt(one.meaning),))
    for page in pages(words.language).values():
        if contains_words(f"{page.title} {page.text}", text):
            yield Hit(page.title, reverse("concept", kwargs={"page": page.name}), (Excerpt(words("help.title")),))
