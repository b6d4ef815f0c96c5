"""Forms made from the declaration of fields: one control for each value, rows for records.

A clause's form is laid out by `layouts`: sentences with controls in them, sections, and *More*. What a form does not
ask for stays as it was. Numbers are written as the reader's language writes them, and shares in per cent.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from operator import itemgetter
from typing import Any

from django import forms
from django.forms import BoundField

from comity.apps.agreements.forms import layouts
from comity.apps.agreements.sentences import clause_titles
from comity.apps.agreements.wording.numbers import in_per_cent
from comity.apps.agreements.wording.used_fields import formulas, hidden_fields
from comity.apps.agreements.wording.values import (
    ALL,
    Figure,
    change_label,
    channels_text,
    choice_text,
    day_after,
    field_help,
    field_label,
    is_end,
    is_share,
    last_day,
    reader_text,
    value_text,
)
from comity.apps.i18n import language, words_for
from comity.apps.parties.models import Role
from comity.core.agreements.changes import CHANGE_FIELDS, check_says
from comity.core.agreements.clauses import check_fields, complete
from comity.core.agreements.expected import Expected
from comity.core.agreements.fields import Field, FieldType, Many, Problem, Value, plain_decimal
from comity.core.agreements.kinds import EVERYBODY, KINDS, MONEY, Kind
from comity.core.agreements.kpi import MEASURES
from comity.core.agreements.people import Named
from comity.core.agreements.text import Text
from comity.core.kpi_templates import CHANNELS
from comity.core.levels import SECONDS, SHARE
from comity.review.i18n.words import DASH, Words

_SEPARATOR = "__"
_BLANK_ROWS = 2
_HIDDEN = frozenset({"cites", "proposed_by", "person", "told", "origin"})  # what a form does not ask for
_PLAIN_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_SPAN = frozenset({"opens", "closes"})
_PER_CENT = -2  # decimal places between a share and per cent
People = Mapping[str, Sequence[Named]]
_NO_PEOPLE: People = {}
_NO_FIGURES: Mapping[str, Figure] = {}


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a form, or a row of them.

    :ivar name: of the form field; of a group, of its first part
    :ivar rows: of a record, the controls of each row
    :ivar was: what it reads in the text in force, where that is another; empty: it is the same
    :ivar help: what it is for, in a sentence
    """

    field: Field
    name: str
    label: str
    rows: tuple[tuple["Control", ...], ...] = ()
    was: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a sentence: a text, and the control behind it."""

    text: str
    control: Control | None


@dataclass(frozen=True, slots=True)
class FormSection:
    """A section of a form.

    :ivar title: empty: without one
    :ivar opened: of a folded one, whether it is open
    """

    title: str
    sentences: tuple[tuple[Piece, ...], ...]
    controls: tuple[Control, ...]
    folded: bool = False
    opened: bool = False


class NumberField(forms.CharField):
    """A number as people write it in the reader's language, kept as plain digits; a share is written in per cent."""

    def __init__(self, declared: Field, value: object, words: Words, *, percent: bool) -> None:
        """Show the kept value."""
        self.declared, self.value, self.words, self.percent = declared, value, words, percent
        widget = forms.TextInput(attrs={"inputmode": "decimal", "size": 5, "autocomplete": "off"})
        super().__init__(required=False, initial=self._shown(value), max_length=60, widget=widget)

    def _shown(self, value: object) -> str | None:
        if value is None:
            return None
        digits = plain_decimal(in_per_cent(value)) if self.percent else str(value)
        return digits.replace(".", ",") if self.words.language == "es" else digits

    def clean(self, value: object) -> str:
        """Return the kept digits; empty for none.

        :raises forms.ValidationError: for what is no number, and for a share out of its range
        """
        text = str(super().clean(value)).strip().removesuffix("%").strip().replace("\u2212", "-")
        if self.words.language == "es":
            text = text.replace(",", ".")
        if not text:
            return ""
        if _PLAIN_NUMBER.fullmatch(text) is None:
            raise forms.ValidationError(self.words("clause_form.no_number"))
        if not self.percent:
            return text
        share, least, most = Decimal(text).scaleb(_PER_CENT), self.declared.lowest, self.declared.highest
        if (least is not None and share < least) or (most is not None and share > most):
            shown = {name: in_per_cent(one or 0) for name, one in (("least", least), ("most", most))}
            key = "clause_form.per_cent_least" if most is None else "clause_form.per_cent"
            raise forms.ValidationError(self.words(key, **shown))
        return plain_decimal(share)


class LastDayField(forms.CharField):
    """The last day of a span, of which the first day without is kept."""

    def __init__(self, value: object) -> None:
        """Show the last day."""
        shown = None if value is None else last_day(value).isoformat()
        super().__init__(required=False, initial=shown, max_length=400, widget=forms.TextInput(attrs={"type": "date"}))

    def clean(self, value: object) -> str:
        """Return the day after; what is no day as it is, for the check of the field."""
        written = str(super().clean(value))
        with suppress(ValueError, OverflowError):
            return day_after(date.fromisoformat(written)).isoformat()
        return written


class FieldsForm(forms.Form):
    """Values of declared fields.

    :ivar kept: values of fields that the form does not ask for
    """

    def __init__(  # noqa: PLR0913 - the fields, and how they are shown
        self,
        data: Any = None,  # noqa: ANN401 - what was sent
        *,
        fields: Sequence[Field],
        values: Mapping[str, Value],
        label: Any,  # noqa: ANN401 - a function of a field's path
        clauses: Sequence[tuple[str, str, Kind]] = (),
        hidden: frozenset[str] = frozenset(),
        was: Mapping[str, str] | None = None,
        people: People = _NO_PEOPLE,
    ) -> None:
        """Make the controls.

        :param label: takes the names on the way to a field, and gives its label
        :param clauses: id, title and kind of the clauses that a field may name
        :param hidden: fields that the form does not ask for, beside those that none does
        :param was: by field, how it reads in the text in force where that is another
        :param people: by side, the members who can be chosen
        """
        super().__init__(data)
        self.words: Words = words_for(language())
        self.label_of, self.clauses, self.was, self.shown = label, clauses, was or {}, values
        self.people, self.names = people, {one.id: one.name for those in people.values() for one in those}
        away = _HIDDEN | hidden
        self.kept = {name: value for name, value in values.items() if name in away}
        self.by_path: dict[str, Control] = {}
        self.controls = [
            self._control(one, (one.name,), values.get(one.name)) for one in fields if one.name not in away
        ]

    def _control(self, field: Field, path: tuple[str, ...], value: object, row: str = "") -> Control:
        name = row or _SEPARATOR.join(path)
        names = tuple(part for part in path if not part.isdecimal())
        label, was = self.label_of(names, self.words), self.was.get(field.name, "") if len(path) == 1 else ""
        if field.type is not FieldType.RECORD:
            self.fields[name] = self._members(path[0], value) if _is_of_members(field) else self._leaf(field, value)
            self.fields[name].label = label
            if was:
                self.fields[name].widget.attrs["class"] = "changed"
            control = Control(field, name, label, was=was)
            self.by_path.setdefault("_".join(names), control)
            return control
        records = value if isinstance(value, list) else [] if value is None else [value]
        parts = {part.name for part in field.fields}
        # One more rule of who signs has as many boxes as a page: it comes once the one before is saved.
        blank = 1 if field.unique == "weekday" or parts >= _SPAN or "members" in parts else _BLANK_ROWS
        count = 1 if field.many is Many.ONE else len(records) + blank
        if self.is_bound:  # what was sent may have more rows than what is kept
            count = max(count, self._sent_rows(name))
        rows = []
        for number in range(count):
            record = records[number] if number < len(records) else {}
            known = record if isinstance(record, dict) else {}
            rows.append(
                tuple(
                    self._control(part, (*path, str(number), part.name), known.get(part.name))
                    for part in field.fields
                    if part.name in known or not _is_of_names(part)
                )
            )
        control = Control(field, name, label, tuple(rows), was)
        self.by_path.setdefault("_".join(names), control)
        return control

    def _sent_rows(self, name: str) -> int:
        found = re.compile(rf"{re.escape(name)}{_SEPARATOR}([0-9]{{1,3}}){_SEPARATOR}.*")
        return max((int(match[1]) + 1 for one in self.data if (match := found.fullmatch(one))), default=0)

    def _leaf(self, field: Field, value: object) -> forms.Field:  # noqa: PLR0911 - one type of field a line
        if field.many is not Many.ONE:
            return self._several(field, value if isinstance(value, list) else [])
        if field.choices or field.type is FieldType.CLAUSE:
            chosen = [(one, choice_text(field.name, one, self.words)) for one in self._choices(field)]
            named = chosen or self._named_clauses(field)
            blank = [("", self.words("agreement.none_chosen"))] if value is None or field.default is None else []
            return forms.ChoiceField(required=False, choices=[*blank, *named], initial=value)
        if field.type is FieldType.FLAG:
            yes_no = [
                ("", self.words("agreement.none_chosen")),
                *((one, self.words(f"agreement.{one}")) for one in ("yes", "no")),
            ]
            return forms.ChoiceField(required=False, choices=yes_no, initial={True: "yes", False: "no"}.get(value))  # type: ignore[call-overload]
        if field.type in {FieldType.PROSE, FieldType.PAIRS}:
            shown = "\n".join(f"{a} = {b}" for a, b in value.items()) if isinstance(value, dict) else value
            return forms.CharField(required=False, initial=shown, widget=forms.Textarea(attrs={"rows": 2}))
        if field.type is FieldType.WHOLE:
            return forms.IntegerField(required=False, initial=value)
        if field.type is FieldType.NUMBER:
            return NumberField(field, value, self.words, percent=is_share(field.name, self.shown))
        if is_end(field):
            return LastDayField(value)
        kinds = {FieldType.DAY: "date", FieldType.MONTH: "month", FieldType.TIME: "time"}
        attributes: dict[str, object] = {"type": kinds[field.type]} if field.type in kinds else {}
        if field.type is FieldType.END_TIME:
            attributes = {"size": 5, "placeholder": "24:00"}
        return forms.CharField(required=False, initial=value, max_length=400, widget=forms.TextInput(attrs=attributes))

    def _members(self, side: str, value: object) -> forms.Field:
        """Members of a side, by id; one who is there no longer is called as the text has it, and can be taken out."""
        kept = {str(key): str(name) for key, name in value.items()} if isinstance(value, dict) else {}
        self.names |= kept
        offered = {**kept, **{one.id: one.name for one in self.people.get(side, ())}}
        return forms.MultipleChoiceField(
            required=False,
            choices=sorted(offered.items(), key=itemgetter(1)),
            initial=list(kept),
            widget=forms.CheckboxSelectMultiple,
        )

    def _named_clauses(self, field: Field) -> list[tuple[str, str]]:
        """The clauses that a field may name, by id and title: of the kinds that it says, where it says some."""
        return [(one, title) for one, title, kind in self.clauses if not field.kinds or kind.value in field.kinds]

    def _choices(self, field: Field) -> Sequence[str]:
        """The choices of a field; a form of a clause may know that fewer can be meant."""
        return field.choices

    def _several(self, field: Field, values: Sequence[object]) -> forms.Field:
        named = [(one, choice_text(field.name, one, self.words)) for one in field.choices]
        if field.type is FieldType.CLAUSE:
            named = self._named_clauses(field)
        # Roles are those of the room: one that somebody spells otherwise would be nobody's.
        if field.name in {"seen_by", "roles"}:
            more = [EVERYBODY, MONEY] if field.name == "seen_by" else []
            offered = dict.fromkeys([*more, *(role.value for role in Role), *(str(one) for one in values)])
            named = [(one, reader_text(one, self.words)) for one in offered]
        if _is_of_names(field):  # those of before can be taken out; another is chosen among the members
            named = [(str(one), str(one)) for one in values]
        if named:
            return forms.MultipleChoiceField(
                required=False, choices=named, initial=list(values), widget=forms.CheckboxSelectMultiple
            )
        # Nothing written is all where all is the default: nobody has to know the star by which it is kept.
        lines = "" if field.default == [ALL] and list(values) == [ALL] else "\n".join(str(one) for one in values)
        attributes: dict[str, object] = {"rows": max(1, len(values))}
        if field.default == [ALL]:
            attributes["placeholder"] = self.words(f"clause_form.all_{field.name}")
        return forms.CharField(required=False, initial=lines, widget=forms.Textarea(attrs=attributes))

    def written(self) -> dict[str, object]:
        """Return what was written, as `core.agreements.fields.normalise` takes it, and what was not asked for."""
        return {**self.kept, **{control.field.name: self._written(control) for control in self.controls}}

    def _written(self, control: Control) -> object:
        field = control.field
        if field.type is FieldType.RECORD:
            records = [{part.field.name: self._written(part) for part in row} for row in control.rows]
            kept = [record for record in records if any(value not in (None, "", [], {}) for value in record.values())]
            return kept if field.many is not Many.ONE else (kept[0] if kept else None)
        value = self.cleaned_data.get(control.name)
        if _is_of_members(field):
            return {one: self.names[one] for one in value or ()}
        if field.many is not Many.ONE:
            return (
                list(value)
                if isinstance(value, list)
                else [one.strip() for one in (value or "").splitlines() if one.strip()]
            )
        if field.type is FieldType.FLAG:
            return {"yes": True, "no": False}.get(value or "")
        if field.type is FieldType.PAIRS:
            return dict(_pairs(value or ""))
        return value

    def add_problems(self, problems: Sequence[Problem]) -> None:
        """Show what cannot stand beside its control."""
        for problem in problems:
            name = _control_name(problem.field)
            place = name if name in self.fields else next((one for one in self.fields if one.startswith(name)), None)
            self.add_error(place if problem.field else None, expected_text(problem.expected, self.words))

    def focus_first_error(self) -> None:
        """Set the focus of the page on the first control that has to be put right."""
        name = next((one for one in self.fields if one in self.errors), None)
        if name is not None:
            self.fields[name].widget.attrs["autofocus"] = True

    def has_errors(self, control: Control) -> bool:
        """Whether something of a control has to be put right."""
        parts = [self.has_errors(part) for row in control.rows for part in row]
        return any(parts) or control.name in self.errors


def _is_of_members(field: Field) -> bool:
    """Whether a field holds people by the room's ids."""
    return field.type is FieldType.PAIRS and field.name == "members"


def _is_of_names(field: Field) -> bool:
    """Whether a field holds several people by name alone."""
    return field.person and field.many is Many.SET


def expected_text(expected: str, words: Words) -> str:
    """Return what should be written instead, as a sentence in the reader's language where it has a key."""
    if isinstance(expected, Expected):
        return words(f"problem.{expected.key}", **expected.names)
    return words("agreement.wrong", what=expected)


def _pairs(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        name, equals, value = line.partition("=")
        if equals:
            yield name.strip(), value.strip()


def _control_name(place: str) -> str:
    """The control of a place such as `bands[2].above`."""
    name = place.replace("[", f"{_SEPARATOR}").replace("].", _SEPARATOR).replace("]", "")
    parts = [str(int(part) - 1) if part.isdecimal() else part for part in name.split(_SEPARATOR)]
    return _SEPARATOR.join(parts)


class ClauseForm(FieldsForm):
    """The fields of one clause, laid out in sections."""

    def __init__(  # noqa: PLR0913 - a clause, and what can be chosen
        self,
        kind: Kind,
        values: Mapping[str, Value],
        of: Text,
        data: Any = None,  # noqa: ANN401 - what was sent
        before: Mapping[str, Value] | None = None,
        people: People = _NO_PEOPLE,
        channels: Sequence[str] = (),
    ) -> None:
        """Make the controls, with what holds by default filled in.

        :param before: the clause's fields in force; None: the clause is new
        :param people: by side, who can be chosen as its signatories
        :param channels: those that the records name; none where nobody has looked at them yet
        """
        self.channels = tuple(channels)
        self.kind, self.values_shown = kind, complete(kind, values)
        titles = clause_titles(of, words_for(language()))
        hidden = hidden_fields(kind, self.values_shown)
        if not of.of(Kind.PRICE) and "credit_allocation" not in values:  # no price is there to name
            hidden |= {"credit_allocation"}
        super().__init__(
            data,
            fields=KINDS[kind].fields,
            values=self.values_shown,
            label=lambda path, words: field_label(kind, "_".join(path), words),
            clauses=[(one.id, titles[one.id], one.kind) for one in of.clauses if one.id in titles],
            hidden=hidden,
            was=None if before is None else _was(kind, before, self.values_shown),
            people=people,
        )

    def _control(self, field: Field, path: tuple[str, ...], value: object, row: str = "") -> Control:
        control = super()._control(field, path, value, row)
        if len(path) == 1:
            told = field_help(self.kind, field.name, self.words)
            control = replace(control, help=told)
            self.by_path[field.name] = control
            if not control.rows:
                self.fields[control.name].help_text = told
        return control

    def _choices(self, field: Field) -> Sequence[str]:
        return formulas(self.values_shown) if field.name == "formula" else field.choices

    def _several(self, field: Field, values: Sequence[object]) -> forms.Field:
        if field.name != "channels" or self.kind is not Kind.KPI:
            return super()._several(field, values)
        # Most KPIs count one channel, or all: a choice. Several are written below, where there is room for them.
        offered = dict.fromkeys([ALL, *self.channels, *CHANNELS, "\n".join(str(one) for one in values) or ALL])
        named = [(one, self._channels(one.split("\n"))) for one in offered]
        return forms.ChoiceField(required=False, choices=named, initial="\n".join(str(one) for one in values) or ALL)

    def _channels(self, names: Sequence[str]) -> str:
        """Return what is counted of channels, and that the records hold nothing of the kind where it is so."""
        text = channels_text(names, self.words)
        counts = not self.channels or ALL in names or set(names) & set(self.channels)
        return text if counts else self.words("kpis.channel_absent", channel=text)

    @property
    def measure_shown(self) -> str:
        """The measure by whose sentence and units the form was shown."""
        return str(self.values_shown.get("measure", "")) if self.kind is Kind.KPI else ""

    @property
    def sections(self) -> list[FormSection]:
        """The sections of the form, *More* last."""
        placed = layouts.sections(self.kind, self.values_shown)
        found, told = [], set()
        for section in placed:
            sentences = tuple(self._pieces(key) for key in section.sentences)
            told |= {piece.control.name.partition(_SEPARATOR)[0] for one in sentences for piece in one if piece.control}
            told |= set(section.fields)
            controls = [one for one in self.controls if one.field.name in section.fields]
            controls.sort(key=lambda one: section.fields.index(one.field.name))
            inside = [*controls, *(piece.control for one in sentences for piece in one if piece.control)]
            title = self.words(f"clause_section.{section.name}") if section.name else ""
            opened = any(one.was or self.has_errors(one) for one in inside)
            if sentences or controls:
                found.append(FormSection(title, sentences, tuple(controls), section.folded, opened))
        rest = tuple(one for one in self.controls if one.field.name not in told)
        if rest:
            opened = any(one.was or self.has_errors(one) for one in rest)
            found.append(FormSection(self.words("clause_section.more"), (), rest, folded=True, opened=opened))
        return found

    def _pieces(self, key: str) -> tuple[Piece, ...]:
        found = layouts.pieces(layouts.template(key, self.values_shown, self.words))
        return tuple(Piece(text, self.by_path.get(name)) for text, name in found)

    def values(self, clause: str) -> dict[str, Value] | None:
        """Return the values as they are kept; None where one cannot stand, which the form then shows."""
        if not self.is_valid():
            self.focus_first_error()
            return None
        values, problems = check_fields(clause, self.kind, self.written())
        self.add_problems(problems)
        self.focus_first_error()
        return None if problems else values

    def of_other_measure(self, of: Text) -> "ClauseForm | None":
        """Return the form anew where another measure was chosen than it was shown by, since units differ; else None.

        What the other measure does not count by goes; nothing of it is saved.
        """
        sent = str(self.data.get("measure", "")) if self.kind is Kind.KPI else ""
        if sent not in MEASURES or sent == str(self.data.get("shown_measure", sent)):
            return None
        self.is_valid()
        values = of_measure(self.written(), sent)
        values, _ = check_fields("", self.kind, values)
        return ClauseForm(self.kind, values, of, channels=self.channels)


def of_measure(values: Mapping[str, Any], measure: str) -> dict[str, Any]:
    """Return the fields of a KPI by another measure: what has its unit, or what that one does not count by, goes."""
    hidden = hidden_fields(Kind.KPI, {"measure": measure}) | {"target", "material", "formula", "better"}
    return {name: value for name, value in values.items() if name not in hidden} | {"measure": measure}


def _was(kind: Kind, before: Mapping[str, Value], values: Mapping[str, Value]) -> dict[str, str]:
    """How the fields that differ read in the text in force."""
    words, own = words_for(language()), complete(kind, before)
    return {
        name: value_text(kind, name, own.get(name), words, beside=own) or DASH
        for name in KINDS[kind].by_name
        if own.get(name) != values.get(name)
    }


def _in_its_unit(figure: Figure, words: Words) -> str:
    """The heading of a KPI, with the unit in which a change of it is written."""
    key = {SHARE: "in_points", SECONDS: "in_seconds"}.get(figure.unit)
    return figure.title if key is None else words(f"change_form.{key}", title=figure.title)


class ChangeForm(FieldsForm):
    """What a change says of itself, and its days."""

    RARE = ("on_behalf_of", "decided_on", "open_until", "customer_benefit", "provider_benefit")

    def __init__(
        self,
        values: Mapping[str, Value],
        first_day: object,
        end: object,
        data: Any = None,  # noqa: ANN401 - what was sent
        figures: Mapping[str, Figure] = _NO_FIGURES,
    ) -> None:
        """Make the controls.

        :param figures: the KPIs of which it may expect something, by id
        """
        self.figures = figures
        super().__init__(
            data, fields=CHANGE_FIELDS, values=values, label=lambda path, words: change_label("_".join(path), words)
        )
        words = self.words
        for name, value in (("first_day", first_day), ("end", None if end is None else last_day(end))):
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(
                required=False,
                initial=value,
                widget=widget,
                label=words(f"change.{name}"),
                help_text=words(f"change.{name}_help"),
            )

    def _leaf(self, field: Field, value: object) -> forms.Field:
        if field.name != "figure":
            return super()._leaf(field, value)
        # What was written freely before stays to be chosen.
        kept = [] if value is None or str(value) in self.figures else [(str(value), str(value))]
        offered = [(key, _in_its_unit(one, self.words)) for key, one in self.figures.items()]
        none = [("", self.words("agreement.none_chosen"))]
        return forms.ChoiceField(required=False, choices=[*none, *offered, *kept], initial=value)

    def _control(self, field: Field, path: tuple[str, ...], value: object, row: str = "") -> Control:
        control = super()._control(field, path, value, row)
        if field.name == "expects":
            for parts in control.rows:
                self._in_unit_of_figure({part.field.name: part for part in parts})
        return control

    def _in_unit_of_figure(self, parts: Mapping[str, Control]) -> None:
        """Have the size of an expectation written in the unit of its KPI: of a share, in points."""
        figure, size = parts["figure"], parts["size"]
        chosen = self.data.get(figure.name) if self.is_bound else self.fields[figure.name].initial
        known = self.figures.get(str(chosen or ""))
        if known is not None and known.unit == SHARE:
            shown = self.fields[size.name]
            kept = shown.value if isinstance(shown, NumberField) else None
            self.fields[size.name] = NumberField(size.field, kept, self.words, percent=True)
            self.fields[size.name].label = size.label

    def clean_end(self) -> date | None:
        """Return the first day without the change, as it is kept; what was written is its last day."""
        last: date | None = self.cleaned_data["end"]
        return None if last is None else day_after(last)

    @property
    def first_controls(self) -> list[Control]:
        """What every change says."""
        return [one for one in self.controls if one.field.name not in self.RARE]

    @property
    def rare(self) -> FormSection:
        """What few changes say."""
        rest = tuple(one for one in self.controls if one.field.name in self.RARE)
        opened = any(self.has_errors(one) or self.shown.get(one.field.name) is not None for one in rest)
        return FormSection(self.words("clause_section.more"), (), rest, folded=True, opened=opened)

    def bound(self, name: str) -> BoundField:
        """The bound field of a name."""
        return self[name]

    def says(self) -> dict[str, Value] | None:
        """Return what it says, whole or not; None where a value cannot stand."""
        if not self.is_valid():
            self.focus_first_error()
            return None
        says, problems = check_says(self.written())
        wrong = [one for one in problems if one.value]
        self.add_problems(wrong)
        self.focus_first_error()
        return None if wrong else says
