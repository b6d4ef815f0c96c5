"""What the parties' pages take in."""

from typing import Any

from django import forms
from django.contrib.auth.password_validation import validate_password

from comity.apps.parties.models import NEUTRAL, Membership, Person, Role
from comity.apps.wording import language, words_for


class Worded(forms.Form):
    """A form whose labels are in the reader's language; `words` names the family of its keys."""

    words = ""

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Label each field."""
        super().__init__(*args, **more)
        said = words_for(language())
        for name, field in self.fields.items():
            field.label = said(f"{self.words}.{name}")
            if said.has(f"{self.words}.{name}_help"):
                field.help_text = said(f"{self.words}.{name}_help")


class Invite(Worded):
    """Whom to ask, and as what."""

    words = "invite"
    email = forms.EmailField()
    role = forms.ChoiceField()

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the roles by name."""
        super().__init__(*args, **more)
        said = words_for(language())
        choices = [(role.value, said(f"role.{role.value}")) for role in Role]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]


class Join(Worded):
    """Who somebody is, when they come the first time."""

    words = "join"
    name = forms.CharField(max_length=120)
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_password(self) -> str:
        """Refuse one that is guessed at once."""
        password: str = self.cleaned_data["password"]
        validate_password(password, Person(name=self.cleaned_data.get("name", "")))
        return password


class Begin(Worded):
    """A relationship, from one side."""

    words = "begin"
    own = forms.CharField(max_length=120)
    other = forms.CharField(max_length=120)
    side = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer both sides."""
        super().__init__(*args, **more)
        said = words_for(language())
        self.fields["side"].choices = [(one, said(f"begin.{one}")) for one in ("customer", "provider")]  # type: ignore[attr-defined]


class Place(Worded):
    """Somebody's role, among those of their kind."""

    words = "place"
    role = forms.ChoiceField()

    def __init__(self, *args: Any, neutral: bool, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer roles of a side, or those that stand on none."""
        super().__init__(*args, **more)
        said = words_for(language())
        fitting = [role for role in Role if (role in NEUTRAL) is neutral]
        self.fields["role"].choices = [(role.value, said(f"role.{role.value}")) for role in fitting]  # type: ignore[attr-defined]


class Deputy(Worded):
    """Who stands in, and until when."""

    words = "deputy"
    deputy = forms.ModelChoiceField(queryset=Membership.objects.none())
    until = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def __init__(self, *args: Any, people: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the others of the side."""
        super().__init__(*args, **more)
        self.fields["deputy"].queryset = people  # type: ignore[attr-defined]
        self.fields["deputy"].label_from_instance = lambda one: one.person.name  # type: ignore[attr-defined]


class MakeToken(Worded):
    """A token for a program."""

    words = "token"
    name = forms.CharField(max_length=80)
    days = forms.IntegerField(min_value=1, max_value=365, initial=90)
    writes = forms.BooleanField(required=False)
