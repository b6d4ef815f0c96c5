"""What the parties' pages show. Every query is within what the database lets the viewer see."""

import hashlib
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from comity.apps.parties.models import Access, Invitation, Membership, Person, Token
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing
from comity.core.values import Side

READ = "read "  # with what the log's lines of reading begin


def portfolio(person: Person) -> QuerySet[Membership]:
    """Where somebody has a place, the newest first."""
    return (
        Membership.objects.select_related("relationship__customer", "relationship__provider")
        .filter(person=person, left_at=None)
        .order_by("-joined_at", "pk")
    )


def people(side: Side | None = None) -> QuerySet[Membership]:
    """Who is in the viewer's relationship, side by side."""
    found = Membership.objects.select_related("person", "relationship", "stands_in_for__person").filter(left_at=None)
    return (found if side is None else found.filter(side=side)).order_by("side", "person__name", "pk")


def of_own_side(standing: Standing, number: UUID) -> Membership | None:
    """One's own place, or, for who leads, one of the own side."""
    found = people(standing.side).filter(pk=number, side=standing.membership.side).first()
    if found is None or not (found.pk == standing.membership.pk or standing.may(Action.INVITE)):
        return None
    return found


def invitations() -> QuerySet[Invitation]:
    """Open invitations that the viewer's side has made."""
    return Invitation.objects.filter(accepted_by=None, withdrawn_at=None).order_by("-made_at")


def former() -> QuerySet[Membership]:
    """Who was in the viewer's relationship and has left, the last first."""
    return Membership.objects.select_related("person").exclude(left_at=None).order_by("-left_at")


def log(*, reads: bool = False) -> QuerySet[Access]:
    """The audit log that the viewer may read, newest first: what was done, or what was read."""
    found = Access.objects.select_related("person").order_by("-at", "-pk")
    return found.filter(action__startswith=READ) if reads else found.exclude(action__startswith=READ)


def last_review() -> dict[str, Access]:
    """When each side, by name, last said that its places stand."""
    found: dict[str, Access] = {}
    for one in log().filter(action="reviewed access")[:50]:
        found.setdefault(one.side or "", one)
    return found


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
