"""The agreement as the API gives it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from comity.core.agreements.carried_out_first import FirstState
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


class FirstOut(Schema):
    """A change that was asked to be carried out before it is signed."""

    state: str = Field(description=f"one of {', '.join(FirstState)}")
    asked_by: Side
    asked_at: datetime
    first_day: date = Field(description="from when it is to be carried out")
    under_reserve: bool = Field(description="whether it was accepted under reserve")
    due: datetime | None = Field(description="until when it has to be agreed or taken back; absent: nothing is due")


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
    carried_out_first: FirstOut | None = Field(description="absent: nobody asked for it before it is signed")
    days_carried_out_first: int | None = Field(
        description="working days for which it was carried out before it was agreed; absent: it is not agreed"
    )


class ChangesOut(Schema):
    """Changes, drafts first, then the latest number first."""

    items: list[ChangeOut]
