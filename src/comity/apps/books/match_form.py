"""The form by which the columns of a file are matched with those of a table, and one that asks a format's days anew."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from django import forms

from comity.apps.books.forms import zones
from comity.apps.books.sentences import field_name, value_meaning
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm, name_validator
from comity.book.mappings.column_samples import ColumnSample
from comity.book.mappings.header_meaning import instrument_in, scale_in
from comity.book.mappings.match import (
    EMPTY,
    KEEP,
    ORDERS,
    REJECT,
    WAIT,
    Answers,
    FileColumns,
    handling_parts,
    known_meanings,
    known_values,
    offers_wait,
    open_questions,
    pseudonyms_for,
    required_columns,
    stand_in,
    suggest_fields,
    suggested_meaning,
    takes_own_values,
    unknown_values,
)
from comity.book.mappings.rematch import is_same_choice
from comity.book.tables import BROUGHT_BY, TABLES, Column, Kind
from comity.book.validation.constants import UnreadableConstantError, constant_text
from comity.core.agreements.kpi import MEASURES
from comity.review.i18n.words import DASH, Words, clean

# Texts of which there are a few usual ones, and counts likewise: they are chosen.
_USUAL = {
    "instrument": (*(name for name, one in MEASURES.items() if one.people_of == "surveys"), "esat", "loyalty", "trust"),
    "minutes": ("15", "30", "60"),
}


class ConstantField(forms.CharField):
    """One value for all rows, with the control of its kind; understood as its reader writes it."""

    def __init__(self, column: Column, label: str, *, required: bool, value: str = "") -> None:
        """Take a column's values.

        :param value: what is filled in, which stays a choice where choices are offered
        """
        self.column = column
        words = words_for(language())
        choices = column.values or (("true", "false") if column.kind is Kind.FLAG else _USUAL.get(column.name, ()))
        if choices:
            own = [(value, value)] if value and value not in choices else []
            listed = [(one, value_meaning(column, one, words)) for one in choices]
            widget: forms.Widget = forms.Select(choices=[("", DASH), *listed, *own])
        else:
            widget = forms.TextInput(attrs=_control(column.kind))
            widget.input_type = _INPUT_TYPES.get(column.kind, "text")
        note = f"field_note.{column.name}"
        super().__init__(
            required=required,
            max_length=120,
            label=label,
            widget=widget,
            help_text=words(note) if words.has(note) else "",
        )

    def clean(self, value: Any) -> str:  # noqa: ANN401 - as Django calls it
        """Return the value as a mapping holds it.

        :raises forms.ValidationError: in the reader's language, for what is no such value
        """
        try:
            return constant_text(self.column, str(super().clean(value) or ""), language())
        except UnreadableConstantError as error:
            raise forms.ValidationError(words_for(language())(f"constant.{error.fault}")) from None

    def prepare_value(self, value: object) -> object:
        """Return an instant as its control takes it: local, to the minute."""
        if self.column.kind is Kind.INSTANT and isinstance(value, str):
            try:
                return f"{datetime.fromisoformat(value):%Y-%m-%dT%H:%M}"
            except ValueError:
                pass
        return value


_INPUT_TYPES = {Kind.DAY: "date", Kind.INSTANT: "datetime-local", Kind.MONTH: "month"}
_NUMBERS = frozenset({Kind.SECONDS, Kind.COUNT, Kind.NUMBER, Kind.AMOUNT, Kind.SHARE})


def _control(kind: Kind) -> dict[str, Any]:
    return {"inputmode": "decimal"} if kind in _NUMBERS else {}


class FileDaysForm(LocalisedForm):
    """The days of a file that its format holds as one value for all rows: each file has its own."""

    key_prefix = "days"

    def __init__(self, table: str, names: tuple[str, ...], given: Mapping[str, str] | None = None) -> None:
        """Ask for columns of a table."""
        super().__init__(given)
        words = words_for(language())
        for name in names:
            column = TABLES[table].by_name[name]
            self.fields[f"constant_{name}"] = ConstantField(column, field_name(name, words), required=True)

    def values(self) -> dict[str, str]:
        """Return the values by column, of a valid form."""
        return {name.removeprefix("constant_"): str(value) for name, value in self.cleaned_data.items()}


class MatchColumnsForm(LocalisedForm):
    """Match the columns of a file with those of a table; asks what neither headers nor values show.

    The fields `field_N`, `also_N`, `order_N` are of the file's column N, `constant_X` and `meaning_X_N` of our column
    X.
    """

    key_prefix = "match"
    use_required_attribute = False  # what is required depends on what is chosen beside it
    table = forms.ChoiceField()
    zone = forms.ChoiceField(required=False)
    name = forms.CharField(max_length=60, validators=[name_validator])

    def __init__(  # noqa: PLR0913 - what the page knows
        self,
        columns: FileColumns,
        table: str,
        asked: Mapping[str, str] | None,
        name: str,
        zone: str = "",
        before: Mapping[str, str] | None = None,
        known: Answers | None = None,
        rejected: Mapping[str, tuple[str, ...]] | None = None,
        days: tuple[str, ...] = (),
    ) -> None:
        """Offer the columns of a table.

        :param asked: what was typed; None: what was chosen before is filled in, or suggestions
        :param zone: of the book, which the file's times have where nobody says otherwise
        :param before: what was chosen when the file was checked last
        :param known: what the format says by which the file was checked, filled in where nobody has chosen yet
        :param days: columns that have a day of an earlier file for all rows by the format, and are asked for this one
        :param rejected: column of ours -> values for which rows were rejected, wherever they stand in the file
        """
        self.columns, self.target = columns, TABLES[table]
        self.known, self.rejected, self.days = known, rejected or {}, days
        if known is not None and days:
            kept = {name: value for name, value in known.constants.items() if name not in days}
            self.known = replace(known, constants=kept)
        initial = self._initial(table, name, zone) | dict(before or {})
        self.given: Mapping[str, str] = initial if asked is None else asked
        super().__init__(asked, initial=initial)
        words = words_for(language())
        self.fields["table"].choices = [(one, words.named("table", one)) for one in TABLES]  # type: ignore[attr-defined]
        self.fields["zone"].choices = [("", DASH), *zones()]  # type: ignore[attr-defined]
        ours = [
            (one.name, f"{field_name(one.name, words)}{' *' if one.required else ''}")
            for one in self.target.columns
            if one is not BROUGHT_BY
        ]
        ours += [(WAIT, field_name(WAIT, words))] if offers_wait(table) else []
        for at, sample in enumerate(columns.samples):
            if people := pseudonyms_for(table, sample):
                named = [(one, words("match.as_pseudonym", field=field_name(one, words))) for one in people]
                self._add(f"field_{at}", [("", words("match.leave_out")), *named], sample.header)
            if sample.personal is None:
                self._add(f"field_{at}", [("", words("match.leave_out")), *ours], sample.header)
                self._add(f"also_{at}", [("", DASH), *ours], f"{words('match.also')}: {sample.header}")
                orders = [("", DASH), *((order, words(f"match.{order}")) for order in ORDERS)]
                self._add(f"order_{at}", orders, f"{words('match.order')}: {sample.header}")
        self._add_constants(initial, words)
        self._add_meanings(initial, words)
        self.questions = open_questions(columns, self.answers())
        self.fields["zone"].required = self.asks_zone()

    def _initial(self, table: str, name: str, zone: str) -> dict[str, Any]:
        """What is filled in: what the file's format says, else what headers and values suggest."""
        initial: dict[str, Any] = {"table": table, "name": name, "zone": zone}
        if self.known is None:
            fields = suggest_fields(self.columns, table)
            also: Mapping[str, str] = {}
            orders: Mapping[str, str] = {}
            initial |= {f"constant_{column}": value for column, value in _stated(table, fields).items()}
        else:
            fields, also, orders = dict(self.known.fields), self.known.also, self.known.orders
            initial |= {"zone": self.known.zone or zone}
            initial |= {f"constant_{column}": value for column, value in self.known.constants.items()}
        for at, one in enumerate(self.columns.samples):
            initial |= {f"field_{at}": fields.get(one.header, ""), f"also_{at}": also.get(one.header, "")}
            initial |= {f"order_{at}": orders.get(one.header, "")}
        return initial

    def _add(self, name: str, choices: list[tuple[str, str]], label: str, *, required: bool = False) -> None:
        self.fields[name] = forms.ChoiceField(choices=choices, required=required, label=label)

    def _add_constants(self, initial: Mapping[str, Any], words: Words) -> None:
        filled = self._filled() | self._settled()
        for column in self._required():
            value = str(initial.get(f"constant_{column.name}", ""))
            field = ConstantField(
                column, field_name(column.name, words), required=column.name not in filled, value=value
            )
            self.fields[f"constant_{column.name}"] = field

    def _add_meanings(self, initial: dict[str, Any], words: Words) -> None:
        required = {one.name for one in self._required()}
        for column_name, values in self.meanings_asked().items():
            column = self.target.by_name[column_name]
            by_word = known_meanings(column)
            said = {} if self.known is None else self.known.meanings.get(column_name, {})
            for at, value in enumerate(values):
                choices = [("", DASH)]
                choices += [(one, value_meaning(column, one, words)) for one in dict.fromkeys(by_word.values())]
                if takes_own_values(column):
                    own = dict.fromkeys(one for one in said.values() if one not in {KEEP, EMPTY, REJECT, *by_word})
                    choices += [*((one, clean(one)) for one in own), (KEEP, words("match.keep_own"))]
                choices += [(EMPTY, words("match.leave_empty"))] if column_name not in required else []
                choices.append((REJECT, words("match.reject_rows")))
                name, meaning = f"meaning_{column_name}_{at}", by_word.get(value.casefold(), "")
                label = f"{field_name(column_name, words)}: {value}"
                initial.setdefault(name, said.get(value, meaning or suggested_meaning(column, value)))
                # Whoever leaves out a word that is ours too has taken it for ours.
                self._add(name, choices, label, required=not meaning or bool(self.given.get(name)))
                if meaning:
                    self.fields[name].help_text = words("match.same_word")

    def meanings_asked(self) -> dict[str, tuple[str, ...]]:
        """Column of ours -> the values of its column of the file: first those that the table does not know."""
        asked = {}
        for sample in self.columns.samples:
            if sample.personal is not None:
                continue
            for name in self._chosen_for(sample):
                column = self.target.by_name.get(name)
                if column is None or not known_meanings(column):
                    continue
                # In an order that stays: a field is called by its place, also when more values have come to be known.
                seen = (*unknown_values(column, sample), *known_values(column, sample), *self.rejected.get(name, ()))
                if seen:
                    asked[name] = tuple(dict.fromkeys(seen))
        return asked

    def answers(self) -> Answers:
        """Return what was said so far."""
        meanings = {
            column: {
                value: self.given.get(f"meaning_{column}_{at}", "")
                or known_meanings(self.target.by_name[column]).get(value.casefold(), "")
                for at, value in enumerate(values)
            }
            for column, values in self.meanings_asked().items()
        }
        constants = {column.name: self._constant(column) for column in self._required()}
        answers = Answers(
            self.target.name,
            self._chosen("field"),
            {one.header: self.given.get(f"order_{at}", "") for at, one in enumerate(self.columns.samples)},
            self.given.get("zone", ""),
            constants,
            meanings,
            self._chosen("also"),
            self._settled(),
        )
        if self.known is None or self.known.table != self.target.name:
            return answers
        kept = {name: value for name, value in self.known.constants.items() if name not in self._filled()}
        return replace(answers, constants=kept | constants)

    def _settled(self) -> frozenset[str]:
        """The columns that the file's format fills by itself, as long as nothing else is chosen."""
        if self.known is None:
            return frozenset()
        chosen = Answers(self.target.name, self._chosen("field"), also=self._chosen("also"))
        return self.known.settled if is_same_choice(self.known, chosen) else frozenset()

    def _constant(self, column: Column) -> str:
        """Return a value for all rows as a mapping holds it; empty where it cannot be read, which its field says."""
        try:
            return constant_text(column, str(self.given.get(f"constant_{column.name}", "")), language())
        except UnreadableConstantError:
            return ""

    def clean(self) -> dict[str, Any]:
        """Refuse a scale that has no width."""
        data: dict[str, Any] = super().clean() or {}
        low, high = data.get("constant_scale_min"), data.get("constant_scale_max")
        if low and high and float(low) == float(high):
            self.add_error("constant_scale_max", words_for(language())("reject.width"))
        return data

    def _required(self) -> tuple[Column, ...]:
        required = required_columns(self.target.name, self._filled())
        names = {one.name for one in required}
        return (*required, *(self.target.by_name[name] for name in self.days if name not in names))

    def _filled(self) -> set[str]:
        return {*self._chosen("field").values(), *self._chosen("also").values()}

    def _chosen(self, kind: str) -> dict[str, str]:
        samples = enumerate(self.columns.samples)
        return {one.header: self.given.get(f"{kind}_{at}", "") for at, one in samples}

    def _chosen_for(self, sample: ColumnSample) -> tuple[str, ...]:
        chosen = (self._chosen(kind).get(sample.header, "") for kind in ("field", "also"))
        return tuple(dict.fromkeys(name for name in chosen if name))

    def rows(self) -> list[dict[str, Any]]:
        """Return the columns of the file with their fields, for the page."""
        words, added = words_for(language()), self._added_up()
        rows = []
        for at, sample in enumerate(self.columns.samples):
            chosen, is_open = self._chosen_for(sample), False
            is_open = sample.header in self.questions.orders or bool({*chosen} & {*self.questions.repeated})
            personal = sample.personal is not None
            rows.append(
                {
                    "header": sample.header,
                    "values": [] if personal else list(sample.values[:3]),
                    "personal": words(f"personal.{_PERSONAL.get(sample.personal, 'other')}") if sample.personal else "",
                    "field": self[f"field_{at}"] if f"field_{at}" in self.fields else None,
                    "also": None if personal else self[f"also_{at}"],
                    "also_chosen": bool(self.given.get(f"also_{at}", "")),
                    "order": self[f"order_{at}"] if sample.order == "either" and self._is_day(chosen) else None,
                    "number": sample.header in self.questions.numbers,
                    "added": sample.header in added,
                    "open": is_open,
                    "label": words("match.field_of", column=sample.header),
                    "also_label": f"{words('match.also')}: {sample.header}",
                }
            )
        return rows

    def _added_up(self) -> frozenset[str]:
        """The headers of columns that are added up to a handle time."""
        headers = [one.header for one in self.columns.samples if "handle_s" in self._chosen_for(one)]
        return frozenset(headers) if len(headers) > 1 else frozenset()

    def handling(self) -> str:
        """Return that parts of the handle time can be added up, with their headers; empty where there are not two."""
        if "handle_s" not in self.target.by_name:
            return ""
        parts = [one for one in self.columns.samples if "handle_s" in self._chosen_for(one)]
        headers = dict.fromkeys([*handling_parts(self.columns, {}), *(one.header for one in parts)])
        if len(headers) < 2:  # noqa: PLR2004 - nothing to add up
            return ""
        return words_for(language())("match.added_up", columns=", ".join(headers))

    def _is_day(self, names: tuple[str, ...]) -> bool:
        columns = (self.target.by_name.get(name) for name in names)
        return any(one is not None and one.kind in {Kind.INSTANT, Kind.DAY, Kind.MONTH} for one in columns)

    def constants(self) -> list[forms.BoundField]:
        """Return the fields of required columns that no column of the file fills."""
        filled = self._filled() | self._settled()
        return [self[f"constant_{one.name}"] for one in self._required() if one.name not in filled]

    def meanings(self) -> list[forms.BoundField]:
        """Return the fields of the values that stand for one of ours."""
        return [
            self[f"meaning_{column}_{at}"]
            for column, values in self.meanings_asked().items()
            for at, _ in enumerate(values)
        ]

    def stand_ins(self) -> list[str]:
        """Return what stands in for required columns that no column of the file fills, in words."""
        words, filled = words_for(language()), self._filled()
        pairs = [(one.name, stand_in(self.target.name, one.name, filled)) for one in self.target.required]
        return [
            words("match.stands_in", field=field_name(name, words), other=field_name(other, words))
            for name, other in pairs
            if other and name not in filled
        ]

    def asks_zone(self) -> bool:
        """Whether times of the file do not say in which zone they are."""
        return any(
            not sample.has_offset
            and any(
                (column := self.target.by_name.get(name)) is not None and column.kind is Kind.INSTANT
                for name in self._chosen_for(sample)
            )
            for sample in self.columns.samples
        )

    def numbers_key(self) -> str:
        """Return the key of the sentence about numbers that were chosen for times."""
        return "match.open_numbers_wait" if offers_wait(self.target.name) else "match.open_numbers"

    def what_is_open(self) -> list[str]:
        """Return what has to be answered before the file can be checked, in words."""
        words, questions = words_for(language()), self.questions
        # What was typed and cannot be read is told beside its field.
        missing = tuple(name for name in questions.missing if not self.given.get(f"constant_{name}", "").strip())
        names = {"missing": missing, "repeated": questions.repeated, "meanings": tuple(questions.meanings)}
        sentences = [
            words(f"match.open_{key}", fields=", ".join(field_name(name, words) for name in listed))
            for key, listed in names.items()
            if listed
        ]
        if questions.numbers:
            sentences.append(words(self.numbers_key(), columns=", ".join(questions.numbers)))
        sentences += [words("match.open_orders", columns=", ".join(questions.orders))] if questions.orders else []
        return sentences + ([words("match.open_zone")] if questions.zone else [])


# What `personal_data_in` takes a column for, and how the page calls it.
_PERSONAL = {
    "a name": "name",
    "a person": "person",
    "an e-mail address": "address",
    "e-mail addresses": "address",
    "a telephone number": "phone",
    "an IP address": "ip",
    "a place": "place",
    "free text": "text",
    "an identity": "identity",
}


def _stated(table: str, fields: Mapping[str, str]) -> dict[str, str]:
    """What a header says beside its name: of a score its scale, and which question was asked."""
    score = next((header for header, name in fields.items() if name == "score"), None)
    if table != "surveys" or score is None:
        return {}
    scale, instrument = scale_in(score), instrument_in(score)
    stated = {} if scale is None else {"scale_min": str(scale[0]), "scale_max": str(scale[1])}
    return stated | ({} if instrument is None else {"instrument": instrument})
