"""People, as search finds them."""

from collections.abc import Iterator

from django.urls import reverse

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.queries import members
from comity.apps.parties.searching import MAX_HITS, Excerpt, Hit, SearchSource, add_search_source
from comity.review.i18n.words import Words


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("people", 30, _people))


def _people(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    url, party = reverse("people", kwargs={"relationship": member.relationship.pk}), member.party(words)
    for one in members(member).filter(person__name__icontains=text)[:MAX_HITS]:
        side = words("people.neutral") if one.side is None else party(one.side)
        yield Hit(one.person.name, url, (Excerpt(f"{words(f'role.{one.role}')}, {side}"),))
