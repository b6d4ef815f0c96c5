"""Queries of the parties. Each returns only what row-level security lets the viewer see."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Firm, Invitation, Membership, Person, Role, Token
from comity.apps.parties.reading_ahead import Place
from comity.apps.parties.rights import Action, is_active_deputy, membership_may
from comity.core.values import Side


def memberships_of(person: Person) -> QuerySet[Membership]:
    """Return a person's current memberships, the newest first."""
    return (
        Membership.objects.select_related("relationship__customer", "relationship__provider")
        .filter(person=person, left_at=None)
        .order_by("-joined_at", "pk")
    )


@dataclass(frozen=True, slots=True)
class LedOrganisation:
    """An organisation that the viewer leads."""

    id: UUID
    name: str
    kind: str


def led_organisations() -> list[LedOrganisation]:
    """Return the organisations that the viewer leads, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, kind FROM comity_led_organisations() ORDER BY name, id")
        return [LedOrganisation(*row) for row in cursor.fetchall()]


def organisation_candidates(member: MemberContext) -> list[LedOrganisation]:
    """Return organisations that the viewer leads elsewhere and this side could be; those of the same name first."""
    if member.side is None or member.membership.role != Role.LEAD:
        return []
    parties = {member.relationship.customer_id, member.relationship.provider_id}
    own_name = member.relationship.organisation(member.side).name.casefold()
    candidates = [one for one in led_organisations() if one.id not in parties]
    return sorted(candidates, key=lambda one: one.name.casefold() != own_name)


def members(member: MemberContext, side: Side | None = None) -> QuerySet[Membership]:
    """Return the current members of the relationship, or of one side of it, by side and name."""
    memberships = members_in(member.relationship.pk)
    return memberships if side is None else memberships.filter(side=side)


def members_in(where: Place) -> QuerySet[Membership]:
    """Return the current members of a relationship, by side and name."""
    memberships = Membership.objects.filter(relationship=where, left_at=None)
    return memberships.select_related("person", "stands_in_for__person").order_by("side", "person__name", "pk")


def has_ever_joined(member: MemberContext, side: Side) -> bool:
    """Whether anybody of a side has ever been in the relationship.

    Who left counts too: what their side was shown, and relied on, does not become the other's alone because they went.
    """
    return Membership.objects.filter(relationship=member.relationship, side=side.value).exists()


def may_end_unjoined(member: MemberContext) -> bool:
    """Whether the viewer may end the relationship, because nobody but their own side has ever been in it."""
    if member.side is None or member.membership.role != Role.LEAD or member.relationship.is_sample:
        return False
    has_neutral = Membership.objects.filter(relationship=member.relationship, side=None).exists()
    return not has_neutral and not has_ever_joined(member, member.side.other)


def manageable_membership(member: MemberContext, pk: UUID) -> Membership | None:
    """Return a membership that the viewer may change: their own; for a lead also the own side's and neutral ones."""
    membership = members(member).filter(pk=pk).first()
    if membership is None or membership.pk == member.membership.pk:
        return membership
    return membership if member.may(Action.INVITE) and membership.side in {None, member.membership.side} else None


def longest_serving_leads(member: MemberContext) -> list[UUID]:
    """Return for each side the person who has led it longest."""
    leads = Membership.objects.filter(relationship=member.relationship, role=Role.LEAD, left_at=None)
    by_side: dict[str | None, UUID] = {}
    for side, person in leads.order_by("joined_at").values_list("side", "person"):
        by_side.setdefault(side, person)
    return list(by_side.values())


def has_lead(member: MemberContext, side: Side) -> bool:
    """Return whether a side has a lead."""
    return members(member, side).filter(role=Role.LEAD).exists()


def open_invitations(member: MemberContext) -> QuerySet[Invitation]:
    """Return open invitations: those of the viewer's side, and those of either side for neutral people."""
    return open_invitations_in(member.relationship.pk)


def open_invitations_in(where: Place) -> QuerySet[Invitation]:
    """Return the open invitations of a relationship that the viewer may know of, the newest first."""
    invitations = Invitation.objects.filter(relationship=where, expires_at__gt=timezone.now())
    return (
        invitations.select_related("made_by__person").filter(accepted_by=None, withdrawn_at=None).order_by("-made_at")
    )


def side_to_agree(invitation: Invitation) -> Side | None:
    """Return the side whose lead is still to agree to an invitation; None where no agreement is needed."""
    if invitation.side is not None or invitation.agreed_by_id is not None or invitation.made_by.side is None:
        return None
    return Side(invitation.made_by.side).other


def former_members(member: MemberContext) -> QuerySet[Membership]:
    """Return the ended memberships of the relationship, the last first."""
    memberships = Membership.objects.filter(relationship=member.relationship)
    return memberships.select_related("person").exclude(left_at=None).order_by("-left_at")


@dataclass(frozen=True, slots=True)
class AccessReview:
    """The last time that somebody reviewed the memberships of a side."""

    at: datetime
    name: str


def latest_access_reviews(member: MemberContext) -> dict[str, AccessReview]:
    """Return the last access review of each side; key "" for neutral people."""
    with connection.cursor() as cursor:  # the audit app is above this one: the database reads it
        cursor.execute("SELECT side, at, name FROM comity_access_reviews(%s)", [member.relationship.pk])
        return {side or "": AccessReview(at, name) for side, at, name in cursor.fetchall()}


ACCESS_COLUMNS = ("name", "email", "side", "role", "since", "left", "stands_in_for", "may")


def access_rows(member: MemberContext) -> Iterator[tuple[str, ...]]:
    """Yield a row of `ACCESS_COLUMNS` for each current and former member; mail addresses only of the own side."""
    today = timezone.now().date()
    for membership in [*members(member), *former_members(member)]:
        deputised = membership.stands_in_for if is_active_deputy(membership, today) else None
        allowed = (
            [] if membership.left_at else [action for action in Action if membership_may(membership, action, today)]
        )
        yield (
            membership.person.name,
            membership.person.email if membership.side == member.membership.side else "",
            membership.side or "neutral",
            membership.role,
            membership.joined_at.date().isoformat(),
            "" if membership.left_at is None else membership.left_at.date().isoformat(),
            "" if deputised is None else deputised.person.name,
            " ".join(allowed),
        )


def sign_in_methods(person: Person) -> dict[str, int]:
    """Return how many code generators and passkeys a person has, and how many open sessions."""
    types = list(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    return {
        "codes": types.count(Authenticator.Type.TOTP),
        "passkeys": types.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=person).count(),
    }


def valid_tokens() -> QuerySet[Token]:
    """Return the viewer's own API tokens that are valid."""
    return Token.objects.filter(revoked_at=None, expires_at__gt=timezone.now())


def token_digest(token: str) -> str:
    """Return the digest by which an invitation or an API token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """What the holder of an open invitation's token is told: by whom it is, to what and as what."""

    person: str
    customer: str
    provider: str
    side: str | None
    role: str


def open_invitation(token: str) -> OpenInvitation | None:
    """Return what an open invitation is to; None for an unknown or ended one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT person, customer, provider, side, role FROM comity_invitation_of(%s)", [token_digest(token)]
        )
        row = cursor.fetchone()
    return None if row is None else OpenInvitation(*row)


def invited_email(token: str) -> str | None:
    """Return the address that an open invitation was sent to; None for an unknown or ended one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_invited(%s)", [token_digest(token)])
        (email,) = cursor.fetchone()
    return None if email is None else str(email)


def firms(member: MemberContext) -> list[Firm]:
    """List the firms of those who advise a side here, past ones among them; once a request."""
    return member.once("parties.firms", lambda: list(Firm.objects.filter(relationship=member.relationship)))


def firm_of(member: MemberContext, person: UUID | None, at: datetime | None = None) -> str:
    """Return the firm that a person was of at a moment, or is of now; empty for one who belongs to the side itself."""
    moment = at or timezone.now()
    found = (
        one.name
        for one in firms(member)
        if one.person_id == person and one.from_at <= moment and (one.ended_at is None or moment < one.ended_at)
    )
    return next(found, "")


def firms_now(member: MemberContext) -> dict[UUID, str]:
    """Return the firm of each person who is of one now, by the person's id."""
    return {one.person_id: one.name for one in firms(member) if one.ended_at is None}
