"""Forms of the review's pages."""

from typing import Any

from django import forms

from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.reviews.models import Attachment, ByMail, PeriodComment, Schedule, View


class RestateForm(LocalisedForm):
    """Restate a frozen period, with a reason."""

    key_prefix = "closing"
    reason = forms.CharField(max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))


class CommentForm(LocalisedForm):
    """Write what the own side says about a period; `seen` is the number of the version that the page has shown."""

    key_prefix = "comments"
    text = forms.CharField(
        max_length=PeriodComment.MAX_LENGTH, required=False, widget=forms.Textarea(attrs={"rows": 4})
    )
    seen = forms.IntegerField(min_value=0, widget=forms.HiddenInput)


class LogoForm(LocalisedForm):
    """Upload the logo of the own side."""

    key_prefix = "logo"
    file = forms.FileField(widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg"}))


class MailForm(LocalisedForm):
    """Subscribe to the review by mail: when, with which file, in which view."""

    key_prefix = "wish"
    due = forms.ChoiceField()
    form = forms.ChoiceField(required=False)
    view = forms.ChoiceField()

    def __init__(self, *args: Any, own: bool, subscription: ByMail | None, **options: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the choices, preset from the subscription; the own side's view only to members who have one."""
        initial = (
            {}
            if subscription is None
            else {
                "due": subscription.due,
                "form": subscription.form,
                "view": View.JOINT if subscription.joint else View.OWN,
            }
        )
        super().__init__(*args, initial=initial, **options)
        words = words_for(language())
        self.fields["due"].choices = [(one.value, words(f"wish.{one.name.lower()}")) for one in Schedule]  # type: ignore[attr-defined]
        attachments = [
            (one.value, words(f"review.file_{one.value}" if one.value else "wish.no_file")) for one in Attachment
        ]
        self.fields["form"].choices = attachments  # type: ignore[attr-defined]
        view = list(View) if own else [View.JOINT]
        self.fields["view"].choices = [(one.value, words(f"wish.{one.value}")) for one in view]  # type: ignore[attr-defined]
