"""Rounds of priorities, and what each side writes in one until it is opened.

A round that was opened is an entry of the record; its rows here are gone. So are those of a round that ended otherwise.
"""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Outcome(models.TextChoices):
    """How a round ended."""

    REVEALED = "revealed"  # both sides have sealed
    WITHDRAWN = "withdrawn"  # by the side that started it
    EXPIRED = "expired"  # its day is over


class Round(UUIDModel):
    """A round, which both sides know of. Nothing in it changes until it ends, whatever a side does meanwhile.

    :ivar side: who started it
    :ivar closes_on: the last day on which a side can seal, in the relationship's time zone
    :ivar kpis: id of each KPI, with number and revision of the change that would add it, where it is not in force yet
    :ivar known: the place of the agreement up to which it was known then, so that the KPIs keep their names
    :ivar outcome: of `Outcome`; empty while it is open
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    started_at = models.DateTimeField(default=timezone.now)
    closes_on = models.DateField()
    kpis: Any = models.JSONField()
    known = models.PositiveIntegerField()
    ended_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(max_length=10, blank=True, default="", choices=Outcome.choices)

    class Meta:
        """The latest first; one at a time."""

        ordering: ClassVar = ["-started_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["relationship"], condition=models.Q(ended_at=None), name="one_open_round_of_priorities"
            ),
        ]

    def __str__(self) -> str:
        """Day and outcome."""
        return f"{self.closes_on} {self.outcome}"


class Ranking(UUIDModel):
    """What a side has written in an open round: nobody of the other side reads it, nor that it is there.

    :ivar number: of the save, from 1; a save names the one that the person had before them
    :ivar content: as `core.agreements.priorities.ranking_content` has it
    :ivar sealed_at: None: a draft; from then on nothing of it changes
    :ivar sealer: who sealed, as an entry of the record names people
    :ivar random: 16 bytes in hexadecimal, made when it was sealed
    :ivar digest: of these and the content (`core.agreements.priorities.seal_digest`)
    """

    round = models.ForeignKey(Round, models.CASCADE, related_name="rankings")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    number = models.PositiveIntegerField(default=1)
    at = models.DateTimeField(default=timezone.now)
    content: Any = models.JSONField()
    sealed_at = models.DateTimeField(null=True, blank=True)
    sealer: Any = models.JSONField(default=dict, blank=True)
    random = models.CharField(max_length=32, blank=True, default="")
    digest = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        """One a side; the key begins with the side, so that it tells the other nothing."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["side", "round"], name="one_ranking_a_side"),
        ]

    def __str__(self) -> str:
        """Side and round."""
        return f"{self.side} {self.round_id}"
