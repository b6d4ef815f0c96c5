"""Forms made from the declaration of fields: one control for each value, rows for records."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from comity.apps.agreements.values import change_label, choice_text, field_label
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.core.agreements.changes import CHANGE_FIELDS, check_says
from comity.core.agreements.clauses import check_fields, complete
from comity.core.agreements.fields import Field, FieldType, Many, Problem, Value
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.text import Text
from comity.review.i18n.words import Words

_SEPARATOR = "__"
_BLANK_ROWS = 2
_HIDDEN = frozenset({"cites", "proposed_by", "person", "told", "origin"})  # what a form does not ask for


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a form, or a row of them.

    :ivar name: of the form field; of a group, of its first part
    :ivar rows: of a record, the controls of each row
    """

    field: Field
    name: str
    label: str
    rows: tuple[tuple["Control", ...], ...] = ()


class FieldsForm(forms.Form):
    """Values of declared fields."""

    def __init__(
        self,
        data: Any = None,  # noqa: ANN401 - what was sent
        *,
        fields: Sequence[Field],
        values: Mapping[str, Value],
        label: Any,  # noqa: ANN401 - a function of a field's path
        clauses: Sequence[tuple[str, str]] = (),
    ) -> None:
        """Make the controls.

        :param label: takes the names on the way to a field, and gives its label
        :param clauses: id and title of the clauses that a field may name
        """
        super().__init__(data)
        self.words: Words = words_for(language())
        self.declared, self.label_of, self.clauses = [one for one in fields if one.name not in _HIDDEN], label, clauses
        self.controls = [self._control(one, (one.name,), values.get(one.name)) for one in self.declared]

    def _control(self, field: Field, path: tuple[str, ...], value: object, row: str = "") -> Control:
        name = row or _SEPARATOR.join(path)
        label = self.label_of(tuple(part for part in path if not part.isdecimal()), self.words)
        if field.type is not FieldType.RECORD:
            self.fields[name] = self._leaf(field, value)
            self.fields[name].label = label
            return Control(field, name, label)
        records = value if isinstance(value, list) else [] if value is None else [value]
        count = 1 if field.many is Many.ONE else len(records) + _BLANK_ROWS
        rows = []
        for number in range(count):
            record = records[number] if number < len(records) else {}
            known = record if isinstance(record, dict) else {}
            rows.append(
                tuple(
                    self._control(part, (*path, str(number), part.name), known.get(part.name)) for part in field.fields
                )
            )
        return Control(field, name, label, tuple(rows))

    def _leaf(self, field: Field, value: object) -> forms.Field:
        if field.many is not Many.ONE:
            return self._several(field, value if isinstance(value, list) else [])
        if field.choices or field.type is FieldType.CLAUSE:
            named = [(one, choice_text(field.name, one, self.words)) for one in field.choices] or list(self.clauses)
            choices = [("", self.words("agreement.none_chosen")), *named]
            return forms.ChoiceField(required=False, choices=choices, initial=value)
        if field.type is FieldType.FLAG:
            yes_no = [
                ("", self.words("agreement.none_chosen")),
                *((one, self.words(f"agreement.{one}")) for one in ("yes", "no")),
            ]
            return forms.ChoiceField(required=False, choices=yes_no, initial={True: "yes", False: "no"}.get(value))  # type: ignore[call-overload]
        if field.type in {FieldType.PROSE, FieldType.PAIRS}:
            shown = "\n".join(f"{a} = {b}" for a, b in value.items()) if isinstance(value, dict) else value
            return forms.CharField(required=False, initial=shown, widget=forms.Textarea(attrs={"rows": 3}))
        if field.type is FieldType.WHOLE:
            return forms.IntegerField(required=False, initial=value)
        kinds = {FieldType.DAY: "date", FieldType.MONTH: "month", FieldType.TIME: "time"}
        attributes = {"type": kinds[field.type]} if field.type in kinds else {}
        if field.type is FieldType.NUMBER:
            attributes = {"inputmode": "decimal"}
        return forms.CharField(required=False, initial=value, max_length=400, widget=forms.TextInput(attrs=attributes))

    def _several(self, field: Field, values: Sequence[object]) -> forms.Field:
        if field.choices or field.type is FieldType.CLAUSE:
            named = [(one, choice_text(field.name, one, self.words)) for one in field.choices] or list(self.clauses)
            return forms.MultipleChoiceField(
                required=False, choices=named, initial=list(values), widget=forms.CheckboxSelectMultiple
            )
        lines = "\n".join(str(one) for one in values)
        return forms.CharField(required=False, initial=lines, widget=forms.Textarea(attrs={"rows": 2}))

    def written(self) -> dict[str, object]:
        """Return what was written, as `core.agreements.fields.normalise` takes it."""
        return {control.field.name: self._written(control) for control in self.controls}

    def _written(self, control: Control) -> object:
        field = control.field
        if field.type is FieldType.RECORD:
            records = [{part.field.name: self._written(part) for part in row} for row in control.rows]
            kept = [record for record in records if any(value not in (None, "", [], {}) for value in record.values())]
            return kept if field.many is not Many.ONE else (kept[0] if kept else None)
        value = self.cleaned_data.get(control.name)
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
        if field.type is FieldType.NUMBER and isinstance(value, str):
            return value.strip().replace(",", ".") if language() == "es" else value.strip()
        return value

    def add_problems(self, problems: Sequence[Problem]) -> None:
        """Show what cannot stand beside its control."""
        for problem in problems:
            name = _control_name(problem.field)
            place = name if name in self.fields else next((one for one in self.fields if one.startswith(name)), None)
            self.add_error(place if problem.field else None, self.words("agreement.wrong", what=problem.expected))


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
    """The fields of one clause."""

    def __init__(self, kind: Kind, values: Mapping[str, Value], of: Text, data: Any = None) -> None:  # noqa: ANN401 - what was sent
        """Make the controls, with what holds by default filled in."""
        self.kind = kind
        super().__init__(
            data,
            fields=KINDS[kind].fields,
            values=complete(kind, values),
            label=lambda path, words: field_label(kind, "_".join(path), words),
            clauses=[(one.id, str(one.fields.get("title", one.id))) for one in of.clauses if not one.removed],
        )

    def values(self, clause: str) -> dict[str, Value] | None:
        """Return the values as they are kept; None where one cannot stand, which the form then shows."""
        if not self.is_valid():
            return None
        values, problems = check_fields(clause, self.kind, self.written())
        self.add_problems(problems)
        return None if problems else values


class ChangeForm(FieldsForm):
    """What a change says of itself, and its days."""

    def __init__(
        self,
        values: Mapping[str, Value],
        first_day: object,
        end: object,
        data: Any = None,  # noqa: ANN401 - what was sent
    ) -> None:
        """Make the controls."""
        super().__init__(
            data, fields=CHANGE_FIELDS, values=values, label=lambda path, words: change_label("_".join(path), words)
        )
        words = self.words
        for name, value in (("first_day", first_day), ("end", end)):
            widget = forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
            self.fields[name] = forms.DateField(
                required=False, initial=value, widget=widget, label=words(f"change.{name}")
            )

    def says(self) -> dict[str, Value] | None:
        """Return what it says, whole or not; None where a value cannot stand."""
        if not self.is_valid():
            return None
        says, problems = check_says(self.written())
        wrong = [one for one in problems if one.value]
        self.add_problems(wrong)
        return None if wrong else says


class EndForm(LocalisedForm):
    """Why a change is declined or withdrawn."""

    key_prefix = "change"
    reason = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))


class WaiveForm(LocalisedForm):
    """A shortfall of notice that is waived, with relief for KPIs until a day."""

    key_prefix = "change"
    shortfall = forms.IntegerField(widget=forms.HiddenInput)
    relief_kpis = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    relief_until = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, kpis: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the KPIs."""
        super().__init__(*args, **kwargs)
        self.fields["relief_kpis"].choices = list(kpis)  # type: ignore[attr-defined]


class MarkForm(LocalisedForm):
    """Whether a reason is sufficient."""

    key_prefix = "change"
    sufficient = forms.BooleanField(required=False)
    because = forms.CharField(required=False, max_length=1000)


class LimitForm(LocalisedForm):
    """One limit of one's own side."""

    key_prefix = "limit"
    what = forms.ChoiceField()
    least = forms.DecimalField(required=False, max_digits=14, decimal_places=6)
    most = forms.DecimalField(required=False, max_digits=14, decimal_places=6)
    note = forms.CharField(required=False, max_length=400)

    def __init__(self, *args: Any, clauses: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer what a limit can be of."""
        super().__init__(*args, **kwargs)
        self.fields["what"].choices = clauses  # type: ignore[attr-defined]


class SignedFileForm(LocalisedForm):
    """Bring back a PDF that was signed elsewhere."""

    key_prefix = "signed_file"
    file = forms.FileField()
