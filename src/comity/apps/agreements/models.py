"""Changes of the agreement: drafts that are saved and never overwritten, and the steps that both sides took."""

from typing import Any, ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Person, Relationship, UUIDModel
from comity.core.values import Side

ANSWERS = ("yes", "partly", "no")  # whether a change brought a side its benefit


class Change(UUIDModel):
    """A change, from its first draft on. Where it stands follows from its steps (`core.agreements.signing`).

    :ivar number: given when it is proposed, so that a gap does not tell of a draft; None: nobody proposed it yet
    :ivar side: whose draft it is; until it is proposed or shared, the other side does not know of it
    :ivar shared: whether both sides draft it together
    :ivar place: number of its entry in the record; None: not agreed
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField(null=True, blank=True)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    shared = models.BooleanField(default=False)
    begun_at = models.DateTimeField(default=timezone.now)
    place = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        """In the order of their numbers, drafts last."""

        ordering: ClassVar = [models.F("number").asc(nulls_last=True), "begun_at", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "number"], name="one_change_a_number"),
            models.UniqueConstraint(fields=["relationship", "place"], name="one_change_a_place"),
        ]

    def __str__(self) -> str:
        """Number, or that it is a draft."""
        return "draft" if self.number is None else str(self.number)


class Track(models.TextChoices):
    """Who sees a saved draft."""

    SHARED = "shared"
    CUSTOMER = Side.CUSTOMER.value
    PROVIDER = Side.PROVIDER.value


class Draft(UUIDModel):
    """A draft as somebody saved it; a later save is another row, so that nothing is lost.

    :ivar track: each side has drafts of its own for a change, also for its counter-proposal; or both share one
    :ivar number: of the save, from 1; a save names the one that the person had before them
    :ivar content: span, edits, words and what the change says of itself, as `content.DraftContent` has it
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="drafts")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    track = models.CharField(max_length=8, choices=Track.choices)
    number = models.PositiveIntegerField()
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    content: Any = models.JSONField()

    class Meta:
        """The last save last."""

        ordering: ClassVar = ["change", "track", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "track", "number"], name="one_save_a_number"),
        ]

    def __str__(self) -> str:
        """Track and number."""
        return f"{self.track} {self.number}"


class Step(UUIDModel):
    """What somebody did with a proposed change: never changed, never removed.

    :ivar side: whose step it is; empty for nobody's (`agree`, `lapse`)
    :ivar kind: of `core.agreements.signing.StepKind`
    :ivar content: the rest of the step, as `content.step_content` has it
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="steps")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, blank=True, default="")
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    content: Any = models.JSONField(default=dict)

    class Meta:
        """In the order in which they were taken."""

        ordering: ClassVar = ["change", "number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["change", "number"], name="one_step_of_a_number")]

    def __str__(self) -> str:
        """Number and kind."""
        return f"{self.number} {self.kind}"


class Limit(UUIDModel):
    """A limit that a side noted for itself: private, told to nobody else, and to it alone before it signs.

    :ivar kind: `kpi` (the least or most that a KPI's target may be) or `price` (of a price clause)
    :ivar clause: id of the clause that it is about
    :ivar least, most: in the unit of the clause; one of them at least
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    kind = models.CharField(max_length=8)
    clause = models.CharField(max_length=80, blank=True, default="")
    least = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    most = models.DecimalField(max_digits=20, decimal_places=6, null=True, blank=True)
    note = models.CharField(max_length=400, blank=True, default="")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One of a kind for a clause and side."""

        ordering: ClassVar = ["kind", "clause"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["side", "relationship", "kind", "clause"], name="one_limit_of_a_kind"),
        ]

    def __str__(self) -> str:
        """Kind and clause."""
        return f"{self.kind} {self.clause}"


class ReasonMark(UUIDModel):
    """Whether the receiver of a change holds its reason for sufficient; the last mark of a change counts."""

    change = models.ForeignKey(Change, models.CASCADE, related_name="marks")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    sufficient = models.BooleanField()
    because = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        """In the order in which they were set."""

        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Side and mark."""
        return f"{self.side} {self.sufficient}"


class FirstStep(UUIDModel):
    """A step of a request that a proposed change be carried out before it is signed; never changed, never removed.

    :ivar kind: of `core.agreements.carried_out_first.FirstKind`
    :ivar name: the person's, as it was then
    :ivar revision: of the change, that the person saw
    :ivar first_day: of `ask`, from when it is to be carried out
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="first_steps")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    name = models.CharField(max_length=200)
    at = models.DateTimeField()
    revision = models.PositiveIntegerField()
    first_day = models.DateField(null=True, blank=True)
    under_reserve = models.BooleanField(default=False)
    reason = models.CharField(max_length=2000, blank=True, default="")

    class Meta:
        """In the order in which they were taken."""

        ordering: ClassVar = ["change", "number"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "number"], name="one_first_step_of_a_number"),
        ]

    def __str__(self) -> str:
        """Number and kind."""
        return f"{self.number} {self.kind}"


class Baseline(UUIDModel):
    """A figure over the periods before a change was proposed, stored when both had signed it; never changed.

    :ivar figure: id of the KPI, as the change names it
    :ivar count: of whole periods
    :ivar mean, low, high: in the figure's unit; without an interval for fewer than three periods
    :ivar side, person: in whose name it was computed
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="baselines")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    figure = models.CharField(max_length=400)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    unit = models.CharField(max_length=40)
    count = models.PositiveIntegerField()
    mean = models.FloatField()
    spread = models.FloatField(null=True, blank=True)
    low = models.FloatField(null=True, blank=True)
    high = models.FloatField(null=True, blank=True)

    class Meta:
        """One of a figure for a change."""

        ordering: ClassVar = ["change", "figure"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["change", "figure"], name="one_baseline_of_a_figure"),
        ]

    def __str__(self) -> str:
        """Figure and mean."""
        return f"{self.figure} {self.mean}"


class BenefitWord(UUIDModel):
    """Whether a change brought a side its benefit, as that side says; the last word of a side counts.

    :ivar answer: `yes`, `partly` or `no`
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="benefit_words")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    answer = models.CharField(max_length=8)
    because = models.CharField(max_length=1000, blank=True, default="")

    class Meta:
        """In the order in which they were given."""

        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Side and answer."""
        return f"{self.side} {self.answer}"


class BenefitAmount(UUIDModel):
    """What a change is worth to a side in money: private to it, told to nobody else.

    :ivar expected, came: in the currency of the book; one of them at least
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="+")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    expected = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    came = models.DecimalField(max_digits=20, decimal_places=2, null=True, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """One of a side for a change."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["side", "relationship", "change"], name="one_amount_a_side"),
        ]

    def __str__(self) -> str:
        """Expected and come."""
        return f"{self.expected} {self.came}"


class DecidedWord(UUIDModel):
    """On which day a change was decided, as the side says whose change it is not; its last word counts."""

    change = models.ForeignKey(Change, models.CASCADE, related_name="decided_words")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    day = models.DateField()
    because = models.CharField(max_length=1000)

    class Meta:
        """In the order in which they were said."""

        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Side and day."""
        return f"{self.side} {self.day}"


class Audience(models.TextChoices):
    """Who reads a remark."""

    BOTH = "both"  # of what was proposed or is shared
    CUSTOMER = Side.CUSTOMER.value
    PROVIDER = Side.PROVIDER.value


class Remark(UUIDModel):
    """A remark about a change or one of its clauses, which may suggest other values; or that one is withdrawn.

    :ivar clause: id of the clause that it is about; empty for the change as a whole
    :ivar suggestion: the fields suggested, as `{"field": name, "value": value}`, with null for what holds by default
    :ivar withdraws: the author's own remark, which is shown no longer
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="remarks")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    audience = models.CharField(max_length=8, choices=Audience.choices)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    clause = models.CharField(max_length=80, blank=True, default="")
    text = models.CharField(max_length=4000, blank=True, default="")
    suggestion: Any = models.JSONField(default=list, blank=True)
    withdraws = models.ForeignKey("self", models.CASCADE, null=True, blank=True, related_name="withdrawals")

    class Meta:
        """In the order in which they were made."""

        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Side and clause."""
        return f"{self.side} {self.clause}"


class TakenOut(UUIDModel):
    """A PDF of a change that one person took out to sign it elsewhere: what has to come back, byte for byte.

    The file itself is not kept; whoever has it brings it back.

    :ivar revision, digest, sentences, retroactive: what is signed by it, as `core.agreements.signing.Step` has them
    :ivar size, sha256: of the file
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="+")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    revision = models.PositiveIntegerField()
    digest = models.CharField(max_length=64)
    sentences: Any = models.JSONField()
    retroactive = models.BooleanField()
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        """The latest first."""

        ordering: ClassVar = ["-at", "id"]

    def __str__(self) -> str:
        """Its digest."""
        return self.sha256


class SignedFile(UUIDModel):
    """A PDF that came back signed, kept as it came; both sides read it. Only ever added.

    :ivar found: the signatures in it, as `signed_pdf.FoundSignature` has them
    """

    change = models.ForeignKey(Change, models.CASCADE, related_name="signed_files")
    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    taken_out = models.ForeignKey(TakenOut, models.PROTECT, related_name="+")
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    content = models.BinaryField()
    found: Any = models.JSONField()

    class Meta:
        """As they came."""

        ordering: ClassVar = ["at", "id"]

    def __str__(self) -> str:
        """Its digest."""
        return self.sha256
