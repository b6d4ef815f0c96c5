"""What programs send and are answered about people and their places; and the types that all schemas share."""

from datetime import date, datetime
from typing import Annotated, Self, TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model, QuerySet
from ninja import Schema
from pydantic import AfterValidator, Field, StringConstraints, model_validator

from comity.apps.i18n import words_for
from comity.apps.parties.models import DAY_BOUNDS, Role
from comity.apps.parties.names import validate_name
from comity.apps.refusal import Refused
from comity.core.values import OrganisationKind, Side

M = TypeVar("M", bound=Model)
MAX_SLICE = 200
MAX_OFFSET = 1_000_000_000
_FIRST_DAY, _LAST_DAY = DAY_BOUNDS
# Whatever people write but for the one sign that a database does not hold.
Text = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^[^\x00]*$")]
Day = Annotated[date, Field(ge=_FIRST_DAY, le=_LAST_DAY)]


def _validate_name(name: str) -> str:
    try:
        return validate_name(name)
    except Refused as refused:
        raise ValueError(refused.title(words_for("en"))) from None


Name = Annotated[Text, Field(min_length=1, max_length=120), AfterValidator(_validate_name)]


class Slice(Schema):
    """Some of many: how many, after how many."""

    limit: int = Field(100, ge=1, le=MAX_SLICE)
    offset: int = Field(0, ge=0, le=MAX_OFFSET)

    def of(self, rows: QuerySet[M]) -> QuerySet[M]:
        """These of them."""
        return rows[self.offset : self.offset + self.limit]


class RelationshipIn(Schema):
    """A relationship to be begun from one side: what that side is called, and the other.

    `organisation` is one that the person leads in another relationship; then `own` and `own_kind` say nothing.
    """

    side: Side
    own: Name | None = None
    organisation: UUID | None = None
    other: Name
    own_kind: OrganisationKind = OrganisationKind.EXTERNAL
    other_kind: OrganisationKind = OrganisationKind.EXTERNAL

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.own is None and self.organisation is None:
            raise ValueError("give own, a name, or organisation, the id of one that you lead")
        return self


class OrganisationIn(Schema):
    """An organisation that the person leads in another relationship."""

    organisation: UUID


class RelationshipOut(Schema):
    """A place in a relationship; `organisation` is the own side's, wherever it is a party."""

    id: UUID
    organisation: UUID | None
    customer: str
    customer_kind: OrganisationKind
    provider: str
    provider_kind: OrganisationKind
    side: Side | None
    role: Role


class PersonOut(Schema):
    """Somebody's place: whose it is, and for whom they stand in."""

    id: UUID
    name: str
    side: Side | None
    role: Role
    joined_at: datetime
    stands_in_for: UUID | None
    stands_in_until: date | None


class IdOut(Schema):
    """Which one it was."""

    id: UUID


def _reachable(email: str) -> str:
    """An address that a mail can be sent to, by the rule of the room's forms."""
    try:
        validate_email(email)
    except ValidationError as error:
        raise ValueError(error.messages[0]) from None
    return email


class InvitationIn(Schema):
    """Whom to ask, and as what."""

    email: Annotated[str, AfterValidator(_reachable)] = Field(
        max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$"
    )
    role: Role
    across: bool = False  # a lead of the other side, where it has none


class InvitationMadeOut(IdOut):
    """An invitation that was made, and until when it holds; `link` to pass on where the room has no mail server."""

    expires_at: datetime
    link: str | None = None


class InvitationOut(IdOut):
    """An open invitation; `awaits` is the side that is to agree."""

    email: str
    role: Role
    side: Side | None
    expires_at: datetime
    awaits: Side | None


class RoleIn(Schema):
    """Another role."""

    role: Role


class RoleOut(IdOut):
    """Whose role it is now."""

    role: Role


class DeputyIn(Schema):
    """Who stands in, and until when; nobody ends it."""

    deputy: UUID | None = None
    until: Day | None = None


class DeputyOut(IdOut):
    """For whom somebody stands in now, who, and until when."""

    deputy: UUID | None
    until: date | None


class AccessReviewOut(Schema):
    """Whose places were looked through."""

    side: Side | None


class TokenOut(Schema):
    """A token, without its word."""

    id: UUID
    name: str
    writes: bool
    made_at: datetime
    expires_at: datetime
