"""What the page of reply times takes in."""

from typing import Any

from babel import Locale
from django import forms
from django.utils.translation import get_language

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.refusal import Refused
from comity.apps.replies import operations, queries
from comity.apps.replies.queries import Calendar

_TIME = {"type": "time"}


class ProposeCalendar(LocalisedForm):
    """When a side answers: its zone, weekdays, hours and free days."""

    key_prefix = "calendar"
    zone = forms.CharField(max_length=60)
    days = forms.MultipleChoiceField(widget=forms.CheckboxSelectMultiple)
    opens = forms.TimeField(widget=forms.TimeInput(format="%H:%M", attrs=_TIME))
    closes = forms.TimeField(widget=forms.TimeInput(format="%H:%M", attrs=_TIME))
    free_days = forms.CharField(max_length=40_000, required=False, widget=forms.Textarea(attrs={"rows": 8}))

    def __init__(self, *args: Any, now: Calendar | None = None, drafted: str = "", **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Begin with what holds now.

        :param drafted: free days to begin with instead
        """
        if now is not None:
            opens, closes = next(iter(now.week.values()))
            said = "\n".join(f"{day.isoformat()} {name}".strip() for day, name in now.free_days.items())
            more["initial"] = {
                "zone": now.zone,
                "days": [str(day) for day in now.week],
                "opens": opens,
                "closes": closes,
                "free_days": drafted or said,
            }
        super().__init__(*args, **more)
        words = words_for(language())
        self.fields["days"].choices = [(str(day), words(f"weekday.{day}")) for day in range(7)]  # type: ignore[attr-defined]

    def clean_free_days(self) -> dict[Any, str]:
        """The days and their names."""
        try:
            return operations.free_days(self.cleaned_data["free_days"])
        except Refused as refused:
            raise forms.ValidationError(refused.sentence(words_for(language()))) from None

    @property
    def calendar(self) -> Calendar:
        """What was said, once it is valid."""
        said = self.cleaned_data
        hours = (said["opens"], said["closes"])
        return Calendar(said["zone"], {int(day): hours for day in sorted(said["days"])}, said["free_days"])


class DraftFreeDays(LocalisedForm):
    """Of which country, and region of it, free days are to be drafted."""

    key_prefix = "draft"
    country = forms.ChoiceField()
    region = forms.CharField(max_length=10, required=False)

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as above
        """Offer the countries that are known."""
        super().__init__(*args, **more)
        names = Locale(language()).territories
        known = sorted((names.get(one, one), one) for one in queries.countries())
        self.fields["country"].choices = [(one, name) for name, one in known]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any] | None:
        """The country's region, or none."""
        found = super().clean()
        country, region = self.cleaned_data.get("country", ""), self.cleaned_data.get("region", "").upper()
        known = queries.regions(country) if country else []
        if region and region not in known:
            said = words_for(language())("draft.no_region", country=country, regions=", ".join(known))
            self.add_error("region", said)
        self.cleaned_data["region"] = region
        return found

    @property
    def text(self) -> str:
        """The free days, a day a line."""
        said = self.cleaned_data
        drafted = queries.draft_free_days(said["country"], said["region"], get_language() or "en")
        return "\n".join(f"{day.isoformat()} {name}" for day, name in drafted.items())
