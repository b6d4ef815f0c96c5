"""Figures and readings, as search finds them by their names."""

from collections.abc import Iterator
from itertools import islice

from django.urls import reverse

from comity.apps.books.queries import NoBookError, definition
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.searching import MAX_HITS, Excerpt, Hit, SearchSource, add_search_source, contains_words
from comity.book.definition import UnusableBookError
from comity.review.i18n.words import Words
from comity.review.readings import reading_specs
from comity.review.views.sentences import kpi_title


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("figures", 40, _figures))


def _figures(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    """Yield the agreed KPIs, then the readings."""
    return islice(_named(member, words, text), MAX_HITS)


def _named(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    within = {"relationship": member.relationship.pk}
    try:
        kpis = definition(member).kpis
    except (NoBookError, UnusableBookError):
        return
    for kpi in {one.id: one for one in kpis}.values():
        title = kpi_title(kpi.id, kpi.measure, words)
        if contains_words(title, text):
            yield Hit(title, reverse("figure", kwargs=within | {"kpi": kpi.id}), (Excerpt(words("search.kpi")),))
    for spec in reading_specs():
        title = words.named("reading", spec.id)
        if contains_words(title, text):
            url = reverse("reading", kwargs=within | {"reading": spec.id})
            yield Hit(title, url, (Excerpt(words("search.reading")),))
