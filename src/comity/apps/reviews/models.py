"""Subscriptions to the review by mail, and the formats and views of a review."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import Person, Relationship, UUIDModel


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
