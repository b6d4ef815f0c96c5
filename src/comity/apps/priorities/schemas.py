"""Priorities as the API gives them."""

from datetime import date, datetime
from uuid import UUID

from ninja import Field, Schema

from comity.apps.priorities.models import Outcome
from comity.core.values import Side


class RankingOut(Schema):
    """One side's order."""

    order: list[list[str]] = Field(description="ids of KPIs, the most important first; those of one list are tied")
    would_drop: list[str] = Field(description="ids of KPIs that the side would drop")
    needs: list[str] = Field(description="what the side needs")
    believed_of_other: list[str] = Field(description="what it believes that the other side needs")


class SealOut(RankingOut):
    """What a side sealed, once both have."""

    side: Side
    random: str = Field(description="16 random bytes, in hexadecimal")
    digest: str = Field(description="SHA-256 of the random bytes followed by the canonical JSON of what was sealed")


class OrderedOut(Schema):
    """A KPI in a joint order."""

    kpi: str
    place: int
    customer_owner: str
    provider_owner: str


class RoundOut(Schema):
    """A round of priorities."""

    id: UUID
    side: Side = Field(description="which started it")
    started_at: datetime
    closes_on: date = Field(description="the last day on which a side can seal")
    state: str = Field(description=f"open, {', '.join(Outcome.values)}")
    kpis: list[str] = Field(description="ids of the KPIs to order")
    own: RankingOut | None = Field(description="of an open round, what the reader's side has written")
    own_sealed_at: datetime | None
    entry: int | None = Field(description="number of its entry in the record, once both have sealed")
    seals: list[SealOut] = Field(description="of both sides, once both have sealed")
    proposed_by: Side | None = Field(description="whose joint order waits for the other's answer")
    proposed: list[OrderedOut]
    joint_order: list[OrderedOut] = Field(description="as both agreed to it")
    joint_order_entry: int | None = Field(description="number of its entry in the record")


class RoundsOut(Schema):
    """Rounds, the latest first."""

    items: list[RoundOut]
