"""The form of preferences."""

from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.notifications.models import Timing, Topic
from comity.apps.parties.forms import LocalisedForm


class PreferencesForm(LocalisedForm):
    """When somebody is mailed about each topic."""

    key_prefix = "notifications"
    move = forms.ChoiceField()
    late = forms.ChoiceField()
    file = forms.ChoiceField()
    final = forms.ChoiceField()
    comment = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices of each topic."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        choices = [(timing.value, words(f"timing.{timing}")) for timing in Timing]
        for topic in Topic:
            self.fields[topic].choices = choices  # type: ignore[attr-defined]

    @property
    def timings(self) -> dict[Topic, Timing]:
        """Return the choices of a valid form."""
        return {topic: Timing(self.cleaned_data[topic]) for topic in Topic}
