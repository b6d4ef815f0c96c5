"""Queries for notifications: whose move an event is, who is mailed about it, and what a digest holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Q
from django.utils import timezone

from comity.apps.audit.models import AuditEvent, Event, SubjectType
from comity.apps.audit.queries import log_events
from comity.apps.books import terms
from comity.apps.books.queries import files_to_decide, zone
from comity.apps.matters import queries as matters
from comity.apps.matters.models import Matter
from comity.apps.notifications.models import DigestPosition, Preference, SentNotification, Timing, Topic
from comity.apps.notifications.topics import BY_A_SYSTEM, MATTER_MOVES, TOPICS
from comity.apps.parties.mailing import has_mail_server
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Membership, Person, Role
from comity.apps.parties.rights import Action, is_active_deputy, membership_may
from comity.apps.personal.queries import display_settings
from comity.apps.record.models import Consent, ConsentSubject
from comity.apps.record.queries import entries, unanswered_consents, valid_consents
from comity.apps.replies.operations import MIN_REACHED
from comity.apps.replies.queries import silence_since
from comity.apps.replies.reminders import members_with_right
from comity.core.matters.kinds import KINDS, Kind
from comity.core.matters.transitions import TO_DO, State
from comity.core.values import Side

TOLD_AT_ONCE = 2  # people of a side, where it has as many who may act
CHASE_HOUR, DIGEST_HOUR = 6, 7  # so that a digest tells of the deliveries that are late since midnight
# A digest ends so long before it is made: transactions that began earlier have ended, answers can no longer be taken
# back, and what is mailed at once has been.
DIGEST_MARGIN = timedelta(minutes=15)
FIRST_DIGEST = timedelta(days=1)

Timings = Mapping[Topic, Timing]


@dataclass(frozen=True, slots=True)
class DueMove:
    """What an event leaves to be done.

    :ivar both: whether it is the other side's too
    :ivar right: that doing it takes
    :ivar owner: the membership of whoever is to do it, where somebody is named
    :ivar owner_only: whether it concerns nobody else of the side
    :ivar matter: which waits for an answer, or is to be carried out
    :ivar consent: of the other side, which waits for the side's own
    :ivar file: of the watched folder, which waits for a decision, by its name
    :ivar period: that neither side has confirmed, by its name
    """

    side: Side
    right: Action
    owner: UUID | None = None
    owner_only: bool = False
    matter: Matter | None = None
    consent: Consent | None = None
    file: str = ""
    period: str = ""
    both: bool = False

    def is_of(self, side: str | None) -> bool:
        """Return whether it is a side's to do."""
        return side is not None and (self.both or self.side == side)


def reader_zone(member: MemberContext) -> ZoneInfo:
    """Return the time zone in which mails to the member name times: their own, or the relationship's."""
    return ZoneInfo(display_settings(member.membership.person).time_zone or zone(member))


def due_move(member: MemberContext, event: AuditEvent) -> DueMove | None:
    """Return what an event leaves to be done now, and by which side; None where it needs nothing, or not any more."""
    if event.event in MATTER_MOVES and event.subject_type == SubjectType.MATTER:
        return _matter_move(member, event)
    find = _DUE_MOVES.get(Event(event.event))
    return None if find is None else find(member, event)


def _late_delivery(member: MemberContext, event: AuditEvent) -> DueMove:  # noqa: ARG001 - as the others
    return DueMove(Side(event.data["side"]), Action.BRING)


def _waiting_file(member: MemberContext, event: AuditEvent) -> DueMove | None:
    """Return that a side has to decide on a file of the watched folder; one that could not even be taken stays so."""
    if event.side is None:
        return None
    is_gone = event.subject_id is not None and not files_to_decide(member).filter(pk=event.subject_id).exists()
    return None if is_gone else DueMove(Side(event.side), Action.BRING, file=event.data["name"])


def _owed_work(member: MemberContext, event: AuditEvent) -> DueMove | None:
    """Return that work is owed, as long as it is by the day that the event names."""
    matter = None if event.subject_id is None else matters.matter(member, event.subject_id)
    if matter is None or not matter.debtor or State(matter.state) not in TO_DO:
        return None
    if matter.due_on is None or matter.due_on.isoformat() != event.data["due"]:
        return None
    owner = None if matter.owner is None else matter.owner.pk
    return DueMove(Side(matter.debtor), Action.ACT, owner, matter=matter)


def _undone_dispute(member: MemberContext, event: AuditEvent) -> DueMove | None:
    """Return that both sides can confirm the period of a dispute that was not carried out, unless it is final."""
    matter = None if event.subject_id is None else matters.matter(member, event.subject_id)
    return None if matter is None else _whole_period_due(member, matter.period)


def _whole_period_due(member: MemberContext, period: str) -> DueMove | None:
    """Return that both sides can confirm a period, unless one has: then the other is asked by that event."""
    if valid_consents(member, ConsentSubject.PERIOD, period):
        return None
    is_in_record = entries(member, ConsentSubject.PERIOD, period).exists()
    return None if is_in_record else DueMove(Side.CUSTOMER, Action.CONFIRM, period=period, both=True)


def _whole_period(member: MemberContext, event: AuditEvent) -> DueMove | None:
    return _whole_period_due(member, event.data["period"])


def _proposed_terms(member: MemberContext, event: AuditEvent) -> DueMove | None:
    """Return that the other side has to agree to the zone, currency or months that one proposed."""
    proposal = terms.open_proposal(member)
    is_open = proposal is not None and proposal.step.side == event.side
    return DueMove(Side(event.side).other, Action.AGREE) if is_open and event.side else None


def _confirmation_due(member: MemberContext, event: AuditEvent) -> DueMove | None:
    for consent in unanswered_consents(member, ConsentSubject.PERIOD):
        if (consent.subject, consent.side) == (event.data["period"], event.side):
            return DueMove(Side(consent.side).other, Action.CONFIRM, consent=consent)
    return None


_DUE_MOVES: Mapping[Event, Callable[[MemberContext, AuditEvent], DueMove | None]] = {
    Event.DELIVERY_LATE: _late_delivery,
    Event.DELIVERY_WAITS: _waiting_file,
    Event.TERMS_PROPOSED: _proposed_terms,
    Event.MATTER_DUE: _owed_work,
    Event.MATTER_UNDONE: _undone_dispute,
    Event.PERIOD_WHOLE: _whole_period,
    Event.PERIOD_CONFIRMED: _confirmation_due,
}


def _matter_move(member: MemberContext, event: AuditEvent) -> DueMove | None:
    matter = None if event.subject_id is None else matters.matter(member, event.subject_id)
    later_moves = AuditEvent.objects.filter(
        relationship=member.relationship, subject_id=event.subject_id, event__in=MATTER_MOVES, at__gt=event.at
    )
    if matter is None or later_moves.exists():
        return None
    kind, state, owner = Kind(matter.kind), State(matter.state), matter.owner
    if matter.waits_for is not None and matter.waits_for != event.side:
        right = Action(KINDS[kind].answered_with)
        return DueMove(Side(matter.waits_for), right, None if owner is None else owner.pk, matter=matter)
    if not matter.promise:
        return None
    if state in TO_DO:
        worker = matter.debtor
        handed_over = event.event == Event.MATTER_HANDED_OVER
        member_key = None if owner is None else owner.pk
        return DueMove(Side(worker), Action.ACT, member_key, handed_over, matter) if worker else None
    if state is State.DONE and event.event == Event.MATTER_DONE and event.side is not None:
        return DueMove(Side(event.side).other, Action.ACT, matter=matter)
    return None


def silence_may_confirm(member: MemberContext, side: Side, consent: Consent) -> bool:
    """Return whether a side's silence about a consent can come to count: agreed before, and enough people to notify."""
    since = silence_since(member)
    people = members_with_right(member, side, Action.CONFIRM)
    reachable = len(people) >= MIN_REACHED and any(one.role == Role.LEAD for one in people) and has_mail_server()
    return since is not None and since <= consent.at and reachable


def topic_of(member: MemberContext, event: AuditEvent, move: DueMove | None) -> Topic:
    """Return the topic of an event for a member."""
    if move is not None and move.is_of(member.side) and (not move.owner_only or move.owner == member.membership.pk):
        return Topic.MOVE
    if event.event == Event.MATTER_LATE and event.data["side"] == member.side:
        return Topic.COMMENT  # what is late is the own side's, which was reminded
    return TOPICS[Event(event.event)]


def default_timing(topic: Topic, *, confirms: bool) -> Timing:
    """Return when somebody who has chosen nothing is mailed about a topic.

    :param confirms: whether they may confirm periods: they are sent the digest of each entry of the record
    """
    at_once = topic is Topic.MOVE or (topic is Topic.FINAL and confirms)
    return Timing.AT_ONCE if at_once else Timing.DAILY


def chosen_timings(person: Person) -> dict[Topic, Timing]:
    """Return what a person, the viewer, has chosen."""
    rows = Preference.objects.filter(person=person).values_list("topic", "timing")
    return {Topic(topic): Timing(timing) for topic, timing in rows}


def is_muted(person: Person) -> bool:
    """Return whether a person, the viewer, chose no mail about what their side has to do."""
    return chosen_timings(person).get(Topic.MOVE) is Timing.OFF


def own_timings(person: Person) -> dict[Topic, Timing]:
    """Return when a person, the viewer, is mailed about each topic, as the account page shows it."""
    today = timezone.now().date()
    memberships = Membership.objects.select_related("stands_in_for").filter(person=person, left_at=None)
    confirms = any(membership_may(one, Action.CONFIRM, today) for one in memberships)
    return {topic: default_timing(topic, confirms=confirms) for topic in Topic} | chosen_timings(person)


def relationships_led_alone() -> list[str]:
    """Return the names of relationships where no other lead of the viewer's side is told when it has to act."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM comity_told_alone() ORDER BY name")
        return [name for (name,) in cursor.fetchall()]


def members_at_once(member: MemberContext, event: AuditEvent) -> list[Membership]:
    """Return the members who are mailed at once about an event: whose move it is, and who prefers it so.

    :param member: a lead, of the event's side where both sides may not read it
    """
    move, topic = due_move(member, event), TOPICS[Event(event.event)]
    memberships = Membership.objects.select_related("person", "stands_in_for").filter(
        relationship=member.relationship, left_at=None, person__is_active=True
    )
    if not event.shared:
        memberships = memberships.filter(side=event.side)
    # The record's head goes to both sides, and to whoever added to it.
    author = None if topic is Topic.FINAL or event.event in BY_A_SYSTEM else event.person_id
    others = [one for one in memberships.order_by("joined_at", "person__name", "pk") if one.person_id != author]
    timings = _timings(others)
    moving = [] if move is None else [one for one in others if move.is_of(one.side)]
    of_moves = {one.pk: timings[one.pk][Topic.MOVE] for one in moving}
    by_side = [[one for one in moving if one.side == side] for side in Side]
    to_act = [] if move is None else [one for those in by_side for one in _to_act(those, move, of_moves)]
    watching = [one for one in others if one not in moving and timings[one.pk][topic] is Timing.AT_ONCE]
    return [*to_act, *watching]


def _to_act(memberships: list[Membership], move: DueMove, timings: Mapping[UUID, Timing]) -> list[Membership]:
    """Return the members of a side who are mailed at once that it is their move: the owner, the leads, and one more.

    Where all leads have turned it off they are mailed nevertheless, so that a side always hears of what it has to do.
    """
    today = timezone.now().date()
    owners = [one for one in memberships if one.pk == move.owner]
    if move.owner_only:
        return [one for one in owners if timings[one.pk] is Timing.AT_ONCE]
    leads = [one for one in memberships if _leads(one, today)]
    able = [one for one in memberships if membership_may(one, move.right, today)]
    at_once = [one for one in dict.fromkeys([*owners, *leads]) if timings[one.pk] is Timing.AT_ONCE]
    more = [one for one in able if one not in at_once and timings[one.pk] is Timing.AT_ONCE]
    at_once += more[: max(0, TOLD_AT_ONCE - len(at_once))]
    deaf = all(timings[one.pk] is Timing.OFF for one in leads)
    return [*at_once, *(leads if deaf else [])]


def _leads(membership: Membership, day: date) -> bool:
    """Return whether a member leads their side, or is the deputy of somebody who does."""
    deputised = membership.stands_in_for if is_active_deputy(membership, day) else None
    return Role.LEAD in {membership.role, None if deputised is None else deputised.role}


def _timings(memberships: list[Membership]) -> dict[UUID, Timings]:
    """Return when each member is mailed about each topic, by membership; for the room, not for anybody to read."""
    chosen: dict[UUID, dict[Topic, Timing]] = {}
    with connection.cursor() as cursor:
        cursor.execute("SELECT person, topic, timing FROM comity_notification_timings()")
        for person, topic, timing in cursor.fetchall():
            chosen.setdefault(person, {})[Topic(topic)] = Timing(timing)
    today = timezone.now().date()
    return {
        one.pk: {
            topic: chosen.get(one.person_id, {}).get(
                topic, default_timing(topic, confirms=membership_may(one, Action.CONFIRM, today))
            )
            for topic in Topic
        }
        for one in memberships
    }


def member_timings(member: MemberContext) -> Timings:
    """Return when the member is mailed about each topic."""
    return {topic: default_timing(topic, confirms=member.may(Action.CONFIRM)) for topic in Topic} | chosen_timings(
        member.membership.person
    )


@dataclass(frozen=True, slots=True)
class DigestLine:
    """An event of a digest."""

    event: AuditEvent
    topic: Topic
    move: DueMove | None


def digest_lines(member: MemberContext, since: datetime, until: datetime) -> list[DigestLine]:
    """Return what others did in a span of time and the member was not told at once, the earliest first."""
    events = log_events(member).filter(event__in=TOPICS, at__gt=since, at__lte=until)
    sent = SentNotification.objects.filter(person=member.membership.person, event__at__gt=since).values("event")
    timings, lines = member_timings(member), []
    own = Q(person=member.membership.person) & ~Q(event__in=BY_A_SYSTEM)
    for event in events.exclude(own).exclude(pk__in=sent).order_by("at", "pk"):
        move = due_move(member, event)
        topic = topic_of(member, event, move)
        if timings[topic] is not Timing.OFF:
            lines.append(DigestLine(event, topic, move if topic is Topic.MOVE else None))
    return lines


def digest_due(member: MemberContext, position: DigestPosition | None, now: datetime) -> bool:
    """Return whether it is time for the member's digest of the day: once a day, from `DIGEST_HOUR` on."""
    local_now = now.astimezone(reader_zone(member))
    return local_now.hour >= DIGEST_HOUR and (
        position is None or position.at.astimezone(local_now.tzinfo).date() < local_now.date()
    )


def digest_position(member: MemberContext, *, lock: bool = False) -> DigestPosition | None:
    """Return up to when the member's digests reach, if there has been one.

    :param lock: until this transaction ends, so that no other makes the same digest
    """
    positions = DigestPosition.objects.select_for_update() if lock else DigestPosition.objects
    return positions.filter(relationship=member.relationship, person=member.membership.person).first()


def digest_start(member: MemberContext, position: DigestPosition | None, now: datetime) -> datetime:
    """Return the time from which the member's next digest tells."""
    return max(member.membership.joined_at, now - FIRST_DIGEST) if position is None else position.until


def count_waiting(member: MemberContext) -> int:
    """Return how many matters and periods wait for the member's side."""
    if member.side is None:
        return 0
    consents = unanswered_consents(member, ConsentSubject.PERIOD)
    return matters.count_waiting(member)[member.side] + sum(one.side != member.side for one in consents)
