"""Files on their way into a relationship's book, private items, and routes of exports."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel


class Stage(models.TextChoices):
    """Stage of a file on its way into a book."""

    LOOKING = "looking"  # read and checked; nothing is changed
    LOOKED = "looked"  # checked; waits to be imported
    BRINGING = "bringing"
    BROUGHT = "brought"
    REFUSED = "refused"  # cannot be used as it is; `why` says what to do
    DROPPED = "dropped"
    UNDONE = "undone"  # was imported, and the import undone
    DUPLICATE = "duplicate"  # the same side has imported the very same file before; nothing changed


class FileMove(models.TextChoices):
    """Move that a member makes with a file."""

    LOOK = "look"  # check it again, with another mapping
    BRING = "bring"
    DROP = "drop"
    UNDO = "undo"
    DISMISS = "dismiss"  # its rejected rows are not corrected any more
    DAYS = "days"  # give the days of this file that its format has for all rows


UNDER_WAY = (Stage.LOOKING, Stage.BRINGING)


class Delivery(UUIDModel):
    """One file. Until it is imported it is its own side's; then both see that it came, unless it is private.

    `mapping` is a known format's or a table's name; `text` a mapping of the side's own. `rows` counts while it runs.
    `outcome` is what became of it: counts, rejects by reason, the first rows, notes. `corrects` is of changes to its
    own rows that the side accepted from the other: the table, the import that proposed them, and which of them.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=200)
    size = models.BigIntegerField()
    mapping = models.CharField(max_length=60, blank=True)
    text = models.TextField(blank=True)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.LOOKING)
    rows = models.BigIntegerField(default=0)
    private = models.BooleanField(default=False)
    outcome = models.JSONField(default=dict)
    why = models.CharField(max_length=1000, blank=True)
    corrects = models.JSONField(default=dict, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-at"]
        indexes: ClassVar = [models.Index(fields=["relationship", "-at"], name="delivery_newest_first")]

    def __str__(self) -> str:
        """By its name."""
        return self.name


class Hold(UUIDModel):
    """Says that a period was frozen: what had come in by then is not taken back any more. Only ever added."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    period = models.CharField(max_length=12)
    at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        """The period."""
        return self.period


class Mark(UUIDModel):
    """What a side holds back, why, and when it looks at it again; both sides read it.

    `item` is as in `[private]` of `book.toml`: a table, table.column or table[column=value].
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    item = models.CharField(max_length=120)
    reason = models.CharField(max_length=400)
    review_on = models.DateField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Each item once a side."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "side", "item"], name="one_mark_an_item")
        ]

    def __str__(self) -> str:
        """What is held back."""
        return self.item


class MarkStep(UUIDModel):
    """One change of what a side holds back: begun, said anew, or ended. Only ever added; both sides read it."""

    class Change(models.TextChoices):
        """What was done."""

        HELD_BACK = "held_back"
        CHANGED = "changed"  # another reason, or another day
        DISCLOSED = "disclosed"

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    item = models.CharField(max_length=120)
    change = models.CharField(max_length=10, choices=Change.choices)
    reason = models.CharField(max_length=400, blank=True)
    review_on = models.DateField(null=True, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """In order."""

        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        """What was done with what."""
        return f"{self.change} {self.item}"


class CompleteWord(UUIDModel):
    """A side's word that its records of a table are whole up to a day, or that it no longer says so. Only ever added.

    `until` is the first day that the word does not tell of. Both sides read it, and the latest about a day counts.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    table = models.CharField(max_length=20)
    until = models.DateField()
    said = models.BooleanField(default=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """In order."""

        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        """Of what, and up to when."""
        return f"{self.table} {self.until}"


class TermsStep(UUIDModel):
    """A step of a change of how a book counts. Only ever added; both sides read it.

    A proposal is the last step; what ends it, or carries it out, bears the same terms.

    :ivar country: whose public holidays count, as `[book] country` writes it; empty: none
    :ivar open_days: weekdays with service as `[opening] days` writes them, with blanks between; empty: as records tell
    :ivar answers: `paid` and `causes`, who answers for which part, and `queues`, those of each service
    """

    class Change(models.TextChoices):
        """What was done."""

        CHANGED = "changed"  # by one side alone, while the other had not joined
        PROPOSED = "proposed"
        AGREED = "agreed"
        DECLINED = "declined"
        WITHDRAWN = "withdrawn"

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    change = models.CharField(max_length=10, choices=Change.choices)
    timezone = models.CharField(max_length=60)
    currency = models.CharField(max_length=3)
    month_starts_on = models.PositiveSmallIntegerField()
    country = models.CharField(max_length=12, blank=True)
    open_days = models.CharField(max_length=27, blank=True)
    answers = models.JSONField(default=dict, blank=True)

    class Meta:
        """In order."""

        ordering: ClassVar = ["at"]

    def __str__(self) -> str:
        """What was done."""
        return self.change


class Routes(UUIDModel):
    """Which rows of an export that holds several relationships belong to which of somebody's."""

    person = models.OneToOneField(Person, models.CASCADE, related_name="+")
    text = models.TextField(blank=True)

    def __str__(self) -> str:
        """Whose."""
        return str(self.person_id)


class Export(UUIDModel):
    """A file that holds several relationships, on its way into the books that its rows belong to."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    name = models.CharField(max_length=200)
    mapping = models.CharField(max_length=60)
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.LOOKING)
    outcome = models.JSONField(default=dict)
    why = models.CharField(max_length=1000, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-at"]

    def __str__(self) -> str:
        """By its name."""
        return self.name


class SharedFormat(UUIDModel):
    """A format that its side lets the other side use too, as it was when it was shared; both read it.

    It is only ever added and removed, by its own side: what was shared does not change behind the other's back.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    name = models.CharField(max_length=60)
    table = models.CharField(max_length=20)
    text = models.TextField()
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """Each name once a side."""

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["side", "relationship", "name"], name="one_shared_format_a_name")
        ]

    def __str__(self) -> str:
        """By its name."""
        return self.name


class KeptMapping(UUIDModel):
    """A mapping that a side has made for its own files, kept for the next one."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    name = models.CharField(max_length=60)
    text = models.TextField()

    class Meta:
        """Each name once a side; the side first, so that nobody learns of the other's."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["side", "relationship", "name"], name="one_mapping_a_name")
        ]

    def __str__(self) -> str:
        """By its name."""
        return self.name
