"""How a review is looked at: as a file, by mail, by whose eyes."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import Person, Relationship, UUIDModel


class Schedule(models.TextChoices):
    """When the review comes by mail, as `comity.book.lateness.last_due` reads it; by the book's clock."""

    MONDAY = "monday 07:00"
    FIRST = "day 1 07:00"
    FIFTH = "day 5 07:00"
    FIFTEENTH = "day 15 07:00"


class FileFormat(models.TextChoices):
    """As which file a review is kept."""

    PDF = "pdf"
    HTML = "html"
    JSON = "json"
    XLSX = "xlsx"
    PPTX = "pptx"


class Attachment(models.TextChoices):
    """With which file it comes."""

    NONE = ""
    PDF = "pdf"
    XLSX = "xlsx"
    PPTX = "pptx"


class View(models.TextChoices):
    """By whose eyes a review is seen: the own side's, or what both see."""

    JOINT = "joint"
    OWN = "own"


class ByMail(UUIDModel):
    """Somebody's wish to have the review by mail, as they may see it.

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
