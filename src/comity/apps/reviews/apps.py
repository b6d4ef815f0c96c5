"""The app."""

from django.apps import AppConfig


class Reviews(AppConfig):
    """The joint review."""

    name = "comity.apps.reviews"
    label = "reviews"
