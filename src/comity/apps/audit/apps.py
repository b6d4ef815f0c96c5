"""The app."""

from django.apps import AppConfig


class Audit(AppConfig):
    """The log of a relationship."""

    name = "comity.apps.audit"
    label = "audit"

    def ready(self) -> None:
        """Register the panel of the Today page."""
        from comity.apps.audit import search, today  # noqa: PLC0415 - once the models are there

        today.register()
        search.register()
