"""Mails that came in and what became of each, as they came for 90 days, and mails of ours that came back."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Outcome(models.TextChoices):
    """What became of a mail. All after the first four are told to whoever wrote it, where that is known."""

    COUNTED = "counted"
    AUTOMATIC = "automatic"  # a program's: it moves nothing, and is not answered
    BOUNCE = "bounce"  # one of our mails came back
    DUPLICATE = "duplicate"  # counted before
    NO_ADDRESS = "no_address"  # to no reply address
    SEVERAL = "several"  # to more than one reply address
    NOT_OURS = "not_ours"  # the address was made for nobody who is there
    OVER = "over"  # the address no longer works
    OTHER_SENDER = "other_sender"  # not from the address of the person whom it was made for
    NOT_PROVEN = "not_proven"  # the sender's domain does not answer for it
    PART_SIGNED = "part_signed"  # only for a part of it
    UNREADABLE = "unreadable"
    TOO_LARGE = "too_large"  # or too long
    EMPTY = "empty"  # no words of one's own
    ON_PAGE = "on_page"  # what it says cannot be said by mail
    REFUSED = "refused"  # by the matter, as its page would have
    TOO_OFTEN = "too_often"
    FAILED = "failed"  # an error of ours


class ReceivedMail(UUIDModel):
    """A mail that came in, and what became of it.

    `at` is when our mail server had it; `side` that of the person whose address it was written to. What was counted
    both sides may read, for its step they read too; the rest their own side. The digests are of the mail byte by byte,
    and of what was counted of its Message-ID and of its content: each counts once.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, null=True, blank=True, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, null=True, blank=True, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, blank=True, default="")
    at = models.DateTimeField()
    read_at = models.DateTimeField(default=timezone.now)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    matter = models.UUIDField(null=True, blank=True)
    step = models.PositiveIntegerField(null=True, blank=True)
    raw_digest = models.CharField(max_length=64, unique=True)
    message_digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 - unique where there is one
    content_digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 - as above

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        """By what became of it."""
        return self.outcome


class RawMail(UUIDModel):
    """A mail as it came, encrypted; removed after 90 days. The app adds them and reads none."""

    mail = models.OneToOneField(ReceivedMail, models.CASCADE, related_name="+")
    payload = models.BinaryField()
    kept_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        """By its id, which says nothing."""
        return str(self.pk)


class Bounce(UUIDModel):
    """A mail of a relationship that came back from a person's address: whoever relied on it has to know.

    `sent_at` is when that mail was written; `at` when it was known to have come back. Only ever added, by a function of
    the database's owner.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    sent_at = models.DateTimeField()
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Newest first, each mail once."""

        ordering: ClassVar = ["-at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "person", "sent_at"], name="one_bounce_a_mail"),
        ]

    def __str__(self) -> str:
        """When it came back."""
        return self.at.isoformat()
