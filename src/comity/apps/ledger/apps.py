"""Configuration of the app."""

from django.apps import AppConfig


class Ledger(AppConfig):
    """What each side owes the other."""

    name = "comity.apps.ledger"
    label = "ledger"

    def ready(self) -> None:
        """Register what differs, on Today."""
        from comity.apps.ledger import today  # noqa: PLC0415 - once the models are there

        today.register()
