"""What programs ask of search, and are answered."""

from datetime import datetime

from ninja import Field, Schema

from comity.apps.parties.searching import MAX_TEXT


class SearchIn(Schema):
    """What to search for; `kind` is one of those that an answer names."""

    q: str = Field(min_length=2, max_length=MAX_TEXT)
    kind: str = Field("", max_length=20)
    language: str = Field("en", pattern="^(en|es)$")


class HitOut(Schema):
    """Something found; `url` is a page of the room."""

    kind: str
    title: str
    text: str
    url: str
    at: datetime | None
