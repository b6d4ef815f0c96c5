"""Preferences of people, what was mailed at once, and up to when digests reach."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.audit.models import AuditEvent
from comity.apps.parties.models import Person, Relationship, UUIDModel


class Topic(models.TextChoices):
    """What a notification is about, as a person chooses among them; relative to the side of the reader."""

    MOVE = "move"  # the reader's side has to answer, confirm, deliver or do something
    LATE = "late"  # the other side's delivery has not come
    FILE = "file"
    FINAL = "final"
    COMMENT = "comment"  # and answers that need nothing


class Timing(models.TextChoices):
    """When a person is mailed about a topic."""

    AT_ONCE = "at_once"
    DAILY = "daily"
    OFF = "off"


class Preference(UUIDModel):
    """A person's choice for a topic, in all their relationships. Theirs alone to read."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    topic = models.CharField(max_length=10, choices=Topic.choices)
    timing = models.CharField(max_length=10, choices=Timing.choices)

    class Meta:
        """Each topic once."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "topic"], name="one_timing_a_topic")]

    def __str__(self) -> str:
        """Topic and timing."""
        return f"{self.topic} {self.timing}"


class SentNotification(UUIDModel):
    """An event that a person was mailed about at once; written with the mail, so that no retry doubles it."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    event = models.ForeignKey(AuditEvent, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Each event once a person."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["person", "event"], name="one_notification_an_event")]

    def __str__(self) -> str:
        """By the event."""
        return str(self.event_id)


class DigestPosition(UUIDModel):
    """Up to when a person's digests of a relationship reach; `at` is when the last one was considered."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    until = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Each person once a relationship."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "person"], name="one_digest_position"),
        ]

    def __str__(self) -> str:
        """Up to when."""
        return self.until.isoformat()
