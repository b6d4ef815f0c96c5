"""The app."""

from django.apps import AppConfig


class Personal(AppConfig):
    """A person's own choices."""

    name = "comity.apps.personal"
    label = "personal"
