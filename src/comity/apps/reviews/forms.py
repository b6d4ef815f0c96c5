"""What the review's pages take in."""

from typing import Any

from django import forms

from comity.apps.parties.forms import Worded
from comity.apps.reviews.models import ByMail
from comity.apps.wording import language, words_for

# As `comity.book.lateness.last_due` reads them; in words, by their place.
WHEN = {"monday 07:00": "monday", "day 1 07:00": "first", "day 5 07:00": "fifth", "day 15 07:00": "fifteenth"}
WITH = ("", "pdf", "xlsx", "pptx")


class Wish(Worded):
    """The review by mail: when, with which file, seen by whose eyes."""

    words = "wish"
    due = forms.ChoiceField()
    form = forms.ChoiceField(required=False)
    eyes = forms.ChoiceField()

    def __init__(self, *args: Any, own: bool, wish: ByMail | None, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer what there is, first what was wished before; the own side's view to who has one."""
        before = {} if wish is None else {"due": wish.due, "form": wish.form, "eyes": "joint" if wish.joint else "own"}
        super().__init__(*args, initial=before, **more)
        said = words_for(language())
        self.fields["due"].choices = [(due, said(f"wish.{name}")) for due, name in WHEN.items()]  # type: ignore[attr-defined]
        self.fields["form"].choices = [(one, one.upper() or said("wish.no_file")) for one in WITH]  # type: ignore[attr-defined]
        eyes = ("joint", "own") if own else ("joint",)
        self.fields["eyes"].choices = [(one, said(f"wish.{one}")) for one in eyes]  # type: ignore[attr-defined]
