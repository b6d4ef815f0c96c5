"""Search over what a token's person may read."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest
from ninja import Query

from comity.apps.i18n import words_for
from comity.apps.parties.member_context import member_of
from comity.apps.today.schemas import HitOut, SearchIn
from comity.apps.today.search import find
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/search", response=list[HitOut])
def search(request: HttpRequest, relationship: UUID, asked_for: Query[SearchIn]) -> list[dict[str, Any]]:
    """Matters, comments, people, figures, files, events of the log, and help pages that match a text."""
    member = member_of(request)
    return [
        {
            "kind": one.kind,
            "title": hit.title,
            "text": "".join(part.text for part in hit.about),
            "url": hit.url,
            "at": hit.at,
        }
        for one in find(member, words_for(asked_for.language), asked_for.q)
        if asked_for.kind in {"", one.kind}
        for hit in one.hits
    ]
