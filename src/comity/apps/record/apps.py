"""The app."""

from django.apps import AppConfig


class Record(AppConfig):
    """The record of a relationship."""

    name = "comity.apps.record"
    label = "record"
