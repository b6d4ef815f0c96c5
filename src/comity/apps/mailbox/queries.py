"""Queries for the mailbox: what can be said by mail, whether it is read, and how old what waits is."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.urls import Resolver404, resolve
from django.utils import timezone

from comity.apps.i18n import words_for
from comity.apps.mailbox.addresses import reply_address
from comity.apps.mailbox.models import Bounce, Outcome, ReceivedMail
from comity.apps.matters import queries as matters
from comity.apps.matters.models import Matter
from comity.apps.matters.operations import open_moves
from comity.apps.parties.mailing import ReplyOffer, reads_mails, supported_language
from comity.apps.parties.member_context import MemberContext, find_member, set_viewer
from comity.apps.parties.models import Membership, Person, Role
from comity.core.matters.kinds import KINDS, Kind
from comity.core.matters.transitions import Move

# Kinds to which an answer in words is all there is: no figure, amount, record or commitment follows from it.
ANSWERED_BY_MAIL = frozenset({Kind.QUESTION, Kind.COMPLAINT, Kind.WARNING})
SILENT_AFTER = timedelta(hours=1)  # without a reading, or without the clock, silence accepts nothing
RECENT = timedelta(days=10)  # in which a mail that came back is shown
# What people write who agree and think that this is all it takes; in the room's languages, without signs.
_ACCEPTING = frozenset(
    {
        *("accept", "accepted", "i accept", "we accept", "agree", "agreed", "i agree", "we agree", "approved"),
        *("approve", "ok", "okay", "yes", "confirmed", "signed", "done", "fine", "lgtm", "ok with us"),
        *("acepto", "aceptamos", "aceptado", "aceptada", "de acuerdo", "conforme", "conformes", "aprobado", "aprobada"),
        *("sí", "si", "vale", "confirmado", "firmado", "hecho", "ok por nuestra parte", "estamos de acuerdo"),
    }
)


@dataclass(frozen=True, slots=True)
class Ages:
    """Moments by which whoever runs a room sees what stands still; None where there is none.

    :ivar oldest_mail: since when the oldest mail waits for the mail server
    :ivar last_reading: of the mailbox, successful
    :ivar last_tick: of the clock by which silence counts
    :ivar oldest_uncopied: since when the record holds an entry of which a side has taken no copy
    :ivar reads: whether mails are read at all
    """

    oldest_mail: datetime | None
    last_reading: datetime | None
    last_tick: datetime | None
    oldest_uncopied: datetime | None
    reads: bool

    def is_mailbox_dead(self, now: datetime) -> bool:
        """Whether mails should be read and have not been for long."""
        return self.reads and (self.last_reading is None or self.last_reading < now - SILENT_AFTER)

    def is_clock_dead(self, now: datetime) -> bool:
        """Whether the clock has not run for long."""
        return self.last_tick is None or self.last_tick < now - SILENT_AFTER


def ages() -> Ages:
    """Return how old what waits in the room is."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT oldest_mail, last_reading, last_tick, oldest_uncopied, reads FROM comity_ages()")
        return Ages(*cursor.fetchone())


def was_heard(until: datetime) -> bool:
    """Return whether what was sent by mail up to a moment has been read."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT comity_mail_heard(%s)", [until])
        return bool(cursor.fetchone()[0])


def uncopied_since(member: MemberContext) -> datetime | None:
    """Return since when the record holds an entry of which the viewer's side has taken no copy."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(since) FROM mailbox_uncopied WHERE relationship_id = %s", [member.relationship.pk])
        since: datetime | None = cursor.fetchone()[0]
        return since


def recent_bounces(member: MemberContext) -> list[Membership]:
    """Return the members whose mail came back lately, and who have not answered by mail since."""
    since = timezone.now() - RECENT
    bounced = {one.person_id: one.at for one in Bounce.objects.filter(
        relationship=member.relationship, at__gt=since).order_by("at")}  # fmt: skip
    answered = ReceivedMail.objects.filter(
        relationship=member.relationship, outcome=Outcome.COUNTED, person__in=list(bounced)
    )
    for person, at in answered.values_list("person", "read_at"):
        if person in bounced and at > bounced[person]:
            del bounced[person]
    members = Membership.objects.select_related("person").filter(relationship=member.relationship, left_at=None)
    return list(members.filter(person__in=list(bounced)).order_by("person__name"))


def not_counted(member: MemberContext) -> Sequence[ReceivedMail]:
    """Return the mails of the viewer's side that were not counted lately, the newest first."""
    told = [one for one in Outcome if one not in {Outcome.COUNTED, Outcome.AUTOMATIC, Outcome.BOUNCE}]
    mails = ReceivedMail.objects.select_related("person").filter(
        relationship=member.relationship, side=member.side or "", outcome__in=told, at__gt=timezone.now() - RECENT
    )
    return list(mails[:5])


def leads(member: MemberContext) -> bool:
    """Return whether the member leads their side."""
    return member.membership.role == Role.LEAD


def moves_by_mail(member: MemberContext, matter: Matter) -> list[Move]:
    """Return the moves that the member may make by mail now, the one that a plain reply makes first.

    Answers in words, replies to what was asked back, refusals, comments. Nothing is agreed to, said to be done,
    confirmed or signed by mail; a refusal of changes to records removes files, and is made on the page.
    """
    able = open_moves(member, matter)
    moves = [Move.REPLY] if Move.REPLY in able else []
    if Move.AGREE in able and is_answered_by_mail(matter):
        moves.append(Move.AGREE)
    if Move.COMMENT in able:
        moves.append(Move.COMMENT)
    if Move.DECLINE in able and not KINDS[Kind(matter.kind)].changes_records:
        moves.append(Move.DECLINE)
    return moves


def is_answered_by_mail(matter: Matter) -> bool:
    """Whether agreeing to a matter is an answer in words, from which nothing follows."""
    return matter.kind in ANSWERED_BY_MAIL and matter.due_on is None and not matter.price


def only_accepts(text: str) -> bool:
    """Whether a text says that its writer agrees, and nothing else."""
    return " ".join(re.sub(r"[^\w\s]", " ", text.lower()).split()) in _ACCEPTING


def reply_offer(member: MemberContext, path: str) -> ReplyOffer | None:
    """Return how the mail to a member about the page of a matter can be answered; None for other pages."""
    matter = _matter_of(member, path)
    if matter is None:
        return None
    words = words_for(supported_language(member.membership.person.language))
    moves = moves_by_mail(member, matter)
    if not moves:
        return None
    if not reads_mails():
        return ReplyOffer("", words("by_mail.not_read"))
    now, seen = timezone.now(), matters.last_number(matter)
    person = member.membership.person_id
    addresses = {move: reply_address(person, matter.pk, move, seen, now) for move in moves}
    plain = words(f"by_mail.plain_{moves[0]}")
    others = [f"{words(f'by_mail.to_{move}')}\n{addresses[move]}" for move in moves[1:]]
    return ReplyOffer(addresses[moves[0]], "\n\n".join([plain, *others]))


def _matter_of(member: MemberContext, path: str) -> Matter | None:
    try:
        match = resolve(path.partition("?")[0])
    except Resolver404:
        return None
    if match.url_name != "matter":
        return None
    return matters.matter(member, match.kwargs["matter"])


def find_addressee(is_theirs: Callable[[UUID], bool], sender: str) -> Person | None:
    """Return the person whom a reply address was made for: the sender first, then anybody.

    :param is_theirs: whether it fits a person, by id
    """
    first = Person.objects.filter(email__iexact=sender).first()
    if first is not None and is_theirs(first.pk):
        return first
    found = next((pk for pk in Person.objects.values_list("pk", flat=True).iterator() if is_theirs(pk)), None)
    return None if found is None else Person.objects.get(pk=found)


def find_place(person: Person, matter: UUID) -> tuple[MemberContext, Matter] | None:
    """Set the viewer to a person's membership where a matter is, and return both; None where they are in none."""
    set_viewer(person.pk)
    relationships = list(Membership.objects.filter(person=person, left_at=None).values_list("relationship", flat=True))
    for relationship in relationships:
        member = find_member(person.pk, relationship)
        if member is not None and (found := matters.matter(member, matter)) is not None:
            return member, found
    return None


def mails_of(member: MemberContext, matter: Matter) -> list[dict[str, Any]]:
    """Return the mails by which steps of a matter were made, with the digests of each."""
    counted = ReceivedMail.objects.filter(
        relationship=member.relationship, matter=matter.pk, outcome=Outcome.COUNTED
    ).order_by("at")
    return [
        {"step": one.step, "at": one.at.isoformat(), "sha256": one.raw_digest, "message_id_sha256": one.message_digest}
        for one in counted
    ]
