"""What the parties do: found a relationship, invite, join, leave. Each is written to the log."""

import secrets
from datetime import date, timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from comity.apps.parties.mailing import later
from comity.apps.parties.models import (
    NEUTRAL,
    REVIEWED,
    Access,
    Invitation,
    Membership,
    Organisation,
    OrganisationKind,
    Person,
    Relationship,
    Role,
    Token,
)
from comity.apps.parties.queries import digest
from comity.apps.parties.rights import Action
from comity.apps.parties.viewing import Standing, look
from comity.apps.wording import language, words_for
from comity.core.values import Side

INVITED_FOR = timedelta(days=14)
LONGEST_TOKEN_DAYS = 365


class NotAllowedError(ValueError):
    """Something that this person may not do, or that cannot be done any more; the word names the sentence."""


def note(standing: Standing, action: str, about: str = "", *, crosses: bool = False) -> None:
    """Add a line to the log."""
    Access.objects.create(
        relationship=standing.relationship,
        person=standing.membership.person,
        side=standing.side,
        action=action,
        about=about[:200],
        crosses=crosses or standing.side is None,
    )


def read(standing: Standing, what: str, about: str = "") -> None:
    """Add to the log that somebody has read what the sides share; once a day for each thing, whoever it is.

    Both sides read it: a record that both rely on says who has seen what.
    """
    today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
    known = Access.objects.filter(
        relationship=standing.relationship, at__gte=today, person=standing.membership.person, action=f"read {what}"
    )
    if not known.filter(about=about[:200]).exists():
        note(standing, f"read {what}", about, crosses=True)


def found(  # noqa: PLR0913 - who begins it, and between whom
    person: Person,
    side: Side,
    own: str,
    other: str,
    *,
    own_kind: str = OrganisationKind.EXTERNAL,
    other_kind: str = OrganisationKind.EXTERNAL,
) -> Standing:
    """Begin a relationship on one side; the other is a placeholder until somebody of it joins."""
    look(person.pk)
    parties = {
        side: Organisation(name=own, kind=own_kind),
        side.other: Organisation(name=other, kind=other_kind, placeholder=True),
    }
    relationship = Relationship(customer=parties[Side.CUSTOMER], provider=parties[Side.PROVIDER])
    membership = Membership(relationship=relationship, person=person, side=side, role=Role.LEAD)
    # All three are seen by who is a member: added unseen, membership last, then looked at.
    Organisation.objects.bulk_create(parties.values())
    Relationship.objects.bulk_create([relationship])
    Membership.objects.bulk_create([membership])
    look(person.pk, membership.pk)
    standing = Standing(membership)
    note(standing, "founded", str(relationship), crosses=True)
    return standing


def invite(standing: Standing, email: str, role: Role, side: Side | None) -> tuple[Invitation, str]:
    """Ask somebody to join; the word is for the mail and is not kept.

    :raises NotAllowedError: for a side that is not one's own, unless nobody stands there yet
    """
    if role in NEUTRAL:
        side = None
    elif side is not None and side is not standing.side:
        if Membership.objects.filter(relationship=standing.relationship, side=side, left_at=None).exists():
            raise NotAllowedError("invites_own")
        role = Role.LEAD
    word = secrets.token_urlsafe(24)
    made = Invitation.objects.create(
        relationship=standing.relationship,
        side=side,
        role=role,
        email=email.lower(),
        digest=digest(word),
        made_by=standing.membership,
        expires_at=timezone.now() + INVITED_FOR,
    )
    note(standing, "invited", f"{role} {side or ''}".strip(), crosses=side is not standing.side)
    return made, word


def invite_by_mail(standing: Standing, email: str, role: Role, side: Side | None) -> Invitation:
    """Ask somebody to join, by mail: in the language of whoever asks, with the word and nothing of what is inside.

    :raises NotAllowedError: as `invite`
    """
    made, word = invite(standing, email, role, side)
    address = f"{settings.ADDRESS}{reverse('join', args=[word])}"  # never of a request, which may name any host
    said = {"person": standing.membership.person.name, "relationship": str(standing.relationship)}
    words = words_for(language())
    later(words("invite.subject", **said), words("invite.mail", address=address, **said), made.email)
    return made


def join(person: Person, word: str) -> Standing:
    """Take up an invitation.

    :raises NotAllowedError: for one that is not there, is not for this address, has ended, or was taken up
    """
    look(person.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_join(%s)", [digest(word)])
        (made,) = cursor.fetchone()
    if made is None:
        raise NotAllowedError("ended")
    look(person.pk, made)
    standing = Standing(
        Membership.objects.select_related("relationship__customer", "relationship__provider", "person").get(pk=made)
    )
    if standing.side is not None:
        # Whoever is there invites their own people: what the other side has asked for besides ends here.
        open_ones = Invitation.objects.filter(side=standing.side.value, accepted_by=None, withdrawn_at=None)
        open_ones.exclude(made_by__side=standing.side.value).update(withdrawn_at=timezone.now())
        Organisation.objects.filter(pk=standing.relationship.organisation(standing.side).pk).update(placeholder=False)
    note(standing, "joined", standing.membership.role, crosses=True)
    return standing


def let_go(standing: Standing, other: Membership) -> None:
    """End somebody's place on the own side, or one's own; their open matters stay the side's.

    :raises NotAllowedError: for somebody of another side, and for a side's last lead
    """
    if other.pk != standing.membership.pk:
        _own_lead(standing, other)
    _keeps_a_lead(standing, other)
    Membership.objects.filter(stands_in_for=other).update(stands_in_for=None, stands_in_until=None)
    # No way back in by an invitation that they have made, or that waits for them.
    made = Invitation.objects.filter(Q(made_by=other) | Q(email__iexact=other.person.email))
    made.filter(accepted_by=None, withdrawn_at=None).update(withdrawn_at=timezone.now())
    note(standing, "let go", str(other.person), crosses=True)  # first: who leaves writes nothing any more
    Membership.objects.filter(pk=other.pk).update(left_at=timezone.now())


def change_role(standing: Standing, other: Membership, role: Role) -> None:
    """Give somebody of the own side another role; who leads makes another a lead first, and then changes their own.

    :raises NotAllowedError: for somebody of another side, a role of another kind, and a side's last lead
    """
    _own_lead(standing, other)
    if (role in NEUTRAL) is not (other.side is None):
        raise NotAllowedError("other_kind")
    if role != Role.LEAD:
        _keeps_a_lead(standing, other)
    Membership.objects.filter(pk=other.pk).update(role=role)
    note(standing, "changed role", f"{other.person}: {other.role} > {role}", crosses=True)


def stand_in(standing: Standing, other: Membership, deputy: Membership | None, until: date | None) -> None:
    """Let a deputy stand in for somebody, with the rights of both, until a day; None ends it.

    :raises NotAllowedError: for whoever neither leads the side nor is the one to be stood in for, for a deputy of
        another side, and for a day that has passed
    """
    if other.pk != standing.membership.pk:
        _own_lead(standing, other)
    if deputy is not None and (deputy.pk == other.pk or deputy.side != other.side or deputy.left_at is not None):
        raise NotAllowedError("same_side")
    if deputy is not None and (until is None or until < timezone.now().date()):
        raise NotAllowedError("day_passed")
    before = Membership.objects.filter(relationship=standing.relationship, stands_in_for=other)
    before.update(stands_in_for=None, stands_in_until=None)
    if deputy is None:
        note(standing, "ended deputy", str(other.person), crosses=True)
        return
    Membership.objects.filter(pk=deputy.pk).update(stands_in_for=other, stands_in_until=until)
    note(standing, "named deputy", f"{deputy.person} > {other.person}, {until}", crosses=True)


def reviewed_access(standing: Standing) -> None:
    """Say that the own side's places were looked through and stand."""
    note(standing, REVIEWED, crosses=True)


def _own_lead(standing: Standing, other: Membership) -> None:
    if other.side != standing.membership.side or not standing.may(Action.INVITE):
        raise NotAllowedError("own_people")


def _keeps_a_lead(standing: Standing, other: Membership) -> None:
    leads = Membership.objects.filter(
        relationship=standing.relationship, side=other.side, role=Role.LEAD, left_at=None
    ).exclude(pk=other.pk)
    if other.role == Role.LEAD and not leads.exists():
        raise NotAllowedError("last_lead")


def withdraw(standing: Standing, invitation: Invitation) -> None:
    """Take an invitation back."""
    Invitation.objects.filter(pk=invitation.pk).update(withdrawn_at=timezone.now())
    note(standing, "withdrew invitation", invitation.role, crosses=invitation.side != standing.membership.side)


def make_token(person: Person, name: str, days: int, *, writes: bool) -> tuple[Token, str]:
    """A token of one's own; its word is shown once and not kept."""
    word = f"comity_{secrets.token_urlsafe(32)}"
    expires = timezone.now() + timedelta(days=min(max(days, 1), LONGEST_TOKEN_DAYS))
    made = Token.objects.create(person=person, name=name, digest=digest(word), writes=writes, expires_at=expires)
    return made, word


def revoke_token(token: Token) -> None:
    """End a token."""
    Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
