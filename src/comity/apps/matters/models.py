"""Matters, which one side raises and the other answers; every move is a step that is never changed."""

from enum import StrEnum
from typing import ClassVar

from django.db import models
from django.db.models import Q
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Membership, Person, Relationship, UUIDModel
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import AGREED, OPEN, Move, Party, State, ended, waits_for


def _choices(enumeration: type[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, one.name.replace("_", " ").title()) for one in enumeration]


class Began(models.TextChoices):
    """How it began: something failed, something was offered, or somebody asked what is needed."""

    REACTIVE = "reactive"
    PROACTIVE = "proactive"
    INTERACTIVE = "interactive"


class Matter(UUIDModel):
    """One matter. `asks` and `answers` are sides and not parties: roles change from one to the next.

    What it is about may be a KPI in a period, a queue, a span of days. `reply_by` is when the reply is due, None once
    nothing is waited for; `late` where it was raised after its time. `last_move` is the number of the step that brought
    it where it is: the database lets nothing change without one. `reminded_to` names the people (by id) whose reminder
    the mail server took. `records` is of a correction: the table, the import, the delivery and the counts of what it
    would change, and, once accepted, which rows. A dispute keeps the days of its period in `from_day` and `to_day`;
    accepted, it is carried out by `due_on`, and the period is not final before.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=_choices(Kind))
    state = models.CharField(max_length=12, choices=_choices(State), default=State.ASKED)
    began = models.CharField(max_length=12, choices=Began.choices, default=Began.REACTIVE)
    asks = models.CharField(max_length=8, choices=SIDE_CHOICES)
    answers = models.CharField(max_length=8, choices=SIDE_CHOICES)
    title = models.CharField(max_length=160)
    kpi = models.CharField(max_length=60, blank=True)
    period = models.CharField(max_length=12, blank=True)
    queue = models.CharField(max_length=80, blank=True)
    from_day = models.DateField(null=True, blank=True)
    to_day = models.DateField(null=True, blank=True)
    asked_for = models.CharField(max_length=8, blank=True)  # of a claim: an `AskedFor`
    event = models.CharField(max_length=16, blank=True)  # of a claim: a `ClaimEvent`
    owner = models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="+")
    due_on = models.DateField(null=True, blank=True)
    raised_at = models.DateTimeField(default=timezone.now)
    reply_by = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    reminded_to = models.JSONField(blank=True, default=list, db_default=models.Value([], models.JSONField()))
    last_move = models.PositiveIntegerField(default=0, db_default=0)
    late = models.BooleanField(default=False)
    # Of a dispute: a `Wrong`, the value that the asking side claims in the figure's unit, and a `Follows`.
    wrong = models.CharField(max_length=12, blank=True, db_default="")
    value = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    unit = models.CharField(max_length=8, blank=True, db_default="")
    follows = models.CharField(max_length=8, blank=True, db_default="")
    records = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))

    class Meta:
        """One side asks, the other answers."""

        ordering: ClassVar = ["reply_by", "due_on", "-raised_at"]
        indexes: ClassVar = [
            models.Index(fields=["relationship", "-raised_at", "-id"], name="matter_newest_first"),
            # Few are open however many there have been: what waits for somebody is found among these alone.
            models.Index(fields=["relationship", "reply_by", "id"], condition=Q(state__in=OPEN), name="matter_open"),
            models.Index(
                fields=["relationship", "due_on", "id"],
                condition=Q(kind=Kind.ACTION, state__in=AGREED),
                name="matter_to_do",
            ),
            # What is asked about a figure: disputes by it and its period, claims by their days.
            models.Index(
                fields=["relationship", "kpi", "period"], condition=Q(kind=Kind.DISPUTE), name="matter_disputes"
            ),
            models.Index(
                fields=["relationship", "to_day", "from_day"], condition=Q(kind=Kind.CLAIM), name="matter_claims"
            ),
            # The same of those that are open: few, and asked for by every page of a review.
            models.Index(
                fields=["relationship", "period"],
                condition=Q(kind=Kind.DISPUTE, state__in=OPEN),
                name="matter_open_disputes",
            ),
            models.Index(
                fields=["relationship", "to_day", "from_day"],
                condition=Q(kind=Kind.CLAIM, state__in=OPEN),
                name="matter_open_claims",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(asks=models.F("answers")), name="two_sides"),
            models.CheckConstraint(
                condition=Q(from_day=None) | Q(to_day__gte=models.F("from_day")), name="days_in_order"
            ),
        ]

    def __str__(self) -> str:
        """By its title."""
        return self.title

    @property
    def ended(self) -> bool:
        """Whether nothing of it is to come: an action that was agreed on is still to be done."""
        return ended(Kind(self.kind), State(self.state), self.follows)

    @property
    def waits_for(self) -> str | None:
        """The side whose move it is."""
        party = waits_for(State(self.state))
        return None if party is None else {Party.ASKS: self.asks, Party.ANSWERS: self.answers}[party]


class Step(UUIDModel):
    """One move in a matter: whose, when, what it says, and which step it answers to. Steps are only ever added.

    `ran_out` says that the clock had run out when it was taken; the spiral watch will ask. Nobody's own move (a
    reminder, acceptance by silence) has neither person nor side.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - nobody's, or neutral
    move = models.CharField(max_length=10, choices=_choices(Move))
    text = models.TextField(blank=True, max_length=4000)
    answers_to = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    ran_out = models.BooleanField(default=False)
    # What lay on the table from then on: days, queue, what is asked for, owner; of a proposal and its counters alone.
    terms = models.JSONField(default=dict)

    class Meta:
        """In order, each number once."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["matter", "number"], name="one_step_a_number")]

    def __str__(self) -> str:
        """By its number and move."""
        return f"{self.number} {self.move}"


class Opened(UUIDModel):
    """The last step of a matter that somebody of a side has had before them; after that no answer is taken back."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    number = models.PositiveIntegerField()

    class Meta:
        """One for each side."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["matter", "side"], name="one_opened_a_side")]

    def __str__(self) -> str:
        """By side and number."""
        return f"{self.side} {self.number}"


class Evidence(UUIDModel):
    """A file that a side lays before the other with a step. Only ever added; both read it."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    step = models.ForeignKey(Step, models.CASCADE, related_name="evidence")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - as above
    name = models.CharField(max_length=160)
    size = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    content = models.BinaryField()

    class Meta:
        """As they came."""

        ordering: ClassVar = ["step__number", "name"]

    def __str__(self) -> str:
        """By its name."""
        return self.name
