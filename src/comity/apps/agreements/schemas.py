"""The agreement as the API gives it."""

from datetime import date, datetime
from typing import Any
from uuid import UUID

from ninja import Field, Schema

from comity.core.agreements.carried_out_first import FirstState
from comity.core.agreements.kinds import Kind
from comity.core.agreements.measured import ReasonMark
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


class ShareOut(Schema):
    """So many of so many."""

    hits: int
    of: int
    share: float | None = Field(description="absent: nothing is counted")
    low: float | None = Field(description="of Jeffreys' 95 % interval")
    high: float | None


class DaysOut(Schema):
    """Days from the first proposal to the last signature."""

    count: int
    median: float
    least: int
    most: int


class SideMeasuresOut(Schema):
    """How one side changes the agreement, of the changes that the reader may read."""

    notice: ShareOut = Field(description="of its own changes with an agreed notice, those that gave it")
    reasons: ShareOut = Field(description="of its own changes whose reason was marked, those marked sufficient")
    not_marked: ShareOut = Field(description="of its own changes, those whose reason is not marked")
    authorship: ShareOut = Field(description="of all changes, those of which a value is its own")
    executed_only: ShareOut = Field(
        description="of the changes it carries out, those it neither proposed, worded, nor was asked about"
    )
    told: ShareOut = Field(description="of the other side's changes it carries out, those it could read before")
    told_in_time: ShareOut = Field(description="of these, those with the agreed notice")
    done_before: ShareOut = Field(description="of the changes it carries out, those begun before both had signed")
    days: DaysOut | None = Field(description="of its own changes; absent: there are none")


class MeasuredChangeOut(Schema):
    """An agreed change as it is counted."""

    id: UUID
    number: int
    title: str
    agreed_on: date
    side: Side = Field(description="whose change it is")
    carried_out_by: list[Side]
    notice_agreed: int | None = Field(description="clear working days; absent: none is agreed")
    notice_given: int
    reason: str = Field(description=f"one of {', '.join(ReasonMark)}")
    authors: list[Side]
    executed_only_by: list[Side]
    days_to_agreed: int


class DutyOut(Schema):
    """A duty of today's text."""

    clause: str
    side: Side
    measure: str
    target: str = Field(description="a share as the clause has it; empty: none is agreed")
    share: ShareOut | None = Field(description="absent: not in this version")
    met: bool | None


class MeasuresOut(Schema):
    """How both sides change their agreement."""

    customer: SideMeasuresOut
    provider: SideMeasuresOut
    changes: list[MeasuredChangeOut] = Field(description="those that are counted, the latest number first")
    not_readable: int = Field(description="agreed changes left out because the reader may not read them")
    from_before: int = Field(description="agreed changes that nobody proposed and signed in the room")
    duties: list[DutyOut]
    not_in_this_version: list[str]
