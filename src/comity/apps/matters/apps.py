"""The app."""

from django.apps import AppConfig


class Matters(AppConfig):
    """What one side asks and the other answers."""

    name = "comity.apps.matters"
    label = "matters"
