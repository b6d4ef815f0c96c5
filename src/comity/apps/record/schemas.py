"""The record as the API gives it out."""

from typing import Any

from ninja import Field, Schema


class EntryOut(Schema):
    """One entry of the record, with the digest of the one before it."""

    number: int
    content: dict[str, Any]
    previous: str
    digest: str


class RecordOut(Schema):
    """The record, `comity.record/1`: `comity verify` checks it."""

    form: str = Field(alias="schema")
    entries: list[EntryOut]
