"""Closing a period: who confirmed it, and the figures as they then stood, in a chain that shows every change."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDES, Identified, Person, Relationship


class Confirmation(Identified):
    """One side's word that a period's figures stand, but for what is disputed; `deemed` where silence said so."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    period = models.CharField(max_length=12)
    side = models.CharField(max_length=8, choices=SIDES)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    deemed = models.BooleanField(default=False)
    reminded_at = models.DateTimeField(null=True, blank=True)  # when the other side was reminded of it

    class Meta:
        """Each side once a period."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "period", "side"], name="one_word_a_side")
        ]

    def __str__(self) -> str:
        """Which period, by whom."""
        return f"{self.period} {self.side}"


class Kept(models.TextChoices):
    """What an entry of the record is."""

    FROZEN = "frozen"  # the figures of a period, confirmed by both
    RESTATED = "restated"  # the same period later, beside and never in place of it


class Entry(Identified):
    """One entry of the relationship's record. Never changed; each holds the digest of the one before it."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kept.choices)
    period = models.CharField(max_length=12)
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
        return f"{self.number} {self.kind} {self.period}"


class ByMail(Identified):
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
