"""Organisations, the relationships that join two of them, and the people who stand on a side of one or on none."""

import uuid
from datetime import date
from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from comity.apps.parties.names import validate_name
from comity.core.values import Side

SIDE_CHOICES = [(side.value, side.value) for side in Side]
DAY_BOUNDS = (date(1990, 1, 1), date(2199, 12, 31))  # the first and last day that forms and the API accept


class Role(models.TextChoices):
    """What somebody does in a relationship; `rights` says what each may."""

    LEAD = "lead"
    ANALYST = "analyst"
    FINANCE = "finance"
    ROSTER = "roster"
    MEMBER = "member"
    EXECUTIVE = "executive"
    SURVEYOR = "surveyor"
    MEDIATOR = "mediator"
    AUDITOR = "auditor"


NEUTRAL_ROLES = (Role.SURVEYOR, Role.MEDIATOR, Role.AUDITOR)


class UUIDModel(models.Model):
    """A model with a random id, which tells neither how many rows there are nor in which order they were added."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        """No table of its own."""

        abstract = True


class PersonManager(BaseUserManager["Person"]):
    """Manager of people."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":  # noqa: ANN401 - any field
        """Create a person, who signs in with this address; without a password by other means alone.

        :raises comity.apps.refusal.Refused: for a name that holds a link or a line break
        """
        fields["name"] = validate_name(fields["name"])
        person = self.model(email=self.normalize_email(email).lower(), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def get_by_natural_key(self, username: str | None) -> "Person":
        """Return the person with this address, in any case."""
        return self.get(email__iexact=username)


class Person(AbstractBaseUser, UUIDModel):
    """Somebody who signs in. The same person may stand on a side of many relationships."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=120)
    language = models.CharField(max_length=5, blank=True)
    is_active = models.BooleanField(default=True)
    joined_at = models.DateTimeField(default=timezone.now)
    named_at = models.DateTimeField(default=timezone.now, editable=False)  # since when this is the name; the database's

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    def __str__(self) -> str:
        """By name."""
        return self.name

    @property
    def initials(self) -> str:
        """The initials, for a portrait."""
        return "".join(word[0] for word in self.name.split()[:2]).upper()


class Organisation(UUIDModel):
    """A firm, an authority, a group of users, a department. `placeholder` until somebody of it has joined."""

    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, default="external")  # of `OrganisationKind`
    placeholder = models.BooleanField(default=False)

    def __str__(self) -> str:
        """By name."""
        return self.name


class Relationship(UUIDModel):
    """Joins a customer and a provider; an organisation may be either in another."""

    customer = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    provider = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    founded_at = models.DateTimeField(default=timezone.now)
    # Business days within which what was not answered counts as accepted; asked for reminders before.
    reply_days = models.PositiveSmallIntegerField(default=10)
    closes_on_day = models.PositiveSmallIntegerField(default=10)
    is_sample = models.BooleanField(default=False, db_default=False)  # made up, for one person to look around in

    class Meta:
        """Nobody serves itself."""

        constraints: ClassVar = [models.CheckConstraint(condition=~Q(customer=F("provider")), name="two_parties")]

    def __str__(self) -> str:
        """By both names, the customer's first."""
        return f"{self.customer} with {self.provider}"

    @property
    def organisations(self) -> tuple[Organisation, Organisation]:
        """Both, the customer first."""
        return self.customer, self.provider

    def organisation(self, side: Side) -> Organisation:
        """Return the organisation of a side."""
        return self.customer if side is Side.CUSTOMER else self.provider


class Membership(UUIDModel):
    """Somebody's place in a relationship: on a side or on none, with a role, until they leave."""

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="memberships")
    person = models.ForeignKey(Person, models.PROTECT, related_name="memberships")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - none is a place too
    role = models.CharField(max_length=12, choices=Role.choices)
    stands_in_for = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="deputies")
    stands_in_until = models.DateField(null=True, blank=True)  # that day included
    joined_at = models.DateTimeField(default=timezone.now)
    left_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One place for each who is there; neutral roles on no side, the others on one."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "person"], condition=Q(left_at=None), name="one_place"),
            models.CheckConstraint(
                condition=(Q(side=None) & Q(role__in=NEUTRAL_ROLES)) | (~Q(side=None) & ~Q(role__in=NEUTRAL_ROLES)),
                name="neutral_on_no_side",
            ),
        ]

    def __str__(self) -> str:
        """By name and place."""
        return f"{self.person} ({self.role})"


class Firm(UUIDModel):
    """The firm of somebody who advises a side, which engaged it; from a moment until another, as both sides read.

    Written by a function of the database's owner for leads of the side.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    membership = models.ForeignKey(Membership, models.CASCADE, related_name="firms")
    person = models.ForeignKey(Person, models.PROTECT, related_name="+")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES)
    name = models.CharField(max_length=120)
    from_at = models.DateTimeField(default=timezone.now)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """In the order of their days."""

        ordering: ClassVar = ["from_at"]

    def __str__(self) -> str:
        """By its name."""
        return self.name


class Invitation(UUIDModel):
    """An invitation to join. Of the token in its mail only a digest is stored.

    One for a neutral person (`side` is None) is a proposal until a lead of the other side agrees: until then there is
    no token and no mail, so nobody can use it.
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="invitations")
    side = models.CharField(max_length=8, choices=SIDE_CHOICES, null=True, blank=True)  # noqa: DJ001 - as above
    role = models.CharField(max_length=12, choices=Role.choices)
    email = models.EmailField()
    digest = models.CharField(max_length=64, unique=True, null=True)  # noqa: DJ001 - unique where there is one
    made_by = models.ForeignKey(Membership, models.PROTECT, related_name="+")
    agreed_by = models.ForeignKey(Membership, models.PROTECT, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(Membership, models.SET_NULL, null=True, blank=True, related_name="+")
    withdrawn_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        """To whom."""
        return self.email


class Token(UUIDModel):
    """Lets a program in as a person, for a time and a purpose. Of its secret only a digest is stored."""

    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    name = models.CharField(max_length=80)
    digest = models.CharField(max_length=64, unique=True)
    writes = models.BooleanField(default=False)
    made_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-made_at"]

    def __str__(self) -> str:
        """By its name."""
        return self.name
