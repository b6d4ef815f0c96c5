"""People: where somebody has a place, who is there, and who may what."""

from datetime import date
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Status

from comity.apps.parties import operations
from comity.apps.parties import queries as parties
from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.parties.models import Invitation, Membership, Token
from comity.apps.parties.refusals import Code
from comity.apps.parties.rights import Action, is_active_deputy
from comity.apps.parties.schemas import (
    AccessReviewOut,
    DeputyIn,
    DeputyOut,
    IdOut,
    InvitationIn,
    InvitationMadeOut,
    InvitationOut,
    OrganisationIn,
    PersonOut,
    RelationshipIn,
    RelationshipOut,
    RoleIn,
    RoleOut,
    Slice,
    TokenOut,
)
from comity.apps.refusal import Refused
from comity.core.values import Side
from comity.review.render.cells import csv_text
from comity.web.api.base import api


@api.get("/relationships", response=list[RelationshipOut])
def relationships(request: HttpRequest, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Where the token's person has a place."""
    return [_member_out(one) for one in asked_for.of(parties.memberships_of(request.user))]  # type: ignore[arg-type]


@api.post("/relationships", response={201: RelationshipOut})
def begin(request: HttpRequest, given: RelationshipIn) -> Status[dict[str, Any]]:
    """Begin a relationship; the other side is a placeholder until somebody of it joins."""
    kinds = {"own_kind": given.own_kind, "other_kind": given.other_kind}
    relationship = operations.create_relationship(
        request.user,  # type: ignore[arg-type]
        given.side,
        given.own or "",
        given.other,
        organisation=given.organisation,
        **kinds,
    )
    return Status(201, _member_out(relationship.membership))


@api.put("/r/{uuid:relationship}/organisation", response=RelationshipOut)
def use_organisation(request: HttpRequest, relationship: UUID, given: OrganisationIn) -> dict[str, Any]:
    """Say that the own side is an organisation which the person leads in another relationship."""
    member = member_of(request, Action.INVITE)
    operations.use_organisation(member, given.organisation)
    return _member_out(member.membership)


def _member_out(membership: Membership) -> dict[str, Any]:
    return {
        "id": membership.relationship.pk,
        "organisation": None
        if membership.side is None
        else membership.relationship.organisation(Side(membership.side)).pk,
        "customer": membership.relationship.customer.name,
        "customer_kind": membership.relationship.customer.kind,
        "provider": membership.relationship.provider.name,
        "provider_kind": membership.relationship.provider.kind,
        "side": membership.side,
        "role": membership.role,
    }


@api.get("/tokens", response=list[TokenOut])
def tokens(request: HttpRequest) -> list[Token]:
    """The person's own tokens that still hold. They are made on the account page alone: no token outlives its day."""
    return list(parties.valid_tokens())


@api.delete("/tokens/{uuid:token}", response=TokenOut)
def revoke(request: HttpRequest, token: UUID) -> Token:
    """End one of them."""
    known_token = parties.valid_tokens().filter(pk=token).first()
    if known_token is None:
        raise Http404
    operations.revoke_token(known_token)
    return known_token


@api.get("/r/{uuid:relationship}/people", response=list[PersonOut])
def people(request: HttpRequest, relationship: UUID, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Who is there."""
    member = member_of(request)
    return [
        {"id": one.pk, "name": one.person.name, "side": one.side, "role": one.role, "joined_at": one.joined_at}
        | _stands_in(one)
        for one in asked_for.of(parties.members(member))
    ]


@api.get("/r/{uuid:relationship}/invitations", response=list[InvitationOut])
def invitations(request: HttpRequest, relationship: UUID, asked_for: Query[Slice]) -> list[dict[str, Any]]:
    """Open invitations of the own side, and those for somebody neutral; `awaits` is the side that is to agree."""
    member = member_of(request, Action.INVITE)
    return [
        {
            "id": invitation.pk,
            "email": invitation.email,
            "role": invitation.role,
            "side": invitation.side,
            "expires_at": invitation.expires_at,
            "awaits": parties.side_to_agree(invitation),
        }
        for invitation in asked_for.of(parties.open_invitations(member))
    ]


@api.post("/r/{uuid:relationship}/invitations", response={201: InvitationMadeOut})
def invite(request: HttpRequest, relationship: UUID, given: InvitationIn) -> Status[dict[str, Any]]:
    """Ask somebody to join, by mail; somebody neutral only once the other side has agreed."""
    member = member_of(request, Action.INVITE)
    side = member.side.other if given.across and member.side else member.side
    found, link = operations.invite_by_mail(member, given.email, given.role, side)
    return Status(201, {"id": found.pk, "expires_at": found.expires_at, "link": link or None})


@api.delete("/r/{uuid:relationship}/invitations/{uuid:invitation}", response=IdOut)
def withdraw(request: HttpRequest, relationship: UUID, invitation: UUID) -> dict[str, Any]:
    """Take an invitation back."""
    member = member_of(request, Action.INVITE)
    found = _invitation_or_404(member, invitation)
    operations.withdraw_invitation(member, found)
    return {"id": found.pk}


@api.post("/r/{uuid:relationship}/invitations/{uuid:invitation}/link", response={201: InvitationMadeOut})
def renew(request: HttpRequest, relationship: UUID, invitation: UUID) -> Status[dict[str, Any]]:
    """Give an open invitation another link, for another 14 days; the old one stops working."""
    member = member_of(request, Action.INVITE)
    found = _invitation_or_404(member, invitation)
    link = operations.renew_invitation_by_mail(member, found)
    return Status(201, {"id": found.pk, "expires_at": found.expires_at, "link": link or None})


@api.post("/r/{uuid:relationship}/invitations/{uuid:invitation}/agreement", response={201: IdOut})
def agree(request: HttpRequest, relationship: UUID, invitation: UUID) -> Status[dict[str, Any]]:
    """Agree that somebody neutral is invited, whom the other side has proposed; the mail is sent then."""
    member = member_of(request, Action.INVITE)
    found = _invitation_or_404(member, invitation)
    operations.agree_to_invitation_by_mail(member, found)
    return Status(201, {"id": found.pk})


def _invitation_or_404(member: MemberContext, number: UUID) -> Invitation:
    invitation = parties.open_invitations(member).filter(pk=number).first()
    if invitation is None:
        raise Http404
    return invitation


@api.put("/r/{uuid:relationship}/people/{uuid:person}/role", response=RoleOut)
def change_role(request: HttpRequest, relationship: UUID, person: UUID, given: RoleIn) -> dict[str, Any]:
    """Give somebody of the own side another role."""
    member = member_of(request, Action.INVITE)
    other = _membership_or_404(member, person)
    operations.change_role(member, other, given.role)
    return {"id": other.pk, "role": given.role}


@api.put("/r/{uuid:relationship}/people/{uuid:person}/deputy", response=DeputyOut)
def stand_in(request: HttpRequest, relationship: UUID, person: UUID, given: DeputyIn) -> dict[str, Any]:
    """Name who stands in for somebody of the own side, or for oneself; or end it."""
    member = member_of(request)
    other = _membership_or_404(member, person)
    deputy = None if given.deputy is None else parties.members(member).filter(pk=given.deputy, side=other.side).first()
    if given.deputy is not None and deputy is None:
        raise Refused(Code.SAME_SIDE)
    operations.set_deputy(member, other, deputy, given.until)
    return {"id": other.pk, "deputy": given.deputy, "until": given.until}


@api.delete("/r/{uuid:relationship}/people/{uuid:person}", response=IdOut)
def let_go(request: HttpRequest, relationship: UUID, person: UUID) -> dict[str, Any]:
    """End somebody's place on the own side or on neither, or one's own."""
    member = member_of(request)
    other = _membership_or_404(member, person)
    operations.end_membership(member, other)
    return {"id": other.pk}


@api.post("/r/{uuid:relationship}/access-reviews", response={201: AccessReviewOut})
def review_access(request: HttpRequest, relationship: UUID) -> Status[dict[str, Any]]:
    """Say that the own side's places were looked through and stand."""
    member = member_of(request, Action.AUDIT)
    operations.review_access(member)
    return Status(201, {"side": member.side})


@api.get("/r/{uuid:relationship}/access.csv")
def access(request: HttpRequest, relationship: UUID) -> HttpResponse:
    """Who may see what, and who could: what an access review is made from."""
    member = member_of(request, Action.AUDIT)
    text = csv_text(parties.ACCESS_COLUMNS, parties.access_rows(member))
    return HttpResponse(text, content_type="text/csv; charset=utf-8")


def _membership_or_404(member: MemberContext, number: UUID) -> Membership:
    membership = parties.manageable_membership(member, number)
    if membership is None:
        raise Http404
    return membership


def _stands_in(one: Membership) -> dict[str, Any]:
    other = one.stands_in_for if is_active_deputy(one, timezone.now().date()) else None
    until: date | None = None if other is None else one.stands_in_until
    return {"stands_in_for": None if other is None else other.pk, "stands_in_until": until}
