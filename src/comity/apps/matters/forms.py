"""Forms of the pages of matters."""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet

from comity.apps.i18n import language, words_for
from comity.apps.matters.models import Matter
from comity.apps.parties.forms import LocalisedForm, MemberField
from comity.apps.parties.models import DAY_BOUNDS, Membership
from comity.core.matters.history import Mark
from comity.core.matters.kinds import (
    KINDS,
    AskedFor,
    Becomes,
    ClaimEvent,
    Follows,
    Kind,
    Proposes,
    Raiser,
    Term,
    Untold,
    Wrong,
)
from comity.core.matters.nature import About, Nature
from comity.core.matters.posture import Posture
from comity.core.matters.time_bars import ANSWERS
from comity.core.matters.transitions import NEEDS_REASON, Move
from comity.review.i18n.words import Words


def _date_field(*, required: bool = False) -> forms.DateField:
    return forms.DateField(
        required=required,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[MinValueValidator(DAY_BOUNDS[0]), MaxValueValidator(DAY_BOUNDS[1])],
    )


class ValueField(forms.DecimalField):
    """A figure in its unit, written with a comma or a point before its decimals; a thousands separator is refused."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value: Any) -> Any:  # noqa: ANN401 - as Django calls it
        """Read a number."""
        text = str(value or "").strip().removesuffix("%").strip()
        return super().to_python(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)


def _value_field() -> ValueField:
    return ValueField(required=False, max_digits=16, decimal_places=6)


Choices = Sequence[tuple[str, str]]
_MORE = (
    "formal_under", "department", "prompted_by", "about", "about_name", "event_on", "aware_on", "external_system",
    "external_id", "external_url", "mark",
)  # fmt: skip
_COMMON = frozenset({"title", "text", "evidence", *_MORE})


def _offer_marks(form: forms.Form) -> None:
    words = words_for(language())
    field = form.fields["mark"]
    field.choices = [("", words("mark.none")), *((one, words(f"mark.{one}")) for one in Mark)]  # type: ignore[attr-defined]


class RaiseForm(LocalisedForm):
    """Raise a matter: its title, the reason, evidence, and what its kind has."""

    key_prefix = "raise"
    side_by_side: tuple[tuple[str, str], ...] = (("event", "asked_for"), ("from_day", "to_day"), ("queue", "kpi"))
    title = forms.CharField(max_length=160)
    text = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    evidence = forms.FileField(required=False)
    formal_under = forms.ChoiceField(required=False)
    department = forms.CharField(max_length=80, required=False)
    prompted_by = forms.ChoiceField(required=False)
    about = forms.ChoiceField(required=False)
    about_name = forms.CharField(max_length=120, required=False)
    event_on = _date_field()
    aware_on = _date_field()
    external_system = forms.CharField(max_length=40, required=False)
    external_id = forms.CharField(max_length=80, required=False)
    external_url = forms.URLField(max_length=400, required=False, assume_scheme="https")
    mark = forms.ChoiceField(required=False)

    def __init__(self, *args: Any, prompts: Choices = (), clauses: Choices = (), **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer what a matter may be about, the matters that may have prompted it, and what may be reserved with it.

        :param clauses: under which it can be a formal notice; none where nobody can give one here
        """
        super().__init__(*args, **options)
        words = words_for(language())
        self.offer("formal_under", clauses, empty=words("raise.no_notice"))
        if not clauses:
            del self.fields["formal_under"]
        self.offer("prompted_by", prompts, empty=words("raise.no_matter"))
        if not prompts:
            del self.fields["prompted_by"]
        self.offer("about", [(one, words(f"about.{one}")) for one in About], empty=words("raise.nothing_else"))
        _offer_marks(self)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """Return the fields that its kind alone has and that do not stand side by side."""
        paired = {name for pair in self.side_by_side for name in pair}
        own = [name for name in self.fields if name not in _COMMON and name not in paired]
        return [self[name] for name in own]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """Return the fields that every kind has beside its own, which few fill in."""
        return [self[name] for name in _MORE if name in self.fields]

    @property
    def paired_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return the pairs of fields that stand side by side, as far as the kind has them."""
        return [(self[one], self[other]) for one, other in self.side_by_side if one in self.fields]

    def offer(self, name: str, choices: Choices, empty: str | None = None) -> None:
        """Replace a text field by a select; it stays one where there is nothing to choose from.

        :param empty: the text of no choice; None where one has to be chosen
        """
        if choices:
            first = [] if empty is None else [("", empty)]
            old = self.fields[name]
            self.fields[name] = forms.ChoiceField(
                choices=[*first, *choices], required=old.required, label=old.label, help_text=old.help_text
            )


def _offer_queues(form: forms.Form, queues: Sequence[str]) -> None:
    """Replace the queue's text field by a select of the book's queues; it stays one where none is known."""
    initial = str(form.initial.get("queue") or "")
    chosen = [initial] if initial and initial not in queues else []  # several, as a program has named them
    if queues:
        choices = [("", words_for(language())("raise.every_queue")), *((one, one) for one in [*queues, *chosen])]
        label = form.fields["queue"].label
        form.fields["queue"] = forms.ChoiceField(choices=choices, required=False, label=label)


class DisputeForm(RaiseForm):
    """Raise a dispute: which figure of which period, what is wrong, the own value, and why."""

    side_by_side: tuple[tuple[str, str], ...] = (("kpi", "period"), ("wrong", "value"))
    kpi = forms.CharField(max_length=60)
    period = forms.CharField(max_length=12)
    wrong = forms.ChoiceField()
    value = _value_field()

    def __init__(self, *args: Any, figures: Choices = (), period: str = "", **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the figures, where they are known, and what may be wrong.

        :param period: whose figures they are; it is chosen before, and asked for here only where it is not
        """
        super().__init__(*args, **options)
        words = words_for(language())
        self.fields["kpi"].help_text = ""
        self.offer("kpi", figures)
        if period:
            del self.fields["period"]
            self.side_by_side = (("wrong", "value"),)
        self.fields["wrong"].choices = [(one, words(f"wrong.{one}")) for one in Wrong]  # type: ignore[attr-defined]


class ClaimForm(RaiseForm):
    """Raise a claim: what happened, when and where, and what is asked for."""

    event = forms.ChoiceField()
    asked_for = forms.ChoiceField()
    from_day = _date_field(required=True)
    to_day = _date_field(required=True)
    queue = forms.CharField(max_length=80, required=False)
    kpi = forms.CharField(max_length=60, required=False)

    def __init__(self, *args: Any, kpis: Choices = (), queues: Sequence[str] = (), **options: Any) -> None:  # noqa: ANN401 - as above
        """Offer the events, what may be asked for, and the agreed KPIs and the queues where they are known."""
        super().__init__(*args, **options)
        words = words_for(language())
        self.offer("kpi", kpis, empty=words("raise.every_figure"))
        if kpis:
            self.fields["kpi"].help_text = ""  # the first choice says it
        _offer_queues(self, queues)
        self.fields["event"].choices = [(one, words(f"event.{one}")) for one in ClaimEvent]  # type: ignore[attr-defined]
        self.fields["asked_for"].choices = [(one, words(f"claim.{one}")) for one in AskedFor]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        """Require that the last day is not before the first."""
        cleaned_data = super().clean()
        first, last = self.cleaned_data.get("from_day"), self.cleaned_data.get("to_day")
        if first and last and last < first:
            self.add_error("to_day", words_for(language())("claim.order"))
        return cleaned_data


class ActionForm(RaiseForm):
    """Propose an action: what, its owner, by when, and for which figure."""

    side_by_side = (("owner", "due_on"), ("kpi", "period"))
    owner = MemberField()
    due_on = _date_field(required=True)
    kpi = forms.CharField(max_length=60, required=False)
    period = forms.CharField(max_length=12, required=False)

    def __init__(self, *args: Any, people: Any, figures: Choices = (), periods: Choices = (), **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the people of both sides, and the figures and periods, where they are known."""
        super().__init__(*args, **options)
        words = words_for(language())
        self.fields["owner"].offer(people)  # type: ignore[attr-defined]
        self.fields["kpi"].help_text = words("raise.kpi_of_action_help")
        self.offer("kpi", figures, empty=words("raise.no_figure"))
        self.offer("period", periods, empty=words("raise.no_period"))


_TEXT_AREA = forms.Textarea(attrs={"rows": 3})
# Of the kinds whose form is made from the table: the field of each term that they have.
_FIELDS: Mapping[Term, Callable[[bool], forms.Field]] = {
    Term.WORDING: lambda required: forms.CharField(max_length=4000, required=required, widget=_TEXT_AREA),
    Term.BEFORE: lambda required: forms.CharField(max_length=4000, required=required, widget=_TEXT_AREA),
    Term.CAUSE: lambda required: forms.CharField(max_length=4000, required=required, widget=_TEXT_AREA),
    Term.PRICE: lambda required: forms.CharField(max_length=120, required=required),
    Term.DUE_ON: lambda required: _date_field(required=required),
    Term.FROM_DAY: lambda required: _date_field(required=required),
    Term.KPI: lambda required: forms.CharField(max_length=60, required=required),
    Term.QUEUE: lambda required: forms.CharField(max_length=80, required=required),
    Term.FAILED: lambda required: forms.ChoiceField(required=required),
    Term.PROPOSES: lambda required: forms.ChoiceField(required=required),
    Term.BECOMES: lambda required: forms.ChoiceField(required=required),
    Term.UNTOLD: lambda required: forms.ChoiceField(required=required),
}


class KindForm(RaiseForm):
    """Raise a matter of a kind whose fields are those of the table, in its order."""

    side_by_side = (("kpi", "queue"), ("price", "due_on"), ("proposes", "becomes"))

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as Django calls it
        kind: Kind,
        figures: Choices = (),
        queues: Sequence[str] = (),
        sides: Choices = (),
        **options: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Add the fields of the kind, and offer the figures and the queues where they are known.

        :param sides: both sides by name, the own one first
        """
        spec = KINDS[kind]
        super().__init__(*args, **options)
        words = words_for(language())
        for term in spec.terms:
            field = self.fields[term.value] = _FIELDS[term](term in spec.required)
            field.label = words(f"raise.{term.value}")
            if words.has(f"raise.{term.value}_help"):
                field.help_text = words(f"raise.{term.value}_help")
        enums: dict[str, tuple[type[StrEnum], str]] = {
            "proposes": (Proposes, "proposes"),
            "becomes": (Becomes, "becomes"),
            "untold": (Untold, "untold"),
        }
        for name, (enumeration, key) in enums.items():
            if name in self.fields:
                choices = [(one.value, words(f"{key}.{one.value}")) for one in enumeration]
                self.fields[name].choices = choices  # type: ignore[attr-defined]
        if "failed" in self.fields:
            self.fields["failed"].choices = sides  # type: ignore[attr-defined]
        if "kpi" in self.fields:
            self.fields["kpi"].help_text = ""
            self.offer("kpi", figures, empty=None if self.fields["kpi"].required else words("raise.no_figure"))
        if "queue" in self.fields:
            _offer_queues(self, queues)

    @property
    def paired_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return the pairs of fields that stand side by side, where the kind has both."""
        return [(self[one], self[other]) for one, other in self.side_by_side if {one, other} <= self.fields.keys()]

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """Return the kind's own fields that stand alone."""
        paired = {bound.name for pair in self.paired_fields for bound in pair}
        return [self[name] for name in self.fields if name not in _COMMON and name not in paired]


FORMS: Mapping[Kind, type[RaiseForm]] = {
    **{kind: KindForm for kind, spec in KINDS.items() if spec.raised_by is Raiser.PERSON},
    Kind.DISPUTE: DisputeForm,
    Kind.CLAIM: ClaimForm,
    Kind.ACTION: ActionForm,
}


class CommentForm(LocalisedForm):
    """Comment on a matter, with evidence."""

    key_prefix = "raise"
    text = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    evidence = forms.FileField(required=False)

    def clean(self) -> dict[str, Any] | None:
        """Require a text or a file."""
        cleaned_data = super().clean()
        if not self.errors and not (self.cleaned_data.get("text") or self.cleaned_data.get("evidence")):
            self.add_error("text", words_for(language())("matter.say_something"))
        return cleaned_data


class MoveForm(CommentForm):
    """Make a move: a text, which some moves need, evidence, and the terms that the move has.

    `seen` is the number of the last step that the page has shown, so that nobody answers what they have not read.
    """

    seen = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    from_day = _date_field()
    to_day = _date_field()
    queue = forms.CharField(max_length=80, required=False)
    asked_for = forms.ChoiceField(required=False)
    owner = MemberField(required=False)
    due_on = _date_field()
    value = _value_field()
    follows = forms.ChoiceField(required=False, widget=forms.RadioSelect)
    wording = forms.CharField(max_length=4000, required=False, widget=_TEXT_AREA)
    price = forms.CharField(max_length=120, required=False)
    cause = forms.CharField(max_length=4000, required=False, widget=_TEXT_AREA)
    becomes = forms.ChoiceField(required=False)
    day = _date_field()
    into = forms.ChoiceField()
    objection = forms.ChoiceField()
    mark = forms.ChoiceField(required=False)
    object_to_late = forms.BooleanField(required=False)

    def __init__(  # noqa: PLR0913 - what a move offers, beside what Django passes on
        self,
        *args: Any,  # noqa: ANN401 - as Django calls it
        people: QuerySet[Membership],
        matter: Matter,
        move: Move,
        answers: bool,
        owes: bool = False,
        queues: Sequence[str] = (),
        targets: Choices = (),
        late: bool = False,
        **options: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Offer what may be asked for and the people of both sides; keep only the terms of the move.

        :param late: whether the person's side may still object that it was raised late
        :param answers: whether the person is of the side that answers, which says what follows from a dispute
        :param owes: whether the person is of the side that will owe what is agreed
        :param targets: the matters into which it may be merged
        """
        super().__init__(*args, **options)
        words = words_for(language())
        if not late or move not in ANSWERS:
            del self.fields["object_to_late"]
        self.fields["text"].required = move in NEEDS_REASON
        self.fields["asked_for"].choices = [(one, words(f"claim.{one}")) for one in AskedFor]  # type: ignore[attr-defined]
        offered = [
            one for one in Follows if matter.value is not None or one is not Follows.VALUE or move is Move.COUNTER
        ]
        self.fields["follows"].choices = [(one, words(f"follows.{one}")) for one in offered]  # type: ignore[attr-defined]
        _offer_queues(self, queues)
        self.fields["becomes"].choices = [(one, words(f"becomes.{one}")) for one in Becomes]  # type: ignore[attr-defined]
        self.fields["into"].choices = targets  # type: ignore[attr-defined]
        self.fields["objection"].choices = _objections(words, late=late)  # type: ignore[attr-defined]
        self.fields["day"].required = True
        _offer_marks(self)
        self.terms = terms_of_move(Kind(matter.kind), move, answers=answers, owes=owes)
        for name in FIELDS_OF_MOVES.difference(self.terms):
            del self.fields[name]
        if move is Move.AGREE and "due_on" in self.fields:
            if matter.due_on is not None:
                del self.fields["due_on"]  # it is on the table
            else:
                self.fields["due_on"].required = matter.kind not in {Kind.COMPLAINT, Kind.PROPOSAL}
            self.terms = tuple(name for name in self.terms if name in self.fields)
        if "owner" in self.fields:
            self.fields["owner"].offer(people, matter.owner)  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        """Require no text but of the moves that need one."""
        return forms.Form.clean(self)

    @property
    def terms_fields(self) -> list[Any]:
        """Return the fields of the terms."""
        return [self[name] for name in self.terms]


def _objections(words: Words, *, late: bool) -> list[tuple[str, str]]:
    """Return what may be objected to, and the value that would be right: posture and nature, each with its values."""
    postures = [one for one in Posture if one is not Posture.OPEN]
    return [
        *([("late late", words("object.late"))] if late else []),
        *((f"posture {one}", words("object.posture", value=words(f"posture.{one}"))) for one in postures),
        *((f"nature {one}", words("object.nature", value=words(f"nature.{one}"))) for one in Nature),
    ]


TERM_FIELDS = frozenset(
    {"from_day", "to_day", "queue", "asked_for", "owner", "due_on", "value", "follows", "wording", "price", "cause"}
    | {"becomes"}
)
FIELDS_OF_MOVES = TERM_FIELDS | {"day", "into", "objection"}
_OF_MOVE: Mapping[Move, tuple[str, ...]] = {
    Move.HAND_OVER: ("owner",),
    Move.OTHER_DAY: ("day",),
    Move.PAUSE: ("day",),
    Move.MERGE: ("into",),
    Move.OBJECT: ("objection",),
}


def terms_of_move(kind: Kind, move: Move, *, answers: bool, owes: bool = False) -> tuple[str, ...]:
    """Return the fields that a move has beside its text.

    :param answers: whether the side that moves is the one that answers
    :param owes: whether it is the one that will owe what is agreed
    """
    spec = KINDS[kind]
    if move in _OF_MOVE:
        return _OF_MOVE[move]
    if move is Move.COUNTER:
        return tuple(term.value for term in spec.countered if answers or term is not Term.FOLLOWS)
    if move is not Move.AGREE:
        return ()
    says = answers if kind is Kind.DISPUTE else owes
    return tuple(term.value for term in spec.agreed_with if says)
