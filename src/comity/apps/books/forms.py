"""Forms of the records' pages."""

from collections.abc import Sequence
from typing import Any
from zoneinfo import available_timezones

from babel import Locale
from django import forms

from comity.apps.books.queries import Answers
from comity.apps.books.sentences import item_name, mapping_name
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm, name_validator
from comity.apps.replies.queries import supported_countries, supported_regions
from comity.book.definition_keys import ATTRIBUTED_PARTS, PAID_SHARES, WEEKDAYS, WHO_ANSWERS
from comity.book.mappings.parse import shipped_mappings
from comity.book.tables import BROUGHT_BY, TABLES
from comity.core.calendars import Cut
from comity.review.i18n.words import DASH, clean


class UploadForm(LocalisedForm):
    """Upload a file."""

    key_prefix = "upload"
    file = forms.FileField()


class ServiceDaysForm(LocalisedForm):
    """Which days have service: weekdays, and the public holidays of a country or a region of it. Nothing is preset."""

    key_prefix = "book"
    open_days = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    country = forms.ChoiceField(required=False)
    region = forms.CharField(max_length=10, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer every weekday and country."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        self.fields["open_days"].choices = [(day, words.weekday(at)) for at, day in enumerate(WEEKDAYS)]  # type: ignore[attr-defined]
        names = Locale(language()).territories
        countries = sorted((names.get(code, code), code) for code in supported_countries())
        self.fields["country"].choices = [("", DASH), *((code, name) for name, code in countries)]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Check that the region is one of the country's; `country` becomes the code of both."""
        data: dict[str, Any] = super().clean() or {}
        country, region = data.get("country", ""), data.get("region", "").strip().upper()
        regions = supported_regions(country) if country else []
        if region and region not in regions:
            message = words_for(language())(
                "draft.no_region", country=country or DASH, regions=", ".join(regions) or DASH
            )
            self.add_error("region", message)
        data["country"] = f"{country}-{region}" if country and region else country
        return data


class BeginBookForm(ServiceDaysForm):
    """Begin an empty book."""

    timezone = forms.ChoiceField(widget=forms.Select(attrs={"data-own-zone": ""}))
    currency = forms.CharField(max_length=3, min_length=3, initial="EUR")
    month_starts_on = forms.IntegerField(min_value=1, max_value=28, initial=1, required=False)
    period = forms.ChoiceField(initial=Cut.MONTH.value, required=False)
    field_order = ("timezone", "currency", "month_starts_on", "period", "open_days", "country", "region")

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


class TermsForm(ServiceDaysForm):
    """Change zone, currency, first day of months or days of service."""

    timezone = forms.ChoiceField()
    currency = forms.CharField(max_length=3, min_length=3)
    month_starts_on = forms.IntegerField(min_value=1, max_value=28)
    field_order = ("timezone", "currency", "month_starts_on", "open_days", "country", "region")

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer every zone."""
        super().__init__(*args, **kwargs)
        self.fields["timezone"].choices = zones()  # type: ignore[attr-defined]


class AnswersForm(LocalisedForm):
    """Say who answers for each part of what was paid and of what moved a service level, and where services are done."""

    key_prefix = "answers"
    queues = forms.CharField(max_length=4000, required=False, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, now: Answers, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the parts, each with who answers now.

        :param now: as it is said; what the form does not offer of it stays
        """
        self.now = now
        lines = [f"{service}: {', '.join(queues)}" for service, queues in now.queues.items()]
        initial = {"queues": "\n".join(lines)} | {f"paid_{name}": who for name, who in now.paid.items()}
        super().__init__(*args, initial=initial | {f"cause_{name}": who for name, who in now.causes.items()}, **kwargs)
        words = words_for(language())
        sides = [(one, words(f"answers.by_{one}")) for one in WHO_ANSWERS]
        offered = [(f"paid_{name}", words(f"paid.{name}"), words("answers.nobody")) for name in PAID_PARTS]
        offered += [
            (f"cause_{name}", words(f"attribution.{name}"), words("answers.usual")) for name in ATTRIBUTED_PARTS
        ]
        rest = dict(self.fields)
        self.fields.clear()
        for name, label, without in offered:
            self.fields[name] = forms.ChoiceField(label=label, required=False, choices=[("", without), *sides])
        self.fields.update(rest)

    def clean_queues(self) -> dict[str, tuple[str, ...]]:
        """Return the queues of each service, of which each line names one."""
        found: dict[str, tuple[str, ...]] = {}
        for line in self.cleaned_data["queues"].splitlines():
            service, colon, named = line.rpartition(":")
            queues = tuple(queue.strip() for queue in named.split(",") if queue.strip())
            if not line.strip():
                continue
            if not (colon and service.strip() and queues):
                raise forms.ValidationError(words_for(language())("answers.no_queues", line=clean(line.strip())))
            found[service.strip()] = queues
        return found

    @property
    def answers(self) -> Answers:
        """Return what a valid form says."""
        data = self.cleaned_data
        paid = dict(self.now.paid) | {name: data[f"paid_{name}"] for name in PAID_PARTS}
        causes = {name: data[f"cause_{name}"] for name in ATTRIBUTED_PARTS}
        paid, causes = ({name: who for name, who in one.items() if who} for one in (paid, causes))
        return Answers(paid, causes, data["queues"])


PAID_PARTS = tuple(name for name in PAID_SHARES if name != "in_target")  # for what was received nobody has to answer


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
