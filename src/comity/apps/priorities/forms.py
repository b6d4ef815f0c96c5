"""Forms of priorities: the day of a round, one side's order, and a joint order. A KPI is a row, by its number."""

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.core.agreements.priorities import LONGEST_NEED, MAX_NEEDS, Ordered, Ranking, places, ranking_of
from comity.core.values import Side

_LONGEST_OWNER = 120
NEEDS = tuple((f"need_{number}", f"believed_{number}") for number in range(1, MAX_NEEDS + 1))


class StartForm(LocalisedForm):
    """The last day of a round."""

    key_prefix = "priorities_start"
    closes_on = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"))


class RankingForm(forms.Form):
    """One side's order: a number for each KPI, equal ones for a tie; which it would drop; and needs."""

    def __init__(self, kpis: Sequence[str], ranking: Ranking, data: Any = None) -> None:  # noqa: ANN401 - what was sent
        """Make the controls.

        :param kpis: ids of the round, in its order
        :param ranking: what is saved
        """
        super().__init__(data)
        self.kpis, words, known = list(kpis), words_for(language()), places(ranking)
        for number, kpi in enumerate(self.kpis):
            dropped = kpi in ranking.dropped
            self.fields[f"place_{number}"] = forms.IntegerField(
                required=False, min_value=1, max_value=len(self.kpis), initial=None if dropped else known.get(kpi)
            )
            self.fields[f"drop_{number}"] = forms.BooleanField(required=False, initial=dropped)
        for own, other in NEEDS:
            at = int(own[-1]) - 1
            for name, texts in ((own, ranking.needs), (other, ranking.believed)):
                initial = texts[at] if at < len(texts) else ""
                self.fields[name] = forms.CharField(required=False, max_length=LONGEST_NEED, initial=initial)
                key = f"priorities.{name.partition('_')[0]}_number"
                self.fields[name].label = words(key, number=at + 1)
        self.order = sorted(range(len(self.kpis)), key=lambda number: known.get(self.kpis[number], len(self.kpis) + 1))

    def ranking(self) -> Ranking | None:
        """Return the order that was written; None where it is not valid."""
        if not self.is_valid():
            return None
        data = self.cleaned_data
        numbers = {kpi: data[f"place_{number}"] for number, kpi in enumerate(self.kpis)}
        dropped = [kpi for number, kpi in enumerate(self.kpis) if data[f"drop_{number}"]]
        needs, believed = ([data[names[at]] for names in NEEDS] for at in (0, 1))
        return ranking_of(numbers, dropped, needs, believed)


class OrderForm(forms.Form):
    """A joint order: a number and an owner at each side for each KPI."""

    def __init__(
        self,
        kpis: Sequence[str],
        known: Mapping[str, Ordered],
        owners: Mapping[str, Mapping[Side, str]],
        data: Any = None,  # noqa: ANN401 - what was sent
    ) -> None:
        """Make the controls.

        :param kpis: ids of the round, in its order
        :param known: the order that is proposed
        :param owners: who answers for a KPI by the text in force
        """
        super().__init__(data)
        self.kpis = list(kpis)
        for number, kpi in enumerate(self.kpis):
            one = known.get(kpi)
            self.fields[f"at_{number}"] = forms.IntegerField(
                min_value=1, max_value=len(self.kpis), initial=None if one is None else one.place
            )
            for side in Side:
                initial = owners.get(kpi, {}).get(side, "") if one is None else one.owners[side]
                self.fields[f"{side}_{number}"] = forms.CharField(
                    max_length=_LONGEST_OWNER, initial=initial, widget=forms.TextInput(attrs={"list": f"of-{side}"})
                )
        last = len(self.kpis) + 1
        self.order = sorted(
            range(len(self.kpis)),
            key=lambda number: known[self.kpis[number]].place if self.kpis[number] in known else last,
        )

    def ordered(self) -> list[Ordered] | None:
        """Return the order that was written; None where it is not valid."""
        if not self.is_valid():
            return None
        return [
            Ordered(
                kpi,
                self.cleaned_data[f"at_{number}"],
                {side: " ".join(self.cleaned_data[f"{side}_{number}"].split()) for side in Side},
            )
            for number, kpi in enumerate(self.kpis)
        ]
