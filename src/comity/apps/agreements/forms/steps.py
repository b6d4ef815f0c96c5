"""Forms of what a side does with a change: an answer, a waiver, a mark, a limit, a remark."""

from collections.abc import Sequence
from typing import Any

from django import forms

from comity.apps.agreements.models import ANSWERS
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm


class EndForm(LocalisedForm):
    """Why a change is declined or withdrawn."""

    key_prefix = "change"
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class WaiveForm(LocalisedForm):
    """A shortfall of notice that is waived, with relief for KPIs until a day."""

    key_prefix = "change"
    shortfall = forms.IntegerField(widget=forms.HiddenInput)
    relief_kpis = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    relief_until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, kpis: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the KPIs."""
        super().__init__(*args, **kwargs)
        self.fields["relief_kpis"].choices = list(kpis)  # type: ignore[attr-defined]


class MarkForm(LocalisedForm):
    """Whether a reason is sufficient."""

    key_prefix = "change"
    sufficient = forms.BooleanField(required=False)
    because = forms.CharField(required=False, max_length=1000)


class LimitForm(LocalisedForm):
    """One limit of one's own side."""

    key_prefix = "limit"
    what = forms.ChoiceField()
    least = forms.DecimalField(required=False, max_digits=14, decimal_places=6)
    most = forms.DecimalField(required=False, max_digits=14, decimal_places=6)
    note = forms.CharField(required=False, max_length=400)

    def __init__(self, *args: Any, clauses: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer what a limit can be of."""
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = clauses  # type: ignore[attr-defined]


class SignedFileForm(LocalisedForm):
    """Bring back a PDF that was signed elsewhere."""

    key_prefix = "signed_file"
    file = forms.FileField()


class AskForm(LocalisedForm):
    """From when a change is to be carried out before it is signed."""

    key_prefix = "first"
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    first_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))


class AnswerForm(LocalisedForm):
    """Whether that is accepted, under reserve or not, or declined with a reason."""

    key_prefix = "first"
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)
    under_reserve = forms.BooleanField(required=False)
    reason = forms.CharField(required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class StopForm(LocalisedForm):
    """That it is carried out no longer."""

    key_prefix = "first"
    revision = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class BenefitForm(LocalisedForm):
    """Whether a change brought one's side its benefit."""

    key_prefix = "benefit"
    answer = forms.ChoiceField(widget=forms.RadioSelect)
    because = forms.CharField(required=False, max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the three answers."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        choices = [(one, words(f"benefit.{one}")) for one in ANSWERS]
        self.fields["answer"].choices = choices  # type: ignore[attr-defined]


class AmountForm(LocalisedForm):
    """What a change is worth to one's own side."""

    key_prefix = "amounts"
    expected = forms.DecimalField(required=False, max_digits=14, decimal_places=2)
    came = forms.DecimalField(required=False, max_digits=14, decimal_places=2)


class DecidedForm(LocalisedForm):
    """On which day the other side's change was decided."""

    key_prefix = "decided"
    day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))
    because = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class RemarkForm(LocalisedForm):
    """A remark about a clause, or about the change as a whole."""

    key_prefix = "remark"
    clause = forms.ChoiceField(required=False)
    text = forms.CharField(required=False, max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, clauses: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the clauses."""
        super().__init__(*args, **kwargs)
        choices = [("", words_for(language())("remark.whole")), *clauses]
        self.fields["clause"].choices = choices  # type: ignore[attr-defined]
