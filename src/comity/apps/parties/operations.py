"""What the parties do: found a relationship, invite, join, leave. Each is written to the log.

Who may change a place is decided in the database (`migrations/0012_places.py`): the operations here call its functions.
"""

import secrets
from datetime import date, timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from comity.apps.i18n import language, words_for
from comity.apps.parties.limits import limit
from comity.apps.parties.mailing import about, has_mail_server, page, send, tell, tell_person
from comity.apps.parties.member_context import MemberContext, set_viewer, viewing_as
from comity.apps.parties.models import (
    NEUTRAL,
    Invitation,
    Membership,
    Person,
    Role,
    Token,
)
from comity.apps.parties.names import plain
from comity.apps.parties.queries import digest
from comity.apps.parties.refusals import Code
from comity.apps.parties.rights import Action
from comity.apps.refusal import Refused
from comity.core.values import OrganisationKind, Side

LONGEST_TOKEN_DAYS, WRITING_TOKEN_DAYS = 365, 90


def found(  # noqa: PLR0913 - who begins it, and between whom
    person: Person,
    side: Side,
    own: str,
    other: str,
    *,
    own_kind: str = OrganisationKind.EXTERNAL,
    other_kind: str = OrganisationKind.EXTERNAL,
    organisation: UUID | None = None,
) -> MemberContext:
    """Begin a relationship on one side; the other is a placeholder until somebody of it joins.

    :param organisation: which the person leads elsewhere, and whose side it is here too; None: one of the name `own`
    :raises Refused: for too many in a day, and for an organisation that the person does not lead
    :raises Refused: for a name that holds a link or a line break
    """
    other = plain(other)
    limit(person, "relationships")
    set_viewer(person.pk)
    with connection.cursor() as cursor:
        if organisation is None:
            asked = [side.value, plain(own), own_kind, other, other_kind]
            cursor.execute("SELECT comity_begin(%s, %s, %s, %s, %s)", asked)
        else:
            asked = [side.value, str(organisation), other, other_kind]
            cursor.execute("SELECT comity_begin_for(%s, %s, %s, %s)", asked)
        (place,) = cursor.fetchone()
    if place is None:
        raise Refused(Code.NOT_LED)
    return _member(person, place)


def use_organisation(member: MemberContext, organisation: UUID) -> None:
    """Say that the viewer's side is an organisation which they lead in another relationship: one row from now on.

    :raises Refused: for whoever is not a lead, for an organisation that they do not lead, and for the other side's own
    """
    _ask(member, "comity_use_organisation", organisation)
    member.relationship.refresh_from_db()


def invite(member: MemberContext, email: str, role: Role, side: Side | None) -> tuple[Invitation, str | None]:
    """Ask somebody to join. The word is for the mail and is not kept.

    Somebody for neither side is only proposed: there is no word until a lead of the other side agrees (`agree`).

    :raises Refused: for whoever is not a lead, and for a side that is not one's own, unless it has no lead
    """
    if role in NEUTRAL:
        side = None
    elif side is not member.side:
        role = Role.LEAD
    word = None if role in NEUTRAL else secrets.token_urlsafe(24)
    made = uuid4()
    _ask(member, "comity_invite", made, side, role.value, email, word and digest(word))
    return Invitation.objects.get(pk=made), word


def invite_by_mail(member: MemberContext, email: str, role: Role, side: Side | None) -> tuple[Invitation, str]:
    """Ask somebody to join, by mail; for somebody neutral, write to the other side's leads that they are to agree.

    :returns: the invitation; and where the room has no mail server, the link that the inviting person has to pass on
    :raises Refused: as `invite`
    :raises Refused: for too many mails, or too many to one address
    """
    person = member.membership.person
    limit(person, "invitations")
    limit(person, "invitations to one address", email)
    made, word = invite(member, email, role, side)
    link = ""
    if word is not None:
        link = _mail_invitation(member, person, made, word)
    elif member.side is not None:
        tell(
            member, member.side.other, Action.INVITE, "neutral_proposed", page(member, "people"),
            person=lambda _: person.name, email=lambda _: made.email, relationship=lambda _: str(member.relationship),
            role=lambda words: words(f"role.{role}").lower(),
        )  # fmt: skip
    return made, link


def agree(member: MemberContext, invitation: Invitation) -> str:
    """Agree, as a lead of the other side, that somebody neutral is invited; returns the word for the mail.

    :raises Refused: for the side that proposed it, and for a proposal that has ended
    """
    word = secrets.token_urlsafe(24)
    _ask(member, "comity_agree", invitation.pk, digest(word))
    return word


def agree_by_mail(member: MemberContext, invitation: Invitation) -> str:
    """Agree that somebody neutral is invited, and send them the mail in the name of who proposed it.

    :returns: as the link of `invite_by_mail`
    :raises Refused: as `agree`
    :raises Refused: as `invite_by_mail`
    """
    person = member.membership.person
    limit(person, "invitations")
    limit(person, "invitations to one address", invitation.email)
    word = agree(member, invitation)
    return _mail_invitation(member, invitation.made_by.person, invitation, word)


def _mail_invitation(member: MemberContext, by: Person, invitation: Invitation, word: str) -> str:
    """Send it in the language of whoever asks, with nothing of what is inside; returns the link where no mail goes."""
    address = f"{settings.ADDRESS}{reverse('join', args=[word])}"  # never of a request, which may name any host
    said = {"person": by.name, "relationship": str(member.relationship)}
    words = words_for(language())
    text = words("invite.mail", address=address, **said)
    send(words("invite.subject", **said), text, invitation.email, about(member))
    return "" if has_mail_server() else address


def join(person: Person, word: str) -> MemberContext:
    """Take up an invitation; doing so twice gives the same place.

    :raises Refused: for one that is not there, is not for this address, has ended, or was taken up
    """
    set_viewer(person.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_join(%s)", [digest(word)])
        (place,) = cursor.fetchone()
    if place is None:
        raise Refused(Code.INVITATION_GONE)
    return _member(person, place)


def let_go(member: MemberContext, other: Membership) -> None:
    """End somebody's place on the own side or on neither, or one's own, with all invitations that they made.

    What they did and what was open of it stays their side's.

    :raises Refused: for somebody of the other side, for whom one stands in for, and for a side's last lead
    """
    _ask(member, "comity_let_go", other.pk)


def change_role(member: MemberContext, other: Membership, role: Role) -> None:
    """Give somebody of the own side another role; who leads makes another a lead first, and then changes their own.

    :raises Refused: for somebody of another side, a role of another kind, whom one stands in for, and a side's
        last lead
    """
    _ask(member, "comity_change_role", other.pk, role.value)


def stand_in(member: MemberContext, other: Membership, deputy: Membership | None, until: date | None) -> None:
    """Let a deputy stand in for somebody, with the rights of both but that to decide about people, until a day.

    Where no lead names the deputy, the leads are written to, and the day is at most 30 days away.

    :param deputy: None ends it
    :raises Refused: for whoever neither leads the side nor is the one to be stood in for, for a deputy of
        another side or one who stands in for somebody else, and for a day that has passed or is too far away
    :raises Refused: for too many in an hour
    """
    tells_leads = deputy is not None and member.side is not None and not member.may(Action.INVITE)
    if tells_leads:
        limit(member.membership.person, "deputies")
    _ask(member, "comity_stand_in", other.pk, None if deputy is None else deputy.pk, until)
    if tells_leads and deputy is not None and until is not None and member.side is not None:
        tell(
            member, member.side, Action.INVITE, "deputy_named", page(member, "people"),
            person=lambda _: other.person.name, deputy=lambda _: deputy.person.name,
            relationship=lambda _: str(member.relationship), day=lambda words: words.day(until),
        )  # fmt: skip


def review_access(member: MemberContext) -> None:
    """Say that the own side's places were looked through and stand.

    :raises Refused: for a place that has ended
    """
    _ask(member, "comity_review_access")


def withdraw(member: MemberContext, invitation: Invitation) -> None:
    """Take an invitation back: one of the own side, or for somebody neutral whichever side proposed it.

    :raises Refused: for one that is not open any more
    """
    _ask(member, "comity_withdraw", invitation.pk)


def _ask(member: MemberContext, function: str, *values: UUID | str | date | None) -> None:
    """Call a function of the database's owner as whoever stands there: it checks, changes and writes the log.

    :raises Refused: with the code that it answers
    """
    set_viewer(member.membership.person_id, member.membership.pk)
    places = ", ".join(["%s"] * len(values))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({places})", values)
        (refused,) = cursor.fetchone()
    if refused is not None:
        raise Refused(Code(refused))


def _member(person: Person, place: UUID) -> MemberContext:
    set_viewer(person.pk, place)
    there = Membership.objects.select_related("relationship__customer", "relationship__provider", "person")
    return MemberContext(there.get(pk=place))


def make_token(person: Person, name: str, days: int | None, *, writes: bool) -> tuple[Token, str]:
    """Make an API token of one's own, and write to its person. Its word is shown once and not kept.

    :param days: None for 90 where it writes and 365 where it only reads
    :raises Refused: for a name that holds a link or a line break
    """
    name = plain(name)
    if days is None:
        days = WRITING_TOKEN_DAYS if writes else LONGEST_TOKEN_DAYS
    word = f"comity_{secrets.token_urlsafe(32)}"
    expires = timezone.now() + timedelta(days=min(max(days, 1), LONGEST_TOKEN_DAYS))
    made = Token.objects.create(person=person, name=name, digest=digest(word), writes=writes, expires_at=expires)
    tell_person(
        person, "token_made", reverse("account"),
        name=lambda _: name, day=lambda words: words.day(expires.date()),
        does=lambda words: words("token.both" if writes else "token.reads"),
    )  # fmt: skip
    return made, word


def revoke_token(token: Token) -> None:
    """End an API token, and write to its person."""
    _end(token.person, Token.objects.filter(pk=token.pk), "revoked")


def end_tokens(person: Person, why: str) -> None:
    """End all API tokens of somebody, whoever is looking, and write to them.

    :param why: "password", or "not_signed_in" where their organisation's own sign-in has not let them in for long
    """
    with viewing_as(person.pk):
        _end(person, Token.objects.filter(person=person), why)


def _end(person: Person, tokens: QuerySet[Token], why: str) -> None:
    now = timezone.now()
    ended = list(tokens.filter(revoked_at=None, expires_at__gt=now))
    if Token.objects.filter(pk__in=[one.pk for one in ended], revoked_at=None).update(revoked_at=now):
        names = ", ".join(one.name for one in ended)
        tell_person(
            person, "token_ended", reverse("account"),
            names=lambda _: names, why=lambda words: words(f"token_why.{why}"),
        )  # fmt: skip
