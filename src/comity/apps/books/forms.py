"""Forms of the records' pages."""

from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import available_timezones

from django import forms

from comity.apps.books.sentences import field_name, item_name, mapping_name
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm, name_validator
from comity.book.mappings.cell_sql import FALSE, TRUE
from comity.book.mappings.match import (
    ORDERS,
    REJECT,
    WAIT,
    Answers,
    FileColumns,
    offers_wait,
    open_questions,
    required_columns,
    suggest_fields,
    unknown_values,
)
from comity.book.mappings.parse import shipped_mappings
from comity.book.tables import BROUGHT_BY, TABLES, Column, Kind
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
        self.fields["timezone"].choices = [("", words("book.choose_zone")), *_zones()]  # type: ignore[attr-defined]
        self.fields["timezone"].error_messages["invalid_choice"] = words("book.no_zone")
        self.fields["period"].choices = [  # type: ignore[attr-defined]
            (cut.value, words(f"book.period_{cut}")) for cut in (Cut.MONTH, Cut.QUARTER, Cut.YEAR)
        ]


def _zones() -> list[tuple[str, str]]:
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


class ChooseMappingForm(LocalisedForm):
    """Choose the mapping of a file, by name or as text."""

    key_prefix = "choose"
    OWN = "own:"  # before the name of a format that the side has saved
    mapping = forms.ChoiceField(required=False)
    text = forms.CharField(
        required=False, max_length=40_000, widget=forms.Textarea(attrs={"rows": 16, "spellcheck": "false"})
    )

    def __init__(self, *args: Any, own: Sequence[str] = (), **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the side's own formats first, then every known format and every table."""
        super().__init__(*args, **options)
        words = words_for(language())
        saved = [(f"{self.OWN}{name}", words("check.own_format", name=name)) for name in own]
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


class MatchColumnsForm(LocalisedForm):
    """Match the columns of a file with those of a table; asks what neither headers nor values show.

    The fields `field_N`, `order_N` are of the file's column N, `constant_X` and `meaning_X_N` of our column X.
    """

    key_prefix = "match"
    use_required_attribute = False  # what is required depends on what is chosen beside it
    table = forms.ChoiceField()
    zone = forms.ChoiceField(required=False)
    name = forms.CharField(max_length=60)

    def __init__(  # noqa: PLR0913 - what the page knows
        self,
        columns: FileColumns,
        table: str,
        asked: Mapping[str, str] | None,
        name: str,
        zone: str = "",
        before: Mapping[str, str] | None = None,
    ) -> None:
        """Offer the columns of a table.

        :param asked: what was typed; None: what was chosen before is filled in, or suggestions
        :param zone: of the book, which the file's times have where nobody says otherwise
        :param before: what was chosen when the file was checked last
        """
        self.columns, self.target = columns, TABLES[table]
        suggested = suggest_fields(columns, table)
        initial: dict[str, Any] = {"table": table, "name": name, "zone": zone}
        initial |= {f"field_{at}": suggested.get(one.header, "") for at, one in enumerate(columns.samples)}
        initial |= before or {}
        self.given: Mapping[str, str] = initial if asked is None else asked
        super().__init__(asked, initial=initial)
        words = words_for(language())
        self.fields["table"].choices = [(one, words.named("table", one)) for one in TABLES]  # type: ignore[attr-defined]
        self.fields["zone"].choices = [("", DASH), *_zones()]  # type: ignore[attr-defined]
        ours = [
            (one.name, f"{field_name(one.name, words)}{' *' if one.required else ''}")
            for one in self.target.columns
            if one is not BROUGHT_BY
        ]
        ours += [(WAIT, field_name(WAIT, words))] if offers_wait(table) else []
        for at, sample in enumerate(columns.samples):
            if sample.personal is None:
                choices = [("", words("match.leave_out")), *ours]
                self._add(f"field_{at}", choices, sample.header)
                orders = [("", DASH), *((order, words(f"match.{order}")) for order in ORDERS)]
                self._add(f"order_{at}", orders, f"{words('match.order')}: {sample.header}")
        self.questions = open_questions(columns, self.answers())
        self.fields["zone"].required = self.asks_zone()
        filled = set(self._chosen().values())
        for column in self._required():
            name_of, is_asked = field_name(column.name, words), column.name not in filled
            if column.values:
                choices = [("", DASH), *((one, words.named("value", one)) for one in column.values)]
                self._add(f"constant_{column.name}", choices, name_of, required=is_asked)
            else:
                constant = forms.CharField(required=is_asked, max_length=120, label=name_of)
                self.fields[f"constant_{column.name}"] = constant
        for column_name, values in self.meanings_asked().items():
            known = self.target.by_name[column_name].values or (TRUE[0], FALSE[0])
            for at, value in enumerate(values):
                choices = [("", DASH), *((one, words.named("value", one)) for one in known)]
                choices.append((REJECT, words("match.reject_rows")))
                label = f"{field_name(column_name, words)}: {value}"
                self._add(f"meaning_{column_name}_{at}", choices, label, required=True)

    def _add(self, name: str, choices: list[tuple[str, str]], label: str, *, required: bool = False) -> None:
        self.fields[name] = forms.ChoiceField(choices=choices, required=required, label=label)

    def meanings_asked(self) -> dict[str, tuple[str, ...]]:
        """Column of ours -> the values of its column of the file that the table does not know."""
        fields = self._chosen()
        asked = {}
        for sample in self.columns.samples:
            column = self.target.by_name.get(fields.get(sample.header, ""))
            values = unknown_values(column, sample) if column is not None and sample.personal is None else ()
            if column is not None and values:
                asked[column.name] = values
        return asked

    def answers(self) -> Answers:
        """Return what was said so far."""
        meanings = {
            column: {value: self.given.get(f"meaning_{column}_{at}", "") for at, value in enumerate(values)}
            for column, values in self.meanings_asked().items()
        }
        return Answers(
            self.target.name,
            self._chosen(),
            {one.header: self.given.get(f"order_{at}", "") for at, one in enumerate(self.columns.samples)},
            self.given.get("zone", ""),
            {column.name: self.given.get(f"constant_{column.name}", "") for column in self._required()},
            meanings,
        )

    def _required(self) -> tuple[Column, ...]:
        return required_columns(self.target.name, self._chosen().values())

    def _chosen(self) -> dict[str, str]:
        return {one.header: self.given.get(f"field_{at}", "") for at, one in enumerate(self.columns.samples)}

    def rows(self) -> list[dict[str, Any]]:
        """Return the columns of the file with their fields, for the page."""
        words = words_for(language())
        return [
            {
                "header": sample.header,
                "values": [] if sample.personal else list(sample.values[:3]),
                "personal": sample.personal is not None,
                "field": None if sample.personal else self[f"field_{at}"],
                "order": self[f"order_{at}"] if sample.order == "either" and self._is_day(sample.header) else None,
                "number": sample.header in self.questions.numbers,
                "open": sample.header in self.questions.orders
                or self._chosen().get(sample.header) in self.questions.repeated,
                "required": any(one.name == self._chosen().get(sample.header) for one in self._required()),
                "label": words("match.field_of", column=sample.header),
            }
            for at, sample in enumerate(self.columns.samples)
        ]

    def _is_day(self, header: str) -> bool:
        column = self.target.by_name.get(self._chosen().get(header, ""))
        return column is not None and column.kind in {Kind.INSTANT, Kind.DAY}

    def constants(self) -> list[forms.BoundField]:
        """Return the fields of required columns that no column of the file fills."""
        fields = set(self._chosen().values())
        return [self[f"constant_{one.name}"] for one in self._required() if one.name not in fields]

    def meanings(self) -> list[forms.BoundField]:
        """Return the fields of values that the table does not know."""
        return [
            self[f"meaning_{column}_{at}"]
            for column, values in self.meanings_asked().items()
            for at, _ in enumerate(values)
        ]

    def asks_zone(self) -> bool:
        """Whether times of the file do not say in which zone they are."""
        fields = self._chosen()
        return any(
            not sample.has_offset
            and (column := self.target.by_name.get(fields.get(sample.header, ""))) is not None
            and column.kind is Kind.INSTANT
            for sample in self.columns.samples
        )

    def numbers_key(self) -> str:
        """Return the key of the sentence about numbers that were chosen for times."""
        return "match.open_numbers_wait" if offers_wait(self.target.name) else "match.open_numbers"

    def what_is_open(self) -> list[str]:
        """Return what has to be answered before the file can be checked, in words."""
        words, questions = words_for(language()), self.questions
        names = {"missing": questions.missing, "repeated": questions.repeated, "meanings": tuple(questions.meanings)}
        sentences = [
            words(f"match.open_{key}", fields=", ".join(field_name(name, words) for name in listed))
            for key, listed in names.items()
            if listed
        ]
        if questions.numbers:
            sentences.append(words(self.numbers_key(), columns=", ".join(questions.numbers)))
        sentences += [words("match.open_orders", columns=", ".join(questions.orders))] if questions.orders else []
        return sentences + ([words("match.open_zone")] if questions.zone else [])
