"""The app."""

from django.apps import AppConfig


class Parties(AppConfig):
    """Organisations, relationships and people."""

    name = "comity.apps.parties"
    label = "parties"
