"""The form of a proposal: one control for each number of each sentence, the review's rhythm, and delivery days."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.kpis.sentences import (
    CHANNEL,
    PIN,
    TARGET,
    SentencePart,
    channel_text,
    kept_target,
    sentence_parts,
    shown_target,
)
from comity.apps.kpis.terms import Terms
from comity.apps.parties.forms import LocalisedForm
from comity.book.definition import AgreedDelivery
from comity.book.tables import TABLES
from comity.core.agreements.kpi import MEASURES, RECORDS, Kpi
from comity.core.calendars import Cut
from comity.core.kpi_templates import CHANNELS, THRESHOLDS
from comity.core.levels import SHARE, unit
from comity.core.values import Side
from comity.review.i18n.words import Words

_ALL = "*"
_APART = "\t"  # between several channels of a choice: a name may have blanks
_BLANK_DELIVERIES = 2
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CUTS = (Cut.MONTH, Cut.QUARTER, Cut.YEAR)
_DUE = re.compile(r"(?P<day>[a-z]+|day \d{1,2})(?: (?P<time>\d{1,2}:\d{2}))?")


class ProposalForm(LocalisedForm):
    """KPIs to keep, each with target, threshold, channel and records; from when, by which period, what comes by when.

    :ivar candidates: the KPIs that the form begins with; what it does not ask for stays as it is there
    """

    key_prefix = "kpis"
    cut = forms.ChoiceField()
    valid_from = forms.ChoiceField()

    def __init__(
        self,
        *args: Any,  # noqa: ANN401 - as Django calls it
        candidates: Sequence[Kpi],
        starts: Sequence[date],
        deliveries: Sequence[AgreedDelivery] = (),
        recorded: Sequence[str] = (),
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> None:
        """Add the controls of each KPI and each delivery.

        :param recorded: channels that the contacts of the records name; none where nobody has looked at them yet
        """
        super().__init__(*args, **kwargs)
        self.recorded = tuple(recorded)
        self.candidates, words = list(candidates), words_for(language())
        self.fields["cut"].choices = [(cut.value, words(f"kpis.cut_{cut}")) for cut in _CUTS]  # type: ignore[attr-defined]
        self.fields["valid_from"].choices = [(one.isoformat(), words.day(one)) for one in starts]  # type: ignore[attr-defined]
        for number, kpi in enumerate(self.candidates):
            self._add_controls(number, kpi)
        self.delivery_count = len(deliveries) + _BLANK_DELIVERIES
        for number in range(self.delivery_count):
            self._add_delivery(number, deliveries[number] if number < len(deliveries) else None)

    def _add_controls(self, number: int, kpi: Kpi) -> None:
        words = words_for(language())
        name = words.named("measure", kpi.measure)

        def label(key: str) -> dict[str, str]:
            return {"aria-label": f"{name}: {words(f'kpis.control_{key}')}"}

        self.fields[f"use_{number}"] = forms.BooleanField(
            required=False, initial=True, widget=forms.CheckboxInput(attrs=label("use"))
        )
        self.fields[f"{TARGET}_{number}"] = forms.DecimalField(
            required=False, initial=shown_target(kpi), min_value=Decimal(-100), max_digits=12, decimal_places=4,
            widget=forms.NumberInput(attrs=label(TARGET) | {"step": "any"}),
            max_value=Decimal(100) if unit(kpi) == SHARE else None,
        )  # fmt: skip
        pin = THRESHOLDS.get(kpi.measure)
        if pin is not None:
            self.fields[f"{PIN}_{number}"] = forms.IntegerField(
                initial=int(getattr(kpi, pin)),
                min_value=1,
                max_value=86_400,
                widget=forms.NumberInput(attrs=label(PIN)),
            )
        own = _APART.join(kpi.channels)
        offered = dict.fromkeys([own, _ALL, *self.recorded, *CHANNELS])
        choices = [(one, self._channel(replace(kpi, channels=tuple(one.split(_APART))), words)) for one in offered]
        self.fields[f"{CHANNEL}_{number}"] = forms.ChoiceField(
            choices=choices, initial=own, widget=forms.Select(attrs=label(CHANNEL))
        )
        if MEASURES[kpi.measure].also_intervals:
            tables = [("", words("kpis.records_any")), *((one, words.named("table", one)) for one in RECORDS)]
            widget = forms.Select(attrs={"aria-label": f"{name}: {words('records.title')}"})
            self.fields[f"records_{number}"] = forms.ChoiceField(
                required=False, choices=tables, initial=kpi.records or "", widget=widget
            )

    def _channel(self, kpi: Kpi, words: Words) -> str:
        """Return what a KPI of some channels counts, and that the records hold nothing of the kind where it is so."""
        text = channel_text(kpi, words)
        counts = not self.recorded or kpi.channels == (_ALL,) or set(kpi.channels) & set(self.recorded)
        return text if counts else words("kpis.channel_absent", channel=text)

    def _add_delivery(self, number: int, delivery: AgreedDelivery | None) -> None:
        words = words_for(language())
        match = _DUE.fullmatch(delivery.due or "") if delivery is not None else None
        tables = [("", words("kpis.no_delivery")), *((name, words.named("table", name)) for name in TABLES)]
        days = [("daily", words("kpis.daily"))]
        days += [(day, words(f"weekday.{position}")) for position, day in enumerate(_WEEKDAYS)]
        days += [(f"day {day}", words("kpis.day_of_month", day=day)) for day in range(1, 29)]
        sides = [(side.value, words(f"side.{side}")) for side in Side]
        for name, choices, initial in (
            ("table", tables, delivery and delivery.table),
            ("by", sides, delivery and delivery.by.value),
            ("day", days, match and match["day"]),
        ):
            widget = forms.Select(attrs={"aria-label": words(f"kpis.delivery_{name}", number=number + 1)})
            self.fields[f"{name}_{number}"] = forms.ChoiceField(choices=choices, initial=initial, widget=widget)
        self.fields[f"table_{number}"].required = False
        label = {"type": "time", "aria-label": words("kpis.delivery_time", number=number + 1)}
        self.fields[f"time_{number}"] = forms.TimeField(
            initial=(match and match["time"]) or "09:00", widget=forms.TimeInput(format="%H:%M", attrs=label)
        )

    @property
    def rows(self) -> list[tuple[Kpi, Any, list[tuple[SentencePart, Any]], Any]]:
        """Each KPI with its checkbox, the parts of its sentence with their controls, and that of its records."""
        cut = Cut(self["cut"].value()) if self["cut"].value() in set(_CUTS) else Cut.MONTH
        words = words_for(language())
        rows = []
        for number, kpi in enumerate(self.candidates):
            shown = kpi if kpi.target is not None else replace(kpi, target=0.0)
            parts = [
                (part, self[f"{part.control}_{number}"] if part.control else None)
                for part in sentence_parts(shown, cut, words)
            ]
            records = self[f"records_{number}"] if f"records_{number}" in self.fields else None
            rows.append((kpi, self[f"use_{number}"], parts, records))
        return rows

    @property
    def delivery_rows(self) -> list[list[Any]]:
        """The controls of each delivery."""
        return [
            [self[f"{name}_{number}"] for name in ("table", "by", "day", "time")]
            for number in range(self.delivery_count)
        ]

    def clean(self) -> dict[str, Any] | None:
        """Require a KPI, and a target for each that is kept."""
        cleaned_data = super().clean()
        if not any(self.cleaned_data.get(f"use_{number}") for number in range(len(self.candidates))):
            raise forms.ValidationError(words_for(language())("refused.kpis.none_chosen"))
        return cleaned_data

    @property
    def terms(self) -> Terms:
        """Return the set of a valid form."""
        data = self.cleaned_data
        kept = [number for number in range(len(self.candidates)) if data[f"use_{number}"]]
        return Terms(
            tuple(self._kpi(number) for number in kept),
            Cut(data["cut"]),
            date.fromisoformat(data["valid_from"]),
            tuple(self._delivery(number) for number in range(self.delivery_count) if data[f"table_{number}"]),
        )

    def _kpi(self, number: int) -> Kpi:
        data, kpi = self.cleaned_data, self.candidates[number]
        changes: dict[str, Any] = {"target": kept_target(kpi, data[f"{TARGET}_{number}"])}
        pin = THRESHOLDS.get(kpi.measure)
        if pin is not None:
            changes[pin] = type(getattr(kpi, pin))(data[f"{PIN}_{number}"])
        if f"records_{number}" in self.fields:
            changes["records"] = data[f"records_{number}"] or None
        return replace(kpi, **changes, channels=tuple(data[f"{CHANNEL}_{number}"].split(_APART)))

    def _delivery(self, number: int) -> AgreedDelivery:
        data = self.cleaned_data
        due = f"{data[f'day_{number}']} {data[f'time_{number}']:%H:%M}"
        return AgreedDelivery(data[f"table_{number}"], Side(data[f"by_{number}"]), due)
