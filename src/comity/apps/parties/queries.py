"""What the parties' pages show. Every query is within what the database lets the viewer see."""

import hashlib
from collections.abc import Iterator
from uuid import UUID

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from comity.apps.parties.models import REVIEWED, Access, Invitation, Membership, Person, Token
from comity.apps.parties.rights import Action, may_now, stands_in
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


def people(standing: Standing, side: Side | None = None) -> QuerySet[Membership]:
    """Who is in the viewer's relationship, side by side."""
    there = Membership.objects.filter(relationship=standing.relationship, left_at=None)
    found = there.select_related("person", "stands_in_for__person")
    return (found if side is None else found.filter(side=side)).order_by("side", "person__name", "pk")


def of_own_side(standing: Standing, number: UUID) -> Membership | None:
    """One's own place, or, for who leads, one of the own side."""
    found = people(standing, standing.side).filter(pk=number, side=standing.membership.side).first()
    if found is None or not (found.pk == standing.membership.pk or standing.may(Action.INVITE)):
        return None
    return found


def invitations(standing: Standing) -> QuerySet[Invitation]:
    """Open invitations that the viewer's side has made."""
    there = Invitation.objects.filter(relationship=standing.relationship)
    return there.filter(accepted_by=None, withdrawn_at=None).order_by("-made_at")


def former(standing: Standing) -> QuerySet[Membership]:
    """Who was in the viewer's relationship and has left, the last first."""
    there = Membership.objects.filter(relationship=standing.relationship)
    return there.select_related("person").exclude(left_at=None).order_by("-left_at")


def log(standing: Standing, *, reads: bool = False) -> QuerySet[Access]:
    """The audit log that the viewer may read, newest first: what was done, or what was read."""
    # The wall says so too, but of what it says the database does not know how many rows they are.
    there = Access.objects.filter(relationship=standing.relationship)
    told = there.select_related("person").only("at", "side", "crosses", "action", "about", "person__name")
    found = told.order_by("-at", "-pk")
    return found.filter(action__startswith=READ) if reads else found.exclude(action__startswith=READ)


def last_review(standing: Standing) -> dict[str, Access]:
    """When each side, by name, last said that its places stand."""
    found: dict[str, Access] = {}
    for one in log(standing).filter(action=REVIEWED)[:50]:
        found.setdefault(one.side or "", one)
    return found


ACCESS = ("name", "email", "side", "role", "since", "left", "stands_in_for", "may")


def access(standing: Standing) -> Iterator[tuple[str, ...]]:
    """Who may see what, and who could, as `ACCESS` names it; addresses of the own side's people alone."""
    today = timezone.now().date()
    for one in [*people(standing), *former(standing)]:
        yield (
            one.person.name,
            one.person.email if one.side == standing.membership.side else "",
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
