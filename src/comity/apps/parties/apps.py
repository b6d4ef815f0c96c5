"""The app."""

from django.apps import AppConfig


class Parties(AppConfig):
    """Organisations, relationships and people."""

    name = "comity.apps.parties"
    label = "parties"

    def ready(self) -> None:
        """Connect the receivers of signals, and stand in the navigation."""
        from comity.apps.parties import receivers  # noqa: F401, PLC0415 - needs the models
        from comity.apps.parties.panels import NavEntry, add_nav_entry  # noqa: PLC0415 - as above

        add_nav_entry(NavEntry("people", 60))
