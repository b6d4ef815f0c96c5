"""Matters, which one side raises and the other answers; every move is a step that is never changed."""

from enum import StrEnum
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from comity.apps.parties.models import SIDE_CHOICES, Membership, Person, Relationship, UUIDModel
from comity.core.matters.history import Linked, Mark
from comity.core.matters.kinds import Kind, Proposes
from comity.core.matters.nature import About, Nature, nature
from comity.core.matters.posture import Posture, Told, posture
from comity.core.matters.transitions import OPEN, UNDONE, Move, Offer, Party, Standing, State, waits_for
from comity.core.values import Side


def _choices(enumeration: type[StrEnum]) -> list[tuple[str, str]]:
    return [(one.value, one.name.replace("_", " ").title()) for one in enumeration]


SIDE_OR_NONE = [("", "none"), *SIDE_CHOICES]


def _side(**more: Any) -> "models.CharField[str, str]":  # noqa: ANN401 - as Django takes them
    """Return a column for a side, or for none."""
    return models.CharField(max_length=8, choices=SIDE_OR_NONE, blank=True, default="", db_default="", **more)


def _text(length: int) -> "models.CharField[str, str]":
    return models.CharField(max_length=length, blank=True, default="", db_default="")


def _words() -> "models.TextField[str, str]":
    return models.TextField(max_length=4000, blank=True, default="", db_default="")


def _count() -> "models.PositiveSmallIntegerField[int, int]":
    return models.PositiveSmallIntegerField(default=0, db_default=0)


def _flag() -> "models.BooleanField[bool, bool]":
    return models.BooleanField(default=False, db_default=False)


def _person() -> "models.ForeignKey[Membership | None, Membership | None]":
    return models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="+")


class Matter(UUIDModel):
    """One matter. `asks` and `answers` are sides and not parties: roles change from one to the next.

    What it is about may be a KPI in a period, a queue, a span of days. `reply_by` is when the side whose turn it is
    answers, None once nothing is waited for; `late` where it was raised after its time. `last_move` is the number of
    the step that brought it where it is, `last_beside` that of the last one that changed something beside: the database
    lets nothing change without one. `reminded_to` names the people (by id) whose reminder the mail server took.
    `records` is of a correction: the table, the import, the delivery and the counts of what it would change, and, once
    accepted, which rows. A dispute keeps the days of its period in `from_day` and `to_day`; accepted, it is carried out
    by `due_on`, and the period is not final before.

    Of what is agreed, `promise` says that something is to be done, `debtor` by which side (empty: by either), `due_on`
    by when, `first_due_on` what was agreed first, and `moved` how often both moved it. `offer_*` is what one side
    proposes about it and the other may take: another day, a pause until a day (with the day by which it is owed then),
    or that an ended matter is opened again. While a side waits for what it asked back, `rest_due_at` is when its own
    reply was due, and `rest_since` since when that clock rests. `serves` is the side whose posture it is.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=12, choices=_choices(Kind))
    state = models.CharField(max_length=12, choices=_choices(State), default=State.ASKED)
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
    last_beside = models.PositiveIntegerField(default=0, db_default=0)
    late = models.BooleanField(default=False)
    # Of a dispute: a `Wrong`, the value that the asking side claims in the figure's unit, and a `Follows`.
    wrong = models.CharField(max_length=12, blank=True, db_default="")
    value = models.DecimalField(max_digits=24, decimal_places=8, null=True, blank=True)
    unit = models.CharField(max_length=8, blank=True, db_default="")
    follows = models.CharField(max_length=8, blank=True, db_default="")
    records = models.JSONField(default=dict, blank=True, db_default=models.Value({}, models.JSONField()))
    # What is asked for, offered or proposed, and what becomes of it.
    wording, before, cause = _words(), _words(), _words()
    price = _text(120)
    failed = _side()  # of a failure: the side that failed
    proposes, becomes, untold = _text(10), _text(10), _text(10)  # a `Proposes`, a `Becomes`, an `Untold`
    # Who sees to it on either side, and what else it is about.
    asks_with, answers_with = _person(), _person()
    serves = _side()
    department = _text(80)
    prompted_by = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    event_on = models.DateField(null=True, blank=True)
    aware_on = models.DateField(null=True, blank=True)
    formal_under = _text(60)  # the clause under which it is a formal notice
    about, about_name = _text(12), _text(120)  # an `About`, and which
    external_system, external_id, external_url = _text(40), _text(80), _text(400)
    # Where what was agreed stands.
    promise = _flag()
    debtor, done_by = _side(), _side()
    first_due_on = models.DateField(null=True, blank=True)
    moved, declined_counters, level = _count(), _count(), _count()
    offer_move = _text(10)  # OTHER_DAY, PAUSE or REOPEN
    offer_by = _side()
    offer_day, offer_due = models.DateField(null=True, blank=True), models.DateField(null=True, blank=True)
    rest_due_at = models.DateTimeField(null=True, blank=True)
    rest_since = models.DateTimeField(null=True, blank=True)
    asks_paused, answers_paused, acknowledged = _flag(), _flag(), _flag()
    merged_into = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)  # written by the database

    class Meta:
        """One side asks, the other answers."""

        ordering: ClassVar = ["reply_by", "due_on", "-raised_at"]
        indexes: ClassVar = [
            models.Index(fields=["relationship", "-raised_at", "-id"], name="matter_newest_first"),
            # Few are open however many there have been: what waits for somebody is found among these alone.
            models.Index(fields=["relationship", "reply_by", "id"], condition=Q(state__in=OPEN), name="matter_open"),
            models.Index(
                fields=["relationship", "due_on", "id"],
                condition=Q(promise=True, state__in=UNDONE),
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

    def standing(self, last: tuple[Move, Party | None] = (Move.RAISE, Party.ASKS)) -> Standing:
        """Return where it stands, as the fold of its steps would say; without the terms, which its columns hold.

        :param last: the last step that changed it, and whose it was
        """
        offer = None
        if self.offer_move and self.offer_by:
            offer = Offer(self._party(self.offer_by), Move(self.offer_move), self.offer_day)
        paused = {Party.ASKS: self.asks_paused, Party.ANSWERS: self.answers_paused}
        return Standing(
            kind=Kind(self.kind),
            state=State(self.state),
            last_move=self.last_move,
            last=last,
            promise=self.promise,
            debtor=self._party(self.debtor) if self.debtor else None,
            done_by=self._party(self.done_by) if self.done_by else None,
            declined_counters=self.declined_counters,
            offer=offer,
            paused=frozenset(party for party, has in paused.items() if has),
            acknowledged=self.acknowledged,
            level=self.level,
            due_at=self.reply_by,
            due_on=self.due_on,
            first_due_on=self.first_due_on,
            moved=self.moved,
        )

    def _party(self, side: str) -> Party:
        return Party.ASKS if side == self.asks else Party.ANSWERS

    def side_of(self, party: Party) -> str:
        """Return the side that has a role in it."""
        return self.asks if party is Party.ASKS else self.answers

    def word(self, name: str) -> str:
        """Return the key of the words for a state or a move: questions are answered, what else is accepted."""
        is_answer = self.kind in {Kind.QUESTION, Kind.WARNING, Kind.UNTOLD} and name in {Move.AGREE, State.ANSWERED}
        return f"{name}_answer" if is_answer else name

    @property
    def posture(self) -> Posture | None:
        """How it began, worked out from what was recorded; None where it has none."""
        return posture(self.told(), None if self.prompted_by is None else self.prompted_by.told())

    @property
    def nature(self) -> Nature:
        """What sort of talk it is, from its kind and what it is about."""
        about = About(self.about) if self.about else About.KPI if self.kpi else None
        proposes = Proposes(self.proposes) if self.proposes else None
        return nature(Kind(self.kind), about, proposes=proposes, price=self.price)

    def told(self) -> Told:
        """Return what its posture takes of it."""
        names = self.queue or (self.about in {About.ACCOUNT, About.SERVICE, About.QUEUE} and self.about_name)
        serves = Side(self.serves) if self.serves else None
        return Told(Kind(self.kind), Side(self.asks), serves, self.raised_at, State(self.state), bool(names))

    @property
    def ended(self) -> bool:
        """Whether nothing of it is to come: what was agreed on is still to be done."""
        return self.standing().ended

    @property
    def waits_for(self) -> str | None:
        """The side whose answer is waited for."""
        party = waits_for(State(self.state))
        return None if party is None else self.side_of(party)

    @property
    def must_act(self) -> str | None:
        """The side whose move it is: to answer, to do what it owes, or to confirm that it is done."""
        party = self.standing().turn
        return None if party is None else self.side_of(party)


class Step(UUIDModel):
    """One move in a matter: whose, when, what it says, and which step it answers to. Steps are only ever added.

    Nobody's own move (a reminder, a clock that has run out) has neither person nor side. `saw` is the last step that
    whoever made it had seen; `at` when it was made and `recorded_at` when the database took it, which differ only for
    what is `entered_later`; `received_at` when the other side had it (of a formal notice its `FormalNotice` says it);
    `due_at` by when it was due, and `ran_out` that this was over; `paused_s` for how long a clock rested until it.
    `link` says how `answers_to` came about. The database writes these itself, and `stood`: what the matter was before
    it, so that an answer that is taken back restores exactly that. `reply_by` is the clock that it starts.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="steps")
    number = models.PositiveIntegerField()
    at = models.DateTimeField(default=timezone.now)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - nobody's, or neutral
    move = models.CharField(max_length=12, choices=_choices(Move))
    text = models.TextField(blank=True, max_length=4000)
    answers_to = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+")
    link = models.CharField(max_length=9, choices=_choices(Linked), blank=True, default="", db_default="")
    ran_out = models.BooleanField(default=False)
    # What lay on the table from then on: days, queue, what is asked for, owner; of a proposal and its counters alone.
    terms = models.JSONField(default=dict)
    saw = models.PositiveIntegerField(null=True, blank=True)
    recorded_at = models.DateTimeField(default=timezone.now, db_default=Now())
    received_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    reply_by = models.DateTimeField(null=True, blank=True)
    paused_s = models.PositiveIntegerField(null=True, blank=True)
    day = models.DateField(null=True, blank=True)  # another day, or the last day of a pause
    mark = models.CharField(max_length=17, choices=_choices(Mark), blank=True, default="", db_default="")
    level = models.PositiveSmallIntegerField(default=0, db_default=0)
    entered_later = models.BooleanField(default=False, db_default=False)
    stood = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))

    class Meta:
        """In order, each number once."""

        ordering: ClassVar = ["number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["matter", "number"], name="one_step_a_number")]

    def __str__(self) -> str:
        """By its number and move."""
        return f"{self.number} {self.move}"


class Opened(UUIDModel):
    """When a side first had a matter before it, and the last step that it has had; then no answer is taken back."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    number = models.PositiveIntegerField()
    first_at = models.DateTimeField(null=True, blank=True)  # written by the database; None: before this was kept

    class Meta:
        """One for each side."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["matter", "side"], name="one_opened_a_side")]

    def __str__(self) -> str:
        """By side and number."""
        return f"{self.side} {self.number}"


class SilenceNotice(UUIDModel):
    """A notice to the side that is late with its answer: *treated as accepted on a day unless answered*.

    Written by a function of the database's owner alone, which checks it.

    :ivar number: of its step in the matter
    :ivar due_at: when the answer was due
    :ivar until: close of business on the day that the notice names
    :ivar told: recipients: person, role at that time, when the mail server took it, and since when it is known to have
        bounced
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.ForeignKey(Matter, models.CASCADE, related_name="+")
    number = models.PositiveIntegerField()
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField()
    until = models.DateTimeField()
    told = models.JSONField()

    class Meta:
        """In the order of their steps."""

        ordering: ClassVar = ["number"]

    def __str__(self) -> str:
        """Side and last day."""
        return f"{self.side} {self.until}"


class FormalNotice(UUIDModel):
    """That a matter is a formal notice under a clause, to the addresses that both sides signed.

    Written by the database alone: added with the matter; who took its mails, and when it was received, by functions of
    the owner that check them (`core.matters.receipt` is the rule).

    :ivar side: which receives it
    :ivar told: by address, when the mail server took its mail, the mail's headers and digest, and since when it is
        known to have come back
    :ivar received_at: within the receiving side's hours; None until then
    :ivar failed_at: since when it is known that all of its mails came back
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    matter = models.OneToOneField(Matter, models.CASCADE, related_name="notice")
    clause = models.CharField(max_length=60)
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    addresses = models.JSONField()
    given_at = models.DateTimeField(default=timezone.now)
    told = models.JSONField(default=list)
    received_at = models.DateTimeField(null=True, blank=True)
    acknowledged_at = models.DateTimeField(null=True, blank=True)
    failed_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """By its clause."""
        return self.clause


class ToldQuestion(UUIDModel):
    """A day of which the room asks the side that served whether it had been told; both sides read it.

    The answer is written once, by a function of the database's owner for that side.

    :ivar locked: contacts of the forecast that binds, `offered` those that came, `band` the share that may differ
    :ivar matter: the `untold` matter that a "no" became
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    day = models.DateField()
    queue = models.CharField(max_length=80, blank=True)
    locked = models.FloatField()
    offered = models.FloatField()
    band = models.FloatField()
    asked_at = models.DateTimeField(default=timezone.now)
    told = models.BooleanField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    person = models.ForeignKey(Person, models.PROTECT, null=True, blank=True, related_name="+")
    matter = models.ForeignKey(Matter, models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        """By day; each asked once."""

        ordering: ClassVar = ["day", "queue"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "day", "queue"], name="one_told_question_a_day")
        ]

    def __str__(self) -> str:
        """Day and queue."""
        return f"{self.day} {self.queue}"


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
