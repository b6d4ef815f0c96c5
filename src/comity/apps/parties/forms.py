"""Forms of the parties' pages."""

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
from comity.apps.parties.identity_providers import only_provider
from comity.apps.parties.models import NEUTRAL_ROLES, Membership, Person, Role
from comity.apps.parties.names import validate_name
from comity.apps.parties.queries import LedOrganisation
from comity.apps.parties.rights import OFFERED_ROLES
from comity.apps.refusal import Refused
from comity.core.values import OrganisationKind, Side

_MAX_LISTED = 60


def name_validator(value: str) -> None:
    """Validate a name, as `validate_name`.

    :raises forms.ValidationError: with a sentence in the reader's language
    """
    try:
        validate_name(value)
    except Refused as refused:
        raise forms.ValidationError(refused.sentence(words_for(language()))) from None


class LocalisedForm(forms.Form):
    """A form whose labels are in the reader's language.

    :cvar key_prefix: of the catalogue keys: `key_prefix.field`, and `key_prefix.field_help` for a help text
    """

    key_prefix = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Label each field."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        for name, field in self.fields.items():
            if field.widget.is_hidden:
                continue
            field.label = words(f"{self.key_prefix}.{name}")
            if words.has(f"{self.key_prefix}.{name}_help"):
                field.help_text = words(f"{self.key_prefix}.{name}_help")

    @contextmanager
    def showing_refusals(self, field: str | None = None) -> Iterator[None]:
        """Roll back and show the sentence on the form where an operation is refused.

        Exceeded rate limits have a page of their own and are raised.

        :param field: that the sentence is about; None for the whole form
        """
        try:
            with transaction.atomic():
                yield
        except Refused as refused:
            if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise
            self.add_error(field, refused.sentence(words_for(language())))


_PARTY_NAMES = ("relationship__customer__name", "relationship__provider__name")


def _by_party(listed: Sequence[tuple[Any, ...]]) -> list[tuple[Any, Any]]:
    """Return members as choices: under the name of their organisation where they are of several, else a plain list.

    :param listed: side, id, name, and the names of the customer and the provider, of each member
    """
    by_side: dict[str | None, list[tuple[UUID, str]]] = {}
    names: dict[str | None, str] = {}
    for side, pk, name, customer, provider in listed:
        by_side.setdefault(side, []).append((pk, name))
        names[side] = {Side.CUSTOMER.value: customer, Side.PROVIDER.value: provider}.get(side, "")
    if len(by_side) == 1:
        return next(iter(by_side.values()))
    return [(names[side] or words_for(language())("people.neutral"), people) for side, people in by_side.items()]


class MemberField(forms.Field):
    """A member out of several: a select, or, for more than `_MAX_LISTED`, a text field for a name or a part of it."""

    widget: Any = forms.Select  # replaced by `offer`
    members: QuerySet[Membership] = Membership.objects.none()
    current: Membership | None = None

    def offer(self, members: QuerySet[Membership], current: Membership | None = None) -> None:
        """Set who can be chosen, and who is chosen already."""
        self.members, self.current = members, current
        listed = list(members.values_list("side", "pk", "person__name", *_PARTY_NAMES)[: _MAX_LISTED + 1])
        if len(listed) > _MAX_LISTED:
            self.widget = forms.TextInput(attrs={"autocomplete": "off", "maxlength": 120})
            self.help_text = words_for(language())("somebody.by_name")
        else:
            nobody = ("", words_for(language())("somebody.choose"))
            self.widget = forms.Select(choices=[nobody, *_by_party(listed)])
        self.widget.is_required = self.required

    def prepare_value(self, value: object) -> object:
        """Return a membership's id for the select, its name for the text field."""
        if not isinstance(value, Membership):
            return value
        if value.left_at is not None:
            return ""
        return value.pk if isinstance(self.widget, forms.Select) else value.person.name

    def clean(self, value: Any) -> Membership | None:  # noqa: ANN401 - as Django calls it
        """Return the member with this id or name.

        :raises forms.ValidationError: for no match, and for several, which are then listed to choose from
        """
        text = str(value or "").strip()[:120]
        self.validate(text)
        ProhibitNullCharactersValidator()(text)
        if not text:
            return None
        if self.current is not None and self.current.left_at is None and text == self.current.person.name:
            return self.current
        try:
            matches = list(self.members.filter(pk=UUID(text)))
        except ValueError:
            matches = list(self.members.filter(person__name__iexact=text)[: _MAX_LISTED + 1])
            if len(matches) != 1:
                matches = list(self.members.filter(person__name__icontains=text)[: _MAX_LISTED + 1])
        if len(matches) == 1:
            return matches[0]
        words = words_for(language())
        if not matches or len(matches) > _MAX_LISTED:
            raise forms.ValidationError(words("somebody.too_many" if matches else "somebody.nobody"))
        choices = [(one.pk, f"{one.person.name}, {words(f'role.{one.role}').lower()}") for one in matches]
        self.widget, self.help_text = forms.Select(choices=[("", words("somebody.choose")), *choices]), ""
        raise forms.ValidationError(words("somebody.which"))


class InviteForm(LocalisedForm):
    """An invitation: address and role."""

    key_prefix = "invite"
    email = forms.EmailField()
    role = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices of roles."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        choices = [(role.value, words(f"role.{role.value}")) for role in OFFERED_ROLES]
        self.fields["role"].choices = choices  # type: ignore[attr-defined]


class JoinForm(LocalisedForm):
    """Name and password of a new account."""

    key_prefix = "join"
    name = forms.CharField(max_length=120, validators=[name_validator])
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}))

    def clean_password(self) -> str:
        """Refuse a weak password."""
        password: str = self.cleaned_data["password"]
        validate_password(password, Person(name=self.cleaned_data.get("name", "")))
        return password


class SetUpForm(JoinForm):
    """The account of the first person of a room, or of somebody with a link of its administrator's."""

    key_prefix = "set_up"
    email = forms.EmailField(max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    field_order = ("email", "name", "password")

    def clean_email(self) -> str:
        """Refuse an address that signs in through its organisation alone."""
        email: str = self.cleaned_data["email"]
        provider = only_provider(email)
        if provider is not None:
            raise forms.ValidationError(words_for(language())("sign_in.only_there", organisation=provider.name))
        return email


class RelationshipForm(LocalisedForm):
    """A new relationship, seen from one side."""

    key_prefix = "begin"
    organisation = forms.ChoiceField(required=False)
    own = forms.CharField(max_length=120, required=False, validators=[name_validator])
    own_kind = forms.ChoiceField(required=False)
    other = forms.CharField(max_length=120, validators=[name_validator])
    other_kind = forms.ChoiceField(required=False)
    side = forms.ChoiceField(widget=forms.RadioSelect)

    def __init__(self, *args: Any, led: Sequence[LedOrganisation] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices: both sides, kinds of organisation, and organisations that the person leads elsewhere."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        kinds = [(one.value, words(f"organisation.{one.value}")) for one in OrganisationKind]
        for name in ("own_kind", "other_kind"):
            self.fields[name].choices = kinds  # type: ignore[attr-defined]
        self.fields["side"].choices = [(side.value, words(f"begin.{side}")) for side in Side]  # type: ignore[attr-defined]
        if led:
            organisations = [("", words("begin.another")), *((str(one.id), one.name) for one in led)]
            self.fields["organisation"].choices = organisations  # type: ignore[attr-defined]
        else:
            del self.fields["organisation"]
            self.fields["own"].required = True

    def clean(self) -> dict[str, Any] | None:
        """Require an organisation or a name."""
        cleaned_data = super().clean()
        if not self.cleaned_data.get("organisation") and not self.cleaned_data.get("own") and "own" not in self.errors:
            self.add_error("own", self.fields["other"].error_messages["required"])
        return cleaned_data


class RoleForm(LocalisedForm):
    """A member's role, among those of a side."""

    key_prefix = "place"
    role = forms.ChoiceField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set the choices of roles."""
        super().__init__(*args, **kwargs)
        words = words_for(language())
        kept = self.initial.get("role")
        roles = [role for role in Role if role not in NEUTRAL_ROLES and (role in OFFERED_ROLES or role == kept)]
        self.fields["role"].choices = [(role.value, words(f"role.{role.value}")) for role in roles]  # type: ignore[attr-defined]


class FirmForm(LocalisedForm):
    """The firm of somebody who advises the side; empty where they are of the side itself."""

    key_prefix = "firm"
    name = forms.CharField(max_length=120, required=False, validators=[name_validator])


class DeputyForm(LocalisedForm):
    """A deputy, and the last day."""

    key_prefix = "deputy"
    deputy = MemberField()
    until = forms.DateField(widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}))

    def __init__(self, *args: Any, members: QuerySet[Membership], **kwargs: Any) -> None:  # noqa: ANN401 - as Django calls it
        """Set who can be chosen."""
        super().__init__(*args, **kwargs)
        self.fields["deputy"].offer(members)  # type: ignore[attr-defined]


class TokenForm(LocalisedForm):
    """An API token."""

    key_prefix = "token"
    name = forms.CharField(max_length=80, validators=[name_validator])
    days = forms.IntegerField(min_value=1, max_value=365, required=False)
    writes = forms.BooleanField(required=False)


class OrganisationForm(LocalisedForm):
    """The organisation, of those that the person leads elsewhere, that this side is."""

    key_prefix = "one_organisation"
    organisation = forms.ChoiceField()

    def __init__(self, *args: Any, led: Sequence[LedOrganisation] = (), **kwargs: Any) -> None:  # noqa: ANN401 - as above
        """Set the choices."""
        super().__init__(*args, **kwargs)
        self.fields["organisation"].choices = [(str(one.id), one.name) for one in led]  # type: ignore[attr-defined]
