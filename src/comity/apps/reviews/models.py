"""Subscriptions to the review by mail, each side's comment on a period, and the formats and views of a review."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Schedule(models.TextChoices):
    """When the review is mailed, as `comity.book.lateness.last_due` reads it; in the book's time zone."""

    MONDAY = "monday 07:00"
    FIRST = "day 1 07:00"
    FIFTH = "day 5 07:00"
    FIFTEENTH = "day 15 07:00"


class FileFormat(models.TextChoices):
    """File format of a review; `board` is a PDF of three pages."""

    BOARD = "board"
    PDF = "pdf"
    HTML = "html"
    JSON = "json"
    XLSX = "xlsx"
    PPTX = "pptx"


class Attachment(models.TextChoices):
    """File format of the attachment of a mailed review."""

    NONE = ""
    BOARD = "board"
    PDF = "pdf"
    XLSX = "xlsx"
    PPTX = "pptx"


class View(models.TextChoices):
    """View of a review: what both sides see, or what the own side sees."""

    JOINT = "joint"
    OWN = "own"


class ByMail(UUIDModel):
    """A person's subscription to the review by mail, as they may see it.

    :ivar due: as `[[source]]` says when: `monday 07:00`, `day 5 07:00`, by the book's clock
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    due = models.CharField(max_length=20)
    form = models.CharField(max_length=5, blank=True)  # of the file that comes with it; none said: no file
    joint = models.BooleanField(default=True)
    since = models.DateTimeField(default=timezone.now)
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Each once a relationship."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["relationship", "person"], name="one_mail_each")]

    def __str__(self) -> str:
        """When."""
        return self.due


class PeriodComment(UUIDModel):
    """A version of what a side says about a period, as `comity_comment_period` adds it. Both sides read all of them.

    The last version counts; an empty one takes the comment back. Name and role are those of then.
    """

    MAX_LENGTH: ClassVar = 800

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    period = models.CharField(max_length=12)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    number = models.PositiveIntegerField()
    text = models.CharField(max_length=MAX_LENGTH, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    role = models.CharField(max_length=12)
    stood_in_for = models.CharField(max_length=120, blank=True)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """In order."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "period", "side", "number"], name="one_comment_a_number")
        ]

    def __str__(self) -> str:
        """Which version, of what."""
        return f"{self.period} {self.side} {self.number}"


class CommentDraft(UUIDModel):
    """What a side is about to say of a period: its own to read, and one a period, whoever of the side writes it."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    period = models.CharField(max_length=12)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    text = models.CharField(max_length=PeriodComment.MAX_LENGTH)
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One a side."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "period", "side"], name="one_comment_draft_a_side")
        ]

    def __str__(self) -> str:
        """Of what."""
        return f"{self.period} {self.side}"
