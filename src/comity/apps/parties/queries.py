"""What the parties' pages show. Every query is within what the database lets the viewer see."""

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
from comity.apps.parties.models import Invitation, Membership, Person, Role, Token
from comity.apps.parties.rights import Action, may_now, stands_in
from comity.core.values import Side


def portfolio(person: Person) -> QuerySet[Membership]:
    """Where somebody has a place, the newest first."""
    return (
        Membership.objects.select_related("relationship__customer", "relationship__provider")
        .filter(person=person, left_at=None)
        .order_by("-joined_at", "pk")
    )


@dataclass(frozen=True, slots=True)
class Led:
    """An organisation that somebody leads."""

    id: UUID
    name: str
    kind: str


def led_organisations() -> list[Led]:
    """The organisations that whoever looks leads, by name."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, kind FROM comity_led_organisations() ORDER BY name, id")
        return [Led(*row) for row in cursor.fetchall()]


def other_organisations(member: MemberContext) -> list[Led]:
    """Those that the viewer leads elsewhere and could lead here: the ones of this side's name first."""
    if member.side is None or member.membership.role != Role.LEAD:
        return []
    here = {member.relationship.customer_id, member.relationship.provider_id}
    own = member.relationship.organisation(member.side).name.casefold()
    found = [one for one in led_organisations() if one.id not in here]
    return sorted(found, key=lambda one: one.name.casefold() != own)


def people(member: MemberContext, side: Side | None = None) -> QuerySet[Membership]:
    """Who is in the viewer's relationship, side by side."""
    there = Membership.objects.filter(relationship=member.relationship, left_at=None)
    found = there.select_related("person", "stands_in_for__person")
    return (found if side is None else found.filter(side=side)).order_by("side", "person__name", "pk")


def within_reach(member: MemberContext, number: UUID) -> Membership | None:
    """One's own place, or, for who leads, one of the own side or of somebody neutral."""
    found = people(member).filter(pk=number).first()
    if found is None or found.pk == member.membership.pk:
        return found
    return found if member.may(Action.INVITE) and found.side in {None, member.membership.side} else None


def first_leads(member: MemberContext) -> list[UUID]:
    """The person of each side who has led it longest."""
    leads = Membership.objects.filter(relationship=member.relationship, role=Role.LEAD, left_at=None)
    by_side: dict[str | None, UUID] = {}
    for side, person in leads.order_by("joined_at").values_list("side", "person"):
        by_side.setdefault(side, person)
    return list(by_side.values())


def has_lead(member: MemberContext, side: Side) -> bool:
    """Whether somebody leads a side."""
    return people(member, side).filter(role=Role.LEAD).exists()


def invitations(member: MemberContext) -> QuerySet[Invitation]:
    """Open invitations that the viewer's side has made, and, of either side, those for somebody neutral."""
    there = Invitation.objects.filter(relationship=member.relationship, expires_at__gt=timezone.now())
    return there.select_related("made_by__person").filter(accepted_by=None, withdrawn_at=None).order_by("-made_at")


def awaits(invitation: Invitation) -> Side | None:
    """The side whose lead is still to agree to an invitation; None where nobody is."""
    if invitation.side is not None or invitation.agreed_by_id is not None or invitation.made_by.side is None:
        return None
    return Side(invitation.made_by.side).other


def former(member: MemberContext) -> QuerySet[Membership]:
    """Who was in the viewer's relationship and has left, the last first."""
    there = Membership.objects.filter(relationship=member.relationship)
    return there.select_related("person").exclude(left_at=None).order_by("-left_at")


@dataclass(frozen=True, slots=True)
class AccessReview:
    """When somebody last said that the places of a side stand."""

    at: datetime
    name: str


def access_reviews(member: MemberContext) -> dict[str, AccessReview]:
    """The last access review of each side, by its name; those of people on neither side by none."""
    with connection.cursor() as cursor:  # the log stands above the parties: the database reads it for them
        cursor.execute("SELECT side, at, name FROM comity_access_reviews(%s)", [member.relationship.pk])
        return {side or "": AccessReview(at, name) for side, at, name in cursor.fetchall()}


ACCESS = ("name", "email", "side", "role", "since", "left", "stands_in_for", "may")


def access(member: MemberContext) -> Iterator[tuple[str, ...]]:
    """Who may see what, and who could, as `ACCESS` names it; addresses of the own side's people alone."""
    today = timezone.now().date()
    for one in [*people(member), *former(member)]:
        yield (
            one.person.name,
            one.person.email if one.side == member.membership.side else "",
            one.side or "neutral",
            one.role,
            one.joined_at.date().isoformat(),
            "" if one.left_at is None else one.left_at.date().isoformat(),
            one.stands_in_for.person.name if one.stands_in_for and stands_in(one, today) else "",
            " ".join(action for action in Action if one.left_at is None and may_now(one, action, today)),
        )


def ways_in(person: Person) -> dict[str, int]:
    """How somebody signs in besides a password: with codes, with how many passkeys; and how many sessions are open."""
    types = list(Authenticator.objects.filter(user=person).values_list("type", flat=True))
    return {
        "codes": types.count(Authenticator.Type.TOTP),
        "passkeys": types.count(Authenticator.Type.WEBAUTHN),
        "sessions": UserSession.objects.filter(user=person).count(),
    }


def tokens() -> QuerySet[Token]:
    """One's own tokens that still hold."""
    return Token.objects.filter(revoked_at=None, expires_at__gt=timezone.now())


def digest(word: str) -> str:
    """By which the word of an invitation or a token is known again."""
    return hashlib.sha256(word.encode()).hexdigest()


def invited(word: str) -> str | None:
    """The address that an open invitation was sent to: whoever holds its word may know it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_invited(%s)", [digest(word)])
        (email,) = cursor.fetchone()
    return None if email is None else str(email)
