"""The app."""

from django.apps import AppConfig


class Parties(AppConfig):
    """Organisations, relationships and people."""

    name = "comity.apps.parties"
    label = "parties"

    def ready(self) -> None:
        """Connect the receivers of signals, and register the part of the inbox."""
        from comity.apps.parties import (  # noqa: PLC0415 - need the models
            receivers,  # noqa: F401 - connected by being imported
            search,
            today,
        )

        today.register()
        search.register()
