"""What the parties' pages take in."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth.password_validation import validate_password
from django.core.validators import ProhibitNullCharactersValidator
from django.db import transaction
from django.db.models import QuerySet

from comity.apps.i18n import language, words_for
from comity.apps.parties.models import NEUTRAL, Membership, Person, Role
from comity.apps.parties.names import plain
from comity.apps.parties.queries import Led
from comity.apps.refusal import Refused
from comity.core.values import OrganisationKind, Side

_MOST_LISTED = 60


def plain_name(value: str) -> None:
    """Refuse a name with a link, a line break or a control character.

    :raises forms.ValidationError: with a sentence in the reader's language
    """
    try:
        plain(value)
    except Refused as refused:
        raise forms.ValidationError(refused.sentence(words_for(language()))) from None


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

    @contextmanager
    def showing_refusals(self, field: str | None = None) -> Iterator[None]:
        """Do something with what was typed; where it is refused, nothing of it is kept and the form says why.

        What somebody did too often has a page of its own.

        :param field: which field the sentence is about; None for the whole
        """
        try:
            with transaction.atomic():
                yield
        except Refused as refused:
            if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            self.add_error(field, refused.sentence(words_for(language())))


class Somebody(forms.Field):
    """One of some people: chosen from a list, or, where they are too many for one, by their name or a part of it."""

    widget: Any = forms.Select  # of its own, once people are offered
    people: QuerySet[Membership] = Membership.objects.none()
    now: Membership | None = None

    def offer(self, people: QuerySet[Membership], now: Membership | None = None) -> None:
        """From these, of whom one may be chosen already."""
        self.people, self.now = people, now
        some = list(people.values_list("pk", "person__name")[: _MOST_LISTED + 1])
        if len(some) > _MOST_LISTED:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 120})
            self.help_text = words_for(language())("somebody.by_name")
        else:
            self.widget = forms.Select(choices=[("", "---------"), *some])
        self.widget.is_required = self.required

    def prepare_value(self, value: object) -> object:
        """As the widget has it."""
        if not isinstance(value, Membership):
            return value
        if value.left_at is not None:
            return ""
        return value.pk if isinstance(self.widget, forms.Select) else value.person.name

    def clean(self, value: Any) -> Membership | None:  # noqa: ANN401 - as Django calls it
        """The one who is meant.

        :raises forms.ValidationError: for nobody, and for several, who are then listed to choose from
        """
        text = str(value or "").strip()[:120]
        self.validate(text)
        ProhibitNullCharactersValidator()(text)
        if not text:
            return None
        if self.now is not None and self.now.left_at is None and text == self.now.person.name:
            return self.now
        try:
            found = list(self.people.filter(pk=UUID(text)))
        except ValueError:
            found = list(self.people.filter(person__name__iexact=text)[: _MOST_LISTED + 1])
            if len(found) != 1:
                found = list(self.people.filter(person__name__icontains=text)[: _MOST_LISTED + 1])
        if len(found) == 1:
            return found[0]
        said = words_for(language())
        if not found or len(found) > _MOST_LISTED:
            raise forms.ValidationError(said("somebody.too_many" if found else "somebody.nobody"))
        listed = [(one.pk, f"{one.person.name}, {said(f'role.{one.role}').lower()}") for one in found]
        self.widget, self.help_text = forms.Select(choices=[("", "---------"), *listed]), ""
        raise forms.ValidationError(said("somebody.which"))


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
    name = forms.CharField(max_length=120, validators=[plain_name])
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_password(self) -> str:
        """Refuse one that is guessed at once."""
        password: str = self.cleaned_data["password"]
        validate_password(password, Person(name=self.cleaned_data.get("name", "")))
        return password


class SetUp(Join):
    """The first person of a room, or somebody with a link of its administrator's."""

    words = "set_up"
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    field_order = ("email", "name", "password")


class Begin(Worded):
    """A relationship, from one side."""

    words = "begin"
    organisation = forms.ChoiceField(required=False)
    own = forms.CharField(max_length=120, required=False, validators=[plain_name])
    own_kind = forms.ChoiceField(required=False)
    other = forms.CharField(max_length=120, validators=[plain_name])
    other_kind = forms.ChoiceField(required=False)
    side = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *args: Any, led: Sequence[Led] = (), **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer both sides, what an organisation may be, and those that the person leads elsewhere."""
        super().__init__(*args, **more)
        said = words_for(language())
        kinds = [(one.value, said(f"organisation.{one.value}")) for one in OrganisationKind]
        for name in ("own_kind", "other_kind"):
            self.fields[name].choices = kinds  # type: ignore[attr-defined]
        self.fields["side"].choices = [(side.value, said(f"begin.{side}")) for side in Side]  # type: ignore[attr-defined]
        if led:
            known = [("", said("begin.another")), *((str(one.id), one.name) for one in led)]
            self.fields["organisation"].choices = known  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]

    def clean(self) -> dict[str, Any] | None:
        """An organisation that is led elsewhere, or a name."""
        found = super().clean()
        if not self.cleaned_data.get("organisation") and not self.cleaned_data.get("own") and "own" not in self.errors:
            self.add_error("own", self.fields["other"].error_messages["required"])
        return found


class Place(Worded):
    """Somebody's role, among those of a side."""

    words = "place"
    role = forms.ChoiceField()

    def __init__(self, *args: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the roles of a side."""
        super().__init__(*args, **more)
        said = words_for(language())
        fitting = [role for role in Role if role not in NEUTRAL]
        self.fields["role"].choices = [(role.value, said(f"role.{role.value}")) for role in fitting]  # type: ignore[attr-defined]


class Deputy(Worded):
    """Who stands in, and until when."""

    words = "deputy"
    deputy = Somebody()
    until = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def __init__(self, *args: Any, people: Any, **more: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Offer the others of the side."""
        super().__init__(*args, **more)
        self.fields["deputy"].offer(people)  # type: ignore[attr-defined]


class MakeToken(Worded):
    """A token for a program."""

    words = "token"
    name = forms.CharField(max_length=80, validators=[plain_name])
    days = forms.IntegerField(min_value=1, max_value=365, required=False)
    writes = forms.BooleanField(required=False)


class UseOrganisation(Worded):
    """Which organisation, of those that somebody leads elsewhere, this side is."""

    words = "one_organisation"
    organisation = forms.ChoiceField()

    def __init__(self, *args: Any, led: Sequence[Led] = (), **more: Any) -> None:  # noqa: ANN401 - as above
        """Offer them."""
        super().__init__(*args, **more)
        self.fields["organisation"].choices = [(str(one.id), one.name) for one in led]  # type: ignore[attr-defined]
