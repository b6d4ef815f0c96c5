"""The app."""

from django.apps import AppConfig


class Agreements(AppConfig):
    """The agreement and its changes."""

    name = "comity.apps.agreements"
    label = "agreements"

    def ready(self) -> None:
        """Register what waits on Today."""
        from comity.apps.agreements import today  # noqa: PLC0415 - once the models are there

        today.register()
