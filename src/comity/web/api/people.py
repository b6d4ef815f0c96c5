"""People: where somebody has a place, who is there, who may what, and what was done."""

from datetime import date
from typing import Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Query, Schema, Status
from ninja.errors import HttpError
from pydantic import Field

from comity.apps.parties import operations
from comity.apps.parties import queries as parties
from comity.apps.parties.models import NEUTRAL, Invitation, Membership, Role
from comity.apps.parties.rights import Action, stands_in
from comity.apps.parties.viewing import Standing, place
from comity.apps.wording import words_for
from comity.web.api.contract import FURTHEST, MOST, Day, api

_ROLES = Literal["lead", "analyst", "finance", "roster", "member", "executive", "surveyor", "mediator", "auditor"]


class RelationshipOut(Schema):
    """A place in a relationship."""

    id: UUID
    customer: str
    provider: str
    side: Literal["customer", "provider"] | None
    role: str


class InvitationIn(Schema):
    """Whom to ask, and as what."""

    email: str = Field(max_length=254, pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$")
    role: _ROLES


class RoleIn(Schema):
    """Another role."""

    role: _ROLES


class DeputyIn(Schema):
    """Who stands in, and until when; nobody ends it."""

    deputy: UUID | None = None
    until: Day | None = None


class Lines(Schema):
    """Which lines of the log."""

    reads: bool = False
    limit: int = Field(100, ge=1, le=MOST)
    offset: int = Field(0, ge=0, le=FURTHEST)


@api.get("/relationships", response=list[RelationshipOut])
def relationships(request: HttpRequest) -> list[dict[str, Any]]:
    """Where the token's person has a place."""
    return [
        {
            "id": one.relationship.pk,
            "customer": one.relationship.customer.name,
            "provider": one.relationship.provider.name,
            "side": one.side,
            "role": one.role,
        }
        for one in parties.portfolio(request.user)  # type: ignore[arg-type]
    ]


@api.get("/r/{uuid:relationship}/people")
def people(request: HttpRequest, relationship: UUID) -> list[dict[str, Any]]:
    """Who is there."""
    standing = place(request)
    return [
        {"id": one.pk, "name": one.person.name, "side": one.side, "role": one.role, "joined_at": one.joined_at}
        | _stands_in(one)
        for one in parties.people(standing)
    ]


@api.get("/r/{uuid:relationship}/invitations")
def invitations(request: HttpRequest, relationship: UUID) -> list[dict[str, Any]]:
    """Open invitations of the own side."""
    standing = place(request, Action.INVITE)
    return [
        {"id": one.pk, "email": one.email, "role": one.role, "side": one.side, "expires_at": one.expires_at}
        for one in parties.invitations(standing)
    ]


@api.post("/r/{uuid:relationship}/invitations", response={201: dict[str, Any]})
def invite(request: HttpRequest, relationship: UUID, given: InvitationIn) -> Status[dict[str, Any]]:
    """Ask somebody to join, by mail."""
    standing = place(request, Action.INVITE)
    role = Role(given.role)
    found = _done(
        lambda: operations.invite_by_mail(standing, given.email, role, None if role in NEUTRAL else standing.side)
    )
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
        for one in parties.log(standing, reads=asked_for.reads)[asked_for.offset : asked_for.offset + asked_for.limit]
    ]


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
