"""The app."""

from django.apps import AppConfig


class Replies(AppConfig):
    """Reply times."""

    name = "comity.apps.replies"
    label = "replies"

    def ready(self) -> None:
        """Register the panel of the Today page."""
        from comity.apps.replies import today  # noqa: PLC0415 - once the models are there

        today.register()
