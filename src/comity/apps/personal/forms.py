"""Forms of a person's own choices."""

from typing import Any
from zoneinfo import available_timezones

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.personal.models import Appearance


class DisplayForm(LocalisedForm):
    """Time zone, colours and shortcuts."""

    key_prefix = "display"
    time_zone = forms.ChoiceField(required=False)
    appearance = forms.ChoiceField(widget=forms.RadioSelect)
    shortcuts = forms.BooleanField(required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "posix")))
        self.fields["time_zone"].choices = [  # type: ignore[attr-defined]
            ("", words("display.default_zone")),
            ("UTC", "UTC"),
            *((zone, zone.replace("_", " ")) for zone in zones),
        ]
        self.fields["appearance"].choices = [  # type: ignore[attr-defined]
            (one.value, words(f"display.{one.value}")) for one in Appearance
        ]


class SaveViewForm(LocalisedForm):
    """The name of a list's filters."""

    key_prefix = "saved_view"
    name = forms.CharField(max_length=60)
    query = forms.CharField(max_length=300, required=False, widget=forms.HiddenInput)
