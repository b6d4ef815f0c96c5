"""KPIs as the API takes and gives them."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from ninja import Field, Schema

from comity.apps.kpis.queries import WITHDRAWN_BY
from comity.apps.kpis.terms import AgreedTerms, Terms
from comity.apps.record.models import Consent
from comity.book.definition import AgreedDelivery, kpi_keys, parse_kpis
from comity.book.tables import TABLES
from comity.core.agreements.kpi import MEASURES, Abandons, Kpi
from comity.core.calendars import Cut
from comity.core.levels import unit
from comity.core.values import Side

_MOST = 1e9
Id = Annotated[str, Field(pattern="^[a-z][a-z0-9_]{0,59}$")]
Name = Annotated[str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Names = Annotated[list[Name], Field(min_length=1, max_length=40)]
Seconds = Annotated[float, Field(ge=0, le=_MOST)]
Number = Annotated[float, Field(ge=-_MOST, le=_MOST)]
Days = Annotated[int, Field(ge=1, le=3_650)]
MeasureName = Annotated[str, Field(pattern=f"^({'|'.join(MEASURES)})$")]
_DUE = (
    "^(daily|monday|tuesday|wednesday|thursday|friday|saturday|sunday|day ([1-9]|1[0-9]|2[0-8])) "
    "([01][0-9]|2[0-3]):[0-5][0-9]$"
)
TableName = Annotated[str, Field(pattern=f"^({'|'.join(TABLES)})$")]


class KpiIn(Schema):
    """A KPI as `[[kpi]]` of a book says it; what is left out is as the measure has it."""

    id: Id
    measure: MeasureName = Field(description="what is measured")
    queues: Names | None = None
    channels: Names | None = None
    answer_within_s: Seconds | None = None
    short_abandon_s: Seconds | None = None
    abandons: Abandons | None = None
    target: Number | None = Field(None, description="in the unit of the measure; shares from 0 to 1")
    material: Number | None = None
    better: Literal["higher", "lower"] | None = None
    volume_band: Seconds | None = None
    patience_s: Seconds | None = None
    formula: Name | None = None
    instrument: Name | None = None
    within_days: Days | None = None
    deadline: Name | None = Field(None, description="sla_attainment: which deadline, by its name in the source")
    records: Literal["contacts", "intervals"] | None = Field(
        None, description="service_level, abandonment, handle_time: from which records it is counted"
    )
    queue_map: dict[Name, Name] | None = None

    @property
    def keys(self) -> dict[str, Any]:
        """What is said of it, as a book writes it."""
        return {name: value for name, value in self.dict().items() if value is not None}


class AgreedDeliveryIn(Schema):
    """Which side delivers which table, and by when."""

    table: TableName
    by: Side
    due: str | None = Field(None, pattern=_DUE, description="as `day 3 09:00`, `monday 09:00` or `daily 09:00`")


class TermsIn(Schema):
    """A set of KPIs that is put to the other side."""

    kpis: Annotated[list[KpiIn], Field(min_length=1, max_length=40)]
    review: Literal[Cut.MONTH, Cut.QUARTER, Cut.YEAR]
    valid_from: date = Field(description="the first day of a month")
    deliveries: list[AgreedDeliveryIn] = Field(default_factory=list, max_length=60)
    seen: str = Field("", pattern="^([0-9a-f]{64})?$", description="digest of the other side's proposal, if one waits")

    def terms(self) -> Terms:
        """As operations take it.

        :raises comity.book.definition.UnusableBookError: naming the KPI, the key and the value
        """
        deliveries = tuple(AgreedDelivery(one.table, one.by, one.due) for one in self.deliveries)
        return Terms(parse_kpis([one.keys for one in self.kpis]), Cut(self.review), self.valid_from, deliveries)


class KpiOut(Schema):
    """A KPI with every pin written out; `agreed` is false while it is one side's proposal alone."""

    id: str
    measure: str
    unit: str
    queues: list[str]
    channels: list[str]
    answer_within_s: float
    short_abandon_s: float | None = Field(None, description="absent: no abandon is short, and nothing is left out")
    abandons: Abandons
    target: float | None = None
    material: float
    better: str
    volume_band: float
    patience_s: float | None = None
    formula: str
    instrument: str | None = None
    within_days: int
    deadline: str | None = None
    records: str | None = Field(None, description="absent: by its queues and channels, and by what the records tell")
    queue_map: dict[str, str]
    valid_from: date | None = None
    valid_to: date | None = None
    agreed_on: date | None = None
    agreed: bool
    entry: int | None = Field(None, description="number in the record by which both sides agreed to it")

    @classmethod
    def of(cls, kpi: Kpi) -> Self:
        """As a book holds it."""
        return cls(**{**kpi_keys(kpi), "agreed": kpi.agreed, "unit": unit(kpi), "queue_map": kpi.queue_map})


class AgreedDeliveryOut(Schema):
    """Which side delivers which table, and by when."""

    table: str
    by: Side
    due: str | None

    @classmethod
    def of(cls, delivery: AgreedDelivery) -> Self:
        """As a book holds it."""
        return cls(table=delivery.table, by=delivery.by, due=delivery.due)


class TermsOut(Schema):
    """A set of KPIs."""

    kpis: list[KpiOut]
    review: Cut
    valid_from: date
    deliveries: list[AgreedDeliveryOut]

    @staticmethod
    def values(terms: Terms) -> dict[str, Any]:
        """What every set has."""
        return {
            "kpis": [KpiOut.of(kpi) for kpi in terms.kpis],
            "review": terms.cut,
            "valid_from": terms.valid_from,
            "deliveries": [AgreedDeliveryOut.of(one) for one in terms.deliveries],
        }


class ProposedTermsOut(TermsOut):
    """A set that waits for the other side, or that was withdrawn or replaced; it is agreed to by its digest."""

    side: Side
    by: str
    at: datetime
    digest: str
    replaced_at: datetime | None = None
    withdrawn: bool = False

    @classmethod
    def of(cls, consent: Consent) -> Self:
        """As its side gave its word for it."""
        return cls(
            **cls.values(Terms.from_content(consent.content)),
            side=Side(consent.side), by=consent.name, at=consent.at, digest=consent.digest,
            replaced_at=consent.void_at, withdrawn=WITHDRAWN_BY in (consent.void_content or {}),
        )  # fmt: skip


class AgreedTermsOut(TermsOut):
    """A set that both sides agreed to, with its entry of the record; it holds until the day of one agreed later."""

    entry: int
    agreed_on: date
    until: date | None

    @classmethod
    def of(cls, agreed: AgreedTerms) -> Self:
        """As the record holds it."""
        values = cls.values(agreed.terms)
        return cls(**values, entry=agreed.entry, agreed_on=agreed.agreed_on, until=agreed.until)


class KpisOut(Schema):
    """What counts now, what waits for which side's agreement, and what was agreed or proposed before."""

    in_force: list[KpiOut]
    review: Cut
    deliveries: list[AgreedDeliveryOut]
    proposal: ProposedTermsOut | None
    agreed: list[AgreedTermsOut]
    replaced: list[ProposedTermsOut]


class KpisAgreementIn(Schema):
    """The digest of the proposal that is agreed to."""

    digest: str = Field(pattern="^[0-9a-f]{64}$")


class KpisProposedOut(Schema):
    """The word for a proposal, and its digest."""

    id: UUID
    digest: str


class KpisAgreedOut(Schema):
    """The entry of the record."""

    number: int
    digest: str
