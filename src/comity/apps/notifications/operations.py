"""Operations of notifications: what an event starts, preferences, and the chase of late deliveries."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.cache import cache

from comity.apps.audit.models import AuditEvent, Event
from comity.apps.audit.operations import audit_late_delivery
from comity.apps.books.queries import has_book, open_member_book, zone
from comity.apps.notifications import queries
from comity.apps.notifications.models import Preference, Timing, Topic
from comity.apps.notifications.refusals import Code
from comity.apps.notifications.topics import MATTER_MOVES, TOPICS
from comity.apps.outbox.operations import defer
from comity.apps.parties.member_context import MemberContext, acting_as
from comity.apps.parties.models import Person
from comity.apps.parties.queries import longest_serving_leads
from comity.apps.parties.rate_limits import exceeds_rate_limit
from comity.apps.refusal import Refused
from comity.book.definition import UnusableBookError
from comity.book.lateness import last_due, lateness_in
from comity.book.reading.coverage import Coverage
from comity.core.matters.transitions import TAKE_BACK_TIME
from comity.core.values import Side

TELL_TASK, MAIL_TASK = "notifications.tell", "notifications.mail"
# Seconds from an event to its mails: those of a move that can be taken back start when it no longer can.
_TAKE_BACK_S = int(TAKE_BACK_TIME.total_seconds())
DELAYS_S: Mapping[Event, int] = {Event.MATTER_ACCEPTED: _TAKE_BACK_S, Event.MATTER_REFUSED: _TAKE_BACK_S}
_ANSWERED = MATTER_MOVES | {Event.PERIOD_CONFIRMED}  # what the other side may have to answer
_A_DAY_S = 86_400


def on_event(event: AuditEvent) -> None:
    """Defer the job that mails an event to those who are told at once, in the transaction that writes it.

    Nobody fills mailboxes by moves: what somebody does beyond the rate limit is in the daily digest alone, and its
    reminder comes as always. Nor does anybody keep a move from being told by comments or files before it, or by what
    they do in another relationship: each is counted by itself.
    """
    topic = TOPICS.get(Event(event.event))
    if topic is None:
        return
    counted = f"{event.relationship_id} {Event(event.event) in _ANSWERED}"
    if topic is not Topic.FINAL and event.person and exceeds_rate_limit(event.person, "events mailed at once", counted):
        return
    sides = tuple(Side) if event.shared or event.side is None else (Side(event.side),)
    defer(
        TELL_TASK, relationship=event.relationship_id, sides=sides, delay_s=DELAYS_S.get(Event(event.event), 0),
        event=str(event.pk),
    )  # fmt: skip


def defer_mails(member: MemberContext, event: UUID) -> None:
    """Defer a job for each person who is mailed at once about an event.

    :param member: a lead; of the event's side where both sides may not read it
    """
    found = AuditEvent.objects.filter(relationship=member.relationship, pk=event).first()
    if found is None:
        return
    for one in queries.members_at_once(member, found):
        sides = (Side(one.side),) if one.side else tuple(Side)
        defer(MAIL_TASK, relationship=member.relationship.pk, sides=sides, person=str(one.person_id), event=str(event))


def set_preferences(person: Person, timings: Mapping[Topic, Timing]) -> None:
    """Set when a person, the viewer, is mailed about each topic.

    :raises Refused: where nobody of a side would hear any more of what it has to do
    """
    if timings.get(Topic.MOVE) is Timing.OFF:
        alone = queries.relationships_led_alone()
        if alone:
            raise Refused(Code.LAST_LEAD, relationship=", ".join(alone))
    for topic, timing in timings.items():
        Preference.objects.update_or_create(person=person, topic=topic, defaults={"timing": timing})


def chase_late_deliveries(member: MemberContext, now: datetime) -> None:
    """Add to the log each delivery whose day is over and which has not come, once; the mails follow from that.

    What both sides may see is looked for in the joint view; what a side keeps to itself, in the view of its lead, and
    only that side reads of it.

    :param member: a lead of the relationship
    """
    if not has_book(member):
        return
    local_now = now.astimezone(ZoneInfo(zone(member)))
    key = f"late_deliveries:{member.relationship.pk}:{local_now.date()}"
    if local_now.hour < queries.CHASE_HOUR or cache.get(key):
        return
    with suppress(UnusableBookError):
        common = _chase(member.joint(), now, tuple(Side))
        for person in longest_serving_leads(member):
            with acting_as(person, member.relationship.pk) as lead:
                if lead.side is not None:
                    _chase(lead, now, (lead.side,), common)
        cache.set(key, True, _A_DAY_S)  # whatever is late by now is in the log


def _chase(
    member: MemberContext, now: datetime, sides: tuple[Side, ...], known: frozenset[str] = frozenset()
) -> frozenset[str]:
    """Add the late deliveries of tables that the member sees, without those of `known`; return the tables seen."""
    with open_member_book(member) as book:
        zone = ZoneInfo(book.definition.timezone)
        midnight = datetime.combine(now.astimezone(zone).date(), time.min, tzinfo=zone)
        end_of_yesterday = midnight - timedelta(microseconds=1)
        owners = {source.table: book.definition.private_owner(source.table) for source in book.definition.sources}
        open_tables = frozenset(table for table, owner in owners.items() if _sees(member, owner))
        late = [
            one for one in lateness_in(book, Coverage(book, now.astimezone(UTC).date()), end_of_yesterday)
            if one.late and one.due and one.by in sides and one.table in open_tables - known
        ]  # fmt: skip
    for one in late:
        due = last_due(one.due or "", end_of_yesterday)
        if due is not None:
            audit_late_delivery(one.table, one.by, due.date(), shared=member.shared_only)
    return open_tables


def _sees(member: MemberContext, owner: Side | None) -> bool:
    """Return whether a member may see a table by whose it is."""
    return owner is None or (not member.shared_only and owner is member.side)
