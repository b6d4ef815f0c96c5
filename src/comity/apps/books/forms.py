"""Forms of the records' pages."""

from typing import Any

from django import forms

from comity.apps.parties.forms import LocalisedForm
from comity.book.mappings.parse import shipped_mappings
from comity.book.tables import TABLES
from comity.review.i18n.words import DASH


class UploadForm(LocalisedForm):
    """Upload a file."""

    key_prefix = "upload"
    file = forms.FileField()


class BeginBookForm(LocalisedForm):
    """Begin an empty book."""

    key_prefix = "book"
    timezone = forms.CharField(max_length=60, initial="Europe/Madrid")
    currency = forms.CharField(max_length=3, min_length=3, initial="EUR")


class MarkPrivateForm(LocalisedForm):
    """Withhold an item, with a reason and the day of the next review."""

    key_prefix = "mark"
    item = forms.CharField(max_length=120)
    reason = forms.CharField(max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    review_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))


class ChooseMappingForm(LocalisedForm):
    """Choose the mapping of a file, by name or as text."""

    key_prefix = "choose"
    mapping = forms.ChoiceField(required=False)
    text = forms.CharField(
        required=False, max_length=40_000, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"})
    )

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer every known format and every table."""
        super().__init__(*args, **options)
        names = [*shipped_mappings(), *TABLES]
        self.fields["mapping"].choices = [("", DASH), *((name, name) for name in names)]  # type: ignore[attr-defined]


class RoutesForm(LocalisedForm):
    """Set the rules by which rows of an export belong to relationships."""

    key_prefix = "routes"
    text = forms.CharField(max_length=40_000, widget=forms.Textarea(attrs={"rows": 12, "spellcheck": "false"}))


class ExportForm(LocalisedForm):
    """Upload an export that holds several relationships."""

    key_prefix = "routes"
    mapping = forms.ChoiceField()
    file = forms.FileField()

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer every known format and every table."""
        super().__init__(*args, **options)
        self.fields["mapping"].choices = [(name, name) for name in (*shipped_mappings(), *TABLES)]  # type: ignore[attr-defined]
