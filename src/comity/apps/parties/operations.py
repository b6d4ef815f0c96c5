"""Operations of the parties: relationships, invitations, memberships, deputies, API tokens. Each is written to the log.

Who may change a membership is decided in the database (`migrations/0012_places.py`): these operations call its
functions.
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
from comity.apps.parties.mailing import has_mail_server, mail_headers, mail_person, mail_side, page_path, queue_mail
from comity.apps.parties.member_context import MemberContext, set_viewer, viewing_as
from comity.apps.parties.models import (
    NEUTRAL_ROLES,
    Invitation,
    Membership,
    Person,
    Role,
    Token,
)
from comity.apps.parties.names import validate_name
from comity.apps.parties.queries import token_digest
from comity.apps.parties.rate_limits import check_rate_limit
from comity.apps.parties.refusals import Code
from comity.apps.parties.rights import OFFERED_ROLES, Action
from comity.apps.refusal import Refused
from comity.core.values import OrganisationKind, Side

MAX_TOKEN_DAYS, WRITING_TOKEN_DAYS = 365, 90


def create_relationship(  # noqa: PLR0913 - who begins it, and between whom
    person: Person,
    side: Side,
    own: str,
    other: str,
    *,
    own_kind: str = OrganisationKind.EXTERNAL,
    other_kind: str = OrganisationKind.EXTERNAL,
    organisation: UUID | None = None,
) -> MemberContext:
    """Create a relationship from one side; the other is a placeholder until somebody of it joins.

    :param organisation: of the own side, which the person leads elsewhere; None: a new one with the name `own`
    :raises Refused: beyond the rate limit, and for an organisation that the person does not lead
    :raises Refused: for a name that holds a link or a line break
    """
    other = validate_name(other)
    check_rate_limit(person, "relationships")
    set_viewer(person.pk)
    with connection.cursor() as cursor:
        if organisation is None:
            arguments = [side.value, validate_name(own), own_kind, other, other_kind]
            cursor.execute("SELECT comity_begin(%s, %s, %s, %s, %s)", arguments)
        else:
            arguments = [side.value, str(organisation), other, other_kind]
            cursor.execute("SELECT comity_begin_for(%s, %s, %s, %s)", arguments)
        (membership,) = cursor.fetchone()
    if membership is None:
        raise Refused(Code.NOT_LED)
    return _act_as(person, membership)


def create_sample(person: Person, side: Side, own: str, other: str) -> MemberContext:
    """Create a sample relationship, which nobody else joins and nothing is sent from.

    :raises Refused: beyond the rate limit
    """
    check_rate_limit(person, "relationships")
    set_viewer(person.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_begin_sample(%s, %s, %s)", [side.value, own, other])
        (membership,) = cursor.fetchone()
    return _act_as(person, membership)


def end_sample(member: MemberContext) -> None:
    """End all memberships of a sample relationship.

    :raises Refused: for whoever is not a lead, and for a relationship that is no sample
    """
    _call_function(member, "comity_end_sample")


def end_unjoined(member: MemberContext) -> None:
    """End a relationship that nobody but the own side has ever been in: all its memberships and invitations.

    :raises Refused: for whoever is not a lead of a side, and once somebody else has joined
    """
    _call_function(member, "comity_end_unjoined")


def switch_sample(member: MemberContext, side: Side) -> None:
    """Go on looking around in a sample as a side of it.

    :raises Refused: for whoever is not a lead, and for a relationship that is no sample
    """
    _call_function(member, "comity_switch_sample", side.value)


def use_organisation(member: MemberContext, organisation: UUID) -> None:
    """Make the viewer's side an organisation which they lead in another relationship: one row from now on.

    :raises Refused: for whoever is not a lead, for an organisation that they do not lead, and for the other side's own
    """
    _call_function(member, "comity_use_organisation", organisation)
    member.relationship.refresh_from_db()


def invite(member: MemberContext, email: str, role: Role, side: Side | None) -> tuple[Invitation, str | None]:
    """Invite somebody, and return the invitation with its token. The token is for the mail and is not stored.

    A neutral person is only proposed: there is no token until a lead of the other side agrees (`agree_to_invitation`).

    :raises Refused: for whoever is not a lead, for a side that is not one's own, unless it has no lead, and in a sample
    """
    if member.relationship.is_sample:
        raise Refused(Code.SAMPLE)
    if role in NEUTRAL_ROLES:
        side = None
    elif side is not member.side:
        role = Role.LEAD
    token = None if role in NEUTRAL_ROLES else secrets.token_urlsafe(24)
    invitation = uuid4()
    _call_function(member, "comity_invite", invitation, side, role.value, email, token and token_digest(token))
    return Invitation.objects.get(pk=invitation), token


def invite_by_mail(member: MemberContext, email: str, role: Role, side: Side | None) -> tuple[Invitation, str]:
    """Invite somebody by mail; for a neutral person, mail the other side's leads that they are to agree.

    :returns: the invitation; where the room has no mail server, also the link that the inviting person passes on
    :raises Refused: as `invite`, and beyond the rate limits for mails and for mails to one address
    """
    _check_offered(role)
    person = member.membership.person
    check_rate_limit(person, "invitations")
    check_rate_limit(person, "invitations to one address", email)
    invitation, token = invite(member, email, role, side)
    link = ""
    if token is not None:
        link = _mail_invitation(member, person, invitation, token)
    elif member.side is not None:
        mail_side(
            member, member.side.other, Action.INVITE, "neutral_proposed", page_path(member, "people"),
            person=lambda _: person.name, email=lambda _: invitation.email,
            relationship=lambda _: str(member.relationship), role=lambda words: words(f"role.{role}").lower(),
        )  # fmt: skip
    return invitation, link


def agree_to_invitation(member: MemberContext, invitation: Invitation) -> str:
    """Agree, as a lead of the other side, to the invitation of a neutral person; return the token for the mail.

    :raises Refused: for the side that proposed it, and for a proposal that has ended
    """
    token = secrets.token_urlsafe(24)
    _call_function(member, "comity_agree", invitation.pk, token_digest(token))
    return token


def agree_to_invitation_by_mail(member: MemberContext, invitation: Invitation) -> str:
    """Agree to the invitation of a neutral person, and send them the mail in the name of who proposed it.

    :returns: the link as `invite_by_mail`
    :raises Refused: as `agree_to_invitation` and `invite_by_mail`
    """
    person = member.membership.person
    check_rate_limit(person, "invitations")
    check_rate_limit(person, "invitations to one address", invitation.email)
    token = agree_to_invitation(member, invitation)
    return _mail_invitation(member, invitation.made_by.person, invitation, token)


def renew_invitation(member: MemberContext, invitation: Invitation) -> str:
    """Give an open invitation another token, for another 14 days, and return it: the old one stops working.

    :raises Refused: for whoever is not a lead of a side that may withdraw it, and for one that has ended
    """
    token = secrets.token_urlsafe(24)
    _call_function(member, "comity_renew_invitation", invitation.pk, token_digest(token))
    invitation.refresh_from_db()
    return token


def renew_invitation_by_mail(member: MemberContext, invitation: Invitation) -> str:
    """Give an open invitation another link, and mail it.

    :returns: the link as `invite_by_mail`
    :raises Refused: as `renew_invitation` and `invite_by_mail`
    """
    person = member.membership.person
    check_rate_limit(person, "invitations")
    check_rate_limit(person, "invitations to one address", invitation.email)
    return _mail_invitation(member, person, invitation, renew_invitation(member, invitation))


def _mail_invitation(member: MemberContext, sender: Person, invitation: Invitation, token: str) -> str:
    """Mail an invitation in the language of the request, with its token and nothing of what is inside.

    :returns: the link, where no mail leaves the room; else nothing
    """
    address = f"{settings.ADDRESS}{reverse('join', args=[token])}"  # not the request's host, which may be any
    values = {"person": sender.name, "relationship": str(member.relationship)}
    words = words_for(language())
    text = words("invite.mail", address=address, **values)
    queue_mail(words("invite.subject", **values), text, invitation.email, mail_headers(member))
    return "" if has_mail_server() else address


def accept_invitation(person: Person, token: str) -> MemberContext:
    """Accept an invitation; accepting it twice returns the same membership.

    :raises Refused: for an unknown token, another person's address, and an invitation that has ended or was accepted
    """
    set_viewer(person.pk)
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_join(%s)", [token_digest(token)])
        (membership,) = cursor.fetchone()
    if membership is None:
        raise Refused(Code.INVITATION_GONE)
    return _act_as(person, membership)


def end_membership(member: MemberContext, other: Membership) -> None:
    """End a membership of the own side, a neutral one, or one's own, with all invitations that the person made.

    What they did, and what is open of it, stays with their side.

    :raises Refused: for the other side's, for the person whom one is deputy of, and for a side's last lead
    """
    _call_function(member, "comity_let_go", other.pk)


def change_role(member: MemberContext, other: Membership, role: Role) -> None:
    """Change the role of a member of the own side; a lead makes another a lead before changing their own role.

    :raises Refused: for another side's member, a role of another kind, the person whom one is deputy of, and a
        side's last lead
    """
    if role != other.role:
        _check_offered(role)
    _call_function(member, "comity_change_role", other.pk, role.value)


def set_firm(member: MemberContext, other: Membership, name: str) -> None:
    """Say of which firm somebody of the own side is, which advises it; both sides are shown it wherever they speak.

    :param name: empty where they are of the side itself
    :raises Refused: for another side's member, and for all but leads
    """
    _call_function(member, "comity_set_firm", other.pk, name)


def _check_offered(role: Role) -> None:
    """Check that a role is given to newcomers, in a browser and to a program alike.

    :raises Refused: for one without a page of its own, which only those keep who have it
    """
    if role not in OFFERED_ROLES:
        raise Refused(Code.NOT_OFFERED)


def set_deputy(member: MemberContext, other: Membership, deputy: Membership | None, until: date | None) -> None:
    """Set a member's deputy, who has the rights of both except to decide about people, until a day.

    Where somebody other than a lead names the deputy, the leads are mailed, and the day is at most 30 days away.

    :param deputy: None ends it
    :param until: the last day
    :raises Refused: for whoever is neither a lead of the side nor the member, for a deputy of another side or of
        somebody else, for a day that has passed or is too far away, and beyond the rate limit
    """
    mails_leads = deputy is not None and member.side is not None and not member.may(Action.INVITE)
    if mails_leads:
        check_rate_limit(member.membership.person, "deputies")
    _call_function(member, "comity_stand_in", other.pk, None if deputy is None else deputy.pk, until)
    if mails_leads and deputy is not None and until is not None and member.side is not None:
        mail_side(
            member, member.side, Action.INVITE, "deputy_named", page_path(member, "people"),
            person=lambda _: other.person.name, deputy=lambda _: deputy.person.name,
            relationship=lambda _: str(member.relationship), day=lambda words: words.day(until),
        )  # fmt: skip


def review_access(member: MemberContext) -> None:
    """Record that the own side's memberships were reviewed.

    :raises Refused: where the viewer's membership has ended
    """
    _call_function(member, "comity_review_access")


def withdraw_invitation(member: MemberContext, invitation: Invitation) -> None:
    """Withdraw an invitation of the own side, or a neutral person's, whichever side proposed it.

    :raises Refused: for one that is not open any more
    """
    _call_function(member, "comity_withdraw", invitation.pk)


def _call_function(member: MemberContext, function: str, *arguments: UUID | str | date | None) -> None:
    """Call a function of the database's owner as the member: it checks, changes and writes the log.

    :raises Refused: with the code that it returns
    """
    set_viewer(member.membership.person_id, member.membership.pk)
    marks = ", ".join(["%s"] * len(arguments))
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}({marks})", arguments)
        (code,) = cursor.fetchone()
    if code is not None:
        raise Refused(Code(code))


def _act_as(person: Person, membership: UUID) -> MemberContext:
    set_viewer(person.pk, membership)
    memberships = Membership.objects.select_related("relationship__customer", "relationship__provider", "person")
    return MemberContext(memberships.get(pk=membership))


def make_token(person: Person, name: str, days: int | None, *, writes: bool) -> tuple[Token, str]:
    """Create an API token, mail its person, and return it with its secret, which is shown once and not stored.

    :param days: of validity, at most 365; None: 90 for a token that writes, 365 for one that only reads
    :raises Refused: for a name that holds a link or a line break
    """
    name = validate_name(name)
    if days is None:
        days = WRITING_TOKEN_DAYS if writes else MAX_TOKEN_DAYS
    secret = f"comity_{secrets.token_urlsafe(32)}"
    expires_at = timezone.now() + timedelta(days=min(max(days, 1), MAX_TOKEN_DAYS))
    digest = token_digest(secret)
    token = Token.objects.create(person=person, name=name, digest=digest, writes=writes, expires_at=expires_at)
    mail_person(
        person, "token_made", reverse("account"),
        name=lambda _: name, day=lambda words: words.day(expires_at.date()),
        does=lambda words: words("token.both" if writes else "token.reads"),
    )  # fmt: skip
    return token, secret


def revoke_token(token: Token) -> None:
    """Revoke an API token, and mail its person."""
    _revoke(token.person, Token.objects.filter(pk=token.pk), "revoked")


def revoke_all_tokens(person: Person, why: str) -> None:
    """Revoke all API tokens of a person, whoever the viewer is, and mail them.

    :param why: "password", or "not_signed_in" where their organisation's own sign-in has not let them in for long
    """
    with viewing_as(person.pk):
        _revoke(person, Token.objects.filter(person=person), why)


def _revoke(person: Person, tokens: QuerySet[Token], why: str) -> None:
    now = timezone.now()
    valid = list(tokens.filter(revoked_at=None, expires_at__gt=now))
    if Token.objects.filter(pk__in=[one.pk for one in valid], revoked_at=None).update(revoked_at=now):
        names = ", ".join(one.name for one in valid)
        mail_person(
            person, "token_ended", reverse("account"),
            names=lambda _: names, why=lambda words: words(f"token_why.{why}"),
        )  # fmt: skip
