"""Terms on which silence counts as consent, and the notices before it. Calendars are entries of the record."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel
from comity.apps.record.models import Consent


class SilenceTerm(UUIDModel):
    """A side's statement whether silence may confirm a period. Only ever added; the latest of a side counts.

    Silence counts where both sides accept it, and only for consents given after that.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    at = models.DateTimeField(default=timezone.now)
    accepts = models.BooleanField()

    class Meta:
        """In order of time."""

        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        """Side and statement."""
        return f"{self.side} {self.accepts}"


class Notice(UUIDModel):
    """A notice to a side that is late: *treated as confirmed on a day unless answered*.

    :ivar word: the other side's consent, which waits for an answer
    :ivar due_at: when the answer was due
    :ivar until: close of business on the day that the notice names
    :ivar told: recipients: person, role at that time, when the mail server accepted it, and since when it is known
        to have bounced
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    word = models.ForeignKey(Consent, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    until = models.DateTimeField()
    told = models.JSONField()

    class Meta:
        """In order of time."""

        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        """Side and last day."""
        return f"{self.side} {self.until}"
