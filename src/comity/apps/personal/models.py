"""A person's own choices and visits, which nobody else reads."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from comity.apps.parties.models import Person, Relationship, UUIDModel


class Appearance(models.TextChoices):
    """The colours of pages."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class DisplaySettings(models.Model):
    """How pages look to a person.

    :ivar time_zone: in which times are shown; empty: that of the relationship
    :ivar shortcuts: whether single keys lead to pages (WCAG 2.1.4 asks that they can be switched off)
    """

    person = models.OneToOneField(Person, models.CASCADE, primary_key=True, related_name="+")
    time_zone = models.CharField(max_length=60, blank=True)
    appearance = models.CharField(max_length=6, choices=Appearance.choices, default=Appearance.SYSTEM)

    shortcuts = models.BooleanField(default=True)

    def __str__(self) -> str:
        """Zone and colours."""
        return f"{self.time_zone or 'default zone'}, {self.appearance}"


class SavedView(UUIDModel):
    """A list's filters and sort order, saved under a name.

    :ivar page: the name of the list's URL
    :ivar query: of the URL
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    page = models.CharField(max_length=20)
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=300)
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        """In order of names, each once a list."""

        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["relationship", "person", "page", "name"], name="one_view_a_name")
        ]

    def __str__(self) -> str:
        """By its name."""
        return self.name


class Visit(UUIDModel):
    """When a person was last in a relationship.

    :ivar at: beginning of the latest visit
    :ivar before: beginning of the visit before; None for the first
    """

    relationship = models.ForeignKey(Relationship, models.CASCADE, related_name="+")
    person = models.ForeignKey(Person, models.CASCADE, related_name="+")
    at = models.DateTimeField(default=timezone.now)
    before = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One row a person and relationship."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["relationship", "person"], name="one_visit_a_person")]

    def __str__(self) -> str:
        """When."""
        return f"{self.at:%Y-%m-%d %H:%M}"
