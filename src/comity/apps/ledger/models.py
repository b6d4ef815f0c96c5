"""Transactions, their lines, and the promises that they are about; the database's own functions alone write them."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel
from comity.apps.record.models import Entry
from comity.core.ledger.accounts import End, Way

_END_CHOICES = [(one.value, one.value) for one in End]
_WAY_CHOICES = [(one.value, one.value) for one in Way]


class Transaction(UUIDModel):
    """What one step of a subject posted: the header of its lines. Never changed.

    A subject is what the step is of: a matter by its id, later other things. `number` counts in the relationship.

    :ivar cause: the step's move
    :ivar day: on which it counts
    :ivar for_day: the day on which it happened, where that lies in a period that was final by then
    :ivar key: of the command, unique for a person; a second one is answered with the first's transaction
    :ivar entry: number of its entry in the record
    :ivar txid: the database's transaction, in which alone lines are added
    :ivar reverses: number of the transaction whose exact negative it is
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    subject_type = models.CharField(max_length=20)
    subject_id = models.UUIDField()
    step = models.PositiveIntegerField()
    cause = models.CharField(max_length=20)
    day = models.DateField()
    for_day = models.DateField(null=True, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - nobody's, or neutral
    key = models.CharField(max_length=120)
    entry = models.PositiveIntegerField()
    txid = models.BigIntegerField()
    reverses = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        """In order of unique numbers; a step is posted once, and a command of a person counts once."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "number"], name="one_transaction_a_number"),
            models.UniqueConstraint(fields=["subject_type", "subject_id", "step"], name="one_transaction_a_step"),
            models.UniqueConstraint(
                fields=["relationship", "person", "key"], name="one_transaction_a_key", nulls_distinct=False
            ),
            models.UniqueConstraint(fields=["relationship", "reverses"], name="reversed_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["relationship", "-day", "-number"], name="ledger_latest_first")]

    def __str__(self) -> str:
        """Number and cause."""
        return f"{self.number} {self.cause}"


class Promise(UUIDModel):
    """What one side promised the other, and what became of it: kept up to date as lines are posted.

    :ivar key: made of the subject's id, the kind and the step that opened it
    :ivar promised: the largest amount that was open
    :ivar open: what is open now
    :ivar days: the agreed days in order, each as [step, day on which it was agreed, agreed day]
    :ivar done_on: when the debtor said that it was done; None again where the other side says that it is not
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    key = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=20)
    subject_id = models.UUIDField()
    debtor = models.CharField(max_length=8, choices=SIDE_CHOICES)
    kind = models.CharField(max_length=10)
    promised = models.DecimalField(max_digits=24, decimal_places=6)
    open = models.DecimalField(max_digits=24, decimal_places=6)
    opened_on = models.DateField()
    days = models.JSONField(default=list)
    due_on = models.DateField(null=True, blank=True)
    done_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    ended = models.CharField(max_length=10, choices=_END_CHOICES, blank=True, default="")
    late_by_first = models.BooleanField(default=False)
    late_by_last = models.BooleanField(default=False)

    class Meta:
        """Each key once; never below zero, and never more than was promised."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "key"], name="one_promise_a_key"),
            models.CheckConstraint(
                condition=models.Q(open__gte=0) & models.Q(open__lte=models.F("promised")), name="promise_in_bounds"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["relationship", "closed_on"], name="ledger_promise_closed"),
            models.Index(fields=["relationship", "opened_on"], name="ledger_promise_opened"),
            models.Index(fields=["subject_id"], name="ledger_promise_subject"),
        ]

    def __str__(self) -> str:
        """By its key."""
        return self.key


class Line(UUIDModel):
    """One leg of an entry. Added with its header, and never changed.

    What is due to a side is above zero as it opens, what it owes below. `day` is that of the header.

    :ivar ended: how the promise ended by this line; of a line that reopens one, how it had ended; empty where it opens
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    transaction = models.ForeignKey(Transaction, models.CASCADE, related_name="lines")
    promise = models.ForeignKey(Promise, models.CASCADE, related_name="lines")
    day = models.DateField()
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    way = models.CharField(max_length=4, choices=_WAY_CHOICES)
    kind = models.CharField(max_length=10)
    amount = models.DecimalField(max_digits=24, decimal_places=6)
    ended = models.CharField(max_length=10, choices=_END_CHOICES, blank=True, default="")
    late_by_first = models.BooleanField(default=False)
    late_by_last = models.BooleanField(default=False)

    class Meta:
        """Both legs are of different sides and ways, and no line is of nothing."""

        ordering: ClassVar = ["transaction__number", "promise", "way"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["transaction", "promise", "side"], name="one_leg_a_side"),
            models.UniqueConstraint(fields=["transaction", "promise", "way"], name="one_leg_a_way"),
            models.CheckConstraint(condition=~models.Q(amount=0), name="line_of_something"),
        ]
        indexes: ClassVar = [
            # Postings are read by span; one leg of each is enough to sum them up.
            models.Index(
                fields=["relationship", "day"],
                include=["side", "kind", "ended", "late_by_first", "late_by_last", "amount"],
                condition=models.Q(way="owes"),
                name="ledger_owes_by_day",
            ),
        ]

    def __str__(self) -> str:
        """Account and amount."""
        return f"{self.side} {self.way} {self.kind} {self.amount}"


class Wording(UUIDModel):
    """What a side wrote about a promise of an opening list, or why something is reversed. Outside the chain.

    The chain holds its digest, of `salt` and `text`: without the salt nobody can try out what the text may have been.
    Only ever added.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=400)
    salt = models.CharField(max_length=32)

    def __str__(self) -> str:
        """By its side."""
        return f"words of {self.side}"


class Settlement(UUIDModel):
    """How a promise of an opening list ended, as the side says whose word that is. The owner's function adds it.

    :ivar opening: the entry of the record that holds the list
    :ivar step: of the list, whose first step is the list itself
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    opening = models.ForeignKey(Entry, models.CASCADE, related_name="+")
    step = models.PositiveIntegerField()
    key = models.CharField(max_length=80)
    ended = models.CharField(max_length=10, choices=[(one, one) for one in ("kept", "let_off", "broken")])
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)

    class Meta:
        """In order of unique steps."""

        ordering: ClassVar = ["opening", "step"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["opening", "step"], name="one_settlement_a_step")]

    def __str__(self) -> str:
        """Key and end."""
        return f"{self.key} {self.ended}"


class Recount(UUIDModel):
    """What the recount from the steps found, in one night. Only ever added.

    :ivar person: the member as whom the clock counted
    :ivar differences: sentences for whoever looks into it, each with its subject; empty where there is none
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    subjects = models.PositiveIntegerField()
    differences = models.JSONField(default=list)

    class Meta:
        """The latest first."""

        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [models.Index(fields=["relationship", "-at"], name="ledger_recount_latest")]

    def __str__(self) -> str:
        """How many differences."""
        return f"{len(self.differences)} differences"
