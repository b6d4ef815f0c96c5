"""The log of a relationship: typed events with kind, subject and data, which are only ever added."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Event(models.TextChoices):
    """A kind of event. Each has its fields in `EVENT_FIELDS`, and its sentence in `words/`."""

    # Relationships and people, written by functions of the database's owner.
    RELATIONSHIP_FOUNDED = "relationship_founded"
    ORGANISATION_JOINED = "organisation_joined"  # a side is one that is in other relationships too
    MEMBER_JOINED = "member_joined"
    MEMBER_LET_GO = "member_let_go"
    INVITATION_MADE = "invitation_made"
    INVITATION_WITHDRAWN = "invitation_withdrawn"
    INVITATION_RENEWED = "invitation_renewed"  # it has another link, and the old one stopped working
    NEUTRAL_PROPOSED = "neutral_proposed"
    NEUTRAL_AGREED = "neutral_agreed"
    ROLE_CHANGED = "role_changed"
    FIRM_NAMED = "firm_named"  # of somebody who advises a side
    FIRM_ENDED = "firm_ended"
    DEPUTY_NAMED = "deputy_named"
    DEPUTY_ENDED = "deputy_ended"
    ACCESS_REVIEWED = "access_reviewed"

    # The book.
    BOOK_BEGUN = "book_begun"
    DELIVERY_UPLOADED = "delivery_uploaded"
    DELIVERY_DESCRIBED = "delivery_described"  # said to be of another format, and looked at again
    DELIVERY_WAITS = "delivery_waits"  # from the watched folder, where nobody looks: refused, or to be decided on
    DELIVERY_REFUSED = "delivery_refused"  # of no use as it is
    DELIVERY_REPEATED = "delivery_repeated"  # the same side had brought the very same file before
    DELIVERY_DROPPED = "delivery_dropped"
    DELIVERY_IMPORTED = "delivery_imported"
    FIGURES_MOVED = "figures_moved"  # by a change of the records, of months that are not final
    DELIVERY_UNDONE = "delivery_undone"
    DELIVERY_LATE = "delivery_late"  # nobody's: the room's clock, by a function of the owner
    UNDO_FAILED = "undo_failed"
    REJECTS_DISMISSED = "rejects_dismissed"  # nobody corrects the rejected rows of a file any more
    FORMAT_SHARED = "format_shared"  # a format of the own side, for the other to use
    FORMAT_UNSHARED = "format_unshared"
    CORRECTION_MADE = "correction_made"  # in the rows of the own side
    CORRECTION_FAILED = "correction_failed"
    ITEM_HELD_BACK = "item_held_back"
    ITEM_DISCLOSED = "item_disclosed"
    TERMS_CHANGED = "terms_changed"  # zone, currency, first day of months
    TERMS_PROPOSED = "terms_proposed"
    TERMS_DECLINED = "terms_declined"
    TERMS_WITHDRAWN = "terms_withdrawn"
    TERMS_FAILED = "terms_failed"
    COMPLETE_SAID = "complete_said"  # the own side's records of a table are whole up to a day
    COMPLETE_ENDED = "complete_ended"
    HOLD_BACK_FAILED = "hold_back_failed"
    LOGO_SET = "logo_set"
    LOGO_REMOVED = "logo_removed"
    COPY_REQUESTED = "copy_requested"  # of the record and the book
    DISCLOSURE_FAILED = "disclosure_failed"

    # Matters: one for each move.
    MATTER_RAISED = "matter_raised"
    MATTER_ACCEPTED = "matter_accepted"
    MATTER_REFUSED = "matter_refused"
    MATTER_COUNTERED = "matter_countered"
    MATTER_COMMENTED = "matter_commented"
    MATTER_WITHDRAWN = "matter_withdrawn"
    MATTER_DONE = "matter_done"
    MATTER_HANDED_OVER = "matter_handed_over"
    MATTER_CONFIRMED = "matter_confirmed"  # that it is done
    MATTER_NOT_DONE = "matter_not_done"
    MATTER_LET_OFF = "matter_let_off"
    MATTER_BROKEN = "matter_broken"
    MATTER_TAKEN_BACK = "matter_taken_back"  # an answer
    MATTER_ASKED_BACK = "matter_asked_back"
    MATTER_REPLIED = "matter_replied"
    MATTER_CLOSED = "matter_closed"  # what was asked back was never answered
    MATTER_MERGED = "matter_merged"
    MATTER_DAY_PROPOSED = "matter_day_proposed"
    MATTER_PAUSE_PROPOSED = "matter_pause_proposed"
    MATTER_DAY_TAKEN = "matter_day_taken"
    MATTER_REOPENED = "matter_reopened"
    MATTER_ACKNOWLEDGED = "matter_acknowledged"
    MATTER_ESCALATED = "matter_escalated"
    MATTER_BROUGHT_DOWN = "matter_brought_down"
    MATTER_OBJECTED = "matter_objected"
    MATTER_WARNED = "matter_warned"  # nobody's: silence accepts it on a day unless it is answered
    MATTER_LATE = "matter_late"  # nobody's: the room's clock, as the next six
    MATTER_DUE = "matter_due"  # owed work, some days before its day and on it
    MATTER_UNDONE = "matter_undone"  # an accepted dispute, whose day is over
    MATTER_LAPSED = "matter_lapsed"  # a promise, long past its day
    MATTER_REMINDED = "matter_reminded"
    MATTER_DEEMED = "matter_deemed"  # accepted by silence

    NOTICE_RECEIVED = "notice_received"  # nobody's: a mail server took a formal notice, or its receiver said so
    NOTICE_FAILED = "notice_failed"  # nobody's: all its mails came back

    # Periods.
    PERIOD_WHOLE = "period_whole"  # nobody's: it is over, its records are there, and neither side has confirmed
    PERIOD_CONFIRMED = "period_confirmed"
    PERIOD_RESTATED = "period_restated"
    PERIOD_COMMENTED = "period_commented"  # a version of a side's comment, by a function of the owner
    PERIOD_REMINDED = "period_reminded"  # nobody's: the room's clock, as the others here
    PERIOD_DEEMED = "period_deemed"  # confirmed by silence
    CONFIRMATION_VOID = "confirmation_void"  # the figures changed before the other side confirmed
    PERIOD_FROZEN = "period_frozen"  # by both confirmations

    # Reply times.
    CALENDAR_PROPOSED = "calendar_proposed"
    CALENDAR_AGREED = "calendar_agreed"
    KPIS_PROPOSED = "kpis_proposed"
    KPIS_AGREED = "kpis_agreed"
    KPIS_WRITTEN = "kpis_written"
    KPIS_TRIED = "kpis_tried"
    KPIS_WITHDRAWN = "kpis_withdrawn"
    SILENCE_ALLOWED = "silence_allowed"
    SILENCE_DISALLOWED = "silence_disallowed"

    # The agreement.
    CHANGE_SHARED = "change_shared"  # a draft is shown to the other side
    CHANGE_PROPOSED = "change_proposed"
    CHANGE_COUNTERED = "change_countered"  # a further revision, by either side
    CHANGE_WAIVED = "change_waived"  # a shortfall of notice
    CHANGE_SIGNED = "change_signed"
    CHANGE_AGREED = "change_agreed"  # by the last signature
    CHANGE_DECLINED = "change_declined"
    CHANGE_WITHDRAWN = "change_withdrawn"
    CHANGE_WRITTEN = "change_written"  # into the book
    REASON_MARKED = "reason_marked"  # sufficient or not, by the receiver
    REMARK_MADE = "remark_made"
    REMARK_WITHDRAWN = "remark_withdrawn"
    DECISION_DISPUTED = "decision_disputed"  # the day of the other side's change, by the receiver
    BENEFIT_SAID = "benefit_said"  # by a side, of its own
    TERM_REMINDED = "term_reminded"  # nobody's: a day of the term comes
    CHANGE_LAPSED = "change_lapsed"  # nobody's: not signed in time
    FIRST_ASKED = "first_asked"  # to carry a change out before it is signed
    FIRST_ACCEPTED = "first_accepted"
    FIRST_DECLINED = "first_declined"
    FIRST_TAKEN_BACK = "first_taken_back"
    FIRST_OVERDUE = "first_overdue"  # nobody's: neither agreed nor taken back by its day

    # Priorities. That a side has sealed is no event: the log would tell the other by its length.
    PRIORITIES_STARTED = "priorities_started"
    PRIORITIES_WITHDRAWN = "priorities_withdrawn"
    PRIORITIES_EXPIRED = "priorities_expired"  # nobody's: the room's clock, by a function of the owner
    PRIORITIES_REVEALED = "priorities_revealed"
    JOINT_ORDER_PROPOSED = "joint_order_proposed"
    JOINT_ORDER_AGREED = "joint_order_agreed"

    # What was read, once a day for each person and thing.
    MATTER_READ = "matter_read"
    EVIDENCE_READ = "evidence_read"
    DELIVERY_READ = "delivery_read"
    REVIEW_READ = "review_read"
    REVIEW_FILE_READ = "review_file_read"
    FIGURE_READ = "figure_read"
    READING_READ = "reading_read"
    ATTRIBUTION_READ = "attribution_read"
    RECORD_READ = "record_read"
    MATTER_ERASED = "matter_erased"  # its words, by whoever runs the room
    PERSON_ERASED = "person_erased"  # their name and address, likewise
    WORDING_ERASED = "wording_erased"  # of an opening list or a reversal, likewise
    LEDGER_CHANGE_PROPOSED = "ledger_change_proposed"  # an opening list, a reversal, a calendar
    LEDGER_CHANGE_AGREED = "ledger_change_agreed"
    LEDGER_CHANGE_DROPPED = "ledger_change_dropped"  # declined by the other side, or withdrawn
    LEDGER_OPENED_ENDED = "ledger_opened_ended"  # a promise of an opening list
    LEDGER_READ = "ledger_read"  # a file of it
    COPY_READ = "copy_read"

    OTHER = "other"  # of before there were typed events, and not understood: as it was written


READ_EVENTS = (
    Event.MATTER_READ,
    Event.EVIDENCE_READ,
    Event.DELIVERY_READ,
    Event.REVIEW_READ,
    Event.REVIEW_FILE_READ,
    Event.FIGURE_READ,
    Event.READING_READ,
    Event.ATTRIBUTION_READ,
    Event.RECORD_READ,
    Event.LEDGER_READ,
    Event.COPY_READ,
)

_FILE = ("name",)
_ITEM = ("item",)
_TERMS = ("timezone", "currency", "month_starts_on", "country", "open_days", "parts")
_MATTER = ("kind", "title")
_CHANGE = ("number", "title")
# The keys that an event's data has at least; its sentence is made of these. Names are stored beside ids: people and
# matters may be renamed, or erased, later.
EVENT_FIELDS: Mapping[Event, tuple[str, ...]] = dict.fromkeys(Event, ()) | {
    Event.RELATIONSHIP_FOUNDED: ("customer", "provider"),
    Event.ORGANISATION_JOINED: ("old", "new"),
    Event.MEMBER_JOINED: ("role",),
    Event.MEMBER_LET_GO: ("name",),
    Event.INVITATION_MADE: ("role", "side"),
    Event.INVITATION_WITHDRAWN: ("role",),
    Event.INVITATION_RENEWED: ("role",),
    Event.NEUTRAL_PROPOSED: ("role",),
    Event.NEUTRAL_AGREED: ("role",),
    Event.ROLE_CHANGED: ("name", "old", "new"),
    Event.FIRM_NAMED: ("name", "firm"),
    Event.FIRM_ENDED: ("name", "firm"),
    Event.DEPUTY_NAMED: ("deputy", "name", "until"),
    Event.DEPUTY_ENDED: ("name",),
    Event.DELIVERY_UPLOADED: _FILE,
    Event.DELIVERY_DESCRIBED: _FILE,
    Event.DELIVERY_WAITS: _FILE,
    Event.DELIVERY_REFUSED: _FILE,
    Event.DELIVERY_REPEATED: _FILE,
    Event.DELIVERY_DROPPED: _FILE,
    Event.DELIVERY_IMPORTED: _FILE,
    Event.DELIVERY_UNDONE: _FILE,
    Event.FIGURES_MOVED: ("name", "figures"),
    Event.DELIVERY_LATE: ("table", "side", "due"),
    Event.UNDO_FAILED: _FILE,
    Event.REJECTS_DISMISSED: ("name", "rows", "reason"),
    Event.FORMAT_SHARED: _FILE,
    Event.FORMAT_UNSHARED: _FILE,
    Event.CORRECTION_MADE: _FILE,
    Event.CORRECTION_FAILED: _FILE,
    Event.ITEM_HELD_BACK: ("item", "review_on"),
    Event.ITEM_DISCLOSED: _ITEM,
    Event.TERMS_CHANGED: _TERMS,
    Event.TERMS_PROPOSED: _TERMS,
    Event.TERMS_DECLINED: _TERMS,
    Event.TERMS_WITHDRAWN: _TERMS,
    Event.TERMS_FAILED: _TERMS,
    Event.COMPLETE_SAID: ("table", "day"),
    Event.COMPLETE_ENDED: ("table", "day"),
    Event.LOGO_SET: ("side",),
    Event.LOGO_REMOVED: ("side",),
    Event.HOLD_BACK_FAILED: _ITEM,
    Event.DISCLOSURE_FAILED: _ITEM,
    Event.CHANGE_SHARED: ("title",),
    Event.CHANGE_PROPOSED: _CHANGE,
    Event.CHANGE_COUNTERED: _CHANGE,
    Event.CHANGE_WAIVED: _CHANGE,
    Event.CHANGE_SIGNED: _CHANGE,
    Event.CHANGE_AGREED: _CHANGE,
    Event.CHANGE_DECLINED: _CHANGE,
    Event.CHANGE_WITHDRAWN: _CHANGE,
    Event.REASON_MARKED: _CHANGE,
    Event.PRIORITIES_STARTED: ("until",),
    Event.PRIORITIES_REVEALED: ("number",),
    Event.JOINT_ORDER_AGREED: ("number",),
    Event.DECISION_DISPUTED: _CHANGE,
    Event.BENEFIT_SAID: _CHANGE,
    Event.REMARK_MADE: ("title",),
    Event.REMARK_WITHDRAWN: ("title",),
    Event.TERM_REMINDED: ("due",),  # and `kind`, `before`, and of an option `title`
    Event.CHANGE_LAPSED: _CHANGE,
    Event.FIRST_ASKED: _CHANGE,
    Event.FIRST_ACCEPTED: _CHANGE,
    Event.FIRST_DECLINED: _CHANGE,
    Event.FIRST_TAKEN_BACK: _CHANGE,
    Event.FIRST_OVERDUE: _CHANGE,
    Event.MATTER_RAISED: _MATTER,
    Event.MATTER_ACCEPTED: _MATTER,
    Event.MATTER_REFUSED: _MATTER,
    Event.MATTER_COUNTERED: _MATTER,
    Event.MATTER_COMMENTED: _MATTER,
    Event.MATTER_WITHDRAWN: _MATTER,
    Event.MATTER_DONE: _MATTER,
    Event.MATTER_HANDED_OVER: ("title", "to"),
    Event.MATTER_CONFIRMED: _MATTER,
    Event.MATTER_NOT_DONE: _MATTER,
    Event.MATTER_LET_OFF: _MATTER,
    Event.MATTER_BROKEN: _MATTER,
    Event.MATTER_TAKEN_BACK: _MATTER,
    Event.MATTER_ASKED_BACK: _MATTER,
    Event.MATTER_REPLIED: _MATTER,
    Event.MATTER_CLOSED: _MATTER,
    Event.MATTER_MERGED: _MATTER,
    Event.MATTER_DAY_PROPOSED: _MATTER,
    Event.MATTER_PAUSE_PROPOSED: _MATTER,
    Event.MATTER_DAY_TAKEN: _MATTER,
    Event.MATTER_REOPENED: _MATTER,
    Event.MATTER_ACKNOWLEDGED: _MATTER,
    Event.MATTER_ESCALATED: _MATTER,
    Event.MATTER_BROUGHT_DOWN: _MATTER,
    Event.MATTER_OBJECTED: _MATTER,
    Event.NOTICE_RECEIVED: (*_MATTER, "side"),
    Event.NOTICE_FAILED: (*_MATTER, "side"),
    Event.MATTER_LATE: (*_MATTER, "side"),
    Event.MATTER_DUE: (*_MATTER, "side", "due"),
    Event.MATTER_UNDONE: (*_MATTER, "side", "due"),
    Event.MATTER_WARNED: (*_MATTER, "side"),
    Event.MATTER_LAPSED: (*_MATTER, "side"),
    Event.MATTER_REMINDED: (*_MATTER, "side"),
    Event.MATTER_DEEMED: (*_MATTER, "side"),
    Event.PERIOD_WHOLE: ("period",),
    Event.PERIOD_CONFIRMED: ("period",),
    Event.PERIOD_RESTATED: ("period",),
    Event.PERIOD_COMMENTED: ("period", "number"),
    Event.PERIOD_REMINDED: ("period", "side"),
    Event.PERIOD_DEEMED: ("period", "side"),
    Event.CONFIRMATION_VOID: ("period", "side"),
    Event.PERIOD_FROZEN: ("period", "number"),
    Event.CALENDAR_PROPOSED: ("side",),
    Event.CALENDAR_AGREED: ("side",),
    Event.KPIS_PROPOSED: ("side",),
    Event.KPIS_AGREED: ("side",),
    Event.KPIS_WRITTEN: ("number",),
    Event.KPIS_TRIED: ("side",),
    Event.KPIS_WITHDRAWN: ("side",),
    Event.SILENCE_ALLOWED: ("side",),
    Event.SILENCE_DISALLOWED: ("side",),
    Event.MATTER_READ: ("title",),
    Event.EVIDENCE_READ: _FILE,
    Event.DELIVERY_READ: _FILE,
    Event.REVIEW_READ: ("period",),
    Event.REVIEW_FILE_READ: _FILE,
    **dict.fromkeys(
        (Event.LEDGER_CHANGE_PROPOSED, Event.LEDGER_CHANGE_AGREED, Event.LEDGER_CHANGE_DROPPED), ("side", "kind")
    ),
    Event.MATTER_ERASED: ("kind",),
    Event.PERSON_ERASED: ("called",),
    Event.WORDING_ERASED: ("entry",),
    Event.LEDGER_OPENED_ENDED: ("side", "kind"),
    Event.LEDGER_READ: _FILE,
    Event.FIGURE_READ: ("kpi", "period"),
    Event.READING_READ: ("reading", "period"),
    Event.ATTRIBUTION_READ: ("kpi", "period"),
    Event.OTHER: ("action", "about"),
}


class SubjectType(models.TextChoices):
    """What an event is about: a model by its name, or something that is no row of the database."""

    RELATIONSHIP = "relationship"
    MEMBERSHIP = "membership"
    INVITATION = "invitation"
    MATTER = "matter"
    EVIDENCE = "evidence"
    DELIVERY = "delivery"
    BOOK = "book"
    ITEM = "item"  # of a book, as `[private]` names it
    PERIOD = "period"
    RECORD = "record"
    LEDGER = "ledger"
    AGREEMENT = "agreement"


class AuditEvent(UUIDModel):
    """One event of the log: who did what, when, to what, standing where.

    `side` is whose event it is: what a side does within its own walls is its own to read; what is `shared` both may
    read. What is nobody's doing, as acceptance by silence, has neither person nor side.

    :ivar subject_id: the row's id, where the subject is a row
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - neutral people act too
    event = models.CharField(max_length=30)  # of `Event`, so that a new kind needs no migration
    subject_type = models.CharField(max_length=20, null=True, blank=True)  # noqa: DJ001 - of `SubjectType`, or none
    subject_id = models.UUIDField(null=True, blank=True)
    data = models.JSONField(default=dict, blank=True)
    shared = models.BooleanField(default=False)

    class Meta:
        """Newest first."""

        db_table = "audit_event"
        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [
            models.Index(fields=["relationship", "-at", "-id"], name="audit_newest_first"),
            # A few among many, and asked for whenever somebody looks at who is there.
            models.Index(
                fields=["relationship", "-at"], condition=Q(event=Event.ACCESS_REVIEWED), name="audit_access_reviews"
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(subject_id=None) | ~Q(subject_type=None), name="audit_subject_has_type")
        ]

    def __str__(self) -> str:
        """What happened."""
        return self.event
