"""Files and tables, as search finds them."""

from collections.abc import Iterator

from django.urls import reverse

from comity.apps.books.queries import readable_deliveries
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.searching import MAX_HITS, Excerpt, Hit, SearchSource, add_search_source
from comity.review.i18n.words import Words


def register() -> None:
    """Register what is found."""
    add_search_source(SearchSource("files", 50, _files))


def _files(member: MemberContext, words: Words, text: str) -> Iterator[Hit]:
    found = readable_deliveries(member).filter(name__icontains=text)
    for file in found.order_by("-at", "pk")[:MAX_HITS]:
        url = reverse("delivery", kwargs={"relationship": member.relationship.pk, "delivery": file.pk})
        about = f"{words(f'stage.{file.stage}')}, {member.party(words)(file.side)}"
        yield Hit(file.name, url, (Excerpt(about),), file.at)
