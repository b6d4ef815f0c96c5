"""The app."""

from django.apps import AppConfig


class Reviews(AppConfig):
    """The joint review."""

    name = "comity.apps.reviews"
    label = "reviews"

    def ready(self) -> None:
        """Say what stands on the page of today."""
        from comity.apps.reviews import today  # noqa: PLC0415 - once the models are there

        today.register()
