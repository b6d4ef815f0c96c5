"""Forms of the reply times page."""

from datetime import date
from typing import Any

from babel import Locale
from babel.core import get_global
from django import forms
from django.utils.translation import get_language

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.refusal import Refused
from comity.apps.replies import operations, queries
from comity.apps.replies.queries import Calendar

_TIME = {"type": "time"}


class CalendarForm(LocalisedForm):
    """A side's calendar: time zone, weekdays, hours and free days."""

    key_prefix = "calendar"
    zone = forms.CharField(max_length=60)
    days = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    opens = forms.TimeField(widget=forms.TimeInput(format="%H:%M", attrs=_TIME))
    closes = forms.TimeField(widget=forms.TimeInput(format="%H:%M", attrs=_TIME))
    free_days = forms.CharField(max_length=40_000, required=False, widget=forms.Textarea(attrs={"rows": 8}))

    def __init__(self, *args: Any, current: Calendar | None = None, draft: str = "", **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Fill the form with the current calendar.

        :param draft: free days to fill in instead
        """
        if current is not None:
            opens, closes = next(iter(current.week.values()))
            free_days = "\n".join(f"{day.isoformat()} {name}".strip() for day, name in current.free_days.items())
            kwargs["initial"] = {
                "zone": current.zone,
                "days": [str(day) for day in current.week],
                "opens": opens,
                "closes": closes,
                "free_days": draft or free_days,
            }
        super().__init__(*args, **kwargs)
        words = words_for(language())
        self.fields["days"].choices = [(str(day), words(f"weekday.{day}")) for day in range(7)]  # type: ignore[attr-defined]

    def clean_free_days(self) -> dict[Any, str]:
        """Return the free days and their names."""
        try:
            return operations.parse_free_days(self.cleaned_data["free_days"])
        except Refused as refused:
            raise forms.ValidationError(refused.sentence(words_for(language()))) from None

    @property
    def calendar(self) -> Calendar:
        """Return the calendar of a valid form."""
        data = self.cleaned_data
        hours = (data["opens"], data["closes"])
        return Calendar(data["zone"], {int(day): hours for day in sorted(data["days"])}, data["free_days"])


class FreeDaysForm(LocalisedForm):
    """A country, and a region of it, whose free days are to be drafted."""

    key_prefix = "draft"
    country = forms.ChoiceField()
    region = forms.CharField(max_length=10, required=False)

    def __init__(self, *args: Any, zone: str = "", **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Set the choices of countries.

        :param zone: a time zone, whose country is proposed
        """
        super().__init__(*args, **kwargs)
        names = Locale(language()).territories
        countries = sorted((names.get(code, code), code) for code in queries.supported_countries())
        none = ("", words_for(language())("draft.choose_country"))
        self.fields["country"].choices = [none, *((code, name) for name, code in countries)]  # type: ignore[attr-defined]
        self.fields["country"].initial = get_global("zone_territories").get(zone, "")

    def clean(self) -> dict[str, Any] | None:
        """Check that the region is one of the country's."""
        cleaned_data = super().clean()
        country, region = self.cleaned_data.get("country", ""), self.cleaned_data.get("region", "").upper()
        regions = queries.supported_regions(country) if country else []
        if region and region not in regions:
            message = words_for(language())("draft.no_region", country=country, regions=", ".join(regions))
            self.add_error("region", message)
        self.cleaned_data["region"] = region
        return cleaned_data

    @property
    def free_days(self) -> dict[date, str]:
        """Return the drafted free days of a valid form."""
        data = self.cleaned_data
        return queries.draft_free_days(data["country"], data["region"], get_language() or "en")

    @property
    def text(self) -> str:
        """Return the drafted free days, a day a line."""
        return "\n".join(f"{day.isoformat()} {name}" for day, name in self.free_days.items())
