"""The app."""

from django.apps import AppConfig


class Today(AppConfig):
    """The Today page."""

    name = "comity.apps.today"
    label = "today"

    def ready(self) -> None:
        """Register the first entry of the navigation."""
        from comity.apps.parties.panels import NavEntry, add_nav_entry  # noqa: PLC0415 - once the models are there
        from comity.apps.today import search  # noqa: PLC0415 - as above

        search.register()
        add_nav_entry(NavEntry("today", 10, key="t"))
