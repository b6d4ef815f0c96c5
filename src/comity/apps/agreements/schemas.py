"""The agreement as the API gives it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import State
from comity.core.values import Side


class ClauseOut(Schema):
    """A clause as it reads on a day; of one that the reader may not see, id and kind alone."""

    id: str
    kind: str = Field(description=f"one of {', '.join(Kind)}")
    shown: bool = Field(description="false: not shown to the reader")
    fields: dict[str, Any] = Field(description="with every default written out, as the canonical form has them")
    sentences: list[str]


class AgreementOut(Schema):
    """The text of a day."""

    day: date
    known: int | None = Field(description="the place of the agreement up to which it is known; absent: all of it")
    clauses: list[ClauseOut]


class SignatureOut(Schema):
    """One person's signature of the text that stands."""

    side: Side
    person: str
    role: str
    at: datetime


class ChangeOut(Schema):
    """A change: a draft that the reader may see, or one that was proposed."""

    id: UUID
    number: int | None = Field(description="given when it is proposed")
    title: str
    side: Side = Field(description="whose change it is")
    state: str = Field(description=f"one of {', '.join(State)}")
    first_day: date | None
    end: date | None = Field(description="the first day without it; absent: it holds for good")
    reason: str
    signatures: list[SignatureOut]
    entry: int | None = Field(description="number of its entry in the record, once both have signed")


class ChangesOut(Schema):
    """Changes, drafts first, then the latest number first."""

    items: list[ChangeOut]
