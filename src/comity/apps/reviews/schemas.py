"""API schemas of reviews and of closing periods; their docstrings are part of the published contract."""

from datetime import datetime
from typing import Any, Literal

from ninja import Schema
from pydantic import Field

from comity.apps.parties.schemas import Text
from comity.apps.record.models import VoidReason
from comity.apps.reviews.models import Attachment, PeriodComment, Schedule, View
from comity.core.values import Side


class PeriodIn(Schema):
    """A period by name: 2026-Q2, 2026-06 or 2026-W23."""

    period: str = Field(max_length=12)


class ConfirmationIn(PeriodIn):
    """A confirmation: which figures of a period, by the digest that they were shown with."""

    figures: str = Field(pattern="^[0-9a-f]{64}$", description="`figures` of GET confirmations: SHA-256, hexadecimal")
    shown: dict[str, Any] | None = Field(None, description="`shown` of the same, so that a refusal says what moved")


class ConfirmedOut(Schema):
    """A period that was confirmed, and the digest of its entry in the record where it is frozen by that."""

    period: str
    frozen: str | None


class MovedOut(Schema):
    """One difference between figures that were confirmed, or shown, and those of now."""

    kpi: str
    what: str
    unit: str
    before: str | bool | int | None
    after: str | bool | int | None


class WordOut(Schema):
    """A side's confirmation, valid or void."""

    side: Side
    person: str | None
    by_silence: bool
    at: datetime
    figures: str
    void_at: datetime | None
    void_reason: VoidReason | Literal[""]
    moved: list[MovedOut]


class ClosingOut(Schema):
    """How far the closing of a period is; `figures` is the digest that a confirmation has to name."""

    period: str
    frozen: str | None
    figures: str
    shown: dict[str, dict[str, Any]]
    words: list[WordOut]
    moved: list[MovedOut]


class RestatementIn(PeriodIn):
    """Why the records tell something else of a period now."""

    reason: Text = Field(min_length=1, max_length=1000)


class RestatementOut(Schema):
    """The entry that a restatement added to the record."""

    number: int
    digest: str


class CommentIn(PeriodIn):
    """A version of the own side's comment; an empty text takes the comment back."""

    text: Text = Field(max_length=PeriodComment.MAX_LENGTH)
    seen: int = Field(ge=0, description="The number of the own side's last version, 0 where there is none")


class CommentOut(Schema):
    """A version of a side's comment on a period; the last one of a side counts."""

    side: Side
    number: int
    text: str
    person: str
    role: str
    stood_in_for: str
    at: datetime


class CommentsOut(Schema):
    """Every version of what each side says about a period, without drafts."""

    period: str
    comments: list[CommentOut]


class WishIn(Schema):
    """The review by mail: when, with which file, by whose eyes."""

    due: Schedule
    form: Attachment = Attachment.NONE
    view: View = View.JOINT


class WishOut(Schema):
    """How the review comes by mail; `due` is null, and the rest absent, where it does not."""

    due: Schedule | None
    form: Attachment | None = None
    view: View | None = None
    sent_at: datetime | None = None


class SupposedQuery(Schema):
    """What might have been: as on the page, what is left out is as it was.

    `volume` in per cent more or fewer, `handled` a contact's handling as m:ss or seconds, `people` more or fewer from
    the half hour `since` of the day on.
    """

    kpi: str | None = None
    period: str | None = None
    volume: str = Field("", max_length=12)
    handled: str = Field("", max_length=12)
    people: str = Field("", max_length=12)
    since: int = Field(0, ge=0, lt=48)


class SupposedOut(Schema):
    """The level that was, and the one that the model gives for what is supposed; None where nothing would count."""

    kpi: str
    period: str
    level: float | None
    supposed: float | None
