"""Forms for what happens around a change: a start before it is signed."""

from django import forms

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
