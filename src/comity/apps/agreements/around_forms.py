"""Forms for what happens around a change: an early start, its benefit, and remarks."""

from collections.abc import Sequence
from typing import Any

from django import forms

from comity.apps.agreements.afterwards import ANSWERS
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm


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
