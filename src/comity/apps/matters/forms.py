"""Forms of the pages of matters."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import QuerySet

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm, MemberField
from comity.apps.parties.models import DAY_BOUNDS, Membership
from comity.core.matters.kinds import KINDS, AskedFor, ClaimEvent, Kind
from comity.core.matters.transitions import Move


def _date_field(*, required: bool = False) -> forms.DateField:
    return forms.DateField(
        required=required,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        validators=[MinValueValidator(DAY_BOUNDS[0]), MaxValueValidator(DAY_BOUNDS[1])],
    )


class DisputeForm(LocalisedForm):
    """Raise a dispute: which figure, and why."""

    key_prefix = "raise"
    side_by_side = (("event", "asked_for"), ("from_day", "to_day"), ("queue", "kpi"), ("owner", "due_on"))
    title = forms.CharField(max_length=160)
    text = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 4}))
    evidence = forms.FileField(required=False)

    @property
    def paired_fields(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """Return the pairs of fields that stand side by side, as far as the kind has them."""
        return [(self[one], self[other]) for one, other in self.side_by_side if one in self.fields]


class ClaimForm(DisputeForm):
    """Raise a claim: what happened, when and where, and what is asked for."""

    event = forms.ChoiceField()
    asked_for = forms.ChoiceField()
    from_day = _date_field(required=True)
    to_day = _date_field(required=True)
    queue = forms.CharField(max_length=80, required=False)
    kpi = forms.CharField(max_length=60, required=False)

    def __init__(self, *args: Any, kpis: Sequence[tuple[str, str]] = (), **options: Any) -> None:  # noqa: ANN401 - as above
        """Offer the events, what may be asked for, and the agreed KPIs where they are known."""
        super().__init__(*args, **options)
        words = words_for(language())
        if kpis:
            choices = [("", words("raise.every_figure")), *kpis]
            self.fields["kpi"] = forms.ChoiceField(choices=choices, required=False, label=words("raise.kpi"))
        self.fields["queue"].widget.attrs["list"] = "of-queue"
        self.fields["event"].choices = [(one, words(f"event.{one}")) for one in ClaimEvent]  # type: ignore[attr-defined]
        self.fields["asked_for"].choices = [(one, words(f"claim.{one}")) for one in AskedFor]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        """Require that the last day is not before the first."""
        cleaned_data = super().clean()
        first, last = self.cleaned_data.get("from_day"), self.cleaned_data.get("to_day")
        if first and last and last < first:
            self.add_error("to_day", words_for(language())("claim.order"))
        return cleaned_data


class ActionForm(DisputeForm):
    """Propose an action: what, its owner, by when."""

    owner = MemberField()
    due_on = _date_field(required=True)

    def __init__(self, *args: Any, people: Any, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the people of both sides."""
        super().__init__(*args, **options)
        self.fields["owner"].offer(people)  # type: ignore[attr-defined]


FORMS = {Kind.DISPUTE: DisputeForm, Kind.CLAIM: ClaimForm, Kind.ACTION: ActionForm}


class MoveForm(LocalisedForm):
    """Make a move, with a text, evidence, and by kind the terms of a counter-proposal or a new owner."""

    key_prefix = "raise"
    move = forms.ChoiceField(choices=[(one.value, one.value) for one in Move])
    text = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 4}))
    evidence = forms.FileField(required=False)
    from_day = _date_field()
    to_day = _date_field()
    queue = forms.CharField(max_length=80, required=False)
    asked_for = forms.ChoiceField(required=False)
    owner = MemberField(required=False)
    due_on = _date_field()

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as Django calls it
        people: QuerySet[Membership],
        kind: str,
        owner: Membership | None = None,
        **options: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Offer what may be asked for and the people of both sides; keep only the terms of the kind."""
        super().__init__(*args, **options)
        words = words_for(language())
        self.fields["asked_for"].choices = [(one, words(f"claim.{one}")) for one in AskedFor]  # type: ignore[attr-defined]
        self.terms = KINDS[Kind(kind)].countered
        for name in {term for spec in KINDS.values() for term in spec.countered} - {*self.terms}:
            del self.fields[name]
        if "owner" in self.fields:
            self.fields["owner"].offer(people, owner)  # type: ignore[attr-defined]

    @property
    def terms_fields(self) -> list[Any]:
        """Return the fields of the terms."""
        return [self[name] for name in self.terms]
