"""Forms of what both sides agree on about the ledger: an opening list, a reversal, how a promise of a list ended."""

from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.ledger.operations import OpenedPromise
from comity.apps.parties.forms import LocalisedForm
from comity.apps.parties.member_context import MemberContext
from comity.core.ledger.accounts import PROMISE_KINDS, End
from comity.core.values import Side

ROWS = 8  # promises of a form; a longer list comes as another one


class OpeningForm(LocalisedForm):
    """A day, and rows of promises; a row without words is none."""

    key_prefix = "ledger"
    as_of = forms.DateField(widget=forms.DateInput(attrs={"type": "date"}))

    def __init__(self, *args: Any, member: MemberContext, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Add the controls of each row."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        party = member.party(words)
        debtors = [(side.value, party(side)) for side in Side]
        kinds = [(kind, words(f"ledger.kind_{kind}")) for kind in PROMISE_KINDS]
        for row in range(ROWS):
            named = {
                "debtor": forms.ChoiceField(choices=debtors, required=False),
                "kind": forms.ChoiceField(choices=kinds, required=False),
                "what": forms.CharField(max_length=400, required=False),
                "due_on": forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"})),
            }
            for name, field in named.items():
                field.label = words(f"ledger.opening_{name}")
                field.widget.attrs["aria-label"] = f"{field.label} {row + 1}"
                self.fields[f"{name}_{row}"] = field

    @property
    def rows(self) -> list[list[forms.BoundField]]:
        """The controls of each row."""
        return [[self[f"{name}_{row}"] for name in ("debtor", "kind", "what", "due_on")] for row in range(ROWS)]

    @property
    def promises(self) -> list[OpenedPromise]:
        """The promises that were filled in."""
        data = self.cleaned_data
        return [
            OpenedPromise(
                Side(data[f"debtor_{row}"]), data[f"kind_{row}"], data[f"what_{row}"].strip(), data[f"due_on_{row}"]
            )
            for row in range(ROWS)
            if data[f"what_{row}"].strip() and data[f"debtor_{row}"] and data[f"kind_{row}"]
        ]


class ReversalForm(LocalisedForm):
    """Which transaction, and why."""

    key_prefix = "ledger"
    number = forms.IntegerField(min_value=1, max_value=999_999_999)
    reason = forms.CharField(max_length=400)


class SettleForm(forms.Form):
    """Which promise of an opening list, how it ended, and when it was done."""

    key = forms.CharField(max_length=80)
    ended = forms.ChoiceField(choices=[(one, one) for one in (End.KEPT, End.LET_OFF, End.BROKEN)])
    done_on = forms.DateField(required=False)
