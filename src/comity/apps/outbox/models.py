"""Mails that wait for the mail server."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import Relationship, UUIDModel


class WaitingMail(UUIDModel):
    """A mail that waits to be handed to the mail server; removed once it has been.

    The app's role adds rows and cannot read them: jobs take a mail by its id through a function of the database's
    owner. `payload` is encrypted besides, for a mail may hold the token of an invitation or of a password reset.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, null=True, blank=True, related_name="+")
    payload = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        """In order of creation."""

        ordering: ClassVar = ["created_at"]

    def __str__(self) -> str:
        """By its id, which says nothing."""
        return str(self.pk)
