"""People: where somebody has a place, who is there, who may what, and what was done."""

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from comity.apps.parties import operations
from comity.apps.parties import queries as parties
from comity.apps.parties.models import Invitation, Membership, Role, Token
from comity.apps.parties.rights import Action, stands_in
from comity.apps.parties.viewing import Standing, place
from comity.apps.sheet import csv_text
from comity.apps.wording import words_for
from comity.core.values import Side
from comity.web.api.contract import Day, Slice, Text, api

_ROLES = Literal["lead", "analyst", "finance", "roster", "member", "executive", "surveyor", "mediator", "auditor"]
_KINDS = Literal["external", "internal", "dealer", "vendor", "user_group"]


class RelationshipOut(Schema):
    """A place in a relationship."""

    id: UUID
    customer: str
    customer_kind: str
    provider: str
    provider_kind: str
    side: Literal["customer", "provider"] | None
    role: str


class InvitationIn(Schema):
    """Whom to ask, and as what."""

    email: str = Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")
    role: _ROLES
    across: bool = False  # the first of the other side, where nobody stands there yet


class RoleIn(Schema):
    """Another role."""

    role: _ROLES


class DeputyIn(Schema):
    """Who stands in, and until when; nobody ends it."""

    deputy: UUID | None = None
    until: Day | None = None


class Lines(Slice):
    """Which lines of the log."""

    reads: bool = False


class RelationshipIn(Schema):
    """A relationship to be begun from one side: what that side is called, and the other."""

    side: Literal["customer", "provider"]
    own: Text = Field(min_length=1, max_length=120)
    other: Text = Field(min_length=1, max_length=120)
    own_kind: _KINDS = "external"
    other_kind: _KINDS = "external"


class TokenOut(Schema):
    """A token, without its word."""

    id: UUID
    name: str
    writes: bool
    made_at: datetime
    expires_at: datetime


@api.get("/relationships", response=list[RelationshipOut])
def relationships(request: HttpRequest, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Where the token's person has a place."""
    return [_there(one) for one in asked_for.of(parties.portfolio(request.user))]  # type: ignore[arg-type]


@api.post("/relationships", response={201: RelationshipOut})
def begin(request: HttpRequest, given: RelationshipIn) -> Status[dict[str, Any]]:
    """Begin a relationship; the other side is a placeholder until somebody of it joins."""
    kinds = {"own_kind": given.own_kind, "other_kind": given.other_kind}
    made = operations.found(request.user, Side(given.side), given.own, given.other, **kinds)  # type: ignore[arg-type]
    return Status(201, _there(made.membership))


def _there(one: Membership) -> dict[str, Any]:
    return {
        "id": one.relationship.pk,
        "customer": one.relationship.customer.name,
        "customer_kind": one.relationship.customer.kind,
        "provider": one.relationship.provider.name,
        "provider_kind": one.relationship.provider.kind,
        "side": one.side,
        "role": one.role,
    }


@api.get("/tokens", response=list[TokenOut])
def tokens(request: HttpRequest) -> list[Token]:
    """The person's own tokens that still hold. They are made on the account page alone: no token outlives its day."""
    return list(parties.tokens())


@api.delete("/tokens/{uuid:token}", response=TokenOut)
def revoke(request: HttpRequest, token: UUID) -> Token:
    """End one of them."""
    found = parties.tokens().filter(pk=token).first()
    if found is None:
        raise Http404
    operations.revoke_token(found)
    return found


@api.get("/r/{uuid:relationship}/people")
def people(request: HttpRequest, relationship: UUID, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Who is there."""
    standing = place(request)
    return [
        {"id": one.pk, "name": one.person.name, "side": one.side, "role": one.role, "joined_at": one.joined_at}
        | _stands_in(one)
        for one in asked_for.of(parties.people(standing))
    ]


@api.get("/r/{uuid:relationship}/invitations")
def invitations(request: HttpRequest, relationship: UUID, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Open invitations of the own side."""
    standing = place(request, Action.INVITE)
    return [
        {"id": one.pk, "email": one.email, "role": one.role, "side": one.side, "expires_at": one.expires_at}
        for one in asked_for.of(parties.invitations(standing))
    ]


@api.post("/r/{uuid:relationship}/invitations", response={201: dict[str, Any]})
def invite(request: HttpRequest, relationship: UUID, given: InvitationIn) -> Status[dict[str, Any]]:
    """Ask somebody to join, by mail."""
    standing = place(request, Action.INVITE)
    role = Role(given.role)
    side = standing.side.other if given.across and standing.side else standing.side
    found = _done(lambda: operations.invite_by_mail(standing, given.email, role, side))
    return Status(201, {"id": found.pk, "expires_at": found.expires_at})


@api.delete("/r/{uuid:relationship}/invitations/{uuid:invitation}", response=dict[str, Any])
def withdraw(request: HttpRequest, relationship: UUID, invitation: UUID) -> dict[str, Any]:
    """Take an invitation back."""
    standing = place(request, Action.INVITE)
    found = Invitation.objects.filter(pk=invitation, accepted_by=None).first()
    if found is None:
        raise Http404
    operations.withdraw(standing, found)
    return {"id": found.pk}


@api.put("/r/{uuid:relationship}/people/{uuid:person}/role", response=dict[str, Any])
def change_role(request: HttpRequest, relationship: UUID, person: UUID, given: RoleIn) -> dict[str, Any]:
    """Give somebody of the own side another role."""
    standing = place(request, Action.INVITE)
    other = _of_own_side(standing, person)
    _done(lambda: operations.change_role(standing, other, Role(given.role)))
    return {"id": other.pk, "role": given.role}


@api.put("/r/{uuid:relationship}/people/{uuid:person}/deputy", response=dict[str, Any])
def stand_in(request: HttpRequest, relationship: UUID, person: UUID, given: DeputyIn) -> dict[str, Any]:
    """Name who stands in for somebody of the own side, or for oneself; or end it."""
    standing = place(request)
    other = _of_own_side(standing, person)
    deputy = None if given.deputy is None else parties.people(standing).filter(pk=given.deputy, side=other.side).first()
    if given.deputy is not None and deputy is None:
        raise HttpError(409, words_for("en")("not_done.same_side"))
    _done(lambda: operations.stand_in(standing, other, deputy, given.until))
    return {"id": other.pk, "deputy": given.deputy, "until": given.until}


@api.delete("/r/{uuid:relationship}/people/{uuid:person}", response=dict[str, Any])
def let_go(request: HttpRequest, relationship: UUID, person: UUID) -> dict[str, Any]:
    """End somebody's place on the own side, or one's own."""
    standing = place(request)
    other = _of_own_side(standing, person)
    _done(lambda: operations.let_go(standing, other))
    return {"id": other.pk}


@api.post("/r/{uuid:relationship}/access-reviews", response={201: dict[str, Any]})
def review_access(request: HttpRequest, relationship: UUID) -> Status[dict[str, Any]]:
    """Say that the own side's places were looked through and stand."""
    standing = place(request, Action.AUDIT)
    operations.reviewed_access(standing)
    return Status(201, {"side": standing.side})


@api.get("/r/{uuid:relationship}/log")
def log(request: HttpRequest, relationship: UUID, asked_for: Query[Lines]) -> list[dict[str, Any]]:
    """What was done, or read: what crossed the line, and what the own side did; the newest first."""
    standing = place(request, Action.AUDIT)
    return [
        {"at": one.at, "by": one.person.name, "side": one.side, "action": one.action, "about": one.about}
        for one in asked_for.of(parties.log(standing, reads=asked_for.reads))
    ]


@api.get("/r/{uuid:relationship}/access.csv")
def access(request: HttpRequest, relationship: UUID) -> HttpResponse:
    """Who may see what, and who could: what an access review is made from."""
    standing = place(request, Action.AUDIT)
    text = csv_text(parties.ACCESS, parties.access(standing))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


def _of_own_side(standing: Standing, number: UUID) -> Membership:
    found = parties.of_own_side(standing, number)
    if found is None:
        raise Http404
    return found


def _stands_in(one: Membership) -> dict[str, Any]:
    other = one.stands_in_for if stands_in(one, timezone.now().date()) else None
    until: date | None = None if other is None else one.stands_in_until
    return {"stands_in_for": None if other is None else other.pk, "stands_in_until": until}


def _done(what: Any) -> Any:  # noqa: ANN401 - whatever is done
    try:
        return what()
    except operations.NotAllowedError as error:
        raise HttpError(409, words_for("en")(f"not_done.{error}")) from None
