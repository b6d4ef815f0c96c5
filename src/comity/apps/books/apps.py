"""The app."""

from django.apps import AppConfig


class Books(AppConfig):
    """The records of a relationship."""

    name = "comity.apps.books"
    label = "books"
