"""What both sides put their word to, and the chain of entries that follows: appended to, never changed."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Subject(models.TextChoices):
    """What both sides put their word to. `record_kind` says of each who may, and which kind of entry follows."""

    PERIOD = "period"  # the figures of a period; the subject is its name
    CALENDAR = "calendar"  # when a side answers; the subject is the side and a number


class VoidReason(models.TextChoices):
    """Why a word counts no more."""

    CHANGED = "changed"  # what it was given for changed before the other side gave its own
    BEFORE = "before"  # it was given before words held what they are for, so that nobody knows


class Consent(UUIDModel):
    """One side's word for a content, known by its digest; `deemed` where silence gave it.

    When the content changes before the other side has given its own word, this one is void: kept, with the time, the
    reason and the content of that moment, and the side may give it again. Only functions of the database's owner
    write here.

    :ivar subject: which one of its type: a period by its name
    :ivar digest: of the content, canonical (`comity.core.chain`)
    :ivar name: of the person, as `role` and `stood_in_for` (whom they were deputy of) at that time
    :ivar reminded_to: ids of the people whose reminder the mail server took at `reminded_at`: those of the other side
        who are to answer it, or, of a silence, those who did not answer
    :ivar void_told_at: when both sides were told that it is void
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
        """One valid word of each side for each subject."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["relationship", "subject_type", "subject", "side"],
                condition=models.Q(void_at=None),
                name="one_valid_word_a_side",
            )
        ]

    def __str__(self) -> str:
        """For what, by whom."""
        return f"{self.subject_type} {self.subject} {self.side}"


class EntryKind(models.TextChoices):
    """What an entry of the record is."""

    FROZEN = "frozen"  # the figures of a period, confirmed by both
    RESTATED = "restated"  # the same period later, beside and never in place of it
    CALENDAR = "calendar"  # when a side answers, agreed on by both


class Entry(UUIDModel):
    """One entry of a relationship's record. Never changed; each holds the digest of the one before it.

    :ivar content: what it says; the digest covers it, the entry's number and the digest before it
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
        """In order, each number once."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["relationship", "number"], name="one_entry_a_number")]

    def __str__(self) -> str:
        """Its number and what it is."""
        return f"{self.number} {self.kind} {self.subject}"
