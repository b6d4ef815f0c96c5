"""The app."""

from django.apps import AppConfig


class Outbox(AppConfig):
    """What must happen after commit."""

    name = "comity.apps.outbox"
    label = "outbox"

    def ready(self) -> None:
        """Register the panel of the Today page."""
        from comity.apps.outbox import today  # noqa: PLC0415 - once the models are there

        today.register()
