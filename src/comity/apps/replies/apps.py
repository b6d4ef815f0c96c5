"""The app."""

from django.apps import AppConfig


class Replies(AppConfig):
    """Reply times."""

    name = "comity.apps.replies"
    label = "replies"

    def ready(self) -> None:
        """Say what stands on the page of today."""
        from comity.apps.replies import today  # noqa: PLC0415 - once the models are there

        today.register()
