"""What the review's pages take in."""

from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.reviews.models import Attachment, ByMail, Schedule, View


class Restate(LocalisedForm):
    """Why the records say something else of a frozen period now."""

    key_prefix = "closing"
    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class Wish(LocalisedForm):
    """The review by mail: when, with which file, seen by whose eyes."""

    key_prefix = "wish"
    due = forms.ChoiceField()
    form = forms.ChoiceField(required=False)
    view = forms.ChoiceField()

    def __init__(self, *args: Any, own: bool, wish: ByMail | None, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer what there is, first what was wished before; the own side's view to who has one."""
        before = (
            {} if wish is None else {"due": wish.due, "form": wish.form, "view": View.JOINT if wish.joint else View.OWN}
        )
        super().__init__(*args, initial=before, **more)
        said = words_for(language())
        self.fields["due"].choices = [(one.value, said(f"wish.{one.name.lower()}")) for one in Schedule]  # type: ignore[attr-defined]
        self.fields["form"].choices = [(one.value, one.value.upper() or said("wish.no_file")) for one in Attachment]  # type: ignore[attr-defined]
        view = list(View) if own else [View.JOINT]
        self.fields["view"].choices = [(one.value, said(f"wish.{one.value}")) for one in view]  # type: ignore[attr-defined]
