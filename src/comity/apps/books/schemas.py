"""API schemas of records, deliveries and exports; their docstrings are part of the published contract."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from ninja import Schema
from pydantic import Field

from comity.apps.books.models import FileMove, MarkStep, Stage
from comity.apps.parties.schemas import Day, Text
from comity.core.values import Side


class ReachOut(Schema):
    """From when to when a table tells of days, and the spans of days that are missing."""

    first: date
    last: date | None
    gaps: list[tuple[date, date]]


class TableOut(Schema):
    """A table of the book, as the person may see it."""

    name: str
    rows: int
    rejected: int
    owner: Side | None
    reach: ReachOut | None


class LatenessOut(Schema):
    """An agreed delivery: by whom and when, what came last and up to which day, and whether the last one due came."""

    table: str
    by: Side
    due: str | None
    last: datetime | None
    late: bool | None
    unrecorded: bool
    reach: date | None


class MarkIn(Schema):
    """Something that the side holds back, why, and when it looks at that again."""

    item: Text = Field(min_length=1, max_length=120)
    reason: Text = Field(min_length=1, max_length=400)
    review_on: Day


class MarkMadeOut(Schema):
    """What is held back, or will be, and when it is looked at again."""

    item: str
    review_on: date


class MarkOut(Schema):
    """What a side holds back; without a reason where it gives none."""

    side: Side
    item: str
    reason: str | None
    review_on: date | None


class MarkStepOut(Schema):
    """One change of what a side holds back."""

    side: Side
    item: str
    change: MarkStep.Change
    reason: str
    at: datetime


class DiscloseIn(Schema):
    """Something that the side holds back no longer."""

    item: Text = Field(min_length=1, max_length=120)


class DiscloseOut(Schema):
    """What is shared, or will be."""

    item: str


class BookIn(Schema):
    """Where the relationship's clock runs, and in what it pays."""

    timezone: Text = Field(min_length=1, max_length=60)
    currency: str = Field(pattern=r"^[A-Z]{3}$")


class BookOut(Schema):
    """How a book is begun."""

    timezone: str
    currency: str


class DeliveryOut(Schema):
    """A file, how far it is, and the counts of what it brought."""

    id: UUID
    name: str
    side: Side
    by: str
    at: datetime
    stage: Stage
    cut_off: bool
    table: str | None
    counts: dict[str, int]


class ReasonOut(Schema):
    """Why rows were set aside, and how many."""

    column: str | None
    reason: str
    rows: int


class RejectOut(Schema):
    """A row that was set aside."""

    line: int
    column: str | None
    value: str | None
    reason: str


class DismissedOut(Schema):
    """Rejected rows that nobody corrects any more: how many, why, and who said so."""

    rows: int
    reason: str
    by: str
    at: datetime


class DaysOut(Schema):
    """The columns that have one value for all rows by a file's format, and need a day of their own in each file."""

    table: str
    columns: list[str]


class OutcomeOut(Schema):
    """What a file would bring or has brought; what is not known yet is absent."""

    fits: list[str] | None = None
    table: str | None = None
    already: bool | None = None
    counts: dict[str, int] | None = None
    shared_counts: dict[str, int] | None = None
    by_reason: list[ReasonOut] | None = None
    rejects: list[RejectOut] | None = None
    first_rows: list[list[Any]] | None = None
    notes: list[str] | None = None
    days: DaysOut | None = None
    in_neither: dict[str, int] | None = None
    read_as_empty: dict[str, dict[str, int]] | None = None
    dismissed: DismissedOut | None = None


class DeliveryWholeOut(DeliveryOut):
    """A file as its own side sees it; the other side is answered without what follows `counts`."""

    mapping: str
    text: str
    why: str
    rows: int
    outcome: OutcomeOut
    may_undo: bool


class DeliveryMoveIn(Schema):
    """What is to become of a file: looked at again by another mapping, brought in, thrown away, or taken back.

    Or of its rejected rows: dismissed, with a `reason` that both sides read. `days` are those of this file, by column,
    that its format asks for (`outcome.days`), in ISO 8601.
    """

    do: FileMove
    mapping: Text = Field("", max_length=60)
    text: Text = Field("", max_length=40_000)
    reason: Text = Field("", max_length=400)
    days: dict[str, Text] = Field(default_factory=dict, max_length=20)


class RecordsOut(Schema):
    """What is in the book, what is late, what is held back, and what came when."""

    tables: list[TableOut]
    late: list[LatenessOut]
    held_back: list[MarkOut]
    held_back_steps: list[MarkStepOut]
    deliveries: list[DeliveryOut]


class RoutesIn(Schema):
    """`routes.toml`, with books named as relationships are."""

    text: Text = Field(max_length=40_000)


class RoutesOut(Schema):
    """The person's rules, and the books that they may name."""

    text: str
    books: list[str]


class ExportIn(Schema):
    """What the export is: a known format, or a table."""

    mapping: str = Field(max_length=60)


class ExportMoveIn(Schema):
    """What is to become of it."""

    do: Literal[FileMove.BRING, FileMove.DROP]


class PartOut(Schema):
    """What one relationship's book gets of an export."""

    name: str
    table: str
    already: bool
    counts: dict[str, int]


class ExportOutcomeOut(Schema):
    """Which rows belong where; empty before the trial run."""

    books: list[PartOut] | None = None
    unrouted: int | None = None
    rows: list[RejectOut] | None = None


class ExportOut(Schema):
    """An export, how far it is, and which rows belong where."""

    id: UUID
    name: str
    mapping: str
    at: datetime
    stage: Stage
    why: str
    outcome: ExportOutcomeOut
