"""Forms of the records' pages."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms

from comity.apps.books.sentences import item_name, mapping_name
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm, name_validator
from comity.book.mappings.parse import shipped_mappings
from comity.book.tables import BROUGHT_BY, TABLES
from comity.core.calendars import Cut
from comity.review.i18n.words import DASH


class UploadForm(LocalisedForm):
    """Upload a file."""

    key_prefix = "upload"
    file = forms.FileField()


class BeginBookForm(LocalisedForm):
    """Begin an empty book."""

    key_prefix = "book"
    timezone = forms.ChoiceField(widget=forms.Select(attrs={"data-own-zone": ""}))
    currency = forms.CharField(max_length=3, min_length=3, initial="EUR")
    month_starts_on = forms.IntegerField(min_value=1, max_value=28, initial=1, required=False)
    period = forms.ChoiceField(initial=Cut.MONTH.value, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices of periods."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        # None is chosen for anybody: a wrong one moves every record by hours.
        self.fields["timezone"].choices = [("", words("book.choose_zone")), *zones()]  # type: ignore[attr-defined]
        self.fields["timezone"].error_messages["invalid_choice"] = words("book.no_zone")
        self.fields["period"].choices = [  # type: ignore[attr-defined]
            (cut.value, words(f"book.period_{cut}")) for cut in (Cut.MONTH, Cut.QUARTER, Cut.YEAR)
        ]


class TermsForm(LocalisedForm):
    """Change zone, currency or first day of months."""

    key_prefix = "book"
    timezone = forms.ChoiceField()
    currency = forms.CharField(max_length=3, min_length=3)
    month_starts_on = forms.IntegerField(min_value=1, max_value=28)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer every zone."""
        super().__init__(*args, **kwargs)
        self.fields["timezone"].choices = zones()  # type: ignore[attr-defined]


def zones() -> list[tuple[str, str]]:
    """Return every time zone with its name, for a select."""
    return [(zone, zone.replace("_", " ")) for zone in sorted(available_timezones() - {"localtime"})]


class MarkPrivateForm(LocalisedForm):
    """Withhold an item, with a reason and the day of the next review."""

    key_prefix = "mark"
    item = forms.CharField(max_length=120, widget=forms.Select)
    only = forms.CharField(max_length=80, required=False)
    reason = forms.CharField(max_length=400, widget=forms.Textarea(attrs={"rows": 2}))
    review_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer each table, and its columns that can be private."""
        super().__init__(*args, **options)
        words = words_for(language())
        items = [
            (
                words.named("table", table.name),
                [(table.name, item_name(table.name, words))]
                + [
                    (f"{table.name}.{column.name}", item_name(f"{table.name}.{column.name}", words))
                    for column in table.columns
                    if column is not BROUGHT_BY
                ],
            )
            for table in TABLES.values()
        ]
        self.fields["item"].widget.choices = [("", DASH), *items]

    def clean(self) -> dict[str, Any]:
        """Make one item of a column and the value that its rows have."""
        data: dict[str, Any] = super().clean() or {}
        only, item = data.pop("only", "").strip(), data.get("item", "")
        table, dot, column = item.partition(".")
        if only and dot:
            data["item"] = f"{table}[{column}={only}]"
        return data


class CompleteForm(LocalisedForm):
    """Say up to which day the own records of a table are whole."""

    key_prefix = "complete"
    table = forms.ChoiceField()
    last_day = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, tables: Sequence[str], *args: Any, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the tables that the own side owes."""
        super().__init__(*args, **options)
        words = words_for(language())
        self.fields["table"].choices = [(table, words.named("table", table)) for table in tables]  # type: ignore[attr-defined]


class ChooseMappingForm(LocalisedForm):
    """Choose the mapping of a file, by name or as text."""

    key_prefix = "choose"
    OWN = "own:"  # before the name of a format that the side has saved
    SHARED = "shared:"  # before the name of one that the other side shares
    mapping = forms.ChoiceField(required=False)
    text = forms.CharField(
        required=False, max_length=40_000, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"})
    )

    def __init__(self, *args: Any, own: Sequence[str] = (), shared: Sequence[str] = (), **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the side's own formats first, then those that the other side shares, known ones and tables."""
        super().__init__(*args, **options)
        words = words_for(language())
        saved = [(f"{self.OWN}{name}", words("check.own_format", name=name)) for name in own]
        saved += [(f"{self.SHARED}{name}", words("check.shared_format", name=name)) for name in shared]
        self.fields["mapping"].choices = [("", DASH), *saved, *_known_formats()]  # type: ignore[attr-defined]


class RenameFormatForm(LocalisedForm):
    """Rename a format that the side has saved."""

    key_prefix = "match"
    name = forms.CharField(max_length=60, validators=[name_validator])


class DismissForm(LocalisedForm):
    """Dismiss the rejected rows of a file, and say why."""

    key_prefix = "dismiss"
    reason = forms.CharField(max_length=400)


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
        self.fields["mapping"].choices = _known_formats()  # type: ignore[attr-defined]


def _known_formats() -> list[tuple[str, str]]:
    words = words_for(language())
    return [(name, mapping_name(name, words)) for name in (*shipped_mappings(), *TABLES)]
