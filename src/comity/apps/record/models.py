"""Consents of both sides, and the hash chain of entries that follow from them: appended to, never changed."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class ConsentSubject(models.TextChoices):
    """What both sides consent to. The database's `record_kind` says who may, and which kind of entry follows."""

    PERIOD = "period"  # the figures of a period; the subject is its name
    CALENDAR = "calendar"  # when a side answers; the subject is the side and a number
    KPIS = "kpis"  # a set of KPIs; the subject is its number
    AGREEMENT = "agreement"  # a change of the agreement; the subject is its number
    JOINT_ORDER = "joint_order"  # of the KPIs; the subject is the round that it settles
    PRIORITIES = "priorities"  # what both sides sealed in a round: no consent, an entry alone; the subject is its id
    LEDGER = "ledger"  # what a step posted: no consent, an entry alone; the subject is the transaction's number
    LEDGER_CHANGE = "ledger_change"  # an opening list, a reversal or a calendar of the ledger; the subject is a number


class VoidReason(models.TextChoices):
    """Why a consent is void."""

    CHANGED = "changed"  # the content changed before the other side consented
    BEFORE = "before"  # from before consents stored their content, so that it is unknown


class Consent(UUIDModel):
    """One side's consent to a content, known by its digest; `deemed` where silence gave it.

    When the content changes before the other side has consented, this consent becomes void: it is kept, with the time,
    the reason and the content of that moment, and the side may consent again. Only functions of the database's owner
    write here.

    :ivar subject: which subject of its type: a period by its name
    :ivar digest: of the content's canonical form (`comity.core.chain`)
    :ivar name: of the person at that time, as `role` and `stood_in_for` (whom they were deputy of)
    :ivar reminded_to: ids of the people whose reminder the mail server accepted at `reminded_at`: those of the other
        side who are to answer, or, for a deemed consent, those who did not answer
    :ivar void_told_at: when both sides were told that the consent is void
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    subject_type = models.CharField(max_length=20)  # of `Subject`
    subject = models.CharField(max_length=60)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    name = models.CharField(max_length=120, blank=True, default="", db_default="")
    role = models.CharField(max_length=12, blank=True, default="", db_default="")
    stood_in_for = models.CharField(max_length=120, blank=True, default="", db_default="")
    at = models.DateTimeField(default=timezone.now)
    deemed = models.BooleanField(default=False)
    digest = models.CharField(max_length=64, blank=True, default="", db_default="")
    content = models.JSONField(blank=True, default=dict, db_default=models.Value({}, models.JSONField()))
    reminded_at = models.DateTimeField(null=True, blank=True)
    reminded_to = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    void_at = models.DateTimeField(null=True, blank=True)
    void_reason = models.CharField(max_length=10, blank=True, default="", db_default="")  # of `VoidReason`
    void_content = models.JSONField(blank=True, default=dict, db_default=models.Value({}, models.JSONField()))
    void_told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One valid consent of each side for each subject."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["relationship", "subject_type", "subject", "side"],
                condition=models.Q(void_at=None),
                name="one_valid_word_a_side",
            )
        ]

    def __str__(self) -> str:
        """Subject and side."""
        return f"{self.subject_type} {self.subject} {self.side}"


class EntryKind(models.TextChoices):
    """The kind of an entry of the record."""

    FROZEN = "frozen"  # the figures of a period, confirmed by both
    RESTATED = "restated"  # the same period later, beside and never in place of it
    CALENDAR = "calendar"  # when a side answers, agreed on by both
    KPIS = "kpis"  # KPIs, the review's rhythm and delivery days, agreed on by both
    AGREEMENT = "agreement"  # a change of the agreement, signed by both
    PRIORITIES = "priorities"  # each side's order of the KPIs, with its seal
    JOINT_ORDER = "joint_order"  # of the KPIs, agreed on by both
    POSTED = "posted"  # a transaction of the ledger, with its lines
    LEDGER_AGREED = "ledger_agreed"  # an opening list, a reversal or a calendar of the ledger, agreed on by both


class Entry(UUIDModel):
    """An entry of a relationship's record, never changed, with the digest of the entry before it.

    :ivar content: covered by the digest, as are the entry's number and the digest before it
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)  # of `EntryKind`
    subject_type = models.CharField(max_length=20)  # of `Subject`
    subject = models.CharField(max_length=60)
    at = models.DateTimeField(default=timezone.now)
    content = models.JSONField()
    previous = models.CharField(max_length=64)
    digest = models.CharField(max_length=64)

    class Meta:
        """In order of unique numbers."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["relationship", "number"], name="one_entry_a_number")]
        indexes: ClassVar = [
            models.Index(fields=["relationship", "subject_type", "subject"], name="record_by_subject"),
        ]

    def __str__(self) -> str:
        """Number, kind and subject."""
        return f"{self.number} {self.kind} {self.subject}"
